"""What an asset of a hub is owed and worth at a time: the drawn index, fees, and the price of a share.

Mirrors `AssetLogic`, src/hub/libraries/AssetLogic.sol (aave/aave-v4@v0.5.11). Growth is linear between two
updates and rounded up at each; a deficit stays part of what suppliers own, so their share price never falls
by it.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v4.premium import premium_ray
from protocol.aave_v4.rates import drawn_rate
from protocol.aave_v4.state import Asset
from protocol.errors import EvmRevert
from protocol.fixed_point.compounding import linear_growth
from protocol.fixed_point.percentage import percent_mul_down
from protocol.fixed_point.rescale import from_ray_up
from protocol.fixed_point.shares import SharePool
from protocol.fixed_point.uint256 import EMPTY_REVERT, add, mul, sub, to_uint
from protocol.fixed_point.wad_ray import ray_mul_up

VIRTUAL_ASSETS = 10**6
"""Added to all assets wherever shares are priced. [asset units]"""
VIRTUAL_SHARES = 10**6
"""Added to all shares likewise. [shares]"""


def total_added_assets(asset: Asset, timestamp: int) -> int:
    """`totalAddedAssets`: what suppliers own at `timestamp` [s], the deficit included. [asset units]"""
    index_ray = drawn_index(asset, timestamp)
    held = add(add(asset.liquidity, asset.swept), from_ray_up(aggregated_owed_ray(asset, index_ray)))
    return sub(sub(held, asset.realized_fees), unrealized_fees(asset, index_ray))


def share_pool(asset: Asset, timestamp: int) -> SharePool:
    """At what price supplied shares are made and redeemed at `timestamp` [s]."""
    return SharePool(
        total_assets=total_added_assets(asset, timestamp),
        total_shares=asset.added_shares,
        virtual_assets=VIRTUAL_ASSETS,
        virtual_shares=VIRTUAL_SHARES,
    )


def with_drawn_rate(asset: Asset) -> Asset:
    """`updateDrawnRate`: the rate for what is drawn now, at the stored index."""
    rate_ray = drawn_rate(
        asset.strategy,
        liquidity=asset.liquidity,
        drawn=ray_mul_up(asset.drawn_shares, asset.drawn_index_ray),
        swept=asset.swept,
    )
    return replace(asset, drawn_rate_ray=to_uint(rate_ray, 96))


def accrue(asset: Asset, timestamp: int) -> Asset:
    """`accrue`: interest and fees up to `timestamp` [s]; nothing twice in one block."""
    if asset.last_update_timestamp == timestamp:
        return asset
    index_ray = drawn_index(asset, timestamp)
    fees = to_uint(unrealized_fees(asset, index_ray), 120)
    return replace(
        asset,
        realized_fees=add(asset.realized_fees, fees, max_value=2**120 - 1),
        drawn_index_ray=to_uint(index_ray, 120),
        last_update_timestamp=timestamp,
    )


def drawn_index(asset: Asset, timestamp: int) -> int:
    """`getDrawnIndex` at `timestamp` [s]: stands still while nothing is drawn. [ray]

    Reverts empty for a time before the last update.
    """
    if asset.last_update_timestamp == timestamp or (asset.drawn_shares == 0 and asset.premium_shares == 0):
        return asset.drawn_index_ray
    elapsed_s = timestamp - asset.last_update_timestamp
    if elapsed_s < 0:
        raise EvmRevert(EMPTY_REVERT, last_update_timestamp=asset.last_update_timestamp, timestamp=timestamp)
    return ray_mul_up(asset.drawn_index_ray, linear_growth(asset.drawn_rate_ray, elapsed_s))


def unrealized_fees(asset: Asset, drawn_index_ray: int) -> int:
    """`getUnrealizedFees`: the protocol's share of what is owed more at this index. [asset units]"""
    if asset.drawn_index_ray == drawn_index_ray or asset.liquidity_fee_bps == 0:
        return 0
    after = from_ray_up(aggregated_owed_ray(asset, drawn_index_ray))
    before = from_ray_up(aggregated_owed_ray(asset, asset.drawn_index_ray))
    return percent_mul_down(sub(after, before), asset.liquidity_fee_bps)


def aggregated_owed_ray(asset: Asset, drawn_index_ray: int) -> int:
    """`_calculateAggregatedOwedRay`: drawn, premium and deficit at this index. [asset units x ray]"""
    premium = premium_ray(
        premium_shares=asset.premium_shares,
        premium_offset_ray=asset.premium_offset_ray,
        drawn_index_ray=drawn_index_ray,
    )
    return add(add(mul(asset.drawn_shares, drawn_index_ray), premium), asset.deficit_ray)
