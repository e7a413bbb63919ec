"""The exponentials and the rounding that Morpho brought, against values by hand and against exact decimals."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import EvmRevert
from protocol.fixed_point.exponential import (
    EXP_UPPER_BOUND_WAD,
    EXP_UPPER_VALUE_WAD,
    LN_2_WAD,
    exp_clipped,
    exp_minus_one_taylor,
)
from protocol.fixed_point.int256 import wad_div_toward_zero, wad_mul_toward_zero
from protocol.fixed_point.uint256 import mul_div_up_checked
from protocol.units import MAX_UINT256, WAD


def revert_of(do, *arguments):
    with pytest.raises(EvmRevert) as caught:
        do(*arguments)
    return caught.value.name, dict(caught.value.numbers)


# --- rounding up, each step checked ---


@given(a=st.integers(0, 2**128 - 1), b=st.integers(0, 2**127), c=st.integers(1, 2**200))
def test_a_quotient_is_rounded_up(a, b, c):
    assert mul_div_up_checked(a, b, c) == ceil(Fraction(a * b, c))


def test_rounding_up_overflows_where_the_contract_adds_to_the_product():
    assert mul_div_up_checked(MAX_UINT256, 1, 1) == MAX_UINT256
    assert revert_of(mul_div_up_checked, MAX_UINT256, 1, 2) == ("Panic(0x11)", {"a": MAX_UINT256, "b": 1})
    assert revert_of(mul_div_up_checked, 2**128, 2**128, 1) == ("Panic(0x11)", {"a": 2**128, "b": 2**128})
    assert revert_of(mul_div_up_checked, 1, 1, 0) == ("Panic(0x11)", {"a": 0, "b": 1})


# --- signed wad ---


def test_signed_products_and_quotients_go_towards_zero():
    assert wad_mul_toward_zero(7, WAD // 2) == 3
    assert wad_mul_toward_zero(-7, WAD // 2) == -3
    assert wad_mul_toward_zero(-7, -WAD // 2) == 3
    assert wad_div_toward_zero(-1, 3) == -333333333333333333
    assert wad_div_toward_zero(2, 3) == 666666666666666666


def test_a_signed_wad_product_has_256_bits_and_a_quotient_a_divisor():
    largest = 2**255 - 1
    assert wad_mul_toward_zero(largest, 1) == largest // WAD
    assert wad_mul_toward_zero(-largest - 1, 1) == -(2**255 // WAD)
    assert revert_of(wad_mul_toward_zero, 2**254, 2) == ("Panic(0x11)", {"a": 2**254, "b": 2})
    assert revert_of(wad_div_toward_zero, 1, 0) == ("Panic(0x12)", {"a": WAD})


# --- e to a power ---


def test_interest_by_hand():
    # x = 0.1: 0.1 + 0.01 / 2 + 0.001 / 6, the last rounded down
    assert exp_minus_one_taylor(WAD // 10, 1) == 105166666666666666
    assert exp_minus_one_taylor(WAD // 1000, 100) == 105166666666666666
    assert exp_minus_one_taylor(10**9, 0) == 0
    assert exp_minus_one_taylor(10**9, 3) == 3 * 10**9 + 4  # 9e18 / 2e18 = 4.5


def test_interest_overflows_in_each_of_its_products():
    assert revert_of(exp_minus_one_taylor, 2**255, 2) == ("Panic(0x11)", {"a": 2**255, "b": 2})
    assert revert_of(exp_minus_one_taylor, 2**128, 1) == ("Panic(0x11)", {"a": 2**128, "b": 2**128})
    power = 2**106  # its square fits, and the second term times itself does not
    second = power * power // (2 * WAD)
    assert revert_of(exp_minus_one_taylor, power, 1) == ("Panic(0x11)", {"a": second, "b": power})


@given(power_wad=st.integers(0, WAD // 2))
def test_interest_is_below_the_exponential_by_less_than_the_fourth_term(power_wad):
    with localcontext(prec=60):
        exact = (Decimal(power_wad) / WAD).exp() - 1
        fourth = (Decimal(power_wad) / WAD) ** 4 / 24
        found = Decimal(exp_minus_one_taylor(power_wad, 1)) / WAD
    assert exact - Decimal("1.2") * fourth - Decimal("3e-18") <= found <= exact


def test_powers_by_hand():
    half = LN_2_WAD // 2  # the rest of half a doubling: 1 + r + r * r / 2
    up = WAD + half + half * half // WAD // 2

    assert exp_clipped(0) == WAD
    assert exp_clipped(LN_2_WAD) == 2 * WAD
    assert exp_clipped(-LN_2_WAD) == WAD // 2
    assert exp_clipped(3 * LN_2_WAD) == 8 * WAD
    assert exp_clipped(WAD // 10) == 1105000000000000000
    assert exp_clipped(-WAD // 10) == 905000000000000000
    assert exp_clipped(half) == up  # halves go towards zero
    assert exp_clipped(half + 1) == 2 * (WAD - half + (half * half) // WAD // 2)
    assert exp_clipped(-half) == WAD - half + half * half // WAD // 2
    assert exp_clipped(-half - 1) == (WAD + half + half * half // WAD // 2) // 2


def test_powers_are_clipped_at_both_ends():
    smallest = -41_446531673892822312
    assert exp_clipped(smallest - 1) == 0
    assert exp_clipped(smallest) == 0
    assert exp_clipped(-41_446 * WAD // 1000) == 1
    assert exp_clipped(-(2**255)) == 0
    assert exp_clipped(EXP_UPPER_BOUND_WAD - 1) < EXP_UPPER_VALUE_WAD
    assert exp_clipped(EXP_UPPER_BOUND_WAD) == EXP_UPPER_VALUE_WAD == exp_clipped(2**255 - 1)
    assert EXP_UPPER_VALUE_WAD * WAD < 2**255


@given(power_wad=st.integers(-41 * WAD, EXP_UPPER_BOUND_WAD - 1))
def test_a_power_is_within_one_percent_and_two_units_of_the_exponential(power_wad):
    with localcontext(prec=60):
        exact = (Decimal(power_wad) / WAD).exp() * WAD
    assert abs(exp_clipped(power_wad) - exact) <= exact / 100 + 2
