"""The pictures of a crash: market against oracle, borrowers before and after, residual debt against oracle delay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

INK, MARKET, ORACLE, LOSS, GRID = "#222222", "#b8b8b8", "#1f5fa8", "#c0392b", "#f0f0f0"
BEFORE: dict[str, Any] = {"s": 30, "facecolors": "none", "edgecolors": "#8a8a8a", "linewidths": 0.9}
"""Open and larger, so that what comes after shows inside where nothing changed."""
MOST_HEALTH = 6


def market_against_oracle(prices: pd.DataFrame, events: pd.DataFrame, path: Path) -> None:
    """One panel an asset that moved and was seized: the market, what the feed showed, the liquidations on it.

    `prices`: one row a step and symbol (seconds, symbol, market_usd, observed_usd); `events`: one row a call
    (seconds, collateral_symbol, observed_usd, outcome, n_deficits).
    """
    symbols = _to_show(prices, events)
    figure, grid = plt.subplots(len(symbols), 1, figsize=(9, 2.6 * len(symbols)), sharex=True, squeeze=False)
    for axes, symbol in zip(grid[:, 0], symbols, strict=True):
        _price_panel(axes, symbol, prices[prices["symbol"] == symbol], events)
    grid[-1, 0].set_xlabel("minutes from the start of the crash")
    grid[0, 0].set_title(
        "Market price against oracle price, and the liquidations on it", loc="left", color=INK
    )
    grid[0, 0].legend(loc="upper right", frameon=False, fontsize=8)
    save(figure, path)


def _to_show(prices: pd.DataFrame, events: pd.DataFrame) -> list[str]:
    """Assets that moved and were seized; where there are none all that moved, or the first."""
    ranges = prices.groupby("symbol", sort=False)["market_usd"].agg(["min", "max"])
    moved = [symbol for symbol, low, high in ranges.itertuples() if low < high]
    seized = set(events["collateral_symbol"])
    return [symbol for symbol in moved if symbol in seized] or moved or list(ranges.index)[:1]


def _price_panel(axes: Axes, symbol: str, path: pd.DataFrame, events: pd.DataFrame) -> None:
    axes.plot(path["seconds"] / 60, path["market_usd"], color=MARKET, lw=1.2, label="market")
    axes.step(path["seconds"] / 60, path["observed_usd"], color=ORACLE, lw=1.2, where="post", label="oracle")
    mine = events[(events["collateral_symbol"] == symbol) & (events["outcome"] == "liquidated")]
    for with_deficit, colour, label in (
        (False, INK, "liquidation"),
        (True, LOSS, "liquidation that leaves debt"),
    ):
        chosen = mine[(mine["n_deficits"] > 0) == with_deficit]
        axes.scatter(
            chosen["seconds"] / 60, chosen["observed_usd"], s=14, color=colour, zorder=3, label=label
        )
    axes.set_ylabel(f"{symbol} [USD]")
    axes.yaxis.set_major_formatter("{x:,.6g}")
    axes.spines[["top", "right"]].set_visible(False)


def borrowers_before_and_after(accounts: pd.DataFrame, path: Path) -> None:
    """Health factor and debt of every borrower at the start and at the end, residual debt in red.

    `accounts`: borrower, health_before, health_after, debt_before_usd, debt_after_usd, residual_usd.
    """
    rows = accounts[accounts["debt_before_usd"] > 0].sort_values("health_before").reset_index(drop=True)
    height = 0.19 * len(rows) + 1.6
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, height), sharey=True, width_ratios=(3, 4))
    _health_panel(left, rows)
    _debt_panel(right, rows)
    left.set_yticks(rows.index, [_short(str(name)) for name in rows["borrower"]], fontsize=7)
    left.set_ylim(-1, len(rows))
    left.set_title("Every borrower before and after", loc="left", color=INK, pad=24)
    for axes in (left, right):
        axes.grid(axis="y", color=GRID, lw=0.5)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def _health_panel(axes: Axes, rows: pd.DataFrame) -> None:
    """A line from before to after; where no debt is left there is no health factor after."""
    before, after = (
        rows["health_before"].clip(upper=MOST_HEALTH),
        rows["health_after"].clip(upper=MOST_HEALTH),
    )
    axes.hlines(rows.index, before, after.fillna(before), color=MARKET, lw=1, zorder=0.8)
    axes.scatter(before, rows.index, **BEFORE, label="before")
    axes.scatter(after, rows.index, s=14, color=ORACLE, label="after, if in debt")
    axes.axvline(1, color=LOSS, lw=0.8)
    axes.set_xlabel(f"health factor (cut at {MOST_HEALTH}; liquidatable left of the line)")


def _debt_panel(axes: Axes, rows: pd.DataFrame) -> None:
    axes.scatter(rows["debt_before_usd"], rows.index, **BEFORE, label="debt before")
    for column, size, colour, label in (
        ("debt_after_usd", 14, ORACLE, "debt after"),
        ("residual_usd", 14, LOSS, "residual debt"),
    ):
        axes.scatter(rows[column].where(rows[column] > 0), rows.index, s=size, color=colour, label=label)
    axes.set_xscale("log")
    axes.set_xlabel("USD")


def _short(name: str) -> str:
    """An address by its ends; a name as it is."""
    return f"{name[:6]}…{name[-4:]}" if name.startswith("0x") else name


def residual_against_delay(delays_s: Sequence[int], residual_usd: Sequence[float], path: Path) -> None:
    """Residual debt of the whole book if every feed were slower by so much."""
    figure, axes = plt.subplots(figsize=(7, 3.6))
    axes.plot(
        [d / 60 for d in delays_s], [r / 1e6 for r in residual_usd], marker="o", color=LOSS, clip_on=False
    )
    axes.set_xlabel("added oracle delay [minutes]")
    axes.set_ylabel("residual debt [million USD]")
    axes.set_ylim(bottom=0)
    axes.set_title("Residual debt against oracle delay", loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def save(figure: plt.Figure, path: Path) -> None:
    """Write a finished figure and let it go."""
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
