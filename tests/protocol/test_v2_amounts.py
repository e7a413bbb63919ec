"""Aave v2: how much is repaid and seized, and the debt that must remain."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.aave_v2 import Liquidated, account_data, liquidation_call
from protocol.aave_v2.amounts import Seizure, Terms, seizure
from protocol.aave_v2.frontier import drops, exhaustion, residual_exact, residual_if_exhausted
from protocol.aave_v2.pairs import is_toxic, payout_ratio, position_values, residual_of_pair
from protocol.errors import EvmRevert
from protocol.units import WAD
from tests.protocol.markets_v2 import (
    BORROWER,
    DOLLAR,
    ETHER,
    NOW,
    ONE_DOLLAR,
    ONE_ETHER,
    call,
    liquidated,
    market,
    position,
    prices,
    with_position,
    with_reserve,
)


def terms(**changes: int) -> Terms:
    usual = {
        "collateral_price_base": 10**18,
        "collateral_unit": 10**18,
        "debt_price_base": 10**15,
        "debt_unit": 10**6,
        "bonus_bps": 105_00,
    }
    return Terms(**(usual | changes))


some_terms = st.builds(
    Terms,
    collateral_price_base=st.integers(1, 10**22),
    collateral_unit=st.sampled_from((1, 10**2, 10**6, 10**18)),
    debt_price_base=st.integers(1, 10**22),
    debt_unit=st.sampled_from((1, 10**2, 10**6, 10**18)),
    bonus_bps=st.integers(100_01, 120_00),
)
amounts = st.integers(0, 10**24)


def test_the_debt_binds_where_there_is_collateral_enough():
    assert seizure(terms(), debt_to_cover=10**9, collateral_balance=10**19) == Seizure(105 * 10**16, 10**9)
    assert seizure(terms(), debt_to_cover=10**9, collateral_balance=105 * 10**16) == Seizure(
        105 * 10**16, 10**9
    )


def test_the_collateral_binds_where_there_is_too_little():
    assert seizure(terms(), debt_to_cover=2 * 10**9, collateral_balance=105 * 10**16) == Seizure(
        105 * 10**16, 10**9
    )


def test_the_bonus_comes_on_before_the_division_and_is_rounded_there():
    # Worth 1.999 units: 5 % on top of that makes 2; on top of the 1 that Aave v3 rounds it to, it does not.
    odd = terms(collateral_price_base=1000, collateral_unit=1, debt_price_base=1999, debt_unit=1)

    assert odd.collateral_for(1) == 2
    # 10 units of price 1 are worth 10.5, the nearest is 11.
    assert (
        terms(collateral_price_base=1, collateral_unit=1, debt_price_base=1, debt_unit=1).collateral_for(10)
        == 11
    )


def test_the_debt_that_collateral_repays_is_cut_and_then_rounded_to_the_nearest():
    one = terms(collateral_price_base=3, collateral_unit=1, debt_price_base=2, debt_unit=1)

    # 11 units are worth 16.5, cut to 16; over 1.05 that is 15.24.
    assert one.debt_for(11) == 15
    # 2 units are worth 3; over 1.05 that is 2.86.
    assert one.debt_for(2) == 3


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"collateral_price_base": 0}, "SafeMath: division by zero"),
        ({"debt_price_base": 2**255}, "SafeMath: multiplication overflow"),
        ({"debt_price_base": 2**180}, "MathMultiplicationOverflow"),
    ],
)
def test_what_cannot_be_computed_reverts(changes, name):
    with pytest.raises(EvmRevert, match=f"^{name}"):
        terms(**changes).collateral_for(10**4)


def test_collateral_is_worth_no_debt_that_costs_nothing():
    with pytest.raises(EvmRevert, match="SafeMath: division by zero"):
        terms(debt_price_base=0).debt_for(1)
    with pytest.raises(EvmRevert, match="MathDivisionByZero"):
        terms(bonus_bps=0).debt_for(1)


@given(one=some_terms, cover=amounts, balance=amounts)
def test_no_call_repays_more_than_was_to_be_covered_nor_takes_more_than_there_is(one, cover, balance):
    seized = seizure(one, debt_to_cover=cover, collateral_balance=balance)

    assert seized.debt <= cover
    assert seized.collateral <= balance


# --- what must remain ---------------------------------------------------------------------------------------


@given(one=some_terms, debt=amounts, collateral=amounts)
def test_the_residual_lies_within_two_units_of_the_exact_one(one, debt, collateral):
    residual, exact = residual_if_exhausted(one, collateral=collateral, debt=debt), None
    exact = residual_exact(one, collateral=collateral, debt=debt)

    if residual is None:
        # Rounding decides below a unit of either asset.
        unit_of_collateral = Fraction(
            one.collateral_price_base * one.debt_unit, one.debt_price_base * one.collateral_unit
        )
        assert exact <= unit_of_collateral + 2
    else:
        assert residual > 0
        assert abs(residual - exact) < 2


def test_the_residual_is_what_the_bonus_does_not_let_repay():
    # 105 wei of ether repay 100 of 250.
    one = terms(debt_price_base=10**18, debt_unit=10**18)

    assert residual_if_exhausted(one, collateral=105, debt=250) == 150
    assert residual_exact(one, collateral=105, debt=250) == 150
    assert residual_if_exhausted(one, collateral=105, debt=100) is None
    assert residual_if_exhausted(one, collateral=104, debt=100) == 1
    # 105 is wanted and 104.5 rounds up to it: nothing is left, though the collateral is a unit short.
    assert residual_if_exhausted(one, collateral=10, debt=10) is None


@given(ethers=st.integers(10**15, 10**19), dollars=st.integers(10**6, 10**10), rate=st.integers(500, 2000))
def test_halving_after_halving_leaves_the_residual(ethers, dollars, rate):
    state = market(ethers=ethers, dollars=dollars)
    wanted, _ = residual_of_pair(state, call(), prices_base=prices(rate), timestamp=NOW)
    n_calls = 0
    while isinstance(
        done := liquidation_call(state, call(), prices_base=prices(rate), timestamp=NOW), Liquidated
    ):
        n_calls, state = n_calls + 1, done.market
    left = position(state, BORROWER, DOLLAR).scaled_variable_debt

    assert n_calls < 60
    if wanted == 0:
        data = account_data(state, BORROWER, prices_base=prices(rate), timestamp=NOW)
        assert data.health_factor_wad >= WAD or left <= n_calls
    else:
        assert abs(left - wanted) <= n_calls


def test_an_account_is_valued_asset_by_asset():
    state = with_position(market(), BORROWER, DOLLAR, scaled_atoken=5, collateral_enabled=False)
    wei = ONE_ETHER // 900

    def values(of):
        return position_values(of, BORROWER, prices_base=prices(900), timestamp=NOW)

    assert values(state) == ({ETHER: 10 * ONE_ETHER}, {DOLLAR: 8_000 * wei})
    as_collateral = with_position(state, BORROWER, DOLLAR, collateral_enabled=True)
    assert values(as_collateral)[0] == {ETHER: 10 * ONE_ETHER, DOLLAR: 5 * wei // 10**6}
    assert values(with_reserve(state, ETHER, liquidation_threshold_bps=0))[0] == {}
    assert values(market(dollars=0))[1] == {}
    assert payout_ratio(state, BORROWER, ETHER) == Fraction(105, 100)


def test_drops_say_where_an_account_turns_liquidatable_toxic_and_short():
    """8,000 dollars against 10 ether of 2,000: 40 %. The threshold is 80 %, over the bonus 1 / 1.05."""
    state, at = market(), prices(2000)
    said = drops(state, BORROWER, [ETHER], prices_base=at, timestamp=NOW)
    weighed = exhaustion(state, BORROWER, prices_base=at, timestamp=NOW)

    assert said.liquidatable == Fraction(1, 2)
    assert said.toxic == {ETHER: 1 - Fraction(40 * 105, 100 * 100)}
    assert said.debt_remains == said.toxic[ETHER]
    assert not weighed.leaves_debt
    assert (weighed.debt_base, weighed.residual_base) == (4 * ONE_ETHER, 0)
    assert weighed.repayable_base == Fraction(10 * ONE_ETHER * 100, 105)


@pytest.mark.parametrize(("rate", "toxic"), [(841, False), (840, False), (839, True)])
def test_a_call_is_toxic_below_bonus_times_threshold_and_then_it_lowers_the_health(rate, toxic):
    """At 840 dollars the ether is worth 8,400: 5 % more than the debt."""
    state, at = market(), prices(rate) | {DOLLAR: 10**18, ETHER: rate * 10**18}

    def health(of):
        return account_data(of, BORROWER, prices_base=at, timestamp=NOW).health_factor_wad

    outcome = liquidation_call(state, call(), prices_base=at, timestamp=NOW)
    assert isinstance(outcome, Liquidated)
    assert is_toxic(state, call(), prices_base=at, timestamp=NOW) is toxic
    assert (health(outcome.market) < health(state)) is toxic
    residual, exact = residual_of_pair(state, call(), prices_base=at, timestamp=NOW)
    assert (residual > 0) is toxic
    assert exact == (8_000 - Fraction(rate * 10 * 100, 105)) * ONE_DOLLAR


def test_a_residual_counts_stable_debt_and_interest():
    state = market(stable_dollars=8_000 * ONE_DOLLAR)
    residual, exact = residual_of_pair(state, call(), prices_base=prices(1000), timestamp=NOW)

    assert exact == (16_000 - Fraction(10_000 * 100, 105)) * ONE_DOLLAR
    assert abs(residual - exact) < 1
    later, _ = residual_of_pair(state, call(), prices_base=prices(1000), timestamp=NOW + 10**6)
    assert later > residual


def test_bound_by_collateral_the_model_repays_what_the_terms_say():
    outcome = liquidated(market(), 300)

    wei = ONE_ETHER // 300
    assert outcome.collateral_to_liquidator == 10 * ONE_ETHER
    assert outcome.debt_repaid == (10 * ONE_ETHER * 10**6 // wei * 10_000 + 5_250) // 10_500
