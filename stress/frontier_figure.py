"""The picture of a frontier: which fall of a collateral an account survives, and what is left beyond."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from stress.figures import INK, LOSS, MARKET, ORACLE, save
from stress.frontier_points import Delay, Outcome, Point, Tipping

HEALED, TOXIC = "#e8eff7", "#f9e4e1"


def frontier_figure(
    points: Sequence[Point], delay: Delay, curve: Sequence[Outcome], *, title: str, path: Path
) -> None:
    """Left: the drops against the starting loan to value. Right: the residual share of one account's debt.

    `points` and `curve` are of one rule set; the curve's account is the one of `points` in the middle.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), width_ratios=(3, 2))
    _drops_panel(left, points, delay)
    _residual_panel(right, curve, points[0].start_price_base)
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)
    save(figure, path)


def _drops_panel(axes: Axes, points: Sequence[Point], delay: Delay) -> None:
    ltv = [float(point.start_ltv) * 100 for point in points]
    first = [_percent(point.liquidatable.drop) for point in points]
    last = [_percent(point.debt_remains.drop) for point in points]
    axes.fill_between(ltv, first, last, color=HEALED, lw=0, label="liquidation repays or heals")
    axes.fill_between(ltv, last, 100, color=TOXIC, lw=0, label="every call makes it worse, debt remains")
    axes.plot(ltv, first, color=ORACLE, lw=1.6, label="liquidatable")
    axes.plot(ltv, last, color=LOSS, lw=1.6, label="toxic, and debt must remain")
    if delay.lag:
        for colour, tippings in (
            (ORACLE, [point.liquidatable for point in points]),
            (LOSS, [point.debt_remains for point in points]),
        ):
            axes.plot(ltv, [_delayed(tipping, delay) for tipping in tippings], color=colour, lw=1.2, ls="--")
        axes.plot([], [], color=INK, lw=1.2, ls="--", label="market's fall when the oracle shows it")
    axes.set_xlim(min(ltv), max(ltv))
    axes.set_ylim(0, min(100, 1.4 * max(last)))
    axes.set_xlabel("loan to value at the start [%]")
    axes.set_ylabel("fall of the collateral's price [%]")
    axes.legend(facecolor="white", edgecolor="none", framealpha=0.9, fontsize=8, loc="upper right")
    axes.spines[["top", "right"]].set_visible(False)


def _residual_panel(axes: Axes, curve: Sequence[Outcome], start_base: int) -> None:
    falls = [100 * (1 - outcome.price_base / start_base) for outcome in curve]
    axes.plot(falls, [100 * o.residual / o.debt for o in curve], color=LOSS, lw=1.6, label="closed form")
    axes.scatter(
        falls,
        [100 * o.simulated / o.debt for o in curve],
        s=26,
        facecolors="none",
        edgecolors=INK,
        linewidths=0.9,
        label="called to the end",
        zorder=3,
    )
    axes.axhline(0, color=MARKET, lw=0.8)
    axes.set_xlabel("fall of the collateral's price [%]")
    axes.set_ylabel("residual debt [% of the debt]")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)


def _percent(drop: Fraction | None) -> float:
    return 100.0 if drop is None else float(drop) * 100


def _delayed(tipping: Tipping, delay: Delay) -> float:
    return _percent(tipping.market_drop(delay))
