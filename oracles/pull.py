"""Prices that the caller brings along: not a random lag but a choice inside the window of validity.

RedStone: signed packages in the calldata of the very call that uses them; every timestamp from 180 s before to 60
s after the block is as good as another, so the caller has a free option over the last minutes. Of the packages
only the first `threshold` unique signers count, so that the caller chooses the signers as well. Mirrors
RedstoneDefaultsLib.sol (`validateTimestamp`) and NumericArrayLib.sol (packages/evm-connector/contracts/libs,
redstone-finance/redstone-oracles-monorepo@595714d; the inclusive form in seconds was read in a public copy).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from oracles.errors import InvalidPartConfig
from oracles.path import MarketPath
from oracles.reading import Failed, Reading
from oracles.scaling import require_at_least

Choice = Literal["newest", "oldest", "lowest", "highest"]
"""What the caller wants: the last word, the first, or the price that suits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One timestamp with the values that its signers signed."""

    timestamp: int
    """[unix seconds, floored from milliseconds]"""
    value: int
    """The median of the signers that the caller brings [source decimals]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PulledPrice:
    """A source whose reader brings the package that suits the choice; no package in the window is the failure.

    Raises InvalidPartConfig: a field below its least, fewer signers than the threshold, an unknown choice.
    """

    signers: tuple[MarketPath, ...]
    """What each signer sees [source decimals]; the same path several times = signers that agree."""
    decimals: int = 8
    """Of the values; 8 = RedStone's for USD pairs."""
    choice: Choice = "newest"
    """What the caller wants. "newest" is the honest one; a liquidator wants the collateral "lowest"."""
    unique_signers_threshold: int = 1
    """`getUniqueSignersThreshold`: how many signers count. 1 = the contract's default; lenders ask for 3 or more."""
    package_period_s: int = 10
    """Seconds between packages. 10: our choice; the services' own was not read."""
    signing_latency_s: int = 1
    """From the timestamp to a package that can be sent. 1: our choice."""
    clock_ahead_s: int = 0
    """How far the signers' clock runs ahead of the time of the block. 0; block times lag a clock by up to a slot."""
    max_delay_s: int = 180
    """`DEFAULT_MAX_DATA_TIMESTAMP_DELAY_SECONDS`, 3 minutes, itself allowed."""
    max_ahead_s: int = 60
    """`DEFAULT_MAX_DATA_TIMESTAMP_AHEAD_SECONDS`, 1 minute, itself allowed."""

    def __post_init__(self) -> None:
        for field, least in _AT_LEAST.items():
            require_at_least("PulledPrice", field, getattr(self, field), least)
        if len(self.signers) < self.unique_signers_threshold:
            wanted = f"at least the threshold of {self.unique_signers_threshold}"
            raise InvalidPartConfig("PulledPrice", "signers", len(self.signers), wanted)
        if self.choice not in ("newest", "oldest", "lowest", "highest"):
            raise InvalidPartConfig("PulledPrice", "choice", self.choice, "newest, oldest, lowest or highest")

    def read(self, now: int) -> Reading | Failed:
        """What the caller's package says in a block of this time."""
        packages = self.options(now)
        if not packages:
            return Failed(name="TimestampIsTooOld")
        chosen = min(packages, key=self._regret)
        return Reading(
            answer=chosen.value,
            round_id=0,
            observed_at=chosen.timestamp - self.clock_ahead_s,
            started_at=chosen.timestamp,
            updated_at=chosen.timestamp,
            reason=self.choice,
        )

    def options(self, now: int) -> tuple[Package, ...]:
        """Every package that a caller can bring in a block of this time, oldest first, with the signers that suit."""
        return tuple(Package(timestamp=at, value=self._value(at)) for at in self._timestamps(now))

    def _timestamps(self, now: int) -> range:
        starts_at = max(path.times[0] for path in self.signers) + self.clock_ahead_s
        earliest = max(now - self.max_delay_s, starts_at)
        latest = min(now + self.max_ahead_s, now + self.clock_ahead_s - self.signing_latency_s)
        first = earliest + -earliest % self.package_period_s
        return range(first, latest + 1, self.package_period_s)

    def _value(self, timestamp: int) -> int:
        seen = sorted(path.price_at(timestamp - self.clock_ahead_s) for path in self.signers)
        if self.choice == "highest":
            return median_down(seen[-self.unique_signers_threshold :])
        if self.choice == "lowest":
            return median_down(seen[: self.unique_signers_threshold])
        skipped = (len(seen) - self.unique_signers_threshold) // 2
        return median_down(seen[skipped : skipped + self.unique_signers_threshold])

    def _regret(self, package: Package) -> tuple[int, int]:
        by_choice = {
            "newest": -package.timestamp,
            "oldest": package.timestamp,
            "lowest": package.value,
            "highest": -package.value,
        }
        return by_choice[self.choice], -package.timestamp


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageUpdate:
    """A package that somebody wrote into the storage of the push variant."""

    landed_at: int
    """Time of the block [unix seconds]."""
    package: Package


def accepted(
    updates: Iterable[PackageUpdate],
    *,
    min_interval_s: int = 3,
    max_delay_s: int = 180,
    max_ahead_s: int = 60,
) -> tuple[PackageUpdate, ...]:
    """The updates that the push variant takes: newer than the last, in the window, and not too soon after it.

    Mirrors packages/on-chain-relayer/contracts/core/RedstoneAdapterBase.sol
    (redstone-finance/redstone-oracles-monorepo @2ac0817).

    Args:
        updates: in the order of their blocks; one that reverts changes nothing.
        min_interval_s: `MIN_INTERVAL_BETWEEN_UPDATES`, 3 seconds.
        max_delay_s: as of `PulledPrice`.
        max_ahead_s: as of `PulledPrice`.
    """
    taken: list[PackageUpdate] = []
    for update in updates:
        age_s = update.landed_at - update.package.timestamp
        if not -max_ahead_s <= age_s <= max_delay_s or update.package.value == 0:
            continue
        if taken and update.package.timestamp <= taken[-1].package.timestamp:
            continue
        if not taken or update.landed_at >= taken[-1].landed_at + min_interval_s:
            taken.append(update)
    return tuple(taken)


def lowest_ratio(collateral: PulledPrice, debt: PulledPrice, now: int) -> tuple[Package, Package] | None:
    """The pair of packages of one timestamp that makes a borrower look worst; None where they share none.

    Packages of one payload must have the same timestamp (`TimestampsMustBeEqual`), so the choice is of the time.
    The collateral's choice should be "lowest" and the debt's "highest" for the worst signers as well.
    """
    debts = {package.timestamp: package for package in debt.options(now)}
    pairs = [(one, debts[one.timestamp]) for one in collateral.options(now) if one.timestamp in debts]
    worst: tuple[Package, Package] | None = None
    for pair in pairs:
        if worst is None or pair[0].value * worst[1].value < worst[0].value * pair[1].value:
            worst = pair
    return worst


def median_down(values: list[int]) -> int:
    """`pickMedian` of sorted values: of an even number the mean of the middle two, rounded down (OCR takes the
    upper).
    """
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) // 2


_AT_LEAST = {
    "decimals": 0,
    "unique_signers_threshold": 1,
    "package_period_s": 1,
    "signing_latency_s": 0,
    "clock_ahead_s": 0,
    "max_delay_s": 0,
    "max_ahead_s": 0,
}
