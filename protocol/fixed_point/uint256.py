"""Solidity's checked `uint256` arithmetic and OpenZeppelin's `SafeCast`.

Arguments are unsigned. What Solidity checks by itself panics; what a library checks in assembly reverts
empty.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.units import MAX_UINT256

OVERFLOW = "Panic(0x11)"
DIVISION_BY_ZERO = "Panic(0x12)"
EMPTY_REVERT = "EmptyRevert"


def add(a: int, b: int, *, max_value: int = MAX_UINT256) -> int:
    """`a + b`; reverts `Panic(0x11)` above `max_value` (the type of the variable added to)."""
    total = a + b
    if total > max_value:
        raise EvmRevert(OVERFLOW, a=a, b=b)
    return total


def sub(a: int, b: int) -> int:
    """`a - b`; reverts `Panic(0x11)` below zero."""
    if b > a:
        raise EvmRevert(OVERFLOW, a=a, b=b)
    return a - b


def mul(a: int, b: int) -> int:
    """`a * b`; reverts `Panic(0x11)` above 2**256 - 1."""
    product = a * b
    if product > MAX_UINT256:
        raise EvmRevert(OVERFLOW, a=a, b=b)
    return product


def div_down(a: int, b: int) -> int:
    """`a / b`; reverts `Panic(0x12)` when `b` is zero."""
    if b == 0:
        raise EvmRevert(DIVISION_BY_ZERO, a=a)
    return a // b


def mul_div_down(a: int, b: int, c: int) -> int:
    """`a * b / c` as Solidity does it; reverts `Panic(0x11)` on overflow, `Panic(0x12)` when `c` is zero."""
    product = a * b
    if product > MAX_UINT256:
        raise EvmRevert(OVERFLOW, a=a, b=b)
    if c == 0:
        raise EvmRevert(DIVISION_BY_ZERO, a=product)
    return product // c


def mul_div_up(a: int, b: int, c: int) -> int:
    """`a * b / c` rounded up; reverts empty on overflow or when `c` is zero.

    Mirrors `MathUtils.mulDivCeil`, src/contracts/protocol/libraries/math/MathUtils.sol@v3.6.0.
    """
    product = a * b
    if c == 0 or product > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, a=a, b=b, c=c)
    return -(-product // c)


def mul_div_up_checked(a: int, b: int, c: int) -> int:
    """`(a * b + (c - 1)) / c`, each step checked; reverts `Panic(0x11)`, also when `c` is zero.

    Mirrors `MathLib.mulDivUp`, src/libraries/MathLib.sol (morpho-org/morpho-blue@3085651).
    """
    return add(mul(a, b), sub(c, 1)) // c


def to_uint(value: int, bits: int) -> int:
    """`SafeCast.toUint<bits>`: `value` unchanged; reverts when it needs more bits."""
    if value >> bits:
        raise EvmRevert("SafeCastOverflowedUintDowncast", bits=bits, value=value)
    return value
