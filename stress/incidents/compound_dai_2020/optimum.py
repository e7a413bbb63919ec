"""Two calls instead of one: the first leaves the account just short, so that a second is allowed.

A liquidator may repay only a part of the debt, the close factor, but of what is left again. A first repayment r
lowers the shortfall by r times the price times 1 - CF*i (CF: collateral factor, i: incentive with its 100 %); the
largest r that leaves some of it is shortfall / (price * (1 - CF*i)) (Qin et al. 2021). The rule set's own is found by
trying. It cuts the ratio of cTokens to debt to an integer, of 10 digits here: it seizes a little less and heals a
little sooner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from protocol.compound_v2 import Liquidated, Market, exchange_rate
from protocol.compound_v2.liquidation import liquidation_terms
from protocol.compound_v2.validation import max_close
from protocol.units import WAD
from stress.incidents.compound_dai_2020.position import DAI, prices_at
from stress.incidents.compound_dai_2020.record import BORROWER, Record
from stress.incidents.compound_dai_2020.replay import debt_of, liquidate, liquidity, worth


class NotLiquidatable(Exception):
    """A call of a plan is refused."""

    def __init__(self, repay_amount: int, name: str) -> None:
        super().__init__(f"a call that repays {repay_amount} units of DAI is refused: {name}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Calls one after another, at one price. [DAI x 1e18]"""

    repaid: tuple[int, ...]
    seized: tuple[int, ...]
    """What the cTokens are worth."""
    left: Market
    """After the last call."""

    @property
    def profit(self) -> int:
        """What is seized less what is repaid."""
        return sum(self.seized) - sum(self.repaid)


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """Two calls, against the call that was made and against the largest single one."""

    closed_form: Fraction
    """First repayment by the formula, of the quoted shortfall. [DAI x 1e18]"""
    closed_form_accrued: Fraction
    """The same of the shortfall with the block's interest. [DAI x 1e18]"""
    two_calls: Plan
    actual: Plan
    single: Plan
    allowed: Fraction
    """What that cut, and cTokens being whole units, can move the first repayment by. [DAI x 1e18]"""
    leaves_shortfall_usd_mantissa: int
    """After the first of the two calls."""
    one_more_leaves_usd_mantissa: int
    """Shortfall after a first call that takes one cToken unit more; 0 or less: the second is refused."""

    @property
    def gain_on_actual(self) -> int:
        """[DAI x 1e18]"""
        return self.two_calls.profit - self.actual.profit

    @property
    def gain_on_single(self) -> int:
        """[DAI x 1e18]"""
        return self.two_calls.profit - self.single.profit


def optimum(record: Record, market: Market) -> Optimum:
    """The three plans on the market that the liquidation met, at the price that it met."""
    price = record.price_mantissa
    first = largest_first(market, price)
    after = plan(market, (first,), price).left
    unit = repaid_per_ctoken(record, market)
    more = plan(market, (first + math.ceil(unit),), price).left
    healed_by = closed_form(record, -liquidity(market, price))
    return Optimum(
        closed_form=closed_form(record, record.quoted_shortfall_usd_mantissa),
        closed_form_accrued=healed_by,
        allowed=unit + healed_by * _cut(market, price) / (1 / weighted_incentive(record) - 1),
        two_calls=plan(market, (first, largest(after)), price),
        actual=plan(market, (record.logs.repaid,), price),
        single=plan(market, (largest(market),), price),
        leaves_shortfall_usd_mantissa=-liquidity(after, price),
        one_more_leaves_usd_mantissa=-liquidity(more, price),
    )


def closed_form(record: Record, shortfall_usd_mantissa: int) -> Fraction:
    """The repayment that just heals the account. [DAI x 1e18]"""
    return Fraction(shortfall_usd_mantissa * WAD, record.price_mantissa) / (1 - weighted_incentive(record))


def weighted_incentive(record: Record) -> Fraction:
    """What a dollar repaid takes of what the account may borrow."""
    return Fraction(
        record.mantissa_of("collateral_factor") * record.mantissa_of("liquidation_incentive"), WAD**2
    )


def repaid_per_ctoken(record: Record, market: Market) -> Fraction:
    """The repayment that takes one cToken unit. [DAI x 1e18]"""
    return Fraction(exchange_rate(market.ctokens[DAI]), record.mantissa_of("liquidation_incentive"))


def _cut(market: Market, price_mantissa: int) -> Fraction:
    """The most that the cut of the ratio can be of the ratio."""
    return Fraction(1, liquidation_terms(market, DAI, DAI, prices_at(price_mantissa)).ratio_mantissa)


def largest(market: Market) -> int:
    """What one call may repay. [DAI x 1e18]"""
    return max_close(market, debt_of(market, BORROWER))


def largest_first(market: Market, price_mantissa: int) -> int:
    """The largest repayment that leaves the account short: by halving what is allowed. [DAI x 1e18]"""
    leaves, heals = 0, largest(market)
    while heals - leaves > 1:
        middle = (leaves + heals) // 2
        short = liquidity(plan(market, (middle,), price_mantissa).left, price_mantissa) < 0
        leaves, heals = (middle, heals) if short else (leaves, middle)
    return leaves


def plan(market: Market, amounts: Sequence[int], price_mantissa: int) -> Plan:
    """Call for call through the rule set; raises `NotLiquidatable`."""
    seized: list[int] = []
    for amount in amounts:
        outcome = liquidate(market, amount, price_mantissa)
        if not isinstance(outcome, Liquidated):
            raise NotLiquidatable(amount, outcome.name)
        seized.append(worth(market, outcome.seized_ctokens))
        market = outcome.market
    return Plan(repaid=tuple(amounts), seized=tuple(seized), left=market)
