"""What all fuzz tests share: cases drawn afresh, and the numbers of what was compared told at the end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis.internal.conjecture.engine import ConjectureRunner

from tests.fuzz.budget import CASES, SEED
from tests.fuzz.tally import Tally

TALLIES = pytest.StashKey[dict[str, Tally]]()


@pytest.fixture(scope="session")
def tallies(pytestconfig: pytest.Config) -> dict[str, Tally]:
    """Rule set to what has been compared of it in this process."""
    return pytestconfig.stash.setdefault(TALLIES, {})


@pytest.fixture(autouse=True)
def _every_case_is_drawn_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis would follow each drawn case with five that repeat parts of it: five times the same steps."""
    monkeypatch.setattr(ConjectureRunner, "generate_mutations_from", lambda *_: None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Count how many fuzz tests, of those that were asked for, share the cases."""
    n_tests = sum("n_tests" in getattr(item, "fixturenames", ()) for item in items)
    config.stash[N_TESTS] = max(n_tests, 1)


N_TESTS = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def n_tests(pytestconfig: pytest.Config) -> int:
    """How many fuzz tests share the number of cases."""
    return pytestconfig.stash[N_TESTS]


def pytest_report_header() -> str:
    """The seed, so that any run can be repeated."""
    return f"fuzz: seed {SEED}, {CASES or 'the suite’s number of'} cases"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the counts of a worker over to the process that reports."""
    found = session.config.stash.get(TALLIES, {})
    output: Any = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["fuzz"] = {name: (one.cases, one.steps, one.integers) for name, one in found.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Add what a worker compared."""
    found = node.config.stash.setdefault(TALLIES, {})
    for name, counts in getattr(node, "workeroutput", {}).get("fuzz", {}).items():
        tally = found.setdefault(name, Tally())
        tally.cases, tally.steps, tally.integers = (
            mine + theirs
            for mine, theirs in zip((tally.cases, tally.steps, tally.integers), counts, strict=True)
        )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what was compared, rule set by rule set."""
    found = config.stash.get(TALLIES, {})
    for name, tally in sorted(found.items()):
        terminalreporter.write_line(
            f"fuzz {name}: {tally.cases:,} cases, {tally.steps:,} steps, {tally.integers:,} integers compared"
        )
        if config.option.verbose > 0:
            for outcome, count in sorted(tally.outcomes.items()):
                terminalreporter.write_line(f"    {count:>7,} {outcome}")
