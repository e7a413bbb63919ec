"""The two prices of every asset at every step: integers as by hand, and what the feed makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracles import MarketFeed, MarketPath
from stress.prices import Prices, price_paths, without_lag
from stress.scenario import FeedRules, Scenario, Shock
from stress.scenario_file import load_scenario
from tests.stress.markets import START, small_scenario

WETH_BASE = 2_000 * 10**8
START_BASE = {"WETH": WETH_BASE, "LINK": 10**9}


PINNED_JITTER = [0, -30600000, -259600000, -173200000, 57000000, -60600000, -66800000, 74800000]
"""Seed 7, ether at 2,000 dollars [base]: as drawn once; another machine or library must draw the same."""


def paths(scenario: Scenario, start_base: dict[str, int] | None = None, extra_delay_s: int = 0) -> Prices:
    return price_paths(scenario, start_base or START_BASE, START, extra_delay_s=extra_delay_s)


def jittered(jitter_ppm: int = 1_500, seed: int = 7) -> Scenario:
    scenario = small_scenario([(0, 1.0)], n_steps=200)
    shock = Shock(knots=((0, 10**6),), jitter_ppm=jitter_ppm)
    return replace(scenario, seed=seed, shocks={"default": shock})


def first_shown(prices: Prices, price_base: int) -> int:
    """Seconds from the start until the feed of ether shows a price."""
    return prices.timestamps[prices.observed["WETH"].index(price_base)] - START


# --- the market ---


def test_the_line_between_knots_is_cut_to_whole_ppm_and_the_price_to_whole_base_units():
    shock = Shock(knots=((0, 1_000_000), (36, 999_998), (60, 1_000_003)))
    scenario = replace(small_scenario([(0, 1.0)], n_steps=7), shocks={"default": shock})
    prices = paths(scenario, {"WETH": 3_000_001, "LINK": 1})

    # after 12 s: 1_000_000 - 2/3 -> 999_999; after 48 s: 999_998 + 5/2 -> 1_000_000; from 60 s on: the last knot
    ratios_ppm = (1_000_000, 999_999, 999_998, 999_998, 1_000_000, 1_000_003, 1_000_003)
    assert prices.market["WETH"] == tuple(3_000_001 * ratio // 10**6 for ratio in ratios_ppm)
    assert prices.market["WETH"][:3] == (3_000_001, 2_999_997, 2_999_994)
    assert prices.timestamps == tuple(START + 12 * step for step in range(7))


def test_a_price_never_reaches_zero_however_small_its_unit():
    scenario = small_scenario([(0, 1.0), (5, 0.1)], n_steps=10)

    assert paths(scenario, {"WETH": 3, "LINK": 1}).market["WETH"] == (3, 2, 1, 1, 1, 1, 1, 1, 1, 1)


def test_the_jitter_is_the_one_its_seed_and_symbol_draw():
    first = [price - WETH_BASE for price in paths(jittered()).market["WETH"][:8]]

    assert first == PINNED_JITTER


def test_the_jitter_spares_the_start_and_stays_within_its_bound_on_both_sides():
    market = paths(jittered()).market["WETH"]
    ppm = [(price - WETH_BASE) * 10**6 // WETH_BASE for price in market]

    assert ppm[0] == 0
    assert -1_500 <= min(ppm) < -1_400
    assert 1_400 < max(ppm) <= 1_500


def test_the_jitter_of_a_symbol_does_not_depend_on_the_others_on_the_market():
    alone = paths(jittered())
    among = paths(jittered(), {"WBTC": 8 * 10**12, **START_BASE, "DAI": 10**8})

    assert alone.market["WETH"] == among.market["WETH"]
    assert [p * 200 for p in among.market["LINK"]] != list(among.market["WETH"])


def test_another_seed_draws_another_jitter_and_the_same_seed_the_same():
    assert paths(jittered(seed=7)) == paths(jittered(seed=7))
    assert paths(jittered(seed=7)).market["WETH"] != paths(jittered(seed=8)).market["WETH"]


# --- the feed ---

JUMP = small_scenario([(0, 1.0), (9, 1.0), (10, 0.5), (60, 0.5)], n_steps=120)
LANDED = WETH_BASE // 2


def slow(scenario: Scenario, offchain_latency_s: int, inclusion_blocks: int = 1) -> Scenario:
    rules = FeedRules(
        deviation_threshold_ppb=5_000_000,
        heartbeat_s=3_600,
        round_period_s=12,
        offchain_latency_s=offchain_latency_s,
        inclusion_blocks=inclusion_blocks,
    )
    return replace(scenario, feeds={"default": rules})


def test_a_feed_at_once_shows_the_market_in_every_block():
    prices = paths(small_scenario([(0, 1.0), (100, 0.3)], n_steps=120))

    assert prices.observed == prices.market


@pytest.mark.parametrize(
    ("latency_s", "blocks", "shown_at"), [(0, 1, 120), (8, 1, 132), (12, 1, 132), (8, 3, 156), (60, 1, 180)]
)
def test_an_answer_lands_latency_and_blocks_after_the_jump(latency_s: int, blocks: int, shown_at: int):
    assert first_shown(paths(slow(JUMP, latency_s, blocks)), LANDED) == shown_at


@pytest.mark.parametrize("extra_s", [0, 60, 600])
def test_an_extra_delay_comes_on_top_of_the_latency_of_every_feed(extra_s: int):
    prices = paths(slow(JUMP, 12), extra_delay_s=extra_s)

    assert first_shown(prices, LANDED) == 132 + extra_s


def test_no_report_lands_in_an_outage_and_the_first_after_it_shows_the_latest_round():
    prices = paths(replace(JUMP, transmission_outages=((60, 240),), feeds=slow(JUMP, 0).feeds))

    assert prices.market["WETH"][19] == LANDED
    assert set(prices.observed["WETH"][:20]) == {WETH_BASE}
    assert first_shown(prices, LANDED) == 240


def test_below_the_threshold_and_within_the_heartbeat_the_feed_stands_still():
    prices = paths(slow(small_scenario([(0, 1.0), (1, 0.9951), (60, 0.9951)], n_steps=60), 0))

    assert set(prices.observed["WETH"]) == {WETH_BASE}
    assert prices.market["WETH"][1] == WETH_BASE * 9951 // 10_000


def test_without_lag_the_market_is_seen_through_the_feed_that_shows_it_at_every_block():
    prices = price_paths(
        load_scenario("crash"), {"WETH": WETH_BASE, "WBTC": 8 * 10**12, "USDC": 10**8}, START
    )
    seen = without_lag(prices)

    assert prices.observed != prices.market
    for symbol, market in prices.market.items():
        history = MarketFeed().history(MarketPath(prices.timestamps, market), prices.timestamps)
        assert seen.observed[symbol] == tuple(history.answer_at(t) for t in prices.timestamps)
    assert (seen.market, seen.timestamps) == (prices.market, prices.timestamps)
