"""The market path: right-continuous, exact, and particular about what it takes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oracles import MarketPath
from oracles.errors import (
    BeforePathStarts,
    NotAnExactInteger,
    PathShapeMismatch,
    PriceNotPositive,
    TimesNotIncreasing,
)


def test_a_price_holds_from_its_time_on_until_the_next():
    path = MarketPath((10, 20), (5, 7))

    assert [path.price_at(t) for t in (10, 19, 20, 10**12)] == [5, 5, 7, 7]


def test_numpy_integers_become_exact_ints_however_large_their_products_get():
    path = MarketPath(np.array([0, 1]), np.array([2**62, 2**62 + 1]))

    assert path == MarketPath((0, 1), (2**62, 2**62 + 1))
    assert path.price_at(1) * 10**9 == (2**62 + 1) * 10**9


def test_asking_before_the_path_starts_is_refused():
    with pytest.raises(BeforePathStarts) as refusal:
        MarketPath((10,), (5,)).price_at(9)

    assert (refusal.value.timestamp, refusal.value.starts_at) == (9, 10)


@pytest.mark.parametrize("price", [0, -1])
def test_a_price_of_zero_or_below_is_refused_with_its_index(price):
    with pytest.raises(PriceNotPositive) as refusal:
        MarketPath((0, 1, 2), (5, price, 5))

    assert (refusal.value.index, refusal.value.found) == (1, price)


@pytest.mark.parametrize("price", [math.nan, 5.0, np.float64("nan"), "5", None])
def test_a_price_that_is_no_integer_is_refused_with_its_index(price):
    with pytest.raises(NotAnExactInteger) as refusal:
        MarketPath((0, 1, 2), (5, 5, price))

    assert (refusal.value.what, refusal.value.index) == ("prices", 2)


@pytest.mark.parametrize("time", [1, 0, -7])
def test_times_that_repeat_or_run_backwards_are_refused_with_their_index(time):
    with pytest.raises(TimesNotIncreasing) as refusal:
        MarketPath((0, 1, time), (5, 5, 5))

    assert (refusal.value.index, refusal.value.before, refusal.value.found) == (2, 1, time)


@pytest.mark.parametrize(("times", "prices"), [((), ()), ((0, 1), (5,)), ((0,), (5, 6))])
def test_a_path_needs_one_price_per_time(times, prices):
    with pytest.raises(PathShapeMismatch):
        MarketPath(times, prices)
