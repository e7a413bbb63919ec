"""Wrong models, each in one rounding or one branch, and the field at which parity has to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from protocol.aave_v3 import bad_debt, interest, variants
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
    wad_div_half_up,
)
from protocol.units import BPS

Wrap = Callable[[Any], Any]
"""From the right function (or constant) to the wrong one."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One thing wrong in the model."""

    case: str
    """The case of the setting that shows it."""
    field: str
    """Where parity stops."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the table of rules."""
    patches: Mapping[str, Wrap] = field(default_factory=dict)
    """`module.name` below protocol.aave_v3 to how it is made wrong."""


def instead(value: Any) -> Wrap:
    return lambda right: value


def column(name: str, value: Any, case: str = "", field: str = "") -> Mutation:
    return Mutation(case=case, field=field, rules={name: value})


def patch(target: str, wrap: Wrap, case: str = "", field: str = "") -> Mutation:
    return Mutation(case=case, field=field, patches={target: wrap})


def _without_emode(right: Any) -> Any:
    return lambda reserve, category: right(reserve, None)


def _without_added(right: Any) -> Any:
    return lambda reserve, rules, *, debt, added, taken: right(
        reserve, rules, debt=debt, added=0, taken=taken
    )


def _without_taken(right: Any) -> Any:
    return lambda reserve, rules, *, debt, added, taken: right(
        reserve, rules, debt=debt, added=added, taken=0
    )


def _rates_without_deficit(right: Any) -> Any:
    def wrong(reserve: Any, rules: Any, **moved: int) -> Any:
        return right(replace(reserve, deficit=0), rules, **moved)

    return wrong


def _deficit_not_booked(right: Any) -> Any:
    def wrong(ledger: Any, borrower: Any, reserve_id: Any, **amounts: Any) -> int:
        before = ledger.reserve(reserve_id).deficit
        deficit = right(ledger, borrower, reserve_id, **amounts)
        ledger.put(replace(ledger.reserve(reserve_id), deficit=before))
        return deficit

    return wrong


def _fee_uncapped(right: Any) -> Any:
    def wrong(ledger: Any, call: Any, index_ray: int, fee: int, treasury: str) -> int:
        scaled = ledger.rules.atoken_take_scaled(fee, index_ray)
        ledger.transfer_atoken(call.borrower, treasury, call.collateral_id, scaled)
        return fee

    return wrong


def _fee_to_the_liquidator(right: Any) -> Any:
    return lambda ledger, call, index_ray, fee, treasury: right(ledger, call, index_ray, fee, call.liquidator)


def _kinkless(right: Any) -> Any:
    def wrong(strategy: Any, usage_ray: int) -> int:
        return right(replace(strategy, variable_slope2_ray=strategy.variable_slope1_ray), usage_ray)

    return wrong


def _only_debt_asset(right: Any) -> Any:
    return lambda ledger, borrower, timestamp: {}


def _fee_of_everything(right: Any) -> Any:
    def wrong(rules: Any, terms: Any, **amounts: int) -> Any:
        return right(replace(rules, collateral_without_bonus=lambda amount, bonus: 0), terms, **amounts)

    return wrong


def _validates_nothing(right: Any) -> Any:
    return lambda *args, **kwargs: None


def _validates_as_if(**changes: Any) -> Wrap:
    def wrap(right: Any) -> Any:
        return lambda *args, **kwargs: right(*args, **{**kwargs, **changes})

    return wrap


def _never_paused(right: Any) -> Any:
    def wrong(market: Any, call: Any, *, collateral: Any, debt: Any, **rest: Any) -> None:
        running = replace(collateral, config=replace(collateral.config, paused=False))
        right(market, call, collateral=running, debt=debt, **rest)

    return wrong


def _always_collateral(right: Any) -> Any:
    def wrong(market: Any, call: Any, *, collateral_position: Any, **rest: Any) -> None:
        enabled = replace(collateral_position, collateral_enabled=True)
        right(market, call, collateral_position=enabled, **rest)

    return wrong


def _account_never_empty(right: Any) -> Any:
    return lambda seized: right(seized)._replace(account=False)


def _reserve_never_empty(right: Any) -> Any:
    return lambda seized: right(seized)._replace(reserve=False)


def _written_off_too_early(right: Any) -> Any:
    return lambda seized: variants.Depletion(reserve=right(seized).reserve, account=right(seized).reserve)


def _health_rounded_up(collateral: int, weighted: int, debt: int) -> int:
    return -(-wad_div_half_up(weighted, debt) // BPS)


NOTICED: dict[str, Mutation] = {
    # --- columns of the table of rules: the other roundings, the forms of other revisions ---------------------
    "debt grows as before v3.4": column("compounded_growth", compounded_growth_binomial),
    "debt grows linearly": column("compounded_growth", lambda rate, s: linear_growth(rate, s)),
    "supply rounds half up": column("atoken_balance", ray_mul_half_up),
    "supply rounds up": column("atoken_balance", ray_mul_up),
    "debt rounds half up": column("vtoken_balance", ray_mul_half_up),
    "debt rounds down": column("vtoken_balance", ray_mul_down),
    "treasury's share rounds half up": column("atoken_mint_scaled", ray_div_half_up),
    "treasury's share rounds up": column("atoken_mint_scaled", ray_div_up),
    "seized shares round half up": column("atoken_take_scaled", ray_div_half_up),
    "seized shares round down": column("atoken_take_scaled", ray_div_down),
    "repaid shares round half up": column("vtoken_burn_scaled", ray_div_half_up),
    "repaid shares round up": column("vtoken_burn_scaled", ray_div_up),
    "interest is a difference of balances": column("debt_growth", variants.debt_growth_of_balances),
    "interest rounds up": column("debt_growth", lambda s, i, n: ray_mul_up(s, n - i)),
    "income rate is a mean": column("overall_rate", variants.overall_rate_weighted),
    "debt is valued down": column("debt_value", mul_div_down),
    "health is of the average threshold": column("health_factor", variants.health_of_average),
    "health rounds up": column("health_factor", _health_rounded_up),
    "borrowing power rounds half up": column("available_borrows", percent_mul_half_up),
    "borrowing power rounds up": column("available_borrows", percent_mul_up),
    "no loan to value beats the category's": column("user_ltv", variants.ltv_if_reserve_has_one),
    "loan to value outside the category": column("user_ltv", lambda ltv, category, reserve_id: ltv),
    "no threshold, no collateral": column("collateral_needs_threshold", value=True),
    "anyone may liquidate itself": column("forbids_self_liquidation", value=False),
    "nobody asks the sentinel": column("has_sentinel", value=False),
    "there is no grace": column("has_grace_period", value=False),
    "half of one debt": column("max_liquidatable_debt", variants.close_share_of_reserve_debt),
    "all at once": column("max_liquidatable_debt", lambda limits: limits.reserve_debt),
    "collateral for debt rounds down": column("max_collateral", percent_mul_down),
    "collateral for debt rounds up": column("max_collateral", percent_mul_up),
    "debt for collateral rounds half up": column("debt_needed", percent_div_half_up),
    "debt for collateral rounds down": column("debt_needed", percent_div_down),
    "without bonus rounds down": column("collateral_without_bonus", percent_div_down),
    "without bonus rounds up": column("collateral_without_bonus", percent_div_up),
    "fee rounds down": column("protocol_fee", percent_mul_down),
    "fee rounds up": column("protocol_fee", percent_mul_up),
    "dust may be left": column("enforces_min_leftover", value=False),
    "debt is never written off": column("depletion", variants.depletion_without_write_off),
    "borrowing bit stays": column("debt_ends", lambda unsettled, scaled: False),
    "borrowing bit goes": column("debt_ends", lambda unsettled, scaled: True),
    "collateral is accrued when burned": column("accrues_collateral_first", value=False),
    "one asset is accrued once": column("accrues_same_asset_twice", value=False),
    "isolated debt while isolated": column("isolated_debt", IsolatedDebt.IF_STILL_ISOLATED),
    "isolated debt stays": column("isolated_debt", IsolatedDebt.NEVER),
    "first atokens are collateral": column("liquidator_collateral", LiquidatorCollateral.IF_FIRST),
    "liquidity is what the aToken holds": column("virtual_accounting", value=False),
    "narrow balances": column("balance_bits", 24),
    # --- branches and steps -----------------------------------------------------------------------------------
    "bonus outside the category": patch("liquidation.bonus_of", _without_emode),
    "threshold outside the category": patch("health.threshold_of", _without_emode),
    "fee is not charged": patch("liquidation._pay_fee", instead(lambda *args: 0)),
    "fee is not capped": patch("liquidation._pay_fee", _fee_uncapped),
    "fee goes to the liquidator": patch("liquidation._pay_fee", _fee_to_the_liquidator),
    "fee is of the whole collateral": patch("liquidation.seizure", _fee_of_everything),
    "deficit of the repaid debt is not booked": patch("liquidation.burn_debt", _deficit_not_booked),
    "deficit of other debts is not booked": patch("bad_debt.burn_debt", _deficit_not_booked),
    "other debts are not written off": patch("liquidation.burn_bad_debt", _only_debt_asset),
    "other debts are not accrued": patch(
        "bad_debt.accrue", instead(lambda reserve, rules, timestamp: reserve)
    ),
    "debt is written off with one collateral": patch("variants.depletion_of_amounts", _written_off_too_early),
    "treasury gets nothing": patch("interest.accrue_to_treasury", instead(lambda now, before, rules: now)),
    "treasury's part rounds down": patch("interest.percent_mul_half_up", instead(percent_mul_down)),
    "treasury's part rounds up": patch("interest.percent_mul_half_up", instead(percent_mul_up)),
    "income index rounds down": patch("interest.ray_mul_half_up", instead(ray_mul_down)),
    "income index rounds up": patch("interest.ray_mul_half_up", instead(ray_mul_up)),
    "income index compounds": patch("interest.linear_growth", instead(compounded_growth_binomial)),
    "debt index moves without debt": patch(
        "interest._next_borrow_index",
        instead(lambda reserve, rules, now: interest.normalized_debt(reserve, rules, now)),
    ),
    "deficit does not lower the supply rate": patch("rates.interest_rates", _rates_without_deficit),
    "repayment does not lower the rates": patch("rates.interest_rates", _without_added),
    "withdrawal does not raise the rates": patch("rates.interest_rates", _without_taken),
    "rates have no kink": patch("rates.borrow_rate", _kinkless),
    "usage rounds down": patch("rates.ray_div_half_up", instead(ray_div_down)),
    "usage rounds up": patch("rates.ray_div_half_up", instead(ray_div_up)),
    "rates round down": patch("rates.ray_mul_half_up", instead(ray_mul_down)),
    "rates round up": patch("rates.ray_mul_half_up", instead(ray_mul_up)),
    "reserve factor rounds down": patch("rates.percent_mul_half_up", instead(percent_mul_down)),
    "reserve factor rounds up": patch("rates.percent_mul_half_up", instead(percent_mul_up)),
    "virtual balance stays": patch("rates.with_liquidity_moved", instead(lambda reserve, **moved: reserve)),
    "collateral bit stays": patch(
        "ledger.Ledger.set_collateral_enabled", instead(lambda *args, **kwargs: None)
    ),
    "total supply stays": Mutation(case="", field=""),
    "isolated debt is not lowered": patch("liquidation._lower_isolated_debt", instead(lambda *args: None)),
    "close factor is half down to 0.98": patch(
        "variants.CLOSE_FACTOR_HF_THRESHOLD_WAD", instead(98 * 10**16)
    ),
    "close factor is half down to 0.90": patch(
        "variants.CLOSE_FACTOR_HF_THRESHOLD_WAD", instead(90 * 10**16)
    ),
    "close factor is 40 %": patch("variants.DEFAULT_LIQUIDATION_CLOSE_FACTOR_BPS", instead(40_00)),
    "half of a small position": patch("variants.MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD_BASE", instead(0)),
    "less counts as dust": patch("amounts.MIN_LEFTOVER_BASE", instead(100 * 10**8)),
    "liquidatable above 1": patch("validation.HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD", instead(2 * 10**18)),
    "liquidatable below 0.95": patch(
        "validation.HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD", instead(95 * 10**16)
    ),
    "sentinel is not asked below 1": patch(
        "validation.MINIMUM_HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD", instead(10**18)
    ),
    "what is paused goes on": patch("liquidation.validate_liquidation_call", _never_paused),
    "all that is held is collateral": patch("liquidation.validate_liquidation_call", _always_collateral),
    "debt is not asked for": patch("liquidation.validate_liquidation_call", _validates_as_if(debt_balance=1)),
    "health is not asked for": patch(
        "liquidation.validate_liquidation_call", _validates_as_if(health_factor_wad=0)
    ),
}
del NOTICED["total supply stays"]
