"""The recorded Comet on a whole node that somebody else runs, as `--node` meets one: found busy, to be left as found.

Beside what `comet_server` answers there are the settings of an anvil, its pending transactions, snapshots, blocks and
time, and what a liquidator needs: balances and approvals of the base asset as of any plain token, and purchases. A
record holds no purchase. What one sells is worked out from recorded integers by the quote's own lines, which give
every recorded quote; it shows that a purchase is asked for, sent, decoded and compared, and nothing about the rules.

Two times are on record, that of the last accrual, at which it is found, and that of the recorded call: no block has
another. Whatever else is asked for is refused and counted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from eth_abi.abi import decode
from eth_utils.abi import function_signature_to_4byte_selector as selector
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.compound_v3.feeds import ROUND_FEED
from forks.recordings.vector_file import RecordedCase
from tests.forks.comet_server import (
    BASE_TOKEN,
    BLOCK,
    BUY,
    COMET,
    PLAIN,
    WAD,
    Beyond,
    NotRecorded,
    RecordedComet,
    Reverted,
    address,
    event_log,
    token,
)

APPROVE = "approve(address,uint256)"
TRANSFER = "Transfer(address,address,uint256)"
SOMEBODY = address("somebody")
FOUND = {
    "automine": False,
    "interval_s": 12,
    "impersonates": False,
    "gas_limit": "0x1c9c380",
    "base_fee": "0x3b9aca00",
    "block_interval_s": None,
}
"""Settings of a node that mines every 12 seconds, by its own clock."""
_KEPT = ("stored", "absorbed", "timestamp", "block", "money", "approved", "fed", "nonces")
"""What a snapshot holds."""


class RecordedNode(RecordedComet):
    """One recorded case on a node; see the module."""

    def __init__(self, case: RecordedCase, beyond: Beyond = PLAIN) -> None:
        super().__init__(case, beyond)
        self.timestamp, self.block = self.record.state.last_accrual_timestamp, BLOCK
        self.money: dict[str, int] = {}
        """Of the base asset, by owner."""
        self.approved: dict[str, int] = {}
        """What the Comet may take of it, by owner."""
        self.fed: dict[Any, int] = {}
        """Slot 0 of the feeds whose code is now `ROUND_FEED`, by asset."""
        self.nonces: dict[str, int] = {}
        self.settings: dict[str, Any] = dict(FOUND)
        self.pending: list[dict[str, Any]] = [_waiting()]
        self._snapshots: dict[str, dict[str, Any]] = {}
        self._n_snapshots = 0
        self._next_timestamp: int | None = None
        self.answers |= self._of_the_node() | self._settings()

    def as_found(self) -> dict[str, Any]:
        """All that somebody could notice afterwards."""
        return deepcopy({name: getattr(self, name) for name in (*_KEPT, "settings", "pending")})

    def _of_the_node(self) -> dict[str, Any]:
        return {
            "eth_blockNumber": lambda: hex(self.block),
            "eth_getBlockByNumber": self._header,
            "eth_getTransactionCount": lambda of, _: hex(self.nonces.get(to_checksum_address(of), 0)),
            "eth_sendTransaction": self._take,
            "txpool_content": self._pool,
            "anvil_dropAllTransactions": self._drop,
            "evm_snapshot": self._snapshot,
            "evm_revert": self._revert,
            "evm_setNextBlockTimestamp": self._set_next_timestamp,
            "evm_mine": self._mine,
            "anvil_mine": lambda n_blocks: [self._mine() for _ in range(int(n_blocks, 16))] and None,
            "anvil_setCode": self._set_code,
            "anvil_setStorageAt": self._set_price,
            "anvil_dealERC20": self._deal,
        }

    def _settings(self) -> dict[str, Any]:
        setters = {
            "evm_setAutomine": "automine",
            "evm_setIntervalMining": "interval_s",
            "anvil_autoImpersonateAccount": "impersonates",
            "evm_setBlockGasLimit": "gas_limit",
            "anvil_setNextBlockBaseFeePerGas": "base_fee",
            "anvil_setBlockTimestampInterval": "block_interval_s",
        }

        def setter(name: str) -> Any:
            return lambda value: self.settings.update({name: value})

        return {method: setter(name) for method, name in setters.items()} | {
            "anvil_getAutomine": lambda: self.settings["automine"],
            "anvil_getIntervalMining": lambda: self.settings["interval_s"] or None,
            "anvil_removeBlockTimestampInterval": lambda: self.settings.update(block_interval_s=None),
        }

    # --- blocks and time ---

    def _header(self, which: str, _full: bool) -> dict[str, Any]:
        return {
            "number": hex(self.block + (which == "pending")),
            "timestamp": hex(self.timestamp),
            "gasLimit": self.settings["gas_limit"],
            "baseFeePerGas": self.settings["base_fee"],
        }

    def _set_next_timestamp(self, at: int) -> Any:
        known = {self.timestamp, self.record.state.timestamp}
        if at in known:
            self._next_timestamp = at
        return self._only(at in known, f"time {at}")

    def _mine(self) -> Any:
        """A block of all that is pending."""
        if self.settings["block_interval_s"] != 0 and self._next_timestamp is None:
            return self._only(False, "a block by the node's own clock")
        self.timestamp = self.timestamp if self._next_timestamp is None else self._next_timestamp
        self._next_timestamp = None
        self.block += 1
        taken, self.pending = self.pending, []
        try:
            for index, one in enumerate(taken):
                self._include(one, index)
        except NotRecorded as error:
            return self._only(False, str(error))
        return "0x0"

    def _snapshot(self) -> str:
        self._n_snapshots += 1
        snapshot_id = hex(self._n_snapshots)
        self._snapshots[snapshot_id] = deepcopy({name: getattr(self, name) for name in _KEPT})
        return snapshot_id

    def _revert(self, snapshot_id: str) -> bool:
        """Good once, and with it those taken later are gone."""
        kept = self._snapshots.get(snapshot_id)
        if kept is None:
            return False
        gone = [one for one in self._snapshots if int(one, 16) >= int(snapshot_id, 16)]
        for one in gone:
            del self._snapshots[one]
        for name, value in kept.items():
            setattr(self, name, value)
        return True

    # --- transactions ---

    def _take(self, transaction: dict[str, Any]) -> Any:
        if not self.settings["impersonates"]:
            return {"error": {"code": -32602, "message": "No Signer available"}}
        sender = to_checksum_address(transaction["from"])
        nonce = self.nonces.get(sender, 0) + sum(one["from"] == sender for one in self.pending)
        taken = _hashed({"nonce": hex(nonce), **transaction, "from": sender})
        self.pending.append(taken)
        failed = self._mine() if self.settings["automine"] else None
        return failed if isinstance(failed, dict) else taken["hash"]

    def _include(self, transaction: dict[str, Any], index: int) -> None:
        if int(transaction["gasPrice"], 16) < int(self.settings["base_fee"], 16):
            raise NotRecorded("a transaction that pays less than the base fee")
        if "data" not in transaction:
            raise NotRecorded("somebody's own transaction")
        sender = to_checksum_address(transaction["from"])
        status, logs = self._carried_out(transaction)
        self.nonces[sender] = self.nonces.get(sender, 0) + 1
        elsewhere = {
            "transactionHash": transaction["hash"],
            "transactionIndex": hex(index),
            "blockNumber": hex(self.block),
        }
        self._receipts[transaction["hash"]] = self._receipt(transaction, logs, status=status, **elsewhere)

    def _drop(self) -> None:
        self.pending = []

    def _pool(self) -> dict[str, Any]:
        pending: dict[str, dict[str, Any]] = {}
        for one in self.pending:
            pending.setdefault(one["from"], {})[str(int(one["nonce"], 16))] = {**one, "s": "0x0"}
        return {"pending": pending, "queued": {}}

    def _carried_out(self, transaction: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
        """Also an approval and a purchase."""
        data, sender = bytes.fromhex(transaction["data"][2:]), to_checksum_address(transaction["from"])
        target = to_checksum_address(transaction["to"])
        if (target, data[:4]) == (BASE_TOKEN, selector(APPROVE)):
            spender, amount = decode(["address", "uint256"], data[4:])
            if to_checksum_address(spender) != COMET:
                raise NotRecorded(f"approval of {spender}")
            self.approved[sender] = amount
            return 1, []
        if (target, data[:4]) != (COMET, selector(BUY)):
            return super()._carried_out(transaction)
        try:
            return 1, self._buy(sender, data)
        except Reverted:
            return 0, []

    def _permitted(self, transaction: dict[str, Any]) -> bytes:
        """A purchase that nothing refuses goes through, and is left undone."""
        data = bytes.fromhex(transaction["data"][2:])
        if data[:4] != selector(BUY):
            return super()._permitted(transaction)
        self._sold(to_checksum_address(transaction["from"]), data)
        return b""

    # --- the store front ---

    def _sold(self, buyer: str, data: bytes) -> tuple[int, int, int, str]:
        """Which collateral, paid, sold, to whom. Raises Reverted with what refuses it."""
        asset, least, paid, recipient = decode(["address", "uint256", "uint256", "address"], data[4:])
        asset_id, stored = self._id(asset), self.stored
        if self.beyond.pauses[4]:
            raise Reverted("Paused")
        if not self.absorbed:
            raise NotRecorded("a purchase before the absorption")
        if self._reserves() >= self.beyond.target_reserves:
            raise Reverted("NotForSale")
        if min(self.money.get(buyer, 0), self.approved.get(buyer, 0)) < paid:
            raise Reverted("TransferInFailed")
        sold = self.worth(asset_id, paid)
        if sold < least:
            raise Reverted("TooMuchSlippage")
        if sold > stored.held[asset_id] - stored.total_collateral[asset_id]:
            raise Reverted("InsufficientReserves")
        return asset_id, paid, sold, to_checksum_address(recipient)

    def worth(self, asset_id: int, paid: int) -> int:
        """The quote: the price less its discount, then what is paid at both prices."""
        state, one = self.record.state, self.record.state.assets[asset_id]
        discount = state.store_front_price_factor * (WAD - one.liquidation_factor) // WAD
        price = one.price8 * (WAD - discount) // WAD
        return state.price_base_price8 * paid * 10**one.decimals // price // 10**state.base_decimals

    def _buy(self, buyer: str, data: bytes) -> list[dict[str, Any]]:
        asset_id, paid, sold, recipient = self._sold(buyer, data)
        self.money[buyer] -= paid
        self.stored.base_balance += paid
        self.stored.held[asset_id] -= sold
        return [
            _transfer(BASE_TOKEN, buyer, COMET, paid),
            _transfer(token(asset_id), COMET, recipient, sold),
            event_log(
                "BuyCollateral(address,address,uint256,uint256)", [buyer, token(asset_id)], [paid, sold]
            ),
        ]

    # --- money and feeds, set from outside ---

    def _deal(self, owner: str, of: str, amount: str) -> Any:
        known = to_checksum_address(of) == BASE_TOKEN and to_checksum_address(owner) != COMET
        if known:
            self.money[to_checksum_address(owner)] = int(amount, 16)
        return self._only(known, f"money of {owner} in {of}")

    def _balance_of(self, at: str, owner: str) -> int:
        money = self.money.get(to_checksum_address(owner)) if at == BASE_TOKEN else None
        return super()._balance_of(at, owner) if money is None else money

    def _set_code(self, at: str, code: str) -> Any:
        """Of a feed, to code that is known to answer slot 0."""
        asset_id, known = self._fed(at), bytes.fromhex(code[2:]) == ROUND_FEED
        if asset_id is not None and known:
            self.fed[asset_id] = 0
        return self._only(asset_id is not None and known, f"code of {at}")

    def _set_price(self, at: str, slot: str, word: str) -> Any:
        """Only the recorded one: what follows from another is not on record."""
        asset_id, price = self._fed(at), int(word, 16)
        known = asset_id in self.fed and int(slot, 16) == 0 and price == self.prices()[asset_id]
        if known:
            self.fed[asset_id] = price
        return self._only(known, f"price {price} of {at}")

    def _price(self, asked: str) -> int:
        """By the feed that stands there now."""
        price = self.fed.get(self._fed(asked), None)
        if price == 0:
            raise Reverted("BadPrice")
        return super()._price(asked) if price is None else price


def _waiting() -> dict[str, Any]:
    """A transaction that waits for a block."""
    return _hashed(
        {
            "from": SOMEBODY,
            "to": SOMEBODY,
            "nonce": "0x0",
            "gas": "0x5208",
            "gasPrice": "0x77359400",
            "value": "0x1",
            "input": "0x",
            "type": "0x0",
        }
    )


def _hashed(transaction: dict[str, Any]) -> dict[str, Any]:
    """With a hash that follows from all else that it says."""
    return transaction | {"hash": "0x" + keccak(text=json.dumps(transaction, sort_keys=True)).hex()}


def _transfer(of: str, source: str, target: str, amount: int) -> dict[str, Any]:
    return event_log(TRANSFER, [source, target], [amount], emitter=of)


def words(answer: str) -> Sequence[int]:
    """The words of an answer to `eth_call`."""
    data = bytes.fromhex(answer[2:])
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]
