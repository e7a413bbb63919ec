"""A straight line through quotes that are rounded: what they leave open of its slope and of its root.

At fixed other prices an account's liquidity is linear in the DAI price, but for roundings. A quote that can be off by
`rounding` is a window; a line that passes through all windows has its slope, and its root, in what `slope` and `root`
give: each pair of quotes bounds them, and the narrowest bounds of all pairs are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from protocol.units import WAD
from stress.incidents.compound_dai_2020.record import Quote

CENT = WAD // 100
HALF_CENT = Fraction(CENT, 2)
CONTRACT = Fraction(3, 2)
"""[1e-18 USD] What the contract's own rounding can move a liquidity by: the value of a cToken unit to the nearest
integer, times fewer than 1e18 of them; and a cut of the collateral and one of the debt, against each other."""


class Window(NamedTuple):
    """All that is left open of a number."""

    low: Fraction
    high: Fraction

    def holds(self, number: Fraction | int) -> bool:
        """Whether a number is in it; never so if nothing is."""
        return self.low <= number <= self.high


class Miss(NamedTuple):
    """A quote against the line through two others. [1e-18 USD]"""

    quote: Quote
    first: Quote
    second: Quote
    predicted: Fraction
    allowed: Fraction
    """What the rounding of all three can make of it."""

    @property
    def off(self) -> Fraction:
        """Quoted less predicted."""
        return self.quote.liquidity_usd_mantissa - self.predicted

    @property
    def in_bounds(self) -> bool:
        """Whether rounding explains it."""
        return abs(self.off) <= self.allowed


def to_cents(quotes: Iterable[Quote]) -> tuple[Quote, ...]:
    """The quotes as they are printed: to the nearest cent."""
    return tuple(
        Quote(one.price_mantissa, (2 * one.liquidity_usd_mantissa + CENT) // (2 * CENT) * CENT)
        for one in quotes
    )


def miss(quote: Quote, first: Quote, second: Quote, rounding: Fraction) -> Miss:
    """Where the line through `first` and `second` would have the quote."""
    share = Fraction(
        quote.price_mantissa - first.price_mantissa, second.price_mantissa - first.price_mantissa
    )
    low, high = first.liquidity_usd_mantissa, second.liquidity_usd_mantissa
    return Miss(
        quote,
        first,
        second,
        predicted=low + share * (high - low),
        allowed=rounding * (1 + abs(1 - share) + abs(share)),
    )


def misses(quotes: Sequence[Quote], rounding: Fraction) -> Iterator[Miss]:
    """Every quote against every two others."""
    for quote in quotes:
        others = [one for one in quotes if one is not quote]
        yield from (miss(quote, *pair, rounding) for pair in combinations(others, 2))


def slope(quotes: Sequence[Quote], rounding: Fraction) -> Window:
    """By how much liquidity falls as the price rises: debt less weighted collateral in DAI. [DAI x 1e18]"""
    return _narrowest(
        Window(*(Fraction((fall + sign * 2 * rounding) * WAD, step) for sign in (-1, 1)))
        for fall, step in _falls(quotes)
    )


def root(quotes: Sequence[Quote], rounding: Fraction) -> Window:
    """The price at which liquidity is 0, between quotes on both sides of it. [mantissa]"""
    return _narrowest(
        Window(*(_crossing(above, below, shift) for shift in (-rounding, rounding)))
        for above in quotes
        for below in quotes
        if above.liquidity_usd_mantissa > rounding and below.liquidity_usd_mantissa < -rounding
    )


def _falls(quotes: Sequence[Quote]) -> Iterator[tuple[int, int]]:
    for first, second in combinations(sorted(quotes), 2):
        fall = first.liquidity_usd_mantissa - second.liquidity_usd_mantissa
        yield fall, second.price_mantissa - first.price_mantissa


def _crossing(above: Quote, below: Quote, shift: Fraction) -> Fraction:
    high, low = above.liquidity_usd_mantissa + shift, below.liquidity_usd_mantissa + shift
    return above.price_mantissa + (below.price_mantissa - above.price_mantissa) * high / (high - low)


def _narrowest(windows: Iterable[Window]) -> Window:
    lows, highs = zip(*windows, strict=True)
    return Window(max(lows), min(highs))
