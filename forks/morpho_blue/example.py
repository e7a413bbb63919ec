"""The market of Morpho Blue that a crash is let loose on: USDC lent against WETH, as many stand on mainnet."""

from __future__ import annotations

from forks.crash.example_assets import ExampleAsset, example_assets
from forks.morpho_blue.parameters import MarketParameters
from protocol.units import WAD

LOAN, COLLATERAL = "USDC", "WETH"
LLTV_WAD = 86 * WAD // 100
FEE_WAD = 5 * WAD // 100
"""Of the interest; mainnet markets have none so far. It shows that the fee recipient's shares are compared."""


def example_market() -> MarketParameters:
    """With the adaptive curve; the price is set when the book is opened."""
    return MarketParameters(
        loan=LOAN,
        collateral=COLLATERAL,
        lltv_wad=LLTV_WAD,
        oracle_price=10**36,
        irm="AdaptiveCurveIrm",
        fee_wad=FEE_WAD,
    )


def example_pair() -> tuple[ExampleAsset, ExampleAsset]:
    """What is lent, what is pledged."""
    return example_assets()[LOAN], example_assets()[COLLATERAL]
