"""What no liquidation can avoid: the debt that must remain, in closed form.

Repaying value x removes b*x of collateral (b: bonus with its 100 %), so `b*debt - collateral` never
changes. Hence all the collateral together repays at most the sum of V_i/b_i, and seizing collateral A
lowers the health factor exactly while it lies below b_A*LT_A. Two forms:

* integers, one collateral and one debt: `residual_if_exhausted`, what the contract would leave after one
  call that may repay everything; none may, but halving after halving comes to the same;
* values as fractions, any number of both: `exhaustion` and `drops`, without the contract's rounding, so
  they bound the contract's outcome to within a unit of collateral and a wei of debt for every call made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from protocol.aave_v2.amounts import Terms, seizure
from protocol.aave_v2.health import EMPTY_ACCOUNT, counts_as_collateral, price_at, used_reserves
from protocol.aave_v2.interest import atoken_balance, debt_balance, normalized_income
from protocol.aave_v2.state import Market, ReserveId, User
from protocol.units import BPS


def residual_if_exhausted(terms: Terms, *, collateral: int, debt: int) -> int | None:
    """Debt left when one call repays all it can of `debt` from `collateral`; None if that suffices.

    All in asset units at the accrued indexes. It stays on the account and goes on to grow. The close factor is
    not asked: each call that it makes necessary moves the result by about one unit of collateral.
    """
    if terms.collateral_for(debt) <= collateral:
        return None
    residual = debt - seizure(terms, debt_to_cover=debt, collateral_balance=collateral).debt
    return residual if residual > 0 else None


def residual_exact(terms: Terms, *, collateral: int, debt: int) -> Fraction:
    """The same as a fraction, without any of the contract's roundings: debt less collateral / bonus. [asset units]

    Nothing of it is shared with `seizure`; the integer form lies within two units of it.
    """
    rate = Fraction(
        terms.collateral_price_base * terms.debt_unit, terms.debt_price_base * terms.collateral_unit
    )
    return debt - collateral * rate * BPS / terms.bonus_bps


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhaustion:
    """An account's debt against what its collateral can repay. Exact values in base units."""

    debt_base: Fraction
    repayable_base: Fraction
    """Sum over collaterals of value / bonus: no order of calls repays more."""

    @property
    def leaves_debt(self) -> bool:
        """Whether debt must remain, once the account is liquidated to the end."""
        return self.repayable_base < self.debt_base

    @property
    def residual_base(self) -> Fraction:
        """The least debt that can remain. [base]"""
        return max(self.debt_base - self.repayable_base, Fraction(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Drops:
    """By which share chosen prices must fall, all together, for each thing to happen.

    0 or less: it has happened already. None: no fall does it; always so for an account without debt.
    """

    liquidatable: Fraction | None
    """Health factor 1; strictly beyond, the account may be liquidated."""
    toxic: Mapping[ReserveId, Fraction | None]
    """Per collateral: health factor = bonus * threshold; strictly beyond, seizing it lowers the health."""
    debt_remains: Fraction | None
    """The collateral can just repay the debt; strictly beyond, debt must remain."""


class _Side(NamedTuple):
    """One collateral (with its weights) or one debt (weights 1)."""

    reserve_id: ReserveId
    value: Fraction
    threshold: Fraction
    bonus: Fraction

    @property
    def repaid_per_value(self) -> Fraction:
        """Debt that a unit of this collateral repays; none without a bonus, as then nobody can seize it."""
        return 1 / self.bonus if self.bonus else Fraction(0)


def exhaustion(
    market: Market, user: User, *, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Exhaustion:
    """Whether the account's debt exceeds all that its collateral can repay; errors as in `account_data`."""
    collaterals, debts = _sides(market, user, prices_base, timestamp)
    return Exhaustion(
        debt_base=sum((debt.value for debt in debts), Fraction(0)),
        repayable_base=sum((held.value * held.repaid_per_value for held in collaterals), Fraction(0)),
    )


def drops(
    market: Market,
    user: User,
    falling: Collection[ReserveId],
    *,
    prices_base: Mapping[ReserveId, int],
    timestamp: int,
) -> Drops:
    """How far the prices of the `falling` reserves must fall together; errors as in `account_data`.

    A falling reserve that is owed as well makes the debt lighter. With one collateral and one debt the toxic
    drop and the drop at which debt remains are one and the same.
    """
    collaterals, debts = _sides(market, user, prices_base, timestamp)
    if not any(debt.value for debt in debts):
        return Drops(
            liquidatable=None, toxic={held.reserve_id: None for held in collaterals}, debt_remains=None
        )

    def fall_to(health: Fraction) -> Fraction | None:
        weights = [(held, held.threshold) for held in collaterals] + [(debt, -health) for debt in debts]
        return _root(weights, falling)

    return Drops(
        liquidatable=fall_to(Fraction(1)),
        toxic={held.reserve_id: fall_to(held.bonus * held.threshold) for held in collaterals},
        debt_remains=_root(
            [(held, held.repaid_per_value) for held in collaterals]
            + [(debt, Fraction(-1)) for debt in debts],
            falling,
        ),
    )


def _root(weights: list[tuple[_Side, Fraction]], falling: Collection[ReserveId]) -> Fraction | None:
    """Where the weighted sum of values is 0 when the falling ones are worth (1 - x) of themselves."""
    total = sum((side.value * weight for side, weight in weights), Fraction(0))
    moving = sum((side.value * weight for side, weight in weights if side.reserve_id in falling), Fraction(0))
    if moving <= 0:  # a fall does not lower the sum
        return Fraction(0) if total < 0 else None
    return total / moving if total <= moving else None


def _sides(
    market: Market, user: User, prices_base: Mapping[ReserveId, int], timestamp: int
) -> tuple[list[_Side], list[_Side]]:
    """The account's collaterals and debts, at the indexes of `timestamp`."""
    collaterals = [side for side, is_debt in _all_sides(market, user, prices_base, timestamp) if not is_debt]
    debts = [side for side, is_debt in _all_sides(market, user, prices_base, timestamp) if is_debt]
    return collaterals, debts


def _all_sides(
    market: Market, user: User, prices_base: Mapping[ReserveId, int], timestamp: int
) -> Iterator[tuple[_Side, bool]]:
    for reserve, position in used_reserves(market, market.accounts.get(user, EMPTY_ACCOUNT)):
        config = reserve.config
        price = Fraction(price_at(reserve.reserve_id, prices_base), 10**config.decimals)
        if position.collateral_enabled and counts_as_collateral(config):
            balance = atoken_balance(position.scaled_atoken, normalized_income(reserve, timestamp))
            threshold = Fraction(config.liquidation_threshold_bps, BPS)
            bonus = Fraction(config.liquidation_bonus_bps, BPS)
            yield _Side(reserve.reserve_id, balance * price, threshold, bonus), False
        if position.borrowing:
            balance = debt_balance(reserve, position, timestamp)
            yield _Side(reserve.reserve_id, balance * price, Fraction(1), Fraction(1)), True
