"""`underwater crash`: a crash on a protocol's real contracts, every integer compared, and why debt is left."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import click

from forks.aave_v3.sources import MAINNET_19471508
from forks.crash.job import Order, crash_on, require_usable
from forks.crash.ledger import ParityBroken
from forks.crash.stopwatch import Stopwatch
from forks.crash.where import Where
from forks.errors import ForkError
from forks.protocols import PROTOCOLS
from oracles import OracleError
from protocol.errors import ModelError
from scripts.addresses import addresses, one_address
from scripts.crash_screen import Screen, show
from stress.book_fields import BookError
from stress.scenario import ScenarioError

DEFAULT_OUT = Path("out/crash")
REFUSED = (ForkError, BookError, ScenarioError, OracleError, ModelError, ParityBroken)
"""Every class of error that the packages define: a cause in one line, never a traceback."""


class _NoEmptyValues(click.Command):
    """Refuses an option without a value, such as an unset variable leaves: it would be another job."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for before, arg in pairwise(["", *args]):
            if arg == "" or (arg.startswith("--") and arg.endswith("=")):
                raise click.UsageError(f"{before if arg == '' else arg[:-1]} has an empty value", ctx)
        return super().parse_args(ctx, args)


@click.command(cls=_NoEmptyValues)
@click.option(
    "--protocol",
    type=click.Choice(list(PROTOCOLS)),
    default="aave_v3",
    show_default=True,
    help="Whose contracts; all but compound_v3, which no registry has, are deployed here unless a market is named.",
)
@click.option(
    "--fork-url",
    "fork_urls",
    help="RPC endpoint(s) to fork, comma-separated; with --block, --accounts or --pool default $ETH_RPC_URL.",
)
@click.option("--block", type=click.IntRange(min=0), help="Block to pin the fork at; default its head.")
@click.option("--state", help=f"A recorded state: an anvil dump, or {MAINNET_19471508!r}.")
@click.option(
    "--node",
    "node_url",
    help="An anvil that already runs on loopback; left as found, but for a block timestamp interval.",
)
@click.option("--pool", help="Address of the Aave v3 pool, or of the Comet, where it is not the known one.")
@click.option(
    "--accounts",
    help="Real borrowers instead of a book: ADDRESS,... or a file of them.",
)
@click.option("--book", help="A shipped book, or a TOML file. Default: the one that fits the market.")
@click.option("--scenario", default="crash", show_default=True, help="A shipped scenario, or a TOML file.")
@click.option("--out", type=click.Path(path_type=Path), default=DEFAULT_OUT, show_default=True)
@click.option(
    "--anvil", type=click.Path(path_type=Path), help="The anvil to use; default $ANVIL or the pinned one."
)
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of our node; default a free one.")
def crash(
    protocol: str,
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
    """Let a market crash on real contracts and show who ends with residual debt, how much, and why."""
    pool, borrowers = one_address("--pool", pool), addresses("--accounts", accounts)
    if not (state or node_url) and (block is not None or accounts or pool):
        # Without one of these the market is deployed here, whatever the environment holds.
        fork_urls = fork_urls or os.environ.get("ETH_RPC_URL") or os.environ.get("MAINNET_RPC_URL")
    _require_possible(protocol, fork_urls, state, node_url, accounts)
    if sum(map(bool, (fork_urls, state, node_url))) > 1:
        raise click.UsageError("--fork-url, --state and --node exclude each other")
    if block is not None and not fork_urls:
        raise click.UsageError("--block needs --fork-url (or ETH_RPC_URL)")
    if pool and not (fork_urls or state or node_url):
        raise click.UsageError("--pool needs --fork-url, --state or --node")
    if pool and state == MAINNET_19471508:
        raise click.UsageError(f"--pool cannot be chosen with --state {MAINNET_19471508}: it has one pool")
    if node_url and (anvil or port):
        raise click.UsageError("--anvil and --port are for a node of our own: leave them out with --node")
    if accounts and book:
        raise click.UsageError("--accounts and --book exclude each other")
    where = Where(
        fork_urls=fork_urls, state=state, node_url=node_url, block=block, pool=pool, anvil=anvil, port=port
    )
    sys.exit(run(protocol, where, Order(book=book, scenario=scenario, accounts=borrowers, out=out)))


def _require_possible(
    protocol: str, fork_urls: str | None, state: str | None, node_url: str | None, accounts: str | None
) -> None:
    """Refuse a market that this protocol cannot be had on."""
    known = PROTOCOLS[protocol]
    if not known.can_fork and (fork_urls or state):
        raise click.UsageError(f"{protocol} is deployed here: leave --fork-url, --state, --block, --pool out")
    if not known.can_deploy and not (fork_urls or state or node_url):
        raise click.UsageError(
            f"{protocol} has contracts in no registry: name a market with --fork-url or --state"
        )
    if not known.can_deploy and not accounts:
        raise click.UsageError(f"{protocol} is taken with its own borrowers: name them with --accounts")
    for name, other in PROTOCOLS.items():
        if state in other.named_states and other is not known:
            raise click.UsageError(f"--state {state} is a market of {name}")


def run(protocol: str, where: Where, order: Order) -> int:
    """Do the job and print it; the exit code: 0, 1 where a check failed, 2 for what cannot be done."""
    screen, watch = Screen(), Stopwatch()
    try:
        require_usable(order)
        with ExitStack() as life:
            with watch.phase("set-up"), screen.compiling() as progress:
                venue = life.enter_context(PROTOCOLS[protocol].open(where, progress))
            done = crash_on(venue, order, screen, watch)
    except REFUSED as error:
        screen.error(error)
        return getattr(error, "exit_code", 2)
    show(done, order.out, watch)
    return 0 if done.results.summary["frontier_agrees"] else 1


if __name__ == "__main__":
    from scripts.cli import main

    main(["crash", *sys.argv[1:]])
