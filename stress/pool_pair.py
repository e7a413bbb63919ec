"""One collateral against one debt on a pool of Aave v2 or v3, made for it.

Everything asked here is answered by the rule set's own integer functions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from protocol.units import MAX_UINT256, WAD
from stress.pair_terms import COLLATERAL, DEBT, MOST_CALLS, Ended, PairDrops, PairTerms
from stress.small_market import BORROWER, LIQUIDATOR, NOW, Asset, RuleSet, SmallAccount


class PoolPair:
    """An account of Aave v2 or v3 with one collateral and one debt. Implements `Pair`."""

    def __init__(self, rule_set: RuleSet, terms: PairTerms, loan_to_value: Fraction) -> None:
        self.rule_set, self.terms = rule_set, terms
        self.debt = terms.debt(loan_to_value)
        self._market = rule_set.market(_account(terms, self.debt))
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

    def drops(self) -> PairDrops:
        """The drops by the fractions, which share nothing with the integers."""
        at_start = self._at(self.terms.collateral_price_base)
        found = self.rule_set.frontier.drops(self._market, BORROWER, {COLLATERAL}, **at_start)
        return PairDrops(
            liquidatable=found.liquidatable, toxic=found.toxic[COLLATERAL], debt_remains=found.debt_remains
        )

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid; the same at any price."""
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
