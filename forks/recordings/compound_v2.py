"""Recorded liquidations of Compound v2: from a record to a call of the model, and back to the layout of `expect`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from forks.recordings.records import Decimals, Uint, distinct
from forks.recordings.records import Record as _Record
from protocol.compound_v2 import (
    Account,
    CToken,
    CTokenConfig,
    Failure,
    Liquidated,
    LiquidationCall,
    Market,
    MarketId,
    Position,
    RateModel,
    Revert,
    account_data,
    accrue_interest,
    borrow_balance,
    comptroller_rules_of,
    ctoken_rules_of,
    exchange_rate,
    liquidate_borrow,
)
from protocol.errors import EvmRevert
from protocol.fixed_point.mantissa import mantissa_mul_down

BORROWER, LIQUIDATOR = "borrower", "liquidator"
RELEASES: Mapping[str, str] = {"2.9": "2.9", "2.8% protocol seize share": "2.9"}
"""What a file calls a revision, and the release of Comptroller and cTokens that it is."""
_STORED = (
    "cash_underlying",
    "total_borrows_underlying",
    "total_reserves_underlying",
    "total_supply_ctokens",
    "borrow_index_mantissa",
    "accrual_block_number",
)
_HELD = ("ctokens", "borrow_principal_underlying", "borrow_interest_index_mantissa")


class MarketRecord(_Record):
    """One cToken: its configuration, its price and what it stores."""

    market_id: Uint
    underlying_decimals: Decimals
    collateral_factor_mantissa: Uint
    reserve_factor_mantissa: Uint
    protocol_seize_share_mantissa: Uint
    initial_exchange_rate_mantissa: Uint
    price_mantissa: Uint
    base_rate_per_block_mantissa: Uint
    multiplier_per_block_mantissa: Uint
    jump_multiplier_per_block_mantissa: Uint
    kink_mantissa: Uint
    cash_underlying: Uint
    total_borrows_underlying: Uint
    total_reserves_underlying: Uint
    total_supply_ctokens: Uint
    borrow_index_mantissa: Uint
    accrual_block_number: Uint


class PositionRecord(_Record):
    """What one account holds and owes in one market, and whether it is in it."""

    market_id: Uint
    entered: bool
    ctokens: Uint
    borrow_principal_underlying: Uint
    borrow_interest_index_mantissa: Uint

    @model_validator(mode="after")
    def _has_an_index(self) -> Self:
        if self.borrow_principal_underlying and not self.borrow_interest_index_mantissa:
            raise PydanticCustomError("index", "has debt without borrow_interest_index_mantissa")
        return self


class AccountRecord(_Record):
    """An account."""

    positions: Annotated[list[PositionRecord], distinct("market_id")]


class State(_Record):
    """Everything stored that the call reads, as of each market's last accrual."""

    block_number: Uint
    close_factor_mantissa: Uint
    liquidation_incentive_mantissa: Uint
    markets: Annotated[list[MarketRecord], distinct("market_id", ascending=True)]
    borrower: AccountRecord
    liquidator: AccountRecord


class Action(_Record):
    """`liquidateBorrow`, the market it is called on, and who sends it."""

    type: Literal["liquidate_borrow"]
    borrowed_market_id: Uint
    collateral_market_id: Uint
    repay_amount_underlying: Uint
    self_liquidation: bool


class Record(_Record):
    """State and action of one case, which only name markets that are there."""

    state: State
    action: Action

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for what in _contradictions(self.state, self.action):
            raise PydanticCustomError("contradiction", "{what}", {"what": what})
        return self


def _contradictions(state: State, action: Action) -> Iterator[str]:
    known = {market.market_id for market in state.markets}
    named = {"action": {action.borrowed_market_id, action.collateral_market_id}}
    for user, account in (("borrower", state.borrower), ("liquidator", state.liquidator)):
        named[f"state.{user}"] = {position.market_id for position in account.positions}
    for place, market_ids in named.items():
        for market_id in sorted(market_ids - known):
            yield f"{place} names market {market_id}, which state.markets lacks"
    for market in state.markets:
        if market.accrual_block_number > state.block_number:
            yield f"market {market.market_id} accrued after state.block_number"


def revisions() -> list[str]:
    """The revisions whose records can be replayed."""
    return list(RELEASES)


def replayed(record: Record, revision: str) -> dict[str, Any]:
    """What the model says of a record, in the layout of `expect`."""
    return outputs_of(case_of(record, RELEASES[revision]))


# --- from a record to the model -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One recorded call, as the model takes it."""

    market: Market
    call: LiquidationCall
    prices_mantissa: Mapping[MarketId, int]
    block_number: int


def case_of(record: Record, release: str) -> Case:
    """The call and the market it meets."""
    state = record.state
    return Case(
        market=Market(
            rules=comptroller_rules_of(release),
            close_factor_mantissa=state.close_factor_mantissa,
            liquidation_incentive_mantissa=state.liquidation_incentive_mantissa,
            ctokens={one.market_id: _ctoken(one, release) for one in state.markets},
            accounts={BORROWER: _account(state.borrower), LIQUIDATOR: _account(state.liquidator)},
        ),
        call=_call(record.action),
        prices_mantissa={market.market_id: market.price_mantissa for market in state.markets},
        block_number=state.block_number,
    )


def _ctoken(record: MarketRecord, release: str) -> CToken:
    symbol = f"C{record.market_id}"
    share = record.protocol_seize_share_mantissa
    return CToken(
        market_id=record.market_id,
        address=symbol,
        symbol=symbol,
        underlying=f"U{record.market_id}",
        underlying_decimals=record.underlying_decimals,
        rules=replace(ctoken_rules_of(release), protocol_seize_share_mantissa=share),
        rate_model=RateModel(
            base_rate_per_block_mantissa=record.base_rate_per_block_mantissa,
            multiplier_per_block_mantissa=record.multiplier_per_block_mantissa,
            jump_multiplier_per_block_mantissa=record.jump_multiplier_per_block_mantissa,
            kink_mantissa=record.kink_mantissa,
        ),
        config=CTokenConfig(
            collateral_factor_mantissa=record.collateral_factor_mantissa,
            reserve_factor_mantissa=record.reserve_factor_mantissa,
            initial_exchange_rate_mantissa=record.initial_exchange_rate_mantissa,
        ),
        **{name: getattr(record, name) for name in _STORED},
    )


def _account(record: AccountRecord) -> Account:
    positions = {
        one.market_id: Position(**{name: getattr(one, name) for name in _HELD}) for one in record.positions
    }
    return Account(
        positions={market_id: held for market_id, held in sorted(positions.items()) if held != Position()},
        entered=tuple(sorted(one.market_id for one in record.positions if one.entered)),
    )


def _call(action: Action) -> LiquidationCall:
    return LiquidationCall(
        collateral_id=action.collateral_market_id,
        debt_id=action.borrowed_market_id,
        borrower=BORROWER,
        liquidator=BORROWER if action.self_liquidation else LIQUIDATOR,
        repay_amount=action.repay_amount_underlying,
    )


# --- from the model to the layout of `expect` ---------------------------------------------------------------


def outputs_of(case: Case) -> dict[str, Any]:
    """What the model says of a call, in the layout of `expect`."""
    outputs: dict[str, Any] = {"before": dict(_before(case))}
    outcome = outcome_of(case)
    if not isinstance(outcome, Liquidated):
        return {"reverts": outcome.name} | outputs
    return outputs | _amounts(outcome) | {"after": _after(case, outcome.market)}


def outcome_of(case: Case) -> Liquidated | Failure | Revert:
    """The call itself."""
    return liquidate_borrow(
        case.market, case.call, prices_mantissa=case.prices_mantissa, block_number=case.block_number
    )


def _before(case: Case) -> Iterator[tuple[str, Any]]:
    """What the call finds once its two markets have accrued; where one of them cannot, nothing."""
    market = case.market
    for market_id in (case.call.debt_id, case.call.collateral_id):
        accrued = accrue_interest(market, market_id, block_number=case.block_number)
        if isinstance(accrued, Failure | Revert):
            return
        market = accrued.market
    try:
        yield from _views(case, market)
    except EvmRevert:
        return


def _views(case: Case, market: Market) -> Iterator[tuple[str, Any]]:
    data = account_data(
        market, BORROWER, prices_mantissa=case.prices_mantissa, block_number=case.block_number
    )
    owed = _owed(market, case.call.debt_id)
    yield "liquidity_usd_mantissa", data.liquidity_usd_mantissa
    yield "shortfall_usd_mantissa", data.shortfall_usd_mantissa
    yield "borrow_balance_underlying", owed
    yield "exchange_rate_collateral_mantissa", exchange_rate(market.ctokens[case.call.collateral_id])
    yield "max_close_underlying", mantissa_mul_down(market.close_factor_mantissa, owed)


def _owed(market: Market, market_id: MarketId) -> int:
    held = market.accounts[BORROWER].positions.get(market_id, Position())
    return borrow_balance(market.ctokens[market_id], held)


def _amounts(outcome: Liquidated) -> dict[str, int]:
    return {
        "repaid_underlying": outcome.repaid_underlying,
        "seize_ctokens": outcome.seized_ctokens,
        "protocol_seize_ctokens": outcome.protocol_seized_ctokens,
        "liquidator_seize_ctokens": outcome.liquidator_seized_ctokens,
        "protocol_seize_underlying": outcome.protocol_seized_underlying,
    }


def _after(case: Case, market: Market) -> dict[str, Any]:
    return {
        "borrow_balance_underlying": _owed(market, case.call.debt_id),
        "markets": [
            {"market_id": i} | {name: getattr(one, name) for name in _STORED}
            for i, one in market.ctokens.items()
        ],
        BORROWER: {"positions": _positions(market, BORROWER)},
        LIQUIDATOR: {"positions": _positions(market, LIQUIDATOR)},
    }


def _positions(market: Market, user: str) -> list[dict[str, Any]]:
    """Of every market, also where there is nothing."""
    account = market.accounts[user]
    return [
        {"market_id": i, "entered": i in account.entered}
        | {name: getattr(account.positions.get(i, Position()), name) for name in _HELD}
        for i in market.ctokens
    ]
