"""The cap of a pegged asset: above it binds, below it passes, at zero it says zero."""

from __future__ import annotations

import pytest

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading
from oracles.stable_cap import RelativeStableCap, StableCap
from tests.oracles.told import Reverting, Told, answer_of


@pytest.mark.parametrize(
    ("price", "expected", "reason"),
    [
        (103_999_999, 103_999_999, "told"),
        (104_000_000, 104_000_000, "told"),
        (104_000_001, 104_000_000, "cap"),
        (88_000_000, 88_000_000, "told"),
        (0, 0, "told"),
        (-5, 0, "told"),
    ],
)
def test_a_price_is_cut_at_the_cap_and_passes_below_it(price, expected, reason):
    seen = StableCap().over(Told(price)).read(1)

    assert isinstance(seen, Reading)
    assert (seen.answer, seen.reason, seen.updated_at) == (expected, reason, 100)


@pytest.mark.parametrize("cap", [-1, 2 * 10**8 + 1])
def test_a_cap_below_zero_or_above_two_dollars_is_refused(cap):
    StableCap(cap=2 * 10**8)
    with pytest.raises(InvalidPartConfig) as refusal:
        StableCap(cap=cap)

    assert refusal.value.found == cap


def test_a_cap_below_the_price_of_the_moment_cannot_be_set():
    cap = StableCap(cap=10**8)

    assert cap.settable_at(Told(10**8), 1)
    assert not cap.settable_at(Told(10**8 + 1), 1)
    assert not cap.settable_at(Reverting(), 1)


@pytest.mark.parametrize(
    ("price", "euro", "expected", "reason"),
    [
        (112_000_000, 108_000_000, 112_000_000, "told"),
        (115_000_000, 108_000_000, 112_320_000, "cap"),
        (-7, 108_000_000, -7, "told"),
        (5, -1, -1, "cap"),
        (5, 0, 0, "cap"),
    ],
)
def test_a_euro_token_is_capped_at_a_ratio_of_the_euro(price, euro, expected, reason):
    seen = RelativeStableCap(base=Told(euro)).over(Told(price)).read(1)

    assert isinstance(seen, Reading)
    assert (seen.answer, seen.reason) == (expected, reason)


def test_failures_pass_through_both_caps():
    assert StableCap().over(Reverting()).read(1) == Failed(name="reverted")
    assert RelativeStableCap(base=Reverting("euro")).over(Told(1)).read(1) == Failed(name="euro")
    assert answer_of(RelativeStableCap(base=Told(10**8)).over(Told(1)).read(1)) == 1
    with pytest.raises(InvalidPartConfig):
        RelativeStableCap(base=Told(1), cap_ratio=-1)
