"""Small Morpho Blue markets: coins (18 decimals) pledged, dollars (6 decimals) lent at an LLTV of 80 %.

Everything in them came about by supplying and borrowing, so that totals and positions agree.
"""

from __future__ import annotations

from typing import Any

from protocol.morpho_blue import (
    Account,
    Acted,
    Liquidated,
    LiquidationCall,
    Market,
    Revert,
    borrow,
    create_market,
    liquidate,
    supply,
    supply_collateral,
)

NOW = 1_700_000_000
DAY, YEAR = 86_400, 31_536_000
ONE_COIN, ONE_DOLLAR = 10**18, 10**6
BANK, BORROWER, LIQUIDATOR, FEES = "bank", "borrower", "liquidator", "fees"
LENT = 100_000
"""[dollars] What the bank supplies."""


def usd(coin: int | str) -> int:
    """The oracle's price of a coin worth so many dollars, at most 9 decimals. [e36]"""
    whole, _, rest = str(coin).partition(".")
    return int(whole + rest.ljust(9, "0")) * 10 ** (36 + 6 - 18 - 9)


def acted(outcome: Acted | Revert) -> Market:
    """The market after a call that has to go through."""
    assert isinstance(outcome, Acted), outcome
    return outcome.market


def market(
    *,
    coins: int = 10 * ONE_COIN,
    dollars: int = 8_000 * ONE_DOLLAR,
    lent: int = LENT * ONE_DOLLAR,
    **changes: Any,
) -> Market:
    """A market whose borrower has pledged `coins` and owes `dollars` [smallest units]; other fields by `changes`."""
    usual: dict[str, Any] = {
        "lltv_wad": 8 * 10**17,
        "irm": None,
        "fee_recipient": FEES,
        "accounts": {},
    }
    state = acted(create_market(Market(**{**usual, **changes}), timestamp=NOW))
    if lent:
        state = acted(supply(state, BANK, lent, timestamp=NOW))
    if coins:
        state = acted(supply_collateral(state, BORROWER, coins, timestamp=NOW))
    if dollars:
        state = acted(borrow(state, BORROWER, dollars, price_e36=usd(10**9), timestamp=NOW))
    return state


def call(*, seized_assets: int = 0, repaid_shares: int = 0) -> LiquidationCall:
    """A liquidation of the borrower."""
    return LiquidationCall(
        borrower=BORROWER, liquidator=LIQUIDATOR, seized_assets=seized_assets, repaid_shares=repaid_shares
    )


def done(state: Market, price_e36: int, *, at: int = NOW, **amounts: int) -> Liquidated:
    """What comes of a liquidation that has to go through."""
    found = liquidate(state, call(**amounts), price_e36=price_e36, timestamp=at)
    assert isinstance(found, Liquidated), found
    return found


def refused(state: Market, price_e36: int, *, at: int = NOW, **amounts: int) -> str:
    """Why a liquidation is refused."""
    found = liquidate(state, call(**amounts), price_e36=price_e36, timestamp=at)
    assert isinstance(found, Revert), found
    return found.name


def account(state: Market, user: str = BORROWER) -> Account:
    """What a user has in the market."""
    return state.accounts.get(user, Account())
