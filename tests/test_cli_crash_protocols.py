"""`underwater crash --protocol`: one short crash on the contracts of Compound v2, Morpho Blue and Venus, whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from eth_utils.crypto import keccak

from forks.crash.venue import Sent
from forks.toolchain import find_anvil
from forks.venus_isolated.venue import VenusIsolatedVenue
from protocol.compound_v2.rule_set import BEARERS as OF_COMPOUND
from protocol.morpho_blue.rule_set import BEARERS as OF_MORPHO
from protocol.units import BASE_PER_USD
from protocol.venus_isolated.rule_set import BEARERS as OF_VENUS
from tests.cli_runs import require_one_line, underwater
from tests.forks.processes import is_alive
from tests.test_cli_node import as_it_stands, somebodys_anvil

pytestmark = pytest.mark.node

PROTOCOLS = ("compound_v2", "morpho_blue", "venus_isolated")
URL = "http://127.0.0.1:9"
UNIT_OF_USDC_BASE = 100

SCENARIO = """
name = "short"
seconds_per_step = 12
n_steps = 60
seed = 1
transmission_outages = [[120, 300]]
[market.default]
knots = [[0, 1.0], [120, 0.95], [300, 0.72], [600, 0.5], [708, 0.52]]
[market.dollars]
symbols = ["USDC", "USDT", "DAI"]
knots = [[0, 1.0]]
[feed.default]
deviation_threshold_ppb = 5_000_000
heartbeat_s = 3_600
round_period_s = 12
offchain_latency_s = 8
[gas]
units = 400_000
token = "WETH"
price_gwei = [[0, 0.5]]
[[liquidator]]
name = "blind"
capital_usd = 50_000
turnaround_s = 60
blind = true
debt_assets = ["USDC", "DAI", "WETH"]
[[liquidator]]
name = "desk"
capital_usd = 400_000
turnaround_s = 120
debt_assets = ["USDC", "DAI", "WETH"]
[[liquidator]]
name = "tether-desk"
capital_usd = 2_000
turnaround_s = 600
debt_assets = ["USDT"]
[[liquidator]]
name = "follower"
capital_usd = 50_000
turnaround_s = 60
blind = true
debt_assets = ["USDC", "DAI", "WETH"]
"""
"""Twelve minutes, for three of which the feed is silent; then a long slow fall. A call costs some cents of gas.

The second blind one always comes after the first and is refused; Tether is short, and for what is large all is.
"""
POOL_BOOK = {
    "early 1.03": ("WETH = 30_000", "DAI = 100"),
    "late 1.15": ("WETH = 20_000", "USDC = 100"),
    "two-debts 1.4": ("WETH = 20_000", "USDC = 60, DAI = 40"),
    "two-each 1.2": ("WETH = 4_000, WBTC = 3_000", "USDC = 50, DAI = 50"),
    "both 1.04": ("WETH = 9_000", "DAI = 80, WETH = 20"),
    "large 1.5": ("WBTC = 1_500_000", "USDC = 100"),
    "tether 1.45": ("WETH = 50_000", "USDT = 100"),
    "small 1.03": ("WETH = 90", "USDC = 100"),
    "small-two 1.5": ("WETH = 60, WBTC = 25", "USDC = 60, DAI = 40"),
    "small-late 1.2": ("WETH = 70", "USDC = 70, DAI = 30"),
    "a-dollar 1.5": ("WETH = 1", "DAI = 100"),
    "safe 1.5": ("DAI = 30_000", "WETH = 100"),
}
"""Name and health factor: collateral [USD] and debts [%]. Below while the feed is silent, or later; one of each, or
two; small enough to be batched and healed on Venus; too small to bother; safe."""
PAIR_BOOK = {
    "early 1.03": ("WETH = 60_000", "USDC = 100"),
    "late 1.15": ("WETH = 90_000", "USDC = 100"),
    "later 1.3": ("WETH = 30_000", "USDC = 100"),
    "edge 1.01": ("WETH = 2_000", "USDC = 100"),
    "large 1.5": ("WETH = 30_000_000", "USDC = 100"),
    "small 1.05": ("WETH = 90", "USDC = 100"),
    "two-dollars 1.2": ("WETH = 2", "USDC = 100"),
    "a-dollar 1.5": ("WETH = 1", "USDC = 100"),
    "low 1.6": ("WETH = 5_000", "USDC = 100"),
    "safe 3.0": ("WETH = 30_000", "USDC = 100"),
}
"""The same of one pledge and one debt."""
BOOKS = {"compound_v2": POOL_BOOK, "morpho_blue": PAIR_BOOK, "venus_isolated": POOL_BOOK}
LEAST_LIQUIDATIONS = {"compound_v2": 40, "morpho_blue": 12, "venus_isolated": 40}
REFUSALS = {
    "compound_v2": {"INSUFFICIENT_SHORTFALL", "TOO_MUCH_REPAY"},
    "morpho_blue": {"position is healthy"},
    "venus_isolated": {"InsufficientShortfall", "TooMuchRepay"},
}
SAID_OF_THE_MARKET = {
    "compound_v2": {"release"},
    "morpho_blue": {"market_id", "lltv_wad"},
    "venus_isolated": {"release"},
}
CONTRACTS = {
    "compound_v2": {"Comptroller", "cWETH", "cUSDC"},
    "morpho_blue": {"Morpho", "AdaptiveCurveIrm"},
    "venus_isolated": {"Comptroller", "Shortfall", "vWETH", "vUSDC"},
}
SUMMARY_KEYS = {
    *("source", "market", "values_compared", "values_changed", "values_differing", "reverts_compared"),
    *(
        "liquidations",
        "multi_debt_liquidations",
        "borrowers",
        "borrowers_with_residual_debt",
        "residual_debt_usd",
    ),
    *("causes", "beyond_every_cause", "frontier_agrees", "deficit", "contracts", "seconds"),
}
FILES = {
    *(
        f"{name}.{end}"
        for name in ("events", "accounts", "losses", "prices", "book")
        for end in ("parquet", "csv")
    ),
    *("parity.parquet", "summary.json", "manifest.json"),
    *("market_against_oracle.png", "borrowers.png", "residual_against_delay.png"),
}


@dataclass(kw_only=True)
class Finished:
    """A crash that was carried out, and what is left of it."""

    protocol: str
    out: Path
    shown: str
    venus_calls: list[Sent] = field(default_factory=list)
    """What was mined of Venus; the node itself is gone."""

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.out / "summary.json").read_text())

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.out / f"{name}.parquet")

    def at_the_end(self, name: str) -> int:
        """One stored integer as the chain has it when all is over."""
        parity = self.table("parity")
        (found,) = parity.loc[(parity["liquidation"] == "end") & (parity["field"] == name), "chain"]
        return int(found)


Runs = Callable[[str], Finished]


def book(borrowers: Mapping[str, tuple[str, str]]) -> str:
    """As a file."""
    lines = ['title = "a few borrowers"', "[kinds.some]", 'about = "Of all sorts."']
    for one, (collateral, debt) in borrowers.items():
        name, health_factor = one.split()
        lines += ["[[kinds.some.borrowers]]", f'name = "{name}"', f"health_factor = {health_factor}"]
        lines += [f"collateral_usd = {{ {collateral} }}", f"debt_percent = {{ {debt} }}"]
    return "\n".join(lines)


def crash(protocol: str, folder: Path, *arguments: object) -> Finished:
    """The short crash, in this process; it has to end well."""
    (folder / "short.toml").write_text(SCENARIO)
    (folder / "book.toml").write_text(book(BOOKS[protocol]))
    files = ("--scenario", folder / "short.toml", "--book", folder / "book.toml", "--out", folder / "out")
    mined: list[Sent] = []

    def noted(venue: VenusIsolatedVenue, call: Any) -> Sent:
        mined.append(liquidate(venue, call))
        return mined[-1]

    liquidate = VenusIsolatedVenue.liquidate
    with patch.object(VenusIsolatedVenue, "liquidate", noted):
        result = underwater("crash", "--protocol", protocol, *files, *arguments)
    assert result.exit_code == 0, result.output
    return Finished(protocol=protocol, out=folder / "out", shown=result.stdout, venus_calls=mined)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The crash on each protocol, once."""
    done: dict[str, Finished] = {}

    def of(protocol: str) -> Finished:
        if protocol not in done:
            done[protocol] = crash(protocol, tmp_path_factory.mktemp(protocol))
        return done[protocol]

    return of


@pytest.fixture(params=PROTOCOLS)
def run(runs: Runs, request: pytest.FixtureRequest) -> Finished:
    return runs(request.param)


# --- of every protocol ---


def test_every_integer_of_the_crash_is_the_contracts(run: Finished):
    summary, parity = run.summary, run.table("parity")

    assert summary["values_differing"] == 0
    assert summary["values_compared"] == len(parity) > 500
    assert 100 < summary["values_changed"] == int(parity["changed"].sum())
    assert (parity["model"] == parity["chain"]).all()
    calls = {f"liquidation {index}" for index in range(len(run.table("events")))}
    assert set(parity["liquidation"]) == {"opening", "end", *calls}


def test_enough_is_liquidated_and_the_chain_says_the_same_amounts(run: Finished):
    events = run.table("events")
    through = events[events["outcome"] == "liquidated"]

    assert run.summary["liquidations"] == len(through) >= LEAST_LIQUIDATIONS[run.protocol]
    for name in ("debt_to_cover", "liquidated_collateral_amount", "protocol_fee", "deficits"):
        assert (through[name] == through[f"chain_{name}"]).all(), name
    assert (through["debt_to_cover"] != "0").all()
    assert (events["gas_used"] > 21_000).all()
    assert events["transaction_hash"].is_unique


def test_refusals_are_compared_by_name(run: Finished):
    summary, events, parity = run.summary, run.table("events"), run.table("parity")
    refused = Counter(events.loc[events["outcome"] != "liquidated", "outcome"])

    assert set(refused) >= REFUSALS[run.protocol]
    assert summary["reverts_compared"] == dict(refused)
    compared = Counter(parity.loc[parity["field"].str.startswith("reverts "), "field"])
    assert compared == {f"reverts {name}": count for name, count in refused.items()}


def test_a_refused_call_changes_nothing_but_where_the_contract_answers_a_code(run: Finished):
    """Compound v2 has accrued before it asks, and what it answers does not undo that."""
    events, parity = run.table("events"), run.table("parity")
    refused = {f"liquidation {index}" for index in events.index[events["outcome"] != "liquidated"]}
    moved = set(parity.loc[parity["liquidation"].isin(refused) & parity["changed"], "field"])

    if run.protocol != "compound_v2":
        assert moved == set()
        return
    assert {name.rpartition(".")[2] for name in moved} == {
        *(
            "borrow_index_mantissa",
            "total_borrows_underlying",
            "total_reserves_underlying",
            "accrual_block_number",
        ),
    }


def test_debt_is_left_for_three_causes_and_each_is_told(run: Finished):
    summary, accounts = run.summary, run.table("accounts")
    losers = accounts[accounts["residual_usd"] > 0]

    assert len(losers) == summary["borrowers_with_residual_debt"] == sum(summary["causes"].values()) >= 5
    assert {name for name, count in summary["causes"].items() if count} >= {"oracle_lag", "gas", "capital"}
    assert summary["causes"] == {name: Counter(losers["cause"])[name] for name in summary["causes"]}
    assert summary["beyond_every_cause"] == 0
    assert dict(zip(losers["borrower"], losers["cause"], strict=True))["a-dollar"] == "gas"
    assert summary["residual_debt_usd"] == round(float(losers["residual_usd"].sum()), 2)
    assert not accounts.set_index("borrower").loc["safe", "n_liquidations"]


def test_the_closed_form_agrees(run: Finished):
    assert run.summary["frontier_agrees"] is True
    assert run.table("accounts")["frontier_agrees"].all()


def test_what_is_lost_is_what_is_left_by_asset(run: Finished):
    """Each account's part of an asset is cut to a unit of it, at most a unit of USDC or so."""
    losses, accounts = run.table("losses"), run.table("accounts")

    for part, column in (("written off", "deficit_usd"), ("uncovered", "uncovered_usd")):
        lost, left = losses.loc[losses["part"] == part, "loss_usd"].sum(), accounts[column].sum()
        assert 0 <= round((left - lost) * BASE_PER_USD) <= UNIT_OF_USDC_BASE * len(accounts), part
    assert (losses["loss_of_claims"] < 1).all()
    assert (losses["loss_usd"] > 0).all()


def test_the_summary_says_what_it_promises(run: Finished):
    summary = run.summary

    assert summary.keys() == SUMMARY_KEYS | SAID_OF_THE_MARKET[run.protocol]
    assert (summary["source"], summary["borrowers"]) == ("deployed", len(BOOKS[run.protocol]))
    assert CONTRACTS[run.protocol] <= summary["contracts"].keys()
    assert all(len(bytes.fromhex(one.removeprefix("0x"))) == 32 for one in summary["contracts"].values())
    assert list(summary["seconds"]) == ["set-up", "open", "crash", "why", "write"]


def test_what_is_written_is_whole_and_nothing_else(run: Finished):
    manifest = json.loads((run.out / "manifest.json").read_text())

    assert {path.name for path in run.out.iterdir()} == FILES
    assert manifest["files"].keys() == FILES - {"manifest.json"}
    assert manifest["inputs"].keys() == {"scenario", "book", "package-lock"}
    assert list(run.table("book")["borrower"]) == list(run.table("accounts")["borrower"])
    assert run.table("book")["health_factor_implied"].all()


def test_the_screen_names_market_loss_and_bearers(run: Finished):
    shown = " ".join(run.shown.split())

    assert f"{run.summary['values_compared']:,} integers compared with {run.summary['market']}" in shown
    assert f"{run.summary['residual_debt_usd']:,.2f}" in shown
    assert "Who carries it" in shown
    assert all(f"{loss:,.2f}" in shown for loss in run.table("losses")["loss_usd"])


def test_the_same_crash_twice_is_the_same(run: Finished, tmp_path: Path):
    again = crash(run.protocol, tmp_path)

    assert again.summary | {"seconds": None} == run.summary | {"seconds": None}
    for name in FILES - {"summary.json", "manifest.json"}:
        assert (again.out / name).read_bytes() == (run.out / name).read_bytes(), name


# --- who carries the loss ---


def test_compound_v2_writes_nothing_off_and_whoever_redeems_last_pays(runs: Runs):
    run = runs("compound_v2")
    losses = run.table("losses")

    assert set(losses["part"]) == {"uncovered"}
    assert set(losses["borne_by"]) == {OF_COMPOUND.uncovered}
    assert set(losses["debt"]) == {"WETH", "USDC", "USDT", "DAI"}
    assert run.summary["deficit"] == {}
    assert set(run.table("events")["chain_deficits"]) == {"{}"}


def test_morpho_blue_takes_it_from_all_lenders_at_once(runs: Runs):
    run = runs("morpho_blue")
    parity, losses = run.table("parity"), run.table("losses").set_index("part")
    written_off = losses.loc["written off"]
    told = parity.loc[parity["field"] == "event.Liquidate.badDebtAssets", "chain"].map(int)

    assert int(written_off["amount"]) == told.sum() == int(run.summary["deficit"]["USDC"]) > 0
    assert (told > 0).sum() >= 2
    assert written_off["borne_by"] == OF_MORPHO.written_off
    assert losses.loc["uncovered", "borne_by"] == OF_MORPHO.uncovered


def test_what_morpho_blue_wrote_off_is_set_against_all_that_lenders_still_claim(runs: Runs):
    """Claims have grown by a minute's interest since the last call, which is the last thing stored."""
    run = runs("morpho_blue")
    written_off = run.table("losses").set_index("part").loc["written off"]
    amount, stored = int(written_off["amount"]), run.at_the_end("market.totalSupplyAssets")
    claims = round(amount / written_off["loss_of_claims"])

    assert written_off["loss_of_claims"] == amount / claims
    assert stored <= claims < stored + stored // 100_000


def test_venus_writes_off_by_healing_what_the_chain_then_has_as_bad_debt(runs: Runs):
    run = runs("venus_isolated")
    losses = run.table("losses")
    written_off = losses[losses["part"] == "written off"]
    amounts = dict(zip(written_off["debt"], written_off["amount"], strict=True))

    assert amounts == run.summary["deficit"]
    assert len(amounts) >= 3
    for symbol in ("WETH", "WBTC", "USDC", "USDT", "DAI"):
        assert run.at_the_end(f"vtoken.{symbol}.bad_debt_underlying") == int(amounts.get(symbol, 0)), symbol
    assert set(written_off["borne_by"]) == {OF_VENUS.written_off}
    assert set(losses.loc[losses["part"] == "uncovered", "borne_by"]) == {OF_VENUS.uncovered}


def test_venus_is_liquidated_in_all_three_ways_by_the_events_of_the_node(runs: Runs):
    run = runs("venus_isolated")
    kinds = Counter(_kind(one, run) for one in run.venus_calls if one.through)

    assert kinds["regular"] >= 20
    assert kinds["batch"] >= 3
    assert kinds["heal"] >= 2
    assert kinds.total() == run.summary["liquidations"]


def _kind(sent: Sent, run: Finished) -> str:
    """By what was emitted: orders of a batch are liquidations too, but sent to the pool itself."""
    (receipt,) = sent.receipts
    topics = {bytes(log["topics"][0]) for log in receipt["logs"]}
    liquidated = keccak(text="LiquidateBorrow(address,address,uint256,address,uint256)") in topics
    healed = keccak(text="HealBorrow(address,address,uint256)") in topics
    assert liquidated != healed
    manifest = json.loads((run.out / "manifest.json").read_text())
    to_the_pool = str(receipt["to"]).lower() == manifest["pool"].lower()
    return "heal" if healed else "batch" if to_the_pool else "regular"


# --- where the market may be ---


def test_compound_v3_has_to_be_named_a_market(tmp_path: Path):
    result = underwater("crash", "--protocol", "compound_v3", "--out", tmp_path / "out")

    require_one_line(result, "compound_v3", "--fork-url", "--state")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "option", [("--fork-url", URL), ("--state", "state.json"), ("--state", "mainnet-19471508")]
)
def test_what_is_deployed_here_cannot_be_forked_or_loaded(
    protocol: str, option: tuple[str, str], tmp_path: Path
):
    result = underwater("crash", "--protocol", protocol, *option, "--out", tmp_path / "out")

    require_one_line(result, f"{protocol} is deployed here", "--fork-url")
    assert list(tmp_path.iterdir()) == []


def test_a_protocol_that_nobody_knows_is_refused_with_those_that_are(tmp_path: Path):
    result = underwater("crash", "--protocol", "maker", "--out", tmp_path / "out")

    require_one_line(result, "--protocol", "maker", "morpho_blue")


def test_a_node_that_runs_is_used_and_left_as_found(runs: Runs, tmp_path: Path):
    with somebodys_anvil(find_anvil().path, tmp_path) as (child, url):
        before = as_it_stands(url)

        done = crash("morpho_blue", tmp_path, "--node", url)

        assert as_it_stands(url) == before
        assert is_alive(child.pid)
    assert (done.summary["source"], done.summary["values_differing"]) == ("node", 0)
    assert done.summary["liquidations"] >= LEAST_LIQUIDATIONS["morpho_blue"]
    assert done.summary["contracts"] == runs("morpho_blue").summary["contracts"]
