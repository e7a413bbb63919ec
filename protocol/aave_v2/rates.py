"""Interest rates: a kinked line over the share of the liquidity that is borrowed.

Mirrors `calculateInterestRates`, contracts/protocol/lendingpool/DefaultReserveInterestRateStrategy.sol
(aave/protocol-v2@1.0.1).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.aave_v2.interest import to_uint128, vtoken_balance
from protocol.aave_v2.stable_debt import stable_total
from protocol.aave_v2.state import RateStrategy, Reserve
from protocol.errors import EvmRevert
from protocol.fixed_point.safe_math import (
    add,
    percent_mul_half_up,
    ray_div_half_up,
    ray_mul_half_up,
    sub,
    wad_to_ray,
)
from protocol.units import BPS, RAY

TRANSFER_EXCEEDS_BALANCE = "ERC20: transfer amount exceeds balance"
"""The error of the asset's own contract, as most of them word it."""


class Rates(NamedTuple):
    """Yearly rates of one reserve. [ray]"""

    liquidity_ray: int
    variable_ray: int
    stable_ray: int
    """Of a new stable loan."""


def with_new_rates(reserve: Reserve, *, added: int = 0, taken: int = 0) -> Reserve:
    """`updateInterestRates`: rates after liquidity came or went, which itself moves later. In asset units.

    The reserve must be accrued. Reverts `SafeMath: subtraction overflow` when more is taken than is there.
    """
    debt = vtoken_balance(reserve.total_scaled_variable_debt, reserve.variable_borrow_index_ray)
    stable_debt = stable_total(reserve.stable_debt, reserve.last_update_timestamp)
    rates = interest_rates(reserve, debt=debt, added=added, taken=taken, stable_debt=stable_debt)
    return replace(
        reserve,
        liquidity_rate_ray=to_uint128(rates.liquidity_ray, "LiquidityRateOverflow"),
        stable_borrow_rate_ray=to_uint128(rates.stable_ray, "StableBorrowRateOverflow"),
        variable_borrow_rate_ray=to_uint128(rates.variable_ray, "VariableBorrowRateOverflow"),
    )


def with_holdings_moved(reserve: Reserve, *, added: int = 0, taken: int = 0) -> Reserve:
    """The reserve with what its aToken holds moved by transfers. Amounts in asset units.

    Reverts as OpenZeppelin's ERC20 does when more is taken than is there.
    """
    held = add(reserve.virtual_underlying_balance, added)
    if taken > held:
        raise EvmRevert(TRANSFER_EXCEEDS_BALANCE, held=held, taken=taken)
    return replace(reserve, virtual_underlying_balance=held - taken)


def interest_rates(reserve: Reserve, *, debt: int, added: int, taken: int, stable_debt: int = 0) -> Rates:
    """`calculateInterestRates` for total variable `debt` and `stable_debt`, and the liquidity after the move."""
    strategy = reserve.strategy
    available = sub(add(reserve.virtual_underlying_balance, added), taken)
    usage_ray = usage(debt=add(stable_debt, debt), available=available)
    stable_ray, variable_ray = stable_rate(strategy, usage_ray), borrow_rate(strategy, usage_ray)
    overall_ray = _overall_rate(debt, variable_ray, stable_debt, reserve.stable_debt.average_rate_ray)
    income_ray = ray_mul_half_up(overall_ray, usage_ray)
    liquidity_ray = percent_mul_half_up(income_ray, sub(BPS, reserve.config.reserve_factor_bps))
    return Rates(liquidity_ray, variable_ray, stable_ray)


def usage(*, debt: int, available: int) -> int:
    """The share of the liquidity that is borrowed. [ray]"""
    return ray_div_half_up(debt, add(available, debt)) if debt else 0


def _overall_rate(variable: int, variable_rate_ray: int, stable: int, stable_rate_ray: int) -> int:
    """`_getOverallBorrowRate`: mean rate over variable and stable debt. [ray]"""
    total = add(stable, variable)
    if total == 0:
        return 0
    variable_ray = ray_mul_half_up(wad_to_ray(variable), variable_rate_ray)
    stable_ray = ray_mul_half_up(wad_to_ray(stable), stable_rate_ray)
    return ray_div_half_up(add(variable_ray, stable_ray), wad_to_ray(total))


def max_variable_rate(strategy: RateStrategy) -> int:
    """`getMaxVariableBorrowRate`: the variable rate at full usage. [ray]"""
    base_ray = add(strategy.base_variable_rate_ray, strategy.variable_slope1_ray)
    return add(base_ray, strategy.variable_slope2_ray)


def borrow_rate(strategy: RateStrategy, usage_ray: int) -> int:
    """The variable borrow rate per year at a usage. [ray]"""
    base_ray, slope1_ray = strategy.base_variable_rate_ray, strategy.variable_slope1_ray
    if usage_ray > strategy.optimal_usage_ray:
        steep_ray = ray_mul_half_up(strategy.variable_slope2_ray, _excess(strategy, usage_ray))
        return add(add(base_ray, slope1_ray), steep_ray)
    rise_ray = ray_div_half_up(ray_mul_half_up(usage_ray, slope1_ray), strategy.optimal_usage_ray)
    return add(base_ray, rise_ray)


def stable_rate(strategy: RateStrategy, usage_ray: int) -> int:
    """The rate per year of a new stable loan at a usage. [ray]

    Up to the optimal usage it is rounded elsewhere than the variable rate. [Modified in v3]
    """
    stable = strategy.stable
    if usage_ray > strategy.optimal_usage_ray:
        steep_ray = ray_mul_half_up(stable.slope2_ray, _excess(strategy, usage_ray))
        return add(add(stable.base_rate_ray, stable.slope1_ray), steep_ray)
    share_ray = ray_div_half_up(usage_ray, strategy.optimal_usage_ray)
    return add(stable.base_rate_ray, ray_mul_half_up(stable.slope1_ray, share_ray))


def _excess(strategy: RateStrategy, usage_ray: int) -> int:
    """How far the usage lies between the optimum and 1. [ray]"""
    optimal_ray = strategy.optimal_usage_ray
    return ray_div_half_up(usage_ray - optimal_ray, sub(RAY, optimal_ray))
