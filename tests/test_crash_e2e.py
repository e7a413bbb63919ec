"""`underwater crash` end to end: the default crash once, as a person runs it, and short ones to compare runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from protocol.aave_v3 import liquidation
from stress.causes import CAUSES
from tests.cli_runs import SCENARIO, book_file, crash, underwater

pytestmark = pytest.mark.node

COMMAND = Path(sys.executable).parent / "underwater"
MARK = "UNDERWATER_TEST_RUN"
"""An environment variable that children inherit: how processes of a run are found afterwards."""
FILES = {
    *(
        f"{name}.{ending}"
        for name in ("events", "accounts", "prices", "losses", "book")
        for ending in ("parquet", "csv")
    ),
    *("parity.parquet", "summary.json", "manifest.json"),
    *("market_against_oracle.png", "borrowers.png", "residual_against_delay.png"),
}
SUMMARY_KEYS = {
    *("values_compared", "values_changed", "values_differing", "reverts_compared", "source", "liquidations"),
    *("multi_debt_liquidations", "borrowers", "borrowers_with_residual_debt", "residual_debt_usd", "deficit"),
    *("pool_revision", "contracts", "causes", "seconds"),
}
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run of the command in a process of its own."""

    process: subprocess.CompletedProcess[str]
    cwd: Path
    out: Path
    left_behind: list[str]
    """Command lines of its processes that still run."""

    def json(self, name: str) -> dict[str, Any]:
        return json.loads((self.out / f"{name}.json").read_text())

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.out / f"{name}.parquet")


def finished(folder: Path, *arguments: object) -> Finished:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_RPC_URL")}
    mark = f"{os.getpid()}-{folder.name}"
    process = subprocess.run(
        [COMMAND, "crash", *map(str, arguments)],
        cwd=folder,
        env={**environment, MARK: mark},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return Finished(process=process, cwd=folder, out=folder / "out", left_behind=running_with(mark))


def running_with(mark: str) -> list[str]:
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The default crash, its results put in place of an older run's."""
    folder = tmp_path_factory.mktemp("default")
    (folder / "out").mkdir()
    older = {"versions": {"underwater": "0.0.1"}, "files": {"stale.csv": "its hash"}}
    (folder / "out/manifest.json").write_text(json.dumps(older))
    (folder / "out/stale.csv").write_text("of an older run")
    return finished(folder, "--out", "out")


def test_it_ends_well_with_nothing_left_running_and_nothing_written_but_out(run):
    assert run.process.returncode == 0, run.process.stderr
    assert run.left_behind == []
    assert [path.name for path in run.cwd.iterdir()] == ["out"]


def test_the_search_for_processes_left_behind_can_find_one(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        env={**os.environ, MARK: str(tmp_path)},
    )
    try:
        assert len(running_with(str(tmp_path))) == 1
    finally:
        child.communicate()
    assert running_with(str(tmp_path)) == []


def test_an_older_folder_is_replaced_whole(run):
    assert {path.name for path in run.out.iterdir()} == FILES


def test_the_summary_holds_what_it_promises_and_is_good_enough(run):
    summary = run.json("summary")

    assert summary.keys() >= SUMMARY_KEYS
    assert summary["values_differing"] == 0
    assert summary["values_compared"] >= 5_000
    assert summary["values_changed"] >= 1_500
    assert summary["liquidations"] >= 60
    assert summary["borrowers_with_residual_debt"] >= 15
    assert summary["multi_debt_liquidations"] > 0
    assert summary["reverts_compared"]["MustNotLeaveDust"] >= 3
    assert (summary["source"], summary["pool_revision"]) == ("deployed", 10)
    assert summary["frontier_agrees"] is True
    assert all(isinstance(seconds, float) and seconds >= 0 for seconds in summary["seconds"].values())
    assert list(summary["seconds"]) == ["set-up", "open", "crash", "why", "write"]
    assert summary["seconds"]["write"] > 0


def test_every_borrower_with_residual_debt_has_a_cause_and_every_cause_has_a_borrower(run):
    summary, accounts = run.json("summary"), run.table("accounts")
    losers = accounts[accounts["residual_usd"] > 0]

    assert list(summary["causes"]) == [*CAUSES, "several"] == [
        "oracle_lag", "toxic", "gas", "dust", "capital", "several",
    ]  # fmt: skip
    assert sum(summary["causes"].values()) == summary["borrowers_with_residual_debt"] == len(losers)
    assert summary["causes"] == {name: Counter(losers["cause"])[name] for name in summary["causes"]}
    assert all(count > 0 for count in summary["causes"].values())
    assert set(accounts.loc[accounts["residual_usd"] == 0, "cause"]) == {""}
    assert summary["residual_debt_usd"] == round(float(accounts["residual_usd"].sum()), 2)
    assert summary["borrowers"] == len(accounts) >= 44 + 30


def test_the_deficit_is_the_sum_of_the_events_that_the_chain_emitted(run):
    emitted: Counter[str] = Counter()
    for deficits in run.table("events")["chain_deficits"]:
        emitted.update({symbol: int(amount) for symbol, amount in json.loads(deficits).items()})
    deficit = run.json("summary")["deficit"]

    assert all(isinstance(amount, str) for amount in deficit.values())
    assert {symbol: int(amount) for symbol, amount in deficit.items()} == dict(emitted)
    assert len(deficit) >= 3


def test_contracts_are_named_with_the_hash_of_their_code(run):
    contracts = run.json("summary")["contracts"]

    assert contracts.keys() >= {
        "Pool",
        "PoolInstance",
        "LiquidationLogic",
        "ATokenInstance",
        "AaveOracle",
        "USDC",
    }
    assert all(len(bytes.fromhex(code_hash.removeprefix("0x"))) == 32 for code_hash in contracts.values())
    assert contracts["LiquidationLogic"] != contracts["PoolInstance"]


def test_the_events_are_the_calls_liquidations_and_refusals(run):
    summary, events = run.json("summary"), run.table("events")
    outcomes = Counter(events["outcome"])
    through = events[events["outcome"] == "liquidated"]

    assert outcomes.pop("liquidated") == summary["liquidations"]
    assert dict(outcomes) == summary["reverts_compared"]
    assert (through["debt_to_cover"] == through["chain_debt_to_cover"]).all()
    assert (through["liquidated_collateral_amount"] == through["chain_liquidated_collateral_amount"]).all()
    assert (events["deficits"].map(json.loads) == events["chain_deficits"].map(json.loads)).all()
    assert events["transaction_hash"].is_unique
    assert (events["gas_used"] > 21_000).all()
    assert events["block_number"].is_monotonic_increasing


def test_parity_holds_every_compared_value(run):
    summary, parity = run.json("summary"), run.table("parity")

    assert list(parity.columns[:4]) == ["liquidation", "field", "model", "chain"]
    assert len(parity) == summary["values_compared"]
    assert int(parity["changed"].sum()) == summary["values_changed"]
    assert (parity["model"] == parity["chain"]).all()
    assert all(int(value) >= 0 for value in parity["chain"])
    calls = set(parity["liquidation"]) - {"opening", "end"}
    assert calls == {f"liquidation {index}" for index in range(len(run.table("events")))}


def test_tables_say_the_same_as_parquet_and_as_csv(run):
    for name in ("events", "accounts", "prices", "losses", "book"):
        table = run.table(name)
        again = pd.read_csv(StringIO(table.to_csv(index=False)), dtype=str, keep_default_na=False)
        written = pd.read_csv(run.out / f"{name}.csv", dtype=str, keep_default_na=False)
        pd.testing.assert_frame_equal(written, again)
        assert len(table) > 0


def test_figures_are_pictures(run):
    for path in run.out.glob("*.png"):
        assert path.read_bytes().startswith(PNG), path.name
        assert path.stat().st_size > 10_000, path.name


def test_the_manifest_says_with_what_and_from_what(run, root):
    manifest = run.json("manifest")
    versions, inputs = manifest["versions"], manifest["inputs"]
    locked = json.loads((root / "package-lock.json").read_text())["packages"]

    assert versions.keys() >= {"python", "underwater", "web3", "numpy", "pandas", "pyarrow"}
    assert "anvil/v" in versions["anvil"]
    assert versions["node.js"].startswith("v")
    for name, found in {**versions["npm"], "solc": versions["solc"]}.items():
        assert found == locked[f"node_modules/{name}"]["version"], name
    assert "@aave-dao/aave-v3-origin" in versions["npm"]
    assert (manifest["chain_id"], manifest["block_hash"], manifest["accounts"]) == (31_337, None, [])
    assert isinstance(manifest["seed"], int)
    assert manifest["block"] > 0
    assert {role: one["file"] for role, one in inputs.items()} == {
        "scenario": "crash.toml",
        "book": "default.toml",
        "book figures": "wbtc_usdc_2025_01.csv",
        "parameters": "ethereum_2025-03-19.toml",
        "package-lock": "package-lock.json",
    }
    folders = (root / "stress/scenarios", root / "stress/books", root / "forks/aave_v3/parameters", root)
    for one in inputs.values():
        path = next(folder / one["file"] for folder in folders if (folder / one["file"]).is_file())
        assert one["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), path
    assert manifest["files"].keys() == FILES - {"manifest.json"}
    for name, sha256 in manifest["files"].items():
        assert sha256 == hashlib.sha256((run.out / name).read_bytes()).hexdigest(), name


def test_every_opening_is_listed_with_what_it_differs_by(run):
    book, accounts = run.table("book"), run.table("accounts")
    recorded = book[book["kind"] == "recorded"]

    assert list(book["borrower"]) == list(accounts["borrower"])
    assert len(recorded) == 44
    for value in ("collateral", "debt"):
        off = book[f"opened_{value}_base"].map(int) - book[f"target_{value}_base"].map(int)
        assert (off == book[f"{value}_off_base"].map(int)).all()
        assert (recorded[f"{value}_off_units"].abs() <= 1).all()
    assert book["health_factor_implied"].all()
    assert "44 recorded borrowers are opened within $" in run.process.stdout


def test_the_output_shows_who_is_left_with_debt_and_what_was_compared(run):
    summary, shown = run.json("summary"), run.process.stdout
    worst = run.table("accounts").sort_values("residual_usd").iloc[-1]

    assert f"{summary['values_compared']:,} integers compared" in shown
    assert f"{worst['residual_usd']:,.2f}" in shown
    assert f"{summary['residual_debt_usd']:,.2f}" in shown
    assert all(f"{cause} {count}" in shown for cause, count in summary["causes"].items())


def test_the_readme_quotes_this_very_run(run, root):
    """Where its first screen says numbers of the default crash, they are these."""
    readme, shown = (root / "README.md").read_text(), run.process.stdout.splitlines()
    summary = run.json("summary")
    quoted = [
        line for line in readme.splitlines() if "integers compared with" in line or "went through" in line
    ]

    assert quoted
    assert all(line in shown for line in quoted)
    left = f"{summary['borrowers_with_residual_debt']} of {summary['borrowers']} borrowers"
    assert f"{left} end with ${summary['residual_debt_usd']:,.2f}" in " ".join(readme.split())
    accounts = run.table("accounts")
    saved_by_a_feed = accounts["removed_by"].str.split(", ").map(lambda causes: "oracle_lag" in causes)
    alone = int((saved_by_a_feed & (accounts["cause"] != "several")).sum())
    assert f"For {alone} of them a price feed that shows the market at once" in " ".join(readme.split())


# --- short crashes ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a short crash."""
    folder = tmp_path_factory.mktemp("short")
    result = crash(folder, "--book", book_file(folder))
    assert result.exit_code == 0, result.output
    return folder / "out"


def test_the_same_seed_gives_the_same_bytes(short, tmp_path):
    result = crash(tmp_path, "--book", book_file(tmp_path))
    again = tmp_path / "out"

    assert result.exit_code == 0, result.output
    for name in FILES - {"summary.json", "manifest.json"}:
        assert (short / name).read_bytes() == (again / name).read_bytes(), name
    said = [json.loads((out / "summary.json").read_text()) | {"seconds": None} for out in (short, again)]
    assert said[0] == said[1]
    assert said[0]["liquidations"] > 0
    made = [json.loads((out / "manifest.json").read_text()) for out in (short, again)]
    for one in made:
        one["files"].pop("summary.json")  # it has the seconds in it
    assert made[0] == made[1]


@pytest.fixture
def one_unit_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that books every deficit one unit too low."""
    right = liquidation.burn_debt
    monkeypatch.setattr(liquidation, "burn_debt", lambda *args, **kwargs: max(right(*args, **kwargs) - 1, 0))


@pytest.mark.usefixtures("one_unit_short")
def test_where_model_and_chain_differ_the_exit_code_is_1_and_nothing_is_written(tmp_path):
    result = crash(tmp_path, "--book", book_file(tmp_path))

    assert result.exit_code == 1, result.output
    assert "model and chain differ: liquidation " in result.stderr
    assert "event.DeficitCreated." in result.stderr
    assert "(chain minus model 1)" in result.stderr
    assert result.stdout == ""
    assert {path.suffix for path in tmp_path.iterdir()} == {".toml"}


@pytest.mark.usefixtures("one_unit_short")
def test_where_model_and_chain_differ_an_older_folder_stays_as_it_was(short, tmp_path):
    shutil.copytree(short, tmp_path / "out")

    assert crash(tmp_path, "--book", book_file(tmp_path)).exit_code == 1
    kept = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert kept == {path.name: path.read_bytes() for path in short.iterdir()}


def test_a_market_that_does_not_fall_leaves_tables_without_calls(tmp_path):
    lines = SCENARIO.format(n_steps=20).splitlines()
    still = ["knots = [[0, 1.0]]" if line.startswith("knots") else line for line in lines]
    (tmp_path / "still.toml").write_text("\n".join(still))
    files = ("--scenario", tmp_path / "still.toml", "--book", book_file(tmp_path), "--out", tmp_path / "out")

    result = underwater("crash", *files)

    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert (summary["liquidations"], summary["borrowers_with_residual_debt"]) == (0, 0)
    assert summary["values_compared"] > 0
    assert summary["values_changed"] == summary["values_differing"] == 0
    assert len(pd.read_parquet(tmp_path / "out/events.parquet")) == 0
    assert sum(summary["causes"].values()) == 0
