"""Efficiency modes from the user's side in Aave v3: numbers worked out by hand; the contracts speak in the fuzz."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol.aave_v3 import Account, Acted, EModeCategory, Market, Position, account_data, set_emode
from protocol.errors import MissingPrice
from protocol.units import RAY
from tests.protocol.actions import ALL, EVERY_REVISION, borrows, did, enters, switches, why
from tests.protocol.markets import (
    BORROWER,
    COIN,
    DOLLAR,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    WHALE,
    config,
    market,
    prices,
)

UP_TO_3_1 = ["3.0.0", "3.0.1", "3.0.2", "3.1"]
FROM_3_6 = ["3.6", "3.7"]
BOTH = 1 << COIN | 1 << DOLLAR


def category(emode_id: int = 1, **changes: Any) -> EModeCategory:
    """A mode at 90 % and 93 % that takes coins and dollars and lends both."""
    usual: dict[str, Any] = {
        "ltv_bps": 90_00,
        "liquidation_threshold_bps": 93_00,
        "liquidation_bonus_bps": 102_00,
        "collateral_bitmap": BOTH,
        "borrowable_bitmap": BOTH,
    }
    return EModeCategory(emode_id=emode_id, **(usual | changes))


def with_modes(revision: str, *modes: EModeCategory, **changes: Any) -> Market:
    return market(revision, emodes={one.emode_id: one for one in modes}, **changes)


@EVERY_REVISION
def test_a_mode_is_entered_counts_at_once_and_is_left_again(revision):
    state = with_modes(revision, category())

    inside = did(enters(state, 1))
    assert inside.amount == 0
    assert inside.market.accounts[BORROWER].emode == 1
    assert inside.market.reserves == state.reserves
    data = account_data(inside.market, BORROWER, prices_base=prices(1_500_00), timestamp=NOW)
    assert data.avg_ltv_bps == 90_00
    assert did(enters(inside.market, 0)).market == state


@EVERY_REVISION
def test_a_mode_that_is_not_configured_is_refused(revision):
    no_threshold = category(liquidation_threshold_bps=0)

    assert why(enters(with_modes(revision), 7)) == "InconsistentEModeCategory"
    assert why(enters(with_modes(revision, no_threshold), 1)) == "InconsistentEModeCategory"
    assert why(enters(with_modes(revision), 7, user="nobody")) == "InconsistentEModeCategory"


@EVERY_REVISION
def test_a_mode_is_left_only_in_health(revision):
    # Ten coins of 1,000 and 8,000 owed: health is 1.1625 inside, 1 at the outer 80 %, and below with a cent off.
    inside = did(enters(with_modes(revision, category()), 1)).market

    assert did(enters(inside, 0, cents=1_000_00))
    assert why(enters(inside, 0, cents=999_99)) == "HealthFactorLowerThanLiquidationThreshold"


def test_up_to_3_1_one_enters_from_no_mode_at_any_health():
    for revision in ALL:
        worse = with_modes(revision, category(liquidation_threshold_bps=70_00))
        outcome = enters(worse, 1, cents=1_100_00)  # 8,800 of threshold outside, 7,700 inside
        if revision in UP_TO_3_1:
            assert did(outcome)
        else:
            assert why(outcome) == "HealthFactorLowerThanLiquidationThreshold"


def test_up_to_3_1_the_same_mode_again_is_checked_again_and_later_it_is_nothing():
    for revision in ALL:
        inside = did(enters(with_modes(revision, category()), 1)).market
        outcome = enters(inside, 1, cents=100_00)
        if revision in UP_TO_3_1:
            assert why(outcome) == "HealthFactorLowerThanLiquidationThreshold"
        else:
            assert did(outcome).market == inside


@EVERY_REVISION
def test_who_owes_what_a_mode_does_not_lend_stays_out(revision):
    only_coins = category(collateral_bitmap=1 << COIN, borrowable_bitmap=1 << COIN)
    outcome = enters(with_modes(revision, only_coins), 1)

    if revision in UP_TO_3_1:
        assert why(outcome) == "InconsistentEModeCategory"
    elif revision in FROM_3_6:
        assert why(outcome) == "InvalidDebtInEmode"
    else:
        assert why(outcome) == "NotBorrowableInEMode"


@EVERY_REVISION
def test_a_mode_does_not_ask_what_is_only_supplied(revision):
    only_coins = category(collateral_bitmap=1 << COIN, borrowable_bitmap=1 << COIN)

    assert did(enters(with_modes(revision, only_coins), 1, user=WHALE))


@EVERY_REVISION
@pytest.mark.parametrize("lent", [True, False])
def test_up_to_3_1_a_mode_lends_its_members_and_later_what_it_lists(revision, lent):
    by_members = revision in UP_TO_3_1
    decides, other = ("collateral_bitmap", "borrowable_bitmap")[:: 1 if by_members else -1]
    mode = category(**{decides: BOTH if lent else 1 << COIN, other: 1 << COIN if lent else BOTH})
    state = with_modes(revision, mode, emode=1)

    outcome = borrows(state, 1)
    if lent:
        assert did(outcome)
    else:
        assert why(outcome) == ("InconsistentEModeCategory" if by_members else "NotBorrowableInEMode")


@EVERY_REVISION
def test_from_3_6_on_a_mode_lends_what_is_not_lent_outside(revision):
    dollar = {"config": config(decimals=6, borrowing_enabled=False)}
    inside = with_modes(revision, category(), emode=1, dollar=dollar)

    outcome = borrows(inside, 1)
    if revision not in FROM_3_6:
        assert why(outcome) == "BorrowingNotEnabled"
        assert did(enters(inside, 0))
        return
    assert did(outcome)
    assert why(enters(inside, 0)) == "InvalidDebtInEmode"


@EVERY_REVISION
def test_from_3_6_on_all_collateral_keeps_a_loan_to_value(revision):
    no_ltv = with_modes(revision, category(), emode=1, coin={"config": config(ltv_bps=0)})
    zero = with_modes(revision, category(ltvzero_bitmap=1 << COIN))

    for outcome in (enters(no_ltv, 0), enters(zero, 1)):
        if revision in FROM_3_6:
            assert why(outcome) == "InvalidCollateralInEmode"
        else:
            assert did(outcome)


@pytest.mark.parametrize(("revision", "allowed"), [("3.6", True), ("3.7", False)])
def test_an_isolated_mode_takes_no_other_collateral_from_3_7_on(revision, allowed):
    mode = category(collateral_bitmap=1 << DOLLAR, isolated=True)
    state = with_modes(revision, mode)

    assert isinstance(enters(state, 1), Acted) is allowed
    assert allowed or why(enters(state, 1)) == "InvalidCollateralInEmode"


@pytest.mark.parametrize("revision", UP_TO_3_1)
def test_a_modes_own_price_prices_the_loan(revision):
    # 13,500 allowed by the coins at 1,500 in the mode; the dollar is taken at the coin's price of 1,500.
    state = with_modes(revision, category(price_source="R0"), emode=1, dollars=0)

    assert did(borrows(state, 9 * ONE_DOLLAR))
    assert why(borrows(state, 9 * ONE_DOLLAR + 1)) == "CollateralCannotCoverNewBorrow"


@EVERY_REVISION
def test_an_empty_account_enters_without_any_price(revision):
    state = with_modes(revision, category())

    assert did(enters(state, 1, user="nobody")).market.accounts["nobody"] == Account(emode=1)


def test_a_price_that_is_missing_is_the_callers_mistake():
    with pytest.raises(MissingPrice):
        set_emode(with_modes("3.6", category()), BORROWER, 1, prices_base={}, timestamp=NOW)


@pytest.mark.parametrize("revision", FROM_3_6)
def test_inside_a_mode_collateral_may_be_enabled_that_has_no_loan_to_value_outside(revision):
    state = with_modes(revision, category(), emode=1, coin={"config": config(ltv_bps=0)}, dollars=ONE_DOLLAR)
    held = state.accounts[BORROWER].positions
    off = {**held, COIN: replace(held[COIN], collateral_enabled=False)}
    state = replace(state, accounts={**state.accounts, BORROWER: Account(positions=off, emode=1)})

    on = did(switches(state, use=True)).market.accounts[BORROWER].positions[COIN]
    assert on == Position(scaled_atoken=10 * ONE_COIN, collateral_enabled=True)
    assert state.reserves[COIN].liquidity_index_ray == RAY
