"""Maker's price module: when a poke is let through, what it puts in force, and what the hour comes to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.errors import InvalidPartConfig, ScheduleRunsBackwards
from oracles.osm import Osm, OsmCall, effective_delays, keeper_pokes, pokes_at
from oracles.reading import Failed
from tests.oracles.step_source import StepSource, answer_of, constant

HOUR, WAD = 3_600, 10**18
TEN = 10 * HOUR
EACH_SECOND = StepSource(tuple((t, (t + 1) * WAD) for t in range(0, 20 * HOUR, 10)))
NO_VALUE = Failed(name="OSM/no-current-value")


def run(*calls, source=EACH_SECOND, **changes):
    return Osm(calls=calls, **changes).over(source)


def verdicts(seen):
    return [one.verdict for one in seen.outcomes]


def test_a_price_sampled_at_one_poke_is_in_force_from_the_next_and_seen_an_hour_ahead():
    seen = run(*pokes_at((TEN, TEN + HOUR, TEN + 2 * HOUR)))

    assert seen.read(TEN) == NO_VALUE
    assert answer_of(seen.peep(TEN)) == (TEN + 1) * WAD
    assert answer_of(seen.read(TEN + HOUR)) == (TEN + 1) * WAD
    assert answer_of(seen.read(TEN + 2 * HOUR - 1)) == (TEN + 1) * WAD
    assert answer_of(seen.read(TEN + 2 * HOUR)) == answer_of(seen.peep(TEN + 2 * HOUR - 1))


def test_a_reading_tells_when_the_market_was_sampled_and_when_it_came_into_force():
    found = run(*pokes_at((TEN, TEN + HOUR))).read(TEN + HOUR + 60)

    assert not isinstance(found, Failed)
    assert (found.observed_at, found.updated_at, found.age_at(TEN + HOUR + 60)) == (TEN, TEN + HOUR, 60)
    assert found.reason == "osm"


def test_a_poke_is_let_through_from_a_hop_after_the_last_full_hour():
    seen = run(*pokes_at((TEN, TEN + HOUR - 1, TEN + HOUR)))

    assert verdicts(seen) == ["shifted", "not-passed", "shifted"]
    assert [seen.may_poke(t) for t in (TEN + HOUR - 1, TEN + HOUR, TEN + 2 * HOUR)] == [False, False, True]


def test_oracle_trap_16_a_late_poke_shortens_the_next_delay_to_seconds():
    late, due = TEN + HOUR - 10, TEN + HOUR
    seen = run(*pokes_at((late, due)))

    assert verdicts(seen) == ["shifted", "shifted"]
    assert effective_delays(seen.outcomes) == (10,)
    assert answer_of(seen.read(due)) == (late + 1) * WAD


def test_a_delay_has_no_end_while_nobody_pokes():
    seen = run(*pokes_at((TEN, TEN + HOUR, TEN + 9 * HOUR)))

    assert answer_of(seen.read(TEN + 9 * HOUR - 1)) == (TEN + 1) * WAD
    assert effective_delays(seen.outcomes) == (HOUR, 8 * HOUR)


def test_a_source_without_a_price_changes_nothing_not_even_the_hour():
    source = StepSource(((0, 5 * WAD), (TEN + HOUR, None), (TEN + HOUR + 50, 0), (TEN + HOUR + 90, 7 * WAD)))
    seen = run(*pokes_at((TEN, TEN + HOUR, TEN + HOUR + 60, TEN + HOUR + 90)), source=source)

    assert verdicts(seen) == ["shifted", "source-invalid", "source-invalid", "shifted"]
    assert answer_of(seen.read(TEN + HOUR + 90)) == 5 * WAD
    assert answer_of(seen.peep(TEN + HOUR + 90)) == 7 * WAD


def test_stop_freezes_and_void_empties_until_two_pokes_after_the_start():
    def call(at, what):
        return OsmCall(at=at, call=what)

    seen = run(
        *pokes_at((TEN, TEN + HOUR)),
        call(TEN + HOUR + 1, "stop"),
        *pokes_at((TEN + 2 * HOUR,)),
        call(TEN + 2 * HOUR + 1, "void"),
        call(TEN + 2 * HOUR + 2, "start"),
        *pokes_at((TEN + 2 * HOUR + 3, TEN + 3 * HOUR)),
    )

    assert verdicts(seen) == [
        "shifted",
        "shifted",
        "done",
        "is-stopped",
        "done",
        "done",
        "shifted",
        "shifted",
    ]
    assert answer_of(seen.read(TEN + 2 * HOUR)) == (TEN + 1) * WAD
    assert seen.read(TEN + 2 * HOUR + 1) == seen.read(TEN + 3 * HOUR - 1) == NO_VALUE
    assert seen.peep(TEN + 2 * HOUR + 2) == NO_VALUE
    assert not isinstance(seen.read(TEN + 3 * HOUR), Failed)


def test_void_stops_pokes_as_well():
    seen = run(OsmCall(at=TEN, call="void"), *pokes_at((TEN + HOUR,)))

    assert verdicts(seen) == ["done", "is-stopped"]


def test_a_step_changes_the_hop_and_what_the_hour_is_rounded_to():
    seen = run(
        *pokes_at((TEN,)), OsmCall(at=TEN + 10, call="step", hop_s=600), *pokes_at((TEN + 610, TEN + 1_200))
    )

    assert verdicts(seen) == ["shifted", "done", "shifted", "shifted"]


def test_a_module_that_has_run_before_starts_with_its_prices():
    before = run(*pokes_at((TEN, TEN + HOUR)))
    current, following = before.read(TEN + HOUR), before.peep(TEN + HOUR)
    assert not isinstance(current, Failed)
    assert not isinstance(following, Failed)
    seen = run(*pokes_at((TEN + 2 * HOUR,)), current=current, following=following, zzz=TEN + HOUR)

    assert seen.read(TEN + HOUR) == current
    assert answer_of(seen.read(TEN + 2 * HOUR)) == following.answer


@given(lateness=st.lists(st.integers(0, 7_000), min_size=1, max_size=5))
def test_a_keepers_pokes_are_all_let_through_and_no_delay_is_longer_than_its_lateness_allows(lateness):
    blocks = range(TEN, TEN + 8 * HOUR, 15)
    seen = run(*keeper_pokes(blocks, late_s=lateness))

    assert set(verdicts(seen)) == {"shifted"}
    assert all(delay < HOUR + max(lateness) + 15 for delay in effective_delays(seen.outcomes))


def test_a_keeper_without_lateness_pokes_on_the_hour():
    pokes = keeper_pokes(range(TEN - 100, TEN + 3 * HOUR, 20), zzz=TEN - HOUR)

    assert [call.at for call in pokes] == [TEN, TEN + HOUR, TEN + 2 * HOUR]


def test_a_value_is_kept_in_128_bits():
    seen = run(*pokes_at((TEN, TEN + HOUR)), source=constant(2**128 + 7))

    assert answer_of(seen.read(TEN + HOUR)) == 7


def test_bad_modules_are_refused_with_the_index_of_the_offender():
    with pytest.raises(ScheduleRunsBackwards) as order:
        Osm(calls=pokes_at((TEN, TEN - 1)))
    assert order.value.index == 1
    with pytest.raises(InvalidPartConfig) as step:
        Osm(calls=(*pokes_at((TEN,)), OsmCall(at=TEN, call="step")))
    assert step.value.field == "calls[1].hop_s"
    for changes in ({"hop_s": 0}, {"hop_s": 65_536}, {"zzz": -1}):
        with pytest.raises(InvalidPartConfig):
            replace(Osm(calls=()), **changes)
    with pytest.raises(InvalidPartConfig):
        keeper_pokes((1,), late_s=())
