"""Liquidation amounts as the contract's own function returned them: every value must be equal."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from protocol.aave_v4 import LiquidationAmountsParams, calculate_liquidation_amounts
from protocol.aave_v4.frontier import residual_exact, residual_if_exhausted
from protocol.errors import EvmRevert
from protocol.fixed_point.shares import SharePool
from protocol.units import RAY

OF_THE_POOL = {
    "total_assets": "hub_total_added_assets",
    "total_shares": "hub_total_added_shares",
    "virtual_assets": "hub_virtual_assets",
    "virtual_shares": "hub_virtual_shares",
}


def params_of(case: dict[str, Any]) -> LiquidationAmountsParams:
    state = {name.replace("_base8", "_base"): int(value) for name, value in case["state"].items()}
    pool = SharePool(**{name: state.pop(key) for name, key in OF_THE_POOL.items()})
    cover = int(case["action"]["debt_to_cover_underlying"])
    return LiquidationAmountsParams(collateral_pool=pool, debt_to_cover=cover, **state)


def evaluated(params: LiquidationAmountsParams) -> dict[str, str]:
    try:
        amounts = calculate_liquidation_amounts(params)._asdict()
    except EvmRevert as revert:
        return {"reverts": revert.name}
    values = amounts | {"liquidation_bonus_bps": params.liquidation_bonus_bps}
    return {name: str(value) for name, value in values.items()}


def recorded(shared: Path) -> list[dict[str, Any]]:
    return json.loads((shared / "vectors" / "aave_v4" / "amounts.json").read_text())["cases"]


def test_amounts_equal_every_recorded_evaluation(shared: Path):
    cases = recorded(shared)
    for case in cases:
        case["expect"].pop("reverts_raw", None)
    expected = {case["name"]: case["expect"] for case in cases}

    assert len(cases) == 60
    assert {case["name"]: evaluated(params_of(case)) for case in cases} == expected


def debt_for_a_unit(params: LiquidationAmountsParams) -> Fraction:
    """Debt that one asset unit of collateral repays. [ray]"""
    rate = Fraction(
        params.collateral_price_base * params.debt_unit, params.debt_price_base * params.collateral_unit
    )
    return rate * RAY * 100_00 / params.liquidation_bonus_bps


def most_hidden(params: LiquidationAmountsParams) -> Fraction:
    """What rounding can hide of a residual: a collateral share and a unit, a drawn share and a unit of ray."""
    pool = params.collateral_pool
    share = Fraction(pool.total_assets + pool.virtual_assets, pool.total_shares + pool.virtual_shares)
    return (share + 1) * debt_for_a_unit(params) + params.drawn_index_ray + 1


def test_the_residual_is_what_recorded_calls_left_when_they_took_all_shares(shared: Path):
    held = 0
    for case in recorded(shared):
        params, taken = params_of(case), case["expect"]
        residual = residual_if_exhausted(params)
        if residual is None:
            assert residual_exact(params) < most_hidden(params), case["name"]
            continue
        hidden = debt_for_a_unit(params) + params.drawn_index_ray + 1
        assert residual_exact(params) - hidden < residual <= residual_exact(params), case["name"]
        if "full_collateral_part_debt" in case["tags"]:
            left = (params.drawn_shares - int(taken["drawn_shares_to_liquidate"])) * params.drawn_index_ray
            left += params.premium_debt_ray - int(taken["premium_debt_to_liquidate_ray"])
            assert left == residual, case["name"]
            held += 1

    assert held >= 5
