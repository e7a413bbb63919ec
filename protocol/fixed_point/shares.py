"""Shares of a pool and what they are worth, with virtual assets and shares that keep the price from being moved.

Mirrors `SharesMath`, src/hub/libraries/SharesMath.sol (aave/aave-v4@v0.5.11). Amounts in asset units; a
conversion reverts `Panic(0x11)` where its result does not fit a word.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.fixed_point.full_width import mul_div_wide_down, mul_div_wide_up
from protocol.fixed_point.uint256 import add


@dataclass(frozen=True, kw_only=True, slots=True)
class SharePool:
    """All assets and all shares of a pool, and the virtual ones that are added to each. [asset units, shares]"""

    total_assets: int
    total_shares: int
    virtual_assets: int
    virtual_shares: int

    def to_shares_down(self, assets: int) -> int:
        """Shares worth `assets`, rounded down: what a deposit is given."""
        return mul_div_wide_down(assets, self._shares, self._assets)

    def to_shares_up(self, assets: int) -> int:
        """Shares worth `assets`, rounded up: what a withdrawal costs."""
        return mul_div_wide_up(assets, self._shares, self._assets)

    def to_assets_down(self, shares: int) -> int:
        """Assets that `shares` are worth, rounded down: what they can be withdrawn for."""
        return mul_div_wide_down(shares, self._assets, self._shares)

    def to_assets_up(self, shares: int) -> int:
        """Assets that `shares` are worth, rounded up: what a deposit must bring for them."""
        return mul_div_wide_up(shares, self._assets, self._shares)

    @property
    def _assets(self) -> int:
        return add(self.total_assets, self.virtual_assets)

    @property
    def _shares(self) -> int:
        return add(self.total_shares, self.virtual_shares)
