"""The nodes of a round: who is heard, what each says, and which of their values becomes the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import MarketPath, PushFeedConfig, run_push_feed
from oracles.draws import Draws
from oracles.errors import InvalidFeedConfig
from oracles.laws import Constant, Uniform
from oracles.nodes import Nodes
from oracles.push_feed import observe
from oracles.scales import PPB

PATH = MarketPath((0, 500), (2000 * 10**8, 1800 * 10**8))
PERCENT = PPB // 100


def test_oracle_trap_05_of_an_even_number_of_values_the_upper_middle_one_is_the_answer():
    four = Nodes(n=4, f=1, biases_ppb=(3 * PERCENT, -3 * PERCENT, PERCENT, -PERCENT))
    three = Nodes(n=3, biases_ppb=(3 * PERCENT, -3 * PERCENT, -PERCENT))

    assert four.median(PATH, Draws(), 10, 10) == 2020 * 10**8
    assert three.median(PATH, Draws(), 10, 10) == 1980 * 10**8


def test_one_node_without_error_says_the_market_and_so_do_many():
    for nodes in (Nodes(), Nodes(n=16, f=5)):
        assert nodes.is_exact
        assert [nodes.median(PATH, Draws(), t, t) for t in (0, 499, 500)] == [2000 * 10**8] * 2 + [
            1800 * 10**8
        ]


def test_a_node_rounds_to_the_nearest_unit():
    assert Nodes(biases_ppb=(PPB // 2,)).median(MarketPath((0,), (3,)), Draws(), 0, 0) == 5
    assert Nodes(biases_ppb=(PPB // 2 - 1,)).median(MarketPath((0,), (3,)), Draws(), 0, 0) == 4


def test_every_node_looks_back_by_its_own_lag_and_the_feeds():
    config = PushFeedConfig(observation_latency_s=5, nodes=Nodes(n=4, f=1, lag_s=Constant(7)))

    assert observe(config, PATH, 511) == 2000 * 10**8
    assert observe(config, PATH, 512) == 1800 * 10**8
    spread = Nodes(n=31, f=10, lag_s=Uniform(least=0, most=9)).heard(PATH, Draws(), 505, 505)
    assert {1800 * 10**8, 2000 * 10**8} == set(spread)


def test_rounds_begin_when_the_farthest_look_back_is_inside_the_path():
    config = PushFeedConfig(
        observation_latency_s=5, nodes=Nodes(lag_s=Uniform(least=0, most=38)), heartbeat_s=1
    )
    history = run_push_feed(config, PATH, range(0, 400, 12), initial_answer=0)

    assert history.transmissions[0].observed_at == 50


def test_errors_are_as_wide_as_said_and_the_median_is_much_narrower():
    nodes = Nodes(n=16, f=5, noise_ppb=1_000_000)
    single = [v for t in range(200) for v in nodes.heard(PATH, Draws(seed=2), t, t) if v is not None]
    medians = [m for t in range(200) for m in [nodes.median(PATH, Draws(seed=2), t, t)] if m is not None]

    assert 0.96e6 < deviation_ppb(single) < 1.04e6
    assert 0.25e6 < deviation_ppb(medians) < 0.36e6  # sqrt(pi / 2 / 16) of it is 0.31
    assert max(abs(v - 2000 * 10**8) for v in single) <= 6 * 2 * 10**8


def deviation_ppb(values):
    return (sum((v / (2000 * 10**8) - 1) ** 2 for v in values) / len(values)) ** 0.5 * PPB


def test_silence_stops_a_round_below_2f_plus_1_messages_and_emptiness_a_report_below_f_plus_1_values():
    silent = Nodes(n=7, f=2, silent_ppb=300_000_000, noise_ppb=1)
    empty = Nodes(n=7, f=2, invalid_ppb=600_000_000, noise_ppb=1)
    n_messages, n_values = set(), set()
    for t in range(300):
        messages = silent.heard(PATH, Draws(), t, t)
        assert (silent.median(PATH, Draws(), t, t) is None) == (len(messages) < 5)
        n_messages.add(len(messages))
        values = [v for v in empty.heard(PATH, Draws(), t, t) if v is not None]
        assert (empty.median(PATH, Draws(), t, t) is None) == (len(values) < 3)
        n_values.add(len(values))

    assert {4, 5} <= n_messages
    assert {2, 3} <= n_values


def test_a_feed_whose_nodes_are_all_silent_is_seen_in_its_age_alone():
    config = PushFeedConfig(heartbeat_s=60, nodes=Nodes(n=4, f=1, silent_ppb=PPB))
    history = run_push_feed(config, PATH, range(0, 1200, 12))

    assert len(history.transmissions) == 1
    assert history.age_at(1199) == 1199


@given(
    st.integers(1, 10),
    st.lists(st.integers(-2 * PPB, 9 * PPB), min_size=10, max_size=10),
    st.integers(0, 20_000_000),
    st.integers(0, 600),
)
def test_f_liars_cannot_move_the_answer_beyond_what_an_honest_node_said(f, lies_ppb, noise_ppb, instant):
    nodes = Nodes(n=3 * f + 1, f=f, biases_ppb=tuple(lies_ppb[:f]), noise_ppb=noise_ppb)
    honest = nodes.heard(PATH, Draws(seed=4), instant, instant)[f:]
    median = nodes.median(PATH, Draws(seed=4), instant, instant)

    assert median is not None
    assert min(v for v in honest if v is not None) <= median <= max(v for v in honest if v is not None)


def test_more_liars_than_f_can():
    nodes = Nodes(n=4, f=1, biases_ppb=(PERCENT, 50 * PERCENT, 50 * PERCENT))

    assert nodes.median(PATH, Draws(), 0, 0) == 3000 * 10**8


def test_another_node_changes_nothing_that_the_others_say():
    some = Nodes(n=7, f=2, noise_ppb=10**6, lag_s=Uniform(least=0, most=20))

    assert replace(some, n=10).heard(PATH, Draws(), 505, 505)[:7] == some.heard(PATH, Draws(), 505, 505)


def test_seed_and_name_tell_feeds_apart_and_repeat_themselves():
    config = PushFeedConfig(nodes=Nodes(n=4, f=1, noise_ppb=10**7), name="ETH/USD")
    told = {
        (seed, name): run_push_feed(
            replace(config, seed=seed, name=name), PATH, range(0, 1200, 12)
        ).transmissions
        for seed in (0, 1)
        for name in ("ETH/USD", "BTC/USD")
    }

    assert len(set(told.values())) == 4
    assert run_push_feed(config, PATH, range(0, 1200, 12)).transmissions == told[0, "ETH/USD"]


def test_a_config_says_whether_its_seed_matters():
    assert PushFeedConfig().is_deterministic
    assert PushFeedConfig(offchain_latency=Constant(3)).is_deterministic
    assert not PushFeedConfig(offchain_latency=Uniform()).is_deterministic
    assert not PushFeedConfig(nodes=Nodes(noise_ppb=1)).is_deterministic


@pytest.mark.parametrize(
    ("found", "field"),
    [
        ({"n": 0}, "Nodes.n"),
        ({"n": 32}, "Nodes.n"),
        ({"n": 3, "f": 1}, "Nodes.f"),
        ({"n": 4, "f": -1}, "Nodes.f"),
        ({"noise_ppb": -1}, "Nodes.noise_ppb"),
        ({"biases_ppb": (0, 5)}, "Nodes.biases_ppb[1]"),
        ({"silent_ppb": PPB + 1}, "Nodes.silent_ppb"),
        ({"invalid_ppb": -1}, "Nodes.invalid_ppb"),
    ],
)
def test_impossible_nodes_are_refused_by_field(found, field):
    with pytest.raises(InvalidFeedConfig) as refusal:
        Nodes(**found)

    assert refusal.value.field == field
