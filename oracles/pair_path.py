"""A Uniswap v2 pair over time: its reserves, and the price accumulators that time-weighted averages are read from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from oracles.errors import BeforePathStarts, InvalidPartConfig, PathShapeMismatch
from oracles.path import MarketPath, require_increasing

Q112 = 2**112
UINT32 = 2**32
UINT224 = 2**224
UINT256 = 2**256

Cumulative = tuple[int, int]
"""Of the price of token0 in token1 and of token1 in token0 [UQ112.112 x seconds, mod 2^256]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairPath:
    """Reserves as a step function, given as data or made to follow a market.

    Mirrors `_update` of `contracts/UniswapV2Pair.sol` (Uniswap/v2-core@ee547b178) and `currentCumulativePrices` of
    `contracts/libraries/UniswapV2OracleLibrary.sol` (Uniswap/v2-periphery@0335e8f7e): accumulators wrap at 2^256 and
    the time between blocks at 2^32 s.

    Raises:
        PathShapeMismatch, TimesNotIncreasing, InvalidPartConfig: naming the index.
    """

    times: tuple[int, ...]
    """Of the blocks that leave new reserves [unix seconds], strictly increasing."""
    reserves0: tuple[int, ...]
    """[token0 units], above 0 and below 2^112."""
    reserves1: tuple[int, ...]
    """[token1 units], above 0 and below 2^112."""
    cumulative_start: Cumulative = (0, 0)
    """Accumulators at the first time. Zeros as in `UniswapV2Pair.sol`: a pair that has just been made."""
    _cumulative: tuple[Cumulative, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for reserves in (self.reserves0, self.reserves1):
            if len(reserves) != len(self.times) or not reserves:
                raise PathShapeMismatch(len(self.times), len(reserves))
        require_increasing("times", self.times)
        for name in ("reserves0", "reserves1"):
            for index, reserve in enumerate(getattr(self, name)):
                if not 0 < reserve < Q112:
                    raise InvalidPartConfig(
                        "PairPath", f"{name}[{index}]", reserve, "above 0 and below 2^112"
                    )
        object.__setattr__(self, "_cumulative", self._accumulated())

    @classmethod
    def of_market(
        cls, market: MarketPath, *, decimals: int, base_unit: int, quote_unit: int, depth: int | None = None
    ) -> PairPath:
        """A pair that stands on a market at every time, the base asset as token0: what arbitrage strives for.

        Args:
            market: quote per base [`decimals`].
            decimals: of the market's prices.
            base_unit: units of one whole base token (10^18 for ether).
            quote_unit: units of one whole quote token (10^6 for USDC).
            depth: reserve of the base asset [units], the same at every time. None = 10,000 whole tokens.
        """
        base = 10_000 * base_unit if depth is None else depth
        whole = 10**decimals * base_unit
        quotes = tuple(base * price * quote_unit // whole for price in market.prices)
        return cls(times=market.times, reserves0=(base,) * len(quotes), reserves1=quotes)

    def cumulative_at(self, now: int) -> Cumulative:
        """Both accumulators as a read in a block of this time works them out. Raises BeforePathStarts."""
        place = self._place(now)
        elapsed = (now - self.times[place]) % UINT32
        return _grown(self._cumulative[place], self.reserves0[place], self.reserves1[place], elapsed)

    def stored_at(self, now: int) -> tuple[Cumulative, int]:
        """Both accumulators as stored, and the time of the block that stored them. Raises BeforePathStarts."""
        place = self._place(now)
        return self._cumulative[place], self.times[place]

    def _accumulated(self) -> tuple[Cumulative, ...]:
        totals = [self.cumulative_start]
        for place in range(len(self.times) - 1):
            elapsed = (self.times[place + 1] - self.times[place]) % UINT32
            totals.append(_grown(totals[-1], self.reserves0[place], self.reserves1[place], elapsed))
        return tuple(totals)

    def _place(self, now: int) -> int:
        place = bisect_right(self.times, now) - 1
        if place < 0:
            raise BeforePathStarts(now, self.times[0])
        return place


def mean_price_x112(earlier: int, later: int, elapsed_s: int) -> int:
    """The average of a price between two values of its accumulator [UQ112.112], rounded down.

    The difference wraps as the contracts let it, so one overflow of the accumulator in between does no harm.
    """
    return (later - earlier) % UINT256 // elapsed_s % UINT224


def _grown(totals: Cumulative, reserve0: int, reserve1: int, elapsed_s: int) -> Cumulative:
    return (
        (totals[0] + reserve1 * Q112 // reserve0 * elapsed_s) % UINT256,
        (totals[1] + reserve0 * Q112 // reserve1 * elapsed_s) % UINT256,
    )
