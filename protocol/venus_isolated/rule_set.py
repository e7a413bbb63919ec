"""Venus isolated pools behind the interface of `protocol.model`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from protocol.fixed_point.uint256 import mul_div_down
from protocol.model import (
    Asset,
    AssetId,
    At,
    Bearers,
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
from protocol.venus_isolated import frontier, pairs
from protocol.venus_isolated.calls import Batch, Call, Heal, Settled, carried_out, fitting
from protocol.venus_isolated.health import account_data
from protocol.venus_isolated.interest import borrow_balance, exchange_rate, viewed_at
from protocol.venus_isolated.ledger import EMPTY_ACCOUNT, Ledger
from protocol.venus_isolated.state import Account, LiquidationCall, Market, Revert

BEARERS = Bearers(
    written_off="the risk fund, by an auction of the bad debt; what it lacks, whoever withdraws last",
    uncovered="suppliers: nobody has healed it; whoever withdraws last",
)
USD_MANTISSA_PER_BASE = WAD // BASE_PER_USD
PRICE_MANTISSA_PER_BASE = 10**28
"""Of an asset without decimals: a price is in USD times 10**(36 - decimals)."""


@dataclass(frozen=True, slots=True)
class VenusIsolated:
    """Every release, by block or by second: a market knows its own.

    Values are the comptroller's in USD times 1e18, cut to base. What accounts own and owe is as of the moment asked
    for, every market accrued; only `standing` and the calls are as stored, because the contract itself looks so.
    """

    name: str = "Venus isolated pools"
    bearers: Bearers = BEARERS
    rounded_of_exact: int = 1
    """The most that all the vTokens pay for, in whole units; the rest is in `rounded_away`."""

    def assets(self, market: Market) -> Mapping[AssetId, Asset]:
        """What the vTokens lend, under the vToken's symbol where the asset's own is not known."""
        return {
            i: Asset(
                symbol=one.underlying_symbol or one.symbol,
                address=one.underlying,
                decimals=one.underlying_decimals,
            )
            for i, one in market.vtokens.items()
        }

    def users_with_debt(self, market: Market) -> Iterator[User]:
        """Debt in any market."""
        return (user for user in market.accounts if self.debts(market, user))

    def viewed(self, market: Market, at: At) -> Market:
        """As stored: a regular call accrues its own two markets and finds the others as they were left."""
        return market

    def narrowed(self, market: Market, user: User) -> Market:
        """The markets it has entered or has something in."""
        account = _account(market, user)
        used = {*account.entered, *account.positions}
        return replace(market, vtokens={i: one for i, one in market.vtokens.items() if i in used})

    def without_dust_rule(self, market: Market) -> Market:
        """No collateral is too small for a regular liquidation, and only what is worth nothing is healed."""
        return replace(market, min_liquidatable_collateral_usd_mantissa=0)

    def standing(self, market: Market, at: At) -> Callable[[User], Standing]:
        """By `getAccountLiquidity`, which accrues nothing; some debts are liquidated freely."""
        given = _at(market, at)

        def of(user: User) -> Standing:
            data = account_data(market, user, **given)
            owed = data.borrows_usd_mantissa
            return Standing(
                collateral_base=data.total_collateral_usd_mantissa // USD_MANTISSA_PER_BASE,
                debt_base=owed // USD_MANTISSA_PER_BASE,
                health_factor_wad=data.weighted_collateral_usd_mantissa * WAD // owed
                if owed
                else MAX_UINT256,
                is_liquidatable=data.shortfall_usd_mantissa > 0 or self._is_liquidated_freely(market, user),
            )

        return of

    def debts(self, market: Market, user: User) -> Collection[AssetId]:
        """By principal."""
        positions = _account(market, user).positions
        return [i for i, one in positions.items() if one.borrow_principal_underlying]

    def depends_on(self, market: Market, user: User) -> Collection[AssetId]:
        """What it has entered: nothing else counts or can be seized."""
        return _account(market, user).entered

    def values(self, market: Market, user: User, at: At) -> Values:
        """See `position_values`; of what is less than a unit of base, 0 is left out."""
        own = viewed_at(self.narrowed(market, user), _slot(market, at))
        collaterals, debts = pairs.position_values(own, user, **_at(own, at))
        return _in_base(collaterals), _in_base(debts)

    def owed(self, market: Market, user: User, asset_id: AssetId, at: At) -> int:
        """`borrowBalanceCurrent`."""
        ledger = Ledger(market, _slot(market, at))
        return borrow_balance(ledger.accrue(asset_id), ledger.position(user, asset_id))

    def claims(self, market: Market, asset_id: AssetId, at: At) -> int:
        """All vTokens at the exchange rate, bad debt among what they are worth."""
        vtoken = Ledger(market, _slot(market, at)).accrue(asset_id)
        return mul_div_down(exchange_rate(vtoken), vtoken.total_supply_vtokens, WAD)

    def pledged(self, market: Market, user: User, asset_id: AssetId, at: At) -> int:
        """`balanceOfUnderlying` where the market is entered."""
        ledger = Ledger(market, _slot(market, at))
        if not ledger.is_member(user, asset_id):
            return 0
        rate_mantissa = exchange_rate(ledger.accrue(asset_id))
        return mul_div_down(rate_mantissa, ledger.position(user, asset_id).vtokens, WAD)

    def call(self, market: Market, offer: Offer, at: At) -> Call:
        """The regular call, or for a small account the batch or the healing that takes its place.

        A regular call is sized to the latest block: in the next one debts are no smaller and vTokens worth no less.
        A batch has to repay the debts to the unit, so that it is made for the next block alone. What healing or a
        batch repays of the pair's debt has to be offered; what it costs besides, `quote` says.
        """
        regular = LiquidationCall(
            collateral_id=offer.collateral_id,
            debt_id=offer.debt_id,
            borrower=offer.borrower,
            liquidator=offer.liquidator,
            repay_amount=MAX_UINT256 if offer.repay is None else offer.repay,
        )
        call = fitting(market, regular, **_at(market, _next(at)))
        if not isinstance(call, LiquidationCall):
            return call
        most = pairs.most_repayable(market, call, **_at(market, at))
        return replace(call, repay_amount=min(call.repay_amount, most))

    def quote(self, market: Market, call: Call, at: At) -> Quote | Refused:
        """What the call itself comes to in the next block; healing and batches move every debt and collateral."""
        done = self.liquidate(market, call, _next(at))
        if isinstance(done, Revert):
            return done
        return done.in_all(collateral_id=call.collateral_id, debt_id=call.debt_id)

    def liquidate(self, market: Market, call: Call, at: At) -> Settled | Revert:
        """See `carried_out`."""
        return carried_out(market, call, **_at(market, at))

    def payout_ratio(self, market: Market, user: User, collateral_id: AssetId) -> Fraction:
        """The incentive less the protocol's share; paid in vTokens."""
        return pairs.payout_ratio(market, user, collateral_id)

    def most_paid_base(self, market: Market, user: User, pair: Pair, values: Values) -> Fraction:
        """What the close factor allows, or what the vTokens pay for; of a small account all debts.

        Whether it is small the contract asks of other indexes: what is worth twice the minimum is not, by any.
        """
        (collateral_id, debt_id), (collaterals, debts) = pair, values
        pays_for = collaterals[collateral_id] / self.payout_ratio(market, user, collateral_id)
        small_base = 2 * market.min_liquidatable_collateral_usd_mantissa // USD_MANTISSA_PER_BASE
        if sum(collaterals.values()) <= small_base:
            return Fraction(sum(debts.values()))
        free = market.rules.is_liquidated_freely(market.vtokens[debt_id])
        share = Fraction(market.close_factor_mantissa, WAD)
        return min(debts[debt_id] * (Fraction(1) if free else share), pays_for)

    def is_toxic(self, market: Market, call: Call, at: At) -> bool:
        """Below incentive times threshold; healing and batches leave no debt behind."""
        return isinstance(call, LiquidationCall) and pairs.is_toxic(market, call, **_at(market, at))

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
        return (state.debt_usd - state.repayable_usd) / USD_MANTISSA_PER_BASE

    def residual_of_pair(self, market: Market, call: Call, at: At) -> tuple[int, Fraction]:
        """See `residual_of_pair` and `residual_of_healed`; a batch leaves nothing."""
        if isinstance(call, Heal):
            return pairs.residual_of_healed(market, call.borrower, call.debt_id, **_at(market, at))
        if isinstance(call, Batch):
            return 0, Fraction(0)
        return pairs.residual_of_pair(market, call, **_at(market, at))

    def rounded_away(self, market: Market, call: Call, at: At) -> Fraction:
        """See `rounded_away` and `rounded_away_by_healing`; of a batch, all its orders."""
        given = _at(market, at)
        prices = given["prices_mantissa"]
        if isinstance(call, LiquidationCall):
            return pairs.rounded_away(market, call, **given)
        if isinstance(call, Heal):
            lost = pairs.rounded_away_by_healing(market, call.borrower, **given)
            return lost * WAD / prices[call.debt_id]
        return sum(
            (
                pairs.rounded_away(market, leg, **given) * Fraction(prices[leg.debt_id], prices[call.debt_id])
                for leg in _legs(call)
            ),
            Fraction(0),
        )

    def _is_liquidated_freely(self, market: Market, user: User) -> bool:
        return any(market.rules.is_liquidated_freely(market.vtokens[i]) for i in self.debts(market, user))


RULE_SET = VenusIsolated()


def prices_mantissa(market: Market, prices_base: Mapping[AssetId, int]) -> dict[AssetId, int]:
    """What a Venus oracle shows for prices in base: USD times 10**(36 - decimals), exact up to 28 decimals."""
    return {
        i: prices_base[i] * PRICE_MANTISSA_PER_BASE // 10**one.underlying_decimals
        for i, one in market.vtokens.items()
        if i in prices_base
    }


def _account(market: Market, user: User) -> Account:
    return market.accounts.get(user, EMPTY_ACCOUNT)


def _slot(market: Market, at: At) -> int:
    return at.timestamp if market.is_time_based else at.block_number


def _next(at: At) -> At:
    """The next block, which may be of the same second."""
    return replace(at, block_number=at.block_number + 1)


def _at(market: Market, at: At) -> dict[str, Any]:
    return {"prices_mantissa": prices_mantissa(market, at.prices_base), "slot": _slot(market, at)}


def _legs(batch: Batch) -> Iterator[LiquidationCall]:
    for order in batch.orders:
        yield LiquidationCall(
            collateral_id=order.collateral_id,
            debt_id=order.debt_id,
            borrower=batch.borrower,
            liquidator=batch.liquidator,
            repay_amount=order.repay_amount,
        )


def _in_base(values_usd_mantissa: Mapping[AssetId, int]) -> dict[AssetId, int]:
    cut = {i: value // USD_MANTISSA_PER_BASE for i, value in values_usd_mantissa.items()}
    return {i: value for i, value in cut.items() if value}
