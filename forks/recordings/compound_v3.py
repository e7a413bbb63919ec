"""Recorded absorptions of Compound v3 (Comet): from a record to a call of the model, and back to `expect`.

What the format does not tell is what a replay does not read: supply caps, reserves aimed at, the least debt,
rewards, and what the contract itself owns of a collateral.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from forks.recordings.records import Decimals, Int, Uint, distinct
from forks.recordings.records import Record as _Record
from protocol.compound_v3 import (
    BASE,
    REVISIONS,
    Account,
    Asset,
    AssetId,
    AssetInfo,
    Config,
    LiquidationCall,
    Market,
    RateCurve,
    Revert,
    absorb,
    account_data,
    quote_collateral,
    reserves,
    rules_of,
    viewed_at,
)
from protocol.errors import EvmRevert

BORROWER, ABSORBER = "borrower", "absorber"
LEAST_BASE_DECIMALS, MOST_BASE_DECIMALS = 6, 18
"""`BadDecimals` outside: no market can be made with such a base asset."""


class AssetRecord(_Record):
    """A collateral: its parameters as the contract returns them, its price and what users have of it."""

    asset_index: Uint
    decimals: Decimals
    price8: Uint
    borrow_collateral_factor: Uint
    liquidate_collateral_factor: Uint
    liquidation_factor: Uint
    total_collateral: Uint


class BorrowerRecord(_Record):
    """The account: its principal, and its collaterals in the order of `assets`."""

    principal_signed: Int
    collateral: list[Uint]


class State(_Record):
    """Everything stored that the call reads, as of the last accrual."""

    timestamp: Uint
    base_decimals: Decimals
    price_base_price8: Uint
    store_front_price_factor: Uint
    base_token_balance: Uint
    base_supply_index: Uint
    base_borrow_index: Uint
    total_supply_base_principal: Uint
    total_borrow_base_principal: Uint
    last_accrual_timestamp: Uint
    supply_kink: Uint
    supply_per_second_base: Uint
    supply_per_second_slope_low: Uint
    supply_per_second_slope_high: Uint
    borrow_kink: Uint
    borrow_per_second_base: Uint
    borrow_per_second_slope_low: Uint
    borrow_per_second_slope_high: Uint
    assets: Annotated[list[AssetRecord], distinct("asset_index", ascending=True)]
    borrower: BorrowerRecord


class QuoteRecord(_Record):
    """What is asked of `quoteCollateral`, before the absorption."""

    asset_index: Uint
    base_amount: Uint


class Action(_Record):
    """`absorb` of the borrower, and the quotes."""

    type: Literal["absorb"]
    quotes: list[QuoteRecord]


class Record(_Record):
    """State and action of one case, which only name collaterals that are there."""

    state: State
    action: Action

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for what in _contradictions(self.state, self.action):
            raise PydanticCustomError("contradiction", "{what}", {"what": what})
        return self


def _contradictions(state: State, action: Action) -> Iterator[str]:
    n_assets = len(state.assets)
    if not LEAST_BASE_DECIMALS <= state.base_decimals <= MOST_BASE_DECIMALS:
        yield f"state.base_decimals must be from {LEAST_BASE_DECIMALS} to {MOST_BASE_DECIMALS}"
    if [asset.asset_index for asset in state.assets] != list(range(n_assets)):
        yield "state.assets must be numbered from 0 without a gap"
    if len(state.borrower.collateral) != n_assets:
        yield "state.borrower.collateral must have one balance for each of state.assets"
    for quote in action.quotes:
        if quote.asset_index >= n_assets:
            yield f"action.quotes names asset {quote.asset_index}, which state.assets lacks"
    if state.last_accrual_timestamp > state.timestamp:
        yield "state.last_accrual_timestamp is after state.timestamp"


def revisions() -> list[str]:
    """The revisions whose records can be replayed."""
    return [rules.revision for rules in REVISIONS]


def replayed(record: Record, revision: str) -> dict[str, Any]:
    """What the model says of a record, in the layout of `expect`."""
    return outputs_of(case_of(record, revision))


# --- from a record to the model -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One recorded call, as the model takes it."""

    market: Market
    call: LiquidationCall
    quotes: tuple[tuple[AssetId, int], ...]
    """Collateral and base amount [base asset units] of each quote."""
    prices_base: Mapping[AssetId, int]
    timestamp: int


def case_of(record: Record, revision: str) -> Case:
    """The call and the market it meets."""
    state = record.state
    collateral = {i: balance for i, balance in enumerate(state.borrower.collateral) if balance}
    market = Market(
        rules=rules_of(revision),
        config=_config(state),
        base_supply_index_e15=state.base_supply_index,
        base_borrow_index_e15=state.base_borrow_index,
        total_supply_principal=state.total_supply_base_principal,
        total_borrow_principal=state.total_borrow_base_principal,
        last_accrual_timestamp=state.last_accrual_timestamp,
        base_balance=state.base_token_balance,
        assets={one.asset_index: _asset(one) for one in state.assets},
        accounts={BORROWER: Account(principal=state.borrower.principal_signed, collateral=collateral)},
    )
    prices = {asset.asset_index: asset.price8 for asset in state.assets}
    return Case(
        market=market,
        call=LiquidationCall(absorber=ABSORBER, accounts=(BORROWER,)),
        quotes=tuple((quote.asset_index, quote.base_amount) for quote in record.action.quotes),
        prices_base=prices | {BASE: state.price_base_price8},
        timestamp=state.timestamp,
    )


def _config(state: State) -> Config:
    return Config(
        base_scale=10**state.base_decimals,
        supply_curve=RateCurve(
            kink_wad=state.supply_kink,
            base_rate_per_second_wad=state.supply_per_second_base,
            slope_low_per_second_wad=state.supply_per_second_slope_low,
            slope_high_per_second_wad=state.supply_per_second_slope_high,
        ),
        borrow_curve=RateCurve(
            kink_wad=state.borrow_kink,
            base_rate_per_second_wad=state.borrow_per_second_base,
            slope_low_per_second_wad=state.borrow_per_second_slope_low,
            slope_high_per_second_wad=state.borrow_per_second_slope_high,
        ),
        store_front_price_factor_wad=state.store_front_price_factor,
    )


def _asset(record: AssetRecord) -> Asset:
    symbol = f"A{record.asset_index}"
    return Asset(
        asset_id=record.asset_index,
        asset=symbol,
        symbol=symbol,
        info=AssetInfo(
            scale=10**record.decimals,
            borrow_collateral_factor_wad=record.borrow_collateral_factor,
            liquidate_collateral_factor_wad=record.liquidate_collateral_factor,
            liquidation_factor_wad=record.liquidation_factor,
            supply_cap=record.total_collateral,
        ),
        total_supply=record.total_collateral,
        balance=record.total_collateral,
    )


# --- from the model to the layout of `expect` ---------------------------------------------------------------


def outputs_of(case: Case) -> dict[str, Any]:
    """What the model says of a call, in the layout of `expect`."""
    outputs: dict[str, Any] = {"before": dict(_before(case)), "quotes": _quotes(case)}
    outcome = absorb(case.market, case.call, prices_base=case.prices_base, timestamp=case.timestamp)
    if isinstance(outcome, Revert):
        return {"reverts": outcome.name} | outputs
    (account,) = outcome.absorbed
    taken = [
        {"asset_index": asset_id, "amount": one.amount, "usd_value8": one.value_base}
        for asset_id, one in account.collateral.items()
    ]
    return outputs | {
        "collateral_absorbed": taken,
        "base_paid_out": account.base_paid_out,
        "usd_value_of_base_paid_out8": account.value_of_base_paid_out_base,
        "debt_not_covered_by_collateral_base": account.debt_forgiven,
        "after": _after(outcome.market, case.timestamp),
    }


def _before(case: Case) -> Iterator[tuple[str, Any]]:
    """The account as the call will find it, accrued; a view that reverts has no value."""
    try:
        viewed = viewed_at(case.market, case.timestamp)
        data = account_data(case.market, BORROWER, prices_base=case.prices_base, timestamp=case.timestamp)
    except EvmRevert:
        return
    yield "base_supply_index", viewed.base_supply_index_e15
    yield "base_borrow_index", viewed.base_borrow_index_e15
    yield "debt_base", data.borrow_balance
    yield "is_liquidatable", data.is_absorbable


def _quotes(case: Case) -> list[int | None]:
    quoted = (
        quote_collateral(case.market, asset_id, base_amount, prices_base=case.prices_base)
        for asset_id, base_amount in case.quotes
    )
    return [None if isinstance(quote, Revert) else quote for quote in quoted]


def _after(market: Market, timestamp: int) -> dict[str, Any]:
    return {
        "principal_signed": market.accounts[BORROWER].principal,
        "total_supply_base_principal": market.total_supply_principal,
        "total_borrow_base_principal": market.total_borrow_principal,
        "base_supply_index": market.base_supply_index_e15,
        "base_borrow_index": market.base_borrow_index_e15,
        "total_collateral": [asset.total_supply for asset in market.assets.values()],
        "reserves_base_signed": _reserves(market, timestamp),
    }


def _reserves(market: Market, timestamp: int) -> int | None:
    try:
        return reserves(market, timestamp)
    except EvmRevert:
        return None
