"""Sending a liquidation, which may be refused, and waiting until it is mined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_utils.address import to_checksum_address
from web3.exceptions import TimeExhausted, Web3Exception
from web3.types import TxReceipt

from forks.crash.errors import NotMined
from forks.crash.venue import Call, transaction
from forks.errors import RpcFailed
from forks.node import Node, Transaction

LIQUIDATION_GAS = 3_000_000
RECEIPT_WAIT_S = 60.0
"""How long a transaction may take to be mined [s]: on our own node it is a matter of milliseconds."""

Reason = Callable[[Transaction], str]
"""Canonical name of the error with which a transaction is refused; empty if it is not."""


def mined(node: Node, call: Call, borrower: str, reason: Reason, *, value: int = 0) -> TxReceipt:
    """Send a liquidation through web3 and wait for its receipt, of status 0 if it reverts. value: [wei].

    Raises RpcFailed, as where the upstream of a fork fails meanwhile, or NotMined.
    """
    name, sent = (
        call.function.partition("(")[0],
        transaction(call.sender, call.to, call.function, call.arguments),
    )
    try:
        return _mined(node, sent, value)
    except TimeExhausted:
        reason(sent)  # says why, where the node can no longer run the call at all
        raise NotMined(name, borrower, RECEIPT_WAIT_S) from None
    except Web3Exception as error:
        raise _rpc_failed(name, error) from None


def _mined(node: Node, sent: Transaction, value: int) -> TxReceipt:
    tx: dict[str, Any] = {
        "from": to_checksum_address(sent["from"]),
        "to": to_checksum_address(sent["to"]),
        "data": sent["data"],
        "value": value,
        "gas": LIQUIDATION_GAS,
        "gasPrice": 0,
    }
    found = node.w3.eth.send_transaction(tx)  # type: ignore[arg-type]
    return node.w3.eth.wait_for_transaction_receipt(found, timeout=RECEIPT_WAIT_S, poll_latency=0.002)


def _rpc_failed(function: str, error: Web3Exception) -> RpcFailed:
    """What web3 makes of an answer that is an error, as our own class; the node's words are redacted already."""
    said: dict[str, Any] = (getattr(error, "rpc_response", None) or {}).get("error") or {}
    return RpcFailed(function, said.get("code", 0), said.get("message", str(error)), said.get("data"))
