"""One collateral against one debt: the terms, and what every rule set can be asked about an account of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from protocol.errors import EvmRevert, ModelError
from protocol.units import BPS, WAD
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


class TermsRefused(ModelError):
    """Terms that a protocol cannot be configured with."""

    def __init__(self, rules: str, why: str) -> None:
        super().__init__(f"{rules} takes no such terms: {why}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PairTerms:
    """What decides where one collateral and one debt tip over."""

    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    """Includes the 100 %; where the bonus moves, the highest. Not taken by rule sets that have none, or set it
    themselves: then 100 %."""
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
    def liquidation_threshold(self) -> Fraction:
        """As a share of the collateral's value."""
        return Fraction(self.liquidation_threshold_bps, BPS)

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
    further: Mapping[str, Fraction | None] = field(default_factory=dict[str, Fraction | None])
    """By the names of `Pair.further`."""


class Pair(Protocol):
    """An account with one collateral and one debt under one rule set, asked at any price of the collateral."""

    terms: PairTerms
    debt: int
    """What is owed. [debt asset units]"""
    further: Mapping[str, Callable[[int], bool]]
    """What else a fall of the price brings about under these rules, by its name: of a liquidatable account, at a
    price [base]."""

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

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid, as the oracle values it; never less at a lower price.

        The account is liquidatable at this price.
        """
        ...

    def rounding_base(self, price: Fraction) -> Fraction:
        """How far the integers may put a tipping price, found about here, off the fractions. [base]"""
        ...

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Call for as much as goes through until no call does; raises `NeverEnds`."""
        ...

    def explains(self, price_base: int, predicted: int, ended: Ended) -> bool:
        """Whether the residual `predicted` [debt asset units] is what the calls came to, up to their roundings."""
        ...


def covers_what_is_left(
    predicted: int, ended: Ended, *, repaid_by_the_rest: Fraction, per_call: Fraction
) -> bool:
    """Whether what is left, less what the collateral left would repay, is what must remain. [debt asset units]

    To the unit where one call was for all that the collateral could repay. Each other call moves it by its
    roundings, at most `per_call`; so does the integer form, which is a call of its own.
    """
    left = ended.owed + ended.written_off
    if ended.calls == 1 and ended.bound_by_collateral:
        return left == predicted
    gap = max(left - repaid_by_the_rest, Fraction(0))
    return abs(gap - predicted) <= (ended.calls + 1) * per_call


# --- where values and balances are cut as Aave cuts them, of every version ---


def rounding_of_values(terms: PairTerms, owed: int, price: Fraction) -> Fraction:
    """What the roundings of Aave's contracts are worth in price. [base]

    They are: one unit of price; in the health factor one base unit of the collateral's and of the debt's value,
    half a unit of the weighted value, and one of its own 18 decimals; in the amounts two units of debt, and of
    collateral two and one with the bonus on it. A debt of a few base units has no health factor that says much.
    """
    bonus = Fraction(terms.liquidation_bonus_bps, BPS)
    weight = 1 / terms.liquidation_threshold
    value_base = 1 + weight / 2 + max(bonus, weight)
    return (
        1
        + value_base * 10**terms.collateral_decimals / terms.collateral
        + price * (weight / WAD + Fraction(2, owed) + (bonus + 2) / terms.collateral)
    )


def explains_by_values(
    terms: PairTerms, price_base: int, predicted: int, ended: Ended, *, bonus: Fraction
) -> bool:
    """`Pair.explains` where collateral is seized by its value: each call moves it by two units of both assets."""
    return covers_what_is_left(
        predicted,
        ended,
        repaid_by_the_rest=terms.debt_worth(ended.collateral_left, price_base) / bonus,
        per_call=terms.debt_worth(2, price_base) + 2,
    )
