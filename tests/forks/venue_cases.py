"""Cases of the test that parity can fail on every protocol: a borrower, a price of ether, and what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from forks.crash.accounts import account_of
from protocol.compound_v2 import LiquidationCall as CompoundCall
from protocol.model import At
from protocol.morpho_blue import LiquidationCall as MorphoCall
from protocol.venus_isolated import LiquidationCall as VenusCall
from protocol.venus_isolated import LiquidationOrder
from protocol.venus_isolated.calls import Batch, Heal
from tests.forks.venue_setting import LIQUIDATOR, Case, MakeCall, Setting


def repaying(borrower: str, debt: str, percent: int, call: type[Any]) -> MakeCall:
    """So much of what it owes of that debt, for its ether."""

    def sized(setting: Setting, market: Any, at: At) -> Any:
        user, debt_id = account_of(borrower), setting.asset(debt)
        owed = setting.venue.rule_set.owed(market, user, debt_id, at)
        return call(
            collateral_id=setting.asset("WETH"),
            debt_id=debt_id,
            borrower=user,
            liquidator=LIQUIDATOR,
            repay_amount=owed * percent // 100,
        )

    return sized


def batch(borrower: str, percent: int = 100) -> MakeCall:
    """So much of its debt of USDC or DAI, owed in the next block, for its ether."""

    def sized(setting: Setting, market: Any, at: At) -> Batch:
        user, ether = account_of(borrower), setting.asset("WETH")
        rules, then = setting.venue.rule_set, replace(at, block_number=at.block_number + 1)
        orders = tuple(
            LiquidationOrder(
                collateral_id=ether,
                debt_id=debt_id,
                repay_amount=rules.owed(market, user, debt_id, then) * percent // 100,
            )
            for debt_id in rules.debts(market, user)
        )
        return Batch(
            collateral_id=ether,
            debt_id=orders[0].debt_id,
            borrower=user,
            liquidator=LIQUIDATOR,
            orders=orders,
        )

    return sized


def heal(borrower: str, debt: str) -> MakeCall:
    def made(setting: Setting, market: Any, at: At) -> Heal:
        return Heal(
            collateral_id=setting.asset("WETH"),
            debt_id=setting.asset(debt),
            borrower=account_of(borrower),
            liquidator=LIQUIDATOR,
        )

    return made


def of_shares(borrower: str, percent: int) -> MakeCall:
    """So much of its borrow shares."""

    def sized(setting: Setting, market: Any, at: At) -> MorphoCall:
        user = account_of(borrower)
        shares = market.market.accounts[user].borrow_shares * percent // 100
        return MorphoCall(borrower=user, liquidator=LIQUIDATOR, repaid_shares=shares)

    return sized


def of_collateral(borrower: str, percent: int) -> MakeCall:
    """So much of its collateral."""

    def sized(setting: Setting, market: Any, at: At) -> MorphoCall:
        user = account_of(borrower)
        seized = market.market.accounts[user].collateral * percent // 100
        return MorphoCall(borrower=user, liquidator=LIQUIDATOR, seized_assets=seized)

    return sized


CASES: Mapping[str, Mapping[str, Case]] = {
    "compound_v2": {
        "half": Case(borrower="early", ether_percent=95, calls=(repaying("early", "DAI", 50, CompoundCall),)),
        "too much": Case(
            borrower="early", ether_percent=95, calls=(repaying("early", "DAI", 55, CompoundCall),)
        ),
        "healthy": Case(
            borrower="early", ether_percent=100, calls=(repaying("early", "DAI", 50, CompoundCall),)
        ),
        "more than there is": Case(
            borrower="early",
            ether_percent=40,
            calls=(repaying("early", "DAI", 40, CompoundCall), repaying("early", "DAI", 40, CompoundCall)),
        ),
    },
    "morpho_blue": {
        "part of the shares": Case(borrower="early", ether_percent=95, calls=(of_shares("early", 40),)),
        "all collateral": Case(borrower="early", ether_percent=80, calls=(of_collateral("early", 100),)),
        "healthy": Case(borrower="early", ether_percent=100, calls=(of_shares("early", 40),)),
    },
    "venus_isolated": {
        "half": Case(borrower="early", ether_percent=95, calls=(repaying("early", "DAI", 50, VenusCall),)),
        "too much": Case(
            borrower="early", ether_percent=95, calls=(repaying("early", "DAI", 55, VenusCall),)
        ),
        "healthy": Case(
            borrower="early", ether_percent=100, calls=(repaying("early", "DAI", 50, VenusCall),)
        ),
        "too small": Case(
            borrower="small", ether_percent=95, calls=(repaying("small", "USDC", 50, VenusCall),)
        ),
        "batch": Case(borrower="small", ether_percent=95, calls=(batch("small"),)),
        "short batch": Case(borrower="small", ether_percent=95, calls=(batch("small", 90),)),
        "too large a batch": Case(borrower="early", ether_percent=95, calls=(batch("early"),)),
        "healed": Case(borrower="small-late", ether_percent=70, calls=(heal("small-late", "USDC"),)),
        "after healing": Case(
            borrower="late",
            ether_percent=70,
            calls=(heal("small-late", "USDC"), repaying("late", "USDC", 20, VenusCall)),
        ),
    },
}
"""By protocol and name."""
