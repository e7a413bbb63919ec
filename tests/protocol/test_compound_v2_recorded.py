"""Liquidations executed by the contracts, and some of the chain's own, replayed: every value must be equal."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from forks.recordings import compound_v2
from forks.recordings.errors import NotModelled, RecordingMalformed
from forks.recordings.replay import family_of, held_against, record_of, replay_case, replay_file
from forks.recordings.vector_file import RecordedCase, Recording, read_recording
from protocol.compound_v2 import Failure, Revert, account_data, comptroller_rules_of, viewed_at
from protocol.fixed_point.mantissa import mantissa_mul_half_up
from tests.protocol.cases import OWN, SHARED

FOLDER = OWN / "compound_v2"
FILES = ("contract.json", "mainnet_liquidations.json")
CONTRACT, MAINNET = (read_recording(FOLDER / name) for name in FILES)
EVERY = [(recording, case) for recording in (CONTRACT, MAINNET) for case in recording.cases]
NAMES = [case.name for _, case in EVERY]
CASES = pytest.mark.parametrize("case", CONTRACT.cases, ids=lambda case: case.name)


def taken(case: RecordedCase) -> compound_v2.Case:
    return compound_v2.case_of(record_of(case, family_of(CONTRACT)), "2.9")


@pytest.mark.parametrize(("recording", "case"), EVERY, ids=NAMES)
def test_the_model_equals_the_contract_in_every_value(recording: Recording, case: RecordedCase):
    replayed = replay_case(case, family_of(recording), recording.revision)

    assert replayed.differences == ()
    assert replayed.n_values > 0


def test_the_recorded_cases_are_all_there():
    counted = {one.protocol: replay_file(one) for one in (CONTRACT, MAINNET)}
    refused = Counter(case.expect["reverts"] for case in CONTRACT.cases if "reverts" in case.expect)

    assert {name: (one.n_cases, one.n_values, one.n_differing) for name, one in counted.items()} == {
        "compound_v2": (60, 2_712, 0),
        "compound_v2_mainnet": (3, 6, 0),
    }
    assert refused == {
        "INSUFFICIENT_SHORTFALL": 4,
        "INVALID_ACCOUNT_PAIR": 4,
        "INVALID_CLOSE_AMOUNT_REQUESTED": 4,
        "LIQUIDATE_SEIZE_TOO_MUCH": 3,
        "TOO_MUCH_REPAY": 3,
    }


@pytest.mark.parametrize("name", FILES)
def test_the_own_file_is_the_one_beside_the_project(name: str):
    beside = SHARED / "compound_v2" / name
    if not beside.exists():
        pytest.skip("the recorded vectors of ../shared are absent")

    assert (FOLDER / name).read_bytes() == beside.read_bytes()


@CASES
def test_a_refusal_is_told_in_the_contracts_own_words(case: RecordedCase):
    outcome = compound_v2.outcome_of(taken(case))
    told = outcome.raw if isinstance(outcome, Failure | Revert) else None

    assert told == case.expect.get("reverts_raw")


@CASES
def test_a_failure_keeps_what_was_accrued_and_nothing_else(case: RecordedCase):
    call = taken(case)
    outcome = compound_v2.outcome_of(call)
    if not isinstance(outcome, Failure):
        return
    fresh = viewed_at(call.market, call.block_number).ctokens
    touched = {call.call.debt_id, call.call.collateral_id}

    assert outcome.market.accounts == call.market.accounts
    assert outcome.market.ctokens == {i: fresh[i] if i in touched else call.market.ctokens[i] for i in fresh}


@CASES
def test_account_data_of_a_viewed_market_do_not_change_with_the_block(case: RecordedCase):
    call = taken(case)
    viewed = viewed_at(call.market, call.block_number)
    at = {"prices_mantissa": call.prices_mantissa}

    assert account_data(viewed, "borrower", block_number=0, **at) == account_data(
        viewed, "borrower", block_number=call.block_number, **at
    )


def test_the_rounding_of_the_first_comptrollers_does_not_reproduce_the_record():
    def under(release: str) -> int:
        half_up = replace(comptroller_rules_of("2.9"), multiply=comptroller_rules_of(release).multiply)
        n_differing = 0
        for case in CONTRACT.cases:
            call = taken(case)
            call = replace(call, market=replace(call.market, rules=half_up))
            n_differing += len(held_against(case, compound_v2.outputs_of(call)).differences)
        return n_differing

    assert under("G7") == 0
    assert under("G5") > 0


BREAKS: dict[str, tuple[str, Any]] = {
    "rate rounded up": ("protocol.compound_v2.interest.mantissa_mul_down", lambda a, b: -(-a * b // 10**18)),
    "debt rounded up": ("protocol.compound_v2.interest.mul_div_down", lambda a, b, c: -(-a * b // c)),
    "collateral to the nearest": ("protocol.compound_v2.liquidation.mantissa_mul_down", mantissa_mul_half_up),
    "no utilization": ("protocol.compound_v2.rates.utilization", lambda **_: 0),
    "ratio after the product": (
        "protocol.compound_v2.amounts.Terms.seized_for",
        lambda terms, repaid: (
            terms.incentive_mantissa
            * terms.debt_price_mantissa
            * repaid
            // (terms.collateral_price_mantissa * terms.exchange_rate_mantissa)
        ),
    ),
    "every market fresh": (
        "protocol.compound_v2.ledger.Ledger.accrue",
        lambda ledger, market_id, block: [ledger.accrue_other(i, block) for i in ledger.market().ctokens],
    ),
}


@pytest.mark.parametrize(("where", "instead"), BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_rule_is_seen(where: str, instead: Any):
    with patch(where, instead):
        assert replay_file(CONTRACT).n_differing > 0


# --- what a file must hold ---


def changed(case: RecordedCase, *, state: Any = (), action: Any = ()) -> RecordedCase:
    return RecordedCase(
        file=case.file,
        name=case.name,
        state={**case.state, **dict(state)},
        action={**case.action, **dict(action)},
        expect=case.expect,
    )


NOWHERE = {
    "market_id": "9", "entered": False, "ctokens": "0", "borrow_principal_underlying": "0",
    "borrow_interest_index_mantissa": "0",
}  # fmt: skip
NO_INDEX = {**NOWHERE, "market_id": "0", "borrow_principal_underlying": "1"}


@pytest.mark.parametrize(
    ("state", "action", "what"),
    [
        ({"block_number": "1"}, {}, "accrued after state.block_number"),
        ({}, {"borrowed_market_id": "9"}, "action names market 9"),
        ({"liquidator": {"positions": [NOWHERE]}}, {}, "state.liquidator names market 9"),
        ({"borrower": {"positions": [NO_INDEX]}}, {}, "has debt without borrow_interest_index_mantissa"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(state: Any, action: Any, what: str):
    with pytest.raises(RecordingMalformed, match=what):
        record_of(changed(CONTRACT.cases[0], state=state, action=action), family_of(CONTRACT))


@pytest.mark.parametrize(
    ("state", "action", "what"),
    [
        ({"borrow_balance_underlying": "1"}, {}, "state.borrow_balance_underlying is 1, in state.account"),
        ({"price_collateral_mantissa": "1"}, {}, "state.price_collateral_mantissa is 1, in state.account"),
        ({}, {"collateral_ctoken": "0x" + "1" * 40}, "which state.account lacks"),
        ({"transaction": "0x12"}, {}, "transaction"),
    ],
)
def test_a_trace_that_contradicts_itself_is_refused(state: Any, action: Any, what: str):
    with pytest.raises(RecordingMalformed, match=what):
        record_of(changed(MAINNET.cases[0], state=state, action=action), family_of(MAINNET))


@pytest.mark.parametrize(
    ("state", "action", "named"),
    [
        ({"close_factor_mantissa_assumed": "1"}, {}, "TOO_MUCH_REPAY"),
        (
            {"close_factor_mantissa_assumed": None},
            {"repay_amount_underlying": str(10**30)},
            "LIQUIDATE_SEIZE_TOO_MUCH",
        ),
    ],
)
def test_a_trace_of_more_than_the_rules_allow_is_not_reproduced(state: Any, action: Any, named: str):
    case = changed(MAINNET.cases[0], state=state, action=action)
    first = replay_case(case, family_of(MAINNET), MAINNET.revision).differences[0]

    assert (first.field, first.recorded, first.modelled) == ("reverts", "absent", named)


def test_a_release_without_executed_contracts_is_not_taken_for_one():
    with pytest.raises(NotModelled):
        family_of(replace(CONTRACT, revision="2022"))
