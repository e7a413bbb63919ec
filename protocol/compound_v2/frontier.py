"""What no liquidation can avoid: the debt that must remain, in closed form.

Repaying value x removes i*x of collateral (i: liquidation incentive with its 100 %), so `i*debt - collateral` never
changes. Hence all the collateral together repays at most the sum of V/i, and seizing collateral A lowers the health
(weighted collateral / debt) exactly while it lies below i*CF_A. Where i*CF_A is 1 or more, none ever restores it.
What was never entered, and what has no collateral factor, pays as well: it only does not count. Two forms:

* integers, one collateral and one debt: `residual_if_exhausted`, what the contract would leave after one call that
  may repay everything; nothing is cut to what is there, so the caller must size it;
* values as fractions, any number of both: `exhaustion` and `drops`, and `after_steps` of the close factor, without
  the contract's rounding: its ratio of cTokens to debt is cut to a mantissa, which can cost up to 1e-5 of the value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from protocol.compound_v2.amounts import Terms
from protocol.compound_v2.health import EMPTY_ACCOUNT, ctoken_at, price_at
from protocol.compound_v2.interest import borrow_balance, exchange_rate, viewed_at
from protocol.compound_v2.state import Market, MarketId, User
from protocol.units import WAD


def residual_if_exhausted(terms: Terms, *, collateral_ctokens: int, debt: int) -> int | None:
    """Debt left when one call repays all it can of `debt`; None if the collateral suffices. [asset units]

    The close factor is not asked; each call that it makes necessary can move the result by what one cToken unit is
    worth.
    """
    residual = debt - terms.most_repaid_from(collateral_ctokens)
    return residual if residual > 0 else None


def residual_exact(terms: Terms, *, collateral_ctokens: int, debt: int) -> Fraction:
    """The same as a fraction, without the contract's roundings: debt less collateral / incentive. [asset units]"""
    return debt - collateral_ctokens / exact_ratio(terms)


def exact_ratio(terms: Terms) -> Fraction:
    """`Terms.ratio_mantissa` as a fraction. [cToken units per debt asset unit]"""
    return Fraction(
        terms.incentive_mantissa * terms.debt_price_mantissa,
        terms.collateral_price_mantissa * terms.exchange_rate_mantissa,
    )


def after_steps(
    debt: Fraction, collateral: Fraction, *, n_steps: int, close_factor: Fraction, incentive: Fraction
) -> tuple[Fraction, Fraction]:
    """Debt and collateral after `n_steps` largest calls, all in one unit; below 0 there are not so many."""
    left = debt * (1 - close_factor) ** n_steps
    return left, collateral - incentive * (debt - left)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhaustion:
    """An account's debt against what its collateral can repay. Exact values in USD times 1e18."""

    debt_usd_mantissa: Fraction
    repayable_usd_mantissa: Fraction
    """Sum over collaterals, entered or not, of value / incentive: no order of calls repays more."""

    @property
    def leaves_debt(self) -> bool:
        """Whether debt must remain, once the account is liquidated to the end."""
        return self.repayable_usd_mantissa < self.debt_usd_mantissa

    @property
    def residual_usd_mantissa(self) -> Fraction:
        """The least debt that can remain. [USD x 1e18]"""
        return max(self.debt_usd_mantissa - self.repayable_usd_mantissa, Fraction(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Drops:
    """By which share chosen prices must fall, all together, for each thing to happen.

    0 or less: it has happened already. None: no fall does it; always so for an account without debt.
    """

    liquidatable: Fraction | None
    """Weighted collateral = debt; strictly beyond, the account may be liquidated."""
    toxic: Mapping[MarketId, Fraction | None]
    """Per collateral: health = incentive * collateral factor; strictly beyond, seizing it lowers the health."""
    debt_remains: Fraction | None
    """The collateral can just repay the debt; strictly beyond, debt must remain."""


class _Side(NamedTuple):
    """One collateral (with the factor that counts) or one debt (factor 1)."""

    market_id: MarketId
    value: Fraction
    factor: Fraction


def exhaustion(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> Exhaustion:
    """Whether the account's debt exceeds all that its collateral can repay, every market accrued to `block_number`.

    Errors as in `account_data` and `viewed_at`.
    """
    collaterals, debts = _sides(market, user, prices_mantissa, block_number)
    collateral = sum((held.value for held in collaterals), Fraction(0))
    return Exhaustion(
        debt_usd_mantissa=sum((debt.value for debt in debts), Fraction(0)),
        repayable_usd_mantissa=collateral * _repaid_per_value(market),
    )


def drops(
    market: Market,
    user: User,
    falling: Collection[MarketId],
    *,
    prices_mantissa: Mapping[MarketId, int],
    block_number: int,
) -> Drops:
    """How far the prices of the `falling` markets must fall together; errors as in `exhaustion`.

    A falling asset that is owed as well makes the debt lighter. With one collateral and one debt the toxic drop and
    the drop at which debt remains are one and the same.
    """
    collaterals, debts = _sides(market, user, prices_mantissa, block_number)
    if not any(debt.value for debt in debts):
        return Drops(
            liquidatable=None, toxic={held.market_id: None for held in collaterals}, debt_remains=None
        )
    incentive = Fraction(market.liquidation_incentive_mantissa, WAD)

    def fall_to(health: Fraction) -> Fraction | None:
        weights = [(held, held.factor) for held in collaterals] + [(debt, -health) for debt in debts]
        return _root(weights, falling)

    per_value = _repaid_per_value(market)
    return Drops(
        liquidatable=fall_to(Fraction(1)),
        toxic={held.market_id: fall_to(incentive * held.factor) for held in collaterals},
        debt_remains=_root(
            [(held, per_value) for held in collaterals] + [(debt, Fraction(-1)) for debt in debts], falling
        ),
    )


def _repaid_per_value(market: Market) -> Fraction:
    """Debt that a unit of collateral repays; none without an incentive, as then nothing is seized."""
    incentive = market.liquidation_incentive_mantissa
    return Fraction(WAD, incentive) if incentive else Fraction(0)


def _root(weights: list[tuple[_Side, Fraction]], falling: Collection[MarketId]) -> Fraction | None:
    """Where the weighted sum of values is 0 when the falling ones are worth (1 - x) of themselves."""
    total = sum((side.value * weight for side, weight in weights), Fraction(0))
    moving = sum((side.value * weight for side, weight in weights if side.market_id in falling), Fraction(0))
    if moving <= 0:  # a fall does not lower the sum
        return Fraction(0) if total < 0 else None
    return total / moving if total <= moving else None


def _sides(
    market: Market, user: User, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> tuple[list[_Side], list[_Side]]:
    """The account's collaterals and debts, at the indexes of `block_number`."""
    sides = list(_all_sides(viewed_at(market, block_number), user, prices_mantissa))
    return [side for side, is_debt in sides if not is_debt], [side for side, is_debt in sides if is_debt]


def _all_sides(
    market: Market, user: User, prices_mantissa: Mapping[MarketId, int]
) -> Iterator[tuple[_Side, bool]]:
    account = market.accounts.get(user, EMPTY_ACCOUNT)
    for market_id, position in account.positions.items():
        ctoken = ctoken_at(market, market_id)
        price = Fraction(price_at(market_id, prices_mantissa), WAD)
        if position.ctokens:
            counts = market_id in account.entered
            factor = Fraction(ctoken.config.collateral_factor_mantissa if counts else 0, WAD)
            value = Fraction(position.ctokens * exchange_rate(ctoken), WAD) * price
            yield _Side(market_id, value, factor), False
        if position.borrow_principal_underlying:
            yield _Side(market_id, borrow_balance(ctoken, position) * price, Fraction(1)), True
