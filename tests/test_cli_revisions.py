"""`underwater revisions`: one account under every revision, as a person and as a program see it."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from protocol.aave_v3 import REVISIONS, Rules
from protocol.aave_v3.revision_words import COLUMN_WORDS
from stress.account_file import read_account
from stress.across_revisions import changed_rules, in_words
from stress.small_market import RuleSet, rule_sets
from tests.cli_runs import require_one_line, underwater

EXAMPLE = Path("stress/accounts/example.toml")
CASES = Path("tests/vectors/aave_v3/3.6.json")
V2_CASES = Path("tests/vectors/aave_v2/2.0.json")
NAMES = ["2.0", *(rules.revision for rules in REVISIONS)]

PLAIN = """
[[asset]]
symbol = "A"
decimals = 18
price_usd = 1000
supplied = 1
liquidation_threshold_bps = 8000
liquidation_bonus_bps = 10500
liquidation_protocol_fee_bps = 1000
[[asset]]
symbol = "B"
decimals = 6
price_usd = 1
borrowed = 1000
"""
"""Worth 1,000 against 1,000: health factor 0.8; beyond 1000 / 1.05 nothing can be repaid."""


def asked(path: Path, *more: object) -> dict[str, dict[str, Any]]:
    result = underwater("revisions", "--account", path, "--json", "-", *more)
    assert result.exit_code == 0, result.output
    return {one["revision"]: one for one in json.loads(result.stdout)["revisions"]}


def plain(folder: Path, *changes: tuple[str, str]) -> Path:
    text = PLAIN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "account.toml"
    path.write_text(text)
    return path


def test_every_revision_answers_and_says_what_it_was_compared_with():
    result = asked(EXAMPLE)

    assert list(result) == NAMES
    assert result["2.0"]["witness"] == "published artifacts"
    assert result["3.1"]["witness"] == "read, not executed"
    assert {one["witness"] for one in result.values()} == {
        "published artifacts", "published sources", "read, not executed",
        "liquidations: recorded vectors; rest: read, not executed",
    }  # fmt: skip


def test_the_numbers_are_the_hand_computed_ones(tmp_path: Path):
    """All of it is seized: 1000 / 1.05 is repaid, the rest is written off from v3.3 on."""
    result = asked(plain(tmp_path))

    assert {one["before.health_factor_wad"] for one in result.values()} == {8 * 10**17}
    assert result["3.2"]["liquidation.debt_repaid"] == 952_380_952
    assert result["3.6"]["liquidation.debt_repaid"] == 952_380_953
    assert result["3.6"]["liquidation.deficit.B"] == 1_000_000_000 - 952_380_953
    assert "liquidation.deficit.B" not in result["3.2"]
    assert result["3.2"]["after.total_debt_base"] == 47_619_04800
    assert result["3.6"]["after.total_debt_base"] == 0
    assert result["2.0"]["liquidation.debt_repaid"] == 500_000_000
    assert result["2.0"]["liquidation.protocol_fee"] == 0


def test_a_table_shows_runs_of_revisions_and_marks_what_differs(tmp_path: Path):
    result = underwater("revisions", "--account", plain(tmp_path), "--revision", "3.2", "--revision", "3.3")

    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["liquidation.deficit.B", "absent", "3.2"] in rows
    assert ["47,619,048", "3.3"] in rows
    assert ["before.total_debt_base", "100,000,000,000", "all"] in rows
    assert "Rules of 3.3 that are not those of 3.2:" in result.stdout.splitlines()
    assert any("dust rule: " in line for line in result.stdout.splitlines())


def test_an_account_that_owes_nothing_any_more_has_no_debt_instead_of_78_digits(tmp_path: Path):
    small = plain(tmp_path, ("supplied = 1\n", "supplied = 2\n"), ("borrowed = 1000", "borrowed = 1800"))
    arguments = ("revisions", "--account", small, "--revision", "3.6")
    result = underwater(*arguments)

    assert ["after.health_factor_wad", "no", "debt", "all"] in [
        line.split() for line in result.stdout.splitlines()
    ]
    assert asked(small, "--revision", "3.6")["3.6"]["after.health_factor_wad"] == 2**256 - 1


def test_every_column_of_the_table_of_revisions_has_words_of_its_own():
    columns = {name for rule_set in rule_sets().values() for name in rule_set.columns}

    assert columns <= COLUMN_WORDS.keys()
    assert COLUMN_WORDS.keys() | {"revision", "pool_revisions", "witness"} == set(Rules.__dataclass_fields__)
    assert len(set(COLUMN_WORDS.values())) == len(COLUMN_WORDS)
    assert not any("_" in words for words in COLUMN_WORDS.values())


def test_every_rule_has_words_that_are_not_a_name_of_the_code():
    for rule_set in rule_sets().values():
        for name, rule in rule_set.columns.items():
            assert not re.search(r"\w_\w", in_words(rule)), (rule_set.name, name, in_words(rule))


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(list(rule_sets().values())[1:])))
def test_two_rules_that_differ_differ_in_words(earlier: RuleSet, later: RuleSet):
    changed = changed_rules(earlier, later)

    assert changed
    assert [name for name, (before, after) in changed.items() if in_words(before) == in_words(after)] == []


def test_a_case_of_v2_is_asked_under_v2():
    recorded = json.loads(V2_CASES.read_text())["cases"][3]
    result = asked(V2_CASES, "--case", recorded["name"])

    assert list(result) == ["2.0"]
    assert result["2.0"]["before.health_factor_wad"] == int(
        recorded["expect"]["before"]["account"]["health_factor_wad"]
    )
    require_one_line(
        underwater("revisions", "--account", V2_CASES, "--case", recorded["name"], "--revision", "3.0.0"),
        "'3.0.0' cannot be asked (the case was recorded under aave_v2); use 2.0",
    )


def test_a_vector_file_without_a_case_is_answered_with_the_option():
    require_one_line(underwater("revisions", "--account", CASES), "is JSON, not TOML", "--case")


def test_a_recorded_case_is_asked_under_other_rules_than_its_own():
    recorded = json.loads(CASES.read_text())["cases"][3]
    result = asked(CASES, "--case", recorded["name"])

    assert list(result) == NAMES[1:]
    assert result["3.6"]["before.health_factor_wad"] == int(
        recorded["expect"]["before"]["account"]["health_factor_wad"]
    )
    assert result["3.6"]["liquidation.protocol_fee"] + 1 == result["3.7"]["liquidation.protocol_fee"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("decimals = 18", "decimals = 80"), "asset 1, decimals: must be 36 or less, is 80"),
        (("price_usd = 1000", "price_usd = 0.000000001"), "price_usd: must be 0 or above, in whole units"),
        (("supplied = 1", "supplied = -1"), "supplied: must be 0 or above"),
        (
            ("supplied = 1", "supplied = 1e31"),
            f"must be {2**120 - 1:,} units of 1/{10**18:,} or less, is 1E+31",
        ),
        (("supplied = 1", "supplied = 1e999999999"), "or less, is 1E+999999999"),
        (("supplied = 1", "supplied = 1e-999999999"), "in whole units of 1/"),
        (("supplied = 1", "supplied = 1e99999999999999999999"), "has too large an exponent"),
        (("supplied = 1", "supplied = 12345678901.1234567890123456785"), "in whole units of 1/"),
        (("supplied = 1", "supplied = " + "9" * 5_000), "is not TOML: Exceeds the limit (4300 digits)"),
        (("[[asset]]", "elapsed_s = 1_700_000_001\n[[asset]]"), "elapsed_s: must be 1,700,000,000 or less"),
        (("supplied = 1", "suplied = 1"), "suplied: is not a field here"),
        (("borrowed = 1000", "borrowed = 0"), "must supply something and borrow something"),
        (('symbol = "B"', 'symbol = "A"'), "names a symbol twice"),
        (("borrowed = 1000", 'borrowed = 1000\n[call]\ndebt = "C"'), "debt: must be one of A, B, is 'C'"),
        (("[[asset]]", "elapsed_s = true\n[[asset]]"), "elapsed_s: must be a whole number"),
        (("= 10500", "= 70000"), "liquidation_bonus_bps: must be 65535 bps or less, is 70000"),
        (("[[asset]]", "[[asset"), "is not TOML"),
    ],
)
def test_a_file_of_no_use_is_refused_in_one_line_that_names_the_field(tmp_path: Path, change, said: str):
    require_one_line(underwater("revisions", "--account", plain(tmp_path, change)), said)


def test_the_largest_amount_is_taken_to_the_unit(tmp_path: Path):
    """28 digits, as many as a Decimal computes with unasked, are not enough for it."""
    most = plain(tmp_path, ("supplied = 1\n", "supplied = 1329227995784915872903807060280344.575\n"))
    most.write_text(most.read_text().replace("decimals = 18", "decimals = 3"))

    result = read_account(most)

    assert result.account.assets[0].supplied == 2**120 - 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--account", EXAMPLE, "--revision", "3.9"),
            "'3.9' cannot be asked (no such revision is modelled); use 2.0, 3.0.0",
        ),
        (
            ("--account", EXAMPLE, "--revision", "4.0"),
            "cannot be asked (the account of Aave v4 is another one",
        ),
        (("--account", "nowhere.toml"), "nowhere.toml: cannot be read (No such file or directory)"),
        (("--account", CASES, "--case", "no such"), "has no case 'no such'; its cases go from"),
        (("--account", CASES, "--case", "aave_v3-3.6-a-001", "--revision", "2.0"), "'2.0' cannot be asked"),
        (
            ("--account", "tests/vectors/aave_v4/amounts.json", "--case", "x"),
            "must be aave_v2 or aave_v3 for --case",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(arguments, said: str):
    require_one_line(underwater("revisions", *arguments), said)
