"""Multiplying and dividing with a 512-bit product: no overflow in between, only of the result.

Mirrors OpenZeppelin's `Math.mulDiv`, src/dependencies/openzeppelin/Math.sol, and the empty-reverting
`MathUtils.mulDivDown`, src/libraries/math/MathUtils.sol (aave/aave-v4@v0.5.11). Arguments are unsigned.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import DIVISION_BY_ZERO, EMPTY_REVERT, OVERFLOW
from protocol.units import MAX_UINT256


def mul_div_wide_down(a: int, b: int, c: int) -> int:
    """`a * b / c` rounded down; reverts `Panic(0x12)` when `c` is zero, `Panic(0x11)` if the result is too big."""
    if c == 0:
        raise EvmRevert(DIVISION_BY_ZERO, a=a, b=b)
    quotient = a * b // c
    if quotient > MAX_UINT256:
        raise EvmRevert(OVERFLOW, a=a, b=b, c=c)
    return quotient


def mul_div_wide_up(a: int, b: int, c: int) -> int:
    """`a * b / c` rounded up; reverts as `mul_div_wide_down`."""
    if c == 0:
        raise EvmRevert(DIVISION_BY_ZERO, a=a, b=b)
    quotient = -(-a * b // c)
    if quotient > MAX_UINT256:
        raise EvmRevert(OVERFLOW, a=a, b=b, c=c)
    return quotient


def mul_div_narrow_down(a: int, b: int, c: int) -> int:
    """`a * b / c` rounded down with a product of 256 bits; reverts empty on overflow or when `c` is zero."""
    product = a * b
    if c == 0 or product > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b, c=c)
    return product // c
