"""What all fuzz tests share: cases drawn afresh, and the numbers of what was compared told at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis.internal.conjecture.engine import ConjectureRunner
from hypothesis.internal.conjecture.providers import HypothesisProvider

from tests.fuzz.budget import CASES, SEED, play_all, share
from tests.fuzz.tally import Tally

TALLIES = pytest.StashKey[dict[str, Tally]]()
N_PARTS = pytest.StashKey[int]()


@pytest.fixture(autouse=True)
def _every_case_is_drawn_afresh_and_from_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis would follow each drawn case with five that repeat parts of it: five times the same steps.

    And it would draw now and then a number that it has read in the source of whatever modules are loaded: the same
    seed would not draw the same cases beside other tests, or after an edit.
    """
    monkeypatch.setattr(ConjectureRunner, "generate_mutations_from", lambda *_: None)
    monkeypatch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: None)


@pytest.fixture
def compare(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Plays the cases of one part, such as 3.6-a, and compares all that they come to."""
    from tests.fuzz.worlds import WORLDS, arena, cases

    tallies = pytestconfig.stash.setdefault(TALLIES, {})

    def compared(part: str) -> None:
        name = part.rpartition("-")[0]
        world, tally = WORLDS[name], tallies.setdefault(name, Tally())
        before, n_cases = tally.cases, share(pytestconfig.stash[N_PARTS], world.cases_a_part)
        # Before anything is drawn: what it loads sets the recursion limit, which hypothesis would resent.
        deployed = arena(name)
        play_all(part, cases(name), lambda case: world.play(deployed, case, tally), n_cases=n_cases)
        assert tally.cases - before >= n_cases

    return compared


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Count how many parts, of those that were asked for, share the cases."""
    n_parts = sum("compare" in getattr(item, "fixturenames", ()) for item in items)
    config.stash[N_PARTS] = max(n_parts, 1)


def pytest_report_header() -> str:
    """The seed, so that any run can be repeated."""
    return f"fuzz: seed {SEED}, {CASES or 'the suite’s number of'} cases"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the counts of a worker over to the process that reports."""
    found = session.config.stash.get(TALLIES, {})
    output: Any = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["fuzz"] = {
            world: asdict(tally) | {"outcomes": dict(tally.outcomes)} for world, tally in found.items()
        }


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Add what a worker compared."""
    found = node.config.stash.setdefault(TALLIES, {})
    for world, counts in getattr(node, "workeroutput", {}).get("fuzz", {}).items():
        found.setdefault(world, Tally()).add(Tally(**counts))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what was compared, rule set by rule set."""
    from tests.fuzz.worlds import WORLDS

    for name, tally in sorted(config.stash.get(TALLIES, {}).items()):
        for line in tally.lines(WORLDS[name].title):
            terminalreporter.write_line(line)
