"""Compound v3 (Comet) behind the interface of `protocol.model`.

A liquidation is two transactions of one liquidator at one time: `absorb` of the account, for which nobody is paid,
and `buyCollateral` of one of the collaterals that it brought. What is repaid is what the store front is paid; the
debt itself is settled by the reserves, at once and whole. So of the account nothing is left to a second call, and
the other collaterals stay with the protocol until somebody buys them.

Where the store front refuses, as with `NotForSale` while the reserves are at their target, the absorption stands
alone: repaid and received are 0, and `Absorbed.purchase` holds the refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from protocol.compound_v3 import frontier, pairs
from protocol.compound_v3.health import EMPTY_ACCOUNT, is_liquidatable
from protocol.compound_v3.interest import borrow_balance_of, total_supply, viewed_at
from protocol.compound_v3.liquidation import absorb
from protocol.compound_v3.state import (
    BASE,
    AbsorbedAccount,
    Account,
    Bought,
    LiquidationCall,
    Market,
    Revert,
)
from protocol.compound_v3.store_front import buy_collateral, cost_of_collateral
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

BEARERS = Bearers(
    written_off="the protocol's reserves, then suppliers where they are gone",
    uncovered="the protocol's reserves, once somebody absorbs the account",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AbsorbAndBuy:
    """`absorb(liquidator, [borrower])`, then `buyCollateral(collateral, 0, base_amount, liquidator)`."""

    borrower: User
    liquidator: User
    collateral_id: AssetId
    base_amount: int
    """Paid to the store front. [base asset units]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Absorbed(Done):
    """An absorption that went through, and what came of the purchase after it."""

    market: Market
    account: AbsorbedAccount
    debt: int
    """What the account owed. [base asset units]"""
    purchase: Bought | Revert

    @property
    def repaid(self) -> int:
        """Paid to the store front; 0 where that refused."""
        return self.purchase.base_amount if isinstance(self.purchase, Bought) else 0

    @property
    def settled(self) -> int:
        """The debt, but for what is forgiven: the collateral was credited for it."""
        return self.debt - self.account.debt_forgiven

    @property
    def received(self) -> int:
        """Bought at the store front; 0 where that refused."""
        return self.purchase.collateral_amount if isinstance(self.purchase, Bought) else 0

    @property
    def fee(self) -> int:
        """Nothing: what the protocol keeps of the liquidation penalty is in the price of the purchase."""
        return 0

    @property
    def written_off(self) -> Mapping[AssetId, int]:
        """`debt_forgiven`."""
        return {BASE: self.account.debt_forgiven} if self.account.debt_forgiven else {}


@dataclass(frozen=True, slots=True)
class CompoundV3:
    """Every version: they count alike."""

    name: str = "Compound v3"
    bearers: Bearers = BEARERS
    rounded_of_exact: int = 1
    """What is credited turns into whole units of the base asset once."""

    def assets(self, market: Market) -> Mapping[AssetId, Asset]:
        """The base asset, then the collaterals."""
        config = market.config
        base = Asset(
            symbol=config.base_symbol, address=config.base_asset, decimals=_decimals(config.base_scale)
        )
        return {BASE: base} | {
            i: Asset(symbol=one.symbol, address=one.asset, decimals=_decimals(one.info.scale))
            for i, one in market.assets.items()
        }

    def users_with_debt(self, market: Market) -> Iterator[User]:
        """A principal below 0."""
        return (user for user in market.accounts if self.debts(market, user))

    def viewed(self, market: Market, at: At) -> Market:
        """See `viewed_at`."""
        return viewed_at(market, at.timestamp)

    def narrowed(self, market: Market, user: User) -> Market:
        """The collaterals that the account holds."""
        kept = _account(market, user).collateral
        return replace(market, assets={i: one for i, one in market.assets.items() if i in kept})

    def without_dust_rule(self, market: Market) -> Market:
        """There is none: the whole account is absorbed."""
        return market

    def standing(self, market: Market, at: At) -> Callable[[User], Standing]:
        """The debt as it has grown to now; health and `isLiquidatable` at the stored indices, as that view has it.

        It lags behind `absorb`, which accrues first: nobody is found liquidatable here whom that would refuse.
        """
        viewed = viewed_at(market, at.timestamp)

        def of(user: User) -> Standing:
            collaterals, debts = self.values(viewed, user, at)
            return Standing(
                collateral_base=sum(collaterals.values()),
                debt_base=sum(debts.values()),
                health_factor_wad=pairs.health_factor_wad(market, user, prices_base=at.prices_base),
                is_liquidatable=is_liquidatable(market, _account(market, user), at.prices_base),
            )

        return of

    def debts(self, market: Market, user: User) -> Collection[AssetId]:
        """The base asset or nothing."""
        return [BASE] if _account(market, user).principal < 0 else []

    def depends_on(self, market: Market, user: User) -> Collection[AssetId]:
        """Its collaterals and the base asset."""
        return [BASE, *_account(market, user).collateral]

    def values(self, market: Market, user: User, at: At) -> Values:
        """See `position_values`."""
        return pairs.position_values(market, user, prices_base=at.prices_base, timestamp=at.timestamp)

    def owed(self, market: Market, user: User, asset_id: AssetId, at: At) -> int:
        """`borrowBalanceOf`."""
        return borrow_balance_of(market, user, at.timestamp) if asset_id == BASE else 0

    def claims(self, market: Market, asset_id: AssetId, at: At) -> int:
        """`totalSupply` of the base asset; collateral is not lent."""
        return total_supply(market, at.timestamp) if asset_id == BASE else 0

    def pledged(self, market: Market, user: User, asset_id: AssetId, at: At) -> int:
        """Its collateral balance; what it has supplied of the base asset is none."""
        return _account(market, user).collateral.get(asset_id, 0)

    def call(self, market: Market, offer: Offer, at: At) -> AbsorbAndBuy:
        """What the store front is paid: for all of the collateral that the account brings, or less if so offered."""
        amount = self.pledged(market, offer.borrower, offer.collateral_id, at)
        cost = cost_of_collateral(market, offer.collateral_id, amount, prices_base=at.prices_base)
        return AbsorbAndBuy(
            borrower=offer.borrower,
            liquidator=offer.liquidator,
            collateral_id=offer.collateral_id,
            base_amount=cost if offer.repay is None else min(offer.repay, cost),
        )

    def quote(self, market: Market, call: AbsorbAndBuy, at: At) -> Quote | Refused:
        """What both transactions would do; 0 and 0 where only the absorption would go through."""
        outcome = self.liquidate(market, call, at)
        if isinstance(outcome, Revert):
            return outcome
        return outcome.in_all(collateral_id=call.collateral_id, debt_id=BASE)

    def liquidate(self, market: Market, call: AbsorbAndBuy, at: At) -> Absorbed | Revert:
        """Absorbs, then buys; refused where the absorption is: what a purchase after that would do, nobody asks."""
        absorption = LiquidationCall(absorber=call.liquidator, accounts=(call.borrower,))
        outcome = absorb(market, absorption, prices_base=at.prices_base, timestamp=at.timestamp)
        if isinstance(outcome, Revert):
            return outcome
        purchase = buy_collateral(
            outcome.market,
            call.collateral_id,
            0,
            call.base_amount,
            prices_base=at.prices_base,
            timestamp=at.timestamp,
        )
        return Absorbed(
            market=purchase.market if isinstance(purchase, Bought) else outcome.market,
            account=outcome.absorbed[0],
            debt=borrow_balance_of(market, call.borrower, at.timestamp),
            purchase=purchase,
        )

    def payout_ratio(self, market: Market, user: User, collateral_id: AssetId) -> Fraction:
        """1 per 1 less the store front's discount."""
        return pairs.payout_ratio(market, collateral_id)

    def most_paid_base(self, market: Market, user: User, pair: Pair, values: Values) -> Fraction:
        """What the store front asks for the collateral: the debt is settled by the reserves."""
        return values[0][pair[0]] / self.payout_ratio(market, user, pair[0])

    def is_toxic(self, market: Market, call: AbsorbAndBuy, at: At) -> bool:
        """Never: an absorption leaves no debt."""
        return False

    def drops(self, market: Market, user: User, falling: Collection[AssetId], at: At) -> Drops:
        """See `frontier.drops`; debt remains where some of it is forgiven."""
        found = frontier.drops(market, user, falling, prices_base=at.prices_base, timestamp=at.timestamp)
        return Drops(liquidatable=found.liquidatable, toxic=None, debt_remains=found.debt_forgiven)

    def gap_base(self, market: Market, user: User, at: At) -> Fraction:
        """See `gap_base`."""
        return pairs.gap_base(market, user, prices_base=at.prices_base, timestamp=at.timestamp)

    def residual_of_pair(self, market: Market, call: AbsorbAndBuy, at: At) -> tuple[int, Fraction]:
        """See `residual_of_pair`: of the whole account, whichever collateral is bought."""
        return pairs.residual_of_pair(
            market, call.borrower, prices_base=at.prices_base, timestamp=at.timestamp
        )

    def rounded_away(self, market: Market, call: AbsorbAndBuy, at: At) -> Fraction:
        """Nothing more."""
        return Fraction(0)


RULE_SET = CompoundV3()


def _account(market: Market, user: User) -> Account:
    return market.accounts.get(user, EMPTY_ACCOUNT)


def _decimals(scale: int) -> int:
    """Of a token whose whole is `scale` units: a power of ten, as of every token up to 19 decimals."""
    return len(str(scale)) - 1
