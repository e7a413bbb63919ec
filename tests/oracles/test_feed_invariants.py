"""Invariants of a push feed over drawn markets, chains and parameters.

OBSERVED: the feed shows only what a round observed, or a bound where it clamps.
ONE_PER_BLOCK: no two transmissions land in one block.
HEARTBEAT: outside windows the gap is at most heartbeat + round period + latency.
FOLLOWS: where a round finds the threshold reached, a transmission is on its way.
SAMPLES: without threshold and latency the feed is the market, sampled at the rounds.
REPRODUCES: with one such round per step it is the market, step by step.
FEWER: a higher threshold makes no more updates, over many markets.
CAUSAL: more market and more blocks later change nothing that was shown before, drawn or not.
FREEZES: in a window without rounds, landings or blocks `updatedAt` stands still while the age grows.
REPLAYS: a history put in as a forced schedule comes back as it was.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import FeedHistory, MarketPath, PushFeedConfig, Transmission, replay, run_push_feed
from oracles.congestion import ReturnCongestion
from oracles.draws import Draws
from oracles.errors import TransmissionsOutOfOrder
from oracles.inclusion import BlocksWaited, StagedLottery
from oracles.laws import Quantiles, Uniform
from oracles.nodes import Nodes
from oracles.push_feed import deviates, observe
from oracles.scales import PPB

RECORDED = Path(__file__).parents[3] / "shared/mainnet/chainlink_rounds/eth_usd_2023-04_2024-01.csv.gz"
START, SECONDS = 1_700_000_000, 600

drawn = settings(deadline=None, max_examples=60)


@st.composite
def paths(draw: st.DrawFn) -> MarketPath:
    """A market that starts well before the blocks and jumps by up to 20 % at any second."""
    times = sorted(draw(st.sets(st.integers(START, START + SECONDS), max_size=30)))
    prices = [draw(st.integers(10**10, 10**11))]
    for _ in times:
        prices.append(prices[-1] * draw(st.integers(800, 1200)) // 1000)
    return MarketPath([START - 1000, *times], prices)


windows = st.tuples(st.integers(START, START + SECONDS), st.integers(1, 300)).map(
    lambda w: (w[0], w[0] + w[1])
)
calm_configs = st.builds(
    PushFeedConfig,
    deviation_threshold_ppb=st.integers(0, 50_000_000),
    heartbeat_s=st.integers(1, 400),
    round_period_s=st.integers(5, 40),
    round_phase_s=st.integers(0, 4),
    observation_latency_s=st.integers(0, 30),
    offchain_latency_s=st.integers(0, 30),
    inclusion_blocks=st.integers(1, 3),
    accept_threshold_ppb=st.none() | st.integers(0, 50_000_000),
    pending_expiry_s=st.none() | st.integers(1, 60),
)
nodes = st.builds(
    Nodes,
    n=st.integers(4, 7),
    f=st.integers(0, 1),
    noise_ppb=st.integers(0, 3_000_000),
    lag_s=st.builds(lambda most: Uniform(least=0, most=most), st.integers(0, 20)),
)
drawing_configs = calm_configs | st.builds(
    replace,
    calm_configs,
    nodes=nodes,
    offchain_latency=st.sampled_from([None, Uniform(), Quantiles(knots=((0, 1), (PPB // 2, 5), (PPB, 30)))]),
    inclusion=st.sampled_from([None, BlocksWaited(law=Uniform(least=1, most=3))]),
    seed=st.integers(0, 99),
)
rough_configs = st.builds(
    replace,
    drawing_configs
    | st.builds(
        replace,
        drawing_configs,
        nodes=st.builds(replace, nodes, silent_ppb=st.integers(0, PPB), invalid_ppb=st.integers(0, PPB)),
        inclusion=st.builds(
            StagedLottery,
            q0_ppb=st.integers(1, PPB),
            stage_s=st.integers(1, 40),
            n_stages=st.integers(1, 4),
            after_schedule=st.sampled_from(["lands", "lost"]),
        ),
        congestion_law=st.none()
        | st.builds(ReturnCongestion, rho_ppb=st.integers(0, PPB), window_s=st.integers(1, 300)),
    ),
    min_answer=st.sampled_from([1, 10**10]),
    max_answer=st.sampled_from([10**11, 2**191 - 1]),
    bounds_mode=st.sampled_from(["freeze", "clamp", "off"]),
    transmission_outages=st.lists(windows, max_size=2).map(tuple),
    round_outages=st.lists(windows, max_size=2).map(tuple),
    congestion=st.lists(st.builds(lambda w, n: (*w, n), windows, st.integers(1, 20)), max_size=2).map(tuple),
    requests_at=st.lists(st.integers(START, START + SECONDS), max_size=2).map(tuple),
    operator_freezes=st.lists(windows, max_size=1).map(tuple),
    sequencer_windows=st.lists(windows, max_size=1).map(tuple),
)
intervals = st.sampled_from([1, 2, 12])


def blocks_of(interval: int) -> range:
    return range(START, START + SECONDS, interval)


def rounds_of(config: PushFeedConfig) -> list[int]:
    return [t for t in range(START, START + SECONDS) if t % config.round_period_s == config.round_phase_s]


def latency_of(config: PushFeedConfig, interval: int) -> int:
    """The longest a report can take from its round to its block in calm."""
    law, inclusion = config.offchain_latency, config.inclusion
    offchain_s = config.offchain_latency_s if law is None else law.most
    n_blocks = inclusion.law.most if isinstance(inclusion, BlocksWaited) else config.inclusion_blocks
    return offchain_s + n_blocks * interval


@drawn
@given(rough_configs, paths(), intervals)
def test_observed_the_feed_shows_only_what_a_round_observed(config, path, interval):
    history = run_push_feed(config, path, blocks_of(interval))

    for landed in history.transmissions[1:]:
        assert landed.answer == observe(config, path, landed.observed_at)
        if config.nodes.is_exact:
            assert landed.answer in {*path.prices, config.min_answer, config.max_answer}


@drawn
@given(rough_configs, paths(), intervals)
def test_one_per_block_no_two_transmissions_share_a_block(config, path, interval):
    history = run_push_feed(config, path, blocks_of(interval))

    assert all(b.transmitted_at - a.transmitted_at >= interval for a, b in pairwise(history.transmissions))
    assert all(blocks_of(interval)[t.block_index] == t.transmitted_at for t in history.transmissions)
    assert not any(
        start <= t.transmitted_at < end
        for t in history.transmissions[1:]
        for start, end in config.transmission_outages + config.sequencer_windows
    )
    assert [t.round_id for t in history.transmissions] == list(range(1, len(history.transmissions) + 1))


@drawn
@given(drawing_configs, paths(), intervals)
def test_heartbeat_no_gap_is_longer_than_heartbeat_round_and_latency(config, path, interval):
    history = run_push_feed(config, path, blocks_of(interval))
    bound = config.heartbeat_s + config.round_period_s + latency_of(config, interval)
    ends = [*(t.transmitted_at for t in history.transmissions), blocks_of(interval)[-1]]

    assert all(later - earlier <= bound for earlier, later in pairwise(ends))


@drawn
@given(drawing_configs, paths(), intervals)
def test_follows_where_a_round_finds_the_threshold_reached_a_transmission_is_on_its_way(
    config, path, interval
):
    history = run_push_feed(config, path, blocks_of(interval))
    latency = latency_of(config, interval)
    landings = {t.transmitted_at for t in history.transmissions if t.reason != "first"}

    for instant in rounds_of(config):
        arrived = [
            t for t in history.transmissions if t.transmitted_at <= instant and t.observed_at < instant
        ]
        if instant + latency > blocks_of(interval)[-1] or not arrived:
            continue
        median = observe(config, path, instant)
        assert median is not None
        if deviates(median, arrived[-1].answer, config.deviation_threshold_ppb):
            assert any(instant <= landing <= instant + latency for landing in landings)


@drawn
@given(paths(), st.integers(1, 40))
def test_samples_without_threshold_and_latency_the_feed_is_the_market_at_its_rounds(path, period):
    config = PushFeedConfig(
        deviation_threshold_ppb=0, heartbeat_s=period, round_period_s=period, offchain_latency_s=0
    )
    instants = rounds_of(config)
    history = run_push_feed(config, path, instants)

    assert [history.answer_at(t) for t in instants] == [path.price_at(t) for t in instants]


@drawn
@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=40), st.integers(1, 3600), st.integers(0, 10**9))
def test_reproduces_one_round_per_step_without_lag_and_threshold_is_the_market_itself(prices, step_s, start):
    path = MarketPath(range(start, start + step_s * len(prices), step_s), prices)
    config = PushFeedConfig(
        deviation_threshold_ppb=0,
        heartbeat_s=step_s,
        round_period_s=step_s,
        round_phase_s=start % step_s,
        offchain_latency_s=0,
    )
    history = run_push_feed(config, path, path.times)

    shown = [(t.transmitted_at, t.answer) for t in history.transmissions]
    assert shown == list(zip(path.times, path.prices, strict=True))


N_MARKETS = 200
THRESHOLDS_PPB = (0, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 20_000_000)


def drawn_market(seed: int) -> MarketPath:
    """An hour in steps of 30 s of a deviation of 0.2 %: about 70 times the variance of a calm hour of ether."""
    prices = [2000 * 10**8]
    for step in range(120):
        move_ppb = Draws(seed=seed, feed="market").at(step, "return").near_normal(2_000_000)
        prices.append(prices[-1] * (PPB + move_ppb) // PPB)
    return MarketPath(range(START, START + 3630, 30), prices)


@pytest.mark.parametrize("noise_ppb", [0, 500_000])
def test_fewer_a_higher_threshold_makes_no_more_updates_over_two_hundred_markets(noise_ppb):
    markets = [drawn_market(seed) for seed in range(N_MARKETS)]
    n_updates = {}
    for threshold_ppb in THRESHOLDS_PPB:
        config = PushFeedConfig(
            deviation_threshold_ppb=threshold_ppb,
            round_period_s=60,
            nodes=Nodes(noise_ppb=noise_ppb),
        )
        blocks = range(START, START + 3600, 12)
        n_updates[threshold_ppb] = sum(
            len(run_push_feed(config, market, blocks).transmissions) - 1 for market in markets
        )

    assert n_updates[0] == N_MARKETS * 60  # every round of the hour
    assert all(n_updates[lower] > n_updates[higher] for lower, higher in pairwise(THRESHOLDS_PPB))


@drawn
@given(rough_configs, paths(), intervals, st.integers(1, SECONDS - 1))
def test_causal_what_comes_later_changes_nothing_shown_before(config, path, interval, cut):
    whole = run_push_feed(config, path, blocks_of(interval))
    n_blocks = max(1, cut // interval)
    last = blocks_of(interval)[n_blocks - 1]
    n_steps = sum(t <= last for t in path.times)
    start = run_push_feed(
        config,
        MarketPath(path.times[:n_steps], path.prices[:n_steps]),
        blocks_of(interval)[:n_blocks],
    )

    assert start.transmissions == tuple(t for t in whole.transmissions if t.transmitted_at <= last)


@pytest.mark.parametrize("kind", ["round_outages", "operator_freezes", "sequencer_windows"])
@drawn
@given(config=drawing_configs, path=paths(), window=windows, interval=intervals)
def test_freezes_without_rounds_or_blocks_the_stamp_stands_while_the_age_grows(
    config, path, window, interval, kind
):
    history = run_push_feed(replace(config, **{kind: (window,)}), path, blocks_of(interval))
    settled = window[0] + latency_of(config, interval)

    assert not any(window[0] <= t.observed_at < window[1] for t in history.transmissions[1:])
    if settled < window[1]:
        frozen = history.round_at(settled)
        assert history.round_at(window[1] - 1) == frozen
        assert history.age_at(window[1] - 1) == history.age_at(settled) + window[1] - 1 - settled


@drawn
@given(drawing_configs, paths(), windows, intervals)
def test_freezes_where_nothing_lands_the_stamp_stands_from_the_first_second(config, path, window, interval):
    for kind in ("transmission_outages", "sequencer_windows"):
        history = run_push_feed(replace(config, **{kind: (window,)}), path, blocks_of(interval))

        assert not any(window[0] <= t.transmitted_at < window[1] for t in history.transmissions[1:])
        if history.transmissions[0].transmitted_at <= window[0]:
            grown_s = history.age_at(window[1] - 1) - history.age_at(window[0])
            assert grown_s == window[1] - 1 - window[0]


@drawn
@given(calm_configs, paths(), intervals)
def test_freezes_below_the_floor_the_stamp_stands_while_the_age_grows(config, path, interval):
    floored = replace(config, min_answer=max(path.prices) + 1)
    history = run_push_feed(floored, path, blocks_of(interval))

    assert len(history.transmissions) == 1
    assert history.age_at(START + SECONDS) == SECONDS


@drawn
@given(rough_configs, paths(), intervals)
def test_replays_a_forced_schedule_comes_back_as_it_was(config, path, interval):
    history = run_push_feed(config, path, blocks_of(interval))

    assert replay(history.transmissions) == history


@pytest.mark.skipif(
    not RECORDED.exists(), reason="needs ../shared/mainnet/chainlink_rounds, which is not there"
)
def test_replays_eleven_thousand_recorded_eth_usd_rounds():
    with gzip.open(RECORDED, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["answer"] != "0"]
    rows.sort(key=lambda row: int(row["round"]))
    history = replay(map(recorded, rows))

    assert len(history.transmissions) == 11_106
    last_of_block = {int(row["update"]): row for row in rows}
    assert len(rows) - len(last_of_block) == 5
    for timestamp, row in last_of_block.items():
        read = history.round_at(timestamp)
        assert (read.answer, read.round_id) == (int(row["answer"]), int(row["round"]))


def recorded(row: dict[str, str]) -> Transmission:
    return Transmission(
        round_id=int(row["round"]),
        observed_at=int(row["start"]),
        transmitted_at=int(row["update"]),
        block_index=-1,
        answer=int(row["answer"]),
        reason="deviation",
    )


@pytest.mark.parametrize("field", ["round_id", "transmitted_at", "block_index"])
def test_a_schedule_that_runs_backwards_is_refused_by_field(field):
    first = Transmission(round_id=5, observed_at=5, transmitted_at=5, block_index=5, answer=5, reason="first")
    later = replace(first, **{"round_id": 6, field: 4})

    with pytest.raises(TransmissionsOutOfOrder) as refusal:
        FeedHistory((first, later))
    assert (refusal.value.index, refusal.value.field) == (1, field)
