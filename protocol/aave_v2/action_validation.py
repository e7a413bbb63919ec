"""Whether an action of a user is allowed, asked in the contract's order.

Mirrors `ValidationLogic`, contracts/protocol/libraries/logic/ValidationLogic.sol (aave/protocol-v2@1.0.1). Every
function returns nothing, or reverts with the contract's error. Amounts in asset units.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.aave_v2.health import (
    EMPTY_ACCOUNT,
    HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD,
    AccountTotals,
    account_totals,
    balance_decrease_allowed,
)
from protocol.aave_v2.interest import atoken_balance, normalized_debt, normalized_income, vtoken_balance
from protocol.aave_v2.rates import max_variable_rate, usage
from protocol.aave_v2.stable_debt import stable_total
from protocol.aave_v2.state import Market, Position, RateMode, Reserve, ReserveId, User
from protocol.errors import EvmRevert
from protocol.fixed_point.safe_math import add, percent_div_half_up, percent_mul_half_up, wad_to_ray
from protocol.units import MAX_UINT256, RAY

MAX_STABLE_RATE_BORROW_SIZE_BPS = 25_00
"""A stable loan takes at most this part of the liquidity: 25 %; what `LendingPool.initialize` sets. [bps]"""
REBALANCE_UP_USAGE_RATIO_THRESHOLD_RAY = 95 * RAY // 100
"""From it on a stable loan may be put to the rate of today: 95 %. [ray]"""
REBALANCE_UP_LIQUIDITY_RATE_THRESHOLD_BPS = 40_00
"""If suppliers earn at most this part of the highest variable rate: 40 %. [bps]"""


# --- supply ------------------------------------------------------------------------------------------------


def validate_supply(reserve: Reserve, amount: int) -> None:
    """`validateDeposit`."""
    _require_amount(amount)
    _require_active(reserve)
    _require_not_frozen(reserve)


def validate_withdraw(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    balance: int,
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> None:
    """`validateWithdraw`: `user` takes `amount` of `balance`."""
    _require_amount(amount)
    if amount > balance:
        raise EvmRevert("NotEnoughAvailableUserBalance", amount=amount, balance=balance)
    _require_active(market.reserves[reserve_id])
    if not balance_decrease_allowed(
        market, user, reserve_id, amount, prices_base=prices_base, timestamp=timestamp
    ):
        raise EvmRevert("TransferNotAllowed", amount=amount)


def validate_collateral_switch(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    balance: int,
    *,
    use: bool,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> None:
    """`validateSetUseReserveAsCollateral` of a supply of `balance`."""
    if balance == 0:
        raise EvmRevert("UnderlyingBalanceZero", reserve_id=reserve_id)
    if not use and not balance_decrease_allowed(
        market, user, reserve_id, balance, prices_base=prices_base, timestamp=timestamp
    ):
        raise EvmRevert("DepositAlreadyInUse", reserve_id=reserve_id)


# --- loans -------------------------------------------------------------------------------------------------


def validate_borrow(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    loan_base: int,
    rate_mode: RateMode,
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> None:
    """`validateBorrow`: `user` asks for `amount`, worth `loan_base`; nothing is accrued yet."""
    reserve, account = market.reserves[reserve_id], market.accounts.get(user, EMPTY_ACCOUNT)
    _require_active(reserve)
    _require_not_frozen(reserve)
    _require_amount(amount)
    if not reserve.config.borrowing_enabled:
        raise EvmRevert("BorrowingNotEnabled", reserve_id=reserve_id)
    totals = account_totals(market, account, prices_base=prices_base, timestamp=timestamp)
    _require_collateral_for_more(totals, loan_base)
    if rate_mode is RateMode.STABLE:
        position = account.positions.get(reserve_id, Position())
        _require_stable_loan_allowed(reserve, position, amount, timestamp)


def validate_repay(reserve: Reserve, amount: int, debt: int, *, repays_own: bool) -> None:
    """`validateRepay`: `amount` of a `debt` of the chosen mode."""
    _require_active(reserve)
    _require_amount(amount)
    if debt == 0:
        raise EvmRevert("NoDebtOfSelectedType", reserve_id=reserve.reserve_id)
    if amount == MAX_UINT256 and not repays_own:
        raise EvmRevert("NoExplicitAmountToRepayOnBehalf")


def validate_swap_rate_mode(
    reserve: Reserve, position: Position, rate_mode: RateMode, *, stable: int, variable: int, timestamp: int
) -> None:
    """`validateSwapRateMode`: out of `rate_mode`, with what is owed in both."""
    _require_active(reserve)
    _require_not_frozen(reserve)
    if rate_mode is RateMode.STABLE:
        if stable == 0:
            raise EvmRevert("NoStableRateLoanInReserve", reserve_id=reserve.reserve_id)
        return
    if variable == 0:
        raise EvmRevert("NoVariableRateLoanInReserve", reserve_id=reserve.reserve_id)
    _require_stable_rate(reserve, position, add(stable, variable), timestamp)


def validate_rebalance_stable(reserve: Reserve, timestamp: int) -> None:
    """`validateRebalanceStableBorrowRate`: nearly all is borrowed, and suppliers earn little of it."""
    _require_active(reserve)
    variable = vtoken_balance(reserve.total_scaled_variable_debt, normalized_debt(reserve, timestamp))
    debt_ray = wad_to_ray(add(stable_total(reserve.stable_debt, timestamp), variable))
    usage_ray = usage(debt=debt_ray, available=wad_to_ray(reserve.virtual_underlying_balance))
    highest_ray = max_variable_rate(reserve.strategy)
    earned_ray = percent_mul_half_up(highest_ray, REBALANCE_UP_LIQUIDITY_RATE_THRESHOLD_BPS)
    if usage_ray < REBALANCE_UP_USAGE_RATIO_THRESHOLD_RAY or reserve.liquidity_rate_ray > earned_ray:
        raise EvmRevert("InterestRateRebalanceConditionsNotMet", usage_ray=usage_ray)


# --- single checks -----------------------------------------------------------------------------------------


def _require_amount(amount: int) -> None:
    if amount == 0:
        raise EvmRevert("InvalidAmount")


def _require_active(reserve: Reserve) -> None:
    if not reserve.config.active:
        raise EvmRevert("ReserveInactive", reserve_id=reserve.reserve_id)


def _require_not_frozen(reserve: Reserve) -> None:
    if reserve.config.frozen:
        raise EvmRevert("ReserveFrozen", reserve_id=reserve.reserve_id)


def _require_collateral_for_more(totals: AccountTotals, loan_base: int) -> None:
    """Health before the loan, and loan to value with it on top."""
    if totals.collateral_base == 0:
        raise EvmRevert("CollateralBalanceIsZero")
    if totals.health_factor_wad <= HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD:
        raise EvmRevert(
            "HealthFactorLowerThanLiquidationThreshold", health_factor_wad=totals.health_factor_wad
        )
    needed_base = percent_div_half_up(add(totals.debt_base, loan_base), totals.avg_ltv_bps)
    if needed_base > totals.collateral_base:
        raise EvmRevert(
            "CollateralCannotCoverNewBorrow", needed_base=needed_base, collateral_base=totals.collateral_base
        )


def _require_stable_loan_allowed(reserve: Reserve, position: Position, amount: int, timestamp: int) -> None:
    _require_stable_rate(reserve, position, amount, timestamp)
    limit = percent_mul_half_up(reserve.virtual_underlying_balance, MAX_STABLE_RATE_BORROW_SIZE_BPS)
    if amount > limit:
        raise EvmRevert("AmountBiggerThanMaxLoanSizeStable", amount=amount, limit=limit)


def _require_stable_rate(reserve: Reserve, position: Position, amount: int, timestamp: int) -> None:
    """Not against the same asset: who also supplies it could hold the rate down while borrowing."""
    if not reserve.config.stable_borrowing_enabled:
        raise EvmRevert("StableBorrowingNotEnabled", reserve_id=reserve.reserve_id)
    supplied = atoken_balance(position.scaled_atoken, normalized_income(reserve, timestamp))
    if position.collateral_enabled and reserve.config.ltv_bps != 0 and amount <= supplied:
        raise EvmRevert("CollateralSameAsBorrowingCurrency", amount=amount, supplied=supplied)
