"""The closed form of unavoidable debt against liquidations carried out to the end."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.aave_v3 import REVISIONS, Liquidated, Position, account_data, liquidation_call
from protocol.aave_v3.frontier import drops, exhaustion, residual_if_exhausted
from protocol.aave_v3.health import EMPTY_ACCOUNT
from protocol.aave_v3.liquidation import liquidation_terms
from tests.protocol import markets
from tests.protocol.markets import BORROWER, COIN, DOLLAR, NOW, ONE_COIN, ONE_DOLLAR, call, market, prices

ALL = pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)


def residual(state, prices_base, coins, dollars):
    terms = liquidation_terms(state, state.accounts[BORROWER], COIN, DOLLAR, prices_base)
    return residual_if_exhausted(state.rules, terms, collateral=coins, debt=dollars)


@ALL
@given(
    coins=st.integers(10**16, 10**20),
    cents=st.integers(1_00, 5_000_00),
    loan_to_value_bps=st.integers(85_00, 130_00),
)
def test_the_integer_form_is_what_the_contract_leaves(rules, coins, cents, loan_to_value_bps):
    """Health is at most 0.95 here (threshold 80 %, loan at least 85 %), so one call may repay everything."""
    dollars = coins * cents * loan_to_value_bps // 10**18
    if dollars == 0:
        return
    state, prices_base = market(rules.revision, coins=coins, dollars=dollars), prices(cents)
    expected = residual(state, prices_base, coins, dollars)
    outcome = liquidation_call(state, call(), prices_base=prices_base, timestamp=NOW)

    assert isinstance(outcome, Liquidated)
    if rules.deficit_cover is None:
        left = outcome.market.accounts[BORROWER].positions.get(DOLLAR, Position()).scaled_variable_debt
        assert not outcome.deficits
        assert (left or None) == expected
    else:
        assert outcome.deficits.get(DOLLAR) == expected


@pytest.mark.parametrize(("cents", "debt_remains"), [(840_00, False), (839_99, True)])
def test_debt_remains_exactly_below_bonus_times_debt(cents, debt_remains):
    # 10 coins against 8000 dollars at a bonus of 5 %: 8400 dollars of collateral just suffice.
    state = market("3.6")
    found = exhaustion(state, BORROWER, prices_base=prices(cents), timestamp=NOW)

    assert found.leaves_debt is debt_remains
    assert found.residual_base == (Fraction(10 * 10**6, 1) / Fraction(105, 100) if debt_remains else 0)
    assert (residual(state, prices(cents), 10 * ONE_COIN, 8_000 * ONE_DOLLAR) is not None) is debt_remains


def test_drops_of_one_collateral_are_the_hand_computed_ones():
    # Health 1 at 8000 / (0.8 * 10) = 1000 dollars; toxic and exhausted at 840.
    found = drops(market("3.6"), BORROWER, [COIN], prices_base=prices(2_000_00), timestamp=NOW)

    assert found.liquidatable == Fraction(1, 2)
    assert found.toxic == {COIN: Fraction(58, 100)}
    assert found.debt_remains == Fraction(58, 100)


def test_a_drop_that_has_happened_is_not_above_zero_and_one_that_cannot_is_none():
    state = market("3.6")
    fallen = drops(state, BORROWER, [COIN], prices_base=prices(700_00), timestamp=NOW)
    of_nothing = drops(state, BORROWER, [], prices_base=prices(2_000_00), timestamp=NOW)
    of_debt = drops(state, BORROWER, [DOLLAR], prices_base=prices(700_00), timestamp=NOW)
    free = replace(state, accounts={BORROWER: EMPTY_ACCOUNT})

    assert fallen.liquidatable is not None
    assert fallen.liquidatable < 0
    assert of_nothing.liquidatable is of_nothing.debt_remains is None
    assert of_debt.liquidatable == 0
    assert drops(free, BORROWER, [COIN], prices_base=prices(1), timestamp=NOW).debt_remains is None


@given(
    cents=st.integers(1_100_00, 9_000_00),
    bonus_bps=st.integers(101_00, 115_00),
    threshold_bps=st.integers(40_00, 86_00),
)
def test_at_each_drop_the_thing_it_names_holds_with_equality(cents, bonus_bps, threshold_bps):
    terms = markets.config(liquidation_bonus_bps=bonus_bps, liquidation_threshold_bps=threshold_bps)
    state = market("3.6", coin={"config": terms})
    found = drops(state, BORROWER, [COIN], prices_base=prices(cents), timestamp=NOW)
    value, debt = Fraction(10 * cents, 100), 8_000
    threshold, bonus = Fraction(threshold_bps, 10_000), Fraction(bonus_bps, 10_000)

    assert found.liquidatable is not None
    assert (1 - found.liquidatable) * value * threshold == debt
    assert found.debt_remains is not None
    assert (1 - found.debt_remains) * value == bonus * debt
    assert found.toxic[COIN] == found.debt_remains


@pytest.mark.parametrize("revision", ["3.0.2", "3.6"])
def test_seizing_lowers_health_exactly_beyond_the_toxic_drop(revision):
    state = market(revision)
    part = call(debt_to_cover=1_000 * ONE_DOLLAR)

    def health(market_, cents):
        return account_data(market_, BORROWER, prices_base=prices(cents), timestamp=NOW).health_factor_wad

    for cents, falls in ((850_00, False), (830_00, True)):
        outcome = liquidation_call(state, part, prices_base=prices(cents), timestamp=NOW)
        assert isinstance(outcome, Liquidated)
        assert (health(outcome.market, cents) < health(state, cents)) is falls


def test_a_collateral_without_a_bonus_repays_nothing():
    # From v3.6 on a reserve without threshold and bonus stays enabled outside its eMode.
    state = market(
        "3.6", coin={"config": markets.config(liquidation_threshold_bps=0, liquidation_bonus_bps=0)}
    )

    assert exhaustion(state, BORROWER, prices_base=prices(900_00), timestamp=NOW).repayable_base == 0


def test_several_collaterals_repay_the_sum_of_value_by_bonus():
    state = market("3.6")
    second = markets.reserve(2, supply=ONE_COIN, debt=0, config=markets.config(liquidation_bonus_bps=110_00))
    held = {
        **state.accounts[BORROWER].positions,
        2: Position(scaled_atoken=ONE_COIN, collateral_enabled=True),
    }
    state = replace(
        state,
        reserves={**state.reserves, 2: second},
        accounts={BORROWER: replace(state.accounts[BORROWER], positions=held)},
    )
    all_prices = prices(700_00) | {2: 1_100 * 10**8}
    found = exhaustion(state, BORROWER, prices_base=all_prices, timestamp=NOW)
    both = drops(state, BORROWER, [COIN, 2], prices_base=prices(2_000_00) | {2: 1_100 * 10**8}, timestamp=NOW)

    assert found.repayable_base == (Fraction(7_000 * 100, 105) + 1_000) * 10**8
    assert found.debt_base == 8_000 * 10**8
    assert set(both.toxic) == {COIN, 2}
    # The collateral with the larger bonus times threshold turns toxic first.
    first, second = both.toxic[2], both.toxic[COIN]
    assert first is not None
    assert second is not None
    assert first < second
