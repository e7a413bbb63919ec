"""Where an account tips over: prices found on the integers, by hand and against the closed form."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from protocol.units import BASE_PER_USD, WAD
from stress.frontier_points import Delay, frontier_point, highest_price, outcome_at
from stress.pair_rules import pair_rules
from stress.pair_terms import PairTerms
from stress.pool_pair import PoolPair

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
THREE_FIFTHS = Fraction(3, 5)
EVERY = list(pair_rules().values())
by_revision = pytest.mark.parametrize("rule_set", EVERY, ids=lambda one: one.name)


@by_revision
def test_the_three_prices_are_the_hand_computed_ones(rule_set):
    """Debt 600,000, 500 tokens: HF 1 at 600,000 / (500 * 0.83); collateral = 1.05 debt at 1,260."""
    point = frontier_point(rule_set, TERMS, THREE_FIFTHS)

    assert point.liquidatable.price_base == 600_000 * BASE_PER_USD * 100 // (500 * 83)
    assert point.toxic.price_base == point.debt_remains.price_base == 1_260 * BASE_PER_USD - 1
    assert point.liquidatable.closed_form_drop == Fraction(23, 83)
    assert point.toxic.closed_form_drop == point.debt_remains.closed_form_drop == Fraction(37, 100)


@by_revision
def test_the_tipping_prices_are_the_last_ones_on_their_side(rule_set):
    pair, point = rule_set.pair(TERMS, THREE_FIFTHS), frontier_point(rule_set, TERMS, THREE_FIFTHS)

    for tipping, holds in (
        (point.liquidatable, pair.is_liquidatable),
        (point.toxic, pair.is_toxic),
        (point.debt_remains, lambda price: pair.residual(price) > 0),
    ):
        assert tipping.agrees
        assert tipping.price_base is not None
        assert holds(tipping.price_base)
        assert not holds(tipping.price_base + 1)


@by_revision
@pytest.mark.parametrize("size_usd", [500, 3_000, 1_000_000])
@pytest.mark.parametrize("bonus_bps", [101_00, 105_00, 110_00])
def test_an_account_called_to_the_end_keeps_what_the_integer_form_says(rule_set, size_usd, bonus_bps):
    terms = replace(
        TERMS,
        liquidation_bonus_bps=bonus_bps,
        liquidation_threshold_bps=90_00,
        collateral_value_base=size_usd * BASE_PER_USD,
    )
    top = frontier_point(rule_set, terms, Fraction(4, 5)).debt_remains.price_base

    assert top is not None
    for price in (top, top * 99 // 100, top // 2):
        outcome = outcome_at(rule_set, terms, Fraction(4, 5), price)
        assert outcome.agrees, outcome
        assert outcome.residual > 0


@by_revision
@pytest.mark.parametrize(("collateral_decimals", "debt_decimals", "price_usd"), [
    (8, 18, 80_000), (6, 18, 2_000), (2, 6, 1), (18, 18, 3_000), (6, 6, 1), (18, 2, 2_000),
])  # fmt: skip
def test_integers_and_closed_form_agree_whatever_the_decimals(
    rule_set, collateral_decimals, debt_decimals, price_usd
):
    terms = replace(
        TERMS,
        collateral_decimals=collateral_decimals,
        debt_decimals=debt_decimals,
        collateral_price_base=price_usd * BASE_PER_USD,
    )
    point = frontier_point(rule_set, terms, Fraction(11, 20))

    assert all(one.agrees for one in (point.liquidatable, point.toxic, point.debt_remains))


def test_half_a_call_needs_several_and_all_at_once_needs_one():
    """Aave v2 takes half whatever the health; from a health of 0.95 down v3 takes everything."""
    terms, price = replace(TERMS, liquidation_threshold_bps=80_00), 1_200 * BASE_PER_USD
    sets = pair_rules()

    halves, whole = (outcome_at(sets[name], terms, THREE_FIFTHS, price) for name in ("2.0", "3.6"))

    assert halves.calls > 1
    assert whole.calls == 1
    assert abs(halves.residual - whole.residual) <= 1


def test_a_wrong_integer_form_does_not_agree(monkeypatch):
    rule_set = pair_rules()["3.6"]
    price = frontier_point(rule_set, TERMS, THREE_FIFTHS).debt_remains.price_base
    right = PoolPair.residual
    assert price is not None

    monkeypatch.setattr(PoolPair, "residual", lambda self, price_base: right(self, price_base) + 10_000)

    assert not outcome_at(rule_set, TERMS, THREE_FIFTHS, price // 2).agrees
    assert not frontier_point(rule_set, TERMS, THREE_FIFTHS).debt_remains.agrees


def test_a_delay_moves_the_market_on_by_pace_times_age():
    point, delay = (
        frontier_point(pair_rules()["3.6"], TERMS, THREE_FIFTHS),
        Delay(delay_s=900, fall_per_hour=Fraction(1, 5)),
    )

    assert delay.lag == Fraction(1, 20)
    assert point.liquidatable.drop is not None
    assert point.liquidatable.market_drop(delay) == point.liquidatable.drop + Fraction(1, 20)
    assert point.liquidatable.market_drop(Delay(delay_s=36_000, fall_per_hour=Fraction(1, 5))) is None
    assert point.payout == Fraction(1_045, 1_000)
    assert point.payout_at_market(Delay()) == point.payout


def test_a_long_delay_makes_a_liquidation_a_loss():
    point, pace = frontier_point(pair_rules()["3.6"], TERMS, THREE_FIFTHS), Fraction(1, 5)
    soon, late = (
        point.payout_at_market(Delay(delay_s=delay_s, fall_per_hour=pace)) for delay_s in (300, 900)
    )

    assert soon is not None
    assert late is not None
    assert late < 1 < soon


@pytest.mark.parametrize(("edge", "found"), [(WAD, 100), (100, 100), (57, 57), (1, 1), (0, None)])
def test_bisection_finds_the_highest_price(edge, found):
    assert highest_price(lambda price: price <= edge, 100) == found
