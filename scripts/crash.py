"""`underwater crash`: a crash on real Aave contracts, every integer compared, and why debt is left."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from forks.aave_v3.job import Done, Order, Stopwatch, crash_on
from forks.aave_v3.parity import ParityBroken
from forks.aave_v3.sources import MAINNET_19471508, Where, open_venue
from forks.errors import ForkError
from oracles import OracleError
from stress.book_fields import BookError
from stress.scenario import ScenarioError

DEFAULT_OUT = Path("out/crash")
REFUSED = (ForkError, BookError, ScenarioError, OracleError, ParityBroken)


class Screen:
    """Notes and progress bars on standard error; tables on standard output."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)

    def note(self, text: str) -> None:
        self.console.print(text, style="dim")

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Any]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield _Bar(progress, task)


class _Bar:
    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress, self._task = progress, task

    def advance(self) -> None:
        self._progress.advance(self._task)


@click.command()
@click.option(
    "--fork-url", "fork_urls", help="RPC endpoint(s) to fork, comma-separated; default $ETH_RPC_URL."
)
@click.option("--block", type=click.IntRange(min=0), help="Block to pin the fork at; default its head.")
@click.option("--state", help=f"A recorded state: an anvil dump, or {MAINNET_19471508!r}.")
@click.option("--node", "node_url", help="An anvil that already runs on loopback; left as it was found.")
@click.option("--pool", help="Address of the Aave v3 pool, where it is not the known one.")
@click.option("--accounts", help="Real borrowers instead of a book: ADDRESS,... or a file of them.")
@click.option("--book", help="A shipped book, or a TOML file. Default: the one that fits the market.")
@click.option("--scenario", default="crash", show_default=True, help="A shipped scenario, or a TOML file.")
@click.option("--out", type=click.Path(path_type=Path), default=DEFAULT_OUT, show_default=True)
@click.option(
    "--anvil", type=click.Path(path_type=Path), help="The anvil to use; default $ANVIL or the pinned one."
)
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of our node; default a free one.")
def crash(
    fork_urls: str | None,
    block: int | None,
    state: str | None,
    node_url: str | None,
    pool: str | None,
    accounts: str | None,
    book: str | None,
    scenario: str,
    out: Path,
    anvil: Path | None,
    port: int | None,
) -> None:
    """Let a market crash on real Aave contracts and show who ends with residual debt, how much, and why."""
    if not (state or node_url):
        fork_urls = fork_urls or os.environ.get("ETH_RPC_URL") or os.environ.get("MAINNET_RPC_URL")
    if sum(map(bool, (fork_urls, state, node_url))) > 1:
        raise click.UsageError("--fork-url, --state and --node exclude each other")
    if block is not None and not fork_urls:
        raise click.UsageError("--block needs --fork-url (or ETH_RPC_URL)")
    where = Where(
        fork_urls=fork_urls, state=state, node_url=node_url, block=block, pool=pool, anvil=anvil, port=port
    )
    order = Order(
        book=book or ("weth-dai" if state == MAINNET_19471508 else "default"),
        scenario=scenario,
        accounts=_accounts(accounts),
        out=out,
    )
    sys.exit(run(where, order))


def run(where: Where, order: Order) -> int:
    """Do the job and print it; the exit code: 0, 1 where model and chain differ, 2 for what cannot be done."""
    screen, watch = Screen(), Stopwatch()
    try:
        with watch.phase("set-up"):
            venue_context = open_venue(where, screen.note)
            venue = venue_context.__enter__()
        try:
            done = crash_on(venue, order, screen, watch)
        finally:
            venue_context.__exit__(*sys.exc_info())
    except REFUSED as error:
        screen.console.print(f"underwater: {error}", style="bold red", soft_wrap=True)
        return error.exit_code
    show(done, order.out)
    return 0


def show(done: Done, out: Path) -> None:
    """The tables a person reads."""
    console = Console(highlight=False)
    console.print(_borrowers(done))
    console.print(_summary(done, out))


def _borrowers(done: Done) -> Table:
    table = Table(title="Who ends with residual debt, and why", title_justify="left", header_style="bold")
    for name, justify in (
        ("borrower", "left"),
        ("debt before [USD]", "right"),
        ("health before", "right"),
        ("calls", "right"),
        ("residual [USD]", "right"),
        ("cause", "left"),
        ("without it, gone", "left"),
        ("must remain at a drop of", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    accounts = done.results.accounts
    for row in (
        accounts[accounts["residual_usd"] > 0].sort_values("residual_usd", ascending=False).itertuples()
    ):
        drop = row.debt_must_remain_at_drop
        table.add_row(
            str(row.borrower)[:20],
            f"{row.debt_before_usd:,.2f}",
            f"{row.health_before:.4f}",
            str(row.n_liquidations),
            f"{row.residual_usd:,.2f}",
            str(row.cause),
            str(row.removed_by),
            "-" if drop is None or drop != drop else f"{drop:.1%}",
        )
    return table


def _summary(done: Done, out: Path) -> str:
    s = done.results.summary
    reverts = ", ".join(f"{count} x {name}" for name, count in s["reverts_compared"].items()) or "none"
    causes = ", ".join(f"{name} {count}" for name, count in s["causes"].items())
    lines = [
        f"{s['borrowers_with_residual_debt']} of {s['borrowers']} borrowers end with "
        f"{s['residual_debt_usd']:,.2f} USD of residual debt: {causes}.",
        f"{s['liquidations']} liquidations went through ({s['multi_debt_liquidations']} of accounts with several "
        f"debts); refused: {reverts}.",
        f"{s['values_compared']:,} integers compared with the chain, {s['values_changed']:,} of them changed by the "
        f"transaction, {s['values_differing']} differ. Aave v{s['revision']}, pool revision {s['pool_revision']}.",
        f"Seconds: {', '.join(f'{name} {value:.1f}' for name, value in s['seconds'].items())}.  Written: {out}/",
    ]
    return "\n".join(["", *(f"left out: {note}" for note in done.left_out), *lines])


def _accounts(given: str | None) -> tuple[str, ...]:
    if not given:
        return ()
    text = Path(given).read_text() if Path(given).is_file() else given
    accounts = tuple(part for part in text.replace(",", " ").split() if part)
    for account in accounts:
        if not (account.startswith("0x") and len(account) == 42):
            raise click.BadParameter(f"{account!r} is not an address", param_hint="--accounts")
    return accounts


if __name__ == "__main__":
    crash()
