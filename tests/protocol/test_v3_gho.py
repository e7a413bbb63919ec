"""GHO before 3.4: fixed rate, discounted interest, interest that is forgiven, deficits paid in GHO."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import (
    Account,
    GhoDebt,
    Liquidated,
    Position,
    account_data,
    liquidation_call,
    rules_of,
)
from protocol.aave_v3.gho import burn_gho, gho_balance, interest_repaid, mint_gho
from protocol.aave_v3.rates import interest_rates
from protocol.errors import EvmRevert
from protocol.units import RAY
from tests.protocol.markets import (
    BORROWER,
    DOLLAR,
    NOW,
    ONE_DOLLAR,
    call,
    config,
    market,
    prices,
)

PERCENT = RAY // 100
INDEX = 120 * PERCENT
DISCOUNTED = GhoDebt(discount_bps=30_00, previous_index_ray=RAY, balance_from_interest=5)


def test_a_discount_is_of_the_interest_since_the_last_action():
    # 1000 at 1.2 is 1200; 30 % of the 200 are let off.
    assert gho_balance(1_000, DISCOUNTED, INDEX) == 1_140
    assert gho_balance(1_000, DISCOUNTED, RAY) == 1_000
    assert gho_balance(1_000, replace(DISCOUNTED, discount_bps=0), INDEX) == 1_200
    assert gho_balance(0, DISCOUNTED, INDEX) == 0


def test_a_repayment_burns_the_discount_with_it_and_counts_the_interest():
    # 120 are 100 scaled, the discount of 60 is 50; interest of 140 is added to the 5 counted before.
    left = replace(DISCOUNTED, previous_index_ray=INDEX, balance_from_interest=145)

    assert burn_gho(1_000, DISCOUNTED, 120, INDEX) == (850, left)
    assert burn_gho(1_000, DISCOUNTED, 1_140, INDEX) == (0, left)
    with pytest.raises(EvmRevert, match="InvalidBurnAmount"):
        burn_gho(1_000, DISCOUNTED, 0, INDEX)
    with pytest.raises(EvmRevert, match="0x11"):
        burn_gho(1_000, DISCOUNTED, 1_141 + 1, INDEX)


def test_a_repayment_of_the_whole_balance_ends_the_debt_whatever_the_rounding():
    # 2 at 1.78 is 3.56, so 4, of which 2 are interest and 1 (0.6 up) is let off: 3 are 1.69 scaled, so 2, and
    # the discount of 1 is 0.56, so 1: one more than there is.
    of_two = GhoDebt(discount_bps=30_00, previous_index_ray=RAY)

    assert gho_balance(2, of_two, 178 * PERCENT) == 3
    assert burn_gho(2, of_two, 3, 178 * PERCENT).scaled == 0


def test_a_loan_mints_less_by_the_discount_or_even_burns():
    assert mint_gho(1_000, DISCOUNTED, 120, INDEX).scaled == 1_050
    assert mint_gho(1_000, DISCOUNTED, 12, INDEX).scaled == 960
    with pytest.raises(EvmRevert, match="InvalidMintAmount"):
        mint_gho(1_000, DISCOUNTED, 0, INDEX)


def test_a_repayment_settles_interest_before_what_was_minted():
    assert interest_repaid(DISCOUNTED, 3) == (replace(DISCOUNTED, balance_from_interest=2), 3)
    assert interest_repaid(DISCOUNTED, 7) == (replace(DISCOUNTED, balance_from_interest=0), 5)


# --- in the market ------------------------------------------------------------------------------------------


def owing_gho(revision: str, *, scaled: int = 8_000, **changes):
    """Ten coins against GHO, the reserve 1, at an index of 1.2: 30 % of 20 % off."""
    state = market(
        revision,
        dollars=scaled * ONE_DOLLAR,
        dollar={
            "config": config(decimals=6, virtual_accounting=False),
            "variable_borrow_index_ray": INDEX,
            "virtual_underlying_balance": 0,
        },
    )
    account = state.accounts[BORROWER]
    owed = replace(account.positions[DOLLAR], gho_debt=replace(DISCOUNTED, **changes))
    positions = {**account.positions, DOLLAR: owed}
    return replace(state, accounts={**state.accounts, BORROWER: Account(positions=positions)})


def liquidated(state, cents: int, **changes) -> Liquidated:
    outcome = liquidation_call(state, call(**changes), prices_base=prices(cents), timestamp=NOW)
    assert isinstance(outcome, Liquidated), outcome
    return outcome


@pytest.mark.parametrize(
    ("revision", "dollars"),
    [("3.0.2", 9_600), ("3.1", 9_600), ("3.2", 9_600), ("3.3", 9_120), ("3.4", 9_600)],
)
def test_account_data_see_the_discount_in_3_3_alone(revision, dollars):
    data = account_data(owing_gho(revision), BORROWER, prices_base=prices(1_000_00), timestamp=NOW)

    assert data.total_debt_base == dollars * 10**8


@pytest.mark.parametrize(
    ("revision", "dollars"), [("3.0.2", 9_120), ("3.2", 9_120), ("3.3", 9_120), ("3.4", 9_600)]
)
def test_a_liquidation_repays_the_discounted_debt_in_every_version_before_3_4(revision, dollars):
    outcome = liquidated(owing_gho(revision), 1_050_00)
    left = outcome.market.accounts[BORROWER].positions.get(DOLLAR, Position())

    assert outcome.debt_repaid == dollars * ONE_DOLLAR
    assert (left.scaled_variable_debt, left.borrowing) == (0, False)
    assert outcome.market.reserves[DOLLAR].total_scaled_variable_debt == 0


@pytest.mark.parametrize(
    ("revision", "fixed"), [("3.0.2", True), ("3.1", True), ("3.3", True), ("3.4", False)]
)
def test_its_rate_is_the_base_rate_and_suppliers_earn_nothing_before_3_4(revision, fixed):
    state = owing_gho(revision)
    base = replace(state.reserves[DOLLAR].strategy, base_variable_rate_ray=3 * PERCENT)
    gho = replace(state.reserves[DOLLAR], strategy=base)
    rates = interest_rates(gho, rules_of(revision), debt=9_600 * ONE_DOLLAR, added=0, taken=0)

    assert (rates == (0, 3 * PERCENT, 0)) is fixed
    after = liquidated(state, 1_100_00).market.reserves[DOLLAR]
    assert (after.virtual_underlying_balance == 0) is (revision in ("3.1", "3.3"))


@pytest.mark.parametrize("revision", ["3.0.2", "3.3"])
def test_a_repayment_takes_off_the_interest_counted_apart(revision):
    # Accrued: 1600 of interest less 480 of discount is 1120, and 5 from before.
    outcome = liquidated(
        owing_gho(revision, balance_from_interest=5 * ONE_DOLLAR), 800_00, debt_to_cover=1_000 * ONE_DOLLAR
    )
    debt = outcome.market.accounts[BORROWER].positions[DOLLAR].gho_debt

    assert debt.balance_from_interest == 125 * ONE_DOLLAR
    assert debt.previous_index_ray == INDEX
    if revision == "3.0.2":  # what the aToken holds: interest stays with it, the rest is destroyed
        assert outcome.market.reserves[DOLLAR].virtual_underlying_balance == 1_000 * ONE_DOLLAR


def test_interest_beyond_the_repayment_is_forgiven_and_no_deficit_in_3_3():
    # Five hundred coins' worth is left: 10 coins at 50 repay 476.190476, the debt is 9120, interest 1125.
    state = owing_gho("3.3", balance_from_interest=5 * ONE_DOLLAR)
    outcome = liquidated(state, 50_00)
    repaid = outcome.debt_repaid

    assert repaid == 476_190_476
    forgiven = 1_125 * ONE_DOLLAR - repaid
    assert outcome.deficits == {DOLLAR: 9_120 * ONE_DOLLAR - repaid - forgiven}
    assert outcome.market.reserves[DOLLAR].deficit == outcome.deficits[DOLLAR]
    left = outcome.market.accounts[BORROWER].positions[DOLLAR]
    assert left.gho_debt.balance_from_interest == 0
    assert (left.scaled_variable_debt, left.borrowing) == (0, False)


def test_interest_within_the_repayment_is_collected_and_all_the_rest_is_deficit():
    outcome = liquidated(owing_gho("3.3"), 500_00)

    assert outcome.debt_repaid > 1_125 * ONE_DOLLAR
    assert outcome.deficits == {DOLLAR: 9_120 * ONE_DOLLAR - outcome.debt_repaid}


def test_from_3_4_on_nothing_is_forgiven_though_interest_was_counted_apart_before():
    outcome = liquidated(owing_gho("3.4", balance_from_interest=1_125 * ONE_DOLLAR), 50_00)

    assert outcome.deficits == {DOLLAR: 9_600 * ONE_DOLLAR - outcome.debt_repaid}
