"""`underwater crash --state`: recorded markets, offline and without a key."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from forks.aave_v3.mainnet_19471508 import read_figures
from forks.aave_v3.mainnet_19471508.figures import DATA as FIGURES
from forks.aave_v3.sources import open_venue
from forks.crash.where import Where
from forks.state_file import describe_state
from tests.cli_runs import book_file, crash, deployed_market, manifest, require_one_line, summary

pytestmark = pytest.mark.node

HUGE = """
title = "one borrower"
[[kinds.huge.borrowers]]
name = "huge"
collateral_usd = { WETH = 9_000_000_000 }
debt_percent = { DAI = 100 }
health_factor = 1.1
[kinds.huge]
about = "More than the market takes."
"""
ONLY_THE_CHAIN_KNOWS = ["block_number", "transaction_hash", "gas_used"]


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of a crash on the market built from npm artifacts and recorded figures."""
    folder = tmp_path_factory.mktemp("built")
    result = crash(folder, "--state", "mainnet-19471508")
    assert result.exit_code == 0, result.output
    return folder, result.stdout


def test_mainnet_runs_without_a_key_and_no_integer_differs(built: tuple[Path, str]):
    found = summary(built[0])

    assert found["values_differing"] == 0
    assert found["values_compared"] > 3_000
    assert found["source"] == "state"
    assert found["revision"] == "3.0.2"
    assert found["borrowers"] >= 20
    assert found["liquidations"] >= 20
    assert found["borrowers_with_residual_debt"] > 0


def test_the_market_stands_at_the_real_addresses(built: tuple[Path, str]):
    figures = read_figures()
    events = pd.read_parquet(built[0] / "out/events.parquet")

    assert set(events["collateral_asset"]) <= {one.asset for one in figures.reserves}
    assert set(summary(built[0])["contracts"]) == set(figures.contracts)


def test_where_code_hashes_differ_output_and_manifest_say_so(built: tuple[Path, str]):
    folder, output = built
    notes = manifest(folder)["notes"]
    pool = read_figures().contracts["Pool implementation"]
    found = summary(folder)["contracts"]["Pool implementation"]

    assert pool.code_hash
    assert found != pool.code_hash
    assert any(f"Pool implementation {found[:10]}, recorded {pool.code_hash[:10]}" in note for note in notes)
    assert any("metadata only: " in note and "ACLManager" in note for note in notes)
    assert all(note in output for note in notes)


def test_the_manifest_says_of_which_block_and_from_which_figures(built: tuple[Path, str]):
    made = manifest(built[0])
    roles = {"scenario", "book", "figures", "package-lock"}

    assert (made["chain_id"], made["block"], made["block_hash"]) == (1, 19_471_508, None)
    assert made["pool"] == read_figures().address("Pool")
    assert made["inputs"].keys() == roles
    assert made["inputs"]["book"]["file"] == "weth-dai.toml"
    assert made["inputs"]["figures"] == {"file": "figures.json", "sha256": sha256_of(FIGURES)}


def test_recorded_code_and_storage_give_the_same_crash(built: tuple[Path, str], shared: Path, tmp_path: Path):
    record = shared / "mainnet/aave_v3_19471508/anvil_state.json.gz"
    if not record.is_file():
        pytest.skip("the recorded state of block 19471508 is absent")

    result = crash(tmp_path, "--state", record)

    assert result.exit_code == 0, result.output
    for name in ("events", "accounts", "prices"):
        ours, recorded = (pd.read_parquet(folder / f"out/{name}.parquet") for folder in (built[0], tmp_path))
        ours, recorded = (
            table.drop(columns=ONLY_THE_CHAIN_KNOWS, errors="ignore") for table in (ours, recorded)
        )
        pd.testing.assert_frame_equal(ours, recorded)
    assert summary(tmp_path)["values_differing"] == 0
    figures = read_figures()
    contracts = summary(tmp_path)["contracts"]
    assert contracts["Pool implementation"] == figures.contracts["Pool implementation"].code_hash
    made = manifest(tmp_path)
    assert any("the record lacks it" in note for note in made["notes"])
    assert made["block"] == figures.block_number
    assert made["inputs"]["state"] == {"file": record.name, "sha256": sha256_of(record)}
    assert made["inputs"]["figures"] == manifest(built[0])["inputs"]["figures"]


@pytest.fixture(scope="module")
def dumped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A state file of a market of three assets, and the address of its pool."""
    path = tmp_path_factory.mktemp("dumped") / "state.json"
    with deployed_market(["WETH", "DAI", "USDC"]) as venue:
        dump = bytes.fromhex(venue.node.rpc.call("anvil_dumpState")[2:])
        path.write_bytes(gzip.decompress(dump))
        return path, venue.pool


def test_any_dump_runs_when_its_pool_is_named(dumped: tuple[Path, str], tmp_path: Path):
    result = crash(tmp_path, "--state", dumped[0], "--pool", dumped[1], "--book", book_file(tmp_path))

    assert result.exit_code == 0, result.output
    found = summary(tmp_path)
    assert (found["source"], found["revision"], found["values_differing"]) == ("state", "3.6", 0)
    assert found["borrowers"] == 4
    assert found["liquidations"] > 0
    assert "note: LINK is not in this market" in result.stdout
    made = manifest(tmp_path)
    assert made["inputs"]["state"] == {"file": "state.json", "sha256": sha256_of(dumped[0])}
    assert made["inputs"]["book"] == {"file": "five.toml", "sha256": sha256_of(tmp_path / "five.toml")}
    assert made["block"] == describe_state(dumped[0]).block_number
    assert made["pool"] == dumped[1]


def test_a_dump_without_a_known_pool_needs_its_address(dumped: tuple[Path, str], tmp_path: Path):
    require_one_line(crash(tmp_path, "--state", dumped[0]), "no Aave v3 Pool", "--pool ADDRESS")
    assert not (tmp_path / "out").exists()


def test_an_address_that_is_no_pool_is_refused(dumped: tuple[Path, str], tmp_path: Path):
    result = crash(tmp_path, "--state", dumped[0], "--pool", "0x" + "11" * 20)

    require_one_line(result, "no Aave v3 Pool", "0x" + "11" * 20)


def test_a_revision_that_is_not_modelled_is_refused_with_its_number(dumped: tuple[Path, str], tmp_path: Path):
    """Code that answers 99 to every question stands where the pool was."""
    state = json.loads(dumped[0].read_text())
    pool = state["accounts"][dumped[1].lower()]
    pool["code"] = "0x60635f5260205ff3"
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state))

    result = crash(tmp_path, "--state", path, "--pool", dumped[1])

    require_one_line(result, "revision 99", "3.0.2", "3.6 (POOL_REVISION 10)")


def test_a_dump_of_the_built_market_is_refused_with_what_to_do(tmp_path: Path):
    """Its pool answers revision 1, as all sources of its line do."""
    path = tmp_path / "state.json"
    with open_venue(Where(state="mainnet-19471508"), lambda _: None) as venue:
        path.write_bytes(gzip.decompress(bytes.fromhex(venue.node.rpc.call("anvil_dumpState")[2:])))

    result = crash(tmp_path, "--state", path)

    require_one_line(result, str(path), "POOL_REVISION 1", "--state mainnet-19471508")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{}", "no accounts"),
        (b"\x1f\x8b broken", "gzip data is damaged"),
        (None, "No such file"),
    ],
)
def test_a_malformed_state_is_refused_in_one_line(content: bytes | None, reason: str, tmp_path: Path):
    path = tmp_path / "state.json"
    if content is not None:
        path.write_bytes(content)

    require_one_line(crash(tmp_path, "--state", path), str(path), reason)
    assert sorted(one.name for one in tmp_path.iterdir() if one != path) == ["short_60.toml"]


def test_caps_are_lifted_where_the_configurator_is_only_an_address(tmp_path: Path):
    """Nine billion of ether do not fit under the caps of that block."""
    path = tmp_path / "huge.toml"
    path.write_text(HUGE)

    result = crash(tmp_path, "--state", "mainnet-19471508", "--book", path)

    assert result.exit_code == 0, result.output
    assert "supply and borrow caps lifted: WETH, DAI\n" in result.stdout
    assert summary(tmp_path)["values_differing"] == 0
