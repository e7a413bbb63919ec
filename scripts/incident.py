"""`underwater incident`: a real loss replayed from its record through the exact rules."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from scripts.cli import STDOUT, CannotWrite, console, emit_json, json_option
from scripts.table import Column, Row, print_table
from stress.incidents import INCIDENTS, replay_incident
from stress.incidents.report import Report, Sheet


@click.command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="Say which incidents there are.")
@json_option
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
    report = replay_incident(name)
    sys.exit(show(report, out or Path("out") / name, json_path))


def show(report: Report, out: Path, json_path: str | None) -> int:
    """Draw and print it; with the JSON on standard output nothing else goes there. The exit code."""
    if json_path is not None:
        emit_json(report.numbers, json_path)
    if json_path != STDOUT:
        _print(report, _draw(report, out))
    for check in report.checks:
        if not check.holds:
            click.echo(f"underwater: it does not hold that {check.says}", err=True)
    return 0 if report.holds else 1


def _draw(report: Report, out: Path) -> tuple[Path, ...]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        return report.draw(out)
    except OSError as error:
        raise CannotWrite(f"--out {str(out)!r}", error) from None


def _print(report: Report, figures: tuple[Path, ...]) -> None:
    screen = console()
    screen.print(report.title, style="bold", markup=False)
    for paragraph in report.story:
        screen.print(f"\n{paragraph}", markup=False)
    for sheet in report.sheets:
        screen.print()
        _print_sheet(screen, sheet)
    screen.print()
    for finding in report.findings:
        screen.print(f"- {finding}", markup=False)
    for check in report.checks:
        verdict = "[green]holds[/]" if check.holds else "[bold red]FAILS[/]"
        screen.print(verdict, escape(check.says))
    screen.print(f"Drawn: {', '.join(map(str, figures))}", soft_wrap=True, markup=False)


def _print_sheet(screen: Console, sheet: Sheet) -> None:
    columns = [Column(name=column.name, right=column.justify == "right") for column in sheet.columns]
    rows = [
        Row(cells=cells, style="bold red" if number == sheet.marked else "")
        for number, cells in enumerate(sheet.rows)
    ]
    print_table(screen, columns, rows, title=sheet.title)


if __name__ == "__main__":
    from scripts.cli import main

    main(["incident", *sys.argv[1:]])
