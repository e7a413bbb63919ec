"""The sequencer of an L2 goes down: its status feed, and the grace that consumers give borrowers after the restart.

While it is down there are no blocks, so nothing is read and nothing liquidated; at the restart prices jump, and
the grace holds back liquidators while interest accrues. Mirrors src/contracts/misc/PriceOracleSentinel.sol
(aave-dao/aave-v3-origin @0543e1c; removed in v3.7, docs/3.7/sentinel-removal.md),
contracts/protocol/configuration/PriceOracleSentinel.sol (aave/aave-v3-core@782f519, which reckons from
`updatedAt`) and contracts/oracles/SequencerChainlinkOracle.sol (VenusProtocol/oracle@00296f9).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from oracles.scaling import require_at_least
from oracles.windows import Window, inside

UP, DOWN = 0, 1
"""Answers of the status feed."""
GRACE_PERIOD_S = 3600
"""`GRACE_PERIOD_TIME` of Venus; Aave's is set per market, 3600 s is customary."""
CARVE_OUT_HF_WAD = 950_000_000_000_000_000
"""`MINIMUM_HEALTH_FACTOR_LIQUIDATION_THRESHOLD` [wad]: below it liquidation is let through at any time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SequencerFeed:
    """The uptime feed: 1 from the start of an outage until its end, `startedAt` the time of the last change.

    Before the first change `startedAt` is 0, as on Arbitrum before initialisation, and any grace has passed.
    Raises InvalidPartConfig: an outage that ends before it starts, or starts before the last has ended.
    """

    outages: tuple[Window, ...] = ()
    """(down at, up at) [unix seconds], oldest first."""
    initialised_at: int = 0
    """When the feed first reported up. 0 = never: `startedAt` is 0 until the first outage."""

    def __post_init__(self) -> None:
        for index, (start, end) in enumerate(self.outages):
            least = self.outages[index - 1][1] if index else self.initialised_at
            if end <= start or start < least:
                wanted = f"(down, up) with {least} <= down < up"
                raise InvalidPartConfig("SequencerFeed", f"outages[{index}]", (start, end), wanted)

    @property
    def decimals(self) -> int:
        """0: the answer is a status."""
        return 0

    def read(self, now: int) -> Reading | Failed:
        """The status in a block of this time."""
        changes = [self.initialised_at, *(time for outage in self.outages for time in outage)]
        place = bisect_right(changes, now) - 1
        at = changes[place] if place >= 0 else 0
        answer = DOWN if place > 0 and place % 2 else UP
        return Reading(
            answer=answer,
            round_id=max(place, 0) + 1,
            observed_at=at,
            started_at=at,
            updated_at=at,
            reason="status",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceOracleSentinel:
    """Aave's: borrowing and liquidation are allowed when the answer is 0 and more than the grace has passed.

    Raises InvalidPartConfig: a grace below 0, an unknown clock.
    """

    feed: Source
    """The status feed."""
    grace_period_s: int = GRACE_PERIOD_S
    """`_gracePeriod`. 3600 s is customary."""
    reckons_from: Literal["started_at", "updated_at"] = "started_at"
    """`startedAt` since aave-v3-origin; `updatedAt` in aave-v3-core (`lastUpdateTimestamp`)."""

    def __post_init__(self) -> None:
        require_at_least("PriceOracleSentinel", "grace_period_s", self.grace_period_s, 0)
        if self.reckons_from not in ("started_at", "updated_at"):
            wanted = "started_at or updated_at"
            raise InvalidPartConfig("PriceOracleSentinel", "reckons_from", self.reckons_from, wanted)

    def allows_borrow(self, now: int) -> bool:
        """`isBorrowAllowed`; False where the status cannot be read."""
        status = self.feed.read(now)
        if isinstance(status, Failed):
            return False
        since = status.started_at if self.reckons_from == "started_at" else status.updated_at
        return status.answer == UP and now - since > self.grace_period_s

    def allows_liquidation(self, now: int, health_factor_wad: int) -> bool:
        """Whether the pool lets a liquidation through: `isLiquidationAllowed`, or a health factor below 0.95."""
        return health_factor_wad < CARVE_OUT_HF_WAD or self.allows_borrow(now)


@dataclass(frozen=True, kw_only=True, slots=True)
class SequencerGate:
    """Venus': every price reverts while the answer is 1 and until more than the grace has passed.

    It blocks borrowers' calls as it does liquidators'. Raises InvalidPartConfig: a grace below 0.
    """

    feed: Source
    """The status feed."""
    grace_period_s: int = GRACE_PERIOD_S
    """`GRACE_PERIOD_TIME`, 3600 s in the contract."""

    def __post_init__(self) -> None:
        require_at_least("SequencerGate", "grace_period_s", self.grace_period_s, 0)

    def over(self, source: Source) -> Source:
        """The source, behind the gate; stands over the consumer."""
        return _GatedSource(source, self)

    def is_active(self, now: int) -> bool:
        """`isSequencerActive`: anything but 1 is up."""
        status = self.feed.read(now)
        if isinstance(status, Failed):
            return False
        return now - status.started_at > self.grace_period_s and status.answer != DOWN


def without_blocks(blocks: Sequence[int], outages: Sequence[Window]) -> tuple[int, ...]:
    """The blocks of an L2 whose sequencer is down in these windows: none from a start until before its end."""
    return tuple(block for block in blocks if not inside(outages, block))


@dataclass(frozen=True, slots=True)
class _GatedSource:
    source: Source
    gate: SequencerGate

    @property
    def decimals(self) -> int:
        return self.source.decimals

    def read(self, now: int) -> Reading | Failed:
        if not self.gate.is_active(now):
            return Failed(name="L2 sequencer unavailable")
        return self.source.read(now)
