"""Maker's median: which pokes are taken, and what is read of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.errors import InvalidPartConfig, ScheduleRunsBackwards
from oracles.medianizer import Medianizer, MedianPoke
from oracles.reading import Failed
from tests.oracles.step_source import answer_of

INVALID = Failed(name="Median/invalid-price-feed")


def poke(at, *values, ages=None):
    return MedianPoke(at=at, values=values, ages=tuple(at - 5 for _ in values) if ages is None else ages)


def test_the_middle_price_is_taken_with_the_clock_of_the_block():
    median = Medianizer(pokes=(poke(100, 5, 7, 9, ages=(90, 80, 95)),), quorum=3)
    found = median.read(150)

    assert median.read(99) == INVALID
    assert not isinstance(found, Failed)
    assert (found.answer, found.observed_at, found.updated_at, found.age_at(150)) == (7, 80, 100, 50)


@given(prices=st.lists(st.integers(1, 10**30), min_size=5, max_size=5))
def test_the_middle_of_five_is_their_median(prices):
    median = Medianizer(pokes=(poke(100, *sorted(prices)),), quorum=5)

    assert answer_of(median.read(100)) == sorted(prices)[2]


def test_a_poke_with_another_number_an_old_price_or_in_no_order_changes_nothing():
    pokes = (
        poke(100, 5, 7, 9),
        poke(200, 5, 7, 9, 11),
        poke(300, 15, 17, 19, ages=(250, 100, 250)),
        poke(400, 15, 19, 17),
        poke(500, 15, 15, 19, ages=(101, 101, 101)),
    )
    median = Medianizer(pokes=pokes, quorum=3)

    assert median.verdicts == (
        "taken",
        "bar-too-low",
        "stale-message",
        "messages-not-in-order",
        "taken",
    )
    assert [answer_of(median.read(t)) for t in (100, 499, 500)] == [7, 7, 15]


def test_a_median_of_0_is_no_price_and_128_bits_are_kept():
    median = Medianizer(pokes=(poke(100, 5), poke(200, 0), poke(300, 2**128 + 3)))

    assert [answer_of(median.read(t)) for t in (100, 200, 300)] == [5, INVALID.name, 3]


def test_bad_medians_are_refused_with_the_index_of_the_offender():
    for quorum in (0, 2, -1):
        with pytest.raises(InvalidPartConfig):
            Medianizer(pokes=(), quorum=quorum)
    with pytest.raises(InvalidPartConfig) as refusal:
        Medianizer(pokes=(poke(1, 5), poke(2, 5, ages=(1, 1))))
    assert refusal.value.field == "pokes[1].ages"
    with pytest.raises(ScheduleRunsBackwards):
        Medianizer(pokes=(poke(2, 5), poke(1, 5)))
