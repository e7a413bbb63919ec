"""Compound's anchored view on Chainlink and Uniswap v3: every transmission is held against a geometric average.

A transmission within the bounds is stored, one outside leaves the old price where it is, and only an owner's failover
puts the average itself in its place (`UniswapAnchoredView`). An earlier design without storage, on a branch that was
not merged, compares at every read and answers the average where the feed is outside (`ReadOnlyAnchoredView`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from oracles.anchor_bounds import WAD, AnchorBounds
from oracles.errors import InvalidPartConfig
from oracles.history import FeedHistory, Transmission
from oracles.reading import Failed, Reading, Source
from oracles.tick_math import Q96, sqrt_ratio_at_tick
from oracles.tick_path import TickPath
from oracles.timeline import Timeline, require_in_order

VIEW_DECIMALS = 6
"""Of every price in the view [USD]."""

Verdict = Literal["updated", "guarded", "failover", "reverted"]
"""Of an event: the report is stored, the old price stays, the anchor is stored, nothing happens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TickAnchor:
    """The anchor of one token: the average of a v3 pool, in USDC for ETH, in ETH for every other token.

    Mirrors `getUniswapTwap` and `fetchAnchorPrice` of `contracts/Uniswap/UniswapAnchoredView.sol`
    (smartcontractkit/open-oracle@4c3bf6c5c), which rounds the average tick toward zero before it turns it round.

    Raises:
        InvalidPartConfig: a period of 0 s ("Period not >0").
    """

    pool: TickPath
    base_unit: int
    """Units of one whole token."""
    is_reversed: bool = False
    """The token is token1 of its pool."""
    eth: TickAnchor | None = None
    """What turns ETH into dollars. None = this is the anchor of ETH itself."""
    period_s: int = 30 * 60
    """30 minutes: `configuration/README.md` (smartcontractkit/open-oracle@4c3bf6c5c)."""

    def __post_init__(self) -> None:
        if self.period_s < 1:
            raise InvalidPartConfig("TickAnchor", "period_s", self.period_s, "at least 1")

    def price_at(self, now: int) -> int | Failed:
        """The anchor [USD, 6 decimals]; "OLD" where a pool does not remember its whole window."""
        conversion = WAD if self.eth is None else self.eth.price_at(now)
        if isinstance(conversion, Failed):
            return conversion
        tick = self.pool.mean_tick(now, self.period_s, "toward_zero")
        if isinstance(tick, Failed):
            return tick
        sqrt_x96 = sqrt_ratio_at_tick(-tick if self.is_reversed else tick)
        twap_wad = WAD * (sqrt_x96 * sqrt_x96 // Q96) // Q96
        return twap_wad * conversion * self.base_unit // WAD // WAD


@dataclass(frozen=True, kw_only=True, slots=True)
class UniswapAnchoredView:
    """The stored price of one token: a feed's transmissions as `validate` took them.

    Mirrors `validate`, `pokeFailedOverPrice`, `activateFailover` and `deactivateFailover` of
    `contracts/Uniswap/UniswapAnchoredView.sol`: the same at smartcontractkit/open-oracle@43ced36cd (April 2022, the
    state before the proposal of August 2022) and @4c3bf6c5c. A transmission whose validation reverts still lands in
    the feed. The stored price has no clock: `updatedAt` is ours, of the block that stored it.

    Raises:
        ScheduleRunsBackwards, InvalidPartConfig: naming the index.
    """

    feed: FeedHistory
    """What the reporter transmits."""
    anchor: TickAnchor
    reporter_multiplier: int
    """Turns an answer into 6 decimals: answer x this // base unit. 10^16 for ether on a feed of 8 decimals."""
    tolerance_wad: int = 15 * 10**16
    """[wad] 15 %: `configuration/parameters.js` (smartcontractkit/open-oracle@4c3bf6c5c)."""
    failovers: tuple[tuple[int, int | None], ...] = ()
    """[from, to) in which the owner has failed over to the anchor [unix seconds]; to None = for good."""
    pokes: tuple[int, ...] = ()
    """Blocks in which `pokeFailedOverPrice` is called [unix seconds]; reverts unless failed over."""
    decimals: int = VIEW_DECIMALS
    """Six, as the view has them."""
    _stored: Timeline[Reading] = field(init=False, repr=False, compare=False)
    _verdicts: tuple[tuple[int, Verdict], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_in_order("pokes", self.pokes)
        self._require_failovers()
        verdicts: list[tuple[int, Verdict]] = []
        changes: list[tuple[int, Reading]] = []
        for now, transmission in self._events():
            verdict, found = self._take(now, transmission, round_id=len(changes) + 1)
            verdicts.append((now, verdict))
            if found is not None:
                changes.append((now, found))
        one = Reading(answer=1, round_id=0, observed_at=0, started_at=0, updated_at=0, reason="constructor")
        object.__setattr__(self, "_stored", Timeline(one, tuple(changes)))
        object.__setattr__(self, "_verdicts", tuple(verdicts))

    @property
    def verdicts(self) -> tuple[tuple[int, Verdict], ...]:
        """(block, what came of it) for every event, oldest first."""
        return self._verdicts

    def read(self, now: int) -> Reading | Failed:
        """`price` [USD, 6 decimals]; 1 unit from the constructor until the first validation."""
        return self._stored.at(now)

    def _require_failovers(self) -> None:
        free_from: int | None = self.failovers[0][0] if self.failovers else None
        for index, (start, end) in enumerate(self.failovers):
            if free_from is None or start < free_from or (end is not None and end <= start):
                found, wanted = (start, end), "windows in order, apart, that end after they start"
                raise InvalidPartConfig("UniswapAnchoredView", f"failovers[{index}]", found, wanted)
            free_from = end

    def _events(self) -> list[tuple[int, Transmission | None]]:
        """(block, transmission or none), in a block: activation, which pokes, then transmissions, then pokes."""
        events: list[tuple[int, Transmission | None]] = [(start, None) for start, _ in self.failovers]
        events += [(one.transmitted_at, one) for one in self.feed.transmissions]
        events += [(poke, None) for poke in self.pokes]
        return sorted(events, key=_block)

    def _take(
        self, now: int, transmission: Transmission | None, *, round_id: int
    ) -> tuple[Verdict, Reading | None]:
        anchor = self.anchor.price_at(now)
        reported = 0 if transmission is None else self._converted(transmission.answer)
        failed_over = any(start <= now and (end is None or now < end) for start, end in self.failovers)
        if isinstance(anchor, Failed) or reported is None or (transmission is None and not failed_over):
            return "reverted", None
        if transmission is None or failed_over:
            return "failover", _reading(anchor, now, now, round_id, "anchor")
        if not AnchorBounds.of_tolerance(self.tolerance_wad).holds(reported, anchor):
            return "guarded", None
        return "updated", _reading(reported, transmission.observed_at, now, round_id, transmission.reason)

    def _converted(self, answer: int) -> int | None:
        """The answer in 6 decimals, or None where the contract refuses it ("Cant be neg")."""
        return None if answer < 0 else answer * self.reporter_multiplier // self.anchor.base_unit


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOnlyAnchoredView:
    """A feed held against its anchor at every read, and the anchor where it is outside: never frozen.

    Mirrors `priceInternal` of `contracts/Uniswap/UniswapAnchoredView.sol` at smartcontractkit/open-oracle@4863e346f,
    on the branch feature/sc-25802-read-only-uav.
    """

    anchor: TickAnchor
    feed_multiplier: int
    """Turns an answer into 6 decimals: answer x this // base unit. 10^16 for ether on a feed of 8 decimals."""
    tolerance_wad: int = 15 * 10**16
    """[wad] 15 %: `configuration/parameters.js` (smartcontractkit/open-oracle@4c3bf6c5c)."""
    failover_active: bool = False
    """Answer the anchor in any case. False: as configured."""

    def over(self, source: Source) -> Source:
        """The feed as the view shows it."""
        return _ReadOnly(part=self, source=source)


@dataclass(frozen=True, kw_only=True, slots=True)
class _ReadOnly:
    part: ReadOnlyAnchoredView
    source: Source
    decimals: int = VIEW_DECIMALS

    def read(self, now: int) -> Reading | Failed:
        found, anchor = self.source.read(now), self.part.anchor.price_at(now)
        if isinstance(found, Failed):
            return found
        if found.answer < 0:
            return Failed(name="Feed price cannot be negative")
        if isinstance(anchor, Failed):
            return anchor
        reported = found.answer * self.part.feed_multiplier // self.part.anchor.base_unit
        bounds = AnchorBounds.of_tolerance(self.part.tolerance_wad)
        if self.part.failover_active or not bounds.holds(reported, anchor):
            return _reading(anchor, now, now, found.round_id, "anchor")
        return Reading(
            answer=reported,
            round_id=found.round_id,
            observed_at=found.observed_at,
            started_at=found.started_at,
            updated_at=found.updated_at,
            reason=found.reason,
        )


def _reading(answer: int, observed_at: int, now: int, round_id: int, reason: str) -> Reading:
    return Reading(
        answer=answer,
        round_id=round_id,
        observed_at=observed_at,
        started_at=now,
        updated_at=now,
        reason=reason,
    )


def _block(event: tuple[int, object]) -> int:
    return event[0]
