"""What drawing costs: the kinked rate of one asset. Premium debt and deficits have no say.

Mirrors `AssetInterestRateStrategy.calculateInterestRate`, src/hub/AssetInterestRateStrategy.sol
(aave/aave-v4@v0.5.11).
"""

from __future__ import annotations

from protocol.aave_v4.state import RateStrategy
from protocol.errors import EvmRevert
from protocol.fixed_point.rescale import bps_to_ray
from protocol.fixed_point.uint256 import add
from protocol.fixed_point.wad_ray import ray_div_up, ray_mul_up
from protocol.units import RAY


def drawn_rate(strategy: RateStrategy, *, liquidity: int, drawn: int, swept: int) -> int:
    """The rate per year [ray] at these amounts [asset units]; every step rounds up.

    Reverts `InterestRateDataNotSet` without an optimal usage.
    """
    if strategy.optimal_usage_bps == 0:
        raise EvmRevert("InterestRateDataNotSet")
    base_ray = bps_to_ray(strategy.base_rate_bps)
    if drawn == 0:
        return base_ray
    usage_ray = ray_div_up(drawn, add(add(liquidity, drawn), swept))
    optimal_ray = bps_to_ray(strategy.optimal_usage_bps)
    before_ray = bps_to_ray(strategy.rate_growth_before_optimal_bps)
    if usage_ray <= optimal_ray:
        return base_ray + ray_div_up(ray_mul_up(before_ray, usage_ray), optimal_ray)
    after_ray = bps_to_ray(strategy.rate_growth_after_optimal_bps)
    excess_ray = usage_ray - optimal_ray
    return base_ray + before_ray + ray_div_up(ray_mul_up(after_ray, excess_ray), RAY - optimal_ray)
