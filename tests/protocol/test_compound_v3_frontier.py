"""The closed form of forgiven debt and of the reserves' loss against what absorbing and selling leaves."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compound_v3 import BASE, Bought, account_data, buy_collateral, collateral_reserves, reserves
from protocol.compound_v3.frontier import Drops, absorption, drops
from protocol.compound_v3.pairs import payout_ratio, position_values, residual_of_account
from protocol.errors import EvmRevert
from protocol.units import WAD
from tests.protocol.compound_v3_markets import (
    BANK,
    BORROWER,
    COIN,
    DAY,
    NOW,
    STONE,
    absorbed,
    account,
    done,
    market,
    usd,
    with_config,
    with_info,
)

PAIR = market(holds={COIN: 10}, owes=7_000)
MANY = market(holds={COIN: 5, STONE: 100}, owes=6_900)
UNIT = 10**6
"""A dollar. [base asset units]"""
AT = {"timestamp": NOW}


def sold_out(state, prices):
    """The market after all absorbed collateral was bought for as little as it takes."""
    for i in (COIN, STONE):
        left = collateral_reserves(state.assets[i])
        if left == 0:
            continue
        price = Fraction(prices[i], prices[BASE]) / payout_ratio(state, i)
        pay = int(left * price * UNIT / state.assets[i].info.scale)
        outcome = buy_collateral(state, i, 0, pay, prices_base=prices, timestamp=NOW)
        assert isinstance(outcome, Bought), outcome
        state = outcome.market
    return state


@given(cents=st.integers(1, 1_600_00), stone=st.integers(1, 80_00), state=st.sampled_from([PAIR, MANY]))
def test_what_is_forgiven_is_the_debt_beyond_the_credit_to_a_unit(cents, stone, state):
    prices = usd(coin=cents / 100, stone=stone / 100)
    settled = absorption(state, BORROWER, prices_base=prices, **AT)
    forgiven, exact = residual_of_account(state, BORROWER, prices_base=prices, **AT)
    if not account_data(state, BORROWER, prices_base=prices, **AT).is_absorbable:
        assert (forgiven, exact) == (0, 0)
        return

    hidden = Fraction(4, 10**8) * UNIT + 1  # two roundings of two values, and one of their sum
    outcome = done(state, prices).absorbed[0]
    assert forgiven == outcome.debt_forgiven
    assert max(exact, Fraction(0)) <= forgiven < max(exact, Fraction(0)) + hidden
    assert settled.forgiven_base == max(exact, Fraction(0)) * 10**8 / UNIT


@given(cents=st.integers(1, 1_600_00), stone=st.integers(1, 80_00), state=st.sampled_from([PAIR, MANY]))
def test_what_the_reserves_gain_or_lose_is_told_before(cents, stone, state):
    prices = usd(coin=cents / 100, stone=stone / 100)
    told = absorption(state, BORROWER, prices_base=prices, **AT)
    if not account_data(state, BORROWER, prices_base=prices, **AT).is_absorbable:
        return
    state = with_config(state, target_reserves=2**104)
    after = sold_out(done(state, prices).market, prices)
    gained = reserves(after, NOW) - reserves(state, NOW)

    # a value keeps 8 decimals, and so does the discounted price of every token sold
    tokens = sum(Fraction(held, state.assets[i].info.scale) for i, held in account(state).collateral.items())
    assert abs(gained - told.reserves_gain_base * UNIT / 10**8) < 4 + tokens


@pytest.mark.parametrize(
    ("state", "falling"), [(PAIR, {COIN}), (MANY, {COIN}), (MANY, {COIN, STONE}), (MANY, {STONE})]
)
def test_drops_are_where_each_thing_begins(state, falling):
    told = drops(state, BORROWER, falling, prices_base=usd(), **AT)

    def at(drop: Fraction) -> dict[int, int]:
        return {i: int(p * (1 - drop)) if i in falling else p for i, p in usd().items()}

    def lies_beyond(drop: Fraction) -> list[bool]:
        prices = at(drop)
        settled = absorption(state, BORROWER, prices_base=prices, **AT)
        return [
            account_data(state, BORROWER, prices_base=prices, **AT).is_absorbable,
            settled.forgiven_base > 0,
            settled.reserves_gain_base < 0,
        ]

    step = Fraction(1, 10**7)
    for i, edge in enumerate((told.liquidatable, told.debt_forgiven, told.reserves_lose)):
        if edge is None:
            assert lies_beyond(Fraction(999, 1000))[i] is False
            continue
        assert [lies_beyond(edge - step)[i], lies_beyond(edge + step)[i]] == [False, True], i


def test_the_budgets_are_those_of_the_configuration():
    """From the liquidation point on: 1 - L/F until debt is forgiven, 1 - L/(1 - S(1 - F)) until reserves lose."""
    edge = usd(coin=7_000 / 8.5)
    told = drops(PAIR, BORROWER, {COIN}, prices_base={**edge, COIN: 823_529_411_76}, **AT)

    assert told.liquidatable is not None
    assert abs(told.liquidatable) < Fraction(1, 10**8)
    assert round(float(told.debt_forgiven or 0), 6) == round(1 - 0.85 / 0.95, 6)
    assert round(float(told.reserves_lose or 0), 6) == round(1 - 0.85 / 0.975, 6)
    assert payout_ratio(PAIR, COIN) == Fraction(1000, 975)


def test_a_loan_that_falls_with_its_collateral_meets_it_at_nothing_and_no_loan_has_no_edge():
    nothing = Drops(liquidatable=None, debt_forgiven=None, reserves_lose=None)

    together = drops(PAIR, BORROWER, {COIN, BASE}, prices_base=usd(), **AT)
    assert together == Drops(liquidatable=Fraction(1), debt_forgiven=Fraction(1), reserves_lose=Fraction(1))
    assert drops(PAIR, BANK, {COIN}, prices_base=usd(), **AT) == nothing
    assert drops(PAIR, "nobody", {COIN}, prices_base=usd(), **AT) == nothing
    free = market(holds={COIN: 10}, owes=0)
    assert drops(free, BORROWER, {COIN}, prices_base=usd(), **AT) == nothing
    for others in ({BASE}, {STONE}, set[int]()):
        poor = drops(PAIR, BORROWER, others, prices_base=usd(coin=500), **AT)
        assert poor == Drops(liquidatable=Fraction(0), debt_forgiven=Fraction(0), reserves_lose=Fraction(0))
    edge = market(holds={COIN: 10}, owes=6_800)
    assert drops(edge, BORROWER, {STONE}, prices_base=usd(coin=800), **AT) == nothing, "not beyond it"
    assert drops(edge, BORROWER, {COIN}, prices_base=usd(coin=800), **AT).liquidatable == 0
    beyond = drops(PAIR, BORROWER, {COIN}, prices_base=usd(coin=500), **AT)
    assert beyond.liquidatable == 1 - Fraction(7_000, 4_250)


def test_the_debt_is_the_one_that_has_grown():
    later = {"prices_base": usd(), "timestamp": NOW + 365 * DAY}
    settled = absorption(PAIR, BORROWER, **later)

    assert settled.debt_base == 7_142_449_999 * 100
    assert settled.credit_base == 9_500 * 10**8
    assert settled.proceeds_base == 9_750 * 10**8
    assert settled.forgiven_base == 0
    assert settled.reserves_gain_base == 250 * 10**8
    soon = drops(PAIR, BORROWER, {COIN}, prices_base=usd(), **AT)
    late = drops(PAIR, BORROWER, {COIN}, **later)
    assert (soon.liquidatable or 0) > (late.liquidatable or 0)


def test_a_factor_above_1_has_no_price_at_the_store_front():
    state = with_info(PAIR, COIN, liquidation_factor_wad=WAD + 10**14)

    with pytest.raises(EvmRevert, match="0x11"):
        absorption(state, BORROWER, prices_base=usd(), **AT)
    assert done(state, usd(coin=800)).absorbed[0].base_paid_out == 8_000_800_000


def test_position_values_are_those_of_the_events():
    prices = usd(coin=600.12345678, stone=40.9)
    collaterals, debts = position_values(MANY, BORROWER, prices_base=prices, timestamp=NOW)
    outcome = done(MANY, prices).absorbed[0]

    assert collaterals == {i: one.value_base for i, one in outcome.collateral.items()}
    assert debts == {BASE: outcome.value_of_base_paid_out_base} == {BASE: 6_900 * 10**8}
    assert position_values(MANY, BANK, prices_base={}, timestamp=NOW) == ({}, {})
    dust = replace(account(MANY), collateral={STONE: 1})
    state = replace(MANY, accounts={BORROWER: dust})
    assert position_values(state, BORROWER, prices_base=usd(stone=0.5), timestamp=NOW)[0] == {}


def test_an_account_that_cannot_be_absorbed_has_no_residual():
    assert residual_of_account(PAIR, BORROWER, prices_base=usd(), timestamp=NOW) == (0, 0)
    assert not hasattr(absorbed(PAIR, usd()), "absorbed")
