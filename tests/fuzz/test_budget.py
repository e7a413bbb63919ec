"""The machine itself: it plays enough, finds what is wrong, and finds the same again from the same seed."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest

from protocol.fixed_point.percentage import percent_mul_up
from tests.fuzz.aave_v3_arena import ArenaV3
from tests.fuzz.budget import play_all
from tests.fuzz.tally import Tally
from tests.fuzz.worlds import AAVE, WORLDS, arena, cases, parts

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")


def test_the_suite_plays_two_thousand_cases_of_aave_and_a_thousand_of_every_other_protocol():
    played = {name: len(parts(name)) * world.cases_a_part for name, world in WORLDS.items()}

    assert sum(played.pop(name) for name in AAVE) >= 2_000
    assert min(played.values()) >= 1_000


def test_a_seed_draws_the_same_cases_whatever_else_is_loaded(tmp_path, monkeypatch):
    def drawn():
        found = []
        play_all("3.6-a", cases("3.6"), found.append, n_cases=20)
        return found

    before = drawn()
    other = tmp_path / "numbers_of_another.py"
    other.write_text(f"NUMBERS = {list(range(101, 1_100))}")  # of a module with more, none are taken
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("numbers_of_another")

    assert drawn() == before


@pytest.fixture
def _the_fee_is_rounded_the_wrong_way(monkeypatch):
    read_listing = ArenaV3.read_listing

    def wrong(self):
        read_listing(self)
        listing = self.reader.listing
        self.reader.listing = replace(listing, rules=replace(listing.rules, protocol_fee=percent_mul_up))

    monkeypatch.setattr(ArenaV3, "read_listing", wrong)


def counter_example(seed):
    """The last case played when the machine has failed, and what it said."""
    from tests.fuzz.play import play
    from tests.fuzz.side_by_side import Differs

    played = []

    def watched(case):
        played.append(case)
        play(arena("3.6"), case, Tally())

    with pytest.raises(Differs) as failure:
        play_all("3.6-a", cases("3.6"), watched, n_cases=200, seeded=seed, shrinking_plays=30)
    return played[-1], str(failure.value), failure.value.__notes__


@pytest.mark.usefixtures("_the_fee_is_rounded_the_wrong_way")
def test_a_wrong_rule_is_found_and_the_same_seed_ends_at_the_same_counter_example():
    first, said, notes = counter_example(seed=0)
    again, said_again, _ = counter_example(seed=0)

    assert "Liquidate" in said
    assert (first, said) == (again, said_again)
    assert len(first.steps) <= 10
    assert "the same again: make fuzz CASES=200 SEED=0 ONLY=3.6-a" in notes
