"""What the contract keeps of a configuration: four decimals of a factor, whole tokens of a cap, rates per second.

Mirrors `getPackedAssetInternal` and `getAssetInfo`, contracts/AssetList.sol, and the constructor of
contracts/CometWithExtendedAssetList.sol (compound-finance/comet@d5a30b0). Taken for granted: token and price
feed have the decimals that the configuration says.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.compound_v3.revisions import Rules
from protocol.compound_v3.state import AssetInfo, RateCurve
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import OVERFLOW
from protocol.units import SECONDS_PER_YEAR, WAD

FACTOR_DESCALE = WAD // 10**4
"""Factors are stored with 4 decimals."""
MOST_DECIMALS = 77
"""The most for which one token, 10**decimals, fits in a word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetConfig:
    """One collateral as governance configures it."""

    decimals: int
    borrow_collateral_factor_wad: int
    liquidate_collateral_factor_wad: int
    liquidation_factor_wad: int
    supply_cap: int
    """[asset units]"""


def as_stored(config: AssetConfig) -> AssetInfo:
    """What the contract will say of a configured collateral: cut, and in narrow words wrapped.

    Reverts `BorrowCFTooLarge` unless the borrow factor lies below the other one, also once cut, and
    `LiquidateCFTooLarge` above 1. The liquidation factor is not bound, and wraps at 6.5536.
    """
    borrow_wad, liquidate_wad = config.borrow_collateral_factor_wad, config.liquidate_collateral_factor_wad
    if borrow_wad >= liquidate_wad:
        raise EvmRevert("BorrowCFTooLarge", borrow_wad=borrow_wad, liquidate_wad=liquidate_wad)
    if liquidate_wad > WAD:
        raise EvmRevert("LiquidateCFTooLarge", liquidate_wad=liquidate_wad)
    if factor_stored(borrow_wad) >= factor_stored(liquidate_wad):
        raise EvmRevert("BorrowCFTooLarge", borrow_wad=borrow_wad, liquidate_wad=liquidate_wad)
    scale = _scale(config.decimals)
    whole_tokens = config.supply_cap // 10**config.decimals % 2**64
    return AssetInfo(
        scale=scale,
        borrow_collateral_factor_wad=factor_stored(borrow_wad),
        liquidate_collateral_factor_wad=factor_stored(liquidate_wad),
        liquidation_factor_wad=factor_stored(config.liquidation_factor_wad),
        supply_cap=whole_tokens * scale,
    )


def factor_stored(factor_wad: int) -> int:
    """A configured factor as it is read back: 0.82505 becomes 0.8250. [wad]"""
    return factor_wad // FACTOR_DESCALE % 2**16 * FACTOR_DESCALE


def curve_stored(
    *, kink_wad: int, base_per_year_wad: int, slope_low_per_year_wad: int, slope_high_per_year_wad: int
) -> RateCurve:
    """A curve configured per year as the contract keeps it: each rate divided by the year, rounded down."""
    return RateCurve(
        kink_wad=kink_wad,
        base_rate_per_second_wad=base_per_year_wad // SECONDS_PER_YEAR,
        slope_low_per_second_wad=slope_low_per_year_wad // SECONDS_PER_YEAR,
        slope_high_per_second_wad=slope_high_per_year_wad // SECONDS_PER_YEAR,
    )


def require_room(rules: Rules, n_assets: int) -> None:
    """Reverts `TooManyAssets` for more collaterals than the version takes."""
    if n_assets > rules.max_assets:
        raise EvmRevert("TooManyAssets", n_assets=n_assets, max_assets=rules.max_assets)


def _scale(decimals: int) -> int:
    """One token in the 64 bits that `getAssetInfo` returns it in: right up to 19 decimals.

    Beyond 77 the contract can be made, but every later look at the collateral reverts as here.
    """
    if decimals > MOST_DECIMALS:
        raise EvmRevert(OVERFLOW, decimals=decimals)
    return 10**decimals % 2**64
