"""One collateral against one debt on a Comet, made for it.

The threshold is the liquidation collateral factor. An absorption ends an account at once, so nothing is toxic: the
reserves pay the debt, forgive what the liquidation factor does not credit, and keep the collateral. What they get for
it at the store front decides whether they lose by it, which comes later: two frontiers. "Debt must remain" is the
first, what the contract forgives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from protocol import compound_v3
from protocol.compound_v3.amounts import discount, discounted_price
from protocol.compound_v3.frontier import absorption, drops, proceeds_factor
from protocol.compound_v3.pairs import payout_ratio, residual_of_account
from protocol.errors import EvmRevert
from protocol.units import BPS, WAD
from stress.pair_terms import COLLATERAL, DoesNotFit, PairDrops, PairTerms, TermsRefused, does_not_fit
from stress.to_the_end import Called, Ended, Left, call_to_the_end

BORROWER, ABSORBER = "borrower", "absorber"
NOW = 1_700_000_000
RULES = "Compound v3"
AMPLE = 10
RESERVES_LOSE = "reserves_lose"
RESERVES_CHANGE = "reserves_change"
MOST_UNITS = 2**104 // (4 * AMPLE)
"""Principals are stored in 104 bits, and the market's are a multiple of the account's. [base asset units]"""
LEAST_BASE_DECIMALS, MOST_BASE_DECIMALS = 6, 18
MOST_COLLATERAL_DECIMALS = 19
"""Its scale is stored in 64 bits."""
WAD_PER_BPS = WAD // BPS
NOBODY_PAYS_INTEREST = compound_v3.RateCurve(
    kink_wad=WAD, base_rate_per_second_wad=0, slope_low_per_second_wad=0, slope_high_per_second_wad=0
)


class CompoundV3Pair:
    """An account of a Comet with one collateral. Implements `Pair`."""

    def __init__(
        self,
        rules: compound_v3.Rules,
        liquidation_factor_bps: int,
        store_front_price_factor_bps: int,
        terms: PairTerms,
        loan_to_value: Fraction,
    ) -> None:
        self.terms, self.debt = terms, terms.debt(loan_to_value)
        _require_fits(terms, self.debt)
        self.further: Mapping[str, Callable[[int], bool]] = {RESERVES_LOSE: self._reserves_lose}
        self._market = _market(rules, liquidation_factor_bps, store_front_price_factor_bps, terms, self.debt)
        self._info = self._market.assets[COLLATERAL].info
        self._call = compound_v3.LiquidationCall(absorber=ABSORBER, accounts=(BORROWER,))

    def is_liquidatable(self, price_base: int) -> bool:
        """Whether the account can be absorbed at this price of the collateral."""
        return self._is_liquidatable(self._market, price_base)

    def is_toxic(self, price_base: int) -> bool:
        """Never: the call takes the account's collateral and its debt, all of both."""
        return False

    def residual(self, price_base: int) -> int:
        """The debt that an absorption forgives at this price. [base asset units]"""
        return self._reading(residual_of_account, self._market, BORROWER, **self._at(price_base))[0]

    def drops(self) -> PairDrops:
        """The drops by the fractions, which share nothing with the integers."""
        found = drops(self._market, BORROWER, {COLLATERAL}, **self._at(self.terms.collateral_price_base))
        return PairDrops(
            liquidatable=found.liquidatable,
            toxic=None,
            debt_remains=found.debt_forgiven,
            further={RESERVES_LOSE: found.reserves_lose},
        )

    def payout_ratio(self, price_base: int) -> Fraction:
        """Value that a buyer at the store front receives per value paid; who absorbs is paid nothing."""
        return payout_ratio(self._market, COLLATERAL)

    def rounding_base(self, price: Fraction) -> Fraction:
        """What the contract's roundings are worth in price. [base]

        One unit of price. By the threshold, a base unit each of debt, value and weighted value; in the credit two of
        them and two units of the debt; at the store front one unit of the discounted price and of the collateral, and
        two of the debt.
        """
        tokens = Fraction(self.terms.collateral, self._info.scale)
        unit_base = Fraction(self.terms.debt_price_base, self._market.config.base_scale)
        threshold, credit = self.terms.liquidation_threshold, Fraction(self._info.liquidation_factor_wad, WAD)
        proceeds = proceeds_factor(self._market, self._info)
        return (
            1
            + (2 + threshold) / (threshold * tokens)
            + (2 + 2 * unit_base) / (credit * tokens)
            + (1 + (price / self._info.scale + 2 * unit_base) / tokens) / proceeds
        )

    def explains(self, price_base: int, predicted: int, ended: Ended) -> bool:
        """Debt forgiven to the unit, near its fraction; and what the reserves have more or less, near theirs."""
        settled = absorption(self._market, BORROWER, **self._at(price_base))
        per_base = Fraction(self._market.config.base_scale, self.terms.debt_price_base)
        forgiven, gained = settled.forgiven_base * per_base, settled.reserves_gain_base * per_base
        sold_rounding = (self.terms.collateral + self._discounted(price_base)) * per_base / self._info.scale
        return (
            ended.owed + ended.written_off == predicted
            and abs(predicted - forgiven) <= 2 * per_base + 1
            and abs(ended.further[RESERVES_CHANGE] - gained) <= sold_rounding + 2 * per_base + 3
        )

    def liquidated_to_the_end(self, price_base: int) -> Ended:
        """Absorb, then buy all of the collateral that the reserves have at the same price; raises `NeverEnds`."""
        markets = [self._market]

        def attempt(market: compound_v3.Market, _: int) -> Called[compound_v3.Market] | str:
            outcome = compound_v3.absorb(market, self._call, **self._at(price_base))
            if isinstance(outcome, compound_v3.Revert):
                return outcome.name
            markets.append(outcome.market)
            lost = sum(one.debt_forgiven for one in outcome.absorbed)
            return Called(market=outcome.market, written_off=lost, bound_by_collateral=True)

        def left(market: compound_v3.Market) -> Left:
            account = market.accounts[BORROWER]
            return Left(
                owed=max(-account.principal, 0),
                collateral=account.collateral.get(COLLATERAL, 0),
                is_liquidatable=self._is_liquidatable(market, price_base),
            )

        ended = call_to_the_end(self._market, attempt, left)
        return replace(ended, further={RESERVES_CHANGE: self._reserves_change(markets[-1], price_base)})

    def _reserves_lose(self, price_base: int) -> bool:
        """Whether the collateral, absorbed and sold at this price, brings less than the debt."""
        outcome = self._reading(compound_v3.absorb, self._market, self._call, **self._at(price_base))
        if isinstance(outcome, compound_v3.Revert):
            raise DoesNotFit(RULES, f"its arithmetic reverts: {outcome.name}")
        return self._sold(outcome.market, price_base)[1] < self.debt

    def _reserves_change(self, absorbed: compound_v3.Market, price_base: int) -> int:
        """What the reserves have more than before, once the collateral absorbed is sold. [base asset units]"""
        market, _ = self._sold(absorbed, price_base)
        return compound_v3.reserves(market, NOW) - compound_v3.reserves(self._market, NOW)

    def _sold(self, absorbed: compound_v3.Market, price_base: int) -> tuple[compound_v3.Market, int]:
        """The market when all absorbed collateral is sold, and what that brought. [base asset units]"""
        paid = self._most_paid(absorbed, price_base)
        if not paid:
            return absorbed, 0
        bought = compound_v3.buy_collateral(absorbed, COLLATERAL, 0, paid, **self._at(price_base))
        if isinstance(bought, compound_v3.Revert):
            raise DoesNotFit(RULES, f"nobody can buy the collateral: {bought.name}")
        return bought.market, bought.base_amount

    def _most_paid(self, absorbed: compound_v3.Market, price_base: int) -> int:
        """The most that buys no more than there is: the contract's quote turned round. [base asset units]"""
        for_sale = compound_v3.collateral_reserves(absorbed.assets[COLLATERAL])
        price_of_all = (for_sale + 1) * self._market.config.base_scale * self._discounted(price_base)
        if not for_sale or not price_of_all:
            return 0
        return (price_of_all - 1) // (self.terms.debt_price_base * self._info.scale)

    def _discounted(self, price_base: int) -> int:
        factor_wad = self._market.config.store_front_price_factor_wad
        return discounted_price(price_base, discount(self._info.liquidation_factor_wad, factor_wad))

    def _is_liquidatable(self, market: compound_v3.Market, price_base: int) -> bool:
        return self._reading(compound_v3.account_data, market, BORROWER, **self._at(price_base)).is_absorbable

    def _reading(self, function: Any, *arguments: Any, **at: Any) -> Any:
        """What the contract answers; raises `DoesNotFit` where it reverts."""
        try:
            return function(*arguments, **at)
        except EvmRevert as revert:
            raise does_not_fit(RULES, revert) from None

    def _at(self, price_base: int) -> dict[str, Any]:
        prices = {COLLATERAL: price_base, compound_v3.BASE: self.terms.debt_price_base}
        return {"prices_base": prices, "timestamp": NOW}


def _require_fits(terms: PairTerms, debt: int) -> None:
    if debt > MOST_UNITS or terms.collateral >= 2**128:
        most = max(debt, terms.collateral)
        raise DoesNotFit(RULES, f"a balance of {most} units, too near to the bits it is stored in")
    if not LEAST_BASE_DECIMALS <= terms.debt_decimals <= MOST_BASE_DECIMALS:
        raise TermsRefused(RULES, f"a base asset of {terms.debt_decimals} decimals; give 6 to 18")
    if terms.collateral_decimals > MOST_COLLATERAL_DECIMALS:
        raise DoesNotFit(
            RULES, f"a collateral of {terms.collateral_decimals} decimals; its scale has 64 bits"
        )


def _market(
    rules: compound_v3.Rules, liquidation_factor_bps: int, store_front_bps: int, terms: PairTerms, debt: int
) -> compound_v3.Market:
    info = compound_v3.as_stored(
        compound_v3.AssetConfig(
            decimals=terms.collateral_decimals,
            borrow_collateral_factor_wad=(terms.liquidation_threshold_bps - 1)
            * WAD_PER_BPS,  # the next below
            liquidate_collateral_factor_wad=terms.liquidation_threshold_bps * WAD_PER_BPS,
            liquidation_factor_wad=liquidation_factor_bps * WAD_PER_BPS,
            supply_cap=0,
        )
    )
    pledge = terms.collateral
    asset = compound_v3.Asset(
        asset_id=COLLATERAL,
        asset="collateral",
        symbol="collateral",
        info=info,
        total_supply=pledge,
        balance=pledge,
    )
    return compound_v3.Market(
        rules=rules,
        config=compound_v3.Config(
            base_scale=10**terms.debt_decimals,
            supply_curve=NOBODY_PAYS_INTEREST,
            borrow_curve=NOBODY_PAYS_INTEREST,
            store_front_price_factor_wad=store_front_bps * WAD_PER_BPS,
            target_reserves=MOST_UNITS * AMPLE,  # never reached: all is for sale
        ),
        base_supply_index_e15=10**15,
        base_borrow_index_e15=10**15,
        total_supply_principal=AMPLE * debt,
        total_borrow_principal=debt,
        last_accrual_timestamp=NOW,
        base_balance=AMPLE * debt,
        assets={COLLATERAL: asset},
        accounts={BORROWER: compound_v3.Account(principal=-debt, collateral={COLLATERAL: pledge})},
    )
