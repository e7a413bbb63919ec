"""One collateral against one debt in a market of Morpho Blue, made for it.

The threshold is the LLTV, and the bonus follows from it. No close factor: a call takes all of the collateral, which
writes the rest of the debt off, or repays all of the debt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from protocol import morpho_blue
from protocol.errors import EvmRevert
from protocol.morpho_blue.frontier import drops
from protocol.morpho_blue.health import ORACLE_PRICE_SCALE
from protocol.morpho_blue.ledger import account_of
from protocol.morpho_blue.pairs import is_toxic, payout_ratio, residual_of_pair
from protocol.morpho_blue.shares import VIRTUAL_SHARES
from protocol.units import BPS, MAX_UINT128, WAD
from stress.pair_terms import (
    DoesNotFit,
    PairDrops,
    PairTerms,
    TermsRefused,
    covers_what_is_left,
    does_not_fit,
)
from stress.to_the_end import Called, Ended, Left, call_to_the_end

BORROWER, LIQUIDATOR, FEE_RECIPIENT = "borrower", "liquidator", "fee recipient"
NOW = 1_700_000_000
RULES = "Morpho Blue"
AMPLE = 10
MOST_UNITS = MAX_UINT128 // (2 * AMPLE * VIRTUAL_SHARES)
"""Shares are stored in 128 bits, a million to a unit, and the market's are a multiple. [loan asset units]"""


class MorphoBluePair:
    """An account of Morpho Blue. Implements `Pair`."""

    further: Mapping[str, Callable[[int], bool]] = MappingProxyType({})

    def __init__(self, terms: PairTerms, loan_to_value: Fraction) -> None:
        self.terms, self.debt = terms, terms.debt(loan_to_value)
        if terms.liquidation_threshold_bps >= BPS:
            raise TermsRefused(RULES, "an LLTV of 100 %; give a lower --lt-bps")
        if self.debt > MOST_UNITS or terms.collateral > MAX_UINT128:
            most = max(self.debt, terms.collateral)
            raise DoesNotFit(RULES, f"a balance of {most} units, too near to the 128 bits it is stored in")
        self._market = _market(terms, self.debt)
        self._call = morpho_blue.LiquidationCall(borrower=BORROWER, liquidator=LIQUIDATOR)

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the debt exceeds LLTV at this price of the collateral."""
        return self._is_liquidatable(self._market, price_base)

    def is_toxic(self, price_base: int) -> bool:
        """Whether seizing collateral raises the loan to value at this price."""
        return self._reading(is_toxic, self._market, self._call, **self._at(price_base))

    def residual(self, price_base: int) -> int:
        """The debt that must remain at this price, by the integer form; 0 if none must. [loan asset units]"""
        return self._reading(residual_of_pair, self._market, self._call, **self._at(price_base))[0]

    def drops(self) -> PairDrops:
        """The drops by the fractions; debt remains exactly where a call is toxic."""
        found = drops(self._market, BORROWER, **self._at(self.terms.collateral_price_base))
        return PairDrops(
            liquidatable=found.liquidatable, toxic=found.debt_remains, debt_remains=found.debt_remains
        )

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid: the incentive, all of it."""
        return payout_ratio(self._market)

    def rounding_base(self, price: Fraction) -> Fraction:
        """What the contract's roundings are worth in price. [base]

        One unit of price, and one of the oracle's own 36 decimals; in the health check three units of the loan, and
        in the amounts three with the incentive on them.
        """
        lltv, incentive = self.terms.liquidation_threshold, payout_ratio(self._market)
        units_per_base = self.terms.debt_worth(self.terms.collateral, 1)
        return 1 + price / self._price_e36(max(int(price), 1)) + (3 / lltv + 3 * incentive) / units_per_base

    def explains(self, price_base: int, predicted: int, ended: Ended) -> bool:
        """To the unit, as a call that seizes everything is one call."""
        worth = Fraction(ended.collateral_left * self._price_e36(price_base), ORACLE_PRICE_SCALE)
        return covers_what_is_left(
            predicted,
            ended,
            repaid_by_the_rest=worth / payout_ratio(self._market),
            per_call=Fraction(self._price_e36(price_base), ORACLE_PRICE_SCALE) + 2,
        )

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Seize everything, or where that would repay more than is owed, repay everything; raises `NeverEnds`."""

        def attempt(market: morpho_blue.Market, _: int) -> Called[morpho_blue.Market] | str:
            account = account_of(market, BORROWER)
            everything = replace(self._call, seized_assets=account.collateral)
            outcome = morpho_blue.liquidate(market, everything, **self._at(price_base))
            takes_all = isinstance(outcome, morpho_blue.Liquidated)
            if not takes_all:
                all_debt = replace(self._call, repaid_shares=account.borrow_shares)
                outcome = morpho_blue.liquidate(market, all_debt, **self._at(price_base))
            if isinstance(outcome, morpho_blue.Revert):
                return outcome.name
            return Called(
                market=outcome.market,
                written_off=outcome.bad_debt_assets,
                bound_by_collateral=takes_all,
            )

        def left(market: morpho_blue.Market) -> Left:
            account = account_of(market, BORROWER)
            return Left(
                owed=market.total_borrow.to_assets_up(account.borrow_shares) if account.borrow_shares else 0,
                collateral=account.collateral,
                is_liquidatable=self._is_liquidatable(market, price_base),
            )

        return call_to_the_end(self._market, attempt, left)

    def _is_liquidatable(self, market: morpho_blue.Market, price_base: int) -> bool:
        return not self._reading(morpho_blue.account_data, market, BORROWER, **self._at(price_base)).healthy

    def _reading(self, function: Any, *arguments: Any, **at: Any) -> Any:
        """What the contract answers; raises `DoesNotFit` where it reverts."""
        try:
            return function(*arguments, **at)
        except EvmRevert as revert:
            raise does_not_fit(RULES, revert) from None

    def _at(self, price_base: int) -> dict[str, Any]:
        return {"price_e36": self._price_e36(price_base), "timestamp": NOW}

    def _price_e36(self, price_base: int) -> int:
        """Of a collateral unit in loan units, as the oracle cuts it."""
        terms = self.terms
        loan_units = price_base * 10**terms.debt_decimals * ORACLE_PRICE_SCALE
        return loan_units // (terms.debt_price_base * 10**terms.collateral_decimals)


def _market(terms: PairTerms, debt: int) -> morpho_blue.Market:
    shares = debt * VIRTUAL_SHARES
    return morpho_blue.Market(
        lltv_wad=terms.liquidation_threshold_bps * (WAD // BPS),
        irm=None,
        total_supply=morpho_blue.Totals(assets=AMPLE * debt, shares=AMPLE * shares),
        total_borrow=morpho_blue.Totals(assets=debt, shares=shares),
        last_update_timestamp=NOW,
        fee_recipient=FEE_RECIPIENT,
        accounts={BORROWER: morpho_blue.Account(borrow_shares=shares, collateral=terms.collateral)},
    )
