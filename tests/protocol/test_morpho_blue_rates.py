"""What borrowing costs: the adaptive curve at utilizations that can be done by hand, and how its target moves."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import EvmRevert
from protocol.morpho_blue import (
    Acted,
    AdaptiveCurve,
    Market,
    Totals,
    UtilizationOver365Days,
    accrue_interest,
    borrow_rate_view,
    create_market,
    viewed_at,
)
from protocol.morpho_blue.rates import (
    INITIAL_RATE_AT_TARGET_WAD,
    MAX_RATE_AT_TARGET_WAD,
    MIN_RATE_AT_TARGET_WAD,
    curve,
    distance_from_target,
    utilization,
)
from protocol.units import WAD
from tests.protocol.morpho_markets import DAY, NOW, YEAR, market

FOUR_PERCENT = 1268391679
"""[wad per second] 4 % a year, rounded down."""


def used(permille: int, irm=None, **changes) -> Market:
    """A market of which so much is borrowed."""
    irm = AdaptiveCurve(rate_at_target_per_second_wad=FOUR_PERCENT) if irm is None else irm
    return replace(
        market(coins=0, dollars=0, lent=0, irm=irm),
        irm=irm,
        total_supply=Totals(assets=10**12, shares=10**18),
        total_borrow=Totals(assets=permille * 10**9, shares=permille * 10**15),
        **changes,
    )


def after(state: Market, seconds: int) -> AdaptiveCurve:
    outcome = accrue_interest(state, timestamp=NOW + seconds)
    assert isinstance(outcome, Acted)
    assert isinstance(outcome.market.irm, AdaptiveCurve)
    return outcome.market.irm


def test_the_limits_of_the_curve_are_per_second_and_rounded_down():
    assert INITIAL_RATE_AT_TARGET_WAD == FOUR_PERCENT
    assert MIN_RATE_AT_TARGET_WAD == 31709791
    assert MAX_RATE_AT_TARGET_WAD == 63419583967


@pytest.mark.parametrize(
    ("permille", "distance_wad"),
    [
        (0, -WAD),
        (450, -WAD // 2),
        (600, -333333333333333333),
        (900, 0),
        (901, WAD // 100),
        (950, WAD // 2),
        (1000, WAD),
    ],
)
def test_the_distance_from_the_target_is_scaled_on_either_side(permille, distance_wad):
    assert distance_from_target(permille * WAD // 1000) == distance_wad


def test_a_unit_beyond_the_target_is_ten_and_a_unit_short_of_it_only_one():
    assert distance_from_target(9 * WAD // 10 + 1) == 10
    assert distance_from_target(9 * WAD // 10 - 1) == -1


@pytest.mark.parametrize(
    ("distance_wad", "rate"),
    [(-WAD, 250), (-WAD // 2, 625), (0, 1000), (WAD // 2, 2500), (WAD, 4000)],
)
def test_the_curve_is_a_quarter_at_none_and_four_times_at_all(distance_wad, rate):
    assert curve(1000, distance_wad) == rate


def test_the_curve_rounds_towards_zero_twice():
    # 0.75 * -1e-18 is no unit at all, 3 * 1e-18 three
    assert curve(WAD, -1) == WAD
    assert curve(WAD, 1) == WAD + 3
    assert curve(3, -WAD // 2) == 1  # 0.625 * 3 = 1.875


def test_the_first_interaction_takes_the_initial_rate_however_long_it_took():
    state = used(1000, AdaptiveCurve())

    assert borrow_rate_view(state, timestamp=NOW + YEAR) == 4 * FOUR_PERCENT
    assert after(state, YEAR).rate_at_target_per_second_wad == FOUR_PERCENT


def test_at_the_target_or_at_once_nothing_moves():
    for state, seconds in ((used(900), YEAR), (used(1000), 0)):
        assert borrow_rate_view(state, timestamp=NOW + seconds) == curve(
            FOUR_PERCENT, distance_from_target(utilization(state))
        )
        assert viewed_at(state, NOW + seconds).irm == state.irm


def test_a_rate_at_target_that_does_not_move_is_not_brought_within_the_limits():
    assert (
        after(used(900, AdaptiveCurve(rate_at_target_per_second_wad=5)), YEAR).rate_at_target_per_second_wad
        == 5
    )


def test_a_move_by_hand():
    # Half way to full: 25 / year, that is 792744799594 per second. Over 10^5 s the power is 0.0792744799594: end
    # 1.0824167; half of it 0.0396372399797; each e**x is 1 + x + x * x / 2, rounded down.
    x, half = 79274479959400000, 39637239979700000
    end = FOUR_PERCENT * (WAD + x + x * x // WAD // 2) // WAD
    middle = FOUR_PERCENT * (WAD + half + half * half // WAD // 2) // WAD
    state = used(950)

    assert after(state, 10**5).rate_at_target_per_second_wad == end == 1372928337
    mean = (FOUR_PERCENT + end + 2 * middle) // 4
    assert borrow_rate_view(state, timestamp=NOW + 10**5) == mean * 5 // 2


def test_a_move_down_by_hand_halves_its_power_towards_zero():
    # At 0.450 the speed is -25 / year; over an odd time the power is odd.
    x = 792744799594 * 99_999
    half = x // 2
    end = FOUR_PERCENT * (WAD - x + x * x // WAD // 2) // WAD
    middle = FOUR_PERCENT * (WAD - half + half * half // WAD // 2) // WAD
    state = used(450)

    assert after(state, 99_999).rate_at_target_per_second_wad == end
    mean = (FOUR_PERCENT + end + 2 * middle) // 4
    assert borrow_rate_view(state, timestamp=NOW + 99_999) == mean * 625 // 1000


def test_at_full_utilization_the_target_doubles_in_about_five_days_up_to_its_limit():
    state = used(1000)
    doubled = after(state, 437_184).rate_at_target_per_second_wad  # ln 2 / 50 of a year: 5.06 days

    assert abs(Fraction(doubled, FOUR_PERCENT) - 2) < Fraction(1, 1000)
    assert after(state, 60 * DAY).rate_at_target_per_second_wad == MAX_RATE_AT_TARGET_WAD
    assert after(state, 10**9).rate_at_target_per_second_wad == MAX_RATE_AT_TARGET_WAD
    assert after(used(0), 60 * DAY).rate_at_target_per_second_wad == MIN_RATE_AT_TARGET_WAD


@given(permille=st.integers(0, 1000), seconds=st.integers(1, 10 * DAY))
def test_the_target_follows_the_exponential_within_one_percent(permille, seconds):
    state = used(permille)
    distance = Fraction(permille - 900, 100 if permille > 900 else 900)
    with localcontext(prec=40):
        power = Decimal(50 * seconds * distance.numerator) / Decimal(YEAR * distance.denominator)
        exact = min(
            max(FOUR_PERCENT * power.exp(), Decimal(MIN_RATE_AT_TARGET_WAD)), Decimal(MAX_RATE_AT_TARGET_WAD)
        )
    assert abs(after(state, seconds).rate_at_target_per_second_wad - exact) <= exact / 100 + 1


@given(permille=st.integers(0, 1000), seconds=st.integers(0, YEAR), start=st.integers(31709791, 63419583967))
def test_the_view_is_the_rate_of_the_call_and_between_what_the_curve_gives_at_the_limits(
    permille, seconds, start
):
    state = used(permille, AdaptiveCurve(rate_at_target_per_second_wad=start))
    distance_wad = distance_from_target(utilization(state))
    rate = borrow_rate_view(state, timestamp=NOW + seconds)

    assert curve(MIN_RATE_AT_TARGET_WAD, distance_wad) <= rate <= curve(MAX_RATE_AT_TARGET_WAD, distance_wad)


def test_a_market_without_supply_is_not_used_at_all():
    assert utilization(replace(used(500), total_supply=Totals())) == 0


def test_utilization_over_365_days_is_what_it_says_rounded_down_twice():
    state = used(333, UtilizationOver365Days())
    third = replace(state, total_supply=Totals(assets=3, shares=1), total_borrow=Totals(assets=1, shares=1))

    assert borrow_rate_view(state, timestamp=NOW) == 333 * WAD // 1000 // YEAR
    assert borrow_rate_view(third, timestamp=NOW + 5) == 333333333333333333 // YEAR
    assert viewed_at(state, NOW + 5).irm == UtilizationOver365Days()


def test_without_a_rate_model_there_is_no_rate():
    assert borrow_rate_view(market(irm=None), timestamp=NOW + YEAR) == 0


def test_creating_a_market_initializes_its_rate_model():
    described = Market(lltv_wad=WAD // 2, irm=AdaptiveCurve(), fee_recipient="fees", accounts={})
    created = create_market(described, timestamp=NOW)

    assert isinstance(created, Acted)
    assert created.market == replace(
        described,
        irm=AdaptiveCurve(rate_at_target_per_second_wad=FOUR_PERCENT),
        last_update_timestamp=NOW,
    )


def test_the_curve_reverts_for_a_time_before_the_last_update_unless_it_was_never_asked():
    first = used(500, AdaptiveCurve(rate_at_target_per_second_wad=0))

    with pytest.raises(EvmRevert, match=re.escape("Panic(0x11)")):
        borrow_rate_view(used(500), timestamp=NOW - 1)
    assert borrow_rate_view(first, timestamp=NOW - 1) == borrow_rate_view(first, timestamp=NOW)
    mock = used(500, UtilizationOver365Days())
    assert borrow_rate_view(mock, timestamp=NOW - 1) == borrow_rate_view(mock, timestamp=NOW)


def test_the_adaptation_reverts_where_it_leaves_a_signed_word():
    """Only at a utilization and a time that do not come about: the product is checked all the same."""
    state = replace(
        used(500),
        total_supply=Totals(assets=1, shares=1),
        total_borrow=Totals(assets=2**128 - 1, shares=1),
    )
    speed_wad = 50 * WAD // YEAR * distance_from_target((2**128 - 1) * WAD) // WAD
    longest_s = (2**255 - 1) // speed_wad

    assert borrow_rate_view(state, timestamp=NOW + longest_s) > 0
    with pytest.raises(EvmRevert, match=re.escape("Panic(0x11)")):
        borrow_rate_view(state, timestamp=NOW + longest_s + 1)
