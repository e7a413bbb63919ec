"""Debt that is repaid, and debt that is written off because no collateral is left.

Mirrors `_burnDebtTokens` and `_burnBadDebt`,
src/contracts/protocol/libraries/logic/LiquidationLogic.sol@v3.6.0.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v3.gho import is_gho
from protocol.aave_v3.interest import accrue, debt_balance, variable_balance
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.rates import with_new_rates
from protocol.aave_v3.state import ReserveId, User
from protocol.fixed_point.uint256 import add, sub, to_uint
from protocol.units import MAX_UINT128


def burn_debt(
    ledger: Ledger, borrower: User, reserve_id: ReserveId, *, balance: int, repaid: int, write_off: bool
) -> int:
    """Burns `repaid` of a debt of `balance`, or all of it with `write_off`; returns the deficit this makes.

    The reserve must be accrued. Amounts in asset units. The deficit is booked on the reserve, whose rates
    follow.
    """
    rules, stable_debt = ledger.rules, None
    if balance != 0:
        burned = balance if write_off else repaid
        stable_debt = burn_debt_tokens(ledger, borrower, reserve_id, burned)
    outstanding = sub(balance, repaid)
    deficit = _written_off(ledger, borrower, reserve_id, outstanding, repaid) if write_off else 0
    reserve = ledger.reserve(reserve_id)
    total_deficit = add(reserve.deficit, to_uint(deficit, 128), max_value=MAX_UINT128)
    scaled_left = ledger.position(borrower, reserve_id).scaled_variable_debt
    if rules.debt_ends(0 if write_off else outstanding, scaled_left):
        ledger.set_borrowing(borrower, reserve_id, borrowing=False)
    reserve = replace(reserve, deficit=total_deficit)
    ledger.put(with_new_rates(reserve, rules, added=repaid, stable_debt=stable_debt))
    return deficit


def burn_debt_tokens(ledger: Ledger, borrower: User, reserve_id: ReserveId, amount: int) -> int | None:
    """Burns `amount` [asset units] of debt, variable before stable.

    Returns the total stable debt as the pool is told it, None if none was burned. [Modified in v3.2: there is
    no stable debt to burn; v3.1 has none left]
    """
    reserve, position, rules = ledger.reserve(reserve_id), ledger.position(borrower, reserve_id), ledger.rules
    if not rules.has_stable_debt:
        burn_variable_debt(ledger, borrower, reserve_id, amount)
        return None
    variable = variable_balance(reserve, position, rules, reserve.last_update_timestamp)
    if variable >= amount:
        burn_variable_debt(ledger, borrower, reserve_id, amount)
        return None
    if variable != 0:
        burn_variable_debt(ledger, borrower, reserve_id, variable)
    return ledger.burn_stable(borrower, reserve_id, amount - variable, reserve.last_update_timestamp)


def burn_variable_debt(ledger: Ledger, borrower: User, reserve_id: ReserveId, amount: int) -> None:
    """`burn` of the variable debt token, GHO's own included. `amount` in asset units."""
    reserve, rules = ledger.reserve(reserve_id), ledger.rules
    if is_gho(reserve.config, rules):
        ledger.burn_gho(borrower, reserve_id, amount)
        return
    scaled = rules.vtoken_burn_scaled(amount, reserve.variable_borrow_index_ray)
    ledger.burn_vtoken(borrower, reserve_id, scaled)


def _written_off(ledger: Ledger, borrower: User, reserve_id: ReserveId, outstanding: int, repaid: int) -> int:
    """The deficit that `outstanding` makes: all of it, but for GHO's interest that was never collected.

    [Modified in v3.4: all of it for GHO too]
    """
    reserve = ledger.reserve(reserve_id)
    if outstanding == 0 or not is_gho(reserve.config, ledger.rules):
        return outstanding
    interest = ledger.position(borrower, reserve_id).gho_debt.balance_from_interest
    forgiven = max(interest - repaid, 0)
    ledger.repay_gho_interest(borrower, reserve_id, forgiven)
    return sub(outstanding, forgiven)


def burn_bad_debt(ledger: Ledger, borrower: User, timestamp: int) -> dict[ReserveId, int]:
    """Writes off every debt left, in reserve id order; returns the deficits. [asset units] [New in v3.3]

    Paused and frozen reserves are cleaned as well, inactive ones are passed over.
    """
    deficits: dict[ReserveId, int] = {}
    for reserve_id, position in ledger.positions(borrower):
        reserve = ledger.reserve(reserve_id)
        if not position.borrowing or not reserve.config.active:
            continue
        reserve = accrue(reserve, ledger.rules, timestamp)
        ledger.put(reserve)
        balance = debt_balance(reserve, position, ledger.rules, reserve.last_update_timestamp)
        deficits[reserve_id] = burn_debt(
            ledger, borrower, reserve_id, balance=balance, repaid=0, write_off=True
        )
    return deficits
