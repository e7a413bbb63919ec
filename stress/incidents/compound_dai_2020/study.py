"""The whole study and what must hold of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

from protocol.compound_v2 import Liquidated
from protocol.units import WAD
from stress.incidents.compound_dai_2020.line import (
    CONTRACT,
    HALF_CENT,
    Miss,
    Window,
    misses,
    root,
    slope,
    to_cents,
)
from stress.incidents.compound_dai_2020.optimum import Optimum, optimum
from stress.incidents.compound_dai_2020.position import Known, known
from stress.incidents.compound_dai_2020.record import BLOCK, Quote, Record, load_record
from stress.incidents.compound_dai_2020.replay import (
    AtPrice,
    Replayed,
    along_the_path,
    liquidity,
    replay,
)
from stress.incidents.report import Check

AGREES_WITHIN = WAD // 10**8
"""[mantissa] Of quotes to the cent nothing finer can be had; see the width of what they leave open."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """The record, the account as it pins it down, and what the rule set makes of both."""

    record: Record
    known: Known
    replayed: Replayed
    path: tuple[AtPrice, ...]
    optimum: Optimum

    @property
    def cents(self) -> tuple[Quote, ...]:
        """The quotes as they are printed."""
        return to_cents(self.record.quotes)

    @cached_property
    def slope(self) -> Window:
        """Debt less weighted collateral. [DAI x 1e18]"""
        return slope(self.record.quotes, CONTRACT)

    @cached_property
    def slope_of_cents(self) -> Window:
        """The same, of the quotes to the cent."""
        return slope(self.cents, HALF_CENT)

    @cached_property
    def critical(self) -> Window:
        """The DAI price at which liquidity is 0. [mantissa]"""
        return root(self.record.quotes, CONTRACT)

    @cached_property
    def critical_of_cents(self) -> Window:
        """The same, of the quotes to the cent."""
        return root(self.cents, HALF_CENT)

    @cached_property
    def critical_as_published(self) -> Window:
        """The same, of the four amounts as printed. [mantissa]"""
        prices = [self._published_root(signs) for signs in product((-1, 1), repeat=4)]
        return Window(min(prices), max(prices))

    @property
    def became_liquidatable(self) -> int | None:
        """The first block of the path at which the account, as of the block before, is short."""
        short = (at.update.block_number for at in self.path if at.liquidity_usd_mantissa < 0)
        return next(short, None)

    @property
    def published_gain(self) -> Fraction:
        """What two calls earn more than the one made, with the debt as published. [DAI x 1e18]"""
        record, first = self.record, self.optimum.closed_form
        close = Fraction(record.mantissa_of("close_factor"), WAD)
        second = close * (record.published["debt_dai"].amount * WAD - first)
        bonus = Fraction(record.mantissa_of("liquidation_incentive"), WAD) - 1
        return bonus * (first + second - record.logs.repaid)

    def misses(self) -> tuple[Miss, ...]:
        """Every quote, to the last digit and to the cent, against every two others."""
        return (*misses(self.record.quotes, CONTRACT), *misses(self.cents, HALF_CENT))

    def _published_root(self, signs: tuple[int, ...]) -> Fraction:
        names = ("collateral_dai", "collateral_usdc", "debt_dai", "debt_usdc")
        figures = (self.record.published[name] for name in names)
        dai, usdc, debt, debt_usdc = (
            one.amount + sign * one.half_digit for one, sign in zip(figures, signs, strict=True)
        )
        factor = Fraction(self.record.mantissa_of("collateral_factor"), WAD)
        return WAD * (factor * usdc - debt_usdc) / (debt - factor * dai)


def study(record: Record | None = None) -> Study:
    """Pin the account down and replay the block; default: the record beside this module.

    Raises `NothingFits`, `CallRefused`, `NotLiquidatable` where the record contradicts itself or the rule set.
    """
    record = record or load_record()
    found = known(record)
    replayed = replay(record, found.market)
    return Study(
        record=record,
        known=found,
        replayed=replayed,
        path=tuple(along_the_path(record, found.market)),
        optimum=optimum(record, replayed.met),
    )


def checks(done: Study) -> Iterator[Check]:
    """Everything that must hold."""
    yield from _checks_of_the_line(done)
    yield from _checks_of_the_rule_set(done)
    yield from _checks_of_the_plan(done)
    yield Check(
        says="a borrower was found short at the oracle's price exactly where that is above its critical price",
        holds=all(
            one.reproduced == (one.oracle_price_mantissa > one.critical_price_mantissa)
            for one in done.record.borrowers
        ),
    )


def _checks_of_the_line(done: Study) -> Iterator[Check]:
    record, recorded = done.record, done.record.recorded_critical_mantissa
    yield Check(
        says="every quote lies on the line through every two others, as far as their rounding allows",
        holds=all(one.in_bounds for one in done.misses()),
    )
    yield Check(
        says="the recorded critical price is the one of the quotes, cut to 18 digits",
        holds=math.floor(done.critical.low) == recorded == math.floor(done.critical.high),
    )
    yield Check(
        says="quotes to the cent leave the critical price within 1e-8 of the recorded one",
        holds=done.critical_of_cents.holds(recorded)
        and all(abs(end - recorded) <= AGREES_WITHIN for end in done.critical_of_cents),
    )
    yield Check(
        says="debt and collateral in DAI as the logs have them round to what was published",
        holds=record.published["debt_dai"].agrees_with(done.known.debt)
        and all(record.published["collateral_dai"].agrees_with(int(end)) for end in done.known.collateral)
        and done.critical_as_published.holds(recorded),
    )


def _checks_of_the_rule_set(done: Study) -> Iterator[Check]:
    yield Check(
        says="one position repeats every quote to the last digit, by the rule set",
        holds=all(
            liquidity(done.known.market, quote.price_mantissa) == quote.liquidity_usd_mantissa
            for quote in done.record.quotes
        ),
    )
    yield Check(
        says="on it the rule set repeats every log of the block to the unit",
        holds=not done.replayed.differences(done.record.logs),
    )
    yield Check(
        says=f"the update of block {BLOCK}, and none before it, makes the account liquidatable",
        holds=done.became_liquidatable == BLOCK
        and (BLOCK - 1) in (one.block_number for one in done.record.oracle)
        and all((at.liquidity_usd_mantissa < 0) == isinstance(at.called, Liquidated) for at in done.path),
    )
    yield Check(
        says="the position as published says the same at every price, whatever its next digits are",
        holds=all(
            at.lowest_published_usd_mantissa <= at.liquidity_usd_mantissa <= at.highest_published_usd_mantissa
            and (at.lowest_published_usd_mantissa < 0) == (at.highest_published_usd_mantissa < 0)
            for at in done.path
        ),
    )


def _checks_of_the_plan(done: Study) -> Iterator[Check]:
    best, published = done.optimum, done.record.published
    first = best.two_calls.repaid[0]
    yield Check(
        says="the first of the two calls leaves the account short, and one cToken unit more heals it",
        holds=best.leaves_shortfall_usd_mantissa > 0 >= best.one_more_leaves_usd_mantissa
        and abs(first - best.closed_form_accrued) <= best.allowed,
    )
    yield Check(
        says="the first call and the gain on the call that was made are those published, to their last digit",
        holds=published["first_repay_dai"].agrees_with(int(best.closed_form))
        and published["first_repay_dai"].agrees_with(first)
        and published["gain_dai"].agrees_with(best.gain_on_actual),
    )
    yield Check(
        says="two calls earn more than the largest single one, and that more than the one made",
        holds=best.two_calls.profit > best.single.profit > best.actual.profit,
    )
