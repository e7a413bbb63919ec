"""The closed form of unavoidable debt against what liquidations and healing leave; and what a liquidator reads."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.units import WAD
from protocol.venus_isolated import Healed, Liquidated, account_data, liquidate_borrow
from protocol.venus_isolated.frontier import (
    drops,
    exhaustion,
    residual_if_exhausted,
    residual_if_healed,
)
from protocol.venus_isolated.pairs import (
    is_toxic,
    most_repayable,
    payout_ratio,
    position_values,
    residual_of_pair,
)
from tests.protocol.venus_markets import (
    BORROWER,
    COIN,
    DOLLAR,
    LIQUIDATOR,
    MINIMUM,
    NOW,
    OLD,
    STONE,
    call,
    called,
    data,
    done,
    heal,
    market,
    position,
    refusal,
    units,
    usd,
    with_position,
    with_vtoken,
)

PAIR = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
MIXED = market(holds={COIN: 1, STONE: 2}, owes={DOLLAR: 600, STONE: 3})
LATER = NOW + 1_000_000


def at(coin_cents: int) -> dict[int, int]:
    return usd(coin=coin_cents / 100)


def fallen(prices, falling, share: Fraction) -> dict[int, Fraction]:
    return {i: price * (1 - share) if i in falling else Fraction(price) for i, price in prices.items()}


def cut(prices) -> dict[int, int]:
    return {i: int(price) for i, price in prices.items()}


# --- healing ---


@given(cents=st.integers(1, 1_000_00), seconds=st.integers(0, 10**6), rules=st.sampled_from([OLD, None]))
def test_the_integer_form_is_what_healing_writes_off(cents, seconds, rules):
    state = MIXED if rules is None else replace(MIXED, rules=rules)
    slot, prices = NOW + seconds, at(cents)
    expected = residual_if_healed(state, BORROWER, prices_mantissa=prices, slot=slot)
    outcome = heal(state, prices, slot=slot)

    if isinstance(outcome, Healed):
        assert (expected or {}) == outcome.bad_debt_underlying
    else:
        assert expected is None


@given(cents=st.integers(1, 1_000_00))
def test_the_integer_form_lies_just_above_the_fraction(cents):
    prices = at(cents)
    exact = exhaustion(MIXED, BORROWER, prices_mantissa=prices, slot=NOW)
    left = residual_if_healed(MIXED, BORROWER, prices_mantissa=prices, slot=NOW)
    left_usd = sum(Fraction(prices[i] * amount, WAD) for i, amount in (left or {}).items())
    hidden = sum(Fraction(prices[i], WAD) for i in (DOLLAR, STONE))  # a unit of each debt

    assert exact.residual_usd <= left_usd + 2 * hidden
    assert left_usd <= exact.residual_usd + 2 * hidden
    assert exact.leaves_debt is (exact.residual_usd > 0)


@given(
    cents=st.integers(100_01, 687_00),
    cuts=st.lists(st.integers(1, 50), min_size=1, max_size=12),
)
def test_whoever_does_what_in_which_order_the_same_debt_remains(cents, cuts):
    """A large account is worked down by pieces of the debt, then healed."""
    state, prices = PAIR, at(cents)
    expected = exhaustion(state, BORROWER, prices_mantissa=prices, slot=NOW).residual_usd
    calls = 0
    for percent in (*cuts, *[20] * 60):
        if data(state, prices).total_collateral_usd_mantissa <= MINIMUM:
            break
        most = most_repayable(state, call(), prices_mantissa=prices, slot=NOW)
        state = done(state, prices, repay_amount=max(most * percent // 100, 1)).market
        calls += 1
    outcome = heal(state, prices)
    hidden = Fraction(prices[COIN] * 10**10 + prices[DOLLAR], WAD)  # a unit of vToken and one of debt

    assert isinstance(outcome, Healed)
    left = Fraction(prices[DOLLAR] * outcome.bad_debt_underlying.get(DOLLAR, 0), WAD)
    assert abs(left - expected) <= (calls + 2) * hidden


# --- one pair ---


@given(cents=st.integers(100_00, 930_00))
def test_the_largest_repayment_leaves_the_residual_of_the_pair(cents):
    state = with_vtoken(PAIR, DOLLAR, forced_liquidation=True)
    coins = state.vtokens[COIN].cash_underlying
    lent = {"cash_underlying": coins // 2, "total_borrows_underlying": coins - coins // 2}
    state = with_vtoken(state, COIN, **lent)  # both markets of the pair grow
    prices = at(cents)
    most = most_repayable(state, call(), prices_mantissa=prices, slot=LATER)
    found = done(state, prices, slot=LATER, repay_amount=most)
    integer, exact = residual_of_pair(state, call(), prices_mantissa=prices, slot=LATER)

    assert position(found.market, DOLLAR).borrow_principal_underlying == integer
    if integer:
        refused = called(state, prices, slot=LATER, repay_amount=most + 1)
        assert refusal(refused) == "LIQUIDATE_SEIZE_TOO_MUCH"
        worth_of_a_vtoken = Fraction(prices[COIN] * 2 * 10**10, prices[DOLLAR])
        assert exact - worth_of_a_vtoken - 1 <= integer <= exact + 1
    else:
        assert exact <= 1


def test_without_a_forced_market_the_close_factor_bounds_a_repayment():
    assert most_repayable(PAIR, call(), prices_mantissa=at(900_00), slot=NOW) == units(DOLLAR, 3_750)
    free = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    most = most_repayable(free, call(), prices_mantissa=at(100_00), slot=NOW)
    assert most < units(DOLLAR, 3_750)
    assert isinstance(called(free, at(100_01), repay_amount=most), Liquidated)
    assert residual_if_exhausted(0, vtokens=0, debt=5) is None
    assert residual_if_exhausted(WAD, vtokens=4, debt=5) == 1
    assert residual_if_exhausted(WAD, vtokens=5, debt=5) is None


def test_the_residual_of_a_pair_reads_the_two_markets_as_the_call_would():
    integer, exact = residual_of_pair(PAIR, call(), prices_mantissa=at(500_00), slot=NOW)

    assert exact == units(DOLLAR, 7_500) - Fraction(units(DOLLAR, 5_000) * 10, 11)
    assert integer == 2_954_545_451  # a vToken unit, five units of dollar, less what the cut ratio leaves
    assert residual_of_pair(PAIR, call(), prices_mantissa=at(825_00), slot=NOW) == (0, 0)
    later, _ = residual_of_pair(PAIR, call(), prices_mantissa=at(500_00), slot=LATER)
    assert later > integer


def test_values_are_those_of_the_account_and_zeros_are_left_out():
    collaterals, debts = position_values(MIXED, BORROWER, prices_mantissa=usd(), slot=NOW)
    totals = data(MIXED, usd())

    assert collaterals == {COIN: 1_000 * WAD, STONE: 100 * WAD}
    assert debts == {DOLLAR: 600 * WAD, STONE: 150 * WAD}
    assert sum(collaterals.values()) == totals.total_collateral_usd_mantissa
    assert sum(debts.values()) == totals.borrows_usd_mantissa


def test_a_liquidator_is_paid_the_incentive_less_the_protocols_share():
    found = done(PAIR, at(900_00), repay_amount=units(DOLLAR, 900))

    assert payout_ratio(PAIR, BORROWER, COIN) == Fraction(105, 100)
    assert found.seized.liquidator_seized_vtokens == 105_000_000


@pytest.mark.parametrize(("cents", "toxic"), [(825_01, False), (825_00, False), (824_99, True)])
def test_seizing_lowers_the_health_below_incentive_times_threshold(cents: int, toxic: bool):
    prices = at(cents)
    found = done(PAIR, prices, repay_amount=units(DOLLAR, 1_000))
    before, after = data(PAIR, prices), data(found.market, prices)
    sank = Fraction(after.weighted_collateral_usd_mantissa, after.borrows_usd_mantissa) < Fraction(
        before.weighted_collateral_usd_mantissa, before.borrows_usd_mantissa
    )

    assert is_toxic(PAIR, call(), prices_mantissa=prices, slot=NOW) is toxic
    assert sank is toxic or cents == 825_00  # at the edge the rounding decides


# --- drops ---


def test_how_far_a_price_may_fall_for_each_thing_to_happen():
    found = drops(PAIR, BORROWER, [COIN], prices_mantissa=usd(), slot=NOW)

    assert found.liquidatable == Fraction(1, 16)  # 7,500 / 0.8 = 9,375
    assert found.debt_remains == found.toxic[COIN] == Fraction(7, 40)  # 8,250
    assert found.small == Fraction(9, 10)
    shortfall = data(PAIR, at(937_50)).shortfall_usd_mantissa
    assert shortfall == 0 < data(PAIR, at(937_49)).shortfall_usd_mantissa


@given(coin=st.integers(500_00, 2_000_00), threshold=st.integers(76, 90))
def test_at_each_drop_the_account_is_on_the_edge_of_what_it_says(coin, threshold):
    state = with_vtoken(MIXED, COIN, liquidation_threshold_mantissa=threshold * 10**16)
    prices = at(coin)
    found = drops(state, BORROWER, [COIN], prices_mantissa=prices, slot=NOW)
    tiny = Fraction(1, 10**9)

    if found.liquidatable is not None and found.liquidatable > tiny:
        before, beyond = (
            account_data(
                state,
                BORROWER,
                prices_mantissa=cut(fallen(prices, [COIN], found.liquidatable + step)),
                slot=NOW,
            )
            for step in (-tiny, tiny)
        )
        assert before.shortfall_usd_mantissa == 0 < beyond.shortfall_usd_mantissa
    if found.debt_remains is not None and found.debt_remains > tiny:
        left, more = (
            exhaustion(
                state,
                BORROWER,
                prices_mantissa=cut(fallen(prices, [COIN], found.debt_remains + step)),
                slot=NOW,
            ).leaves_debt
            for step in (-tiny, tiny)
        )
        assert (left, more) == (False, True)
    if found.small is not None and found.small > tiny:
        just = cut(fallen(prices, [COIN], found.small))
        assert data(state, just).total_collateral_usd_mantissa <= MINIMUM
    for market_id, drop in found.toxic.items():
        if drop is None or drop <= tiny:
            continue
        pair = call(collateral_id=market_id)
        is_below, is_beyond = (
            is_toxic(state, pair, prices_mantissa=cut(fallen(prices, [COIN], drop + step)), slot=NOW)
            for step in (-tiny, tiny)
        )
        assert (is_below, is_beyond) == (False, True)


def test_no_fall_of_a_debt_s_price_hurts_and_without_debt_nothing_happens():
    found = drops(PAIR, BORROWER, [DOLLAR], prices_mantissa=usd(), slot=NOW)
    assert (found.liquidatable, found.debt_remains, found.toxic, found.small) == (
        None,
        None,
        {COIN: None},
        None,
    )
    for others in ([DOLLAR], [STONE], list[int]()):
        happened = drops(PAIR, BORROWER, others, prices_mantissa=at(900_00), slot=NOW)
        assert happened.liquidatable == 0
        edge = drops(PAIR, BORROWER, others, prices_mantissa=at(937_50), slot=NOW)
        assert edge.liquidatable is None, "not beyond it, and no fall of these takes it there"
    debtless = drops(market(holds={COIN: 2}, owes={}), BORROWER, [COIN], prices_mantissa=usd(), slot=NOW)
    assert (debtless.liquidatable, debtless.debt_remains, debtless.toxic) == (None, None, {COIN: None})
    assert debtless.small == Fraction(1, 2)
    nobody = exhaustion(PAIR, LIQUIDATOR, prices_mantissa=usd(), slot=NOW)
    assert (nobody.debt_usd, nobody.repayable_usd, nobody.leaves_debt) == (0, 0, False)


def test_a_drop_is_told_of_the_tiniest_collateral():
    """A vToken unit is 1e10 wei; of a coin worth 1e-10 dollars that is the last unit of a value, or half of it."""
    state = replace(market(holds={COIN: 1}, owes={}), min_liquidatable_collateral_usd_mantissa=0)
    state = with_position(state, COIN, vtokens=1)
    for price in (10**8, 5 * 10**7):
        found = drops(state, BORROWER, [COIN], prices_mantissa={**usd(), COIN: price}, slot=NOW)
        assert found.small == 1, "nothing but the loss of all"


def test_a_regular_liquidation_below_incentive_leaves_less_collateral_than_debt():
    """Toxic liquidations are legal: nothing in the contract stops them."""
    prices = at(700_00)
    outcome = liquidate_borrow(
        PAIR, call(repay_amount=units(DOLLAR, 3_750)), prices_mantissa=prices, slot=NOW
    )

    assert isinstance(outcome, Liquidated)
    after = data(outcome.market, prices)
    assert after.total_collateral_usd_mantissa < after.borrows_usd_mantissa
    assert after.shortfall_usd_mantissa > 0
    assert STONE not in outcome.market.accounts[BORROWER].positions
