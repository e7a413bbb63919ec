"""The values of a vector file and the fields that the pools of Aave v2 and v3 share, checked as they are read.

Integers are decimal strings in raw on-chain units, flags are JSON booleans. A field that is missing, unknown
or of another kind is an error: a value that nobody reads must not look as if it had been checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

MAX_UINT256 = 2**256 - 1
MAX_DECIMALS = 77
"""The most for which one token, 10**decimals, fits in 256 bits."""
MAX_RESERVES = 128
"""What the bitmap of an account has room for."""
BPS_TO_RAY = 10**23
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,77})", re.ASCII)

T = TypeVar("T")


def uint(value: Any) -> int:
    """The integer of a decimal string, 0 to 2**256 - 1; an error of the record otherwise."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value) or int(value) > MAX_UINT256:
        shown = repr(value)
        raise PydanticCustomError(
            "uint",
            "must be an integer from 0 to 2**256 - 1 as a decimal string, is {shown}",
            {"shown": shown if len(shown) <= 40 else f"{shown[:40]}..."},
        )
    return int(value)


def signed(value: Any) -> int:
    """The integer of a decimal string, -(2**255) to 2**256 - 1; an error of the record otherwise."""
    if not isinstance(value, str) or not value.startswith("-"):
        return uint(value)
    if value == "-0" or uint(value[1:]) > 2**255:
        raise PydanticCustomError(
            "int", "must not be -0 or below -(2**255), is {shown}", {"shown": f"{value[:40]!r}"}
        )
    return -uint(value[1:])


def _at_most(limit: int) -> AfterValidator:
    def check(value: int) -> int:
        if value > limit:
            raise PydanticCustomError(
                "limit", "must be at most {limit}, is {value}", {"limit": limit, "value": value}
            )
        return value

    return AfterValidator(check)


def distinct(key: str, *, ascending: bool = False) -> AfterValidator:
    """Items of a list differ in `key`, and stand in its order where the order is part of the state."""

    def check(items: list[T]) -> list[T]:
        keys = [getattr(item, key) for item in items]
        if len(set(keys)) != len(keys):
            raise PydanticCustomError("distinct", "two items have the same {key}", {"key": key})
        if ascending and sorted(keys) != keys:
            raise PydanticCustomError("order", "must be in the order of {key}", {"key": key})
        return items

    return AfterValidator(check)


Uint = Annotated[int, BeforeValidator(uint)]
Int = Annotated[int, BeforeValidator(signed)]
"""A field that may be negative; its name ends in `_signed`."""
Zero = Annotated[Uint, _at_most(0)]
"""A field of the shared layout that this protocol does not have."""
Decimals = Annotated[Uint, _at_most(MAX_DECIMALS)]
ReserveId = Annotated[Uint, _at_most(MAX_RESERVES - 1)]


class Record(BaseModel):
    """An object of a vector file: exactly these fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ReserveRecord(Record):
    """A reserve of a pool; its price is added by the protocol, whose base currency it is in."""

    reserve_id: ReserveId
    decimals: Decimals
    ltv_bps: Uint
    liquidation_threshold_bps: Uint
    liquidation_bonus_bps: Uint
    liquidation_protocol_fee_bps: Uint
    reserve_factor_bps: Uint
    active: bool
    paused: bool
    liquidation_grace_until_timestamp: Uint
    optimal_usage_bps: Uint
    base_variable_rate_bps: Uint
    variable_slope1_bps: Uint
    variable_slope2_bps: Uint
    liquidity_index_ray: Uint
    variable_borrow_index_ray: Uint
    liquidity_rate_ray: Uint
    variable_borrow_rate_ray: Uint
    last_update_timestamp: Uint
    total_scaled_atoken: Uint
    total_scaled_variable_debt: Uint
    accrued_to_treasury_scaled: Uint
    deficit_underlying: Uint
    virtual_underlying_balance: Uint


class EModeRecord(Record):
    """An efficiency mode of Aave v3."""

    id: Uint
    ltv_bps: Uint
    liquidation_threshold_bps: Uint
    liquidation_bonus_bps: Uint
    collateral_bitmap: Uint


class PositionRecord(Record):
    """What one account holds and owes in one reserve."""

    reserve_id: ReserveId
    scaled_atoken: Uint
    scaled_variable_debt: Uint
    collateral_enabled: bool
    borrowing: bool


class FeePositionRecord(Record):
    """What the treasury holds in one reserve."""

    reserve_id: ReserveId
    scaled_atoken: Uint


class AccountRecord(Record):
    """An account: only reserves in which it has something set."""

    emode: Uint
    positions: Annotated[list[PositionRecord], distinct("reserve_id")]


class TreasuryRecord(Record):
    """The account that receives what the protocol takes."""

    positions: Annotated[list[FeePositionRecord], distinct("reserve_id")]


R = TypeVar("R", bound=ReserveRecord)


class PoolState(Record, Generic[R]):
    """Everything stored that the call reads, as of each reserve's last update."""

    timestamp: Uint
    reserves: Annotated[list[R], distinct("reserve_id", ascending=True)]
    emodes: Annotated[list[EModeRecord], distinct("id")]
    borrower: AccountRecord
    liquidator: AccountRecord | None
    treasury: TreasuryRecord


class PoolAction(Record):
    """`liquidationCall` and who sends it."""

    type: Literal["liquidation_call"]
    collateral_reserve_id: ReserveId
    debt_reserve_id: ReserveId
    debt_to_cover_underlying: Uint
    receive_atoken: bool
    self_liquidation: bool


S = TypeVar("S", bound=PoolState[Any])


class PoolRecord(Record, Generic[S]):
    """State and action of one case, which only name reserves that are there."""

    state: S
    action: PoolAction

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for what in _contradictions(self.state, self.action):
            raise PydanticCustomError("contradiction", "{what}", {"what": what})
        return self


def _contradictions(state: PoolState[Any], action: PoolAction) -> Iterator[str]:
    known = {reserve.reserve_id for reserve in state.reserves}
    named = {"action": {action.collateral_reserve_id, action.debt_reserve_id}}
    named["state.treasury"] = {position.reserve_id for position in state.treasury.positions}
    for user, account in (("borrower", state.borrower), ("liquidator", state.liquidator)):
        if account is not None:
            named[f"state.{user}"] = {position.reserve_id for position in account.positions}
    for place, reserve_ids in named.items():
        for reserve_id in sorted(reserve_ids - known):
            yield f"{place} names reserve {reserve_id}, which state.reserves lacks"
    for reserve in state.reserves:
        if reserve.last_update_timestamp > state.timestamp:
            yield f"reserve {reserve.reserve_id} was last updated after state.timestamp"
    if state.liquidator is None and not action.self_liquidation:
        yield "state.liquidator is null although the borrower does not call for itself"
