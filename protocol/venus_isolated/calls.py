"""The three ways to liquidate an account of a pool as one choice: a regular call, a batch, or healing.

Which of them goes through is the contract's own answer: a regular call is refused `MinimalCollateralViolated` where
the collateral is small, and healing `CollateralExceedsThreshold` where it is worth more than debts and incentive;
then a batch repays them all. The functions are those of `liquidation` and `bad_debt`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from protocol.fixed_point.uint256 import mul_div_down
from protocol.model import Done, Quote
from protocol.units import WAD
from protocol.venus_isolated.amounts import largest_repay, seize_vtokens
from protocol.venus_isolated.bad_debt import heal_account
from protocol.venus_isolated.interest import borrow_balance, exchange_rate, viewed_at
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.liquidation import liquidate_account, liquidate_borrow, seize_ratio_of
from protocol.venus_isolated.state import (
    AccountLiquidated,
    Healed,
    Liquidated,
    LiquidationCall,
    LiquidationOrder,
    Market,
    MarketId,
    Revert,
    Seized,
    User,
)

Prices = Mapping[MarketId, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """The arguments of `Comptroller.liquidateAccount`, who sends it, and the pair it is looked at by."""

    collateral_id: MarketId
    debt_id: MarketId
    borrower: User
    liquidator: User
    orders: tuple[LiquidationOrder, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Heal:
    """The argument of `Comptroller.healAccount`, who sends it, and the pair it is looked at by."""

    collateral_id: MarketId
    debt_id: MarketId
    borrower: User
    liquidator: User


Call = LiquidationCall | Batch | Heal
Outcome = Liquidated | AccountLiquidated | Healed


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled(Done):
    """A liquidation of any kind that went through. Single amounts are those of the pair; `in_all` has all of them."""

    outcome: Outcome
    repaid_underlying: int
    """[debt asset units]"""
    received_underlying: int
    """[collateral asset units] What the vTokens are worth after the call, rounded down."""
    protocol_underlying: int
    """[collateral asset units]"""

    @property
    def market(self) -> Market:
        """After the call."""
        return self.outcome.market

    @property
    def repaid(self) -> int:
        """`repaid_underlying`."""
        return self.repaid_underlying

    @property
    def received(self) -> int:
        """`received_underlying`."""
        return self.received_underlying

    @property
    def fee(self) -> int:
        """`protocol_underlying`."""
        return self.protocol_underlying

    @property
    def written_off(self) -> Mapping[MarketId, int]:
        """The bad debt that healing booked, in every market."""
        return self.outcome.bad_debt_underlying if isinstance(self.outcome, Healed) else {}

    def in_all(self, *, collateral_id: MarketId, debt_id: MarketId) -> Quote:
        """Every debt that was repaid and every collateral that was seized."""
        paid: Counter[MarketId] = Counter()
        vtokens: Counter[MarketId] = Counter()
        for repaid_id, amount in _repayments(self.outcome, debt_id):
            paid[repaid_id] += amount
        for seized_id, one in _seizures(self.outcome, collateral_id):
            vtokens[seized_id] += one.liquidator_seized_vtokens
        return Quote(paid=paid, received={i: _worth(self.market, i, n) for i, n in vtokens.items()})


def carried_out(market: Market, call: Call, *, prices_mantissa: Prices, slot: int) -> Settled | Revert:
    """What the call does to the market, or the error it reverts with; errors as in `liquidate_borrow`."""
    outcome = _outcome(market, call, prices_mantissa, slot)
    if isinstance(outcome, Revert):
        return outcome
    seized = [one for i, one in _seizures(outcome, call.collateral_id) if i == call.collateral_id]
    vtokens = sum(one.liquidator_seized_vtokens for one in seized)
    return Settled(
        outcome=outcome,
        repaid_underlying=_repaid_of(outcome, call.debt_id),
        received_underlying=_worth(outcome.market, call.collateral_id, vtokens),
        protocol_underlying=sum(one.protocol_seized_underlying for one in seized),
    )


def fitting(market: Market, regular: LiquidationCall, *, prices_mantissa: Prices, slot: int) -> Call:
    """The regular call, or what takes its place for a small account where the call is to be at `slot`.

    Healing and batches are as large as they are: where they would repay more of the pair's debt than the regular
    call asks for, that stays, and is refused.
    """
    answer = _outcome(market, regular, prices_mantissa, slot)
    if not isinstance(answer, Revert) or answer.name != "MinimalCollateralViolated":
        return regular
    heal = Heal(
        collateral_id=regular.collateral_id,
        debt_id=regular.debt_id,
        borrower=regular.borrower,
        liquidator=regular.liquidator,
    )
    healed = heal_account(market, heal.borrower, heal.liquidator, prices_mantissa=prices_mantissa, slot=slot)
    if isinstance(healed, Healed):
        return heal if _repaid_of(healed, heal.debt_id) <= regular.repay_amount else regular
    if healed.name != "CollateralExceedsThreshold":
        return heal
    batch = _batch(market, regular, prices_mantissa, slot)
    asked = sum(order.repay_amount for order in batch.orders if order.debt_id == batch.debt_id)
    return batch if asked <= regular.repay_amount else regular


def _outcome(market: Market, call: Call, prices_mantissa: Prices, slot: int) -> Outcome | Revert:
    if isinstance(call, LiquidationCall):
        return liquidate_borrow(market, call, prices_mantissa=prices_mantissa, slot=slot)
    if isinstance(call, Heal):
        return heal_account(
            market, call.borrower, call.liquidator, prices_mantissa=prices_mantissa, slot=slot
        )
    return liquidate_account(
        market, call.borrower, call.liquidator, call.orders, prices_mantissa=prices_mantissa, slot=slot
    )


def _repayments(outcome: Outcome, debt_id: MarketId) -> Iterable[tuple[MarketId, int]]:
    """What was repaid, debt by debt [underlying]; of a regular call that was of `debt_id`."""
    if isinstance(outcome, Liquidated):
        return [(debt_id, outcome.repaid_underlying)]
    if isinstance(outcome, Healed):
        return outcome.repaid_underlying.items()
    return [(leg.order.debt_id, leg.repaid_underlying) for leg in outcome.legs]


def _seizures(outcome: Outcome, collateral_id: MarketId) -> Iterable[tuple[MarketId, Seized]]:
    """Every seizure by its collateral; of a regular call that was `collateral_id`."""
    if isinstance(outcome, Liquidated):
        return [(collateral_id, outcome.seized)]
    if isinstance(outcome, Healed):
        return outcome.seized.items()
    return [(leg.order.collateral_id, leg.seized) for leg in outcome.legs]


def _repaid_of(outcome: Outcome, debt_id: MarketId) -> int:
    """What was repaid of one debt. [underlying]"""
    return sum(amount for i, amount in _repayments(outcome, debt_id) if i == debt_id)


def _worth(market: Market, market_id: MarketId, vtokens: int) -> int:
    """[underlying] Rounded down."""
    return mul_div_down(exchange_rate(market.vtokens[market_id]), vtokens, WAD)


def _batch(market: Market, pair: LiquidationCall, prices_mantissa: Prices, slot: int) -> Batch:
    """Orders that repay every debt to the unit, the pair's debt and collateral first."""
    ledger = Ledger(viewed_at(market, slot), slot)
    return Batch(
        collateral_id=pair.collateral_id,
        debt_id=pair.debt_id,
        borrower=pair.borrower,
        liquidator=pair.liquidator,
        orders=tuple(_orders(ledger, pair, prices_mantissa)),
    )


def _orders(ledger: Ledger, pair: LiquidationCall, prices_mantissa: Prices) -> Iterator[LiquidationOrder]:
    entered = {
        one.market_id: ledger.position(pair.borrower, one.market_id)
        for one in ledger.assets_in(pair.borrower)
    }
    left = {i: one.vtokens for i, one in entered.items() if one.vtokens}
    for debt_id in sorted(entered, key=lambda i: i != pair.debt_id):
        debt = borrow_balance(ledger.vtoken(debt_id), entered[debt_id])
        for collateral_id in sorted(left, key=lambda i: i != pair.collateral_id):
            whole = LiquidationOrder(collateral_id=collateral_id, debt_id=debt_id, repay_amount=debt)
            ratio_mantissa = seize_ratio_of(ledger, whole, prices_mantissa)
            covered = largest_repay(ratio_mantissa, left[collateral_id])
            amount = debt if covered is None else min(debt, covered)
            if amount and left[collateral_id]:
                yield LiquidationOrder(collateral_id=collateral_id, debt_id=debt_id, repay_amount=amount)
                debt -= amount
                left[collateral_id] -= seize_vtokens(ratio_mantissa, amount)
