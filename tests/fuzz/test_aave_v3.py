"""Aave v3: drawn cases on the real contracts in this process, every integer and every refusal compared."""

from __future__ import annotations

from functools import cache

import pytest

from tests.fuzz.aave_v3_arena import REVISIONS, Arena, arena_of
from tests.fuzz.aave_v3_play import play
from tests.fuzz.budget import play_all
from tests.fuzz.tally import Tally
from tests.strategies import cases

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

SHARDS = ("a", "b")
"""Halves of a rule set's cases, so that two cores have something to do."""


@cache
def arena(revision: str) -> Arena:
    """The market of a revision, deployed once a process."""
    from forks.in_process.evm import Evm

    return arena_of(Evm(), revision)


@pytest.mark.parametrize("shard", SHARDS)
@pytest.mark.parametrize("revision", REVISIONS)
def test_the_model_says_what_the_contracts_say(
    revision: str, shard: str, tallies: dict[str, Tally], n_tests: int
):
    tally = tallies.setdefault(f"Aave v{revision}", Tally())
    play_all(f"{revision}-{shard}", cases(), lambda case: play(arena(revision), case, tally), n_tests=n_tests)
