"""Recorded liquidations of Morpho Blue: from a record to a call of the model, and back to the layout of `expect`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from forks.recordings.records import Record as _Record
from forks.recordings.records import Uint
from protocol.errors import EvmRevert
from protocol.morpho_blue import (
    REVISION,
    Account,
    AdaptiveCurve,
    Irm,
    LiquidationCall,
    Market,
    Revert,
    Totals,
    UtilizationOver365Days,
    account_data,
    liquidate,
    liquidation_incentive_factor,
    viewed_at,
)

BORROWER, LIQUIDATOR, FEE_RECIPIENT = "borrower", "liquidator", "fee_recipient"


class AdaptiveCurveRecord(_Record):
    """`AdaptiveCurveIrm` and what it stores."""

    type: Literal["adaptive_curve"]
    rate_at_target_per_second_wad: Uint


class UtilizationRecord(_Record):
    """`IrmMock` of the contract's own tests."""

    type: Literal["utilization_over_365_days"]


class MarketRecord(_Record):
    """The market's struct, as stored."""

    total_supply_assets: Uint
    total_supply_shares: Uint
    total_borrow_assets: Uint
    total_borrow_shares: Uint
    last_update_timestamp: Uint
    fee_wad: Uint


class BorrowerRecord(_Record):
    """What the borrower owes and has pledged."""

    borrow_shares: Uint
    collateral: Uint


class State(_Record):
    """Everything that the call reads."""

    timestamp: Uint
    lltv_wad: Uint
    oracle_price_1e36: Uint
    irm: Annotated[AdaptiveCurveRecord | UtilizationRecord, Field(discriminator="type")]
    market: MarketRecord
    borrower: BorrowerRecord
    fee_recipient_supply_shares: Uint

    @model_validator(mode="after")
    def _was_updated_before(self) -> State:
        if not 0 < self.market.last_update_timestamp <= self.timestamp:
            raise PydanticCustomError("time", "market was not created, or last updated after state.timestamp")
        return self


class Action(_Record):
    """`liquidate`."""

    type: Literal["liquidate"]
    seized_assets: Uint
    repaid_shares: Uint


class Record(_Record):
    """State and action of one case."""

    state: State
    action: Action


def revisions() -> list[str]:
    """The revisions whose records can be replayed."""
    return [REVISION]


def replayed(record: Record, revision: str) -> dict[str, Any]:
    """What the model says of a record, in the layout of `expect`."""
    state, market, call = record.state, market_of(record.state), call_of(record.action)
    outputs: dict[str, Any] = {"before": dict(_before(market, state))}
    outcome = liquidate(market, call, price_e36=state.oracle_price_1e36, timestamp=state.timestamp)
    if isinstance(outcome, Revert):
        return {"reverts": outcome.name} | outputs
    amounts = ("repaid_assets", "repaid_shares", "seized_assets", "bad_debt_assets", "bad_debt_shares")
    return outputs | {name: getattr(outcome, name) for name in amounts} | {"after": _after(outcome.market)}


# --- from a record to the model -----------------------------------------------------------------------------


def market_of(state: State) -> Market:
    """The market that the call meets."""
    stored = state.market
    return Market(
        lltv_wad=state.lltv_wad,
        irm=_irm(state.irm),
        total_supply=Totals(assets=stored.total_supply_assets, shares=stored.total_supply_shares),
        total_borrow=Totals(assets=stored.total_borrow_assets, shares=stored.total_borrow_shares),
        last_update_timestamp=stored.last_update_timestamp,
        fee_wad=stored.fee_wad,
        fee_recipient=FEE_RECIPIENT,
        accounts={
            BORROWER: Account(
                borrow_shares=state.borrower.borrow_shares, collateral=state.borrower.collateral
            ),
            FEE_RECIPIENT: Account(supply_shares=state.fee_recipient_supply_shares),
        },
    )


def call_of(action: Action) -> LiquidationCall:
    """The call."""
    return LiquidationCall(
        borrower=BORROWER,
        liquidator=LIQUIDATOR,
        seized_assets=action.seized_assets,
        repaid_shares=action.repaid_shares,
    )


def _irm(record: AdaptiveCurveRecord | UtilizationRecord) -> Irm:
    if isinstance(record, UtilizationRecord):
        return UtilizationOver365Days()
    return AdaptiveCurve(rate_at_target_per_second_wad=record.rate_at_target_per_second_wad)


# --- from the model to the layout of `expect` ---------------------------------------------------------------


def _before(market: Market, state: State) -> Iterator[tuple[str, Any]]:
    """The health check; what reverts has no value."""
    yield "liquidation_incentive_factor_wad", liquidation_incentive_factor(market.lltv_wad)
    try:
        viewed = viewed_at(market, state.timestamp)
        data = account_data(market, BORROWER, price_e36=state.oracle_price_1e36, timestamp=state.timestamp)
    except EvmRevert:
        return
    yield "total_borrow_assets", viewed.total_borrow.assets
    yield "total_supply_assets", viewed.total_supply.assets
    yield "borrowed_assets_up", data.borrowed_assets
    yield "max_borrow_assets", data.max_borrow_assets
    yield "healthy", data.healthy


def _after(market: Market) -> dict[str, Any]:
    borrower = market.accounts.get(BORROWER, Account())
    return {
        "market": {
            "total_supply_assets": market.total_supply.assets,
            "total_supply_shares": market.total_supply.shares,
            "total_borrow_assets": market.total_borrow.assets,
            "total_borrow_shares": market.total_borrow.shares,
            "last_update_timestamp": market.last_update_timestamp,
            "fee_wad": market.fee_wad,
        },
        "borrower": {"borrow_shares": borrower.borrow_shares, "collateral": borrower.collateral},
        "fee_recipient_supply_shares": market.accounts.get(FEE_RECIPIENT, Account()).supply_shares,
        "irm": _stored(market.irm),
    }


def _stored(irm: Irm | None) -> dict[str, Any]:
    if isinstance(irm, AdaptiveCurve):
        return {
            "type": "adaptive_curve",
            "rate_at_target_per_second_wad": irm.rate_at_target_per_second_wad,
        }
    return {"type": "utilization_over_365_days"}
