"""Every primitive at its last argument that fits and its first that does not, and what the revert carries.

The largest word, 2**256 - 1, is 3 * 5 * 17 * ...: odd and a multiple of three, so a product of two factors may
equal it, while a multiple of 10 cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from protocol.errors import EvmRevert
from protocol.fixed_point import (
    compounding,
    full_width,
    percentage,
    rescale,
    safe_math,
    shares,
    signed,
    uint256,
    wad_ray,
)
from protocol.units import BPS, HALF_BPS, HALF_RAY, HALF_WAD, MAX_UINT256, RAY, SECONDS_PER_YEAR, WAD

THIRD = MAX_UINT256 // 3
EMPTY, OVERFLOW, BY_ZERO = "EmptyRevert", "Panic(0x11)", "Panic(0x12)"


class Limit(NamedTuple):
    """A call that just fits with its result, and calls that revert with name and numbers."""

    rule: Callable[..., int]
    fits: tuple[Any, ...]
    result: int
    reverts: tuple[tuple[tuple[int, ...], str, Mapping[str, int]], ...]


def half_up_quotient(rule: Callable[..., int], scale: int, first: str, second: str) -> Limit:
    """`(a * scale + b // 2) / b`: the numerator is the largest word for the divisor chosen here."""
    a, b = MAX_UINT256 // scale, 2 * (MAX_UINT256 % scale)
    return Limit(
        rule,
        (a, b),
        MAX_UINT256 // b,
        (((a, b + 2), EMPTY, {first: a, second: b + 2}), ((7, 0), EMPTY, {first: 7, second: 0})),
    )


def quotient(rule: Callable[..., int], scale: int, first: str, second: str) -> Limit:
    """`a * scale / b` by 1: the last multiple of the scale that fits."""
    a = MAX_UINT256 // scale
    return Limit(
        rule,
        (a, 1),
        a * scale,
        (((a + 1, 1), EMPTY, {first: a + 1, second: 1}), ((7, 0), EMPTY, {first: 7, second: 0})),
    )


def product(rule: Callable[..., int], added: int, result: int, first: str, second: str) -> Limit:
    """`a * b + added` over the scale: the numerator is the largest word."""
    a, b = (3, THIRD) if added == 0 else (1, MAX_UINT256 - added)
    return Limit(rule, (a, b), result, (((a, b + 1), EMPTY, {first: a, second: b + 1}),))


LIMITS = [
    Limit(
        uint256.add,
        (MAX_UINT256 - 1, 1),
        MAX_UINT256,
        (((MAX_UINT256, 1), OVERFLOW, {"a": MAX_UINT256, "b": 1}),),
    ),
    Limit(uint256.sub, (5, 5), 0, (((5, 6), OVERFLOW, {"a": 5, "b": 6}),)),
    Limit(uint256.mul, (3, THIRD), MAX_UINT256, (((3, THIRD + 1), OVERFLOW, {"a": 3, "b": THIRD + 1}),)),
    Limit(uint256.div_down, (9, 5), 1, (((9, 0), BY_ZERO, {"a": 9}),)),
    Limit(
        uint256.mul_div_down,
        (3, THIRD, 1),
        MAX_UINT256,
        (
            ((3, THIRD + 1, 2), OVERFLOW, {"a": 3, "b": THIRD + 1}),
            ((3, THIRD + 1, 0), OVERFLOW, {"a": 3, "b": THIRD + 1}),
            ((3, 5, 0), BY_ZERO, {"a": 15}),
        ),
    ),
    Limit(
        uint256.mul_div_up,
        (3, THIRD, 1),
        MAX_UINT256,
        (
            ((3, THIRD + 1, 2), EMPTY, {"a": 3, "b": THIRD + 1, "c": 2}),
            ((3, 5, 0), EMPTY, {"a": 3, "b": 5, "c": 0}),
        ),
    ),
    Limit(
        uint256.to_uint,
        (2**128 - 1, 128),
        2**128 - 1,
        (((2**128, 128), "SafeCastOverflowedUintDowncast", {"bits": 128, "value": 2**128}),),
    ),
    *(
        Limit(
            rule,
            (MAX_UINT256, 5, 5),
            MAX_UINT256,
            (
                ((MAX_UINT256, 2, 1), OVERFLOW, {"a": MAX_UINT256, "b": 2, "c": 1}),
                ((3, 5, 0), BY_ZERO, {"a": 3, "b": 5}),
            ),
        )
        for rule in (full_width.mul_div_wide_down, full_width.mul_div_wide_up)
    ),
    Limit(
        full_width.mul_div_narrow_down,
        (3, THIRD, 2),
        MAX_UINT256 // 2,
        (
            ((3, THIRD + 1, 2), EMPTY, {"a": 3, "b": THIRD + 1, "c": 2}),
            ((3, 5, 0), EMPTY, {"a": 3, "b": 5, "c": 0}),
        ),
    ),
    product(percentage.percent_mul_half_up, HALF_BPS, MAX_UINT256 // BPS, "value", "share_bps"),
    product(percentage.percent_mul_down, 0, MAX_UINT256 // BPS, "value", "share_bps"),
    product(percentage.percent_mul_up, 0, MAX_UINT256 // BPS + 1, "value", "share_bps"),
    half_up_quotient(percentage.percent_div_half_up, BPS, "value", "share_bps"),
    quotient(percentage.percent_div_down, BPS, "value", "share_bps"),
    quotient(percentage.percent_div_up, BPS, "value", "share_bps"),
    product(wad_ray.ray_mul_half_up, HALF_RAY, MAX_UINT256 // RAY, "a", "b"),
    product(wad_ray.ray_mul_down, 0, MAX_UINT256 // RAY, "a", "b"),
    product(wad_ray.ray_mul_up, 0, MAX_UINT256 // RAY + 1, "a", "b"),
    product(wad_ray.wad_mul_half_up, HALF_WAD, MAX_UINT256 // WAD, "a", "b"),
    half_up_quotient(wad_ray.ray_div_half_up, RAY, "a", "b"),
    half_up_quotient(wad_ray.wad_div_half_up, WAD, "a", "b"),
    quotient(wad_ray.ray_div_down, RAY, "a", "b"),
    quotient(wad_ray.ray_div_up, RAY, "a", "b"),
    Limit(
        wad_ray.wad_to_ray,
        (MAX_UINT256 // 10**9,),
        MAX_UINT256 // 10**9 * 10**9,
        (((MAX_UINT256 // 10**9 + 1,), EMPTY, {"a": MAX_UINT256 // 10**9 + 1}),),
    ),
    *(
        Limit(
            rule,
            (MAX_UINT256 // scale,),
            MAX_UINT256 // scale * scale,
            (((MAX_UINT256 // scale + 1,), EMPTY, {"a": MAX_UINT256 // scale + 1, "factor": scale}),),
        )
        for rule, scale in (
            (rescale.to_wad, 10**18),
            (rescale.to_ray, 10**27),
            (rescale.bps_to_wad, 10**14),
            (rescale.bps_to_ray, 10**23),
        )
    ),
    Limit(rescale.div_up, (9, 5), 2, (((9, 0), EMPTY, {"a": 9}),)),
    Limit(signed.to_uint256, (0,), 0, (((-1,), "SafeCastOverflowedIntToUint", {"value": -1}),)),
    Limit(
        signed.to_int256,
        (2**255 - 1,),
        2**255 - 1,
        (((2**255,), "SafeCastOverflowedUintToInt", {"value": 2**255}),),
    ),
    Limit(
        signed.to_int,
        (-(2**199), 200),
        -(2**199),
        (
            ((-(2**199) - 1, 200), "SafeCastOverflowedIntDowncast", {"bits": 200, "value": -(2**199) - 1}),
            ((2**199, 200), "SafeCastOverflowedIntDowncast", {"bits": 200, "value": 2**199}),
        ),
    ),
    Limit(
        signed.add_signed,
        (7, -7),
        0,
        (
            ((7, -8), OVERFLOW, {"a": 7, "b": 8}),
            ((MAX_UINT256, 1), OVERFLOW, {"a": MAX_UINT256, "b": 1}),
        ),
    ),
    Limit(
        safe_math.wad_to_ray,
        (7,),
        7 * 10**9,
        (((2**250,), "MathMultiplicationOverflow", {"a": 2**250, "b": 10**9}),),
    ),
    Limit(
        safe_math.mul_div_down,
        (3, THIRD, 2),
        MAX_UINT256 // 2,
        (
            ((3, THIRD + 1, 2), "SafeMath: multiplication overflow", {"a": 3, "b": THIRD + 1}),
            ((3, 5, 0), "SafeMath: division by zero", {"a": 15}),
        ),
    ),
]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: f"{limit.rule.__module__}.{limit.rule.__name__}")
def test_the_last_argument_fits_and_the_next_reverts_with_its_numbers(limit: Limit):
    assert limit.rule(*limit.fits) == limit.result
    for arguments, name, numbers in limit.reverts:
        with pytest.raises(EvmRevert) as caught:
            limit.rule(*arguments)
        assert (caught.value.name, dict(caught.value.numbers)) == (name, numbers)


def test_a_narrower_variable_is_added_to_up_to_its_own_largest_value():
    assert uint256.add(2**128 - 2, 1, max_value=2**128 - 1) == 2**128 - 1
    with pytest.raises(EvmRevert):
        uint256.add(2**128 - 1, 1, max_value=2**128 - 1)


def test_the_old_libraries_name_an_overflow_and_a_zero_divisor_apart():
    named = safe_math._naming(uint256.div_down, "over", "zero")

    assert named(9, 5) == 1
    with pytest.raises(EvmRevert) as caught:
        named(9, 0)
    assert (caught.value.name, dict(caught.value.numbers)) == ("zero", {"a": 9})

    product_of = safe_math._naming(uint256.mul, "over")
    with pytest.raises(EvmRevert) as caught:
        product_of(MAX_UINT256, 2)
    assert (caught.value.name, dict(caught.value.numbers)) == ("over", {"a": MAX_UINT256, "b": 2})

    never_fails_by_zero = safe_math._naming(wad_ray.ray_div_half_up, "over")
    with pytest.raises(EvmRevert) as caught:
        never_fails_by_zero(1, 0)
    assert caught.value.name == ""


def test_growth_of_a_year_at_one_hundred_percent_has_four_terms_of_e_with_the_sixth_cut():
    assert compounding.compounded_growth_taylor(RAY, SECONDS_PER_YEAR) == 2_666666666666666666666666666


def test_growth_of_one_second_by_the_series_counts_its_square_and_its_cube():
    # x = 1e20 ray: x / 6 is cut, x * (x / 6) is 1666666666666.67, and 5e12 + 166666.67 goes up.
    assert compounding.compounded_growth_taylor(SECONDS_PER_YEAR * 10**20, 0) == RAY
    assert (
        compounding.compounded_growth_taylor(SECONDS_PER_YEAR * 10**20, 1) == RAY + 10**20 + 5_000000_166667
    )


def test_growth_of_the_first_seconds_has_one_two_and_three_terms():
    rate = 3 * SECONDS_PER_YEAR * 10**20  # 3e20 ray a second
    per_second = 3 * 10**20
    square, cube = 9 * 10**40 // RAY, 27 * 10**60 // RAY**2

    for growth in (compounding.compounded_growth_per_second, compounding.compounded_growth_binomial):
        assert growth(rate, 0) == RAY
        assert growth(rate, 1) == RAY + per_second
        assert growth(rate, 2) == RAY + 2 * per_second + square
        assert growth(rate, 3) == RAY + 3 * per_second + 3 * square + cube
        assert growth(rate, 4) == RAY + 4 * per_second + 6 * square + 4 * cube
    assert compounding.linear_growth(rate, 4) == RAY + 4 * per_second


def test_a_pool_of_shares_counts_its_virtual_ones_on_both_sides():
    pool = shares.SharePool(total_assets=20, total_shares=9, virtual_assets=1, virtual_shares=1)  # 21 to 10

    assert (pool.to_shares_down(10), pool.to_shares_up(10)) == (4, 5)
    assert (pool.to_assets_down(3), pool.to_assets_up(3)) == (6, 7)
