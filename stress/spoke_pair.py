"""One collateral against one debt on a hub and spoke of Aave v4, made for it.

The threshold is the collateral factor; the bonus given is the highest, which is reached at `MOST_BONUS_AT_WAD`
and begins, at a health factor of 1, with `BONUS_FACTOR_BPS` of it. A call repays as far as `TARGET_WAD`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from protocol import aave_v4
from protocol.aave_v4.frontier import drops, residual_if_exhausted
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.liquidation import amounts_params
from protocol.fixed_point.uint256 import mul_div_up
from protocol.units import BPS, MAX_UINT256, RAY, WAD
from stress.pair_terms import COLLATERAL, DEBT, MOST_CALLS, Ended, PairDrops, PairTerms

BORROWER, LIQUIDATOR, SPOKE, TREASURY = "borrower", "liquidator", "spoke", "treasury"
NOW = 1_700_000_000
TARGET_WAD = 105 * 10**16
"""A call repays no more than brings the health factor here: 1.05. [wad]"""
MOST_BONUS_AT_WAD = 90 * 10**16
"""From here down the bonus is the highest: 0.9. [wad]"""
BONUS_FACTOR_BPS = 50_00
"""Just below a health factor of 1 it is this share of the highest: 50 %. [bps]"""


class SpokePair:
    """An account of Aave v4 with one collateral and one debt. Implements `Pair`."""

    def __init__(self, terms: PairTerms, loan_to_value: Fraction) -> None:
        self.terms, self.debt = terms, terms.debt(loan_to_value)
        self._market = _market(terms, self.debt)
        self._call = aave_v4.LiquidationCall(
            collateral_id=COLLATERAL,
            debt_id=DEBT,
            borrower=BORROWER,
            liquidator=LIQUIDATOR,
            debt_to_cover=MAX_UINT256,
        )

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the health factor is below 1 at this price of the collateral."""
        return self._params(price_base).health_factor_wad < WAD

    def is_toxic(self, price_base: int) -> bool:
        """Whether seizing collateral lowers the health factor: it lies below its own bonus times the factor.

        No bonus is defined from a health factor of 1 up, and the contracts keep bonus times factor below 1.
        """
        params = self._params(price_base)
        if params.health_factor_wad >= WAD:
            return False
        edge = params.liquidation_bonus_bps * params.collateral_factor_bps
        return params.health_factor_wad * BPS * BPS < edge * WAD

    def residual(self, price_base: int) -> int:
        """The debt that must remain at this price, by the integer form; 0 if none must. [debt asset units]"""
        params = self._params(price_base)
        if params.health_factor_wad >= WAD:
            return 0
        return mul_div_up(residual_if_exhausted(params) or 0, 1, RAY)

    def drops(self) -> PairDrops:
        """The drops by the fractions; of an only collateral debt remains exactly where a call is toxic."""
        at_start = self._at(self.terms.collateral_price_base)
        found = drops(self._market, BORROWER, {COLLATERAL}, **at_start)
        toxic = found.toxic[COLLATERAL]
        return PairDrops(liquidatable=found.liquidatable, toxic=toxic, debt_remains=toxic)

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value a liquidator receives per value repaid: the bonus of that health factor, less the fee."""
        params = self._params(price_base)
        premium = Fraction(params.liquidation_bonus_bps - BPS, BPS)
        return 1 + premium * (1 - Fraction(params.liquidation_fee_bps, BPS))

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Call for as much as is allowed until a call is refused; raises `RuntimeError` if none ever is."""
        market, deficit_ray = self._market, 0
        for calls in range(MOST_CALLS):
            outcome = aave_v4.liquidation_call(market, self._call, **self._at(price_base))
            if isinstance(outcome, aave_v4.Revert):
                residual = mul_div_up(deficit_ray, 1, RAY)
                return Ended(calls=calls, refused_with=outcome.name, residual=residual)
            market = outcome.market
            deficit_ray += sum(outcome.deficits_ray.values())
        raise RuntimeError(f"{MOST_CALLS} liquidations and still one is possible")

    def _params(self, price_base: int) -> Any:
        at = self._at(price_base)
        data = aave_v4.account_data(self._market, BORROWER, **at)
        return amounts_params(Ledger(self._market, NOW), self._call, data, at["prices_base"])

    def _at(self, price_base: int) -> dict[str, Any]:
        prices = {COLLATERAL: price_base, DEBT: self.terms.debt_price_base}
        return {"prices_base": prices, "timestamp": NOW}


def _market(terms: PairTerms, debt: int) -> aave_v4.Market:
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
        liquidation_config=aave_v4.LiquidationConfig(
            target_health_factor_wad=TARGET_WAD,
            health_factor_for_max_bonus_wad=MOST_BONUS_AT_WAD,
            liquidation_bonus_factor_bps=BONUS_FACTOR_BPS,
        ),
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
