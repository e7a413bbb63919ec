"""The frontier of a rule set: every starting loan to value, with and without delay, and one account called out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from stress.frontier_points import Outcome, Point, frontier_point, outcome_at
from stress.oracle_delay import Delay, Delayed, delayed
from stress.pair_rules import PairRules
from stress.pair_terms import PairTerms

CURVE_POINTS = 8
"""Prices, between the one at which debt must remain and none, at which an account is called to the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frontier:
    """The frontier of one rule set."""

    rules: PairRules
    terms: PairTerms
    points: Sequence[Point]
    delayed: Sequence[Delayed]
    """One for each point."""
    curve: Sequence[Outcome]
    """Of the account of the point in the middle, from the highest price down."""

    @property
    def middle(self) -> Point:
        """The point whose account is called to the end."""
        return self.points[len(self.points) // 2]

    @property
    def threshold_times_bonus(self) -> Fraction:
        """From 1 up, an account is beyond help as soon as it can be liquidated at the whole bonus."""
        return self.rules.threshold_times_bonus(self.terms)

    @property
    def agrees(self) -> bool:
        """Every integer price lies at its closed form, every end at the integer form."""
        return all(one.agrees for point in self.points for one in point.tippings) and all(
            one.agrees for one in self.curve
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """Rule sets that show the same."""

    label: str
    """Such as `Aave 2.0 to 3.2, 4.0`."""
    first: Frontier


def frontier_of(rules: PairRules, terms: PairTerms, grid: Sequence[Fraction], delay: Delay) -> Frontier:
    """The frontier over a grid of loans to value at the start; raises `DoesNotFit`, `NeverEnds`."""
    pairs = [rules.pair(terms, ltv) for ltv in grid]
    points = [frontier_point(pair, ltv) for pair, ltv in zip(pairs, grid, strict=True)]
    return Frontier(
        rules=rules,
        terms=terms,
        points=points,
        delayed=[delayed(pair, point, delay) for pair, point in zip(pairs, points, strict=True)],
        curve=_curve(rules, terms, points[len(points) // 2]),
    )


def _curve(rules: PairRules, terms: PairTerms, point: Point) -> list[Outcome]:
    """The account called to the end, from the price at which debt must remain downwards."""
    top = point.debt_remains.price_base or 0
    prices = {top * i // CURVE_POINTS for i in range(1, CURVE_POINTS + 1)} - {0}
    return [outcome_at(rules, terms, point.start_ltv, price) for price in sorted(prices, reverse=True)]


def alike(
    done: Sequence[Frontier], shown: Callable[[Frontier], Hashable], order: Sequence[str]
) -> list[Alike]:
    """Bring together the rule sets of which `shown` is the same; `order`: every revision there is, oldest first."""
    groups: dict[Hashable, list[Frontier]] = {}
    for one in done:
        groups.setdefault((one.rules.protocol, shown(one)), []).append(one)
    return [
        Alike(
            label=f"{some[0].rules.protocol} {listed([one.rules.name for one in some], order)}",
            first=some[0],
        )
        for some in groups.values()
    ]


def listed(names: Sequence[str], order: Sequence[str]) -> str:
    """Revisions that follow each other in `order` as `first to last`, others one by one."""
    return ", ".join(
        f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs(names, order)
    )


def runs(names: Sequence[str], order: Sequence[str]) -> list[list[str]]:
    """Names that follow each other in `order`, together."""
    found: list[list[str]] = []
    for name in names:
        if found and order.index(name) == order.index(found[-1][-1]) + 1:
            found[-1].append(name)
        else:
            found.append([name])
    return found
