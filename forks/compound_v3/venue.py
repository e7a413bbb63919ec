"""A Comet on a node, as the crash asks of it: read, feeds, `absorb` and `buyCollateral`.

Taken as it stands, with the borrowers that it has: no market of our own can be made. Prices are those of its feeds,
which count in dollars or, of some markets, in the base asset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forks.aave_v3.tokens import deal
from forks.compound_v3 import calls, events, views
from forks.compound_v3.errors import AccountsNeeded
from forks.compound_v3.feeds import RoundFeeds, shared_note
from forks.compound_v3.reader import MarketReader
from forks.crash.ledger import error_number
from forks.crash.node_venue import NodeVenue
from forks.crash.sending import mined
from forks.crash.venue import Amounts, Call, Numbers, Sent, transaction
from protocol.compound_v3 import BASE, Bought, LiquidationCall, Market
from protocol.compound_v3.rule_set import RULE_SET, AbsorbAndBuy, Absorbed, CompoundV3
from protocol.compound_v3.store_front import cost_of_collateral
from protocol.model import AssetId, At, Refused, User
from protocol.units import MAX_UINT256
from stress.book import Book, Opening, RebuiltBook
from stress.engine import Attempt


@dataclass(kw_only=True, slots=True)
class CompoundV3Venue(NodeVenue):
    """One Comet on one node."""

    reader: MarketReader
    _feeds: RoundFeeds | None = None

    @property
    def address(self) -> str:
        """The Comet."""
        return self.reader.listing.comet

    @property
    def rule_set(self) -> CompoundV3:
        """The rules behind the interface."""
        return RULE_SET

    @property
    def title(self) -> str:
        """With what is lent."""
        return f"Compound v3 ({self.reader.listing.config.base_symbol})"

    @property
    def summary(self) -> Mapping[str, Any]:
        """The version of the contract."""
        return {"revision": self.reader.listing.rules.revision}

    def market(self, users: Iterable[User]) -> Market:
        """Everything stored, at the latest block."""
        return self.reader.market(users)

    def is_empty(self, market: Market, user: User) -> bool:
        """Whether it has neither collateral nor a principal."""
        account = market.accounts.get(user)
        return account is None or not (account.principal or account.collateral)

    def prices(self) -> dict[AssetId, int]:
        """What the contract reads of its feeds [base]."""
        return self.reader.prices()

    def take_over_feeds(self, prices_base: Mapping[AssetId, int]) -> None:
        """Put our code behind every feed, answering these prices [base]."""
        self._feeds = RoundFeeds(self.node, self.reader.listing, prices_base)
        self.notes.extend(shared_note(symbols) for symbols in self._feeds.shared)

    def set_prices(self, prices_base: Mapping[AssetId, int]) -> None:
        """Let the feeds answer these prices from now on [base]. Raises PriceNotPositive, FeedShared."""
        if self._feeds is None:
            raise RuntimeError("take_over_feeds comes first")
        self._feeds.set_prices(prices_base)

    def plan(self, book: Book, prices_base: Mapping[AssetId, int]) -> RebuiltBook:
        """No book is opened here. Raises AccountsNeeded."""
        raise AccountsNeeded

    def open(
        self, openings: Sequence[Opening], prices_base: Mapping[AssetId, int], bots: Sequence[User]
    ) -> None:
        """No book is opened here. Raises AccountsNeeded."""
        raise AccountsNeeded

    def equip(self, bots: Sequence[User], market: Market) -> None:
        """Give liquidators of the base asset twice what all that was pledged costs, and let the Comet take it."""
        prices_base, base_asset = self.prices(), self.reader.listing.config.base_asset
        cost = sum(
            cost_of_collateral(market, asset_id, amount, prices_base=prices_base)
            for account in market.accounts.values()
            for asset_id, amount in account.collateral.items()
        )
        for bot in bots:
            deal(self.node, base_asset, bot, 2 * cost)
        approval = (self.address, MAX_UINT256)
        self.require_all(Call(bot, base_asset, "approve(address,uint256)", approval) for bot in bots)

    def touched(self, attempt: Attempt) -> Sequence[User]:
        """The borrower and the liquidator."""
        return [attempt.offer.borrower, attempt.offer.liquidator]

    def stored(self, market: Market, users: Iterable[User]) -> Numbers:
        """See `stored`."""
        return views.stored(market, list(users))

    def views(self, users: Sequence[User]) -> Sequence[Numbers]:
        """The four views of an account."""
        return views.account_views(self.reader, users)

    def model_views(self, market: Market, users: Sequence[User], at: At) -> Sequence[Numbers]:
        """The same of the model."""
        return views.model_account_views(market, users, prices_base=at.prices_base, timestamp=at.timestamp)

    def pair_views(self, call: AbsorbAndBuy) -> Numbers:
        """Those of the whole market."""
        return views.market_views(self.reader)

    def model_pair_views(self, market: Market, call: AbsorbAndBuy, at: At) -> Numbers:
        """The same of the model."""
        return views.model_market_views(market, prices_base=at.prices_base, timestamp=at.timestamp)

    def liquidate(self, call: AbsorbAndBuy) -> Sent:
        """Send `absorb`, and `buyCollateral` if it went through. Raises RpcFailed, NotMined."""
        absorbed = mined(self.node, self._absorption(call), call.borrower, self.reason)
        if absorbed["status"] != 1:
            return Sent(receipts=(absorbed,))
        return Sent(receipts=(absorbed, mined(self.node, self._purchase(call), call.borrower, self.reason)))

    def refusal(self, call: AbsorbAndBuy) -> str:
        """The error with which the absorption would revert."""
        return self.reason(_sent(self._absorption(call)))

    def refused(self, sent: Sent, previewed: str) -> str:
        """The error with which the absorption reverted; what became of the purchase, the amounts tell."""
        through = sent.receipts[0]["status"] == 1
        return "" if through else previewed or "goes through when previewed"

    def expected(self, refused: Refused) -> str:
        """The canonical name of the error."""
        return refused.name

    def amounts(self, sent: Sent, attempt: Attempt) -> Amounts:
        """Of all events, what was forgiven, and with which error the purchase was refused, as a number."""
        call: AbsorbAndBuy = attempt.call
        named = events.amounts(sent.logs, self.reader.listing)
        base_price_base = attempt.at.prices_base[BASE]
        forgiven = events.debt_forgiven(named, self.reader.listing, call.borrower, base_price_base)
        bought = sent.receipts[-1]["status"] == 1
        refusal = "" if bought else self.reason(_sent(self._purchase(call)))
        return self._amounts(named, call, forgiven, refusal)

    def model_amounts(self, done: Absorbed, attempt: Attempt) -> Amounts:
        """The same of the model."""
        call: AbsorbAndBuy = attempt.call
        named = events.model_absorption(done.market, [done.account])
        if isinstance(done.purchase, Bought):
            return self._amounts(
                named | events.model_purchase(done.purchase, call.collateral_id),
                call,
                done.account.debt_forgiven,
                "",
            )
        return self._amounts(named, call, done.account.debt_forgiven, done.purchase.name)

    def _amounts(self, named: Numbers, call: AbsorbAndBuy, forgiven: int, refusal: str) -> Amounts:
        symbols = {one.asset_id: one.symbol for one in self.reader.listing.assets}
        bought = f"BuyCollateral.{symbols[call.collateral_id]}"
        base_symbol = self.reader.listing.config.base_symbol
        return Amounts(
            named={
                **{f"event.{name}": amount for name, amount in named.items()},
                "debtForgiven": forgiven,
                "purchaseRefused": error_number(refusal) if refusal else 0,
            },
            repaid=named.get(f"{bought}.baseAmount", 0),
            received=named.get(f"{bought}.collateralAmount", 0),
            fee=0,
            written_off={base_symbol: forgiven} if forgiven else {},
        )

    def _absorption(self, call: AbsorbAndBuy) -> Call:
        absorption = LiquidationCall(absorber=call.liquidator, accounts=(call.borrower,))
        return calls.absorb(self.reader.listing, absorption)

    def _purchase(self, call: AbsorbAndBuy) -> Call:
        return calls.buy_collateral(
            self.reader.listing, call.collateral_id, 0, call.base_amount, call.liquidator
        )


def _sent(call: Call) -> dict[str, Any]:
    return transaction(call.sender, call.to, call.function, call.arguments)
