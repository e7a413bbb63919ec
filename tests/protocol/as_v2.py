"""A market of Aave v3.0.0 as Aave v2 would hold it: the fields that both have, with the same values."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from protocol import aave_v2, aave_v3
from protocol.aave_v2.state import StableDebt, StableStrategy, StableTotals


def as_v2(market: aave_v3.Market) -> aave_v2.Market:
    """The same reserves and accounts under the rules of v2, which has no efficiency modes, caps or fees."""
    return aave_v2.Market(
        reserves={reserve_id: _reserve(one) for reserve_id, one in market.reserves.items()},
        accounts={user: _account(one) for user, one in market.accounts.items()},
        treasury=market.treasury,
    )


def call_v2(call: aave_v3.LiquidationCall) -> aave_v2.LiquidationCall:
    """The same call."""
    return _copied(aave_v2.LiquidationCall, call)


def _reserve(one: aave_v3.Reserve) -> aave_v2.Reserve:
    strategy = _copied(
        aave_v2.RateStrategy, one.strategy, stable=_copied(StableStrategy, one.strategy.stable)
    )
    return _copied(
        aave_v2.Reserve,
        one,
        config=_copied(aave_v2.ReserveConfig, one.config),
        strategy=strategy,
        stable_debt=_copied(StableTotals, one.stable_debt),
    )


def _account(one: aave_v3.Account) -> aave_v2.Account:
    return aave_v2.Account(
        positions={
            reserve_id: _copied(
                aave_v2.Position, position, stable_debt=_copied(StableDebt, position.stable_debt)
            )
            for reserve_id, position in one.positions.items()
        }
    )


def _copied(kind: Any, one: Any, **changes: Any) -> Any:
    shared = {field.name: getattr(one, field.name) for field in fields(kind)}
    return kind(**{**shared, **changes})
