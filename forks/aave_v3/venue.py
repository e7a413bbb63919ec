"""A real Aave v3 pool on a local node: what the crash reads from it and does to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from forks.aave_v3.configuration import can_be_borrowed, without_caps
from forks.aave_v3.events import liquidation_amounts
from forks.aave_v3.getters import Question, ask
from forks.aave_v3.listing import Listed
from forks.aave_v3.opening import open_book
from forks.aave_v3.parity import flatten_account_data, flatten_market, flatten_outcome
from forks.aave_v3.reader import MarketReader
from forks.crash.node_venue import NodeVenue
from forks.crash.sending import mined
from forks.crash.venue import Amounts, Call, Numbers, Sent, transaction
from forks.feeds import FeedControl
from protocol.aave_v3 import (
    AccountData,
    Liquidated,
    LiquidationCall,
    Market,
    ReserveId,
    Rules,
    User,
    account_data,
    normalized_debt,
    normalized_income,
)
from protocol.aave_v3.rule_set import RULE_SET, AaveV3
from protocol.model import At, Refused
from protocol.units import MAX_UINT256, RAY
from stress.book import AaveTerms, Book, Opening, RebuiltBook, rebuild, reserve_infos
from stress.engine import Attempt

LIQUIDATION_CALL = "liquidationCall(address,address,address,uint256,bool)"

Fund = Callable[[str, str, int], None]
"""(token, to, amount [asset units]): see to it that `to` holds at least that much."""


@dataclass(kw_only=True, slots=True)
class AaveVenue(NodeVenue):
    """One pool on one node."""

    reader: MarketReader
    pool_revision: int
    fund_token: Fund
    _feeds: FeedControl | None = None

    def __post_init__(self) -> None:
        """Note what the listing leaves out."""
        if left_out := self.reader.listing.not_modelled:
            names = ", ".join(left_out.values())
            self.notes.append(f"{names} left out: its rate strategy or debt token is not modelled")

    @property
    def pool(self) -> str:
        """Address of the Pool."""
        return self.reader.listing.pool

    @property
    def address(self) -> str:
        """The Pool."""
        return self.pool

    @property
    def rule_set(self) -> AaveV3:
        """The rules behind the interface."""
        return RULE_SET

    @property
    def title(self) -> str:
        """With its revision."""
        return f"Aave v{self.rules.revision}"

    @property
    def summary(self) -> Mapping[str, Any]:
        """Its revisions, by its own number and by our name."""
        return {"pool_revision": self.pool_revision, "revision": self.rules.revision}

    @property
    def rules(self) -> Rules:
        """The rules of its revision."""
        return self.reader.listing.rules

    @property
    def assets(self) -> dict[str, str]:
        """Symbol to address of every reserve."""
        return {one.symbol: one.asset for one in self.reader.listing.reserves}

    @property
    def reserve_ids(self) -> dict[str, ReserveId]:
        """Symbol to reserve id."""
        return {one.symbol: one.reserve_id for one in self.reader.listing.reserves}

    def listed(self) -> dict[ReserveId, Listed]:
        """Every reserve's addresses by its id."""
        return {one.reserve_id: one for one in self.reader.listing.reserves}

    def market(self, users: Iterable[User]) -> Market:
        """Everything stored, at the latest block, with these accounts and the treasury."""
        return self.reader.market(users)

    def is_empty(self, market: Market, user: User) -> bool:
        """Whether it has neither collateral nor debt."""
        return not market.accounts[user].positions

    def prices(self) -> dict[ReserveId, int]:
        """What the oracle answers now [base]."""
        return self.reader.prices()

    def account_data(self, users: Sequence[User]) -> list[AccountData]:
        """`getUserAccountData` of each, in their order."""
        found = self.reader.account_data(users)
        return [found[to_checksum_address(user)] for user in users]

    def normalized(self, reserve_ids: Collection[ReserveId]) -> dict[ReserveId, tuple[int, int]]:
        """Normalized income and debt of these reserves [ray]."""
        found = self.reader.normalized()
        return {reserve_id: found[reserve_id] for reserve_id in reserve_ids}

    def borrowable(self) -> set[str]:
        """Symbols of the reserves that may be borrowed now: borrowing is on, and nothing is frozen or paused."""
        return {symbol for symbol, word in self.configurations().items() if can_be_borrowed(word)}

    def configurations(self) -> dict[str, int]:
        """Symbol to the packed configuration word of every reserve."""
        listed = self.reader.listing.reserves
        asked = [Question(self.pool, "getConfiguration(address)", (one.asset,)) for one in listed]
        return {one.symbol: answer.word for one, answer in zip(listed, ask(self.node, asked), strict=True)}

    def take_over_feeds(self, prices_base: Mapping[ReserveId, int]) -> None:
        """Put our feed behind every reserve's price source, showing these prices [base]."""
        symbols = {address: symbol for symbol, address in self.assets.items()}
        self._feeds = FeedControl(self.node, self.reader.listing.oracle, self.assets.values())
        for source, assets in self._feeds.shared.items():
            names = ", ".join(symbols[asset] for asset in assets)
            self.notes.append(f"{names} share the price source {source}: each has a feed of its own here")
        self.set_prices(prices_base)

    def set_prices(self, prices_base: Mapping[ReserveId, int]) -> None:
        """Let the oracle show these prices from the next block on [base]."""
        if self._feeds is None:
            raise RuntimeError("take_over_feeds comes first")
        listed = self.listed()
        for reserve_id, price_base in prices_base.items():
            self._feeds.set_price(listed[reserve_id].asset, price_base)

    def fund(self, symbol: str, to: str, amount: int) -> None:
        """See to it that `to` holds `amount` of an asset [asset units]."""
        if amount:
            self.fund_token(self.assets[symbol], to, amount)

    def equip(self, bots: Sequence[User], market: Market) -> None:
        """Give liquidators twice of every asset what its borrowers owe, and let the pool take it."""
        calls: list[Call] = []
        for one in self.reader.listing.reserves:
            owed = sum(
                account.positions[one.reserve_id].scaled_variable_debt
                for account in market.accounts.values()
                if one.reserve_id in account.positions
            )
            if owed:
                index_ray = market.reserves[one.reserve_id].variable_borrow_index_ray
                for bot in bots:
                    self.fund(one.symbol, bot, 2 * owed * index_ray // RAY)
                    approval = (self.pool, MAX_UINT256)
                    calls.append(Call(bot, one.asset, "approve(address,uint256)", approval))
        self.require_all(calls)

    def lift_caps(self, symbols: Iterable[str]) -> None:
        """Take supply and borrow caps off, so that a book fits beside what is there already."""
        question = Question(self.reader.listing.provider, "getPoolConfigurator()")
        configurator, words = ask(self.node, [question])[0].address, self.configurations()
        for symbol in symbols:
            arguments = (self.assets[symbol], (without_caps(words[symbol]),))
            signature = "setConfiguration(address,(uint256))"
            self.require(transaction(configurator, self.pool, signature, arguments))
        self.notes.append(f"supply and borrow caps lifted: {', '.join(symbols)}")

    def plan(self, book: Book, prices_base: Mapping[ReserveId, int]) -> RebuiltBook:
        """The book's borrowers as amounts on this market."""
        not_borrowable = set(self.assets) - self.borrowable()
        infos = reserve_infos(self.market(()), prices_base, not_borrowable=not_borrowable)
        return rebuild(book, infos, AaveTerms(self.rules))

    def open(
        self, openings: Sequence[Opening], prices_base: Mapping[ReserveId, int], bots: Sequence[User]
    ) -> None:
        """See `open_book`."""
        open_book(self, openings, prices_base, bots=bots)

    def touched(self, attempt: Attempt) -> Sequence[User]:
        """Borrower, liquidator and the treasury."""
        return [attempt.offer.borrower, attempt.offer.liquidator, attempt.market.treasury]

    def stored(self, market: Market, users: Iterable[User]) -> Numbers:
        """See `flatten_market`."""
        return flatten_market(market, users)

    def views(self, users: Sequence[User]) -> Sequence[Numbers]:
        """`getUserAccountData` of each."""
        return [flatten_account_data(one) for one in self.account_data(users)]

    def model_views(self, market: Market, users: Sequence[User], at: At) -> Sequence[Numbers]:
        """See `account_data`."""
        now = {"prices_base": at.prices_base, "timestamp": at.timestamp}
        return [flatten_account_data(account_data(market, user, **now)) for user in users]

    def pair_views(self, call: LiquidationCall) -> Numbers:
        """Normalized income and debt of both reserves [ray]."""
        listed = self.listed()
        found = self.normalized(sorted({call.collateral_id, call.debt_id}))
        return _indices({listed[i].symbol: pair for i, pair in found.items()})

    def model_pair_views(self, market: Market, call: LiquidationCall, at: At) -> Numbers:
        """The same of the model [ray]."""
        reserves = [market.reserves[i] for i in sorted({call.collateral_id, call.debt_id})]
        rules, now = market.rules, at.timestamp
        return _indices(
            {r.symbol: (normalized_income(r, rules, now), normalized_debt(r, rules, now)) for r in reserves}
        )

    def liquidate(self, call: LiquidationCall) -> Sent:
        """Send the real `liquidationCall` through web3. Raises RpcFailed, NotMined."""
        return Sent(receipts=(mined(self.node, self._sent(call), call.borrower, self.reason),))

    def refused(self, sent: Sent, previewed: str) -> str:
        """The error with which it reverted."""
        return "" if sent.through else previewed or "goes through when previewed"

    def expected(self, refused: Refused) -> str:
        """The canonical name of the error."""
        return refused.name

    def refusal(self, call: LiquidationCall) -> str:
        """Canonical name of the error with which the call reverts at `latest`; empty if it does not."""
        one = self._sent(call)
        return self.reason(transaction(one.sender, one.to, one.function, one.arguments))

    def amounts(self, sent: Sent, attempt: Attempt) -> Amounts:
        """Of `LiquidationCall`, every `DeficitCreated`, and the fee."""
        atoken = self.listed()[attempt.call.collateral_id].atoken
        return _amounts(liquidation_amounts(sent.receipts[0], attempt.market, attempt.call, atoken))

    def model_amounts(self, done: Liquidated, attempt: Attempt) -> Amounts:
        """See `flatten_outcome`."""
        return _amounts(flatten_outcome(done, attempt.market))

    def _sent(self, call: LiquidationCall) -> Call:
        listed = self.listed()
        arguments = (
            to_checksum_address(listed[call.collateral_id].asset),
            to_checksum_address(listed[call.debt_id].asset),
            to_checksum_address(call.borrower),
            call.debt_to_cover,
            call.receive_atoken,
        )
        return Call(call.liquidator, self.pool, LIQUIDATION_CALL, arguments)


def _indices(by_symbol: Mapping[str, tuple[int, int]]) -> Numbers:
    named: dict[str, int] = {}
    for symbol, (income_ray, debt_ray) in by_symbol.items():
        named[f"normalized_income.{symbol}"] = income_ray
        named[f"normalized_debt.{symbol}"] = debt_ray
    return named


def _amounts(named: Numbers) -> Amounts:
    deficit = "event.DeficitCreated."
    return Amounts(
        named=named,
        repaid=named.get("event.LiquidationCall.debtToCover", 0),
        received=named.get("event.LiquidationCall.liquidatedCollateralAmount", 0),
        fee=named.get("event.protocolFee", 0),
        written_off={n.removeprefix(deficit): a for n, a in named.items() if n.startswith(deficit)},
    )
