"""The product of two feeds, each with its own clock, seen as one.

`price = a * b * 10**d // 10**(da + db)`, floored once here; whoever scales a leg before has floored already, so a
chain of adapters floors twice. A product is told with the round and times of one leg only (Comet tells the
second's), while it is as old as its older leg, and its blind zone is the sum of both deviations. General form of
MultiplicativePriceFeed.sol (contracts/pricefeeds, compound-finance/comet@d5a30b0), which `comet_adapters` keeps
to the letter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from oracles.scaling import require_at_least, with_answer
from protocol.fixed_point.int256 import div_int256_toward_zero, mul_int256

Clock = Literal["first", "second", "older"]
"""Whose round and times a product tells. "older" is what a careful adapter would do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """The source (first leg) times another (second leg); 0 where either answers 0 or below.

    Raises InvalidPartConfig: decimals below 0 or above 18, an unknown clock.
    """

    second: Source
    """The other leg, which has run on its own market and its own rules."""
    decimals: int = 8
    """Of the product; 8 for USD. At most 18, as Comet's constructor checks."""
    clock: Clock = "second"
    """Whose round and times are told. "second" is Comet's."""

    def __post_init__(self) -> None:
        require_product_decimals("Times", self.decimals)
        if self.clock not in ("first", "second", "older"):
            raise InvalidPartConfig("Times", "clock", self.clock, "first, second or older")

    def over(self, source: Source) -> Source:
        """The product of the source and the second leg."""
        return ProductSource(source, self.second, self.decimals, self.clock)


@dataclass(frozen=True, slots=True)
class ProductSource:
    """Two legs read in one block and multiplied."""

    first: Source
    second: Source
    decimals: int
    clock: Clock

    def read(self, now: int) -> Reading | Failed:
        """The product; where a leg reverts so does the product, the first leg first."""
        first = self.first.read(now)
        if isinstance(first, Failed):
            return first
        second = self.second.read(now)
        if isinstance(second, Failed):
            return second
        told = told_of(first, second, self.clock)
        if first.answer <= 0 or second.answer <= 0:
            return replace(told, answer=0)
        return with_answer(told, lambda: self._product(first.answer, second.answer))

    def _product(self, first: int, second: int) -> int:
        numerator = mul_int256(mul_int256(first, second), 10**self.decimals)
        return div_int256_toward_zero(numerator, 10 ** (self.first.decimals + self.second.decimals))


def told_of(first: Reading, second: Reading, clock: Clock) -> Reading:
    """The reading whose clocks a pair of legs tells; observed when the older leg was, for the later leg's reason."""
    older = first if first.updated_at <= second.updated_at else second
    told = {"first": first, "second": second, "older": older}[clock]
    later = first if first.updated_at > second.updated_at else second
    observed_at = min(first.observed_at, second.observed_at)
    return replace(told, observed_at=observed_at, reason=later.reason)


def require_product_decimals(part: str, decimals: int) -> None:
    """Refuse decimals outside 0 to 18 (`BadDecimals`). Raises InvalidPartConfig."""
    require_at_least(part, "decimals", decimals, 0)
    if decimals > 18:
        raise InvalidPartConfig(part, "decimals", decimals, "at most 18 (BadDecimals)")
