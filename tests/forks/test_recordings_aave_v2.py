"""Vector files of Aave v2 and of its mainnet liquidations: what they may not say."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from forks.recordings.errors import NotModelled, RecordingMalformed
from forks.recordings.replay import FileReplay, replay_file
from forks.recordings.vector_file import read_recording
from tests.protocol.cases import OWN

POOL: dict[str, Any] = json.loads((OWN / "aave_v2" / "2.0.json").read_text())
MAINNET: dict[str, Any] = json.loads((OWN / "aave_v2" / "mainnet_liquidations.json").read_text())
SUCCESS = next(case for case in POOL["cases"] if "after" in case["expect"])
Change = Callable[[dict[str, Any]], Any]


def replayed(folder: Path, content: dict[str, Any], case: dict[str, Any]) -> FileReplay:
    path = folder / "vectors.json"
    path.write_text(json.dumps({**content, "cases": [case]}))
    return replay_file(read_recording(path))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            lambda state: state["reserves"][0].update(deficit_underlying="1"),
            "deficit_underlying: must be at most 0",
        ),
        (lambda state: state["reserves"][0].update(accrued_to_treasury_scaled="1"), "must be at most 0"),
        (lambda state: state["reserves"][0].update(liquidation_protocol_fee_bps="1"), "must be at most 0"),
        (
            lambda state: state["reserves"][0].update(paused=True),
            "state.reserves: must be paused all or none",
        ),
        (lambda state: state["reserves"].reverse(), "state.reserves: must be in the order of reserve_id"),
        (lambda state: state["borrower"].update(emode="1"), "state.borrower: must have emode 0"),
        (lambda state: state["emodes"].append({}), "state.emodes"),
        (
            lambda state: state["reserves"][0].update(price_base8="1"),
            "price_base8: extra inputs are not permitted",
        ),
    ],
)
def test_what_aave_v2_does_not_have_is_refused(tmp_path: Path, wrong: Change, words: str):
    case = deepcopy(SUCCESS)
    wrong(case["state"])

    with pytest.raises(RecordingMalformed, match=words.replace("[", r"\[")):
        replayed(tmp_path, POOL, case)


def test_a_pool_that_is_paused_refuses_the_call(tmp_path: Path):
    case = deepcopy(SUCCESS)
    for reserve in case["state"]["reserves"]:
        reserve["paused"] = True

    first = replayed(tmp_path, POOL, case).first

    assert first is not None
    assert (first.field, first.recorded) == ("reverts", "absent")
    assert "Paused" in first.modelled


def test_another_revision_of_aave_v2_is_not_modelled(tmp_path: Path):
    with pytest.raises(NotModelled, match=r"aave_v2 1\.0 is not modelled, nothing was checked"):
        replayed(tmp_path, {**POOL, "revision": "1.0"}, SUCCESS)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda case: case["state"].update(close_factor_bps="10000"), "state.close_factor_bps: must be 5000"),
        (lambda case: case["action"].update(debt_asset="0x" + "1" * 40), "which state.reserves lacks"),
        (lambda case: case["action"].update(debt_asset="0x12"), "action.debt_asset: "),
        (lambda case: case["state"].update(transaction="0x12"), "state.transaction: "),
        (lambda case: case["state"]["reserves"].append(case["state"]["reserves"][0]), "the same asset"),
        (lambda case: case["expect"].pop("total_debt_base18"), "expect.total_debt_base18: is missing"),
    ],
)
def test_a_liquidation_of_mainnet_that_does_not_hang_together_is_refused(
    tmp_path: Path, wrong: Change, words: str
):
    case = deepcopy(MAINNET["cases"][0])
    wrong(case)

    with pytest.raises(RecordingMalformed, match=words):
        replayed(tmp_path, MAINNET, case)


@pytest.mark.parametrize("place", range(len(MAINNET["cases"])))
def test_every_changed_value_of_a_liquidation_of_mainnet_is_reported(tmp_path: Path, place: int):
    for field in MAINNET["cases"][place]["expect"]:
        case = deepcopy(MAINNET["cases"][place])
        case["expect"][field] = str(int(case["expect"][field]) + 1)
        done = replayed(tmp_path, MAINNET, case)

        assert (done.n_values, done.n_differing) == (4, 1)
        assert done.first is not None
        assert done.first.field == field
