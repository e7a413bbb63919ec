"""A push feed: rounds observe the market, triggers make reports, blocks land them.

Mirrors `shouldReport`, `ShouldAcceptFinalizedReport` and `DefaultDeviationFunc` of
`offchainreporting2/reportingplugin/median/median.go` (smartcontractkit/libocr@10e92feae) and the bounds of
`contract2/OCR2Aggregator.sol` (@1a7e0789b), in integers. Both decisions are taken at the round, with what has landed
by then; nodes take the second when the report is signed, a few seconds later.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from oracles.errors import InvalidFeedConfig, NoBlocks
from oracles.history import FeedHistory, Reason, Transmission
from oracles.inclusion import Attempt
from oracles.path import MarketPath, require_increasing
from oracles.push_config import PushFeedConfig
from oracles.scales import PPB
from oracles.sequencer import standing_blocks
from oracles.windows import inside


@dataclass(frozen=True, slots=True)
class PushFeed:
    """A push feed with its state at the first block; see `run_push_feed` for the two initial fields."""

    config: PushFeedConfig
    initial_answer: int | None = None
    initial_timestamp: int | None = None

    def history(self, path: MarketPath, block_timestamps: Sequence[int]) -> FeedHistory:
        """Run the feed over `path` and `block_timestamps`."""
        return run_push_feed(
            self.config,
            path,
            block_timestamps,
            initial_answer=self.initial_answer,
            initial_timestamp=self.initial_timestamp,
        )


def run_push_feed(
    config: PushFeedConfig,
    path: MarketPath,
    block_timestamps: Sequence[int],
    *,
    initial_answer: int | None = None,
    initial_timestamp: int | None = None,
) -> FeedHistory:
    """Every transmission of the feed up to the last block.

    Args:
        config: the feed's parameters.
        path: the market [feed decimals].
        block_timestamps: strictly increasing unix seconds; rounds run from the first of them on.
        initial_answer: what the chain shows at the first block [feed decimals]. None = the market there,
            0 = an aggregator to which nothing was transmitted yet.
        initial_timestamp: when that was transmitted, at or before the first block. None = in the first block.

    Raises:
        NoBlocks, TimesNotIncreasing: no blocks, or blocks out of order.
        BeforePathStarts: the path begins after the first block and no initial answer is given.
        InvalidFeedConfig: an initial answer below 0 or an initial time after the first block.
    """
    blocks = tuple(block_timestamps)
    if not blocks:
        raise NoBlocks
    require_increasing("block_timestamps", blocks)
    first = _initial(path, blocks[0], initial_answer, initial_timestamp)
    places = standing_blocks(blocks, config.sequencer_windows)
    run = _Run(
        config=config,
        path=path,
        blocks=tuple(blocks[place] for place in places),
        places=places,
        landed=[first] if first else [],
    )
    since = blocks[0] if first is None else max(blocks[0], first.transmitted_at + 1)
    earliest = max(since, path.times[0] + config.observation_latency_s + config.nodes.lag_s.most)
    for instant in _round_instants(config, earliest, blocks[-1]):
        run.land(until=instant)
        run.hold_round(instant, observe(config, path, instant))
    run.land(until=blocks[-1])
    return FeedHistory(tuple(run.landed))


def observe(config: PushFeedConfig, path: MarketPath, instant: int) -> int | None:
    """The median of the round at `instant` [feed decimals], or None where nodes or bounds suppress the report.

    Raises BeforePathStarts: the round looks back beyond the path.
    """
    median = config.nodes.median(path, config.draws, instant, instant - config.observation_latency_s)
    if median is None or config.bounds_mode == "off" or config.min_answer <= median <= config.max_answer:
        return median
    if config.bounds_mode == "freeze":
        return None
    return min(max(median, config.min_answer), config.max_answer)


def ready_at(config: PushFeedConfig, instant: int) -> int:
    """When the report of the round at `instant` is signed and ready to be sent [unix seconds]."""
    if config.offchain_latency is None:
        return instant + config.offchain_latency_s
    return instant + config.offchain_latency.draw(config.draws.at(instant, "offchain latency"))


def landing_block(config: PushFeedConfig, path: MarketPath, blocks: Sequence[int], instant: int) -> int:
    """Place in `blocks` of the one that takes the report of the round at `instant`; `len(blocks)` = none."""
    ready = ready_at(config, instant)
    first = bisect_left(blocks, ready)
    forced = [n_blocks for start, end, n_blocks in config.congestion if start <= ready < end]
    if forced or config.inclusion is None:
        place = first + (forced[-1] if forced else config.inclusion_blocks) - 1
    else:
        attempt = Attempt(
            ready_at=ready,
            stream=config.draws.at(instant, "inclusion"),
            level_ppb_at=partial(congestion_ppb, config, path),
        )
        place = config.inclusion.landing_place(blocks, first, attempt)
    while place < len(blocks) and inside(config.transmission_outages, blocks[place]):
        place += 1
    return min(place, len(blocks))


def congestion_ppb(config: PushFeedConfig, path: MarketPath, timestamp: int) -> int:
    """Congestion in a block of this time [ppb of a return]; 0 without a law."""
    law = config.congestion_law
    return 0 if law is None else law.level_ppb(path, config.draws, timestamp)


def deviates(new: int, old: int, threshold_ppb: int) -> bool:
    """Whether `new` is at least the threshold away from `old`, measured on `old`; from 0 any move is."""
    if old == 0:
        return new != 0
    return abs(new - old) * PPB >= threshold_ppb * abs(old)


@dataclass(slots=True)
class _Report:
    """A signed report on its way to the chain."""

    observed_at: int
    ready_at: int
    answer: int
    reason: Reason
    place: int


@dataclass(slots=True)
class _Run:
    """The state of one feed between rounds: what has landed and what is in flight, both oldest first."""

    config: PushFeedConfig
    path: MarketPath
    blocks: tuple[int, ...]
    """Times of the blocks that exist."""
    places: Sequence[int]
    """Where each stands among the blocks given."""
    landed: list[Transmission]
    in_flight: list[_Report] = field(default_factory=list[_Report])

    def land(self, *, until: int) -> None:
        """Move to `landed` every report in flight whose block is at or before `until`."""
        last_block = bisect_right(self.blocks, until) - 1
        while self.in_flight and self.in_flight[0].place <= last_block:
            report = self.in_flight.pop(0)
            self.landed.append(
                Transmission(
                    round_id=self.landed[-1].round_id + 1 if self.landed else 1,
                    observed_at=report.observed_at,
                    transmitted_at=self.blocks[report.place],
                    block_index=self.places[report.place],
                    answer=report.answer,
                    reason=report.reason,
                )
            )

    def hold_round(self, instant: int, median: int | None) -> None:
        """Decide whether the round at `instant` makes a report and whether it is sent."""
        reason = None if median is None else self._trigger(instant, median)
        if median is None or reason is None:
            return
        ready = ready_at(self.config, instant)
        if self._accepts(ready, median):
            place = landing_block(self.config, self.path, self.blocks, instant)
            self._send(_Report(instant, ready, median, reason, place))

    def _trigger(self, instant: int, median: int) -> Reason | None:
        if not self.landed:
            return "first"
        last = self.landed[-1]
        if deviates(median, last.answer, self.config.deviation_threshold_ppb):
            return "deviation"
        if last.transmitted_at + self.config.heartbeat_s < instant:
            return "heartbeat"
        unfulfilled = any(last.transmitted_at <= request <= instant for request in self.config.requests_at)
        return "request" if unfulfilled else None

    def _accepts(self, ready: int, median: int) -> bool:
        if not self.in_flight:
            return True
        pending = self.in_flight[-1]
        if deviates(median, pending.answer, self.config.accept_ppb):
            return True
        expiry_s = self.config.pending_expiry_s
        return expiry_s is not None and ready - pending.ready_at > expiry_s

    def _send(self, report: _Report) -> None:
        # An older round that would land with or after this one is stale by then: the contract refuses it.
        self.in_flight = [older for older in self.in_flight if older.place < report.place]
        self.in_flight.append(report)


def _initial(
    path: MarketPath, first_block: int, answer: int | None, timestamp: int | None
) -> Transmission | None:
    at = first_block if timestamp is None else timestamp
    if at > first_block:
        raise InvalidFeedConfig("initial_timestamp", at, f"at or before the first block, {first_block}")
    shown = path.price_at(first_block) if answer is None else answer
    if shown < 0:
        raise InvalidFeedConfig("initial_answer", shown, "at least 0")
    if shown == 0:
        return None
    index = 0 if at == first_block else -1
    return Transmission(
        round_id=1, observed_at=at, transmitted_at=at, block_index=index, answer=shown, reason="first"
    )


def _round_instants(config: PushFeedConfig, earliest: int, last: int) -> list[int]:
    first = earliest + (config.round_phase_s - earliest) % config.round_period_s
    instants = range(first, last + 1, config.round_period_s)
    return [instant for instant in instants if not inside(config.no_round_windows, instant)]
