"""Whether an action of a user is allowed, asked in the contract's order.

Mirrors `ValidationLogic`, src/contracts/protocol/libraries/logic/ValidationLogic.sol@v3.6.0 and its forms
before: `validateSupply`, `validateWithdraw`, `validateSetUseReserveAsCollateral`, `validateBorrow`,
`validateRepay`, `validateSetUserEMode`, `validateHealthFactor` and what follows it. Every function returns
nothing, or reverts with the contract's error. "Asked" is the amount as it is compared: in asset units, or
scaled from v3.5 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from protocol.aave_v3.action_rules import EModeSwitch
from protocol.aave_v3.gho import is_gho
from protocol.aave_v3.health import (
    EMPTY_ACCOUNT,
    AccountTotals,
    account_totals,
    category_price,
    counts_as_collateral,
    has_own_price,
    price_at,
)
from protocol.aave_v3.interest import stable_debt_total
from protocol.aave_v3.isolation import isolated_units, isolation_mode
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.revisions import OfTwo, Rules
from protocol.aave_v3.state import EModeCategory, Market, Position, RateMode, Reserve, ReserveId, User
from protocol.aave_v3.validation import HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD
from protocol.errors import EvmRevert
from protocol.fixed_point.percentage import percent_div_half_up, percent_div_up, percent_mul_half_up
from protocol.fixed_point.uint256 import add, mul_div_down
from protocol.units import MAX_UINT128, MAX_UINT256

MAX_STABLE_RATE_BORROW_SIZE_BPS = 25_00
"""A stable loan takes at most this part of the liquidity: 25 %; what `Pool.initialize` sets. [bps]"""


class Loan(NamedTuple):
    """A loan that is asked for."""

    asked: int
    amount: int
    """[asset units] What the debt grows by: from v3.5 on rounded up through its scaled form."""
    rate_mode: RateMode


# --- supply -------------------------------------------------------------------------------------------------


def validate_supply(rules: Rules, reserve: Reserve, asked: int) -> None:
    """`validateSupply`, but that no aToken is supplied for its own contract, which is not modelled."""
    _require_amount(asked)
    _require_open(reserve)
    _require_not_frozen(reserve)
    cap = reserve.config.supply_cap * 10**reserve.config.decimals
    if cap == 0:
        return
    supplied = reserve.total_scaled_atoken
    if rules.actions.cap_counts_treasury:
        supplied = add(supplied, reserve.accrued_to_treasury_scaled)
    total = _with_asked(rules, rules.atoken_balance, supplied, asked, reserve.liquidity_index_ray)
    if total > cap:
        raise EvmRevert("SupplyCapExceeded", total=total, cap=cap)


def validate_withdraw(reserve: Reserve, *, asked: int, held: int) -> None:
    """`validateWithdraw`; `held` in the unit of `asked`."""
    _require_amount(asked)
    if asked > held:
        raise EvmRevert("NotEnoughAvailableUserBalance", asked=asked, held=held)
    _require_open(reserve)


def validate_collateral_switch(rules: Rules, reserve: Reserve, balance: int) -> None:
    """`validateSetUseReserveAsCollateral`; `balance` is what is supplied. [asset units]"""
    if balance == 0 and rules.actions.needs_supply_to_disable:
        raise EvmRevert("UnderlyingBalanceZero", reserve_id=reserve.reserve_id)
    _require_open(reserve)


# --- loans --------------------------------------------------------------------------------------------------


def validate_borrow(
    ledger: Ledger,
    user: User,
    reserve: Reserve,
    loan: Loan,
    *,
    prices_base: Mapping[ReserveId, int],
) -> None:
    """`validateBorrow`; the reserve must be accrued to now."""
    rules = ledger.rules.actions
    _require_amount(loan.asked)
    _require_lent(ledger, user, reserve)
    _require_less_than_supply(ledger.rules, reserve, loan.amount)
    if not _sentinel_allows_borrowing(ledger.market()):
        raise EvmRevert("PriceOracleSentinelCheckFailed")
    if loan.rate_mode is RateMode.STABLE and not rules.accepts_stable_mode:
        raise EvmRevert("InvalidInterestRateModeSelected")
    _require_under_borrow_cap(ledger.rules, reserve, loan.asked)
    if rules.checks_isolation_first:
        require_under_debt_ceiling(ledger, user, reserve, loan.amount)
    if not rules.category_replaces_flag:
        _require_lent_by_category(ledger, user, reserve.reserve_id)
    if not rules.checks_loan_last:
        _require_collateral_for_more(ledger, user, reserve, loan.amount, prices_base)
    if loan.rate_mode is RateMode.STABLE:
        _require_stable_loan_allowed(ledger.rules, reserve, ledger.position(user, reserve.reserve_id), loan)
    if rules.has_siloed_borrowing:
        _require_no_silo(ledger, user, reserve)


def require_under_debt_ceiling(ledger: Ledger, user: User, reserve: Reserve, amount: int) -> None:
    """A user in isolation mode borrows what is allowed there, up to the ceiling. `amount` in asset units."""
    isolated = isolation_mode(ledger, user)
    if isolated is None:
        return
    if not reserve.config.borrowable_in_isolation:
        raise EvmRevert("AssetNotBorrowableInIsolation", reserve_id=reserve.reserve_id)
    units = isolated_units(reserve.config, amount)
    total = add(isolated.isolation_mode_total_debt, units, max_value=MAX_UINT128)
    if total > isolated.config.debt_ceiling:
        raise EvmRevert("DebtCeilingExceeded", total=total, ceiling=isolated.config.debt_ceiling)


def validate_repay(
    rules: Rules,
    reserve: Reserve,
    position: Position,
    *,
    amount: int,
    rate_mode: RateMode,
    debt: int,
    repays_own: bool,
    timestamp: int,
) -> None:
    """`validateRepay` of a debtor's `position` and its `debt` of that mode. [asset units]"""
    _require_amount(amount)
    if rate_mode is RateMode.STABLE and not rules.actions.accepts_stable_mode:
        raise EvmRevert("InvalidInterestRateModeSelected")
    if amount == MAX_UINT256 and not repays_own:
        raise EvmRevert("NoExplicitAmountToRepayOnBehalf")
    _require_open(reserve)
    if rules.actions.forbids_repaying_at_once:
        _require_grown(reserve, position, rate_mode, timestamp)
    if debt == 0:
        raise EvmRevert("NoDebtOfSelectedType", reserve_id=reserve.reserve_id)


# --- health -------------------------------------------------------------------------------------------------


def validate_health_factor(
    ledger: Ledger, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> AccountTotals:
    """`validateHealthFactor`: the account is healthy as it stands; returns what it was judged by."""
    market = ledger.market()
    account = market.accounts.get(user, EMPTY_ACCOUNT)
    totals = account_totals(market, account, prices_base=prices_base, timestamp=timestamp)
    _require_healthy(totals.health_factor_wad, HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD)
    return totals


def validate_health_and_loan_to_value(
    ledger: Ledger, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> None:
    """`validateHFAndLtv`, the loan included. [New in v3.5; the name stood for the next one before]"""
    market = ledger.market()
    account = market.accounts.get(user, EMPTY_ACCOUNT)
    totals = account_totals(market, account, prices_base=prices_base, timestamp=timestamp)
    ltv_bps = _average_ltv(totals)
    _require_healthy(totals.health_factor_wad, HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD)
    _require_covered(totals, percent_div_up(totals.debt_base, ltv_bps))


def validate_health_and_zero_ltv(
    ledger: Ledger,
    user: User,
    reserve: Reserve,
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> None:
    """`validateHFAndLtvzero` (`validateHFAndLtv` up to v3.4): collateral without loan to value leaves first."""
    validate_health_factor(ledger, user, prices_base=prices_base, timestamp=timestamp)
    if _ltv(ledger, user, reserve) != 0 and _has_zero_ltv_collateral(ledger, user):
        raise EvmRevert("LtvValidationFailed", reserve_id=reserve.reserve_id)


# --- efficiency mode ----------------------------------------------------------------------------------------


def validate_set_emode(ledger: Ledger, user: User, emode_id: int, category: EModeCategory | None) -> None:
    """`validateSetUserEMode`; `category` is that of `emode_id`, None for none."""
    if emode_id != 0 and (category is None or category.liquidation_threshold_bps == 0):
        raise EvmRevert("InconsistentEModeCategory", emode_id=emode_id)
    rules = ledger.rules.actions
    for reserve_id, position in ledger.positions(user):
        if rules.emode_switch is EModeSwitch.FITTING:
            _require_fitting(ledger, reserve_id, position, category)
        elif position.borrowing and category is not None:
            _require_category_lends(ledger, reserve_id, category)


def _require_fitting(
    ledger: Ledger, reserve_id: ReserveId, position: Position, category: EModeCategory | None
) -> None:
    """[New in v3.6]"""
    config, rules = ledger.reserve(reserve_id).config, ledger.rules
    if category is None:
        is_lent = config.borrowing_enabled
    else:
        is_lent = rules.actions.category_loans.lends(category, reserve_id)
    if position.borrowing and not is_lent:
        raise EvmRevert("InvalidDebtInEmode", reserve_id=reserve_id)
    if position.collateral_enabled and rules.user_ltv(config.ltv_bps, category, reserve_id) == 0:
        raise EvmRevert("InvalidCollateralInEmode", reserve_id=reserve_id)


# --- single checks ------------------------------------------------------------------------------------------


def _require_amount(asked: int) -> None:
    if asked == 0:
        raise EvmRevert("InvalidAmount")


def _require_open(reserve: Reserve) -> None:
    if not reserve.config.active:
        raise EvmRevert("ReserveInactive", reserve_id=reserve.reserve_id)
    if reserve.config.paused:
        raise EvmRevert("ReservePaused", reserve_id=reserve.reserve_id)


def _require_not_frozen(reserve: Reserve) -> None:
    if reserve.config.frozen:
        raise EvmRevert("ReserveFrozen", reserve_id=reserve.reserve_id)


def _with_asked(rules: Rules, balance: OfTwo, scaled: int, asked: int, index_ray: int) -> int:
    """A scaled total with what is asked for on top. [asset units]"""
    if rules.actions.compares_scaled:
        return balance(add(scaled, asked), index_ray)
    return add(balance(scaled, index_ray), asked)


def _require_lent(ledger: Ledger, user: User, reserve: Reserve) -> None:
    _require_open(reserve)
    _require_not_frozen(reserve)
    if ledger.rules.actions.category_replaces_flag and ledger.category(user) is not None:
        _require_lent_by_category(ledger, user, reserve.reserve_id)
    elif not reserve.config.borrowing_enabled:
        raise EvmRevert("BorrowingNotEnabled", reserve_id=reserve.reserve_id)


def _require_lent_by_category(ledger: Ledger, user: User, reserve_id: ReserveId) -> None:
    category = ledger.category(user)
    if category is not None:
        _require_category_lends(ledger, reserve_id, category)


def _require_category_lends(ledger: Ledger, reserve_id: ReserveId, category: EModeCategory) -> None:
    loans = ledger.rules.actions.category_loans
    if not loans.lends(category, reserve_id):
        raise EvmRevert(loans.refusal, reserve_id=reserve_id, emode_id=category.emode_id)


def _sentinel_allows_borrowing(market: Market) -> bool:
    """`isBorrowAllowed`: the sentinel answers as to `isLiquidationAllowed`. [Modified in v3.7: no sentinel]"""
    return not market.rules.has_sentinel or market.sentinel_allows_liquidation is not False


def _require_less_than_supply(rules: Rules, reserve: Reserve, amount: int) -> None:
    """[New in v3.1; GHO, which is lent without being supplied, is excepted up to v3.3]"""
    if not rules.actions.limits_loan_to_supply or is_gho(reserve.config, rules):
        return
    supply = rules.atoken_balance(reserve.total_scaled_atoken, reserve.liquidity_index_ray)
    if amount > supply:
        raise EvmRevert("InvalidAmount", amount=amount, supply=supply)


def _require_under_borrow_cap(rules: Rules, reserve: Reserve, asked: int) -> None:
    cap = reserve.config.borrow_cap * 10**reserve.config.decimals
    if cap == 0:
        return
    index_ray = reserve.variable_borrow_index_ray
    variable = _with_asked(rules, rules.vtoken_balance, reserve.total_scaled_variable_debt, asked, index_ray)
    total = add(variable, stable_debt_total(reserve, rules, reserve.last_update_timestamp))
    if total > cap:
        raise EvmRevert("BorrowCapExceeded", total=total, cap=cap)


def _require_collateral_for_more(
    ledger: Ledger, user: User, reserve: Reserve, amount: int, prices_base: Mapping[ReserveId, int]
) -> None:
    """Health before the loan, and loan to value with it on top. [Modified in v3.5: see `checks_loan_last`]"""
    market, timestamp = ledger.market(), reserve.last_update_timestamp
    account = market.accounts.get(user, EMPTY_ACCOUNT)
    totals = account_totals(market, account, prices_base=prices_base, timestamp=timestamp)
    if totals.collateral_base == 0:
        raise EvmRevert("CollateralBalanceIsZero")
    ltv_bps = _average_ltv(totals)
    _require_healthy(totals.health_factor_wad, HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD + 1)
    category, price_base = ledger.category(user), 0
    if category is not None and has_own_price(market, category):
        # Taken at its word where it answers 0, other than in account data.
        price_base = category_price(market, category, prices_base)
    else:
        price_base = price_at(reserve.reserve_id, prices_base)
    loan_base = mul_div_down(price_base, amount, 10**reserve.config.decimals)
    _require_covered(totals, percent_div_half_up(add(totals.debt_base, loan_base), ltv_bps))


def _average_ltv(totals: AccountTotals) -> int:
    ltv_bps = totals.weighted_ltv // totals.collateral_base if totals.collateral_base else 0
    if ltv_bps == 0:
        raise EvmRevert("LtvValidationFailed")
    return ltv_bps


def _require_healthy(health_factor_wad: int, at_least_wad: int) -> None:
    if health_factor_wad < at_least_wad:
        raise EvmRevert("HealthFactorLowerThanLiquidationThreshold", health_factor_wad=health_factor_wad)


def _require_covered(totals: AccountTotals, needed_base: int) -> None:
    if needed_base > totals.collateral_base:
        raise EvmRevert(
            "CollateralCannotCoverNewBorrow", needed_base=needed_base, collateral_base=totals.collateral_base
        )


def _require_stable_loan_allowed(rules: Rules, reserve: Reserve, position: Position, loan: Loan) -> None:
    """Up to v3.1: not against the same asset, and a part of the liquidity only."""
    if not reserve.config.stable_borrowing_enabled:
        raise EvmRevert("StableBorrowingNotEnabled", reserve_id=reserve.reserve_id)
    supplied = rules.atoken_balance(position.scaled_atoken, reserve.liquidity_index_ray)
    if position.collateral_enabled and reserve.config.ltv_bps != 0 and loan.amount <= supplied:
        raise EvmRevert("CollateralSameAsBorrowingCurrency", amount=loan.amount, supplied=supplied)
    limit = percent_mul_half_up(reserve.virtual_underlying_balance, MAX_STABLE_RATE_BORROW_SIZE_BPS)
    if loan.amount > limit:
        raise EvmRevert("AmountBiggerThanMaxLoanSizeStable", amount=loan.amount, limit=limit)


def _require_no_silo(ledger: Ledger, user: User, reserve: Reserve) -> None:
    """`getSiloedBorrowingState`: a siloed asset is borrowed alone. [Modified in v3.7: no silos]"""
    borrowed = [reserve_id for reserve_id, position in ledger.positions(user) if position.borrowing]
    if not borrowed:
        return
    in_silo = len(borrowed) == 1 and ledger.reserve(borrowed[0]).config.siloed_borrowing
    fits = borrowed[0] == reserve.reserve_id if in_silo else not reserve.config.siloed_borrowing
    if not fits:
        raise EvmRevert("SiloedBorrowingViolation", borrowed_id=borrowed[0], reserve_id=reserve.reserve_id)


def _require_grown(reserve: Reserve, position: Position, rate_mode: RateMode, timestamp: int) -> None:
    """v3.0.0 alone."""
    if rate_mode is RateMode.STABLE:
        has_grown = position.stable_debt.last_update_timestamp < timestamp
    else:
        has_grown = position.variable_debt_index_ray < reserve.variable_borrow_index_ray
    if not has_grown:
        raise EvmRevert("SameBlockBorrowRepay", reserve_id=reserve.reserve_id)


def _ltv(ledger: Ledger, user: User, reserve: Reserve) -> int:
    return ledger.rules.user_ltv(reserve.config.ltv_bps, ledger.category(user), reserve.reserve_id)


def _has_zero_ltv_collateral(ledger: Ledger, user: User) -> bool:
    """`hasZeroLtvCollateral` of the account data."""
    return any(
        position.collateral_enabled
        and counts_as_collateral(ledger.reserve(reserve_id).config, ledger.rules)
        and _ltv(ledger, user, ledger.reserve(reserve_id)) == 0
        for reserve_id, position in ledger.positions(user)
    )
