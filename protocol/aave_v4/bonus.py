"""What a liquidator earns: more, the less healthy the account.

Mirrors `calculateLiquidationBonus`, src/spoke/libraries/LiquidationLogic.sol (aave/aave-v4@v0.5.11).
"""

from __future__ import annotations

from protocol.fixed_point.full_width import mul_div_narrow_down
from protocol.fixed_point.percentage import percent_mul_down
from protocol.fixed_point.uint256 import sub
from protocol.units import BPS, WAD

HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD = WAD
"""Below it an account may be liquidated: 1. [wad]"""


def calculate_liquidation_bonus(
    *,
    health_factor_for_max_bonus_wad: int,
    liquidation_bonus_factor_bps: int,
    health_factor_wad: int,
    max_liquidation_bonus_bps: int,
) -> int:
    """The bonus at a health factor, its 100 % included: a straight line from 1 down to the whole bonus. [bps]

    Reverts `Panic(0x11)` for a health factor above 1.
    """
    if health_factor_wad <= health_factor_for_max_bonus_wad:
        return max_liquidation_bonus_bps
    whole_bps = sub(max_liquidation_bonus_bps, BPS)
    least_bps = percent_mul_down(whole_bps, liquidation_bonus_factor_bps) + BPS
    return least_bps + mul_div_narrow_down(
        sub(max_liquidation_bonus_bps, least_bps),
        sub(HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD, health_factor_wad),
        sub(HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD, health_factor_for_max_bonus_wad),
    )
