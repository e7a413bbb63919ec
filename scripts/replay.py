"""`underwater replay`: recorded liquidations through the model, every recorded value compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from forks.recordings.errors import NotModelled
from forks.recordings.replay import FileReplay, replay_file
from forks.recordings.vector_file import read_recording
from scripts.cli import STDOUT, console, emit_json, json_option
from scripts.table import Column, Row, print_table

COLUMNS = (
    Column(name="file", folds_to=24),
    Column(name="rules"),
    *(Column(name=name, right=True) for name in ("cases", "values", "differing")),
)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def replay(files: tuple[Path, ...], json_path: str | None) -> None:
    """Replay vector files and hold every recorded value against the model's: no tolerance.

    The format is docs/vector-format.md. Exit code 0: everything was compared and is equal; 1: a value
    differs; 2: a file is malformed, or its protocol or revision is not modelled.
    """
    sys.exit(run(files, json_path))


def run(files: Sequence[Path], json_path: str | None) -> int:
    """Replay the files and show the result; the exit code. Raises `RecordingMalformed`."""
    done: list[FileReplay] = []
    not_modelled: list[NotModelled] = []
    for recording in [read_recording(path) for path in files]:
        try:
            done.append(replay_file(recording))
        except NotModelled as error:
            not_modelled.append(error)
    result = as_json(done, not_modelled)
    if json_path is not None:
        emit_json(result, json_path)
    if json_path != STDOUT and done:
        _show(done)
    for error in not_modelled:
        click.echo(f"underwater: {error}", err=True)
    if result["values_differing"]:
        return 1
    return NotModelled.exit_code if not_modelled else 0


def as_json(done: Sequence[FileReplay], not_modelled: Sequence[NotModelled]) -> dict[str, Any]:
    """The result for a machine: totals, what was not checked, and one entry per file."""
    return {
        "files": len(done) + len(not_modelled),
        "cases": sum(file.n_cases for file in done),
        "values_compared": sum(file.n_values for file in done),
        "values_differing": sum(file.n_differing for file in done),
        "not_modelled": [
            {"file": one.file, "protocol": one.protocol, "revision": one.revision} for one in not_modelled
        ],
        "by_file": [
            {
                "file": file.file,
                "protocol": file.protocol,
                "revision": file.revision,
                "cases": file.n_cases,
                "values_compared": file.n_values,
                "values_differing": file.n_differing,
                "first_difference": None if file.first is None else asdict(file.first),
            }
            for file in done
        ],
    }


def _show(done: Sequence[FileReplay]) -> None:
    screen = console()
    print_table(screen, COLUMNS, [_row(file) for file in done])
    for file in done:
        if file.first is not None:
            first = file.first
            screen.print(
                f"{file.file}: first difference in case {first.case}, {first.field}: "
                f"the file says {first.recorded}, the model {first.modelled}",
                style="bold red",
                soft_wrap=True,
                markup=False,
            )
    n_values, n_differing = sum(file.n_values for file in done), sum(file.n_differing for file in done)
    screen.print(f"{n_values:,} values compared, {n_differing:,} differ.")


def _row(file: FileReplay) -> Row:
    counts = (f"{count:,}" for count in (file.n_cases, file.n_values, file.n_differing))
    cells = (file.file, f"{file.protocol} {file.revision}", *counts)
    return Row(cells=cells, style="bold red" if file.n_differing else "")


if __name__ == "__main__":
    from scripts.cli import main

    main(["replay", *sys.argv[1:]])
