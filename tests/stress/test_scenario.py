"""Reading a scenario: what every part may be, and that each thing it may not be is refused by name."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stress.prices import price_paths
from stress.scenario import FeedRules, Liquidator, ScenarioError, Shock
from stress.scenario_file import SCENARIOS, load_scenario, parse_scenario, shipped_scenarios

WHOLE = """
name = "whole"
seconds_per_step = 12
n_steps = 50
seed = 7
transmission_outages = [[120, 240]]
[market.default]
knots = [[0, 1.0], [600, 0.5]]
[market.ether]
symbols = ["WETH", "stETH"]
knots = [[0, 1], [300, 0.4475]]
jitter_ppm = 1_500
[market.WBTC]
knots = [[0, 1.0]]
[feed.default]
deviation_threshold_ppb = 5_000_000
heartbeat_s = 3_600
round_period_s = 12
offchain_latency_s = 8
[feed.dollars]
symbols = ["USDC"]
deviation_threshold_ppb = 2_500_000
heartbeat_s = 86_400
round_period_s = 10
offchain_latency_s = 0
inclusion_blocks = 3
[gas]
units = 400_000
token = "WETH"
price_gwei = [[0, 30], [300, 0.5]]
[[liquidator]]
name = "plain"
capital_usd = 1_000
turnaround_s = 60
[[liquidator]]
name = "particular"
capital_usd = 0.5
turnaround_s = 0
min_profit_usd = 2.5
receive_atoken = true
blind = true
retry_s = 30
debt_assets = ["USDC", "DAI"]
"""

REFUSED: list[tuple[str, str, str]] = [
    ("seed = 7", "", "whole.toml, seed: is missing"),
    ("seed = 7", "sed = 7", "seed: is missing"),
    ("seed = 7", "seed = 7\ncolour = 1", "colour: is not a field here"),
    ("seed = 7", "seed = -7", "seed: must be a whole number, 0 or above, is -7"),
    ("seed = 7", "seed = 7.5", "seed: must be a whole number"),
    ("seed = 7", "seed = true", "seed: must be a whole number"),
    ('name = "whole"', "name = 3", "name: must be a text"),
    ("n_steps = 50", "n_steps = 0", "n_steps: must be 1 or above, is 0"),
    ("n_steps = 50", 'n_steps = "50"', "n_steps: must be a whole number"),
    ("seconds_per_step = 12", "seconds_per_step = 0", "seconds_per_step: must be 1 or above"),
    ("[[120, 240]]", "[[240, 120]]", "transmission_outages: [240, 120] must end after its start"),
    ("[[120, 240]]", "[[120, 240.5]]", "transmission_outages: [120, 240.5] must end"),
    ("[[120, 240]]", "[120, 240]", "transmission_outages: must be a list of pairs, holds 120"),
    ("[[120, 240]]", "[[120]]", "transmission_outages: must be a list of pairs, holds [120]"),
    ("[[120, 240]]", "3", "transmission_outages: must be a list, is 3"),
    ("[market.default]", "[market.others]", "[market.default]: is missing"),
    ("[feed.default]", "[feed.others]", "[feed.default]: is missing"),
    ("[market.WBTC]", "[market]\nWBTC = 1\n[market.LINK]", "market.WBTC: must be a table, is 1"),
    ("[market.WBTC]", "[market.WETH]", "[market.WETH], symbols: WETH has an earlier table under [market]"),
    ('["WETH", "stETH"]', '["WETH", "WETH"]', "symbols: WETH has an earlier table"),
    ('["WETH", "stETH"]', '"WETH"', "[market.ether], symbols: must be a list, is 'WETH'"),
    ('["WETH", "stETH"]', "[]", "symbols: must be a list of symbols, is []"),
    ('["WETH", "stETH"]', "[1]", "symbols: must be a list of symbols, is [1]"),
    ("jitter_ppm", "jiter_ppm", "[market.ether], jiter_ppm: is not a field here"),
    ("jitter_ppm = 1_500", "jitter_ppm = -1", "jitter_ppm: must be a whole number, 0 or above"),
    ("jitter_ppm = 1_500", "jitter_ppm = 1.5", "jitter_ppm: must be a whole number"),
    ("knots = [[0, 1.0]]", "", "[market.WBTC], knots: is missing"),
    ("knots = [[0, 1.0]]", "knots = []", "knots: must begin at 0 seconds and increase, times are []"),
    ("knots = [[0, 1.0]]", "knots = [[12, 1.0]]", "must begin at 0 seconds and increase, times are [12]"),
    ("[600, 0.5]", "[0, 0.5]", "times are [0, 0]"),
    ("[600, 0.5]", "[600, 0.5], [300, 0.5]", "times are [0, 600, 300]"),
    ("[600, 0.5]", "[-600, 0.5]", "knots, time: must be a whole number, 0 or above, is -600"),
    ("[600, 0.5]", "[600.5, 0.5]", "knots, time: must be a whole number"),
    ("[600, 0.5]", "[600, 0]", "knots: 0.0 times the price at the start at 600 s: a price must stay above 0"),
    ("[600, 0.5]", "[600, -0.5]", "knots: -0.5 times the price at the start at 600 s"),
    ("[600, 0.5]", "[600, 0.0000001]", "a price must stay above 0"),
    ("0.4475", "0.0015", "0.0015 times the price at the start, less a jitter of 1500 ppm, at 300 s"),
    ("[600, 0.5]", "[600, nan]", "knots: must be a number"),
    ("[600, 0.5]", "[600, inf]", "knots: must be a number"),
    ("[600, 0.5]", '[600, "half"]', "knots: must be a number, is 'half'"),
    ("[600, 0.5]", "[600, 0.5, 1]", "knots: must be a list of pairs"),
    ("heartbeat_s = 3_600\n", "", "[feed.default], heartbeat_s: is missing"),
    ("heartbeat_s = 3_600", "heartbeat_s = 0", "heartbeat_s: must be 1 or above"),
    ("heartbeat_s = 3_600", "heart_s = 3_600", "[feed.default], heartbeat_s: is missing"),
    ("inclusion_blocks = 3", "inclusion_block = 3", "[feed.dollars], inclusion_block: is not a field here"),
    ("inclusion_blocks = 3", "inclusion_blocks = 0", "inclusion_blocks: must be 1 or above"),
    ("round_period_s = 10", "round_period_s = 0", "[feed.dollars], round_period_s: must be 1 or above"),
    ("5_000_000", "-5", "deviation_threshold_ppb: must be a whole number, 0 or above"),
    ("[gas]", "[fuel]", "gas: is missing"),
    ("units = 400_000", "units = 4.5", "[gas], units: must be a whole number"),
    ("units = 400_000", "units = 400_000\nlimit = 3", "[gas], limit: is not a field here"),
    ('token = "WETH"', 'token = ""', "[gas], token: must be a text"),
    ("[[0, 30], [300, 0.5]]", "30", "[gas], price_gwei: must be a list, is 30"),
    ("[[0, 30], [300, 0.5]]", "[]", "price_gwei: must begin at 0 seconds"),
    ("[[0, 30], [300, 0.5]]", "[[5, 30]]", "price_gwei: must begin at 0 seconds and increase, times are [5]"),
    ("[[0, 30], [300, 0.5]]", "[[0, 30], [300, 1], [200, 1]]", "times are [0, 300, 200]"),
    ("[[0, 30], [300, 0.5]]", "[[0, -1]]", "price_gwei: must be 0 or above, is -1 at 0 s"),
    ('name = "plain"\n', "", "[[liquidator]] 0, name: is missing"),
    ('name = "particular"', 'name = "plain"', "[[liquidator]] plain, name: is taken by an earlier"),
    ("capital_usd = 1_000", "capital_usd = -1", "[[liquidator]] plain, capital_usd: must be 0 or above"),
    ("capital_usd = 1_000", 'capital_usd = "all"', "capital_usd: must be a number, is 'all'"),
    ("turnaround_s = 60\n", "", "[[liquidator]] plain, turnaround_s: is missing"),
    ("blind = true", "blind = 1", "[[liquidator]] particular, blind: must be true or false, is 1"),
    ("blind = true", "brave = true", "brave: is not a field here; fields:"),
    ('["USDC", "DAI"]', '"USDC"', "debt_assets: must be a list"),
    ("min_profit_usd = 2.5", "min_profit_usd = -2.5", "min_profit_usd: must be 0 or above"),
]  # fmt: skip


def parsed(toml: str) -> Any:
    return parse_scenario(tomllib.loads(toml, parse_float=Decimal), where="whole.toml")


def test_a_whole_scenario_is_read_to_the_last_field():
    scenario = parsed(WHOLE)
    ether = Shock(knots=((0, 1_000_000), (300, 447_500)), jitter_ppm=1_500)

    assert (scenario.name, scenario.seconds_per_step, scenario.n_steps, scenario.seed) == ("whole", 12, 50, 7)
    assert scenario.transmission_outages == ((120, 240),)
    assert scenario.shocks == {
        "default": Shock(knots=((0, 1_000_000), (600, 500_000))),
        "WETH": ether,
        "stETH": ether,
        "WBTC": Shock(knots=((0, 1_000_000),)),
    }
    assert scenario.feeds["USDC"] == FeedRules(
        deviation_threshold_ppb=2_500_000,
        heartbeat_s=86_400,
        round_period_s=10,
        offchain_latency_s=0,
        inclusion_blocks=3,
    )
    assert (scenario.gas_units, scenario.gas_token) == (400_000, "WETH")
    assert scenario.gas_price_gwei == ((0, 30.0), (300, 0.5))
    assert scenario.liquidators == (
        Liquidator(name="plain", capital_usd=1_000.0, turnaround_s=60),
        Liquidator(
            name="particular",
            capital_usd=0.5,
            turnaround_s=0,
            min_profit_usd=2.5,
            receive_atoken=True,
            blind=True,
            retry_s=30,
            debt_assets=("USDC", "DAI"),
        ),
    )


def test_a_table_is_for_its_name_or_for_its_symbols_and_the_default_for_the_rest():
    scenario = parsed(WHOLE)

    assert scenario.shock("stETH").jitter_ppm == 1_500
    assert scenario.shock("WBTC").knots == ((0, 1_000_000),)
    assert scenario.shock("ether") is scenario.shock("LINK") is scenario.shocks["default"]
    assert scenario.feed("USDC").round_period_s == 10
    assert scenario.feed("WETH") is scenario.feeds["default"]


def test_the_gas_price_holds_from_its_second_on():
    scenario = parsed(WHOLE)

    assert [scenario.gas_price_at(s) for s in (0, 299, 300, 10**6)] == [30.0, 30.0, 0.5, 0.5]


@pytest.mark.parametrize(("found", "instead", "message"), REFUSED, ids=lambda text: str(text)[:40])
def test_what_cannot_be_run_is_refused_in_one_line_that_names_it(found: str, instead: str, message: str):
    assert found in WHOLE
    with pytest.raises(ScenarioError) as refusal:
        parsed(WHOLE.replace(found, instead, 1))

    assert message in str(refusal.value)
    assert str(refusal.value).startswith("scenario whole.toml, ")
    assert "\n" not in str(refusal.value)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("liquidators", [[], None])
def test_a_crash_without_a_liquidator_is_refused(liquidators: list[Any] | None):
    document = deepcopy(tomllib.loads(WHOLE, parse_float=Decimal))
    document["liquidator"] = liquidators

    with pytest.raises(ScenarioError, match="liquidator: is"):
        parse_scenario(document, where="none.toml")


@pytest.mark.parametrize("gone", sorted(tomllib.loads(WHOLE).keys() - {"transmission_outages"}))
def test_every_part_but_the_outages_is_needed(gone: str):
    document = {
        part: what for part, what in tomllib.loads(WHOLE, parse_float=Decimal).items() if part != gone
    }

    with pytest.raises(ScenarioError, match=f"{gone}: is missing"):
        parse_scenario(document, where="part.toml")


def test_outages_may_be_left_out():
    assert parsed(WHOLE.replace("transmission_outages = [[120, 240]]", "")).transmission_outages == ()


def test_every_shipped_scenario_is_read_by_name_and_by_path():
    assert "crash" in shipped_scenarios()
    for name in shipped_scenarios():
        assert load_scenario(name) == load_scenario(SCENARIOS / f"{name}.toml")
        assert load_scenario(name).name == name


def test_a_name_that_is_not_shipped_is_refused_with_those_that_are():
    with pytest.raises(ScenarioError, match=r"scenario storm: cannot be read .*; shipped: .*crash"):
        load_scenario("storm")


@pytest.mark.parametrize(
    ("content", "message"), [(b"name = ", "is not TOML"), (b"\xff\xfe", "cannot be read")]
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, message: str):
    file = tmp_path / "bad.toml"
    file.write_bytes(content)

    with pytest.raises(ScenarioError, match=message):
        load_scenario(file)


def test_a_market_without_the_gas_token_is_refused_before_anything_runs():
    with pytest.raises(ScenarioError, match=r"\[gas\], token: WETH is not on this market: WBTC, USDC"):
        price_paths(parsed(WHOLE), {"WBTC": 8 * 10**12, "USDC": 10**8}, 1_700_000_000)
