"""Shares of one side of a market and what they are worth, with virtual ones that keep the price from being moved.

Mirrors `SharesMathLib`, src/libraries/SharesMathLib.sol (morpho-org/morpho-blue@3085651). Every conversion reverts
`Panic(0x11)` where a product does not fit a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.fixed_point.uint256 import add, mul_div_down, mul_div_up_checked

VIRTUAL_SHARES: Final = 10**6
"""Added to all shares. [shares]"""
VIRTUAL_ASSETS: Final = 1
"""Added to all assets: an empty market gives 1e6 shares for an asset unit. [asset units]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Everything supplied, or everything borrowed, in one market."""

    assets: int = 0
    """[loan asset units]"""
    shares: int = 0

    def to_shares_down(self, assets: int) -> int:
        """Shares worth `assets`, rounded down: what a supply is given, what a repayment takes off."""
        return mul_div_down(assets, self._shares, self._assets)

    def to_shares_up(self, assets: int) -> int:
        """Shares worth `assets`, rounded up: what a withdrawal takes off, what a loan is given."""
        return mul_div_up_checked(assets, self._shares, self._assets)

    def to_assets_down(self, shares: int) -> int:
        """Assets that `shares` are worth, rounded down: what a withdrawal or a loan pays out."""
        return mul_div_down(shares, self._assets, self._shares)

    def to_assets_up(self, shares: int) -> int:
        """Assets that `shares` are worth, rounded up: what a supply or a repayment pays in."""
        return mul_div_up_checked(shares, self._assets, self._shares)

    @property
    def _assets(self) -> int:
        return add(self.assets, VIRTUAL_ASSETS)

    @property
    def _shares(self) -> int:
        return add(self.shares, VIRTUAL_SHARES)


NOTHING: Final = Totals()
"""A side of an empty market."""
