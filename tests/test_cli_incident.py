"""`underwater incident`: what it prints, draws and writes, and how it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from scripts import incident as command
from stress.incidents import replay_incident
from stress.incidents.report import Check, Report
from tests.cli_runs import require_one_line, underwater

NAME = "aave-crv-2022"


@pytest.fixture(scope="module")
def report() -> Report:
    return replay_incident(NAME)


@pytest.fixture
def replayed_once(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "replay_incident", lambda _: report)


def test_it_tells_the_story_and_draws_it(tmp_path: Path):
    result = underwater("incident", NAME, "--out", tmp_path / "new")

    assert result.exit_code == 0, result.output
    assert "385 liquidation calls" in result.stdout
    assert "16027062" in result.stdout
    assert "FAILS" not in result.stdout
    assert result.stdout.count("2,455,682.556149108150417973") == 2  # in the table and in words, to the unit
    assert "2,455,682.55 " not in result.stdout
    assert (tmp_path / "new/aave_crv_2022.png").exists()


@pytest.mark.usefixtures("replayed_once")
def test_json_on_standard_output_is_all_that_is_there():
    result = underwater("incident", NAME, "--json", "-")
    numbers = json.loads(result.stdout)

    assert result.exit_code == 0
    assert (numbers["calls"], numbers["calls_explained"]) == (385, 385)
    assert numbers["debt_repaid"] == 89_544_317_443_850_891_849_582_027
    assert all(numbers["checks"].values())


@pytest.mark.usefixtures("replayed_once")
def test_json_goes_to_a_file_beside_the_screen(tmp_path: Path):
    result = underwater("incident", NAME, "--json", tmp_path / "numbers.json", "--out", tmp_path)

    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "numbers.json").read_text())["toxic_block"] == 16027062


def test_a_check_that_fails_is_named_and_exits_with_1(report: Report):
    wrong = replace(report, checks=(*report.checks, Check(says="water flows uphill", holds=False)))
    with patch.object(command, "replay_incident", lambda _: wrong):
        result = underwater("incident", NAME, "--json", "-")

    assert result.exit_code == 1
    assert "water flows uphill" in result.stderr
    assert json.loads(result.stdout)


def test_the_known_ones_are_listed():
    result = underwater("incident", "--list")

    assert result.exit_code == 0
    assert result.stdout.startswith(NAME)


def test_an_unknown_one_is_refused_with_those_there_are():
    require_one_line(underwater("incident", "mt-gox"), "mt-gox", NAME)


def test_no_name_is_refused_with_those_there_are():
    require_one_line(underwater("incident"), NAME)


@pytest.mark.usefixtures("replayed_once")
@pytest.mark.parametrize("option", ["--out", "--json"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, option: str):
    (tmp_path / "file").write_text("")
    result = underwater("incident", NAME, option, tmp_path / "file/inside")

    require_one_line(result, option)


def test_the_dai_price_on_compound_is_told_and_drawn(tmp_path: Path):
    result = underwater("incident", "compound-dai-2020", "--out", tmp_path)

    assert result.exit_code == 0, result.output
    assert "1.090083005770537829" in result.stdout
    assert "296,610 DAI first" in result.stdout
    assert "known to 4 digits only" in " ".join(result.stdout.split())
    assert "FAILS" not in result.stdout
    assert (tmp_path / "compound_dai_2020.png").exists()


def test_the_dai_price_on_compound_as_json_has_what_was_found():
    result = underwater("incident", "compound-dai-2020", "--json", "-")
    numbers = json.loads(result.stdout)

    assert result.exit_code == 0
    assert numbers["critical_price"] == numbers["recorded_critical_price"]
    assert numbers["logs_repeated"] == numbers["logs"] == 14
    assert all(numbers["checks"].values())
