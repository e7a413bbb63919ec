"""What no liquidation can avoid: the debt that must remain, in closed form.

Repaying value x takes b*x of collateral (b: the pool's incentive), and healing pays collateral / b for all of
it, so `b*debt - collateral` never changes, whoever does what in which order: where it is positive, so much
over b becomes bad debt. That is so already for accounts still worth more than they owe. A large account is
healed only once regular liquidations have made it small: on the way its debt stays where it is.

* integers: `residual_if_healed`, equal to what the contract writes off, and `residual_if_exhausted`, what
  regular repayments of one debt against one collateral leave;
* values as fractions, any number of both: `exhaustion` and `drops`, without the contract's rounding.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from protocol.fixed_point.uint256 import mul_div_down
from protocol.units import WAD
from protocol.venus_isolated.amounts import healed_share, largest_repay
from protocol.venus_isolated.health import liquidation_threshold, liquidity_snapshot, price_at
from protocol.venus_isolated.interest import borrow_balance, exchange_rate, viewed_at
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.state import Market, MarketId, User


def residual_if_exhausted(ratio_mantissa: int, *, vtokens: int, debt: int) -> int | None:
    """Debt left when one repayment takes all it can of `vtokens`; None if they suffice. [underlying]

    `ratio_mantissa` is `amounts.seize_ratio`, at accrued indexes. The close factor is not asked: each call that
    it makes necessary moves the result by about one vToken unit.
    """
    covered = largest_repay(ratio_mantissa, vtokens)
    return None if covered is None or covered >= debt else debt - covered


def residual_if_healed(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> Mapping[MarketId, int] | None:
    """What healing at `slot` writes off, market by market [underlying]; None where the collateral suffices.

    Neither the shortfall nor the size of the account is asked. Errors as in `account_data`.
    """
    ledger = Ledger(viewed_at(market, slot), slot)
    data = liquidity_snapshot(ledger, user, prices_mantissa, liquidation_threshold)
    needed = mul_div_down(data.borrows_usd_mantissa, ledger.liquidation_incentive_mantissa, WAD)
    if needed <= data.total_collateral_usd_mantissa:
        return None
    share_mantissa = healed_share(
        collateral_usd_mantissa=data.total_collateral_usd_mantissa,
        borrows_usd_mantissa=data.borrows_usd_mantissa,
        incentive_mantissa=ledger.liquidation_incentive_mantissa,
    )
    debts = {
        vtoken.market_id: borrow_balance(vtoken, ledger.position(user, vtoken.market_id))
        for vtoken in ledger.assets_in(user)
    }
    left = {i: debt - mul_div_down(share_mantissa, debt, WAD) for i, debt in sorted(debts.items())}
    return {i: residual for i, residual in left.items() if residual}


@dataclass(frozen=True, kw_only=True, slots=True)
class Exhaustion:
    """An account's debt against what its collateral can repay. Exact values in US dollars x 1e18."""

    debt_usd: Fraction
    repayable_usd: Fraction
    """Collateral / incentive: no order of calls repays more, and healing pays just this."""

    @property
    def leaves_debt(self) -> bool:
        """Whether debt must remain, once the account is liquidated to the end."""
        return self.repayable_usd < self.debt_usd

    @property
    def residual_usd(self) -> Fraction:
        """The debt that must remain."""
        return max(self.debt_usd - self.repayable_usd, Fraction(0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Drops:
    """By which share chosen prices must fall, all together, for each thing to happen.

    0 or less: it has happened already. None: no fall does it; the others are None for an account without debt.
    """

    liquidatable: Fraction | None
    """Weighted collateral = debts; strictly beyond, the account may be liquidated."""
    toxic: Mapping[MarketId, Fraction | None]
    """Per collateral: health = incentive * threshold; strictly beyond, seizing it lowers the health."""
    debt_remains: Fraction | None
    """Collateral = incentive * debts; strictly beyond, debt must remain, and healing is possible."""
    small: Fraction | None
    """Collateral = the pool's minimum; from here on only a batch or healing, no regular liquidation."""


class _Side(NamedTuple):
    """One collateral with its threshold, or one debt with a threshold of 1."""

    market_id: MarketId
    value: Fraction
    threshold: Fraction


def exhaustion(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> Exhaustion:
    """Whether the account's debt exceeds all that its collateral can repay; errors as in `account_data`."""
    collaterals, debts = _sides(market, user, prices_mantissa, slot)
    incentive = Fraction(market.liquidation_incentive_mantissa, WAD)
    return Exhaustion(debt_usd=_sum(debts), repayable_usd=_sum(collaterals) / incentive)


def drops(
    market: Market,
    user: User,
    falling: Collection[MarketId],
    *,
    prices_mantissa: Mapping[MarketId, int],
    slot: int,
) -> Drops:
    """How far the prices of the `falling` markets must fall together; errors as in `account_data`.

    A falling market that is owed as well makes the debt lighter. All markets are as accrued to `slot`.
    """
    collaterals, debts = _sides(market, user, prices_mantissa, slot)
    incentive = Fraction(market.liquidation_incentive_mantissa, WAD)

    def fall_to(health: Fraction) -> Fraction | None:
        weights = [(held, held.threshold) for held in collaterals] + [(debt, -health) for debt in debts]
        return _root(weights, falling) if debts else None

    unweighted = [(held, Fraction(1)) for held in collaterals]
    return Drops(
        liquidatable=fall_to(Fraction(1)),
        toxic={held.market_id: fall_to(incentive * held.threshold) for held in collaterals},
        debt_remains=_root(unweighted + [(debt, -incentive) for debt in debts], falling) if debts else None,
        small=_root(unweighted, falling, Fraction(market.min_liquidatable_collateral_usd_mantissa)),
    )


def _root(
    weights: list[tuple[_Side, Fraction]], falling: Collection[MarketId], level: Fraction = Fraction(0)
) -> Fraction | None:
    """Where the weighted sum of values is at the level when the falling ones are worth (1 - x) of themselves."""
    total = _weighted(weights) - level
    moving = _weighted([(side, weight) for side, weight in weights if side.market_id in falling])
    if moving <= 0:  # a fall does not lower the sum
        return Fraction(0) if total < 0 else None
    return total / moving if total <= moving else None


def _weighted(weights: list[tuple[_Side, Fraction]]) -> Fraction:
    return sum((side.value * weight for side, weight in weights), Fraction(0))


def _sum(sides: list[_Side]) -> Fraction:
    return sum((side.value for side in sides), Fraction(0))


def _sides(
    market: Market, user: User, prices_mantissa: Mapping[MarketId, int], slot: int
) -> tuple[list[_Side], list[_Side]]:
    """The account's collaterals and debts [USD x 1e18], as accrued to `slot`; zeros left out."""
    ledger = Ledger(viewed_at(market, slot), slot)
    collaterals: list[_Side] = []
    debts: list[_Side] = []
    for vtoken in ledger.assets_in(user):
        market_id, position = vtoken.market_id, ledger.position(user, vtoken.market_id)
        price = Fraction(price_at(market_id, prices_mantissa), WAD)
        held = position.vtokens * Fraction(exchange_rate(vtoken), WAD) * price
        threshold = Fraction(vtoken.liquidation_threshold_mantissa, WAD)
        collaterals.append(_Side(market_id, held, threshold))
        debts.append(_Side(market_id, borrow_balance(vtoken, position) * price, Fraction(1)))
    return [held for held in collaterals if held.value], [debt for debt in debts if debt.value]
