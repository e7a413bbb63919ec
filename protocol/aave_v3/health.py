"""Account data: what an account's collateral and debt are worth at observed prices, and its health factor.

Mirrors `GenericLogic.calculateUserAccountData`,
src/contracts/protocol/libraries/logic/GenericLogic.sol@v3.6.0 and its forms before. Prices are the
oracle's, of one whole token in base currency, keyed by reserve id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from protocol.aave_v3.interest import normalized_debt, normalized_income
from protocol.aave_v3.revisions import Rules
from protocol.aave_v3.state import (
    Account,
    AccountData,
    EModeCategory,
    Market,
    Position,
    Reserve,
    ReserveConfig,
    ReserveId,
    User,
)
from protocol.errors import MissingPrice, NegativePrice, UnknownReserve
from protocol.fixed_point.uint256 import add, mul, mul_div_down
from protocol.units import MAX_UINT256

EMPTY_ACCOUNT = Account()


class AccountTotals(NamedTuple):
    """Sums over an account, before any averages are taken."""

    collateral_base: int
    debt_base: int
    weighted_ltv: int
    """[base x bps]"""
    weighted_threshold: int
    """[base x bps]"""
    health_factor_wad: int


def account_data(
    market: Market, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> AccountData:
    """`Pool.getUserAccountData` of `user` at `timestamp` [s]; zeros and the maximal health factor if unknown.

    Raises `MissingPrice`, `NegativePrice`, `UnknownReserve`; `EvmRevert` where the contract reverts.
    """
    totals = account_totals(
        market, market.accounts.get(user, EMPTY_ACCOUNT), prices_base=prices_base, timestamp=timestamp
    )
    collateral, debt = totals.collateral_base, totals.debt_base
    ltv_bps = totals.weighted_ltv // collateral if collateral else 0
    return AccountData(
        total_collateral_base=collateral,
        total_debt_base=debt,
        available_borrows_base=max(market.rules.available_borrows(collateral, ltv_bps) - debt, 0),
        avg_liquidation_threshold_bps=totals.weighted_threshold // collateral if collateral else 0,
        avg_ltv_bps=ltv_bps,
        health_factor_wad=totals.health_factor_wad,
    )


def account_totals(
    market: Market, account: Account, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> AccountTotals:
    """Values of every collateral and every debt of one account, summed; errors as in `account_data`."""
    rules, category = market.rules, category_of(market, account)
    collateral = debt = weighted_ltv = weighted_threshold = 0
    for reserve, position in used_reserves(market, account):
        config = reserve.config
        price_base = price_of(market, reserve, category, prices_base)
        unit = 10**config.decimals
        if position.collateral_enabled and counts_as_collateral(config, rules):
            index_ray = normalized_income(reserve, rules, timestamp)
            value = mul_div_down(rules.atoken_balance(position.scaled_atoken, index_ray), price_base, unit)
            collateral = add(collateral, value)
            ltv_bps = rules.user_ltv(config.ltv_bps, category, reserve.reserve_id)
            weighted_ltv = add(weighted_ltv, mul(value, ltv_bps))
            weighted_threshold = add(weighted_threshold, mul(value, threshold_of(reserve, category)))
        if position.borrowing:
            index_ray = normalized_debt(reserve, rules, timestamp)
            balance = rules.vtoken_balance(position.scaled_variable_debt, index_ray)
            debt = add(debt, rules.debt_value(balance, price_base, unit))
    health_wad = rules.health_factor(collateral, weighted_threshold, debt) if debt else MAX_UINT256
    return AccountTotals(collateral, debt, weighted_ltv, weighted_threshold, health_wad)


def used_reserves(market: Market, account: Account) -> Iterator[tuple[Reserve, Position]]:
    """The reserves of which a user bit is set; raises `UnknownReserve` for one that is not listed."""
    reserves = market.reserves
    for reserve_id, position in account.positions.items():
        if position.collateral_enabled or position.borrowing:
            reserve = reserves.get(reserve_id)
            if reserve is None:
                raise UnknownReserve(reserve_id)
            yield reserve, position


def category_of(market: Market, account: Account) -> EModeCategory | None:
    """The account's efficiency mode, None outside one."""
    return market.emodes.get(account.emode) if account.emode else None


def in_category(reserve: Reserve, category: EModeCategory | None) -> bool:
    """Whether a collateral has the parameters of the account's category."""
    return category is not None and bool(category.collateral_bitmap >> reserve.reserve_id & 1)


def threshold_of(reserve: Reserve, category: EModeCategory | None) -> int:
    """Liquidation threshold of a collateral for an account of this category. [bps]"""
    if category is not None and in_category(reserve, category):
        return category.liquidation_threshold_bps
    return reserve.config.liquidation_threshold_bps


def bonus_of(reserve: Reserve, category: EModeCategory | None) -> int:
    """Liquidation bonus of a collateral, the 100 % included, for an account of this category. [bps]"""
    if category is not None and in_category(reserve, category):
        return category.liquidation_bonus_bps
    return reserve.config.liquidation_bonus_bps


def counts_as_collateral(config: ReserveConfig, rules: Rules) -> bool:
    """Whether an enabled reserve is collateral at all. [Modified in v3.6: the threshold is not asked]"""
    return config.liquidation_threshold_bps != 0 or not rules.collateral_needs_threshold


def price_of(
    market: Market, reserve: Reserve, category: EModeCategory | None, prices_base: Mapping[ReserveId, int]
) -> int:
    """The price that account data uses for a reserve. [base]

    Up to v3.1 a category may have a price source of its own, which then counts for its members.
    """
    if category is not None and category.price_source and in_category(reserve, category):
        # A source that answers 0 counts as none.
        return category_price(market, category, prices_base) or price_at(reserve.reserve_id, prices_base)
    return price_at(reserve.reserve_id, prices_base)


def price_at(reserve_id: ReserveId, prices_base: Mapping[ReserveId, int]) -> int:
    """The given price of a reserve, checked. [base]"""
    price_base = prices_base.get(reserve_id)
    if price_base is None:
        raise MissingPrice(reserve_id)
    if price_base < 0:
        raise NegativePrice(reserve_id, price_base)
    return price_base


def category_price(market: Market, category: EModeCategory, prices_base: Mapping[ReserveId, int]) -> int:
    """Price of a category's own source, which must be the asset of a listed reserve. [base]"""
    for reserve in market.reserves.values():
        if reserve.asset.lower() == category.price_source.lower():
            return price_at(reserve.reserve_id, prices_base)
    raise MissingPrice(category.price_source)
