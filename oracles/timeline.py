"""What a contract remembers, as a step function of time: the state after every action, in the order of the chain."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from oracles.errors import ScheduleRunsBackwards

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Timeline(Generic[State]):
    """A state from the start and after each change; several changes in one block leave the last in force."""

    start: State
    """Before the first change."""
    changes: tuple[tuple[int, State], ...]
    """(time of the block, state from there on) [unix seconds], not running backwards."""

    def at(self, now: int) -> State:
        """The state that a read in a block of this time finds, actions of that block included."""
        done = bisect_right(self.changes, now, key=_time)
        return self.changes[done - 1][1] if done else self.start


def require_in_order(what: str, times: Sequence[int]) -> None:
    """Refuse times that run backwards (the same time twice is one block). Raises ScheduleRunsBackwards."""
    for index in range(1, len(times)):
        if times[index] < times[index - 1]:
            raise ScheduleRunsBackwards(what, index, times[index - 1], times[index])


def _time(change: tuple[int, object]) -> int:
    return change[0]
