"""The push feed by example: each rule of its algorithm with hand-computed figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracles import MarketFeed, MarketPath, PushFeed, PushFeedConfig, run_push_feed
from oracles.errors import InvalidFeedConfig, NoAnswerYet, NoBlocks, TimesNotIncreasing

SECOND_BLOCKS = range(2000)
INSTANT = PushFeedConfig(
    deviation_threshold_ppb=5_000_000, heartbeat_s=1000, round_period_s=10, offchain_latency_s=0
)


def told(history):
    return [(t.transmitted_at, t.answer, t.reason) for t in history.transmissions]


def test_the_threshold_is_reached_at_exactly_half_a_percent_of_the_old_answer():
    below = run_push_feed(INSTANT, MarketPath((0, 5), (1000_00, 1004_99)), range(100))
    reached = run_push_feed(INSTANT, MarketPath((0, 5), (1000_00, 1005_00)), range(100))

    assert told(below) == [(0, 1000_00, "first")]
    assert told(reached) == [(0, 1000_00, "first"), (10, 1005_00, "deviation")]


def test_the_way_back_is_measured_on_the_new_answer():
    path = MarketPath((0, 5, 15), (1000_00, 1005_00, 1000_00))

    assert told(run_push_feed(INSTANT, path, range(100)))[1:] == [(10, 1005_00, "deviation")]


def test_a_jump_is_shown_at_once_and_not_in_steps_of_the_threshold():
    path = MarketPath((0, 5), (1000_00, 700_00))

    assert told(run_push_feed(INSTANT, path, range(100)))[1:] == [(10, 700_00, "deviation")]


def test_the_heartbeat_is_strict_counts_from_the_last_transmission_and_falls_on_rounds():
    path = MarketPath((0, 495), (1000_00, 1010_00))

    assert told(run_push_feed(INSTANT, path, SECOND_BLOCKS)) == [
        (0, 1000_00, "first"),
        (500, 1010_00, "deviation"),
        (1510, 1010_00, "heartbeat"),
    ]


def test_an_answer_lands_in_a_block_after_latency_and_its_times_say_so():
    config = replace(INSTANT, observation_latency_s=3, offchain_latency_s=5, inclusion_blocks=2)
    history = run_push_feed(config, MarketPath((0, 8), (1000_00, 900_00)), range(0, 120, 12))
    landed = history.transmissions[1]

    # the round at 10 still sees the market of 7, the round at 20 does not; ready at 25, blocks at 36 and 48
    assert (landed.observed_at, landed.transmitted_at, landed.block_index) == (20, 48, 4)
    assert (history.answer_at(47), history.answer_at(48)) == (1000_00, 900_00)
    assert (history.age_at(52), history.observation_age_at(52)) == (4, 32)


def test_a_report_in_flight_holds_back_others_that_say_much_the_same():
    config = replace(INSTANT, offchain_latency_s=100)
    path = MarketPath((0, 5, 15, 25), (1000_00, 900_00, 899_00, 880_00))

    assert told(run_push_feed(config, path, range(500)))[1:] == [
        (110, 900_00, "deviation"),
        (130, 880_00, "deviation"),
    ]


def test_a_stuck_report_blocks_heartbeats_unless_its_schedule_runs_out():
    config = replace(INSTANT, heartbeat_s=50, congestion=((60, 61, 500),))
    path = MarketPath((0,), (1000_00,))
    stuck = run_push_feed(config, path, SECOND_BLOCKS)
    released = run_push_feed(replace(config, pending_expiry_s=30), path, SECOND_BLOCKS)

    assert stuck.transmissions[1].transmitted_at == 60 + 499
    assert released.transmissions[1].transmitted_at == 100


def test_an_older_round_that_would_land_after_a_newer_one_is_discarded():
    config = replace(INSTANT, congestion=((0, 15, 50),))
    path = MarketPath((0, 5, 15), (1000_00, 900_00, 800_00))

    assert told(run_push_feed(config, path, range(200)))[1:] == [(20, 800_00, "deviation")]


def test_reports_of_a_transmission_outage_land_in_the_first_block_after_it():
    config = replace(INSTANT, transmission_outages=((8, 100),))
    path = MarketPath((0, 5, 55), (1000_00, 900_00, 800_00))

    assert told(run_push_feed(config, path, range(200)))[1:] == [(100, 800_00, "deviation")]


def test_below_the_minimum_the_feed_freezes_clamps_or_does_not_care():
    path = MarketPath((0, 5, 15), (107, 101, 20))
    config = replace(INSTANT, min_answer=100)

    for mode, shown in (("freeze", 101), ("clamp", 100), ("off", 20)):
        history = run_push_feed(replace(config, bounds_mode=mode), path, range(200))
        assert (mode, history.answer_at(199)) == (mode, shown)


def test_a_freeze_is_seen_in_the_age_alone():
    path = MarketPath((0, 5, 15), (107, 101, 20))
    history = run_push_feed(replace(INSTANT, min_answer=100, heartbeat_s=50), path, range(200))

    assert history.round_at(199).transmitted_at == 10
    assert history.age_at(199) == 189


def test_a_request_makes_the_next_round_report_whatever_the_price():
    config = replace(INSTANT, requests_at=(33,))

    assert told(run_push_feed(config, MarketPath((0,), (5,)), range(100)))[1:] == [(40, 5, "request")]


def test_a_request_during_a_pause_waits_for_the_next_round_that_is_held():
    config = replace(INSTANT, requests_at=(33,), round_outages=((35, 75),))

    assert told(run_push_feed(config, MarketPath((0,), (5,)), range(100)))[1:] == [(80, 5, "request")]


def test_an_empty_aggregator_has_no_answer_until_its_first_round_lands():
    config = replace(INSTANT, offchain_latency_s=4)
    history = run_push_feed(config, MarketPath((0,), (5,)), range(100), initial_answer=0)

    assert told(history) == [(4, 5, "first")]
    with pytest.raises(NoAnswerYet) as refusal:
        history.answer_at(3)
    assert (refusal.value.timestamp, refusal.value.first_at) == (3, 4)


def test_the_age_of_the_initial_answer_starts_the_heartbeat():
    feed = PushFeed(INSTANT, initial_answer=5, initial_timestamp=100 - 990)

    assert told(feed.history(MarketPath((0,), (5,)), range(100, 200))) == [
        (-890, 5, "first"),
        (120, 5, "heartbeat"),
    ]


def test_the_feed_without_lag_answers_the_market_in_every_block():
    path = MarketPath((0, 13), (5, 7))
    history = MarketFeed().history(path, range(0, 48, 12))

    assert told(history) == [
        (0, 5, "first"),
        (12, 5, "heartbeat"),
        (24, 7, "deviation"),
        (36, 7, "heartbeat"),
    ]
    assert all(history.age_at(block) == 0 for block in range(0, 48, 12))


@pytest.mark.parametrize("feed", [PushFeed(INSTANT), MarketFeed()])
def test_every_feed_refuses_no_blocks_and_blocks_out_of_order(feed):
    with pytest.raises(NoBlocks):
        feed.history(MarketPath((0,), (5,)), ())
    with pytest.raises(TimesNotIncreasing):
        feed.history(MarketPath((0,), (5,)), (0, 12, 12))


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("deviation_threshold_ppb", -1),
        ("heartbeat_s", 0),
        ("round_period_s", 0),
        ("round_phase_s", 10),
        ("inclusion_blocks", 0),
        ("accept_threshold_ppb", -1),
        ("max_answer", 0),
        ("bounds_mode", "bend"),
        ("transmission_outages[0]", ((9, 9),)),
        ("operator_freezes[1]", ((5, 9), (9, 8))),
        ("sequencer_windows[0]", ((9, 9),)),
        ("congestion[1]", ((0, 9, 1), (0, 9, 0))),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(field, found):
    with pytest.raises(InvalidFeedConfig) as refusal:
        replace(PushFeedConfig(), **{field.partition("[")[0]: found})

    assert refusal.value.field == field
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize(
    ("initial", "field"),
    [({"initial_answer": -1}, "initial_answer"), ({"initial_timestamp": 1}, "initial_timestamp")],
)
def test_an_impossible_initial_state_is_refused_by_name(initial, field):
    with pytest.raises(InvalidFeedConfig) as refusal:
        run_push_feed(INSTANT, MarketPath((0,), (5,)), range(100), **initial)

    assert refusal.value.field == field
