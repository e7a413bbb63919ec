"""Pyth: old until somebody pushes, refused when too far from now, a width that few look at."""

from __future__ import annotations

import pytest

from oracles.errors import InvalidPartConfig, ScheduleRunsBackwards
from oracles.pyth import Pyth, PythUpdate
from oracles.reading import Failed, Reading
from tests.oracles.told import answer_of

UPDATES = (
    PythUpdate(landed_at=100, publish_time=98, price=2000, conf=3),
    PythUpdate(landed_at=110, publish_time=97, price=1, conf=0),
    PythUpdate(landed_at=120, publish_time=98, price=2, conf=0),
    PythUpdate(landed_at=400, publish_time=430, price=1800, conf=10),
)


def test_the_price_is_old_until_somebody_pushes_and_older_updates_change_nothing():
    unsafe = Pyth(updates=UPDATES, max_age_s=None)

    assert [answer_of(unsafe.read(now)) for now in (100, 110, 120, 399, 400)] == [
        2000,
        2000,
        2000,
        2000,
        1800,
    ]
    seen = unsafe.read(399)
    assert isinstance(seen, Reading)
    assert seen.age_at(399) == 301


@pytest.mark.parametrize(
    ("now", "expected"), [(158, 2000), (159, "StalePrice"), (399, "StalePrice"), (400, 1800), (490, 1800)]
)
def test_a_price_too_far_from_now_is_refused(now, expected):
    seen = Pyth(updates=UPDATES).read(now)

    assert (seen.name if isinstance(seen, Failed) else seen.answer) == expected


def test_a_price_of_the_future_is_refused_by_the_same_distance():
    assert Pyth(updates=UPDATES, max_age_s=29).read(400) == Failed(name="StalePrice")
    assert answer_of(Pyth(updates=UPDATES, max_age_s=30).read(400)) == 1800


@pytest.mark.parametrize(
    ("side", "multiple", "expected"), [("mid", 1, 2000), ("low", 1, 1997), ("high", 2, 2006)]
)
def test_a_side_is_so_many_confidences_off(side, multiple, expected):
    assert answer_of(Pyth(updates=UPDATES, side=side, conf_multiple=multiple).read(100)) == expected


def test_before_the_first_push_there_is_no_feed():
    assert Pyth(updates=UPDATES).read(99) == Failed(name="PriceFeedNotFound")


def test_updates_out_of_order_and_bad_fields_are_refused():
    with pytest.raises(ScheduleRunsBackwards) as refusal:
        Pyth(updates=(UPDATES[1], UPDATES[0]))
    assert refusal.value.index == 1
    with pytest.raises(InvalidPartConfig):
        Pyth(updates=(PythUpdate(landed_at=1, publish_time=1, price=1, conf=-1),))
    with pytest.raises(InvalidPartConfig):
        Pyth(updates=UPDATES, side="left")  # pyright: ignore[reportArgumentType]  # refused when it runs
