"""Ctrl-C and SIGTERM at every stage of `underwater crash`: one line, no process, no file left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli_runs import book_file, processes_in, scenario_file
from tests.forks.processes import REPOSITORY

pytestmark = pytest.mark.node

SIGNALLED = """
import os, sys
from importlib import import_module
from scripts.cli import main

module, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
owner = import_module(module)
*path, last = name.split(".")
for part in path:
    owner = getattr(owner, part)
original = getattr(owner, last)

def signalled(*arguments, **named):
    os.kill(os.getpid(), number)
    return original(*arguments, **named)

setattr(owner, last, signalled)
main(sys.argv[4:])
"""
"""Runs the command, and sends this process a signal when a function is about to be called."""
STAGES = {
    "before the node": ("forks.aave_v3.sources", "find_anvil"),
    "set-up": ("forks.aave_v3.sources", "season"),
    "opening": ("forks.aave_v3.venue", "open_book"),
    "crash": ("forks.aave_v3.venue", "AaveVenue.liquidate"),
    "why": ("forks.crash.job", "explain"),
    "writing": ("forks.crash.report", "_figures"),
}


def ended(folder: Path, stage: str, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    temporary = folder / "tmp"
    temporary.mkdir()
    files = ["--book", book_file(folder), "--scenario", scenario_file(folder), "--out", folder / "out/crash"]
    command = [sys.executable, "-c", SIGNALLED, *STAGES[stage], int(number), "crash", *files]
    return subprocess.run(
        [str(word) for word in command],
        cwd=REPOSITORY,
        env=os.environ | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("stage", "number"),
    [
        *((stage, signal.SIGINT) for stage in STAGES),
        ("before the node", signal.SIGTERM),
        ("crash", signal.SIGTERM),
    ],
)
def test_a_run_that_is_ended_leaves_one_line_and_nothing_else(
    stage: str, number: signal.Signals, tmp_path: Path
):
    done = ended(tmp_path, stage, number)

    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert (done.returncode, done.stderr.strip()) == (128 + number, f"underwater: {word}")
    assert not done.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "out/crash").exists()
    assert not list((tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else True
    assert processes_in(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the compiler in /proc")
def test_the_compiler_ends_with_the_run(tmp_path: Path):
    """With an empty cache the contracts are compiled first, for the better part of a minute."""
    cache = tmp_path / "cache"
    command = [sys.executable, "-m", "scripts.crash", "--out", str(tmp_path / "out")]
    environment = os.environ | {"UNDERWATER_CACHE": str(cache), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            while not (compilers := _compilers_of(process.pid)):
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            _, shown = process.communicate(timeout=60)
        finally:
            process.kill()

    assert (process.returncode, shown.strip()) == (143, "underwater: terminated")
    assert not any(Path(f"/proc/{pid}").exists() for pid in compilers)
    assert {path.suffix for path in cache.rglob("*") if path.is_file()} == {".lock"}
    assert not (tmp_path / "out").exists()


def _compilers_of(parent: int) -> set[int]:
    """Child processes of `parent` that run solc."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            is_child = int(stat.read_text().rpartition(")")[2].split()[1]) == parent
            if is_child and b"solc" in stat.with_name("cmdline").read_bytes():
                found.add(int(stat.parent.name))
        except OSError:
            continue
    return found
