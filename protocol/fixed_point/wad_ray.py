"""Multiplication and division in wad (18 decimals) and ray (27 decimals).

Mirrors `WadRayMath`, src/contracts/protocol/libraries/math/WadRayMath.sol@v3.6.0; the unnamed `rayMul`,
`rayDiv` and `wadDiv` of every version are the `half_up` forms. All revert empty on overflow and on a zero
divisor.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import EMPTY_REVERT
from protocol.units import HALF_RAY, HALF_WAD, MAX_UINT256, RAY, WAD, WAD_TO_RAY


def ray_mul_half_up(a: int, b_ray: int) -> int:
    """`a * b` to the nearest, in the unit of `a`."""
    numerator = a * b_ray + HALF_RAY
    if numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b_ray)
    return numerator // RAY


def ray_mul_down(a: int, b_ray: int) -> int:
    """`a * b` rounded down, in the unit of `a`."""
    numerator = a * b_ray
    if numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b_ray)
    return numerator // RAY


def ray_mul_up(a: int, b_ray: int) -> int:
    """`a * b` rounded up, in the unit of `a`."""
    numerator = a * b_ray
    if numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b_ray)
    return -(-numerator // RAY)


def ray_div_half_up(a: int, b_ray: int) -> int:
    """`a / b` to the nearest, in the unit of `a`."""
    numerator = a * RAY + b_ray // 2
    if b_ray == 0 or numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b_ray)
    return numerator // b_ray


def ray_div_down(a: int, b_ray: int) -> int:
    """`a / b` rounded down, in the unit of `a`."""
    numerator = a * RAY
    if b_ray == 0 or numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b_ray)
    return numerator // b_ray


def ray_div_up(a: int, b_ray: int) -> int:
    """`a / b` rounded up, in the unit of `a`."""
    numerator = a * RAY
    if b_ray == 0 or numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b_ray)
    return -(-numerator // b_ray)


def wad_mul_half_up(a: int, b_wad: int) -> int:
    """`a * b` to the nearest, in the unit of `a`."""
    numerator = a * b_wad + HALF_WAD
    if numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b_wad)
    return numerator // WAD


def wad_div_half_up(a: int, b: int) -> int:
    """`a / b` to the nearest, as a wad when both have one unit."""
    numerator = a * WAD + b // 2
    if b == 0 or numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b)
    return numerator // b


def wad_to_ray(a_wad: int) -> int:
    """The same number with nine more decimals, exact."""
    a_ray = a_wad * WAD_TO_RAY
    if a_ray > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a_wad)
    return a_ray
