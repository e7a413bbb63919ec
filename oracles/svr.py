"""Chainlink's SVR: one aggregator, two proxies; the one whose updates are auctioned sees a lost auction late.

A report recorded by the primary alone is seen through the secondary proxy `cutoff` seconds later; one recorded
through the auction is hidden from the primary proxy in that very block. Answers, bounds and rounds are the same.

Mirrors `_getLatestRound` and `_getSyncPrimaryRound` of DualAggregator.sol (DualAggregator 1.0.0, read in a public
copy).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from oracles.composition import NO_ROUND, FeedSource
from oracles.errors import InvalidPartConfig, TimesNotIncreasing
from oracles.history import FeedHistory
from oracles.push_config import PPB
from oracles.reading import Failed, Reading
from oracles.scaling import require_at_least


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondaryReport:
    """A report that came through the auction (`transmitSecondary`)."""

    round_id: int
    """Of the aggregator's round that it is."""
    landed_at: int
    """Time of its block [unix seconds], at or after the round was recorded."""
    primary_at: int | None = None
    """When the primary's transmission of the same report landed. Only meant where the auction's recorded the round
    (`landed_at` is the round's time); None = never, or the round was the primary's from the start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DualAggregator:
    """The rounds of an aggregator and those of them that came through the auction.

    Raises:
        TimesNotIncreasing: auctioned rounds that do not rise (`StaleReport`), naming the index.
        InvalidPartConfig: a round that the history lacks or that lands before it is recorded, a field below its
        least.
    """

    history: FeedHistory
    """Every round with the time it was recorded at, by whichever way came first."""
    secondary: tuple[SecondaryReport, ...] = ()
    """What came through the auction, oldest first. None = every auction is lost or late."""
    cutoff_s: int = 60
    """`s_cutoffTime`. 60 s: what reviewers of Aave's rollout advised as the most (public forum)."""
    max_sync_iterations: int = 20
    """`s_maxSyncIterations`: rounds looked through for one past the cutoff. 20 as deployed (read in a public
    page)."""
    decimals: int = 8
    """Of the answers; 8 for USD pairs."""

    def __post_init__(self) -> None:
        require_at_least("DualAggregator", "cutoff_s", self.cutoff_s, 0)
        require_at_least("DualAggregator", "max_sync_iterations", self.max_sync_iterations, 0)
        for index in range(len(self.secondary)):
            self._check(index)

    def primary(self) -> PrimaryProxy:
        """What everyone else reads."""
        return PrimaryProxy(self)

    def auctioned(self) -> SecondaryProxy:
        """What the protocol reads whose updates are auctioned."""
        return SecondaryProxy(self)

    def recorded_by(self, now: int) -> int:
        """How many rounds are recorded by the end of a block of this time."""
        return bisect_right(self.history.transmissions, now, key=lambda one: one.transmitted_at)

    def reading(self, place: int) -> Reading:
        """The round at this place of the history, as an aggregator of OCR2 tells it."""
        return FeedSource(history=self.history, decimals=self.decimals, tells_observation=True).reading_of(
            self.history.transmissions[place]
        )

    def latest_secondary(self, now: int) -> SecondaryReport | None:
        """The last report through the auction by the end of a block of this time."""
        landed = bisect_right(self.secondary, now, key=lambda one: one.landed_at)
        return self.secondary[landed - 1] if landed else None

    def place_of(self, round_id: int) -> int:
        """The place of a round in the history; -1 = not there."""
        rounds = self.history.transmissions
        place = bisect_right(rounds, round_id, key=lambda one: one.round_id) - 1
        return place if place >= 0 and rounds[place].round_id == round_id else -1

    def _check(self, index: int) -> None:
        one, name = self.secondary[index], f"secondary[{index}]"
        if index:
            before = self.secondary[index - 1]
            if one.round_id <= before.round_id:
                raise TimesNotIncreasing("secondary.round_id", index, before.round_id, one.round_id)
            require_at_least("DualAggregator", f"{name}.landed_at", one.landed_at, before.landed_at)
        place = self.place_of(one.round_id)
        if place < 0:
            raise InvalidPartConfig(
                "DualAggregator", f"{name}.round_id", one.round_id, "a round of the history"
            )
        recorded_at = self.history.transmissions[place].transmitted_at
        require_at_least("DualAggregator", f"{name}.landed_at", one.landed_at, recorded_at)
        if one.primary_at is not None:
            require_at_least("DualAggregator", f"{name}.primary_at", one.primary_at, one.landed_at)


@dataclass(frozen=True, slots=True)
class PrimaryProxy:
    """The latest round, except that one recorded by the auction alone is hidden in its own block."""

    aggregator: DualAggregator

    @property
    def decimals(self) -> int:
        """The aggregator's."""
        return self.aggregator.decimals

    def read(self, now: int) -> Reading | Failed:
        """The round in force for primary readers at the end of a block of this time."""
        n_rounds = self.aggregator.recorded_by(now)
        if n_rounds and self._is_hidden(n_rounds - 1, now):
            n_rounds -= 1
        return self.aggregator.reading(n_rounds - 1) if n_rounds else NO_ROUND

    def _is_hidden(self, place: int, now: int) -> bool:
        recorded = self.aggregator.history.transmissions[place]
        one = self.aggregator.latest_secondary(now)
        if one is None or one.round_id != recorded.round_id or recorded.transmitted_at != now:
            return False
        return one.primary_at is None or one.primary_at > now


@dataclass(frozen=True, slots=True)
class SecondaryProxy:
    """The latest auctioned round while it is inside the cutoff; then the newest round that is past it."""

    aggregator: DualAggregator

    @property
    def decimals(self) -> int:
        """The aggregator's."""
        return self.aggregator.decimals

    def read(self, now: int) -> Reading | Failed:
        """The round in force for the auction's readers at the end of a block of this time."""
        auctioned = self.aggregator.latest_secondary(now)
        place = -1 if auctioned is None else self.aggregator.place_of(auctioned.round_id)
        if place < 0 or self._past_cutoff(place, now):
            place = self._synced(place, now)
        return self.aggregator.reading(place) if place >= 0 else NO_ROUND

    def _synced(self, auctioned: int, now: int) -> int:
        latest = self.aggregator.recorded_by(now) - 1
        oldest = max(latest - self.aggregator.max_sync_iterations, -1)
        for place in range(latest, oldest, -1):
            # as the contract asks; the auctioned round is past the cutoff here, so the second test covers it
            if place == auctioned or self._past_cutoff(place, now):
                return place
        return auctioned

    def _past_cutoff(self, place: int, now: int) -> bool:
        recorded_at = self.aggregator.history.transmissions[place].transmitted_at
        return recorded_at + self.aggregator.cutoff_s < now


def auctions_won(
    history: FeedHistory, win_ppb: int, draw_ppb: Callable[[int], int]
) -> tuple[SecondaryReport, ...]:
    """The reports of a history whose auctions are won: each lands in the block in which it was recorded.

    Args:
        history: the rounds.
        win_ppb: chance of a win [ppb]. No figure was read; 10**9 and 0 are the two ends.
        draw_ppb: a draw from 0 to 10**9 - 1 for a round, keyed by its number so that a longer history keeps its past.

    Raises InvalidPartConfig: a chance outside 0 to 10**9.
    """
    if not 0 <= win_ppb <= PPB:
        raise InvalidPartConfig("auctions_won", "win_ppb", win_ppb, f"0 to {PPB}")
    return tuple(
        SecondaryReport(round_id=one.round_id, landed_at=one.transmitted_at, primary_at=one.transmitted_at)
        for one in history.transmissions
        if draw_ppb(one.round_id) < win_ppb
    )
