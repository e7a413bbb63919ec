"""README as a test: its Python blocks run, its commands and paths exist, its first screen is right."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from _pytest.mark import ParameterSet
from sybil import Document, Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
TEXT = README.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
SHELL = "".join(body for language, body in BLOCKS if language == "console")
IN_TEXT = re.findall(r"`((?:make|underwater)(?: [^`]+)?)`", TEXT)
COMMANDS = re.findall(r"^\$ (.+)$", SHELL, flags=re.MULTILINE) + IN_TEXT
PLACEHOLDERS = {"URL": "http://127.0.0.1:8545", "FILE": "README.md", "...": ""}


class Unresolved(AssertionError):
    """A command of README that does not exist as written."""


def resolve(command: str) -> None:
    """Check that *command* exists with each of its options, without running it; Unresolved if not."""
    for name, example in PLACEHOLDERS.items():
        command = command.replace(name, example)
    program, *words = shlex.split(command)
    if program == "make":
        done = subprocess.run(
            ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Unresolved(f"{command}: {done.stderr.strip()}")
        return
    from scripts.cli import main

    try:
        parse(main, words)
    except click.ClickException as error:
        raise Unresolved(f"{command}: {error.format_message()}") from error


def parse(verb: click.Command, words: list[str]) -> None:
    """Let click parse *words* for *verb* and its sub-verbs, calling none; ClickException if it cannot."""
    words = [word for word in words if word != "--help"]
    if isinstance(verb, click.Group) and words:
        name, inner, rest = verb.resolve_command(click.Context(verb), words)
        assert name is not None
        assert inner is not None
        parse(inner, rest)
    elif not isinstance(verb, click.Group):
        verb.make_context(verb.name, words).close()


def python_examples() -> list[ParameterSet]:
    document: Document = Sybil(parsers=[PythonCodeBlockParser(doctest_optionflags=0)]).parse(README)
    return [pytest.param(example, id=f"line {example.line}") for example in document.examples()]


@pytest.mark.parametrize("example", python_examples())
def test_every_python_block_runs_as_shown(example):
    example.evaluate()


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_every_command_exists_as_written(command: str):
    resolve(command)


@pytest.mark.parametrize(
    "command", ["make no-such-target", "underwater crash --no-such-option", "underwater drown"]
)
def test_a_command_that_does_not_exist_is_reported(command: str):
    with pytest.raises(Unresolved):
        resolve(command)


def test_a_console_block_with_output_shows_what_the_command_prints():
    """`$ command` followed by lines: the command is run and must print them; `...` stands for anything."""
    for command, shown in re.findall(r"^\$ (.+)\n((?:(?!\$ ).+\n)+)", SHELL, flags=re.MULTILINE):
        program, *words = shlex.split(command)
        runner = [str(Path(sys.executable).parent / program)] if program == "underwater" else [program]
        printed = subprocess.run(
            [*runner, *words], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        pattern = re.escape(shown).replace(re.escape("..."), ".*")

        assert re.search(pattern, printed, flags=re.DOTALL), f"{command} printed:\n{printed}"


def test_the_first_screen_says_what_it_is_and_shows_a_result():
    first = TEXT.splitlines()[:15]

    assert len(TEXT.splitlines()) <= 120
    assert "$ make crash" in first
    assert "$ make test" in first
    assert re.search(r"\$\d[\d,.]*", " ".join(first)), "no amount of dollars in the first 15 lines"
    assert "<!--" not in TEXT, "a placeholder is left"


def test_the_tree_names_every_folder_and_every_path_exists():
    tree = next(body for language, body in BLOCKS if language == "text" and "protocol/" in body)
    folders = set(re.findall(r"^(\w+)/ ", tree, flags=re.MULTILINE))
    linked = re.findall(r"\]\(([^)#:]+)\)", TEXT)

    assert folders == {"protocol", "oracles", "stress", "forks", "scripts", "tests"}
    assert [path for path in [*folders, *linked] if not (ROOT / path).exists()] == []
