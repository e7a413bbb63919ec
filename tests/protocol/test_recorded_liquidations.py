"""Liquidations executed by the compiled contracts, replayed by the model: every value must be equal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import REVISIONS, account_data, rules_of, viewed_at
from tests.protocol.cases import OWN, SHARED, Case, leaves_of, own_cases, shared_cases

OWN_CASES = own_cases()
SHARED_CASES = shared_cases()


@pytest.mark.parametrize("case", OWN_CASES, ids=lambda case: case.name)
def test_model_equals_the_contracts_in_every_value(case: Case):
    assert leaves_of(case) == case.expected


@pytest.mark.skipif(
    not SHARED_CASES, reason=f"recorded liquidations beside the project are absent: {SHARED.name}"
)
@pytest.mark.parametrize("case", SHARED_CASES, ids=lambda case: case.name)
def test_model_equals_the_contracts_in_every_shared_value(case: Case):
    assert leaves_of(case) == case.expected


def test_own_cases_cover_both_main_revisions_and_compare_enough():
    assert {path.stem for path in OWN.glob("*.json")} == {"3.0.2", "3.6"}
    assert sum(len(case.expected) for case in OWN_CASES) > 1_000
    assert {case.expected["reverts"] for case in OWN_CASES if "reverts" in case.expected}
    assert any(path.startswith("deficits_created") for case in OWN_CASES for path in case.expected)


@pytest.mark.skipif(not SHARED_CASES, reason="recorded liquidations beside the project are absent")
def test_shared_cases_cover_every_listed_revision_with_every_value():
    covered = {case.market.rules.revision for case in SHARED_CASES}

    assert covered == {rules.revision for rules in REVISIONS}
    assert sum(len(case.expected) for case in SHARED_CASES) > 20_000


@pytest.mark.parametrize(("mine", "other"), [("3.0.2", "3.2"), ("3.6", "3.5"), ("3.6", "3.7")])
def test_the_rules_of_a_neighbour_revision_do_not_reproduce_the_record(mine: str, other: str):
    cases = [case for case in OWN_CASES if case.market.rules.revision == mine]
    swapped = [replace(case, market=replace(case.market, rules=rules_of(other))) for case in cases]

    assert any(leaves_of(case) != case.expected for case in swapped)


@pytest.mark.parametrize("case", OWN_CASES, ids=lambda case: case.name)
def test_account_data_of_a_viewed_market_are_the_same(case: Case):
    prices, now = case.prices_base, case.timestamp
    viewed = viewed_at(case.market, now)

    for user in case.market.accounts:
        data = account_data(viewed, user, prices_base=prices, timestamp=now)
        assert data == account_data(case.market, user, prices_base=prices, timestamp=now)
