"""An EVM in this process, over pyrevm: a chain like `forks.node.Node`, a thousand times faster.

No network, no node, no keys: it is made, used and thrown away here. One block number stands for all
transactions between two moves of the clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes

from forks.chain import Transaction
from forks.errors import RpcFailed
from forks.in_process.batch import BATCHER, BATCHER_ADDRESS, decoded, encoded
from forks.in_process.errors import (
    CheckpointGone,
    CodeInPlace,
    NotAnswered,
    PyrevmMissing,
    SenderHasCode,
)
from forks.rpc import Request

TRANSACTION_GAS = 30_000_000
"""Gas of a call that names none."""

_NOBODY = "0x" + "00" * 20
_BLOCK_GAS = 2**53
_VIEW = {"to", "data"}
"""What a call names that anybody can make: calls that name no more are made together."""
_REVERTED = 3  # JSON-RPC code of a call that the contract refused
_HALTED = -32003  # JSON-RPC code that anvil gives an exceptional halt
_OUTPUT = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}")


class Evm:
    """A fresh chain whose clock stands at *timestamp* [s]. Raises PyrevmMissing.

    Time stands still unless `set_time` moves it; gas is free; every sender without code is impersonated. Of
    what is changed, `set_code` and `set_balance` are not undone by a revert.
    """

    def __init__(self, *, timestamp: int = 1, chain_id: int = 1, hardfork: str = "CANCUN") -> None:
        try:
            import pyrevm  # noqa: PLC0415 - optional
        except ImportError:
            raise PyrevmMissing from None
        self._pyrevm = pyrevm
        self.chain_id, self.hardfork = chain_id, hardfork
        self.block_number, self.timestamp = 1, timestamp
        self._nonces: dict[str, int] = {}
        self._checkpoints: list[tuple[Any, int, int, dict[str, int]]] = []
        self._evm = pyrevm.EVM(
            env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id), block=self._block()),
            gas_limit=_BLOCK_GAS,
            spec_id=hardfork,
        )
        self.set_code(BATCHER_ADDRESS, BATCHER)
        self.rpc = EvmRpc(self)

    def send(self, transaction: Transaction) -> Mapping[str, Any]:
        """Run a transaction and return its receipt, of status 0 where it reverted. Raises SenderHasCode."""
        created = None
        try:
            if transaction.get("to") is None:
                created = self._create(transaction)
            else:
                self._run(transaction)
            status = 1
        except RuntimeError as error:
            status = 0
            if "RejectCallerWithCode" in str(error):
                raise SenderHasCode(str(transaction["from"])) from None
        self._evm.reset_transient_storage()
        return self._receipt(status, created)

    def revert_data(self, transaction: Transaction) -> bytes | None:
        """Return the bytes with which *transaction* would revert now, or None where it would not.

        Raises RpcFailed for an exceptional halt, such as too little gas.
        """
        error = self.rpc.answer("eth_call", [transaction, "latest"]).get("error")
        if error is None:
            return None
        if error["code"] != _REVERTED:
            raise RpcFailed("eth_call", error["code"], error["message"])
        return bytes.fromhex(error["data"][2:])

    def set_time(self, timestamp: int) -> None:
        """Begin a new block at *timestamp* [s]."""
        self.set_block(self.block_number + 1, timestamp)

    def set_block(self, number: int, timestamp: int) -> None:
        """Begin block *number* at *timestamp* [s]: what accrues by the block sees only the number."""
        self.block_number, self.timestamp = number, timestamp
        self._evm.set_block_env(self._block())

    def set_code(self, address: str, code: bytes | str) -> None:
        """Put runtime *code* at *address*, for good. Raises CodeInPlace."""
        if self.code(address):
            raise CodeInPlace(address)
        self._evm.insert_account_info(address, self._pyrevm.AccountInfo(nonce=1, code=_bytes(code)))

    def set_storage(self, address: str, slot: int, word: int | bytes) -> None:
        """Write one 32-byte *word* into *slot* of *address*."""
        value = word if isinstance(word, int) else int.from_bytes(word, "big")
        self._evm.insert_account_storage(address, slot, value)

    def set_balance(self, address: str, wei: int) -> None:
        """Give *address* a balance [wei], for good."""
        self._evm.set_balance(address, wei)

    def code(self, address: str) -> bytes:
        """Runtime code at *address*."""
        found = bytes(self._evm.get_code(address) or b"")
        return b"" if found == b"\0" else found  # an account without code has one STOP, says pyrevm

    def storage(self, address: str, slot: int) -> int:
        """The word in *slot* of *address*."""
        return int(self._evm.storage(address, slot))

    def snapshot(self) -> str:
        """Return the id of a checkpoint: good for one `revert`, and gone with any taken before it."""
        kept = (self._evm.snapshot(), self.block_number, self.timestamp, dict(self._nonces))
        self._checkpoints.append(kept)
        return str(len(self._checkpoints) - 1)

    def revert(self, snapshot_id: str) -> None:
        """Go back to a checkpoint. Raises CheckpointGone."""
        place = int(snapshot_id)
        if not 0 <= place < len(self._checkpoints):
            raise CheckpointGone(snapshot_id)
        while len(self._checkpoints) > place:  # innermost first: pyrevm counts them, it does not name them
            checkpoint, self.block_number, self.timestamp, self._nonces = self._checkpoints.pop()
            self._evm.revert(checkpoint)
        self._evm.set_block_env(self._block())

    @contextmanager
    def anchor(self) -> Iterator[None]:
        """Undo on leaving all that is changed meanwhile."""
        snapshot_id = self.snapshot()
        try:
            yield
        finally:
            self.revert(snapshot_id)

    def view(self, to: str, data: bytes, sender: str = _NOBODY) -> bytes:
        """What a call answers that changes nothing; raises RuntimeError with the reason in pyrevm's words."""
        return self._evm.message_call(sender, to, data, gas=TRANSACTION_GAS, is_static=True)

    def _create(self, transaction: Transaction) -> str:
        """Create a contract; the nonce is ours, since a call does not move pyrevm's."""
        sender = str(transaction["from"]).lower()
        nonce = self._nonces.get(sender, 0)
        self._nonces[sender] = nonce + 1
        self._evm.insert_account_info(sender, self._pyrevm.AccountInfo(nonce=nonce))
        code = _bytes(transaction["data"])
        return to_checksum_address(self._evm.deploy(sender, code, gas=_gas(transaction)))

    def _run(self, transaction: Transaction) -> bytes:
        return self._evm.message_call(
            str(transaction.get("from", _NOBODY)),
            str(transaction["to"]),
            _bytes(transaction.get("data", b"")),
            value=_integer(transaction.get("value", 0)),
            gas=_gas(transaction),
        )

    def _block(self) -> Any:
        return self._pyrevm.BlockEnv(
            number=self.block_number, timestamp=self.timestamp, basefee=0, gas_limit=_BLOCK_GAS
        )

    def _receipt(self, status: int, created: str | None) -> dict[str, Any]:
        result: Any = self._evm.result
        return {
            "status": status,
            "contractAddress": created,
            "blockNumber": self.block_number,
            "gasUsed": result.gas_used,
            "logs": [_log(log) for log in result.logs] if status else [],
        }

    def simulate(self, transaction: Transaction) -> dict[str, Any]:
        """The JSON-RPC answer to `eth_call`: what the transaction would return, or the error; nothing stays."""
        checkpoint = self._evm.snapshot()
        try:
            return {"result": "0x" + self._run(transaction).hex()}
        except RuntimeError as error:
            return {"error": _error(str(error))}
        finally:
            self._evm.revert(checkpoint)


class EvmRpc:
    """The reads of JSON-RPC, answered by an `Evm`; the block that a request names is taken to be the last."""

    def __init__(self, evm: Evm) -> None:
        self._evm = evm

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of *method*; raises `RpcFailed`, `NotAnswered`."""
        answer = self.answer(method, params)
        if (error := answer.get("error")) is not None:
            raise RpcFailed(method, error["code"], error["message"], error.get("data"))
        return answer["result"]

    def batch(self, requests_: Iterable[Request]) -> list[Any]:
        """Return the results of many requests, in order; raises as `call`."""
        return [self.call(method, *params) for method, params in requests_]

    def answers(self, requests_: Iterable[Request]) -> list[dict[str, Any]]:
        """Return the whole answers to many requests, in their order; raises `NotAnswered`."""
        asked = list(requests_)
        calls = [params[0] for method, params in asked if method == "eth_call" and params[0].keys() == _VIEW]
        if len(calls) < len(asked):
            return [self.answer(method, params) for method, params in asked]
        found = decoded(self._evm.view(BATCHER_ADDRESS, encoded(calls)))
        return [  # a call that failed is made again by itself, to learn how
            self.answer(method, params) if output is None else {"result": f"0x{output.hex()}"}
            for (method, params), output in zip(asked, found, strict=True)
        ]

    def answer(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        """Return the whole answer to one request: `result` or `error`; raises `NotAnswered`."""
        if method == "eth_call":
            return self._evm.simulate(params[0])
        return {"result": self._fact(method, params)}

    def _fact(self, method: str, params: Sequence[Any]) -> Any:
        evm = self._evm
        match method:
            case "eth_getCode":
                return "0x" + evm.code(params[0]).hex()
            case "eth_getStorageAt":
                return f"0x{evm.storage(params[0], _integer(params[1])):064x}"
            case "eth_chainId":
                return hex(evm.chain_id)
            case "eth_blockNumber":
                return hex(evm.block_number)
            case "eth_getBlockByNumber":
                return {"number": hex(evm.block_number), "timestamp": hex(evm.timestamp)}
            case "anvil_nodeInfo":
                return {"hardFork": evm.hardfork.lower()}
            case _:
                raise NotAnswered(method)


def _error(said: str) -> dict[str, Any]:
    """What pyrevm says of a failure, as JSON-RPC tells it."""
    if (revert := _OUTPUT.match(said)) is not None:
        return {"code": _REVERTED, "message": "execution reverted", "data": "0x" + revert[1]}
    return {"code": _HALTED, "message": said[:200]}


def _log(log: Any) -> dict[str, Any]:
    topics, data = log.data
    return {"address": log.address, "topics": [HexBytes(topic) for topic in topics], "data": HexBytes(data)}


def _gas(transaction: Transaction) -> int:
    return _integer(transaction.get("gas", TRANSACTION_GAS))


def _integer(value: int | str) -> int:
    return int(value, 16) if isinstance(value, str) else value


def _bytes(value: bytes | str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)
