"""What a repayment seizes: plain integers, no account and no market.

Mirrors `liquidateCalculateSeizeTokens`, contracts/Comptroller.sol (compound-finance/compound-protocol@ae4388e).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from protocol.fixed_point.mantissa import mantissa_div_down, mantissa_mul_down
from protocol.units import MAX_UINT256, WAD


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """At what rate cTokens are given for debt."""

    incentive_mantissa: int
    """Includes the 100 %."""
    debt_price_mantissa: int
    collateral_price_mantissa: int
    exchange_rate_mantissa: int
    """Of the collateral."""
    multiply: Callable[[int, int], int] = mantissa_mul_down
    """How the Comptroller rounds a product of mantissas."""

    @property
    def ratio_mantissa(self) -> int:
        """How many cToken units a debt asset unit takes, cut to a mantissa: coarse where the debt has many decimals.

        Reverts where the collateral is worth nothing.
        """
        numerator = self.multiply(self.incentive_mantissa, self.debt_price_mantissa)
        denominator = self.multiply(self.collateral_price_mantissa, self.exchange_rate_mantissa)
        return mantissa_div_down(numerator, denominator)

    def seized_for(self, repaid: int) -> int:
        """The cTokens that `repaid` [debt asset units] takes from the borrower."""
        return mantissa_mul_down(self.ratio_mantissa, repaid)

    def most_repaid_from(self, ctokens: int) -> int:
        """The largest repayment that takes no more than `ctokens`: nothing cuts a larger one. [debt asset units]"""
        ratio = self.ratio_mantissa
        return ((ctokens + 1) * WAD - 1) // ratio if ratio else MAX_UINT256
