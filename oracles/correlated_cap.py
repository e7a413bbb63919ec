"""Venus' cap on an exchange rate: the price of a token that grows against another, held to a yearly growth.

The rate in use is the lower of the token's own and of a line from the last snapshot. A snapshot is taken again, at
the earliest after an interval, by whatever calls for an update, at the rate in use plus a gap: so the line follows
the rate down as well as up, and a jump of the rate is let in by and by.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from oracles.errors import InvalidPartConfig
from oracles.path import MarketPath
from oracles.reading import Failed, Reading, Source
from oracles.timeline import Timeline, require_in_order

WAD = 10**18
SECONDS_PER_YEAR = 31_536_000
"""365 days: `contracts/constants.sol` (@venusprotocol/solidity-utilities 2.1.0)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RateSnapshot:
    """From where the cap's line starts."""

    max_rate: int
    """[underlying units per whole token] the line's height there."""
    timestamp: int
    """[unix seconds]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrelatedCap:
    """A capped exchange rate over the dollar price of the underlying.

    Mirrors `getPrice`, `getMaxAllowedExchangeRate`, `updateSnapshot` and `setSnapshot` of
    `contracts/oracles/common/CorrelatedTokenOracle.sol` (VenusProtocol/oracle@00296f9bf). Where the published
    @venusprotocol/oracle 2.16.0 differs it refuses to be set a snapshot of 0 or one of the future, and so does this.

    Raises:
        InvalidPartConfig: growth without an interval or the reverse (`InvalidGrowthRate`), a first snapshot without
            height or time (`InvalidInitialSnapshot`), a set snapshot as above, naming the index.
        ScheduleRunsBackwards: naming the index.
    """

    rate: MarketPath
    """What the token itself says [underlying units per whole token]."""
    snapshot: RateSnapshot
    """As constructed."""
    annual_growth_wad: int
    """[wad] of the line, a year. Deployments differ by token."""
    snapshot_interval_s: int
    """Between snapshots [s]; 0 = no cap at all. Deployments differ by token."""
    snapshot_gap: int = 0
    """[underlying units per whole token] added at every snapshot. Deployments differ by token."""
    updates: tuple[int, ...] = ()
    """Blocks in which `updateSnapshot` is called [unix seconds], as borrowing and liquidating do."""
    set_snapshots: tuple[tuple[int, RateSnapshot], ...] = ()
    """(block, snapshot) of `setSnapshot` by governance; before an update of the same block."""
    token_decimals: int = 18
    """Of the token whose price it is: 18 for most."""

    def __post_init__(self) -> None:
        if (self.growth_per_second_wad == 0) != (self.snapshot_interval_s == 0):
            wanted = "above 0 if there is growth a second, 0 if there is none (InvalidGrowthRate)"
            raise InvalidPartConfig("CorrelatedCap", "snapshot_interval_s", self.snapshot_interval_s, wanted)
        if self.snapshot_interval_s and not (self.snapshot.max_rate and self.snapshot.timestamp):
            raise InvalidPartConfig(
                "CorrelatedCap",
                "snapshot",
                self.snapshot,
                "above 0 in rate and time (InvalidInitialSnapshot)",
            )
        require_in_order("updates", self.updates)
        require_in_order("set_snapshots", [at for at, _ in self.set_snapshots])
        for index, (at, found) in enumerate(self.set_snapshots):
            if self.snapshot_interval_s and not (found.max_rate > 0 and 0 < found.timestamp <= at):
                wanted = "above 0 in rate and time, and not of the future"
                raise InvalidPartConfig("CorrelatedCap", f"set_snapshots[{index}]", found, wanted)

    @property
    def growth_per_second_wad(self) -> int:
        """[wad] yearly growth over the seconds of a year, rounded down."""
        return self.annual_growth_wad // SECONDS_PER_YEAR

    def over(self, source: Source) -> CappedPrice:
        """The token's price from that of its underlying."""
        return CappedPrice(part=self, source=source)

    def max_rate(self, snapshot: RateSnapshot, now: int) -> int:
        """The line's height [underlying units per whole token], rounded down."""
        grown = snapshot.max_rate * self.growth_per_second_wad * (now - snapshot.timestamp)
        return snapshot.max_rate + grown // WAD


@dataclass(frozen=True, kw_only=True, slots=True)
class CappedPrice:
    """The price of the token on the scale of the underlying's."""

    part: CorrelatedCap
    source: Source
    _snapshots: Timeline[RateSnapshot] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        part = self.part
        calls: list[tuple[int, RateSnapshot | None]] = [*part.set_snapshots]
        calls += [(at, None) for at in part.updates]
        snapshot = part.snapshot
        changes: list[tuple[int, RateSnapshot]] = []
        for now, set_to in sorted(calls, key=_block):
            snapshot = self._updated(snapshot, now) if set_to is None else set_to
            changes.append((now, snapshot))
        object.__setattr__(self, "_snapshots", Timeline(part.snapshot, tuple(changes)))

    @property
    def decimals(self) -> int:
        """Of the underlying's price."""
        return self.source.decimals

    def snapshot_at(self, now: int) -> RateSnapshot:
        """The snapshot in force."""
        return self._snapshots.at(now)

    def is_capped(self, now: int) -> bool:
        """Whether the token's own rate is above the line. Raises BeforePathStarts."""
        return self.rate_at(now) < self.part.rate.price_at(now)

    def rate_at(self, now: int) -> int:
        """The rate in use [underlying units per whole token]. Raises BeforePathStarts."""
        own, highest = self.part.rate.price_at(now), self.part.max_rate(self.snapshot_at(now), now)
        return highest if self.part.snapshot_interval_s and 0 < highest < own else own

    def read(self, now: int) -> Reading | Failed:
        """`getPrice`; the underlying's clocks, and "cap" where the cap binds. A first snapshot of the future reverts.

        Raises BeforePathStarts.
        """
        found = self.source.read(now)
        if self.part.snapshot_interval_s and now < self.snapshot_at(now).timestamp:
            return Failed(name="Panic(0x11)")
        if isinstance(found, Failed):
            return found
        answer = self.rate_at(now) * found.answer // 10**self.part.token_decimals
        return replace(found, answer=answer, reason="cap" if self.is_capped(now) else found.reason)

    def _updated(self, snapshot: RateSnapshot, now: int) -> RateSnapshot:
        part = self.part
        if not part.snapshot_interval_s or now - snapshot.timestamp < part.snapshot_interval_s:
            return snapshot
        own = part.rate.price_at(now)
        return RateSnapshot(
            max_rate=min(own, part.max_rate(snapshot, now)) + part.snapshot_gap, timestamp=now
        )


def _block(call: tuple[int, object]) -> int:
    return call[0]
