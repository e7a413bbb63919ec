"""Markets of Compound v2 on a node, as the crash asks of them: read, prices, positions, `liquidateBorrow`.

Blocks are its clock, and it answers codes where others revert: what a call did before it failed stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_utils.crypto import keccak
from web3.types import TxReceipt

from forks.aave_v3.getters import Question, ask
from forks.compound_v2.deploy import Deployment, set_price
from forks.compound_v2.failures import failures
from forks.compound_v2.opening import equip, open_book
from forks.compound_v2.reader import MarketReader
from forks.crash.node_venue import NodeVenue, all_owed
from forks.crash.sending import mined
from forks.crash.venue import Amounts, Call, Numbers, Sent, transaction
from forks.node import Transaction
from protocol.compound_v2 import (
    Account,
    CToken,
    Liquidated,
    LiquidationCall,
    Market,
    MarketId,
    Position,
    Revert,
    account_data,
    borrow_balance,
    exchange_rate,
)
from protocol.compound_v2.interest import accrue
from protocol.compound_v2.rule_set import PRICE_MANTISSA_PER_BASE, RULE_SET, CompoundV2, prices_mantissa
from protocol.model import At, Refused, User
from protocol.units import WAD
from stress.book import Book, Opening, PlainTerms, RebuiltBook, ReserveInfo, rebuild
from stress.engine import Attempt

LIQUIDATE_BORROW = "liquidateBorrow(address,uint256,address)"
LIQUIDATED = keccak(text="LiquidateBorrow(address,address,uint256,address,uint256)")
LIQUIDATED_TYPES = ("address", "address", "uint256", "address", "uint256")
RESERVES_ADDED = keccak(text="ReservesAdded(address,uint256,uint256)")
TRANSFER = keccak(text="Transfer(address,address,uint256)")
BPS_MANTISSA = WAD // 10_000


@dataclass(kw_only=True, slots=True)
class CompoundV2Venue(NodeVenue):
    """One Comptroller and its markets."""

    reader: MarketReader
    deployment: Deployment

    @property
    def address(self) -> str:
        """The Comptroller."""
        return self.deployment.comptroller

    @property
    def rule_set(self) -> CompoundV2:
        """The rules behind the interface."""
        return RULE_SET

    @property
    def title(self) -> str:
        """With the Comptroller's release."""
        return f"Compound v2 (release {self.reader.rules.release})"

    @property
    def summary(self) -> Mapping[str, Any]:
        """The Comptroller's release."""
        return {"release": self.reader.rules.release}

    @property
    def symbols(self) -> list[str]:
        """Of the underlying assets, in the order of the market ids."""
        return list(self.deployment.markets)

    def market(self, users: Iterable[User]) -> Market:
        """Everything stored, at the latest block."""
        return self.reader.market(users)

    def is_empty(self, market: Market, user: User) -> bool:
        """Whether it has neither cTokens nor loans."""
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
        """One factor is threshold and loan-to-value."""
        infos = dict[str, ReserveInfo]()
        for i, ctoken in self.market(()).ctokens.items():
            factor_bps = ctoken.config.collateral_factor_mantissa // BPS_MANTISSA
            infos[self.symbols[i]] = ReserveInfo(
                decimals=ctoken.underlying_decimals,
                ltv_bps=factor_bps,
                liquidation_threshold_bps=factor_bps,
                price_base=prices_base[i],
                can_be_collateral=factor_bps > 0,
            )
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
        """What moves in every cToken, and every position of these accounts."""
        named: dict[str, int] = {}
        for i, ctoken in market.ctokens.items():
            named |= {f"ctoken.{self.symbols[i]}.{name}": getattr(ctoken, name) for name in MOVING_FIELDS}
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
        ctokens = [one.ctoken for one in self.reader.listed]
        questions = [
            question
            for user in users
            for question in (
                Question(self.address, "getAccountLiquidity(address)", (user,)),
                *(Question(ctoken, "borrowBalanceCurrent(address)", (user,)) for ctoken in ctokens),
            )
        ]
        answers = iter(ask(self.node, questions))
        found: list[Numbers] = []
        for _ in users:
            error, liquidity, shortfall = next(answers).words
            owed = {f"owed.{symbol}": next(answers).word for symbol in self.symbols}
            found.append({"error": error, "liquidity": liquidity, "shortfall": shortfall, **owed})
        return found

    def model_views(self, market: Market, users: Sequence[User], at: At) -> Sequence[Numbers]:
        """The same of the model."""
        prices = prices_mantissa(market, at.prices_base)
        accrued = {i: accrue(ctoken, at.block_number) for i, ctoken in market.ctokens.items()}
        return [self._model_view(market, accrued, user, prices, at.block_number) for user in users]

    def _model_view(
        self,
        market: Market,
        accrued: Mapping[MarketId, CToken],
        user: User,
        prices: Mapping[MarketId, int],
        block_number: int,
    ) -> Numbers:
        data = account_data(market, user, prices_mantissa=prices, block_number=block_number)
        positions = market.accounts.get(user, Account()).positions
        owed = {
            f"owed.{self.symbols[i]}": borrow_balance(ctoken, positions.get(i, Position()))
            for i, ctoken in accrued.items()
        }
        liquidity, shortfall = data.liquidity_usd_mantissa, data.shortfall_usd_mantissa
        return {"error": int(data.error), "liquidity": liquidity, "shortfall": shortfall, **owed}

    def pair_views(self, call: LiquidationCall) -> Numbers:
        """`exchangeRateCurrent` of both cTokens [mantissa]."""
        pair = sorted({call.collateral_id, call.debt_id})
        questions = [Question(self.reader.listed[i].ctoken, "exchangeRateCurrent()") for i in pair]
        answers = ask(self.node, questions)
        return {f"exchange_rate.{self.symbols[i]}": a.word for i, a in zip(pair, answers, strict=True)}

    def model_pair_views(self, market: Market, call: LiquidationCall, at: At) -> Numbers:
        """The same of the model [mantissa]."""
        pair = sorted({call.collateral_id, call.debt_id})
        rates = {i: exchange_rate(accrue(market.ctokens[i], at.block_number)) for i in pair}
        return {f"exchange_rate.{self.symbols[i]}": rate for i, rate in rates.items()}

    def liquidate(self, call: LiquidationCall) -> Sent:
        """Send the real `liquidateBorrow`. Raises RpcFailed, NotMined."""
        return Sent(receipts=(mined(self.node, self._sent(call), call.borrower, self.reason),))

    def refusal(self, call: LiquidationCall) -> str:
        """The words with which the call would revert; most refusals are codes, which only a receipt tells."""
        one = self._sent(call)
        return self.reason(transaction(one.sender, one.to, one.function, one.arguments))

    def refused(self, sent: Sent, previewed: str) -> str:
        """The words of a revert, or the cause that the first `Failure` event names."""
        if not sent.through:
            return previewed or "goes through when previewed"
        return _first_cause(sent.receipts[0], self.address)

    def expected(self, refused: Refused) -> str:
        """A revert by its words, a failure by its cause."""
        return refused.raw if isinstance(refused, Revert) else refused.name

    def why_not(self, sent: Transaction, receipt: TxReceipt) -> str:
        """A revert, or a code that the set-up does not expect."""
        return NodeVenue.why_not(self, sent, receipt) or _first_cause(receipt, self.address)

    def amounts(self, sent: Sent, attempt: Attempt) -> Amounts:
        """Of `LiquidateBorrow`, `ReservesAdded` and the transfers of cTokens; worth at the rate after the call."""
        collateral = self.reader.listed[attempt.call.collateral_id].ctoken
        rate = ask(self.node, [Question(collateral, "exchangeRateStored()")])[0].word
        return _amounts(dict(_told(sent, collateral, attempt.call)), rate)

    def model_amounts(self, done: Liquidated, attempt: Attempt) -> Amounts:
        """The same of the model."""
        named = {
            "event.LiquidateBorrow.repayAmount": done.repaid_underlying,
            "event.LiquidateBorrow.seizeTokens": done.seized_ctokens,
            "event.Transfer.liquidator": done.liquidator_seized_ctokens,
            "event.Transfer.protocol": done.protocol_seized_ctokens,
            "event.ReservesAdded.addAmount": done.protocol_seized_underlying,
        }
        return _amounts(named, exchange_rate(done.market.ctokens[attempt.call.collateral_id]))

    def _sent(self, call: LiquidationCall) -> Call:
        listed = self.reader.listed
        arguments = (call.borrower, call.repay_amount, listed[call.collateral_id].ctoken)
        return Call(call.liquidator, listed[call.debt_id].ctoken, LIQUIDATE_BORROW, arguments)


MOVING_FIELDS = (
    "cash_underlying",
    "total_borrows_underlying",
    "total_reserves_underlying",
    "total_supply_ctokens",
    "borrow_index_mantissa",
    "accrual_block_number",
)
POSITION_FIELDS = ("ctokens", "borrow_principal_underlying", "borrow_interest_index_mantissa")


def _first_cause(receipt: TxReceipt, comptroller: str) -> str:
    """The cause that the first Failure event names; empty if there is none."""
    told = failures(receipt)
    if not told:
        return ""
    return told[0].comptroller_cause if told[0].emitter == comptroller else told[0].token_cause


def _told(sent: Sent, collateral: str, call: LiquidationCall) -> Iterator[tuple[str, int]]:
    """Amounts of the events, by name."""
    yield from dict.fromkeys(("event.Transfer.protocol", "event.ReservesAdded.addAmount"), 0).items()
    for log in sent.logs:
        topic = bytes(log["topics"][0])
        if topic == LIQUIDATED:
            _, _, repaid, _, seized = decode(
                ["address", "address", "uint256", "address", "uint256"], bytes(log["data"])
            )
            yield "event.LiquidateBorrow.repayAmount", repaid
            yield "event.LiquidateBorrow.seizeTokens", seized
        elif topic == RESERVES_ADDED:
            yield (
                "event.ReservesAdded.addAmount",
                decode(["address", "uint256", "uint256"], bytes(log["data"]))[1],
            )
        elif topic == TRANSFER and log["address"].lower() == collateral.lower():
            to = "0x" + bytes(log["topics"][2])[12:].hex()
            who = "liquidator" if to == call.liquidator.lower() else "protocol"
            yield f"event.Transfer.{who}", decode(["uint256"], bytes(log["data"]))[0]


def _amounts(named: Numbers, rate_mantissa: int) -> Amounts:
    return Amounts(
        named=named,
        repaid=named.get("event.LiquidateBorrow.repayAmount", 0),
        received=named.get("event.Transfer.liquidator", 0) * rate_mantissa // WAD,
        fee=named["event.ReservesAdded.addAmount"],
        written_off={},
    )
