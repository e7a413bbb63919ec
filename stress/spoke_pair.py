"""One collateral against one debt on a hub and spoke of Aave v4, made for it.

The threshold is the collateral factor; the bonus of the terms is the highest, reached at the health factor that
the spoke's configuration names. In place of a close factor a call repays as far as a target health factor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from protocol import aave_v4
from protocol.aave_v4.frontier import drops, residual_if_exhausted
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.liquidation import amounts_params
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import mul_div_up
from protocol.units import BPS, MAX_UINT256, RAY, WAD
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
from stress.to_the_end import Called, Ended, Left, call_to_the_end

BORROWER, LIQUIDATOR, SPOKE, TREASURY = "borrower", "liquidator", "spoke", "treasury"
NOW = 1_700_000_000
RULES = "Aave 4.0"
MOST_UNITS = 2**119
"""Shares are stored in 120 bits, and the market has twice what the account owes. [asset units]"""

MOST_DECIMALS = 18
"""Amounts are scaled up to so many decimals to be valued."""


class SpokePair:
    """An account of Aave v4 with one collateral and one debt. Implements `Pair`."""

    further: Mapping[str, Callable[[int], bool]] = MappingProxyType({})

    def __init__(self, config: aave_v4.LiquidationConfig, terms: PairTerms, loan_to_value: Fraction) -> None:
        self.terms, self.debt = terms, terms.debt(loan_to_value)
        most = max(self.debt, terms.collateral)
        if most >= MOST_UNITS:
            raise DoesNotFit(RULES, f"a balance of {most} units, too near to the 120 bits it is stored in")
        decimals = max(terms.collateral_decimals, terms.debt_decimals)
        if decimals > MOST_DECIMALS:
            raise DoesNotFit(RULES, f"an asset of {decimals} decimals; {MOST_DECIMALS} at most can be valued")
        self._market = _market(config, terms, self.debt)
        self._call = aave_v4.LiquidationCall(
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
        """Whether seizing collateral lowers the health factor: it lies below its own bonus times the factor."""
        params = self._params(price_base)
        edge = params.liquidation_bonus_bps * params.collateral_factor_bps
        return params.health_factor_wad * BPS * BPS < edge * WAD

    def residual(self, price_base: int) -> int:
        """The debt that must remain at this price, by the integer form; 0 if none must. [debt asset units]"""
        return mul_div_up(self._reading(residual_if_exhausted, self._params(price_base)) or 0, 1, RAY)

    def drops(self) -> PairDrops:
        """The drops by the fractions; of an only collateral debt remains exactly where a call is toxic."""
        at_start = self._at(self.terms.collateral_price_base)
        found = drops(self._market, BORROWER, {COLLATERAL}, **at_start)
        toxic = found.toxic[COLLATERAL]
        return PairDrops(liquidatable=found.liquidatable, toxic=toxic, debt_remains=toxic)

    def seized_ratio(self, price_base: int) -> Fraction:
        """Value taken from the account per value repaid: the bonus of that health factor."""
        return Fraction(self._params(price_base).liquidation_bonus_bps, BPS)

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid: the bonus of that health factor, less the fee."""
        fee = Fraction(self.terms.liquidation_protocol_fee_bps, BPS)
        return 1 + (self.seized_ratio(price_base) - 1) * (1 - fee)

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Call for as much as goes through until no call does; raises `NeverEnds`."""

        def attempt(market: aave_v4.Market, debt_to_cover: int) -> Called[aave_v4.Market] | str:
            call = replace(self._call, debt_to_cover=debt_to_cover)
            outcome = aave_v4.liquidation_call(market, call, **self._at(price_base))
            if isinstance(outcome, aave_v4.Revert):
                return outcome.name
            lost = mul_div_up(sum(outcome.deficits_ray.values()), 1, RAY)
            return Called(
                market=outcome.market,
                written_off=lost,
                bound_by_collateral=lost > 0 and debt_to_cover == MAX_UINT256,
            )

        def left(market: aave_v4.Market) -> Left:
            ledger = Ledger(market, NOW)  # of both, a share is worth a unit
            return Left(
                owed=ledger.position(BORROWER, DEBT).drawn_shares,
                collateral=ledger.position(BORROWER, COLLATERAL).supplied_shares,
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

    def _is_liquidatable(self, market: aave_v4.Market, price_base: int) -> bool:
        data = self._reading(aave_v4.account_data, market, BORROWER, **self._at(price_base))
        return data.health_factor_wad < WAD

    def _params(self, price_base: int) -> Any:
        at = self._at(price_base)
        data = self._reading(aave_v4.account_data, self._market, BORROWER, **at)
        return amounts_params(Ledger(self._market, NOW), self._call, data, at["prices_base"])

    def _reading(self, function: Any, *arguments: Any, **at: Any) -> Any:
        """What a view of the contracts answers; raises `DoesNotFit` where it reverts."""
        try:
            return function(*arguments, **at)
        except EvmRevert as revert:
            raise does_not_fit(RULES, revert) from None

    def _at(self, price_base: int) -> dict[str, Any]:
        prices = {COLLATERAL: price_base, DEBT: self.terms.debt_price_base}
        return {"prices_base": prices, "timestamp": NOW}


def _market(config: aave_v4.LiquidationConfig, terms: PairTerms, debt: int) -> aave_v4.Market:
    pledge, loan = terms.collateral, debt
    return aave_v4.Market(
        spoke=SPOKE,
        assets={
            COLLATERAL: _asset(COLLATERAL, terms.collateral_decimals, supplied=pledge, drawn=0),
            DEBT: _asset(DEBT, terms.debt_decimals, supplied=2 * loan, drawn=loan),
        },
        reserves={
            COLLATERAL: _reserve(COLLATERAL, terms.collateral_decimals, terms),
            DEBT: _reserve(DEBT, terms.debt_decimals, terms),
        },
        accounts={
            BORROWER: aave_v4.Account(
                positions={
                    COLLATERAL: aave_v4.Position(supplied_shares=pledge, collateral_enabled=True),
                    DEBT: aave_v4.Position(drawn_shares=loan, borrowing=True),
                }
            )
        },
        liquidation_config=config,
    )


def _asset(asset_id: int, decimals: int, *, supplied: int, drawn: int) -> aave_v4.Asset:
    """An asset whose shares are worth one unit each."""
    return aave_v4.Asset(
        asset_id=asset_id,
        decimals=decimals,
        strategy=aave_v4.RateStrategy(
            optimal_usage_bps=80_00,
            base_rate_bps=0,
            rate_growth_before_optimal_bps=0,
            rate_growth_after_optimal_bps=0,
        ),
        liquidity_fee_bps=0,
        fee_receiver=TREASURY,
        liquidity=supplied - drawn,
        added_shares=supplied,
        drawn_shares=drawn,
        premium_shares=0,
        premium_offset_ray=0,
        drawn_index_ray=RAY,
        drawn_rate_ray=0,
        last_update_timestamp=NOW,
        spokes={
            SPOKE: aave_v4.SpokeData(added_shares=supplied, drawn_shares=drawn),
            TREASURY: aave_v4.SpokeData(),
        },
    )


def _reserve(reserve_id: int, decimals: int, terms: PairTerms) -> aave_v4.Reserve:
    is_collateral = reserve_id == COLLATERAL
    return aave_v4.Reserve(
        reserve_id=reserve_id,
        asset_id=reserve_id,
        symbol="collateral" if is_collateral else "debt",
        decimals=decimals,
        collateral_risk_bps=0,
        dynamic_configs={
            0: aave_v4.DynamicConfig(
                collateral_factor_bps=terms.liquidation_threshold_bps if is_collateral else 0,
                max_liquidation_bonus_bps=terms.liquidation_bonus_bps,
                liquidation_fee_bps=terms.liquidation_protocol_fee_bps,
            )
        },
    )
