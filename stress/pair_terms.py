"""One collateral against one debt: the terms, and what every rule set can be asked about an account of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from protocol.errors import EvmRevert, ModelError
from stress.to_the_end import Ended

COLLATERAL, DEBT = 0, 1
"""The reserve ids of a pair."""


class DoesNotFit(ModelError):
    """The terms make amounts or products that the contracts of a rule set cannot hold."""

    def __init__(self, rules: str, why: str) -> None:
        super().__init__(
            f"{rules} cannot hold these numbers ({why}): give a smaller size, fewer decimals, a price "
            "nearer to 1, or ask other rules"
        )


def does_not_fit(rules: str, revert: EvmRevert) -> DoesNotFit:
    """The error for a rule set whose arithmetic reverts where no rule of it refuses."""
    return DoesNotFit(rules, f"its arithmetic reverts: {revert}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PairTerms:
    """What decides where one collateral and one debt tip over."""

    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    """Includes the 100 %; where the bonus moves, the highest."""
    liquidation_protocol_fee_bps: int
    """Share of the bonus; not taken by rule sets without a fee."""
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

    @property
    def threshold_times_bonus(self) -> Fraction:
        """From 1 up, an account is beyond help as soon as it can be liquidated at the whole bonus."""
        return Fraction(self.liquidation_threshold_bps * self.liquidation_bonus_bps, 10_000**2)

    def debt(self, loan_to_value: Fraction) -> int:
        """What is owed at a loan to value at the start. [debt asset units]"""
        value = self.collateral * self.collateral_price_base * loan_to_value / 10**self.collateral_decimals
        return int(value * 10**self.debt_decimals / self.debt_price_base)

    def debt_worth(self, collateral: int, price_base: int) -> Fraction:
        """Debt of the same value as `collateral` [collateral asset units] at a price. [debt asset units]"""
        rate = Fraction(price_base * 10**self.debt_decimals, self.debt_price_base)
        return collateral * rate / 10**self.collateral_decimals


@dataclass(frozen=True, kw_only=True, slots=True)
class PairDrops:
    """By which share the collateral must fall, by the fractions in closed form; None: no drop does it.

    Of each thing by itself: whether anybody can call by then is not asked of `toxic` and `debt_remains`.
    """

    liquidatable: Fraction | None
    toxic: Fraction | None
    debt_remains: Fraction | None


class Pair(Protocol):
    """An account with one collateral and one debt under one rule set, asked at any price of the collateral."""

    terms: PairTerms
    debt: int
    """What is owed. [debt asset units]"""

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the rules let somebody liquidate at this price of the collateral."""
        ...

    def is_toxic(self, price_base: int) -> bool:
        """Whether seizing collateral lowers the health of the account, liquidatable at this price."""
        ...

    def residual(self, price_base: int) -> int:
        """The debt that must remain at this price, by the integer form; 0 if none must. [debt asset units]"""
        ...

    def drops(self) -> PairDrops:
        """The drops by the fractions, which share nothing with the integers."""
        ...

    def seized_ratio(self, price_base: int) -> Fraction:
        """Value taken from the account, liquidatable at this price, per value repaid: the bonus with its 100 %."""
        ...

    def payout_ratio(self, price_base: int) -> Fraction:
        """Of `seized_ratio` what the liquidator receives, as the oracle values it; never less at a lower price."""
        ...

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Call for as much as goes through until no call does; raises `NeverEnds`."""
        ...
