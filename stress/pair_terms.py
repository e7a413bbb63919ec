"""One collateral against one debt: the terms, and what every rule set can be asked about an account of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

COLLATERAL, DEBT = 0, 1
"""The reserve ids of a pair."""
MOST_CALLS = 200
"""More than any rule set needs: halving a debt of 2**128 units takes 128."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairTerms:
    """What decides where one collateral and one debt tip over."""

    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    """Includes the 100 %; in Aave v4 the highest."""
    liquidation_protocol_fee_bps: int
    """Share of the bonus; Aave v2 has none."""
    collateral_value_base: int
    """At the start: what the close factor and the dust rule look at. [base]"""
    collateral_price_base: int
    debt_price_base: int
    collateral_decimals: int
    debt_decimals: int

    @property
    def collateral(self) -> int:
        """The pledged amount. [collateral asset units]"""
        return self.collateral_value_base * 10**self.collateral_decimals // self.collateral_price_base

    def debt(self, loan_to_value: Fraction) -> int:
        """What is owed at a loan to value at the start. [debt asset units]"""
        value = self.collateral * self.collateral_price_base * loan_to_value / 10**self.collateral_decimals
        return int(value * 10**self.debt_decimals / self.debt_price_base)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What calling as much as allowed, again and again, comes to."""

    calls: int
    refused_with: str
    """The error of the call that was not possible any more."""
    residual: int
    """[debt asset units] Still owed or written off, where no collateral is left; 0 where the account is healed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairDrops:
    """By which share the collateral must fall, by the fractions in closed form; None: no fall does it."""

    liquidatable: Fraction | None
    toxic: Fraction | None
    debt_remains: Fraction | None


class Pair(Protocol):
    """An account with one collateral and one debt under one rule set, asked at any price of the collateral."""

    terms: PairTerms
    debt: int
    """What is owed. [debt asset units]"""

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the health factor is below 1 at this price of the collateral."""
        ...

    def is_toxic(self, price_base: int) -> bool:
        """Whether seizing collateral lowers the health factor at this price."""
        ...

    def residual(self, price_base: int) -> int:
        """The debt that must remain at this price, by the integer form; 0 if none must. [debt asset units]"""
        ...

    def drops(self) -> PairDrops:
        """The drops by the fractions, which share nothing with the integers."""
        ...

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid, at this price as the oracle shows it."""
        ...

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Call for as much as is allowed until a call is refused; raises `RuntimeError` if none ever is."""
        ...
