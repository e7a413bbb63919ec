"""A Uniswap v3 pool over time: its tick, and the accumulator that geometric averages are read from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

from oracles.errors import InvalidPartConfig, PathShapeMismatch, TickOutOfRange
from oracles.path import MarketPath, require_increasing
from oracles.reading import Failed
from oracles.tick_math import MAX_TICK, tick_of_price

TickRounding = Literal["down", "toward_zero"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TickPath:
    """The tick as a step function, given as data or made to follow a market; an observation is stored at each time.

    Mirrors `write` and `observe` of `contracts/libraries/Oracle.sol` (Uniswap/v3-core@d8b1c635c). The accumulator
    (int56) cannot overflow within the 2^32 s that observations may lie apart.

    Raises:
        PathShapeMismatch, TimesNotIncreasing, TickOutOfRange, InvalidPartConfig: naming the index.
    """

    times: tuple[int, ...]
    """Of the blocks that leave a new tick [unix seconds], strictly increasing."""
    ticks: tuple[int, ...]
    """log of the price of token0 in token1 units per unit, to base 1.0001."""
    cardinality: int | None = None
    """How many observations the pool keeps (1 to 65,535 on the chain). None = all: grown beyond any window."""
    _cumulative: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.times) != len(self.ticks) or not self.times:
            raise PathShapeMismatch(len(self.times), len(self.ticks))
        require_increasing("times", self.times)
        for index, tick in enumerate(self.ticks):
            if abs(tick) > MAX_TICK:
                raise TickOutOfRange(f"ticks[{index}]", tick, MAX_TICK)
        if self.cardinality is not None and self.cardinality < 1:
            raise InvalidPartConfig("TickPath", "cardinality", self.cardinality, "at least 1")
        totals = [0]
        for place in range(len(self.times) - 1):
            totals.append(totals[-1] + self.ticks[place] * (self.times[place + 1] - self.times[place]))
        object.__setattr__(self, "_cumulative", tuple(totals))

    @classmethod
    def of_market(
        cls,
        market: MarketPath,
        *,
        decimals: int,
        base_unit: int,
        quote_unit: int,
        base_is_token0: bool = True,
        cardinality: int | None = None,
    ) -> TickPath:
        """A pool that stands on a market at every time; a price that does not move the tick stores nothing.

        Args:
            market: quote per base [`decimals`].
            decimals: of the market's prices.
            base_unit: units of one whole base token (10^18 for ether).
            quote_unit: units of one whole quote token (10^6 for USDC).
            base_is_token0: the pool's order, which is that of the tokens' addresses (false for USDC/WETH).
            cardinality: see the field.

        Raises:
            SqrtRatioOutOfRange: a price that no tick has.
        """
        times: list[int] = []
        ticks: list[int] = []
        for time, price in zip(market.times, market.prices, strict=True):
            quote, base = price * quote_unit, 10**decimals * base_unit
            tick = tick_of_price(quote, base) if base_is_token0 else tick_of_price(base, quote)
            if not ticks or tick != ticks[-1]:
                times.append(time)
                ticks.append(tick)
        return cls(times=tuple(times), ticks=tuple(ticks), cardinality=cardinality)

    def mean_tick(self, now: int, window_s: int, rounding: TickRounding) -> int | Failed:
        """The average tick over the last `window_s` seconds, or "OLD" where the pool has forgotten its start.

        rounding: "down" is that of `OracleLibrary.consult`, "toward_zero" that of a plain Solidity division, which
        the anchored view uses: one tick higher for a negative sum that does not divide.
        """
        earlier = self._cumulative_ago(now, window_s)
        later = self._cumulative_ago(now, 0)
        if isinstance(earlier, Failed):
            return earlier
        if isinstance(later, Failed):
            return later
        mean, left = divmod(later - earlier, window_s)
        return mean + 1 if left and mean < 0 and rounding == "toward_zero" else mean

    def _cumulative_ago(self, now: int, seconds_ago: int) -> int | Failed:
        """The accumulator at a past second as the pool can still tell it in a block of time `now`."""
        newest = bisect_right(self.times, now) - 1
        target = now - seconds_ago
        oldest = 0 if self.cardinality is None else max(0, newest - self.cardinality + 1)
        if newest < 0 or target < self.times[oldest]:
            return Failed(name="OLD")
        place = bisect_right(self.times, target) - 1
        return self._cumulative[place] + self.ticks[place] * (target - self.times[place])
