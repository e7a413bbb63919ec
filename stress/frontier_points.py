"""How far one collateral may fall against one debt until an account tips over, at exact integer prices.

Three prices are looked for, each the highest at which something holds while the price falls: the account is
liquidatable, liquidating it is toxic (every call lowers its health), debt must remain (all the collateral no
longer repays it). The last two are said of a liquidatable account only: before, nobody can call. Each is found
by bisection over the rule set's own integer functions and then held against the fraction in closed form, which
shares nothing with them.

With one collateral and one debt the second and the third are one condition, collateral < bonus * debt, asked
of two different functions; they part with several collaterals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from stress.pair_rules import PairRules
from stress.pair_terms import Pair, PairTerms
from stress.to_the_end import End


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One starting loan to value under one rule set."""

    start_ltv: Fraction
    liquidatable: Tipping
    toxic: Tipping
    debt_remains: Tipping
    payout: Fraction | None
    """Value a liquidator receives per value repaid, by the oracle, when the account becomes liquidatable."""
    start_price_base: int
    further: Mapping[str, Tipping]
    """What else happens under these rules, by the names of the pair; of a liquidatable account too."""

    @property
    def tippings(self) -> tuple[Tipping, ...]:
        """Liquidatable, toxic, debt must remain; then the further ones."""
        return self.liquidatable, self.toxic, self.debt_remains, *self.further.values()


def frontier_point(pair: Pair, start_ltv: Fraction) -> Point:
    """Find the three prices for an account with this loan to value at the start; errors as the pair's."""
    closed = pair.drops()
    liquidatable = _tipping(pair, pair.is_liquidatable, closed.liquidatable)
    price = liquidatable.price_base

    def beyond(holds: Callable[[int], bool], closed_form: Fraction | None) -> Tipping:
        return _tipping(
            pair,
            lambda at: price is not None and at <= price and holds(at),
            _later(closed_form, closed.liquidatable),
        )

    return Point(
        start_ltv=start_ltv,
        liquidatable=liquidatable,
        toxic=beyond(pair.is_toxic, closed.toxic),
        debt_remains=beyond(lambda at: pair.residual(at) > 0, closed.debt_remains),
        payout=None if price is None else pair.payout_ratio(price),
        start_price_base=pair.terms.collateral_price_base,
        further={name: beyond(holds, closed.further[name]) for name, holds in pair.further.items()},
    )


def _later(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else max(one, other)


def _tipping(pair: Pair, holds: Callable[[int], bool], closed_form: Fraction | None) -> Tipping:
    start = pair.terms.collateral_price_base
    price = highest_price(holds, start)
    drop = None if price is None else 1 - Fraction(price, start)
    return Tipping(
        price_base=price,
        drop=drop,
        closed_form_drop=closed_form,
        agrees=_agrees(pair, price or 0, closed_form),
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


def _agrees(pair: Pair, price_base: int, closed_form: Fraction | None) -> bool:
    """Equal up to what the contracts' roundings are worth in price. 0 stands for no price."""
    start = pair.terms.collateral_price_base
    exact = Fraction(0) if closed_form is None else start * (1 - max(closed_form, Fraction(0)))
    return abs(exact - price_base) <= pair.rounding_base(max(exact, Fraction(price_base)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What is left at one price, by the integer form and by calling until nobody can call any more."""

    price_base: int
    predicted: int
    """[debt asset units] What must remain, by the integer form."""
    called_out: int
    """[debt asset units] What nobody will repay, after as many calls as go through."""
    collateral_left: int
    """[collateral asset units] What no call takes any more."""
    calls: int
    end: End
    refused_with: str
    debt: int
    """[debt asset units] What was owed."""
    further: Mapping[str, int]
    """What else came of it under these rules, by its name. [debt asset units]"""
    agrees: bool
    """The prediction explains what is left."""

    @property
    def is_stuck(self) -> bool:
        """Whether the account is liquidatable, and yet nobody can call."""
        return self.end is End.STUCK


def outcome_at(rules: PairRules, terms: PairTerms, start_ltv: Fraction, price_base: int) -> Outcome:
    """Liquidate an account to the end at a price and hold what is left against the integer form."""
    pair = rules.pair(terms, start_ltv)
    ended, predicted = pair.liquidated_to_the_end(price_base), pair.residual(price_base)
    return Outcome(
        price_base=price_base,
        predicted=predicted,
        called_out=ended.residual,
        collateral_left=ended.collateral_left,
        calls=ended.calls,
        end=ended.end,
        refused_with=ended.refused_with,
        debt=pair.debt,
        further=ended.further,
        agrees=pair.explains(price_base, predicted, ended),
    )
