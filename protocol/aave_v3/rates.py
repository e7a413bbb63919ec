"""Interest rates: a kinked line over the share of the liquidity that is borrowed.

Mirrors `calculateInterestRates`, src/contracts/misc/DefaultReserveInterestRateStrategyV2.sol@v3.6.0 and
contracts/protocol/pool/DefaultReserveInterestRateStrategy.sol (aave/aave-v3-core@v1.19.3).
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v3.revisions import Rules
from protocol.aave_v3.state import RateStrategy, Reserve
from protocol.fixed_point.percentage import percent_mul_half_up
from protocol.fixed_point.uint256 import add, sub, to_uint
from protocol.fixed_point.wad_ray import ray_div_half_up, ray_mul_half_up
from protocol.units import BPS, MAX_UINT128, RAY


def with_new_rates(reserve: Reserve, rules: Rules, *, added: int = 0, taken: int = 0) -> Reserve:
    """`updateInterestRatesAndVirtualBalance`: rates after liquidity came or went. Amounts in asset units.

    Reverts `Panic(0x11)` when more is taken than is there.
    """
    debt = rules.vtoken_balance(reserve.total_scaled_variable_debt, reserve.variable_borrow_index_ray)
    liquidity_rate_ray, borrow_rate_ray = interest_rates(reserve, rules, debt=debt, added=added, taken=taken)
    updated = replace(
        reserve,
        liquidity_rate_ray=to_uint(liquidity_rate_ray, 128),
        variable_borrow_rate_ray=to_uint(borrow_rate_ray, 128),
    )
    if not rules.virtual_accounting:
        return updated
    return with_liquidity_moved(updated, added=added, taken=taken)


def with_liquidity_moved(reserve: Reserve, *, added: int = 0, taken: int = 0) -> Reserve:
    """The reserve with its (virtual) underlying balance moved. Amounts in asset units."""
    if added == taken == 0:
        return reserve
    balance = add(reserve.virtual_underlying_balance, to_uint(added, 128), max_value=MAX_UINT128)
    return replace(reserve, virtual_underlying_balance=sub(balance, to_uint(taken, 128)))


def interest_rates(reserve: Reserve, rules: Rules, *, debt: int, added: int, taken: int) -> tuple[int, int]:
    """(supply rate, borrow rate) per year for a total `debt` and the liquidity after the move. [ray]"""
    strategy = reserve.strategy
    if debt == 0:
        return 0, strategy.base_variable_rate_ray
    available = sub(add(reserve.virtual_underlying_balance, added), taken)
    usage_ray = ray_div_half_up(debt, add(available, debt))
    # Deficit lowers what suppliers get, not what borrowers pay. [New in v3.3; the deficit is 0 before]
    supply_usage_ray = ray_div_half_up(debt, add(add(available, debt), reserve.deficit))
    borrow_rate_ray = borrow_rate(strategy, usage_ray)
    income_ray = ray_mul_half_up(rules.overall_rate(debt, borrow_rate_ray), supply_usage_ray)
    return percent_mul_half_up(income_ray, BPS - reserve.config.reserve_factor_bps), borrow_rate_ray


def borrow_rate(strategy: RateStrategy, usage_ray: int) -> int:
    """The variable borrow rate per year at a usage. [ray]"""
    base_ray, optimal_ray = strategy.base_variable_rate_ray, strategy.optimal_usage_ray
    if usage_ray > optimal_ray:
        excess_ray = ray_div_half_up(usage_ray - optimal_ray, RAY - optimal_ray)
        steep_ray = ray_mul_half_up(strategy.variable_slope2_ray, excess_ray)
        return base_ray + strategy.variable_slope1_ray + steep_ray
    return base_ray + ray_div_half_up(ray_mul_half_up(strategy.variable_slope1_ray, usage_ray), optimal_ray)
