"""Venus' bounded prices: window, protection, cooldown and keepers, held against a second reading of the rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.deviation_bounded import BoundsCall, DeviationBounded, Protection
from oracles.errors import InvalidPartConfig, ScheduleRunsBackwards
from oracles.reading import Failed
from tests.oracles.step_source import StepSource, answer_of, constant

WAD, HOUR = 10**18, 3_600
BOUNDED = DeviationBounded(
    side="collateral",
    initialized_at=0,
    trigger_threshold_wad=10**17,
    reset_threshold_wad=5 * 10**16,
    cooldown_s=HOUR,
)
PUMP = StepSource(((0, 1_000), (100, 1_100), (200, 1_101), (5_000, 1_000)))


def update(*times):
    return tuple(BoundsCall(at=time) for time in times)


def both(source, now, **changes):
    """(collateral, debt)"""
    part = replace(BOUNDED, **changes)
    return tuple(
        answer_of(replace(part, side=side).over(source).read(now)) for side in ("collateral", "debt")
    )


def test_spot_counts_until_it_is_more_than_the_threshold_above_the_low():
    assert both(PUMP, 100) == (1_100, 1_100)
    assert both(PUMP, 200) == (1_000, 1_101)
    assert both(PUMP, 5_000) == (1_000, 1_000)  # nobody has called: the view has kept nothing


def test_spot_counts_until_it_is_more_than_the_threshold_below_the_high():
    crash = StepSource(((0, 1_000), (100, 900), (200, 899)))

    assert both(crash, 100) == (900, 900)
    assert both(crash, 200) == (899, 1_000)


def test_a_call_keeps_the_window_and_the_protection_that_a_view_only_works_out():
    calls = update(200)

    assert both(PUMP, 5_000, calls=calls) == (1_000, 1_101)
    seen = replace(BOUNDED, calls=calls).over(PUMP)
    assert seen.verdicts == ("triggered",)
    assert seen.protection_at(200) == Protection(low=1_000, high=1_101, protected=True, triggered_at=200)
    found = replace(BOUNDED, calls=calls, side="debt").over(PUMP).read(5_000)
    assert not isinstance(found, Failed)
    assert (found.reason, found.updated_at) == ("bound", 5_000)


def test_the_cooldown_restarts_when_the_window_widens_and_not_at_every_trigger():
    source = StepSource(((0, 1_000), (100, 1_200), (200, 1_150), (300, 1_300)))
    seen = replace(BOUNDED, calls=update(100, 200, 300)).over(source)

    assert seen.verdicts == ("triggered", "triggered", "triggered")
    assert [seen.protection_at(t).triggered_at for t in (100, 200, 300)] == [100, 100, 300]


def test_protection_ends_by_a_keeper_after_the_cooldown_once_the_window_is_narrow():
    calls = (
        BoundsCall(at=50, action="exit"),
        *update(200),
        BoundsCall(at=200 + HOUR - 1, action="exit"),
        BoundsCall(at=200 + HOUR, action="exit"),
        BoundsCall(at=5_000, action="set_max", price=999),
        BoundsCall(at=5_000, action="set_max", price=1_050),
        BoundsCall(at=5_100, action="exit"),
        BoundsCall(at=5_200, action="set_max", price=1_049),
        BoundsCall(at=5_300, action="exit"),
    )
    seen = replace(BOUNDED, side="debt", calls=calls).over(PUMP)

    assert seen.verdicts == (
        "ProtectedPriceInactive",
        "triggered",
        "CooldownNotElapsed",
        "PriceRangeNotConverged",
        "InvalidMaxPrice",
        "done",
        "PriceRangeNotConverged",
        "done",
        "done",
    )
    assert [answer_of(seen.read(t)) for t in (5_100, 5_299, 5_300)] == [1_050, 1_049, 1_000]
    assert seen.protection_at(5_300).triggered_at == 0


def test_a_keeper_may_not_set_a_bound_past_spot_nor_past_the_other_bound_nor_to_0():
    source = StepSource(((0, 1_000), (100, 1_050), (200, 1_020)))
    calls = (
        *update(100),
        BoundsCall(at=200, action="set_min", price=1_021),
        BoundsCall(at=200, action="set_min", price=0),
        BoundsCall(at=200, action="set_min", price=1_020),
        BoundsCall(at=200, action="set_max", price=1_019),
        BoundsCall(at=200, action="set_max", price=1_020),
    )
    seen = replace(BOUNDED, calls=calls).over(source)

    assert seen.verdicts == (
        "done",
        "InvalidMinPrice",
        "ZeroPriceNotAllowed",
        "done",
        "InvalidMaxPrice",
        "done",
    )
    assert (seen.protection_at(200).low, seen.protection_at(200).high) == (1_020, 1_020)


def test_a_keeper_may_set_no_low_above_the_high_nor_high_below_the_low_even_where_spot_allows():
    source = StepSource(((0, 1_000), (100, 1_090), (200, 910)))
    seen = replace(
        BOUNDED,
        calls=(
            BoundsCall(at=100, action="set_min", price=1_001),
            BoundsCall(at=200, action="set_max", price=999),
        ),
    ).over(source)

    assert seen.verdicts == ("InvalidMinPrice", "InvalidMaxPrice")


def test_disabled_is_spot_and_enabling_starts_the_window_from_the_price():
    calls = (
        BoundsCall(at=10, action="disable"),
        *update(100, 200),
        BoundsCall(at=300, action="enable"),
        BoundsCall(at=300, action="enable"),
        *update(5_000),
        BoundsCall(at=5_001, action="disable"),
    )
    seen = replace(BOUNDED, calls=calls).over(PUMP)

    assert seen.verdicts == ("done", "done", "done", "done", "done", "done", "done")
    assert both(PUMP, 250, calls=calls) == (1_101, 1_101)
    assert seen.protection_at(200) == Protection(low=1_000, high=1_000, enabled=False)
    assert seen.protection_at(300) == Protection(low=1_101, high=1_101)
    assert both(PUMP, 250, enabled=False) == (1_101, 1_101)
    protected = replace(BOUNDED, calls=(*update(200), BoundsCall(at=300, action="disable"))).over(PUMP)
    assert protected.verdicts == ("triggered", "ProtectedPriceActive")


def test_a_source_that_reverts_makes_every_call_that_needs_it_revert():
    source = StepSource(((0, 1_000), (100, None), (200, 2**128)))
    calls = (
        *update(100),
        BoundsCall(at=100, action="set_min", price=1),
        BoundsCall(at=100, action="disable"),
        BoundsCall(at=100, action="enable"),
        BoundsCall(at=100, action="update"),
        BoundsCall(at=200, action="enable"),
    )
    seen = replace(BOUNDED, calls=calls).over(source)

    assert seen.verdicts == ("no price", "no price", "done", "no price", "no price", "PriceExceedsUint128")
    assert both(source, 100) == ("reverted", "reverted")
    assert both(source, 200) == ("PriceExceedsUint128", "PriceExceedsUint128")
    assert replace(BOUNDED, calls=update(200)).over(source).verdicts == ("PriceExceedsUint128",)


class Rules:
    """The contract's steps written down a second time, statement by statement, over plain variables."""

    def __init__(self, spot: int) -> None:
        self.low = self.high = spot
        self.active, self.since = False, 0

    def exceeds(self, spot):
        upper = self.low * (WAD + BOUNDED.trigger_threshold_wad) // WAD
        lower = self.high * (WAD - BOUNDED.trigger_threshold_wad) // WAD
        return spot > upper or spot < lower

    def update(self, spot, now):
        expanded = False
        if spot < self.low:
            self.low, expanded = spot, True
        if spot > self.high:
            self.high, expanded = spot, True
        if self.exceeds(spot):
            if not self.active or expanded:
                self.since = now
            self.active = True

    def exit(self, now):
        narrow = (self.high - self.low) * WAD // self.low < BOUNDED.reset_threshold_wad
        if self.active and now >= self.since + BOUNDED.cooldown_s and narrow:
            self.active, self.since = False, 0


@settings(deadline=None, max_examples=150)
@given(
    spots=st.lists(st.integers(900, 1_120), min_size=1, max_size=12),
    kinds=st.lists(st.sampled_from(["update", "update", "exit", "set_min", "set_max"]), max_size=24),
)
def test_every_sequence_of_calls_leaves_what_the_rules_say(spots, kinds):
    source = StepSource(tuple((1_000 * place, spot) for place, spot in enumerate(spots)))
    calls, rules = [], Rules(spots[0])
    for place, kind in enumerate(kinds):
        now = 500 * (place + 1)
        spot = spots[min(now // 1_000, len(spots) - 1)]
        calls.append(BoundsCall(at=now, action=kind, price=spot if kind.startswith("set") else 0))
        if kind == "update":
            rules.update(spot, now)
        elif kind == "exit":
            rules.exit(now)
        elif kind == "set_min" and spot <= rules.high:
            rules.low = spot
        elif kind == "set_max" and spot >= rules.low:
            rules.high = spot
    found = replace(BOUNDED, calls=tuple(calls)).over(source).protection_at(10**6)

    assert (found.low, found.high, found.protected, found.triggered_at) == (
        rules.low,
        rules.high,
        rules.active,
        rules.since,
    )


@settings(deadline=None, max_examples=80)
@given(spots=st.lists(st.integers(1, 10_000), min_size=1, max_size=12))
def test_collateral_never_counts_more_than_spot_and_debt_never_less(spots):
    source = StepSource(tuple(enumerate(spots)))
    for now, spot in enumerate(spots):
        collateral, debt = both(source, now, calls=update(*range(len(spots))))
        assert isinstance(collateral, int)
        assert isinstance(debt, int)
        assert collateral <= spot <= debt


def test_bad_bounds_are_refused_with_the_index_of_the_offender():
    for changes in (
        {"trigger_threshold_wad": 5 * 10**16 - 1},
        {"trigger_threshold_wad": 50 * 10**16 + 1},
        {"reset_threshold_wad": 10**17},
        {"reset_threshold_wad": 0},
        {"cooldown_s": 0},
    ):
        with pytest.raises(InvalidPartConfig) as refusal:
            replace(BOUNDED, **changes)
        assert refusal.value.field == next(iter(changes))
    with pytest.raises(InvalidPartConfig) as price:
        replace(BOUNDED, calls=(*update(1), BoundsCall(at=1, action="set_min", price=2**128)))
    assert price.value.field == "calls[1].price"
    with pytest.raises(ScheduleRunsBackwards):
        replace(BOUNDED, calls=update(5, 4))
    for source in (constant(None), constant(0), constant(2**128)):
        with pytest.raises(InvalidPartConfig):
            BOUNDED.over(source)
