"""What several revisions say of one account, for a person and for a machine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from protocol.aave_v3.revision_words import COLUMN_WORDS
from protocol.aave_v3.revisions import Witness
from protocol.units import MAX_UINT256
from scripts.cli import console
from scripts.table import Column, Row, print_table
from stress.across_revisions import Asked, by_value, changed_rules, in_words, named
from stress.frontier import runs
from stress.pair_rules import V4, V4_WITNESS

HEALTH_FACTOR = "health_factor_wad"


def as_json(asked: Sequence[Asked]) -> dict[str, Any]:
    """Every value under every revision, the values that differ, and the rules that do."""
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
                    name: {"says": COLUMN_WORDS[name], "from": named(before), "to": named(after)}
                    for name, (before, after) in changed_rules(earlier.rule_set, later.rule_set).items()
                },
            }
            for earlier, later in pairwise(asked)
        ],
    }


def show(asked: Sequence[Asked]) -> None:
    """The values, what stands behind each revision, and what its rules changed, as tables."""
    screen = console()
    _show_values(screen, asked)
    screen.print()
    _show_witnesses(screen, asked)
    screen.print()
    _show_changes(screen, asked)
    screen.print(f"Not asked: {V4}, whose account is another one, shares on a hub; its rules: {V4_WITNESS}.")


def _show_values(screen: Console, asked: Sequence[Asked]) -> None:
    """One row a value; what is not the same everywhere is red, each of its answers a row of its own."""
    rows = [
        Row(
            cells=("" if place else name, _shown(name, value), _ranges(where, asked)),
            style="" if len(values) == 1 else "bold red",
        )
        for name, values in by_value(asked).items()
        for place, (value, where) in enumerate(values.items())
    ]
    print_table(
        screen,
        (Column(name="value"), Column(name="is", right=True), Column(name="under", folds_to=12)),
        rows,
    )
    if unread := [one.rule_set.name for one in asked if one.rule_set.witness == Witness.NONE.value]:
        screen.print(f"* with {', '.join(unread)}: {Witness.NONE.value}")


def _shown(name: str, value: int | str) -> str:
    if name.endswith(HEALTH_FACTOR) and value == MAX_UINT256:
        return "no debt"
    return f"{value:,}" if isinstance(value, int) else value


def _ranges(where: Sequence[str], asked: Sequence[Asked]) -> str:
    """Revisions as a person says them: `all`, or `3.2 to 3.4, 3.7`; a star where one was never executed."""
    names = [one.rule_set.name for one in asked]
    unwitnessed = {one.rule_set.name for one in asked if one.rule_set.witness == Witness.NONE.value}
    found = [names] if list(where) == names else runs(where, names)
    return ", ".join(_run(run, names) + ("*" if unwitnessed.intersection(run) else "") for run in found)


def _run(run: Sequence[str], names: Sequence[str]) -> str:
    if list(run) == list(names):
        return "all"
    return run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}"


def _show_witnesses(screen: Console, asked: Sequence[Asked]) -> None:
    rows = [Row(cells=(one.rule_set.name, one.rule_set.witness)) for one in asked]
    print_table(screen, (Column(name="revision"), Column(name="compared with", folds_to=12)), rows)


def _show_changes(screen: Console, asked: Sequence[Asked]) -> None:
    """The rules that are not what they were under the revision asked before, in words: they are prose, no table."""
    for earlier, later in pairwise(asked):
        lines = _changes(earlier, later)
        names = f"Rules of {later.rule_set.name} that are not those of {earlier.rule_set.name}"
        screen.print(Text(f"{names}:" if lines else f"{names}: none.", style="bold"))
        hanging = Table.grid(padding=(0, 1))
        for line in lines:
            hanging.add_row("-", Text(line))
        screen.print(hanging)
        screen.print()


def _changes(earlier: Asked, later: Asked) -> list[str]:
    """A rule set without a table of revisions is another one altogether."""
    if not earlier.rule_set.columns:
        return [f"all: {earlier.rule_set.name} is Aave v2"]
    return [
        f"{COLUMN_WORDS[name]}: {in_words(before)} → {in_words(after)}"
        for name, (before, after) in changed_rules(earlier.rule_set, later.rule_set).items()
    ]
