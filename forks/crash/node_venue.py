"""What all venues have in common: the node, where its market is from, and transactions that set a market up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from web3.types import TxReceipt

from forks.artifacts import EMPTY_REVERT, ErrorTable, decode_revert
from forks.crash.errors import SetUpRefused
from forks.crash.venue import Call, transaction
from forks.node import Node, Transaction
from protocol.model import At, RuleSet

TRANSACTIONS_A_BLOCK = 200


@dataclass(kw_only=True, slots=True)
class NodeVenue:
    """One market on one node; the fields are those of `forks.crash.venue.Venue`."""

    node: Node
    source: str
    errors: ErrorTable
    contracts: Mapping[str, str]
    node_version: str
    start_block: int
    notes: list[str] = field(default_factory=list[str])
    inputs: Mapping[str, Path] = field(default_factory=dict[str, Path])

    def now(self) -> int:
        """Timestamp of the latest block."""
        return int(self.node.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def require(self, call: Transaction) -> None:
        """Send a transaction that has to go through. Raises SetUpRefused."""
        if why := self.why_not(call, self.node.send(call)):
            raise SetUpRefused(str(call["data"])[:10], (call["to"],), why)

    def require_all(self, calls: Iterable[Call]) -> None:
        """Send calls in their order, many to a block; all have to do what they are asked. Raises SetUpRefused."""
        pending = list(calls)
        for start in range(0, len(pending), TRANSACTIONS_A_BLOCK):
            part = pending[start : start + TRANSACTIONS_A_BLOCK]
            sent = [transaction(c.sender, c.to, c.function, c.arguments) for c in part]
            for call, one, receipt in zip(part, sent, self.node.mine_many(sent), strict=True):
                if why := self.why_not(one, receipt):
                    raise SetUpRefused(call.function, call.arguments, why)

    def why_not(self, sent: Transaction, receipt: TxReceipt) -> str:
        """Why a transaction did nothing; empty if it did what it was asked."""
        return "" if receipt["status"] == 1 else self.reason(sent) or "no reason when previewed"

    def reason(self, call: Transaction) -> str:
        """Canonical name of the error with which a transaction reverts; empty if it does not."""
        data = self.node.revert_data(call)
        return "" if data is None else decode_revert(data, self.errors) if data else EMPTY_REVERT


def code_hashes(node: Node, addresses: Mapping[str, str]) -> dict[str, str]:
    """Contract name to keccak256 of its runtime code at `latest`."""
    codes = node.rpc.batch(("eth_getCode", [address, "latest"]) for address in addresses.values())
    return {name: "0x" + keccak(hexstr=code).hex() for name, code in zip(addresses, codes, strict=True)}


def node_facts(node: Node, addresses: Mapping[str, str]) -> dict[str, Any]:
    """What a venue says of its node and of the code on it."""
    return {
        "contracts": code_hashes(node, addresses),
        "node_version": node.rpc.call("web3_clientVersion"),
        "start_block": node.block_number(),
    }


def all_owed(rules: RuleSet[Any, Any], market: Any, at: At) -> dict[str, int]:
    """What the accounts of a market owe, by symbol [asset units]."""
    symbols = {i: one.symbol for i, one in rules.assets(market).items()}
    return totals(
        {symbols[i]: rules.owed(market, user, i, at) for i in rules.debts(market, user)}
        for user in rules.users_with_debt(market)
    )


def totals(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Amounts by symbol, added up [asset units]."""
    added: dict[str, int] = {}
    for part in parts:
        for symbol, amount in part.items():
            added[symbol] = added.get(symbol, 0) + amount
    return added
