"""The picture of it: the oracle's price through the morning, and the account's liquidity against that price."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from protocol.units import WAD
from stress.figures import GRID, INK, LOSS, MARKET, ORACLE
from stress.incidents.compound_dai_2020.record import BORROWER
from stress.incidents.compound_dai_2020.study import Study

MORNING = (11333010, 11333075)
"""Blocks shown: a quarter of an hour around the liquidation."""


def draw(folder: Path, *, done: Study) -> tuple[Path, ...]:
    """One figure: left the oracle's price by block, right the account's liquidity at every price."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), sharey=True, width_ratios=(5, 6))
    _path_panel(left, done)
    _line_panel(right, done)
    for axes in (left, right):
        axes.axhline(float(done.critical.low / WAD), color=LOSS, lw=0.9)
        axes.grid(axis="y", color=GRID, lw=0.5)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_title("One account and the price of DAI on Compound v2, 26 November 2020", loc="left", color=INK)
    path = folder / "compound_dai_2020.png"
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return (path,)


def _path_panel(axes: Axes, done: Study) -> None:
    """The oracle's price, and every other borrower's critical price at its first liquidation."""
    seen = [one for one in done.record.oracle if MORNING[0] <= one.block_number <= MORNING[1]]
    blocks = [one.block_number for one in seen] + [MORNING[1]]
    prices = [one.price_mantissa / WAD for one in seen]
    axes.step(blocks, [*prices, prices[-1]], where="post", color=ORACLE, lw=1.4, label="oracle")
    others = [
        one
        for one in done.record.borrowers
        if one.address != BORROWER and one.reproduced and MORNING[0] <= one.block_number <= MORNING[1]
    ]
    axes.scatter(
        [one.block_number for one in others],
        [one.critical_price_mantissa / WAD for one in others],
        s=18,
        facecolors="none",
        edgecolors=MARKET,
        label="critical price of others, when first called",
    )
    block, price = done.became_liquidatable, done.record.price_mantissa / WAD
    if block is not None:
        axes.scatter([block], [price], s=34, color=LOSS, zorder=3, label=f"liquidated, block {block}")
    axes.set_xlim(*MORNING)
    axes.set_xlabel("block")
    axes.set_ylabel("DAI [USD]")
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)
    axes.xaxis.set_major_locator(plt.MultipleLocator(20))
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def _line_panel(axes: Axes, done: Study) -> None:
    """Price up, liquidity across: both panels share the price."""
    quotes = sorted(done.record.quotes)
    prices = [one.price_mantissa / WAD for one in quotes]
    axes.plot(
        [one.liquidity_usd_mantissa / WAD / 1e6 for one in quotes],
        prices,
        color=ORACLE,
        lw=1.2,
        marker="o",
        ms=5,
        label="quoted by the Comptroller",
    )
    middle = [at.update.price_mantissa / WAD for at in done.path]
    low, high = (
        [getattr(at, f"{end}_published_usd_mantissa") / WAD / 1e6 for at in done.path]
        for end in ("lowest", "highest")
    )
    axes.hlines(middle, low, high, color=MARKET, lw=9, label="position as published, 4 digits", zorder=1)
    axes.axvline(0, color=INK, lw=0.8)
    axes.annotate(
        f"critical price {float(done.critical.low / WAD):.8f}",
        (0, float(done.critical.low / WAD)),
        xytext=(8, 6),
        textcoords="offset points",
        color=LOSS,
        fontsize=8,
    )
    axes.set_xlabel("liquidity of the account [million USD]; liquidatable left of 0")
    axes.legend(loc="lower left", frameon=False, fontsize=8)
