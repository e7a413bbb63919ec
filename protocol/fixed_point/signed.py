"""Casts between signed and unsigned integers, and a difference added to an unsigned one.

Mirrors OpenZeppelin's `SafeCast` and `MathUtils.add`, src/libraries/math/MathUtils.sol (aave/aave-v4@v0.5.11).
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, sub


def to_uint256(value: int) -> int:
    """`SafeCast.toUint256`: `value` unchanged; reverts below zero."""
    if value < 0:
        raise EvmRevert("SafeCastOverflowedIntToUint", value=value)
    return value


def to_int256(value: int) -> int:
    """`SafeCast.toInt256`: `value` unchanged; reverts when it needs the sign bit."""
    if value >> 255:
        raise EvmRevert("SafeCastOverflowedUintToInt", value=value)
    return value


def to_int(value: int, bits: int) -> int:
    """`SafeCast.toInt<bits>`: `value` unchanged; reverts when it needs more bits, its sign among them."""
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise EvmRevert("SafeCastOverflowedIntDowncast", bits=bits, value=value)
    return value


def add_signed(a: int, difference: int) -> int:
    """`a + difference` for an unsigned `a`; reverts `Panic(0x11)` below zero and above 2**256 - 1."""
    return add(a, difference) if difference >= 0 else sub(a, -difference)
