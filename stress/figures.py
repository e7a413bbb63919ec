"""The pictures of a crash: market against oracle, borrowers before and after, residual debt against oracle delay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

INK, MARKET, ORACLE, LOSS = "#222222", "#b8b8b8", "#1f5fa8", "#c0392b"


def market_against_oracle(prices: pd.DataFrame, events: pd.DataFrame, path: Path) -> None:
    """One panel an asset that moved: the market, what the feed showed, and every liquidation at its price.

    `prices`: one row a step and symbol (seconds, symbol, market_usd, observed_usd); `events`: one row a call
    (seconds, collateral_symbol, observed_usd, outcome, n_deficits).
    """
    symbols = list(events["collateral_symbol"].unique()) or list(prices["symbol"].unique())[:1]
    figure, grid = plt.subplots(len(symbols), 1, figsize=(9, 2.6 * len(symbols)), sharex=True, squeeze=False)
    for axes, symbol in zip(grid[:, 0], symbols, strict=True):
        _price_panel(axes, symbol, prices[prices["symbol"] == symbol], events)
    grid[-1, 0].set_xlabel("minutes from the start of the crash")
    grid[0, 0].set_title(
        "Market price against oracle price, and the liquidations on it", loc="left", color=INK
    )
    grid[0, 0].legend(loc="upper right", frameon=False, fontsize=8)
    _save(figure, path)


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
    axes.spines[["top", "right"]].set_visible(False)


def borrowers_before_and_after(accounts: pd.DataFrame, path: Path) -> None:
    """Health factor and debt of every borrower at the start and at the end, residual debt in red.

    `accounts`: borrower, health_before, health_after, debt_before_usd, debt_after_usd, residual_usd.
    """
    rows = accounts[accounts["debt_before_usd"] > 0].sort_values("health_before").reset_index(drop=True)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 0.17 * len(rows) + 1.8), sharey=True)
    y = rows.index
    alive = rows["health_after"].clip(upper=6)
    left.hlines(y, alive.fillna(0), rows["health_before"].clip(upper=6), color="#dddddd", lw=1)
    left.scatter(rows["health_before"].clip(upper=6), y, s=14, color=MARKET, label="before")
    left.scatter(alive, y, s=14, color=ORACLE, label="after (none: no debt left)")
    left.axvline(1, color=LOSS, lw=0.8)
    left.set_xlabel("health factor (cut at 6)")
    right.scatter(rows["debt_before_usd"], y, s=14, color=MARKET, label="debt before")
    right.scatter(
        rows["debt_after_usd"].where(rows["debt_after_usd"] > 0), y, s=14, color=ORACLE, label="debt after"
    )
    right.scatter(
        rows["residual_usd"].where(rows["residual_usd"] > 0), y, s=18, color=LOSS, label="residual debt"
    )
    right.set_xscale("log")
    right.set_xlabel("USD")
    left.set_yticks(y, [str(name)[:14] for name in rows["borrower"]], fontsize=5.5)
    left.set_title("Every borrower before and after", loc="left", color=INK)
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def residual_against_delay(delays_s: Sequence[int], residual_usd: Sequence[float], path: Path) -> None:
    """Residual debt of the whole book if every feed were slower by so much."""
    figure, axes = plt.subplots(figsize=(7, 3.6))
    axes.plot([d / 60 for d in delays_s], [r / 1e6 for r in residual_usd], marker="o", color=LOSS)
    axes.set_xlabel("added oracle delay [minutes]")
    axes.set_ylabel("residual debt [million USD]")
    axes.set_ylim(bottom=0)
    axes.set_title("Residual debt against oracle delay", loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
