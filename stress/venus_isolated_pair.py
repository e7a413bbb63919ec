"""One collateral against one debt in an isolated pool of Venus, made for it.

A large account is liquidated debt by debt up to the close factor. Once its collateral is worth no more than the
pool's minimum it is ended as a whole: healed, which writes off what the collateral with the incentive does not cover,
or repaid by a batch where it covers all. vTokens are the collateral's unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from protocol import venus_isolated
from protocol.errors import EvmRevert
from protocol.units import BASE_PER_USD, BPS, WAD
from protocol.venus_isolated.frontier import drops, residual_if_healed
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.liquidation import seize_ratio_of
from protocol.venus_isolated.pairs import is_toxic, most_repayable, payout_ratio, residual_of_pair
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
NOW = 1_700_000_000
SMALL = "small_enough_to_heal"
NOBODY_PAYS_INTEREST = venus_isolated.JumpRateModel(
    base_rate_per_slot_mantissa=0, multiplier_per_slot_mantissa=0
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolTerms:
    """How a pool is configured beyond the terms of the pair."""

    close_factor_bps: int
    protocol_seize_share_bps: int
    """Of the debt repaid."""
    min_liquidatable_collateral_base: int
    """[base]"""


class VenusIsolatedPair:
    """An account of an isolated pool with one collateral and one debt. Implements `Pair`."""

    def __init__(
        self, rules: venus_isolated.Rules, pool: PoolTerms, terms: PairTerms, loan_to_value: Fraction
    ) -> None:
        self.terms, self.debt = terms, terms.debt(loan_to_value)
        self._rules = f"Venus isolated pools {rules.revision}"
        require_decimals(self._rules, terms)
        if pool.protocol_seize_share_bps > terms.liquidation_bonus_bps - BPS:
            raise TermsRefused(
                self._rules, "a seize share above the bonus; give a lower --seize-share-bps or more bonus"
            )
        self.further: Mapping[str, Callable[[int], bool]] = {SMALL: self._is_small}
        self._rate_mantissa = 10 ** (10 + terms.collateral_decimals)  # one asset, as at the launch
        self._market = _market(rules, pool, terms, self.debt, self._rate_mantissa, self._rules)
        self._vtokens = self._market.accounts[BORROWER].positions[COLLATERAL].vtokens
        self._call = venus_isolated.LiquidationCall(
            collateral_id=COLLATERAL, debt_id=DEBT, borrower=BORROWER, liquidator=LIQUIDATOR, repay_amount=0
        )
        if not self._ratio_mantissa(terms.collateral_price_base):
            raise DoesNotFit(self._rules, "a unit of debt takes less than 1e-18 of a vToken")

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the account has a shortfall at this price of the collateral."""
        return self._data(self._market, price_base).shortfall_usd_mantissa > 0

    def is_toxic(self, price_base: int) -> bool:
        """Whether seizing collateral lowers the health at this price."""
        return self._reading(is_toxic, self._market, self._call, **self._at(price_base))

    def residual(self, price_base: int) -> int:
        """The debt that must remain, by the form for healing or for regular calls; 0 if none. [debt asset units]"""
        at = self._at(price_base)
        if self._is_small(price_base):
            healed = self._reading(residual_if_healed, self._market, BORROWER, **at)
            return sum((healed or {}).values())
        return self._reading(residual_of_pair, self._market, self._call, **at)[0]

    def drops(self) -> PairDrops:
        """The drops by the fractions, which share nothing with the integers."""
        found = drops(self._market, BORROWER, {COLLATERAL}, **self._at(self.terms.collateral_price_base))
        return PairDrops(
            liquidatable=found.liquidatable,
            toxic=found.toxic[COLLATERAL],
            debt_remains=found.debt_remains,
            further={SMALL: found.small},
        )

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid, in vTokens: the incentive less the protocol's share."""
        return payout_ratio(self._market, BORROWER, COLLATERAL)

    def rounding_base(self, price: Fraction) -> Fraction:
        """See `rounding_of_mantissas`. [base]"""
        return rounding_of_mantissas(
            self.terms,
            price,
            debt=self.debt,
            tokens=self._vtokens,
            rate_mantissa=self._rate_mantissa,
            incentive=Fraction(self.terms.liquidation_bonus_bps, BPS),
            ratio_mantissa=self._ratio_mantissa(int(price) + 1),
        )

    def explains(self, price_base: int, predicted: int, ended: Ended) -> bool:
        """See `explains_by_ratio`; healing pays without that ratio."""
        ratio_mantissa = self._ratio_mantissa(price_base)
        return explains_by_ratio(
            self.terms, price_base, predicted, ended, debt=self.debt, ratio_mantissa=ratio_mantissa
        )

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Regular calls as long as the account is large, then heal or repay it as a whole; raises `NeverEnds`."""

        def attempt(market: venus_isolated.Market, debt_to_cover: int) -> Called[venus_isolated.Market] | str:
            outcome = self._regular(market, price_base, debt_to_cover)
            if outcome == "MinimalCollateralViolated":
                outcome = self._healed(market, price_base)
            if outcome == "CollateralExceedsThreshold":
                outcome = self._repaid_whole(market, price_base)
            return outcome

        def left(market: venus_isolated.Market) -> Left:
            is_liquidatable = self._data(market, price_base).shortfall_usd_mantissa > 0
            return Left(
                owed=_position(market, DEBT).borrow_principal_underlying,
                collateral=_position(market, COLLATERAL).vtokens,
                is_liquidatable=is_liquidatable,
                is_dust=is_liquidatable and not most_repayable(market, self._call, **self._at(price_base)),
            )

        return call_to_the_end(self._market, attempt, left)

    def _regular(
        self, market: venus_isolated.Market, price_base: int, debt_to_cover: int
    ) -> Called[venus_isolated.Market] | str:
        at = self._at(price_base)
        most = most_repayable(market, self._call, **at)
        call = replace(self._call, repay_amount=min(debt_to_cover, most))
        outcome = venus_isolated.liquidate_borrow(market, call, **at)
        if isinstance(outcome, venus_isolated.Revert):
            return outcome.name
        took_all = not _position(outcome.market, COLLATERAL).vtokens
        return Called(market=outcome.market, written_off=0, bound_by_collateral=took_all)

    def _healed(self, market: venus_isolated.Market, price_base: int) -> Called[venus_isolated.Market] | str:
        outcome = venus_isolated.heal_account(market, BORROWER, LIQUIDATOR, **self._at(price_base))
        if isinstance(outcome, venus_isolated.Revert):
            return outcome.name
        lost = sum(outcome.bad_debt_underlying.values())
        return Called(market=outcome.market, written_off=lost, bound_by_collateral=True)

    def _repaid_whole(
        self, market: venus_isolated.Market, price_base: int
    ) -> Called[venus_isolated.Market] | str:
        owed = _position(market, DEBT).borrow_principal_underlying
        order = venus_isolated.LiquidationOrder(collateral_id=COLLATERAL, debt_id=DEBT, repay_amount=owed)
        outcome = venus_isolated.liquidate_account(
            market, BORROWER, LIQUIDATOR, [order], **self._at(price_base)
        )
        if isinstance(outcome, venus_isolated.Revert):
            return outcome.name
        return Called(market=outcome.market, written_off=0, bound_by_collateral=False)

    def _is_small(self, price_base: int) -> bool:
        """Whether the collateral is worth no more than the pool's minimum."""
        worth = self._data(self._market, price_base).total_collateral_usd_mantissa
        return worth <= self._market.min_liquidatable_collateral_usd_mantissa

    def _data(self, market: venus_isolated.Market, price_base: int) -> venus_isolated.AccountData:
        return self._reading(venus_isolated.account_data, market, BORROWER, **self._at(price_base))

    def _ratio_mantissa(self, price_base: int) -> int:
        order = venus_isolated.LiquidationOrder(collateral_id=COLLATERAL, debt_id=DEBT, repay_amount=0)
        prices = prices_mantissa(self.terms, price_base)
        return self._reading(seize_ratio_of, Ledger(self._market, NOW), order, prices)

    def _reading(self, function: Any, *arguments: Any, **at: Any) -> Any:
        """What the contracts answer; raises `DoesNotFit` where they revert."""
        try:
            return function(*arguments, **at)
        except EvmRevert as revert:
            raise does_not_fit(self._rules, revert) from None

    def _at(self, price_base: int) -> dict[str, Any]:
        return {"prices_mantissa": prices_mantissa(self.terms, price_base), "slot": NOW}


def _position(market: venus_isolated.Market, market_id: int) -> venus_isolated.Position:
    """Of the borrower; the index stands still at 1, so what was borrowed is what is owed."""
    return Ledger(market, NOW).position(BORROWER, market_id)


def _market(
    rules: venus_isolated.Rules, pool: PoolTerms, terms: PairTerms, debt: int, rate_mantissa: int, name: str
) -> venus_isolated.Market:
    pledge = supplied(name, terms.collateral, rate_mantissa)
    positions = {
        COLLATERAL: venus_isolated.Position(vtokens=pledge.tokens),
        DEBT: venus_isolated.Position(borrow_principal_underlying=debt, borrow_interest_index_mantissa=WAD),
    }
    collateral = _vtoken(pool, COLLATERAL, terms.collateral_decimals, terms.liquidation_threshold_bps)
    loan = _vtoken(pool, DEBT, terms.debt_decimals, 0)
    return venus_isolated.Market(
        rules=rules,
        close_factor_mantissa=pool.close_factor_bps * MANTISSA_PER_BPS,
        liquidation_incentive_mantissa=terms.liquidation_bonus_bps * MANTISSA_PER_BPS,
        min_liquidatable_collateral_usd_mantissa=pool.min_liquidatable_collateral_base
        * (WAD // BASE_PER_USD),
        vtokens={
            COLLATERAL: replace(
                collateral, cash_underlying=pledge.cash, total_supply_vtokens=pledge.total_tokens
            ),
            DEBT: replace(loan, cash_underlying=AMPLE * debt, total_borrows_underlying=debt),
        },
        accounts={BORROWER: venus_isolated.Account(positions=positions, entered=(COLLATERAL, DEBT))},
    )


def _vtoken(pool: PoolTerms, market_id: int, decimals: int, threshold_bps: int) -> venus_isolated.VToken:
    return venus_isolated.VToken(
        market_id=market_id,
        symbol="debt" if market_id == DEBT else "collateral",
        underlying_decimals=decimals,
        collateral_factor_mantissa=0,
        liquidation_threshold_mantissa=threshold_bps * MANTISSA_PER_BPS,
        reserve_factor_mantissa=0,
        protocol_seize_share_mantissa=pool.protocol_seize_share_bps * MANTISSA_PER_BPS,
        initial_exchange_rate_mantissa=10 ** (10 + decimals),
        rate_model=NOBODY_PAYS_INTEREST,
        cash_underlying=0,
        total_borrows_underlying=0,
        total_reserves_underlying=0,
        total_supply_vtokens=0,
        borrow_index_mantissa=WAD,
        accrual_slot=NOW,
    )
