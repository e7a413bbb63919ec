"""The formulas that changed between revisions: each in every form it had, under the name of what it does.

Pure integer functions, picked by the table in `revisions.py`. Tags name the first revision with that form.
Sources, all under src/contracts/protocol/libraries: logic/GenericLogic.sol, logic/ReserveLogic.sol,
logic/LiquidationLogic.sol, logic/ValidationLogic.sol (aave-dao/aave-v3-origin; 3.0.2:
aave/aave-v3-core@v1.19.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from protocol.fixed_point.percentage import percent_mul_half_up
from protocol.fixed_point.uint256 import add, mul_div_down
from protocol.fixed_point.wad_ray import (
    ray_div_half_up,
    ray_div_up,
    ray_mul_down,
    ray_mul_half_up,
    wad_div_half_up,
    wad_to_ray,
)
from protocol.units import BPS, MAX_UINT128

if TYPE_CHECKING:
    from protocol.aave_v3.state import EModeCategory

CLOSE_FACTOR_HF_THRESHOLD_WAD = 95 * 10**16
"""Above it one call repays at most half; at or below it, everything: 0.95. [wad]"""
DEFAULT_LIQUIDATION_CLOSE_FACTOR_BPS = 50_00
"""That half: 50 %. [bps]"""
MAX_LIQUIDATION_CLOSE_FACTOR_BPS = 100_00
MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD_BASE = 2000 * 10**8
"""Under this value of collateral or debt one call may repay all, so that small positions end: 2000 USD.

Raw base units, whatever the market's base currency is. [base]
"""
MIN_LEFTOVER_BASE = MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD_BASE // 2
"""A call that ends neither the debt nor the collateral must leave this much of both: 1000 USD. [base]"""


# --- interest -----------------------------------------------------------------------------------------------


def debt_growth_of_balances(scaled: int, index_ray: int, next_index_ray: int) -> int:
    """Interest accrued on all debt, as the difference of two rounded balances. [asset units]"""
    return ray_mul_half_up(scaled, next_index_ray) - ray_mul_half_up(scaled, index_ray)


def debt_growth_of_index(scaled: int, index_ray: int, next_index_ray: int) -> int:
    """Interest accrued on all debt, rounded down once. [New in v3.5] [asset units]"""
    return ray_mul_down(scaled, next_index_ray - index_ray)


class Borrowed(NamedTuple):
    """All debt of a reserve [asset units] and what it pays per year [ray]."""

    variable: int
    variable_rate_ray: int
    stable: int = 0
    stable_rate_ray: int = 0
    """The average over all stable debt."""


def overall_rate_weighted(borrowed: Borrowed) -> int:
    """Mean rate over variable and stable debt; rounds also where only variable debt is left. [ray]

    `_getOverallBorrowRate`, DefaultReserveInterestRateStrategy.sol.
    """
    total = add(borrowed.stable, borrowed.variable)
    if total == 0:
        return 0
    variable_ray = ray_mul_half_up(wad_to_ray(borrowed.variable), borrowed.variable_rate_ray)
    stable_ray = ray_mul_half_up(wad_to_ray(borrowed.stable), borrowed.stable_rate_ray)
    return ray_div_half_up(add(variable_ray, stable_ray), wad_to_ray(total))


def overall_rate_variable(borrowed: Borrowed) -> int:
    """The variable rate itself, as there is no stable debt. [New in v3.2] [ray]"""
    return borrowed.variable_rate_ray


def unbacked_if_mintable(unbacked: int, mint_cap: int, deficit: int) -> int:
    """What bridges minted, while they may mint more. [asset units]"""
    return unbacked if mint_cap != 0 else 0


def unbacked_and_deficit(unbacked: int, mint_cap: int, deficit: int) -> int:
    """What bridges minted and, from v3.3 on, what was written off. [Modified in v3.0.1] [asset units]"""
    return add(unbacked, deficit, max_value=MAX_UINT128)


def deficit_alone(unbacked: int, mint_cap: int, deficit: int) -> int:
    """What was written off: there are no bridges. [Modified in v3.4] [asset units]"""
    return deficit


# --- account data -------------------------------------------------------------------------------------------


def health_of_average(collateral_base: int, weighted_base_bps: int, debt_base: int) -> int:
    """Health factor by the average threshold, cut to whole basis points first. [wad]"""
    average_bps = weighted_base_bps // collateral_base if collateral_base else 0
    return wad_div_half_up(percent_mul_half_up(collateral_base, average_bps), debt_base)


def health_of_sum(collateral_base: int, weighted_base_bps: int, debt_base: int) -> int:
    """Health factor by the sum of values times thresholds. [Modified in v3.5: no cut average] [wad]"""
    return wad_div_half_up(weighted_base_bps, debt_base) // BPS


def ltv_if_reserve_has_one(reserve_ltv_bps: int, category: EModeCategory | None, reserve_id: int) -> int:
    """Loan to value of one collateral: none where the reserve itself has none, even inside an eMode. [bps]"""
    if reserve_ltv_bps and category is not None and category.collateral_bitmap >> reserve_id & 1:
        return category.ltv_bps
    return reserve_ltv_bps


def ltv_of_category_first(reserve_ltv_bps: int, category: EModeCategory | None, reserve_id: int) -> int:
    """Loan to value of one collateral: its category's, if it is a member. [Modified in v3.6] [bps]"""
    if category is not None and category.collateral_bitmap >> reserve_id & 1:
        return 0 if category.ltvzero_bitmap >> reserve_id & 1 else category.ltv_bps
    return reserve_ltv_bps


def ltv_of_isolated_category(reserve_ltv_bps: int, category: EModeCategory | None, reserve_id: int) -> int:
    """As before, and an isolated category leaves no loan to value to others. [Modified in v3.7] [bps]"""
    if category is not None and category.isolated and not category.collateral_bitmap >> reserve_id & 1:
        return 0
    return ltv_of_category_first(reserve_ltv_bps, category, reserve_id)


# --- how much debt one call may repay -----------------------------------------------------------------------


class DebtLimits(NamedTuple):
    """What the close factor looks at."""

    health_factor_wad: int
    reserve_debt: int
    """[debt asset units]"""
    reserve_debt_base: int
    reserve_collateral_base: int
    total_debt_base: int
    """Of the whole account; the two above are of the chosen reserves alone."""
    debt_price_base: int
    debt_unit: int


def close_share_of_reserve_debt(limits: DebtLimits) -> int:
    """Half of this reserve's debt above a health factor of 0.95, else all. [debt asset units]"""
    above = limits.health_factor_wad > CLOSE_FACTOR_HF_THRESHOLD_WAD
    share_bps = DEFAULT_LIQUIDATION_CLOSE_FACTOR_BPS if above else MAX_LIQUIDATION_CLOSE_FACTOR_BPS
    return percent_mul_half_up(limits.reserve_debt, share_bps)


def close_share_of_total_debt(limits: DebtLimits) -> int:
    """Half of the *whole* debt's value, and only of a large position. [New in v3.3] [debt asset units]"""
    if (
        limits.reserve_collateral_base >= MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD_BASE
        and limits.reserve_debt_base >= MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD_BASE
        and limits.health_factor_wad > CLOSE_FACTOR_HF_THRESHOLD_WAD
    ):
        half_base = percent_mul_half_up(limits.total_debt_base, DEFAULT_LIQUIDATION_CLOSE_FACTOR_BPS)
        if limits.reserve_debt_base > half_base:
            return mul_div_down(half_base, limits.debt_unit, limits.debt_price_base)
    return limits.reserve_debt


# --- when collateral is gone --------------------------------------------------------------------------------


class SeizedCollateral(NamedTuple):
    """What a call takes from one collateral and what there was. Amounts in asset units."""

    amount: int
    """Seized, without the protocol fee."""
    fee: int
    balance: int
    scaled_balance: int
    index_ray: int
    price_base: int
    unit: int
    account_collateral_base: int
    """All collateral of the account."""


class Depletion(NamedTuple):
    """What is gone after the call."""

    reserve: bool
    """The borrower's collateral bit of the reserve is cleared."""
    account: bool
    """No collateral is left at all: what remains of the debt is written off."""


def depletion_without_fee(seized: SeizedCollateral) -> Depletion:
    """Debt is never written off; the bit goes when the liquidator gets all, so never where there is a fee."""
    return Depletion(reserve=seized.amount == seized.balance, account=False)


def depletion_without_write_off(seized: SeizedCollateral) -> Depletion:
    """Debt is never written off; the bit goes when the whole balance goes. [Modified in v3.0.1]"""
    return Depletion(reserve=seized.amount + seized.fee == seized.balance, account=False)


def depletion_of_amounts(seized: SeizedCollateral) -> Depletion:
    """Debt is written off when the value seized is all the account's collateral value. [New in v3.3]"""
    taken = seized.amount + seized.fee
    taken_base = mul_div_down(taken, seized.price_base, seized.unit)
    return Depletion(reserve=taken == seized.balance, account=taken_base == seized.account_collateral_base)


def depletion_of_scaled(seized: SeizedCollateral) -> Depletion:
    """As before, on the scaled balances that will really move. [Modified in v3.7: two round-ups count]"""
    wanted = ray_div_up(seized.amount, seized.index_ray) + ray_div_up(seized.fee, seized.index_ray)
    taken = min(wanted, seized.scaled_balance)
    taken_base = mul_div_down(ray_mul_down(taken, seized.index_ray), seized.price_base, seized.unit)
    is_empty = taken_base == seized.account_collateral_base
    return Depletion(reserve=taken == seized.scaled_balance or is_empty, account=is_empty)


def debt_ends_with_amount(unsettled: int, scaled_left: int) -> bool:
    """The borrowing bit goes when, in asset units, all is repaid or written off."""
    return unsettled == 0


def debt_ends_with_scaled(unsettled: int, scaled_left: int) -> bool:
    """The borrowing bit goes when no scaled debt is left. [Modified in v3.4]"""
    return scaled_left == 0


# --- deficits -----------------------------------------------------------------------------------------------


class Cover(NamedTuple):
    """aTokens that are to be burned for a deficit, and what their holder has."""

    amount: int
    """[asset units]"""
    balance: int
    """[asset units]"""
    scaled: int
    scaled_balance: int


class Covered(NamedTuple):
    """Whether the holder has enough, and whether nothing is left."""

    enough: bool
    whole: bool


def cover_of_amounts(cover: Cover) -> Covered:
    """The aTokens of the holder, as an amount in asset units. [New in v3.3]"""
    return Covered(enough=cover.amount <= cover.balance, whole=cover.amount == cover.balance)


def cover_of_scaled(cover: Cover) -> Covered:
    """The aTokens of the holder, as a stored balance in scaled units. [Modified in v3.5]"""
    return Covered(enough=cover.scaled <= cover.scaled_balance, whole=cover.scaled == cover.scaled_balance)
