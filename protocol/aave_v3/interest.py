"""Indexes, balances and the treasury's share: what time does to a reserve.

Mirrors `ReserveLogic` and `TokenMath`, src/contracts/protocol/libraries@v3.6.0 and their forms before.
Every function reverts `Panic(0x11)` when `timestamp` lies before the reserve's last update.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v3.revisions import Rules
from protocol.aave_v3.state import Market, Reserve
from protocol.fixed_point.compounding import linear_growth
from protocol.fixed_point.percentage import percent_mul_half_up
from protocol.fixed_point.uint256 import add, sub, to_uint
from protocol.fixed_point.wad_ray import ray_mul_half_up
from protocol.units import MAX_UINT128


def normalized_income(reserve: Reserve, rules: Rules, timestamp: int) -> int:
    """`getReserveNormalizedIncome`: the liquidity index at `timestamp` [s], nothing stored. [ray]"""
    if reserve.last_update_timestamp == timestamp:
        return reserve.liquidity_index_ray
    elapsed_s = sub(timestamp, reserve.last_update_timestamp)
    return ray_mul_half_up(linear_growth(reserve.liquidity_rate_ray, elapsed_s), reserve.liquidity_index_ray)


def normalized_debt(reserve: Reserve, rules: Rules, timestamp: int) -> int:
    """`getReserveNormalizedVariableDebt`: the debt index at `timestamp` [s], nothing stored. [ray]"""
    if reserve.last_update_timestamp == timestamp:
        return reserve.variable_borrow_index_ray
    elapsed_s = sub(timestamp, reserve.last_update_timestamp)
    growth_ray = rules.compounded_growth(reserve.variable_borrow_rate_ray, elapsed_s)
    return ray_mul_half_up(growth_ray, reserve.variable_borrow_index_ray)


def viewed_at(market: Market, timestamp: int) -> Market:
    """The market with every index as the views show it at `timestamp` [s]: for reading many accounts fast.

    Account data of it at `timestamp` equal those of `market`, with the growth computed once. Not for
    liquidating: the treasury's share and the guards of `accrue` are left out.
    """
    reserves = {
        reserve_id: replace(
            reserve,
            liquidity_index_ray=normalized_income(reserve, market.rules, timestamp),
            variable_borrow_index_ray=normalized_debt(reserve, market.rules, timestamp),
            last_update_timestamp=timestamp,
        )
        for reserve_id, reserve in market.reserves.items()
    }
    return replace(market, reserves=reserves)


def atoken_balance(scaled: int, index_ray: int, rules: Rules) -> int:
    """What a scaled supply is worth at a liquidity index. [asset units]"""
    return rules.atoken_balance(scaled, index_ray)


def vtoken_balance(scaled: int, index_ray: int, rules: Rules) -> int:
    """What a scaled debt amounts to at a variable borrow index. [asset units]"""
    return rules.vtoken_balance(scaled, index_ray)


def accrue(reserve: Reserve, rules: Rules, timestamp: int) -> Reserve:
    """`updateState`: the reserve with indexes and treasury share moved to `timestamp` [s]; rates stay.

    An index only moves when something earns or owes: unlike the views, which grow it in any case.
    """
    if reserve.last_update_timestamp == timestamp:
        return reserve
    accrued = replace(
        reserve,
        liquidity_index_ray=_next_liquidity_index(reserve, rules, timestamp),
        variable_borrow_index_ray=_next_borrow_index(reserve, rules, timestamp),
        last_update_timestamp=timestamp,
    )
    return accrue_to_treasury(accrued, reserve, rules)


def accrue_to_treasury(accrued: Reserve, before: Reserve, rules: Rules) -> Reserve:
    """`_accrueToTreasury`: `accrued` with the reserve factor's part of the interest earned since `before`."""
    if before.config.reserve_factor_bps == 0:
        return accrued
    interest = rules.debt_growth(
        before.total_scaled_variable_debt,
        before.variable_borrow_index_ray,
        accrued.variable_borrow_index_ray,
    )
    amount = percent_mul_half_up(interest, before.config.reserve_factor_bps)
    if amount == 0:
        return accrued
    scaled = to_uint(rules.atoken_mint_scaled(amount, accrued.liquidity_index_ray), 128)
    total = add(accrued.accrued_to_treasury_scaled, scaled, max_value=MAX_UINT128)
    return replace(accrued, accrued_to_treasury_scaled=total)


def _next_liquidity_index(reserve: Reserve, rules: Rules, timestamp: int) -> int:
    if reserve.liquidity_rate_ray == 0:
        return reserve.liquidity_index_ray
    return to_uint(normalized_income(reserve, rules, timestamp), 128)


def _next_borrow_index(reserve: Reserve, rules: Rules, timestamp: int) -> int:
    if reserve.total_scaled_variable_debt == 0:
        return reserve.variable_borrow_index_ray
    return to_uint(normalized_debt(reserve, rules, timestamp), 128)
