"""One truth about what was compared with what: tables of rules, README, the page of the fuzz, and what is played."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from forks.venus_isolated.reader import RULES as PLAYED_VENUS
from protocol import compound_v2, compound_v3, morpho_blue
from stress.pair_protocols import PROTOCOLS
from tests.fuzz.compound_v2_arena import RELEASES as PLAYED_COMPTROLLERS
from tests.fuzz.worlds import AAVE_V3, WORLDS

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors"
EXECUTED = {"published artifacts", "published sources"}
"""Witnesses that are contracts, so that cases can be drawn against them."""
DRAWN = "drawn cases in process"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What a row of README's table speaks of."""

    rules: tuple[str, ...]
    files: tuple[str, ...] = ()
    """Its recordings, of which it says how many cases they have."""


def _aave(*revisions: str) -> tuple[str, ...]:
    return tuple(f"Aave {one}" for one in revisions)


def _comptroller(*releases: str) -> tuple[str, ...]:
    return tuple(f"Comptroller {one}" for one in releases)


def _ctokens(*releases: str) -> tuple[str, ...]:
    return tuple(f"cTokens {one}" for one in releases)


_VECTORS_OF_V3 = ("3.2", "3.3", "3.4", "3.5", "3.7")
_COMETS = tuple(f"Compound v3 {rules.revision}" for rules in compound_v3.REVISIONS)
_OF_GHO = ("GHO",)

ROWS = {
    "Aave v2": Row(rules=_aave("2.0"), files=("aave_v2/2.0", "aave_v2/mainnet_liquidations")),
    "Aave v3.0.0, v3.0.1": Row(rules=_aave("3.0.0", "3.0.1")),
    "Aave v3.0.2": Row(rules=_aave("3.0.2"), files=("aave_v3/3.0.2",)),
    "Aave v3.1": Row(rules=_aave("3.1")),
    "Aave v3.2, v3.3, v3.4, v3.5, v3.7": Row(
        rules=_aave(*_VECTORS_OF_V3), files=tuple(f"aave_v3/{one}" for one in _VECTORS_OF_V3)
    ),
    "Aave v3.6": Row(rules=_aave("3.6"), files=("aave_v3/3.6",)),
    "Aave v4": Row(rules=_aave("4.0"), files=("aave_v4/amounts",)),
    "GHO before Aave v3.4": Row(rules=_OF_GHO),
    "Compound v2: Comptrollers G1 to G7": Row(
        rules=_comptroller("G1", "G2", "G3", "G4", "G5", "G6", "G7"),
    ),
    "Compound v2: Comptroller 2.9, cTokens 2.9": Row(
        rules=(*_comptroller("2.9"), *_ctokens("2.9")),
        files=("compound_v2/contract", "compound_v2/mainnet_liquidations"),
    ),
    "Compound v2: cTokens 2.3": Row(rules=_ctokens("2.3")),
    "Compound v2: Comptroller 2022; cTokens 2.0, 2.2, 2.6, 2022": Row(
        rules=(*_comptroller("2022"), *_ctokens("2.0", "2.2", "2.6", "2022"))
    ),
    "Compound v3: CometWithExtendedAssetList": Row(rules=_COMETS[-1:], files=("compound_v3/absorb",)),
    "Compound v3: both earlier versions of Comet": Row(rules=_COMETS[:-1]),
    "Morpho Blue": Row(rules=(f"Morpho Blue {morpho_blue.REVISION}",), files=("morpho_blue/liquidate",)),
    "Venus isolated pools 1.0.0": Row(rules=("Venus isolated pools 1.0.0",)),
    "Venus isolated pools 4.4.0": Row(rules=("Venus isolated pools 4.4.0",), files=("venus_isolated/heal",)),
}

PLAYED = {
    "v2": _aave("2.0"),
    **{revision: _aave(revision) for revision in AAVE_V3},
    "compound_v2": (*_comptroller(*PLAYED_COMPTROLLERS.values()), *_ctokens("2.9")),
    "morpho_blue": (f"Morpho Blue {morpho_blue.REVISION}",),
    "venus_isolated": (f"Venus isolated pools {PLAYED_VENUS.revision}",),
}
"""The rules that each world of the fuzz plays."""


def witnesses() -> dict[str, str]:
    """What every rule set says itself that it was compared with; the two tables of Compound v2 apart."""
    said = {
        f"{rules.protocol} {rules.name}": rules.witness
        for protocol in PROTOCOLS.values()
        if protocol.name != "compound_v2"
        for rules in protocol.rules(protocol.usual).values()
    }
    said |= {f"Comptroller {rules.release}": rules.witness.value for rules in compound_v2.COMPTROLLERS}
    said |= {f"cTokens {rules.release}": rules.witness.value for rules in compound_v2.CTOKENS}
    return said | dict.fromkeys(_OF_GHO, "read, not executed")  # part of revisions, and no row of a table


def table_under(page: Path, header: str) -> list[list[str]]:
    """The rows of the one table of a page that begins with *header*."""
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    assert any(line == header for line in lines), f"{page.name} has no table {header}"
    next(lines)
    rows: list[list[str]] = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


README_ROWS = table_under(ROOT / "README.md", "| rules | witness | by |")
BY_LABEL = {label: (witness, by) for label, witness, by in README_ROWS}


def test_every_rule_set_stands_in_just_one_row_of_readme():
    told = [name for label, _, _ in README_ROWS for name in ROWS[label].rules]

    assert [label for label, _, _ in README_ROWS] == list(ROWS)
    assert sorted(told) == sorted(witnesses())


@pytest.mark.parametrize("label", ROWS)
def test_readme_names_the_witness_that_the_rules_name(label: str):
    said = witnesses()

    assert {BY_LABEL[label][0]} == {said[name] for name in ROWS[label].rules}


@pytest.mark.parametrize("label", ROWS)
def test_readme_says_how_many_recorded_cases_there_are(label: str):
    told = {int(number) for number in re.findall(r"(\d+) (?:recorded|mainnet)\b", BY_LABEL[label][1])}
    there = {len(json.loads((VECTORS / f"{file}.json").read_text())["cases"]) for file in ROWS[label].files}

    assert told == there


def test_every_recording_belongs_to_a_row():
    carried = {str(path.relative_to(VECTORS).with_suffix("")) for path in VECTORS.rglob("*.json")}

    assert {file for row in ROWS.values() for file in row.files} == carried


def test_what_is_played_is_what_says_that_contracts_stand_behind_it():
    assert PLAYED.keys() == WORLDS.keys()
    assert {name for played in PLAYED.values() for name in played} == {
        name for name, witness in witnesses().items() if witness in EXECUTED
    }


@pytest.mark.parametrize("label", ROWS)
def test_readme_promises_drawn_cases_where_they_are_played(label: str):
    played = {name for names in PLAYED.values() for name in names}

    assert (DRAWN in BY_LABEL[label][1]) == played.issuperset(ROWS[label].rules)


def test_the_page_of_the_fuzz_names_what_is_played_and_from_where():
    said = witnesses()
    told = {
        world: source.partition(",")[0]
        for names, _, source in table_under(ROOT / "docs" / "fuzzing.md", "| played | contracts | from |")
        for world in names.split(", ")
    }

    assert told.keys() == WORLDS.keys()
    for world, source in told.items():
        assert {source} == {said[name] for name in PLAYED[world]}, world


def test_the_frontier_says_of_compound_v2_what_stands_behind_comptroller_and_ctokens():
    asked = PROTOCOLS["compound_v2"]
    told = {name: rules.witness for name, rules in asked.rules(asked.usual).items()}
    of_old_ctokens = "Comptroller: published artifacts; cTokens 2.0: read, not executed"

    assert told == {
        **dict.fromkeys(("G1", "G2", "G3", "G4", "G5", "G6", "G7"), of_old_ctokens),
        "2.9": "published artifacts",
        "2022": "read, not executed",
    }
