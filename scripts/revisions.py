"""`underwater revisions`: one account and one liquidation of it under every revision, and where they part."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from forks.recordings import aave_v2, aave_v3
from forks.recordings.errors import RecordingMalformed
from forks.recordings.pool import Case
from forks.recordings.replay import family_of, record_of
from forks.recordings.vector_file import Recording, read_recording
from protocol.aave_v3 import rules_of
from scripts.cli import STDOUT, emit_json, json_option
from scripts.revisions_screen import as_json, show
from stress.account_file import read_account
from stress.across_revisions import Question, ask
from stress.pair_rules import V4
from stress.small_market import BORROWER, LIQUIDATOR, NOW, RuleSet, rule_sets

RECORDED: Mapping[str, Callable[[Any, RuleSet], Case]] = {
    "aave_v2": lambda record, _: aave_v2.case_of(record),
    "aave_v3": lambda record, rule_set: aave_v3.case_of(record, rules_of(rule_set.name)),
}
"""The protocols of which a recorded case can be asked, and how one is made: under their own rule sets only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """A question, the rule sets that can be asked, and why others cannot."""

    question: Question
    rule_sets: Mapping[str, RuleSet]
    otherwise: str = "no such revision is modelled"


@click.command()
@click.option(
    "--account",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An account as TOML (stress/accounts/example.toml), or a vector file with --case.",
)
@click.option(
    "--case",
    "case_name",
    metavar="NAME",
    help="The case to ask, where FILE is a vector file (docs/vector-format.md) of "
    f"{' or '.join(RECORDED)}; under revisions of that protocol.",
)
@click.option(
    "--revision",
    "revisions",
    multiple=True,
    metavar="NAME",
    help="Revision to ask, 2.0 to 3.7; may be given again. Default: all.",
)
@json_option
def revisions(path: Path, case_name: str | None, revisions: tuple[str, ...], json_path: str | None) -> None:
    """Show one account and one liquidation of it under several revisions of Aave, and what changes.

    Beside each revision stands what its rules were compared with, value by value.
    """
    asking = _of_file(path) if case_name is None else _of_case(path, case_name)
    asked = [ask(asking.question, rule_set) for rule_set in _chosen(asking, revisions)]
    if json_path is not None:
        emit_json(as_json(asked), json_path)
    if json_path != STDOUT:
        show(asked)


def _chosen(asking: Asking, revisions: Sequence[str]) -> list[RuleSet]:
    for name in revisions:
        if name not in asking.rule_sets:
            is_v4 = name == V4
            why = "the account of Aave v4 is another one: shares on a hub" if is_v4 else asking.otherwise
            raise click.UsageError(
                f"--revision {name!r} cannot be asked ({why}); use {', '.join(asking.rule_sets)}"
            )
    return [one for name, one in asking.rule_sets.items() if not revisions or name in revisions]


def _of_file(path: Path) -> Asking:
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

    question = Question(
        market=lambda rule_set: rule_set.market(file.account),
        user=BORROWER,
        call=call_for,
        prices_base=file.account.prices_base,
        timestamp=NOW,
        names={place: asset.symbol for place, asset in enumerate(file.account.assets)},
    )
    return Asking(question=question, rule_sets=rule_sets())


def _of_case(path: Path, name: str) -> Asking:
    """The account and the call of a recorded case, under its own and the other rules of its protocol."""
    recording = read_recording(path)
    make = RECORDED.get(recording.protocol)
    if make is None:
        raise RecordingMalformed(
            recording.file,
            f"must be {' or '.join(RECORDED)} for --case, is {recording.protocol}",
            field="protocol",
        )
    family = family_of(recording)
    record = record_of(_named(recording, name), family)
    known = {
        rule_set: one
        for rule_set, one in rule_sets().items()
        if one.package.__name__ == f"protocol.{recording.protocol}"
    }
    own = make(record, known[recording.revision])
    question = Question(
        market=lambda rule_set: make(record, rule_set).market,
        user=own.call.borrower,
        call=lambda rule_set: make(record, rule_set).call,
        prices_base=own.prices_base,
        timestamp=own.timestamp,
        names={reserve_id: reserve.symbol for reserve_id, reserve in own.market.reserves.items()},
    )
    why = f"the case was recorded under {recording.protocol}"
    return Asking(question=question, rule_sets=known, otherwise=why)


def _named(recording: Recording, name: str) -> Any:
    for case in recording.cases:
        if case.name == name:
            return case
    first, last = recording.cases[0].name, recording.cases[-1].name
    raise RecordingMalformed(recording.file, f"has no case {name!r}; its cases go from {first} to {last}")


if __name__ == "__main__":
    from scripts.cli import main

    main(["revisions", *sys.argv[1:]])
