"""What a liquidator looks at before choosing: the account asset by asset, and one pair of them closely."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from protocol.aave_v2.frontier import residual_exact, residual_if_exhausted
from protocol.aave_v2.health import (
    EMPTY_ACCOUNT,
    account_totals,
    counts_as_collateral,
    price_at,
    used_reserves,
)
from protocol.aave_v2.interest import atoken_balance, debt_balance, normalized_income
from protocol.aave_v2.liquidation import liquidation_terms
from protocol.aave_v2.state import LiquidationCall, Market, Position, ReserveId, User
from protocol.fixed_point.safe_math import mul_div_down
from protocol.units import BPS, WAD


def position_values(
    market: Market, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> tuple[dict[ReserveId, int], dict[ReserveId, int]]:
    """The account's collaterals and debts by reserve id, valued as in `account_data` [base]; zeros left out."""
    collaterals: dict[ReserveId, int] = {}
    debts: dict[ReserveId, int] = {}
    for reserve, position in used_reserves(market, market.accounts.get(user, EMPTY_ACCOUNT)):
        price_base, unit = price_at(reserve.reserve_id, prices_base), 10**reserve.config.decimals
        if position.collateral_enabled and counts_as_collateral(reserve.config):
            balance = atoken_balance(position.scaled_atoken, normalized_income(reserve, timestamp))
            collaterals[reserve.reserve_id] = mul_div_down(price_base, balance, unit)
        if position.borrowing:
            balance = debt_balance(reserve, position, timestamp)
            debts[reserve.reserve_id] = mul_div_down(price_base, balance, unit)
    return {i: v for i, v in collaterals.items() if v}, {i: v for i, v in debts.items() if v}


def payout_ratio(market: Market, user: User, collateral_id: ReserveId) -> Fraction:
    """Value a liquidator receives of this collateral per value repaid, at observed prices: 1 + bonus, from anyone."""
    return Fraction(market.reserves[collateral_id].config.liquidation_bonus_bps, BPS)


def is_toxic(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> bool:
    """Whether seizing this collateral lowers the health factor: it lies below bonus times threshold."""
    account = market.accounts.get(call.borrower, EMPTY_ACCOUNT)
    config = market.reserves[call.collateral_id].config
    totals = account_totals(market, account, prices_base=prices_base, timestamp=timestamp)
    edge = config.liquidation_bonus_bps * config.liquidation_threshold_bps
    return totals.health_factor_wad * BPS * BPS < edge * WAD


def residual_of_pair(
    market: Market, call: LiquidationCall, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> tuple[int, Fraction]:
    """Closed form: what one unlimited call leaves of this debt, to the unit and without rounding. [asset units]

    The first is 0 where this collateral suffices; the second is then 0 or less, up to two units of rounding.
    """
    account = market.accounts.get(call.borrower, EMPTY_ACCOUNT)
    collateral, debt = market.reserves[call.collateral_id], market.reserves[call.debt_id]
    held = account.positions.get(call.collateral_id, Position()).scaled_atoken
    owed = account.positions.get(call.debt_id, Position())
    terms = liquidation_terms(market, call.collateral_id, call.debt_id, prices_base)
    collateral_balance = atoken_balance(held, normalized_income(collateral, timestamp))
    balance = debt_balance(debt, owed, timestamp)
    integer = residual_if_exhausted(terms, collateral=collateral_balance, debt=balance)
    return integer or 0, residual_exact(terms, collateral=collateral_balance, debt=balance)
