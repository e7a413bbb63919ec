"""Arithmetic before Solidity 0.8: the integers of the shared primitives, and the names of what fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import EvmRevert
from protocol.fixed_point import percentage, safe_math, uint256, wad_ray
from protocol.units import MAX_UINT256, WAD_TO_RAY

PAIRS = {
    "add": uint256.add,
    "sub": uint256.sub,
    "mul": uint256.mul,
    "div_down": uint256.div_down,
    "ray_mul_half_up": wad_ray.ray_mul_half_up,
    "ray_div_half_up": wad_ray.ray_div_half_up,
    "wad_div_half_up": wad_ray.wad_div_half_up,
    "percent_mul_half_up": percentage.percent_mul_half_up,
    "percent_div_half_up": percentage.percent_div_half_up,
}


@pytest.mark.parametrize("name", PAIRS)
@given(a=st.integers(0, MAX_UINT256), b=st.integers(0, MAX_UINT256) | st.integers(0, 10**5))
def test_values_are_those_of_the_shared_primitives_and_so_is_failing(name: str, a: int, b: int):
    def outcome(of: object) -> int | None:
        try:
            return of(a, b)  # type: ignore[operator]
        except EvmRevert:
            return None

    assert outcome(getattr(safe_math, name)) == outcome(PAIRS[name])


@pytest.mark.parametrize(
    ("rule", "a", "b", "error"),
    [
        ("add", MAX_UINT256, 1, "SafeMath: addition overflow"),
        ("sub", 1, 2, "SafeMath: subtraction overflow"),
        ("mul", MAX_UINT256, 2, "SafeMath: multiplication overflow"),
        ("div_down", 1, 0, "SafeMath: division by zero"),
        ("ray_mul_half_up", MAX_UINT256, 1, "MathMultiplicationOverflow"),
        ("ray_div_half_up", MAX_UINT256, 1, "MathMultiplicationOverflow"),
        ("ray_div_half_up", 0, 0, "MathDivisionByZero"),
        ("wad_div_half_up", MAX_UINT256, 1, "MathMultiplicationOverflow"),
        ("wad_div_half_up", 1, 0, "MathDivisionByZero"),
        ("percent_mul_half_up", MAX_UINT256, 1, "MathMultiplicationOverflow"),
        ("percent_div_half_up", MAX_UINT256, 1, "MathMultiplicationOverflow"),
        ("percent_div_half_up", MAX_UINT256, 0, "MathDivisionByZero"),
    ],
)
def test_what_fails_has_the_name_of_its_library(rule: str, a: int, b: int, error: str):
    with pytest.raises(EvmRevert) as caught:
        getattr(safe_math, rule)(a, b)

    assert caught.value.name == error
    assert b in caught.value.numbers.values() or rule == "div_down"


def test_a_product_is_divided_after_it_was_checked():
    assert safe_math.mul_div_down(7, 3, 2) == 10
    with pytest.raises(EvmRevert, match="SafeMath: multiplication overflow"):
        safe_math.mul_div_down(MAX_UINT256, 2, 0)
    with pytest.raises(EvmRevert, match="SafeMath: division by zero"):
        safe_math.mul_div_down(MAX_UINT256, 1, 0)


def test_a_wad_becomes_a_ray_or_overflows():
    largest = MAX_UINT256 // WAD_TO_RAY

    assert safe_math.wad_to_ray(largest) == largest * WAD_TO_RAY
    with pytest.raises(EvmRevert, match="MathMultiplicationOverflow"):
        safe_math.wad_to_ray(largest + 1)
