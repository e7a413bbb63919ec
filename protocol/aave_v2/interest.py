"""Indexes, balances and the treasury's share: what time does to a reserve.

Mirrors `ReserveLogic`, contracts/protocol/libraries/logic/ReserveLogic.sol (aave/protocol-v2@1.0.1). Every
function reverts `SafeMath: subtraction overflow` when `timestamp` lies before the reserve's last update.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.aave_v2.stable_debt import stable_balance, stable_total
from protocol.aave_v2.state import Market, Position, Reserve
from protocol.errors import EvmRevert
from protocol.fixed_point.compounding import compounded_growth_per_second, linear_growth
from protocol.fixed_point.safe_math import add, percent_mul_half_up, ray_div_half_up, ray_mul_half_up, sub
from protocol.units import MAX_UINT128


def normalized_income(reserve: Reserve, timestamp: int) -> int:
    """`getReserveNormalizedIncome`: the liquidity index at `timestamp` [s], nothing stored. [ray]"""
    if reserve.last_update_timestamp == timestamp:
        return reserve.liquidity_index_ray
    elapsed_s = sub(timestamp, reserve.last_update_timestamp)
    return ray_mul_half_up(linear_growth(reserve.liquidity_rate_ray, elapsed_s), reserve.liquidity_index_ray)


def normalized_debt(reserve: Reserve, timestamp: int) -> int:
    """`getReserveNormalizedVariableDebt`: the debt index at `timestamp` [s], nothing stored. [ray]"""
    if reserve.last_update_timestamp == timestamp:
        return reserve.variable_borrow_index_ray
    elapsed_s = sub(timestamp, reserve.last_update_timestamp)
    growth_ray = compounded_growth_per_second(reserve.variable_borrow_rate_ray, elapsed_s)
    return ray_mul_half_up(growth_ray, reserve.variable_borrow_index_ray)


def viewed_at(market: Market, timestamp: int) -> Market:
    """The market with every index as the views show it at `timestamp` [s]: for reading many accounts fast.

    Account data of it at `timestamp` equal those of `market`, with the growth computed once. Not for
    liquidating: the treasury's share and the guards of `accrue` are left out.
    """
    reserves = {
        reserve_id: replace(
            reserve,
            liquidity_index_ray=normalized_income(reserve, timestamp),
            variable_borrow_index_ray=normalized_debt(reserve, timestamp),
            last_update_timestamp=timestamp,
        )
        for reserve_id, reserve in market.reserves.items()
    }
    return replace(market, reserves=reserves)


def atoken_balance(scaled: int, index_ray: int) -> int:
    """What a scaled supply is worth at a liquidity index. [asset units]"""
    return ray_mul_half_up(scaled, index_ray)


def vtoken_balance(scaled: int, index_ray: int) -> int:
    """What a scaled debt amounts to at a variable borrow index. [asset units]"""
    return ray_mul_half_up(scaled, index_ray)


def variable_balance(reserve: Reserve, position: Position, timestamp: int) -> int:
    """`balanceOf` of the variable debt token: what an account owes at `timestamp` [s]. [asset units]"""
    if position.scaled_variable_debt == 0:
        return 0
    return vtoken_balance(position.scaled_variable_debt, normalized_debt(reserve, timestamp))


def debt_balance(reserve: Reserve, position: Position, timestamp: int) -> int:
    """What an account owes in a reserve by its tokens, stable and variable, at `timestamp` [s]. [asset units]"""
    stable = stable_balance(position.stable_debt, timestamp)
    return add(stable, variable_balance(reserve, position, timestamp))


class Accrued(NamedTuple):
    """A reserve moved to now."""

    reserve: Reserve
    minted_to_treasury: int
    """[scaled aTokens] In the reserve's total already; the treasury's account is the caller's to raise."""


def accrue(reserve: Reserve, timestamp: int) -> Accrued:
    """`updateState`: the reserve with indexes moved to `timestamp` [s] and the treasury paid; rates stay.

    An index only moves when something is earned: unlike the views, which grow it in any case.
    """
    accrued = replace(
        reserve,
        liquidity_index_ray=_next_liquidity_index(reserve, timestamp),
        variable_borrow_index_ray=_next_borrow_index(reserve, timestamp),
        last_update_timestamp=timestamp,
    )
    return _mint_to_treasury(accrued, reserve)


def _mint_to_treasury(accrued: Reserve, before: Reserve) -> Accrued:
    """The reserve factor's part of the interest since `before`, paid at once. [Modified in v3: put aside]"""
    if before.config.reserve_factor_bps == 0:
        return Accrued(accrued, 0)
    scaled = before.total_scaled_variable_debt
    now = add(
        vtoken_balance(scaled, accrued.variable_borrow_index_ray),
        stable_total(before.stable_debt, accrued.last_update_timestamp),
    )
    previous = add(
        vtoken_balance(scaled, before.variable_borrow_index_ray),
        stable_total(before.stable_debt, before.last_update_timestamp),
    )
    amount = percent_mul_half_up(sub(now, previous), before.config.reserve_factor_bps)
    minted = ray_div_half_up(amount, accrued.liquidity_index_ray)
    total = add(accrued.total_scaled_atoken, minted)
    return Accrued(replace(accrued, total_scaled_atoken=total), minted)


def _next_liquidity_index(reserve: Reserve, timestamp: int) -> int:
    if reserve.liquidity_rate_ray == 0:
        return reserve.liquidity_index_ray
    return to_uint128(normalized_income(reserve, timestamp), "LiquidityIndexOverflow")


def _next_borrow_index(reserve: Reserve, timestamp: int) -> int:
    # Without income the debt does not grow either, and what the views showed is lost. [Modified in v3.0.1]
    if reserve.total_scaled_variable_debt == 0 or reserve.liquidity_rate_ray == 0:
        return reserve.variable_borrow_index_ray
    return to_uint128(normalized_debt(reserve, timestamp), "VariableBorrowIndexOverflow")


def to_uint128(value: int, overflow: str) -> int:
    """`value` unchanged; reverts with the error named `overflow` when it needs more bits."""
    if value > MAX_UINT128:
        raise EvmRevert(overflow, value=value)
    return value
