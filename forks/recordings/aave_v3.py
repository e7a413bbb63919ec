"""Recorded liquidations of Aave v3: from a record to a call of the model, and back to the layout of `expect`."""

from __future__ import annotations

from typing import Any

from forks.recordings import pool
from forks.recordings.pool import BORROWER, LIQUIDATOR, STORED, TREASURY, Case, Pool
from forks.recordings.records import (
    BPS_TO_RAY,
    AccountRecord,
    PoolAction,
    PoolRecord,
    PoolState,
    ReserveRecord,
    Uint,
)
from protocol.aave_v3 import (
    REVISIONS,
    Account,
    EModeCategory,
    Liquidated,
    LiquidationCall,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    Revert,
    Rules,
    account_data,
    atoken_balance,
    liquidation_call,
    normalized_debt,
    normalized_income,
    rules_of,
    vtoken_balance,
)

_CONFIG = (
    "decimals",
    "ltv_bps",
    "liquidation_threshold_bps",
    "liquidation_bonus_bps",
    "liquidation_protocol_fee_bps",
    "reserve_factor_bps",
    "active",
    "paused",
    "liquidation_grace_until_timestamp",
)
_STORED = (*STORED, "accrued_to_treasury_scaled", "virtual_underlying_balance")


class V3ReserveRecord(ReserveRecord):
    """A reserve of Aave v3, priced in USD."""

    price_base8: Uint


class Record(PoolRecord[PoolState[V3ReserveRecord]]):
    """State and action of one case."""


def revisions() -> list[str]:
    """The revisions whose records can be replayed."""
    return [rules.revision for rules in REVISIONS]


def replayed(record: Record, revision: str) -> dict[str, Any]:
    """What the model says of a record, in the layout of `expect`."""
    return outputs_of(case_of(record, rules_of(revision)))


# --- from a record to the model -----------------------------------------------------------------------------


def case_of(record: Record, rules: Rules) -> Case:
    """The call and the market it meets."""
    state = record.state
    return Case(
        market=_market(state, rules),
        call=_call(record.action),
        prices_base={reserve.reserve_id: reserve.price_base8 for reserve in state.reserves},
        timestamp=state.timestamp,
    )


def _market(state: PoolState[V3ReserveRecord], rules: Rules) -> Market:
    emodes = {
        one.id: EModeCategory(emode_id=one.id, **one.model_dump(exclude={"id"})) for one in state.emodes
    }
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
        rules=rules,
        reserves={reserve.reserve_id: _reserve(reserve) for reserve in state.reserves},
        emodes=emodes,
        accounts=accounts,
        treasury=TREASURY,
    )


def _reserve(record: V3ReserveRecord) -> Reserve:
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
        deficit=record.deficit_underlying,
        **{name: getattr(record, name) for name in _STORED},
    )


def _account(record: AccountRecord) -> Account:
    positions = sorted(record.positions, key=lambda position: position.reserve_id)
    return Account(
        emode=record.emode,
        positions={one.reserve_id: Position(**one.model_dump(exclude={"reserve_id"})) for one in positions},
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


def outputs_of(case: Case) -> dict[str, Any]:
    """What the model says of a call, in the layout of `expect`."""
    return pool.outputs_of(case, _POOL)


def _indexes_at(market: Market, reserve: Reserve, timestamp: int) -> tuple[int, int]:
    rules = market.rules
    return normalized_income(reserve, rules, timestamp), normalized_debt(reserve, rules, timestamp)


def _balances_at(market: Market, held: Position, indexes: tuple[int, int]) -> tuple[int, int]:
    income_ray, debt_ray = indexes
    return (
        atoken_balance(held.scaled_atoken, income_ray, market.rules),
        vtoken_balance(held.scaled_variable_debt, debt_ray, market.rules),
    )


def _amounts(outcome: Liquidated) -> dict[str, Any]:
    return {
        "debt_repaid_underlying": outcome.debt_repaid,
        "collateral_to_liquidator_underlying": outcome.collateral_to_liquidator,
        "protocol_fee_underlying": outcome.protocol_fee,
        "deficits_created": [
            {"reserve_id": i, "amount_underlying": amount} for i, amount in outcome.deficits.items()
        ],
    }


def _stored(reserve: Reserve) -> dict[str, Any]:
    return {name: getattr(reserve, name) for name in _STORED} | {"deficit_underlying": reserve.deficit}


_POOL = Pool(
    base="base8",
    account_data=account_data,
    liquidation_call=liquidation_call,
    revert=Revert,
    indexes_at=_indexes_at,
    balances_at=_balances_at,
    amounts=_amounts,
    stored=_stored,
)
