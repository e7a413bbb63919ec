"""Vector files: what is refused, what counts as a difference, and that nothing is left uncounted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forks.recordings.errors import NotModelled, RecordingMalformed
from forks.recordings.replay import FileReplay, replay_file
from forks.recordings.vector_file import read_recording
from tests.protocol.cases import OWN, ROOT, files_in

CONTENT: dict[str, Any] = json.loads((OWN / "aave_v3" / "3.6.json").read_text())
CASES = {case["name"]: case for case in CONTENT["cases"]}
REFUSED = next(case for case in CONTENT["cases"] if "reverts" in case["expect"])
DEFICIT = next(case for case in CONTENT["cases"] if case["expect"].get("deficits_created"))
Change = Callable[[dict[str, Any]], Any]


def a_file(*cases: dict[str, Any]) -> dict[str, Any]:
    return {**CONTENT, "cases": deepcopy(list(cases))}


def replayed(folder: Path, content: Any) -> FileReplay:
    path = folder / "vectors.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return replay_file(read_recording(path))


def refusal(folder: Path, content: Any) -> RecordingMalformed:
    with pytest.raises(RecordingMalformed) as caught:
        replayed(folder, content)
    assert "\n" not in str(caught.value)
    assert str(folder / "vectors.json") in str(caught.value)
    return caught.value


def n_leaves(value: Any) -> int:
    """Counted without the project's help."""
    if isinstance(value, dict):
        return sum(n_leaves(item) for key, item in value.items() if key != "reverts_raw")
    return sum(map(n_leaves, value)) if isinstance(value, list) else 1


# --- the common shape ---


def test_a_file_that_is_absent_or_a_folder_is_named(tmp_path: Path):
    with pytest.raises(RecordingMalformed, match=r"absent\.json: cannot be read \(No such file"):
        read_recording(tmp_path / "absent.json")
    with pytest.raises(RecordingMalformed, match="cannot be read"):
        read_recording(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps(a_file(DEFICIT))[:-100], "is not JSON"),
        ("", "is not JSON"),
        ('{"format": 1, "format": 1}', "'format' is there twice"),
        ('{"format": NaN}', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "must hold one JSON object, holds []"),
        ("7", "must hold one JSON object, holds 7"),
    ],
    ids=["truncated", "empty", "a field twice", "not a number", "too deep", "a list", "a number"],
)
def test_what_is_not_a_json_object_is_refused(tmp_path: Path, content: str, words: str):
    assert words in str(refusal(tmp_path, content))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    (tmp_path / "vectors.json").write_bytes(b"\xff\xfe{}")

    with pytest.raises(RecordingMalformed, match="is not JSON"):
        read_recording(tmp_path / "vectors.json")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("format", 2, "must be 1, is 2"),
        ("format", "1", "valid integer"),
        ("format", True, "valid integer"),
        ("format", None, "valid integer"),
        ("protocol", 3, "valid string"),
        ("protocol", "", "at least 1 character"),
        ("revision", 3.6, "valid string"),
        ("provenance", None, "valid string"),
        ("cases", {}, "valid list"),
        ("cases", [], "at least one case"),
    ],
)
def test_a_head_of_another_kind_is_refused(tmp_path: Path, field: str, value: Any, words: str):
    error = refusal(tmp_path, {**a_file(DEFICIT), field: value})

    assert error.field == field
    assert words in str(error)


@pytest.mark.parametrize("field", ["format", "protocol", "revision", "provenance", "cases"])
def test_a_head_that_lacks_a_field_is_refused(tmp_path: Path, field: str):
    content = a_file(DEFICIT)
    del content[field]

    error = refusal(tmp_path, content)

    assert (error.field, error.what) == (field, "field required")


@pytest.mark.parametrize("field", ["name", "state", "action", "expect"])
def test_a_case_that_lacks_a_field_is_refused(tmp_path: Path, field: str):
    content = a_file(REFUSED, DEFICIT)
    del content["cases"][1][field]

    error = refusal(tmp_path, content)

    assert (error.field, error.what) == (field, "field required")
    assert error.case == ("number 2" if field == "name" else DEFICIT["name"])


def test_a_case_that_is_no_object_is_refused(tmp_path: Path):
    assert refusal(tmp_path, {**CONTENT, "cases": [REFUSED, 7]}).case == "number 2"


def test_two_cases_of_one_name_are_refused(tmp_path: Path):
    error = refusal(tmp_path, a_file(DEFICIT, REFUSED, DEFICIT))

    assert (error.case, error.field) == (DEFICIT["name"], "name")


# --- state and action ---

PLACES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "state": lambda case: case["state"],
    "state.reserves[1]": lambda case: case["state"]["reserves"][1],
    "state.emodes[0]": lambda case: case["state"]["emodes"][0],
    "state.borrower": lambda case: case["state"]["borrower"],
    "state.borrower.positions[0]": lambda case: case["state"]["borrower"]["positions"][0],
    "state.treasury": lambda case: case["state"]["treasury"],
    "action": lambda case: case["action"],
}
EVERYWHERE = CASES["aave_v3-3.6-a-001"]
FIELDS = [(place, field) for place, found in PLACES.items() for field in found(EVERYWHERE)]


@pytest.mark.parametrize(("place", "field"), FIELDS)
def test_a_field_that_is_missing_is_named(tmp_path: Path, place: str, field: str):
    content = a_file(EVERYWHERE)
    del PLACES[place](content["cases"][0])[field]

    error = refusal(tmp_path, content)

    assert (error.case, error.field, error.what) == (EVERYWHERE["name"], f"{place}.{field}", "field required")


@pytest.mark.parametrize(("place", "field"), FIELDS)
def test_a_field_of_another_kind_is_named(tmp_path: Path, place: str, field: str):
    """A flag that is an integer, an integer that is a number of JSON, a list that is one."""
    content = a_file(EVERYWHERE)
    PLACES[place](content["cases"][0])[field] = 1

    assert refusal(tmp_path, content).field.startswith(f"{place}.{field}")


@pytest.mark.parametrize("place", PLACES)
def test_a_field_that_nobody_reads_is_refused(tmp_path: Path, place: str):
    content = a_file(EVERYWHERE)
    PLACES[place](content["cases"][0])["stable_debt"] = "5"

    error = refusal(tmp_path, content)

    assert error.field == f"{place}.stable_debt"
    assert "not permitted" in error.what


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12x",
        "0x12",
        "1.0",
        "1e3",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1_000",
        "007",
        "\u0661",
        str(2**256),
        "9" * 5_000,
    ],
)
@pytest.mark.parametrize("place", ["state", "expect"])
def test_what_is_no_decimal_integer_is_refused(tmp_path: Path, place: str, text: str):
    content = a_file(DEFICIT)
    content["cases"][0][place]["timestamp" if place == "state" else "debt_repaid_underlying"] = text

    error = refusal(tmp_path, content)

    assert error.field.startswith(place)
    assert "must be an integer" in error.what
    assert len(error.what) < 200


def change(path: str, value: Any) -> Change:
    """Sets what `path` leads to, a number standing for a place in a list."""

    def apply(case: dict[str, Any]) -> None:
        *parts, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        target: Any = case
        for part in parts:
            target = target[part]
        target[last] = value

    return apply


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (change("action.type", "absorb"), "action.type: input should be 'liquidation_call'"),
        (change("action.debt_reserve_id", "9"), "action names reserve 9, which state.reserves lacks"),
        (change("state.borrower.positions.0.reserve_id", "9"), "state.borrower names reserve 9"),
        (
            change("state.treasury.positions", [{"reserve_id": "8", "scaled_atoken": "1"}]),
            "state.treasury names",
        ),
        (change("state.reserves.1.reserve_id", "0"), "state.reserves: two items have the same reserve_id"),
        (change("state.reserves.0.reserve_id", "127"), "state.reserves: must be in the order of reserve_id"),
        (change("state.reserves.3.reserve_id", "128"), "state.reserves[3].reserve_id: must be at most 127"),
        (change("state.reserves.0.decimals", "78"), "state.reserves[0].decimals: must be at most 77"),
        (change("state.reserves.0.last_update_timestamp", "9" * 20), "was last updated after"),
        (change("state.liquidator", None), "state.liquidator is null although"),
        (
            change("state.reserves.0.active", "true"),
            "state.reserves[0].active: input should be a valid boolean",
        ),
        (change("expect", {}), "expect.before: is missing"),
        (change("expect.after.account", {}), "expect.after.account.total_collateral_base8: is missing"),
        (change("expect.after.reserves", None), "expect.after.reserves: is missing"),
        (change("expect.protocol_fee_underlying", 5), "expect.protocol_fee_underlying: must be an integer"),
        (change("expect.reverts", 5), "expect.reverts: must be an integer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_case_that_does_not_hang_together_is_refused(tmp_path: Path, wrong: Change, words: str):
    content = a_file(EVERYWHERE)
    wrong(content["cases"][0])

    assert words in str(refusal(tmp_path, content))


def test_an_expected_field_that_was_forgotten_is_named(tmp_path: Path):
    content = a_file(DEFICIT)
    del content["cases"][0]["expect"]["after"]["reserves"][2]["deficit_underlying"]

    error = refusal(tmp_path, content)

    assert (error.field, error.what) == ("expect.after.reserves[2].deficit_underlying", "is missing")


def test_an_item_that_is_there_twice_is_refused(tmp_path: Path):
    content = a_file(DEFICIT)
    content["cases"][0]["expect"]["deficits_created"] *= 2

    assert refusal(tmp_path, content).what == "is there twice"


# --- what is modelled ---


@pytest.mark.parametrize(("protocol", "revision"), [("aave_v3", "3.9"), ("aave_v1", "1.0"), ("aave_v3", "")])
def test_what_is_not_modelled_is_refused(tmp_path: Path, protocol: str, revision: str):
    content = {**a_file(DEFICIT), "protocol": protocol, "revision": revision or "10"}

    with pytest.raises(NotModelled) as caught:
        replayed(tmp_path, content)

    assert (caught.value.protocol, caught.value.revision) == (protocol, revision or "10")
    assert "aave_v3" in str(caught.value)


# --- differences ---


@pytest.mark.parametrize("path", files_in(OWN).values(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_leaf_of_expect_is_compared_and_counted(path: Path):
    done = replay_file(read_recording(path))
    expected = [case["expect"] for case in json.loads(path.read_text())["cases"]]

    assert (done.n_cases, done.n_values) == (len(expected), sum(map(n_leaves, expected)))
    assert (done.n_differing, done.first) == (0, None)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for place, item in enumerate(value) for leaf in leaves(item, (*path, place))]
    return [path]


def other(value: Any) -> Any:
    return not value if isinstance(value, bool) else str(int(value) ^ 1) if value.isdecimal() else f"{value}s"


@pytest.mark.parametrize("case", [DEFICIT, REFUSED], ids=["success", "refusal"])
def test_every_leaf_that_is_changed_is_reported(tmp_path: Path, case: dict[str, Any]):
    """One at a time; where the leaf is an item's name, the item is lacking and another is too many."""
    names = [path for path in leaves(case["expect"]) if path[-1] != "reverts_raw"]
    for *parents, last in names:
        content = a_file(case)
        target = content["cases"][0]["expect"]
        for part in parents:
            target = target[part]
        target[last] = "77" if last == "reserve_id" else other(target[last])
        done = replayed(tmp_path, content)

        assert done.n_differing == (2 * len(target) if last == "reserve_id" else 1), (parents, last)
        assert done.first is not None
        assert str(last) in done.first.field or last == "reserve_id"
        assert done.first.case == case["name"]


def test_what_the_contract_returned_is_information(tmp_path: Path):
    content = a_file(REFUSED)
    content["cases"][0]["expect"]["reverts_raw"] = {"code": 5}

    assert replayed(tmp_path, content).n_differing == 0


def test_a_refusal_may_leave_out_the_state_before(tmp_path: Path):
    content = a_file(REFUSED)
    del content["cases"][0]["expect"]["before"]

    assert (replayed(tmp_path, content).n_values, replayed(tmp_path, content).n_differing) == (1, 0)


def first_of(done: FileReplay) -> tuple[str, str, str]:
    assert done.first is not None
    return (done.first.field, done.first.recorded, done.first.modelled)


def test_a_leaf_that_the_model_does_not_produce_is_a_difference(tmp_path: Path):
    content = a_file(DEFICIT)
    content["cases"][0]["expect"]["gas_used"] = "5"

    assert first_of(replayed(tmp_path, content)) == ("gas_used", "5", "absent")


@pytest.mark.parametrize("where", ["deficits_created", "after.liquidator.positions", "before.normalized"])
def test_an_item_that_the_file_lacks_is_a_difference(tmp_path: Path, where: str):
    content = a_file(EVERYWHERE)
    target = content["cases"][0]["expect"]
    for part in where.split("."):
        target = target[part]
    item = target.pop()

    done = replayed(tmp_path, content)

    assert done.n_differing == len(item)
    assert first_of(done)[:2] == (f"{where}[{item['reserve_id']}].reserve_id", "absent")


def test_items_may_stand_in_any_order(tmp_path: Path):
    content = a_file(DEFICIT)
    expect = content["cases"][0]["expect"]
    for items in (expect["after"]["reserves"], expect["before"]["normalized"]):
        items.reverse()

    assert replayed(tmp_path, content).n_differing == 0


def test_a_flag_is_not_equal_to_an_integer(tmp_path: Path):
    content = a_file(EVERYWHERE)
    content["cases"][0]["expect"]["after"]["liquidator"]["positions"][0]["borrowing"] = "0"

    assert first_of(replayed(tmp_path, content))[1:] == ("0", "false")


def test_a_call_that_fails_where_success_was_recorded_is_named_first(tmp_path: Path):
    content = a_file(DEFICIT)
    content["cases"][0]["state"]["reserves"][int(DEFICIT["action"]["debt_reserve_id"])]["paused"] = True
    done = replayed(tmp_path, content)

    assert first_of(done) == ("reverts", "absent", "ReservePaused")
    assert done.n_differing == n_leaves(DEFICIT["expect"]) - n_leaves(DEFICIT["expect"]["before"]) + 1


def test_a_call_that_succeeds_where_failure_was_recorded_is_named_first(tmp_path: Path):
    content = a_file(DEFICIT)
    content["cases"][0]["expect"] = {"reverts": "MustNotLeaveDust"}

    assert first_of(replayed(tmp_path, content)) == ("reverts", "MustNotLeaveDust", "absent")


FIRST_CASES = [
    {**content, "cases": content["cases"][:1]}
    for content in (json.loads(path.read_text()) for path in files_in(OWN).values())
    if content["protocol"] != "aave_v3" or content["revision"] in {"3.0.2", "3.6", "3.7"}
]
NUMBERS = ["0", "1", "2", "77", "10000", "65535", str(10**18), str(2**128), str(2**256 - 1)]


@settings(max_examples=200)
@given(data=st.data())
def test_whatever_a_file_says_is_replayed_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
):
    content = deepcopy(data.draw(st.sampled_from(FIRST_CASES)))
    case = content["cases"][0]
    paths = leaves({"state": case["state"], "action": case["action"]})
    for path in data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=3)):
        change(".".join(map(str, path)), data.draw(st.sampled_from([*NUMBERS, True, False])))(case)

    with suppress(RecordingMalformed):
        assert replayed(tmp_path_factory.getbasetemp(), content).n_cases == 1


# --- the document ---

DOCUMENT = (ROOT / "docs" / "vector-format.md").read_text()
EXAMPLES = re.findall(r"^```json\n(.*?)^```$", DOCUMENT, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["refusal", "amounts"])
def test_the_examples_of_the_document_replay(tmp_path: Path, example: str):
    done = replayed(tmp_path, example)

    assert (done.n_cases, done.n_differing) == (1, 0)
    assert done.n_values > 0


def test_the_document_names_every_field_of_the_files():
    def names(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {name for item in value.values() for name in names(item)}
        return {name for item in value for name in names(item)} if isinstance(value, list) else set()

    named = {name for path in files_in(OWN).values() for name in names(json.loads(path.read_text()))}
    unsaid = {name.removesuffix("_base8").removesuffix("_base18") for name in named}

    assert {name for name in unsaid if name not in DOCUMENT} == set()
