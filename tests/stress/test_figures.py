"""The pictures: written as PNG, with something in every panel, also where a crash was quiet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from stress import figures
from stress.attribution import explain
from stress.closed_form import closed_form
from stress.engine import Crash, Engine, Run
from stress.residual import residual
from stress.tables import accounts_table, events_table, prices_table
from tests.stress.markets import address, pledge, small_crash, small_scenario


@pytest.fixture(scope="module")
def crash() -> Crash:
    scenario = small_scenario([(0, 1.0), (20, 0.85), (21, 0.5)], n_steps=40)
    pledges = {
        "ann": pledge({"WETH": 100_000}, {"USDC": 80_000}),
        "ben": pledge({"WETH": 20_000}, {"DAI": 12_000}),
        "carl": pledge({"DAI": 20_000}, {"USDC": 100}),
    }
    return small_crash(scenario, pledges)


@pytest.fixture(scope="module")
def run(crash: Crash) -> Run:
    return Engine(crash=crash).run()


@pytest.fixture(scope="module")
def accounts(crash: Crash, run: Run) -> pd.DataFrame:
    left = {user: residual(crash, run, user) for user in crash.borrowers}
    said = {user: explain(crash, run, user) for user in left if left[user].total_base}
    forms = {user: closed_form(crash, run, user) for user in crash.borrowers}
    return accounts_table(crash, run, {address(n): n for n in ("ann", "ben", "carl")}, left, said, forms)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    """The figures that were written, kept open to be looked into."""
    kept: list[Figure] = []
    monkeypatch.setattr(figures.plt, "close", kept.append)
    yield kept
    monkeypatch.undo()
    plt.close("all")


def labels_of(axes: Any) -> list[str]:
    return axes.get_legend_handles_labels()[1]


def assert_readable(figure: Figure, path: Path) -> None:
    """A PNG with something in every panel, no text cut off at an edge, and no legend over a title."""
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    whole, renderer = figure.bbox, figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for axes in figure.axes:
        title: Any = axes._left_title  # type: ignore[attr-defined]
        assert axes.has_data()
        for text in (title, axes.xaxis.label, axes.yaxis.label):
            box = text.get_window_extent(renderer)
            assert not text.get_text() or (whole.contains(box.x0, box.y0) and whole.contains(box.x1, box.y1))
        legend = axes.get_legend()
        if legend is not None and title.get_text():
            assert not legend.get_window_extent(renderer).overlaps(title.get_window_extent(renderer))


def test_market_against_oracle_shows_both_lines_and_every_liquidation(
    crash: Crash, run: Run, drawn: list[Figure], tmp_path: Path
):
    events = events_table(crash, run)
    figures.market_against_oracle(prices_table(crash), events, tmp_path / "a.png")
    (figure,) = drawn

    assert_readable(figure, tmp_path / "a.png")
    assert [axes.get_ylabel() for axes in figure.axes] == ["WETH [USD]"]
    assert labels_of(figure.axes[0])[:2] == ["market", "oracle"]
    dots = sum(np.shape(collection.get_offsets())[0] for collection in figure.axes[0].collections)
    assert dots == (events["outcome"] == "liquidated").sum() > 0


def test_market_against_oracle_is_drawn_where_nobody_was_liquidated(
    crash: Crash, drawn: list[Figure], tmp_path: Path
):
    quiet = events_table(crash, Run(market=crash.market, attempts=(), end=crash.observed_at(0)))
    figures.market_against_oracle(prices_table(crash), quiet, tmp_path / "a.png")

    assert_readable(drawn[0], tmp_path / "a.png")


def test_borrowers_are_shown_before_and_after_with_what_is_left_in_red(
    accounts: pd.DataFrame, drawn: list[Figure], tmp_path: Path
):
    figures.borrowers_before_and_after(accounts, tmp_path / "b.png")
    (figure,) = drawn
    left, right = figure.axes

    assert_readable(figure, tmp_path / "b.png")
    assert sorted(label.get_text() for label in left.get_yticklabels()) == ["ann", "ben", "carl"]
    assert "residual debt" in labels_of(right)
    assert right.get_xscale() == "log"


def test_residual_debt_against_delay_has_a_point_for_every_delay(drawn: list[Figure], tmp_path: Path):
    figures.residual_against_delay((0, 60, 600), (1e5, 2e5, 3e6), tmp_path / "c.png")
    (figure,) = drawn

    assert_readable(figure, tmp_path / "c.png")
    (line,) = figure.axes[0].lines
    assert np.asarray(line.get_xdata()).tolist() == [0, 1, 10]
    assert np.asarray(line.get_ydata()).tolist() == [0.1, 0.2, 3.0]


def test_no_figure_stays_open(accounts: pd.DataFrame, tmp_path: Path):
    figures.borrowers_before_and_after(accounts, tmp_path / "b.png")
    figures.residual_against_delay((0,), (0.0,), tmp_path / "c.png")

    assert plt.get_fignums() == []
