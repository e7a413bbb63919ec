"""A deterministic push feed: rounds observe the market, triggers make reports, blocks land them.

Mirrors `shouldReport` and `ShouldAcceptFinalizedReport` of `offchainreporting2/reportingplugin/median/
median.go` and the bounds of `contract2/OCR2Aggregator.sol` (smartcontractkit/libocr), in integers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from oracles.errors import InvalidFeedConfig, NoBlocks
from oracles.history import FeedHistory, Reason, Transmission
from oracles.path import MarketPath, require_increasing
from oracles.push_config import PPB, PushFeedConfig, Window


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
    run = _Run(config=config, blocks=blocks, landed=[first] if first else [], previous_round=blocks[0] - 1)
    since = blocks[0] if first is None else max(blocks[0], first.transmitted_at + 1)
    earliest = max(since, path.times[0] + config.observation_latency_s)
    for instant in _round_instants(config, earliest, blocks[-1]):
        run.land(until=instant)
        run.hold_round(instant, observe(config, path, instant))
    run.land(until=blocks[-1])
    return FeedHistory(tuple(run.landed))


def observe(config: PushFeedConfig, path: MarketPath, instant: int) -> int | None:
    """The median of the round at `instant` [feed decimals], or None where the bounds suppress the report.

    All nodes see the same market here; nodes that differ take their place in this function.
    """
    median = path.price_at(instant - config.observation_latency_s)
    if config.bounds_mode == "off" or config.min_answer <= median <= config.max_answer:
        return median
    if config.bounds_mode == "freeze":
        return None
    return min(max(median, config.min_answer), config.max_answer)


def landing_block(config: PushFeedConfig, blocks: tuple[int, ...], ready_at: int) -> int:
    """Index of the block that takes a report ready at `ready_at`; `len(blocks)` = none of them.

    Inclusion takes a constant number of blocks here; other laws take their place in this function.
    """
    n_blocks = config.inclusion_blocks
    for start, end, congested_blocks in config.congestion:
        if start <= ready_at < end:
            n_blocks = congested_blocks
    index = bisect_left(blocks, ready_at) + n_blocks - 1
    while index < len(blocks) and _inside(config.transmission_outages, blocks[index]):
        index += 1
    return min(index, len(blocks))


def deviates(new: int, old: int, threshold_ppb: int) -> bool:
    """Whether `new` is at least the threshold away from `old`, measured on `old`."""
    return abs(new - old) * PPB >= threshold_ppb * abs(old)


@dataclass(slots=True)
class _Report:
    """A signed report on its way to the chain."""

    observed_at: int
    answer: int
    reason: Reason
    block_index: int


@dataclass(slots=True)
class _Run:
    """The state of one feed between rounds: what has landed and what is in flight, both oldest first."""

    config: PushFeedConfig
    blocks: tuple[int, ...]
    landed: list[Transmission]
    previous_round: int
    """Instant of the last round held: requests after it are still unanswered."""
    in_flight: list[_Report] = field(default_factory=list[_Report])

    def land(self, *, until: int) -> None:
        """Move to `landed` every report in flight whose block is at or before `until`."""
        last_block = bisect_right(self.blocks, until) - 1
        while self.in_flight and self.in_flight[0].block_index <= last_block:
            report = self.in_flight.pop(0)
            self.landed.append(
                Transmission(
                    round_id=self.landed[-1].round_id + 1 if self.landed else 1,
                    observed_at=report.observed_at,
                    transmitted_at=self.blocks[report.block_index],
                    block_index=report.block_index,
                    answer=report.answer,
                    reason=report.reason,
                )
            )

    def hold_round(self, instant: int, median: int | None) -> None:
        """Decide whether the round at `instant` makes a report and whether it is sent."""
        requested = any(self.previous_round < request <= instant for request in self.config.requests_at)
        self.previous_round = instant
        if median is None:
            return
        reason = self._trigger(instant, median, requested=requested)
        if reason is not None and self._accepts(instant, median):
            self._send(_Report(instant, median, reason, self._landing_block(instant)))

    def _trigger(self, instant: int, median: int, *, requested: bool) -> Reason | None:
        if not self.landed:
            return "first"
        last = self.landed[-1]
        if deviates(median, last.answer, self.config.deviation_threshold_ppb):
            return "deviation"
        if last.transmitted_at + self.config.heartbeat_s < instant:
            return "heartbeat"
        return "request" if requested else None

    def _accepts(self, instant: int, median: int) -> bool:
        if not self.in_flight:
            return True
        pending = self.in_flight[-1]
        if deviates(median, pending.answer, self.config.accept_ppb):
            return True
        expiry_s = self.config.pending_expiry_s
        return expiry_s is not None and instant - pending.observed_at > expiry_s

    def _landing_block(self, instant: int) -> int:
        return landing_block(self.config, self.blocks, instant + self.config.offchain_latency_s)

    def _send(self, report: _Report) -> None:
        # An older round that would land with or after this one is stale by then: the contract refuses it.
        self.in_flight = [older for older in self.in_flight if older.block_index < report.block_index]
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
    return [instant for instant in instants if not _inside(config.round_outages, instant)]


def _inside(windows: tuple[Window, ...], timestamp: int) -> bool:
    return any(start <= timestamp < end for start, end in windows)
