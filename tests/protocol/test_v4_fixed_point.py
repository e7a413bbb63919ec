"""The fixed-point forms that Aave v4 brought, against their definition over exact fractions, and their reverts."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import EvmRevert
from protocol.fixed_point import full_width, rescale, signed
from protocol.fixed_point.shares import SharePool
from protocol.units import MAX_UINT256, RAY, WAD

WORDS = st.integers(0, MAX_UINT256)


def revert_of(do, *arguments) -> str:
    with pytest.raises(EvmRevert) as caught:
        do(*arguments)
    return caught.value.name


@given(a=WORDS, b=WORDS, c=st.integers(1, MAX_UINT256))
def test_a_wide_product_overflows_only_in_its_result(a, b, c):
    exact = Fraction(a * b, c)
    for rule, rounded in ((full_width.mul_div_wide_down, floor), (full_width.mul_div_wide_up, ceil)):
        if rounded(exact) > MAX_UINT256:
            assert revert_of(rule, a, b, c) == "Panic(0x11)"
        else:
            assert rule(a, b, c) == rounded(exact)


def test_a_wide_product_may_be_as_large_as_two_words():
    assert full_width.mul_div_wide_down(MAX_UINT256, MAX_UINT256, MAX_UINT256) == MAX_UINT256
    assert full_width.mul_div_wide_up(MAX_UINT256, 2, 4) == 2**255
    assert full_width.mul_div_wide_down(MAX_UINT256, 2, 4) == 2**255 - 1
    assert revert_of(full_width.mul_div_wide_down, MAX_UINT256, 2, 1) == "Panic(0x11)"
    assert revert_of(full_width.mul_div_wide_up, MAX_UINT256, 2, 1) == "Panic(0x11)"


@pytest.mark.parametrize("rule", [full_width.mul_div_wide_down, full_width.mul_div_wide_up])
def test_a_wide_division_by_zero_panics(rule):
    assert revert_of(rule, 1, 1, 0) == "Panic(0x12)"


def test_a_narrow_product_overflows_in_between_and_reverts_empty():
    assert full_width.mul_div_narrow_down(MAX_UINT256, 1, 2) == 2**255 - 1
    assert revert_of(full_width.mul_div_narrow_down, MAX_UINT256, 2, 2) == "EmptyRevert"
    assert revert_of(full_width.mul_div_narrow_down, 1, 1, 0) == "EmptyRevert"


@pytest.mark.parametrize(
    ("rule", "factor"),
    [
        (rescale.to_wad, WAD),
        (rescale.to_ray, RAY),
        (rescale.bps_to_wad, 10**14),
        (rescale.bps_to_ray, 10**23),
    ],
)
def test_decimals_are_added_exactly_up_to_a_word(rule, factor):
    largest = MAX_UINT256 // factor

    assert (rule(0), rule(7), rule(largest)) == (0, 7 * factor, largest * factor)
    assert revert_of(rule, largest + 1) == "EmptyRevert"


def test_decimals_are_dropped_upwards():
    assert [rescale.from_ray_up(a) for a in (0, 1, RAY, RAY + 1)] == [0, 1, 1, 2]
    assert [rescale.round_ray_up(a) for a in (0, 1, RAY, RAY + 1)] == [0, RAY, RAY, 2 * RAY]
    assert revert_of(rescale.round_ray_up, MAX_UINT256) == "EmptyRevert"
    assert [rescale.div_up(a, 3) for a in (0, 1, 3, 4)] == [0, 1, 1, 2]
    assert revert_of(rescale.div_up, 1, 0) == "EmptyRevert"


def test_casts_keep_what_fits_and_refuse_the_rest():
    assert signed.to_uint256(0) == 0
    assert revert_of(signed.to_uint256, -1) == "SafeCastOverflowedIntToUint"
    assert signed.to_int256(2**255 - 1) == 2**255 - 1
    assert revert_of(signed.to_int256, 2**255) == "SafeCastOverflowedUintToInt"
    assert [signed.to_int(a, 8) for a in (-128, 127)] == [-128, 127]
    assert revert_of(signed.to_int, 128, 8) == "SafeCastOverflowedIntDowncast"
    assert revert_of(signed.to_int, -129, 8) == "SafeCastOverflowedIntDowncast"


def test_a_difference_is_added_within_a_word():
    assert [signed.add_signed(5, d) for d in (-5, 0, 2)] == [0, 5, 7]
    assert revert_of(signed.add_signed, 5, -6) == "Panic(0x11)"
    assert revert_of(signed.add_signed, MAX_UINT256, 1) == "Panic(0x11)"


def pool(assets: int, shares: int) -> SharePool:
    return SharePool(total_assets=assets, total_shares=shares, virtual_assets=10**6, virtual_shares=10**6)


@given(assets=st.integers(0, 2**120), shares=st.integers(0, 2**120), amount=st.integers(0, 2**120))
def test_shares_are_worth_their_part_of_assets_with_the_virtual_ones(assets, shares, amount):
    price, some = Fraction(assets + 10**6, shares + 10**6), pool(assets, shares)

    assert some.to_assets_down(amount) == floor(amount * price)
    assert some.to_assets_up(amount) == ceil(amount * price)
    assert some.to_shares_down(amount) == floor(amount / price)
    assert some.to_shares_up(amount) == ceil(amount / price)


def test_the_virtual_part_counts_on_its_own_side():
    some = SharePool(
        total_assets=8, total_shares=3, virtual_assets=2, virtual_shares=1
    )  # 10 assets, 4 shares

    assert (some.to_assets_down(1), some.to_assets_up(1)) == (2, 3)
    assert (some.to_shares_down(3), some.to_shares_up(3)) == (1, 2)
    assert revert_of(pool(MAX_UINT256, 0).to_assets_down, 0) == "Panic(0x11)"
