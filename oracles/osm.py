"""Maker's oracle security module: a price sampled at one poke is in force from the next one on.

The delay is whatever lies between two pokes. A poke is let through once an hour has passed since the last full hour
in which one was taken: one that is late, at 10:59:50, leaves the next one due at 11:00:00, so that a late poke
shortens the delay after it; and where nobody pokes the delay has no end. Anyone may look at the coming price an hour
ahead (`peep`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from oracles.timeline import Timeline, require_in_order

Call = Literal["poke", "stop", "start", "void", "step"]
Verdict = Literal["shifted", "not-passed", "is-stopped", "source-invalid", "done"]
"""Of a call: cur and nxt have moved up; reverts too early; reverts while stopped; nothing, as the source has no
price; an administrator's call has taken effect."""
_NONE = Failed(name="OSM/no-current-value")


@dataclass(frozen=True, kw_only=True, slots=True)
class OsmCall:
    """One call: a keeper's poke, or an administrator's stop, start, void or step."""

    at: int
    """Of the block [unix seconds]."""
    call: Call = "poke"
    hop_s: int = 0
    """What a step sets the delay to; 0 for every other call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallOutcome:
    """What a call did."""

    at: int
    """[unix seconds]"""
    call: Call
    verdict: Verdict
    current: Reading | None
    """In force afterwards; its times are those of the sample. None = no value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Osm:
    """The module with everything that is called on it; pokes are all the clock it has.

    Mirrors `poke`, `pass`, `stop`, `start`, `void`, `step`, `peek` and `peep` of `src/osm.sol`
    (makerdao/osm@e36c874b4). Values are kept in 128 bits. A poke that finds the source without a price changes
    nothing, not even the hour.

    Raises:
        InvalidPartConfig: a hop of 0 s, a step to 0 s or beyond 65,535 s, a zzz below 0.
        ScheduleRunsBackwards: naming the index.
    """

    calls: tuple[OsmCall, ...]
    """In the order of the chain; `pokes_at` makes them from times alone."""
    hop_s: int = 3600
    """ONE_HOUR of the source."""
    current: Reading | None = None
    """In force before the first call. None: as the module is made, and then two pokes are needed for a price."""
    following: Reading | None = None
    """Waiting before the first call (nxt). None: as the module is made."""
    zzz: int = 0
    """The hour in which the last poke was taken [unix seconds]. 0: as the module is made."""

    def __post_init__(self) -> None:
        require_in_order("calls", [call.at for call in self.calls])
        if not 0 < self.hop_s < 2**16:
            raise InvalidPartConfig("Osm", "hop_s", self.hop_s, "from 1 to 65535")
        if self.zzz < 0:
            raise InvalidPartConfig("Osm", "zzz", self.zzz, "at least 0")
        for index, call in enumerate(self.calls):
            if call.call == "step" and not 0 < call.hop_s < 2**16:
                raise InvalidPartConfig("Osm", f"calls[{index}].hop_s", call.hop_s, "from 1 to 65535")

    def over(self, source: Source) -> OsmSource:
        """The delayed price of a source."""
        return OsmSource(osm=self, source=source)


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    current: Reading | None
    following: Reading | None
    zzz: int
    hop_s: int
    stopped: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OsmSource:
    """What is read of the module: `peek`, and an hour ahead `peep`."""

    osm: Osm
    source: Source
    _states: Timeline[_State] = field(init=False, repr=False, compare=False)
    _outcomes: tuple[CallOutcome, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        osm = self.osm
        state = start = _State(
            current=osm.current, following=osm.following, zzz=osm.zzz, hop_s=osm.hop_s, stopped=False
        )
        changes: list[tuple[int, _State]] = []
        outcomes: list[CallOutcome] = []
        for call in osm.calls:
            state, verdict = self._after(state, call)
            changes.append((call.at, state))
            outcomes.append(CallOutcome(at=call.at, call=call.call, verdict=verdict, current=state.current))
        object.__setattr__(self, "_states", Timeline(start, tuple(changes)))
        object.__setattr__(self, "_outcomes", tuple(outcomes))

    @property
    def decimals(self) -> int:
        """Of the source: 18 in Maker."""
        return self.source.decimals

    @property
    def outcomes(self) -> tuple[CallOutcome, ...]:
        """What came of each call."""
        return self._outcomes

    def read(self, now: int) -> Reading | Failed:
        """`peek`: `observed_at` is that of the sample, `updated_at` of the poke that put it in force."""
        return self._states.at(now).current or _NONE

    def peep(self, now: int) -> Reading | Failed:
        """The price that the next poke puts in force; `updated_at` is of the poke that sampled it."""
        return self._states.at(now).following or _NONE

    def may_poke(self, now: int) -> bool:
        """`pass`: whether a poke would be let through, if not stopped."""
        state = self._states.at(now)
        return now >= state.zzz + state.hop_s

    def _after(self, state: _State, call: OsmCall) -> tuple[_State, Verdict]:
        if call.call == "poke":
            return self._poked(state, call.at)
        if call.call == "void":
            return replace(state, current=None, following=None, stopped=True), "done"
        if call.call == "step":
            return replace(state, hop_s=call.hop_s), "done"
        return replace(state, stopped=call.call == "stop"), "done"

    def _poked(self, state: _State, now: int) -> tuple[_State, Verdict]:
        if state.stopped:
            return state, "is-stopped"
        if now < state.zzz + state.hop_s:
            return state, "not-passed"
        found = self.source.read(now)
        if isinstance(found, Failed) or found.answer <= 0:
            return state, "source-invalid"
        sample = replace(found, answer=found.answer % 2**128, started_at=now, updated_at=now, reason="osm")
        current = state.following and replace(state.following, started_at=now, updated_at=now)
        hour = now - now % state.hop_s
        return replace(state, current=current, following=sample, zzz=hour), "shifted"


def pokes_at(times: Iterable[int]) -> tuple[OsmCall, ...]:
    """Pokes in blocks of these times [unix seconds]."""
    return tuple(OsmCall(at=time) for time in times)


def keeper_pokes(
    blocks: Sequence[int], *, hop_s: int = 3600, late_s: Sequence[int] = (0,), zzz: int = 0
) -> tuple[OsmCall, ...]:
    """Pokes of a keeper that is late by what its transactions take to land.

    Args:
        blocks: times of the chain's blocks, in order [unix seconds].
        hop_s: the module's.
        late_s: from when a poke is let through to the earliest block that has it [s], in turn for each poke, over and
            over. Zeros: in the first block that lets it through.
        zzz: the module's before the first.

    Raises:
        InvalidPartConfig: a keeper without a lateness.
    """
    if not late_s:
        raise InvalidPartConfig("keeper_pokes", "late_s", late_s, "at least one lateness")
    pokes: list[int] = []
    for block in blocks:
        due = max(zzz + hop_s, blocks[0])
        if block >= due + late_s[len(pokes) % len(late_s)]:
            pokes.append(block)
            zzz = block - block % hop_s
    return pokes_at(pokes)


def effective_delays(outcomes: Iterable[CallOutcome]) -> tuple[int, ...]:
    """From each sample to the poke that put it in force [s], in order: what the module's hour came to."""
    shifts = [one.at for one in outcomes if one.verdict == "shifted"]
    return tuple(later - earlier for earlier, later in pairwise(shifts))
