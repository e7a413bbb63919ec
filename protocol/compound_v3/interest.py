"""Indices and balances: what time does to a market.

Mirrors `accruedInterestIndices`, `accrueInternal` and the views over accrued indices,
contracts/CometWithExtendedAssetList.sol (compound-finance/comet@d5a30b0). Interest is simple within a gap, by
the second, at the rates that the utilization before it gives. Every function with a time reverts
`Panic(0x11)` before the last accrual and `TimestampTooLarge` from 2**40 on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.compound_v3.casts import MAX_UINT40, MAX_UINT64, safe64
from protocol.compound_v3.principal import present_value_down
from protocol.compound_v3.rates import borrow_rate, supply_rate, utilization
from protocol.compound_v3.state import Account, Market, User
from protocol.compound_v3.tracking import with_rewards_tracked
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, mul, mul_div_down, sub
from protocol.units import WAD

EMPTY_ACCOUNT = Account()


class Indices(NamedTuple):
    """What a unit of principal is worth on each side."""

    supply_e15: int
    borrow_e15: int


def accrued_indices(market: Market, timestamp: int) -> Indices:
    """`accruedInterestIndices`: both indices at `timestamp` [s], nothing stored.

    Reverts `InvalidUInt64` or `Panic(0x11)` where a rate or an index outgrows 64 bits.
    """
    supply_e15, borrow_e15 = market.base_supply_index_e15, market.base_borrow_index_e15
    elapsed_s = _elapsed(market, timestamp)
    if elapsed_s > 0:
        used_wad = utilization(market)
        supply_wad, borrow_wad = supply_rate(market, used_wad), borrow_rate(market, used_wad)
        supply_e15 = _grown(supply_e15, mul(supply_wad, elapsed_s))
        borrow_e15 = _grown(borrow_e15, mul(borrow_wad, elapsed_s))
    return Indices(supply_e15, borrow_e15)


def accrue(market: Market, timestamp: int) -> Market:
    """`accrueInternal`: the market with indices and rewards moved to `timestamp` [s]; errors as above."""
    elapsed_s = _elapsed(market, timestamp)
    if elapsed_s == 0:
        return market
    return with_rewards_tracked(viewed_at(market, timestamp), elapsed_s)


def viewed_at(market: Market, timestamp: int) -> Market:
    """The market as its accruing views see it at `timestamp` [s], for many reads; errors as above.

    Not a state of the contract: rewards are not tracked.
    """
    indices = accrued_indices(market, timestamp)
    return replace(
        market,
        base_supply_index_e15=indices.supply_e15,
        base_borrow_index_e15=indices.borrow_e15,
        last_accrual_timestamp=timestamp,
    )


def total_supply(market: Market, timestamp: int) -> int:
    """`totalSupply` at `timestamp` [s]. [base asset units]"""
    return present_value_down(accrued_indices(market, timestamp).supply_e15, market.total_supply_principal)


def total_borrow(market: Market, timestamp: int) -> int:
    """`totalBorrow` at `timestamp` [s]. [base asset units]"""
    return present_value_down(accrued_indices(market, timestamp).borrow_e15, market.total_borrow_principal)


def balance_of(market: Market, user: User, timestamp: int) -> int:
    """`balanceOf`: what a user has supplied of the base asset at `timestamp` [s]. [base asset units]"""
    principal = market.accounts.get(user, EMPTY_ACCOUNT).principal
    return present_value_down(accrued_indices(market, timestamp).supply_e15, max(principal, 0))


def borrow_balance_of(market: Market, user: User, timestamp: int) -> int:
    """`borrowBalanceOf`: what a user owes of the base asset at `timestamp` [s]. [base asset units]"""
    principal = market.accounts.get(user, EMPTY_ACCOUNT).principal
    return present_value_down(accrued_indices(market, timestamp).borrow_e15, max(-principal, 0))


def _elapsed(market: Market, timestamp: int) -> int:
    if timestamp > MAX_UINT40:
        raise EvmRevert("TimestampTooLarge", timestamp=timestamp)
    return sub(timestamp, market.last_accrual_timestamp)


def _grown(index_e15: int, growth_wad: int) -> int:
    return add(index_e15, safe64(mul_div_down(index_e15, growth_wad, WAD)), max_value=MAX_UINT64)
