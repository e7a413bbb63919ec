"""What an absorption must forgive, and when the reserves lose by it, in closed form.

With D the debt and, over the collaterals, V their values, L, F and S the liquidation collateral factor, the
liquidation factor and the store front price factor, at frozen prices:

* absorbable where D exceeds the sum of L V;
* the account is credited with the sum of F V: what D exceeds that by is forgiven, what it falls short by is
  the account's to keep;
* a buyer pays the sum of (1 - S (1 - F)) V, and the reserves have given the larger of D and F V. They lose
  where D exceeds what the buyer pays; in between, debt is forgiven and the reserves still gain.

Values are fractions, without the contract's roundings: with n collaterals `forgiven` lies within 2 n units of
the last digit of a price, and one base asset unit, of what `absorb` forgives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from protocol.compound_v3.amounts import discount
from protocol.compound_v3.health import EMPTY_ACCOUNT, asset_at, held, price_at
from protocol.compound_v3.interest import borrow_balance_of
from protocol.compound_v3.state import BASE, AssetId, AssetInfo, Market, User
from protocol.units import WAD


@dataclass(frozen=True, kw_only=True, slots=True)
class Absorption:
    """What an absorption would settle. Exact values [base]."""

    debt_base: Fraction
    credit_base: Fraction
    """Sum over collaterals of value times liquidation factor."""
    proceeds_base: Fraction
    """What the store front brings for all of the collateral at these prices."""

    @property
    def forgiven_base(self) -> Fraction:
        """Debt beyond the credit; 0 where the collateral covers it. [base]"""
        return max(self.debt_base - self.credit_base, Fraction(0))

    @property
    def reserves_gain_base(self) -> Fraction:
        """What the reserves have more once everything is sold; negative is their loss. [base]"""
        return self.proceeds_base - max(self.debt_base, self.credit_base)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drops:
    """By which share chosen prices must fall, all together, for each thing to happen.

    0 or less: it has happened already. None: no fall does it; always so for an account without debt.
    """

    liquidatable: Fraction | None
    """Debt = weighted collateral; strictly beyond, the account may be absorbed."""
    debt_forgiven: Fraction | None
    """Debt = credit; strictly beyond, an absorption forgives some of it."""
    reserves_lose: Fraction | None
    """Debt = proceeds; strictly beyond, absorbing and selling costs the reserves."""


class _Side(NamedTuple):
    """One collateral with its three weights, or the debt with weights of -1."""

    asset_id: AssetId
    value: Fraction
    threshold: Fraction
    credit: Fraction
    proceeds: Fraction


def absorption(
    market: Market, user: User, *, prices_base: Mapping[AssetId, int], timestamp: int
) -> Absorption:
    """What absorbing the account at `timestamp` [s] would settle; errors as in `account_data`."""
    debt, *collaterals = _sides(market, user, prices_base, timestamp)
    return Absorption(
        debt_base=debt.value,
        credit_base=sum((side.value * side.credit for side in collaterals), Fraction(0)),
        proceeds_base=sum((side.value * side.proceeds for side in collaterals), Fraction(0)),
    )


def drops(
    market: Market,
    user: User,
    falling: Collection[AssetId],
    *,
    prices_base: Mapping[AssetId, int],
    timestamp: int,
) -> Drops:
    """How far the prices of `falling` must fall together; errors as in `account_data`.

    `BASE` among them makes the debt lighter.
    """
    sides = _sides(market, user, prices_base, timestamp)
    if sides[0].value == 0:
        return Drops(liquidatable=None, debt_forgiven=None, reserves_lose=None)
    return Drops(
        liquidatable=_root([(side, side.threshold) for side in sides], falling),
        debt_forgiven=_root([(side, side.credit) for side in sides], falling),
        reserves_lose=_root([(side, side.proceeds) for side in sides], falling),
    )


def proceeds_factor(market: Market, info: AssetInfo) -> Fraction:
    """What a buyer pays for a unit of a collateral's value: 1 - S (1 - F). Reverts `Panic(0x11)` for F above 1."""
    discount_wad = discount(info.liquidation_factor_wad, market.config.store_front_price_factor_wad)
    return 1 - Fraction(discount_wad, WAD)


def _root(weights: list[tuple[_Side, Fraction]], falling: Collection[AssetId]) -> Fraction | None:
    """Where the weighted sum of values is 0 when the falling ones are worth (1 - x) of themselves."""
    total = sum((side.value * weight for side, weight in weights), Fraction(0))
    moving = sum((side.value * weight for side, weight in weights if side.asset_id in falling), Fraction(0))
    if moving <= 0:  # a fall does not lower the sum
        return Fraction(0) if total < 0 else None
    return total / moving if total <= moving else None


def _sides(market: Market, user: User, prices_base: Mapping[AssetId, int], timestamp: int) -> list[_Side]:
    """The debt first, then the collaterals."""
    owed = borrow_balance_of(market, user, timestamp)
    base_price = Fraction(price_at(BASE, prices_base), market.config.base_scale)
    debt = _Side(BASE, owed * base_price, Fraction(-1), Fraction(-1), Fraction(-1))
    account = market.accounts.get(user, EMPTY_ACCOUNT)
    return [debt, *(_side(market, asset_id, balance, prices_base) for asset_id, balance in held(account))]


def _side(market: Market, asset_id: AssetId, balance: int, prices_base: Mapping[AssetId, int]) -> _Side:
    info = asset_at(market, asset_id).info
    return _Side(
        asset_id,
        balance * Fraction(price_at(asset_id, prices_base), info.scale),
        Fraction(info.liquidate_collateral_factor_wad, WAD),
        Fraction(info.liquidation_factor_wad, WAD),
        proceeds_factor(market, info),
    )
