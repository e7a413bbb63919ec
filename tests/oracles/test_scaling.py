"""Changing decimals, constants and rates: truncation toward zero, and clocks that say now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import MarketPath
from oracles.errors import BeforePathStarts, InvalidPartConfig
from oracles.reading import Failed, Reading
from oracles.scaling import Constant, OnChainRate, Scaled, rescaled
from tests.oracles.told import Reverting, Told, answer_of


@pytest.mark.parametrize(
    ("answer", "source_decimals", "decimals", "expected"),
    [
        (1_234_567_890_123_456_789, 18, 8, 123_456_789),
        (123_456_789, 8, 18, 1_234_567_890_000_000_000),
        (-1_999_999_999, 18, 8, 0),
        (-19_999_999_999, 18, 8, -1),
        (999, 8, 8, 999),
    ],
)
def test_an_answer_is_scaled_up_exactly_and_down_toward_zero(answer, source_decimals, decimals, expected):
    source = Scaled(decimals=decimals).over(Told(answer, source_decimals))

    assert source.decimals == decimals
    assert answer_of(source.read(1000)) == expected


def test_round_times_and_reason_pass_and_so_does_a_failure():
    seen = Scaled(decimals=18).over(Told(5)).read(1000)

    assert seen == Reading(
        answer=5 * 10**10, round_id=7, observed_at=80, started_at=90, updated_at=100, reason="told"
    )
    assert Scaled().over(Reverting()).read(1) == Failed(name="reverted")


def test_scaling_up_beyond_int256_panics():
    assert Scaled(decimals=18).over(Told(2**250, 8)).read(1) == Failed(name="Panic(0x11)")


@given(st.integers(-(2**200), 2**200), st.integers(0, 12), st.integers(0, 12))
def test_truncation_is_never_away_from_zero_and_less_than_a_unit_off(answer, source_decimals, decimals):
    scaled = rescaled(answer, source_decimals, decimals)
    lost = abs(answer) * 10**decimals - abs(scaled) * 10**source_decimals

    assert 0 <= lost < 10**source_decimals
    assert scaled * answer >= 0


def test_a_constant_claims_to_be_of_this_block_for_ever():
    for now in (1, 10**9):
        seen = Constant(answer=10**8).read(now)
        assert isinstance(seen, Reading)
        assert (seen.answer, seen.age_at(now), seen.round_id) == (10**8, 0, 1)


def test_a_rate_of_the_chain_changes_in_the_very_second_of_its_report():
    rate = OnChainRate(path=MarketPath((10, 20), (10**18, 11 * 10**17)))

    assert [answer_of(rate.read(now)) for now in (10, 19, 20)] == [10**18, 10**18, 11 * 10**17]
    with pytest.raises(BeforePathStarts):
        rate.read(9)


def test_decimals_below_zero_are_refused():
    with pytest.raises(InvalidPartConfig) as refusal:
        Scaled(decimals=-1)

    assert (refusal.value.field, refusal.value.found) == ("decimals", -1)
