"""What the crash asks of a market on a node, whichever protocol it is of: read it, move its prices, send calls.

`forks.<protocol>.venue` implements it. Whatever is compared comes as named integers, one set of the model and one of
the chain, under the same names: nothing above a venue knows what a field is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from web3.types import LogReceipt, TxReceipt

from forks.calldata import calldata
from forks.node import Node
from protocol.model import AssetId, At, Refused, RuleSet, User
from stress.book import Book, Opening, RebuiltBook
from stress.engine import Attempt

Numbers = Mapping[str, int]
"""Named integers."""


@dataclass(frozen=True, slots=True)
class Call:
    """One function call to send."""

    sender: str
    to: str
    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A liquidation that was mined: its receipts, one a transaction."""

    receipts: tuple[TxReceipt, ...]

    @property
    def through(self) -> bool:
        """Whether no transaction reverted."""
        return all(one["status"] == 1 for one in self.receipts)

    @property
    def logs(self) -> list[LogReceipt]:
        """Of all transactions, in order."""
        return [log for one in self.receipts for log in one["logs"]]

    @property
    def columns(self) -> dict[str, Any]:
        """Where it was mined, for the table of events."""
        last = self.receipts[-1]
        return {
            "block_number": last["blockNumber"],
            "transaction_hash": last["transactionHash"].to_0x_hex(),
            "gas_used": sum(one["gasUsed"] for one in self.receipts),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Amounts:
    """What one liquidation moved, by its events or by the model."""

    named: Numbers
    """Compared one by one."""
    repaid: int
    """[debt asset units]"""
    received: int
    """[collateral asset units] Or shares, where the events tell shares."""
    fee: int
    written_off: Mapping[str, int]
    """By symbol [asset units]."""


class Venue(Protocol):
    """One market on one node."""

    node: Node
    source: str
    """ "deployed", "fork", "state" or "node"."""
    contracts: Mapping[str, str]
    """Name to code hash."""
    node_version: str
    start_block: int
    notes: list[str]
    """What a reader of the results has to know of this market."""
    inputs: Mapping[str, Path]
    """Files of figures that the market was made from, by role."""

    @property
    def rule_set(self) -> RuleSet[Any, Any]:
        """The rules of the market."""
        ...

    @property
    def title(self) -> str:
        """The protocol and its version, for people."""
        ...

    @property
    def address(self) -> str:
        """Of the contract that is called."""
        ...

    @property
    def summary(self) -> Mapping[str, Any]:
        """What `summary.json` says of the market beside the counts."""
        ...

    def now(self) -> int:
        """Timestamp of the latest block."""
        ...

    def market(self, users: Iterable[User]) -> Any:
        """Everything stored, at the latest block, with these accounts and those that every liquidation touches."""
        ...

    def is_empty(self, market: Any, user: User) -> bool:
        """Whether an account has nothing in a market."""
        ...

    def prices(self) -> Mapping[AssetId, int]:
        """What the oracle shows now [base]."""
        ...

    def take_over_feeds(self, prices_base: Mapping[AssetId, int]) -> None:
        """Become the one who sets prices, beginning with these [base]."""
        ...

    def set_prices(self, prices_base: Mapping[AssetId, int]) -> None:
        """Let the oracle show these prices from now on [base]."""
        ...

    def plan(self, book: Book, prices_base: Mapping[AssetId, int]) -> RebuiltBook:
        """The book's borrowers as amounts on this market."""
        ...

    def open(
        self, openings: Sequence[Opening], prices_base: Mapping[AssetId, int], bots: Sequence[User]
    ) -> None:
        """Open all positions by real calls and equip the liquidators. Raises SetUpRefused."""
        ...

    def equip(self, bots: Sequence[User], market: Any) -> None:
        """Give liquidators what the borrowers of `market` owe, and let the protocol take it."""
        ...

    def touched(self, attempt: Attempt) -> Sequence[User]:
        """The accounts that a call may change."""
        ...

    def stored(self, market: Any, users: Iterable[User]) -> Numbers:
        """Everything a market stores that can move, with these accounts; of the model's market or of the chain's."""
        ...

    def views(self, users: Sequence[User]) -> Sequence[Numbers]:
        """What the contract itself says of each account, at the latest block."""
        ...

    def model_views(self, market: Any, users: Sequence[User], at: At) -> Sequence[Numbers]:
        """The same of the model."""
        ...

    def pair_views(self, call: Any) -> Numbers:
        """What the contract says now of the assets of a call: its indices or exchange rates."""
        ...

    def model_pair_views(self, market: Any, call: Any, at: At) -> Numbers:
        """The same of the model."""
        ...

    def liquidate(self, call: Any) -> Sent:
        """Send the real liquidation and wait for its receipts. Raises RpcFailed, NotMined."""
        ...

    def refusal(self, call: Any) -> str:
        """Name of the error with which the call would revert in the next block; empty if it would not."""
        ...

    def refused(self, sent: Sent, previewed: str) -> str:
        """Why what was mined did nothing, in one name; empty if it went through. previewed: what `refusal` said."""
        ...

    def expected(self, refused: Refused) -> str:
        """The name that `refused` gives where the contract refuses as the model says."""
        ...

    def amounts(self, sent: Sent, attempt: Attempt) -> Amounts:
        """What the events of a liquidation tell."""
        ...

    def model_amounts(self, done: Any, attempt: Attempt) -> Amounts:
        """What the model says that they will."""
        ...


def transaction(sender: str, to: str, signature: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """A transaction that calls a function by its signature."""
    return {"from": sender, "to": to, "data": calldata(signature, *arguments)}
