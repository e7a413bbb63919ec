"""Prices of Uniswap v3 ticks, exact: tick t stands for the price 1.0001^t.

Mirrors `contracts/libraries/TickMath.sol` (Uniswap/v3-core@d8b1c635c) and `getQuoteAtTick` of
`contracts/libraries/OracleLibrary.sol` (Uniswap/v3-periphery@068238719). The factors of the contract are the nearest
integers to 2^128 / 1.0001^(2^i / 2) and are derived here from that rule.
"""

from __future__ import annotations

from math import isqrt

from oracles.errors import SqrtRatioOutOfRange, TickOutOfRange

MAX_TICK = 887_272
"""Of both signs: prices from 2^-128 to 2^128."""
MIN_SQRT_RATIO = 4_295_128_739
"""Square root of the lowest price [Q64.96]: that of -MAX_TICK."""
MAX_SQRT_RATIO = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342
"""Square root of the highest price [Q64.96]: that of MAX_TICK."""
Q96 = 2**96
Q192 = 2**192
_MAX_UINT128 = 2**128 - 1
_MAX_UINT256 = 2**256 - 1
_GUARD_BITS = 384
"""Of the derivation below: each squaring loses one bit, the factors are read off at 128."""


def sqrt_ratio_at_tick(tick: int) -> int:
    """Square root of a tick's price [Q64.96], rounded up (`getSqrtRatioAtTick`). Raises TickOutOfRange ("T")."""
    size = abs(tick)
    if size > MAX_TICK:
        raise TickOutOfRange("tick", tick, MAX_TICK)
    ratio_x128 = 2**128
    for bit, factor_x128 in enumerate(_FACTORS_X128):
        if size >> bit & 1:
            ratio_x128 = ratio_x128 * factor_x128 >> 128
    if tick > 0:
        ratio_x128 = _MAX_UINT256 // ratio_x128
    return -(-ratio_x128 >> 32)


def tick_at_sqrt_ratio(sqrt_ratio_x96: int) -> int:
    """The highest tick whose square root is at most this [Q64.96] (`getTickAtSqrtRatio`).

    Found by halving, as the square root grows with the tick. Raises SqrtRatioOutOfRange ("R").
    """
    if not MIN_SQRT_RATIO <= sqrt_ratio_x96 < MAX_SQRT_RATIO:
        raise SqrtRatioOutOfRange(sqrt_ratio_x96, MIN_SQRT_RATIO, MAX_SQRT_RATIO)
    low, high = -MAX_TICK, MAX_TICK
    while high - low > 1:
        middle = (low + high) // 2
        if sqrt_ratio_at_tick(middle) <= sqrt_ratio_x96:
            low = middle
        else:
            high = middle
    return low


def tick_of_price(numerator: int, denominator: int) -> int:
    """The tick of a price of token0 of numerator / denominator [token1 units per token0 unit], rounded down.

    Raises SqrtRatioOutOfRange.
    """
    return tick_at_sqrt_ratio(isqrt(numerator * Q192 // denominator))


def quote_at_tick(tick: int, base_amount: int, *, base_is_token0: bool) -> int:
    """Units of the other token for `base_amount` units at a tick's price, rounded down (`getQuoteAtTick`).

    Raises TickOutOfRange.
    """
    sqrt_x96 = sqrt_ratio_at_tick(tick)
    if sqrt_x96 <= _MAX_UINT128:
        ratio, one = sqrt_x96 * sqrt_x96, Q192
    else:
        ratio, one = sqrt_x96 * sqrt_x96 >> 64, 2**128
    return ratio * base_amount // one if base_is_token0 else one * base_amount // ratio


def _factors_x128() -> tuple[int, ...]:
    """2^128 / 1.0001^(2^i / 2) for each bit i of a tick, to the nearest integer."""
    power = isqrt((10_000 << 2 * _GUARD_BITS) // 10_001)
    factors: list[int] = []
    for _ in range(MAX_TICK.bit_length()):
        factors.append((power + (1 << _GUARD_BITS - 129)) >> _GUARD_BITS - 128)
        power = power * power >> _GUARD_BITS
    return tuple(factors)


_FACTORS_X128 = _factors_x128()
