"""A pool of Venus as it may be deployed: five markets of the core pool on Ethereum.

Figures of helpers/deploymentConfig.ts, VenusProtocol/isolated-pools@58b76f81, with two changes: release 1.0.0 has no
curve of two kinks, so that USDC and USDT have the slope up to their first kink and the jump after it; caps are left
out, so that a book fits.
"""

from __future__ import annotations

from dataclasses import dataclass

from forks.crash.example_assets import example_assets
from forks.venus_isolated.parameters import JumpRate, MarketParameters, PoolParameters
from protocol.units import WAD

PERCENT = WAD // 100


@dataclass(frozen=True, slots=True)
class _Figures:
    """Of one market, in percent: factor, threshold, reserves, slope, jump, kink."""

    factor: int
    threshold: int
    reserve: int
    slope: int
    jump: int
    kink: int


MARKETS = {
    "WBTC": _Figures(75, 80, 20, 9, 75, 75),
    "WETH": _Figures(75, 80, 20, 3, 450, 90),
    "USDC": _Figures(78, 80, 10, 10, 300, 80),
    "USDT": _Figures(78, 80, 10, 10, 300, 80),
    "DAI": _Figures(75, 77, 10, 10, 250, 80),
}
FIRST_SUPPLY_USD = 10_000
"""What the pool's owner supplies when a market is listed."""


def example_pool() -> PoolParameters:
    """The pool that a crash is let loose on."""
    return PoolParameters(
        close_factor_mantissa=50 * PERCENT,
        liquidation_incentive_mantissa=110 * PERCENT,
        min_liquidatable_collateral_mantissa=100 * WAD,
        markets=tuple(_market(symbol, figures) for symbol, figures in MARKETS.items()),
        base="USDT",
    )


def _market(symbol: str, figures: _Figures) -> MarketParameters:
    asset = example_assets()[symbol]
    return MarketParameters(
        symbol=symbol,
        decimals=asset.decimals,
        collateral_factor_mantissa=figures.factor * PERCENT,
        liquidation_threshold_mantissa=figures.threshold * PERCENT,
        reserve_factor_mantissa=figures.reserve * PERCENT,
        rate_model=JumpRate(
            base_rate_mantissa=0,
            multiplier_mantissa=figures.slope * PERCENT,
            jump_multiplier_mantissa=figures.jump * PERCENT,
            kink_mantissa=figures.kink * PERCENT,
        ),
        initial_exchange_rate_mantissa=10 ** (10 + asset.decimals),
        price_mantissa=asset.price_base * 10 ** (28 - asset.decimals),
        initial_supply_underlying=asset.units_for(FIRST_SUPPLY_USD),
    )
