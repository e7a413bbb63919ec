"""Recorded liquidations of Aave v2: from a record to a call of the model, and back to the layout of `expect`.

The layout is that of Aave v3; what v2 does not have is 0 in it.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from forks.recordings import pool
from forks.recordings.pool import BORROWER, LIQUIDATOR, STORED, TREASURY, Case, Pool
from forks.recordings.records import (
    BPS_TO_RAY,
    AccountRecord,
    EModeRecord,
    PoolAction,
    PoolRecord,
    PoolState,
    ReserveRecord,
    Uint,
    Zero,
    distinct,
)
from protocol.aave_v2 import (
    Account,
    Liquidated,
    LiquidationCall,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    Revert,
    account_data,
    atoken_balance,
    liquidation_call,
    normalized_debt,
    normalized_income,
    vtoken_balance,
)

REVISION = "2.0"
_CONFIG = (
    "decimals",
    "ltv_bps",
    "liquidation_threshold_bps",
    "liquidation_bonus_bps",
    "reserve_factor_bps",
    "active",
)
_STORED = (*STORED, "virtual_underlying_balance")


class V2ReserveRecord(ReserveRecord):
    """A reserve of Aave v2, priced in ETH."""

    price_base18: Uint
    liquidation_protocol_fee_bps: Zero
    liquidation_grace_until_timestamp: Zero
    accrued_to_treasury_scaled: Zero
    deficit_underlying: Zero


def _without_emode(account: AccountRecord | None) -> AccountRecord | None:
    if account is not None and account.emode != 0:
        raise PydanticCustomError("emode", "must have emode 0: Aave v2 has no efficiency modes")
    return account


def _all_or_none_paused(reserves: list[V2ReserveRecord]) -> list[V2ReserveRecord]:
    if len({reserve.paused for reserve in reserves}) > 1:
        raise PydanticCustomError("paused", "must be paused all or none: Aave v2 pauses the whole pool")
    return reserves


class V2State(PoolState[V2ReserveRecord]):
    """No efficiency modes; whether the pool is paused is said in every reserve."""

    reserves: Annotated[
        list[V2ReserveRecord],
        distinct("reserve_id", ascending=True),
        AfterValidator(_all_or_none_paused),
    ]
    emodes: Annotated[list[EModeRecord], Field(max_length=0)]
    borrower: Annotated[AccountRecord, AfterValidator(_without_emode)]
    liquidator: Annotated[AccountRecord | None, AfterValidator(_without_emode)]


class Record(PoolRecord[V2State]):
    """State and action of one case."""


def revisions() -> list[str]:
    """The revisions whose records can be replayed."""
    return [REVISION]


def replayed(record: Record, revision: str) -> dict[str, Any]:
    """What the model says of a record, in the layout of `expect`."""
    return pool.outputs_of(case_of(record), _POOL)


# --- from a record to the model -----------------------------------------------------------------------------


def case_of(record: Record) -> Case:
    """The call and the market it meets."""
    state = record.state
    return Case(
        market=_market(state),
        call=_call(record.action),
        prices_base={reserve.reserve_id: reserve.price_base18 for reserve in state.reserves},
        timestamp=state.timestamp,
    )


def _market(state: PoolState[V2ReserveRecord]) -> Market:
    accounts = {
        BORROWER: _account(state.borrower),
        TREASURY: Account(
            positions={
                one.reserve_id: Position(scaled_atoken=one.scaled_atoken) for one in state.treasury.positions
            }
        ),
    }
    if state.liquidator is not None:
        accounts[LIQUIDATOR] = _account(state.liquidator)
    return Market(
        reserves={reserve.reserve_id: _reserve(reserve) for reserve in state.reserves},
        accounts=accounts,
        treasury=TREASURY,
        paused=any(reserve.paused for reserve in state.reserves),
    )


def _reserve(record: V2ReserveRecord) -> Reserve:
    symbol = f"R{record.reserve_id}"
    return Reserve(
        reserve_id=record.reserve_id,
        asset=symbol,
        symbol=symbol,
        config=ReserveConfig(**{name: getattr(record, name) for name in _CONFIG}),
        strategy=RateStrategy(
            optimal_usage_ray=record.optimal_usage_bps * BPS_TO_RAY,
            base_variable_rate_ray=record.base_variable_rate_bps * BPS_TO_RAY,
            variable_slope1_ray=record.variable_slope1_bps * BPS_TO_RAY,
            variable_slope2_ray=record.variable_slope2_bps * BPS_TO_RAY,
        ),
        **{name: getattr(record, name) for name in _STORED},
    )


def _account(record: AccountRecord) -> Account:
    positions = sorted(record.positions, key=lambda position: position.reserve_id)
    return Account(
        positions={one.reserve_id: Position(**one.model_dump(exclude={"reserve_id"})) for one in positions}
    )


def _call(action: PoolAction) -> LiquidationCall:
    return LiquidationCall(
        collateral_id=action.collateral_reserve_id,
        debt_id=action.debt_reserve_id,
        borrower=BORROWER,
        liquidator=BORROWER if action.self_liquidation else LIQUIDATOR,
        debt_to_cover=action.debt_to_cover_underlying,
        receive_atoken=action.receive_atoken,
    )


# --- from the model to the layout of `expect` ---------------------------------------------------------------


def _indexes_at(market: Market, reserve: Reserve, timestamp: int) -> tuple[int, int]:
    return normalized_income(reserve, timestamp), normalized_debt(reserve, timestamp)


def _balances_at(market: Market, held: Position, indexes: tuple[int, int]) -> tuple[int, int]:
    income_ray, debt_ray = indexes
    return atoken_balance(held.scaled_atoken, income_ray), vtoken_balance(held.scaled_variable_debt, debt_ray)


def _amounts(outcome: Liquidated) -> dict[str, Any]:
    return {
        "debt_repaid_underlying": outcome.debt_repaid,
        "collateral_to_liquidator_underlying": outcome.collateral_to_liquidator,
        "protocol_fee_underlying": 0,
        "deficits_created": [],
    }


def _stored(reserve: Reserve) -> dict[str, Any]:
    stored = {name: getattr(reserve, name) for name in _STORED}
    return stored | {"accrued_to_treasury_scaled": 0, "deficit_underlying": 0}


_POOL = Pool(
    base="base18",
    account_data=account_data,
    liquidation_call=liquidation_call,
    revert=Revert,
    indexes_at=_indexes_at,
    balances_at=_balances_at,
    amounts=_amounts,
    stored=_stored,
)
