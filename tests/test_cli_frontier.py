"""`underwater frontier`: the numbers, the picture and the refusals."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from protocol.aave_v3 import REVISIONS
from scripts import frontier as command
from stress.compound_v2_pair import CompoundV2Pair
from stress.compound_v3_pair import CompoundV3Pair
from stress.morpho_blue_pair import MorphoBluePair
from stress.pool_pair import PoolPair
from stress.venus_isolated_pair import VenusIsolatedPair
from tests.cli_runs import require_one_line, underwater

SOME = ("--revision", "2.0", "--revision", "3.2", "--revision", "3.6", "--revision", "4.0")
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
    drop = 1 - Fraction(1_500 * 10**8 - 1, 2_000 * 10**8)
    assert point["liquidatable"]["oracle_drop"] == float(drop)
    assert point["liquidatable"]["market_drop_when_shown"] == float(drop + Fraction(1, 20))
    assert point["liquidator_gets"] == {
        "at_oracle_price": 1.09,
        "at_market_price_when_shown": float(Fraction(109, 100) * (1 - drop - Fraction(1, 20)) / (1 - drop)),
    }
    assert point["a_call_pays_up_to_market_drop"] == float(1 - Fraction(5, 9))
    assert point["left_to_the_protocol"] is False


def test_a_picture_is_drawn_and_the_tables_say_that_all_agrees(tmp_path: Path):
    result = underwater("frontier", "--out", tmp_path, "--revision", "3.6", "--revision", "3.2", *FEW)

    assert result.exit_code == 0, result.output
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")
    assert "Closed form and integers agree." in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines() if line.startswith("3.")] == ["3.2", "3.6"]


def test_all_rule_sets_that_differ_are_drawn_and_what_is_alike_is_drawn_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[list[str]] = []
    monkeypatch.setattr(
        command, "frontier_figure", lambda rows, *_, **__: seen.append([r.label for r in rows])
    )

    for more in (
        ("--fall-per-hour", 0.2),
        ("--fall-per-hour", 0.01),
        ("--fall-per-hour", 0.01, "--v4-bonus-factor-bps", 10_000),
    ):
        assert underwater("frontier", "--out", tmp_path, *FEW, *more).exit_code == 0

    assert seen == [
        ["Aave 2.0 to 4.0"],  # nobody calls
        ["Aave 2.0", "Aave 3.0.0 to 4.0"],  # v2 takes no fee
        ["Aave 2.0", "Aave 3.0.0 to 4.0"],
    ]


def test_a_delay_that_eats_the_bonus_is_said_to_leave_the_debt_to_the_protocol(tmp_path: Path):
    slow, fast = (
        underwater("frontier", "--out", tmp_path, "--revision", "3.6", *FEW, "--fall-per-hour", pace).stdout
        for pace in (0.1, 0.2)
    )

    assert "Aave 3.6: nobody ever calls an account of loan to value 40.00%." in slow
    assert "Aave 3.6: nobody ever calls an account of loan to value 40.00% to 80.00%." in fast
    assert "the debt is left to the protocol" in fast


def test_without_delay_nothing_is_said_of_a_late_oracle(tmp_path: Path):
    said = underwater("frontier", "--out", tmp_path, "--revision", "3.6", *FEW, "--delay-s", 0).stdout

    assert "No delay" in said
    assert "shown" not in said.replace("where the oracle shows", "")


def test_a_bonus_beyond_the_threshold_is_toxic_from_the_first_moment_and_not_before(tmp_path: Path):
    """Threshold times bonus above 1, which governance's own check lets pass by rounding."""
    beyond = ("--lt-bps", 9_300, "--bonus-bps", 10_753, "--v4-bonus-factor-bps", 10_000)
    file = tmp_path / "numbers.json"
    said = underwater("frontier", "--out", tmp_path, "--json", file, *beyond, *FEW, *SOME).stdout
    points = [p for one in json.loads(file.read_text())["revisions"] for p in one["points"]]

    assert all(p["toxic"]["price_base"] == p["liquidatable"]["price_base"] for p in points)
    assert all(p["debt_remains"]["price_base"] == p["liquidatable"]["price_base"] for p in points)
    assert "Threshold times bonus is 1.00003, not below 1" in said
    assert "beyond help the moment it becomes liquidatable" in said
    assert "(2.0, 3.2, 3.6, 4.0)" in said


def test_an_account_that_nobody_can_call_is_called_stuck(tmp_path: Path):
    small = ("--size-usd", 0.00001, "--points", 3, *SOME)
    result = underwater("frontier", "--out", tmp_path, *small, env={"COLUMNS": "200"})

    assert result.exit_code == 0, result.output
    (row,) = (line for line in result.stdout.splitlines() if line.startswith("2.0"))
    assert row.split()[1:5] == ["99,999,999,999", "1", "1", "2"]
    assert "stuck: nobody can call" in row
    assert "Stuck (2.0, 3.2): every call is refused" in result.stdout


def test_the_terms_of_v4_are_options_and_are_told(tmp_path: Path):
    v4 = (
        "--v4-target-health-factor",
        1.2,
        "--v4-max-bonus-health-factor",
        0.5,
        "--v4-bonus-factor-bps",
        1_000,
    )
    asked = ("--revision", "4.0", *FEW)
    file = tmp_path / "numbers.json"
    (usual,) = numbers(tmp_path, *asked)["revisions"]
    said = underwater("frontier", "--out", tmp_path, "--json", file, *asked, *v4).stdout
    (other,) = json.loads(file.read_text())["revisions"]

    assert other["own_terms"] == {
        "target_health_factor_wad": 12 * 10**17,
        "health_factor_for_max_bonus_wad": 5 * 10**17,
        "liquidation_bonus_factor_bps": 1_000,
    }
    assert usual["points"][0]["toxic"]["price_base"] > other["points"][0]["toxic"]["price_base"]
    assert "target health factor 1.2, health factor for max bonus 0.5, liquidation bonus factor 10 %" in said


@pytest.mark.parametrize(
    "extreme",
    [
        ("--bonus-bps", 65_535),
        ("--price-usd", 1e-8),
        ("--debt-price-usd", 1e-8, "--debt-decimals", 0),
        ("--size-usd", 9e17, "--collateral-decimals", 6, "--debt-decimals", 0),
        ("--size-usd", 1e-8, "--revision", "3.2", "--debt-decimals", 18),
        ("--lt-bps", 1, "--start-ltv", 0.9, 1),
        ("--delay-s", 10**9, "--fall-per-hour", 99_999),
        ("--v4-max-bonus-health-factor", 0, "--v4-target-health-factor", 1),
    ],
)
def test_extreme_terms_are_drawn_and_agree(tmp_path: Path, extreme):
    result = underwater("frontier", "--out", tmp_path, "--points", 2, *SOME, *extreme)

    assert result.exit_code == 0, result.output
    assert "Closed form and integers agree." in result.stdout


@pytest.mark.parametrize(
    ("too_much", "said"),
    [
        (("--size-usd", 9e17, "--collateral-decimals", 30), "Aave 2.0 cannot hold these numbers (a balance of"),
        (("--collateral-decimals", 30, "--revision", "4.0"), "an asset of 30 decimals; 18 at most"),
        (
            ("--revision", "2.0", "--size-usd", 1e17, "--collateral-decimals", 20, "--debt-price-usd", 1e17,
             "--debt-decimals", 30, "--price-usd", 1e5),
            "its arithmetic reverts: MathMultiplicationOverflow(value=",
        ),
    ],
)  # fmt: skip
def test_what_no_contract_can_hold_is_refused_in_one_line(tmp_path: Path, too_much, said: str):
    require_one_line(underwater("frontier", "--out", tmp_path, "--points", 2, *too_much), said)


# --- other protocols, and all side by side --------------------------------------------------------------------------

KIN = ("compound_v2", "compound_v3", "morpho_blue", "venus_isolated")
NEWEST = {"compound_v2": "2022", "compound_v3": "CometWithExtendedAssetList", "morpho_blue": "1.0.0",
          "venus_isolated": "4.4.0"}  # fmt: skip
SOME_OF_EACH = ("--revision", "2.0", "--revision", "3.6", *(
    word for name in NEWEST.values() for word in ("--revision", name)
))  # fmt: skip


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the picture."""
    for figure in ("frontier_figure", "side_by_side_figure"):
        monkeypatch.setattr(command, figure, lambda *_, **__: None)


def asked(folder: Path, protocol: str, *more: object) -> dict[str, Any]:
    return numbers(folder, "--protocol", protocol, "--points", 3, *more)


@pytest.mark.parametrize("protocol", KIN)
def test_every_protocol_says_that_it_agrees_who_pays_and_what_it_takes(tmp_path: Path, protocol: str):
    file = tmp_path / "numbers.json"
    chosen = ("--protocol", protocol, "--revision", NEWEST[protocol], "--points", 3)
    said = underwater("frontier", "--out", tmp_path, "--json", file, *chosen)
    result = json.loads(file.read_text())
    (rules,) = result["revisions"]

    assert said.exit_code == 0, said.output
    assert result["protocol"] == protocol
    assert result["agrees"] is rules["agrees"] is True
    assert f"{rules['protocol']} {rules['revision']}: {rules['pays']}." in said.stdout
    assert "Closed form and integers agree." in said.stdout
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("protocol", "further"), [("compound_v3", "reserves_lose"), ("venus_isolated", "small_enough_to_heal")]
)
def test_what_else_happens_under_a_protocol_is_a_column_and_a_number(
    tmp_path: Path, protocol: str, further: str
):
    result = asked(tmp_path, protocol, "--revision", NEWEST[protocol])
    said = underwater("frontier", "--out", tmp_path, "--protocol", protocol, *FEW).stdout

    for point in result["revisions"][0]["points"]:
        assert point[further]["agrees"] is True
        assert point[further]["oracle_drop"] > point["liquidatable"]["oracle_drop"]
    assert further.replace("_", " ") in said.splitlines()[1]


@pytest.mark.usefixtures("undrawn")
def test_aave_is_asked_where_no_protocol_is_named(tmp_path: Path):
    some = ("--revision", "3.6", "--points", 2)

    assert numbers(tmp_path, *some) == asked(tmp_path, "aave", *some)


@pytest.mark.usefixtures("undrawn")
def test_the_terms_of_a_protocol_are_options(tmp_path: Path):
    usual = asked(tmp_path, "compound_v3", "--revision", NEWEST["compound_v3"])
    other = asked(
        tmp_path, "compound_v3", "--revision", NEWEST["compound_v3"], "--liquidation-factor-bps", 9_000,
        "--store-front-factor-bps", 10_000,
    )  # fmt: skip
    (rules,) = other["revisions"]

    assert rules["own_terms"] == {"liquidation_factor_bps": 9_000, "store_front_price_factor_bps": 10_000}
    assert (
        rules["points"][0]["debt_remains"]["price_base"]
        > usual["revisions"][0]["points"][0]["debt_remains"]["price_base"]
    )
    assert other["terms"]["liquidation_threshold_bps"] == 8_950
    assert "liquidation_bonus_bps" not in other["terms"]


@pytest.mark.parametrize(
    ("protocol", "more", "said"),
    [
        ("morpho_blue", ("--bonus-bps", 10_500), "--bonus-bps is no term of morpho_blue: it takes --lt-bps"),
        ("compound_v3", ("--fee-bps", 0), "--fee-bps is no term of compound_v3"),
        ("compound_v2", ("--min-collateral-usd", 1), "--min-collateral-usd is no term of compound_v2"),
        ("aave", ("--close-factor-bps", 5_000), "--close-factor-bps is no term of aave"),
        ("venus_isolated", ("--min-collateral-usd", "nan"), "nan dollars are no price or size"),
        ("venus_isolated", ("--bonus-bps", 10_100), "a seize share above the bonus"),
        ("compound_v2", ("--lt-bps", 9_100), "a collateral factor above 90 %"),
        ("compound_v2", ("--revision", "3.6"), "'3.6' is not modelled here; use all, G1, G2"),
        ("compound_v2", ("--close-factor-bps", 1), "still one goes through: give other terms"),
        ("morpho_blue", ("--lt-bps", 10_000), "an LLTV of 100 %"),
        ("compound_v3", ("--debt-decimals", 5), "give 6 to 18"),
        ("compound_v2", ("--size-usd", 1e-8), "units of collateral"),
        ("nothing", (), "'nothing' is not one of"),
    ],
)
def test_what_a_protocol_does_not_take_is_refused_in_one_line(tmp_path: Path, protocol, more, said: str):
    require_one_line(underwater("frontier", "--out", tmp_path, "--protocol", protocol, *more), said)
    assert not (tmp_path / "frontier.png").exists()


def test_all_are_laid_side_by_side_with_who_pays(tmp_path: Path):
    file = tmp_path / "numbers.json"
    all_of_them = ("--protocol", "all", "--points", 2, *SOME_OF_EACH)
    said = underwater("frontier", "--out", tmp_path, "--json", file, *all_of_them, env={"COLUMNS": "250"})
    result = json.loads(file.read_text())
    drops = {one["rules"]: one["drop_until_debt_remains"] for one in result["side_by_side"]}

    assert said.exit_code == 0, said.output
    assert {name: round(drop, 6) for name, drop in drops.items()} == {
        "Aave 2.0": 0.1285,
        "Aave 3.6": 0.1285,
        "Compound v2 2022": 0.109,
        "Compound v3 CometWithExtendedAssetList": round(1 - 0.895 / 0.95, 6),
        "Morpho Blue 1.0.0": round(1 - 0.86 * 1.043841336116910229, 6),
        "Venus isolated pools 1.0.0, 4.4.0": 0.12,
    }
    for one in result["side_by_side"]:
        (row,) = (line for line in said.stdout.splitlines() if line.startswith(f"{one['rules']} "))
        assert row.rstrip().endswith(one["pays"])
    assert result["side_by_side"][3]["pays_from"] == "reserves_lose"
    assert result["agrees"] is True
    assert set(result["protocols"]) == {"aave", *KIN}
    assert (tmp_path / "side_by_side.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("undrawn")
def test_terms_that_some_protocols_do_not_take_are_said_to_be_unused_there(tmp_path: Path):
    file = tmp_path / "numbers.json"
    more = ("--protocol", "all", "--points", 2, *SOME_OF_EACH, "--bonus-bps", 10_600)
    said = underwater("frontier", "--out", tmp_path, "--json", file, *more).stdout
    protocols = json.loads(file.read_text())["protocols"]

    assert "Morpho Blue takes no --bonus-bps: not used there." in said
    assert "Aave takes no" not in said
    assert {name for name, one in protocols.items() if one["unused_terms"]} == {"compound_v3", "morpho_blue"}
    assert protocols["venus_isolated"]["terms"]["liquidation_bonus_bps"] == 10_600


@pytest.mark.usefixtures("undrawn")
def test_side_by_side_does_not_depend_on_where_the_accounts_start(tmp_path: Path):
    """Started beyond the threshold an account is liquidatable at once; the room is of one that is not."""
    early, late = (
        asked(tmp_path, "all", "--revision", "3.6", "--lt-bps", 5_000, "--start-ltv", *ends)["side_by_side"]
        for ends in ((0.1, 0.2), (0.8, 0.9))
    )

    assert early == late
    assert abs(early[0]["drop_until_debt_remains"] - 0.475) < 1e-9


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("protocol", [*KIN, "all"])
def test_a_disagreement_of_any_protocol_ends_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
):
    for pair in (CompoundV2Pair, CompoundV3Pair, MorphoBluePair, VenusIsolatedPair):
        right = pair.residual
        monkeypatch.setattr(pair, "residual", lambda self, price, right=right: right(self, price) * 2)

    chosen = ("--revision", NEWEST.get(protocol, "2022"), "--points", 2)
    result = underwater("frontier", "--out", tmp_path, "--protocol", protocol, *chosen)

    assert result.exit_code == 1
    assert "DISAGREE with the closed form: " in result.stdout


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
        (("--v4-target-health-factor", "nan"), "--v4-target-health-factor nan is no health factor"),
        (("--v4-target-health-factor", 0.99), "0.99 is not in the range"),
        (("--v4-max-bonus-health-factor", 1), "1.0 is not in the range"),
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


def test_a_json_file_that_cannot_be_written_is_named(tmp_path: Path):
    require_one_line(
        underwater("frontier", "--out", tmp_path, "--json", tmp_path / "no/such", "--revision", "3.6", *FEW),
        "no/such",
        "cannot be written",
    )
