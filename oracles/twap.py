"""Time-weighted averages of a pool as price sources: arithmetic from a v2 pair, geometric from a v3 pool.

An average over w seconds answers a jump gradually. t seconds after it the arithmetic mean has gone t/w of the way in
price and the geometric mean t/w of the way in the logarithm of the price: never above the arithmetic one, up or down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from oracles.errors import InvalidPartConfig
from oracles.pair_path import UINT32, PairPath, mean_price_x112
from oracles.reading import Failed, Reading
from oracles.tick_math import quote_at_tick
from oracles.tick_path import TickPath, TickRounding
from oracles.timeline import Timeline, require_in_order

_NEVER_UPDATED = Reading(answer=0, round_id=0, observed_at=0, started_at=0, updated_at=0, reason="none yet")


@dataclass(frozen=True, kw_only=True, slots=True)
class ArithmeticTwap:
    """The average of a v2 pair over the time between two updates, which anyone may make once a period has passed.

    Mirrors `contracts/examples/ExampleOracleSimple.sol` (Uniswap/v2-periphery@0335e8f7e). `updatedAt` is the block of
    the last update that was let through, the round its number; before the first, the answer is 0. An update too early
    reverts and changes nothing.

    Raises:
        InvalidPartConfig, ScheduleRunsBackwards: naming the index.
        BeforePathStarts: deployed before the pair.
    """

    pair: PairPath
    deployed_at: int
    """[unix seconds]; the first window starts at the pair's last change before it."""
    updates: tuple[int, ...]
    """Blocks in which `update` is called [unix seconds], after `deployed_at`."""
    period_s: int = 24 * 3600
    """An update needs this much time since the last one. PERIOD of the example."""
    base_amount: int = 10**18
    """What is asked for a quote of [base units]: one whole token of 18 decimals."""
    base_is_token0: bool = True
    """Which price of the two. Token0 as in the docs of the pair: reserves in the order of addresses."""
    decimals: int = 6
    """Of the quote token, and so of the answer. 6 for USDC."""
    _means: Timeline[Reading] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_in_order("updates", self.updates)
        if self.period_s < 1:
            raise InvalidPartConfig("ArithmeticTwap", "period_s", self.period_s, "at least 1")
        if self.updates and self.updates[0] < self.deployed_at:
            raise InvalidPartConfig(
                "ArithmeticTwap", "updates[0]", self.updates[0], "at or after deployed_at"
            )
        object.__setattr__(self, "_means", self._run())

    def read(self, now: int) -> Reading | Failed:
        """`consult` of `base_amount` [quote units]."""
        return self._means.at(now)

    def _run(self) -> Timeline[Reading]:
        totals, since = self.pair.stored_at(self.deployed_at)
        which = 0 if self.base_is_token0 else 1
        earlier = totals[which]
        means: list[tuple[int, Reading]] = []
        for now in self.updates:
            elapsed = (now - since) % UINT32
            if elapsed < self.period_s:
                continue  # PERIOD_NOT_ELAPSED
            later = self.pair.cumulative_at(now)[which]
            answer = mean_price_x112(earlier, later, elapsed) * self.base_amount >> 112
            means.append((now, _computed(answer, now, round_id=len(means) + 1)))
            earlier, since = later, now
        return Timeline(_NEVER_UPDATED, tuple(means))


@dataclass(frozen=True, kw_only=True, slots=True)
class GeometricTwap:
    """The average of a v3 pool over the last seconds, worked out at every read.

    Mirrors `consult` and `getQuoteAtTick` of `contracts/libraries/OracleLibrary.sol`
    (Uniswap/v3-periphery@068238719). Its own clocks say now, so that a consumer's check of age never fires.

    Raises:
        InvalidPartConfig: a window of 0 s ("BP" in the library).
    """

    pool: TickPath
    window_s: int = 30 * 60
    """30 minutes: `configuration/README.md` of smartcontractkit/open-oracle@4c3bf6c5c."""
    rounding: TickRounding = "down"
    """Of the average tick. Down: `OracleLibrary.sol`."""
    base_amount: int = 10**18
    """What is asked for a quote of [base units]: one whole token of 18 decimals."""
    base_is_token0: bool = True
    """The pool's order, which is that of the tokens' addresses."""
    decimals: int = 6
    """Of the quote token, and so of the answer. 6 for USDC."""

    def __post_init__(self) -> None:
        if self.window_s < 1:
            raise InvalidPartConfig("GeometricTwap", "window_s", self.window_s, "at least 1")

    def read(self, now: int) -> Reading | Failed:
        """The quote for `base_amount` [quote units]; "OLD" where the pool does not remember the whole window."""
        tick = self.pool.mean_tick(now, self.window_s, self.rounding)
        if isinstance(tick, Failed):
            return tick
        answer = quote_at_tick(tick, self.base_amount, base_is_token0=self.base_is_token0)
        return _computed(answer, now, round_id=0)


def _computed(answer: int, now: int, *, round_id: int) -> Reading:
    return Reading(
        answer=answer, round_id=round_id, observed_at=now, started_at=now, updated_at=now, reason="twap"
    )
