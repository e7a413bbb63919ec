"""Averages of pools: both kinds, both roundings, what wraps, what is forgotten, and the answer to a jump."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import MarketPath
from oracles.errors import (
    BeforePathStarts,
    InvalidPartConfig,
    PathShapeMismatch,
    ScheduleRunsBackwards,
    TickOutOfRange,
    TimesNotIncreasing,
)
from oracles.pair_path import Q112, UINT256, PairPath, mean_price_x112
from oracles.reading import Failed
from oracles.tick_math import quote_at_tick
from oracles.tick_path import TickPath
from oracles.twap import ArithmeticTwap, GeometricTwap
from tests.oracles.step_source import answer_of

JUMP_AT, WINDOW = 10_000, 1_800
MARKET = MarketPath((0, JUMP_AT), (1_600 * 10**8, 800 * 10**8))


def pair_of(market):
    """Ether against USDC."""
    return PairPath.of_market(market, decimals=8, base_unit=10**18, quote_unit=10**6)


def pool_of(market, *, base_is_token0=True):
    return TickPath.of_market(
        market, decimals=8, base_unit=10**18, quote_unit=10**6, base_is_token0=base_is_token0
    )


PAIR, POOL = pair_of(MARKET), pool_of(MARKET)


def test_an_accumulator_grows_by_the_price_each_second_in_both_directions():
    pair = PairPath(times=(100, 110), reserves0=(3, 7), reserves1=(5, 1))

    assert pair.cumulative_at(100) == (0, 0)
    assert pair.cumulative_at(104) == (5 * Q112 // 3 * 4, 3 * Q112 // 5 * 4)
    assert pair.cumulative_at(111) == (5 * Q112 // 3 * 10 + Q112 // 7, 3 * Q112 // 5 * 10 + 7 * Q112)
    assert pair.stored_at(111) == ((5 * Q112 // 3 * 10, 3 * Q112 // 5 * 10), 110)


@given(start=st.integers(0, UINT256 - 1), later=st.integers(1, 5_000))
def test_an_accumulator_that_overflows_in_between_gives_the_same_mean(start, later):
    pair = PairPath(times=(0,), reserves0=(3,), reserves1=(5,))
    wraps = replace(pair, cumulative_start=(start, UINT256 - 1))

    for which in (0, 1):
        plain = mean_price_x112(pair.cumulative_at(0)[which], pair.cumulative_at(later)[which], later)
        assert plain == mean_price_x112(
            wraps.cumulative_at(0)[which], wraps.cumulative_at(later)[which], later
        )
    assert wraps.cumulative_at(later)[1] < UINT256


def test_seconds_between_blocks_wrap_at_32_bits():
    pair = PairPath(times=(0,), reserves0=(1,), reserves1=(1,))

    assert pair.cumulative_at(2**32 + 5) == (5 * Q112, 5 * Q112)


@pytest.mark.parametrize("t", [0, 1, 600, 1_799, 1_800])
def test_t_seconds_after_a_jump_the_arithmetic_mean_has_gone_t_of_w_of_the_way_in_price(t):
    start, end = JUMP_AT + t - WINDOW, JUMP_AT + t
    mean = mean_price_x112(PAIR.cumulative_at(start)[0], PAIR.cumulative_at(end)[0], WINDOW)

    old, new = (reserve * Q112 // 10**22 for reserve in PAIR.reserves1)
    assert mean == (old * (WINDOW - t) + new * t) // WINDOW


@pytest.mark.parametrize("t", [0, 1, 600, 1_799, 1_800])
def test_t_seconds_after_a_jump_the_geometric_mean_has_gone_t_of_w_of_the_way_in_ticks(t):
    old, new = POOL.ticks

    assert old - new == 6_932  # log(2) / log(1.0001) = 6931.8
    assert POOL.mean_tick(JUMP_AT + t, WINDOW, "down") == (old * (WINDOW - t) + new * t) // WINDOW


@settings(deadline=None, max_examples=60)
@given(
    prices=st.lists(st.integers(10**10, 10**12), min_size=2, max_size=8),
    gap=st.integers(1, 500),
)
def test_the_geometric_mean_is_never_above_the_arithmetic_one_by_more_than_a_tick(prices, gap):
    market = MarketPath(range(0, gap * len(prices), gap), prices)
    now = gap * len(prices)
    pair = pair_of(market)
    tick = pool_of(market).mean_tick(now, now, "down")

    assert isinstance(tick, int)
    arithmetic = mean_price_x112(0, pair.cumulative_at(now)[0], now) * 10**18 >> 112
    assert quote_at_tick(tick, 10**18, base_is_token0=True) <= arithmetic + 1


def test_a_negative_sum_that_does_not_divide_is_rounded_one_tick_apart():
    pool = TickPath(times=(0, 10), ticks=(-1, -2))

    assert pool.mean_tick(13, 6, "down") == -2  # -9 / 6
    assert pool.mean_tick(13, 6, "toward_zero") == -1
    assert pool.mean_tick(10, 5, "down") == pool.mean_tick(10, 5, "toward_zero") == -1
    positive = TickPath(times=(0, 10), ticks=(1, 2))
    assert positive.mean_tick(13, 6, "down") == positive.mean_tick(13, 6, "toward_zero") == 1


@given(
    ticks=st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=6),
    window=st.integers(1, 50),
    after=st.integers(0, 30),
)
def test_the_mean_tick_is_the_mean_of_the_tick_of_every_second(ticks, window, after):
    pool = TickPath(times=tuple(range(0, 10 * len(ticks), 10)), ticks=tuple(ticks))
    now = 10 * (len(ticks) - 1) + after
    if window > now:
        assert pool.mean_tick(now, window, "down") == Failed(name="OLD")
    else:
        total = sum(ticks[min(second // 10, len(ticks) - 1)] for second in range(now - window, now))
        assert pool.mean_tick(now, window, "down") == total // window
        assert pool.mean_tick(now, window, "toward_zero") == int(total / window)


def test_a_pool_that_keeps_few_observations_forgets_the_start_of_the_window():
    pool = TickPath(times=(0, 10, 20, 30), ticks=(1, 2, 3, 4), cardinality=2)

    assert pool.mean_tick(35, 15, "down") == (3 * 10 + 4 * 5) // 15
    assert pool.mean_tick(35, 16, "down") == Failed(name="OLD")
    assert pool.mean_tick(29, 19, "down") == (2 * 10 + 3 * 9) // 19
    assert GeometricTwap(pool=pool, window_s=16).read(35) == Failed(name="OLD")
    assert replace(pool, cardinality=3).mean_tick(35, 16, "down") == (2 + 3 * 10 + 4 * 5) // 16


def test_a_geometric_source_quotes_at_the_mean_tick_and_calls_itself_new():
    twap = GeometricTwap(pool=POOL, window_s=WINDOW)
    found = twap.read(JUMP_AT + 900)

    assert not isinstance(found, Failed)
    mean = POOL.mean_tick(JUMP_AT + 900, WINDOW, "down")
    assert isinstance(mean, int)
    assert found.answer == quote_at_tick(mean, 10**18, base_is_token0=True)
    assert 1_131_000_000 < found.answer < 1_131_371_000  # the square root of 1600 x 800 is 1131.37
    assert found.age_at(JUMP_AT + 900) == 0


def test_a_pool_in_the_other_order_quotes_the_same_market_within_two_ticks():
    reverse = pool_of(MARKET, base_is_token0=False)
    assert all(tick > 0 for tick in reverse.ticks)

    one = answer_of(GeometricTwap(pool=POOL).read(5_000))
    other = answer_of(GeometricTwap(pool=reverse, base_is_token0=False).read(5_000))
    assert isinstance(one, int)
    assert isinstance(other, int)
    assert one <= 1_600 * 10**6 <= other <= one * 10_002 // 10_000


def test_a_price_that_does_not_move_the_tick_stores_no_observation():
    market = MarketPath((0, 10, 20), (1_600 * 10**8, 1_600 * 10**8 + 1, 1_700 * 10**8))

    assert pool_of(market).times == (0, 20)


def test_an_arithmetic_source_answers_0_then_the_mean_of_each_window_and_refuses_early_updates():
    twap = ArithmeticTwap(
        pair=PAIR, deployed_at=7_000, updates=(9_000, 9_500, 10_900, 12_700), period_s=1_800
    )

    # from the pair's last change, at 0, and then from update to update
    assert answer_of(twap.read(8_999)) == 0
    assert answer_of(twap.read(9_500)) == 1_600 * 10**6 - 1  # the averaged ratio is rounded down
    half = twap.read(10_900)
    assert answer_of(half) == (1_600 * 1_000 + 800 * 900) * 10**6 // 1_900
    assert not isinstance(half, Failed)
    assert (half.round_id, half.updated_at, half.age_at(12_000)) == (2, 10_900, 1_100)
    assert answer_of(twap.read(13_000)) == 800 * 10**6 - 1


def test_bad_pools_and_schedules_are_refused_with_the_index_of_the_offender():
    with pytest.raises(PathShapeMismatch):
        PairPath(times=(0, 1), reserves0=(1, 1), reserves1=(1,))
    with pytest.raises(TimesNotIncreasing) as order:
        PairPath(times=(0, 0), reserves0=(1, 1), reserves1=(1, 1))
    assert order.value.index == 1
    for bad in (0, -1, 2**112):
        with pytest.raises(InvalidPartConfig) as refusal:
            PairPath(times=(0, 1), reserves0=(1, 1), reserves1=(1, bad))
        assert (refusal.value.field, refusal.value.found) == ("reserves1[1]", bad)
    with pytest.raises(TickOutOfRange) as tick:
        TickPath(times=(0, 1), ticks=(0, 887_273))
    assert (tick.value.what, tick.value.tick) == ("ticks[1]", 887_273)
    with pytest.raises(PathShapeMismatch):
        TickPath(times=(), ticks=())
    with pytest.raises(InvalidPartConfig):
        TickPath(times=(0,), ticks=(0,), cardinality=0)
    with pytest.raises(InvalidPartConfig):
        GeometricTwap(pool=POOL, window_s=0)
    with pytest.raises(InvalidPartConfig):
        ArithmeticTwap(pair=PAIR, deployed_at=10, updates=(), period_s=0)
    with pytest.raises(InvalidPartConfig):
        ArithmeticTwap(pair=PAIR, deployed_at=10, updates=(9,))
    with pytest.raises(ScheduleRunsBackwards) as backwards:
        ArithmeticTwap(pair=PAIR, deployed_at=0, updates=(5, 9, 8))
    assert (backwards.value.index, backwards.value.before, backwards.value.found) == (2, 9, 8)
    with pytest.raises(BeforePathStarts):
        PAIR.cumulative_at(-1)
