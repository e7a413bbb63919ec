"""A real Aave v3 pool on a local node: what the crash reads from it and does to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from web3.exceptions import TimeExhausted, Web3Exception
from web3.types import TxReceipt

from forks.aave_v3.configuration import can_be_borrowed, without_caps
from forks.aave_v3.errors import SetUpRefused
from forks.aave_v3.getters import Question, ask
from forks.aave_v3.listing import Listed
from forks.aave_v3.reader import MarketReader
from forks.artifacts import EMPTY_REVERT, ErrorTable, decode_revert
from forks.calldata import calldata
from forks.errors import ForkError, RpcFailed
from forks.feeds import FeedControl
from forks.node import Node, Transaction
from protocol.aave_v3 import AccountData, LiquidationCall, Market, ReserveId, Rules, User
from protocol.units import MAX_UINT256, RAY

LIQUIDATION_CALL_ABI: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "liquidationCall",
        "stateMutability": "nonpayable",
        "outputs": [],
        "inputs": [
            {"name": "collateralAsset", "type": "address"},
            {"name": "debtAsset", "type": "address"},
            {"name": "borrower", "type": "address"},
            {"name": "debtToCover", "type": "uint256"},
            {"name": "receiveAToken", "type": "bool"},
        ],
    }
]

TRANSACTIONS_A_BLOCK = 200
RECEIPT_WAIT_S = 60.0
"""How long a transaction may take to be mined [s]: on our own node it is a matter of milliseconds."""

Fund = Callable[[str, str, int], None]
"""(token, to, amount [asset units]): see to it that `to` holds at least that much."""


class NotMined(ForkError):
    """The node took a transaction and did not mine it in time."""

    def __init__(self, function: str, borrower: User, wait_s: float) -> None:
        self.function, self.borrower, self.wait_s = function, borrower, wait_s
        super().__init__(
            f"{function} of {borrower} was not mined within {wait_s:g} s: see what else uses the node, "
            "or use another endpoint"
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One function call to send."""

    sender: str
    to: str
    function: str
    arguments: tuple[Any, ...]


@dataclass(kw_only=True, slots=True)
class Venue:
    """One pool on one node.

    source: "deployed", "fork", "state" or "node". contracts: name to code hash. notes: what a reader of the
    results has to know of this market.
    """

    node: Node
    source: str
    reader: MarketReader
    pool_revision: int
    errors: ErrorTable
    fund_token: Fund
    contracts: Mapping[str, str]
    node_version: str
    start_block: int
    notes: list[str] = field(default_factory=list[str])
    inputs: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Files of figures that the market was made from, by role."""
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

    def now(self) -> int:
        """Timestamp of the latest block."""
        return int(self.node.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def market(self, users: Iterable[User]) -> Market:
        """Everything stored, at the latest block, with these accounts and the treasury."""
        return self.reader.market(users)

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

    def require(self, call: Transaction) -> None:
        """Send a transaction that has to go through. Raises SetUpRefused."""
        if self.node.send(call)["status"] != 1:
            raise SetUpRefused(str(call["data"])[:10], (call["to"],), self.reason(call))

    def require_all(self, calls: Iterable[Call]) -> None:
        """Send calls in their order, many to a block; all have to go through. Raises SetUpRefused."""
        pending = list(calls)
        for start in range(0, len(pending), TRANSACTIONS_A_BLOCK):
            part = pending[start : start + TRANSACTIONS_A_BLOCK]
            transactions = [transaction(c.sender, c.to, c.function, c.arguments) for c in part]
            receipts = self.node.mine_many(transactions)
            for call, sent, receipt in zip(part, transactions, receipts, strict=True):
                if receipt["status"] != 1:
                    raise SetUpRefused(call.function, call.arguments, self.reason(sent))

    def liquidate(self, call: LiquidationCall, *, gas: int) -> TxReceipt:
        """Send the real `liquidationCall` through web3 and wait for its receipt, of status 0 if refused.

        Raises RpcFailed, as where the upstream of a fork fails meanwhile, or NotMined.
        """
        try:
            return self._liquidate(call, gas)
        except TimeExhausted:
            self.refusal(call)  # says why, where the node can no longer run the call at all
            raise NotMined("liquidationCall", call.borrower, RECEIPT_WAIT_S) from None
        except Web3Exception as error:
            raise _rpc_failed("liquidationCall", error) from None

    def _liquidate(self, call: LiquidationCall, gas: int) -> TxReceipt:
        pool = self.node.w3.eth.contract(address=to_checksum_address(self.pool), abi=LIQUIDATION_CALL_ABI)
        sent = pool.functions.liquidationCall(*self._arguments(call)).transact(
            {"from": to_checksum_address(call.liquidator), "gas": gas, "gasPrice": 0}  # type: ignore[typeddict-item]
        )
        return self.node.w3.eth.wait_for_transaction_receipt(sent, timeout=RECEIPT_WAIT_S, poll_latency=0.002)

    def refusal(self, call: LiquidationCall) -> str:
        """Canonical name of the error with which the call reverts at `latest`; empty if it does not."""
        signature = "liquidationCall(address,address,address,uint256,bool)"
        return self.reason(transaction(call.liquidator, self.pool, signature, self._arguments(call)))

    def reason(self, call: Transaction) -> str:
        """Canonical name of the error with which a transaction reverts; empty if it does not."""
        data = self.node.revert_data(call)
        return "" if data is None else decode_revert(data, self.errors) if data else EMPTY_REVERT

    def _arguments(self, call: LiquidationCall) -> tuple[Any, ...]:
        listed = self.listed()
        return (
            to_checksum_address(listed[call.collateral_id].asset),
            to_checksum_address(listed[call.debt_id].asset),
            to_checksum_address(call.borrower),
            call.debt_to_cover,
            call.receive_atoken,
        )


def _rpc_failed(function: str, error: Web3Exception) -> RpcFailed:
    """What web3 makes of an answer that is an error, as our own class; the node's words are redacted already."""
    said: dict[str, Any] = (getattr(error, "rpc_response", None) or {}).get("error") or {}
    return RpcFailed(function, said.get("code", 0), said.get("message", str(error)), said.get("data"))


def transaction(sender: str, to: str, signature: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """A transaction that calls a function by its signature."""
    return {"from": sender, "to": to, "data": calldata(signature, *arguments)}
