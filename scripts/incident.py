"""`underwater incident`: a real loss replayed from its record through the exact rules."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from protocol.errors import ModelError
from stress.incidents import INCIDENTS, UnknownIncident, replay_incident
from stress.incidents.report import Report, Sheet

WIDTH_OF_A_FILE = 118
"""Columns of the tables where standard output is no terminal."""
STDOUT = "-"


@click.command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="Say which incidents there are.")
@click.option("--json", "json_path", metavar="PATH", help="Write the numbers as JSON; - for standard output.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: out/NAME.")
def incident(name: str | None, *, listed: bool, json_path: str | None, out: Path | None) -> None:
    """Replay a real loss call by call, check it against the record, and draw it.

    Exit code 0: every check holds; 1: one fails; 2: no such incident.
    """
    if listed:
        click.echo("\n".join(f"{known}  {what}" for known, what in INCIDENTS.items()))
        return
    if name is None:
        raise click.UsageError(f"name an incident: {', '.join(INCIDENTS)}")
    try:
        report = replay_incident(name)
    except (UnknownIncident, ModelError) as error:
        click.echo(f"underwater: {error}", err=True)
        sys.exit(getattr(error, "exit_code", 2))
    sys.exit(show(report, out or Path("out") / name, json_path))


def show(report: Report, out: Path, json_path: str | None) -> int:
    """Draw and print it; with the JSON on standard output nothing else goes there. The exit code."""
    if json_path is not None:
        _write(report.numbers, json_path)
    if json_path != STDOUT:
        _print(report, _draw(report, out))
    for check in report.checks:
        if not check.holds:
            click.echo(f"underwater: it does not hold that {check.says}", err=True)
    return 0 if report.holds else 1


def _write(numbers: Any, path: str) -> None:
    text = json.dumps(numbers, indent=2)
    if path == STDOUT:
        click.echo(text)
        return
    try:
        Path(path).write_text(text + "\n", "utf-8")
    except OSError as error:
        raise click.UsageError(f"--json {path!r} cannot be written ({error.strerror})") from None


def _draw(report: Report, out: Path) -> tuple[Path, ...]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        return report.draw(out)
    except OSError as error:
        raise click.UsageError(f"--out {str(out)!r} cannot be written ({error.strerror})") from None


def _print(report: Report, figures: tuple[Path, ...]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH_OF_A_FILE)
    console.print(report.title, style="bold")
    for paragraph in report.story:
        console.print(f"\n{paragraph}", markup=False)
    for sheet in report.sheets:
        console.print()
        console.print(_table(sheet))
    console.print()
    for finding in report.findings:
        console.print(f"- {finding}", markup=False)
    for check in report.checks:
        console.print(
            f"[{'green' if check.holds else 'bold red'}]{'holds' if check.holds else 'FAILS'}[/] {check.says}"
        )
    console.print(f"Drawn: {', '.join(map(str, figures))}", soft_wrap=True, markup=False)


def _table(sheet: Sheet) -> Table:
    table = Table(title=sheet.title, title_justify="left", title_style="bold", box=None, header_style="dim")
    for column in sheet.columns:
        table.add_column(escape(column.name), justify=column.justify, no_wrap=True)
    for number, row in enumerate(sheet.rows):
        table.add_row(*row, style="bold red" if number == sheet.marked else "")
    return table


if __name__ == "__main__":
    from scripts.cli import main

    main(["incident", *sys.argv[1:]])
