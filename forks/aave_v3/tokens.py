"""Tokens out of nothing on a local node: minting our own, and giving balances of any ERC-20."""

from __future__ import annotations

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from forks.calldata import calldata
from forks.errors import ForkError, RpcFailed
from forks.node import Node

_MINTER = "0xad00000000000000000000000000000000000002"
_SLOTS_TRIED = 64
"""Balance mappings of real tokens were met at slots 0 to 51; upgradeable ones have gaps of 50."""


class TokenNotMintable(ForkError):
    """A token refused to be minted: it is not one of ours."""

    def __init__(self, token: str) -> None:
        self.token = token
        super().__init__(f"token {token} refuses `mint(address,uint256)`: use `deal` for a real token")


class BalanceNotFound(ForkError):
    """No storage slot was found that holds the balances of a token."""

    def __init__(self, token: str, n_slots: int) -> None:
        self.token, self.n_slots = token, n_slots
        super().__init__(
            f"no balance slot of token {token} among the first {n_slots}, nor by anvil_dealERC20: "
            "transfer from a holder instead"
        )


def balance_of(node: Node, token: str, owner: str) -> int:
    """Balance of `owner` in `token` at `latest` [asset units]."""
    data = calldata("balanceOf(address)", owner)
    answer = node.rpc.call("eth_call", {"to": token, "data": data}, "latest")
    return int(decode(["uint256"], bytes.fromhex(answer[2:]))[0])


def mint(node: Node, token: str, to: str, amount: int) -> None:
    """Mint `amount` [asset units] of a token that we deployed. Raises TokenNotMintable."""
    data = calldata("mint(address,uint256)", to, amount)
    if node.send({"from": _MINTER, "to": token, "data": data})["status"] != 1:
        raise TokenNotMintable(token)


def deal(node: Node, token: str, to: str, amount: int) -> None:
    """Set the balance of `to` in any ERC-20 to `amount` [asset units], without a transaction.

    Total supply stays as it is. anvil's own search goes first, then the usual mapping slots are probed; a
    slot probed in vain gets its word back. Raises BalanceNotFound.
    """
    try:
        node.write("anvil_dealERC20", to, token, hex(amount))
    except RpcFailed:
        _write_balance(node, token, to, amount)
        return
    if balance_of(node, token, to) != amount:
        _write_balance(node, token, to, amount)


def _write_balance(node: Node, token: str, owner: str, amount: int) -> None:
    for position in range(_SLOTS_TRIED):
        for key in (["address", "uint256"], [owner, position]), (["uint256", "address"], [position, owner]):
            slot = int.from_bytes(keccak(encode(*key)), "big")
            before = node.rpc.call("eth_getStorageAt", token, hex(slot), "latest")
            node.set_storage(token, slot, amount)
            if balance_of(node, token, owner) == amount:
                return
            node.set_storage(token, slot, int(before, 16))
    raise BalanceNotFound(token, _SLOTS_TRIED)
