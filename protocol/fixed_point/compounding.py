"""Growth of 1 over a time at a yearly rate, as the contracts approximate it. Rates and results in ray.

Mirrors `MathUtils`, src/contracts/protocol/libraries/math/MathUtils.sol at the tags named below.
"""

from __future__ import annotations

from protocol.fixed_point.uint256 import mul
from protocol.fixed_point.wad_ray import ray_mul_half_up
from protocol.units import RAY, SECONDS_PER_YEAR


def linear_growth(rate_ray: int, elapsed_s: int) -> int:
    """`1 + rate * t`, the supply side; `calculateLinearInterest`, every version."""
    return RAY + mul(rate_ray, elapsed_s) // SECONDS_PER_YEAR


def compounded_growth_per_second(rate_ray: int, elapsed_s: int) -> int:
    """Three terms of the binomial, from a rate per second that is cut to whole units first.

    `calculateCompoundedInterest`, contracts/protocol/libraries/math/MathUtils.sol (aave/protocol-v2@1.0.1).
    """
    if elapsed_s == 0:
        return RAY
    before, before_that = elapsed_s - 1, max(elapsed_s - 2, 0)
    per_second_ray = rate_ray // SECONDS_PER_YEAR
    square = ray_mul_half_up(per_second_ray, per_second_ray)
    cube = ray_mul_half_up(square, per_second_ray)
    second_term = mul(elapsed_s * before, square) // 2
    third_term = mul(elapsed_s * before * before_that, cube) // 6
    return RAY + mul(per_second_ray, elapsed_s) + second_term + third_term


def compounded_growth_binomial(rate_ray: int, elapsed_s: int) -> int:
    """Three terms of the binomial of `(1 + rate per second)**seconds`.

    `calculateCompoundedInterest`, contracts/protocol/libraries/math/MathUtils.sol@v1.19.3 (3.0.0 up to 3.3).
    """
    if elapsed_s == 0:
        return RAY
    before, before_that = elapsed_s - 1, max(elapsed_s - 2, 0)
    square = ray_mul_half_up(rate_ray, rate_ray) // SECONDS_PER_YEAR**2
    cube = ray_mul_half_up(square, rate_ray) // SECONDS_PER_YEAR
    second_term = mul(elapsed_s * before, square) // 2
    third_term = mul(elapsed_s * before * before_that, cube) // 6
    return RAY + mul(rate_ray, elapsed_s) // SECONDS_PER_YEAR + second_term + third_term


def compounded_growth_taylor(rate_ray: int, elapsed_s: int) -> int:
    """Three terms of the Taylor series of `exp(rate * t)`; `calculateCompoundedInterest`@v3.4.0 and later."""
    if elapsed_s == 0:
        return RAY
    x = rate_ray * elapsed_s // SECONDS_PER_YEAR
    return RAY + x + ray_mul_half_up(x, x // 2 + ray_mul_half_up(x, x // 6))
