"""Aave v3 behind the interface of `protocol.model`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from protocol.aave_v3 import frontier, pairs
from protocol.aave_v3.health import Valuation
from protocol.aave_v3.interest import debt_balance, normalized_income, viewed_at
from protocol.aave_v3.liquidation import liquidation_call, liquidation_quote
from protocol.aave_v3.state import LiquidationCall, Market, Position, Revert
from protocol.aave_v3.validation import HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD
from protocol.model import (
    Asset,
    AssetId,
    At,
    Bearers,
    Done,
    Drops,
    Offer,
    Pair,
    Quote,
    Refused,
    Standing,
    User,
    Values,
)
from protocol.units import MAX_UINT256

BEARERS = Bearers(
    written_off="the protocol: a deficit of the reserve", uncovered="suppliers: whoever withdraws last"
)


@dataclass(frozen=True, slots=True)
class AaveV3:
    """Every revision: a market knows its own."""

    name: str = "Aave v3"
    bearers: Bearers = BEARERS
    rounded_of_exact: int = 2
    """The value of all the collateral in debt is rounded, and its division by the bonus once more."""

    def assets(self, market: Market) -> Mapping[AssetId, Asset]:
        """The reserves."""
        return {
            i: Asset(symbol=one.symbol, address=one.asset, decimals=one.config.decimals)
            for i, one in market.reserves.items()
        }

    def users_with_debt(self, market: Market) -> Iterator[User]:
        """Variable or stable debt."""
        return (user for user in market.accounts if self.debts(market, user))

    def viewed(self, market: Market, at: At) -> Market:
        """See `viewed_at`."""
        return viewed_at(market, at.timestamp)

    def narrowed(self, market: Market, user: User) -> Market:
        """The reserves the account has something in; all of them where a category has a price of its own."""
        if market.has_category_prices:
            return market
        used = market.accounts[user].positions
        return replace(market, reserves={i: one for i, one in market.reserves.items() if i in used})

    def without_dust_rule(self, market: Market) -> Market:
        """No `MustNotLeaveDust`."""
        return replace(market, rules=replace(market.rules, enforces_min_leftover=False))

    def standing(self, market: Market, at: At) -> Callable[[User], Standing]:
        """By `GenericLogic.calculateUserAccountData`."""
        valuation = Valuation(market, prices_base=at.prices_base, timestamp=at.timestamp)

        def of(user: User) -> Standing:
            account = market.accounts[user]
            totals = valuation.totals(account)
            return Standing(
                collateral_base=totals.collateral_base,
                debt_base=totals.debt_base,
                health_factor_wad=totals.health_factor_wad,
                is_liquidatable=totals.health_factor_wad < HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD,
                emode=account.emode,
            )

        return of

    def debts(self, market: Market, user: User) -> Collection[AssetId]:
        """Variable or stable."""
        positions = market.accounts[user].positions
        return [i for i, one in positions.items() if one.scaled_variable_debt or one.stable_debt.principal]

    def depends_on(self, market: Market, user: User) -> Collection[AssetId]:
        """Its own reserves; all of them where a category has a price of its own."""
        return market.reserves if market.has_category_prices else market.accounts[user].positions

    def values(self, market: Market, user: User, at: At) -> Values:
        """See `position_values`."""
        return pairs.position_values(market, user, prices_base=at.prices_base, timestamp=at.timestamp)

    def owed(self, market: Market, user: User, asset_id: AssetId, at: At) -> int:
        """Variable and stable debt."""
        position = market.accounts[user].positions.get(asset_id, Position())
        return debt_balance(market.reserves[asset_id], position, market.rules, at.timestamp)

    def claims(self, market: Market, asset_id: AssetId, at: At) -> int:
        """All aTokens and what the treasury may still mint of them."""
        reserve = market.reserves[asset_id]
        scaled = reserve.total_scaled_atoken + reserve.accrued_to_treasury_scaled
        return market.rules.atoken_balance(scaled, normalized_income(reserve, market.rules, at.timestamp))

    def pledged(self, market: Market, user: User, asset_id: AssetId, at: At) -> int:
        """aTokens, where they are enabled as collateral."""
        position, reserve = market.accounts[user].positions.get(asset_id), market.reserves[asset_id]
        if position is None or not position.collateral_enabled:
            return 0
        income_ray = normalized_income(reserve, market.rules, at.timestamp)
        return market.rules.atoken_balance(position.scaled_atoken, income_ray)

    def call(self, market: Market, offer: Offer, at: At) -> LiquidationCall:
        """The contract itself cuts what is too much."""
        return LiquidationCall(
            collateral_id=offer.collateral_id,
            debt_id=offer.debt_id,
            borrower=offer.borrower,
            liquidator=offer.liquidator,
            debt_to_cover=MAX_UINT256 if offer.repay is None else offer.repay,
            receive_atoken=offer.keep_shares,
        )

    def quote(self, market: Market, call: LiquidationCall, at: At) -> Quote | Refused:
        """See `liquidation_quote`."""
        seized = liquidation_quote(market, call, prices_base=at.prices_base, timestamp=at.timestamp)
        if isinstance(seized, Revert):
            return seized
        return Quote(paid={call.debt_id: seized.debt}, received={call.collateral_id: seized.collateral})

    def liquidate(self, market: Market, call: LiquidationCall, at: At) -> Done | Refused:
        """See `liquidation_call`."""
        return liquidation_call(market, call, prices_base=at.prices_base, timestamp=at.timestamp)

    def payout_ratio(self, market: Market, user: User, collateral_id: AssetId) -> Fraction:
        """1 + bonus less the protocol's share of the bonus."""
        return pairs.payout_ratio(market, user, collateral_id)

    def most_paid_base(self, market: Market, user: User, pair: Pair, values: Values) -> Fraction:
        """All of the debt, or what the collateral pays for."""
        (collateral_id, debt_id), (collaterals, debts) = pair, values
        pays_for = collaterals[collateral_id] / self.payout_ratio(market, user, collateral_id)
        return min(Fraction(debts[debt_id]), pays_for)

    def is_toxic(self, market: Market, call: LiquidationCall, at: At) -> bool:
        """Below bonus times threshold."""
        return pairs.is_toxic(market, call, prices_base=at.prices_base, timestamp=at.timestamp)

    def drops(self, market: Market, user: User, falling: Collection[AssetId], at: At) -> Drops:
        """See `frontier.drops`; toxic: of the collateral that is first."""
        found = frontier.drops(market, user, falling, prices_base=at.prices_base, timestamp=at.timestamp)
        toxic = [share for share in found.toxic.values() if share is not None]
        return Drops(
            liquidatable=found.liquidatable, toxic=min(toxic, default=None), debt_remains=found.debt_remains
        )

    def gap_base(self, market: Market, user: User, at: At) -> Fraction:
        """See `exhaustion`."""
        state = frontier.exhaustion(market, user, prices_base=at.prices_base, timestamp=at.timestamp)
        return state.debt_base - state.repayable_base

    def residual_of_pair(self, market: Market, call: LiquidationCall, at: At) -> tuple[int, Fraction]:
        """See `residual_of_pair`."""
        return pairs.residual_of_pair(market, call, prices_base=at.prices_base, timestamp=at.timestamp)

    def rounded_away(self, market: Market, call: LiquidationCall, at: At) -> Fraction:
        """Nothing more."""
        return Fraction(0)


RULE_SET = AaveV3()
