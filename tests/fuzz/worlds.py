"""The rule sets that are played, each in parts: what one fuzz test plays, and how many cases of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from hypothesis.strategies import SearchStrategy

from tests import (
    strategies,
    strategies_compound_v2,
    strategies_morpho_blue,
    strategies_v2,
    strategies_venus_isolated,
)
from tests.fuzz.tally import Tally

SHARDS = ("a", "b")
"""Halves of a rule set's cases, so that two cores have something to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A rule set that is played."""

    title: str
    arena: Callable[[], Any]
    """Deploys the market that cases are played in."""
    cases: Callable[[], SearchStrategy[Any]]
    play: Callable[[Any, Any, Tally], None]
    """Takes an arena and a case; raises Differs."""
    cases_a_part: int
    """Of the suite, where `FUZZ_CASES` says nothing."""


def _aave_v2() -> Any:
    from forks.in_process.evm import Evm
    from tests.fuzz.aave_v2_arena import ArenaV2

    return ArenaV2(Evm())


def _aave_v3(revision: str) -> Any:
    from forks.in_process.evm import Evm
    from tests.fuzz.aave_v3_arena import arena_of

    return arena_of(Evm(), revision)


def _play_aave(stage: Any, case: Any, tally: Tally) -> None:
    from tests.fuzz.play import play

    play(stage, case, tally)


def _compound_v2() -> Any:
    from forks.in_process.evm import Evm
    from tests.fuzz.compound_v2_arena import ArenaCompoundV2

    return ArenaCompoundV2(Evm())


def _play_compound_v2(stage: Any, case: Any, tally: Tally) -> None:
    from tests.fuzz.compound_v2_play import play

    play(stage, case, tally)


def _morpho_blue() -> Any:
    from forks.in_process.evm import Evm
    from tests.fuzz.morpho_blue_arena import ArenaMorphoBlue

    return ArenaMorphoBlue(Evm())


def _play_morpho_blue(stage: Any, case: Any, tally: Tally) -> None:
    from tests.fuzz.morpho_blue_play import play

    play(stage, case, tally)


def _venus_isolated() -> Any:
    from forks.in_process.evm import Evm
    from tests.fuzz.venus_isolated_arena import ArenaVenusIsolated

    return ArenaVenusIsolated(Evm())


def _play_venus_isolated(stage: Any, case: Any, tally: Tally) -> None:
    from tests.fuzz.venus_isolated_play import play

    play(stage, case, tally)


AAVE_V2 = World(title="Aave v2", arena=_aave_v2, cases=strategies_v2.cases, play=_play_aave, cases_a_part=200)
AAVE_V3 = {
    revision: World(
        title=f"Aave {revision}",
        arena=partial(_aave_v3, revision),
        cases=strategies.cases,
        play=_play_aave,
        cases_a_part=200,
    )
    for revision in ("3.0.0", "3.0.1", "3.0.2", "3.6")
}
AAVE = ("v2", *AAVE_V3)
WORLDS = {
    "v2": AAVE_V2,
    **AAVE_V3,
    "compound_v2": World(
        title="Compound v2",
        arena=_compound_v2,
        cases=strategies_compound_v2.cases,
        play=_play_compound_v2,
        cases_a_part=500,
    ),
    "morpho_blue": World(
        title="Morpho Blue",
        arena=_morpho_blue,
        cases=strategies_morpho_blue.cases,
        play=_play_morpho_blue,
        cases_a_part=500,
    ),
    "venus_isolated": World(
        title="Venus isolated pools",
        arena=_venus_isolated,
        cases=strategies_venus_isolated.cases,
        play=_play_venus_isolated,
        cases_a_part=500,
    ),
}


def parts(world: str) -> list[str]:
    """Names of the parts of a rule set, such as 3.6-a."""
    return [f"{world}-{shard}" for shard in SHARDS]


@cache
def arena(world: str) -> Any:
    """The market of a rule set, deployed once a process."""
    return WORLDS[world].arena()


def cases(world: str) -> SearchStrategy[Any]:
    """What is drawn for a rule set."""
    return WORLDS[world].cases()
