"""The market: a right-continuous step function of exact integers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import index as exact_int

from oracles.errors import (
    BeforePathStarts,
    NotAnExactInteger,
    PathShapeMismatch,
    PriceNotPositive,
    TimesNotIncreasing,
)


@dataclass(frozen=True, slots=True)
class MarketPath:
    """What venues trade one asset at: `prices[i]` from `times[i]` until the next time, the last for ever.

    Both take any sequence of integers, numpy arrays included, and are kept as tuples of exact ints.

    Raises:
        PathShapeMismatch, NotAnExactInteger, TimesNotIncreasing, PriceNotPositive: naming the index.
    """

    times: tuple[int, ...]
    """Unix seconds, strictly increasing."""
    prices: tuple[int, ...]
    """Units of the feed's decimals, above 0."""

    def __init__(self, times: Iterable[object], prices: Iterable[object]) -> None:
        object.__setattr__(self, "times", _exact("times", times))
        object.__setattr__(self, "prices", _exact("prices", prices))
        if len(self.times) != len(self.prices) or not self.times:
            raise PathShapeMismatch(len(self.times), len(self.prices))
        require_increasing("times", self.times)
        for index, price in enumerate(self.prices):
            if price <= 0:
                raise PriceNotPositive(index, price)

    def price_at(self, timestamp: int) -> int:
        """The market price in force at `timestamp` [feed decimals].

        Raises:
            BeforePathStarts: `timestamp` is before the first time.
        """
        step = bisect_right(self.times, timestamp) - 1
        if step < 0:
            raise BeforePathStarts(timestamp, self.times[0])
        return self.prices[step]


def require_increasing(what: str, times: tuple[int, ...]) -> None:
    """Refuse times that repeat or run backwards, naming `what` and the first offending index."""
    for index in range(1, len(times)):
        if times[index] <= times[index - 1]:
            raise TimesNotIncreasing(what, index, times[index - 1], times[index])


def _exact(what: str, numbers: Iterable[object]) -> tuple[int, ...]:
    exact: list[int] = []
    for position, number in enumerate(numbers):
        try:
            exact.append(exact_int(number))  # pyright: ignore[reportArgumentType]  # floats and NaN refuse here
        except TypeError:
            raise NotAnExactInteger(what, position, number) from None
    return tuple(exact)
