"""How much is repaid and how much is seized: no close factor, no clipping, one incentive for both ways to call.

Mirrors `liquidate`, src/Morpho.sol, and src/libraries/ConstantsLib.sol (morpho-org/morpho-blue@3085651).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.fixed_point.uint256 import mul_div_down, mul_div_up_checked, sub
from protocol.morpho_blue.health import ORACLE_PRICE_SCALE
from protocol.morpho_blue.shares import Totals
from protocol.units import WAD

LIQUIDATION_CURSOR_WAD: Final = 3 * WAD // 10
"""How much of the distance between LLTV and 1 the incentive may use."""
MAX_LIQUIDATION_INCENTIVE_FACTOR_WAD: Final = 115 * WAD // 100


class LiquidationAmounts(NamedTuple):
    """What a call takes and what it costs."""

    seized_assets: int
    """[collateral asset units]"""
    repaid_shares: int
    repaid_assets: int
    """[loan asset units]"""


def liquidation_incentive_factor(lltv_wad: int) -> int:
    """Value seized per value repaid: 1 / (1 - 0.3 * (1 - LLTV)), at most 1.15; a wad that includes the 1."""
    cut_wad = mul_div_down(LIQUIDATION_CURSOR_WAD, sub(WAD, lltv_wad), WAD)
    return min(MAX_LIQUIDATION_INCENTIVE_FACTOR_WAD, mul_div_down(WAD, WAD, WAD - cut_wad))


def liquidation_amounts(
    total_borrow: Totals, *, lltv_wad: int, price_e36: int, seized_assets: int, repaid_shares: int
) -> LiquidationAmounts:
    """The amounts of a call that names collateral, or else borrow shares; all roundings favour the lenders.

    Reverts `Panic(0x11)` on overflow, `Panic(0x12)` when shares are named at a price of 0.
    """
    factor_wad = liquidation_incentive_factor(lltv_wad)
    if seized_assets > 0:
        quoted = mul_div_up_checked(seized_assets, price_e36, ORACLE_PRICE_SCALE)
        repaid_shares = total_borrow.to_shares_up(mul_div_up_checked(quoted, WAD, factor_wad))
    else:
        quoted = mul_div_down(total_borrow.to_assets_down(repaid_shares), factor_wad, WAD)
        seized_assets = mul_div_down(quoted, ORACLE_PRICE_SCALE, price_e36)
    return LiquidationAmounts(seized_assets, repaid_shares, total_borrow.to_assets_up(repaid_shares))
