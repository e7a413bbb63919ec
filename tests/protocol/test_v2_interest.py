"""Aave v2: what time does to indexes, to the treasury and to stable debt, and the rates that follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v2 import (
    StableDebt,
    StableStrategy,
    StableTotals,
    account_data,
    debt_balance,
    normalized_debt,
    normalized_income,
    users_with_debt,
    viewed_at,
)
from protocol.aave_v2.interest import accrue
from protocol.aave_v2.rates import (
    borrow_rate,
    interest_rates,
    max_variable_rate,
    stable_rate,
    with_holdings_moved,
    with_new_rates,
)
from protocol.aave_v2.stable_debt import burn_stable, mint_stable, stable_balance, stable_total
from protocol.errors import EvmRevert
from protocol.fixed_point.compounding import compounded_growth_per_second
from protocol.units import MAX_UINT128, RAY
from tests.protocol.markets_v2 import (
    BORROWER,
    DOLLAR,
    NOW,
    ONE_DOLLAR,
    PERCENT,
    STRATEGY,
    TREASURY,
    YEAR,
    config,
    market,
    owed,
    position,
    prices,
    reserve,
    totals,
    with_reserve,
)

GROWN_BY_10_PERCENT_RAY = 1105167270015202188556648000
"""A year at 10 %: 1 + n*r + n(n-1)/2 * 10055109077 + n(n-1)(n-2)/6 * 32, with r = 3170979198376458650 a second."""
NOBODY = StableDebt()


# --- growth -------------------------------------------------------------------------------------------------


def test_debt_grows_by_a_rate_per_second_that_is_cut_first():
    assert compounded_growth_per_second(5 * PERCENT, 30 * 86_400) == 1004118045008373287553232000
    assert compounded_growth_per_second(10 * PERCENT, YEAR) == GROWN_BY_10_PERCENT_RAY
    assert compounded_growth_per_second(10 * PERCENT, 0) == RAY
    # One second, two and three: the second term comes with the second, the third with the third.
    rate_ray = YEAR * RAY // 1000
    assert compounded_growth_per_second(rate_ray, 1) == RAY + RAY // 10**3
    assert compounded_growth_per_second(rate_ray, 2) == RAY + 2 * RAY // 10**3 + RAY // 10**6
    assert (
        compounded_growth_per_second(rate_ray, 3) == RAY + 3 * RAY // 10**3 + 3 * RAY // 10**6 + RAY // 10**9
    )


def test_the_views_grow_both_indexes_from_the_last_update():
    stale = reserve(
        DOLLAR,
        supply=0,
        debt=0,
        liquidity_index_ray=2 * RAY,
        variable_borrow_index_ray=3 * RAY,
        liquidity_rate_ray=5 * PERCENT,
        variable_borrow_rate_ray=10 * PERCENT,
    )

    assert normalized_income(stale, NOW + YEAR) == 2 * RAY * 105 // 100
    assert normalized_debt(stale, NOW + YEAR) == 3 * GROWN_BY_10_PERCENT_RAY
    assert (normalized_income(stale, NOW), normalized_debt(stale, NOW)) == (2 * RAY, 3 * RAY)
    for view in (normalized_income, normalized_debt):
        with pytest.raises(EvmRevert, match="SafeMath: subtraction overflow"):
            view(stale, NOW - 1)


@pytest.mark.parametrize(
    ("liquidity_rate_ray", "debt", "income_moves", "debt_moves"),
    [(PERCENT, 100, True, True), (PERCENT, 0, True, False), (0, 100, False, False), (0, 0, False, False)],
)
def test_a_stored_index_moves_only_with_income_and_the_debt_index_with_debt_too(
    liquidity_rate_ray, debt, income_moves, debt_moves
):
    before = reserve(DOLLAR, supply=0, debt=debt, liquidity_rate_ray=liquidity_rate_ray)
    after = accrue(before, NOW + YEAR).reserve

    assert (after.liquidity_index_ray > RAY) is income_moves
    assert (after.variable_borrow_index_ray > RAY) is debt_moves
    assert after.last_update_timestamp == NOW + YEAR
    assert (after.liquidity_rate_ray, after.virtual_underlying_balance) == (
        before.liquidity_rate_ray,
        before.virtual_underlying_balance,
    )
    if income_moves:
        assert after.liquidity_index_ray == normalized_income(before, NOW + YEAR)
    if debt_moves:
        assert after.variable_borrow_index_ray == normalized_debt(before, NOW + YEAR)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"liquidity_index_ray": MAX_UINT128}, "LiquidityIndexOverflow"),
        ({"variable_borrow_index_ray": MAX_UINT128}, "VariableBorrowIndexOverflow"),
    ],
)
def test_an_index_beyond_128_bits_reverts(changes, name):
    before = reserve(DOLLAR, supply=0, debt=1, **changes)

    assert accrue(before, NOW)
    with pytest.raises(EvmRevert, match=name):
        accrue(before, NOW + YEAR)


def test_the_treasury_is_minted_the_reserve_factor_s_part_of_all_interest():
    before = reserve(
        DOLLAR,
        supply=5_000,
        debt=10**10,
        config=config(reserve_factor_bps=20_00),
        liquidity_rate_ray=25 * PERCENT,
        variable_borrow_rate_ray=10 * PERCENT,
        stable_debt=totals(10**12, 10 * PERCENT, NOW - YEAR),
    )
    after, minted = accrue(before, NOW + YEAR)
    first, second = (stable_total(before.stable_debt, time) for time in (NOW, NOW + YEAR))

    # A fifth of 1,051,672,700 and of what stable debt grew by in the second year, at an index of 1.25.
    interest = 1_051_672_700 + second - first
    assert first == 1_105_167_270_015
    assert minted == ((interest + 2) // 5 * RAY + 625 * RAY // 1000) // (125 * PERCENT)
    assert after.total_scaled_atoken == 5_000 + minted
    without_factor = replace(before, config=config(reserve_factor_bps=0))
    assert accrue(without_factor, NOW + YEAR).minted_to_treasury == 0


def test_a_second_accrual_at_once_changes_nothing():
    once = accrue(reserve(DOLLAR, supply=10**9, debt=10**9), NOW + 1_000)

    assert accrue(once.reserve, NOW + 1_000) == (once.reserve, 0)


def test_a_viewed_market_has_the_same_account_data():
    state = with_reserve(market(stable_dollars=500 * ONE_DOLLAR), DOLLAR, variable_borrow_rate_ray=PERCENT)
    viewed, later = viewed_at(state, NOW + 9_999), NOW + 9_999

    def data(of):
        return account_data(of, BORROWER, prices_base=prices(), timestamp=later)

    assert data(viewed) == data(state)
    assert data(viewed).total_debt_base > data(market(stable_dollars=500 * ONE_DOLLAR)).total_debt_base // 2
    assert {one.last_update_timestamp for one in viewed.reserves.values()} == {later}


def test_who_owes_in_either_mode_is_a_borrower():
    assert list(users_with_debt(market())) == [BORROWER]
    assert list(users_with_debt(market(dollars=0, stable_dollars=1))) == [BORROWER]
    assert list(users_with_debt(market(dollars=0))) == []


def test_a_debt_is_stable_and_variable_together():
    state = market(dollars=70, stable_dollars=30)
    held = position(state, BORROWER, DOLLAR)

    assert debt_balance(state.reserves[DOLLAR], held, NOW) == 100
    assert position(state, TREASURY, DOLLAR).stable_debt == NOBODY


# --- stable debt --------------------------------------------------------------------------------------------


def test_a_stable_debt_compounds_at_its_own_rate_from_its_own_last_action():
    debt = owed(10**27, 10 * PERCENT)

    assert stable_balance(debt, NOW) == 10**27
    assert stable_balance(debt, NOW + YEAR) == GROWN_BY_10_PERCENT_RAY
    assert stable_total(totals(10**27, 10 * PERCENT), NOW + YEAR) == GROWN_BY_10_PERCENT_RAY
    assert stable_balance(owed(0, 10 * PERCENT), NOW - 1) == 0
    with pytest.raises(EvmRevert, match="SafeMath: subtraction overflow"):
        stable_balance(debt, NOW - 1)


def test_a_loan_is_averaged_into_what_the_account_and_the_reserve_owe():
    # 100 at 10 % and 300 at 2 %: 16 a year on 400, which is 4 %. All others: 100 at 30 % before.
    move = mint_stable(totals(200, 20 * PERCENT), owed(100, 10 * PERCENT), 300, 2 * PERCENT, NOW)

    assert move == (totals(500, 46 * RAY // 500), owed(400, 4 * PERCENT))


def test_a_loan_mints_the_interest_since_the_last_action_too():
    # At 31.536 % a year a debt of 1e9 earns 10 a second at first.
    rate_ray = 31_536 * RAY // 100_000
    move = mint_stable(totals(10**9, rate_ray), owed(10**9, rate_ray), 10**9, rate_ray, NOW + 1)

    assert move == (totals(2 * 10**9 + 10, rate_ray, NOW + 1), owed(2 * 10**9 + 10, rate_ray, NOW + 1))


def test_a_loan_whose_rate_leaves_128_bits_or_that_is_nothing_reverts():
    assert mint_stable(totals(0, 0), NOBODY, 10**18, MAX_UINT128, NOW).debt.rate_ray == MAX_UINT128
    with pytest.raises(EvmRevert, match="StableDebtOverflow"):
        mint_stable(totals(0, 0), NOBODY, 10**18, MAX_UINT128 + 1, NOW)
    with pytest.raises(EvmRevert, match="MathDivisionByZero"):
        mint_stable(totals(0, 0), NOBODY, 0, PERCENT, NOW)


def test_a_repayment_leaves_the_rate_of_the_account_and_moves_the_average():
    # Of 16 a year on 400 go 10 a year on 100: 2 % is left.
    move = burn_stable(totals(400, 4 * PERCENT), owed(300, 10 * PERCENT), 100, NOW)

    assert move == (totals(300, 2 * PERCENT), owed(200, 10 * PERCENT))


def test_a_repayment_of_everything_forgets_the_account_and_its_rate():
    assert burn_stable(totals(400, 4 * PERCENT), owed(100, 10 * PERCENT), 100, NOW).debt == NOBODY
    assert burn_stable(totals(100, 10 * PERCENT), owed(100, 10 * PERCENT), 100, NOW) == (totals(0, 0), NOBODY)


def test_a_repayment_below_the_interest_mints_the_rest_of_it():
    # 10 of interest in a second: 3 repaid leave 7 more than were stored, 10 leave it as it was.
    rate_ray = 31_536 * RAY // 100_000

    def left(amount: int) -> StableDebt:
        return burn_stable(totals(10**9, rate_ray), owed(10**9, rate_ray), amount, NOW + 1).debt

    assert left(3) == owed(10**9 + 7, rate_ray, NOW + 1)
    assert left(10) == owed(10**9, rate_ray, NOW + 1)
    assert left(11) == owed(10**9 - 1, rate_ray, NOW + 1)


def test_where_the_average_would_be_negative_the_stored_total_is_lost():
    # 16 a year on 400, of which 100 at 16 % are all and at 20 % more.
    for rate in (16, 20):
        move = burn_stable(totals(400, 4 * PERCENT), owed(100, rate * PERCENT), 100, NOW)
        assert move == (totals(0, 0), NOBODY)


def test_a_repayment_beyond_the_total_that_drifted_ends_the_total():
    move = burn_stable(totals(99, 4 * PERCENT), owed(200, 4 * PERCENT), 100, NOW)

    assert move == (totals(0, 0), owed(100, 4 * PERCENT))


def test_a_repayment_beyond_the_debt_reverts():
    with pytest.raises(EvmRevert, match="BurnExceedsBalance") as caught:
        burn_stable(totals(400, 4 * PERCENT), owed(100, 4 * PERCENT), 101, NOW)

    assert caught.value.numbers == {"principal": 100, "burned": 101}


# --- rates --------------------------------------------------------------------------------------------------


def lent(**changes):
    usual = {"virtual_underlying_balance": 600, "stable_debt": totals(100, 6 * PERCENT)}
    return reserve(DOLLAR, supply=1_000, debt=300, **(usual | changes))


def test_rates_count_stable_debt_in_the_usage_and_its_rate_in_the_income():
    rates = interest_rates(lent(), debt=300, added=0, taken=0, stable_debt=100)

    # Usage 40 %, half of the optimum: 2 % variable, 5 + 1 stable. Income: (300 * 2 % + 100 * 6 %) / 400 on 40 %.
    assert rates == (3 * PERCENT * 40 // 100 * 90 // 100, 2 * PERCENT, 6 * PERCENT)


def test_above_the_optimal_usage_both_rates_climb_their_second_slope():
    rates = interest_rates(lent(virtual_underlying_balance=0), debt=450, added=60, taken=10, stable_debt=0)

    # Usage 90 %: half way from 80 to 100.
    assert rates == (34 * PERCENT * 90 // 100 * 90 // 100, 34 * PERCENT, 5 * PERCENT + 27 * PERCENT)
    assert max_variable_rate(STRATEGY) == 64 * PERCENT


def test_at_the_optimal_usage_the_first_slope_is_all():
    assert borrow_rate(STRATEGY, 80 * PERCENT) == 4 * PERCENT
    assert stable_rate(STRATEGY, 80 * PERCENT) == 7 * PERCENT


def test_at_the_optimal_usage_the_variable_rate_is_still_the_rounded_rise_below_it():
    # A tenth of a slope of 4e-27 is rounded to nothing before it is divided by that tenth.
    fine = replace(STRATEGY, optimal_usage_ray=10 * PERCENT, variable_slope1_ray=4, variable_slope2_ray=0)

    assert borrow_rate(fine, 10 * PERCENT) == 0
    assert borrow_rate(fine, 10 * PERCENT + 1) == 4


def test_where_the_optimum_is_all_there_is_no_excess_to_divide_by():
    full = replace(STRATEGY, optimal_usage_ray=RAY)

    assert (borrow_rate(full, RAY), stable_rate(full, RAY)) == (4 * PERCENT, 7 * PERCENT)


def test_below_the_optimum_the_two_rates_are_rounded_in_different_places():
    # A usage of 1e-27 and an optimum of 3e-27: a third of a slope of 2e27 against a slope of a third.
    strategy = replace(
        STRATEGY,
        optimal_usage_ray=3,
        variable_slope1_ray=2 * RAY,
        stable=replace(STRATEGY.stable, base_rate_ray=0, slope1_ray=2 * RAY),
    )

    assert borrow_rate(strategy, 1) == 666666666666666666666666667
    assert stable_rate(strategy, 1) == 666666666666666666666666666


def test_what_is_not_said_of_rates_and_debts_is_zero():
    plain = replace(STRATEGY, stable=StableStrategy())

    assert stable_rate(plain, RAY) == stable_rate(plain, 0) == 0
    assert StableTotals() == totals(0, 0, 0)
    assert StableDebt() == owed(0, 0, 0)


def test_without_any_debt_the_rates_are_their_bases():
    based = replace(STRATEGY, base_variable_rate_ray=PERCENT)

    assert interest_rates(lent(strategy=based), debt=0, added=0, taken=0) == (0, PERCENT, 5 * PERCENT)
    assert max_variable_rate(based) == borrow_rate(based, RAY) == 65 * PERCENT


def test_an_optimal_usage_of_zero_divides_by_it():
    flat = lent(strategy=replace(STRATEGY, optimal_usage_ray=0))

    with pytest.raises(EvmRevert, match="MathDivisionByZero"):
        interest_rates(flat, debt=0, added=0, taken=0)


def test_more_taken_than_there_is_reverts_even_where_nothing_is_owed():
    assert interest_rates(lent(), debt=0, added=0, taken=600)
    with pytest.raises(EvmRevert, match="SafeMath: subtraction overflow"):
        interest_rates(lent(), debt=0, added=0, taken=601)
    with pytest.raises(EvmRevert, match="ERC20: transfer amount exceeds balance"):
        with_holdings_moved(lent(), taken=601)
    assert with_holdings_moved(lent(), added=1, taken=601).virtual_underlying_balance == 0


def test_new_rates_are_of_the_stored_totals_and_move_nothing_else():
    before = lent(variable_borrow_index_ray=2 * RAY, virtual_underlying_balance=1_000)
    after = with_new_rates(before, added=100, taken=50)
    rates = interest_rates(before, debt=600, added=100, taken=50, stable_debt=100)

    assert (after.liquidity_rate_ray, after.variable_borrow_rate_ray, after.stable_borrow_rate_ray) == rates
    assert after.virtual_underlying_balance == 1_000
    assert after.last_update_timestamp == NOW


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"base_variable_rate_ray": 2**129}, "LiquidityRateOverflow"),
        ({"stable": replace(STRATEGY.stable, base_rate_ray=2**128)}, "StableBorrowRateOverflow"),
        ({"base_variable_rate_ray": 2**128}, "VariableBorrowRateOverflow"),
    ],
)
def test_a_rate_beyond_128_bits_reverts(changes, name):
    no_factor = config(decimals=6, reserve_factor_bps=0)
    full = lent(
        strategy=replace(STRATEGY, **changes),
        config=no_factor,
        stable_debt=totals(0, 0),
        virtual_underlying_balance=300 if name == "VariableBorrowRateOverflow" else 0,
    )

    with pytest.raises(EvmRevert, match=f"^{name}"):
        with_new_rates(full)
