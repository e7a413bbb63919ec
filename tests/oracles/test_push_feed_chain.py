"""From report to chain: laws of delay, stuck and lost reports, requests, and windows in which something stops."""

from __future__ import annotations

from dataclasses import replace

from oracles import MarketPath, PushFeedConfig, run_push_feed
from oracles.congestion import ReturnCongestion
from oracles.draws import Draws
from oracles.inclusion import BlocksWaited, StagedLottery
from oracles.laws import Constant, Uniform
from oracles.nodes import Nodes
from oracles.push_feed import deviates
from oracles.scales import PPB

INSTANT = PushFeedConfig(
    deviation_threshold_ppb=5_000_000, heartbeat_s=1000, round_period_s=10, offchain_latency_s=0
)
NEVER = StagedLottery(q0_ppb=1, stage_boost_ppb=PPB, stage_s=10, n_stages=3, after_schedule="lost")


def told(history):
    return [(t.transmitted_at, t.answer, t.reason) for t in history.transmissions]


def test_constant_laws_are_the_constants_of_the_configuration():
    path = MarketPath((0, 5, 333, 340), (1000_00, 900_00, 1000_00, 800_00))
    constants = replace(INSTANT, offchain_latency_s=7, inclusion_blocks=3, heartbeat_s=77)
    laws = replace(
        INSTANT, heartbeat_s=77, offchain_latency=Constant(7), inclusion=BlocksWaited(law=Constant(3))
    )

    assert run_push_feed(laws, path, range(0, 900, 12)) == run_push_feed(constants, path, range(0, 900, 12))


def test_a_drawn_latency_moves_landings_inside_its_range():
    config = replace(INSTANT, heartbeat_s=50, offchain_latency=Uniform(least=3, most=8))
    history = run_push_feed(config, MarketPath((0,), (5,)), range(4000))
    taken_s = {t.transmitted_at - t.observed_at for t in history.transmissions[1:]}

    assert taken_s == {3, 4, 5, 6, 7, 8}


def test_forced_congestion_overrules_the_law_in_its_window():
    config = replace(INSTANT, inclusion=NEVER, congestion=((0, 15, 2),))
    path = MarketPath((0, 5), (1000_00, 900_00))

    assert told(run_push_feed(config, path, range(0, 400, 10)))[1:] == [(20, 900_00, "deviation")]


def test_a_lost_report_blocks_heartbeats_for_ever_or_until_its_schedule_is_over():
    path = MarketPath((0,), (1000_00,))
    config = replace(INSTANT, heartbeat_s=50, inclusion=NEVER)
    rescued = replace(config, congestion=((95, 96, 1),), round_phase_s=5)

    assert len(run_push_feed(config, path, range(900)).transmissions) == 1
    assert len(run_push_feed(rescued, path, range(900)).transmissions) == 1
    expiring = replace(rescued, pending_expiry_s=NEVER.schedule_s)
    assert told(run_push_feed(expiring, path, range(900))) == [
        (0, 1000_00, "first"),
        (95, 1000_00, "heartbeat"),
    ]


def test_a_lost_report_is_overtaken_by_one_that_says_something_else():
    path = MarketPath((0, 5, 45), (1000_00, 900_00, 800_00))
    config = replace(INSTANT, inclusion=NEVER, congestion=((50, 51, 1),))

    assert told(run_push_feed(config, path, range(900)))[1:] == [(50, 800_00, "deviation")]


def test_a_request_stands_until_a_transmission_after_it_has_landed():
    config = replace(INSTANT, requests_at=(33,), min_answer=100, heartbeat_s=5000)
    path = MarketPath((0, 35, 75), (100, 99, 100))

    assert told(run_push_feed(config, path, range(300)))[1:] == [(80, 100, "request")]


def test_a_report_in_flight_when_the_request_comes_fulfils_it():
    config = replace(INSTANT, requests_at=(33,), offchain_latency_s=20, heartbeat_s=5000)
    path = MarketPath((0, 25), (1000_00, 1100_00))

    assert told(run_push_feed(config, path, range(300)))[1:] == [(50, 1100_00, "deviation")]


def test_from_zero_any_move_deviates_and_none_does_not():
    assert deviates(1, 0, PPB**2)
    assert not deviates(0, 0, 0)
    assert deviates(5, 5, 0)


def test_while_the_sequencer_is_down_nothing_lands_and_the_restart_shows_the_gap():
    path = MarketPath((0, 55, 95, 155), (1000_00, 900_00, 800_00, 700_00))
    down = replace(INSTANT, sequencer_windows=((50, 150),))
    history = run_push_feed(down, path, range(0, 300, 2))

    assert told(history)[1:] == [(150, 800_00, "deviation"), (160, 700_00, "deviation")]
    assert (history.answer_at(149), history.age_at(149)) == (1000_00, 149)


def test_blocks_of_the_down_time_do_not_exist_and_are_not_counted_as_waited_for():
    path = MarketPath((0, 35), (1000_00, 900_00))
    config = replace(INSTANT, inclusion_blocks=5, sequencer_windows=((45, 150),))
    landed = run_push_feed(config, path, range(0, 300, 4)).transmissions[1]

    # the round at 40: blocks at 40 and 44, then 152, 156 and 160
    assert (landed.transmitted_at, landed.block_index) == (160, 40)


def test_blocks_of_a_transmission_outage_exist_and_their_reports_land_after_it():
    path = MarketPath((0, 35), (1000_00, 900_00))
    config = replace(INSTANT, inclusion_blocks=3, transmission_outages=((45, 150),))
    landed = run_push_feed(config, path, range(0, 300, 4)).transmissions[1]

    assert (landed.transmitted_at, landed.block_index) == (152, 38)
    assert (
        run_push_feed(replace(config, inclusion_blocks=5), path, range(0, 300, 4)).transmissions[1] == landed
    )


def test_the_operator_holds_rounds_but_not_what_is_in_flight():
    path = MarketPath((0, 35, 55), (1000_00, 900_00, 800_00))
    config = replace(INSTANT, offchain_latency_s=15, operator_freezes=((45, 105),))

    assert told(run_push_feed(config, path, range(300)))[1:] == [
        (55, 900_00, "deviation"),
        (125, 800_00, "deviation"),
    ]


def test_without_any_block_that_exists_nothing_lands():
    history = run_push_feed(
        replace(INSTANT, sequencer_windows=((0, 900),)), MarketPath((0,), (5,)), range(900), initial_answer=0
    )

    assert history.transmissions == ()


def test_a_drawn_feed_runs_the_same_however_far_its_market_and_chain_are_known():
    prices = [10**11 + 10**9 * Draws(seed=9).at(i, "price").below(10) for i in range(200)]
    path = MarketPath(range(0, 2000, 10), prices)
    config = replace(
        INSTANT,
        nodes=Nodes(n=4, f=1, noise_ppb=2_000_000),
        offchain_latency=Uniform(),
        inclusion=StagedLottery(q0_ppb=300_000_000),
        congestion_law=ReturnCongestion(window_s=60),
    )
    whole = run_push_feed(config, path, range(0, 2000, 12)).transmissions
    waited_s = {t.transmitted_at - t.observed_at for t in whole[1:]}

    assert len(whole) > 50
    assert len(waited_s) > 10
    for n_blocks in range(3, 167, 12):
        last = 12 * (n_blocks - 1)
        known = MarketPath(path.times[: last // 10 + 1], path.prices[: last // 10 + 1])
        start = run_push_feed(config, known, range(0, 12 * n_blocks, 12)).transmissions
        assert start == tuple(t for t in whole if t.transmitted_at <= last)
