"""What an amount is worth: in units of Value, of which 1e26 are one US dollar, so that nothing is rounded.

Mirrors `toValue`, src/spoke/libraries/SpokeUtils.sol (aave/aave-v4@v0.5.11).
"""

from __future__ import annotations

from protocol.fixed_point.uint256 import mul

WAD_DECIMALS = 18
"""No asset has more."""


def to_value(amount: int, decimals: int, price_base: int) -> int:
    """An amount [asset units] at a price [base] of one whole token; an amount in ray gives a Value in ray."""
    return mul(mul(amount, price_base), 10 ** (WAD_DECIMALS - decimals))
