"""A market read in one sentence: the step function, its clocks and its reasons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import MarketFeed, MarketPath, PushFeed, PushFeedConfig
from oracles.capo import RatioCap, Snapshot
from oracles.comet_adapters import Multiplicative
from oracles.composition import NO_ROUND, FeedSource, in_units, read_through, seen_in, through
from oracles.consumers import AaveOracle, CometPrice, NotOlderThan
from oracles.errors import BeforePathStarts, NoBlocks, TimesNotIncreasing
from oracles.reading import Failed, Reading
from oracles.scaling import Scaled
from tests.oracles.told import Told, answer_of, reading, rounds

FEED = PushFeedConfig(heartbeat_s=1000, offchain_latency_s=5, observation_latency_s=3)
BLOCKS = range(0, 3000, 12)
MARKET = MarketPath((0, 600), (2000 * 10**8, 1900 * 10**8))


def test_the_sentence_reads_from_the_market_to_the_consumer():
    start = 10**6
    market = MarketPath((start, start + 600), (2000 * 10**8, 1900 * 10**8))
    snapshot = Snapshot(set_at=start, ratio=11 * 10**17, timestamp=start - 700_000)
    cap = RatioCap(ratio=Told(12 * 10**17, 18), snapshots=(snapshot,))
    seen = read_through(market, PushFeed(FEED), cap, AaveOracle(), blocks=range(start, start + 3000, 12))

    at = start + 648
    at_cap = reading(seen.at(at))
    assert at_cap.answer == 1900 * 10**8 * cap.max_ratio_at(at) // 10**18
    assert (at_cap.reason, at_cap.updated_at) == ("cap", start + 624)


def test_every_step_tells_round_times_age_and_reason():
    seen = read_through(MARKET, PushFeed(FEED), Scaled(decimals=8), CometPrice(), blocks=BLOCKS)

    assert seen.sentences(8) == [
        "0: 2000.00000000, round 1, updated 0 (0 s ago, the market of 0 s ago), first",
        "624: 1900.00000000, round 2, updated 624 (0 s ago, the market of 14 s ago), deviation",
        "1644: 1900.00000000, round 3, updated 1644 (0 s ago, the market of 14 s ago), heartbeat",
        "2664: 1900.00000000, round 4, updated 2664 (0 s ago, the market of 14 s ago), heartbeat",
    ]
    assert [step.timestamp for step in seen.changes()] == [0, 624]


def test_a_failure_is_a_step_too_and_says_its_name():
    seen = read_through(MARKET, PushFeed(FEED), NotOlderThan(max_age_s=900), blocks=BLOCKS)

    assert [sentence for sentence in seen.sentences(8) if "no price" in sentence] == [
        "1536: no price, stale",
        "2556: no price, stale",
    ]
    assert [step.timestamp for step in seen.changes()] == [0, 624, 1536, 1644, 2556, 2664]


def test_a_second_leg_is_a_feed_of_its_own_with_its_own_clock():
    eth_usd = FeedSource(history=PushFeed(FEED).history(MARKET, BLOCKS))
    steth = MarketPath((0, 1200), (10**18, 98 * 10**16))
    seen = read_through(
        steth,
        PushFeed(FEED),
        Multiplicative(feed_b=eth_usd),
        CometPrice(),
        blocks=BLOCKS,
        decimals=18,
    )

    told = [
        (step.timestamp, answer_of(step.seen) // 10**8, reading(step.seen).updated_at)
        for step in seen.changes()
    ]
    assert told == [(0, 2000, 0), (624, 1900, 624), (1224, 1862, 624)]


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=30))
def test_a_market_through_a_feed_without_lag_and_no_part_is_the_market(prices):
    market = MarketPath(range(len(prices)), prices)
    seen = read_through(market, MarketFeed(), blocks=range(len(prices)))

    assert [answer_of(seen.at(now)) for now in range(len(prices))] == prices
    assert all(reading(seen.at(now)).age_at(now) == 0 for now in range(len(prices)))


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 10**9)), min_size=1, max_size=20), st.integers(1, 9)
)
def test_the_step_function_is_what_a_read_in_each_block_says(moves, every_s):
    times = [sum(move[0] for move in moves[: index + 1]) for index in range(len(moves))]
    source = rounds(*zip(times, (move[1] for move in moves), strict=True))
    blocks = range(0, times[-1] + 20, every_s)
    seen = seen_in(source, blocks)

    for now in range(times[-1] + 20):
        assert seen.at(now) == source.read(now - now % every_s)
    assert all(one.seen != other.seen for one, other in zip(seen.steps, seen.steps[1:], strict=False))


def test_oracle_trap_06_the_age_that_a_consumer_sees_leaves_out_the_way_to_the_chain():
    seen = read_through(MARKET, PushFeed(FEED), blocks=BLOCKS).at(636)

    assert isinstance(seen, Reading)
    assert (seen.age_at(636), 636 - seen.observed_at) == (12, 26)


def test_oracle_trap_07_a_check_of_started_at_or_of_the_answers_round_never_fails_on_an_aggregator():
    """Both are those of the round itself, however old it is: only `updatedAt` against now tells staleness."""
    history = PushFeed(PushFeedConfig(round_outages=((1, 10**6),))).history(MARKET, range(0, 900_000, 600))
    for tells_observation in (False, True):
        stale = FeedSource(history=history, tells_observation=tells_observation).read(899_000)
        assert isinstance(stale, Reading)
        assert stale.started_at == stale.updated_at == 0
        assert stale.age_at(899_000) == 899_000


def test_startedat_is_the_observation_on_ocr2_and_the_transmission_on_ocr1():
    source = rounds((100, 5), latency_s=14)

    assert reading(source.read(100)).started_at == 100
    assert reading(FeedSource(history=source.history, tells_observation=True).read(100)).started_at == 86


def test_before_its_first_round_an_aggregator_answers_zeros_and_comet_refuses_them():
    source = rounds((100, 5))

    assert source.read(99) == NO_ROUND
    assert through(source, CometPrice()).read(99) == Failed(name="BadPrice")


@pytest.mark.parametrize(
    ("round_id", "now", "told"),
    [
        (3, 200, (3, 5, 100)),
        (4, 200, (4, 6, 200)),
        (4, 199, (4, 0, 0)),
        (2, 200, (2, 0, 0)),
        (2**32, 200, (0, 0, 0)),
    ],
)
def test_an_unknown_round_comes_back_as_its_number_and_zeros(round_id, now, told):
    found = rounds((100, 5), (200, 6), first_round=3).read_round(round_id, now)

    assert isinstance(found, Reading)
    assert (found.round_id, found.answer, found.updated_at) == told


@pytest.mark.parametrize(
    ("answer", "decimals", "written"),
    [
        (185012345678, 8, "1850.12345678"),
        (5, 8, "0.00000005"),
        (-5, 2, "-0.05"),
        (7, 0, "7"),
        (0, 3, "0.000"),
    ],
)
def test_answers_are_written_exactly(answer, decimals, written):
    assert in_units(answer, decimals) == written


def test_blocks_must_be_there_and_rise_and_nothing_is_seen_before_the_first():
    with pytest.raises(NoBlocks):
        seen_in(Told(1), ())
    with pytest.raises(TimesNotIncreasing) as refusal:
        seen_in(Told(1), (5, 6, 6))
    assert refusal.value.index == 2
    with pytest.raises(BeforePathStarts):
        seen_in(Told(1), (5, 6)).at(4)
    assert answer_of(seen_in(Told(1), (5, 6)).at(10**9)) == 1
