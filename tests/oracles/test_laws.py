"""Laws of delay, inclusion and congestion: what they can give, how often, and how they hang together."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import accumulate

import pytest

from oracles.congestion import ReturnCongestion
from oracles.draws import Draws
from oracles.errors import InvalidFeedConfig
from oracles.inclusion import Attempt, BlocksWaited, StagedLottery
from oracles.laws import Constant, Quantiles, Uniform
from oracles.path import MarketPath
from oracles.push_config import PushFeedConfig
from oracles.push_feed import run_push_feed
from oracles.scales import PPB

N_DRAWS = 4000
MEASURED = Quantiles(knots=((0, 2), (500_000_000, 4), (900_000_000, 4), (PPB, 40)))


def drawn(law, n=N_DRAWS):
    return [law.draw(Draws(seed=3).at(instant, "law")) for instant in range(n)]


def attempt(instant, *, ready_at=0, level_ppb=0):
    stream = Draws(seed=3).at(instant, "inclusion")
    return Attempt(ready_at=ready_at, stream=stream, level_ppb_at=lambda _: level_ppb)


def test_a_constant_is_constant_and_draws_nothing():
    stream = Draws().at(0, "x")

    assert {Constant(7).draw(stream) for _ in range(9)} == {7}
    assert stream.word() == Draws().at(0, "x").word()


def test_a_uniform_law_gives_every_number_of_its_range_and_no_other():
    counts = {number: drawn(Uniform(least=3, most=8)).count(number) for number in range(12)}

    assert [number for number, count in counts.items() if count] == [3, 4, 5, 6, 7, 8]
    assert max(abs(count - N_DRAWS / 6) for count in counts.values() if count) < 4 * 23.6


def test_measured_quantiles_are_met():
    numbers = drawn(MEASURED)

    assert {2, 3, 4} < set(numbers) <= set(range(2, 41))
    for share, number in ((0.25, 3), (0.5, 4), (0.95, 22)):
        below = sum(found < number for found in numbers) / N_DRAWS
        assert abs(below - share) < 4 * (share * (1 - share) / N_DRAWS) ** 0.5


@pytest.mark.parametrize("law", [Constant(5), Uniform(least=0, most=90), MEASURED])
def test_no_law_gives_less_than_its_least_or_more_than_its_most(law):
    assert law.least <= min(drawn(law)) <= max(drawn(law)) <= law.most


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Constant(-1), "Constant.number"),
        (lambda: Uniform(least=-1), "Uniform.least"),
        (lambda: Uniform(least=9, most=8), "Uniform.most"),
        (lambda: Quantiles(knots=((0, 1),)), "Quantiles.knots"),
        (lambda: Quantiles(knots=((0, -1), (PPB, 1))), "Quantiles.knots[0]"),
        (lambda: Quantiles(knots=((0, 1), (5, 3), (PPB, 2))), "Quantiles.knots[2]"),
        (lambda: Quantiles(knots=((0, 1), (5, 3), (5, 4), (PPB, 5))), "Quantiles.knots[2]"),
        (lambda: BlocksWaited(law=Uniform(least=0, most=3)), "BlocksWaited.law"),
        (lambda: StagedLottery(q0_ppb=0), "StagedLottery.q0_ppb"),
        (lambda: StagedLottery(kappa=-1), "StagedLottery.kappa"),
        (lambda: StagedLottery(stage_boost_ppb=PPB - 1), "StagedLottery.stage_boost_ppb"),
        (lambda: StagedLottery(n_stages=0), "StagedLottery.n_stages"),
        (lambda: StagedLottery(after_schedule="waits"), "StagedLottery.after_schedule"),  # type: ignore[arg-type]
        (lambda: ReturnCongestion(rho_ppb=PPB + 1), "ReturnCongestion.rho_ppb"),
        (lambda: ReturnCongestion(window_s=0), "ReturnCongestion.window_s"),
        (lambda: ReturnCongestion(calm_return_ppb=-1), "ReturnCongestion.calm_return_ppb"),
    ],
)
def test_a_law_out_of_range_is_refused_by_field(make, field):
    with pytest.raises(InvalidFeedConfig) as refusal:
        make()

    assert refusal.value.field == field


def test_blocks_waited_count_from_the_first_block_that_can_take_the_report():
    law = BlocksWaited(law=Uniform(least=1, most=3))

    assert {law.landing_place(range(0, 120, 12), 4, attempt(i)) for i in range(60)} == {4, 5, 6}


def test_in_calm_the_lottery_is_geometric():
    law = StagedLottery(stage_s=10**6)
    waited = [law.landing_place(range(0, 1200, 12), 0, attempt(i)) + 1 for i in range(N_DRAWS)]

    for k in (1, 2, 3, 4):
        share = 0.7 * 0.3 ** (k - 1)
        assert abs(waited.count(k) / N_DRAWS - share) < 4 * (share * (1 - share) / N_DRAWS) ** 0.5


def test_congestion_lowers_the_chance_exponentially_beyond_its_threshold():
    law = StagedLottery(q0_ppb=700_000_000, kappa=30, g0_ppb=10_000_000)

    assert law.chance_ppb(0, 0) == law.chance_ppb(0, 10_000_000) == 700_000_000
    with localcontext(prec=60):
        for level_ppb in (10_000_001, 60_000_000, 110_000_000, PPB):
            power = Decimal(1)
            term = Decimal(1)
            for k in range(1, 200):  # exp by its series
                term *= Decimal(-30 * (level_ppb - 10_000_000)) / PPB / k
                power += term
            assert law.chance_ppb(0, level_ppb) == int(700_000_000 * power)
    assert law.chance_ppb(0, 110_000_000) == 34_850_947  # a twentieth


def test_every_stage_starts_again_with_a_better_chance_up_to_certainty():
    law = StagedLottery(kappa=30)

    assert [law.chance_ppb(stage, 110_000_000) for stage in range(6)] == [
        34_850_947,
        69_701_894,
        139_403_788,
        278_807_576,
        557_615_152,
        PPB,
    ]


@pytest.mark.parametrize(("after", "place"), [("lands", 20), ("lost", 100)])
def test_after_the_last_stage_a_report_lands_at_once_or_never(after, place):
    law = StagedLottery(q0_ppb=1, stage_s=60, n_stages=4, stage_boost_ppb=PPB, after_schedule=after)

    assert law.schedule_s == 240
    assert law.landing_place(range(0, 1200, 12), 0, attempt(0)) == place


def test_a_lottery_over_fewer_blocks_is_the_same_lottery_cut_short():
    law = StagedLottery(q0_ppb=100_000_000)
    for instant in range(200):
        whole = law.landing_place(range(0, 1200, 12), 0, attempt(instant))
        assert law.landing_place(range(0, 60, 12), 0, attempt(instant)) == min(whole, 5)


def walk(seed=5, n=20_001, step_s=60, sigma_ppb=1_391_402):
    """A market whose return over 600 s has a deviation of 0.44 %: ten steps of that by the root of ten."""
    steps = (Draws(seed=seed).at(i, "walk").near_normal(sigma_ppb) for i in range(n - 1))
    prices = accumulate(steps, lambda price, move: price + price * move // PPB, initial=2000 * 10**8)
    return MarketPath(range(0, n * step_s, step_s), prices)


def test_with_rho_one_congestion_is_the_size_of_the_last_move():
    law = ReturnCongestion(rho_ppb=PPB, window_s=600)
    path = MarketPath((0, 700), (1000, 900))

    levels = [law.level_ppb(path, Draws(), t) for t in (0, 699, 700, 1299, 1300)]
    assert levels == [0, 0, 100_000_000, 100_000_000, 0]
    assert law.level_ppb(MarketPath((0, 700), (900, 1000)), Draws(), 700) == 111_111_111


def test_with_rho_zero_congestion_knows_nothing_of_the_market():
    law = ReturnCongestion(rho_ppb=0)
    calm, crash = MarketPath((0,), (1000,)), MarketPath((0, 50), (1000, 1))

    levels = [law.level_ppb(calm, Draws(), t) for t in range(0, 6000, 600)]
    assert levels == [law.level_ppb(crash, Draws(), t) for t in range(0, 6000, 600)]
    assert len(set(levels)) == 10
    assert law.level_ppb(calm, Draws(), 0) == law.level_ppb(calm, Draws(), 599)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8, 0.95])
def test_rho_is_the_correlation_of_congestion_with_the_size_of_returns(rho):
    path = walk()
    own_move, told = ReturnCongestion(rho_ppb=PPB), ReturnCongestion(rho_ppb=round(rho * PPB))
    instants = range(600, path.times[-1], 600)
    moves = [own_move.level_ppb(path, Draws(), t) for t in instants]
    levels = [told.level_ppb(path, Draws(), t) for t in instants]

    # 1,999 windows: a correlation of 0 has a standard error of 0.022, and fat squares widen it
    assert abs(correlation(moves, levels) - rho) < 0.08


def correlation(xs, ys):
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    both = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return both / (sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys)) ** 0.5


def test_congestion_does_not_look_ahead():
    path = walk(n=200)
    law = ReturnCongestion()
    for now in range(0, 11_000, 777):
        n_known = sum(time <= now for time in path.times)
        known = MarketPath(path.times[:n_known], path.prices[:n_known])
        assert law.level_ppb(known, Draws(), now) == law.level_ppb(path, Draws(), now)


def test_oracle_trap_23_congestion_comes_with_the_crash_and_independence_understates_the_delay():
    falls = range(600, 1200, 12)
    crash = MarketPath([0, *falls], [1000 * 10**8 - n * 8 * 10**8 for n in range(len(falls) + 1)])
    waits = {}
    for rho_ppb in (0, 800_000_000, PPB):
        waits[rho_ppb] = [
            landed.transmitted_at - landed.observed_at
            for seed in range(40)
            for landed in run_push_feed(
                PushFeedConfig(
                    seed=seed,
                    inclusion=StagedLottery(),
                    congestion_law=ReturnCongestion(rho_ppb=rho_ppb),
                    accept_threshold_ppb=PPB,
                ),
                crash,
                range(0, 2400, 12),
            ).transmissions[1:]
            if landed.observed_at in range(900, 1300)
        ]
    mean_s = {rho_ppb: sum(found) / len(found) for rho_ppb, found in waits.items()}

    assert mean_s[0] < 20 < 2 * mean_s[0] < mean_s[800_000_000] < mean_s[PPB]
