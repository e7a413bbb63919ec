"""Indexes, balances and the treasury's share: what time does to a reserve.

Mirrors `ReserveLogic` and `TokenMath`, src/contracts/protocol/libraries@v3.6.0 and their forms before.
Every function reverts `Panic(0x11)` when `timestamp` lies before the reserve's last update.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from protocol.aave_v3.gho import gho_balance, is_gho
from protocol.aave_v3.revisions import Gho, Rules
from protocol.aave_v3.stable_debt import stable_balance, stable_total
from protocol.aave_v3.state import Market, Position, Reserve
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


def variable_balance(reserve: Reserve, position: Position, rules: Rules, timestamp: int) -> int:
    """`balanceOf` of the variable debt token: what an account owes at `timestamp` [s]. [asset units]"""
    index_ray = normalized_debt(reserve, rules, timestamp)
    if is_gho(reserve.config, rules):
        return gho_balance(position.scaled_variable_debt, position.gho_debt, index_ray)
    return rules.vtoken_balance(position.scaled_variable_debt, index_ray)


def debt_balance(reserve: Reserve, position: Position, rules: Rules, timestamp: int) -> int:
    """What an account owes in a reserve by its tokens, variable and stable, at `timestamp` [s]. [asset units]"""
    variable = variable_balance(reserve, position, rules, timestamp)
    return add(variable, stable_debt_balance(position, rules, timestamp))


def debt_counted(reserve: Reserve, position: Position, rules: Rules, timestamp: int) -> int:
    """`_getUserDebtInBaseCurrency` before it is valued: the debt that account data count. [asset units]

    The same as `debt_balance`, but for GHO up to v3.2: there the discount is not seen.
    """
    return debt_counter(reserve, rules, timestamp)(position)


def debt_counter(reserve: Reserve, rules: Rules, timestamp: int) -> Callable[[Position], int]:
    """`debt_counted` for many accounts: the index at `timestamp` [s] is reckoned once."""
    if rules.gho is Gho.DISCOUNTED and is_gho(reserve.config, rules):
        return lambda position: debt_balance(reserve, position, rules, timestamp)
    index_ray, vtoken_balance = normalized_debt(reserve, rules, timestamp), rules.vtoken_balance
    if not rules.has_stable_debt:
        return lambda position: vtoken_balance(position.scaled_variable_debt, index_ray)
    return lambda position: add(
        vtoken_balance(position.scaled_variable_debt, index_ray),
        stable_balance(position.stable_debt, timestamp),
    )


def stable_debt_balance(position: Position, rules: Rules, timestamp: int) -> int:
    """`balanceOf` of the stable debt token, which is empty from v3.1 on. [asset units]"""
    return stable_balance(position.stable_debt, timestamp) if rules.has_stable_debt else 0


def stable_debt_total(reserve: Reserve, rules: Rules, timestamp: int) -> int:
    """`totalSupply` of the stable debt token, which is empty from v3.1 on. [asset units]"""
    return stable_total(reserve.stable_debt, timestamp) if rules.has_stable_debt else 0


def accrue(reserve: Reserve, rules: Rules, timestamp: int) -> Reserve:
    """`updateState`: the reserve with indexes and treasury share moved to `timestamp` [s]; rates stay.

    An index only moves when something earns or owes: unlike the views, which grow it in any case. The debt
    index needs both in v3.0.0. [Modified in v3.0.1]
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
    interest = add(interest, _stable_interest(accrued, before, rules))
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


def _stable_interest(accrued: Reserve, before: Reserve, rules: Rules) -> int:
    """What all stable debt grew by since the last update, at its average rate. Up to v3.0.2."""
    now = stable_debt_total(before, rules, accrued.last_update_timestamp)
    return sub(now, stable_debt_total(before, rules, before.last_update_timestamp))


def _next_borrow_index(reserve: Reserve, rules: Rules, timestamp: int) -> int:
    nothing_earned = rules.nests_debt_accrual and reserve.liquidity_rate_ray == 0
    if reserve.total_scaled_variable_debt == 0 or nothing_earned:
        return reserve.variable_borrow_index_ray
    return to_uint(normalized_debt(reserve, rules, timestamp), 128)
