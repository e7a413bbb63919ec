"""What is paid for a second of lending and borrowing: two curves over utilization, apart from each other.

Mirrors `getUtilization`, `getSupplyRate` and `getBorrowRate`, contracts/CometWithExtendedAssetList.sol
(compound-finance/comet@d5a30b0). Utilization is not bounded: more may be owed than is supplied.
"""

from __future__ import annotations

from protocol.compound_v3.casts import safe64
from protocol.compound_v3.principal import present_value_down
from protocol.compound_v3.state import Market, RateCurve
from protocol.fixed_point.uint256 import mul_div_down
from protocol.units import WAD


def utilization(market: Market) -> int:
    """`getUtilization`: what is owed of what is supplied, at the stored indices; 0 without supply. [wad]"""
    supplied = present_value_down(market.base_supply_index_e15, market.total_supply_principal)
    owed = present_value_down(market.base_borrow_index_e15, market.total_borrow_principal)
    return mul_div_down(owed, WAD, supplied) if supplied else 0


def supply_rate(market: Market, utilization_wad: int) -> int:
    """`getSupplyRate`: per second at a utilization. [wad] Reverts `InvalidUInt64` beyond 64 bits."""
    return _rate(market.config.supply_curve, utilization_wad)


def borrow_rate(market: Market, utilization_wad: int) -> int:
    """`getBorrowRate`: per second at a utilization. [wad] Reverts `InvalidUInt64` beyond 64 bits."""
    return _rate(market.config.borrow_curve, utilization_wad)


def _rate(curve: RateCurve, utilization_wad: int) -> int:
    """Each side of the kink is rounded down by itself."""
    below_wad = min(utilization_wad, curve.kink_wad)
    above_wad = utilization_wad - below_wad
    rate_wad = curve.base_rate_per_second_wad + mul_div_down(curve.slope_low_per_second_wad, below_wad, WAD)
    return safe64(rate_wad + mul_div_down(curve.slope_high_per_second_wad, above_wad, WAD))
