"""Fixed-point arithmetic against its definition over exact fractions, and its reverts at the limits."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, exp, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import EvmRevert
from protocol.fixed_point import compounding, percentage, uint256, wad_ray
from protocol.units import BPS, MAX_UINT256, RAY, SECONDS_PER_YEAR, WAD

Op = Callable[[int, int], int]
Rounding = Callable[[Fraction], int]


def half_up(x: Fraction) -> int:
    return floor(x + Fraction(1, 2))


def name_of(value: object) -> str | None:
    return getattr(value, "__name__", None)


MULTIPLICATIONS: list[tuple[Op, int, Rounding]] = [
    (wad_ray.ray_mul_half_up, RAY, half_up),
    (wad_ray.ray_mul_down, RAY, floor),
    (wad_ray.ray_mul_up, RAY, ceil),
    (wad_ray.wad_mul_half_up, WAD, half_up),
    (percentage.percent_mul_half_up, BPS, half_up),
    (percentage.percent_mul_down, BPS, floor),
    (percentage.percent_mul_up, BPS, ceil),
]
DIVISIONS: list[tuple[Op, int, Rounding]] = [
    (wad_ray.ray_div_half_up, RAY, half_up),
    (wad_ray.ray_div_down, RAY, floor),
    (wad_ray.ray_div_up, RAY, ceil),
    (wad_ray.wad_div_half_up, WAD, half_up),
    (percentage.percent_div_half_up, BPS, half_up),
    (percentage.percent_div_down, BPS, floor),
    (percentage.percent_div_up, BPS, ceil),
]
AMOUNTS = st.one_of(st.integers(0, 10**6), st.integers(0, 2**128 - 1))
FACTORS = st.one_of(st.integers(1, 10**6), st.integers(1, 2**96))
RATES = st.integers(0, 10 * RAY)
TIMES = st.integers(0, 10 * SECONDS_PER_YEAR)


@pytest.mark.parametrize(("operation", "one", "rounding"), MULTIPLICATIONS, ids=name_of)
@given(a=AMOUNTS, b=FACTORS)
def test_multiplication_is_the_exact_product_rounded_once(operation: Op, one: int, rounding: Rounding, a, b):
    assert operation(a, b) == rounding(Fraction(a * b, one))


@pytest.mark.parametrize(("operation", "one", "rounding"), DIVISIONS, ids=name_of)
@given(a=AMOUNTS, b=FACTORS)
def test_division_is_the_exact_quotient_rounded_once(operation: Op, one: int, rounding: Rounding, a, b):
    assert operation(a, b) == rounding(Fraction(a * one, b))


@pytest.mark.parametrize("operation", [row[0] for row in MULTIPLICATIONS], ids=name_of)
def test_multiplication_reverts_empty_just_above_the_limit(operation: Op):
    half = 0 if operation.__name__.endswith(("_up", "_down")) and "half" not in operation.__name__ else 1
    one = next(row[1] for row in MULTIPLICATIONS if row[0] is operation)
    largest = MAX_UINT256 - half * (one // 2)

    assert operation(largest, 1) >= 0
    with pytest.raises(EvmRevert) as caught:
        operation(largest + 1, 1)
    assert caught.value.name == "EmptyRevert"


@pytest.mark.parametrize(("operation", "one"), [row[:2] for row in DIVISIONS], ids=name_of)
def test_division_reverts_empty_above_the_limit_and_by_zero(operation: Op, one: int):
    largest = MAX_UINT256 // one

    assert operation(largest, 1) == largest * one
    for a, b in ((largest + 1, 1), (1, 0)):
        with pytest.raises(EvmRevert) as caught:
            operation(a, b)
        assert caught.value.name == "EmptyRevert"


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: uint256.add(MAX_UINT256, 1), "Panic(0x11)"),
        (lambda: uint256.add(255, 1, max_value=255), "Panic(0x11)"),
        (lambda: uint256.sub(1, 2), "Panic(0x11)"),
        (lambda: uint256.mul(2**128, 2**128), "Panic(0x11)"),
        (lambda: uint256.div_down(1, 0), "Panic(0x12)"),
        (lambda: uint256.mul_div_down(2**128, 2**128, 0), "Panic(0x11)"),
        (lambda: uint256.mul_div_down(1, 1, 0), "Panic(0x12)"),
        (lambda: uint256.mul_div_up(2**128, 2**128, 1), "EmptyRevert"),
        (lambda: uint256.mul_div_up(1, 1, 0), "EmptyRevert"),
        (lambda: uint256.to_uint(2**128, 128), "SafeCastOverflowedUintDowncast"),
        (lambda: wad_ray.wad_to_ray(MAX_UINT256 // 10**9 + 1), "EmptyRevert"),
    ],
)
def test_checked_arithmetic_reverts_with_the_evm_name(call, name: str):
    with pytest.raises(EvmRevert) as caught:
        call()
    assert caught.value.name == name
    assert caught.value.numbers


@given(a=AMOUNTS, b=FACTORS, c=FACTORS)
def test_mul_div_rounds_the_exact_value(a, b, c):
    assert uint256.mul_div_down(a, b, c) == floor(Fraction(a * b, c))
    assert uint256.mul_div_up(a, b, c) == ceil(Fraction(a * b, c))


@pytest.mark.parametrize("bits", [40, 120, 128])
def test_a_cast_keeps_the_largest_value_that_fits(bits: int):
    assert uint256.to_uint(2**bits - 1, bits) == 2**bits - 1


def test_growth_over_thirty_days_is_the_known_figure():
    rate, elapsed = 5 * RAY // 100, 30 * 86_400

    assert compounding.compounded_growth_binomial(rate, elapsed) == 1004118042106000198784926904
    assert compounding.compounded_growth_taylor(rate, elapsed) == 1004118044969757105730597891
    assert compounding.linear_growth(rate, elapsed) == 1004109589041095890410958904


@given(rate=RATES)
def test_no_time_no_growth(rate):
    assert compounding.linear_growth(rate, 0) == RAY
    assert compounding.compounded_growth_binomial(rate, 0) == RAY
    assert compounding.compounded_growth_taylor(rate, 0) == RAY


@given(rate=RATES, elapsed=TIMES, more=st.integers(0, SECONDS_PER_YEAR))
def test_growth_never_falls_with_time_or_rate(rate, elapsed, more):
    for growth in (compounding.linear_growth, compounding.compounded_growth_binomial):
        assert growth(rate, elapsed + more) >= growth(rate, elapsed)
        assert growth(rate + more, elapsed) >= growth(rate, elapsed)
    taylor = compounding.compounded_growth_taylor
    assert taylor(rate, elapsed + more) >= taylor(rate, elapsed)


@given(rate=st.integers(0, RAY), elapsed=TIMES)
def test_compounding_lies_between_the_line_and_the_exponential(rate, elapsed):
    exact = exp(rate / RAY * elapsed / SECONDS_PER_YEAR)

    for growth in (compounding.compounded_growth_binomial, compounding.compounded_growth_taylor):
        assert compounding.linear_growth(rate, elapsed) <= growth(rate, elapsed)
        # An independent bound: the float exponential is good to 1e-12, the cut terms only lower the growth.
        assert growth(rate, elapsed) / RAY <= exact * (1 + 1e-12)


def test_time_that_runs_backwards_and_rates_beyond_words_revert():
    with pytest.raises(EvmRevert) as caught:
        compounding.linear_growth(2**255, 2)
    assert caught.value.name == "Panic(0x11)"
    with pytest.raises(EvmRevert) as caught:
        compounding.compounded_growth_binomial(2**200, 2)
    assert caught.value.name == "EmptyRevert"
