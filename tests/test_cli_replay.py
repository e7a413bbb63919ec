"""`underwater replay` as a person and a program meet it: what is printed, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runs import require_one_line, underwater
from tests.protocol.cases import OWN, SHARED, files_in

V3 = OWN / "aave_v3" / "3.6.json"
CONTENT: dict[str, Any] = json.loads(V3.read_text())


def changed_file(folder: Path, **head: Any) -> Path:
    path = folder / "changed.json"
    path.write_text(json.dumps({**json.loads(V3.read_text()), **head}))
    return path


def one_wrong_value(folder: Path) -> Path:
    cases = json.loads(V3.read_text())["cases"]
    cases[0]["expect"]["debt_repaid_underlying"] = "341990"
    return changed_file(folder, cases=cases)


def test_equal_files_end_with_zero_and_one_row_each():
    paths = sorted((OWN / "aave_v3").glob("*.json"))
    result = underwater("replay", *paths)
    rows = [line.split() for line in result.stdout.splitlines()]

    assert result.exit_code == 0, result.output
    assert [row[-3:] for row in rows[1:8]] == [
        ["60", count, "0"] for count in ("4,543", "4,578", "4,537", "4,440", "4,513", "4,422", "4,497")
    ]
    assert result.stdout.endswith("31,530 values compared, 0 differ.\n")
    assert result.stderr == ""


def test_the_result_is_there_for_a_program(tmp_path: Path):
    result = underwater("replay", V3, "--json", "-")
    to_file = underwater("replay", V3, "--json", tmp_path / "result.json")
    written = json.loads((tmp_path / "result.json").read_text())

    assert (result.exit_code, to_file.exit_code) == (0, 0)
    assert json.loads(result.stdout) == written
    assert {name: written[name] for name in written if name != "by_file"} == {
        "files": 1,
        "cases": 60,
        "values_compared": 4_422,
        "values_differing": 0,
        "not_modelled": [],
    }
    assert "4,422 values compared" in to_file.stdout


def test_a_difference_ends_with_one_and_shows_both_sides(tmp_path: Path):
    path = one_wrong_value(tmp_path)
    result = underwater("replay", V3, path)
    as_json = underwater("replay", V3, path, "--json", "-")
    report = json.loads(as_json.stdout)

    assert (result.exit_code, as_json.exit_code) == (1, 1)
    assert (
        f"{path}: first difference in case {CONTENT['cases'][0]['name']}, debt_repaid_underlying: "
        "the file says 341990, the model 341991" in result.stdout.splitlines()
    )
    assert (report["values_compared"], report["values_differing"]) == (8_844, 1)
    assert report["by_file"][0]["first_difference"] is None
    assert report["by_file"][1]["first_difference"] == {
        "case": CONTENT["cases"][0]["name"],
        "field": "debt_repaid_underlying",
        "recorded": "341990",
        "modelled": "341991",
    }


@pytest.mark.parametrize("head", [{"protocol": "aave_v1"}, {"revision": "4.0"}], ids=["protocol", "revision"])
def test_what_is_not_modelled_ends_with_two_and_is_listed(tmp_path: Path, head: dict[str, str]):
    path = changed_file(tmp_path, **head)

    require_one_line(underwater("replay", path), "is not modelled", str(path), *head.values())
    both = underwater("replay", path, V3, "--json", "-")
    report = json.loads(both.stdout)

    assert both.exit_code == 2
    assert report["not_modelled"] == [
        {"file": str(path), "protocol": "aave_v3", "revision": "3.6"} | head,
    ]
    assert (report["files"], report["cases"], report["values_differing"]) == (2, 60, 0)


def test_a_malformed_file_ends_with_two_and_one_line(tmp_path: Path):
    path = tmp_path / "broken.json"
    path.write_text(V3.read_text()[:-1_000])
    cases = json.loads(V3.read_text())["cases"]
    cases[3]["state"]["reserves"][2]["price_base8"] = "1.5"
    price = changed_file(tmp_path, cases=cases)

    require_one_line(underwater("replay", V3, path), str(path), "is not JSON")
    require_one_line(
        underwater("replay", V3, price, "--json", "-"), str(price), cases[3]["name"], "reserves[2].price"
    )
    require_one_line(underwater("replay", tmp_path / "none.json"), "none.json", "cannot be read")


def test_options_that_make_no_sense_are_refused(tmp_path: Path):
    require_one_line(underwater("replay"), "FILE")
    require_one_line(underwater("replay", V3, "--jason", "-"), "--jason")


def test_a_result_that_cannot_be_written_is_one_line(tmp_path: Path):
    for path in ("", tmp_path, tmp_path / "none" / "result.json"):
        require_one_line(underwater("replay", V3, "--json", path), "--json", "cannot be written")


def test_a_name_with_brackets_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    changed = one_wrong_value(tmp_path).rename(tmp_path / "[bold]x.json")
    monkeypatch.chdir(tmp_path)  # a long folder would be folded in the table

    result = underwater("replay", changed.name)

    assert result.stdout.count("[bold]x.json") == 2


def test_everything_recorded_beside_the_project_replays():
    paths = files_in(SHARED).values()
    if not paths:
        pytest.skip("the recorded vectors of ../shared are absent")

    result = underwater("replay", *paths, "--json", "-")
    report = json.loads(result.stdout)

    assert result.exit_code == 0, result.output
    assert (report["values_differing"], report["not_modelled"]) == (0, [])
