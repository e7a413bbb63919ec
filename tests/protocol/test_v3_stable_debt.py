"""Debt at stable rates: the token's arithmetic, and what liquidations, accrual and rates make of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import (
    Account,
    Liquidated,
    Position,
    StableDebt,
    StableStrategy,
    StableTotals,
    account_data,
    liquidation_call,
    rules_of,
)
from protocol.aave_v3.interest import accrue
from protocol.aave_v3.rates import borrow_rate, interest_rates, stable_rate, with_new_rates
from protocol.aave_v3.stable_debt import burn_stable, mint_stable, stable_balance, stable_total
from protocol.errors import EvmRevert
from protocol.units import RAY
from tests.protocol import markets
from tests.protocol.markets import BORROWER, COIN, DOLLAR, NOW, ONE_DOLLAR, call, market, prices, reserve

YEAR = 31_536_000
PERCENT = RAY // 100
NOBODY = StableDebt()


def totals(principal: int, rate_ray: int, since: int = NOW) -> StableTotals:
    return StableTotals(principal=principal, average_rate_ray=rate_ray, last_update_timestamp=since)


def owed(principal: int, rate_ray: int, since: int = NOW) -> StableDebt:
    return StableDebt(principal=principal, rate_ray=rate_ray, last_update_timestamp=since)


def test_a_stable_debt_compounds_at_its_own_rate_from_its_own_last_action():
    # n = 31,536,000 seconds: 1 + 0.1 + n(n-1)/2 * 10055109076 + n(n-1)(n-2)/6 * 31, the two powers of the rate
    # per second as the contract cuts them, in ray. The third term loses 3 % by that.
    debt = owed(10**27, 10 * PERCENT)

    assert stable_balance(debt, NOW) == 10**27
    assert stable_balance(debt, NOW + YEAR) == stable_total(totals(10**27, 10 * PERCENT), NOW + YEAR)
    assert stable_balance(debt, NOW + YEAR) == 1105162042821782412575504000
    assert stable_balance(owed(0, 10 * PERCENT), NOW + YEAR) == 0
    with pytest.raises(EvmRevert, match="0x11"):
        stable_balance(debt, NOW - 1)


def test_a_loan_is_averaged_into_what_the_account_and_the_reserve_owe():
    # 100 at 10 % and 300 at 2 %: 16 a year on 400, which is 4 %.
    move = mint_stable(totals(100, 10 * PERCENT), owed(100, 10 * PERCENT), 300, 2 * PERCENT, NOW)

    assert move == (totals(400, 4 * PERCENT), owed(400, 4 * PERCENT), 400)


def test_a_loan_mints_the_interest_since_the_last_action_too():
    # At 31.536 % a year a debt of 1e9 earns 10 a second at first.
    rate_ray = 31_536 * RAY // 100_000
    move = mint_stable(totals(10**9, rate_ray), owed(10**9, rate_ray), 10**9, rate_ray, NOW + 1)

    assert move.debt == owed(2 * 10**9 + 10, rate_ray, NOW + 1)
    assert move.totals == totals(2 * 10**9 + 10, rate_ray, NOW + 1)
    assert move.reported_total == 2 * 10**9 + 10


def test_a_repayment_leaves_the_rate_of_the_account_and_moves_the_average():
    # Of 16 a year on 400 go 10 a year on 100: 2 % is left.
    move = burn_stable(totals(400, 4 * PERCENT), owed(300, 10 * PERCENT), 100, NOW + 0)

    assert move == (totals(300, 2 * PERCENT), owed(200, 10 * PERCENT), 300)


def test_a_repayment_of_everything_forgets_the_account_and_its_rate():
    assert burn_stable(totals(400, 4 * PERCENT), owed(100, 10 * PERCENT), 100, NOW).debt == NOBODY
    last = burn_stable(totals(100, 10 * PERCENT), owed(100, 10 * PERCENT), 100, NOW)
    assert last == (totals(0, 0), NOBODY, 0)


def test_a_repayment_below_the_interest_mints_the_rest_of_it():
    # 10 of interest in a second, 3 repaid: 7 more are owed than were stored.
    rate_ray = 31_536 * RAY // 100_000
    move = burn_stable(totals(10**9, rate_ray), owed(10**9, rate_ray), 3, NOW + 1)

    assert move.debt == owed(10**9 + 7, rate_ray, NOW + 1)
    assert move.totals.principal == move.reported_total == 10**9 + 7


def test_where_the_average_would_be_negative_the_stored_total_is_lost_but_the_pool_hears_the_difference():
    # 16 a year on 400, of which 100 at 20 % would be 20 a year, and at 16 % all of it.
    for rate_ray in (20 * PERCENT, 16 * PERCENT):
        move = burn_stable(totals(400, 4 * PERCENT), owed(100, rate_ray), 100, NOW)
        assert move == (totals(0, 0), NOBODY, 300)


def test_a_repayment_beyond_the_total_that_drifted_ends_the_total():
    move = burn_stable(totals(99, 4 * PERCENT), owed(200, 4 * PERCENT), 100, NOW)

    assert move == (totals(0, 0), owed(100, 4 * PERCENT), 0)
    exactly = burn_stable(totals(100, 10 * PERCENT), owed(200, 4 * PERCENT), 100, NOW)
    assert exactly == (totals(0, 0), owed(100, 4 * PERCENT), 0)


def test_a_repayment_beyond_the_debt_reverts():
    with pytest.raises(EvmRevert, match="0x11"):
        burn_stable(totals(400, 4 * PERCENT), owed(100, 4 * PERCENT), 101, NOW)


# --- in the market ------------------------------------------------------------------------------------------


def indebted(revision: str, *, variable: int = 5_000, stable: int = 3_000):
    """Ten coins against dollars, part of them at a stable rate of 10 %; the reserve's average is the same."""
    debt = owed(stable * ONE_DOLLAR, 10 * PERCENT)
    state = market(
        revision,
        dollars=variable * ONE_DOLLAR,
        dollar={"stable_debt": totals(stable * ONE_DOLLAR, 10 * PERCENT)},
    )
    account = state.accounts[BORROWER]
    with_stable = replace(account.positions[DOLLAR], stable_debt=debt)
    positions = {**account.positions, DOLLAR: with_stable}
    return replace(state, accounts={**state.accounts, BORROWER: Account(positions=positions)})


def liquidated(state, dollars: int) -> Liquidated:
    outcome = liquidation_call(
        state, call(debt_to_cover=dollars * ONE_DOLLAR), prices_base=prices(900_00), timestamp=NOW
    )
    assert isinstance(outcome, Liquidated), outcome
    return outcome


@pytest.mark.parametrize(("revision", "dollars"), [("3.0.0", 8_000), ("3.0.2", 8_000), ("3.1", 5_000)])
def test_account_data_count_stable_debt_up_to_3_0_2(revision, dollars):
    data = account_data(indebted(revision), BORROWER, prices_base=prices(900_00), timestamp=NOW)

    assert data.total_debt_base == dollars * 10**8


@pytest.mark.parametrize("revision", ["3.0.0", "3.0.1", "3.0.2"])
@pytest.mark.parametrize(
    ("cover", "variable", "stable"),
    [(4_000, 1_000, 3_000), (5_000, 0, 3_000), (6_000, 0, 2_000), (9_000, 0, 0)],
)
def test_a_liquidation_repays_variable_debt_first_and_the_rest_from_stable(revision, cover, variable, stable):
    outcome = liquidated(indebted(revision), cover)
    left = outcome.market.accounts[BORROWER].positions.get(DOLLAR, Position())

    assert outcome.debt_repaid == min(cover, 8_000) * ONE_DOLLAR
    assert left.scaled_variable_debt == variable * ONE_DOLLAR
    assert left.stable_debt.principal == stable * ONE_DOLLAR
    assert left.borrowing is (variable + stable > 0)
    assert outcome.market.reserves[DOLLAR].stable_debt.principal == stable * ONE_DOLLAR
    assert outcome.market.reserves[DOLLAR].total_scaled_variable_debt == variable * ONE_DOLLAR


def test_stable_debt_that_is_not_reached_is_not_even_brought_up_to_date():
    state = indebted("3.0.2")
    dollar = replace(state.reserves[DOLLAR], variable_borrow_rate_ray=0, liquidity_rate_ray=0)
    state = replace(state, reserves={**state.reserves, DOLLAR: dollar})
    exactly = call(debt_to_cover=5_000 * ONE_DOLLAR)
    outcome = liquidation_call(state, exactly, prices_base=prices(900_00), timestamp=NOW + 1_000)

    assert isinstance(outcome, Liquidated)
    assert outcome.market.reserves[DOLLAR].stable_debt == dollar.stable_debt
    left = outcome.market.accounts[BORROWER].positions[DOLLAR]
    assert left.stable_debt == owed(3_000 * ONE_DOLLAR, 10 * PERCENT)
    assert (left.scaled_variable_debt, left.borrowing) == (0, True)


def test_a_debt_that_is_stable_alone_is_liquidated_without_touching_variable_debt():
    outcome = liquidated(indebted("3.0.2", variable=0, stable=8_000), 1_000)

    left = outcome.market.accounts[BORROWER].positions[DOLLAR]
    assert left.stable_debt.principal == 7_000 * ONE_DOLLAR
    assert left.borrowing


def test_half_of_both_debts_together_is_what_one_call_may_repay_above_095():
    outcome = liquidation_call(indebted("3.0.2"), call(), prices_base=prices(960_00), timestamp=NOW)

    assert isinstance(outcome, Liquidated)
    assert outcome.debt_repaid == 4_000 * ONE_DOLLAR


def test_the_treasury_gets_its_part_of_stable_interest_since_the_reserve_s_last_update():
    # Stable debt of 1e12 at 31.536 % from NOW: 1e4 a second and 5e-5 more in the second second, not counted
    # yet; the reserve was updated after one second. Half of the interest, 5000, goes to the treasury.
    rate_ray = 31_536 * RAY // 100_000
    stale = reserve(
        DOLLAR,
        supply=0,
        debt=0,
        config=markets.config(decimals=6, reserve_factor_bps=50_00),
        liquidity_rate_ray=0,
        stable_debt=totals(10**12, rate_ray),
        last_update_timestamp=NOW + 1,
    )

    def accrued(revision: str) -> int:
        return accrue(stale, rules_of(revision), NOW + 2).accrued_to_treasury_scaled

    assert accrued("3.0.0") == accrued("3.0.2") == 5_000
    assert accrued("3.1") == 0
    without_factor = replace(stale, config=markets.config(reserve_factor_bps=0))
    assert accrue(without_factor, rules_of("3.0.2"), NOW + 2).accrued_to_treasury_scaled == 0


STRATEGY = replace(
    markets.STRATEGY,  # optimal usage 80 %, slopes 4 % and 60 %
    stable=StableStrategy(
        base_rate_ray=5 * PERCENT,
        slope1_ray=2 * PERCENT,
        slope2_ray=50 * PERCENT,
        excess_offset_ray=8 * PERCENT,
        optimal_stable_to_total_debt_ray=20 * PERCENT,
    ),
)


def lent(**changes):
    usual = {"strategy": STRATEGY, "virtual_underlying_balance": 600, "stable_debt": totals(100, 6 * PERCENT)}
    return reserve(DOLLAR, supply=1_000, debt=300, **(usual | changes))


def test_rates_count_stable_debt_in_the_usage_and_its_rate_in_the_income():
    rates = interest_rates(lent(), rules_of("3.0.2"), debt=300, added=0, taken=0, stable_debt=100)

    # Usage 40 %, half of the optimum: 2 % variable; stable 5 + 1, and a quarter of all debt is 5 % above the
    # optimal fifth of a scale of 80 %: 1/16 of 8 %. Income: (300 * 2 % + 100 * 6 %) / 400 = 3 % on 40 %, less 10 %.
    assert rates.variable_ray == 2 * PERCENT
    assert rates.stable_ray == 6 * PERCENT + PERCENT // 2
    assert rates.liquidity_ray == 3 * PERCENT * 40 // 100 * 90 // 100


def test_above_the_optimal_usage_the_stable_rate_climbs_its_second_slope():
    rates = interest_rates(
        lent(virtual_underlying_balance=0), rules_of("3.0.2"), debt=450, added=50, taken=0, stable_debt=0
    )

    # Usage 90 %: half way from 80 to 100.
    assert rates.variable_ray == 4 * PERCENT + 30 * PERCENT
    assert rates.stable_ray == 5 * PERCENT + 2 * PERCENT + 25 * PERCENT


def test_at_the_optimal_usage_both_rates_are_still_the_rounded_rise_below_it():
    # A tenth of a slope of 4e-27 is rounded to nothing before it is divided by that tenth.
    fine = replace(
        STRATEGY,
        optimal_usage_ray=10 * PERCENT,
        variable_slope1_ray=4,
        variable_slope2_ray=0,
        stable=replace(STRATEGY.stable, base_rate_ray=0, slope1_ray=4, slope2_ray=0),
    )

    assert borrow_rate(fine, 10 * PERCENT) == stable_rate(fine, 10 * PERCENT, 0) == 0
    assert borrow_rate(fine, 10 * PERCENT + 1) == stable_rate(fine, 10 * PERCENT + 1, 0) == 4


def test_where_the_optimum_is_all_there_is_no_excess_to_divide_by():
    assert borrow_rate(replace(STRATEGY, optimal_usage_ray=RAY), RAY) == 4 * PERCENT


def test_without_any_debt_the_rates_are_their_bases():
    rates = interest_rates(lent(), rules_of("3.0.2"), debt=0, added=0, taken=0, stable_debt=0)

    assert rates == (0, 0, 5 * PERCENT)


def test_a_strategy_whose_optimal_usage_is_zero_divides_by_it():
    flat = lent(strategy=replace(STRATEGY, optimal_usage_ray=0))

    with pytest.raises(EvmRevert, match="EmptyRevert"):
        interest_rates(flat, rules_of("3.0.2"), debt=0, added=0, taken=0)


def test_from_3_1_on_there_is_no_stable_rate_and_no_stable_debt_in_the_rates():
    updated = with_new_rates(lent(stable_borrow_rate_ray=1), rules_of("3.1"))

    assert updated.stable_borrow_rate_ray == 0
    # Usage 1/3 of an optimum of 80 %: 4 % * (1/3) / 0.8, rounded to the nearest twice.
    assert updated.variable_borrow_rate_ray == 16_666_666_666_666_666_666_666_666


def test_the_pool_computes_rates_with_the_total_that_a_burn_reported():
    """The average of 1 % cannot bear that 100 of 400 leave at 10 %: 300 are told, none are stored."""
    state = indebted("3.0.2", variable=0, stable=8_000)
    thin = replace(state.reserves[DOLLAR], stable_debt=totals(32_000 * ONE_DOLLAR, PERCENT // 10))
    outcome = liquidated(replace(state, reserves={**state.reserves, DOLLAR: thin}), 8_000)

    after = outcome.market.reserves[DOLLAR]
    assert after.stable_debt == totals(0, 0)
    available = thin.virtual_underlying_balance + 8_000 * ONE_DOLLAR
    usage_ray = (24_000 * ONE_DOLLAR * RAY + (available + 24_000 * ONE_DOLLAR) // 2) // (
        available + 24_000 * ONE_DOLLAR
    )
    assert after.variable_borrow_rate_ray == (4 * PERCENT * usage_ray + RAY // 2) // RAY * 10 // 8 + 1
    assert after.liquidity_rate_ray == 0
    assert after.virtual_underlying_balance == available
    assert COIN in outcome.market.reserves
