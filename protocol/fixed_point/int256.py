"""Solidity's checked `int256` arithmetic.

Arguments fit in `int256`; a result that does not reverts `Panic(0x11)`.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import DIVISION_BY_ZERO, OVERFLOW
from protocol.units import WAD

MAX_INT256 = 2**255 - 1
"""Largest signed word; the smallest is one further from zero."""


def add_int256(a: int, b: int) -> int:
    """`a + b`."""
    return _checked(a + b, a, b)


def sub_int256(a: int, b: int) -> int:
    """`a - b`."""
    return _checked(a - b, a, b)


def mul_int256(a: int, b: int) -> int:
    """`a * b`."""
    return _checked(a * b, a, b)


def div_int256_toward_zero(a: int, b: int) -> int:
    """`a / b` rounded towards zero, as Solidity and not as Python; reverts `Panic(0x12)` when `b` is zero."""
    if b == 0:
        raise EvmRevert(DIVISION_BY_ZERO, a=a)
    magnitude = abs(a) // abs(b)
    return _checked(magnitude if (a < 0) == (b < 0) else -magnitude, a, b)


def wad_mul_toward_zero(a: int, b_wad: int) -> int:
    """`a * b` rounded towards zero, in the unit of `a`.

    `wMulToZero`, src/adaptive-curve-irm/libraries/MathLib.sol (morpho-org/morpho-blue-irm@a1a87fd).
    """
    return div_int256_toward_zero(mul_int256(a, b_wad), WAD)


def wad_div_toward_zero(a: int, b: int) -> int:
    """`a / b` rounded towards zero, as a wad when both have one unit; `wDivToZero` there."""
    return div_int256_toward_zero(mul_int256(a, WAD), b)


def _checked(result: int, a: int, b: int) -> int:
    if not -MAX_INT256 - 1 <= result <= MAX_INT256:
        raise EvmRevert(OVERFLOW, a=a, b=b)
    return result
