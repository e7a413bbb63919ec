"""`underwater crash` on a market where two assets read one price source, and each falls on a path of its own."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest

from forks import feeds
from forks.aave_v3.deploy import ADMIN
from forks.crash.venue import transaction
from tests.cli_runs import SCENARIO, Result, deployed_market, manifest, summary, underwater

pytestmark = pytest.mark.node

STAKED_FALLS_FURTHER = """
[market.staked]
symbols = ["wstETH"]
knots = [[0, 1.0], [120, 0.8], [360, 0.45], [720, 0.4]]
"""
BOOK = """
title = "ether and staked ether"
[kinds.some]
about = "One pledged each, and both together."
"""
BORROWER = """
[[kinds.some.borrowers]]
name = "{name}"
collateral_usd = {{ {collateral} }}
debt_percent = {{ DAI = 100 }}
health_factor = 1.03
"""


def crash_where_wsteth_reads_the_source_of_weth(folder: Path) -> Result:
    (folder / "scenario.toml").write_text(SCENARIO.format(n_steps=60) + STAKED_FALLS_FURTHER)
    pledges = {"ether": "WETH = 30_000", "staked": "wstETH = 40_000", "both": "WETH = 900, wstETH = 9_000"}
    borrowers = [BORROWER.format(name=name, collateral=pledge) for name, pledge in pledges.items()]
    (folder / "book.toml").write_text(BOOK + "".join(borrowers))
    with deployed_market(["WETH", "wstETH", "DAI", "USDC"]) as venue:
        oracle = venue.reader.listing.oracle
        weth, wsteth = venue.assets["WETH"], venue.assets["wstETH"]
        source = feeds.FeedControl(venue.node, oracle, [weth]).sources[weth]
        call = transaction(ADMIN, oracle, "setAssetSources(address[],address[])", ([wsteth], [source]))
        venue.require(call)
        where = ["--node", venue.node.url, "--pool", venue.pool]
        files = ["--scenario", folder / "scenario.toml", "--book", folder / "book.toml"]
        return underwater("crash", *where, *files, "--out", folder / "out")


def test_two_assets_of_one_source_fall_apart_and_no_integer_differs(tmp_path: Path):
    result = crash_where_wsteth_reads_the_source_of_weth(tmp_path)

    assert result.exit_code == 0, result.output
    assert (summary(tmp_path)["values_differing"], summary(tmp_path)["borrowers"]) == (0, 3)
    assert summary(tmp_path)["liquidations"] >= 3
    assert any("WETH, wstETH share the price source" in note for note in manifest(tmp_path)["notes"])
    prices = pd.read_parquet(tmp_path / "out/prices.parquet")
    last = prices[prices["timestamp"] == prices["timestamp"].max()].set_index("symbol")["observed_base"]
    assert int(last["wstETH"]) < int(last["WETH"])


def test_without_a_feed_each_the_chain_would_show_the_last_price_written(tmp_path: Path):
    with patch.object(feeds, "_readers_of_shared", lambda _: {}):
        result = crash_where_wsteth_reads_the_source_of_weth(tmp_path)

    assert result.exit_code == 1, result.output
    assert not (tmp_path / "out").exists()
