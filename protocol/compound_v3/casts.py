"""Casts between widths, with the contract's own errors.

Mirrors `CometMath`, contracts/CometMath.sol (compound-finance/comet@d5a30b0).
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.fixed_point.int256 import MAX_INT256

MAX_UINT40 = 2**40 - 1
"""Timestamps lie below it. [s]"""
MAX_UINT64 = 2**64 - 1
"""Indices and rates must fit in this."""
MAX_UINT104 = 2**104 - 1
"""Total principals must fit in this."""
MAX_UINT128 = 2**128 - 1
"""Collateral balances must fit in this."""


def safe64(value: int) -> int:
    """`value` unchanged; reverts `InvalidUInt64` when it needs more bits."""
    return _safe(value, 64)


def safe104(value: int) -> int:
    """`value` unchanged; reverts `InvalidUInt104` when it needs more bits."""
    return _safe(value, 104)


def safe128(value: int) -> int:
    """`value` unchanged; reverts `InvalidUInt128` when it needs more bits."""
    return _safe(value, 128)


def signed104(value: int) -> int:
    """An unsigned `value` as a signed one; reverts `InvalidInt104` when it needs the sign bit."""
    if value >> 103:
        raise EvmRevert("InvalidInt104", value=value)
    return value


def signed256(value: int) -> int:
    """An unsigned `value` as a signed one; reverts `InvalidInt256` when it needs the sign bit."""
    if value > MAX_INT256:
        raise EvmRevert("InvalidInt256", value=value)
    return value


def _safe(value: int, bits: int) -> int:
    if value >> bits:
        raise EvmRevert(f"InvalidUInt{bits}", value=value)
    return value
