"""Changing the decimals of an answer, as Comet's `ScalingPriceFeed` does it: truncating toward zero.

Mirrors contracts/pricefeeds/ScalingPriceFeed.sol and ConstantPriceFeed.sol (compound-finance/comet@d5a30b0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from oracles.errors import InvalidPartConfig
from oracles.path import MarketPath
from oracles.reading import Failed, Reading, Source
from protocol.errors import EvmRevert
from protocol.fixed_point.int256 import div_int256_toward_zero, mul_int256


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaled:
    """The answer of the source in other decimals; round, times and reason pass.

    Scaling down truncates toward zero and can leave 0; scaling up beyond int256 is `Panic(0x11)`.
    """

    decimals: int = 8
    """Of the answers given; 8 = `PRICE_FEED_DECIMALS`, the only ones that Comet takes."""

    def __post_init__(self) -> None:
        require_at_least("Scaled", "decimals", self.decimals, 0)

    def over(self, source: Source) -> Source:
        """The source in `decimals`."""
        return _ScaledSource(source, self.decimals)


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A source that always answers the same and always claims to be of this block: staleness cannot show."""

    answer: int
    """[source decimals]"""
    decimals: int = 8
    """Of the answer; 8 = Comet's."""

    def read(self, now: int) -> Reading | Failed:
        """The constant, as round 1 of `now`."""
        return of_this_block(self.answer, now, "constant")


@dataclass(frozen=True, kw_only=True, slots=True)
class OnChainRate:
    """An exchange rate that the chain computes itself (`stEthPerToken`, `convertToAssets`): exact in every block.

    Raises BeforePathStarts when read before its path begins.
    """

    path: MarketPath
    """The rate [source decimals] from each time on; what a report or a donation changes, changes at once."""
    decimals: int = 18
    """Of the rate; 18 for wstETH and most vaults of 18-decimal assets."""

    def read(self, now: int) -> Reading | Failed:
        """The rate in force, as round 1 of `now`: a rate has no clock of its own."""
        return of_this_block(self.path.price_at(now), now, "rate")


def rescaled(answer: int, from_decimals: int, to_decimals: int) -> int:
    """The answer in other decimals, truncated toward zero. Raises EvmRevert beyond int256."""
    if to_decimals >= from_decimals:
        return mul_int256(answer, 10 ** (to_decimals - from_decimals))
    return div_int256_toward_zero(answer, 10 ** (from_decimals - to_decimals))


def of_this_block(answer: int, now: int, reason: str, *, round_id: int = 1) -> Reading:
    """A reading whose every clock says `now`."""
    return Reading(
        answer=answer, round_id=round_id, observed_at=now, started_at=now, updated_at=now, reason=reason
    )


def with_answer(reading: Reading, compute: Callable[[], int]) -> Reading | Failed:
    """The reading with a computed answer; a revert of the computation is the failure of the read."""
    try:
        return replace(reading, answer=compute())
    except EvmRevert as revert:
        return Failed(name=revert.name)


def require_at_least(part: str, field: str, found: int, least: int) -> None:
    """Refuse a field of a part below its least. Raises InvalidPartConfig."""
    if found < least:
        raise InvalidPartConfig(part, field, found, f"at least {least}")


@dataclass(frozen=True, slots=True)
class _ScaledSource:
    source: Source
    decimals: int

    def read(self, now: int) -> Reading | Failed:
        found = self.source.read(now)
        if isinstance(found, Failed):
            return found
        return with_answer(found, lambda: rescaled(found.answer, self.source.decimals, self.decimals))
