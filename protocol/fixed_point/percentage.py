"""Multiplication and division by basis points.

Mirrors `PercentageMath`, src/contracts/protocol/libraries/math/PercentageMath.sol@v3.6.0 (`percent_div_down`:
v3.7); the unnamed `percentMul` and `percentDiv` of every version are the `half_up` forms. All revert empty on
overflow and on a zero divisor. Results have the unit of `value`.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import EMPTY_REVERT
from protocol.units import BPS, HALF_BPS, MAX_UINT256


def percent_mul_half_up(value: int, share_bps: int) -> int:
    """`value * share` to the nearest."""
    numerator = value * share_bps + HALF_BPS
    if numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, value=value, share_bps=share_bps)
    return numerator // BPS


def percent_mul_down(value: int, share_bps: int) -> int:
    """`value * share` rounded down."""
    numerator = value * share_bps
    if numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, value=value, share_bps=share_bps)
    return numerator // BPS


def percent_mul_up(value: int, share_bps: int) -> int:
    """`value * share` rounded up."""
    numerator = value * share_bps
    if numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, value=value, share_bps=share_bps)
    return -(-numerator // BPS)


def percent_div_half_up(value: int, share_bps: int) -> int:
    """`value / share` to the nearest."""
    numerator = value * BPS + share_bps // 2
    if share_bps == 0 or numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, value=value, share_bps=share_bps)
    return numerator // share_bps


def percent_div_down(value: int, share_bps: int) -> int:
    """`value / share` rounded down."""
    numerator = value * BPS
    if share_bps == 0 or numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, value=value, share_bps=share_bps)
    return numerator // share_bps


def percent_div_up(value: int, share_bps: int) -> int:
    """`value / share` rounded up."""
    numerator = value * BPS
    if share_bps == 0 or numerator > MAX_UINT256:
        raise EvmRevert(EMPTY_REVERT, value=value, share_bps=share_bps)
    return -(-numerator // share_bps)
