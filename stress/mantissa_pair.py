"""What pairs of Compound v2 and of Venus share: prices and exchange rates as mantissas, and what is cut off them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from protocol.units import BPS, WAD
from stress.pair_terms import COLLATERAL, DEBT, DoesNotFit, PairTerms, TermsRefused, covers_what_is_left
from stress.to_the_end import Ended

AMPLE = 10
"""Supplies and liquidity beyond the account's own amounts, as a multiple of them."""
MOST_DECIMALS = 28
"""A price is written with 36 decimals less the asset's, and the terms give it with 8."""
MANTISSA_PER_BPS = WAD // BPS


@dataclass(frozen=True, kw_only=True, slots=True)
class Supplied:
    """What backs a pledge: tokens of a market whose exchange rate is exactly the one asked for."""

    tokens: int
    """Of the account."""
    total_tokens: int
    cash: int
    """[asset units]"""


def supplied(rules: str, amount: int, rate_mantissa: int) -> Supplied:
    """A pledge of at most `amount` [asset units] in whole tokens; raises `TermsRefused` for less than one."""
    tokens = amount * WAD // rate_mantissa
    if not tokens:
        raise TermsRefused(rules, "a collateral worth less than one unit of its token; give a larger size")
    total = AMPLE * tokens
    return Supplied(tokens=tokens, total_tokens=total, cash=total * rate_mantissa // WAD)


def require_decimals(rules: str, terms: PairTerms) -> None:
    """Raises `DoesNotFit` for an asset whose price has no integer."""
    decimals = max(terms.collateral_decimals, terms.debt_decimals)
    if decimals > MOST_DECIMALS:
        raise DoesNotFit(rules, f"an asset of {decimals} decimals; {MOST_DECIMALS} at most can be priced")


def prices_mantissa(terms: PairTerms, price_base: int) -> dict[int, int]:
    """Both prices, the collateral's being `price_base` [base]: in USD times 10**(36 - decimals)."""
    return {
        COLLATERAL: price_base * 10 ** (MOST_DECIMALS - terms.collateral_decimals),
        DEBT: terms.debt_price_base * 10 ** (MOST_DECIMALS - terms.debt_decimals),
    }


def rounding_of_mantissas(
    terms: PairTerms,
    price: Fraction,
    *,
    debt: int,
    tokens: int,
    rate_mantissa: int,
    incentive: Fraction,
    ratio_mantissa: int,
) -> Fraction:
    """What the roundings of the contracts are worth in price. [base]

    They are: one unit of price. In the sums, the value of a token cut twice, and once each the collateral, the debt,
    the debt with the incentive. Relative to the price: the threshold times the exchange rate; the ratio of tokens to
    debt, its two sides, one token and one unit of debt. A ratio of few digits says little, and the bound as much.
    """
    price = max(price, Fraction(1))
    weight = terms.liquidation_threshold
    prices = prices_mantissa(terms, 1)
    per_base = weight * Fraction(tokens * rate_mantissa * prices[COLLATERAL], WAD**2)
    in_sums = Fraction(2 * tokens, WAD) + 3 + incentive
    of_ratio = (
        Fraction(1, ratio_mantissa)
        + WAD / (incentive * WAD * prices[DEBT])
        + Fraction(WAD) / (price * prices[COLLATERAL] * rate_mantissa)
        + Fraction(1, tokens)
        + Fraction(1, debt)
    )
    return 1 + in_sums / per_base + price * (1 / (weight * rate_mantissa) + of_ratio)


def explains_by_ratio(
    terms: PairTerms, price_base: int, predicted: int, ended: Ended, *, debt: int, ratio_mantissa: int
) -> bool:
    """`Pair.explains` where tokens are seized at a ratio to the debt that the contract itself cuts to an integer.

    A call rounds one token and one unit of debt away. It also burns the protocol's share for whole units of the
    asset, so the exchange rate drifts by what one unit is worth, and the ratio by one in its last digit.
    """
    ratio = Fraction(ratio_mantissa, WAD)
    return covers_what_is_left(
        predicted,
        ended,
        repaid_by_the_rest=ended.collateral_left / ratio,
        per_call=1 / ratio + 1 + terms.debt_worth(1, price_base) + Fraction(debt, ratio_mantissa),
    )
