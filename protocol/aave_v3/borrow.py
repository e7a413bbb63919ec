"""Borrowing and repaying: `Pool.borrow` and `Pool.repay`.

Mirrors `BorrowLogic`, src/contracts/protocol/libraries/logic/BorrowLogic.sol@v3.6.0 and its forms before.
Taken for granted: who borrows borrows for itself; who repays has the asset and has approved it, and does not
pay with aTokens. A change of a debt's rate mode (up to v3.1) is not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.aave_v3.action_validation import (
    Loan,
    require_under_debt_ceiling,
    validate_borrow,
    validate_health_and_loan_to_value,
    validate_repay,
)
from protocol.aave_v3.bad_debt import burn_variable_debt
from protocol.aave_v3.gho import is_gho
from protocol.aave_v3.interest import stable_debt_balance, variable_balance
from protocol.aave_v3.isolation import (
    isolation_mode,
    lower_isolated_debt_if_isolated,
    raise_isolated_debt,
)
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.rates import with_new_rates
from protocol.aave_v3.state import Acted, Market, RateMode, Reserve, ReserveId, Revert, User
from protocol.aave_v3.supply import accrued
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, sub


def borrow(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    rate_mode: RateMode = RateMode.VARIABLE,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> Acted | Revert:
    """`user` takes a loan of `amount` [asset units] at `timestamp` [s] and observed prices.

    Raises `MissingPrice`, `NegativePrice`, `UnknownReserve`.
    """
    ledger = Ledger(market)
    try:
        _borrow(ledger, user, accrued(ledger, reserve_id, timestamp), amount, rate_mode, prices_base)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=amount)


def repay(
    market: Market,
    user: User,
    reserve_id: ReserveId,
    amount: int,
    *,
    rate_mode: RateMode = RateMode.VARIABLE,
    on_behalf_of: User | None = None,
    timestamp: int,
) -> Acted | Revert:
    """`user` pays back up to `amount` [asset units] of its own debt or another's at `timestamp` [s].

    2**256 - 1 is all, of its own debt only. What was really paid is in the result. Raises `UnknownReserve`.
    """
    ledger, debtor = Ledger(market), user if on_behalf_of is None else on_behalf_of
    try:
        reserve = accrued(ledger, reserve_id, timestamp)
        paid = _repay(ledger, debtor, reserve, amount, rate_mode, repays_own=debtor == user)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=paid)


def _borrow(
    ledger: Ledger,
    user: User,
    reserve: Reserve,
    amount: int,
    rate_mode: RateMode,
    prices_base: Mapping[ReserveId, int],
) -> None:
    rules, reserve_id = ledger.rules, reserve.reserve_id
    loan = _loan(ledger, reserve, amount, rate_mode)
    validate_borrow(ledger, user, reserve, loan, prices_base=prices_base)
    stable_debt = _mint_debt(ledger, user, reserve, amount, rate_mode)
    ledger.set_borrowing(user, reserve_id, borrowing=True)
    _count_isolated_debt(ledger, user, reserve, amount)
    reserve = ledger.reserve(reserve_id)
    ledger.put(with_new_rates(reserve, rules, taken=amount, stable_debt=stable_debt))
    if not is_gho(reserve.config, rules):  # GHO is made, not taken
        ledger.transfer_underlying(reserve_id, taken=amount)
    if rules.actions.checks_loan_last:
        timestamp = reserve.last_update_timestamp
        validate_health_and_loan_to_value(ledger, user, prices_base=prices_base, timestamp=timestamp)


def _loan(ledger: Ledger, reserve: Reserve, amount: int, rate_mode: RateMode) -> Loan:
    rules, index_ray = ledger.rules, reserve.variable_borrow_index_ray
    if not rules.actions.compares_scaled:
        return Loan(asked=amount, amount=amount, rate_mode=rate_mode)
    scaled = rules.vtoken_mint_scaled(amount, index_ray)
    return Loan(asked=scaled, amount=rules.vtoken_balance(scaled, index_ray), rate_mode=rate_mode)


def _mint_debt(ledger: Ledger, user: User, reserve: Reserve, amount: int, rate_mode: RateMode) -> int | None:
    """Creates the debt; returns the total stable debt as the pool is told it, None for a variable loan."""
    rules, reserve_id = ledger.rules, reserve.reserve_id
    if rate_mode is RateMode.STABLE:
        if not rules.has_stable_debt:  # the shell of v3.1
            raise EvmRevert("OperationNotSupported", reserve_id=reserve_id)
        rate_ray, timestamp = reserve.stable_borrow_rate_ray, reserve.last_update_timestamp
        return ledger.mint_stable(user, reserve_id, amount, rate_ray, timestamp)
    if is_gho(reserve.config, rules):
        ledger.mint_gho(user, reserve_id, amount)
        return None
    scaled = rules.vtoken_mint_scaled(amount, reserve.variable_borrow_index_ray)
    ledger.mint_vtoken(user, reserve_id, scaled)
    return None


def _count_isolated_debt(ledger: Ledger, user: User, reserve: Reserve, amount: int) -> None:
    """`increaseIsolatedDebtIfIsolated`; up to v3.3 the ceiling has been checked already."""
    isolated = isolation_mode(ledger, user)
    if isolated is not None:
        require_under_debt_ceiling(ledger, user, reserve, amount)
        raise_isolated_debt(ledger, isolated.reserve_id, reserve.reserve_id, amount)


def _repay(
    ledger: Ledger, debtor: User, reserve: Reserve, amount: int, rate_mode: RateMode, *, repays_own: bool
) -> int:
    rules, reserve_id, timestamp = ledger.rules, reserve.reserve_id, reserve.last_update_timestamp
    position = ledger.position(debtor, reserve_id)
    stable = stable_debt_balance(position, rules, timestamp)
    variable = variable_balance(reserve, position, rules, timestamp)
    debt = stable if rate_mode is RateMode.STABLE else variable
    validate_repay(
        rules,
        reserve,
        position,
        amount=amount,
        rate_mode=rate_mode,
        debt=debt,
        repays_own=repays_own,
        timestamp=timestamp,
    )
    paid = min(amount, debt)
    stable_debt = _burn_debt(ledger, debtor, reserve, paid, rate_mode)
    ledger.put(with_new_rates(ledger.reserve(reserve_id), rules, added=paid, stable_debt=stable_debt))
    scaled_left = ledger.position(debtor, reserve_id).scaled_variable_debt
    if rules.debt_ends(sub(add(stable, variable), paid), scaled_left):
        ledger.set_borrowing(debtor, reserve_id, borrowing=False)
    lower_isolated_debt_if_isolated(ledger, debtor, reserve_id, paid)
    _receive(ledger, debtor, reserve, paid)
    return paid


def _burn_debt(ledger: Ledger, debtor: User, reserve: Reserve, paid: int, rate_mode: RateMode) -> int | None:
    """Destroys the debt; returns as `_mint_debt`."""
    if rate_mode is RateMode.STABLE:
        return ledger.burn_stable(debtor, reserve.reserve_id, paid, reserve.last_update_timestamp)
    burn_variable_debt(ledger, debtor, reserve.reserve_id, paid)
    return None


def _receive(ledger: Ledger, debtor: User, reserve: Reserve, paid: int) -> None:
    """The asset comes in and is kept, but for GHO: there interest alone is kept, the rest destroyed."""
    if is_gho(reserve.config, ledger.rules):
        paid = ledger.repay_gho_interest(debtor, reserve.reserve_id, paid)
    ledger.transfer_underlying(reserve.reserve_id, added=paid)
