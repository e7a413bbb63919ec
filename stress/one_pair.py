"""One collateral against one debt on a market made for it: where an account of given terms tips over.

Everything asked here is answered by the rule set's own integer functions, which all rule sets offer alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from protocol.units import MAX_UINT256, WAD
from stress.small_market import BORROWER, LIQUIDATOR, NOW, Asset, RuleSet, SmallAccount

COLLATERAL, DEBT = 0, 1
MOST_CALLS = 200
"""More than any rule set needs: halving a debt of 2**128 units takes 128."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairTerms:
    """What decides where one collateral and one debt tip over."""

    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    """Includes the 100 %."""
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

    def account(self, debt: int) -> SmallAccount:
        """An account that pledges `collateral` and owes `debt`. [asset units]"""
        pledge = Asset(
            symbol="collateral",
            decimals=self.collateral_decimals,
            price_base=self.collateral_price_base,
            liquidation_threshold_bps=self.liquidation_threshold_bps,
            liquidation_bonus_bps=self.liquidation_bonus_bps,
            liquidation_protocol_fee_bps=self.liquidation_protocol_fee_bps,
            supplied=self.collateral,
        )
        loan = Asset(
            symbol="debt", decimals=self.debt_decimals, price_base=self.debt_price_base, borrowed=debt
        )
        return SmallAccount(assets=(pledge, loan))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What calling as much as allowed, again and again, comes to."""

    calls: int
    refused_with: str
    """The error of the call that was not possible any more."""
    residual: int
    """[debt asset units] Still owed or written off, where no collateral is left; 0 where the account is healed."""


class OnePair:
    """An account with one collateral and one debt under one rule set, asked at any price of the collateral."""

    def __init__(self, rule_set: RuleSet, terms: PairTerms, loan_to_value: Fraction) -> None:
        self.rule_set, self.terms = rule_set, terms
        self.debt = terms.debt(loan_to_value)
        self._market = rule_set.market(terms.account(self.debt))
        self._call = rule_set.package.LiquidationCall(
            collateral_id=COLLATERAL,
            debt_id=DEBT,
            borrower=BORROWER,
            liquidator=LIQUIDATOR,
            debt_to_cover=MAX_UINT256,
        )

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the health factor is below 1 at this price of the collateral."""
        data = self.rule_set.package.account_data(self._market, BORROWER, **self._at(price_base))
        return data.health_factor_wad < WAD

    def is_toxic(self, price_base: int) -> bool:
        """Whether seizing collateral lowers the health factor at this price."""
        return self.rule_set.pairs.is_toxic(self._market, self._call, **self._at(price_base))

    def residual(self, price_base: int) -> int:
        """The debt that must remain at this price, by the integer form; 0 if none must. [debt asset units]"""
        return self.rule_set.pairs.residual_of_pair(self._market, self._call, **self._at(price_base))[0]

    def drops(self) -> Any:
        """The drops of the collateral's price by the fractions, which share nothing with the integers."""
        at_start = self._at(self.terms.collateral_price_base)
        return self.rule_set.frontier.drops(self._market, BORROWER, {COLLATERAL}, **at_start)

    def payout_ratio(self) -> Fraction:
        """Value a liquidator receives per value repaid, at observed prices."""
        return self.rule_set.pairs.payout_ratio(self._market, BORROWER, COLLATERAL)

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Call for as much as is allowed until a call is refused; raises `RuntimeError` if none ever is."""
        market, deficit = self._market, 0
        for calls in range(MOST_CALLS):
            outcome = self.rule_set.package.liquidation_call(market, self._call, **self._at(price_base))
            if not hasattr(outcome, "market"):
                position = market.accounts[BORROWER].positions
                gone = not position[COLLATERAL].scaled_atoken if COLLATERAL in position else True
                owed = position[DEBT].scaled_variable_debt if DEBT in position else 0
                return Ended(
                    calls=calls, refused_with=outcome.name, residual=deficit + owed if gone else deficit
                )
            market = outcome.market
            deficit += sum(getattr(outcome, "deficits", {}).values())
        raise RuntimeError(f"{MOST_CALLS} liquidations and still one is possible")

    def _at(self, price_base: int) -> dict[str, Any]:
        prices = {COLLATERAL: price_base, DEBT: self.terms.debt_price_base}
        return {"prices_base": prices, "timestamp": NOW}
