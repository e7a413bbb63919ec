"""The rule sets that are played, each in parts: what one fuzz test plays, and how many cases of it."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis.strategies import SearchStrategy

from tests import strategies, strategies_v2
from tests.fuzz.arena import Arena

WORLDS = ("v2", "3.0.0", "3.0.1", "3.0.2", "3.6")
SHARDS = ("a", "b")
"""Halves of a rule set's cases, so that two cores have something to do."""


def parts(world: str) -> list[str]:
    """Names of the parts of a rule set, such as 3.6-a."""
    return [f"{world}-{shard}" for shard in SHARDS]


@cache
def arena(world: str) -> Arena:
    """The market of a rule set, deployed once a process."""
    from forks.in_process.evm import Evm
    from tests.fuzz.aave_v2_arena import ArenaV2
    from tests.fuzz.aave_v3_arena import arena_of

    return ArenaV2(Evm()) if world == "v2" else arena_of(Evm(), world)


def cases(world: str) -> SearchStrategy[Any]:
    """What is drawn for a rule set."""
    return strategies_v2.cases() if world == "v2" else strategies.cases()
