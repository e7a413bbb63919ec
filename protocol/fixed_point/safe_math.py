"""The same arithmetic as contracts before Solidity 0.8 check it: equal integers, other names of what went wrong.

Mirrors `SafeMath` of OpenZeppelin 3, contracts/dependencies/openzeppelin/contracts/SafeMath.sol, and `WadRayMath`
and `PercentageMath`, contracts/protocol/libraries/math (aave/protocol-v2@1.0.1), whose overflows and zero
divisors revert with the numbered errors '48' and '50'. Arguments are unsigned.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.errors import EvmRevert
from protocol.fixed_point import percentage, uint256, wad_ray
from protocol.units import WAD_TO_RAY

ADDITION_OVERFLOW = "SafeMath: addition overflow"
SUBTRACTION_OVERFLOW = "SafeMath: subtraction overflow"
MULTIPLICATION_OVERFLOW = "SafeMath: multiplication overflow"
DIVISION_BY_ZERO = "SafeMath: division by zero"
MATH_MULTIPLICATION_OVERFLOW = "MathMultiplicationOverflow"
MATH_DIVISION_BY_ZERO = "MathDivisionByZero"

_OfTwo = Callable[[int, int], int]


def _naming(rule: _OfTwo, overflow: str, by_zero: str = "") -> _OfTwo:
    """`rule` with the errors of the old libraries; a second argument of 0 can only fail as a divisor."""

    def named(a: int, b: int) -> int:
        try:
            return rule(a, b)
        except EvmRevert as revert:
            raise EvmRevert(overflow if b else by_zero, **revert.numbers) from None

    return named


add = _naming(uint256.add, ADDITION_OVERFLOW)
"""`a + b`."""
sub = _naming(uint256.sub, SUBTRACTION_OVERFLOW)
"""`a - b`; reverts below zero."""
mul = _naming(uint256.mul, MULTIPLICATION_OVERFLOW)
"""`a * b`."""
div_down = _naming(uint256.div_down, MULTIPLICATION_OVERFLOW, DIVISION_BY_ZERO)
"""`a / b` rounded down."""

ray_mul_half_up = _naming(wad_ray.ray_mul_half_up, MATH_MULTIPLICATION_OVERFLOW)
"""`rayMul`: `a * b` to the nearest, in the unit of `a`."""
ray_div_half_up = _naming(wad_ray.ray_div_half_up, MATH_MULTIPLICATION_OVERFLOW, MATH_DIVISION_BY_ZERO)
"""`rayDiv`: `a / b` to the nearest, in the unit of `a`."""
wad_div_half_up = _naming(wad_ray.wad_div_half_up, MATH_MULTIPLICATION_OVERFLOW, MATH_DIVISION_BY_ZERO)
"""`wadDiv`: `a / b` to the nearest, as a wad when both have one unit."""
percent_mul_half_up = _naming(percentage.percent_mul_half_up, MATH_MULTIPLICATION_OVERFLOW)
"""`percentMul`: `value * share` to the nearest."""
percent_div_half_up = _naming(
    percentage.percent_div_half_up, MATH_MULTIPLICATION_OVERFLOW, MATH_DIVISION_BY_ZERO
)
"""`percentDiv`: `value / share` to the nearest."""


def mul_div_down(a: int, b: int, c: int) -> int:
    """`a.mul(b).div(c)`: rounded down."""
    return div_down(mul(a, b), c)


def wad_to_ray(a_wad: int) -> int:
    """`wadToRay`: the same number with nine more decimals, exact; reverts '48' on overflow."""
    try:
        return uint256.mul(a_wad, WAD_TO_RAY)
    except EvmRevert as revert:
        raise EvmRevert(MATH_MULTIPLICATION_OVERFLOW, **revert.numbers) from None
