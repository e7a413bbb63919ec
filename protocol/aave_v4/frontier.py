"""What no liquidation can avoid: the debt that must remain, in closed form.

Repaying value x removes b*x of collateral (b: the bonus of that call, with its 100 %), so within a call
`b*debt - collateral` never changes. Below a health factor of b*CF every call lowers it, and with it the bonus
rises or stays: the first bonus is the cheapest, and one full call leaves the least. The contract refuses b*CF
of 1 or more, so a call on an account just below 1 never must leave debt.

* integers, one collateral and one debt: `residual_if_exhausted`, equal to what the contract leaves after one
  unlimited call;
* fractions: `residual_exact` for the same, `toxic_health_factor` and `drops`, without the rounding of values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from protocol.aave_v4.amounts import (
    DebtToLiquidate,
    LiquidationAmountsParams,
    calculate_collateral_to_liquidate,
    debt_for_all_collateral,
)
from protocol.aave_v4.bonus import calculate_liquidation_bonus
from protocol.aave_v4.health import is_active_collateral, price_at
from protocol.aave_v4.interest import share_pool
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.premium import debt_components
from protocol.aave_v4.state import DynamicConfig, LiquidationConfig, Market, ReserveId, User
from protocol.fixed_point.shares import SharePool
from protocol.fixed_point.uint256 import sub
from protocol.units import BPS, RAY, WAD


def residual_if_exhausted(params: LiquidationAmountsParams) -> int | None:
    """Debt left when one call repays all it can from this collateral; None if the collateral suffices.

    [debt asset units x ray] The collateral shares needed exceed the supplied ones at the bonus of
    `params.health_factor_wad`. If no other collateral is active it is the deficit. Neither the target health
    factor nor `debt_to_cover` is asked: below b*CF the target lies beyond the whole debt.
    """
    bonus_bps = params.liquidation_bonus_bps
    everything = DebtToLiquidate(params.drawn_shares, params.premium_debt_ray)
    if calculate_collateral_to_liquidate(params, bonus_bps, everything) <= params.supplied_shares:
        return None
    _, repaid = debt_for_all_collateral(params, bonus_bps)
    index_ray = params.drawn_index_ray
    residual_ray = sub(everything.debt_ray(index_ray), repaid.debt_ray(index_ray))
    return residual_ray if residual_ray > 0 else None


def residual_exact(params: LiquidationAmountsParams) -> Fraction:
    """The same as a fraction, without the contract's roundings: debt less collateral / bonus.

    [debt asset units x ray] Negative where the collateral suffices. Only the bonus is shared with the integer
    form, which lies between it and what one asset unit of collateral, one drawn share and one unit of ray are
    worth in debt below it.
    """
    rate = Fraction(
        params.collateral_price_base * params.debt_unit, params.debt_price_base * params.collateral_unit
    )
    debt_ray = params.drawn_shares * params.drawn_index_ray + params.premium_debt_ray
    collateral = params.supplied_shares * _share_price(params.collateral_pool)
    return debt_ray - collateral * rate * RAY * BPS / params.liquidation_bonus_bps


def toxic_health_factor(config: LiquidationConfig, terms: DynamicConfig) -> Fraction:
    """The health factor = bonus there * collateral factor: strictly below, seizing this collateral lowers it.

    With no other collateral, debt must remain exactly where a call is toxic. The bonus moves in steps of one
    basis point: where the two meet at the end of a step, that very health factor is toxic as well.
    """
    factor = Fraction(terms.collateral_factor_bps, BPS)
    whole_bps, least_bps = terms.max_liquidation_bonus_bps, _least_bonus(config, terms)
    if whole_bps == least_bps:
        return factor * whole_bps / BPS
    slope_bps = (whole_bps - least_bps) / (1 - Fraction(config.health_factor_for_max_bonus_wad, WAD))

    def reached(bonus_bps: int) -> Fraction:
        """Up to here the bonus is at least this much, and a call at that bonus is toxic."""
        return min(factor * bonus_bps / BPS, 1 - (bonus_bps - least_bps) / slope_bps)

    met_bps = int((slope_bps + least_bps) / (1 + factor * slope_bps / BPS))
    return max(reached(min(bonus_bps, whole_bps)) for bonus_bps in (met_bps, met_bps + 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Drops:
    """By which share chosen prices must fall, all together, for each thing to happen.

    0 or less: it has happened already. None: no fall does it; always so for an account without debt.
    """

    liquidatable: Fraction | None
    """Health factor 1; strictly beyond, the account may be liquidated."""
    toxic: Mapping[ReserveId, Fraction | None]
    """Per active collateral: beyond, seizing it lowers the health factor.

    Of an only collateral it is also the drop beyond which debt must remain. With several, what remains depends
    on the order of the calls, as each sets the bonus of the next; there is no closed form.
    """


class _Side(NamedTuple):
    """One active collateral, weighted with its factor, or one debt, weighted with 1."""

    reserve_id: ReserveId
    value: Fraction
    weight: Fraction
    toxic_below: Fraction


def drops(
    market: Market,
    user: User,
    falling: Collection[ReserveId],
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> Drops:
    """How far the prices of the `falling` reserves must fall together; errors as in `account_data`.

    A falling reserve that is owed as well makes the debt lighter.
    """
    ledger = Ledger(market, timestamp)
    collaterals = list(_collaterals(ledger, user, prices_base))
    debts = list(_debts(ledger, user, prices_base))

    def fall_to(health: Fraction) -> Fraction | None:
        weighted = [(held, held.weight) for held in collaterals] + [(debt, -health) for debt in debts]
        return _root(weighted, falling) if debts else None

    return Drops(
        liquidatable=fall_to(Fraction(1)),
        toxic={held.reserve_id: fall_to(held.toxic_below) for held in collaterals},
    )


def _root(weighted: list[tuple[_Side, Fraction]], falling: Collection[ReserveId]) -> Fraction | None:
    """Where the weighted sum of values is 0 when the falling ones are worth (1 - x) of themselves."""
    total = sum((side.value * weight for side, weight in weighted), Fraction(0))
    moving = sum(
        (side.value * weight for side, weight in weighted if side.reserve_id in falling), Fraction(0)
    )
    if moving <= 0:  # a fall does not lower the sum
        return Fraction(0) if total < 0 else None
    return total / moving if total <= moving else None


def _collaterals(ledger: Ledger, user: User, prices_base: Mapping[ReserveId, int]) -> Iterator[_Side]:
    for reserve_id, position in ledger.used(user):
        terms = ledger.dynamic_config(user, reserve_id)
        if not is_active_collateral(position, terms):
            continue
        reserve = ledger.reserve(reserve_id)
        price = Fraction(price_at(reserve_id, prices_base), 10**reserve.decimals)
        share_price = _share_price(share_pool(ledger.asset(reserve), ledger.timestamp))
        yield _Side(
            reserve_id,
            position.supplied_shares * share_price * price,
            Fraction(terms.collateral_factor_bps, BPS),
            toxic_health_factor(ledger.liquidation_config, terms),
        )


def _debts(ledger: Ledger, user: User, prices_base: Mapping[ReserveId, int]) -> Iterator[_Side]:
    for reserve_id, position in ledger.used(user):
        if not position.borrowing:
            continue
        reserve = ledger.reserve(reserve_id)
        price = Fraction(price_at(reserve_id, prices_base), 10**reserve.decimals)
        owed = debt_components(position, ledger.drawn_index(reserve))
        yield _Side(reserve_id, Fraction(owed.debt_ray, RAY) * price, Fraction(1), Fraction(0))


def _share_price(pool: SharePool) -> Fraction:
    """What a supplied share is worth. [asset units]"""
    return Fraction(pool.total_assets + pool.virtual_assets, pool.total_shares + pool.virtual_shares)


def _least_bonus(config: LiquidationConfig, terms: DynamicConfig) -> int:
    """The bonus at a health factor of 1, its 100 % included. [bps]"""
    return calculate_liquidation_bonus(
        health_factor_for_max_bonus_wad=config.health_factor_for_max_bonus_wad,
        liquidation_bonus_factor_bps=config.liquidation_bonus_factor_bps,
        health_factor_wad=WAD,
        max_liquidation_bonus_bps=terms.max_liquidation_bonus_bps,
    )
