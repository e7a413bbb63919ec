"""`underwater revisions`: one account and one liquidation of it under every revision, and where they part."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from forks.recordings import aave_v3
from forks.recordings.errors import RecordingMalformed
from forks.recordings.families import FAMILIES
from forks.recordings.replay import record_of
from forks.recordings.vector_file import read_recording
from protocol.aave_v3 import rules_of
from protocol.errors import ModelError
from stress.account_file import AccountFileError, read_account
from stress.across_revisions import Asked, Question, ask, by_value, changed_rules
from stress.pair_rules import V4, V4_WITNESS
from stress.small_market import BORROWER, LIQUIDATOR, NOW, RuleSet, rule_sets

WIDTH_OF_A_FILE = 118
"""Columns of the tables where standard output is no terminal."""
V3 = "aave_v3"


@click.command()
@click.option(
    "--account",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An account as TOML (stress/accounts/example.toml), or a vector file with --case.",
)
@click.option("--case", "case_name", help="Name of the case, where FILE is a vector file of Aave v3.")
@click.option(
    "--revision",
    "revisions",
    multiple=True,
    help="Revision to ask, 2.0 to 3.7; may be given again. Default: all.",
)
@click.option("--json", "as_json", metavar="-", type=click.Choice(["-"]), help="Print the result as JSON.")
def revisions(path: Path, case_name: str | None, revisions: tuple[str, ...], as_json: str | None) -> None:
    """Show one account and one liquidation of it under several revisions of Aave, and what changes.

    Beside each revision stands what its rules were compared with, value by value.
    """
    try:
        question = _from_file(path) if case_name is None else _from_case(path, case_name)
        asked = [ask(question, rule_set) for rule_set in _chosen(revisions, with_v2=case_name is None)]
    except (AccountFileError, RecordingMalformed, ModelError) as error:
        click.echo(f"underwater: {error}", err=True)
        sys.exit(error.exit_code)
    if as_json:
        click.echo(json.dumps(_as_json(asked), indent=2))
    else:
        _show(asked)


def _chosen(revisions: Sequence[str], *, with_v2: bool) -> list[RuleSet]:
    known = {name: one for name, one in rule_sets().items() if with_v2 or one.columns}
    for name in revisions:
        if name not in known:
            why = (
                "the account of Aave v4 is another one: shares on a hub"
                if name.startswith("4")
                else "not modelled here"
            )
            raise click.UsageError(f"--revision {name!r} cannot be asked ({why}); use {', '.join(known)}")
    return [one for name, one in known.items() if not revisions or name in revisions]


def _from_file(path: Path) -> Question:
    """The account of a TOML file, and the liquidation it names."""
    file = read_account(path)
    call = file.call

    def call_for(rule_set: RuleSet) -> Any:
        return rule_set.package.LiquidationCall(
            collateral_id=call.collateral_id,
            debt_id=call.debt_id,
            borrower=BORROWER,
            liquidator=LIQUIDATOR,
            debt_to_cover=call.debt_to_cover,
            receive_atoken=call.receive_atoken,
        )

    return Question(
        market=lambda rule_set: rule_set.market(file.account),
        user=BORROWER,
        call=call_for,
        prices_base=file.account.prices_base,
        timestamp=NOW,
        names={place: asset.symbol for place, asset in enumerate(file.account.assets)},
    )


def _from_case(path: Path, name: str) -> Question:
    """The account and the call of a recorded case, under other rules than its own."""
    recording = read_recording(path)
    if recording.protocol != V3:
        raise RecordingMalformed(
            recording.file, f"must be {V3} for --case, is {recording.protocol}", field="protocol"
        )
    found = [case for case in recording.cases if case.name == name]
    if not found:
        first, last = recording.cases[0].name, recording.cases[-1].name
        raise RecordingMalformed(recording.file, f"has no case {name!r}; its cases go from {first} to {last}")
    record = record_of(found[0], FAMILIES[V3])

    def case_for(rule_set: RuleSet) -> Any:
        return aave_v3.case_of(record, rules_of(rule_set.name))

    own = aave_v3.case_of(record, rules_of(recording.revision))
    return Question(
        market=lambda rule_set: case_for(rule_set).market,
        user=own.call.borrower,
        call=lambda rule_set: case_for(rule_set).call,
        prices_base=own.prices_base,
        timestamp=own.timestamp,
        names={reserve_id: reserve.symbol for reserve_id, reserve in own.market.reserves.items()},
    )


# --- output -------------------------------------------------------------------------------------------------


def _as_json(asked: Sequence[Asked]) -> dict[str, Any]:
    return {
        "revisions": [
            {"revision": one.rule_set.name, "witness": one.rule_set.witness, **one.facts} for one in asked
        ],
        "not_asked": [{"revision": V4, "witness": V4_WITNESS}],
        "differing": [name for name, values in by_value(asked).items() if len(values) > 1],
        "rules_changed": [
            {
                "from": earlier.rule_set.name,
                "to": later.rule_set.name,
                "rules": {
                    name: {"from": before, "to": after}
                    for name, (before, after) in changed_rules(earlier.rule_set, later.rule_set).items()
                },
            }
            for earlier, later in pairwise(asked)
        ],
    }


def _show(asked: Sequence[Asked]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH_OF_A_FILE)
    console.print(_values_table(asked))
    console.print(_witness_table(asked))
    console.print(f"Not asked: {V4}, whose account is another one, shares on a hub; its rules: {V4_WITNESS}.")


def _values_table(asked: Sequence[Asked]) -> Table:
    """One row a value; what is not the same everywhere is red, each of its answers a row of its own."""
    table = Table(box=None, header_style="dim")
    table.add_column("value")
    table.add_column("is", justify="right")
    table.add_column("under", overflow="fold")
    names = [one.rule_set.name for one in asked]
    for name, values in by_value(asked).items():
        for place, (value, where) in enumerate(values.items()):
            shown = f"{value:,}" if isinstance(value, int) else value
            style = "" if len(values) == 1 else "bold red"
            table.add_row(name if place == 0 else "", shown, _ranges(where, names), style=style)
    return table


def _ranges(some: Sequence[str], names: Sequence[str]) -> str:
    """Revisions as a person says them: `all`, or runs such as `3.2 to 3.4, 3.7`."""
    if list(some) == list(names):
        return "all"
    runs: list[list[str]] = []
    for name in some:
        if runs and names.index(name) == names.index(runs[-1][-1]) + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def _witness_table(asked: Sequence[Asked]) -> Table:
    table = Table(box=None, header_style="dim")
    table.add_column("revision")
    table.add_column("compared with", no_wrap=True)
    table.add_column("rules changed since the one above", overflow="fold")
    for place, one in enumerate(asked):
        table.add_row(
            one.rule_set.name, one.rule_set.witness, _changes(asked[place - 1], one) if place else ""
        )
    return table


def _changes(earlier: Asked, later: Asked) -> str:
    """The columns that differ, in words; a rule set without a table of revisions is another one altogether."""
    if not earlier.rule_set.columns:
        return "another rule set"
    return ", ".join(name.replace("_", " ") for name in changed_rules(earlier.rule_set, later.rule_set))


if __name__ == "__main__":
    from scripts.cli import main

    main(["revisions", *sys.argv[1:]])
