"""How crowded the blocks are: tied to the market's own moves, as crashes and congestion come together."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from oracles.draws import Draws
from oracles.errors import InvalidFeedConfig
from oracles.path import MarketPath
from oracles.scales import PPB


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnCongestion:
    """A level in the unit of returns: rho of it is the market's last move, the rest the chain's own traffic.

    level = rho * |return over the window| + sqrt(1 - rho^2) * |own|, where `own` is near normal with a standard
    deviation of `calm_return_ppb`, drawn anew for every window. For returns of that deviation rho is the correlation
    of the level with |return|: 10^9 = the crash alone decides, 0 = independent of it, which badly understates tails.

    Raises InvalidFeedConfig: rho outside 0 to 10^9, a window or a deviation below its least.
    """

    rho_ppb: int = 800_000_000
    """[ppb] 0.8: an assumption; on 12 March 2020 gas rose tenfold with the fall, which is no measured correlation."""
    window_s: int = 600
    """Over which the return is taken, and for which the own traffic lasts. Ten minutes: an assumption."""
    calm_return_ppb: int = 4_400_000
    """Standard deviation of a return over the window [ppb]. 0.44 %: WETH/USD from January 2021 to February 2023 moved
    1.07 % an hour (18,861 hourly prices), taken to ten minutes by the root of time."""

    def __post_init__(self) -> None:
        if not 0 <= self.rho_ppb <= PPB:
            raise InvalidFeedConfig("ReturnCongestion.rho_ppb", self.rho_ppb, f"from 0 to {PPB}")
        if self.window_s < 1:
            raise InvalidFeedConfig("ReturnCongestion.window_s", self.window_s, "at least 1")
        if self.calm_return_ppb < 0:
            raise InvalidFeedConfig("ReturnCongestion.calm_return_ppb", self.calm_return_ppb, "at least 0")

    def level_ppb(self, path: MarketPath, draws: Draws, timestamp: int) -> int:
        """The level in a block of this time [ppb of a return], from the market up to then alone.

        Raises BeforePathStarts.
        """
        own_share_ppb = isqrt(PPB * PPB - self.rho_ppb * self.rho_ppb)
        return (
            self.rho_ppb * self._moved_ppb(path, timestamp) + own_share_ppb * self._own_ppb(draws, timestamp)
        ) // PPB

    def _moved_ppb(self, path: MarketPath, timestamp: int) -> int:
        """|return| over the window [ppb], down; over less where the path is younger."""
        now = path.price_at(timestamp)
        then = path.price_at(max(timestamp - self.window_s, path.times[0]))
        return abs(now - then) * PPB // then

    def _own_ppb(self, draws: Draws, timestamp: int) -> int:
        since = timestamp - timestamp % self.window_s
        return abs(draws.at(since, "congestion").near_normal(self.calm_return_ppb))
