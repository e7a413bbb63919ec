"""Stable loans and GHO of early Aave v3: numbers worked out by hand; the contracts speak in the fuzz."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import (
    Market,
    RateMode,
    StableDebt,
    StableStrategy,
)
from protocol.units import MAX_UINT256, RAY
from tests.protocol.actions import (
    EVERY_REVISION,
    V3_0,
    borrows,
    did,
    position,
    repays,
    supplies,
    why,
)
from tests.protocol.markets import (
    BORROWER,
    DOLLAR,
    NOW,
    ONE_DOLLAR,
    STRATEGY,
    config,
    market,
)

# --- stable debt --------------------------------------------------------------------------------------------


STABLE_CURVE = StableStrategy(base_rate_ray=5 * RAY // 100, slope1_ray=RAY // 100)


def with_stable_loans(revision: str, **changes) -> Market:
    """A dollar lent at 5 % and more at stable rates; a new loan now pays 6 %."""
    return market(
        revision,
        dollar={
            "config": config(decimals=6, stable_borrowing_enabled=True, **changes),
            "strategy": replace(STRATEGY, stable=STABLE_CURVE),
            "stable_borrow_rate_ray": 6 * RAY // 100,
        },
    )


@pytest.mark.parametrize("revision", V3_0)
def test_a_stable_loan_keeps_the_rate_it_was_taken_at(revision):
    outcome = did(borrows(with_stable_loans(revision), 500 * ONE_DOLLAR, rate_mode=RateMode.STABLE))

    debt = StableDebt(principal=500 * ONE_DOLLAR, rate_ray=6 * RAY // 100, last_update_timestamp=NOW)
    after = outcome.market.reserves[DOLLAR]
    assert position(outcome, BORROWER, DOLLAR).stable_debt == debt
    assert position(outcome, BORROWER, DOLLAR).scaled_variable_debt == 8_000 * ONE_DOLLAR
    assert after.stable_debt.principal == 500 * ONE_DOLLAR
    assert after.stable_debt.average_rate_ray == 6 * RAY // 100
    assert after.virtual_underlying_balance == 999_500 * ONE_DOLLAR
    assert after.stable_borrow_rate_ray > 5 * RAY // 100


@pytest.mark.parametrize("revision", V3_0)
def test_each_kind_of_debt_is_repaid_for_itself_and_the_bit_goes_with_the_last(revision):
    state = did(borrows(with_stable_loans(revision), 500, rate_mode=RateMode.STABLE)).market

    later = NOW + 1
    variable_gone = did(repays(state, MAX_UINT256, at=later))
    assert position(variable_gone, BORROWER, DOLLAR).scaled_variable_debt == 0
    assert position(variable_gone, BORROWER, DOLLAR).borrowing
    all_gone = did(repays(variable_gone.market, MAX_UINT256, rate_mode=RateMode.STABLE, at=later))
    assert all_gone.amount == 500
    assert not position(all_gone, BORROWER, DOLLAR).borrowing
    again = repays(all_gone.market, 1, rate_mode=RateMode.STABLE, at=later)
    assert why(again) == "NoDebtOfSelectedType"


@pytest.mark.parametrize("revision", V3_0)
def test_a_stable_loan_is_small_and_not_of_the_same_asset(revision):
    state = with_stable_loans(revision)
    quarter = 250_000 * ONE_DOLLAR
    mine = did(supplies(state, 1_000, user=BORROWER)).market

    too_big = borrows(state, quarter + 1, rate_mode=RateMode.STABLE, cents=9_000_000_00)
    assert why(too_big) == "AmountBiggerThanMaxLoanSizeStable"
    assert did(borrows(state, quarter, rate_mode=RateMode.STABLE, cents=9_000_000_00))
    same = borrows(mine, 1_000, rate_mode=RateMode.STABLE)
    assert why(same) == "CollateralSameAsBorrowingCurrency"
    assert did(borrows(mine, 1_001, rate_mode=RateMode.STABLE))


@pytest.mark.parametrize("revision", V3_0)
@pytest.mark.parametrize(("ltv_bps", "refused"), [(0, False), (1, True)])
def test_collateral_of_the_same_asset_counts_against_a_stable_loan_with_any_loan_to_value(
    revision, ltv_bps, refused
):
    state = with_stable_loans(revision, ltv_bps=ltv_bps)
    account = state.accounts[BORROWER]
    held = replace(account.positions[DOLLAR], scaled_atoken=1_000, collateral_enabled=True)
    account = replace(account, positions={**account.positions, DOLLAR: held})
    state = replace(state, accounts={**state.accounts, BORROWER: account})
    outcome = borrows(state, 1_000, rate_mode=RateMode.STABLE)

    assert why(outcome) == "CollateralSameAsBorrowingCurrency" if refused else did(outcome)


@EVERY_REVISION
def test_the_stable_mode_is_refused_where_it_is_not_enabled_and_unknown_from_3_2_on(revision):
    outcome = borrows(market(revision), 1, rate_mode=RateMode.STABLE)
    enabled = borrows(with_stable_loans(revision), 1, rate_mode=RateMode.STABLE)
    repaid = repays(market(revision), 1, rate_mode=RateMode.STABLE)

    if revision >= "3.2":
        assert {why(outcome), why(enabled), why(repaid)} == {"InvalidInterestRateModeSelected"}
        return
    assert why(outcome) == "StableBorrowingNotEnabled"
    assert did(enabled) if revision in V3_0 else why(enabled) == "OperationNotSupported"
    assert why(repaid) == "NoDebtOfSelectedType"


@pytest.mark.parametrize("revision", V3_0)
def test_stable_debt_counts_against_the_borrow_cap(revision):
    state = with_stable_loans(revision, borrow_cap=8_001)
    owing = did(borrows(state, ONE_DOLLAR, rate_mode=RateMode.STABLE)).market

    assert why(borrows(owing, 1)) == "BorrowCapExceeded"
    assert why(borrows(owing, 1, rate_mode=RateMode.STABLE)) == "BorrowCapExceeded"


@pytest.mark.parametrize("revision", V3_0)
def test_nor_is_a_stable_debt_repaid_in_the_second_it_was_made(revision):
    state = did(borrows(with_stable_loans(revision), 500, rate_mode=RateMode.STABLE)).market

    outcome = repays(state, 1, rate_mode=RateMode.STABLE)
    assert why(outcome) == "SameBlockBorrowRepay" if revision == "3.0.0" else did(outcome)
    assert did(repays(state, 1, rate_mode=RateMode.STABLE, at=NOW + 1))


# --- GHO ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", ["3.1", "3.3"])
def test_gho_before_3_4_is_lent_without_being_supplied(revision):
    gho = {
        "config": config(decimals=6, virtual_accounting=False),
        "total_scaled_atoken": 0,
        "virtual_underlying_balance": 0,
    }
    state = market(revision, dollar=gho)

    outcome = did(borrows(state, 100 * ONE_DOLLAR))
    assert position(outcome, BORROWER, DOLLAR).scaled_variable_debt == 8_100 * ONE_DOLLAR
    assert outcome.market.reserves[DOLLAR].virtual_underlying_balance == 0
    assert why(supplies(state, 1)) == "OperationNotSupported"
    assert did(repays(state, MAX_UINT256)).amount == 8_000 * ONE_DOLLAR
