"""One way to look at the markets of all versions of Aave, so that an invariant is written once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from protocol import aave_v2, aave_v3, aave_v4
from protocol.aave_v2 import interest as interest_v2
from protocol.aave_v2 import rates as rates_v2
from protocol.aave_v2.liquidation import liquidation_terms as liquidation_terms_v2
from protocol.aave_v3 import interest as interest_v3
from protocol.aave_v3 import rates as rates_v3
from protocol.aave_v3.gho import is_gho
from protocol.aave_v3.health import category_of, counts_as_collateral, threshold_of
from protocol.aave_v3.liquidation import liquidation_terms
from protocol.aave_v4 import interest as interest_v4
from protocol.aave_v4.premium import debt_components
from protocol.fixed_point.rescale import from_ray_up
from protocol.units import RAY

Prices = Mapping[int, int]


class Pair(NamedTuple):
    """At what rate one collateral is given for one debt."""

    debt_per_collateral: Fraction
    """[debt asset units per collateral asset unit] By the oracle, without the bonus."""
    bonus: Fraction
    """With its 1; the greatest where it moves. 0: nobody can seize this."""


@dataclass(frozen=True)
class Lens:
    """What all versions have, each in its own way. Amounts in asset units, views at `at` [s]."""

    name: str

    def is_refused(self, outcome: Any) -> bool:
        """Whether the call reverted."""
        return isinstance(outcome, (aave_v2.Revert, aave_v3.Revert, aave_v4.Revert))

    def data(self, market: Any, user: str, prices: Prices, at: int) -> Any:
        """`getUserAccountData`: with `total_debt_base` where there is no other name for it."""
        raise NotImplementedError

    def health(self, market: Any, user: str, prices: Prices, at: int) -> int:
        """[wad]"""
        return self.data(market, user, prices, at).health_factor_wad

    def values(self, market: Any, user: str, prices: Prices, at: int) -> tuple[int, int]:
        """Collateral and debt of an account, in the version's own unit of value."""
        data = self.data(market, user, prices, at)
        return data.total_collateral_base, data.total_debt_base

    def call(self, market: Any, call: Any, prices: Prices, at: int) -> Any:
        """What comes of a liquidation."""
        raise NotImplementedError

    def quote(self, market: Any, call: Any, prices: Prices, at: int) -> tuple[int, int] | None:
        """Collateral to the liquidator and debt as a quote tells them; None where it tells a refusal."""
        raise NotImplementedError

    def told(self, outcome: Any) -> tuple[int, int]:
        """The same as the call itself told them."""
        return outcome.collateral_to_liquidator, outcome.debt_repaid

    def taken(self, outcome: Any) -> int:
        """Collateral that a call took from the borrower, the fee included."""
        return outcome.collateral_to_liquidator

    def paid_out(self, call: Any, outcome: Any) -> int:
        """Collateral that left the pool."""
        return 0 if call.receive_atoken else outcome.collateral_to_liquidator

    def held(self, market: Any, user: str, reserve_id: int, at: int) -> int:
        """What a user has supplied, with interest."""
        raise NotImplementedError

    def owed(self, market: Any, user: str, reserve_id: int, at: int) -> int:
        """What a user owes, with interest."""
        raise NotImplementedError

    def shares(self, position: Any) -> tuple[int, int]:
        """Supply and debt of a position in the unit in which they are stored."""
        return position.scaled_atoken, position.scaled_variable_debt

    def total_shares(self, market: Any, reserve_id: int) -> tuple[int, int]:
        """Of all positions of a reserve."""
        reserve = market.reserves[reserve_id]
        return reserve.total_scaled_atoken, reserve.total_scaled_variable_debt

    def indexes(self, market: Any, reserve_id: int) -> tuple[int, int]:
        """What is stored of supply and debt index. [ray]"""
        reserve = market.reserves[reserve_id]
        return reserve.liquidity_index_ray, reserve.variable_borrow_index_ray

    def updated(self, market: Any, reserve_id: int) -> int:
        """When the reserve was accrued last. [s]"""
        return market.reserves[reserve_id].last_update_timestamp

    def liquidity(self, market: Any, reserve_id: int) -> int:
        """What can be paid out."""
        return market.reserves[reserve_id].virtual_underlying_balance

    def has_liquidity(self, market: Any, reserve_id: int) -> bool:
        """Whether a repayment stays in the pool: that of GHO does not."""
        return True

    def is_active(self, market: Any, reserve_id: int) -> bool:
        """Whether debt in a reserve can be written off."""
        return market.reserves[reserve_id].config.active

    def stored(self, market: Any, reserve_id: int) -> Any:
        """All that is stored of a reserve."""
        return market.reserves[reserve_id]

    def deficit(self, market: Any, reserve_id: int) -> int:
        """Booked on the reserve; the unit is that of `deficits`."""
        return getattr(market.reserves[reserve_id], "deficit", 0)

    def deficits(self, outcome: Any) -> Mapping[int, int]:
        """What the call wrote off, by reserve."""
        return getattr(outcome, "deficits", {})

    def accrued(self, market: Any, reserve_id: int, at: int) -> Any:
        """The market with one reserve accrued."""
        raise NotImplementedError

    def share_price(self, market: Any, reserve_id: int, at: int) -> tuple[Fraction, Fraction]:
        """Asset units per share of supply and of debt, at the indexes that a call stores or uses."""
        supply_ray, debt_ray = self.indexes(self.accrued(market, reserve_id, at), reserve_id)
        return Fraction(supply_ray, RAY), Fraction(debt_ray, RAY)

    def has_plain_debt(self, market: Any, reserve_id: int) -> bool:
        """Debt is shares times index: nothing stable, no GHO."""
        return market.reserves[reserve_id].stable_debt.principal == 0

    def pair(self, market: Any, call: Any, prices: Prices) -> Pair:
        """The terms of a call."""
        raise NotImplementedError

    def thresholds(self, market: Any, user: str) -> set[int]:
        """The thresholds that the collaterals of an account have. [bps]"""
        raise NotImplementedError

    def with_new_rates(self, market: Any, reserve_id: int) -> Any:
        """The reserve with rates reckoned anew from what is stored; itself where they fit already."""
        raise NotImplementedError


@dataclass(frozen=True)
class LensV2(Lens):
    """Aave v2."""

    def data(self, market, user, prices, at):
        return aave_v2.account_data(market, user, prices_base=prices, timestamp=at)

    def call(self, market, call, prices, at):
        return aave_v2.liquidation_call(market, call, prices_base=prices, timestamp=at)

    def quote(self, market, call, prices, at):
        found = aave_v2.liquidation_quote(market, call, prices_base=prices, timestamp=at)
        return None if isinstance(found, aave_v2.Revert) else (found.collateral, found.debt)

    def held(self, market, user, reserve_id, at):
        index_ray = interest_v2.normalized_income(market.reserves[reserve_id], at)
        return interest_v2.atoken_balance(_position(market, user, reserve_id).scaled_atoken, index_ray)

    def owed(self, market, user, reserve_id, at):
        return interest_v2.debt_balance(market.reserves[reserve_id], _position(market, user, reserve_id), at)

    def accrued(self, market, reserve_id, at):
        return _with_reserve(market, interest_v2.accrue(market.reserves[reserve_id], at).reserve)

    def pair(self, market, call, prices):
        return _pair(liquidation_terms_v2(market, call.collateral_id, call.debt_id, prices))

    def thresholds(self, market, user):
        return {
            market.reserves[i].config.liquidation_threshold_bps
            for i, position in market.accounts[user].positions.items()
            if position.collateral_enabled
        }

    def with_new_rates(self, market, reserve_id):
        return rates_v2.with_new_rates(market.reserves[reserve_id])


@dataclass(frozen=True)
class LensV3(Lens):
    """A revision of Aave v3."""

    def data(self, market, user, prices, at):
        return aave_v3.account_data(market, user, prices_base=prices, timestamp=at)

    def call(self, market, call, prices, at):
        return aave_v3.liquidation_call(market, call, prices_base=prices, timestamp=at)

    def quote(self, market, call, prices, at):
        found = aave_v3.liquidation_quote(market, call, prices_base=prices, timestamp=at)
        return None if isinstance(found, aave_v3.Revert) else (found.collateral, found.debt)

    def taken(self, outcome):
        return outcome.collateral_to_liquidator + outcome.protocol_fee

    def held(self, market, user, reserve_id, at):
        index_ray = interest_v3.normalized_income(market.reserves[reserve_id], market.rules, at)
        return market.rules.atoken_balance(_position(market, user, reserve_id).scaled_atoken, index_ray)

    def owed(self, market, user, reserve_id, at):
        position = _position(market, user, reserve_id)
        return interest_v3.debt_balance(market.reserves[reserve_id], position, market.rules, at)

    def accrued(self, market, reserve_id, at):
        return _with_reserve(market, interest_v3.accrue(market.reserves[reserve_id], market.rules, at))

    def has_plain_debt(self, market, reserve_id):
        reserve = market.reserves[reserve_id]
        return reserve.stable_debt.principal == 0 and not is_gho(reserve.config, market.rules)

    def has_liquidity(self, market, reserve_id):
        return not is_gho(market.reserves[reserve_id].config, market.rules)

    def pair(self, market, call, prices):
        account = market.accounts[call.borrower]
        return _pair(liquidation_terms(market, account, call.collateral_id, call.debt_id, prices))

    def thresholds(self, market, user):
        account = market.accounts[user]
        category = category_of(market, account)
        return {
            threshold_of(market.reserves[i], category)
            for i, position in account.positions.items()
            if position.collateral_enabled and counts_as_collateral(market.reserves[i].config, market.rules)
        }

    def with_new_rates(self, market, reserve_id):
        return rates_v3.with_new_rates(market.reserves[reserve_id], market.rules)


@dataclass(frozen=True)
class LensV4(Lens):
    """Aave v4: shares of a hub for scaled balances, deficits in ray."""

    def data(self, market, user, prices, at):
        return aave_v4.account_data(market, user, prices_base=prices, timestamp=at)

    def values(self, market, user, prices, at):
        data = self.data(market, user, prices, at)
        return data.total_collateral_value, data.total_debt_value_ray

    def call(self, market, call, prices, at):
        return aave_v4.liquidation_call(market, call, prices_base=prices, timestamp=at)

    def quote(self, market, call, prices, at):
        found = aave_v4.liquidation_quote(market, call, prices_base=prices, timestamp=at)
        if isinstance(found, aave_v4.Revert):
            return None
        return found.collateral_shares_to_liquidator, found.drawn_shares_to_liquidate

    def told(self, outcome):
        return outcome.collateral_shares_to_liquidator, outcome.drawn_shares_liquidated

    def taken(self, outcome):
        return outcome.collateral_removed

    def paid_out(self, call, outcome):
        return outcome.collateral_to_liquidator

    def held(self, market, user, reserve_id, at):
        asset = market.assets[market.reserves[reserve_id].asset_id]
        shares = _position_v4(market, user, reserve_id).supplied_shares
        return interest_v4.share_pool(asset, at).to_assets_down(shares)

    def owed(self, market, user, reserve_id, at):
        asset = market.assets[market.reserves[reserve_id].asset_id]
        debt = debt_components(_position_v4(market, user, reserve_id), interest_v4.drawn_index(asset, at))
        return debt.drawn_debt + from_ray_up(debt.premium_debt_ray)

    def shares(self, position):
        return position.supplied_shares, position.drawn_shares

    def total_shares(self, market, reserve_id):
        book = market.assets[market.reserves[reserve_id].asset_id].spokes[market.spoke]
        return book.added_shares, book.drawn_shares

    def indexes(self, market, reserve_id):
        asset = market.assets[market.reserves[reserve_id].asset_id]
        return RAY, asset.drawn_index_ray

    def updated(self, market, reserve_id):
        return market.assets[market.reserves[reserve_id].asset_id].last_update_timestamp

    def liquidity(self, market, reserve_id):
        return market.assets[market.reserves[reserve_id].asset_id].liquidity

    def is_active(self, market, reserve_id):
        return True

    def stored(self, market, reserve_id):
        return market.assets[market.reserves[reserve_id].asset_id]

    def deficit(self, market, reserve_id):
        return market.assets[market.reserves[reserve_id].asset_id].deficit_ray

    def deficits(self, outcome):
        return outcome.deficits_ray

    def accrued(self, market, reserve_id, at):
        asset_id = market.reserves[reserve_id].asset_id
        accrued = interest_v4.accrue(market.assets[asset_id], at)
        return replace(market, assets={**market.assets, asset_id: accrued})

    def pair(self, market, call, prices):
        collateral, debt = market.reserves[call.collateral_id], market.reserves[call.debt_id]
        key = _position_v4(market, call.borrower, call.collateral_id).dynamic_config_key
        bonus_bps = collateral.dynamic_configs[key].max_liquidation_bonus_bps
        rate = Fraction(
            prices[call.collateral_id] * 10**debt.decimals, prices[call.debt_id] * 10**collateral.decimals
        )
        return Pair(rate, Fraction(bonus_bps, 10_000))

    def thresholds(self, market, user):
        return set()


def lens_of(market: Any) -> Lens:
    """The lens for a market of any version."""
    if isinstance(market, aave_v2.Market):
        return LensV2("2")
    if isinstance(market, aave_v4.Market):
        return LensV4("4")
    return LensV3(market.rules.revision)


def _pair(terms: Any) -> Pair:
    numerator = terms.collateral_price_base * terms.debt_unit
    return Pair(
        Fraction(numerator, terms.debt_price_base * terms.collateral_unit)
        if terms.debt_price_base
        else Fraction(0),
        Fraction(terms.bonus_bps, 10_000),
    )


def _position(market: Any, user: str, reserve_id: int) -> Any:
    account = market.accounts.get(user)
    empty = aave_v2.Position() if isinstance(market, aave_v2.Market) else aave_v3.Position()
    return account.positions.get(reserve_id, empty) if account else empty


def _position_v4(market: aave_v4.Market, user: str, reserve_id: int) -> aave_v4.Position:
    account = market.accounts.get(user)
    return account.positions.get(reserve_id, aave_v4.Position()) if account else aave_v4.Position()


def _with_reserve(market: Any, reserve: Any) -> Any:
    return replace(market, reserves={**market.reserves, reserve.reserve_id: reserve})
