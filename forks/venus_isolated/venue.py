"""A Venus pool on a node, as the crash asks of it: read, prices, positions, and its three ways to liquidate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from forks.aave_v3.getters import Question, address_of, ask, checksummed
from forks.crash.node_venue import NodeVenue, all_owed
from forks.crash.sending import mined
from forks.crash.venue import Amounts, Call, Numbers, Sent, transaction
from forks.venus_isolated.deploy import Deployment, set_price
from forks.venus_isolated.opening import equip, open_book
from forks.venus_isolated.reader import MarketReader
from protocol.model import At, Refused, User
from protocol.units import WAD
from protocol.venus_isolated import (
    Account,
    AccountLiquidated,
    Healed,
    Liquidated,
    LiquidationCall,
    Market,
    MarketId,
    Position,
    Seized,
    account_data,
    exchange_rate,
    viewed_at,
)
from protocol.venus_isolated.calls import Batch, Settled
from protocol.venus_isolated.calls import Call as Choice
from protocol.venus_isolated.rule_set import (
    PRICE_MANTISSA_PER_BASE,
    RULE_SET,
    VenusIsolated,
    prices_mantissa,
)
from stress.book import Book, Opening, PlainTerms, RebuiltBook, ReserveInfo, rebuild
from stress.engine import Attempt

LIQUIDATE_BORROW = "liquidateBorrow(address,uint256,address)"
LIQUIDATE_ACCOUNT = "liquidateAccount(address,(address,address,uint256)[])"
HEAL_ACCOUNT = "healAccount(address)"
EVENTS = {
    keccak(text="RepayBorrow(address,address,uint256,uint256,uint256)"): "RepayBorrow",
    keccak(text="BadDebtIncreased(address,uint256,uint256,uint256)"): "BadDebtIncreased",
    keccak(text="ReservesAdded(address,uint256,uint256)"): "ReservesAdded",
    keccak(text="Transfer(address,address,uint256)"): "Transfer",
}
"""Those whose first word of data is an amount of a liquidation."""
BPS_MANTISSA = WAD // 10_000
MOVING_FIELDS = (
    "cash_underlying",
    "total_borrows_underlying",
    "total_reserves_underlying",
    "total_supply_vtokens",
    "borrow_index_mantissa",
    "accrual_slot",
    "bad_debt_underlying",
)
POSITION_FIELDS = ("vtokens", "borrow_principal_underlying", "borrow_interest_index_mantissa")


@dataclass(kw_only=True, slots=True)
class VenusIsolatedVenue(NodeVenue):
    """One pool."""

    reader: MarketReader
    deployment: Deployment

    @property
    def address(self) -> str:
        """The Comptroller."""
        return self.deployment.comptroller

    @property
    def rule_set(self) -> VenusIsolated:
        """The rules behind the interface."""
        return RULE_SET

    @property
    def title(self) -> str:
        """With the release that is deployed."""
        return "Venus isolated pools 1.0.0"

    @property
    def summary(self) -> Mapping[str, Any]:
        """The release."""
        return {"release": "1.0.0"}

    @property
    def symbols(self) -> list[str]:
        """Of the underlying assets, in the order of the market ids."""
        return list(self.deployment.markets)

    def market(self, users: Iterable[User]) -> Market:
        """Everything stored, at the latest block."""
        return self.reader.market(users)

    def is_empty(self, market: Market, user: User) -> bool:
        """Whether it has neither vTokens nor loans."""
        return user not in market.accounts

    def prices(self) -> dict[MarketId, int]:
        """What the oracle answers now [base]."""
        decimals = [one.underlying_decimals for one in self.reader.listed]
        answers = self.reader.prices()
        return {i: answers[i] * 10**each // PRICE_MANTISSA_PER_BASE for i, each in enumerate(decimals)}

    def take_over_feeds(self, prices_base: Mapping[MarketId, int]) -> None:
        """The oracle is ours from the beginning."""
        self.set_prices(prices_base)

    def set_prices(self, prices_base: Mapping[MarketId, int]) -> None:
        """Let the oracle show these prices from now on [base]."""
        for i, price_base in prices_base.items():
            mantissa = price_base * PRICE_MANTISSA_PER_BASE // 10 ** self.reader.listed[i].underlying_decimals
            set_price(self.node, self.deployment, self.symbols[i], mantissa)

    def plan(self, book: Book, prices_base: Mapping[MarketId, int]) -> RebuiltBook:
        """Factor and threshold of every market."""
        infos = {
            self.symbols[i]: ReserveInfo(
                decimals=one.underlying_decimals,
                ltv_bps=one.collateral_factor_mantissa // BPS_MANTISSA,
                liquidation_threshold_bps=one.liquidation_threshold_mantissa // BPS_MANTISSA,
                price_base=prices_base[i],
            )
            for i, one in self.market(()).vtokens.items()
        }
        return rebuild(book, infos, PlainTerms())

    def open(
        self, openings: Sequence[Opening], prices_base: Mapping[MarketId, int], bots: Sequence[User]
    ) -> None:
        """See `open_book`."""
        open_book(self, openings, bots=bots)

    def equip(self, bots: Sequence[User], market: Market) -> None:
        """See `equip`."""
        at = At(prices_base=self.prices(), timestamp=self.now(), block_number=self.node.block_number())
        equip(self, all_owed(self.rule_set, market, at), bots=bots)

    def touched(self, attempt: Attempt) -> Sequence[User]:
        """Borrower and liquidator."""
        return [attempt.offer.borrower, attempt.offer.liquidator]

    def stored(self, market: Market, users: Iterable[User]) -> Numbers:
        """What moves in every vToken, and every position of these accounts."""
        named: dict[str, int] = {}
        for i, vtoken in market.vtokens.items():
            named |= {f"vtoken.{self.symbols[i]}.{name}": getattr(vtoken, name) for name in MOVING_FIELDS}
        for user in dict.fromkeys(users):
            named |= dict(self._flat(user, market.accounts.get(user, Account())))
        return named

    def _flat(self, user: User, account: Account) -> Iterator[tuple[str, int]]:
        yield f"user.{user}.entered", sum(1 << i for i in account.entered)
        for i, symbol in enumerate(self.symbols):
            position = account.positions.get(i, Position())
            for name in POSITION_FIELDS:
                yield f"user.{user}.{symbol}.{name}", getattr(position, name)

    def views(self, users: Sequence[User]) -> Sequence[Numbers]:
        """`getAccountLiquidity`, which accrues nothing, and `borrowBalanceCurrent` in every market."""
        vtokens = [one.vtoken for one in self.reader.listed]
        questions = [
            question
            for user in users
            for question in (
                Question(self.address, "getAccountLiquidity(address)", (user,)),
                *(Question(vtoken, "borrowBalanceCurrent(address)", (user,)) for vtoken in vtokens),
            )
        ]
        answers = iter(ask(self.node, questions))
        found: list[Numbers] = []
        for _ in users:
            _, liquidity, shortfall = next(answers).words
            owed = {f"owed.{symbol}": next(answers).word for symbol in self.symbols}
            found.append({"liquidity": liquidity, "shortfall": shortfall, **owed})
        return found

    def model_views(self, market: Market, users: Sequence[User], at: At) -> Sequence[Numbers]:
        """The same of the model."""
        prices = prices_mantissa(market, at.prices_base)
        found: list[Numbers] = []
        for user in users:
            data = account_data(market, user, prices_mantissa=prices, slot=at.block_number)
            owed = {f"owed.{s}": RULE_SET.owed(market, user, i, at) for i, s in enumerate(self.symbols)}
            liquidity, shortfall = data.liquidity_usd_mantissa, data.shortfall_usd_mantissa
            found.append({"liquidity": liquidity, "shortfall": shortfall, **owed})
        return found

    def pair_views(self, call: Choice) -> Numbers:
        """`exchangeRateCurrent` of both vTokens [mantissa]."""
        pair = sorted({call.collateral_id, call.debt_id})
        answers = ask(
            self.node, [Question(self.reader.listed[i].vtoken, "exchangeRateCurrent()") for i in pair]
        )
        return {f"exchange_rate.{self.symbols[i]}": a.word for i, a in zip(pair, answers, strict=True)}

    def model_pair_views(self, market: Market, call: Choice, at: At) -> Numbers:
        """The same of the model [mantissa]."""
        pair = sorted({call.collateral_id, call.debt_id})
        viewed = viewed_at(market, at.block_number)
        return {f"exchange_rate.{self.symbols[i]}": exchange_rate(viewed.vtokens[i]) for i in pair}

    def liquidate(self, call: Choice) -> Sent:
        """Send the real call. Raises RpcFailed, NotMined."""
        return Sent(receipts=(mined(self.node, self._sent(call), call.borrower, self.reason),))

    def refusal(self, call: Choice) -> str:
        """The error with which the call would revert."""
        one = self._sent(call)
        return self.reason(transaction(one.sender, one.to, one.function, one.arguments))

    def refused(self, sent: Sent, previewed: str) -> str:
        """The error with which it reverted."""
        return "" if sent.through else previewed or "goes through when previewed"

    def expected(self, refused: Refused) -> str:
        """The canonical name of the error."""
        return refused.name

    def amounts(self, sent: Sent, attempt: Attempt) -> Amounts:
        """Of the events of every market; worth of vTokens at the collateral's rate after the call."""
        collateral = self.reader.listed[attempt.call.collateral_id].vtoken
        rate = ask(self.node, [Question(collateral, "exchangeRateStored()")])[0].word
        named: dict[str, int] = {}
        for name, amount in self._told(sent, attempt.call.liquidator):
            named[name] = named.get(name, 0) + amount
        return self._amounts(named, attempt.call, rate)

    def model_amounts(self, done: Settled, attempt: Attempt) -> Amounts:
        """The same of the model."""
        named: dict[str, int] = {}
        for name, amount in self._said(done.outcome, attempt.call):
            named[name] = named.get(name, 0) + amount
        call, market = attempt.call, done.market
        return self._amounts(named, call, exchange_rate(market.vtokens[call.collateral_id]))

    def _told(self, sent: Sent, liquidator: User) -> Iterator[tuple[str, int]]:
        symbols = {one.vtoken: symbol for one, symbol in zip(self.reader.listed, self.symbols, strict=True)}
        for log in sent.logs:
            event = EVENTS.get(bytes(log["topics"][0]))
            emitter = checksummed(log["address"])
            if event is None or emitter not in symbols:
                continue
            if event == "Transfer":
                to = address_of(int.from_bytes(log["topics"][2]))
                event = "Transfer.liquidator" if to == checksummed(liquidator) else "Transfer.protocol"
            elif event == "RepayBorrow" and address_of(int.from_bytes(log["topics"][1])) == emitter:
                event = "RepayBorrow.vtoken"  # what is written off counts as paid by the vToken itself
            yield f"event.{event}.{symbols[emitter]}", int.from_bytes(bytes(log["data"])[:32])

    def _said(
        self, outcome: Liquidated | AccountLiquidated | Healed, call: Choice
    ) -> Iterator[tuple[str, int]]:
        for market_id, amount in _repaid(outcome, call):
            yield f"event.RepayBorrow.{self.symbols[market_id]}", amount
        for market_id, seized in _seized(outcome, call):
            symbol = self.symbols[market_id]
            yield f"event.Transfer.liquidator.{symbol}", seized.liquidator_seized_vtokens
            yield f"event.Transfer.protocol.{symbol}", seized.protocol_seized_vtokens
            yield f"event.ReservesAdded.{symbol}", seized.protocol_seized_underlying
        if isinstance(outcome, Healed):
            for market_id, amount in outcome.bad_debt_underlying.items():
                yield f"event.RepayBorrow.vtoken.{self.symbols[market_id]}", amount
                yield f"event.BadDebtIncreased.{self.symbols[market_id]}", amount

    def _amounts(self, named: Numbers, call: Choice, rate_mantissa: int) -> Amounts:
        collateral, debt = self.symbols[call.collateral_id], self.symbols[call.debt_id]
        bad_debt = "event.BadDebtIncreased."
        return Amounts(
            named=named,
            repaid=named.get(f"event.RepayBorrow.{debt}", 0),
            received=named.get(f"event.Transfer.liquidator.{collateral}", 0) * rate_mantissa // WAD,
            fee=named.get(f"event.ReservesAdded.{collateral}", 0),
            written_off={n.removeprefix(bad_debt): a for n, a in named.items() if n.startswith(bad_debt)},
        )

    def _sent(self, call: Choice) -> Call:
        vtokens = [one.vtoken for one in self.reader.listed]
        if isinstance(call, LiquidationCall):
            arguments = (call.borrower, call.repay_amount, vtokens[call.collateral_id])
            return Call(call.liquidator, vtokens[call.debt_id], LIQUIDATE_BORROW, arguments)
        if isinstance(call, Batch):
            orders = [(vtokens[o.collateral_id], vtokens[o.debt_id], o.repay_amount) for o in call.orders]
            return Call(call.liquidator, self.address, LIQUIDATE_ACCOUNT, (call.borrower, orders))
        return Call(call.liquidator, self.address, HEAL_ACCOUNT, (call.borrower,))


def _repaid(outcome: Liquidated | AccountLiquidated | Healed, call: Choice) -> Iterator[tuple[MarketId, int]]:
    """What was repaid in each market, in parts."""
    match outcome:
        case Liquidated():
            yield call.debt_id, outcome.repaid_underlying
        case AccountLiquidated():
            yield from ((leg.order.debt_id, leg.repaid_underlying) for leg in outcome.legs)
        case Healed():
            yield from outcome.repaid_underlying.items()


def _seized(
    outcome: Liquidated | AccountLiquidated | Healed, call: Choice
) -> Iterator[tuple[MarketId, Seized]]:
    """What was seized in each market, in parts."""
    match outcome:
        case Liquidated():
            yield call.collateral_id, outcome.seized
        case AccountLiquidated():
            yield from ((leg.order.collateral_id, leg.seized) for leg in outcome.legs)
        case Healed():
            yield from outcome.seized.items()
