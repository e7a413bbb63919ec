"""Rewards: two indices of what a unit of principal has earned, and what an account has accrued by them.

Mirrors the second half of `accrueInternal`, and `updateBasePrincipal`,
contracts/CometWithExtendedAssetList.sol (compound-finance/comet@d5a30b0).
"""

from __future__ import annotations

from dataclasses import replace

from protocol.compound_v3.casts import MAX_UINT64, safe64
from protocol.compound_v3.state import BASE_ACCRUAL_SCALE, Account, Market
from protocol.fixed_point.uint256 import add, div_down, mul, mul_div_down, sub


def with_rewards_tracked(market: Market, elapsed_s: int) -> Market:
    """The market with what `elapsed_s` seconds earned; a side with too little principal earns nothing.

    Reverts `InvalidUInt64` or `Panic(0x11)` where an index outgrows 64 bits.
    """
    tracking = market.config.tracking
    return replace(
        market,
        tracking_supply_index=_tracked(
            market,
            market.tracking_supply_index,
            mul(tracking.supply_speed, elapsed_s),
            market.total_supply_principal,
        ),
        tracking_borrow_index=_tracked(
            market,
            market.tracking_borrow_index,
            mul(tracking.borrow_speed, elapsed_s),
            market.total_borrow_principal,
        ),
    )


def with_principal(market: Market, account: Account, principal: int) -> Account:
    """`updateBasePrincipal`: the account with a new principal, and the rewards of the one it had.

    Reverts `Panic(0x11)` or `InvalidUInt64` where the rewards outgrow 64 bits.
    """
    config = market.config
    index = _index_of(market, account.principal)
    earned = mul(abs(account.principal), sub(index, account.tracking_index))
    descale = config.base_scale // BASE_ACCRUAL_SCALE
    rewards = safe64(div_down(div_down(earned, config.tracking.index_scale), descale))
    return replace(
        account,
        principal=principal,
        tracking_index=_index_of(market, principal),
        tracking_accrued=add(account.tracking_accrued, rewards, max_value=MAX_UINT64),
    )


def _tracked(market: Market, index: int, rewards: int, principal: int) -> int:
    if principal < market.config.tracking.min_principal:
        return index
    grown = safe64(mul_div_down(rewards, market.config.base_scale, principal))
    return add(index, grown, max_value=MAX_UINT64)


def _index_of(market: Market, principal: int) -> int:
    return market.tracking_supply_index if principal >= 0 else market.tracking_borrow_index
