"""A source that answers what a test says, from when it says: None stands for a read that reverts."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from oracles.reading import Failed, Reading


@dataclass(frozen=True)
class StepSource:
    """Answers as (from, answer), oldest first; before the first a read reverts."""

    steps: tuple[tuple[int, int | None], ...]
    decimals: int = 18

    def read(self, now: int) -> Reading | Failed:
        place = bisect_right(self.steps, now, key=lambda step: step[0]) - 1
        if place < 0 or self.steps[place][1] is None:
            return Failed(name="reverted")
        since, answer = self.steps[place]
        assert answer is not None
        return Reading(
            answer=answer,
            round_id=place + 1,
            observed_at=since,
            started_at=since,
            updated_at=since,
            reason="step",
        )


def constant(answer: int | None, decimals: int = 18) -> StepSource:
    return StepSource(((0, answer),), decimals)


def answer_of(found: Reading | Failed) -> int | str:
    """The answer, or the name of the revert."""
    return found.name if isinstance(found, Failed) else found.answer
