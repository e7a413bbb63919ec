"""One collateral against one debt on Compound v2, made for it.

The threshold is the collateral factor, the bonus the incentive with its 100 %. Nothing is cut to what is there: the
caller asks for the close factor of the debt, or for what the collateral pays for. cTokens are the collateral's unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from protocol import compound_v2
from protocol.compound_v2.amounts import Terms
from protocol.compound_v2.frontier import drops
from protocol.compound_v2.health import position_of
from protocol.compound_v2.liquidation import liquidation_terms
from protocol.compound_v2.pairs import is_toxic, payout_ratio, residual_of_pair
from protocol.compound_v2.reporter import ComptrollerError, Rejected
from protocol.compound_v2.validation import max_close, stored_debt
from protocol.errors import EvmRevert
from protocol.units import BPS, WAD
from stress.mantissa_pair import (
    AMPLE,
    MANTISSA_PER_BPS,
    explains_by_ratio,
    prices_mantissa,
    require_decimals,
    rounding_of_mantissas,
    supplied,
)
from stress.pair_terms import (
    COLLATERAL,
    DEBT,
    DoesNotFit,
    PairDrops,
    PairTerms,
    TermsRefused,
    does_not_fit,
)
from stress.to_the_end import Called, Ended, Left, call_to_the_end

BORROWER, LIQUIDATOR = "borrower", "liquidator"
NOW = 17_000_000
"""[block] No time passes: nothing accrues."""
MOST_COLLATERAL_FACTOR_BPS = 90_00
"""`collateralFactorMaxMantissa`."""
NOBODY_PAYS_INTEREST = compound_v2.RateModel(base_rate_per_block_mantissa=0, multiplier_per_block_mantissa=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Releases:
    """Which code stands behind the pair."""

    comptroller: compound_v2.ComptrollerRules
    ctokens: compound_v2.CTokenRules

    @property
    def name(self) -> str:
        """For a message."""
        return f"Compound v2 {self.comptroller.release}"


class CompoundV2Pair:
    """An account of Compound v2 with one collateral and one debt. Implements `Pair`."""

    further: Mapping[str, Callable[[int], bool]] = MappingProxyType({})

    def __init__(
        self, releases: Releases, close_factor_bps: int, terms: PairTerms, loan_to_value: Fraction
    ) -> None:
        self.terms, self.debt, self._rules = terms, terms.debt(loan_to_value), releases.name
        require_decimals(self._rules, terms)
        if terms.liquidation_threshold_bps > MOST_COLLATERAL_FACTOR_BPS:
            raise TermsRefused(self._rules, "a collateral factor above 90 %; give a lower --lt-bps")
        self._rate_mantissa = 2 * 10 ** (8 + terms.collateral_decimals)  # 0.02 of an asset, as at the launch
        self._market = _market(releases, close_factor_bps, terms, self.debt, self._rate_mantissa)
        self._ctokens = position_of(self._market, BORROWER, COLLATERAL).ctokens
        self._call = compound_v2.LiquidationCall(
            collateral_id=COLLATERAL, debt_id=DEBT, borrower=BORROWER, liquidator=LIQUIDATOR, repay_amount=0
        )
        if not self._amounts(self._market, terms.collateral_price_base).ratio_mantissa:
            raise DoesNotFit(self._rules, "a unit of debt takes less than 1e-18 of a cToken")

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the account has a shortfall at this price of the collateral."""
        return self._is_liquidatable(self._market, price_base)

    def is_toxic(self, price_base: int) -> bool:
        """Whether seizing collateral lowers the health at this price."""
        return self._reading(is_toxic, self._market, self._call, **self._at(price_base))

    def residual(self, price_base: int) -> int:
        """The debt that must remain at this price, by the integer form; 0 if none must. [debt asset units]"""
        return self._reading(residual_of_pair, self._market, self._call, **self._at(price_base))[0]

    def drops(self) -> PairDrops:
        """The drops by the fractions, which share nothing with the integers."""
        found = drops(self._market, BORROWER, {COLLATERAL}, **self._at(self.terms.collateral_price_base))
        return PairDrops(
            liquidatable=found.liquidatable, toxic=found.toxic[COLLATERAL], debt_remains=found.debt_remains
        )

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid, in cTokens: the incentive less the protocol's share."""
        return payout_ratio(self._market, BORROWER, COLLATERAL)

    def rounding_base(self, price: Fraction) -> Fraction:
        """See `rounding_of_mantissas`. [base]"""
        return rounding_of_mantissas(
            self.terms,
            price,
            debt=self.debt,
            tokens=self._ctokens,
            rate_mantissa=self._rate_mantissa,
            incentive=Fraction(self.terms.liquidation_bonus_bps, BPS),
            ratio_mantissa=self._amounts(self._market, int(price) + 1).ratio_mantissa,
        )

    def explains(self, price_base: int, predicted: int, ended: Ended) -> bool:
        """See `explains_by_ratio`."""
        ratio_mantissa = self._amounts(self._market, price_base).ratio_mantissa
        return explains_by_ratio(
            self.terms, price_base, predicted, ended, debt=self.debt, ratio_mantissa=ratio_mantissa
        )

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Call for as much as goes through until no call does; raises `NeverEnds`."""

        def attempt(market: compound_v2.Market, debt_to_cover: int) -> Called[compound_v2.Market] | str:
            wanted = min(debt_to_cover, max_close(market, stored_debt(market, BORROWER, DEBT)))
            covered = self._covered(market, price_base)
            repaid = min(wanted, covered) or wanted  # what takes nothing is asked for in full, and refused
            call = replace(self._call, repay_amount=repaid)
            outcome = compound_v2.liquidate_borrow(market, call, **self._at(price_base))
            if not isinstance(outcome, compound_v2.Liquidated):
                return outcome.name
            return Called(market=outcome.market, written_off=0, bound_by_collateral=covered < wanted)

        def left(market: compound_v2.Market) -> Left:
            owed, is_liquidatable = (
                stored_debt(market, BORROWER, DEBT),
                self._is_liquidatable(market, price_base),
            )
            most = min(max_close(market, owed), self._covered(market, price_base))
            return Left(
                owed=owed,
                collateral=position_of(market, BORROWER, COLLATERAL).ctokens,
                is_liquidatable=is_liquidatable,
                is_dust=is_liquidatable and not most,
            )

        return call_to_the_end(self._market, attempt, left)

    def _covered(self, market: compound_v2.Market, price_base: int) -> int:
        """The most that the cTokens left pay for; nothing where there are none. [debt asset units]"""
        ctokens = position_of(market, BORROWER, COLLATERAL).ctokens
        return self._amounts(market, price_base).most_repaid_from(ctokens) if ctokens else 0

    def _amounts(self, market: compound_v2.Market, price_base: int) -> Terms:
        return liquidation_terms(market, COLLATERAL, DEBT, prices_mantissa(self.terms, price_base))

    def _is_liquidatable(self, market: compound_v2.Market, price_base: int) -> bool:
        data = self._reading(compound_v2.account_data, market, BORROWER, **self._at(price_base))
        if data.error != ComptrollerError.NO_ERROR:
            raise DoesNotFit(self._rules, f"the Comptroller answers {data.error.name}")
        return data.shortfall_usd_mantissa > 0

    def _reading(self, function: Any, *arguments: Any, **at: Any) -> Any:
        """What the contracts answer; raises `DoesNotFit` where they revert or have no answer."""
        try:
            return function(*arguments, **at)
        except EvmRevert as revert:
            raise does_not_fit(self._rules, revert) from None
        except Rejected as rejected:
            raise DoesNotFit(self._rules, f"the Comptroller answers {rejected.error.name}") from None

    def _at(self, price_base: int) -> dict[str, Any]:
        return {"prices_mantissa": prices_mantissa(self.terms, price_base), "block_number": NOW}


def _market(
    releases: Releases, close_factor_bps: int, terms: PairTerms, debt: int, rate_mantissa: int
) -> compound_v2.Market:
    pledge = supplied(releases.name, terms.collateral, rate_mantissa)
    positions = {
        COLLATERAL: compound_v2.Position(ctokens=pledge.tokens),
        DEBT: compound_v2.Position(borrow_principal_underlying=debt, borrow_interest_index_mantissa=WAD),
    }
    collateral = _ctoken(
        releases.ctokens,
        COLLATERAL,
        terms.collateral_decimals,
        terms.liquidation_threshold_bps,
        rate_mantissa,
    )
    loan = _ctoken(releases.ctokens, DEBT, terms.debt_decimals, 0, 2 * 10 ** (8 + terms.debt_decimals))
    return compound_v2.Market(
        rules=releases.comptroller,
        close_factor_mantissa=close_factor_bps * MANTISSA_PER_BPS,
        liquidation_incentive_mantissa=terms.liquidation_bonus_bps * MANTISSA_PER_BPS,
        ctokens={
            COLLATERAL: replace(
                collateral, cash_underlying=pledge.cash, total_supply_ctokens=pledge.total_tokens
            ),
            DEBT: replace(loan, cash_underlying=AMPLE * debt, total_borrows_underlying=debt),
        },
        accounts={BORROWER: compound_v2.Account(positions=positions, entered=(COLLATERAL, DEBT))},
        max_assets=len(positions),
    )


def _ctoken(
    rules: compound_v2.CTokenRules, market_id: int, decimals: int, factor_bps: int, rate_mantissa: int
) -> compound_v2.CToken:
    symbol = "debt" if market_id == DEBT else "collateral"
    return compound_v2.CToken(
        market_id=market_id,
        address=symbol,
        symbol=symbol,
        underlying_decimals=decimals,
        rules=rules,
        rate_model=NOBODY_PAYS_INTEREST,
        config=compound_v2.CTokenConfig(
            collateral_factor_mantissa=factor_bps * MANTISSA_PER_BPS,
            reserve_factor_mantissa=0,
            initial_exchange_rate_mantissa=rate_mantissa,
        ),
        cash_underlying=0,
        total_borrows_underlying=0,
        total_reserves_underlying=0,
        total_supply_ctokens=0,
        borrow_index_mantissa=WAD,
        accrual_block_number=NOW,
    )
