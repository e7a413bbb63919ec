"""What borrowing costs per second: the two interest rate models, as a view and with what they store.

Mirrors `AdaptiveCurveIrm`, src/adaptive-curve-irm/AdaptiveCurveIrm.sol (morpho-org/morpho-blue-irm@a1a87fd), and
`IrmMock`, src/mocks/IrmMock.sol (morpho-org/morpho-blue@3085651). Rates are per second; signed products and
quotients of the curve round towards zero.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.fixed_point.exponential import exp_clipped
from protocol.fixed_point.int256 import (
    div_int256_toward_zero,
    mul_int256,
    wad_div_toward_zero,
    wad_mul_toward_zero,
)
from protocol.fixed_point.uint256 import mul_div_down, sub
from protocol.morpho_blue.state import AdaptiveCurve, Irm, Market
from protocol.units import SECONDS_PER_YEAR, WAD

CURVE_STEEPNESS_WAD: Final = 4 * WAD
"""The rate at full utilization is the rate at target times this, the rate at none the same divided by it."""
ADJUSTMENT_SPEED_WAD: Final = 50 * WAD // SECONDS_PER_YEAR
"""[per second] How fast the rate at target moves at the largest distance from it."""
TARGET_UTILIZATION_WAD: Final = 9 * WAD // 10
INITIAL_RATE_AT_TARGET_WAD: Final = 4 * WAD // 100 // SECONDS_PER_YEAR
MIN_RATE_AT_TARGET_WAD: Final = WAD // 1000 // SECONDS_PER_YEAR
MAX_RATE_AT_TARGET_WAD: Final = 2 * WAD // SECONDS_PER_YEAR


class BorrowRate(NamedTuple):
    """The rate since the last update, and the model with what it stores after a call that is no view."""

    rate_per_second_wad: int
    irm: Irm


class _RateAtTarget(NamedTuple):
    """The rate at target over the time since the last update: its mean, and where it ends. [wad]"""

    mean: int
    end: int


def borrow_rate(market: Market, irm: Irm, timestamp: int) -> BorrowRate:
    """`borrowRate` at `timestamp` [s]; the curve reverts `Panic(0x11)` for a time before the last update."""
    if not isinstance(irm, AdaptiveCurve):
        return BorrowRate(utilization(market) // SECONDS_PER_YEAR, irm)
    error_wad = distance_from_target(utilization(market))
    moved = _rate_at_target(market, irm.rate_at_target_per_second_wad, error_wad, timestamp)
    return BorrowRate(curve(moved.mean, error_wad), AdaptiveCurve(rate_at_target_per_second_wad=moved.end))


def borrow_rate_view(market: Market, *, timestamp: int) -> int:
    """`borrowRateView` at `timestamp` [s]; 0 in a market without a rate model. [wad per second]

    Raises `EvmRevert` as the curve does for a time before the last update.
    """
    if market.irm is None:
        return 0
    return borrow_rate(market, market.irm, timestamp).rate_per_second_wad


def utilization(market: Market) -> int:
    """Borrowed by supplied, rounded down; 0 while nothing is supplied. [wad]"""
    if market.total_supply.assets == 0:
        return 0
    return mul_div_down(market.total_borrow.assets, WAD, market.total_supply.assets)


def distance_from_target(utilization_wad: int) -> int:
    """How far the utilization is from 90 %: -1 at none, 1 at all. [wad] Signed."""
    beyond_wad = utilization_wad - TARGET_UTILIZATION_WAD
    most_wad = WAD - TARGET_UTILIZATION_WAD if beyond_wad > 0 else TARGET_UTILIZATION_WAD
    return wad_div_toward_zero(beyond_wad, most_wad)


def curve(rate_at_target_wad: int, error_wad: int) -> int:
    """`_curve`: the rate at this distance from the target utilization. [wad per second]"""
    if error_wad < 0:
        coefficient_wad = WAD - wad_div_toward_zero(WAD, CURVE_STEEPNESS_WAD)
    else:
        coefficient_wad = CURVE_STEEPNESS_WAD - WAD
    factor_wad = wad_mul_toward_zero(coefficient_wad, error_wad) + WAD
    return wad_mul_toward_zero(factor_wad, rate_at_target_wad)


def _rate_at_target(market: Market, start_wad: int, error_wad: int, timestamp: int) -> _RateAtTarget:
    """The mean by the trapezoidal rule over two halves of the time; the first call does not ask for the time."""
    if start_wad == 0:
        return _RateAtTarget(INITIAL_RATE_AT_TARGET_WAD, INITIAL_RATE_AT_TARGET_WAD)
    elapsed_s = sub(timestamp, market.last_update_timestamp)
    adaptation_wad = mul_int256(wad_mul_toward_zero(ADJUSTMENT_SPEED_WAD, error_wad), elapsed_s)
    if adaptation_wad == 0:
        return _RateAtTarget(start_wad, start_wad)
    end_wad = _adapted(start_wad, adaptation_wad)
    middle_wad = _adapted(start_wad, div_int256_toward_zero(adaptation_wad, 2))
    return _RateAtTarget((start_wad + end_wad + 2 * middle_wad) // 4, end_wad)


def _adapted(start_wad: int, adaptation_wad: int) -> int:
    """`_newRateAtTarget`: the start times e to the adaptation, within the limits."""
    rate_wad = wad_mul_toward_zero(start_wad, exp_clipped(adaptation_wad))
    return max(min(rate_wad, MAX_RATE_AT_TARGET_WAD), MIN_RATE_AT_TARGET_WAD)
