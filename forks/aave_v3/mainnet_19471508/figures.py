"""The recorded figures of mainnet block 19471508, as `figures.json` carries them with their provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("figures.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class RateStrategyFigures:
    """Constructor arguments of `DefaultReserveInterestRateStrategy` of v3.0.2, in their order. [ray]"""

    optimal_usage_ratio_ray: int
    base_variable_borrow_rate_ray: int
    variable_rate_slope1_ray: int
    variable_rate_slope2_ray: int
    stable_rate_slope1_ray: int
    stable_rate_slope2_ray: int
    base_stable_rate_offset_ray: int
    stable_rate_excess_offset_ray: int
    optimal_stable_to_total_debt_ratio_ray: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveFigures:
    """One reserve: the fields of `DataTypes.ReserveData`, its tokens' totals, its price and its strategy."""

    symbol: str
    name: str
    decimals: int
    asset: str
    reserve_id: int
    configuration: int
    """The bitmap of `DataTypes.ReserveConfigurationMap`."""
    liquidity_index_ray: int
    liquidity_rate_ray: int
    variable_borrow_index_ray: int
    variable_borrow_rate_ray: int
    stable_borrow_rate_ray: int
    last_update_timestamp: int
    atoken: str
    stable_debt_token: str
    variable_debt_token: str
    strategy: str
    accrued_to_treasury_scaled: int
    unbacked: int
    isolation_mode_total_debt: int
    total_scaled_atoken: int
    total_scaled_variable_debt: int
    treasury_scaled_atoken: int
    treasury_last_index_ray: int
    """Liquidity index at the treasury's last balance change."""
    underlying_held_by_atoken: int
    """[asset units] `balanceOf(aToken)` of the underlying token: what can be borrowed."""
    price_source: str
    price_base: int
    """Value of one whole token. [base currency, 8 decimals]"""
    rate_strategy: RateStrategyFigures


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedCode:
    """A contract of the record: where it stands and the hashes of its code, never the code."""

    address: str
    code_hash: str | None = None
    """None: the record does not hold it."""
    executable_hash: str | None = None
    """Hash of the code without the compiler's metadata trailer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Everything recorded of the market at the end of the block."""

    chain_id: int
    block_number: int
    timestamp: int
    release: str
    """Of the recorded Pool, and of the npm artifacts: "3.0.2"."""
    pool_revision: int
    """What the recorded bytecode answers to `POOL_REVISION()`."""
    reserves_count: int
    """All reserves of the market at that block, of which two are in the record."""
    max_stable_rate_borrow_size_bps: int
    configurator: str
    acl_admin: str
    treasury: str
    contracts: Mapping[str, RecordedCode]
    reserves: tuple[ReserveFigures, ...]

    def address(self, contract: str) -> str:
        """Address of the contract of that name, for example `Pool`; KeyError if there is no such name."""
        return self.contracts[contract].address


def read_figures(path: Path = DATA) -> Figures:
    """The figures at `path`; integers are JSON numbers, decimal or hex strings. KeyError if one is absent."""
    data = json.loads(path.read_text(encoding="utf-8"))
    contracts = {name: RecordedCode(**entry) for name, entry in data["contracts"].items()}
    return Figures(
        **{
            **_typed(Figures, data),
            "contracts": contracts,
            "reserves": tuple(map(_reserve, data["reserves"])),
        }
    )


def _reserve(entry: dict[str, Any]) -> ReserveFigures:
    strategy = RateStrategyFigures(**_typed(RateStrategyFigures, entry["rate_strategy"]))
    return ReserveFigures(**{**_typed(ReserveFigures, entry), "rate_strategy": strategy})


def _typed(cls: type, entry: dict[str, Any]) -> dict[str, Any]:
    """The fields of the dataclass `cls` out of `entry`, those annotated `int` as integers."""
    return {
        field.name: int(str(entry[field.name]), 0) if field.type == "int" else entry[field.name]
        for field in fields(cls)
    }
