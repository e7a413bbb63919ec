"""Two proxies on one aggregator: its readers see a lost auction late, the others a won one a block late."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.errors import InvalidPartConfig, TimesNotIncreasing
from oracles.history import FeedHistory
from oracles.reading import Reading
from oracles.svr import DualAggregator, SecondaryReport, auctions_won
from tests.oracles.told import answer_of, rounds

HISTORY = rounds((1000, 10), (2000, 20), (2012, 21), (2024, 22)).history


def answers(proxy, times):
    return [answer_of(proxy.read(now)) for now in times]


def test_oracle_trap_19_a_lost_auction_is_seen_more_than_the_cutoff_late():
    aggregator = DualAggregator(history=HISTORY, cutoff_s=60)

    assert answers(aggregator.primary(), (1999, 2000, 2012, 2024)) == [10, 20, 21, 22]
    assert answers(aggregator.auctioned(), (2000, 2060, 2061, 2072, 2073, 2084, 2085)) == [
        10,
        10,
        20,
        20,
        21,
        21,
        22,
    ]


def test_a_won_auction_is_seen_at_once_and_holds_until_the_cutoff():
    won = SecondaryReport(round_id=2, landed_at=2000, primary_at=2000)
    aggregator = DualAggregator(history=HISTORY, secondary=(won,), cutoff_s=60)

    assert answers(aggregator.auctioned(), (1999, 2000, 2060, 2061, 2072, 2073)) == [10, 20, 20, 20, 20, 21]


def test_a_report_auctioned_late_counts_from_when_it_was_recorded():
    """Recorded at 2012, through the auction at 2070: it stays until a round recorded later is past the cutoff."""
    late = SecondaryReport(round_id=3, landed_at=2070)
    aggregator = DualAggregator(history=HISTORY, secondary=(late,), cutoff_s=60)

    assert answers(aggregator.auctioned(), (2069, 2070, 2072, 2073, 2084, 2085)) == [20, 21, 21, 21, 21, 22]


def test_a_report_recorded_by_the_auction_alone_is_hidden_from_the_others_in_its_block():
    alone = DualAggregator(history=HISTORY, secondary=(SecondaryReport(round_id=4, landed_at=2024),))
    both = DualAggregator(
        history=HISTORY, secondary=(SecondaryReport(round_id=4, landed_at=2024, primary_at=2024),)
    )
    later = DualAggregator(
        history=HISTORY, secondary=(SecondaryReport(round_id=4, landed_at=2024, primary_at=2036),)
    )

    assert answers(alone.primary(), (2024, 2025)) == [21, 22]
    assert answers(alone.auctioned(), (2024,)) == [22]
    assert answers(both.primary(), (2024,)) == [22]
    assert answers(later.primary(), (2024, 2036)) == [21, 22]


def test_the_walk_back_looks_at_so_many_rounds_and_then_keeps_the_auctioned_one():
    crowd = rounds((1000, 1), *((2000 + second, 100 + second) for second in range(30))).history
    first = SecondaryReport(round_id=1, landed_at=1000, primary_at=1000)
    few = DualAggregator(history=crowd, secondary=(first,), cutoff_s=25, max_sync_iterations=26)
    many = DualAggregator(history=crowd, secondary=(first,), cutoff_s=25, max_sync_iterations=27)

    assert answers(few.auctioned(), (2029,)) == [1]
    assert answers(many.auctioned(), (2029,)) == [103]


def test_before_any_round_past_the_cutoff_the_auctions_readers_see_zeros():
    fresh = DualAggregator(history=HISTORY, cutoff_s=60)

    assert answers(fresh.auctioned(), (1060, 1061)) == [0, 10]
    assert answers(fresh.primary(), (999, 1000)) == [0, 10]


@given(st.integers(0, 120), st.integers(0, 3000), st.integers(0, 10**9))
def test_the_extra_delay_is_never_more_than_the_cutoff_whoever_wins(cutoff_s, after_s, win_ppb):
    now = 1000 + after_s
    won = auctions_won(HISTORY, win_ppb, drawn)
    aggregator = DualAggregator(history=HISTORY, secondary=won, cutoff_s=cutoff_s)
    seen, primary = aggregator.auctioned().read(now), aggregator.primary().read(now - cutoff_s - 1)

    assert isinstance(seen, Reading)
    assert isinstance(primary, Reading)
    assert primary.round_id <= seen.round_id <= answer_and_round(aggregator.primary().read(now))[1]


def test_auctions_are_drawn_by_round_so_that_a_longer_history_keeps_its_past():
    shorter = FeedHistory(HISTORY.transmissions[:3])
    longer = auctions_won(HISTORY, 500_000_000, drawn)

    assert auctions_won(shorter, 500_000_000, drawn) == tuple(one for one in longer if one.round_id <= 3)
    assert len(auctions_won(HISTORY, 10**9, drawn)) == 4
    assert auctions_won(HISTORY, 0, lambda _: 0) == ()
    assert len(auctions_won(HISTORY, 1, lambda _: 0)) == 4


def test_always_winning_is_the_primary_itself():
    aggregator = DualAggregator(history=HISTORY, secondary=auctions_won(HISTORY, 10**9, drawn))

    for now in range(990, 2200):
        assert aggregator.auctioned().read(now) == aggregator.primary().read(now)


@pytest.mark.parametrize(
    ("secondary", "error"),
    [
        ([(9, 2024)], InvalidPartConfig),
        ([(2, 1999)], InvalidPartConfig),
        ([(3, 2050), (2, 2060)], TimesNotIncreasing),
        ([(2, 2050), (3, 2040)], InvalidPartConfig),
    ],
)
def test_auctions_that_cannot_have_been_are_refused(secondary, error):
    reports = tuple(SecondaryReport(round_id=of, landed_at=at) for of, at in secondary)
    with pytest.raises(error):
        DualAggregator(history=HISTORY, secondary=reports)


def test_a_chance_beyond_the_whole_is_refused():
    with pytest.raises(InvalidPartConfig):
        auctions_won(HISTORY, 10**9 + 1, drawn)


def drawn(round_id: int) -> int:
    return int.from_bytes(hashlib.sha256(b"auction %d" % round_id).digest()[:8], "big") % 10**9


def answer_and_round(found):
    assert isinstance(found, Reading)
    return found.answer, found.round_id
