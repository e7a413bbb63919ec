"""What deployments and readers need of a chain: a node gives it, and so does an EVM in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from forks.rpc import Request

Transaction = Mapping[str, Any]
"""`from`, `to`, `data`, ... as JSON-RPC names them; integers and bytes may stand for hex strings."""


class Reads(Protocol):
    """Raw JSON-RPC reads; see `forks.rpc.Rpc`."""

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of *method*; raises `RpcFailed` where the answer is an error."""
        ...

    def batch(self, requests_: Iterable[Request]) -> list[Any]:
        """Return the results of many requests, in order; raises `RpcFailed` for the first that failed."""
        ...

    def answer(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        """Return the whole answer to one request: `result` or `error`."""
        ...

    def answers(self, requests_: Iterable[Request]) -> list[dict[str, Any]]:
        """Return the whole answers to many requests, in their order."""
        ...


class Chain(Protocol):
    """A chain of our own: time stands still unless it is moved, gas is free, every sender is impersonated.

    `forks.node.Node` is one, `forks.in_process.evm.Evm` another; each method is documented there.
    """

    @property
    def rpc(self) -> Reads:
        """Raw JSON-RPC reads."""
        ...

    def send(self, transaction: Transaction) -> Mapping[str, Any]:
        """Run a transaction from any address and return its receipt, of status 0 where it reverted."""
        ...

    def revert_data(self, transaction: Transaction) -> bytes | None:
        """Return the bytes with which *transaction* would revert now, or None where it would not."""
        ...

    def set_time(self, timestamp: int) -> None:
        """Let `latest`, and all that follows, stand at *timestamp* [s]."""
        ...

    def set_code(self, address: str, code: bytes | str) -> None:
        """Put runtime *code* at *address*."""
        ...

    def set_storage(self, address: str, slot: int, word: int | bytes) -> None:
        """Write one 32-byte *word* into *slot* of *address*."""
        ...

    def set_balance(self, address: str, wei: int) -> None:
        """Give *address* a balance [wei]."""
        ...

    def anchor(self) -> AbstractContextManager[None]:
        """Undo on leaving all that is changed on the chain meanwhile."""
        ...
