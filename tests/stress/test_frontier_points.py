"""Where an account tips over: prices found on the integers, by hand and against the closed form."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from protocol.units import BASE_PER_USD, WAD
from stress.frontier_points import Point, frontier_point, highest_price, outcome_at
from stress.pair_rules import PairRules, pair_rules
from stress.pair_terms import PairTerms
from stress.pool_pair import PoolPair
from stress.to_the_end import End

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
WITHOUT_WRITE_OFF = {"2.0", "3.0.0", "3.0.1", "3.0.2", "3.1", "3.2"}
by_revision = pytest.mark.parametrize("rule_set", EVERY, ids=lambda one: one.name)


def point_of(rules: PairRules, terms: PairTerms, ltv: Fraction) -> Point:
    return frontier_point(rules.pair(terms, ltv), ltv)


@by_revision
def test_the_three_prices_are_the_hand_computed_ones(rule_set):
    """Debt 600,000, 500 tokens: HF 1 at 600,000 / (500 * 0.83); collateral = 1.05 debt at 1,260."""
    point = point_of(rule_set, TERMS, THREE_FIFTHS)

    assert point.liquidatable.price_base == 600_000 * BASE_PER_USD * 100 // (500 * 83)
    assert point.toxic.price_base == point.debt_remains.price_base == 1_260 * BASE_PER_USD - 1
    assert point.liquidatable.closed_form_drop == Fraction(23, 83)
    assert point.toxic.closed_form_drop == point.debt_remains.closed_form_drop == Fraction(37, 100)


@by_revision
def test_the_tipping_prices_are_the_last_ones_on_their_side(rule_set):
    pair, point = rule_set.pair(TERMS, THREE_FIFTHS), point_of(rule_set, TERMS, THREE_FIFTHS)

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
    top = point_of(rule_set, terms, Fraction(4, 5)).debt_remains.price_base

    assert top is not None
    for price in (top, top * 99 // 100, top // 2):
        outcome = outcome_at(rule_set, terms, Fraction(4, 5), price)
        assert outcome.agrees, outcome
        assert outcome.predicted > 0


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
    point = point_of(rule_set, terms, Fraction(11, 20))

    assert all(one.agrees for one in point.tippings)


def test_half_a_call_needs_several_and_all_at_once_needs_one():
    """Aave v2 takes half whatever the health; from a health of 0.95 down v3 takes everything."""
    terms, price = replace(TERMS, liquidation_threshold_bps=80_00), 1_200 * BASE_PER_USD
    sets = pair_rules()

    halves, whole = (outcome_at(sets[name], terms, THREE_FIFTHS, price) for name in ("2.0", "3.6"))

    assert halves.calls > 1
    assert whole.calls == 1
    assert abs(halves.predicted - whole.predicted) <= 1


def test_a_wrong_integer_form_does_not_agree(monkeypatch):
    rule_set = pair_rules()["3.6"]
    price = point_of(rule_set, TERMS, THREE_FIFTHS).debt_remains.price_base
    right = PoolPair.residual
    assert price is not None

    monkeypatch.setattr(PoolPair, "residual", lambda self, price_base: right(self, price_base) + 10_000)

    assert not outcome_at(rule_set, TERMS, THREE_FIFTHS, price // 2).agrees
    assert not point_of(rule_set, TERMS, THREE_FIFTHS).debt_remains.agrees


@by_revision
@pytest.mark.parametrize(("threshold_bps", "bonus_bps"), [(93_00, 107_53), (90_00, 120_00), (100_00, 100_00)])
def test_nothing_is_toxic_that_cannot_be_called(rule_set, threshold_bps, bonus_bps):
    """Threshold times bonus of 1 or more: by itself collateral < bonus * debt comes before liquidatable."""
    terms = replace(TERMS, liquidation_threshold_bps=threshold_bps, liquidation_bonus_bps=bonus_bps)
    point = point_of(rule_set, terms, THREE_FIFTHS)

    assert all(one.agrees for one in point.tippings)
    assert point.liquidatable.price_base is not None
    for one in (point.toxic, point.debt_remains):
        assert one.price_base is not None
        assert one.price_base <= point.liquidatable.price_base
    if rule_set.name != "4.0":  # the bonus of 4.0 begins with a part of the whole one
        assert point.toxic.price_base == point.debt_remains.price_base == point.liquidatable.price_base


def test_an_account_of_dust_that_nobody_can_call_is_not_healed():
    """One unit of collateral worth 4.2 units of debt, 5 owed: half of 5 with the bonus is worth no whole unit."""
    terms = replace(
        TERMS, collateral_value_base=1_000, collateral_price_base=BASE_PER_USD, collateral_decimals=5
    )
    outcome = outcome_at(pair_rules()["2.0"], terms, Fraction(1, 2), 42 * BASE_PER_USD // 100)

    assert (outcome.calls, outcome.end, outcome.refused_with) == (0, End.STUCK, "LiquidationCallFailed")
    assert (outcome.debt, outcome.called_out, outcome.collateral_left) == (5, 5, 1)
    assert outcome.agrees  # 4.2 / 1.05 = 4 of the 5 have collateral behind them; no call takes it


@by_revision
def test_a_dust_rule_that_refuses_the_largest_call_does_not_make_an_account_stuck(rule_set):
    """2,000 owed against 2,040: half of it would leave 990 of collateral, a quarter leaves enough of both."""
    terms = replace(
        TERMS,
        liquidation_threshold_bps=95_00,
        collateral_value_base=4_000 * BASE_PER_USD,
        collateral_price_base=4_000 * BASE_PER_USD,
    )
    outcome = outcome_at(rule_set, terms, Fraction(1, 2), 2_040 * BASE_PER_USD)

    assert outcome.end is End.EXHAUSTED
    assert outcome.agrees
    assert outcome.called_out > 0
    assert outcome.calls == (1 if rule_set.name == "4.0" else outcome.calls)
    if rule_set.name not in WITHOUT_WRITE_OFF | {"4.0"}:
        assert outcome.calls == 2


@by_revision
@pytest.mark.parametrize(("size_base", "collateral_decimals", "debt_decimals"), [
    (1_000, 5, 6), (1_000, 18, 6), (50, 18, 18), (3, 18, 18), (2_000 * BASE_PER_USD, 0, 0), (10**22, 18, 18),
])  # fmt: skip
def test_the_prediction_explains_what_is_left_of_the_smallest_and_the_largest_accounts(
    rule_set, size_base, collateral_decimals, debt_decimals
):
    terms = replace(
        TERMS,
        collateral_value_base=size_base,
        collateral_decimals=collateral_decimals,
        debt_decimals=debt_decimals,
        collateral_price_base=BASE_PER_USD,
    )
    point = point_of(rule_set, terms, Fraction(7, 10))

    assert all(one.agrees for one in point.tippings)
    top = point.debt_remains.price_base or 0
    for price in {top, top // 2, top // 3} - {0}:
        outcome = outcome_at(rule_set, terms, Fraction(7, 10), price)
        assert outcome.agrees, outcome


@by_revision
def test_one_call_that_takes_everything_leaves_what_was_predicted_to_the_unit(rule_set, monkeypatch):
    """One unit more predicted is a difference, where the rules let one call repay the whole debt."""
    terms, price = replace(TERMS, liquidation_threshold_bps=80_00), 1_200 * BASE_PER_USD
    pair = type(rule_set.pair(terms, THREE_FIFTHS))
    right = pair.residual
    before = outcome_at(rule_set, terms, THREE_FIFTHS, price)
    monkeypatch.setattr(pair, "residual", lambda self, price_base: right(self, price_base) + 1)

    assert before.agrees
    if before.calls == 1 or rule_set.name == "4.0":
        assert not outcome_at(rule_set, terms, THREE_FIFTHS, price).agrees


@pytest.mark.parametrize(("edge", "found"), [(WAD, 100), (100, 100), (57, 57), (1, 1), (0, None)])
def test_bisection_finds_the_highest_price(edge, found):
    assert highest_price(lambda price: price <= edge, 100) == found
