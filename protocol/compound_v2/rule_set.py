"""Compound v2 behind the interface of `protocol.model`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from protocol.compound_v2 import frontier, pairs
from protocol.compound_v2.health import EMPTY_ACCOUNT, account_sums, ctoken_at, position_of
from protocol.compound_v2.interest import accrue, borrow_balance, exchange_rate
from protocol.compound_v2.liquidation import liquidate_borrow
from protocol.compound_v2.state import Account, Liquidated, LiquidationCall, Market
from protocol.compound_v2.validation import is_deprecated
from protocol.fixed_point.mantissa import mantissa_mul_down
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
from protocol.units import BASE_PER_USD, MAX_UINT256, WAD

BEARERS = Bearers(written_off="", uncovered="suppliers: whoever redeems last finds no cash")
USD_MANTISSA_PER_BASE = WAD // BASE_PER_USD
PRICE_MANTISSA_PER_BASE = 10**28
"""Of an asset without decimals: a price is in USD times 10**(36 - decimals)."""


@dataclass(frozen=True, slots=True)
class CompoundV2:
    """Every release: a market knows its Comptroller's and its cTokens'.

    Values are the Comptroller's in USD times 1e18, cut to base. What accounts own and owe is as of the block asked
    for, every cToken accrued; only `standing` and the calls are as stored, because the contract itself looks so.
    """

    name: str = "Compound v2"
    bearers: Bearers = BEARERS
    rounded_of_exact: int = 1
    """The most that all the cTokens pay for, in whole units; the rest is in `rounded_away`."""

    def assets(self, market: Market) -> Mapping[AssetId, Asset]:
        """What the cTokens lend, under the cToken's symbol where the asset's own is not known."""
        return {
            i: Asset(
                symbol=one.underlying_symbol or one.symbol,
                address=one.underlying,
                decimals=one.underlying_decimals,
            )
            for i, one in market.ctokens.items()
        }

    def users_with_debt(self, market: Market) -> Iterator[User]:
        """Debt in any cToken."""
        return (user for user in market.accounts if self.debts(market, user))

    def viewed(self, market: Market, at: At) -> Market:
        """As stored: a call accrues its own two cTokens and finds the others as they were left."""
        return market

    def narrowed(self, market: Market, user: User) -> Market:
        """The cTokens it has entered or has something in."""
        used = self.depends_on(market, user)
        return replace(market, ctokens={i: one for i, one in market.ctokens.items() if i in used})

    def without_dust_rule(self, market: Market) -> Market:
        """The same: there is none."""
        return market

    def standing(self, market: Market, at: At) -> Callable[[User], Standing]:
        """By `getAccountLiquidity`, which accrues nothing; of a deprecated market every loan may be liquidated.

        Collateral is all that can be seized, entered or not. Raises `Rejected` where the Comptroller has no answer.
        """
        given = _at(market, at)

        def of(user: User) -> Standing:
            sums = account_sums(market, user, prices_mantissa=given["prices_mantissa"])
            collaterals, debts = pairs.position_values(market, user, **given)
            owed = sums.borrows_usd_mantissa
            return Standing(
                collateral_base=sum(collaterals.values()) // USD_MANTISSA_PER_BASE,
                debt_base=sum(debts.values()) // USD_MANTISSA_PER_BASE,
                health_factor_wad=sums.collateral_usd_mantissa * WAD // owed if owed else MAX_UINT256,
                is_liquidatable=sums.shortfall_usd_mantissa > 0 or self._owes_deprecated(market, user),
            )

        return of

    def debts(self, market: Market, user: User) -> Collection[AssetId]:
        """By principal."""
        positions = _account(market, user).positions
        return [i for i, one in positions.items() if one.borrow_principal_underlying]

    def depends_on(self, market: Market, user: User) -> Collection[AssetId]:
        """What it has entered or has something in: of what it has entered, a price of 0 is enough to be no answer."""
        account = _account(market, user)
        return tuple(dict.fromkeys((*account.entered, *account.positions)))

    def values(self, market: Market, user: User, at: At) -> Values:
        """See `position_values`; of what is less than a unit of base, 0 is left out."""
        held = _account(market, user).positions
        own = replace(market, ctokens={i: accrue(ctoken_at(market, i), at.block_number) for i in held})
        collaterals, debts = pairs.position_values(own, user, **_at(own, at))
        return _in_base(collaterals), _in_base(debts)

    def owed(self, market: Market, user: User, asset_id: AssetId, at: At) -> int:
        """`borrowBalanceCurrent`."""
        ctoken = accrue(ctoken_at(market, asset_id), at.block_number)
        return borrow_balance(ctoken, position_of(market, user, asset_id))

    def claims(self, market: Market, asset_id: AssetId, at: At) -> int:
        """All cTokens at the exchange rate, whether the cash is there or not."""
        ctoken = accrue(ctoken_at(market, asset_id), at.block_number)
        return mantissa_mul_down(exchange_rate(ctoken), ctoken.total_supply_ctokens)

    def pledged(self, market: Market, user: User, asset_id: AssetId, at: At) -> int:
        """`balanceOfUnderlying`, entered or not: it can be seized all the same."""
        ctoken = accrue(ctoken_at(market, asset_id), at.block_number)
        return mantissa_mul_down(exchange_rate(ctoken), position_of(market, user, asset_id).ctokens)

    def call(self, market: Market, offer: Offer, at: At) -> LiquidationCall:
        """Sized to the latest block: the contract cuts nothing, so a liquidator has to.

        In the next block debts are no smaller and cTokens worth no less, so that the amount is not too much there.
        """
        asked = LiquidationCall(
            collateral_id=offer.collateral_id,
            debt_id=offer.debt_id,
            borrower=offer.borrower,
            liquidator=offer.liquidator,
            repay_amount=0,
        )
        most = pairs.most_repayable(market, asked, **_at(market, at))
        return replace(asked, repay_amount=most if offer.repay is None else min(offer.repay, most))

    def quote(self, market: Market, call: LiquidationCall, at: At) -> Quote | Refused:
        """What the call itself comes to in the next block: the latest one is all that can be looked at."""
        done = self.liquidate(market, call, replace(at, block_number=at.block_number + 1))
        if not isinstance(done, Done):
            return done
        return done.in_all(collateral_id=call.collateral_id, debt_id=call.debt_id)

    def liquidate(self, market: Market, call: LiquidationCall, at: At) -> Liquidated | Refused:
        """See `liquidate_borrow`."""
        return liquidate_borrow(market, call, **_at(market, at))

    def payout_ratio(self, market: Market, user: User, collateral_id: AssetId) -> Fraction:
        """The incentive less the protocol's share of what is seized; paid in cTokens."""
        return pairs.payout_ratio(market, user, collateral_id)

    def most_paid_base(self, market: Market, user: User, pair: Pair, values: Values) -> Fraction:
        """What the close factor allows, or what the cTokens pay for."""
        (collateral_id, debt_id), (collaterals, debts) = pair, values
        pays_for = collaterals[collateral_id] / self.payout_ratio(market, user, collateral_id)
        share = Fraction(market.close_factor_mantissa, WAD)
        free = self._is_deprecated(market, debt_id)
        return min(debts[debt_id] * (Fraction(1) if free else share), pays_for)

    def is_toxic(self, market: Market, call: LiquidationCall, at: At) -> bool:
        """Below incentive times collateral factor."""
        return pairs.is_toxic(market, call, **_at(market, at))

    def drops(self, market: Market, user: User, falling: Collection[AssetId], at: At) -> Drops:
        """See `frontier.drops`; toxic: of the collateral that is first."""
        found = frontier.drops(market, user, falling, **_at(market, at))
        toxic = [share for share in found.toxic.values() if share is not None]
        return Drops(
            liquidatable=found.liquidatable, toxic=min(toxic, default=None), debt_remains=found.debt_remains
        )

    def gap_base(self, market: Market, user: User, at: At) -> Fraction:
        """See `exhaustion`."""
        state = frontier.exhaustion(market, user, **_at(market, at))
        return (state.debt_usd_mantissa - state.repayable_usd_mantissa) / USD_MANTISSA_PER_BASE

    def residual_of_pair(self, market: Market, call: LiquidationCall, at: At) -> tuple[int, Fraction]:
        """See `residual_of_pair`."""
        return pairs.residual_of_pair(market, call, **_at(market, at))

    def rounded_away(self, market: Market, call: LiquidationCall, at: At) -> Fraction:
        """See `rounded_away`."""
        return pairs.rounded_away(market, call, **_at(market, at))

    def _owes_deprecated(self, market: Market, user: User) -> bool:
        return any(self._is_deprecated(market, i) for i in self.debts(market, user))

    def _is_deprecated(self, market: Market, market_id: AssetId) -> bool:
        return market.rules.has_deprecation and is_deprecated(ctoken_at(market, market_id))


RULE_SET = CompoundV2()


def _account(market: Market, user: User) -> Account:
    return market.accounts.get(user, EMPTY_ACCOUNT)


def prices_mantissa(market: Market, prices_base: Mapping[AssetId, int]) -> dict[AssetId, int]:
    """What a Compound oracle shows for prices in base: USD times 10**(36 - decimals), exact up to 28 decimals."""
    return {
        i: prices_base[i] * PRICE_MANTISSA_PER_BASE // 10**one.underlying_decimals
        for i, one in market.ctokens.items()
        if i in prices_base
    }


def _at(market: Market, at: At) -> dict[str, Any]:
    return {"prices_mantissa": prices_mantissa(market, at.prices_base), "block_number": at.block_number}


def _in_base(values_usd_mantissa: Mapping[AssetId, int]) -> dict[AssetId, int]:
    cut = {i: value // USD_MANTISSA_PER_BASE for i, value in values_usd_mantissa.items()}
    return {i: value for i, value in cut.items() if value}
