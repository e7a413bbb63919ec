"""What a feed showed: its transmissions in order, and what a consumer reads from them at any time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from oracles.errors import NoAnswerYet, TransmissionsOutOfOrder
from oracles.path import MarketPath

Reason = Literal["first", "deviation", "heartbeat", "request"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Transmission:
    """One accepted report: what an aggregator stores, and when and why it was made."""

    round_id: int
    """Aggregator round: 1, 2, 3... in a run; as recorded in a replay."""
    observed_at: int
    """Instant of the off-chain round [unix seconds]: `startedAt` of an OCR2 aggregator."""
    transmitted_at: int
    """Time of the block it landed in: `updatedAt`. The answer is in force from here on."""
    block_index: int
    """Index into the run's `block_timestamps`; -1 = before the first block, or unknown."""
    answer: int
    """[feed decimals]"""
    reason: Reason


@dataclass(frozen=True, slots=True)
class FeedHistory:
    """Every transmission of a feed, oldest first: a right-continuous step function of time.

    Raises:
        TransmissionsOutOfOrder: a round, block or time that does not come after its predecessor.
    """

    transmissions: tuple[Transmission, ...]

    def __post_init__(self) -> None:
        for index in range(1, len(self.transmissions)):
            self._require_after(index)

    def round_at(self, timestamp: int) -> Transmission:
        """The transmission in force at `timestamp`, one landing at that very second included.

        Raises:
            NoAnswerYet: nothing has landed by then.
        """
        landed = bisect_right(self.transmissions, timestamp, key=_transmitted_at)
        if not landed:
            first_at = self.transmissions[0].transmitted_at if self.transmissions else None
            raise NoAnswerYet(timestamp, first_at)
        return self.transmissions[landed - 1]

    def answer_at(self, timestamp: int) -> int:
        """The answer a consumer reads at `timestamp` [feed decimals]."""
        return self.round_at(timestamp).answer

    def age_at(self, timestamp: int) -> int:
        """Seconds since `updatedAt`: the age a consumer can see."""
        return timestamp - self.round_at(timestamp).transmitted_at

    def observation_age_at(self, timestamp: int) -> int:
        """Seconds since the round that made the answer: the true age, larger by the way to the chain."""
        return timestamp - self.round_at(timestamp).observed_at

    def _require_after(self, index: int) -> None:
        before, found = self.transmissions[index - 1], self.transmissions[index]
        if found.round_id <= before.round_id:
            raise TransmissionsOutOfOrder(index, "round_id", before.round_id, found.round_id)
        # Two rounds may land in one block (recorded ETH/USD rounds do): the later one is in force.
        for field in ("transmitted_at", "block_index"):
            if getattr(found, field) < getattr(before, field):
                raise TransmissionsOutOfOrder(index, field, getattr(before, field), getattr(found, field))


class Feed(Protocol):
    """Anything that turns a market path into what a consumer was shown."""

    def history(self, path: MarketPath, block_timestamps: Sequence[int]) -> FeedHistory:
        """Run the feed over `path`; answers change only in blocks (strictly increasing unix seconds)."""
        ...


def replay(transmissions: Iterable[Transmission]) -> FeedHistory:
    """The history of a forced schedule, such as a recorded `AnswerUpdated` log: exactly what was put in."""
    return FeedHistory(tuple(transmissions))


def _transmitted_at(transmission: Transmission) -> int:
    return transmission.transmitted_at
