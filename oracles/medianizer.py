"""Maker's median: a quorum of signed prices, of which the middle one is taken, as old as the block it landed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading
from oracles.timeline import Timeline, require_in_order

Verdict = Literal["taken", "bar-too-low", "stale-message", "messages-not-in-order"]
"""Of a poke: as the contract's own errors name it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MedianPoke:
    """Prices that one transaction brings, in the order it brings them."""

    at: int
    """Of the block [unix seconds]."""
    values: tuple[int, ...]
    """[wad], in ascending order or the poke reverts."""
    ages: tuple[int, ...]
    """When each was signed [unix seconds], later than the block of the last poke or this one reverts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Medianizer:
    """The median with every poke of it; what signers do off the chain (when they sign) is in the pokes.

    Mirrors `poke`, `peek` and `setBar` of `src/median.sol` (makerdao/median@0316acd5a), where
    who signed is checked too. The answer is kept in 128 bits. Below the quorum, with an old or a misplaced price, a
    poke changes nothing.

    Raises:
        InvalidPartConfig: an even quorum ("quorum-not-odd-number"), or a poke with unlike numbers of values and ages.
        ScheduleRunsBackwards: naming the index.
    """

    pokes: tuple[MedianPoke, ...]
    quorum: int = 1
    """How many prices a poke must bring, exactly. `bar` of the source as it is made; 13 on mainnet, from memory."""
    decimals: int = 18
    """Prices are wads."""
    _state: Timeline[Reading | Failed] = field(init=False, repr=False, compare=False)
    _verdicts: tuple[Verdict, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.quorum < 1 or self.quorum % 2 == 0:
            raise InvalidPartConfig("Medianizer", "quorum", self.quorum, "odd and above 0")
        require_in_order("pokes", [poke.at for poke in self.pokes])
        for index, poke in enumerate(self.pokes):
            if len(poke.ages) != len(poke.values):
                wanted = f"one per value, {len(poke.values)}"
                raise InvalidPartConfig("Medianizer", f"pokes[{index}].ages", len(poke.ages), wanted)
        verdicts: list[Verdict] = []
        changes: list[tuple[int, Reading | Failed]] = []
        for poke in self.pokes:
            verdicts.append(self._verdict(poke, last=changes[-1][0] if changes else 0))
            if verdicts[-1] == "taken":
                changes.append((poke.at, _taken(poke, round_id=len(changes) + 1)))
        object.__setattr__(self, "_verdicts", tuple(verdicts))
        object.__setattr__(self, "_state", Timeline(Failed(name="Median/invalid-price-feed"), tuple(changes)))

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What came of each poke."""
        return self._verdicts

    def read(self, now: int) -> Reading | Failed:
        """`read` [wad]; a median of 0 is no price ("Median/invalid-price-feed")."""
        return self._state.at(now)

    def _verdict(self, poke: MedianPoke, *, last: int) -> Verdict:
        if len(poke.values) != self.quorum:
            return "bar-too-low"
        lowest = 0
        for value, age in zip(poke.values, poke.ages, strict=True):
            if age <= last:
                return "stale-message"
            if value < lowest:
                return "messages-not-in-order"
            lowest = value
        return "taken"


def _taken(poke: MedianPoke, *, round_id: int) -> Reading | Failed:
    middle = len(poke.values) // 2
    answer = poke.values[middle] % 2**128
    if answer == 0:
        return Failed(name="Median/invalid-price-feed")
    return Reading(
        answer=answer,
        round_id=round_id,
        observed_at=poke.ages[middle],
        started_at=poke.at,
        updated_at=poke.at,
        reason="poke",
    )
