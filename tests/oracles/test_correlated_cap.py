"""Venus' cap on an exchange rate: its line, its snapshots, and what a cap set too low does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import MarketPath
from oracles.correlated_cap import SECONDS_PER_YEAR, CorrelatedCap, RateSnapshot
from oracles.errors import BeforePathStarts, InvalidPartConfig, ScheduleRunsBackwards
from oracles.reading import Failed
from tests.oracles.step_source import answer_of, constant

WAD, START, DAY = 10**18, 1_700_000_000, 86_400
ETHER = constant(2_000 * WAD)
CAP = CorrelatedCap(
    rate=MarketPath((0,), (12 * 10**17,)),
    snapshot=RateSnapshot(max_rate=12 * 10**17, timestamp=START),
    annual_growth_wad=SECONDS_PER_YEAR * 10**9,  # 3.1536 % a year, 10^-9 a second
    snapshot_interval_s=30 * DAY,
)


def test_the_line_grows_from_the_snapshot_by_the_growth_a_second():
    assert CAP.growth_per_second_wad == 10**9
    assert CAP.max_rate(CAP.snapshot, START) == 12 * 10**17
    assert CAP.max_rate(CAP.snapshot, START + 100) == 12 * 10**17 + 12 * 10**17 * 100 // 10**9
    assert replace(CAP, annual_growth_wad=5 * 10**16).growth_per_second_wad == 1_585_489_599


def test_a_rate_under_the_line_passes_and_one_over_it_is_held_to_it():
    jump = replace(CAP, rate=MarketPath((0, START + 50), (12 * 10**17, 15 * 10**17))).over(ETHER)

    assert answer_of(jump.read(START + 49)) == 2_400 * WAD
    assert not jump.is_capped(START + 49)
    found = jump.read(START + 100)
    assert not isinstance(found, Failed)
    assert (found.answer, found.reason) == ((12 * 10**17 + 12 * 10**10) * 2_000, "cap")
    assert jump.is_capped(START + 100)


def test_a_fall_of_the_rate_or_of_the_underlying_passes_at_once():
    fall = replace(CAP, rate=MarketPath((0, START + 50), (12 * 10**17, 10**18))).over(ETHER)

    assert answer_of(fall.read(START + 50)) == 2_000 * WAD
    assert not fall.is_capped(START + 50)
    assert answer_of(CAP.over(constant(None)).read(START)) == "reverted"


def test_oracle_trap_13_a_snapshot_set_too_low_is_a_fall_of_the_price():
    low = RateSnapshot(max_rate=116 * 10**16, timestamp=START + 1_000)
    seen = replace(CAP, set_snapshots=((START + 1_000, low),)).over(ETHER)

    assert answer_of(seen.read(START + 999)) == 2_400 * WAD
    assert answer_of(seen.read(START + 1_000)) == 2_320 * WAD


def test_a_snapshot_is_taken_again_only_after_the_interval_at_the_lower_rate_plus_the_gap():
    rate = MarketPath((0, START + DAY), (12 * 10**17, 20 * 10**17))
    updates = (START + 30 * DAY - 1, START + 30 * DAY, START + 60 * DAY)
    seen = replace(CAP, rate=rate, updates=updates, snapshot_gap=10**15).over(ETHER)

    line = 12 * 10**17 + 12 * 10**17 * 30 * DAY // 10**9
    assert seen.snapshot_at(START + 30 * DAY - 1) == CAP.snapshot
    first = RateSnapshot(max_rate=line + 10**15, timestamp=START + 30 * DAY)
    assert seen.snapshot_at(START + 60 * DAY - 1) == first
    assert seen.snapshot_at(START + 60 * DAY).max_rate == (
        first.max_rate + first.max_rate * 10**9 * 30 * DAY // WAD + 10**15
    )


def test_the_line_follows_the_rate_down():
    rate = MarketPath((0, START + DAY, START + 40 * DAY), (12 * 10**17, 10**18, 12 * 10**17))
    seen = replace(CAP, rate=rate, updates=(START + 30 * DAY,)).over(ETHER)

    assert seen.snapshot_at(START + 30 * DAY).max_rate == 10**18
    assert seen.rate_at(START + 40 * DAY) == 10**18 + 10 * DAY * 10**9


def test_without_an_interval_there_is_no_cap_and_no_snapshot():
    free = replace(
        CAP,
        rate=MarketPath((0, START), (10**18, 9 * 10**18)),
        annual_growth_wad=0,
        snapshot_interval_s=0,
        updates=(START,),
    ).over(ETHER)

    assert answer_of(free.read(START)) == 18_000 * WAD
    assert not free.is_capped(START)
    assert free.snapshot_at(START) == CAP.snapshot


@settings(deadline=None, max_examples=60)
@given(
    rates=st.lists(st.integers(10**17, 10**19), min_size=1, max_size=6),
    gap=st.integers(0, 10**16),
    growth=st.integers(SECONDS_PER_YEAR, 10**18),
    now=st.integers(0, 400 * DAY),
)
def test_the_rate_in_use_is_never_above_its_own_nor_above_the_line(rates, gap, growth, now):
    path = MarketPath([START + 50 * DAY * step for step in range(len(rates))], rates)
    part = replace(
        CAP,
        rate=path,
        annual_growth_wad=growth,
        snapshot_gap=gap,
        updates=tuple(range(START, START + 400 * DAY, 20 * DAY)),
    )
    seen = part.over(ETHER)
    at = START + now

    highest = part.max_rate(seen.snapshot_at(at), at)
    assert seen.rate_at(at) == min(path.price_at(at), highest)
    assert answer_of(seen.read(at)) == seen.rate_at(at) * 2_000


def test_the_scale_of_the_answer_is_that_of_the_underlying_and_the_token_divides_out():
    part = replace(
        CAP,
        rate=MarketPath((0,), (12 * 10**5,)),
        snapshot=RateSnapshot(max_rate=12 * 10**5, timestamp=START),
        token_decimals=6,
    )
    seen = part.over(constant(7 * 10**8, decimals=8))

    assert (seen.decimals, answer_of(seen.read(START))) == (8, 84 * 10**7)


def test_a_first_snapshot_of_the_future_reverts_until_then():
    assert CAP.over(ETHER).read(START - 1) == Failed(name="Panic(0x11)")


def test_bad_caps_are_refused_with_the_index_of_the_offender():
    for changes in (
        {"annual_growth_wad": SECONDS_PER_YEAR - 1},
        {"snapshot_interval_s": 0},
        {"snapshot": RateSnapshot(max_rate=0, timestamp=START)},
        {"snapshot": RateSnapshot(max_rate=1, timestamp=0)},
    ):
        with pytest.raises(InvalidPartConfig):
            replace(CAP, **changes)
    good = RateSnapshot(max_rate=1, timestamp=5)
    for bad in (RateSnapshot(max_rate=0, timestamp=5), RateSnapshot(max_rate=1, timestamp=7)):
        with pytest.raises(InvalidPartConfig) as refusal:
            replace(CAP, set_snapshots=((5, good), (6, bad)))
        assert refusal.value.field == "set_snapshots[1]"
    with pytest.raises(ScheduleRunsBackwards):
        replace(CAP, updates=(6, 5))
    with pytest.raises(BeforePathStarts):
        replace(CAP, rate=MarketPath((START + 1,), (1,))).over(ETHER).read(START)
