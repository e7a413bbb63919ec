"""Assets of the markets that are deployed here, with the decimals and prices that the Aave market here starts with.

One set of prices for all protocols, so that the same book and the same scenario mean the same thing everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from forks.aave_v3.parameters import load_parameters


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleAsset:
    """One token."""

    symbol: str
    decimals: int
    price_base: int

    def units_for(self, usd: int) -> int:
        """Units that are worth so many dollars, rounded down [asset units]."""
        return usd * 10 ** (8 + self.decimals) // self.price_base


@cache
def example_assets() -> Mapping[str, ExampleAsset]:
    """By symbol: those of the carried parameters of Aave v3 on Ethereum, 2025-03-19."""
    return {
        one.symbol: ExampleAsset(symbol=one.symbol, decimals=one.decimals, price_base=one.price_base)
        for one in load_parameters().reserves
    }
