"""Account data: what a user's collateral and debt are worth at observed prices, its health and its risk premium.

Mirrors `_processUserAccountData`, src/spoke/Spoke.sol, and `getReservePrice`, src/spoke/AaveOracle.sol
(aave/aave-v4@v0.5.11). Prices are the oracle's, of one whole token
in US dollars with 8 decimals, keyed by reserve id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from protocol.aave_v4.interest import share_pool
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.premium import debt_components
from protocol.aave_v4.state import AccountData, DynamicConfig, Market, Position, Reserve, ReserveId, User
from protocol.aave_v4.value import to_value
from protocol.errors import EvmRevert, MissingPrice
from protocol.fixed_point.full_width import mul_div_wide_down
from protocol.fixed_point.rescale import bps_to_wad, div_up, from_ray_up
from protocol.fixed_point.uint256 import add, mul
from protocol.units import MAX_UINT256, RAY

MAX_SORTED_VALUE = 2**224 - 1
"""The list that is sorted by risk has no room for a collateral worth this. [Value]"""


class ActiveCollateral(NamedTuple):
    """A collateral that counts, in the order in which debt is held against it."""

    risk_bps: int
    value: int
    """[Value] 1e26 is 1 US dollar."""


def account_data(
    market: Market, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> AccountData:
    """`Spoke.getUserAccountData` of `user` at `timestamp` [s]; zeros and the maximal health factor if unknown.

    Raises `MissingPrice`, `UnknownReserve`; `EvmRevert` where the contract reverts, as for a price of 0 or less.
    """
    return process_account_data(Ledger(market, timestamp), user, prices_base)


def process_account_data(ledger: Ledger, user: User, prices_base: Mapping[ReserveId, int]) -> AccountData:
    """`_processUserAccountData` without a refresh; errors as in `account_data`."""
    collaterals: list[ActiveCollateral] = []
    total_collateral = weighted_collateral = total_debt_ray = borrow_count = 0
    for reserve_id, position in ledger.used(user):
        reserve = ledger.reserve(reserve_id)
        price_base = price_at(reserve_id, prices_base)
        terms = ledger.dynamic_config(user, reserve_id)
        if is_active_collateral(position, terms):
            value = _collateral_value(ledger, reserve, position, price_base)
            total_collateral = add(total_collateral, value)
            weighted_collateral = add(weighted_collateral, mul(terms.collateral_factor_bps, value))
            collaterals.append(ActiveCollateral(reserve.collateral_risk_bps, value))
        if position.borrowing:
            debt = debt_components(position, ledger.drawn_index(reserve))
            total_debt_ray = add(total_debt_ray, to_value(debt.debt_ray, reserve.decimals, price_base))
            borrow_count += 1
    return AccountData(
        risk_premium_bps=risk_premium(collaterals, from_ray_up(total_debt_ray)),
        avg_collateral_factor_wad=bps_to_wad(weighted_collateral) // total_collateral
        if total_collateral
        else 0,
        health_factor_wad=health_factor(weighted_collateral, total_debt_ray),
        total_collateral_value=total_collateral,
        total_debt_value_ray=total_debt_ray,
        active_collateral_count=len(collaterals),
        borrow_count=borrow_count,
    )


def health_factor(weighted_collateral: int, total_debt_value_ray: int) -> int:
    """Collateral times factor [Value x bps] by debt [Value x ray], rounded down; 2**256 - 1 without debt. [wad]"""
    if total_debt_value_ray == 0:
        return MAX_UINT256
    return mul_div_wide_down(bps_to_wad(weighted_collateral), RAY, total_debt_value_ray)


def risk_premium(collaterals: list[ActiveCollateral], total_debt_value: int) -> int:
    """The mean risk of the safest collaterals that cover the debt [Value], rounded up. [bps]

    Among equal risks the larger collateral comes first; without debt or collateral it is 0.
    """
    uncovered, weighted = total_debt_value, 0
    for collateral in sorted(collaterals, key=lambda one: (one.risk_bps, -one.value)):
        if uncovered == 0:
            break
        covered = min(collateral.value, uncovered)
        weighted = add(weighted, mul(covered, collateral.risk_bps))
        uncovered -= covered
    if uncovered == total_debt_value:
        return 0
    return div_up(weighted, total_debt_value - uncovered)


def is_active_collateral(position: Position, terms: DynamicConfig) -> bool:
    """Whether a position counts as collateral: enabled, with a factor, and with a share or more."""
    return position.collateral_enabled and terms.collateral_factor_bps > 0 and position.supplied_shares > 0


def price_at(reserve_id: ReserveId, prices_base: Mapping[ReserveId, int]) -> int:
    """`AaveOracle.getReservePrice`: the given price of a reserve [base]; reverts `InvalidPrice` unless positive."""
    price_base = prices_base.get(reserve_id)
    if price_base is None:
        raise MissingPrice(reserve_id)
    if price_base <= 0:
        raise EvmRevert("InvalidPrice", reserve_id=reserve_id, price_base=price_base)
    return price_base


def _collateral_value(ledger: Ledger, reserve: Reserve, position: Position, price_base: int) -> int:
    pool = share_pool(ledger.asset(reserve), ledger.timestamp)
    value = to_value(pool.to_assets_down(position.supplied_shares), reserve.decimals, price_base)
    if value >= MAX_SORTED_VALUE:
        raise EvmRevert("MaxDataSizeExceeded", value=value)
    return value
