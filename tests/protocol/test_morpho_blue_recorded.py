"""Liquidations executed by the contracts, replayed by the model: every value must be equal."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest

from forks.recordings import morpho_blue as recordings
from forks.recordings.replay import family_of, record_of, replay_case, replay_file
from forks.recordings.vector_file import RecordedCase, read_recording
from protocol.morpho_blue import Revert, account_data, liquidate, liquidation_quote, viewed_at
from protocol.morpho_blue import liquidation as steps
from protocol.morpho_blue.bad_debt import NO_BAD_DEBT
from protocol.morpho_blue.frontier import residual_exact, residual_if_exhausted
from tests.protocol.cases import OWN, SHARED

FILE = OWN / "morpho_blue" / "liquidate.json"
RECORDING = read_recording(FILE)
FAMILY = family_of(RECORDING)
EVERY = pytest.mark.parametrize("case", RECORDING.cases, ids=lambda case: case.name)


def market_and_state(case: RecordedCase):
    state = record_of(case, FAMILY).state
    return recordings.market_of(state), state


@EVERY
def test_the_model_equals_the_contracts_in_every_value(case: RecordedCase):
    done = replay_case(case, FAMILY, RECORDING.revision)

    assert done.differences == ()
    assert done.n_values > 0


def test_the_whole_file_is_compared():
    done = replay_file(RECORDING)

    assert (done.n_cases, done.n_values, done.n_differing) == (60, 1_081, 0)


def test_the_own_file_is_the_one_beside_the_project():
    beside = SHARED / "morpho_blue" / "liquidate.json"
    if not beside.exists():
        pytest.skip("the recorded vectors of ../shared are absent")

    assert FILE.read_bytes() == beside.read_bytes()


@EVERY
def test_account_data_of_a_viewed_market_are_the_same(case: RecordedCase):
    market, state = market_and_state(case)
    at = {"price_e36": state.oracle_price_1e36, "timestamp": state.timestamp}

    for user in (*market.accounts, "nobody"):
        viewed = viewed_at(market, state.timestamp)
        assert account_data(viewed, user, **at) == account_data(market, user, **at)


@EVERY
def test_a_quote_tells_the_amounts_of_the_call(case: RecordedCase):
    market, state = market_and_state(case)
    at = {"price_e36": state.oracle_price_1e36, "timestamp": state.timestamp}
    call = recordings.call_of(record_of(case, FAMILY).action)
    outcome, quote = liquidate(market, call, **at), liquidation_quote(market, call, **at)

    if isinstance(outcome, Revert):
        assert isinstance(quote, Revert) is (outcome.name != "Panic(0x11)"), (
            "what is too much is only found later"
        )
    else:
        assert quote == (outcome.seized_assets, outcome.repaid_shares, outcome.repaid_assets)


def test_the_bad_debt_of_recorded_calls_that_seized_everything_is_the_closed_form():
    held = 0
    for case in RECORDING.cases:
        if case.expect.get("bad_debt_assets", "0") == "0" or case.action["seized_assets"] == "0":
            continue
        market, state = market_and_state(case)
        viewed = viewed_at(market, state.timestamp)
        sides = viewed.total_borrow, viewed.accounts[recordings.BORROWER]
        terms = {"lltv_wad": market.lltv_wad, "price_e36": state.oracle_price_1e36}
        assert residual_if_exhausted(*sides, **terms) == int(case.expect["bad_debt_assets"])
        assert abs(residual_exact(*sides, **terms) - int(case.expect["bad_debt_assets"])) < 4
        held += 1

    assert held >= 5


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (
            "accrued",
            lambda accrued: lambda market, timestamp: replace(market, last_update_timestamp=timestamp),
        ),
        (
            "realize_bad_debt",
            lambda realize: lambda market, borrower: (market, NO_BAD_DEBT),
        ),
    ],
)
def test_a_rule_left_out_is_a_difference(name, wrong):
    with patch.object(steps, name, wrong(getattr(steps, name))):
        assert replay_file(RECORDING).n_differing > 0
