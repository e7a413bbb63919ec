"""e to a power, as contracts approximate it with a short polynomial. Powers and results in wad.

Mirrors `wTaylorCompounded`, src/libraries/MathLib.sol (morpho-org/morpho-blue@3085651), and `wExp`,
src/adaptive-curve-irm/libraries/ExpLib.sol (morpho-org/morpho-blue-irm@a1a87fd).
"""

from __future__ import annotations

from typing import Final

from protocol.fixed_point.int256 import div_int256_toward_zero
from protocol.fixed_point.uint256 import add, mul, mul_div_down
from protocol.units import WAD

LN_2_WAD: Final = 693147180559945309
LN_OF_ONE_UNIT_WAD: Final = -41_446531673892822312
"""ln(1e-18): e to a power below this is less than one unit of wad."""
EXP_UPPER_BOUND_WAD: Final = 93_859467695000404319
"""From this power on the result is `EXP_UPPER_VALUE_WAD`, which times 1e18 still fits an `int256`."""
EXP_UPPER_VALUE_WAD: Final = 57716089161558943949701069502944508345128_422502756744429568


def exp_minus_one_taylor(rate_wad: int, elapsed_s: int) -> int:
    """`e**(rate * time) - 1`: three terms of the Taylor series, each rounded down. Rate per second. [wad]

    Reverts `Panic(0x11)` where a product does not fit a word.
    """
    first = mul(rate_wad, elapsed_s)
    second = mul_div_down(first, first, 2 * WAD)
    third = mul_div_down(second, first, 3 * WAD)
    return add(add(first, second), third)


def exp_clipped(power_wad: int) -> int:
    """`e**power` for a signed power: 0 below ln(1e-18), constant from `EXP_UPPER_BOUND_WAD` on. [wad]

    The power is a multiple of ln 2, nearest with halves towards zero, and a rest, of which two terms of the series
    are taken.
    """
    if power_wad < LN_OF_ONE_UNIT_WAD:
        return 0
    if power_wad >= EXP_UPPER_BOUND_WAD:
        return EXP_UPPER_VALUE_WAD
    half = LN_2_WAD // 2
    doublings = div_int256_toward_zero(power_wad + (half if power_wad >= 0 else -half), LN_2_WAD)
    rest_wad = power_wad - doublings * LN_2_WAD
    of_rest_wad = WAD + rest_wad + rest_wad * rest_wad // WAD // 2
    return of_rest_wad << doublings if doublings >= 0 else of_rest_wad >> -doublings
