"""What `underwater frontier --protocol all` says: the protocols side by side, and who pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from scripts.cli import console
from scripts.frontier_screen import Asked, as_json, broken, not_taken, number, share, verdict
from scripts.table import Column, Row, print_table
from stress.side_by_side import Bar

SIDE_BY_SIDE = (
    Column(name="rules", folds_to=24),
    *(
        Column(name=name, right=True)
        for name in ("threshold", "seized per value repaid", "drop until debt remains")
    ),
    Column(name="and until", folds_to=24),
    Column(name="who pays", folds_to=40),
)
SIDE_BY_SIDE_TITLE = "Drop of the price, from the one at which an account becomes liquidatable"

# --- for a machine ------------------------------------------------------------------------------------------


def all_as_json(asked: Sequence[Asked], bars: Sequence[Bar]) -> Mapping[str, Any]:
    """Each protocol's own result by its name, and the picture as numbers."""
    return {
        "protocol": "all",
        "agrees": all_agree(asked, bars),
        "side_by_side": [_bar(bar) for bar in bars],
        "protocols": {one.protocol.name: {**as_json(one), "source": one.protocol.source} for one in asked},
    }


def all_agree(asked: Sequence[Asked], bars: Sequence[Bar]) -> bool:
    """Closed form and integers, of every protocol and of what is drawn."""
    return all(one.agrees for one in asked) and all(bar.budget.agrees for bar in bars)


def _bar(bar: Bar) -> Mapping[str, Any]:
    budget = bar.budget
    return {
        "protocol": budget.rules.protocol,
        "rules": bar.label,
        "pays": budget.rules.pays,
        "pays_from": budget.rules.pays_from or "debt_remains",
        "threshold": float(budget.terms.liquidation_threshold),
        "seized_per_value_repaid": float(budget.rules.bonus(budget.terms)),
        "drop_until_debt_remains": number(budget.until_debt),
        "drop_until": {name: number(drop) for name, drop in budget.until.items()},
        "agrees": budget.agrees,
    }


# --- for a person -------------------------------------------------------------------------------------------


def show_all(asked: Sequence[Asked], bars: Sequence[Bar]) -> None:
    """Print all protocols side by side, and what the words mean."""
    screen = console()
    print_table(screen, SIDE_BY_SIDE, [_bar_row(bar) for bar in bars], title=SIDE_BY_SIDE_TITLE)
    click.echo()
    for one in asked:
        for sentence in (f"{one.done[0].rules.protocol}: {one.protocol.source}.", *not_taken(one)):
            screen.print(sentence, soft_wrap=True)
    for one in asked:
        if one.protocol.note:
            screen.print(f"{one.done[0].rules.protocol}: {one.protocol.note}", soft_wrap=True)
    wrong = [f"{one.done[0].rules.protocol} ({broken(one)})" for one in asked if not one.agrees]
    wrong += [f"{bar.label}, side by side" for bar in bars if not bar.budget.agrees]
    screen.print(verdict(", ".join(wrong)), soft_wrap=True)


def _bar_row(bar: Bar) -> Row:
    budget = bar.budget
    further = ", ".join(f"{name.replace('_', ' ')} {share(drop)}" for name, drop in budget.until.items())
    return Row(
        cells=(
            bar.label,
            share(budget.terms.liquidation_threshold),
            f"{float(budget.rules.bonus(budget.terms)):.4f}",
            share(budget.until_debt),
            further,
            budget.rules.pays,
        ),
        style="" if budget.agrees else "bold red",
    )
