"""Governance parameters of real markets, carried as data with their provenance, and how they are read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ETHEREUM_2025_03_19 = Path(__file__).with_name("ethereum_2025-03-19.toml")
"""First nine reserves of the Aave v3 Ethereum market; what is from where is said in the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveParameters:
    """What governance decides about one reserve, and the oracle price recorded beside it."""

    symbol: str
    name: str
    mainnet_asset: str
    """Address of the token these parameters are from; ours is a copy at another address."""
    decimals: int
    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    """Includes the 100 %."""
    liquidation_protocol_fee_bps: int
    reserve_factor_bps: int
    borrowing_enabled: bool
    borrowable_in_isolation: bool
    flash_loan_enabled: bool
    borrow_cap_tokens: int
    """[whole tokens] 0 = none."""
    supply_cap_tokens: int
    """[whole tokens] 0 = none."""
    optimal_usage_bps: int
    base_variable_rate_bps: int
    variable_slope1_bps: int
    variable_slope2_bps: int
    price_base: int
    """[USD, 8 decimals] Of one whole token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StableParameters:
    """The stable rate of a reserve, up to v3.0.2; rates per year."""

    slope1_bps: int = 0
    slope2_bps: int = 0
    base_offset_bps: int = 0
    """What a stable loan pays beyond the variable slope 1."""
    excess_offset_bps: int = 0
    optimal_stable_to_total_debt_bps: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class EModeParameters:
    """One efficiency mode: its members may be both its collateral and what is borrowed in it."""

    emode_id: int
    label: str
    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    """Includes the 100 %."""
    members: tuple[str, ...]
    """Symbols."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketParameters:
    """All of a market to be listed, in reserve id order."""

    reserves: tuple[ReserveParameters, ...]
    emodes: tuple[EModeParameters, ...]


def load_parameters(path: Path = ETHEREUM_2025_03_19) -> MarketParameters:
    """The parameters in the TOML file at `path`."""
    with path.open("rb") as file:
        tables = tomllib.load(file)
    return MarketParameters(
        reserves=tuple(ReserveParameters(**table) for table in tables["reserve"]),
        emodes=tuple(
            EModeParameters(**{**table, "members": tuple(table["members"])}) for table in tables["emode"]
        ),
    )
