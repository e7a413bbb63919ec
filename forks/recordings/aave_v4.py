"""Recorded evaluations of Aave v4's liquidation amounts."""

from __future__ import annotations

from typing import Any, Literal

from forks.recordings.records import Decimals, Uint
from forks.recordings.records import Record as _Record
from protocol.aave_v4 import REVISION, LiquidationAmountsParams, calculate_liquidation_amounts
from protocol.errors import EvmRevert
from protocol.fixed_point.shares import SharePool

_SAME = (
    "supplied_shares",
    "collateral_decimals",
    "drawn_shares",
    "premium_debt_ray",
    "drawn_index_ray",
    "total_debt_value_ray",
    "debt_decimals",
    "collateral_factor_bps",
    "health_factor_for_max_bonus_wad",
    "liquidation_bonus_factor_bps",
    "max_liquidation_bonus_bps",
    "target_health_factor_wad",
    "health_factor_wad",
    "liquidation_fee_bps",
)
"""Fields that are called the same in the model."""


class State(_Record):
    """Arguments of the contract's function, and what its hub answers."""

    hub_total_added_assets: Uint
    hub_total_added_shares: Uint
    hub_virtual_assets: Uint
    hub_virtual_shares: Uint
    supplied_shares: Uint
    collateral_decimals: Decimals
    collateral_price_base8: Uint
    drawn_shares: Uint
    premium_debt_ray: Uint
    drawn_index_ray: Uint
    total_debt_value_ray: Uint
    debt_decimals: Decimals
    debt_price_base8: Uint
    collateral_factor_bps: Uint
    health_factor_for_max_bonus_wad: Uint
    liquidation_bonus_factor_bps: Uint
    max_liquidation_bonus_bps: Uint
    target_health_factor_wad: Uint
    health_factor_wad: Uint
    liquidation_fee_bps: Uint


class Action(_Record):
    """What the liquidator offers to repay."""

    type: Literal["calculate_liquidation_amounts"]
    debt_to_cover_underlying: Uint


class Record(_Record):
    """State and action of one case."""

    state: State
    action: Action


def revisions() -> list[str]:
    """The revisions whose records can be replayed."""
    return [REVISION]


def replayed(record: Record, revision: str) -> dict[str, Any]:
    """What the model says of a record, in the layout of `expect`."""
    params = _params_of(record)
    try:
        amounts = calculate_liquidation_amounts(params)
        return amounts._asdict() | {"liquidation_bonus_bps": params.liquidation_bonus_bps}
    except EvmRevert as revert:
        return {"reverts": revert.name}


def _params_of(record: Record) -> LiquidationAmountsParams:
    state = record.state
    return LiquidationAmountsParams(
        collateral_pool=SharePool(
            total_assets=state.hub_total_added_assets,
            total_shares=state.hub_total_added_shares,
            virtual_assets=state.hub_virtual_assets,
            virtual_shares=state.hub_virtual_shares,
        ),
        collateral_price_base=state.collateral_price_base8,
        debt_price_base=state.debt_price_base8,
        debt_to_cover=record.action.debt_to_cover_underlying,
        **{name: getattr(state, name) for name in _SAME},
    )
