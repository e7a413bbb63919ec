"""How far one collateral may fall against one debt until an account tips over, at exact integer prices.

Three prices are looked for, each the highest at which something holds while the price falls: the account is
liquidatable (health factor below 1), liquidating it is toxic (every call lowers the health factor), debt must
remain (all the collateral no longer repays it). Each is found by bisection over the rule set's own integer
functions and then held against the fraction in closed form, which shares nothing with them.

With one collateral and one debt the second and the third are one condition, collateral < bonus * debt, asked
of two different functions; they part with several collaterals.

Oracle delay: the market falls at an even pace, by a share of the start price per hour, and the protocol sees
the price of `delay_s` ago. When the oracle shows a drop x, the market has fallen by x + pace * delay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from stress.pair_rules import PairRules
from stress.pair_terms import Pair, PairTerms

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Delay:
    """A market that falls evenly and an oracle that shows an old price."""

    delay_s: int = 0
    fall_per_hour: Fraction = Fraction(0)
    """Share of the start price."""

    @property
    def lag(self) -> Fraction:
        """By how much more the market has fallen than the oracle shows, as a share of the start price."""
        return self.fall_per_hour * self.delay_s / SECONDS_PER_HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Tipping:
    """Where one thing happens as the price falls."""

    price_base: int | None
    """The highest integer price at which it holds; None if it holds at no price."""
    drop: Fraction | None
    """Of the start price, to `price_base`."""
    closed_form_drop: Fraction | None
    agrees: bool
    """The two lie no further apart than the rounding of values explains."""

    def market_drop(self, delay: Delay) -> Fraction | None:
        """How far the market has fallen when the protocol sees this drop; None if it never does."""
        if self.drop is None or self.drop + delay.lag >= 1:
            return None
        return self.drop + delay.lag


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One starting loan to value under one rule set."""

    start_ltv: Fraction
    liquidatable: Tipping
    toxic: Tipping
    debt_remains: Tipping
    payout: Fraction
    """Value a liquidator receives per value repaid, by the oracle, when the account becomes liquidatable."""
    start_price_base: int

    def payout_at_market(self, delay: Delay) -> Fraction | None:
        """The same at the market's price when the account becomes liquidatable; below 1 nobody calls."""
        seen, market = self.liquidatable.drop, self.liquidatable.market_drop(delay)
        if seen is None or market is None:
            return None
        return self.payout * (1 - market) / (1 - seen)


def frontier_point(rules: PairRules, terms: PairTerms, start_ltv: Fraction) -> Point:
    """The three prices for an account that starts at this loan to value."""
    pair = rules.pair(terms, start_ltv)
    closed = pair.drops()
    liquidatable = _tipping(pair, pair.is_liquidatable, closed.liquidatable)
    return Point(
        start_ltv=start_ltv,
        liquidatable=liquidatable,
        toxic=_tipping(pair, pair.is_toxic, closed.toxic),
        debt_remains=_tipping(pair, lambda price: pair.residual(price) > 0, closed.debt_remains),
        payout=pair.payout_ratio(liquidatable.price_base or terms.collateral_price_base),
        start_price_base=terms.collateral_price_base,
    )


def _tipping(pair: Pair, holds: Callable[[int], bool], closed_form: Fraction | None) -> Tipping:
    start = pair.terms.collateral_price_base
    price = highest_price(holds, start)
    drop = None if price is None else 1 - Fraction(price, start)
    return Tipping(
        price_base=price, drop=drop, closed_form_drop=closed_form, agrees=_agrees(pair, price, closed_form)
    )


def highest_price(holds: Callable[[int], bool], start_base: int) -> int | None:
    """The highest integer price from 1 to `start_base` at which something holds that only a fall brings about."""
    if holds(start_base):
        return start_base
    if not holds(1):
        return None
    low, high = 1, start_base
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _agrees(pair: Pair, price_base: int | None, closed_form: Fraction | None) -> bool:
    """Equal up to one unit of price, and what the rounding of values and amounts is worth in price.

    That is two base units of value, two units of debt, and three units of collateral: the floor of what the debt
    is worth, and again with the bonus.
    """
    if price_base is None or closed_form is None:
        return price_base is None and closed_form is None
    terms = pair.terms
    exact = min(terms.collateral_price_base * (1 - closed_form), terms.collateral_price_base)
    of_value = Fraction(2 * 10**terms.collateral_decimals, terms.collateral)
    of_debt = Fraction(2 * price_base, pair.debt)
    of_collateral = Fraction(3 * price_base, terms.collateral)
    return abs(exact - price_base) <= 1 + of_value + of_debt + of_collateral


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What is left at one drop, by the integer form and by calling until nobody can call any more."""

    price_base: int
    residual: int
    """[debt asset units] By the integer form, one call."""
    simulated: int
    """[debt asset units] After as many calls as the close factor makes it."""
    calls: int
    refused_with: str
    debt: int
    """[debt asset units] What was owed."""
    agrees: bool
    """They differ by no more than one unit of collateral's worth and two units of debt per call."""


def outcome_at(rules: PairRules, terms: PairTerms, start_ltv: Fraction, price_base: int) -> Outcome:
    """Liquidate an account to the end at a price and hold what is left against the integer form."""
    pair = rules.pair(terms, start_ltv)
    ended, residual = pair.liquidated_to_the_end(price_base), pair.residual(price_base)
    unit_worth = Fraction(price_base * 10**terms.debt_decimals, 10**terms.collateral_decimals)
    bound = ended.calls * (unit_worth / terms.debt_price_base + 2)
    return Outcome(
        price_base=price_base,
        residual=residual,
        simulated=ended.residual,
        calls=ended.calls,
        refused_with=ended.refused_with,
        debt=pair.debt,
        agrees=abs(ended.residual - residual) <= bound,
    )
