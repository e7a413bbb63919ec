"""Liquidations executed by the contracts, replayed by the models: every value must be equal."""

from __future__ import annotations

from collections import Counter

import pytest

from protocol.aave_v3 import account_data, rules_of, viewed_at
from tests.protocol.cases import OWN, SHARED, OwnCase, files_in, own_cases, own_recordings, v3_case, v3_replay

CASES = own_cases()
V3_CASES = own_cases("aave_v3")


def name_of(own: OwnCase) -> str:
    return own.case.name


@pytest.mark.parametrize("own", CASES, ids=name_of)
def test_model_equals_the_contracts_in_every_value(own: OwnCase):
    done = own.replay()

    assert done.differences == ()
    assert done.n_values > 0


def test_own_cases_cover_every_recorded_revision_and_compare_enough():
    n_cases = {
        f"{recording.protocol} {recording.revision}": len(recording.cases) for recording in own_recordings()
    }
    n_values = Counter(own.recording.protocol for own in CASES for _ in range(own.replay().n_values))

    assert n_cases == {
        "aave_v2 2.0": 40,
        "aave_v2_mainnet 2021-08..2021-10": 5,
        "aave_v3 3.0.2": 60,
        "aave_v3 3.2": 60,
        "aave_v3 3.3": 60,
        "aave_v3 3.4": 60,
        "aave_v3 3.5": 60,
        "aave_v3 3.6": 60,
        "aave_v3 3.7": 60,
        "aave_v4 0.5.11": 60,
    }
    assert n_values == {"aave_v2": 3_083, "aave_v2_mainnet": 20, "aave_v3": 31_530, "aave_v4": 248}


def test_own_files_are_those_beside_the_project():
    beside = files_in(SHARED)
    if not beside:
        pytest.skip("the recorded vectors of ../shared are absent")

    assert {name: path.read_bytes() for name, path in files_in(OWN).items()} == {
        name: path.read_bytes() for name, path in beside.items()
    }


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ("3.0.2", "3.2"),
        ("3.2", "3.3"),
        ("3.3", "3.4"),
        ("3.4", "3.5"),
        ("3.5", "3.6"),
        ("3.6", "3.5"),
        ("3.6", "3.7"),
    ],
)
def test_the_rules_of_a_neighbour_revision_do_not_reproduce_the_record(mine: str, other: str):
    cases = [own for own in V3_CASES if own.recording.revision == mine]

    assert cases
    assert any(v3_replay(own, rules_of(other)).differences for own in cases)


@pytest.mark.parametrize("own", V3_CASES, ids=name_of)
def test_account_data_of_a_viewed_market_are_the_same(own: OwnCase):
    case = v3_case(own)
    prices, now = case.prices_base, case.timestamp
    viewed = viewed_at(case.market, now)

    for user in case.market.accounts:
        data = account_data(viewed, user, prices_base=prices, timestamp=now)
        assert data == account_data(case.market, user, prices_base=prices, timestamp=now)
