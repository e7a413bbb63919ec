"""A late oracle: when the protocol lets somebody call, and whether a call pays by then."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from protocol.units import BASE_PER_USD
from stress.frontier_points import frontier_point
from stress.oracle_delay import Delay, Delayed, delayed
from stress.pair_rules import pair_rules
from stress.pair_terms import Pair, PairTerms

TERMS = PairTerms(
    liquidation_threshold_bps=83_00,
    liquidation_bonus_bps=105_00,
    liquidation_protocol_fee_bps=10_00,
    collateral_value_base=1_000_000 * BASE_PER_USD,
    collateral_price_base=2_000 * BASE_PER_USD,
    debt_price_base=1 * BASE_PER_USD,
    collateral_decimals=18,
    debt_decimals=6,
)
START = TERMS.collateral_price_base
THREE_FIFTHS, UNDER_WATER = Fraction(3, 5), Fraction(9, 10)


def late(lag: Fraction) -> Delay:
    """The market falls by `lag` while a price is on its way."""
    return Delay(delay_s=3600, fall_per_hour=lag)


def under(revision: str, ltv: Fraction, lag: Fraction, terms: PairTerms = TERMS) -> Delayed:
    pair = pair_rules()[revision].pair(terms, ltv)
    return delayed(pair, frontier_point(pair, ltv), late(lag))


def pays(pair: Pair, oracle_base: int, market_base: Fraction) -> bool:
    return pair.is_liquidatable(oracle_base) and pair.payout_ratio(oracle_base) * market_base >= oracle_base


def test_the_lag_is_pace_times_age():
    assert Delay(delay_s=900, fall_per_hour=Fraction(1, 5)).lag == Fraction(1, 20)


def test_the_oracle_shows_a_drop_when_the_market_has_fallen_further():
    pair = pair_rules()["3.6"].pair(TERMS, THREE_FIFTHS)
    point = frontier_point(pair, THREE_FIFTHS)
    seen = delayed(pair, point, late(Fraction(1, 20)))

    assert point.liquidatable.drop is not None
    assert point.toxic.drop is not None
    assert seen.liquidatable_shown == point.liquidatable.drop + Fraction(1, 20)
    assert seen.toxic_shown == seen.debt_remains_shown == point.toxic.drop + Fraction(1, 20)


def test_what_holds_at_the_start_is_seen_at_the_start():
    seen = under("3.6", UNDER_WATER, Fraction(1, 20))

    assert seen.liquidatable_shown == 0
    assert seen.payout == Fraction(1_045, 1_000)
    assert seen.debt_remains_shown == Fraction(11, 200) + Fraction(1, 20) + Fraction(1, START)


def test_a_market_cannot_fall_by_more_than_all():
    seen = under("3.6", THREE_FIFTHS, Fraction(9, 10))

    assert (seen.liquidatable_shown, seen.payout) == (1, 0)
    assert seen.is_left_to_the_protocol


@pytest.mark.parametrize(("revision", "lag", "until"), [
    ("2.0", Fraction(2, 100), Fraction(3, 5)),  # 1 - 2 / 5: the whole bonus of 5 %
    ("3.6", Fraction(2, 100), Fraction(5, 9)),  # 1 - 2 / 4.5: a tenth of the bonus is the protocol's
    ("3.6", Fraction(0), Fraction(1)),
    ("3.6", Fraction(5, 100), None),
    ("4.0", Fraction(25, 1000), Fraction(4, 9)),
])  # fmt: skip
def test_a_call_pays_up_to_the_drop_at_which_lag_has_eaten_the_bonus(revision, lag, until):
    """At the market's price 1 - y a call pays p * (1 - y) / (1 - y + lag)."""
    assert under(revision, THREE_FIFTHS, lag).called_until == until


def test_an_account_that_no_call_pays_for_is_left_to_the_protocol():
    left, called = (under("3.6", THREE_FIFTHS, lag) for lag in (Fraction(5, 100), Fraction(2, 100)))

    assert left.payout is not None
    assert called.payout is not None
    assert left.payout < 1 < called.payout
    assert left.is_left_to_the_protocol
    assert not called.is_left_to_the_protocol


def test_before_the_oracle_moves_a_call_pays_until_the_bonus_is_gone():
    """Under water at the start, the market falls under an oracle that stands: 1.045 * (1 - y) = 1."""
    assert under("3.6", UNDER_WATER, Fraction(1, 10)).called_until == 1 - Fraction(1000, 1045)
    assert under("3.6", UNDER_WATER, Fraction(1, 50)).called_until == Fraction(5, 9)


def test_a_bonus_that_grows_may_pay_later_than_it_allows():
    seen = under("4.0", THREE_FIFTHS, Fraction(25, 1000))

    assert seen.payout is not None
    assert seen.payout < 1
    assert not seen.is_left_to_the_protocol


@pytest.mark.parametrize("revision", ["2.0", "3.6", "4.0"])
@pytest.mark.parametrize("per_mille", [1, 10, 20, 25, 27, 30, 45])
def test_no_later_price_pays_and_an_earlier_one_does(revision, per_mille):
    """Against every thousandth of the oracle's price, and the base units about the drop found."""
    lag = Fraction(per_mille, 1000)
    pair = pair_rules()[revision].pair(TERMS, THREE_FIFTHS)
    until = under(revision, THREE_FIFTHS, lag).called_until
    prices = set(range(START // 1000, START + 1, START // 1000))
    edge = None if until is None else int(START * (1 - until + lag))
    prices |= set() if edge is None else set(range(edge - 3, edge + 4))

    paying = [price for price in prices if pays(pair, price, price - lag * START)]

    if edge is None:
        assert not paying
    else:
        assert min(paying) - edge in (0, 1)


def test_an_account_that_never_is_liquidatable_is_left_to_nobody():
    """Its debt is worth less than one base unit."""
    dust = replace(TERMS, collateral_value_base=1, debt_decimals=18)
    seen = under("3.2", THREE_FIFTHS, Fraction(1, 20), dust)

    assert (seen.liquidatable_shown, seen.payout, seen.called_until) == (None, None, None)
    assert not seen.is_left_to_the_protocol
