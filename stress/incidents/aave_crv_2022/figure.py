"""The picture of it: the oracle's price, what was pledged and owed, and where liquidation turned toxic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from protocol.units import BPS
from stress.figures import GRID, INK, LOSS, MARKET, ORACLE
from stress.incidents.aave_crv_2022.prices import BONUS_BPS, PriceSegment
from stress.incidents.aave_crv_2022.record import CRV_UNIT, USDC_UNIT, Record
from stress.incidents.aave_crv_2022.replay import CRV, USDC, Replay, Step
from stress.incidents.report import clock

MOST_BURDEN = 1.35


def draw(
    folder: Path, record: Record, segments: Sequence[PriceSegment], least: Replay, most: Replay
) -> tuple[Path, ...]:
    """One figure over the calls in order; `least` and `most`: the replays with the least and the most interest."""
    figure, panels = plt.subplots(3, 1, figsize=(9.5, 8.6), sharex=True, height_ratios=(3, 4, 3))
    _price_panel(panels[0], segments)
    _position_panel(panels[1], most)
    _ratio_panel(panels[2], least, most)
    for axes in panels:
        _mark(axes, record, most)
    _say_when(panels, record, most)
    panels[0].set_title(
        "The CRV short on Aave v2, 22 November 2022, call by call", loc="left", color=INK, pad=24
    )
    panels[2].set_xlabel("liquidation calls in order")
    path = folder / "aave_crv_2022.png"
    figure.align_ylabels(panels)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return (path,)


def _price_panel(axes: Axes, segments: Sequence[PriceSegment]) -> None:
    edges = [*(segment.first for segment in segments), segments[-1].last + 1]
    axes.stairs([float(segment.ratio) for segment in segments], edges, baseline=None, color=ORACLE, lw=1.4)
    axes.set_ylabel("oracle: one CRV [USDC]")


def _position_panel(axes: Axes, most: Replay) -> None:
    def debt(step: Step) -> float:
        return step.debt / CRV_UNIT * step.prices_base[CRV] / step.prices_base[USDC]

    lines: tuple[tuple[Callable[[Step], float], str, str, str], ...] = (
        (lambda step: step.collateral / USDC_UNIT, ORACLE, "-", "collateral"),
        (lambda step: debt(step) * BONUS_BPS / BPS, LOSS, "-", "debt with the bonus: what repaying it costs"),
        (debt, MARKET, "-", "debt"),
    )
    for value, colour, style, label in lines:
        values = [value(step) / 1e6 for step in most.steps]
        axes.plot(range(len(values)), values, color=colour, ls=style, lw=1.3, label=label)
    axes.set_ylabel("million USDC")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left", frameon=False, fontsize=8)


def _ratio_panel(axes: Axes, least: Replay, most: Replay) -> None:
    low, high = ([step.burden_ratio for step in one.steps] for one in (least, most))
    axes.plot(range(len(high)), high, color=LOSS, lw=1.1, label="with the most interest")
    axes.fill_between(range(len(low)), low, high, color=LOSS, alpha=0.35, lw=0, label="down to none")
    axes.axhline(1, color=INK, lw=0.8)
    axes.set_ylim(min(low) - 0.01, MOST_BURDEN)
    axes.set_ylabel(f"κ: debt with bonus\nover collateral (cut at {MOST_BURDEN})")
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def _mark(axes: Axes, record: Record, most: Replay) -> None:
    """The pause between the two squeezes, and the first toxic call."""
    axes.axvline(record.resumed_at, color=MARKET, lw=0.8, ls=":")
    if most.first_toxic is not None:
        axes.axvspan(most.first_toxic, len(record.calls), color=LOSS, alpha=0.06, lw=0)
        axes.axvline(most.first_toxic, color=LOSS, lw=0.9)
    axes.set_xlim(0, len(record.calls))
    axes.grid(axis="y", color=GRID, lw=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _say_when(panels: Sequence[Axes], record: Record, most: Replay) -> None:
    """Times above the first panel, and what begins at the mark."""
    starts = [0, record.resumed_at, *([] if most.first_toxic is None else [most.first_toxic])]
    for index in [*starts, len(record.calls) - 1]:
        panels[0].annotate(
            clock(record.calls[index].timestamp),
            (index, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            fontsize=8,
            ha="right" if index == len(record.calls) - 1 else "left",
            color=LOSS if index == most.first_toxic else INK,
        )
    if most.first_toxic is not None:
        panels[1].annotate(
            f"from block {record.calls[most.first_toxic].block_number} on every call makes it worse",
            (most.first_toxic + 4, 0.93),
            xycoords=("data", "axes fraction"),
            fontsize=8,
            color=LOSS,
        )
