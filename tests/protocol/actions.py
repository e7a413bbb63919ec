"""The actions of users, short to write in tests: defaults for who acts, on what and at which price."""

from __future__ import annotations

import pytest

from protocol.aave_v3 import (
    REVISIONS,
    Acted,
    Market,
    Position,
    Revert,
    borrow,
    repay,
    set_collateral_use,
    set_emode,
    supply,
    withdraw,
)
from protocol.units import RAY
from tests.protocol.markets import (
    BORROWER,
    COIN,
    DOLLAR,
    LIQUIDATOR,
    NOW,
    ONE_DOLLAR,
    WHALE,
    config,
    market,
    prices,
)

ALL = [rules.revision for rules in REVISIONS]
V3_0 = ["3.0.0", "3.0.1", "3.0.2"]
BEFORE_3_5 = ALL[: ALL.index("3.5")]
FROM_3_5 = ALL[ALL.index("3.5") :]
EVERY_REVISION = pytest.mark.parametrize("revision", ALL)
ALICE = LIQUIDATOR
SUPPLIED = 1_008_000 * ONE_DOLLAR


def did(outcome) -> Acted:
    assert isinstance(outcome, Acted), outcome
    return outcome


def why(outcome) -> str:
    assert isinstance(outcome, Revert), outcome
    return outcome.name


def supplies(state: Market, amount: int, *, user=ALICE, reserve_id=DOLLAR, at=NOW, **more):
    return supply(state, user, reserve_id, amount, timestamp=at, **more)


def withdraws(state: Market, amount: int, *, user=WHALE, reserve_id=DOLLAR, cents=1_500_00, at=NOW):
    return withdraw(state, user, reserve_id, amount, prices_base=prices(cents), timestamp=at)


def borrows(state: Market, amount: int, *, user=BORROWER, reserve_id=DOLLAR, cents=1_500_00, at=NOW, **more):
    return borrow(state, user, reserve_id, amount, prices_base=prices(cents), timestamp=at, **more)


def repays(state: Market, amount: int, *, user=BORROWER, reserve_id=DOLLAR, at=NOW, **more):
    return repay(state, user, reserve_id, amount, timestamp=at, **more)


def switches(state: Market, *, use: bool, user=BORROWER, reserve_id=COIN, cents=1_500_00, at=NOW):
    return set_collateral_use(state, user, reserve_id, use=use, prices_base=prices(cents), timestamp=at)


def position(outcome: Acted, user: str, reserve_id: int) -> Position:
    return outcome.market.accounts[user].positions.get(reserve_id, Position())


def nearest(numerator: int, denominator: int) -> int:
    return (numerator + denominator // 2) // denominator


def rates_at(debt: int, supply: int) -> tuple[int, int]:
    """Usage and variable rate on the flat part of the curve. [ray]"""
    usage_ray = nearest(debt * RAY, supply)
    return usage_ray, nearest(nearest(4 * RAY // 100 * usage_ray, RAY) * RAY, 80 * RAY // 100)


def at_index(revision: str, index_ray: int, **changes) -> Market:
    """A market whose dollar has grown to `index_ray` on both sides, without a rate."""
    grown = {"liquidity_index_ray": index_ray, "variable_borrow_index_ray": index_ray}
    return market(revision, dollar={**grown, **changes})


def enters(state: Market, emode_id: int, *, user=BORROWER, cents=1_500_00, at=NOW):
    return set_emode(state, user, emode_id, prices_base=prices(cents), timestamp=at)


def capped(revision: str, **changes) -> Market:
    """A dollar of which 1,008,000 and one more may be supplied, and 8,000 and one more borrowed."""
    limits = config(decimals=6, supply_cap=1_008_001, borrow_cap=8_001)
    return market(revision, dollar={"config": limits, **changes})
