"""The same number on another scale, rounded where decimals are dropped.

Mirrors the conversions of `WadRayMath`, src/libraries/math/WadRayMath.sol, and `MathUtils.divUp`,
src/libraries/math/MathUtils.sol (aave/aave-v4@v0.5.11). All revert empty on overflow and on a zero divisor.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import EMPTY_REVERT
from protocol.units import BPS, MAX_UINT256, RAY, WAD


def to_wad(a: int) -> int:
    """`a` with 18 more decimals, exact."""
    return _scaled(a, WAD)


def to_ray(a: int) -> int:
    """`a` with 27 more decimals, exact."""
    return _scaled(a, RAY)


def bps_to_wad(a_bps: int) -> int:
    """Basis points as a wad, exact."""
    return _scaled(a_bps, WAD // BPS)


def bps_to_ray(a_bps: int) -> int:
    """Basis points as a ray, exact."""
    return _scaled(a_bps, RAY // BPS)


def from_ray_up(a_ray: int) -> int:
    """`a` without its 27 decimals, rounded up."""
    return -(-a_ray // RAY)


def round_ray_up(a_ray: int) -> int:
    """`a` rounded up to a whole number, still with 27 decimals."""
    return _scaled(from_ray_up(a_ray), RAY)


def div_up(a: int, b: int) -> int:
    """`a / b` rounded up."""
    if b == 0:
        raise EvmRevert(EMPTY_REVERT, a=a)
    return -(-a // b)


def _scaled(a: int, factor: int) -> int:
    product = a * factor
    if product > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, factor=factor)
    return product
