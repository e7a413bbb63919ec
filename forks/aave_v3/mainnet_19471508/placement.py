"""A real contract at a chosen address: its own constructor runs there, then its own runtime code stays there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from forks.artifacts import hardhat_artifact, link
from forks.errors import ForkError, RpcFailed
from forks.node import Node

PACKAGE = "@aave/core-v3"
"""npm package of the artifacts: 1.19.3, source identical to tag v1.19.3 of aave/aave-v3-core, which is v3.0.2."""
DEPLOYER = "0x00000000000000000000000000000000DeaDBeef"
"""Sends the constructors; owns nothing afterwards."""

_GAS = hex(25_000_000)
"""Explicit, so that nothing is estimated; below the smallest block gas limit a node is started with."""


class SetupReverted(ForkError):
    """A contract refused a call that sets the market up."""

    def __init__(self, target: str, call: str, reason: str) -> None:
        self.target, self.call, self.reason = target, call, reason
        super().__init__(f"{call} on {target} reverted ({reason}): the market is built on a fresh node only")


def creation_code(
    name: str, types: Sequence[str] = (), *arguments: Any, libraries: Mapping[str, str] | None = None
) -> bytes:
    """The npm creation code of contract `name`, linked to `libraries` (name to address), arguments appended."""
    return link(hardhat_artifact(PACKAGE, name), libraries or {}) + encode(types, arguments)


def place(node: Node, address: str, code: bytes) -> None:
    """Put the contract whose creation code is `code` at `address`.

    A call returns the runtime code with its immutables, a transaction lets the constructor write its storage.
    Raises SetupReverted.
    """
    node.write("anvil_setCode", address, "0x" + code.hex())
    node.write("anvil_setNonce", address, "0x1")
    transaction = _transaction(DEPLOYER, address, b"")
    try:
        runtime_code = node.rpc.call("eth_call", transaction, "latest")
    except RpcFailed as error:
        raise SetupReverted(address, "constructor", error.message) from error
    _send(node, transaction, "constructor")
    node.write("anvil_setCode", address, runtime_code)


def call_as(node: Node, sender: str, target: str, signature: str, *arguments: Any, value: int = 0) -> None:
    """Send `signature` (for example `setAddress(bytes32,address)`) to `target` from `sender`.

    Raises SetupReverted.
    """
    _send(node, _transaction(sender, target, calldata(signature, *arguments), value), signature)


def view(node: Node, target: str, signature: str, returns: str, *arguments: Any) -> Any:
    """What `target` answers at `latest`, decoded as the one ABI type `returns`. Raises RpcFailed."""
    question = {"to": target, "data": "0x" + calldata(signature, *arguments).hex()}
    answer = node.rpc.call("eth_call", question, "latest")
    return decode([returns], bytes.fromhex(answer[2:]))[0]


def calldata(signature: str, *arguments: Any) -> bytes:
    """Selector of `signature` and its encoded arguments."""
    inside = signature.partition("(")[2].removesuffix(")")
    return keccak(text=signature)[:4] + encode(inside.split(",") if inside else [], arguments)


def _transaction(sender: str, target: str, data: bytes, value: int = 0) -> dict[str, str]:
    hex_data = "0x" + data.hex()
    return {"from": sender, "to": target, "data": hex_data, "value": hex(value), "gas": _GAS, "gasPrice": "0x0"}


def _send(node: Node, transaction: dict[str, str], call: str) -> None:
    receipt = node.write("eth_sendTransactionSync", transaction)
    if int(receipt["status"], 16) != 1:
        raise SetupReverted(transaction["to"], call, "status 0")
