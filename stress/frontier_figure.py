"""The picture of a frontier: which drop of a collateral an account survives, and what is left beyond."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from itertools import cycle
from math import nan
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from stress.figures import INK, LOSS, MARKET, ORACLE, save
from stress.frontier import Alike, Frontier
from stress.oracle_delay import Delay, Delayed
from stress.pair_rules import Trade

DASHES = ("--", ":")
"""Of what else happens under the rules, in the order of its names."""
HEALED, TOXIC = "#e8eff7", "#f9e4e1"
ROW_INCHES, LEGEND_INCHES = 3.4, 1.4
MARK: dict[str, Any] = {"color": INK, "markersize": 4.5, "clip_on": False, "zorder": 4}


def drawn(one: Frontier) -> Hashable:
    """All that is drawn of a rule set, to a hundredth of a percent: the same numbers make the same picture."""
    drops = [tipping.drop for point in one.points for tipping in point.tippings]
    late = [drop for each in one.delayed for drop in (each.liquidatable_shown, each.called_until)]
    left = [Fraction(share, each.debt) for each in one.curve for share in (each.predicted, each.called_out)]
    return tuple(None if share is None else round(share, 4) for share in (*drops, *late, *left))


def frontier_figure(rows: Sequence[Alike], delay: Delay, *, title: str, path: Path) -> None:
    """A row for each rule set that differs: the drops against the starting loan to value, and one account's end."""
    figure, grid = plt.subplots(
        len(rows) + 1,
        2,
        figsize=(11, ROW_INCHES * len(rows) + LEGEND_INCHES),
        width_ratios=(3, 2),
        height_ratios=[*(ROW_INCHES for _ in rows), LEGEND_INCHES],
        squeeze=False,
    )
    most = max(_highest(row.first, delay) for row in rows)
    for (left, right), row in zip(grid, rows, strict=False):
        _drops_panel(left, row.first, delay)
        _residual_panel(right, row.first)
        left.set_title(row.label, loc="left", color=INK, fontsize=10)
        left.set_ylim(0, most)
    for column in (0, 1):
        _legend(grid[:-1, column], grid[-1, column])
    grid[-2, 0].set_xlabel("loan to value at the start [%]")
    grid[-2, 1].set_xlabel("drop of the collateral's price [%]")
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)
    save(figure, path)


def _drops_panel(axes: Axes, one: Frontier, delay: Delay) -> None:
    ltv = [float(point.start_ltv) * 100 for point in one.points]
    first = [_percent(point.liquidatable.drop) for point in one.points]
    last = [_percent(point.debt_remains.drop) for point in one.points]
    toxic = all(point.toxic.drop == point.debt_remains.drop or point.toxic.drop for point in one.points)
    axes.fill_between(ltv, first, last, color=HEALED, lw=0, label="a call repays or heals")
    beyond = "every call makes it worse, debt must remain" if toxic else "debt remains"
    axes.fill_between(ltv, last, 100, color=TOXIC, lw=0, label=beyond)
    axes.plot(ltv, first, color=ORACLE, lw=1.6, label="liquidatable")
    axes.plot(
        ltv, last, color=LOSS, lw=1.6, label="toxic, and debt must remain" if toxic else "debt must remain"
    )
    for dashes, name in zip(cycle(DASHES), one.points[0].further, strict=False):
        drops = [_percent(point.further[name].drop) for point in one.points]
        axes.plot(ltv, drops, dashes, color=LOSS, lw=1.2, label=name.replace("_", " "))
    if delay.lag:
        _delay_marks(axes, ltv, one.delayed, one.rules.trade)
    if ltv[0] < ltv[-1]:
        axes.set_xlim(ltv[0], ltv[-1])
    axes.set_ylabel("drop of the collateral's price [%]")
    axes.spines[["top", "right"]].set_visible(False)


def _delay_marks(axes: Axes, ltv: Sequence[float], late: Sequence[Delayed], trade: Trade) -> None:
    """Where the market is when a late oracle shows it, and how far it may go on until nobody calls."""
    shown = [_percent(each.liquidatable_shown) for each in late]
    paid = [i for i, each in enumerate(late) if each.called_until is not None]
    alone = [i for i, each in enumerate(late) if each.is_left_to_the_protocol]
    for places, marker, what in (
        (paid, "o", f"{trade.a_trade} pays, then or later"),
        (alone, "x", f"nobody {trade.trades}"),
    ):
        if places:
            label = f"the market when the late oracle shows liquidatable: {what}"
            axes.plot([ltv[i] for i in places], [shown[i] for i in places], marker, **MARK, label=label)
    if paid:
        ends = [_percent(late[i].called_until) for i in paid]
        label = f"and how far the market may fall until nobody {trade.trades}"
        axes.vlines([ltv[i] for i in paid], [shown[i] for i in paid], ends, color=INK, lw=1, label=label)


def _residual_panel(axes: Axes, one: Frontier) -> None:
    start = one.middle.start_price_base
    drops = [100 * (1 - outcome.price_base / start) for outcome in one.curve]
    axes.plot(
        drops,
        [100 * o.predicted / o.debt for o in one.curve],
        color=LOSS,
        lw=1.6,
        label="must remain, closed form",
    )
    axes.scatter(
        drops,
        [100 * o.called_out / o.debt for o in one.curve],
        s=26,
        facecolors="none",
        edgecolors=INK,
        linewidths=0.9,
        label="left when called to the end",
        zorder=3,
    )
    axes.axhline(0, color=MARKET, lw=0.8)
    axes.set_xlim(0, 100)
    axes.set_ylim(-4, 104)
    axes.set_ylabel("residual debt [% of the debt]")
    axes.set_title(
        f"an account at {float(one.middle.start_ltv):.3g} loan to value", loc="left", color=INK, fontsize=10
    )
    axes.spines[["top", "right"]].set_visible(False)


def _legend(panels: Iterable[Axes], place: Axes) -> None:
    """What is drawn in any panel of a column, once, in a place below them."""
    of = {
        label: handle
        for panel in panels
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    place.legend(list(of.values()), list(of), frameon=False, fontsize=8, loc="upper left", borderaxespad=0)
    place.set_axis_off()


def _highest(one: Frontier, delay: Delay) -> float:
    """Where the panels end: a little above what must be seen, and never at nothing."""
    late = [each.liquidatable_shown for each in one.delayed] if delay.lag else []
    seen = [drop for drop in (*(point.debt_remains.drop for point in one.points), *late) if drop is not None]
    return min(100.0, max(1.25 * _percent(max(seen, default=Fraction(1))), 5.0))


def _percent(drop: Fraction | None) -> float:
    """Nothing is drawn where no drop does it."""
    return nan if drop is None else float(drop) * 100
