"""Borrowing and repaying: `VToken.borrow`, `VToken.repayBorrow` and `repayBorrowBehalf`.

Mirrors `_borrowFresh` and `_repayBorrowFresh`, contracts/VToken.sol (VenusProtocol/isolated-pools@58b76f81).
Taken for granted: the sender may act for whom it acts, has what it repays and has approved it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, sub
from protocol.venus_isolated.interest import borrow_balance
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.state import Acted, Market, MarketId, Revert, User
from protocol.venus_isolated.validation import pre_borrow_hook, pre_repay_hook


def borrow(
    market: Market,
    user: User,
    market_id: MarketId,
    amount: int,
    *,
    prices_mantissa: Mapping[MarketId, int],
    slot: int,
) -> Acted | Revert:
    """`user` borrows `amount` [underlying] at `slot`; raises `MissingPrice`, `NegativePrice`, `UnknownMarket`."""
    ledger = Ledger(market, slot)
    try:
        ledger.accrue(market_id)
        _borrow_fresh(ledger, user, market_id, amount, prices_mantissa)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=amount)


def repay_borrow(
    market: Market,
    user: User,
    market_id: MarketId,
    amount: int,
    *,
    on_behalf_of: User | None = None,
    slot: int,
) -> Acted | Revert:
    """`user` repays `amount` [underlying] of its own or another's debt at `slot`, but no more than all of it.

    Raises `UnknownMarket`.
    """
    ledger, debtor = Ledger(market, slot), user if on_behalf_of is None else on_behalf_of
    try:
        ledger.accrue(market_id)
        repaid = repay_fresh(ledger, debtor, market_id, amount)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market(), amount=repaid)


def _borrow_fresh(
    ledger: Ledger, user: User, market_id: MarketId, amount: int, prices_mantissa: Mapping[MarketId, int]
) -> None:
    pre_borrow_hook(ledger, user, market_id, amount, prices_mantissa)
    vtoken, position = ledger.vtoken(market_id), ledger.position(user, market_id)
    available = sub(vtoken.cash_underlying, vtoken.total_reserves_underlying)
    if available < amount:
        raise EvmRevert("BorrowCashNotAvailable", available=available, amount=amount)
    owed = add(borrow_balance(vtoken, position), amount)
    ledger.put(
        replace(
            vtoken,
            cash_underlying=vtoken.cash_underlying - amount,
            total_borrows_underlying=add(vtoken.total_borrows_underlying, amount),
        )
    )
    index_mantissa = vtoken.borrow_index_mantissa
    owing = replace(position, borrow_principal_underlying=owed, borrow_interest_index_mantissa=index_mantissa)
    ledger.put_position(user, market_id, owing)


def repay_fresh(ledger: Ledger, borrower: User, market_id: MarketId, amount: int) -> int:
    """`_repayBorrowFresh` in a market that has accrued; returns what was repaid, at most the debt. [underlying]"""
    vtoken, position = ledger.vtoken(market_id), ledger.position(borrower, market_id)
    pre_repay_hook(vtoken)
    owed = borrow_balance(vtoken, position)
    repaid = min(amount, owed)
    ledger.put(
        replace(
            vtoken,
            cash_underlying=add(vtoken.cash_underlying, repaid),
            total_borrows_underlying=sub(vtoken.total_borrows_underlying, repaid),
        )
    )
    index_mantissa = vtoken.borrow_index_mantissa
    owing = replace(
        position, borrow_principal_underlying=owed - repaid, borrow_interest_index_mantissa=index_mantissa
    )
    ledger.put_position(borrower, market_id, owing)
    return repaid
