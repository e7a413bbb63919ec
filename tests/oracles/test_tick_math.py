"""Prices of ticks: the contract's own published points, and the rule that they follow."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.errors import SqrtRatioOutOfRange, TickOutOfRange
from oracles.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    Q96,
    quote_at_tick,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
    tick_of_price,
)

# Recorded results of test/TickMath.spec.ts, in test/__snapshots__/TickMath.spec.ts.snap and in its text
# (Uniswap/v3-core@d8b1c635c).
SQRT_RATIOS = {
    -887272: 4295128739,
    -887271: 4295343490,
    -738203: 7409801140451,
    -500000: 1101692437043807371,
    -250000: 295440463448801648376846,
    -150000: 43836292794701720435367485,
    -50000: 6504256538020985011912221507,
    -5000: 61703726247759831737814779831,
    -4000: 64867181785621769311890333195,
    -3000: 68192822843687888778582228483,
    -2500: 69919044979842180277688105136,
    -1000: 75364347830767020784054125655,
    -500: 77272108795590369356373805297,
    -250: 78244023372248365697264290337,
    -100: 78833030112140176575862854579,
    -50: 79030349367926598376800521322,
    0: 79228162514264337593543950336,
    50: 79426470787362580746886972461,
    100: 79625275426524748796330556128,
    250: 80224679980005306637834519095,
    500: 81233731461783161732293370115,
    1000: 83290069058676223003182343270,
    2500: 89776708723587163891445672585,
    3000: 92049301871182272007977902845,
    4000: 96768528593268422080558758223,
    5000: 101729702841318637793976746270,
    50000: 965075977353221155028623082916,
    150000: 143194173941309278083010301478497,
    250000: 21246587762933397357449903968194344,
    500000: 5697689776495288729098254600827762987878,
    738203: 847134979253254120489401328389043031315994541,
    887271: 1461373636630004318706518188784493106690254656249,
    887272: 1461446703485210103287273052203988822378723970342,
}
TICKS = {
    4295128739: -887272,
    79228162514264337593543: -276325,
    79228162514264337593543950: -138163,
    9903520314283042199192993792: -41591,
    28011385487393069959365969113: -20796,
    56022770974786139918731938227: -6932,
    79228162514264337593543950336: 0,
    112045541949572279837463876454: 6931,
    224091083899144559674927752909: 20795,
    633825300114114700748351602688: 41590,
    79228162514264337593543950336000: 138162,
    79228162514264337593543950336000000: 276324,
    1461446703485210103287273052203988822378723970341: 887271,
}


@pytest.mark.parametrize(("tick", "sqrt_ratio_x96"), SQRT_RATIOS.items())
def test_a_tick_has_the_square_root_that_the_contract_recorded(tick, sqrt_ratio_x96):
    assert sqrt_ratio_at_tick(tick) == sqrt_ratio_x96


@pytest.mark.parametrize(("sqrt_ratio_x96", "tick"), TICKS.items())
def test_a_square_root_has_the_tick_that_the_contract_recorded(sqrt_ratio_x96, tick):
    assert tick_at_sqrt_ratio(sqrt_ratio_x96) == tick


@settings(deadline=None, max_examples=80)
@given(tick=st.integers(-MAX_TICK, MAX_TICK - 1))
def test_every_tick_is_found_from_its_square_root_and_from_all_up_to_the_next(tick):
    low, high = sqrt_ratio_at_tick(tick), sqrt_ratio_at_tick(tick + 1)

    assert tick_at_sqrt_ratio(low) == tick_at_sqrt_ratio(high - 1) == tick


@settings(deadline=None, max_examples=80)
@given(tick=st.integers(-200_000, 200_000))
def test_the_square_root_is_that_of_1_0001_to_the_tick_within_a_billionth(tick):
    with localcontext(prec=60):
        exact = (Decimal("1.0001") ** tick).sqrt() * Q96
        off = abs(sqrt_ratio_at_tick(tick) - exact) / exact

    assert off < Decimal("1e-9")


def test_ticks_and_square_roots_out_of_range_are_refused():
    for tick in (-MAX_TICK - 1, MAX_TICK + 1):
        with pytest.raises(TickOutOfRange) as refusal:
            sqrt_ratio_at_tick(tick)
        assert refusal.value.tick == tick
    for ratio in (MIN_SQRT_RATIO - 1, MAX_SQRT_RATIO):
        with pytest.raises(SqrtRatioOutOfRange):
            tick_at_sqrt_ratio(ratio)


def test_a_price_lies_from_its_tick_to_the_next():
    tick = tick_of_price(1_600 * 10**6, 10**18)

    assert tick == -202_543  # log(1.6e-9) / log(1.0001) = -202542.7...
    assert quote_at_tick(tick, 10**18, base_is_token0=True) <= 1_600 * 10**6
    assert quote_at_tick(tick + 1, 10**18, base_is_token0=True) > 1_600 * 10**6


def test_a_quote_turns_round_with_the_order_of_the_tokens_and_loses_digits_only_for_large_ratios():
    assert quote_at_tick(0, 123, base_is_token0=True) == quote_at_tick(0, 123, base_is_token0=False) == 123
    small = SQRT_RATIOS[5000]
    assert quote_at_tick(5000, 10**18, base_is_token0=True) == small * small * 10**18 // 2**192
    assert quote_at_tick(5000, 10**18, base_is_token0=False) == 2**192 * 10**18 // (small * small)
    large = SQRT_RATIOS[500_000]
    assert large > 2**128
    assert quote_at_tick(500_000, 10**6, base_is_token0=True) == (large * large >> 64) * 10**6 >> 128
