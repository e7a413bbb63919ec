"""How much a liquidation repays and takes: plain integers, no account and no hub.

Mirrors `_calculateLiquidationAmounts` and what it calls, src/spoke/libraries/LiquidationLogic.sol
(aave/aave-v4@v0.5.11). Debt is drawn shares and premium debt; the premium is always paid first. A call goes
as far as the target health factor, but never leaves less than the dust threshold of both debt and collateral.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from protocol.aave_v4.bonus import calculate_liquidation_bonus
from protocol.aave_v4.value import to_value
from protocol.errors import EvmRevert
from protocol.fixed_point.full_width import mul_div_wide_down, mul_div_wide_up
from protocol.fixed_point.percentage import percent_mul_up
from protocol.fixed_point.rescale import bps_to_wad, div_up, from_ray_up, round_ray_up, to_ray, to_wad
from protocol.fixed_point.shares import SharePool
from protocol.fixed_point.uint256 import add, mul, mul_div_up, sub
from protocol.fixed_point.wad_ray import ray_mul_up
from protocol.units import BPS, RAY

DUST_LIQUIDATION_THRESHOLD_VALUE = 1000 * 10**26
"""Less than 1000 US dollars of debt or of collateral must not be left. [Value]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationAmountsParams:
    """What the amounts depend on; mirrors `CalculateLiquidationAmountsParams`."""

    collateral_pool: SharePool
    """Of the hub that lists the collateral."""
    supplied_shares: int
    """The borrower's, of the collateral."""
    collateral_decimals: int
    collateral_price_base: int
    """[base] US dollars with 8 decimals for one whole token."""
    drawn_shares: int
    """The borrower's, of the debt."""
    premium_debt_ray: int
    """[debt asset units x ray]"""
    drawn_index_ray: int
    total_debt_value_ray: int
    """[Value x ray] Of the whole account."""
    debt_decimals: int
    debt_price_base: int
    debt_to_cover: int
    """[debt asset units]"""
    collateral_factor_bps: int
    health_factor_for_max_bonus_wad: int
    liquidation_bonus_factor_bps: int
    max_liquidation_bonus_bps: int
    target_health_factor_wad: int
    health_factor_wad: int
    liquidation_fee_bps: int
    """Share of the bonus."""

    @property
    def liquidation_bonus_bps(self) -> int:
        """The bonus at this health factor, its 100 % included."""
        return calculate_liquidation_bonus(
            health_factor_for_max_bonus_wad=self.health_factor_for_max_bonus_wad,
            liquidation_bonus_factor_bps=self.liquidation_bonus_factor_bps,
            health_factor_wad=self.health_factor_wad,
            max_liquidation_bonus_bps=self.max_liquidation_bonus_bps,
        )

    @property
    def collateral_unit(self) -> int:
        """One whole token of the collateral. [asset units]"""
        return 10**self.collateral_decimals

    @property
    def debt_unit(self) -> int:
        """One whole token of the debt. [asset units]"""
        return 10**self.debt_decimals


class DebtToLiquidate(NamedTuple):
    """The debt leg."""

    drawn_shares: int
    premium_debt_ray: int
    """[debt asset units x ray]"""

    def debt_ray(self, drawn_index_ray: int) -> int:
        """All of it, unrounded. [debt asset units x ray]"""
        return add(mul(self.drawn_shares, drawn_index_ray), self.premium_debt_ray)

    def drawn_debt(self, drawn_index_ray: int) -> int:
        """The drawn part, rounded up. [debt asset units]"""
        return ray_mul_up(self.drawn_shares, drawn_index_ray)

    def cost(self, drawn_index_ray: int) -> int:
        """What the liquidator pays, both parts rounded up. [debt asset units]"""
        return add(self.drawn_debt(drawn_index_ray), from_ray_up(self.premium_debt_ray))


class LiquidationAmounts(NamedTuple):
    """The legs of one liquidation."""

    collateral_shares_to_liquidate: int
    collateral_shares_to_liquidator: int
    """The rest are the fee."""
    drawn_shares_to_liquidate: int
    premium_debt_to_liquidate_ray: int
    """[debt asset units x ray]"""


def calculate_liquidation_amounts(params: LiquidationAmountsParams) -> LiquidationAmounts:
    """`_calculateLiquidationAmounts`; reverts `MustNotLeaveDust` when the offer does not cover the dust rule.

    The call ends with all the debt, or all the collateral, or both worth the dust threshold and more.
    """
    bonus_bps, supplied = params.liquidation_bonus_bps, params.supplied_shares
    debt = calculate_debt_to_liquidate(params, bonus_bps)
    shares = calculate_collateral_to_liquidate(params, bonus_bps, debt)
    # All the debt is liquidated if and only if all drawn shares are.
    completes_collateral = _leaves_collateral_dust(params, shares) and debt.drawn_shares < params.drawn_shares
    if shares > supplied or completes_collateral:
        shares, debt = debt_for_all_collateral(params, bonus_bps)
    cost = debt.cost(params.drawn_index_ray)
    if params.debt_to_cover < cost:
        raise EvmRevert("MustNotLeaveDust", debt_to_cover=params.debt_to_cover, cost=cost)
    fee = mul_div_up(shares, mul(params.liquidation_fee_bps, sub(bonus_bps, BPS)), mul(bonus_bps, BPS))
    return LiquidationAmounts(shares, sub(shares, fee), *debt)


def calculate_collateral_to_liquidate(
    params: LiquidationAmountsParams, bonus_bps: int, debt: DebtToLiquidate
) -> int:
    """`_calculateCollateralToLiquidate`: shares worth the debt and the bonus, rounded down twice."""
    price = mul(mul(params.debt_price_base, params.collateral_unit), bonus_bps)
    assets = mul_div_wide_down(
        debt.debt_ray(params.drawn_index_ray),
        price,
        mul(mul(mul(params.debt_unit, params.collateral_price_base), BPS), RAY),
    )
    return params.collateral_pool.to_shares_down(assets)


def calculate_debt_to_liquidate(params: LiquidationAmountsParams, bonus_bps: int) -> DebtToLiquidate:
    """`_calculateDebtToLiquidate`: up to the target and the offer; everything if little would be left.

    Exceeds the offer only in that last case.
    """
    to_target_ray = debt_to_target_health_factor(params, bonus_bps)
    premium_ray = min(round_ray_up(to_target_ray), params.premium_debt_ray)
    if params.debt_to_cover < from_ray_up(premium_ray):
        premium_ray = to_ray(params.debt_to_cover)
    drawn_shares = 0
    if premium_ray == params.premium_debt_ray and premium_ray < to_target_ray:
        to_target = div_up(to_target_ray - premium_ray, params.drawn_index_ray)
        affordable = params.debt_to_cover - from_ray_up(premium_ray)
        to_cover = mul_div_wide_down(affordable, RAY, params.drawn_index_ray)
        drawn_shares = min(to_target, to_cover, params.drawn_shares)
    left = DebtToLiquidate(params.drawn_shares - drawn_shares, params.premium_debt_ray - premium_ray)
    if left.drawn_shares > 0 and _is_debt_dust(params, left):
        return DebtToLiquidate(params.drawn_shares, params.premium_debt_ray)
    return DebtToLiquidate(drawn_shares, premium_ray)


def debt_to_target_health_factor(params: LiquidationAmountsParams, bonus_bps: int) -> int:
    """`_calculateDebtToTargetHealthFactor`: what restores the target, rounded up. [debt asset units x ray]

    Beyond the whole debt where a liquidation lowers the health factor.
    """
    penalty_wad = percent_mul_up(bps_to_wad(bonus_bps), params.collateral_factor_bps)
    target_wad = params.target_health_factor_wad
    return mul_div_wide_up(
        params.total_debt_value_ray,
        mul(params.debt_unit, sub(target_wad, params.health_factor_wad)),
        mul(sub(target_wad, penalty_wad), to_wad(params.debt_price_base)),
    )


def debt_for_all_collateral(params: LiquidationAmountsParams, bonus_bps: int) -> tuple[int, DebtToLiquidate]:
    """All collateral, and the debt that it pays for: less than meant, or more to leave no collateral dust.

    Where all the debt costs less than that, only so many shares.
    """
    worth_ray = debt_worth(params, bonus_bps, params.supplied_shares)
    if worth_ray <= params.premium_debt_ray:
        premium_ray = min(round_ray_up(worth_ray), params.premium_debt_ray)
        return params.supplied_shares, DebtToLiquidate(0, premium_ray)
    drawn_shares = div_up(worth_ray - params.premium_debt_ray, params.drawn_index_ray)
    if drawn_shares <= params.drawn_shares:
        return params.supplied_shares, DebtToLiquidate(drawn_shares, params.premium_debt_ray)
    debt = DebtToLiquidate(params.drawn_shares, params.premium_debt_ray)
    shares = calculate_collateral_to_liquidate(params, bonus_bps, debt)
    return min(shares, params.supplied_shares), debt


def debt_worth(params: LiquidationAmountsParams, bonus_bps: int, collateral_shares: int) -> int:
    """The debt that so many collateral shares pay for, rounded up twice. [debt asset units x ray]"""
    price = mul(mul(mul(params.collateral_price_base, params.debt_unit), BPS), RAY)
    return mul_div_wide_up(
        params.collateral_pool.to_assets_up(collateral_shares),
        price,
        mul(mul(params.debt_price_base, params.collateral_unit), bonus_bps),
    )


def _leaves_collateral_dust(params: LiquidationAmountsParams, shares: int) -> bool:
    if shares >= params.supplied_shares:
        return False
    left = params.collateral_pool.to_assets_down(params.supplied_shares - shares)
    value = to_value(left, params.collateral_decimals, params.collateral_price_base)
    return value < DUST_LIQUIDATION_THRESHOLD_VALUE


def _is_debt_dust(params: LiquidationAmountsParams, left: DebtToLiquidate) -> bool:
    value_ray = to_value(left.debt_ray(params.drawn_index_ray), params.debt_decimals, params.debt_price_base)
    return value_ray < to_ray(DUST_LIQUIDATION_THRESHOLD_VALUE)
