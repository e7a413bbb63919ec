"""An L2 without its sequencer: the status, the grace, and what each consumer does in it."""

from __future__ import annotations

import pytest

from oracles import MarketPath, PushFeed, PushFeedConfig
from oracles.composition import FeedSource, seen_in, through
from oracles.consumers import VenusChainlinkOracle
from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading
from oracles.sequencer_sentinel import (
    DOWN,
    UP,
    PriceOracleSentinel,
    SequencerFeed,
    SequencerGate,
    without_blocks,
)
from tests.oracles.told import Reverting, Told, answer_of

WAD = 10**18
OUTAGE = (10_000, 13_600)
FEED = SequencerFeed(outages=(OUTAGE,), initialised_at=100)


@pytest.mark.parametrize(
    ("now", "answer", "started_at"),
    [
        (99, UP, 0),
        (100, UP, 100),
        (9_999, UP, 100),
        (10_000, DOWN, 10_000),
        (13_599, DOWN, 10_000),
        (13_600, UP, 13_600),
    ],
)
def test_the_feed_tells_the_status_and_when_it_last_changed(now, answer, started_at):
    seen = FEED.read(now)

    assert isinstance(seen, Reading)
    assert (seen.answer, seen.started_at) == (answer, started_at)


def test_a_feed_that_was_never_initialised_passes_any_grace():
    assert PriceOracleSentinel(feed=SequencerFeed()).allows_borrow(10**9)
    assert SequencerGate(feed=SequencerFeed()).is_active(10**9)


@pytest.mark.parametrize(
    ("now", "allowed"), [(9_999, True), (12_000, False), (13_600, False), (17_200, False), (17_201, True)]
)
def test_aave_and_venus_open_again_when_more_than_the_grace_has_passed(now, allowed):
    assert PriceOracleSentinel(feed=FEED).allows_borrow(now) is allowed
    assert SequencerGate(feed=FEED).is_active(now) is allowed


def test_aave_lets_deeply_unhealthy_accounts_be_liquidated_within_the_grace():
    sentinel = PriceOracleSentinel(feed=FEED)

    assert sentinel.allows_liquidation(14_000, 95 * WAD // 100 - 1)
    assert not sentinel.allows_liquidation(14_000, 95 * WAD // 100)
    assert sentinel.allows_liquidation(17_201, 95 * WAD // 100)


def test_an_answer_that_is_neither_up_nor_down_is_up_for_venus_and_down_for_aave():
    odd = Told(2, decimals=0, started_at=0, updated_at=0)

    assert SequencerGate(feed=odd).is_active(10_000)
    assert not PriceOracleSentinel(feed=odd).allows_borrow(10_000)


def test_the_older_sentinel_reckons_the_grace_from_updated_at():
    touched = Told(UP, decimals=0, started_at=1_000, updated_at=9_000)

    assert PriceOracleSentinel(feed=touched).allows_borrow(10_000)
    assert not PriceOracleSentinel(feed=touched, reckons_from="updated_at").allows_borrow(10_000)


def test_a_status_that_cannot_be_read_closes_both():
    assert not PriceOracleSentinel(feed=Reverting()).allows_borrow(10**9)
    assert not SequencerGate(feed=Reverting()).is_active(10**9)


def test_the_gate_reverts_every_price_with_the_contracts_words():
    gated = SequencerGate(feed=FEED).over(Told(5, 18))

    assert gated.decimals == 18
    assert gated.read(14_000) == Failed(name="L2 sequencer unavailable")
    assert answer_of(gated.read(17_201)) == 5


def test_oracle_trap_21_a_restart_gaps_and_the_grace_blocks_everybody_for_another_hour():
    """ETH falls 20 % with the sequencer down: no block shows it, nor is there a price until the grace is over."""
    blocks = without_blocks(range(0, 20_000, 2), (OUTAGE,))
    market = MarketPath((0, 11_000), (2000 * 10**8, 1600 * 10**8))
    config = PushFeedConfig(heartbeat_s=86_400, round_outages=(OUTAGE,))
    raw = FeedSource(history=PushFeed(config).history(market, blocks))
    gated = through(raw, VenusChainlinkOracle(max_stale_period_s=90_000), SequencerGate(feed=FEED))

    changes = [(step.timestamp, step.seen) for step in seen_in(gated, blocks).changes()]
    assert not any(OUTAGE[0] <= block < OUTAGE[1] for block in blocks)
    assert [timestamp for timestamp, _ in changes] == [0, 3_702, 13_600, 17_202]
    assert isinstance(changes[0][1], Failed)  # within an hour of initialisation
    assert [answer_of(changes[place][1]) for place in (1, 3)] == [2000 * WAD, 1600 * WAD]
    assert changes[2][1] == Failed(name="L2 sequencer unavailable")
    assert answer_of(raw.read(13_620)) == 1600 * 10**8


@pytest.mark.parametrize("outages", [((5, 5),), ((50, 60), (59, 70)), ((0, 10),)])
def test_outages_that_overlap_or_end_before_they_start_are_refused_with_their_index(outages):
    with pytest.raises(InvalidPartConfig) as refusal:
        SequencerFeed(outages=outages, initialised_at=1)

    assert refusal.value.field == f"outages[{len(outages) - 1}]"


def test_a_grace_below_zero_and_an_unknown_clock_are_refused():
    for make in (PriceOracleSentinel, SequencerGate):
        with pytest.raises(InvalidPartConfig):
            make(feed=FEED, grace_period_s=-1)
    with pytest.raises(InvalidPartConfig):
        PriceOracleSentinel(feed=FEED, reckons_from="now")  # pyright: ignore[reportArgumentType]  # refused when it runs
