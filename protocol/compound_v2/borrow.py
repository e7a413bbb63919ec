"""Borrowing and repaying: `borrow`, `repayBorrow`, `repayBorrowBehalf`.

Mirrors contracts/CToken.sol (compound-finance/compound-protocol@ae4388e). Taken for granted: who repays has the
asset and has approved it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol.compound_v2.health import ctoken_at
from protocol.compound_v2.interest import borrow_balance
from protocol.compound_v2.ledger import Ledger
from protocol.compound_v2.reporter import BORROW_REJECTED, BORROW_WITHOUT_CASH, REPAY_REJECTED, FailureInfo
from protocol.compound_v2.state import Acted, Failure, Market, MarketId, Revert, User
from protocol.compound_v2.validation import borrow_allowed, failing_at, outcome, refusing, repay_allowed
from protocol.fixed_point.careful_math import add, sub, told
from protocol.units import MAX_UINT256


def borrow(
    market: Market,
    user: User,
    market_id: MarketId,
    amount: int,
    *,
    prices_mantissa: Mapping[MarketId, int],
    block_number: int,
) -> Acted | Failure | Revert:
    """`user` takes a loan of `amount` [asset units] at `block_number` and observed prices.

    Raises `MissingPrice`, `PriceNoUint`, `UnknownMarket`.
    """
    ledger = Ledger(market)

    def body() -> Acted:
        with failing_at(FailureInfo.BORROW_ACCRUE_INTEREST_FAILED):
            ledger.accrue(market_id, block_number)
        _borrow(ledger, user, market_id, amount, prices_mantissa)
        return Acted(market=ledger.market(), amount=amount)

    return outcome(ledger, body)


def repay_borrow(
    market: Market, user: User, market_id: MarketId, amount: int, *, block_number: int
) -> Acted | Failure | Revert:
    """`user` pays back `amount` [asset units] of its own debt at `block_number`.

    2**256 - 1 is all of it, but of ether; more than is owed is refused. Raises `UnknownMarket`.
    """
    info = FailureInfo.REPAY_BORROW_ACCRUE_INTEREST_FAILED
    return _repaid(market, user, market_id, amount, block_number, info, payable="repayBorrow")


def repay_borrow_behalf(
    market: Market, user: User, borrower: User, market_id: MarketId, amount: int, *, block_number: int
) -> Acted | Failure | Revert:
    """`user` pays back `amount` [asset units] of the `borrower`'s debt; as `repay_borrow`."""
    info = FailureInfo.REPAY_BEHALF_ACCRUE_INTEREST_FAILED
    return _repaid(market, borrower, market_id, amount, block_number, info, payable="repayBorrowBehalf")


def _repaid(
    market: Market,
    borrower: User,
    market_id: MarketId,
    amount: int,
    block_number: int,
    info: FailureInfo,
    *,
    payable: str,
) -> Acted | Failure | Revert:
    ledger = Ledger(market, called=market_id, value=amount)

    def body() -> Acted:
        with failing_at(info):
            ledger.accrue(market_id, block_number)
        paid = repay_fresh(ledger, borrower, market_id, amount)
        return Acted(market=ledger.market(), amount=paid)

    return outcome(ledger, body, payable=payable if ctoken_at(market, market_id).is_ether else "")


def _borrow(
    ledger: Ledger, user: User, market_id: MarketId, amount: int, prices_mantissa: Mapping[MarketId, int]
) -> None:
    """`borrowFresh`."""
    ctoken = ledger.ctoken(market_id)
    rules = ctoken.rules
    with refusing(rules, BORROW_REJECTED):
        borrow_allowed(ledger, user, market_id, amount, prices_mantissa=prices_mantissa)
    if ctoken.cash_underlying < amount:
        raise rules.refuse(BORROW_WITHOUT_CASH, 0)
    held = ledger.position(user, market_id)
    with told(
        lambda fault: rules.step_fault(fault, FailureInfo.BORROW_ACCUMULATED_BALANCE_CALCULATION_FAILED)
    ):
        owed = borrow_balance(ctoken, held)
    with told(
        lambda fault: rules.step_fault(
            fault, FailureInfo.BORROW_NEW_ACCOUNT_BORROW_BALANCE_CALCULATION_FAILED
        )
    ):
        next_owed = add(owed, amount)
    with told(lambda fault: rules.step_fault(fault, FailureInfo.BORROW_NEW_TOTAL_BALANCE_CALCULATION_FAILED)):
        total = add(ctoken.total_borrows_underlying, amount)
    _put_debt(ledger, user, market_id, next_owed, total)
    ledger.pay_out(market_id, amount)


def repay_fresh(ledger: Ledger, borrower: User, market_id: MarketId, amount: int) -> int:
    """`repayBorrowFresh` of an accrued cToken: what was counted. [asset units]

    Debts are rounded one by one and their total apart from them: the last to repay can owe more than the total.
    """
    ctoken, held = ledger.ctoken(market_id), ledger.position(borrower, market_id)
    rules = ctoken.rules
    with refusing(rules, REPAY_REJECTED):
        repay_allowed(ledger.market(), market_id)
    with told(
        lambda fault: rules.step_fault(fault, FailureInfo.REPAY_BORROW_ACCUMULATED_BALANCE_CALCULATION_FAILED)
    ):
        owed = borrow_balance(ctoken, held)
    asked = owed if amount == MAX_UINT256 else amount
    counted = ledger.counted(market_id, asked)
    with told(
        lambda fault: rules.late_fault(
            fault, FailureInfo.REPAY_BORROW_NEW_ACCOUNT_BORROW_BALANCE_CALCULATION_FAILED
        )
    ):
        next_owed = sub(owed, counted)
    with told(
        lambda fault: rules.late_fault(fault, FailureInfo.REPAY_BORROW_NEW_TOTAL_BALANCE_CALCULATION_FAILED)
    ):
        total = sub(ctoken.total_borrows_underlying, counted)
    ledger.take_in(market_id, asked)
    _put_debt(ledger, borrower, market_id, next_owed, total)
    return counted


def _put_debt(ledger: Ledger, user: User, market_id: MarketId, owed: int, total: int) -> None:
    ctoken = ledger.ctoken(market_id)
    ledger.put(replace(ctoken, total_borrows_underlying=total))
    held = replace(
        ledger.position(user, market_id),
        borrow_principal_underlying=owed,
        borrow_interest_index_mantissa=ctoken.borrow_index_mantissa,
    )
    ledger.put_position(user, market_id, held)
