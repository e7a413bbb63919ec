"""Liquidations and healings that the isolated pools executed, replayed by the model: every value must be equal."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forks.recordings import venus_isolated
from forks.recordings.errors import RecordingMalformed
from forks.recordings.families import FAMILIES
from forks.recordings.replay import FileReplay, held_against, record_of, replay_case, replay_file
from forks.recordings.vector_file import read_recording
from tests.protocol.cases import OWN, ROOT, SHARED

PATH = OWN / "venus_isolated" / "heal.json"
CONTENT: dict[str, Any] = json.loads(PATH.read_text())
RECORDING = read_recording(PATH)
FAMILY = FAMILIES["venus_isolated"]
FIRST_OF_A_KIND = {
    (case["action"]["type"], "reverts" in case["expect"]): case for case in reversed(CONTENT["cases"])
}
DOCUMENT = (ROOT / "docs" / "vector-format.md").read_text()


def replayed(folder, case: dict[str, Any]) -> FileReplay:
    path = folder / "vectors.json"
    path.write_text(json.dumps({**CONTENT, "cases": [case]}))
    return replay_file(read_recording(path))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for place, item in enumerate(value) for leaf in leaves(item, (*path, place))]
    return [path]


def changed(case: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    target: Any = case
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value


def other(value: Any) -> Any:
    return not value if isinstance(value, bool) else str(int(value) ^ 1) if value.isdecimal() else f"{value}s"


@pytest.mark.parametrize("case", RECORDING.cases, ids=lambda case: case.name)
def test_model_equals_the_contracts_in_every_value(case):
    done = replay_case(case, FAMILY, RECORDING.revision)

    assert done.differences == ()
    assert done.n_values == len([path for path in leaves(dict(case.expect)) if path[-1] != "reverts_raw"])


def test_the_own_file_is_whole_and_the_one_beside_the_project():
    done = replay_file(RECORDING)

    assert (done.n_cases, done.n_values, done.n_differing) == (30, 1_646, 0)
    beside = SHARED / "venus_isolated" / "heal.json"
    if not beside.exists():
        pytest.skip("the recorded vectors of ../shared are absent")
    assert PATH.read_bytes() == beside.read_bytes()


def test_the_rules_of_1_0_0_do_not_reproduce_what_4_4_0_did():
    replays = [
        held_against(case, venus_isolated.replayed(record_of(case, FAMILY), "1.0.0"))
        for case in RECORDING.cases
    ]

    fields = {difference.field for done in replays for difference in done.differences}
    assert {field.split(".")[-1] for field in fields} == {"cash_underlying", "total_reserves_underlying"}


@pytest.mark.parametrize("kind", FIRST_OF_A_KIND, ids=lambda kind: f"{kind[0]}-{kind[1]}")
def test_every_leaf_that_is_changed_is_reported(kind):
    name = FIRST_OF_A_KIND[kind]["name"]
    recorded = next(case for case in RECORDING.cases if case.name == name)
    outputs = FAMILY.replayed(record_of(recorded, FAMILY), RECORDING.revision)

    for path in leaves(FIRST_OF_A_KIND[kind]["expect"]):
        case = deepcopy(FIRST_OF_A_KIND[kind])
        target: Any = case["expect"]
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = "77" if path[-1] == "market_id" else other(target[path[-1]])
        done = held_against(replace(recorded, expect=case["expect"]), outputs)

        fields = {one.field.rsplit(".", 1)[-1] for one in done.differences}
        if path[-1] == "market_id":  # the name of an item: it is lacking, and another is too many
            assert "market_id" in fields
        elif path[-1] != "reverts_raw":
            assert (len(done.differences), fields) == (1, {path[-1]})


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("action", "borrowed_market_id"), "7", "action names market 7, which state.markets lacks"),
        (("state", "markets", 0, "accrual_timestamp"), str(2**40), "market 0 accrued after state.timestamp"),
        (("state", "borrower", "positions", 0, "market_id"), "3", "must have one position in every market"),
        (("state", "borrower", "positions", 1, "borrow_interest_index_mantissa"), "0", "at an index of 0"),
        (("action", "type"), "absorb", "liquidate_borrow"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused_in_one_line(tmp_path, path, value, what):
    case = deepcopy(CONTENT["cases"][0])
    changed(case, path, value)

    with pytest.raises(RecordingMalformed) as caught:
        replayed(tmp_path, case)

    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


NUMBERS = ["0", "1", "2", "77", "10000", str(10**18), str(2**128), str(2**256 - 1)]


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_a_file_says_is_replayed_or_refused(data, tmp_path_factory):
    case = deepcopy(data.draw(st.sampled_from(CONTENT["cases"])))
    paths = leaves({"state": case["state"], "action": case["action"]})
    for path in data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=3)):
        with suppress(KeyError, TypeError):  # a part of it was replaced before
            changed(case, path, data.draw(st.sampled_from([*NUMBERS, True, False])))

    with suppress(RecordingMalformed):
        assert replayed(tmp_path_factory.getbasetemp(), case).n_cases == 1


def test_the_document_names_every_field_of_the_file():
    def names(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {name for item in value.values() for name in names(item)}
        return {name for item in value for name in names(item)} if isinstance(value, list) else set()

    section = DOCUMENT.split("## `venus_isolated`", 1)[1].split("\n## ", 1)[0]
    in_cases = {name for case in CONTENT["cases"] for name in names(case)} - {"name", "tags", "state"}

    assert {name for name in in_cases - {"action", "expect", "reverts"} if name not in section} == set()
