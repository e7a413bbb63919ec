"""The frontier of Compound v2, Compound v3, Morpho Blue and Venus: by hand, against the closed form, to the end."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from protocol.compound_v2 import frontier as v2_frontier
from protocol.compound_v2.amounts import Terms
from protocol.compound_v3 import amounts as v3_amounts
from protocol.morpho_blue import amounts as morpho_amounts
from protocol.units import BASE_PER_USD, WAD
from protocol.venus_isolated import frontier as venus_frontier
from stress import compound_v2_pair, compound_v3_pair, venus_isolated_pair
from stress.frontier import Frontier, frontier_of
from stress.frontier_points import Point, frontier_point, outcome_at
from stress.oracle_delay import Delay
from stress.pair_protocols import BONUS, FEE, PROTOCOLS, THRESHOLD, UNTAKEN
from stress.pair_rules import PairRules
from stress.pair_terms import DoesNotFit, PairTerms, TermsRefused
from stress.side_by_side import budget_of
from stress.to_the_end import End

THREE_FIFTHS = Fraction(3, 5)
KIN = [name for name in PROTOCOLS if name != "aave"]
USD = BASE_PER_USD


def rules_of(protocol: str, **given: int) -> dict[str, PairRules]:
    one = PROTOCOLS[protocol]
    return dict(one.rules({**one.usual, **given}))


def terms_of(protocol: str, **given: int) -> PairTerms:
    taken = {**UNTAKEN, **PROTOCOLS[protocol].usual}
    terms = PairTerms(
        **{name: taken[name] for name in (THRESHOLD, BONUS, FEE)},
        collateral_value_base=1_000_000 * USD,
        collateral_price_base=2_000 * USD,
        debt_price_base=1 * USD,
        collateral_decimals=18,
        debt_decimals=6,
    )
    return replace(terms, **given)


def newest(protocol: str, **given: int) -> PairRules:
    return list(rules_of(protocol, **given).values())[-1]


def point_of(rules: PairRules, terms: PairTerms, ltv: Fraction = THREE_FIFTHS) -> Point:
    return frontier_point(rules.pair(terms, ltv), ltv)


def frontier(rules: PairRules, terms: PairTerms) -> Frontier:
    return frontier_of(rules, terms, [Fraction(2, 5), THREE_FIFTHS, Fraction(7, 10)], Delay())


EVERY = [
    pytest.param(name, rules, id=f"{name} {revision}")
    for name in KIN
    for revision, rules in rules_of(name).items()
]
every = pytest.mark.parametrize(("protocol", "rules"), EVERY)
by_protocol = pytest.mark.parametrize("protocol", KIN)


# --- by hand ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "liquidatable", "debt_remains"),
    [
        ("compound_v2", Fraction(600_000, 500) * Fraction(1000, 825), Fraction(1_200) * Fraction(108, 100)),
        ("compound_v3", Fraction(1_200) / Fraction(895, 1000), Fraction(1_200) / Fraction(95, 100)),
        ("morpho_blue", Fraction(1_200) / Fraction(86, 100), 1_200 * Fraction(1_043841336116910229, WAD)),
        ("venus_isolated", Fraction(1_200) / Fraction(80, 100), Fraction(1_200) * Fraction(110, 100)),
    ],
)
def test_the_prices_are_the_hand_computed_ones(protocol: str, liquidatable: Fraction, debt_remains: Fraction):
    """500 ether owe 600,000 dollars: the prices at which debt is threshold, and collateral is debt and bonus."""
    point = point_of(newest(protocol), terms_of(protocol))

    for found, price in ((point.liquidatable, liquidatable), (point.debt_remains, debt_remains)):
        assert found.price_base is not None
        assert 0 <= price * USD - found.price_base <= 4
        assert found.closed_form_drop == 1 - price / 2_000


@pytest.mark.parametrize(
    ("protocol", "room"),
    [
        ("compound_v2", 1 - Fraction(825, 1000) * Fraction(108, 100)),
        ("compound_v3", 1 - Fraction(895, 950)),
        ("morpho_blue", 1 - Fraction(86, 100) * Fraction(1_043841336116910229, WAD)),
        ("venus_isolated", Fraction(12, 100)),
    ],
)
def test_the_room_between_the_first_call_and_the_first_debt_is_threshold_times_bonus(
    protocol: str, room: Fraction
):
    rules, terms = newest(protocol), terms_of(protocol)
    found = budget_of(rules, terms).until_debt

    assert found is not None
    assert abs(found - room) < Fraction(1, 10**9)
    assert 1 - rules.threshold_times_bonus(terms) == room


def test_compound_v3_has_two_frontiers_and_between_them_the_reserves_gain():
    """Forgiven beyond 1 - L/F, 5.8 %; lost beyond 1 - L/(1 - S(1 - F)), 8.2 %."""
    one = frontier(newest("compound_v3"), terms_of("compound_v3"))
    budget = budget_of(one.rules, one.terms)
    lost = budget.until["reserves_lose"]

    assert budget.until_debt is not None
    assert lost is not None
    assert abs(budget.until_debt - (1 - Fraction(895, 950))) < Fraction(1, 10**9)
    assert abs(lost - (1 - Fraction(895, 975))) < Fraction(1, 10**9)
    assert one.rules.pays_from == "reserves_lose"
    for share, sign in ((Fraction(99, 100), 1), (Fraction(97, 100), -1)):  # of 1,263; they lose from 1,231 on
        price = int(Fraction(1_200) / Fraction(95, 100) * share * USD)
        outcome = outcome_at(one.rules, one.terms, THREE_FIFTHS, price)
        assert outcome.agrees
        assert outcome.called_out > 0
        assert outcome.further["reserves_change"] * sign > 0


def test_a_buyer_who_gets_the_whole_penalty_leaves_the_reserves_one_frontier():
    """S = 1: the sale brings what the account was credited with, so they lose where debt is forgiven."""
    rules = newest("compound_v3", store_front_price_factor_bps=100_00)
    one = frontier(rules, terms_of("compound_v3"))

    assert one.agrees
    for point in one.points:
        lost, forgiven = point.further["reserves_lose"].price_base, point.debt_remains.price_base
        assert lost is not None
        assert forgiven is not None
        assert abs(lost - forgiven) <= 4


def test_an_absorption_is_never_toxic():
    point = point_of(newest("compound_v3"), terms_of("compound_v3"))

    assert point.toxic.price_base is None
    assert point.toxic.agrees


@pytest.mark.parametrize("lltv_bps", [38_50, 62_50, 77_00, 86_00, 91_50, 94_50, 98_00])
def test_the_room_of_morpho_follows_from_the_threshold_alone(lltv_bps: int):
    terms = terms_of("morpho_blue", liquidation_threshold_bps=lltv_bps)
    budget = budget_of(newest("morpho_blue"), terms)
    lltv = Fraction(lltv_bps, 10_000)
    incentive = min(Fraction(115, 100), 1 / (1 - Fraction(3, 10) * (1 - lltv)))

    assert budget.agrees
    assert budget.until_debt is not None
    assert abs(budget.until_debt - (1 - lltv * incentive)) < Fraction(1, 10**9)


# --- integers against the closed form, and to the end ------------------------------------------------------------


@every
def test_the_tipping_prices_are_the_last_ones_on_their_side_and_agree(protocol: str, rules: PairRules):
    terms = terms_of(protocol)
    pair, point = rules.pair(terms, THREE_FIFTHS), point_of(rules, terms)
    asked: list[Any] = [pair.is_liquidatable, pair.is_toxic, lambda price: pair.residual(price) > 0]

    for tipping, holds in zip(point.tippings, [*asked, *pair.further.values()], strict=True):
        assert tipping.agrees
        if tipping.price_base is not None:
            assert holds(tipping.price_base)
            assert not holds(tipping.price_base + 1)


@every
@pytest.mark.parametrize("size_usd", [50, 3_000, 1_000_000])
def test_an_account_called_to_the_end_keeps_what_the_integer_form_says(
    protocol: str, rules: PairRules, size_usd: int
):
    terms = terms_of(protocol, collateral_value_base=size_usd * USD)
    top = point_of(rules, terms).debt_remains.price_base

    assert top is not None
    for price in (top, top * 99 // 100, top // 2, top // 50):
        outcome = outcome_at(rules, terms, THREE_FIFTHS, price)
        assert outcome.agrees, outcome
        assert outcome.predicted > 0
        assert abs(outcome.called_out - outcome.predicted) * 10**7 <= outcome.debt + 10**8


@by_protocol
@pytest.mark.parametrize(("collateral_decimals", "debt_decimals", "price_usd"), [
    (8, 18, 80_000), (6, 18, 2_000), (2, 6, 1), (18, 18, 3_000), (6, 6, 1), (18, 8, 2_000), (0, 6, 1),
])  # fmt: skip
def test_integers_and_closed_form_agree_whatever_the_decimals(
    protocol: str, collateral_decimals: int, debt_decimals: int, price_usd: int
):
    terms = terms_of(
        protocol,
        collateral_decimals=collateral_decimals,
        debt_decimals=debt_decimals,
        collateral_price_base=price_usd * USD,
    )

    assert frontier(newest(protocol), terms).agrees


@by_protocol
@pytest.mark.parametrize("given", [
    {"collateral_value_base": 10**15 * USD}, {"collateral_value_base": 10_000},
    {"collateral_price_base": 1, "collateral_value_base": 10**6}, {"debt_price_base": 50_000 * USD},
    {"liquidation_threshold_bps": 1}, {"liquidation_threshold_bps": 90_00},
])  # fmt: skip
def test_extreme_terms_agree(protocol: str, given: dict[str, int]):
    one = frontier(newest(protocol), terms_of(protocol, **given))

    assert one.agrees, [(p.start_ltv, t) for p in one.points for t in p.tippings if not t.agrees]


def test_a_call_for_everything_leaves_what_was_predicted_to_the_unit():
    """Whole debt in one call: Morpho, an absorption, a small account on Venus, Compound v2 without close factor."""
    for protocol, size_usd, own in (
        ("morpho_blue", 10**6, {}),
        ("compound_v3", 10**6, {}),
        ("venus_isolated", 90, {}),
        ("compound_v2", 10**6, {"close_factor_bps": 100_00}),
    ):
        rules, terms = newest(protocol, **own), terms_of(protocol, collateral_value_base=size_usd * USD)
        outcome = outcome_at(rules, terms, THREE_FIFTHS, 1_000 * USD)

        assert outcome.calls == 1
        assert outcome.called_out == outcome.predicted > 0


# --- what is each protocol's own -----------------------------------------------------------------------------------


def test_half_of_the_debt_a_call_needs_several_calls_and_leaves_dust_of_ctokens():
    rules, terms = newest("compound_v2"), terms_of("compound_v2")
    outcome = outcome_at(rules, terms, THREE_FIFTHS, 1_296 * USD - 1)

    assert outcome.calls > 3
    assert outcome.end is End.DUST
    assert 0 < outcome.collateral_left < 10


def test_the_comptrollers_put_the_frontier_at_the_same_price_and_newer_ctokens_pay_less():
    points = {
        name: point_of(rules, terms_of("compound_v2")) for name, rules in rules_of("compound_v2").items()
    }

    assert len({point.debt_remains.price_base for point in points.values()}) == 1
    assert points["G7"].payout == Fraction(108, 100)
    assert points["2.9"].payout == points["2022"].payout == Fraction(108, 100) * Fraction(972, 1000)


def test_a_small_account_of_venus_is_healed_and_a_large_one_is_called_first():
    small, large = (
        outcome_at(
            newest("venus_isolated"),
            terms_of("venus_isolated", collateral_value_base=size * USD),
            THREE_FIFTHS,
            1_300 * USD,
        )
        for size in (100, 1_000_000)
    )

    assert (small.calls, small.end) == (1, End.EXHAUSTED)
    assert large.calls > 3
    assert large.end is End.EXHAUSTED
    assert abs(small.called_out * 10_000 - large.called_out) <= 10_000


def test_an_account_of_venus_becomes_small_at_the_pools_minimum():
    """A hundred ether pledged, 10,000 dollars as minimum: at a price of 100."""
    rules = newest("venus_isolated", min_liquidatable_collateral_base=10_000 * USD)
    terms = terms_of("venus_isolated", collateral_value_base=200_000 * USD)
    small = point_of(rules, terms).further["small_enough_to_heal"]

    assert small.price_base == 100 * USD
    assert small.closed_form_drop == Fraction(95, 100)


def test_a_pool_of_venus_without_a_minimum_heals_what_has_no_collateral_left():
    one = frontier(newest("venus_isolated", min_liquidatable_collateral_base=0), terms_of("venus_isolated"))

    assert one.agrees
    assert all(point.further["small_enough_to_heal"].price_base is None for point in one.points)
    assert all(outcome.end is not End.STUCK for outcome in one.curve)


def test_a_small_account_of_venus_worth_more_than_debt_and_incentive_is_repaid_whole():
    outcome = outcome_at(
        newest("venus_isolated"),
        terms_of("venus_isolated", collateral_value_base=90 * USD),
        THREE_FIFTHS,
        1_400 * USD,
    )

    assert (outcome.calls, outcome.end, outcome.called_out) == (1, End.HEALED, 0)
    assert outcome.agrees


@pytest.mark.parametrize(
    ("protocol", "given", "said"),
    [
        ("compound_v2", {"liquidation_threshold_bps": 90_01}, "a collateral factor above 90 %"),
        ("morpho_blue", {"liquidation_threshold_bps": 100_00}, "an LLTV of 100 %"),
        ("venus_isolated", {"liquidation_bonus_bps": 104_99}, "a seize share above the bonus"),
        ("compound_v3", {"debt_decimals": 5}, "a base asset of 5 decimals"),
        ("compound_v2", {"collateral_value_base": 1, "collateral_decimals": 8}, "than one unit of its token"),
    ],
)
def test_terms_that_no_governance_can_set_are_refused(protocol: str, given: dict[str, int], said: str):
    with pytest.raises(TermsRefused, match=said):
        newest(protocol).pair(terms_of(protocol, **given), THREE_FIFTHS)


@pytest.mark.parametrize(
    ("protocol", "given"),
    [
        ("compound_v2", {"collateral_decimals": 29}),
        ("venus_isolated", {"debt_decimals": 29}),
        ("compound_v3", {"collateral_decimals": 20}),
        ("compound_v3", {"debt_decimals": 18, "collateral_value_base": 10**18 * USD}),
        ("morpho_blue", {"debt_decimals": 30, "collateral_value_base": 10**9 * USD}),
    ],
)
def test_numbers_that_no_contract_can_hold_are_refused(protocol: str, given: dict[str, int]):
    with pytest.raises(DoesNotFit):
        newest(protocol).pair(terms_of(protocol, **given), THREE_FIFTHS)


def test_every_rule_set_names_who_pays_and_the_usual_terms_their_source():
    assert all(rules.pays for name in PROTOCOLS for rules in rules_of(name).values())
    assert all(one.source for one in PROTOCOLS.values())


# --- the check can fail ------------------------------------------------------------------------------------------


def broken(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    """One formula of the protocol a ten-thousandth off, in the integers alone or in the fractions alone."""
    if protocol == "compound_v2":
        right = Terms.most_repaid_from
        monkeypatch.setattr(
            Terms, "most_repaid_from", lambda self, ctokens: right(self, ctokens) * 9_999 // 10_000
        )
    elif protocol == "compound_v3":
        credit = v3_amounts.settlement
        monkeypatch.setattr(
            "protocol.compound_v3.liquidation.settlement",
            lambda old, base, **more: credit(old, base * 9_999 // 10_000, **more),
        )
    elif protocol == "morpho_blue":
        factor = morpho_amounts.liquidation_incentive_factor
        monkeypatch.setattr(
            morpho_amounts, "liquidation_incentive_factor", lambda lltv: factor(lltv) * 9_999 // 10_000
        )
    else:
        share = venus_frontier.largest_repay
        monkeypatch.setattr(
            venus_frontier, "largest_repay", lambda ratio, held: (share(ratio, held) or 0) * 9_999 // 10_000
        )


@by_protocol
def test_a_formula_that_is_off_does_not_agree(protocol: str, monkeypatch: pytest.MonkeyPatch):
    rules, terms = newest(protocol), terms_of(protocol)
    assert frontier(rules, terms).agrees
    broken(monkeypatch, protocol)

    assert not frontier(rules, terms).agrees


def test_a_store_front_that_is_off_does_not_agree(monkeypatch: pytest.MonkeyPatch):
    factor = compound_v3_pair.proceeds_factor
    monkeypatch.setattr(
        "protocol.compound_v3.frontier.proceeds_factor", lambda *a: factor(*a) * Fraction(9_999, 10_000)
    )
    one = frontier(newest("compound_v3"), terms_of("compound_v3"))

    assert not all(point.further["reserves_lose"].agrees for point in one.points)
    assert not any(outcome.agrees for outcome in one.curve)


@pytest.mark.parametrize(
    ("module", "name", "protocol"),
    [
        (compound_v2_pair, "drops", "compound_v2"),
        (compound_v3_pair, "drops", "compound_v3"),
        (venus_isolated_pair, "drops", "venus_isolated"),
    ],
)
def test_fractions_that_are_off_do_not_agree(
    module: Any, name: str, protocol: str, monkeypatch: pytest.MonkeyPatch
):
    right = getattr(module, name)

    def off(*arguments: Any, **at: Any) -> Any:
        found = right(*arguments, **at)
        return replace(found, liquidatable=found.liquidatable + Fraction(1, 10**9))

    monkeypatch.setattr(module, name, off)

    assert not point_of(newest(protocol), terms_of(protocol)).liquidatable.agrees


def test_a_residual_that_is_one_unit_off_does_not_agree(monkeypatch: pytest.MonkeyPatch):
    rules, terms = newest("compound_v2", close_factor_bps=100_00), terms_of("compound_v2")
    assert outcome_at(rules, terms, THREE_FIFTHS, 1_000 * USD).agrees
    right = v2_frontier.residual_if_exhausted
    monkeypatch.setattr(
        "protocol.compound_v2.pairs.residual_if_exhausted", lambda *a, **k: (right(*a, **k) or 0) + 1
    )

    assert not outcome_at(rules, terms, THREE_FIFTHS, 1_000 * USD).agrees
