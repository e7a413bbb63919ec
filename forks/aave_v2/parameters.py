"""With what parameters a reserve of Aave v2 is listed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveParameters:
    """One reserve to be listed; rates per year."""

    symbol: str
    decimals: int
    ltv_bps: int
    liquidation_threshold_bps: int
    """0: deposits never count as collateral; the bonus must be 0 then too."""
    liquidation_bonus_bps: int
    """Includes the 100 %: 105_00 pays 5 % on top."""
    reserve_factor_bps: int
    optimal_usage_ray: int
    base_variable_rate_ray: int
    variable_slope1_ray: int
    variable_slope2_ray: int
    stable_slope1_ray: int
    stable_slope2_ray: int
    market_borrow_rate_ray: int
    """What the lending rate oracle says: the stable rate at usage 0."""
    price_base: int
    """[wei of ETH] One whole token; of the reserve named WETH it is 1e18 whatever is said here."""
    borrowing_enabled: bool = True
    stable_borrowing_enabled: bool = True
