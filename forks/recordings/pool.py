"""What a pool of Aave v2 or v3 says of a recorded call, in the layout of `expect`.

The two rule sets share no class, only the names of their fields: hence `Any` where either may stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from protocol.errors import EvmRevert

BORROWER, LIQUIDATOR, TREASURY = "borrower", "liquidator", "treasury"
HELD = ("scaled_atoken", "scaled_variable_debt", "collateral_enabled", "borrowing")
STORED = (
    "liquidity_index_ray",
    "variable_borrow_index_ray",
    "liquidity_rate_ray",
    "variable_borrow_rate_ray",
    "last_update_timestamp",
    "total_scaled_atoken",
    "total_scaled_variable_debt",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One recorded call, as the model takes it."""

    market: Any
    call: Any
    prices_base: Mapping[int, int]
    timestamp: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """A rule set as the layout needs it."""

    base: str
    """What amounts in base currency end in."""
    account_data: Callable[..., Any]
    liquidation_call: Callable[..., Any]
    revert: type[Any]
    """What `liquidation_call` returns where the contract fails."""
    indexes_at: Callable[[Any, Any, int], tuple[int, int]]
    """(market, reserve, timestamp) -> normalized income and variable debt [ray]"""
    balances_at: Callable[[Any, Any, tuple[int, int]], tuple[int, int]]
    """(market, position, indexes) -> aToken and variable debt [asset units]"""
    amounts: Callable[[Any], dict[str, Any]]
    """What the events of a liquidation say."""
    stored: Callable[[Any], dict[str, Any]]
    """What one reserve stores."""


def outputs_of(case: Case, pool: Pool) -> dict[str, Any]:
    """What the model says of a call, in the layout of `expect`."""
    outputs: dict[str, Any] = {"before": dict(_before(case, pool))}
    outcome = pool.liquidation_call(
        case.market, case.call, prices_base=case.prices_base, timestamp=case.timestamp
    )
    if isinstance(outcome, pool.revert):
        return {"reverts": outcome.name} | outputs
    return outputs | pool.amounts(outcome) | {"after": dict(_after(case, pool, outcome.market))}


def _before(case: Case, pool: Pool) -> Iterator[tuple[str, Any]]:
    """The views; one that reverts has no value."""
    market = case.market
    yield from _account_data(case, pool, market)
    try:
        indexes = {i: pool.indexes_at(market, one, case.timestamp) for i, one in market.reserves.items()}
        balances = {
            i: pool.balances_at(market, held, indexes[i])
            for i, held in market.accounts[BORROWER].positions.items()
        }
    except EvmRevert:
        return
    yield "normalized", _listed(indexes, "normalized_income_ray", "normalized_variable_debt_ray")
    yield "borrower_balances", _listed(balances, "atoken_balance_underlying", "variable_debt_underlying")


def _listed(pairs: Mapping[int, tuple[int, int]], first: str, second: str) -> list[dict[str, Any]]:
    return [{"reserve_id": i, first: one, second: other} for i, (one, other) in pairs.items()]


def _after(case: Case, pool: Pool, market: Any) -> Iterator[tuple[str, Any]]:
    yield from _account_data(case, pool, market)
    yield "reserves", [{"reserve_id": i} | pool.stored(one) for i, one in market.reserves.items()]
    for user in (BORROWER, LIQUIDATOR):
        if user in case.market.accounts:
            yield user, {"positions": _positions(market.accounts[user], HELD)}
    yield TREASURY, {"positions": _positions(market.accounts[TREASURY], ("scaled_atoken",))}


def _account_data(case: Case, pool: Pool, market: Any) -> Iterator[tuple[str, Any]]:
    try:
        data = pool.account_data(market, BORROWER, prices_base=case.prices_base, timestamp=case.timestamp)
    except EvmRevert:
        return
    yield (
        "account",
        {
            f"total_collateral_{pool.base}": data.total_collateral_base,
            f"total_debt_{pool.base}": data.total_debt_base,
            f"available_borrows_{pool.base}": data.available_borrows_base,
            "avg_liquidation_threshold_bps": data.avg_liquidation_threshold_bps,
            "avg_ltv_bps": data.avg_ltv_bps,
            "health_factor_wad": data.health_factor_wad,
        },
    )


def _positions(account: Any, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"reserve_id": i} | {name: getattr(held, name) for name in fields}
        for i, held in account.positions.items()
    ]
