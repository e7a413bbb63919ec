"""The node's life cycle: an anvil of our own, or one that already runs, and what can be done with it."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from web3 import Web3
from web3._utils.method_formatters import receipt_formatter
from web3.datastructures import AttributeDict
from web3.types import TxReceipt

from forks.child import Child, exit_on_termination
from forks.errors import BlockSplit, ForkError, RpcFailed, SnapshotGone
from forks.guard import LocalNode, verify_local_development_node
from forks.launch import Launch, death_of, spawn, wait_until_listening
from forks.provider import web3_over
from forks.visit import left_as_found

TRANSACTION_GAS = 15_000_000
"""Gas of a transaction that names none: no estimate, which would cost as much as the transaction."""

_REVERTED = 3  # JSON-RPC code of a call that the contract refused

Transaction = Mapping[str, Any]
"""`from`, `to`, `data`, ... as JSON-RPC names them; integers and bytes may stand for hex strings."""


class Node:
    """A local development node: our child (`start`) or one that already runs (`attach`); use it in a `with`.

    url: its address. rpc: raw JSON-RPC, writing too. w3: web3 over the same. pid: of our child, else None.
    Time stands still unless `set_time` moves it; gas is free; every sender is impersonated.
    """

    def __init__(self, url: str, rpc: LocalNode, life: ExitStack, pid: int | None) -> None:
        self.url, self.rpc, self.pid = url, rpc, pid
        self._life = life
        self.w3: Web3 = web3_over(rpc)

    @classmethod
    def start(
        cls,
        anvil: Path,
        *,
        port: int | None = None,
        chain_id: int | None = None,
        timestamp: int | None = None,
        hardfork: str = "cancun",
        fork_url: str | None = None,
        fork_block: int | None = None,
        state_file: Path | None = None,
        prune_history: int | None = None,
        wait_s: float = 60.0,
    ) -> Self:
        """Return a node of our own, ready; options as in `Launch`, *wait_s* bounds the start [s].

        Raises `PortTaken`, `StateFileMalformed`, `NodeDied` or `NodeNotReady`; the node ends however this
        process ends.
        """
        launch = Launch(
            port=port,
            chain_id=chain_id,
            timestamp=timestamp,
            hardfork=hardfork,
            fork_url=fork_url,
            fork_block=fork_block,
            state_file=state_file,
            prune_history=prune_history,
        )
        with ExitStack() as life:
            life.enter_context(exit_on_termination())
            folder = Path(life.enter_context(tempfile.TemporaryDirectory(prefix="underwater-node-")))
            child = spawn(anvil, launch, folder)
            life.callback(child.stop)
            url = f"http://127.0.0.1:{wait_until_listening(child, launch, wait_s)}"
            rpc = LocalNode(url, secrets=[fork_url] if fork_url else [], lost=lambda: _death(child, launch))
            life.callback(rpc.close)
            _settle(rpc, loaded=state_file is not None)
            return cls(url, rpc, life.pop_all(), child.pid)

    @classmethod
    def attach(cls, url: str) -> Self:
        """Return a node that already runs at *url*: a snapshot is taken first, restored last; never killed.

        Raises `NotADevelopmentNode` before anything is written. On `close` mining, base fee, gas limit, clock,
        automatic impersonation and pending transactions are as found; of a block timestamp interval anvil
        does not tell, it is removed.
        """
        with ExitStack() as life:
            rpc = verify_local_development_node(url)
            life.callback(rpc.close)
            life.enter_context(exit_on_termination())
            life.enter_context(left_as_found(rpc))
            return cls(url, rpc, life.pop_all(), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End our child, or restore the node that was found; harmless when repeated."""
        self._life.close()

    def write(self, method: str, *params: Any) -> Any:
        """Return the result of *method*, which may change the node; raises `RpcFailed`."""
        return self.rpc.write(method, *params)

    def snapshot(self) -> str:
        """Return the id of a snapshot of the whole node: good for one `revert`."""
        return str(self.write("evm_snapshot"))

    def revert(self, snapshot_id: str) -> None:
        """Restore a snapshot; raises `SnapshotGone` where anvil answers `false`, as for an id used before."""
        if self.write("evm_revert", snapshot_id) is not True:
            raise SnapshotGone(snapshot_id)

    @contextmanager
    def anchor(self) -> Iterator[None]:
        """Undo on leaving all that is changed on the node meanwhile."""
        snapshot_id = self.snapshot()
        try:
            yield
        finally:
            self.revert(snapshot_id)

    def set_time(self, timestamp: int) -> None:
        """Mine one empty block at *timestamp* [s]; `latest`, and all that follows, then stands at it."""
        self.write("evm_setNextBlockTimestamp", timestamp)
        self.write("evm_mine")

    def block_number(self) -> int:
        """Number of the latest block."""
        return int(self.rpc.call("eth_blockNumber"), 16)

    def mine(self, n_blocks: int = 1) -> None:
        """Mine *n_blocks* empty blocks at the time of the last one."""
        self.write("anvil_mine", hex(n_blocks))

    def set_code(self, address: str, code: bytes | str) -> None:
        """Put runtime *code* at *address*."""
        self.write("anvil_setCode", address, _hex(code))

    def set_storage(self, address: str, slot: int, word: int | bytes) -> None:
        """Write one 32-byte *word* into *slot* of *address*."""
        value = word if isinstance(word, int) else int.from_bytes(word, "big")
        self.write("anvil_setStorageAt", address, f"0x{slot:064x}", f"0x{value:064x}")

    def set_balance(self, address: str, wei: int) -> None:
        """Give *address* a balance [wei]."""
        self.write("anvil_setBalance", address, hex(wei))

    def send(self, transaction: Transaction) -> TxReceipt:
        """Mine a transaction from any address and return its receipt, of status 0 where it reverted."""
        return _receipt(self.write("eth_sendTransactionSync", _filled(transaction)))

    def revert_data(self, transaction: Transaction, block: int | str = "latest") -> bytes | None:
        """Return the bytes with which *transaction* would revert at *block*, or None where it would not."""
        at = hex(block) if isinstance(block, int) else block
        error = self.rpc.answer("eth_call", [_filled(transaction), at]).get("error")
        if error is None:
            return None
        if error.get("code") != _REVERTED:
            raise RpcFailed("eth_call", error.get("code", 0), error.get("message", ""), error.get("data"))
        return bytes.fromhex((error.get("data") or "0x").removeprefix("0x"))

    def mine_many(self, transactions: Sequence[Transaction]) -> list[TxReceipt]:
        """Mine *transactions* in order in one block and return their receipts; raises `BlockSplit`."""
        self.write("evm_setAutomine", False)
        try:
            # one by one: anvil runs a batch in any order, and orders a block by arrival
            hashes = [self.write("eth_sendTransaction", tx) for tx in self._numbered(transactions)]
            self.write("evm_mine")
        finally:
            self.write("evm_setAutomine", True)
        raw = self.rpc.batch(("eth_getTransactionReceipt", [hash_]) for hash_ in hashes)
        receipts = [_receipt(receipt) for receipt in raw if receipt]
        places = [(int(receipt["blockNumber"]), int(receipt["transactionIndex"])) for receipt in receipts]
        if places != [(places[0][0] if places else 0, index) for index in range(len(transactions))]:
            raise BlockSplit(places)
        return receipts

    def _numbered(self, transactions: Sequence[Transaction]) -> list[dict[str, Any]]:
        """Give each transaction the next nonce of its sender: a batch runs in any order."""
        senders = sorted({str(tx["from"]) for tx in transactions})
        counts = self.rpc.batch(("eth_getTransactionCount", [sender, "latest"]) for sender in senders)
        nonces = {sender: int(count, 16) for sender, count in zip(senders, counts, strict=True)}
        numbered: list[dict[str, Any]] = []
        for tx in transactions:
            numbered.append(_filled({**tx, "nonce": nonces[str(tx["from"])]}))
            nonces[str(tx["from"])] += 1
        return numbered


def _death(child: Child, launch: Launch) -> ForkError | None:
    return death_of(child, launch) if child.ended_within(1.0) else None


def _settle(rpc: LocalNode, *, loaded: bool) -> None:
    """Stop the clock of a node of our own, and its log; a loaded state needs one block to be readable."""
    rpc.write("anvil_setLoggingEnabled", False)
    rpc.write("anvil_setBlockTimestampInterval", 0)
    if loaded:
        rpc.write("evm_mine")


def _filled(transaction: Transaction) -> dict[str, Any]:
    """Return *transaction* as JSON-RPC takes it, with free gas and enough of it."""
    filled = {"gas": TRANSACTION_GAS, "gasPrice": 0, **transaction}
    return {
        name: hex(value) if isinstance(value, int) else _hex(value)
        for name, value in filled.items()
        if value is not None
    }


def _hex(value: bytes | str) -> str:
    return "0x" + bytes(value).hex() if isinstance(value, (bytes, bytearray)) else value


def _receipt(raw: Mapping[str, Any]) -> TxReceipt:
    return cast("TxReceipt", AttributeDict.recursive(receipt_formatter(raw)))
