"""What no liquidation of Compound v2 can avoid: closed forms against the contract's own steps."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compound_v2 import (
    Liquidated,
    LiquidationCall,
    account_data,
    backing,
    bad_debt,
    borrow_balance,
    exchange_rate,
    mint,
)
from protocol.compound_v2.amounts import Terms
from protocol.compound_v2.frontier import (
    after_steps,
    drops,
    exhaustion,
    residual_exact,
    residual_if_exhausted,
)
from protocol.compound_v2.pairs import is_toxic, payout_ratio, position_values, residual_of_pair
from protocol.compound_v2.reporter import Rejected
from protocol.units import WAD
from tests.protocol.compound_v2_markets import (
    BORROWER,
    DEAR,
    DOLLAR,
    ETHER,
    LIQUIDATOR,
    NOTE,
    NOW,
    PERCENT,
    PRICES,
    STONE,
    acted,
    liquidate,
    liquidated,
    market,
    position,
    units,
    usd,
    with_ctoken,
)

OWING: dict[str, Any] = {"holds": {ETHER: 10}, "owes": {DOLLAR: 15_000}}
AT: dict[str, Any] = {"prices_mantissa": PRICES, "block_number": NOW}
CALL = LiquidationCall(
    collateral_id=ETHER, debt_id=DOLLAR, borrower=BORROWER, liquidator=LIQUIDATOR, repay_amount=0
)


def at(**prices: float) -> dict[str, Any]:
    return {"prices_mantissa": usd(**prices), "block_number": NOW}


def test_one_collateral_and_one_debt_have_three_drops_of_which_two_are_one():
    found = drops(market(**OWING), BORROWER, {ETHER}, **AT)

    assert found.liquidatable == 0
    assert found.toxic == {ETHER: 1 - Fraction(15_000 * 108, 20_000 * 100)}
    assert found.debt_remains == found.toxic[ETHER]


def test_the_budget_from_the_limit_to_what_remains_is_one_less_factor_times_incentive():
    for factor in (50, 75, 90):
        state = with_ctoken(market(holds={ETHER: 10}, owes={DOLLAR: 10_000}), ETHER)
        state = with_ctoken(state, ETHER, collateral_factor_mantissa=factor * PERCENT)
        found = drops(state, BORROWER, {ETHER}, **AT)

        assert found.liquidatable is not None
        assert found.debt_remains is not None
        left = (1 - found.debt_remains) / (1 - found.liquidatable)
        assert 1 - left == 1 - Fraction(factor * 108, 10_000)


def test_drops_at_their_edges():
    state = market(**OWING)
    found = drops(state, BORROWER, {ETHER}, **AT)

    assert found.debt_remains == 1 - Fraction(1_620, 2_000)
    assert not exhaustion(state, BORROWER, **at(ether=1_620)).leaves_debt
    assert exhaustion(state, BORROWER, **at(ether=1_619.99)).leaves_debt
    assert not is_toxic(state, CALL, **at(ether=1_620))
    assert is_toxic(state, CALL, **at(ether=1_619.99))
    assert account_data(state, BORROWER, **at(ether=2_000)).shortfall_usd_mantissa == 0
    assert account_data(state, BORROWER, **at(ether=1_999.99)).shortfall_usd_mantissa > 0
    assert drops(state, BORROWER, {NOTE}, **AT).liquidatable is None, (
        "at its edge, and no fall takes it beyond"
    )


def test_a_debt_that_falls_too_never_makes_an_account_worse():
    state = market(holds={ETHER: 10}, owes={ETHER: 7})

    assert drops(state, BORROWER, {ETHER}, **AT).liquidatable == 1, "only when nothing is worth anything"
    lent = market(holds={ETHER: 10}, owes={DOLLAR: 1_000, NOTE: 1_000})
    assert drops(lent, BORROWER, {DOLLAR}, **AT).liquidatable is None
    assert drops(market(holds={ETHER: 10}), BORROWER, {ETHER}, **AT).debt_remains is None
    assert drops(state, BORROWER, {ETHER}, **at(ether=1)).debt_remains == 1


def test_what_has_happened_and_no_fall_undoes_has_a_drop_of_nothing():
    state = with_ctoken(market(holds={ETHER: 10}, owes={ETHER: 7}), ETHER, collateral_factor_mantissa=PERCENT)
    found = drops(state, BORROWER, {ETHER}, **AT)

    assert found.liquidatable == 0
    assert drops(state, BORROWER, {NOTE}, **AT).liquidatable == 0
    assert drops(state, BORROWER, {NOTE}, **AT).debt_remains is None


def test_what_was_never_entered_pays_and_does_not_count():
    state = market(**OWING)
    more = acted(mint(state, BORROWER, NOTE, units(NOTE, 5_000), block_number=NOW)).market
    found, plain = drops(more, BORROWER, {ETHER, NOTE}, **AT), drops(state, BORROWER, {ETHER}, **AT)

    assert found.liquidatable == plain.liquidatable
    assert found.debt_remains == 1 - Fraction(15_000 * 108, 25_000 * 100)
    assert found.toxic[NOTE] == 1, "it counts for nothing, so taking it only repays"
    assert not is_toxic(more, replace(CALL, collateral_id=NOTE), **at(ether=100))
    assert exhaustion(more, BORROWER, **AT).repayable_usd_mantissa == Fraction(25_000 * 100, 108) * WAD


def test_without_an_incentive_nothing_is_repaid():
    state = replace(market(**OWING), liquidation_incentive_mantissa=0)

    assert exhaustion(state, BORROWER, **AT).residual_usd_mantissa == 15_000 * WAD
    assert exhaustion(market(**OWING), BORROWER, **AT).residual_usd_mantissa == 0


def test_the_largest_steps_follow_the_powers_of_the_close_factor():
    state, prices = market(holds={STONE: 1}, owes={DOLLAR: 30_000}), usd(stone=32_000)
    for n_steps in range(1, 6):
        held = position(state, BORROWER, DOLLAR)
        owed = borrow_balance(state.ctokens[DOLLAR], held)
        state = liquidated(liquidate(state, owed // 2, collateral=STONE, prices=prices)).market
        debt, collateral = after_steps(
            Fraction(30_000),
            Fraction(32_000),
            n_steps=n_steps,
            close_factor=Fraction(1, 2),
            incentive=Fraction(108, 100),
        )
        left = borrow_balance(state.ctokens[DOLLAR], position(state, BORROWER, DOLLAR))
        stones = position(state, BORROWER, STONE).ctokens * 2 * 10**16 // WAD

        assert abs(debt * 10**6 - left) <= 1
        assert abs(collateral / 32_000 * 10**8 - stones) < 2


@given(
    held=st.integers(0, 10**14),
    debt=st.integers(0, 10**18),
    price=st.integers(1, 10**24),
    rate=st.integers(10**14, 10**17),
    incentive=st.integers(WAD, 2 * WAD),
)
def test_integers_lie_within_the_ratios_rounding_of_the_fraction(
    held: int, debt: int, price: int, rate: int, incentive: int
):
    terms = Terms(
        incentive_mantissa=incentive,
        debt_price_mantissa=10**30,
        collateral_price_mantissa=price * 10**8,
        exchange_rate_mantissa=rate,
    )
    if terms.multiply(terms.collateral_price_mantissa, rate) == 0 or terms.ratio_mantissa == 0:
        return
    integer = residual_if_exhausted(terms, collateral_ctokens=held, debt=debt)
    exact = residual_exact(terms, collateral_ctokens=held, debt=debt)
    ratio = Fraction(incentive * 10**30, terms.collateral_price_mantissa * rate)

    most, cut = debt - exact, terms.ratio_mantissa / ratio / WAD
    slack = (held + 1) / (cut * ratio) - most + 1
    assert (integer or 0) <= max(exact, 0) + 1
    assert integer is None or exact - integer <= slack


@pytest.mark.parametrize("stone", [33_000, 30_000, 20_000, 1_000])
def test_what_remains_after_liquidating_to_the_end_is_the_closed_form(stone: int):
    state, prices = market(holds={STONE: 1}, owes={DOLLAR: 30_000}), usd(stone=stone)
    call = replace(CALL, collateral_id=STONE)
    integer, exact = residual_of_pair(state, call, prices_mantissa=prices, block_number=NOW)
    whole = exhaustion(state, BORROWER, prices_mantissa=prices, block_number=NOW)
    steps = 0
    while True:
        held = position(state, BORROWER, STONE).ctokens
        owed = borrow_balance(state.ctokens[DOLLAR], position(state, BORROWER, DOLLAR))
        terms = Terms(
            incentive_mantissa=state.liquidation_incentive_mantissa,
            debt_price_mantissa=prices[DOLLAR],
            collateral_price_mantissa=prices[STONE],
            exchange_rate_mantissa=exchange_rate(state.ctokens[STONE]),
        )
        done = liquidate(state, min(owed // 2, terms.most_repaid_from(held)), collateral=STONE, prices=prices)
        if held == 0 or not isinstance(done, Liquidated):
            break
        state, steps = done.market, steps + 1

    left = borrow_balance(state.ctokens[DOLLAR], position(state, BORROWER, DOLLAR))
    if integer:
        assert steps > 0
        assert position(state, BORROWER, STONE).ctokens == 0
        assert abs(left - integer) <= steps
        assert bad_debt(state, BORROWER) == {DOLLAR: left}
        assert whole.leaves_debt
        assert whole.residual_usd_mantissa == exact * 10**12
    else:
        assert bad_debt(state, BORROWER) == {}
        assert not whole.leaves_debt
        data = account_data(state, BORROWER, prices_mantissa=prices, block_number=NOW)
        assert data.shortfall_usd_mantissa == 0, "it has healed before"


def test_positions_are_valued_unweighted_and_as_stored():
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000}, rate_model=DEAR)
    state = acted(mint(state, BORROWER, NOTE, units(NOTE, 5), block_number=NOW)).market
    later = {"prices_mantissa": PRICES, "block_number": NOW + 10**6}

    assert position_values(state, BORROWER, **later) == (
        {ETHER: 20_000 * WAD, NOTE: 5 * WAD},
        {DOLLAR: 15_000 * WAD},
    )
    assert position_values(state, "nobody", **later) == ({}, {})
    assert payout_ratio(state, BORROWER, ETHER) == Fraction(108, 100) * Fraction(972, 1_000)


def test_a_pair_is_seen_as_the_call_would_see_it():
    state = market(**OWING, rate_model=DEAR)
    later = {"prices_mantissa": usd(ether=1_000), "block_number": NOW + 10**6}
    integer, exact = residual_of_pair(state, CALL, **later)

    assert integer > units(DOLLAR, 15_000) - units(DOLLAR, 10_000) * 100 // 108
    assert integer - 1 <= exact <= integer + 1
    assert not is_toxic(state, replace(CALL, borrower="nobody"), **later)
    with pytest.raises(Rejected):
        is_toxic(state, CALL, prices_mantissa={**PRICES, ETHER: 0}, block_number=NOW)


def test_reserves_stand_before_the_loss():
    state = with_ctoken(market(), DOLLAR, total_reserves_underlying=10, total_supply_ctokens=10**12)
    found = backing(state, DOLLAR)

    assert found.claims_underlying == found.cash_underlying - 10
    assert found.missing_underlying == 0
    assert found.bad_debt_underlying == found.good_debt_underlying == 0
