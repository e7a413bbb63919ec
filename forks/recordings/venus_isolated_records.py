"""The fields of a recorded call of Venus isolated pools, checked as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from forks.recordings.records import Decimals, Uint, distinct
from forks.recordings.records import Record as _Record
from protocol.venus_isolated import LiquidationOrder

BORROWER, LIQUIDATOR = "borrower", "liquidator"


class MarketRecord(_Record):
    """One market: its configuration, its price and what it stores."""

    market_id: Uint
    underlying_decimals: Decimals
    collateral_factor_mantissa: Uint
    liquidation_threshold_mantissa: Uint
    reserve_factor_mantissa: Uint
    initial_exchange_rate_mantissa: Uint
    price_mantissa: Uint
    base_rate_per_second_mantissa: Uint
    multiplier_per_second_mantissa: Uint
    jump_multiplier_per_second_mantissa: Uint
    kink_mantissa: Uint
    cash_underlying: Uint
    total_borrows_underlying: Uint
    total_reserves_underlying: Uint
    total_supply_vtokens: Uint
    borrow_index_mantissa: Uint
    bad_debt_underlying: Uint
    accrual_timestamp: Uint


class PositionRecord(_Record):
    """What one account holds and owes in one market, and whether it is in it."""

    market_id: Uint
    entered: bool
    vtokens: Uint
    borrow_principal_underlying: Uint
    borrow_interest_index_mantissa: Uint


class AccountRecord(_Record):
    """An account, in every market."""

    positions: Annotated[list[PositionRecord], distinct("market_id")]


class State(_Record):
    """The pool as stored, and the two accounts."""

    timestamp: Uint
    close_factor_mantissa: Uint
    liquidation_incentive_mantissa: Uint
    min_liquidatable_collateral_mantissa: Uint
    protocol_seize_share_mantissa: Uint
    markets: Annotated[list[MarketRecord], distinct("market_id", ascending=True)]
    borrower: AccountRecord
    liquidator: AccountRecord


class OrderRecord(_Record):
    """One repayment against one collateral."""

    borrowed_market_id: Uint
    collateral_market_id: Uint
    repay_amount_underlying: Uint

    @property
    def order(self) -> LiquidationOrder:
        """As the model takes it."""
        return LiquidationOrder(
            collateral_id=self.collateral_market_id,
            debt_id=self.borrowed_market_id,
            repay_amount=self.repay_amount_underlying,
        )


class LiquidateBorrow(OrderRecord):
    """`VToken.liquidateBorrow`."""

    type: Literal["liquidate_borrow"]
    self_liquidation: bool

    @property
    def orders(self) -> list[OrderRecord]:
        """The one order that it is."""
        return [self]


class LiquidateAccount(_Record):
    """`Comptroller.liquidateAccount`."""

    type: Literal["liquidate_account"]
    self_liquidation: bool
    orders: list[OrderRecord]


class HealAccount(_Record):
    """`Comptroller.healAccount`."""

    type: Literal["heal_account"]
    self_liquidation: bool

    @property
    def orders(self) -> list[OrderRecord]:
        """None: everything is repaid and taken."""
        return []


class Record(_Record):
    """State and action of one case, which only name markets that are there."""

    state: State
    action: Annotated[LiquidateBorrow | LiquidateAccount | HealAccount, Field(discriminator="type")]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for what in _contradictions(self):
            raise PydanticCustomError("contradiction", "{what}", {"what": what})
        return self


def _contradictions(record: Record) -> Iterator[str]:
    state = record.state
    known = {market.market_id for market in state.markets}
    for user, account in ((BORROWER, state.borrower), (LIQUIDATOR, state.liquidator)):
        if {position.market_id for position in account.positions} != known:
            yield f"state.{user} must have one position in every market"
        for position in account.positions:
            if position.borrow_principal_underlying and not position.borrow_interest_index_mantissa:
                yield f"state.{user} owes in market {position.market_id} at an index of 0"
    for order in record.action.orders:
        for market_id in (order.borrowed_market_id, order.collateral_market_id):
            if market_id not in known:
                yield f"action names market {market_id}, which state.markets lacks"
    for market in state.markets:
        if market.accrual_timestamp > state.timestamp:
            yield f"market {market.market_id} accrued after state.timestamp"
