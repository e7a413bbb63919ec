"""Scales: what the number 1 is written as in each fixed-point format, and the limits of Solidity integers."""

from __future__ import annotations

from typing import Final

WAD: Final = 10**18
"""1 in 18-decimal fixed point: health factors. [wad]"""
HALF_WAD: Final = WAD // 2

RAY: Final = 10**27
"""1 in 27-decimal fixed point: Aave's indexes and yearly rates. [ray]"""
HALF_RAY: Final = RAY // 2

WAD_TO_RAY: Final = 10**9
"""A wad times this is the same number in ray."""

BPS: Final = 100_00
"""100 % in basis points: 105_00 is 105 %. [bps]"""
HALF_BPS: Final = BPS // 2

BASE_PER_USD: Final = 10**8
"""1 US dollar in Aave v3's base currency, where that is the dollar with 8 decimals. [base]"""

SECONDS_PER_YEAR: Final = 365 * 24 * 60 * 60
"""The contracts' year: leap days are ignored. [s]"""

MAX_UINT256: Final = 2**256 - 1
"""Largest Solidity word; Aave's health factor without debt, and 'as much as allowed' in a call."""
MAX_UINT128: Final = 2**128 - 1
"""Stored indexes, rates, deficits and virtual balances must fit in this."""
