"""Account data: what an account's collateral and debt are worth at observed prices, and its health factor.

Mirrors `GenericLogic.calculateUserAccountData`,
src/contracts/protocol/libraries/logic/GenericLogic.sol@v3.6.0 and its forms before. Prices are the
oracle's, of one whole token in base currency, keyed by reserve id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from protocol.aave_v3.interest import debt_counter, normalized_income
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
from protocol.errors import EvmRevert, MissingPrice, NegativePrice, UnknownReserve
from protocol.fixed_point.uint256 import OVERFLOW, add, mul_div_down
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
    return Valuation(market, prices_base=prices_base, timestamp=timestamp).totals(account)


def health_factors(
    market: Market, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> dict[User, int]:
    """The health factor of every account of the market [wad]; errors as in `account_data`."""
    sums = Valuation(market, prices_base=prices_base, timestamp=timestamp).sums
    return {user: sums(account)[-1] for user, account in market.accounts.items()}


class Valuation:
    """A market at one moment and prices: what is the same for every account of an eMode is reckoned once."""

    def __init__(self, market: Market, *, prices_base: Mapping[ReserveId, int], timestamp: int) -> None:
        self._market, self._prices_base, self._timestamp = market, prices_base, timestamp
        self._known: dict[int, tuple[dict[ReserveId, _Collateral], dict[ReserveId, _Debt]]] = {}
        """By eMode: what of its reserves is reckoned already."""

    def totals(self, account: Account) -> AccountTotals:
        """The sums over one account by name; errors as in `account_data`."""
        return AccountTotals(*self.sums(account))

    def sums(self, account: Account) -> tuple[int, int, int, int, int]:
        """The values of `AccountTotals` in their order; errors as in `account_data`."""
        rules, known = self._market.rules, self._known
        collaterals, debts = known.get(account.emode) or known.setdefault(account.emode, ({}, {}))
        collateral = debt = weighted_ltv = weighted_threshold = 0
        for reserve_id, position in account.positions.items():
            if position.collateral_enabled:
                held = collaterals.get(reserve_id) or self._collateral(reserve_id, account)
                counts, price_base, unit, index_ray, ltv_bps, threshold_bps = held
                if counts:
                    balance = rules.atoken_balance(position.scaled_atoken, index_ray)
                    value = mul_div_down(balance, price_base, unit)
                    collateral += value
                    weighted_ltv += value * ltv_bps
                    weighted_threshold += value * threshold_bps
                    # The three only grow: one look finds what Solidity finds at each of them.
                    if (collateral | weighted_ltv | weighted_threshold) > MAX_UINT256:
                        raise EvmRevert(OVERFLOW, value=value, ltv_bps=ltv_bps, threshold_bps=threshold_bps)
            if position.borrowing:
                counted, price_base, unit = debts.get(reserve_id) or self._debt(reserve_id, account)
                debt = add(debt, rules.debt_value(counted(position), price_base, unit))
        health_wad = rules.health_factor(collateral, weighted_threshold, debt) if debt else MAX_UINT256
        return collateral, debt, weighted_ltv, weighted_threshold, health_wad

    def _collateral(self, reserve_id: ReserveId, account: Account) -> _Collateral:
        reserve, category, price_base = self._priced(reserve_id, account)
        counts = counts_as_collateral(reserve.config, self._market.rules)
        held = _Collateral(
            counts=counts,
            price_base=price_base,
            unit=10**reserve.config.decimals,
            index_ray=normalized_income(reserve, self._market.rules, self._timestamp) if counts else 0,
            ltv_bps=self._market.rules.user_ltv(reserve.config.ltv_bps, category, reserve_id),
            threshold_bps=threshold_of(reserve, category),
        )
        self._known[account.emode][0][reserve_id] = held
        return held

    def _debt(self, reserve_id: ReserveId, account: Account) -> _Debt:
        reserve, _, price_base = self._priced(reserve_id, account)
        counted = debt_counter(reserve, self._market.rules, self._timestamp)
        owed = _Debt(counted, price_base, 10**reserve.config.decimals)
        self._known[account.emode][1][reserve_id] = owed
        return owed

    def _priced(self, reserve_id: ReserveId, account: Account) -> tuple[Reserve, EModeCategory | None, int]:
        reserve = self._market.reserves.get(reserve_id)
        if reserve is None:
            raise UnknownReserve(reserve_id)
        category = category_of(self._market, account)
        return reserve, category, price_of(self._market, reserve, category, self._prices_base)


class _Collateral(NamedTuple):
    """One reserve as the collateral of any account of one eMode."""

    counts: bool
    price_base: int
    unit: int
    index_ray: int
    ltv_bps: int
    threshold_bps: int


class _Debt(NamedTuple):
    """One reserve as a debt of any account of one eMode."""

    counted: Callable[[Position], int]
    """What of a position account data count. [asset units]"""
    price_base: int
    unit: int


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
    if category is not None and has_own_price(market, category) and in_category(reserve, category):
        # A source that answers 0 counts as none.
        return category_price(market, category, prices_base) or price_at(reserve.reserve_id, prices_base)
    return price_at(reserve.reserve_id, prices_base)


def has_own_price(market: Market, category: EModeCategory) -> bool:
    """Whether a category prices its members by a source of its own. [Modified in v3.2: never]"""
    return market.rules.prices_by_category and bool(category.price_source)


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
