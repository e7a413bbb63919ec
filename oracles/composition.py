"""A market as a protocol sees it, in one sentence: market, feed, adapter, cap, consumer.

    seen = read_through(market, PushFeed(), Scaled(decimals=18), RatioCap(...), AaveOracle(), blocks=blocks)
    seen.at(timestamp), seen.steps, seen.sentences(decimals=8)

The feed turns the market into rounds on the chain; every part after it stands over the one before. A protocol
reads in blocks alone, so what it sees is a step function over them. A second leg is a source of its own
with its own clock:

    eth_usd = FeedSource(history=PushFeed().history(eth, blocks))
    read_through(steth, PushFeed(), Multiplicative(feed_b=eth_usd), CometPrice(), blocks=blocks, decimals=18)

What naive models get wrong, and the test that holds each (tests/oracles/test_*.py):

     1 freeze and clamp at the floor    push_feed            14 the anchor's ratio is reciprocal anchored_view
     2 base is the old answer, at least push_feed            15 freeze or substitute the anchor  anchored_view, _v3
     3 heartbeat from the last landing  push_feed            16 a late poke shortens the delay   osm, spotter
     4 a jump is not shown in steps     push_feed            17 a dead pivot rejects a good main resilient
     5 even n: the upper middle         push_feed_nodes      18 one price for a transaction      resilient
     6 updatedAt is chain time          composition          19 the auction's proxy lags         svr
     7 startedAt checks are vacuous     composition          20 the caller chooses the package   pull
     8 phases break roundId - 1         proxy, liquity       21 a restart gaps, the grace blocks sequencer_sentinel
     9 most lenders check no age        consumers            22 one leg's clock is told          product
    10 a stale leg blocks liquidation   consumers            23 congestion comes with the crash  laws
    11 a depeg inside the dead zone     product              24 decimals can leave nothing       consumers
    12 rate times base, each its lag    capo                 25 the proxy is repointed           proxy
    13 a cap that binds wrongly         capo, correlated_cap
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from oracles.errors import BeforePathStarts, NoAnswerYet, NoBlocks
from oracles.history import Feed, FeedHistory, Transmission
from oracles.path import MarketPath, require_increasing
from oracles.reading import Failed, Part, Reading, Source


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedSource:
    """The aggregator of a feed that has run: `latestRoundData`."""

    history: FeedHistory
    """Its transmissions: of a run, or replayed."""
    decimals: int = 8
    """Of its answers; 8 for USD pairs, 18 for ETH pairs."""
    tells_observation: bool = False
    """`startedAt` is the instant of the round (OCR2) and not the time of the transmission (OCR1)."""

    def read(self, now: int) -> Reading | Failed:
        """The round in force; before the first an aggregator answers zeros."""
        try:
            return self.reading_of(self.history.round_at(now))
        except NoAnswerYet:
            return NO_ROUND

    def read_round(self, round_id: int, now: int) -> Reading | Failed:
        """`getRoundData`: that round if it has landed by now, else its number with zeros and no revert.

        Beyond uint32 even the number is 0 (contract2/OCR2Aggregator.sol, smartcontractkit/libocr@0a5e2f9).
        """
        rounds = self.history.transmissions
        place = bisect_right(rounds, round_id, key=_round_id) - 1
        if place < 0 or rounds[place].round_id != round_id or rounds[place].transmitted_at > now:
            return replace(NO_ROUND, round_id=round_id if round_id < 2**32 else 0)
        return self.reading_of(rounds[place])

    def reading_of(self, one: Transmission) -> Reading:
        """A transmission as the aggregator tells it."""
        return Reading(
            answer=one.answer,
            round_id=one.round_id,
            observed_at=one.observed_at,
            started_at=one.observed_at if self.tells_observation else one.transmitted_at,
            updated_at=one.transmitted_at,
            reason=one.reason,
        )


NO_ROUND = Reading(answer=0, round_id=0, observed_at=0, started_at=0, updated_at=0, reason="none yet")
"""What an aggregator without a round tells as its latest: zeros, and no revert."""


class RoundSource(Source, Protocol):
    """A source that keeps its earlier rounds."""

    def read_round(self, round_id: int, now: int) -> Reading | Failed:
        """`getRoundData` in a block of this time; its number and zeros where the round is unknown."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What is seen from this block on, until the next step."""

    timestamp: int
    """Of the first block in which it is read [unix seconds]."""
    seen: Reading | Failed

    def sentence(self, decimals: int) -> str:
        """The step in words: answer, round, `updatedAt` with its age here, the true age, and the reason.

        decimals: of the answer; amounts are written exactly.
        """
        seen = self.seen
        if isinstance(seen, Failed):
            return f"{self.timestamp}: no price, {seen.name}"
        return (
            f"{self.timestamp}: {in_units(seen.answer, decimals)}, round {seen.round_id}, updated {seen.updated_at} "
            f"({seen.age_at(self.timestamp)} s ago, the market of {self.timestamp - seen.observed_at} s ago), "
            f"{seen.reason}"
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a protocol reads, block by block: a right-continuous step function, steps oldest first."""

    steps: tuple[Step, ...]

    def at(self, timestamp: int) -> Reading | Failed:
        """What is read in the last block at or before `timestamp`. Raises BeforePathStarts."""
        place = bisect_right(self.steps, timestamp, key=_timestamp) - 1
        if place < 0:
            raise BeforePathStarts(timestamp, self.steps[0].timestamp)
        return self.steps[place].seen

    def sentences(self, decimals: int) -> list[str]:
        """Every step in words, oldest first; `decimals` of the answers."""
        return [step.sentence(decimals) for step in self.steps]

    def changes(self) -> list[Step]:
        """The steps at which the answer itself changes, or a failure begins or ends: what moves a health factor."""
        changed: list[Step] = []
        for step in self.steps:
            if not changed or _answer(changed[-1].seen) != _answer(step.seen):
                changed.append(step)
        return changed


def through(source: Source, *parts: Part) -> Source:
    """A source as it looks through parts, the first nearest to it."""
    for part in parts:
        source = part.over(source)
    return source


def read_through(
    market: MarketPath, feed: Feed, *parts: Part, blocks: Sequence[int], decimals: int = 8
) -> Seen:
    """What a protocol reads of a market through a feed and parts, in blocks of these times [unix seconds].

    decimals: of the feed. Raises NoBlocks, TimesNotIncreasing, BeforePathStarts.
    """
    source = FeedSource(history=feed.history(market, blocks), decimals=decimals)
    return seen_in(through(source, *parts), blocks)


def seen_in(source: Source, blocks: Sequence[int]) -> Seen:
    """What a source answers in blocks of these times, a step wherever that changes. Raises NoBlocks."""
    if not blocks:
        raise NoBlocks
    require_increasing("blocks", tuple(blocks))
    steps: list[Step] = []
    for timestamp in blocks:
        found = source.read(timestamp)
        if not steps or steps[-1].seen != found:
            steps.append(Step(timestamp=timestamp, seen=found))
    return Seen(tuple(steps))


def in_units(answer: int, decimals: int) -> str:
    """An integer answer as a decimal number, exactly: 185012345678 of 8 decimals is 1850.12345678."""
    sign, digits = "-" if answer < 0 else "", f"{abs(answer):0{decimals + 1}d}"
    return f"{sign}{digits}" if decimals == 0 else f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def _answer(seen: Reading | Failed) -> int | str:
    return seen.name if isinstance(seen, Failed) else seen.answer


def _timestamp(step: Step) -> int:
    return step.timestamp


def _round_id(transmission: Transmission) -> int:
    return transmission.round_id
