"""Absorptions executed by the contract, replayed by the model: every value must be equal."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from forks.recordings import compound_v3
from forks.recordings.errors import RecordingMalformed
from forks.recordings.replay import family_of, record_of, replay_case, replay_file
from forks.recordings.vector_file import RecordedCase, read_recording
from protocol.compound_v3 import REVISIONS, account_data, amounts, principal, viewed_at
from tests.protocol.cases import OWN, ROOT, SHARED

FILE = OWN / "compound_v3" / "absorb.json"
RECORDING = read_recording(FILE)
FAMILY = family_of(RECORDING)
CASES = pytest.mark.parametrize("case", RECORDING.cases, ids=lambda case: case.name)


def taken(case: RecordedCase) -> compound_v3.Case:
    return compound_v3.case_of(record_of(case, FAMILY), RECORDING.revision)


@CASES
def test_the_model_equals_the_contract_in_every_value(case: RecordedCase):
    replayed = replay_case(case, FAMILY, RECORDING.revision)

    assert replayed.differences == ()
    assert replayed.n_values >= 6


def test_the_recorded_cases_are_all_there():
    replayed = replay_file(RECORDING)
    refused = sum("reverts" in case.expect for case in RECORDING.cases)

    assert (replayed.n_cases, replayed.n_values, replayed.n_differing) == (100, 2_225, 0)
    assert refused == 20


def test_the_own_file_is_the_one_beside_the_project():
    beside = SHARED / "compound_v3" / "absorb.json"
    if not beside.exists():
        pytest.skip("the recorded vectors of ../shared are absent")

    assert FILE.read_bytes() == beside.read_bytes()


@pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)
def test_every_version_counts_alike(rules: Any):
    differences = [replay_case(case, FAMILY, rules.revision).differences for case in RECORDING.cases]

    assert not any(differences)


def test_the_view_lags_behind_what_absorb_finds_in_recorded_cases():
    told = []
    for case in map(taken, RECORDING.cases):
        data = account_data(
            case.market, compound_v3.BORROWER, prices_base=case.prices_base, timestamp=case.timestamp
        )
        told.append((data.is_liquidatable, data.is_absorbable))

    assert [told.count(one) for one in ((True, True), (False, True), (False, False), (True, False))] == [
        67, 13, 20, 0,
    ]  # fmt: skip


@CASES
def test_account_data_of_a_viewed_market_are_fresh(case: RecordedCase):
    call = taken(case)
    at = {"prices_base": call.prices_base, "timestamp": call.timestamp}
    stored = account_data(call.market, compound_v3.BORROWER, **at)
    viewed = account_data(viewed_at(call.market, call.timestamp), compound_v3.BORROWER, **at)

    assert (viewed.supply_balance, viewed.borrow_balance) == (stored.supply_balance, stored.borrow_balance)
    assert viewed.is_liquidatable is viewed.is_absorbable is stored.is_absorbable


def _up(index_e15: int, owed: int) -> int:
    return -(-owed * index_e15 // 10**15)


def _to_the_cent(old_balance: int, credit_base: int, **at: int) -> amounts.Settlement:
    return _SETTLEMENT(old_balance, credit_base // 10**6 * 10**6, **at)


_SETTLEMENT = amounts.settlement
BREAKS = {
    "debt rounded up": ("protocol.compound_v3.interest.present_value_down", _up),
    "principal rounded down": (
        "protocol.compound_v3.liquidation.principal_value",
        lambda market, balance: principal.principal_value(market, balance) + 1,
    ),
    "credit in cents": ("protocol.compound_v3.liquidation.settlement", _to_the_cent),
    "no utilization": ("protocol.compound_v3.interest.utilization", lambda market: 0),
}


@pytest.mark.parametrize(("where", "instead"), BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_rule_is_seen(where: str, instead: Any):
    with patch(where, instead):
        assert replay_file(RECORDING).n_differing > 0


def changed(case: RecordedCase, **state: Any) -> RecordedCase:
    return RecordedCase(
        file=case.file,
        name=case.name,
        state={**case.state, **state},
        action=case.action,
        expect=case.expect,
    )


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({"base_decimals": "5"}, "must be from 6 to 18"),
        ({"last_accrual_timestamp": "9999999999"}, "is after state.timestamp"),
        ({"assets": []}, "must have one balance for each"),
        ({"borrower": {"principal_signed": "-0", "collateral": []}}, "must not be -0"),
        ({"borrower": {"principal_signed": f"-{2**255 + 1}", "collateral": []}}, "below -(2**255)"),
        ({"borrower": {"principal_signed": "1.5", "collateral": []}}, "must be an integer"),
    ],
)
def test_a_state_that_no_contract_has_is_refused(state: dict[str, Any], what: str):
    with pytest.raises(RecordingMalformed) as refused:
        record_of(changed(RECORDING.cases[0], **state), FAMILY)

    assert what in str(refused.value)


def said_of(case: RecordedCase) -> dict[str, Any]:
    return compound_v3.replayed(record_of(case, FAMILY), RECORDING.revision)


def test_a_view_that_reverts_has_no_value():
    case = RECORDING.cases[0]
    worthless = [{**one, "price8": "0"} for one in case.state["assets"]]
    said = said_of(changed(case, assets=worthless))
    assert said == {"reverts": "BadPrice", "before": {}, "quotes": [None] * 4}

    said = said_of(changed(case, base_token_balance=str(2**255)))
    assert said["after"]["reserves_base_signed"] is None
    assert said_of(case)["after"]["reserves_base_signed"] == -803_073_262_503


def test_quotes_and_collaterals_must_be_of_listed_assets():
    case = RECORDING.cases[0]
    beyond = RecordedCase(
        file=case.file,
        name=case.name,
        state=case.state,
        action={"type": "absorb", "quotes": [{"asset_index": "24", "base_amount": "1"}]},
        expect=case.expect,
    )
    gap = [{**one, "asset_index": str(2 * i)} for i, one in enumerate(case.state["assets"])]
    for broken, what in ((beyond, "names asset 24"), (changed(case, assets=gap), "without a gap")):
        with pytest.raises(RecordingMalformed, match=what):
            record_of(broken, FAMILY)


def test_a_number_below_zero_is_read_only_where_its_name_says_so():
    case = RECORDING.cases[0]
    wrong = RecordedCase(
        file=case.file,
        name=case.name,
        state=case.state,
        action=case.action,
        expect={**case.expect, "base_paid_out": "-1"},
    )
    with pytest.raises(RecordingMalformed, match="base_paid_out"):
        replay_case(wrong, FAMILY, RECORDING.revision)
    assert case.expect["after"]["reserves_base_signed"].startswith("-")


def test_the_document_names_every_field_and_cause():
    def names(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {name for item in value.values() for name in names(item)}
        return {name for item in value for name in names(item)} if isinstance(value, list) else set()

    document = (ROOT / "docs" / "vector-format.md").read_text()
    section = document.split("\n## `compound_v3`\n")[1].split("\n## ")[0]
    named = {
        name.replace("borrow_kink", "borrow_").replace("borrow_per_second", "supply_per_second")
        for case in RECORDING.cases
        for name in names([dict(case.state), dict(case.action), dict(case.expect)])
    }

    assert {name for name in named - {"reverts"} if name not in section} == set()
    assert {case.expect["reverts"] for case in RECORDING.cases if "reverts" in case.expect} == {
        "NotLiquidatable"
    }
    assert "`NotLiquidatable`" in section
