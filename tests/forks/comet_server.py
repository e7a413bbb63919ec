"""A loopback JSON-RPC server that answers as a Comet whose absorption was recorded: before it, and after it.

It stands in for a node with that market. What the record holds is answered as recorded; what follows from recorded
integers by a line of the contract's arithmetic (a balance from its principal and the recorded index) is worked out
here, apart from the model; what neither tells is refused with a JSON-RPC error and counted. It holds no contract
and runs none: what passes against it proves asking, decoding, sending and comparing, and nothing about the rules.
Those are proven by the recording, which came from the executed contract.

It names itself after anvil, whose methods it answers, so that the write guard lets a transaction through: loopback,
for development, and with nothing behind it that could be harmed. The only transaction that it lets through is the
recorded absorption, by whomever; where purchases are paused, it refuses one as the contract then does. It knows two
times: that of the recorded call, and that of the last accrual, at which nothing has grown. `comet_node` makes a whole
node of it, on which something can be bought.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector as selector
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.recordings import compound_v3
from forks.recordings.replay import family_of, record_of
from forks.recordings.vector_file import RecordedCase, read_recording
from protocol.compound_v3 import BASE, LiquidationCall, Market, Pauses, Tracking
from protocol.model import At
from tests.forks.servers import FakeServer
from tests.protocol.cases import OWN

RECORDING = read_recording(OWN / "compound_v3" / "absorb.json")
FAMILY = family_of(RECORDING)
WAD, INDEX = 10**18, 10**15
ABSORB, BUY = "absorb(address,address[])", "buyCollateral(address,uint256,uint256,address)"
TRANSACTIONS = {selector(ABSORB), selector(BUY)}
BLOCK = 19_000_000


def address(name: str) -> str:
    return to_checksum_address(keccak(text=name)[12:])


COMET, BASE_TOKEN, BASE_FEED = address("comet"), address("base token"), address("base feed")
BORROWER, ABSORBER = address("borrower"), address("absorber")
NOBODY = "0x" + "00" * 20


def token(asset_id: int) -> str:
    return address(f"token {asset_id}")


def feed(asset_id: int) -> str:
    return address(f"feed {asset_id}")


@dataclass(frozen=True, kw_only=True)
class Beyond:
    """What a record does not tell, nor a replay read: here such that an absorption leaves all of it as it is."""

    base_borrow_min: int = 0
    target_reserves: int = 0
    tracking: Tracking = field(default_factory=Tracking)
    tracking_indices: tuple[int, int] = (0, 0)
    user_tracking: tuple[int, int] = (0, 0)
    own_collateral: int = 0
    """What the contract has of each collateral beyond its users'."""
    cap_above: int = 0
    """What a supply cap is above what is supplied."""
    pauses: tuple[bool, ...] = (False,) * 5
    max_assets: int = 24

    def market(self, case: compound_v3.Case) -> Market:
        """The market of a record, with its addresses and with all this."""
        market, account = case.market, case.market.accounts[compound_v3.BORROWER]
        index, accrued = self.user_tracking
        assets = {
            i: replace(
                one,
                asset=token(i),
                info=replace(one.info, supply_cap=one.info.supply_cap + self.cap_above + i),
                balance=one.balance + self.own_collateral + i * bool(self.own_collateral),
            )
            for i, one in market.assets.items()
        }
        return replace(
            market,
            config=replace(
                market.config,
                base_asset=BASE_TOKEN,
                base_symbol="BASE",
                base_borrow_min=self.base_borrow_min,
                target_reserves=self.target_reserves,
                tracking=self.tracking,
            ),
            tracking_supply_index=self.tracking_indices[0],
            tracking_borrow_index=self.tracking_indices[1],
            assets=assets,
            accounts={BORROWER: replace(account, tracking_index=index, tracking_accrued=accrued)},
            pauses=Pauses(
                **dict(zip(("supply", "transfer", "withdraw", "absorb", "buy"), self.pauses, strict=True))
            ),
        )


PLAIN = Beyond()
ODD = Beyond(
    base_borrow_min=101,
    target_reserves=102,
    tracking=Tracking(index_scale=103, supply_speed=104, borrow_speed=105, min_principal=106),
    tracking_indices=(107, 108),
    user_tracking=(109, 110),
    own_collateral=111,
    cap_above=112,
    pauses=(True, False, False, True, False),
)
"""No two alike, so that none can be taken for another."""


@dataclass(kw_only=True)
class Stored:
    """What moves, as recorded; integers of the contract."""

    supply_index: int
    borrow_index: int
    supply_principal: int
    borrow_principal: int
    last_accrual: int
    principal: int
    collateral: list[int]
    total_collateral: list[int]
    base_balance: int
    """What the contract has of the base asset."""
    held: list[int]
    """What it has of each collateral."""


class Reverted(Exception):
    """The contract refuses a call with this custom error."""


class NotRecorded(Exception):
    """Neither the record nor a line of arithmetic on it tells."""


class RecordedComet(FakeServer):
    """One recorded case as a node; see the module. `refused`: what was asked in vain."""

    def __init__(self, case: RecordedCase, beyond: Beyond = PLAIN) -> None:
        self.record: compound_v3.Record = record_of(case, FAMILY)
        self.expect: Any = case.expect
        self.beyond = beyond
        state = self.record.state
        self.stored = Stored(
            supply_index=state.base_supply_index,
            borrow_index=state.base_borrow_index,
            supply_principal=state.total_supply_base_principal,
            borrow_principal=state.total_borrow_base_principal,
            last_accrual=state.last_accrual_timestamp,
            principal=state.borrower.principal_signed,
            collateral=list(state.borrower.collateral),
            total_collateral=[one.total_collateral for one in state.assets],
            base_balance=state.base_token_balance,
            held=[
                one.total_collateral + beyond.own_collateral + i * bool(beyond.own_collateral)
                for i, one in enumerate(state.assets)
            ],
        )
        self.timestamp = state.timestamp
        self.absorbed = False
        self._receipts: dict[str, Any] = {}
        self.refused: list[str] = []
        self.alive_for: int | None = None
        """Requests until the connection breaks; None: for ever."""
        self.altered: Callable[[str, list[int]], list[int]] = lambda _, words: words
        """What becomes of an answer's words on their way."""
        self._views = {selector(name): (name, view) for name, view in self._answers().items()}
        super().__init__(
            {
                "web3_clientVersion": "anvil/recorded",
                "anvil_nodeInfo": {"currentBlockNumber": hex(BLOCK)},
                "eth_chainId": "0x1",
                "eth_blockNumber": hex(BLOCK),
                "eth_getBlockByNumber": lambda *_: {"number": hex(BLOCK), "timestamp": hex(self.timestamp)},
                "eth_getCode": lambda at, _: "0xfe" if to_checksum_address(at) in self._contracts() else "0x",
                "eth_call": self._call,
                "eth_sendTransactionSync": self._send,
                "eth_sendTransaction": self._send_and_keep,
                "eth_getTransactionReceipt": self._receipts.get,
                "evm_setNextBlockTimestamp": lambda at: self._only(int(at) == state.timestamp, f"time {at}"),
                "evm_mine": "0x0",
                "anvil_mine": "0x0",
                "anvil_setCode": lambda at, _: self._only(self._fed(at) is not None, f"code of {at}"),
                "anvil_setStorageAt": lambda at, slot, word: self._only(
                    (int(slot, 16), int(word, 16)) == (0, self.prices().get(self._fed(at))),
                    f"price {int(word, 16)} of {at}",
                ),
            }
        )

    def market(self) -> Market:
        """The market made from the record by the model's own reader of records."""
        return self.beyond.market(compound_v3.case_of(self.record, RECORDING.revision))

    def call(self) -> LiquidationCall:
        return LiquidationCall(absorber=ABSORBER, accounts=(BORROWER,))

    def prices(self) -> dict[int, int]:
        state = self.record.state
        return {BASE: state.price_base_price8} | {one.asset_index: one.price8 for one in state.assets}

    def at(self) -> dict[str, Any]:
        """Prices and time of the call, as the model takes them."""
        return {"prices_base": self.prices(), "timestamp": self.record.state.timestamp}

    def now(self) -> At:
        """The same, as rules behind the common interface take them."""
        return At(**self.at())

    def quotes(self) -> list[tuple[int, int]]:
        return [(one.asset_index, one.base_amount) for one in self.record.action.quotes]

    def reply(self, request: Any) -> Any:
        if self.alive_for is not None:
            self.alive_for -= 1
            if self.alive_for < 0:
                raise ConnectionResetError
        return super().reply(request)

    # --- calls ---

    def _call(self, request: dict[str, Any], _block: str = "latest") -> Any:
        target, data = to_checksum_address(request["to"]), bytes.fromhex(request["data"][2:])
        if data[:4] in TRANSACTIONS:
            return self._answered(lambda: self._permitted(request))
        name, view = self._views.get(data[:4], ("", None))
        if view is None or target not in self._contracts():
            return self._answered(lambda: _not_recorded(f"0x{data[:4].hex()} of {target}"))
        types = name.partition("(")[2].removesuffix(")")
        arguments = decode(types.split(",") if types else [], data[4:])
        return self._answered(lambda: view(target, *arguments), name)

    def _answered(self, view: Callable[[], Any], name: str = "") -> Any:
        try:
            answer = view()
        except Reverted as error:
            reason = f"{error}()"
            data = "0x" + selector(reason).hex()
            return {"error": {"code": 3, "message": f"execution reverted: {reason}", "data": data}}
        except NotRecorded as error:
            self.refused.append(str(error))
            return {"error": {"code": -32000, "message": f"not recorded: {error}"}}
        if isinstance(answer, bytes):
            return "0x" + answer.hex()
        words = list(answer) if isinstance(answer, (tuple, list)) else [answer]
        words = self.altered(name, [int(word, 16) if isinstance(word, str) else int(word) for word in words])
        return "0x" + b"".join((word % 2**256).to_bytes(32, "big") for word in words).hex()

    def _contracts(self) -> set[str]:
        n_assets = range(len(self.record.state.assets))
        return {COMET, BASE_TOKEN, *(token(i) for i in n_assets)}

    # --- the one transaction ---

    def _send(self, transaction: dict[str, Any]) -> Any:
        try:
            status, logs = self._carried_out(transaction)
        except NotRecorded as error:
            return self._only(False, str(error))
        return self._receipt(transaction, logs, status=status)

    def _send_and_keep(self, transaction: dict[str, Any]) -> Any:
        receipt = self._send(transaction)
        if "error" in receipt:
            return receipt
        self._receipts[receipt["transactionHash"]] = receipt
        return receipt["transactionHash"]

    def _carried_out(self, transaction: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
        """Status and logs of a transaction; what it moves is moved. Raises NotRecorded."""
        try:
            self._permitted(transaction)
        except Reverted:
            return 0, []
        logs = self._logs()
        self._move()
        return 1, logs

    def _permitted(self, transaction: dict[str, Any]) -> bytes:
        """Whether it is the recorded call, or a purchase where those are paused, and whether it reverts."""
        data, target = bytes.fromhex(transaction["data"][2:]), transaction["to"]
        if data[:4] == selector(BUY) and self.beyond.pauses[4]:
            raise Reverted("Paused")
        absorber, accounts = (
            decode(["address", "address[]"], data[4:]) if data[:4] == selector(ABSORB) else ("", ())
        )
        asked = [to_checksum_address(one) if one else one for one in (target, absorber, *accounts)]
        on_record = (
            asked[0] == COMET and asked[2:] == [BORROWER] and self.timestamp == self.record.state.timestamp
        )
        if not on_record or self.absorbed:
            _not_recorded(f"transaction {asked}")
        if "reverts" in self.expect:
            raise Reverted(self.expect["reverts"])
        self._absorber = asked[1]
        return b""

    def _only(self, recorded: bool, what: str) -> Any:
        if recorded:
            return None
        self.refused.append(what)
        return {"error": {"code": -32000, "message": f"not recorded: {what}"}}

    def _move(self) -> None:
        """The state after, as recorded; all collateral has been taken, and nothing has left the contract."""
        after, taken = self.expect["after"], self.expect["collateral_absorbed"]
        left = list(self.stored.collateral)
        for one in taken:
            left[int(one["asset_index"])] -= int(one["amount"])
        self.stored = replace(
            self.stored,
            supply_index=int(after["base_supply_index"]),
            borrow_index=int(after["base_borrow_index"]),
            supply_principal=int(after["total_supply_base_principal"]),
            borrow_principal=int(after["total_borrow_base_principal"]),
            last_accrual=self.record.state.timestamp,
            principal=int(after["principal_signed"]),
            collateral=left,
            total_collateral=[int(one) for one in after["total_collateral"]],
        )
        self.absorbed = True

    def _logs(self) -> list[dict[str, Any]]:
        """The recorded events."""
        parties, after = (self._absorber, BORROWER), self.expect["after"]
        logs = [
            event_log(
                "AbsorbCollateral(address,address,address,uint256,uint256)",
                [*parties, token(int(one["asset_index"]))],
                [one["amount"], one["usd_value8"]],
            )
            for one in self.expect["collateral_absorbed"]
        ]
        paid = [self.expect["base_paid_out"], self.expect["usd_value_of_base_paid_out8"]]
        logs.append(event_log("AbsorbDebt(address,address,uint256,uint256)", parties, paid))
        if (principal := int(after["principal_signed"])) > 0:
            supplied = principal * int(after["base_supply_index"]) // INDEX
            logs.append(event_log("Transfer(address,address,uint256)", [NOBODY, BORROWER], [supplied]))
        return logs

    def _receipt(
        self, transaction: dict[str, Any], logs: list[dict[str, Any]], *, status: int, **elsewhere: str
    ) -> dict[str, Any]:
        """`elsewhere`: what of its place is not that of the only transaction of the next block."""
        place = {
            "transactionHash": "0x" + keccak(text=transaction["data"]).hex(),
            "transactionIndex": "0x0",
            "blockHash": "0x" + "bb" * 32,
            "blockNumber": hex(BLOCK + 1),
        } | elsewhere
        return place | {
            "from": transaction["from"],
            "to": transaction["to"],
            "contractAddress": None,
            "status": hex(status),
            "gasUsed": "0x1",
            "cumulativeGasUsed": "0x1",
            "effectiveGasPrice": "0x0",
            "type": "0x0",
            "logsBloom": "0x" + "00" * 256,
            "logs": [log | place | {"logIndex": hex(i), "removed": False} for i, log in enumerate(logs)],
        }

    # --- views, by signature: each is given the contract that is asked, then its arguments ---

    def _answers(self) -> dict[str, Callable[..., Any]]:
        return self._constants() | {
            "symbol()": lambda at: encode(["string"], ["BASE" if at == BASE_TOKEN else f"A{self._id(at)}"]),
            "getAssetInfo(uint8)": lambda _, i: self._asset_info(i),
            "getPrice(address)": lambda _, one: self._price(to_checksum_address(one)),
            "totalsBasic()": lambda _: self._totals(),
            "totalsCollateral(address)": lambda _, one: (self.stored.total_collateral[self._id(one)], 0),
            "userBasic(address)": lambda _, user: self._user(user),
            "userCollateral(address,address)": lambda _, user, one: (
                self.stored.collateral[self._id(one)] if _is_borrower(user) else 0,
                0,
            ),
            "balanceOf(address)": self._balance_of,
            "borrowBalanceOf(address)": lambda _, user: self._debt() if _is_borrower(user) else 0,
            "isBorrowCollateralized(address)": lambda _, user: self._liquidity(user, "borrow") >= 0,
            "isLiquidatable(address)": lambda _, user: self._liquidity(user, "liquidate") < 0,
            "totalSupply()": lambda _: self.stored.supply_principal * self._accrued("supply") // INDEX,
            "totalBorrow()": lambda _: self.stored.borrow_principal * self._accrued("borrow") // INDEX,
            "getReserves()": lambda _: self._reserves(),
            "getCollateralReserves(address)": lambda _, one: (
                self.stored.held[self._id(one)] - self.stored.total_collateral[self._id(one)]
            ),
            "quoteCollateral(address,uint256)": lambda _, one, amount: self._quote(self._id(one), amount),
            "getUtilization()": lambda _: self._utilization(),
            "getSupplyRate(uint256)": lambda _, used: self._rate("supply", used),
            "getBorrowRate(uint256)": lambda _, used: self._rate("borrow", used),
        }

    def _constants(self) -> dict[str, Callable[..., Any]]:
        state, beyond = self.record.state, self.beyond
        rates = {
            f"{side}{getter}()": getattr(state, f"{side}_{name}")
            for side in ("supply", "borrow")
            for getter, name in (
                ("Kink", "kink"),
                ("PerSecondInterestRateBase", "per_second_base"),
                ("PerSecondInterestRateSlopeLow", "per_second_slope_low"),
                ("PerSecondInterestRateSlopeHigh", "per_second_slope_high"),
            )
        }
        pauses = zip(("Supply", "Transfer", "Withdraw", "Absorb", "Buy"), beyond.pauses, strict=True)
        constants = rates | {f"is{action}Paused()": paused for action, paused in pauses}
        constants |= {
            "baseIndexScale()": INDEX,
            "baseAccrualScale()": 10**6,
            "factorScale()": WAD,
            "priceScale()": 10**8,
            "maxAssets()": beyond.max_assets,
            "numAssets()": len(state.assets),
            "baseToken()": BASE_TOKEN,
            "baseTokenPriceFeed()": BASE_FEED,
            "baseScale()": 10**state.base_decimals,
            "baseBorrowMin()": beyond.base_borrow_min,
            "targetReserves()": beyond.target_reserves,
            "storeFrontPriceFactor()": state.store_front_price_factor,
            "trackingIndexScale()": beyond.tracking.index_scale,
            "baseTrackingSupplySpeed()": beyond.tracking.supply_speed,
            "baseTrackingBorrowSpeed()": beyond.tracking.borrow_speed,
            "baseMinForRewards()": beyond.tracking.min_principal,
        }
        return {name: lambda _, value=value: value for name, value in constants.items()}

    def _id(self, asset: str) -> int:
        return next(i for i in range(len(self.record.state.assets)) if token(i).lower() == asset.lower())

    def _asset_info(self, i: int) -> Sequence[Any]:
        if i >= len(self.record.state.assets):
            raise Reverted("Absurd")
        one = self.record.state.assets[i]
        factors = (one.borrow_collateral_factor, one.liquidate_collateral_factor, one.liquidation_factor)
        cap = one.total_collateral + self.beyond.cap_above + i
        return (i, token(i), feed(i), 10**one.decimals, *factors, cap)

    def _price(self, asked: str) -> int:
        asset_id = self._fed(asked)
        if asset_id is None:
            raise NotRecorded(f"price of {asked}")
        price = self.prices()[asset_id]
        if price <= 0:
            raise Reverted("BadPrice")
        return price

    def _fed(self, at: str) -> Any:
        """The asset whose feed stands at an address."""
        feeds = {BASE_FEED: BASE} | {feed(i): i for i in range(len(self.record.state.assets))}
        return feeds.get(to_checksum_address(at))

    def _totals(self) -> Sequence[int]:
        stored, flags = self.stored, sum(paused << i for i, paused in enumerate(self.beyond.pauses))
        principals = (stored.supply_principal, stored.borrow_principal)
        indices = (stored.supply_index, stored.borrow_index)
        return (*indices, *self.beyond.tracking_indices, *principals, stored.last_accrual, flags)

    def _user(self, user: str) -> Sequence[int]:
        if not _is_borrower(user):
            return (0,) * 5
        bits = sum(bool(balance) << i for i, balance in enumerate(self.stored.collateral))
        return (self.stored.principal, *self.beyond.user_tracking, bits % 2**16, bits >> 16)

    def _balance_of(self, at: str, owner: str) -> int:
        """Of the market's own token, or what the contract holds of another."""
        if at == COMET:
            supplied = max(self.stored.principal, 0) if _is_borrower(owner) else 0
            return supplied * self._accrued("supply") // INDEX
        if owner.lower() != COMET.lower():
            _not_recorded(f"balance of {owner}")
        return self.stored.base_balance if at == BASE_TOKEN else self.stored.held[self._id(at)]

    def _accrued(self, side: str) -> int:
        """The index as it has grown to now: of two times it is on record, and no third is ever reached."""
        if self.timestamp == self.stored.last_accrual:
            return int(getattr(self.stored, f"{side}_index"))
        return int(self.expect["before"][f"base_{side}_index"])

    def _debt(self) -> int:
        """As recorded; at the last accrual by the index of then."""
        if self.absorbed:
            return 0
        if self.timestamp == self.stored.last_accrual:
            return max(-self.stored.principal, 0) * self.stored.borrow_index // INDEX
        return int(self.expect["before"]["debt_base"])

    def _reserves(self) -> int:
        """After the absorption as recorded, with what has been paid in since."""
        if self.absorbed:
            paid_in = self.stored.base_balance - self.record.state.base_token_balance
            return int(self.expect["after"]["reserves_base_signed"]) + paid_in
        supplied = self.stored.supply_principal * self._accrued("supply") // INDEX
        owed = self.stored.borrow_principal * self._accrued("borrow") // INDEX
        return self.stored.base_balance - supplied + owed

    def _quote(self, asset_id: int, amount: int) -> int:
        recorded = dict(zip(self.quotes(), self.expect["quotes"], strict=True))
        if (asset_id, amount) not in recorded:
            _not_recorded(f"quote of {amount} for asset {asset_id}")
        return int(recorded[asset_id, amount])

    def _liquidity(self, user: str, factor: str) -> int:
        """Weighted collateral less debt, at the stored indices."""
        state, stored = self.record.state, self.stored
        if not _is_borrower(user) or stored.principal >= 0:
            return 0
        owed = -stored.principal * stored.borrow_index // INDEX
        total = -(owed * state.price_base_price8 // 10**state.base_decimals)
        for balance, one in zip(stored.collateral, state.assets, strict=True):
            value = balance * one.price8 // 10**one.decimals
            total += value * getattr(one, f"{factor}_collateral_factor") // WAD
        return total

    def _utilization(self) -> int:
        stored = self.stored
        supplied = stored.supply_principal * stored.supply_index // INDEX
        return stored.borrow_principal * stored.borrow_index // INDEX * WAD // supplied if supplied else 0

    def _rate(self, side: str, used: int) -> int:
        state = self.record.state
        kink, base, low, high = (
            getattr(state, f"{side}_{name}")
            for name in ("kink", "per_second_base", "per_second_slope_low", "per_second_slope_high")
        )
        return base + low * min(used, kink) // WAD + high * max(used - kink, 0) // WAD


def _is_borrower(user: str) -> bool:
    return user.lower() == BORROWER.lower()


def _not_recorded(what: str) -> Any:
    raise NotRecorded(what)


def event_log(
    event: str, indexed: Sequence[str], amounts: Sequence[int | str], *, emitter: str = COMET
) -> dict[str, Any]:
    """A log, of the Comet or of a token: parties in topics, amounts in data."""
    topics = [keccak(text=event), *(bytes(12) + bytes.fromhex(one[2:]) for one in indexed)]
    data = b"".join(int(amount).to_bytes(32, "big") for amount in amounts)
    return {"address": emitter, "topics": ["0x" + one.hex() for one in topics], "data": "0x" + data.hex()}
