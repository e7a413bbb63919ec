"""Compound's fixed point: a mantissa is a number times 1e18.

Mirrors `ExponentialNoError`, contracts/ExponentialNoError.sol, which rounds down, and `mulExp` of
contracts/Exponential.sol, which rounds to the nearest (compound-finance/compound-protocol@ae4388e). Faults are those
of `careful_math`.
"""

from __future__ import annotations

from protocol.fixed_point.careful_math import add, div_down, mul
from protocol.units import HALF_WAD, WAD


def mantissa_mul_down(a: int, b_mantissa: int) -> int:
    """`a * b` rounded down, in the unit of `a`: `mul_` of two, and `mul_ScalarTruncate`."""
    return mul(a, b_mantissa) // WAD


def mantissa_mul_half_up(a: int, b_mantissa: int) -> int:
    """`mulExp`: `a * b` to the nearest, halves up, in the unit of `a`."""
    return add(HALF_WAD, mul(a, b_mantissa)) // WAD


def mantissa_div_down(a: int, b_mantissa: int) -> int:
    """`a / b` rounded down, in the unit of `a`; of two amounts of one unit, a mantissa."""
    return div_down(mul(a, WAD), b_mantissa)


def mantissa_div_doubly_scaled_down(a: int, b_mantissa: int) -> int:
    """`divScalarByExpTruncate`: the same number, but `a * 1e36` must fit."""
    return div_down(mul(mul(WAD, a), WAD), b_mantissa) // WAD


def mantissa_mul_add_down(a_mantissa: int, b: int, addend: int) -> int:
    """`mul_ScalarTruncateAddUInt`: `a * b` rounded down, then added, in the unit of `b`."""
    return add(mul(a_mantissa, b) // WAD, addend)
