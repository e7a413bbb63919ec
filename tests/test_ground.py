"""The ground: set-up, locks, checkers and what must never be in a tracked file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import setup

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("protocol", "oracles", "stress", "forks", "scripts", "tests")
LOCKS = ("requirements.txt", "requirements-node.txt", "package-lock.json")


def run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    of_make = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}  # under `make test` another make would talk as its child
    environment = {name: value for name, value in os.environ.items() if name not in of_make} | variables
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def requirement_names(file: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)", (ROOT / file).read_text(), flags=re.MULTILINE))


def tracked_files() -> list[Path]:
    """Everything that is or could be committed, from git where there is one."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed.returncode:
        pytest.skip("this copy is not a git checkout: what is tracked is not known")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


# --- locks ---


def test_every_python_package_is_pinned_with_hashes():
    for file in ("requirements.txt", "requirements-node.txt"):
        entries = re.split(r"\n(?=\S)", (ROOT / file).read_text().strip())
        loose = [entry for entry in entries if not re.match(r"[a-z0-9-]+==\S+ .*\\\n +--hash=sha256:", entry)]

        assert entries
        assert loose == []


def test_what_is_named_is_locked_and_what_is_installed_is_named():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime = {re.split(r"[=<>]", name)[0] for name in project["dependencies"]}

    assert runtime <= requirement_names("requirements.in") <= requirement_names("requirements.txt")
    assert "web3==8.0.0" in (ROOT / "requirements.txt").read_text()


def test_the_locks_name_no_registry():
    for lock in LOCKS:
        assert "://" not in (ROOT / lock).read_text(), lock


def test_every_npm_package_is_pinned_with_its_hash():
    named = json.loads((ROOT / "package.json").read_text())
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    sections = ("dependencies", "devDependencies", "optionalDependencies")
    versions = [version for section in sections for version in named.get(section, {}).values()]
    unhashed = [
        name for name, entry in locked.items() if name and not entry.get("link") and "integrity" not in entry
    ]

    assert versions
    assert [version for version in versions if not re.fullmatch(r"(npm:.+@)?\d+\.\d+\.\d+", version)] == []
    assert unhashed == []


# --- checkers ---


def test_ruff_finds_nothing():
    found = run(sys.executable, "-m", "ruff", "check", ".", "--output-format=concise", "--no-cache")

    assert found.returncode == 0, found.stdout


def test_the_code_is_formatted():
    found = run(sys.executable, "-m", "ruff", "format", "--check", ".", "--no-cache")
    unformatted = re.findall(r"^ *--> ([^:\n]+)", found.stdout, flags=re.MULTILINE)

    assert (found.returncode, unformatted) == (0, []), found.stderr


@pytest.mark.parametrize("line", ["def f(x: int) -> int:\n    return x\n", '"""Doc."""\n\nimport os\n'])
def test_ruff_reports_what_the_project_does_not_want(line: str):
    command = (sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename", "protocol/x.py", "-")
    found = subprocess.run(command, cwd=ROOT, input=line, capture_output=True, text=True, check=False)

    assert found.returncode == 1, found.stdout + found.stderr


def test_pyright_finds_nothing():
    found = pyright("--outputjson")
    report = json.loads(found.stdout)

    assert report["summary"]["filesAnalyzed"] > 0
    assert [
        f"{Path(entry['file']).relative_to(ROOT)}:{entry['range']['start']['line'] + 1} {entry['message']}"
        for entry in report["generalDiagnostics"]
    ] == []


def pyright(*options: str) -> subprocess.CompletedProcess[str]:
    from forks.toolchain import find_node, node_modules

    script = node_modules() / "pyright" / "index.js"
    return run(find_node(), script, *options, PYRIGHT_PYTHON_IGNORE_WARNINGS="1")


# --- make ---


def test_make_alone_lists_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):(?!=)", text, flags=re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (.+)$", text, flags=re.MULTILINE)[0].split())
    listed = set(re.findall(r"^  make (\S+) +\S", run("make").stdout, flags=re.MULTILINE))

    assert {"setup", "crash", "test", "lint", "types", "clean"} <= listed
    assert targets == phony == listed


def test_ci_runs_exactly_make_test():
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]

    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]


@pytest.mark.parametrize("level", [None, "1"], ids=["from a shell", "from a make"])
def test_crash_and_test_set_the_checkout_up_first(level: str | None, monkeypatch: pytest.MonkeyPatch):
    if level:
        monkeypatch.setenv("MAKELEVEL", level)
        monkeypatch.setenv("MAKEFLAGS", "w")
    for target in ("crash", "test"):
        assert "scripts/setup.py" in run("make", "--dry-run", target).stdout.splitlines()[0]


# --- set-up ---


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose installers only note that they were called, in `calls`."""
    for name in (
        "requirements.txt",
        "requirements-node.txt",
        "pyproject.toml",
        "package.json",
        "package-lock.json",
    ):
        (tmp_path / name).write_text(name)
    (tmp_path / ".venv").mkdir()
    (tmp_path / "node_modules").mkdir()
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "VENV_PYTHON", Path(sys.executable))
    monkeypatch.setattr(setup, "STAMP", tmp_path / ".venv" / "set-up.json")
    for step in ("make_venv", "install_python_packages", "install_project", "install_npm_packages"):
        monkeypatch.setattr(setup, step, noter(step, tmp_path / "calls"))
    monkeypatch.setattr(setup, "find_or_install_node", lambda: tmp_path)
    return tmp_path


def noter(step: str, file: Path) -> Callable[..., None]:
    """A stand-in for *step* that adds its name to *file*."""

    def note(*_: object) -> None:
        with file.open("a") as notes:
            notes.write(step + "\n")

    return note


def calls(checkout: Path) -> list[str]:
    """The steps done since the last call."""
    file = checkout / "calls"
    done = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return done


EVERYTHING = ["make_venv", "install_python_packages", "install_project", "install_npm_packages"]


def test_set_up_does_everything_once_and_then_nothing(checkout: Path):
    assert (setup.main(), calls(checkout)) == (0, EVERYTHING)
    assert (setup.main(), calls(checkout)) == (0, [])


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("requirements.txt", EVERYTHING),
        ("pyproject.toml", ["install_project"]),
        ("package-lock.json", ["install_npm_packages"]),
        ("requirements-node.txt", ["install_npm_packages"]),
    ],
)
def test_set_up_repeats_what_a_changed_lock_asks_for(checkout: Path, changed: str, again: list[str]):
    setup.main()
    calls(checkout)
    (checkout / changed).write_text("changed")

    assert (setup.main(), calls(checkout)) == (0, again)


def test_set_up_starts_over_when_the_environment_no_longer_runs(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
):
    setup.main()
    calls(checkout)
    monkeypatch.setattr(setup, "VENV_PYTHON", checkout / "gone")

    assert (setup.main(), calls(checkout)) == (0, EVERYTHING)


def test_a_step_that_failed_is_done_again(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    working = setup.install_npm_packages
    monkeypatch.setattr(setup, "install_npm_packages", lambda _: setup.run(["false"], otherwise="npm is out"))
    first = setup.main(), calls(checkout)
    monkeypatch.setattr(setup, "install_npm_packages", working)
    second = setup.main(), calls(checkout)

    assert first == (2, EVERYTHING[:-1])
    assert second == (0, ["install_npm_packages"])
    assert capsys.readouterr().err.splitlines()[-1] == "set-up: npm is out (what it said: .venv/set-up.log)"


def test_a_checkout_that_lacks_a_lock_is_one_clear_line(checkout: Path, capsys: pytest.CaptureFixture[str]):
    (checkout / "requirements.txt").unlink()

    assert setup.main() == 2
    assert (
        capsys.readouterr().err == "set-up: the checkout lacks requirements.txt; get it whole and run again\n"
    )


def test_a_python_that_is_too_old_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(setup, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(setup, "PYTHONS", ("python99",))

    assert setup.main() == 2
    assert re.fullmatch(r"set-up: Python 3\.\d+ is too old and .+\n", capsys.readouterr().err)


def test_two_set_ups_at_once_take_turns(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    inside, most = [], []

    def watch(*_: object) -> None:
        inside.append(1)
        most.append(len(inside))
        entered.wait(0.2)
        inside.pop()

    entered = threading.Event()
    monkeypatch.setattr(setup, "make_venv", watch)
    monkeypatch.setattr(setup, "read_stamp", dict)
    both = [threading.Thread(target=setup.main) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert most == [1, 1]


def stand_in(file: Path, script: str) -> Path:
    """An executable *file* that runs the shell *script*."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("version", "with_npm", "usable"),
    [("v18.0.0", True, True), ("v24.19.0", True, True), ("v16.20.2", True, False), ("v20.1.0", False, False)],
)
def test_a_node_is_used_when_it_is_recent_and_has_npm(
    tmp_path: Path, version: str, with_npm: bool, usable: bool
):
    stand_in(tmp_path / "node", f"echo {version}")
    if with_npm:
        stand_in(tmp_path / "npm", "exit 0")

    assert setup.has_node(tmp_path) is usable


PIP_SOURCES = {
    "already there": "-m pip list",
    "ensurepip": "-m ensurepip",
    "a wheel of the system": "pip-23.0-py3-none-any.whl/pip install --no-index",
    "a pip outside": "--python",
    "uv": "uv pip list",
    "a wheel from apt": "apt-get",
}


@pytest.mark.parametrize("source", PIP_SOURCES)
def test_pip_is_found_wherever_the_machine_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
):
    """Only *source* works on this pretended machine; what it puts into `.venv` works from then on."""
    asked: list[str] = []
    installs = {"ensurepip", "a wheel of the system", "a wheel from apt"}

    def succeeds(command: list[str | Path], *, cwd: Path = ROOT) -> bool:
        asked.append(" ".join(map(str, command)))
        if source == "a wheel from apt" and "download" in command:
            (cwd / setup.DEBIAN_WHEELS).mkdir(parents=True)
            (cwd / setup.DEBIAN_WHEELS / "pip-23.0-py3-none-any.whl").touch()
        if source in installs and asked[-1].endswith("bin/python -m pip list"):
            return any(PIP_SOURCES[source] in earlier for earlier in asked[:-1])
        from_apt = source == "a wheel from apt" and ".whl/pip install" in asked[-1]
        return PIP_SOURCES[source] in asked[-1] or from_apt

    wheels = tmp_path / "wheels"
    wheels.mkdir()
    if source == "a wheel of the system":
        (wheels / "pip-23.0-py3-none-any.whl").touch()
    monkeypatch.setattr(setup, "PIP_WHEEL_FOLDERS", (wheels,))
    monkeypatch.setattr(setup, "succeeds", succeeds)

    outside = {"a pip outside": "--python", "uv": "uv"}
    assert outside.get(source, "-m") in setup.pip()


def test_a_machine_without_any_pip_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(setup, "succeeds", lambda *_, **__: False)

    with pytest.raises(setup.SetupError, match="install python3-venv or python3-pip"):
        setup.pip()


# --- what is never in a tracked file ---

REGISTRIES = [
    ".".join(host) for host in (("npmjs", "org"), ("npmjs", "com"), ("pypi", "org"), ("pythonhosted", "org"))
]
FORBIDDEN = {
    "a registry's host": "|".join(map(re.escape, REGISTRIES)),
    "a path of one machine": r"(?<![\w.-])/(?:work|root|home/\w+)/",
    "contract code": r"[0-9a-fA-F]{1200}|SPDX-License-Identifier: BUSL",
}


def offences(text: str) -> list[str]:
    return [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)]


def test_no_tracked_file_holds_what_must_not_be_shipped():
    own = Path(__file__)
    texts = {file: file.read_text(errors="ignore") for file in tracked_files() if file != own}

    assert {
        str(file.relative_to(ROOT)): offences(text) for file, text in texts.items() if offences(text)
    } == {}


def test_what_must_not_be_shipped_is_reported():
    samples = [f"see {REGISTRIES[0]}", "at /" + "root/x", "0x" + "60" * 600]

    assert [offences(sample) for sample in samples] == [[what] for what in FORBIDDEN]


def test_nothing_that_set_up_or_a_run_makes_is_tracked():
    made = re.compile(r"^(\.venv|node_modules|out|dist)/|__pycache__|\.pyc$|\.sol$")
    names = [str(file.relative_to(ROOT)) for file in tracked_files()]

    assert [name for name in names if made.search(name)] == []


def test_third_party_names_everything_that_set_up_downloads_by_name():
    text = (ROOT / "THIRD_PARTY.md").read_text()
    named = json.loads((ROOT / "package.json").read_text())
    npm = [
        name
        for section in ("dependencies", "devDependencies", "optionalDependencies")
        for name in named[section]
    ]
    wanted = [*npm, *requirement_names("requirements.in"), *requirement_names("requirements-node.txt")]

    assert [name for name in wanted if name not in text] == []
