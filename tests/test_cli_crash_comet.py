"""`underwater crash --protocol compound_v3 --node`: the whole command on recorded absorptions, no contract at hand.

The node is `tests.forks.comet_node`. It answers as recorded at the recorded time, and one block before, at the last
accrual: the crash begins a block after the node is found, so records are taken whose last accrual is 12 seconds old.
Prices hold, as another price is not on record.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from eth_utils.crypto import keccak

from forks.compound_v3.reader import MarketReader
from forks.compound_v3.sources import KNOWN_COMETS, open_venue
from forks.crash.job import SECONDS_TO_CRASH
from forks.crash.where import Where
from forks.node import Node
from forks.recordings.vector_file import RecordedCase
from forks.rpc import Rpc
from forks.toolchain import find_anvil
from protocol.compound_v3.rule_set import BEARERS
from protocol.units import BASE_PER_USD
from tests.cli_runs import require_one_line, underwater
from tests.forks.comet_node import RecordedNode, words
from tests.forks.comet_server import BORROWER, COMET, PLAIN, RECORDING, Beyond, RecordedComet
from tests.forks.servers import serving

SCENARIO = """
name = "as recorded"
seconds_per_step = 12
n_steps = 1
seed = 1
[market.default]
knots = [[0, 1.0]]
[feed.default]
deviation_threshold_ppb = 5_000_000
heartbeat_s = 3_600
round_period_s = 12
offchain_latency_s = 8
[gas]
units = 400_000
token = "BASE"
price_gwei = [[0, 0]]
[[liquidator]]
name = "desk"
capital_usd = 1_000_000
turnaround_s = 60
"""
NOT_SOLD = replace(PLAIN, pauses=(False, False, False, False, True))
FORGIVEN, SURPLUS, NO_DISCOUNT = "compound_v3-a-030", "compound_v3-a-046", "compound_v3-a-041"
RUNS = {
    "bought": (FORGIVEN, PLAIN),
    "not sold": (FORGIVEN, NOT_SOLD),
    "surplus": (SURPLUS, PLAIN),
    "left alone": (NO_DISCOUNT, PLAIN),
}
"""Debt is forgiven and a collateral bought, or none sold; the borrower is left a supplier; without a discount nobody
gains anything, and nobody absorbs."""
FILES = {
    *(f"{name}.{end}" for name in ("events", "accounts", "losses", "prices") for end in ("parquet", "csv")),
    *("parity.parquet", "summary.json", "manifest.json"),
    *("market_against_oracle.png", "borrowers.png", "residual_against_delay.png"),
}


def recorded(name: str) -> RecordedCase:
    (case,) = [one for one in RECORDING.cases if one.name == name]
    return case


@dataclass(kw_only=True)
class Finished:
    """A run of the command, and the node that it ran on."""

    server: RecordedNode
    found: dict[str, Any]
    """The node before."""
    out: Path
    shown: str

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.out / "summary.json").read_text())

    @property
    def forgiven(self) -> int:
        return int(self.server.expect["debt_not_covered_by_collateral_base"])

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.out / f"{name}.parquet")


def command(url: str, folder: Path, *pool: str) -> Any:
    (folder / "scenario.toml").write_text(SCENARIO)
    files = ("--scenario", folder / "scenario.toml", "--out", folder / "out")
    return underwater(
        "crash", "--protocol", "compound_v3", "--node", url, "--accounts", BORROWER, *pool, *files
    )


def carried_out(name: str, beyond: Beyond, folder: Path) -> Finished:
    server = RecordedNode(recorded(name), beyond)
    found = server.as_found()
    with serving(server):
        result = command(server.url, folder, "--pool", COMET)
    assert result.exit_code == 0, (result.output, server.refused)
    return Finished(server=server, found=found, out=folder / "out", shown=result.stdout)


Runs = Callable[[str], Finished]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Each run, once."""
    done: dict[str, Finished] = {}

    def of(name: str) -> Finished:
        if name not in done:
            done[name] = carried_out(*RUNS[name], tmp_path_factory.mktemp("comet"))
        return done[name]

    return of


@pytest.fixture(params=RUNS)
def run(runs: Runs, request: pytest.FixtureRequest) -> Finished:
    return runs(request.param)


# --- of every run ---


def test_every_integer_is_that_of_the_record(run: Finished):
    summary, parity = run.summary, run.table("parity")

    assert run.server.refused == []
    assert summary["values_differing"] == 0
    assert summary["values_compared"] == len(parity) > 20
    assert summary["values_changed"] == int(parity["changed"].sum())
    assert (parity["model"] == parity["chain"]).all()
    calls = {f"liquidation {index}" for index in range(len(run.table("events")))}
    assert set(parity["liquidation"]) == {"opening", "end", *calls}


def test_the_node_is_left_as_it_was_found(run: Finished):
    assert run.server.as_found() == run.found
    assert {"evm_revert", "anvil_setCode", "anvil_dealERC20"} <= set(run.server.methods)


def test_all_files_are_written_and_say_where_it_ran(run: Finished):
    summary, manifest = run.summary, json.loads((run.out / "manifest.json").read_text())
    symbols = [f"A{i}" for i in range(len(run.server.record.state.assets))]

    assert {path.name for path in run.out.iterdir()} == FILES
    assert manifest["files"].keys() == FILES - {"manifest.json"}
    assert (manifest["pool"], manifest["accounts"]) == (COMET, [BORROWER])
    assert manifest["timestamp"] == run.server.record.state.timestamp
    assert (summary["source"], summary["market"]) == ("node", "Compound v3 (BASE)")
    assert summary["revision"] == RECORDING.revision
    assert list(summary["contracts"]) == ["Comet", "BASE", *symbols]
    assert (summary["borrowers"], summary["frontier_agrees"]) == (1, True)
    assert list(summary["seconds"]) == ["set-up", "open", "crash", "why", "write"]


def test_the_losses_are_named_with_who_carries_them(run: Finished):
    losses, accounts = run.table("losses"), run.table("accounts")
    parts = {
        "written off": ("deficit_usd", BEARERS.written_off),
        "uncovered": ("uncovered_usd", BEARERS.uncovered),
    }

    state = run.server.record.state
    unit_base = (
        state.price_base_price8 // 10**state.base_decimals + 1
    )  # each loss is cut to a unit of the asset
    for part, (column, bearer) in parts.items():
        of_part = losses[losses["part"] == part]
        assert set(of_part["borne_by"]) <= {bearer}
        cut_base = round((accounts[column].sum() - of_part["loss_usd"].sum()) * BASE_PER_USD)
        assert 0 <= cut_base <= unit_base, part
    assert all(bearer in " ".join(run.shown.split()) for bearer in losses["borne_by"])


# --- what each came to ---


def test_what_was_forgiven_is_the_recorded_amount_and_a_collateral_is_bought(runs: Runs):
    run = runs("bought")
    (event,), server = run.table("events").to_dict("records"), run.server

    assert run.summary["liquidations"] == 1
    assert run.summary["deficit"] == {"BASE": str(run.forgiven)} != {"BASE": "0"}
    assert json.loads(event["chain_deficits"]) == {"BASE": str(run.forgiven)}
    paid, sold = int(event["chain_debt_to_cover"]), int(event["chain_liquidated_collateral_amount"])
    taken = {f"A{one['asset_index']}": one for one in server.expect["collateral_absorbed"]}
    bought = taken[event["collateral_symbol"]]
    assert 0 < sold <= int(bought["amount"])
    assert sold == server.worth(int(bought["asset_index"]), paid)
    assert run.summary["beyond_every_cause"] == 1  # prices hold: the market itself is below


def test_a_store_front_that_is_paused_is_compared_by_the_name_of_its_refusal(runs: Runs):
    run = runs("not sold")
    (event,), parity = run.table("events").to_dict("records"), run.table("parity")

    assert (event["chain_debt_to_cover"], event["chain_liquidated_collateral_amount"]) == ("0", "0")
    assert run.summary["deficit"] == {"BASE": str(run.forgiven)}
    refused = parity.loc[parity["field"].str.endswith("purchaseRefused"), "chain"]
    assert [int(one) for one in refused] == [int.from_bytes(bytes.fromhex("9e87fac8"))]  # Paused()


def test_a_borrower_may_be_left_a_supplier(runs: Runs):
    run = runs("surplus")
    parity, after = run.table("parity"), run.server.expect["after"]

    (principal,) = parity.loc[
        (parity["liquidation"] == "end")
        & parity["field"].str.endswith("principal")
        & parity["field"].str.startswith("account."),
        "chain",
    ]
    assert int(principal) == int(after["principal_signed"]) > 0
    assert run.summary["deficit"] == {}
    assert run.table("losses").empty


def test_without_a_discount_nobody_absorbs_and_the_gap_stays_uncovered(runs: Runs):
    run = runs("left alone")

    assert run.table("events").empty
    assert run.summary["residual_debt_usd"] > 0
    assert set(run.table("losses")["part"]) == {"uncovered"}


# --- the server itself, and what is refused ---


@pytest.mark.parametrize("case", RECORDING.cases, ids=lambda case: case.name)
def test_what_is_sold_is_worked_out_as_every_recorded_quote_was(case: RecordedCase):
    server = RecordedNode(case)
    recorded_quotes = zip(server.quotes(), case.expect["quotes"], strict=True)

    for (asset_id, paid), quote in recorded_quotes:
        if quote is not None:
            assert server.worth(asset_id, paid) == int(quote)


def test_records_are_taken_whose_last_accrual_is_one_block_old():
    for name, _ in RUNS.values():
        state = recorded(name).state
        assert int(state["timestamp"]) - int(state["last_accrual_timestamp"]) == SECONDS_TO_CRASH


def test_a_chain_that_sells_one_unit_less_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    worth = RecordedNode.worth
    monkeypatch.setattr(RecordedNode, "worth", lambda *asked: worth(*asked) - 1)
    server = RecordedNode(recorded(FORGIVEN))
    found = server.as_found()
    with serving(server):
        result = command(server.url, tmp_path, "--pool", COMET)

    require_one_line(result, "model and chain differ", "liquidation 0", "chain minus model -1", code=1)
    assert not (tmp_path / "out").exists()
    assert server.as_found() == found


def test_the_comet_of_the_chain_is_taken_where_none_is_named(tmp_path: Path):
    server = RecordedNode(recorded(FORGIVEN))
    with serving(server):
        require_one_line(command(server.url, tmp_path), "no Comet at", "--pool")
        with patch.dict(KNOWN_COMETS, {1: COMET}):
            assert command(server.url, tmp_path).exit_code == 0
    assert server.refused == []


# --- a state and a fork: the record's answers on a real node, given by code of our own ---

ANSWERING = bytes.fromhex(
    "366000600037366000208054" + "".join(f"8160{j + 1:02x}015460{32 * j:02x}52" for j in range(8)) + "6000f3"
)
"""Runtime code: the hash of what is asked is a storage slot that holds how many bytes are answered; they follow."""


def teach(node: Node, server: RecordedComet) -> None:
    """Let a node answer all that a reader asks of the recorded market."""
    with serving(server):
        rpc = Rpc(server.url)
        reader = MarketReader(rpc, COMET)
        reader.market([BORROWER])
        reader.prices()
        rpc.close()
    asked = [one for body in server.bodies for one in (body if isinstance(body, list) else [body])]
    calls = [one["params"][0] for one in asked if one["method"] == "eth_call"]
    for to in {one["to"] for one in calls}:
        node.set_code(to, ANSWERING)
    for one in calls:
        answer = words(server._call(one))
        slot = int.from_bytes(keccak(hexstr=one["data"]))
        for place, word in enumerate([32 * len(answer), *answer]):
            node.set_storage(one["to"], slot + place, word)


@pytest.mark.node
def test_a_comet_in_a_state_and_on_a_fork_is_read_to_the_last_integer(tmp_path: Path):
    server, anvil = RecordedComet(recorded(FORGIVEN)), find_anvil().path
    with Node.start(anvil, timestamp=server.timestamp) as node, ExitStack() as life:
        teach(node, server)
        node.mine()
        state = tmp_path / "state.json"
        state.write_bytes(bytes.fromhex(node.write("anvil_dumpState")[2:]))
        life.enter_context(patch.dict(KNOWN_COMETS, {31_337: COMET}))
        for where, source in ((Where(state=str(state)), "state"), (Where(fork_urls=node.url), "fork")):
            for named in (where, replace(where, pool=COMET)):
                with open_venue(named, print) as venue:
                    assert (venue.source, venue.address, venue.start_block) == (source, COMET, 1)
                    assert venue.inputs == ({"state": state} if source == "state" else {})
                    assert venue.market([BORROWER]) == server.market()
                    assert venue.prices() == server.prices()
                    assert venue.contracts.keys() == {"Comet", "BASE", *(f"A{i}" for i in range(4))}
