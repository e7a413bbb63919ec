"""What is still owed when the last collateral is gone: written off, and at once a loss of all suppliers.

Mirrors the end of `liquidate`, src/Morpho.sol (morpho-org/morpho-blue@3085651). One unit of collateral left, and
nothing is written off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.morpho_blue.ledger import account_of, sub_uint128, with_account
from protocol.morpho_blue.shares import Totals
from protocol.morpho_blue.state import Market, User


class BadDebt(NamedTuple):
    """What a call wrote off."""

    assets: int
    """[loan asset units]"""
    shares: int


NO_BAD_DEBT = BadDebt(0, 0)


def realize_bad_debt(market: Market, borrower: User) -> tuple[Market, BadDebt]:
    """The market without the debt of a borrower that has no collateral, and what that was."""
    account, borrowed = account_of(market, borrower), market.total_borrow
    if account.collateral != 0:
        return market, NO_BAD_DEBT
    shares = account.borrow_shares
    assets = min(borrowed.assets, borrowed.to_assets_up(shares))
    supplied = market.total_supply
    without = replace(
        with_account(market, borrower, replace(account, borrow_shares=0)),
        total_borrow=Totals(
            assets=sub_uint128(borrowed.assets, assets), shares=sub_uint128(borrowed.shares, shares)
        ),
        total_supply=replace(supplied, assets=sub_uint128(supplied.assets, assets)),
    )
    return without, BadDebt(assets, shares)
