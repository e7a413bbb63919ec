"""Wrong models, each in one rounding or one branch, and the field at which parity has to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.aave_v3 import interest, variants
from protocol.aave_v3.revisions import IsolatedDebt, LiquidatorCollateral
from protocol.fixed_point.compounding import compounded_growth_binomial, linear_growth
from protocol.fixed_point.percentage import (
    percent_div_down,
    percent_div_half_up,
    percent_div_up,
    percent_mul_down,
    percent_mul_half_up,
    percent_mul_up,
)
from protocol.fixed_point.uint256 import mul_div_down
from protocol.fixed_point.wad_ray import (
    ray_div_down,
    ray_div_half_up,
    ray_div_up,
    ray_mul_down,
    ray_mul_half_up,
    ray_mul_up,
)
from tests.forks.parity_wrong import (
    Wrap,
    always_collateral,
    deficit_not_booked,
    fee_of_everything,
    fee_to_the_liquidator,
    fee_uncapped,
    health_rounded_up,
    instead,
    kinkless,
    never_paused,
    only_debt_asset,
    rates_without_deficit,
    total_stays,
    validates_as_if,
    without_added,
    without_emode,
    without_taken,
    written_off_too_early,
)


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One thing wrong in the model."""

    rules: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the table of rules."""
    patches: Mapping[str, Wrap] = field(default_factory=dict)
    """`module.name` below protocol.aave_v3 to how it is made wrong."""


def column(name: str, value: Any) -> Mutation:
    return Mutation(rules={name: value})


def patch(target: str, wrap: Wrap) -> Mutation:
    return Mutation(patches={target: wrap})


NOTICED: dict[str, dict[str, dict[str, Mutation]]] = {
    "half": {
        "reserve.WBTC.total_scaled_atoken": {
            "total supply stays": patch("ledger.Ledger.burn_atoken", total_stays("total_scaled_atoken")),
        },
        "before.total_debt_base": {
            "debt grows linearly": column("compounded_growth", linear_growth),
            "debt is valued down": column("debt_value", mul_div_down),
        },
        "before.total_collateral_base": {
            "supply rounds half up": column("atoken_balance", ray_mul_half_up),
            "supply rounds up": column("atoken_balance", ray_mul_up),
        },
        "reserve.WBTC.accrued_to_treasury_scaled": {
            "treasury's share rounds half up": column("atoken_mint_scaled", ray_div_half_up),
            "treasury's share rounds up": column("atoken_mint_scaled", ray_div_up),
            "treasury gets nothing": patch(
                "interest.accrue_to_treasury", instead(lambda now, before, rules: now)
            ),
            "treasury's part rounds down": patch("interest.percent_mul_half_up", instead(percent_mul_down)),
        },
        "reserve.WBTC.liquidity_rate_ray": {
            "income rate is a mean": column("overall_rate", variants.overall_rate_weighted),
            "withdrawal does not raise the rates": patch("rates.interest_rates", without_taken),
            "reserve factor rounds down": patch("rates.percent_mul_half_up", instead(percent_mul_down)),
        },
        "before.health_factor_wad": {
            "health rounds up": column("health_factor", health_rounded_up),
        },
        "event.LiquidationCall.debtToCover": {
            "all at once": column("max_liquidatable_debt", lambda limits: limits.reserve_debt),
            "close factor is half down to 0.98": patch(
                "variants.CLOSE_FACTOR_HF_THRESHOLD_WAD", instead(98 * 10**16)
            ),
            "close factor is 40 %": patch("variants.DEFAULT_LIQUIDATION_CLOSE_FACTOR_BPS", instead(40_00)),
        },
        "event.LiquidationCall.liquidatedCollateralAmount": {
            "collateral for debt rounds up": column("max_collateral", percent_mul_up),
            "fee rounds up": column("protocol_fee", percent_mul_up),
            "fee is of the whole collateral": patch("liquidation.seizure", fee_of_everything),
        },
        "after.total_debt_base": {
            "borrowing bit goes": column("debt_ends", lambda unsettled, scaled: True),
        },
        "reverts SafeCastOverflowedUintDowncast / goes through": {
            "narrow balances": column("balance_bits", 24),
        },
        "event.protocolFee": {
            "fee is not charged": patch("liquidation._pay_fee", instead(lambda *args: 0)),
        },
        "user.liquidator.WBTC.scaled_atoken": {
            "fee goes to the liquidator": patch("liquidation._pay_fee", fee_to_the_liquidator),
        },
        "before.normalized_income.USDC": {
            "income index rounds down": patch("interest.ray_mul_half_up", instead(ray_mul_down)),
        },
        "before.normalized_income.WBTC": {
            "income index rounds up": patch("interest.ray_mul_half_up", instead(ray_mul_up)),
            "income index compounds": patch("interest.linear_growth", instead(compounded_growth_binomial)),
        },
        "reserve.USDC.liquidity_rate_ray": {
            "total debt stays": patch("ledger.Ledger.burn_vtoken", total_stays("total_scaled_variable_debt")),
            "repayment does not lower the rates": patch("rates.interest_rates", without_added),
            "rates round down": patch("rates.ray_mul_half_up", instead(ray_mul_down)),
        },
        "reserve.WBTC.variable_borrow_rate_ray": {
            "rates round up": patch("rates.ray_mul_half_up", instead(ray_mul_up)),
        },
        "reserve.WBTC.virtual_underlying_balance": {
            "virtual balance stays": patch(
                "rates.with_liquidity_moved", instead(lambda reserve, **moved: reserve)
            ),
        },
        "reverts HealthFactorNotBelowThreshold / goes through": {
            "liquidatable below 0.95": patch(
                "validation.HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD", instead(95 * 10**16)
            ),
        },
    },
    "half of all debt": {
        "reserve.WETH.total_scaled_atoken": {
            "seized shares round half up": column("atoken_take_scaled", ray_div_half_up),
            "seized shares round down": column("atoken_take_scaled", ray_div_down),
        },
        "event.LiquidationCall.debtToCover": {
            "half of one debt": column("max_liquidatable_debt", variants.close_share_of_reserve_debt),
        },
        "event.LiquidationCall.liquidatedCollateralAmount": {
            "fee rounds down": column("protocol_fee", percent_mul_down),
        },
        "reserve.WETH.liquidity_rate_ray": {
            "reserve factor rounds up": patch("rates.percent_mul_half_up", instead(percent_mul_up)),
        },
    },
    "whole": {
        "reserve.WBTC.liquidity_rate_ray": {
            "debt rounds half up": column("vtoken_balance", ray_mul_half_up),
        },
        "event.LiquidationCall.liquidatedCollateralAmount": {
            "collateral for debt rounds down": column("max_collateral", percent_mul_down),
        },
        "user.borrower.bitmap": {
            "borrowing bit stays": column("debt_ends", lambda unsettled, scaled: False),
        },
    },
    "part": {
        "event.LiquidationCall.liquidatedCollateralAmount": {
            "without bonus rounds down": column("collateral_without_bonus", percent_div_down),
        },
    },
    "all but one unit of the collateral": {
        "user.borrower.bitmap": {
            "depletion is of what really moves": column("depletion", variants.depletion_of_scaled),
        },
    },
    "a year later": {
        "before.total_debt_base": {
            "debt grows as before v3.4": column("compounded_growth", compounded_growth_binomial),
        },
        "reserve.USDC.accrued_to_treasury_scaled": {
            "interest is a difference of balances": column("debt_growth", variants.debt_growth_of_balances),
            "interest rounds up": column("debt_growth", lambda s, i, n: ray_mul_up(s, n - i)),
            "treasury's part rounds up": patch("interest.percent_mul_half_up", instead(percent_mul_up)),
        },
        "event.LiquidationCall.debtToCover": {
            "close factor is half down to 0.90": patch(
                "variants.CLOSE_FACTOR_HF_THRESHOLD_WAD", instead(90 * 10**16)
            ),
        },
    },
    "mixed": {
        "reserve.DAI.liquidity_rate_ray": {
            "debt rounds down": column("vtoken_balance", ray_mul_down),
            "repaid shares round up": column("vtoken_burn_scaled", ray_div_up),
        },
        "before.health_factor_wad": {
            "health is of the average threshold": column("health_factor", variants.health_of_average),
        },
        "reserve.LINK.liquidity_rate_ray": {
            "rates have no kink": patch("rates.borrow_rate", kinkless),
            "usage rounds up": patch("rates.ray_div_half_up", instead(ray_div_up)),
        },
        "reserve.DAI.variable_borrow_rate_ray": {
            "usage rounds down": patch("rates.ray_div_half_up", instead(ray_div_down)),
        },
    },
    "one collateral of three gone": {
        "event.DeficitCreated.DAI": {
            "debt is written off with one collateral": column(
                "depletion", written_off_too_early(variants.depletion_of_amounts)
            ),
        },
    },
    "exhausted": {
        "event.LiquidationCall.debtToCover": {
            "debt for collateral rounds half up": column("debt_needed", percent_div_half_up),
            "debt for collateral rounds down": column("debt_needed", percent_div_down),
        },
        "event.DeficitCreated.USDC": {
            "debt is never written off": column("depletion", variants.depletion_without_write_off),
        },
        "reverts Panic(0x11) / goes through": {
            "fee is not capped": patch("liquidation._pay_fee", fee_uncapped),
            "fee is not capped by the rules": column("caps_fee", value=False),
        },
        "reserve.USDC.deficit": {
            "deficit of the repaid debt is not booked": patch("liquidation.burn_debt", deficit_not_booked),
        },
        "reserve.DAI.deficit": {
            "deficit of other debts is not booked": patch("bad_debt.burn_debt", deficit_not_booked),
        },
        "event.DeficitCreated.DAI": {
            "other debts are not written off": patch("liquidation.burn_bad_debt", only_debt_asset),
            "other debts are not accrued": patch(
                "bad_debt.accrue", instead(lambda reserve, rules, timestamp: reserve)
            ),
        },
        "reserve.USDC.liquidity_rate_ray": {
            "deficit does not lower the supply rate": patch("rates.interest_rates", rates_without_deficit),
            "what is not backed is not asked": column("unbacked_claims", lambda unbacked, cap, deficit: 0),
        },
        "user.borrower.bitmap": {
            "collateral bit stays": patch(
                "ledger.Ledger.set_collateral_enabled", instead(lambda *args, **kwargs: None)
            ),
        },
    },
    "emode": {
        "before.avg_ltv_bps": {
            "loan to value outside the category": column("user_ltv", lambda ltv, category, reserve_id: ltv),
        },
        "event.LiquidationCall.liquidatedCollateralAmount": {
            "bonus outside the category": patch("liquidation.bonus_of", without_emode),
        },
        "before.avg_liquidation_threshold_bps": {
            "threshold outside the category": patch("health.threshold_of", without_emode),
        },
    },
    "only in emode": {
        "reserve.WETH.liquidity_rate_ray": {
            "repaid shares round half up": column("vtoken_burn_scaled", ray_div_half_up),
        },
        "before.total_collateral_base": {
            "no threshold, no collateral": column("collateral_needs_threshold", value=True),
        },
        "event.LiquidationCall.liquidatedCollateralAmount": {
            "without bonus rounds up": column("collateral_without_bonus", percent_div_up),
        },
    },
    "isolated": {
        "reserve.AAVE.isolation_mode_total_debt": {
            "isolated debt stays": column("isolated_debt", IsolatedDebt.NEVER),
            "isolated debt is not lowered": patch(
                "liquidation._lower_isolated_debt", instead(lambda *args: None)
            ),
        },
        "reserve.AAVE.variable_borrow_index_ray": {
            "debt index moves without debt": patch(
                "interest._next_borrow_index",
                instead(interest.normalized_debt),
            ),
        },
    },
    "isolated and exhausted": {
        "reserve.AAVE.isolation_mode_total_debt": {
            "isolated debt while isolated": column("isolated_debt", IsolatedDebt.IF_STILL_ISOLATED),
        },
    },
    "same asset": {
        "reserve.USDC.accrued_to_treasury_scaled": {
            "one asset is accrued once": column("accrues_same_asset_twice", value=False),
        },
        "reserve.USDC.liquidity_rate_ray": {
            "liquidity is what the aToken holds": column("virtual_accounting", value=False),
        },
    },
    "as atokens": {
        "reserve.WBTC.liquidity_index_ray": {
            "collateral is accrued when burned": column("accrues_collateral_first", value=False),
        },
        "user.liquidator.bitmap": {
            "first atokens are collateral": column("liquidator_collateral", LiquidatorCollateral.IF_FIRST),
            "first or own atokens are collateral": column(
                "liquidator_collateral", LiquidatorCollateral.IF_FIRST_OR_OWN
            ),
        },
    },
    "no loan to value": {
        "account.borrower.available_borrows_base": {
            "no loan to value beats the category's": column("user_ltv", variants.ltv_if_reserve_has_one),
        },
    },
    "healthy": {
        "account.borrower.available_borrows_base": {
            "borrowing power rounds up": column("available_borrows", percent_mul_up),
        },
    },
    "healthy in emode": {
        "account.borrower.available_borrows_base": {
            "borrowing power rounds half up": column("available_borrows", percent_mul_half_up),
        },
    },
    "dust": {
        "reverts goes through / MustNotLeaveDust": {
            "dust may be left": column("enforces_min_leftover", value=False),
            "less counts as dust": patch("amounts.MIN_LEFTOVER_BASE", instead(100 * 10**8)),
        },
    },
    "small": {
        "reverts MustNotLeaveDust / goes through": {
            "half of a small position": patch(
                "variants.MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD_BASE", instead(0)
            ),
        },
    },
    "by itself": {
        "reverts goes through / SelfLiquidation": {
            "anyone may liquidate itself": column("forbids_self_liquidation", value=False),
        },
    },
    "sentinel": {
        "reverts goes through / PriceOracleSentinelCheckFailed": {
            "nobody asks the sentinel": column("has_sentinel", value=False),
            "sentinel is not asked below 1": patch(
                "validation.MINIMUM_HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD", instead(10**18)
            ),
        },
    },
    "in grace": {
        "reverts goes through / LiquidationGraceSentinelCheckFailed": {
            "there is no grace": column("has_grace_period", value=False),
        },
    },
    "above the threshold": {
        "reverts goes through / HealthFactorNotBelowThreshold": {
            "liquidatable above 1": patch(
                "validation.HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD", instead(2 * 10**18)
            ),
            "health is not asked for": patch(
                "liquidation.validate_liquidation_call", validates_as_if(health_factor_wad=0)
            ),
        },
    },
    "paused": {
        "reverts goes through / ReservePaused": {
            "what is paused goes on": patch("liquidation.validate_liquidation_call", never_paused),
        },
    },
    "not collateral": {
        "reverts InvalidBurnAmount / CollateralCannotBeLiquidated": {
            "all that is held is collateral": patch(
                "liquidation.validate_liquidation_call", always_collateral
            ),
        },
    },
    "not borrowed": {
        "reverts InvalidBurnAmount / SpecifiedCurrencyNotBorrowedByUser": {
            "debt is not asked for": patch(
                "liquidation.validate_liquidation_call", validates_as_if(debt_balance=1)
            ),
        },
    },
}
"""Case of the setting that shows it, field that parity names, and what is wrong in the model."""
