"""Morpho Blue behind the interface of `protocol.model`: one market, with the two tokens that the rules do not know.

The contract counts value in loan asset units; what is told in dollars is that, times the price of the loan asset,
rounded down. Its oracle shows one price, of the collateral in loan assets: `oracle_price_e36` makes it of two.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from protocol.errors import MissingPrice, PriceNotPositive
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
from protocol.morpho_blue import frontier, pairs
from protocol.morpho_blue.amounts import LiquidationAmounts, liquidation_amounts
from protocol.morpho_blue.health import ORACLE_PRICE_SCALE, measured, price_at
from protocol.morpho_blue.interest import accrued, viewed_at
from protocol.morpho_blue.ledger import account_of
from protocol.morpho_blue.liquidation import liquidate
from protocol.morpho_blue.state import Liquidated, LiquidationCall, Market, Revert
from protocol.units import MAX_UINT256, WAD

LOAN: Final = 0
"""The asset id of what is lent."""
COLLATERAL: Final = 1
"""The asset id of what is pledged."""

BEARERS = Bearers(
    written_off="lenders of the market, pro rata, at once",
    uncovered="lenders of the market, pro rata, once the last collateral is seized",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class IsolatedMarket:
    """A market and its pair of tokens."""

    loan: Asset
    collateral: Asset
    market: Market


@dataclass(frozen=True, kw_only=True, slots=True)
class IsolatedLiquidation(Done):
    """A liquidation that went through, with the pair still around the market after it."""

    market: IsolatedMarket
    debt: int
    """What the account owed. [loan asset units]"""
    liquidated: Liquidated
    """What the contract's event tells."""

    @property
    def repaid(self) -> int:
        """`repaid_assets`."""
        return self.liquidated.repaid_assets

    @property
    def settled(self) -> int:
        """The debt less what is written off of it.

        A repayment is rounded up for the good of all who owe, so that of one account a unit less may be settled.
        """
        bad_debt = self.liquidated.bad_debt_assets
        return self.debt - bad_debt if bad_debt else self.repaid

    @property
    def received(self) -> int:
        """`seized_assets`."""
        return self.liquidated.seized_assets

    @property
    def fee(self) -> int:
        """None."""
        return 0

    @property
    def written_off(self) -> Mapping[AssetId, int]:
        """`bad_debt_assets`."""
        bad_debt = self.liquidated.bad_debt_assets
        return {LOAN: bad_debt} if bad_debt else {}


@dataclass(frozen=True, slots=True)
class MorphoBlue:
    """Collateral bears no interest and has no shares, so there is no choice of them."""

    name: str = "Morpho Blue"
    bearers: Bearers = BEARERS
    rounded_of_exact: int = 3
    """Rounded up: the value of all the collateral, its division by the incentive, and what is paid in shares."""

    def assets(self, market: IsolatedMarket) -> Mapping[AssetId, Asset]:
        """The pair."""
        return {LOAN: market.loan, COLLATERAL: market.collateral}

    def users_with_debt(self, market: IsolatedMarket) -> Iterator[User]:
        """Borrow shares."""
        return (user for user in market.market.accounts if self.debts(market, user))

    def viewed(self, market: IsolatedMarket, at: At) -> IsolatedMarket:
        """See `viewed_at`."""
        return replace(market, market=viewed_at(market.market, at.timestamp))

    def narrowed(self, market: IsolatedMarket, user: User) -> IsolatedMarket:
        """Without the other accounts: it depends on the totals alone."""
        alone = {user: market.market.accounts[user]}
        return replace(market, market=replace(market.market, accounts=alone))

    def without_dust_rule(self, market: IsolatedMarket) -> IsolatedMarket:
        """The same: there is none."""
        return market

    def claims(self, market: IsolatedMarket, asset_id: AssetId, at: At) -> int:
        """All that is supplied with its interest [loan asset units]; collateral is nobody's but its owner's."""
        return accrued(market.market, at.timestamp).total_supply.assets if asset_id == LOAN else 0

    def standing(self, market: IsolatedMarket, at: At) -> Callable[[User], Standing]:
        """By `_isHealthy`."""
        viewed, price_e36 = accrued(market.market, at.timestamp), oracle_price_e36(market, at.prices_base)

        def of(user: User) -> Standing:
            value, _ = pairs.position_values(viewed, user, price_e36=price_e36, timestamp=at.timestamp)
            data = measured(viewed, account_of(viewed, user), price_e36)
            owed, most = data.borrowed_assets, data.max_borrow_assets
            return Standing(
                collateral_base=_in_base(market, at, value),
                debt_base=_in_base(market, at, owed),
                health_factor_wad=most * WAD // owed if owed else MAX_UINT256,
                is_liquidatable=not data.healthy,
            )

        return of

    def debts(self, market: IsolatedMarket, user: User) -> Collection[AssetId]:
        """The loan asset."""
        return [LOAN] if account_of(market.market, user).borrow_shares else []

    def depends_on(self, market: IsolatedMarket, user: User) -> Collection[AssetId]:
        """Both: the price is of one in the other."""
        return (LOAN, COLLATERAL)

    def values(self, market: IsolatedMarket, user: User, at: At) -> Values:
        """See `position_values`."""
        value, owed = pairs.position_values(market.market, user, **_seen(market, at))
        collaterals, debts = _in_base(market, at, value), _in_base(market, at, owed)
        return {COLLATERAL: collaterals} if collaterals else {}, {LOAN: debts} if debts else {}

    def owed(self, market: IsolatedMarket, user: User, asset_id: AssetId, at: At) -> int:
        """What its borrow shares cost, rounded up."""
        shares = account_of(market.market, user).borrow_shares if asset_id == LOAN else 0
        return accrued(market.market, at.timestamp).total_borrow.to_assets_up(shares)

    def pledged(self, market: IsolatedMarket, user: User, asset_id: AssetId, at: At) -> int:
        """As stored."""
        return account_of(market.market, user).collateral if asset_id == COLLATERAL else 0

    def call(self, market: IsolatedMarket, offer: Offer, at: At) -> LiquidationCall:
        """Everything, where that costs no more than what is offered; else the shares that the offer pays for.

        The contract cuts nothing, so it is done here. Named in shares or collateral, a call still goes through in a
        later block of the same second.
        """
        viewed, price_e36 = accrued(market.market, at.timestamp), oracle_price_e36(market, at.prices_base)
        most = _everything(viewed, offer, price_e36)
        if offer.repay is None or _amounts(viewed, most, price_e36).repaid_assets <= offer.repay:
            return most
        return replace(most, seized_assets=0, repaid_shares=viewed.total_borrow.to_shares_down(offer.repay))

    def quote(self, market: IsolatedMarket, call: LiquidationCall, at: At) -> Quote | Refused:
        """By liquidating: `liquidation_quote` does not say whether so much is owed and pledged."""
        done = liquidate(market.market, call, **_seen(market, at))
        if isinstance(done, Revert):
            return done
        return Quote(paid={LOAN: done.repaid_assets}, received={COLLATERAL: done.seized_assets})

    def liquidate(self, market: IsolatedMarket, call: LiquidationCall, at: At) -> Done | Refused:
        """See `liquidate`."""
        done = liquidate(market.market, call, **_seen(market, at))
        if isinstance(done, Revert):
            return done
        return IsolatedLiquidation(
            market=replace(market, market=done.market),
            debt=self.owed(market, call.borrower, LOAN, at),
            liquidated=done,
        )

    def payout_ratio(self, market: IsolatedMarket, user: User, collateral_id: AssetId) -> Fraction:
        """The incentive factor."""
        return pairs.payout_ratio(market.market)

    def most_paid_base(self, market: IsolatedMarket, user: User, pair: Pair, values: Values) -> Fraction:
        """All of the debt, or what the collateral pays for."""
        (collateral_id, debt_id), (collaterals, debts) = pair, values
        pays_for = collaterals[collateral_id] / self.payout_ratio(market, user, collateral_id)
        return min(Fraction(debts[debt_id]), pays_for)

    def is_toxic(self, market: IsolatedMarket, call: LiquidationCall, at: At) -> bool:
        """Loan-to-value above 1 / LIF."""
        return pairs.is_toxic(market.market, call, **_seen(market, at))

    def drops(self, market: IsolatedMarket, user: User, falling: Collection[AssetId], at: At) -> Drops:
        """See `frontier.drops`: the price falls with the collateral's, but not where the loan's falls as well."""
        found = frontier.drops(market.market, user, **_seen(market, at))
        liquidatable, debt_remains = found.liquidatable, found.debt_remains
        if LOAN in falling or COLLATERAL not in falling:
            liquidatable, debt_remains = _happened(liquidatable), _happened(debt_remains)
        return Drops(liquidatable=liquidatable, toxic=debt_remains, debt_remains=debt_remains)

    def gap_base(self, market: IsolatedMarket, user: User, at: At) -> Fraction:
        """See `residual_exact`."""
        viewed, price_e36 = accrued(market.market, at.timestamp), oracle_price_e36(market, at.prices_base)
        gap = frontier.residual_exact(
            viewed.total_borrow, account_of(viewed, user), lltv_wad=viewed.lltv_wad, price_e36=price_e36
        )
        return gap * at.prices_base[LOAN] / 10**market.loan.decimals

    def residual_of_pair(self, market: IsolatedMarket, call: LiquidationCall, at: At) -> tuple[int, Fraction]:
        """See `residual_of_pair`."""
        return pairs.residual_of_pair(market.market, call, **_seen(market, at))

    def rounded_away(self, market: IsolatedMarket, call: LiquidationCall, at: At) -> Fraction:
        """Nothing more: a part of a share is worth next to nothing."""
        return Fraction(0)


def oracle_price_e36(market: IsolatedMarket, prices_base: Mapping[AssetId, int]) -> int:
    """What the market's oracle shows where the two assets have these prices in dollars, rounded down.

    Of a collateral asset unit in loan asset units, times 1e36. Raises `MissingPrice`, `PriceNotPositive` (loan),
    `PriceNoUint` (collateral).
    """
    for asset_id, asset in (LOAN, market.loan), (COLLATERAL, market.collateral):
        if asset_id not in prices_base:
            raise MissingPrice(asset.symbol, unit="in dollars, times 1e8")
    if prices_base[LOAN] <= 0:
        raise PriceNotPositive(market.loan.symbol, prices_base[LOAN])
    loan_units = prices_base[COLLATERAL] * 10**market.loan.decimals * ORACLE_PRICE_SCALE
    return price_at(loan_units // (prices_base[LOAN] * 10**market.collateral.decimals))


def _seen(market: IsolatedMarket, at: At) -> dict[str, int]:
    """The moment and what the oracle shows, as the contract's functions ask for them."""
    return {"price_e36": oracle_price_e36(market, at.prices_base), "timestamp": at.timestamp}


def _in_base(market: IsolatedMarket, at: At, loan_assets: int) -> int:
    """Loan asset units in dollars, rounded down. [base]"""
    return loan_assets * at.prices_base[LOAN] // 10**market.loan.decimals


def _everything(market: Market, offer: Offer, price_e36: int) -> LiquidationCall:
    """All of the debt; or all of the collateral where that does not pay for it. [accrued market]

    Of the two one always fits: collateral that does not pay for all shares, by amounts rounded down, costs no more
    than they, by amounts rounded up.
    """
    account = account_of(market, offer.borrower)
    whole = LiquidationCall(
        borrower=offer.borrower, liquidator=offer.liquidator, repaid_shares=account.borrow_shares
    )
    if price_e36 and _amounts(market, whole, price_e36).seized_assets <= account.collateral:
        return whole
    return replace(whole, repaid_shares=0, seized_assets=account.collateral)


def _amounts(market: Market, call: LiquidationCall, price_e36: int) -> LiquidationAmounts:
    """What the call takes and costs in an accrued market, whether it may or not."""
    return liquidation_amounts(
        market.total_borrow,
        lltv_wad=market.lltv_wad,
        price_e36=price_e36,
        seized_assets=call.seized_assets,
        repaid_shares=call.repaid_shares,
    )


def _happened(share: Fraction | None) -> Fraction | None:
    """A drop where no fall moves the price: only what has happened already is told."""
    return share if share is not None and share <= 0 else None


RULE_SET = MorphoBlue()
