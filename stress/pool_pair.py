"""One collateral against one debt on a pool of Aave v2 or v3, made for it.

Everything asked here is answered by the rule set's own integer functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from protocol.errors import EvmRevert
from protocol.units import BPS, MAX_UINT256, WAD
from stress.pair_terms import (
    COLLATERAL,
    DEBT,
    DoesNotFit,
    PairDrops,
    PairTerms,
    does_not_fit,
    explains_by_values,
    rounding_of_values,
)
from stress.small_market import AMPLE, BORROWER, LIQUIDATOR, NOW, Asset, RuleSet, SmallAccount
from stress.to_the_end import Called, Ended, Left, call_to_the_end

MOST_UNITS = 2**120 // (2 * AMPLE)
"""Balances are stored in 120 bits from v3.4 on, and the market's is a multiple of the account's. [asset units]"""


class PoolPair:
    """An account of Aave v2 or v3 with one collateral and one debt. Implements `Pair`."""

    further: Mapping[str, Callable[[int], bool]] = MappingProxyType({})

    def __init__(self, rule_set: RuleSet, terms: PairTerms, loan_to_value: Fraction) -> None:
        self.rule_set, self.terms = rule_set, terms
        self.debt = terms.debt(loan_to_value)
        most = max(self.debt, terms.collateral)
        if most > MOST_UNITS:
            raise DoesNotFit(
                f"Aave {rule_set.name}",
                f"a balance of {most} units, too near to the 120 bits it is stored in",
            )
        self._market = self._reading(rule_set.market, _account(terms, self.debt))
        self._call = rule_set.package.LiquidationCall(
            collateral_id=COLLATERAL,
            debt_id=DEBT,
            borrower=BORROWER,
            liquidator=LIQUIDATOR,
            debt_to_cover=MAX_UINT256,
        )

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the health factor is below 1 at this price of the collateral."""
        return self._is_liquidatable(self._market, price_base)

    def is_toxic(self, price_base: int) -> bool:
        """Whether seizing collateral lowers the health factor at this price."""
        toxic: bool = self._asked(self.rule_set.pairs.is_toxic, price_base)
        return toxic

    def residual(self, price_base: int) -> int:
        """The debt that must remain at this price, by the integer form; 0 if none must. [debt asset units]"""
        integer: int = self._asked(self.rule_set.pairs.residual_of_pair, price_base)[0]
        return integer

    def drops(self) -> PairDrops:
        """The drops by the fractions, which share nothing with the integers."""
        at_start = self._at(self.terms.collateral_price_base)
        found = self.rule_set.frontier.drops(self._market, BORROWER, {COLLATERAL}, **at_start)
        return PairDrops(
            liquidatable=found.liquidatable, toxic=found.toxic[COLLATERAL], debt_remains=found.debt_remains
        )

    def seized_ratio(self, price_base: int) -> Fraction:
        """Value taken from the account per value repaid: the bonus, the same at any price."""
        return Fraction(self.terms.liquidation_bonus_bps, BPS)

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid: 1 + bonus less the fee, the same at any price."""
        return self.rule_set.pairs.payout_ratio(self._market, BORROWER, COLLATERAL)

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Call for as much as goes through until no call does; raises `NeverEnds`."""

        def attempt(market: Any, debt_to_cover: int) -> Called[Any] | str:
            call = replace(self._call, debt_to_cover=debt_to_cover)
            outcome = self.rule_set.package.liquidation_call(market, call, **self._at(price_base))
            if isinstance(outcome, self.rule_set.package.Revert):
                return outcome.name
            most = min(debt_to_cover, self.rule_set.close(market, call, **self._at(price_base)))
            return Called(
                market=outcome.market,
                written_off=sum(getattr(outcome, "deficits", {}).values()),
                bound_by_collateral=outcome.debt_repaid < most,
            )

        def left(market: Any) -> Left:
            position = market.accounts[BORROWER].positions
            return Left(
                owed=position[DEBT].scaled_variable_debt if DEBT in position else 0,
                collateral=position[COLLATERAL].scaled_atoken if COLLATERAL in position else 0,
                is_liquidatable=self._is_liquidatable(market, price_base),
            )

        return call_to_the_end(self._market, attempt, left)

    def rounding_base(self, price: Fraction) -> Fraction:
        """See `rounding_of_values`. [base]"""
        return rounding_of_values(self.terms, self.debt, price)

    def explains(self, price_base: int, predicted: int, ended: Ended) -> bool:
        """See `explains_by_values`."""
        bonus = self.seized_ratio(price_base)
        return explains_by_values(self.terms, price_base, predicted, ended, bonus=bonus)

    def _is_liquidatable(self, market: Any, price_base: int) -> bool:
        data = self._reading(self.rule_set.package.account_data, market, BORROWER, **self._at(price_base))
        return data.health_factor_wad < WAD

    def _asked(self, function: Any, price_base: int) -> Any:
        return self._reading(function, self._market, self._call, **self._at(price_base))

    def _reading(self, function: Any, *arguments: Any, **at: Any) -> Any:
        """What a view of the contracts answers; raises `DoesNotFit` where it reverts."""
        try:
            return function(*arguments, **at)
        except EvmRevert as revert:
            raise does_not_fit(f"Aave {self.rule_set.name}", revert) from None

    def _at(self, price_base: int) -> dict[str, Any]:
        prices = {COLLATERAL: price_base, DEBT: self.terms.debt_price_base}
        return {"prices_base": prices, "timestamp": NOW}


def _account(terms: PairTerms, debt: int) -> SmallAccount:
    pledge = Asset(
        symbol="collateral",
        decimals=terms.collateral_decimals,
        price_base=terms.collateral_price_base,
        liquidation_threshold_bps=terms.liquidation_threshold_bps,
        liquidation_bonus_bps=terms.liquidation_bonus_bps,
        liquidation_protocol_fee_bps=terms.liquidation_protocol_fee_bps,
        supplied=terms.collateral,
    )
    loan = Asset(symbol="debt", decimals=terms.debt_decimals, price_base=terms.debt_price_base, borrowed=debt)
    return SmallAccount(assets=(pledge, loan))
