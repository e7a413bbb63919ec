"""What every verb writes, at any width and to any place; where it cannot, it ends with one line, no traceback."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console

from scripts import incident, replay
from scripts.cli import VERBS, CannotWrite, emit_json, main
from scripts.table import Column, Row, print_table
from stress.incidents import replay_incident
from stress.incidents.report import Report
from tests.cli_runs import require_one_line, underwater
from tests.forks.processes import REPOSITORY

EXAMPLE = Path("stress/accounts/example.toml")
V3 = Path("tests/vectors/aave_v3/3.6.json")
RESULT = {"health_factor_wad": 2**256 - 1, "names": ["Ä", None]}
COMMANDS = {
    "revisions": ("revisions", "--account", EXAMPLE),
    "replay": ("replay", V3),
    "incident": ("incident", "aave-crv-2022"),
}
RUN = "import sys; from scripts.cli import main; main(sys.argv[1:])"
FULL = Path("/dev/full")
needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.fixture(scope="module")
def report() -> Report:
    return replay_incident("aave-crv-2022")


@pytest.fixture(autouse=True)
def _replayed_once(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes seconds, and is not what is tested here; nor are its figures."""
    once = replace(report, draw=lambda _: ())
    monkeypatch.setattr(incident, "replay_incident", lambda _: once)


def process(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """`underwater` as a process of its own, which has a standard output to lose, buffered as anybody's is."""
    command = [sys.executable, "-c", more.pop("program", RUN), *map(str, arguments)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": env, **more}
    return subprocess.run(command, cwd=REPOSITORY, text=True, check=False, timeout=120, **streams)


# --- JSON ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "crash"])
def test_every_verb_takes_a_path_or_a_dash_for_its_json(verb: str):
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    (option,) = (one for one in command.params if "--json" in one.opts)

    assert option.type is click.STRING
    assert option.metavar == "PATH"


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_file_holds_what_standard_output_would(verb: str, tmp_path: Path):
    out = ("--out", tmp_path) if verb == "incident" else ()
    printed = underwater(*COMMANDS[verb], *out, "--json", "-")
    beside = underwater(*COMMANDS[verb], *out, "--json", tmp_path / "result.json")

    assert (printed.exit_code, beside.exit_code) == (0, 0), beside.output
    assert (tmp_path / "result.json").read_text() == printed.stdout
    assert json.loads(printed.stdout)
    assert len(beside.stdout.splitlines()) > 1


def test_a_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path: Path):
    path, link = tmp_path / "real.json", tmp_path / "link.json"
    path.write_text("old" * 1000)
    link.symlink_to(path)
    emit_json(RESULT, str(link))

    assert json.loads(path.read_text()) == RESULT
    assert link.is_symlink()
    assert {one.name for one in tmp_path.iterdir()} == {"real.json", "link.json"}


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "result.json"
    path.write_text("old")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); " + RUN
    result = process(*COMMANDS["revisions"], "--json", path, program=limited)

    assert "Traceback" not in result.stderr
    assert result.returncode == 2
    assert result.stderr.startswith(f"underwater: --json '{path}' cannot be written (File too large)")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize("place", ["", "folder", "missing/result.json", "file/result.json", "x" * 300])
def test_a_place_that_takes_no_file_is_refused_with_its_name(place: str, tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    path = str(tmp_path / place) if place else ""

    with pytest.raises(CannotWrite, match=r"--json .* cannot be written"):
        emit_json(RESULT, path)


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "kept.json"
    path.write_text("kept")
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests may be allowed everything

    with pytest.raises(CannotWrite, match="Permission denied"):
        emit_json(RESULT, str(path))
    assert path.read_text() == "kept"


@needs_full_device
def test_a_device_is_written_to_and_not_replaced():
    require_one_line(underwater("replay", V3, "--json", FULL), "--json '/dev/full'", "No space left")

    assert FULL.is_char_device()


# --- standard output ----------------------------------------------------------------------------------------


@needs_full_device
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("replay", "--help"),
        ("replay", V3),
        ("replay", V3, "--json", "-"),
        ("incident", "--list"),
    ],
    ids=["help", "help of a verb", "table", "json", "list"],
)
def test_output_that_does_not_fit_is_one_line(arguments: tuple[object, ...]):
    with FULL.open("w") as full:
        result = process(*arguments, stdout=full)

    assert (result.returncode, result.stderr) == (
        2,
        "underwater: the output cannot be written (No space left on device); choose another place\n",
    )


@pytest.mark.parametrize("arguments", [("replay", V3), ("replay", V3, "--json", "-")], ids=["table", "json"])
def test_a_reader_that_leaves_ends_it_without_a_word(arguments: tuple[object, ...]):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = process(*arguments, stdout=writing)
    finally:
        os.close(writing)

    assert (result.returncode, result.stderr) == (141, "")


def test_a_result_for_a_closed_standard_output_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(CannotWrite, match="standard output cannot be written"):
        emit_json(RESULT, "-")


def test_a_terminal_without_a_sign_gets_its_number_instead():
    result = process(*COMMANDS["revisions"], env=os.environ | {"PYTHONIOENCODING": "ascii"})

    assert (result.returncode, result.stderr) == (0, "")
    assert r"\u2192" in result.stdout


# --- errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--nothing",), "No such option '--nothing'"),
        (("drown",), "No such command 'drown'"),
        (("replay",), "Missing argument 'FILE...'"),
        (("crash", "--port", "0"), "Invalid value for '--port'"),
        (("frontier", "--points", "x"), "Invalid value for '--points'"),
        (("incident", "--json"), "'--json' requires an argument"),
        (("revisions", "--account", "/nowhere"), "account /nowhere: cannot be read"),
    ],
)
def test_every_refusal_begins_alike(arguments: tuple[str, ...], said: str):
    require_one_line(underwater(*arguments), said)


def test_no_verb_at_all_is_answered_with_the_help():
    result = underwater()

    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert all(verb in result.stderr for verb in VERBS)


def test_a_defect_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(replay, "read_recording", broken)

    assert isinstance(underwater("replay", V3).exception, ZeroDivisionError)


def test_a_message_of_several_lines_is_told_in_one(monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise click.UsageError("first\n\tsecond\nthird")

    monkeypatch.setattr(replay, "read_recording", refused)

    require_one_line(underwater("replay", V3), "underwater: first second third")


# --- tables -------------------------------------------------------------------------------------------------

COLUMNS = (
    Column(name="name", folds_to=8),
    Column(name="a long header", right=True),
    Column(name="n", right=True),
)
ROWS = (Row(cells=("some [bold] name", f"{2**128:,}", "1")), Row(cells=("", f"{10**27:,}", "22")))


def printed(width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    print_table(console, COLUMNS, ROWS, title="title")
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_table_that_fits_is_one_table():
    most = f"{2**128:,}"

    assert printed(80) == [
        "title",
        f"name              {'a long header':>{len(most)}}   n",
        f"some [bold] name  {most}   1",
        f"                  {10**27:>{len(most)},}  22",
    ]


@pytest.mark.parametrize("width", [20, 55, 62, 66, 80, 200])
def test_no_number_of_a_table_is_cut_or_folded(width: int):
    lines = printed(width)

    assert all(any(number in line for line in lines) for number in (f"{2**128:,}", f"{10**27:,}", "22"))
    assert "…" not in "".join(lines)


def test_what_does_not_fit_beside_the_first_column_goes_on_below_with_it():
    headers = [line.split() for line in printed(62) if line.startswith("name ")]

    assert headers == [["name", "a", "long", "header"], ["name", "n"]]


def test_where_no_two_columns_fit_a_row_is_lines():
    assert printed(20)[1:] == [
        "name: some [bold] name",
        f"a long header: {2**128:,}",
        "n: 1",
        f"a long header: {10**27:,}",
        "n: 22",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("verb", COMMANDS)
def test_every_digit_is_shown_at_every_width(verb: str, width: int, tmp_path: Path):
    out = ("--out", tmp_path) if verb == "incident" else ()
    wide, narrow = (
        underwater(*COMMANDS[verb], *out, env={"COLUMNS": str(columns)}) for columns in (1_000, width)
    )
    numbers = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")

    assert wide.exit_code == narrow.exit_code == 0
    assert "…" not in narrow.stdout
    assert numbers.findall(wide.stdout)
    assert set(numbers.findall(wide.stdout)) <= set(numbers.findall(narrow.stdout))
