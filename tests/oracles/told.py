"""Sources that say what a test tells them to, and rounds by hand."""

from __future__ import annotations

from dataclasses import dataclass

from oracles.composition import FeedSource
from oracles.history import FeedHistory, Transmission
from oracles.reading import Failed, Reading


@dataclass(frozen=True)
class Told:
    """A source that answers the same at any time, with clocks of its own."""

    answer: int
    decimals: int = 8
    updated_at: int = 100
    round_id: int = 7
    started_at: int = 90
    observed_at: int = 80
    reason: str = "told"

    def read(self, now: int) -> Reading | Failed:
        return Reading(
            answer=self.answer,
            round_id=self.round_id,
            observed_at=self.observed_at,
            started_at=self.started_at,
            updated_at=self.updated_at,
            reason=self.reason,
        )


@dataclass(frozen=True)
class Reverting:
    """A source whose every read reverts."""

    name: str = "reverted"
    decimals: int = 8

    def read(self, now: int) -> Reading | Failed:
        return Failed(name=self.name)


def rounds(*of: tuple[int, int], latency_s: int = 0, decimals: int = 8, first_round: int = 1) -> FeedSource:
    """A feed whose rounds are (landed at, answer) with numbers from `first_round` on."""
    history = FeedHistory(
        tuple(
            Transmission(
                round_id=first_round + index,
                observed_at=at - latency_s,
                transmitted_at=at,
                block_index=-1,
                answer=answer,
                reason="deviation" if index else "first",
            )
            for index, (at, answer) in enumerate(of)
        )
    )
    return FeedSource(history=history, decimals=decimals)


def reading(found: Reading | Failed) -> Reading:
    """A read that must not fail."""
    assert isinstance(found, Reading), found
    return found


def answer_of(found: Reading | Failed) -> int:
    """The answer of a read that must not fail."""
    return reading(found).answer
