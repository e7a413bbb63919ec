"""The Aave v3 Ethereum market of block 19471508, offline and without a key.

Code comes from the npm package `@aave/core-v3` 1.19.3 (v3.0.2) and stands at the real addresses; the figures
of that block (`figures.json`, with where they came from) are written under it. WETH and DAI are its reserves.
`build` makes it on a fresh node, `load` takes any recorded state instead, `code_differences` names the
contracts whose code is not the recorded one.
"""

from __future__ import annotations

from forks.aave_v3.mainnet_19471508.build import NotAFreshMainnet, build
from forks.aave_v3.mainnet_19471508.figures import Figures, read_figures
from forks.aave_v3.mainnet_19471508.load import NoPool, WrongNodeForState, load
from forks.aave_v3.mainnet_19471508.market import (
    CodeDifference,
    MarketHandle,
    ReserveAddresses,
    code_differences,
    code_hash,
    read_market_handle,
)
from forks.aave_v3.mainnet_19471508.verify import FiguresDiffer, compare_figures

__all__ = [
    "CodeDifference",
    "Figures",
    "FiguresDiffer",
    "MarketHandle",
    "NoPool",
    "NotAFreshMainnet",
    "ReserveAddresses",
    "WrongNodeForState",
    "build",
    "code_differences",
    "code_hash",
    "compare_figures",
    "load",
    "read_figures",
    "read_market_handle",
]
