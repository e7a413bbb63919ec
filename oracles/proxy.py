"""The proxy in front of aggregators: what protocols call, and what its owner repoints without asking them.

The round told is `phase << 64 | aggregator round`, so ids jump with a phase, and the round before the first of a
phase is one that no aggregator has: its number comes back with an answer and times of 0. A new aggregator brings
its own bounds and rules. Mirrors AggregatorProxy of contracts/src/v0.6/EACAggregatorProxy.sol
(smartcontractkit/chainlink @3d1fc57), read in a public copy.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from oracles.composition import RoundSource
from oracles.errors import InvalidPartConfig, TimesNotIncreasing
from oracles.reading import Failed, Reading

PHASE_OFFSET = 64
"""`PHASE_OFFSET`: bits of an aggregator round in a proxy's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """An aggregator and when the proxy was pointed at it."""

    since: int
    """Time of the block of `confirmAggregator` [unix seconds]."""
    aggregator: RoundSource
    """The aggregator, with the rounds it had before as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    """Phase 1 is the first of the phases. Before it is set the proxy has no aggregator: `EmptyRevert`.

    Raises InvalidPartConfig: no phases, or phases of different decimals. TimesNotIncreasing: phases out of order.
    """

    phases: tuple[Phase, ...]
    """Oldest first."""

    def __post_init__(self) -> None:
        if not self.phases:
            raise InvalidPartConfig("Proxy", "phases", self.phases, "at least one")
        for index in range(1, len(self.phases)):
            before, one = self.phases[index - 1], self.phases[index]
            if one.since <= before.since:
                raise TimesNotIncreasing("phases", index, before.since, one.since)
            if one.aggregator.decimals != before.aggregator.decimals:
                field, wanted = (
                    f"phases[{index}].aggregator.decimals",
                    f"{before.aggregator.decimals}, as before",
                )
                raise InvalidPartConfig("Proxy", field, one.aggregator.decimals, wanted)

    @property
    def decimals(self) -> int:
        """Those of every aggregator."""
        return self.phases[0].aggregator.decimals

    def read(self, now: int) -> Reading | Failed:
        """The latest round of the aggregator in force."""
        phase = self._phase_at(now)
        if not phase:
            return Failed(name="EmptyRevert")
        return _numbered(self.phases[phase - 1].aggregator.read(now), phase)

    def read_round(self, round_id: int, now: int) -> Reading | Failed:
        """`getRoundData`: of an unknown round its number and zeros, of an unknown phase a revert without a word."""
        phase, aggregator_round = round_id >> PHASE_OFFSET, round_id & (2**PHASE_OFFSET - 1)
        if not 1 <= phase <= self._phase_at(now):
            return Failed(name="EmptyRevert")
        return _numbered(self.phases[phase - 1].aggregator.read_round(aggregator_round, now), phase)

    def _phase_at(self, now: int) -> int:
        return bisect_right(self.phases, now, key=lambda phase: phase.since)


def _numbered(found: Reading | Failed, phase: int) -> Reading | Failed:
    if isinstance(found, Failed):
        return found
    return replace(found, round_id=phase << PHASE_OFFSET | found.round_id)
