"""A block for every transaction, on a node and in this process alike, for what accrues by the block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_abi.abi import decode
from eth_utils.crypto import keccak

from forks.aave_v3.getters import Question, ask
from forks.artifacts import ErrorTable, decode_revert
from forks.calldata import calldata
from forks.chain import Chain, Transaction
from forks.in_process.evm import Evm

NO_NAMES = ErrorTable(by_selector={}, by_code={})


class OneBlockEach(Evm):
    """An EVM of this process that mines as a node does: a block for every transaction, and more when told to."""

    def send(self, transaction: Transaction) -> Mapping[str, Any]:
        """Run a transaction in the next block."""
        self.mine()
        return super().send(transaction)

    def mine(self, n_blocks: int = 1) -> None:
        """Let blocks go by at the time of the last one."""
        self.set_block(self.block_number + n_blocks, self.timestamp)


def send(
    chain: Chain, sender: str, target: str, signature: str, *arguments: Any, value: int = 0
) -> Mapping[str, Any]:
    """Send a transaction that may not be refused and return its receipt."""
    transaction = {"from": sender, "to": target, "data": calldata(signature, *arguments), "value": value}
    receipt = chain.send(transaction)
    assert receipt["status"] == 1, f"{signature} {arguments}: {chain.revert_data(transaction)}"
    return receipt


def refusal(
    chain: Chain, errors: ErrorTable, sender: str, target: str, data: bytes, *, value: int = 0
) -> str:
    """With which name a transaction would revert; empty if it would not."""
    transaction = {"from": sender, "to": target, "data": data, "value": value}
    reverted = chain.revert_data(transaction)
    return "" if reverted is None else decode_revert(reverted, errors)


def word(chain: Chain, target: str, signature: str, *arguments: Any) -> int:
    """The first word that a view answers."""
    return ask(chain, [Question(target, signature, arguments)])[0].word


def words(chain: Chain, target: str, signature: str, *arguments: Any) -> tuple[int, ...]:
    """All words that a view answers."""
    return ask(chain, [Question(target, signature, arguments)])[0].words


def told(receipt: Mapping[str, Any], event: str, *types: str) -> list[tuple[Any, ...]]:
    """The data, as `types`, of every event of this signature in a receipt."""
    topic = keccak(text=event)
    return [decode(types, bytes(log["data"])) for log in receipt["logs"] if bytes(log["topics"][0]) == topic]
