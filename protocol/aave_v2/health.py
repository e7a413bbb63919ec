"""Account data: what an account's collateral and debt are worth at observed prices, and its health factor.

Mirrors `GenericLogic`, contracts/protocol/libraries/logic/GenericLogic.sol (aave/protocol-v2@1.0.1). Prices
are the oracle's, of one whole token in base currency (ETH with 18 decimals), keyed by reserve id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from protocol.aave_v2.interest import atoken_balance, debt_balance, normalized_income
from protocol.aave_v2.state import (
    Account,
    AccountData,
    Market,
    Position,
    Reserve,
    ReserveConfig,
    ReserveId,
    User,
)
from protocol.errors import MissingPrice, NegativePrice, UnknownReserve
from protocol.fixed_point.safe_math import (
    add,
    div_down,
    mul,
    mul_div_down,
    percent_mul_half_up,
    sub,
    wad_div_half_up,
)
from protocol.units import MAX_UINT256, WAD

HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD = WAD
"""Below it an account may be liquidated: 1. [wad]"""

EMPTY_ACCOUNT = Account()


class AccountTotals(NamedTuple):
    """Sums over an account, before any averages are taken."""

    collateral_base: int
    debt_base: int
    weighted_ltv: int
    """[base x bps]"""
    weighted_threshold: int
    """[base x bps]"""
    health_factor_wad: int

    @property
    def avg_ltv_bps(self) -> int:
        """Cut to whole basis points; 0 without collateral."""
        return self.weighted_ltv // self.collateral_base if self.collateral_base else 0

    @property
    def avg_liquidation_threshold_bps(self) -> int:
        """Cut to whole basis points; 0 without collateral."""
        return self.weighted_threshold // self.collateral_base if self.collateral_base else 0


def account_data(
    market: Market, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> AccountData:
    """`LendingPool.getUserAccountData` of `user` at `timestamp` [s]; zeros and the maximal health factor if unknown.

    Raises `MissingPrice`, `NegativePrice`, `UnknownReserve`; `EvmRevert` where the contract reverts.
    """
    totals = account_totals(
        market, market.accounts.get(user, EMPTY_ACCOUNT), prices_base=prices_base, timestamp=timestamp
    )
    collateral, debt = totals.collateral_base, totals.debt_base
    return AccountData(
        total_collateral_base=collateral,
        total_debt_base=debt,
        available_borrows_base=max(percent_mul_half_up(collateral, totals.avg_ltv_bps) - debt, 0),
        avg_liquidation_threshold_bps=totals.avg_liquidation_threshold_bps,
        avg_ltv_bps=totals.avg_ltv_bps,
        health_factor_wad=totals.health_factor_wad,
    )


def account_totals(
    market: Market, account: Account, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> AccountTotals:
    """Values of every collateral and every debt of one account, summed; errors as in `account_data`."""
    collateral = debt = weighted_ltv = weighted_threshold = 0
    for reserve, position in used_reserves(market, account):
        config = reserve.config
        price_base = price_at(reserve.reserve_id, prices_base)
        unit = 10**config.decimals
        if position.collateral_enabled and counts_as_collateral(config):
            balance = atoken_balance(position.scaled_atoken, normalized_income(reserve, timestamp))
            value = mul_div_down(price_base, balance, unit)
            collateral = add(collateral, value)
            weighted_ltv = add(weighted_ltv, mul(value, config.ltv_bps))
            weighted_threshold = add(weighted_threshold, mul(value, config.liquidation_threshold_bps))
        if position.borrowing:
            owed = debt_balance(reserve, position, timestamp)
            debt = add(debt, mul_div_down(price_base, owed, unit))
    average_bps = weighted_threshold // collateral if collateral else 0
    health_wad = health_factor(collateral, average_bps, debt)
    return AccountTotals(collateral, debt, weighted_ltv, weighted_threshold, health_wad)


def health_factor(collateral_base: int, threshold_bps: int, debt_base: int) -> int:
    """`calculateHealthFactorFromBalances`: by an average threshold of whole basis points. [wad]"""
    if debt_base == 0:
        return MAX_UINT256
    return wad_div_half_up(percent_mul_half_up(collateral_base, threshold_bps), debt_base)


def balance_decrease_allowed(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> bool:
    """`balanceDecreaseAllowed`: whether `user` stays healthy without `amount` [asset units] of a collateral.

    The average threshold it starts from is cut already, so it can revert where little would be left. Errors as
    in `account_data`. [Modified in v3: done first, then asked for health]
    """
    account, config = market.accounts.get(user, EMPTY_ACCOUNT), market.reserves[reserve_id].config
    owes = any(position.borrowing for position in account.positions.values())
    is_used = account.positions.get(reserve_id, Position()).collateral_enabled
    if not (owes and is_used and counts_as_collateral(config)):
        return True
    totals = account_totals(market, account, prices_base=prices_base, timestamp=timestamp)
    if totals.debt_base == 0:
        return True
    loss_base = mul_div_down(price_at(reserve_id, prices_base), amount, 10**config.decimals)
    left_base = sub(totals.collateral_base, loss_base)
    if left_base == 0:
        return False
    weighted = sub(
        mul(totals.collateral_base, totals.avg_liquidation_threshold_bps),
        mul(loss_base, config.liquidation_threshold_bps),
    )
    health_wad = health_factor(left_base, div_down(weighted, left_base), totals.debt_base)
    return health_wad >= HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD


def used_reserves(market: Market, account: Account) -> Iterator[tuple[Reserve, Position]]:
    """The reserves of which a user bit is set; raises `UnknownReserve` for one that is not listed."""
    reserves = market.reserves
    for reserve_id, position in account.positions.items():
        if position.collateral_enabled or position.borrowing:
            reserve = reserves.get(reserve_id)
            if reserve is None:
                raise UnknownReserve(reserve_id)
            yield reserve, position


def counts_as_collateral(config: ReserveConfig) -> bool:
    """Whether an enabled reserve is collateral at all."""
    return config.liquidation_threshold_bps != 0


def price_at(reserve_id: ReserveId, prices_base: Mapping[ReserveId, int]) -> int:
    """The given price of a reserve, checked. [base]"""
    price_base = prices_base.get(reserve_id)
    if price_base is None:
        raise MissingPrice(reserve_id)
    if price_base < 0:
        raise NegativePrice(reserve_id, price_base)
    return price_base
