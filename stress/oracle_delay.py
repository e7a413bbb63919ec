"""What an old price does to a liquidation: when the protocol lets somebody call, and whether it pays by then.

The market falls at an even pace, by a share of the start price per hour, and the oracle shows the price of
`delay_s` ago. While the oracle shows a drop x > 0, the market has fallen by x + pace * delay. Whoever calls
is paid in collateral at the oracle's price and sells it at the market's. Once that is worth less than the debt
repaid nobody calls, and the debt is left to the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from stress.frontier_points import Point, Tipping
from stress.pair_terms import Pair

SECONDS_PER_HOUR = 3600
ALL = Fraction(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delay:
    """A market that falls evenly and an oracle that shows an old price."""

    delay_s: int = 0
    fall_per_hour: Fraction = Fraction(0)
    """Share of the start price."""

    @property
    def lag(self) -> Fraction:
        """By how much more the market has fallen than the oracle shows, as a share of the start price."""
        return self.fall_per_hour * self.delay_s / SECONDS_PER_HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Delayed:
    """One account under a delay; drops are the *market's*, None where no drop does it."""

    liquidatable_shown: Fraction | None
    """The market's drop when the oracle shows that the account is liquidatable; 1 if nothing is left by then."""
    toxic_shown: Fraction | None
    debt_remains_shown: Fraction | None
    further_shown: Mapping[str, Fraction | None]
    """Of what else happens under the rules, by its name."""
    payout: Fraction | None
    """At the market's price, value a liquidator receives per value repaid when `liquidatable_shown`."""
    called_until: Fraction | None
    """The market's drop up to which a call pays back what it repays; None: not once while a call is allowed."""

    @property
    def is_left_to_the_protocol(self) -> bool:
        """Whether the account becomes liquidatable and yet a call never pays."""
        return self.liquidatable_shown is not None and self.called_until is None


def delayed(pair: Pair, point: Point, delay: Delay) -> Delayed:
    """What becomes of the account of `point` when its oracle is late."""
    return Delayed(
        liquidatable_shown=_shown(point.liquidatable, delay),
        toxic_shown=_shown(point.toxic, delay),
        debt_remains_shown=_shown(point.debt_remains, delay),
        further_shown={name: _shown(tipping, delay) for name, tipping in point.further.items()},
        payout=_payout(point, delay),
        called_until=_called_until(pair, point, delay),
    )


def _shown(tipping: Tipping, delay: Delay) -> Fraction | None:
    """What holds at the start is seen at the start, however late the oracle is."""
    if not tipping.drop:
        return tipping.drop
    return min(tipping.drop + delay.lag, ALL)


def _payout(point: Point, delay: Delay) -> Fraction | None:
    oracle, market = point.liquidatable.drop, _shown(point.liquidatable, delay)
    if point.payout is None or oracle is None or market is None:
        return None
    return point.payout * (1 - market) / (1 - oracle)


def _called_until(pair: Pair, point: Point, delay: Delay) -> Fraction | None:
    start, first = point.start_price_base, point.liquidatable.price_base
    if first is None or point.payout is None:
        return None
    lowest = _lowest_paying_price(pair, delay.lag * start, first)
    if lowest is not None:
        return 1 - lowest / start + delay.lag
    if first == start and point.payout > 1:  # callable before the oracle moves at all
        return 1 - 1 / point.payout
    return None


def _lowest_paying_price(pair: Pair, lag_base: Fraction, first_base: int) -> Fraction | None:
    """The lowest oracle price at which payout * market price >= oracle price; None if there is none to `first_base`.

    At a payout p that is p * lag / (p - 1). The payout never falls with the price, so the highest gives a price
    below which nothing pays; the payout there gives the next such price, until the two are one.
    """
    payout = pair.payout_ratio(1)
    while True:
        if lag_base and payout <= 1:
            return None
        edge = payout * lag_base / (payout - 1) if lag_base else Fraction(0)
        if edge > first_base:
            return None
        there = pair.payout_ratio(max(ceil(edge), 1))
        if there == payout:
            return edge
        payout = there
