"""With what parameters markets of Morpho Blue are created."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketParameters:
    """One market to be created: what is lent against what."""

    loan: str
    """Name of the token that is lent; markets that say the same name share the token."""
    collateral: str
    lltv_wad: int
    """[below 1e18] Liquidation loan-to-value, of any height."""
    oracle_price: int
    """[loan units for a collateral unit x 1e36]"""
    irm: str | None = "AdaptiveCurveIrm"
    """The rate model: AdaptiveCurveIrm, IrmMock (utilization over 365 days), or None (no interest)."""
    fee_wad: int = 0
    """[at most 0.25e18] Share of the interest that the fee recipient gets."""
