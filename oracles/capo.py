"""Aave's CAPO: the ratio of a liquid staking token or vault, capped by a line of growth from a snapshot.

`max_ratio = snapshot_ratio + growth_per_second * elapsed`, `price = base * min(ratio, max_ratio) //
10**ratio_decimals`. The cap binds upwards only: falls of the ratio and of the base pass. A cap that is set too
low is a fall of the price.

Mirrors src/contracts/PriceCapAdapterBase.sol (bgd-labs/aave-capo@2c280ef), where growth per second is kept with 6
more digits; the deployments before kept whole units (`growth_scale=1`). The adapter has `latestAnswer` alone: no
consumer sees a time.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from oracles.errors import InvalidPartConfig, SnapshotRefused, TimesNotIncreasing
from oracles.reading import Failed, Reading, Source
from oracles.scaling import require_at_least

DAY_S = 86_400
SECONDS_PER_YEAR = 365 * DAY_S
"""`SECONDS_PER_YEAR = 365 days`."""
MAX_SNAPSHOT_TERM_S = 180 * DAY_S
"""`MAXIMUM_SNAPSHOT_TERM`: no snapshot may be older than this when it is set."""
SCALING_FACTOR = 10**6
"""`SCALING_FACTOR`: further digits of the growth per second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The arguments of one `setCapParameters`, and when it is called."""

    set_at: int
    """Time of the block of the call [unix seconds]; in force from there on."""
    ratio: int
    """`snapshotRatio` [ratio decimals], above 0."""
    timestamp: int
    """`snapshotTimestamp`: where the line starts [unix seconds]."""
    max_yearly_growth_bps: int = 9_68
    """`maxYearlyRatioGrowthPercent`. 9.68 % is wstETH's (scripts/DeployEthereum.s.sol)."""

    def growth_per_second(self, scale: int) -> int:
        """Growth of the cap [ratio decimals x scale, per second], in the contract's order of divisions."""
        grown = self.ratio * self.max_yearly_growth_bps * scale
        return (grown // 100_00 // SECONDS_PER_YEAR) % 2**104  # `uint104(...)` narrows without a check

    def max_ratio_at(self, now: int, scale: int) -> int:
        """The cap in a block of this time [ratio decimals]."""
        return self.ratio + self.growth_per_second(scale) * (now - self.timestamp) // scale


@dataclass(frozen=True, kw_only=True, slots=True)
class RatioCap:
    """The price of a token whose ratio to the source's asset is capped; 0 where base or ratio are 0 or below.

    A reading whose ratio was capped says "cap" as its reason; times are the base's, which the adapter does not tell.

    Raises:
        InvalidPartConfig: no snapshot, a ratio of decimals outside 8 to 24 (`WrongRatioDecimals`), a scale below 1.
        TimesNotIncreasing, SnapshotRefused: a snapshot that `setCapParameters` would not take, naming the index.
    """

    ratio: Source
    """The ratio provider: an `OnChainRate`, or a feed (`CLRatePriceCapAdapter.sol`)."""
    snapshots: tuple[Snapshot, ...]
    """Every setting of the cap, oldest first."""
    minimum_snapshot_delay_s: int = 7 * DAY_S
    """`MINIMUM_SNAPSHOT_DELAY`: how old a snapshot must be when it is set. 7 days for wstETH, 14 for others."""
    growth_scale: int = SCALING_FACTOR
    """Digits kept of the growth per second; 1 = deployments before `SCALING_FACTOR`."""

    def __post_init__(self) -> None:
        if not self.snapshots:
            raise InvalidPartConfig(
                "RatioCap", "snapshots", self.snapshots, "at least one, from the constructor"
            )
        require_at_least("RatioCap", "growth_scale", self.growth_scale, 1)
        require_at_least("RatioCap", "ratio.decimals", self.ratio.decimals, 8)
        if self.ratio.decimals > 24:
            raise InvalidPartConfig(
                "RatioCap", "ratio.decimals", self.ratio.decimals, "8 to 24 (WrongRatioDecimals)"
            )
        for index in range(len(self.snapshots)):
            self._check(index)

    def over(self, source: Source) -> RatioCapSource:
        """The capped price where the source is the base (`BASE_TO_USD_AGGREGATOR`)."""
        return RatioCapSource(source, self)

    def max_ratio_at(self, now: int) -> int:
        """`_getMaxRatio` under the snapshot in force [ratio decimals]. Raises InvalidPartConfig before the first."""
        place = bisect_right(self.snapshots, now, key=_set_at) - 1
        if place < 0:
            wanted = f"at or before the first read, {now}"
            raise InvalidPartConfig("RatioCap", "snapshots[0].set_at", self.snapshots[0].set_at, wanted)
        return self.snapshots[place].max_ratio_at(now, self.growth_scale)

    def _check(self, index: int) -> None:
        one = self.snapshots[index]
        before = self.snapshots[index - 1] if index else None
        if before is not None and one.set_at <= before.set_at:
            raise TimesNotIncreasing("snapshots.set_at", index, before.set_at, one.set_at)
        if one.ratio <= 0:
            raise SnapshotRefused(index, "SnapshotRatioIsZero", one.ratio, "above 0")
        latest = one.set_at - self.minimum_snapshot_delay_s
        earliest = max(one.set_at - MAX_SNAPSHOT_TERM_S, (before.timestamp if before else 0) + 1)
        if not earliest <= one.timestamp <= latest:
            wanted = f"from {earliest} to {latest}"
            raise SnapshotRefused(index, "InvalidRatioTimestamp", one.timestamp, wanted)


@dataclass(frozen=True, slots=True)
class RatioCapSource:
    """`latestAnswer` of the adapter."""

    base: Source
    cap: RatioCap

    @property
    def decimals(self) -> int:
        """The base's."""
        return self.base.decimals

    def read(self, now: int) -> Reading | Failed:
        """The capped price, reading the ratio first as the contract does."""
        ratio = self.cap.ratio.read(now)
        if isinstance(ratio, Failed):
            return ratio
        base = self.base.read(now)
        if isinstance(base, Failed):
            return base
        if base.answer <= 0 or ratio.answer <= 0:
            return replace(base, answer=0)
        max_ratio = self.cap.max_ratio_at(now)
        answer = base.answer * min(ratio.answer, max_ratio) // 10**self.cap.ratio.decimals
        return replace(base, answer=answer, reason="cap" if ratio.answer > max_ratio else base.reason)

    def is_capped(self, now: int) -> bool:
        """`isCapped`; False where the ratio cannot be read."""
        ratio = self.cap.ratio.read(now)
        return isinstance(ratio, Reading) and ratio.answer > self.cap.max_ratio_at(now)


def _set_at(snapshot: Snapshot) -> int:
    return snapshot.set_at
