"""A real contract at a chosen address: its constructor runs there, then its runtime code stays there."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode

from forks.calldata import calldata
from forks.errors import ForkError, RpcFailed
from forks.node import Node, Transaction

DEPLOYER = "0x00000000000000000000000000000000DeaDBeef"
"""Sends the constructors; owns nothing afterwards."""


class SetupReverted(ForkError):
    """A contract refused a call that sets the market up."""

    def __init__(self, target: str, call: str, reason: str) -> None:
        self.target, self.call, self.reason = target, call, reason
        super().__init__(f"{call} on {target} reverted ({reason}): the market is built on a fresh node only")


def place(node: Node, address: str, code: bytes) -> None:
    """Put the contract whose creation code is `code` at `address`.

    A call returns the runtime code with its immutables, a transaction lets the constructor write its storage.
    Raises SetupReverted.
    """
    node.write("anvil_setCode", address, "0x" + code.hex())
    node.write("anvil_setNonce", address, "0x1")
    try:
        runtime_code = node.rpc.call("eth_call", {"from": DEPLOYER, "to": address}, "latest")
    except RpcFailed as error:
        raise SetupReverted(address, "constructor", error.message) from error
    _send(node, {"from": DEPLOYER, "to": address}, "constructor")
    node.write("anvil_setCode", address, runtime_code)


def call_as(node: Node, sender: str, target: str, signature: str, *arguments: Any, value: int = 0) -> None:
    """Send `signature` (for example `setAddress(bytes32,address)`) to `target` from `sender`.

    Raises SetupReverted.
    """
    transaction = {"from": sender, "to": target, "data": calldata(signature, *arguments), "value": value}
    _send(node, transaction, signature)


def view(node: Node, target: str, signature: str, returns: str, *arguments: Any) -> Any:
    """What `target` answers at `latest`, decoded as the one ABI type `returns`. Raises RpcFailed."""
    question = {"to": target, "data": "0x" + calldata(signature, *arguments).hex()}
    answer = node.rpc.call("eth_call", question, "latest")
    return decode([returns], bytes.fromhex(answer[2:]))[0]


def _send(node: Node, transaction: Transaction, call: str) -> None:
    if node.send(transaction)["status"] != 1:
        raise SetupReverted(transaction["to"], call, "status 0")
