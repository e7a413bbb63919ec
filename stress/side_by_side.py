"""All protocols beside each other: how far a price falls from the liquidation point until debt must remain.

The drop is of the price at which an account becomes liquidatable, so where the account started does not matter.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from stress.figures import INK, save
from stress.frontier import Frontier, alike
from stress.frontier_points import Tipping, frontier_point
from stress.pair_rules import PairRules
from stress.pair_terms import PairTerms, TermsRefused

ROOM = "#b9cfe6"
PAYERS = ("#c0392b", "#8e6c1f", "#5b4a9e", "#1d7a63", "#9e3f7d", "#44647a")
"""A colour for each who pays."""
PAID, NOT_YET = 0.8, 0.35
"""How strong the colour is."""
BAR, ROW_INCHES, LABEL_CELLS, GAP = 0.56, 0.86, 30, 0.006


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What lies between the first call and the first debt that nobody repays, under one rule set."""

    rules: PairRules
    terms: PairTerms
    until_debt: Fraction | None
    """Drop from the liquidation point until debt must remain; None where one of the two never comes."""
    until: Mapping[str, Fraction | None]
    """The same of what else happens under the rules, by its name."""
    agrees: bool
    """Every price that it rests on lies at its closed form."""


def budget_of(rules: PairRules, terms: PairTerms) -> Budget:
    """As found on the integers of an account that starts at half of the threshold; errors as the pair's."""
    start_ltv = terms.liquidation_threshold / 2
    if not terms.debt(start_ltv):
        raise TermsRefused(rules.protocol, "half of the threshold is no unit of debt; give a larger size")
    point = frontier_point(rules.pair(terms, start_ltv), start_ltv)
    return Budget(
        rules=rules,
        terms=terms,
        until_debt=_between(point.liquidatable, point.debt_remains),
        until={name: _between(point.liquidatable, tipping) for name, tipping in point.further.items()},
        agrees=all(tipping.agrees for tipping in point.tippings),
    )


def _between(first: Tipping, then: Tipping) -> Fraction | None:
    if first.price_base is None or then.price_base is None:
        return None
    return 1 - Fraction(then.price_base, first.price_base)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One row: the rule sets of a protocol that show the same."""

    label: str
    budget: Budget


def bars_of(done: Sequence[Frontier], order: Sequence[str]) -> list[Bar]:
    """The rule sets of one protocol as rows; `order`: every revision there is, oldest first."""
    budgets = {one.rules.name: budget_of(one.rules, one.terms) for one in done}

    def shown(one: Frontier) -> Hashable:
        """All that is drawn, to a hundredth of a percent; and whether it is right."""
        budget = budgets[one.rules.name]
        drops = (budget.until_debt, *budget.until.values())
        rounded = (None if drop is None else round(drop, 4) for drop in drops)
        return *rounded, budget.rules.pays, budget.agrees, one.agrees

    return [
        Bar(label=group.label, budget=budgets[group.first.rules.name]) for group in alike(done, shown, order)
    ]


def side_by_side_figure(bars: Sequence[Bar], *, title: str, path: Path) -> None:
    """A row for each: the room that liquidations have, where debt must remain, and the colour of who pays."""
    payers = list(dict.fromkeys(bar.budget.rules.pays for bar in bars))
    colours = {payer: PAYERS[i % len(PAYERS)] for i, payer in enumerate(payers)}
    figure, axes = plt.subplots(figsize=(11, 1.6 + ROW_INCHES * len(bars) + 0.26 * (len(payers) + 1)))
    end_ratio = _axis_end(bars)
    for row, bar in enumerate(bars):
        _draw(axes, row, bar, colours[bar.budget.rules.pays], end_ratio)
    axes.set_yticks(range(len(bars)), [fill(bar.label, LABEL_CELLS) for bar in bars], fontsize=9, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, end_ratio)
    axes.set_xlabel(
        "drop of the collateral's price, from the price at which the account becomes liquidatable"
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    place = (-0.01, -0.6 / len(bars))
    axes.legend(
        handles=_patches(bars, colours), loc="upper left", bbox_to_anchor=place, frameon=False, fontsize=8
    )
    save(figure, path)


def _patches(bars: Sequence[Bar], colours: Mapping[str, str]) -> list[Patch]:
    """What the colours mean."""
    later = [bar.budget.rules for bar in bars if bar.budget.rules.pays_from is not None]
    return [
        Patch(color=ROOM, label="liquidations repay everything"),
        *(
            Patch(color=one, alpha=PAID, label=f"debt remains; pays: {payer}")
            for payer, one in colours.items()
        ),
        *(
            Patch(color=colours[rules.pays], alpha=NOT_YET, label="debt remains, and nobody loses by it yet")
            for rules in later[:1]
        ),
    ]


def _draw(axes: Axes, row: int, bar: Bar, colour: str, end_ratio: float) -> None:
    budget = bar.budget
    pays_from = budget.rules.pays_from
    edge = _at(budget.until_debt, end_ratio)
    paid = edge if pays_from is None else _at(budget.until[pays_from], end_ratio)
    axes.barh(row, edge, height=BAR, color=ROOM, lw=0)
    axes.barh(row, paid - edge, left=edge, height=BAR, color=colour, alpha=NOT_YET, lw=0)
    axes.barh(row, end_ratio - paid, left=paid, height=BAR, color=colour, alpha=PAID, lw=0)
    said = "no fall leaves debt" if budget.until_debt is None else f"{edge:.2%}"
    beside: dict[str, Any] = {"va": "center", "fontsize": 9, "color": INK}
    if edge > end_ratio / 6:
        axes.text(edge - end_ratio * GAP, row, said, ha="right", **beside)
    else:
        axes.text(edge + end_ratio * GAP, row, said, ha="left", **beside)
    axes.text(0, row + BAR / 2 + 0.03, _terms(budget), ha="left", va="top", fontsize=7.5, color="#666666")
    for name, drop in budget.until.items():
        at = _at(drop, end_ratio)
        if at < end_ratio:
            axes.vlines(at, row - BAR / 2, row + BAR / 2, color=INK, lw=0.8)
            axes.text(at + end_ratio * GAP, row, f"{name.replace('_', ' ')}: {at:.2%}", **beside)


def _at(drop: Fraction | None, end_ratio: float) -> float:
    """Where a drop lies on the axis, which ends at `end_ratio`."""
    return end_ratio if drop is None else min(float(drop), end_ratio)


def _terms(budget: Budget) -> str:
    """The two numbers that decide."""
    threshold, bonus = budget.terms.liquidation_threshold, budget.rules.bonus(budget.terms)
    return f"threshold {float(100 * threshold):g} %, seizes {float(bonus):.4g} per value repaid"


def _axis_end(bars: Sequence[Bar]) -> float:
    drops = [bar.budget.until_debt for bar in bars if bar.budget.until_debt is not None]
    return min(1.0, max(1.7 * float(max(drops, default=Fraction(1))), 0.02))
