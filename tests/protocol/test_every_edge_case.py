"""That every edge case of the Compound family has its tests, and which are of protocols that are not modelled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NAMED = re.compile(r"^def test_edge_case_(\d\d)_\w+\(", re.MULTILINE)
HERE = Path(__file__).parent
V2, COMET, MORPHO, VENUS = "compound_v2", "compound_v3", "morpho_blue", "venus_isolated"
CONCERNED = {
    1: {V2, COMET, MORPHO, VENUS},
    2: {V2, VENUS},
    3: {V2},
    4: {V2, VENUS},
    5: {V2, VENUS},
    6: {V2, VENUS},
    7: {V2, VENUS},
    8: {V2},
    9: {V2},
    10: {V2},
    11: {V2, VENUS},
    12: {V2, MORPHO},
    13: {V2},
    **{number: {COMET} for number in range(14, 19)},
    19: {V2, COMET, VENUS},
    20: {VENUS},
    21: {VENUS},
    **{number: {MORPHO} for number in range(24, 27)},
    **{number: {V2} for number in range(31, 34)},
}
"""Number of an edge case -> the protocols that have it."""
ELSEWHERE = {
    22: "Venus' core pool",
    23: "Venus' core pool",
    27: "Maker",
    28: "Maker",
    29: "Euler",
    30: "Liquity",
}
"""Number -> a protocol that is not modelled."""


def numbers_named() -> dict[str, set[int]]:
    """The numbers that tests of each protocol are named after."""
    return {
        protocol: {
            int(number)
            for path in HERE.glob(f"test_{protocol}_*.py")
            for number in NAMED.findall(path.read_text(encoding="utf-8"))
        }
        for protocol in (V2, COMET, MORPHO, VENUS)
    }


def test_the_numbers_from_1_to_33_are_all_accounted_for():
    assert sorted([*CONCERNED, *ELSEWHERE]) == list(range(1, 34))


@pytest.mark.parametrize("number", CONCERNED)
def test_an_edge_case_has_a_test_in_each_protocol_that_has_it(number: int):
    assert {protocol for protocol, numbers in numbers_named().items() if number in numbers} == CONCERNED[
        number
    ]


def test_no_test_is_named_after_an_edge_case_of_a_protocol_that_is_not_modelled():
    assert set().union(*numbers_named().values()) == set(CONCERNED)


@pytest.mark.parametrize("protocol", sorted(set(ELSEWHERE.values())))
def test_the_design_names_the_protocols_whose_edge_cases_are_left_out(protocol: str):
    text = (HERE.parents[1] / "docs" / "design.md").read_text(encoding="utf-8")

    assert protocol in text.partition("## What is not modelled yet")[2]
