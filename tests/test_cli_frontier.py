"""`underwater frontier`: the numbers, the picture and the refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.aave_v3 import REVISIONS
from stress.pool_pair import PoolPair
from tests.cli_runs import require_one_line, underwater

FEW = ("--points", 3, "--start-ltv", 0.4, 0.8, "--size-usd", 10_000)


def numbers(out: Path, *more: object) -> dict[str, Any]:
    result = underwater("frontier", "--json", "-", "--out", out, *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_numbers_are_the_hand_computed_ones(tmp_path: Path):
    """Loan to value 60 %, threshold 80 %, bonus 10 %: 25 % and, as 0.6 * 1.1 = 0.66, 34 %."""
    result = numbers(
        tmp_path, *FEW, "--lt-bps", 8_000, "--bonus-bps", 11_000, "--delay-s", 600, "--fall-per-hour", 0.3
    )
    (point,) = (one["points"][1] for one in result["revisions"] if one["revision"] == "3.2")

    assert [one["revision"] for one in result["revisions"]] == [
        "2.0",
        *(rules.revision for rules in REVISIONS),
        "4.0",
    ]
    assert result["agrees"] is True
    assert point["start_ltv"] == 0.6
    assert point["liquidatable"]["price_base"] == 1_500 * 10**8 - 1
    assert point["toxic"]["price_base"] == point["debt_remains"]["price_base"] == 1_320 * 10**8 - 1
    assert point["liquidatable"]["drop"] == pytest.approx(
        0.25, abs=1e-11
    )  # a float of the exact integer above
    assert point["liquidatable"]["drop_with_delay"] == pytest.approx(0.30, abs=1e-11)
    assert point["payout_ratio"] == 1.09
    assert point["payout_ratio_with_delay"] == pytest.approx(1.09 * 0.70 / 0.75, abs=1e-9)


def test_a_picture_is_drawn_and_the_tables_say_that_all_agrees(tmp_path: Path):
    result = underwater("frontier", "--out", tmp_path, "--revision", "3.6", "--revision", "3.2", *FEW)

    assert result.exit_code == 0, result.output
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")
    assert "Closed form and integers agree." in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines() if line.startswith(" 3.")] == [
        "3.2",
        "3.6",
    ]


def test_a_bonus_beyond_the_threshold_is_toxic_from_the_first_moment(tmp_path: Path):
    """Threshold times bonus above 1, which governance's own check lets pass by rounding."""
    result = numbers(
        tmp_path, "--revision", "3.6", "--lt-bps", 9_300, "--bonus-bps", 10_753, *FEW, "--fall-per-hour", 0
    )
    points = result["revisions"][0]["points"]

    assert result["agrees"] is True
    assert all(p["toxic"]["price_base"] > p["liquidatable"]["price_base"] for p in points)


def test_a_disagreement_ends_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    right = PoolPair.residual
    monkeypatch.setattr(PoolPair, "residual", lambda self, price_base: right(self, price_base) * 2)

    result = underwater("frontier", "--out", tmp_path, "--revision", "3.6", *FEW)

    assert result.exit_code == 1
    assert "DISAGREE with the closed form: 3.6" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--revision", "3.9"), "'3.9' is not modelled here"),
        (("--start-ltv", 0.8, 0.3), "--start-ltv goes from 0.8 to 0.3"),
        (("--lt-bps", 0), "0 is not in the range"),
        (("--price-usd", "nan"), "nan dollars are no price or size"),
        (("--price-usd", "inf"), "inf dollars are no price or size"),
        (("--size-usd", 1e30), "are no price or size: give less than 1e+18"),
        (("--fall-per-hour", "nan"), "--fall-per-hour nan is no pace"),
        (("--start-ltv", "nan", 0.8), "--start-ltv goes from nan to 0.8"),
        (("--bonus-bps", 9_999), "9999 is not in the range"),
        (("--price-usd", 1e-9), "have 8 decimals"),
        (("--size-usd", 1e-8, "--collateral-decimals", 0), "units of collateral"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(tmp_path: Path, arguments, said: str):
    require_one_line(underwater("frontier", "--out", tmp_path, *arguments), said)
    assert not (tmp_path / "frontier.png").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    require_one_line(
        underwater("frontier", "--out", tmp_path / "file", "--revision", "3.6", *FEW), "cannot be written"
    )
