"""Prices that the caller brings: the window to the second, the choice inside it, the signers it takes."""

from __future__ import annotations

from itertools import combinations
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import MarketPath
from oracles.composition import seen_in
from oracles.errors import InvalidPartConfig
from oracles.pull import Choice, Package, PackageUpdate, PulledPrice, accepted, lowest_ratio, median_down
from oracles.reading import Failed, Reading
from tests.oracles.told import answer_of

SECOND = MarketPath(range(2000), range(1, 2001))  # the price tells its own second, plus one


def pulled(choice: Choice = "newest", path=SECOND, **fields):
    return PulledPrice(signers=(path,), choice=choice, package_period_s=1, signing_latency_s=0, **fields)


def test_the_window_is_from_180_seconds_before_to_60_after_the_block_both_included():
    stamps = [one.timestamp for one in pulled(clock_ahead_s=300).options(1000)]

    assert (stamps[0], stamps[-1], len(stamps)) == (820, 1060, 241)


def test_without_a_clock_ahead_nobody_has_a_package_of_the_future():
    source = PulledPrice(signers=(SECOND,), package_period_s=10, signing_latency_s=3)

    assert [one.timestamp for one in source.options(1002)][-2:] == [980, 990]
    assert [one.timestamp for one in source.options(1003)][-1] == 1000


def test_a_signers_clock_that_runs_ahead_lets_the_chain_see_the_market_of_its_own_future_timestamp():
    seen = pulled(clock_ahead_s=20).read(1000)

    assert isinstance(seen, Reading)
    assert (seen.updated_at, seen.observed_at, seen.answer) == (1020, 1000, 1001)


@pytest.mark.parametrize(
    ("choice", "second"), [("newest", 1000), ("oldest", 820), ("lowest", 820), ("highest", 1000)]
)
def test_oracle_trap_20_the_caller_chooses_inside_the_window(choice, second):
    seen = pulled(choice).read(1000)

    assert isinstance(seen, Reading)
    assert (seen.updated_at, seen.answer, seen.reason) == (second, second + 1, choice)


def test_a_dip_of_ten_seconds_can_be_used_for_three_minutes():
    dip = MarketPath((0, 1000, 1010), (2000, 1500, 2000))
    seen = seen_in(pulled("lowest", dip), range(990, 1200))
    low = seen.changes()

    assert [(step.timestamp, answer_of(step.seen)) for step in low] == [
        (990, 2000),
        (1000, 1500),
        (1190, 2000),
    ]
    assert answer_of(pulled("newest", dip).read(1100)) == 2000


def test_no_package_in_the_window_is_a_revert():
    source = PulledPrice(signers=(SECOND,), package_period_s=1000, max_delay_s=100, signing_latency_s=0)

    assert source.read(999) == Failed(name="TimestampIsTooOld")
    assert answer_of(source.read(1100)) == 1001
    assert source.read(1101) == Failed(name="TimestampIsTooOld")


@given(st.lists(st.integers(1, 100), min_size=3, max_size=6), st.integers(1, 3))
def test_the_caller_chooses_the_signers_too_and_none_does_better(values, threshold):
    paths = tuple(MarketPath((0,), (value,)) for value in values)
    medians = [median_down(sorted(some)) for some in combinations(values, threshold)]

    wanted: dict[Choice, int] = {"lowest": min(medians), "highest": max(medians)}
    for choice, best in wanted.items():
        source = PulledPrice(signers=paths, unique_signers_threshold=threshold, choice=choice)
        assert answer_of(source.read(100)) == best


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9).map(sorted))
def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two_rounded_down(values):
    upper, lower = values[len(values) // 2], median_low(values)

    assert median_down(values) == (upper + lower) // 2


def test_the_worst_pair_of_a_payload_shares_its_timestamp():
    collateral = pulled("lowest", MarketPath((0, 900), (1000, 900)))
    debt = pulled("highest", MarketPath((0, 850, 870), (100, 130, 100)))
    pair = lowest_ratio(collateral, debt, 1000)

    assert pair is not None
    assert pair[0].timestamp == pair[1].timestamp
    assert (pair[0].value, pair[1].value) == (1000, 130)  # 7.69; the lowest collateral alone gives 9
    assert lowest_ratio(collateral, pulled("highest", MarketPath((5000,), (1,))), 1000) is None


def test_the_push_variant_takes_only_newer_packages_in_the_window_and_not_too_often():
    def update(landed_at, timestamp, value=5):
        return PackageUpdate(landed_at=landed_at, package=Package(timestamp=timestamp, value=value))

    good = [update(1000, 900), update(1010, 1070), update(1013, 1071)]
    refused = [
        update(1005, 900),  # not newer than the last
        update(1000, 819),  # too old by a second
        update(1002, 1001),  # within three seconds of the last
        update(1005, 1066),  # too far ahead by a second
        update(1009, 1001, value=0),
    ]
    assert accepted([update(1000, 819), good[0], *refused, good[1], update(1012, 1072), good[2]]) == tuple(
        good
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"unique_signers_threshold": 2}, "signers"),
        ({"unique_signers_threshold": 0}, "unique_signers_threshold"),
        ({"package_period_s": 0}, "package_period_s"),
        ({"choice": "luckiest"}, "choice"),
    ],
)
def test_bad_parameters_are_refused_by_name(fields, field):
    with pytest.raises(InvalidPartConfig) as refusal:
        PulledPrice(signers=(SECOND,), **fields)

    assert refusal.value.field == field
