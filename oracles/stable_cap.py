"""Aave's cap of a pegged asset: the feed's price, but never above the cap; falls pass.

Mirrors src/contracts/PriceCapAdapterStable.sol and src/contracts/misc-adapters/EURPriceCapAdapterStable.sol
(bgd-labs/aave-capo@2c280ef). Both have `latestAnswer` alone: no consumer sees a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from protocol.fixed_point.int256 import div_int256_toward_zero

MAX_STABLE_CAP_VALUE = 2 * 10**8
"""`MAX_STABLE_CAP_VALUE`: no cap above 2 USD [8 decimals]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StableCap:
    """`min(price, cap)`, and 0 for a price of 0 or below; a reading that was capped says "cap".

    `setPriceCap` also refuses a cap below the price of that moment, so that a cap never binds on the day it is set
    (`CapLowerThanActualPrice`): see `settable_at`. Raises InvalidPartConfig (`InvalidNewPriceCap`).
    """

    cap: int = 104_000_000
    """`priceCap` [source decimals]. 1.04 USD: that of the dollars in scripts/DeployEthereum.s.sol."""

    def __post_init__(self) -> None:
        if not 0 <= self.cap <= MAX_STABLE_CAP_VALUE:
            raise InvalidPartConfig(
                "StableCap", "cap", self.cap, f"0 to {MAX_STABLE_CAP_VALUE} (InvalidNewPriceCap)"
            )

    def over(self, source: Source) -> Source:
        """The source, capped."""
        return _StableCapSource(source, self.cap)

    def settable_at(self, source: Source, now: int) -> bool:
        """Whether `setPriceCap` would take this cap in a block of this time."""
        found = source.read(now)
        return isinstance(found, Reading) and self.cap >= found.answer


@dataclass(frozen=True, kw_only=True, slots=True)
class RelativeStableCap:
    """`min(price, base * cap_ratio / 10**ratio_decimals)`: a euro token under EUR/USD. Negative prices pass.

    Raises InvalidPartConfig: a ratio below 0.
    """

    base: Source
    """EUR/USD, in the decimals of the source."""
    cap_ratio: int = 104_000_000
    """`priceCapRatio` [ratio decimals]. 1.04: EURC's in scripts/DeployEthereum.s.sol."""
    ratio_decimals: int = 8
    """`RATIO_DECIMALS`. 8: EURC's there."""

    def __post_init__(self) -> None:
        if self.cap_ratio < 0:
            raise InvalidPartConfig("RelativeStableCap", "cap_ratio", self.cap_ratio, "at least 0")

    def over(self, source: Source) -> Source:
        """The source, capped."""
        return _RelativeStableCapSource(source, self)


@dataclass(frozen=True, slots=True)
class _StableCapSource:
    source: Source
    cap: int

    @property
    def decimals(self) -> int:
        return self.source.decimals

    def read(self, now: int) -> Reading | Failed:
        found = self.source.read(now)
        if isinstance(found, Failed):
            return found
        if found.answer > self.cap:
            return replace(found, answer=self.cap, reason="cap")
        return replace(found, answer=max(found.answer, 0))


@dataclass(frozen=True, slots=True)
class _RelativeStableCapSource:
    source: Source
    part: RelativeStableCap

    @property
    def decimals(self) -> int:
        return self.source.decimals

    def read(self, now: int) -> Reading | Failed:
        found, base = self.source.read(now), self.part.base.read(now)
        if isinstance(found, Failed):
            return found
        if isinstance(base, Failed):
            return base
        highest = div_int256_toward_zero(base.answer * self.part.cap_ratio, 10**self.part.ratio_decimals)
        if found.answer > highest:
            return replace(found, answer=highest, reason="cap")
        return found
