"""Markets of Compound v2 as they may be deployed: the assets that its mainnet markets and the shipped book share.

Collateral factors, reserve factors and curves are of the size that mainnet had in 2022, from literature and not read
from the chain; close factor and incentive are as recorded there. Ether is its wrapped form, a token like any other.
"""

from __future__ import annotations

from collections.abc import Mapping

from forks.compound_v2.parameters import JumpRate, MarketParameters, PoolParameters
from forks.crash.example_assets import example_assets
from protocol.units import WAD

PERCENT = WAD // 100
COLLATERAL_BPS: Mapping[str, int] = {
    "WETH": 82_50,
    "WBTC": 70_00,
    "LINK": 79_00,
    "AAVE": 73_00,
    "DAI": 83_50,
    "USDC": 85_50,
    "USDT": 0,
}
_DOLLARS = {"DAI", "USDC", "USDT"}


def example_pool() -> PoolParameters:
    """The pool that a crash is let loose on."""
    return PoolParameters(
        close_factor_mantissa=50 * PERCENT,
        liquidation_incentive_mantissa=108 * PERCENT,
        markets=tuple(_market(symbol, bps) for symbol, bps in COLLATERAL_BPS.items()),
    )


def _market(symbol: str, collateral_bps: int) -> MarketParameters:
    asset, dollar = example_assets()[symbol], symbol in _DOLLARS
    return MarketParameters(
        symbol=symbol,
        decimals=asset.decimals,
        collateral_factor_mantissa=collateral_bps * PERCENT // 100,
        reserve_factor_mantissa=(10 if dollar else 20) * PERCENT,
        rate_model=JumpRate(
            base_rate_mantissa=0 if dollar else 2 * PERCENT,
            multiplier_mantissa=(4 if dollar else 18) * PERCENT,
            jump_multiplier_mantissa=109 * PERCENT,
            kink_mantissa=80 * PERCENT,
        ),
        initial_exchange_rate_mantissa=2 * 10 ** (8 + asset.decimals),
        price_mantissa=asset.price_base * 10 ** (28 - asset.decimals),
        contract="CErc20Delegator",
    )
