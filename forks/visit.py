"""A node that somebody else runs: made as quiet as our own, and left as it was found."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from eth_utils.crypto import keccak

from forks.child import uninterrupted
from forks.errors import ForkError, SnapshotGone
from forks.guard import LocalNode
from forks.launch import BLOCK_GAS_LIMIT

_STRANGER = "0x" + keccak(text="whom no one asked to impersonate")[-20:].hex()
_NO_SIGNER = "No Signer"  # anvil's words for a sender that it neither knows nor impersonates
_RESENT = ("from", "to", "nonce", "gas", "value", "input", "type", "accessList", "chainId")
_FEES = {"0x0": ("gasPrice",), "0x1": ("gasPrice",)}
_FEES_SINCE_LONDON = ("maxFeePerGas", "maxPriorityFeePerGas")

Request = tuple[str, Any]


@contextmanager
def left_as_found(rpc: LocalNode) -> Iterator[None]:
    """Make a node quiet, and on leaving restore its state, settings and pending transactions.

    Each step of the restoring is tried whatever became of the others. What anvil does not tell cannot be
    restored: a block timestamp interval is removed, and pending transactions of several senders arrive anew,
    ordered by sender. Raises SnapshotGone where the state could not be restored.
    """
    visit = _Visit(rpc=rpc)
    try:
        _stop_mining(visit)
        _quieten(visit)
        yield
    finally:
        with uninterrupted():
            visit.undo.close()


@dataclass(kw_only=True, slots=True)
class _Visit:
    """The node, and what is to be done on leaving it."""

    rpc: LocalNode
    undo: ExitStack = field(default_factory=ExitStack)
    _silent: bool = False

    def on_leaving(self, *steps: Callable[[], Any]) -> None:
        """Have these done, in their order, before what was asked for earlier."""
        for step in reversed(steps):
            self.undo.callback(step)

    def write(self, method: str, *params: Any) -> Callable[[], Any]:
        """A step that sends `method`; none waits for a node that has let one wait in vain."""
        return partial(self._write, method, *params)

    def _write(self, method: str, *params: Any) -> Any:
        if self._silent:
            return None
        try:
            return self.rpc.write(method, *params)
        except ForkError as error:
            self._silent = error.transient
            raise

    def revert(self, snapshot_id: str) -> Callable[[], None]:
        """A step that restores a snapshot."""

        def step() -> None:
            if self._write("evm_revert", snapshot_id) is not True and not self._silent:
                raise SnapshotGone(snapshot_id)

        return step


def _stop_mining(visit: _Visit) -> None:
    rpc = visit.rpc
    automine, interval_s = rpc.call("anvil_getAutomine"), rpc.call("anvil_getIntervalMining")
    again = [visit.write("evm_setIntervalMining", interval_s)] if interval_s else []
    visit.on_leaving(visit.write("evm_setAutomine", automine), *again)
    rpc.write("evm_setIntervalMining", 0)
    rpc.write("evm_setAutomine", False)


def _quieten(visit: _Visit) -> None:
    rpc, write = visit.rpc, visit.write
    following = rpc.call("eth_getBlockByNumber", "pending", False)
    older_id, snapshot_id = rpc.write("evm_snapshot"), rpc.write("evm_snapshot")
    waiting = _waiting(rpc)
    impersonates = _impersonates(rpc)
    visit.on_leaving(
        write("evm_setAutomine", False),
        write("anvil_dropAllTransactions"),  # one that Ctrl-C cut off must not be mined on what is restored
        visit.revert(snapshot_id),
        visit.revert(
            older_id
        ),  # of the same state: a block that Ctrl-C cut off may have come after the first
        write("anvil_setNextBlockBaseFeePerGas", "0x0"),  # as low as it may have been when they came
        *(write(method, params) for method, params in waiting),
        write("anvil_autoImpersonateAccount", impersonates),
        write("anvil_removeBlockTimestampInterval"),
        write("evm_setBlockGasLimit", following["gasLimit"]),
        write("anvil_setNextBlockBaseFeePerGas", following["baseFeePerGas"]),
    )
    rpc.write("anvil_dropAllTransactions")
    rpc.write("evm_setAutomine", True)
    rpc.write("anvil_setNextBlockBaseFeePerGas", "0x0")
    rpc.write("evm_setBlockGasLimit", hex(BLOCK_GAS_LIMIT))
    rpc.write("anvil_setBlockTimestampInterval", 0)
    rpc.write("anvil_autoImpersonateAccount", True)


def _waiting(rpc: LocalNode) -> list[Request]:
    """Requests that bring the pending transactions back, each under the hash it has now."""
    pool = rpc.call("txpool_content")
    found = [
        transaction
        for kind in ("pending", "queued")
        for of_sender in pool[kind].values()
        for _, transaction in sorted(of_sender.items(), key=lambda one: int(one[0]))
    ]
    return [_request(rpc, transaction) for transaction in found]


def _request(rpc: LocalNode, transaction: dict[str, Any]) -> Request:
    """A signed transaction goes as it came; one of an impersonated sender has no signature to keep."""
    if int(transaction["s"], 16):
        return "eth_sendRawTransaction", rpc.call("eth_getRawTransactionByHash", transaction["hash"])
    names = _RESENT + _FEES.get(transaction["type"], _FEES_SINCE_LONDON)
    return "eth_sendTransaction", {name: transaction[name] for name in names if name in transaction}


def _impersonates(rpc: LocalNode) -> bool:
    """Whether the node takes transactions of anybody; the one that asks is dropped with all others."""
    asked = {"from": _STRANGER, "to": _STRANGER, "gas": "0x5208", "gasPrice": "0x0"}
    error = rpc.answer("eth_sendTransaction", [asked]).get("error")
    return error is None or _NO_SIGNER not in str(error.get("message"))
