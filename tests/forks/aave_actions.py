"""Accounts on a deployed v3.6 market for tests: mint, supply, borrow, as any user."""

from __future__ import annotations

from dataclasses import dataclass

from forks.aave_v3 import tokens
from forks.aave_v3.deploy import Deployment
from forks.artifacts import Contracts, decode_revert
from forks.node import Node

VARIABLE_RATE = 2


def account(number: int) -> str:
    """A lower-case address that nobody has the key of."""
    return f"0x{0xAC000000000000000000000000000000000000 + number:040x}"


@dataclass(frozen=True, kw_only=True)
class Market:
    """A deployed market and what its users do."""

    node: Node
    deployment: Deployment
    contracts: Contracts

    def supply(self, user: str, symbol: str, amount: int) -> None:
        token, pool = self.deployment.tokens[symbol], self.deployment.pool
        tokens.mint(self.node, token, user, amount)
        self.send(user, "MintableERC20", token, "approve", pool, amount)
        self.send(user, "PoolInstance", pool, "supply", token, amount, user, 0)

    def borrow(self, user: str, symbol: str, amount: int) -> None:
        token = self.deployment.tokens[symbol]
        self.send(user, "PoolInstance", self.deployment.pool, "borrow", token, amount, VARIABLE_RATE, 0, user)

    def set_emode(self, user: str, emode_id: int) -> None:
        self.send(user, "PoolInstance", self.deployment.pool, "setUserEMode", emode_id)

    def send(self, user: str, artifact: str, target: str, function: str, *arguments: object) -> None:
        transaction = {
            "from": user,
            "to": target,
            "data": self.contracts[artifact].call(function, *arguments),
        }
        if self.node.send(transaction)["status"] != 1:
            data = self.node.revert_data(transaction) or b""
            raise AssertionError(f"{function}: {decode_revert(data, self.contracts.errors)}")
