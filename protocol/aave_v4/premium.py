"""Premium debt: what a user owes on top of what it drew, for the risk of its collateral.

Premium shares grow with the drawn index like drawn shares, but only their growth is owed: an offset takes off
what they were worth when they were made. Mirrors `Premium`, src/hub/libraries/Premium.sol, and
`UserPositionUtils`, src/spoke/libraries/UserPositionUtils.sol (aave/aave-v4@v0.5.11).

Stored shares and indexes have 120 bits and stored offsets 200, so products of two stay below 2**241 and
differences of offsets within int256; only what is stored is checked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.aave_v4.state import Position, PremiumDelta
from protocol.fixed_point.percentage import percent_mul_up
from protocol.fixed_point.rescale import from_ray_up, to_ray
from protocol.fixed_point.signed import add_signed, to_int, to_int256, to_uint256
from protocol.fixed_point.uint256 import add, mul, sub, to_uint
from protocol.fixed_point.wad_ray import ray_mul_up


def premium_ray(*, premium_shares: int, premium_offset_ray: int, drawn_index_ray: int) -> int:
    """`Premium.calculatePremiumRay`: the premium debt. [asset units x ray]"""
    return to_uint256(to_int256(mul(premium_shares, drawn_index_ray)) - premium_offset_ray)


class DebtComponents(NamedTuple):
    """What a position owes, unrounded: `drawn_shares * index + premium`."""

    drawn_shares: int
    premium_debt_ray: int
    """[asset units x ray]"""
    drawn_index_ray: int

    @property
    def debt_ray(self) -> int:
        """All of it. [asset units x ray]"""
        return add(mul(self.drawn_shares, self.drawn_index_ray), self.premium_debt_ray)

    @property
    def drawn_debt(self) -> int:
        """The drawn part, rounded up. [asset units]"""
        return ray_mul_up(self.drawn_shares, self.drawn_index_ray)


def debt_components(position: Position, drawn_index_ray: int) -> DebtComponents:
    """`UserPositionUtils.getDebtComponents` at an accrued index."""
    owed_ray = premium_ray(
        premium_shares=position.premium_shares,
        premium_offset_ray=position.premium_offset_ray,
        drawn_index_ray=drawn_index_ray,
    )
    return DebtComponents(position.drawn_shares, owed_ray, drawn_index_ray)


def premium_delta(
    position: Position,
    *,
    drawn_shares_taken: int,
    drawn_index_ray: int,
    risk_premium_bps: int,
    restored_premium_ray: int,
) -> PremiumDelta:
    """`UserPositionUtils.calculatePremiumDelta`: to premium shares for the drawn shares that stay.

    The premium debt changes by nothing but what is restored [asset units x ray].
    """
    owed_ray = debt_components(position, drawn_index_ray).premium_debt_ray
    stay = sub(position.drawn_shares, drawn_shares_taken)
    shares = percent_mul_up(stay, risk_premium_bps)
    offset_ray = mul(shares, drawn_index_ray) - sub(owed_ray, restored_premium_ray)
    return PremiumDelta(
        shares_delta=shares - position.premium_shares,
        offset_delta_ray=offset_ray - position.premium_offset_ray,
        restored_premium_ray=restored_premium_ray,
    )


def with_premium_delta(position: Position, delta: PremiumDelta) -> Position:
    """`UserPositionUtils.applyPremiumDelta`."""
    return replace(
        position,
        premium_shares=to_uint(add_signed(position.premium_shares, delta.shares_delta), 120),
        premium_offset_ray=to_int(position.premium_offset_ray + delta.offset_delta_ray, 200),
    )


def restore_amount(position: Position, drawn_index_ray: int, amount: int) -> tuple[int, int]:
    """`UserPositionUtils.calculateRestoreAmount`: what `amount` [asset units] pays off, premium first.

    Returns the drawn debt [asset units] and the premium debt [asset units x ray].
    """
    debt = debt_components(position, drawn_index_ray)
    premium = from_ray_up(debt.premium_debt_ray)
    if amount >= add(debt.drawn_debt, premium):
        return debt.drawn_debt, debt.premium_debt_ray
    if amount < premium:
        return 0, to_ray(amount)
    return amount - premium, debt.premium_debt_ray
