"""Laws of a delay, in whole numbers: seconds from a round to its report, how far a source is behind, blocks waited.

Each draw takes at most one word of a stream, and each law says the least and the most that it can give.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from oracles.draws import Stream
from oracles.errors import InvalidFeedConfig
from oracles.scales import PPB


class Law(Protocol):
    """A law on the whole numbers from 0 on; its user says of what."""

    @property
    def least(self) -> int:
        """No draw is below."""
        ...

    @property
    def most(self) -> int:
        """No draw is above."""
        ...

    def draw(self, stream: Stream) -> int:
        """One number."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same. Raises InvalidFeedConfig: below 0."""

    number: int = 0
    """0: no delay."""

    def __post_init__(self) -> None:
        _require_at_least("Constant.number", self.number, 0)

    @property
    def least(self) -> int:
        """The number."""
        return self.number

    @property
    def most(self) -> int:
        """The number."""
        return self.number

    def draw(self, stream: Stream) -> int:
        """The number; takes no word."""
        return self.number


@dataclass(frozen=True, kw_only=True, slots=True)
class Uniform:
    """Every whole number of a range alike. Raises InvalidFeedConfig: below 0, or a range that runs backwards."""

    least: int = 3
    """Itself included. 3 to 8 s: usual from an off-chain round to its signed report."""
    most: int = 8
    """Itself included. As above."""

    def __post_init__(self) -> None:
        _require_at_least("Uniform.least", self.least, 0)
        _require_at_least("Uniform.most", self.most, self.least)

    def draw(self, stream: Stream) -> int:
        """One of them."""
        return self.least + stream.below(self.most - self.least + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantiles:
    """What was measured: a share of all is below each knot; between two knots [lower, upper) every number alike.

    Raises InvalidFeedConfig: naming the knot that is out of order or out of range.
    """

    knots: tuple[tuple[int, int], ...]
    """(share [ppb], number): shares from 0 to 10^9 and rising, numbers from 0 on and never falling."""

    def __post_init__(self) -> None:
        shares = [share for share, _ in self.knots]
        if len(shares) < 2 or shares[0] != 0 or shares[-1] != PPB:
            raise InvalidFeedConfig("Quantiles.knots", self.knots, f"from share 0 to share {PPB}")
        _require_at_least("Quantiles.knots[0]", self.knots[0][1], 0)
        for index, (before, found) in enumerate(pairwise(self.knots), 1):
            if found[0] <= before[0] or found[1] < before[1]:
                wanted = f"of a share above {before[0]} and a number of at least {before[1]}"
                raise InvalidFeedConfig(f"Quantiles.knots[{index}]", found, wanted)

    @property
    def least(self) -> int:
        """The number of the first knot."""
        return self.knots[0][1]

    @property
    def most(self) -> int:
        """The number of the last knot."""
        return self.knots[-1][1]

    def draw(self, stream: Stream) -> int:
        """The number at a drawn share, rounded down."""
        share = stream.below(PPB)
        upper = next(index for index, (knot, _) in enumerate(self.knots) if knot > share)
        (share_0, number_0), (share_1, number_1) = self.knots[upper - 1], self.knots[upper]
        return number_0 + (share - share_0) * (number_1 - number_0) // (share_1 - share_0)


def _require_at_least(field: str, found: int, least: int) -> None:
    if found < least:
        raise InvalidFeedConfig(field, found, f"at least {least}")
