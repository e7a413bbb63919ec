"""What a person sees of a crash: progress while it runs, and the tables and the summary at the end."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.status import Status

from forks.crash.job import Done
from forks.crash.stopwatch import Stopwatch
from scripts.cli import console
from scripts.table import Column, Row, print_table
from stress.book_table import differences

SHOWN_NAME, LEAST_CAUSE = 16, 12
"""Columns that a name, and a cause, may be folded to."""


class Screen:
    """Progress on standard error; it leaves nothing behind but errors."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Bar]:
        """A bar that goes away when it is full."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True, refresh_per_second=4) as progress:
            yield Bar(progress, progress.add_task(what, total=total))

    def busy(self, what: str) -> Status:
        """A sign of life that goes away."""
        return self.console.status(what)

    @contextmanager
    def compiling(self) -> Iterator[Callable[[float], None]]:
        """Seconds of the compiler, which runs once; nothing where its result is cached."""
        with self.console.status("setting the market up") as status:
            yield lambda seconds: status.update(
                f"compiling the contracts, once: {seconds:.0f} s (about a minute)"
            )

    def error(self, error: Exception) -> None:
        """One clear line."""
        self.console.print(f"underwater: {error}", style="bold red", soft_wrap=True, markup=False)


class Bar:
    """One progress bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self) -> None:
        """One more is done."""
        self._progress.advance(self._task)


def show(done: Done, out: Path, watch: Stopwatch) -> None:
    """The tables a person reads."""
    screen = console()
    names = dict(zip(done.results.accounts["user"], done.results.accounts["borrower"], strict=True))
    if done.results.events["n_deficits"].any():
        _show_last_calls(screen, done.results.events, names)
    _show_borrowers(screen, done.results.accounts)
    _show_losses(screen, done.results.losses)
    screen.print(_summary(done, out, watch), soft_wrap=True, markup=False)


def _show_last_calls(screen: Console, events: pd.DataFrame, names: dict[str, str]) -> None:
    """Every call that wrote debt off: what the model said before it was sent, and what the chain then did."""
    columns = (
        Column(name="borrower", folds_to=SHOWN_NAME),
        Column(name="minute", right=True),
        Column(name="debt"),
        Column(name="written off: model", right=True),
        Column(name="chain", right=True),
    )
    rows = [
        Row(
            cells=(
                _short(names[row["user"]]),
                f"{row['seconds'] / 60:.1f}",
                symbol,
                amount,
                row["chain_deficits"].get(symbol, "none"),
            )
        )
        for row in events[events["n_deficits"] > 0].to_dict("records")
        for symbol, amount in row["deficits"].items()
    ]
    title = "Calls that left debt: what the model said before, what the chain did"
    print_table(screen, columns, rows, title=title)


def _show_borrowers(screen: Console, accounts: pd.DataFrame) -> None:
    columns = (
        Column(name="borrower", folds_to=SHOWN_NAME),
        Column(name="debt [USD]", right=True),
        Column(name="health", right=True),
        Column(name="residual [USD]", right=True),
        Column(name="closed form", right=True),
        Column(name="cause", folds_to=LEAST_CAUSE),
        Column(name="gone without", folds_to=LEAST_CAUSE),
        Column(name="must remain at", right=True),
    )
    losers = accounts[accounts["residual_usd"] > 0].sort_values("residual_usd", ascending=False)
    rows = [Row(cells=_loser(row)) for row in losers.to_dict("records")]
    print_table(screen, columns, rows, title="Who ends with residual debt, and why")


def _show_losses(screen: Console, losses: pd.DataFrame) -> None:
    columns = (
        Column(name="debt"),
        Column(name="part"),
        Column(name="loss [USD]", right=True),
        Column(name="of suppliers' claims", right=True),
        Column(name="borne by", folds_to=LEAST_CAUSE),
    )
    rows = [
        Row(
            cells=(
                str(row["debt"]),
                str(row["part"]),
                f"{row['loss_usd']:,.2f}",
                f"{row['loss_of_claims']:.4%}",
                str(row["borne_by"]),
            )
        )
        for row in losses.to_dict("records")
    ]
    print_table(screen, columns, rows, title="Who carries it")


def _loser(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    drop = row["debt_must_remain_at_drop"]
    return (
        _short(row["borrower"]),
        f"{row['debt_before_usd']:,.0f}",
        f"{row['health_before']:.3f}",
        f"{row['residual_usd']:,.2f}",
        f"{row['frontier_residual_usd']:,.2f}",
        row["cause"],
        (" + " if row["cause"] == "several" else " | ").join(row["removed_by"].split(", ")),
        "-" if drop is None or isnan(drop) else f"-{drop:.1%}",
    )


def _summary(done: Done, out: Path, watch: Stopwatch) -> str:
    s, book = done.results.summary, done.results.book
    refused = ", ".join(f"{count} {name}" for name, count in s["reverts_compared"].items()) or "none"
    causes = ", ".join(f"{name} {count}" for name, count in s["causes"].items())
    lines = [
        *(f"note: {note}" for note in done.notes),
        *([] if book is None else [differences(book)]),
        f"{s['borrowers_with_residual_debt']} of {s['borrowers']} borrowers end with "
        f"${s['residual_debt_usd']:,.2f} of residual debt: {causes}.",
        f"{s['liquidations']} liquidations went through, {s['multi_debt_liquidations']} of them of accounts with "
        f"several debts; refused: {refused}.",
        f"{s['values_compared']:,} integers compared with {s['market']} on the chain, "
        f"{s['values_changed']:,} changed by the transaction, {s['values_differing']} differ.",
        f"The closed form {'agrees' if s['frontier_agrees'] else 'DISAGREES'} at every call; its column is the debt "
        "that had to remain before the last. "
        f"Seconds: {', '.join(f'{name} {value:.1f}' for name, value in watch.seconds.items())}. Written: {out}/",
    ]
    return "\n".join(lines)


def _short(name: str) -> str:
    return f"{name[:8]}..{name[-4:]}" if name.startswith("0x") else name
