"""Debt that is repaid, and debt that is written off because no collateral is left.

Mirrors `_burnDebtTokens` and `_burnBadDebt`,
src/contracts/protocol/libraries/logic/LiquidationLogic.sol@v3.6.0.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v3.interest import accrue
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
    rules, reserve = ledger.rules, ledger.reserve(reserve_id)
    if balance != 0:
        burned = balance if write_off else repaid
        scaled = rules.vtoken_burn_scaled(burned, reserve.variable_borrow_index_ray)
        ledger.burn_vtoken(borrower, reserve_id, scaled)
    outstanding = sub(balance, repaid)
    deficit = outstanding if write_off else 0
    reserve = ledger.reserve(reserve_id)
    total_deficit = add(reserve.deficit, to_uint(deficit, 128), max_value=MAX_UINT128)
    scaled_left = ledger.position(borrower, reserve_id).scaled_variable_debt
    if rules.debt_ends(outstanding - deficit, scaled_left):
        ledger.clear_borrowing(borrower, reserve_id)
    ledger.put(with_new_rates(replace(reserve, deficit=total_deficit), rules, added=repaid))
    return deficit


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
        balance = ledger.rules.vtoken_balance(
            position.scaled_variable_debt, reserve.variable_borrow_index_ray
        )
        deficits[reserve_id] = burn_debt(
            ledger, borrower, reserve_id, balance=balance, repaid=0, write_off=True
        )
    return deficits
