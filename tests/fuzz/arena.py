"""A real market in this process that cases are played in, whatever its version."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.getters import Question, ask
from forks.calldata import calldata
from forks.chain import Chain

START = 1_700_000_000
"""When every case begins. [s]"""


class Arena(ABC):
    """One deployed market to play cases in; each case finds it as it was deployed."""

    chain: Chain
    rules: Any
    """The package of the model: `protocol.aave_v2` or `protocol.aave_v3`."""
    has_stable_debt: bool
    supply_signature: str
    supply_base: int
    """[base] What the whole of a drawn supply is worth."""
    reserves_slot: int
    """Storage slot of the pool's mapping from asset to reserve, whose first word is the configuration."""
    users: tuple[str, ...]
    assets: list[str]
    deployment: Any
    reader: Any
    errors: Any
    """Names of the ways in which these contracts revert."""

    @property
    def pool(self) -> str:
        """Address of the pool."""
        return self.deployment.pool

    def send(self, sender: str, target: str, signature: str, *arguments: Any) -> Mapping[str, Any]:
        """Send a transaction and return its receipt, whatever became of it."""
        return self.chain.send({"from": sender, "to": target, "data": calldata(signature, *arguments)})

    def must(self, sender: str, target: str, signature: str, *arguments: Any) -> None:
        """Send a transaction of the setting, which may not be refused."""
        receipt = self.send(sender, target, signature, *arguments)
        assert receipt["status"] == 1, f"{signature} {arguments} was refused"

    def configure(self, function: str, *arguments: Any) -> bool:
        """Ask the configurator; whether it agreed."""
        return self.send(ADMIN, self.deployment.configurator, function, *arguments)["status"] == 1

    def word(self, target: str, signature: str, *arguments: Any) -> int:
        """The first word that a view answers."""
        return ask(self.chain, [Question(target, signature, arguments)])[0].word

    def configuration_word(self, asset: str) -> int:
        """The configuration of a reserve as the pool stores it."""
        return self.word(self.pool, "getConfiguration(address)", asset)

    def write_configuration(self, asset: str, word: int) -> None:
        """Write the configuration of a reserve past what the configurator asks first."""
        slot = int.from_bytes(keccak(encode(["address", "uint256"], [asset, self.reserves_slot])))
        self.chain.set_storage(self.pool, slot, word)

    @abstractmethod
    def prepare(self, case: Any) -> None:
        """Give the market the configuration, prices and first supplies of a case."""

    @abstractmethod
    def set_price(self, asset: str, price_base: int) -> None:
        """Let the oracle answer `price_base`."""

    @abstractmethod
    def set_field(self, asset: str, field: str, value: int) -> None:
        """Write one field of a configuration, if this version has it."""

    @abstractmethod
    def act(self, scene: Any, step: Any) -> None:
        """Do what only this version knows of what governance and users can do and the model does not."""

    @abstractmethod
    def lends(self, market: Any, user: str) -> list[int]:
        """Reserves that have something to lend to `user`."""

    def movable(self, reserve_id: int) -> bool:
        """Whether the price of a reserve can be moved."""
        return True

    @abstractmethod
    def account_data(self) -> Mapping[str, Any]:
        """User to what the contracts answer; None where the getter reverts."""

    @abstractmethod
    def account_data_of(self, market: Any, user: str, at: Mapping[str, Any]) -> Any:
        """What the model says of `user`."""

    @abstractmethod
    def normalized_of(self, market: Any, reserve_id: int, now: int) -> tuple[int, int]:
        """What the model says that income and variable debt have grown to. [ray]"""

    @abstractmethod
    def n_integers(self, market: Any) -> int:
        """How many integers of a market an action can move."""

    @abstractmethod
    def liquidation_said(self, outcome: Any) -> Mapping[str, int]:
        """The amounts of a liquidation as the model says them."""

    @abstractmethod
    def liquidation_told(self, receipt: Mapping[str, Any], market: Any, call: Any) -> Mapping[str, int]:
        """The same as the events tell them."""
