"""Recorded liquidations and healings of Venus isolated pools: from a record to the model, and back to `expect`.

The files count seconds; the model calls a block or a second a slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from forks.recordings.venus_isolated_records import (
    BORROWER,
    LIQUIDATOR,
    AccountRecord,
    HealAccount,
    LiquidateAccount,
    LiquidateBorrow,
    MarketRecord,
    Record,
    State,
)
from protocol.errors import EvmRevert
from protocol.units import MAX_UINT256
from protocol.venus_isolated import (
    REVISIONS,
    Account,
    AccountData,
    AccountLiquidated,
    Healed,
    JumpRateModel,
    Liquidated,
    LiquidationCall,
    Market,
    MarketId,
    Position,
    Revert,
    Seized,
    VToken,
    account_data,
    accrue,
    borrow_balance,
    exchange_rate,
    heal_account,
    liquidate_account,
    liquidate_borrow,
    rules_of,
)

_CONFIG = (
    "market_id",
    "underlying_decimals",
    "collateral_factor_mantissa",
    "liquidation_threshold_mantissa",
    "reserve_factor_mantissa",
    "initial_exchange_rate_mantissa",
)
_STORED = (
    "cash_underlying",
    "total_borrows_underlying",
    "total_reserves_underlying",
    "total_supply_vtokens",
    "borrow_index_mantissa",
    "bad_debt_underlying",
)
_HELD = ("vtokens", "borrow_principal_underlying", "borrow_interest_index_mantissa")
_TOTALS = (
    "total_collateral_usd_mantissa",
    "weighted_collateral_usd_mantissa",
    "borrows_usd_mantissa",
    "shortfall_usd_mantissa",
)


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
    action: LiquidateBorrow | LiquidateAccount | HealAccount
    prices_mantissa: Mapping[MarketId, int]
    timestamp: int

    @property
    def liquidator(self) -> str:
        """Who sends it."""
        return BORROWER if self.action.self_liquidation else LIQUIDATOR


def case_of(record: Record, revision: str) -> Case:
    """The call and the market it meets."""
    state = record.state
    market = Market(
        rules=rules_of(revision),
        close_factor_mantissa=state.close_factor_mantissa,
        liquidation_incentive_mantissa=state.liquidation_incentive_mantissa,
        min_liquidatable_collateral_usd_mantissa=state.min_liquidatable_collateral_mantissa,
        vtokens={one.market_id: _vtoken(one, state) for one in state.markets},
        accounts={BORROWER: _account(state.borrower), LIQUIDATOR: _account(state.liquidator)},
        is_time_based=True,
    )
    return Case(
        market=market,
        action=record.action,
        prices_mantissa={one.market_id: one.price_mantissa for one in state.markets},
        timestamp=state.timestamp,
    )


def _vtoken(record: MarketRecord, state: State) -> VToken:
    return VToken(
        symbol=f"V{record.market_id}",
        protocol_seize_share_mantissa=state.protocol_seize_share_mantissa,
        rate_model=JumpRateModel(
            base_rate_per_slot_mantissa=record.base_rate_per_second_mantissa,
            multiplier_per_slot_mantissa=record.multiplier_per_second_mantissa,
            jump_multiplier_per_slot_mantissa=record.jump_multiplier_per_second_mantissa,
            kink_mantissa=record.kink_mantissa,
        ),
        max_borrow_rate_mantissa=MAX_UINT256,
        accrual_slot=record.accrual_timestamp,
        **{name: getattr(record, name) for name in (*_CONFIG, *_STORED)},
    )


def _account(record: AccountRecord) -> Account:
    positions = sorted(record.positions, key=lambda position: position.market_id)
    held = {one.market_id: Position(**{name: getattr(one, name) for name in _HELD}) for one in positions}
    return Account(
        positions={i: position for i, position in held.items() if position != Position()},
        entered=tuple(one.market_id for one in positions if one.entered),
    )


# --- from the model to the layout of `expect` ---------------------------------------------------------------


def outputs_of(case: Case) -> dict[str, Any]:
    """What the model says of a call, in the layout of `expect`."""
    outputs: dict[str, Any] = {"before": _before(case)}
    outcome = _CALLS[case.action.type](case)
    if isinstance(outcome, Revert):
        return {"reverts": outcome.name} | outputs
    return outputs | _amounts(case, outcome) | {"after": _after(case, outcome.market)}


def _liquidate_borrow(case: Case) -> Liquidated | Revert:
    order = case.action.orders[0].order
    call = LiquidationCall(
        collateral_id=order.collateral_id,
        debt_id=order.debt_id,
        borrower=BORROWER,
        liquidator=case.liquidator,
        repay_amount=order.repay_amount,
    )
    return liquidate_borrow(case.market, call, prices_mantissa=case.prices_mantissa, slot=case.timestamp)


def _liquidate_account(case: Case) -> AccountLiquidated | Revert:
    orders = [record.order for record in case.action.orders]
    return liquidate_account(
        case.market,
        BORROWER,
        case.liquidator,
        orders,
        prices_mantissa=case.prices_mantissa,
        slot=case.timestamp,
    )


def _heal_account(case: Case) -> Healed | Revert:
    return heal_account(
        case.market,
        BORROWER,
        case.liquidator,
        prices_mantissa=case.prices_mantissa,
        slot=case.timestamp,
    )


_CALLS: Mapping[str, Callable[[Case], Liquidated | AccountLiquidated | Healed | Revert]] = {
    "liquidate_borrow": _liquidate_borrow,
    "liquidate_account": _liquidate_account,
    "heal_account": _heal_account,
}


def _before(case: Case) -> dict[str, int]:
    """The account after accruing what the call accrues before it looks; a view that reverts has no value."""
    try:
        market = _accrued(case)
        data = account_data(market, BORROWER, prices_mantissa=case.prices_mantissa, slot=case.timestamp)
        return _totals(data) | _of_the_pair(case, market)
    except EvmRevert:
        return {}


def _accrued(case: Case) -> Market:
    market, to_accrue = case.market, set[MarketId]()
    if isinstance(case.action, LiquidateBorrow):
        to_accrue = {case.action.borrowed_market_id, case.action.collateral_market_id}
    elif isinstance(case.action, HealAccount):
        to_accrue = set(market.accounts[BORROWER].entered)
    vtokens = {
        i: accrue(vtoken, market.rules, case.timestamp) if i in to_accrue else vtoken
        for i, vtoken in market.vtokens.items()
    }
    return replace(market, vtokens=vtokens)


def _totals(data: AccountData) -> dict[str, int]:
    return {name: getattr(data, name) for name in _TOTALS}


def _of_the_pair(case: Case, market: Market) -> dict[str, int]:
    if not isinstance(case.action, LiquidateBorrow):
        return {}
    debt_id, collateral_id = case.action.borrowed_market_id, case.action.collateral_market_id
    owing = market.accounts[BORROWER].positions.get(debt_id, Position())
    return {
        "borrow_balance_underlying": borrow_balance(market.vtokens[debt_id], owing),
        "exchange_rate_collateral_mantissa": exchange_rate(market.vtokens[collateral_id]),
    }


def _amounts(case: Case, outcome: Liquidated | AccountLiquidated | Healed) -> dict[str, Any]:
    if isinstance(outcome, Healed):
        return {
            "repaid": _listed(outcome.repaid_underlying.items()),
            "seized": [_seizure(i, seized) for i, seized in outcome.seized.items()],
            "bad_debt_increase": _listed(outcome.bad_debt_underlying.items()),
        }
    if isinstance(outcome, AccountLiquidated):
        legs = [(leg.order, leg.repaid_underlying, leg.seized) for leg in outcome.legs]
    else:
        legs = [(case.action.orders[0].order, outcome.repaid_underlying, outcome.seized)]
    return {
        "repaid": _listed((order.debt_id, repaid) for order, repaid, _ in legs),
        "seized": [_seizure(order.collateral_id, seized) for order, _, seized in legs],
        "bad_debt_increase": [],
    }


def _listed(amounts: Iterable[tuple[MarketId, int]]) -> list[dict[str, int]]:
    return [{"market_id": i, "amount_underlying": amount} for i, amount in amounts]


def _seizure(market_id: MarketId, seized: Seized) -> dict[str, int]:
    return {
        "market_id": market_id,
        "seize_vtokens": seized.seized_vtokens,
        "protocol_seize_vtokens": seized.protocol_seized_vtokens,
        "protocol_seize_underlying": seized.protocol_seized_underlying,
    }


def _after(case: Case, market: Market) -> dict[str, Any]:
    return {
        "markets": [_stored(vtoken) for vtoken in market.vtokens.values()],
        BORROWER: {"positions": _positions(market, BORROWER)},
        LIQUIDATOR: {"positions": _positions(market, LIQUIDATOR)},
    }


def _stored(vtoken: VToken) -> dict[str, int]:
    stored = {name: getattr(vtoken, name) for name in ("market_id", *_STORED)}
    return stored | {"accrual_timestamp": vtoken.accrual_slot}


def _positions(market: Market, user: str) -> list[dict[str, Any]]:
    account = market.accounts[user]
    return [
        {"market_id": i, "entered": i in account.entered}
        | {name: getattr(account.positions.get(i, Position()), name) for name in _HELD}
        for i in market.vtokens
    ]
