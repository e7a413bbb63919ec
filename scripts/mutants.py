"""Break the rules on purpose, one place at a time, and count how often the tests notice: `make mutants`.

mutmut writes the mutants under mutants/, finds which tests reach which function and runs them; here a seeded
sample over all modules is drawn, each mutant is given a quick part of its tests, and the result is put together.
What was decided stays decided: an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import click

WORK = Path("mutants")
STATS = WORK / "mutmut-stats.json"
ALL_TESTS = WORK / "tests-of-functions.json"
TRIED = WORK / "tried-widely.json"
EQUIVALENT = Path("docs") / "equivalent-mutants.toml"
PROBE = "protocol.fixed_point.uint256.x_sub__mutmut_1"
"""Any one mutant: naming it lets mutmut write all of them and measure the tests."""
FEWEST_PER_MODULE = 10
SECONDS_PER_TEST = 0.005
"""What starting one test costs beside its own time. [s]"""
QUICK_S, WIDE_S = 0.6, 6.0
"""Tests given to every mutant, and to those that the quick ones let live. [s]"""
TIMED_OUT = {36, 24, 152, -24}
KILLED = {1, 3, 255, -11, -9} | TIMED_OUT
"""mutmut's exit codes of a failing test, a time-out or a crash."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mutant and what became of it; `exit_code` is None before it ran."""

    name: str
    module: str
    function_hash: str
    exit_code: int | None

    @property
    def function(self) -> str:
        """The function that it changes, with its class."""
        return _function_of(self.name).removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")


def _function_of(name: str) -> str:
    return name.partition("__mutmut_")[0].rpartition(".")[2]


def all_mutants() -> list[Mutant]:
    """Every mutant that mutmut wrote."""
    found = []
    for path in sorted(WORK.glob("protocol/*/*.py.meta")):
        meta = json.loads(path.read_text())
        module, hashes = str(path.relative_to(WORK)).removesuffix(".meta"), meta["hash_by_function_name"]
        for name, code in meta["exit_code_by_key"].items():
            function = _function_of(name)
            found.append(
                Mutant(name=name, module=module, function_hash=hashes.get(function, ""), exit_code=code)
            )
    return found


def sample(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """About `size` of them over all modules, in proportion but at least a few of each; a larger size adds."""
    by_module: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_module[mutant.module].append(mutant)
    drawn: list[Mutant] = []
    for module, own in sorted(by_module.items()):
        random.Random(f"{seed} {module}").shuffle(own)
        drawn += own[: max(FEWEST_PER_MODULE, round(size * len(own) / len(mutants)))]
    return drawn


def within(budget_s: float, tests: Iterable[str], duration_s: Mapping[str, float]) -> list[str]:
    """The quickest tests of every test file in turn, until their time is used up; at least one. [s]"""
    by_file: dict[str, list[str]] = defaultdict(list)
    for test in sorted(tests, key=lambda name: (duration_s.get(name, 0.0), name)):
        by_file[test.partition("::")[0]].append(test)
    in_turn = [test for row in zip_longest(*by_file.values()) for test in row if test is not None]
    chosen, used_s = in_turn[:1], 0.0
    for test in in_turn[1:]:
        used_s += duration_s.get(test, 0.0) + SECONDS_PER_TEST
        if used_s > budget_s:
            break
        chosen.append(test)
    return chosen


def give_tests(budget_s: float) -> None:
    """Leave to every function what `budget_s` allows of the tests that reach it."""
    stats = json.loads(STATS.read_text())
    reached: dict[str, list[str]] = json.loads(ALL_TESTS.read_text()) if ALL_TESTS.exists() else {}
    for function, tests in stats["tests_by_mangled_function_name"].items():
        reached[function] = sorted({*reached.get(function, ()), *tests} & set(stats["duration_by_test"]))
    ALL_TESTS.write_text(json.dumps(reached))
    durations = stats["duration_by_test"]
    stats["tests_by_mangled_function_name"] = {
        function: within(budget_s, tests, durations) for function, tests in reached.items() if tests
    }
    STATS.write_text(json.dumps(stats))


def mutmut(*arguments: str, quiet: bool = False) -> str:
    """Run mutmut; its output where `quiet`."""
    command = [str(Path(sys.executable).parent / "mutmut"), *arguments]
    done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE if quiet else None)
    if done.returncode:
        raise click.ClickException(
            f"mutmut {arguments[0]} ended with {done.returncode}: see its output above"
        )
    return done.stdout or ""


def try_out(mutants: Sequence[Mutant], budget_s: float, jobs: int) -> None:
    """Run the tests that `budget_s` allows on each of the mutants."""
    if mutants:
        give_tests(budget_s)
        mutmut("run", "--max-children", str(jobs), *(mutant.name for mutant in mutants))


def run(size: int, seed: int, jobs: int, *, again: bool) -> None:
    """Decide what is undecided of the sample; a survivor of the quick tests meets the wide ones once, or `again`."""
    if again:  # a test that was edited may reach other functions now
        STATS.unlink(missing_ok=True)
        ALL_TESTS.unlink(missing_ok=True)
    if not ALL_TESTS.exists():
        mutmut("run", "--max-children", str(jobs), PROBE)
    try_out([m for m in sample(all_mutants(), size, seed) if m.exit_code is None], QUICK_S, jobs)
    tried = set(json.loads(TRIED.read_text())) if TRIED.exists() else set()
    alive = {
        f"{m.name} {m.function_hash}": m
        for m in sample(all_mutants(), size, seed)
        if m.exit_code not in KILLED
    }
    try_out([mutant for key, mutant in alive.items() if again or key not in tried], WIDE_S, jobs)
    TRIED.write_text(json.dumps(sorted(tried | alive.keys())))


def change(mutant: Mutant) -> tuple[str, str]:
    """The changed lines of a mutant, as they were and as they are."""
    lines = mutmut("show", mutant.name, quiet=True).splitlines()
    was, now = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign) and line[:3] != sign * 3)
        for sign in "-+"
    )
    return was, now


def reasons() -> dict[tuple[str, str, str, str], str]:
    """Why a mutant cannot be told from the original, by file, function and the two lines."""
    listed = tomllib.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else {}
    return {
        (entry["file"], entry["function"], entry["was"], entry["now"]): entry["reason"]
        for entry in listed.get("mutant", ())
    }


def report(drawn: Sequence[Mutant], n_all: int, seed: int) -> int:
    """Print the figure, the modules and the survivors; how many of these nothing explains."""
    tried = [mutant for mutant in drawn if mutant.exit_code is not None]
    killed, total = (
        Counter(m.module for m in tried if m.exit_code in KILLED),
        Counter(m.module for m in tried),
    )
    for module in sorted(total):
        click.echo(f"  {module:<40} {killed[module]:>4} of {total[module]}")
    known, unexplained = reasons(), 0
    for mutant in (m for m in tried if m.exit_code not in KILLED):
        was, now = change(mutant)
        reason = known.get((mutant.module, mutant.function, was, now))
        unexplained += reason is None
        click.echo(f"\n{mutant.module}  {mutant.name}\n  - {was}\n  + {now}\n  {reason or 'NOT EXPLAINED'}")
    share = 100 * killed.total() / max(len(tried), 1)
    timed_out = sum(mutant.exit_code in TIMED_OUT for mutant in tried)
    alive = len(tried) - killed.total()
    click.echo(
        f"\n{killed.total()} of {len(tried)} mutants killed, {timed_out} of them by time-out: {share:.1f} % "
        f"of a sample of {len(drawn)} out of {n_all} (seed {seed}); {alive} survive, {unexplained} without a reason"
    )
    return unexplained + len(drawn) - len(tried)


@click.command()
@click.option("--sample", "size", default=1_200, show_default=True, help="about how many mutants in all")
@click.option("--seed", default=0, show_default=True, help="which ones")
@click.option("--jobs", default=1, show_default=True, help="processes at a time")
@click.option("--again", is_flag=True, help="try the survivors once more, after a change of the tests")
@click.option("--only-report", is_flag=True, help="run nothing, print what is known")
def main(size: int, seed: int, jobs: int, again: bool, only_report: bool) -> None:  # noqa: FBT001
    """Mutation testing of the exact rules: a seeded sample, resumable; exit 1 if a survivor has no reason."""
    if not only_report:
        run(size, seed, jobs, again=again)
    mutants = all_mutants()
    if not mutants:
        raise click.ClickException("no mutants are written yet: run `make mutants` without --only-report")
    sys.exit(1 if report(sample(mutants, size, seed), len(mutants), seed) else 0)


if __name__ == "__main__":
    main()
