"""From a scenario to the two prices of every asset at every step: the market's, and what the feed shows.

Prices are integers in the oracle's base currency (8 decimals on Aave v3). The first row is the start, before
anything moves.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from oracles import FeedHistory, MarketPath, PushFeed, PushFeedConfig
from stress.scenario import PPM, FeedRules, Scenario, ScenarioError, Shock


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """Market and observed price of every asset at every step."""

    timestamps: tuple[int, ...]
    market: Mapping[str, tuple[int, ...]]
    """By symbol, one price a step [base]."""
    observed: Mapping[str, tuple[int, ...]]
    """By symbol, what the consumer reads at the end of that step's block [base]."""
    feeds: Mapping[str, FeedHistory]


def price_paths(
    scenario: Scenario, start_prices_base: Mapping[str, int], start_timestamp: int, *, extra_delay_s: int = 0
) -> Prices:
    """Lay out the market and run one push feed an asset over it.

    `extra_delay_s` is added to every feed's off-chain latency: the axis of the delay figure.

    Raises:
        ScenarioError: the market does not have the scenario's gas token.
    """
    if scenario.gas_token not in start_prices_base:
        listed = ", ".join(start_prices_base)
        raise ScenarioError(
            scenario.name, "[gas]", "token", f"{scenario.gas_token} is not on this market: {listed}"
        )
    seconds = range(0, scenario.n_steps * scenario.seconds_per_step, scenario.seconds_per_step)
    timestamps = tuple(start_timestamp + s for s in seconds)
    market = {
        symbol: _market(scenario, symbol, price, seconds) for symbol, price in start_prices_base.items()
    }
    feeds = {
        symbol: _feed(scenario, symbol, extra_delay_s, timestamps).history(
            MarketPath(times=timestamps, prices=path), timestamps
        )
        for symbol, path in market.items()
    }
    observed = {
        symbol: tuple(history.answer_at(timestamp) for timestamp in timestamps)
        for symbol, history in feeds.items()
    }
    return Prices(timestamps=timestamps, market=market, observed=observed, feeds=feeds)


def without_lag(prices: Prices) -> Prices:
    """The same market, shown by the oracle at every block: what `oracles.MarketFeed` answers, without its rounds."""
    return replace(prices, observed=prices.market, feeds={})


def _market(scenario: Scenario, symbol: str, start_price_base: int, seconds: range) -> tuple[int, ...]:
    shock = scenario.shock(symbol)
    generator = np.random.default_rng([scenario.seed, zlib.crc32(symbol.encode())])
    jitter = generator.integers(-shock.jitter_ppm, shock.jitter_ppm + 1, len(seconds)).tolist()
    jitter[0] = 0
    return tuple(
        max(1, start_price_base * (_ratio_ppm(shock, s) + noise) // PPM)
        for s, noise in zip(seconds, jitter, strict=True)
    )


def _ratio_ppm(shock: Shock, seconds: int) -> int:
    knots = shock.knots
    for (t0, r0), (t1, r1) in pairwise(knots):
        if t0 <= seconds < t1:
            return r0 + (r1 - r0) * (seconds - t0) // (t1 - t0)
    return knots[-1][1]


def _feed(scenario: Scenario, symbol: str, extra_delay_s: int, timestamps: tuple[int, ...]) -> PushFeed:
    rules: FeedRules = scenario.feed(symbol)
    start = timestamps[0]
    return PushFeed(
        PushFeedConfig(
            deviation_threshold_ppb=rules.deviation_threshold_ppb,
            heartbeat_s=rules.heartbeat_s,
            round_period_s=rules.round_period_s,
            offchain_latency_s=rules.offchain_latency_s + extra_delay_s,
            inclusion_blocks=rules.inclusion_blocks,
            transmission_outages=tuple((start + a, start + b) for a, b in scenario.transmission_outages),
        )
    )
