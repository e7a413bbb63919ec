"""Small Aave v2 markets for tests: ether (id 0, 18 decimals) as collateral and a dollar (id 1, 6 decimals)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from protocol.aave_v2 import (
    Account,
    Acted,
    Liquidated,
    LiquidationCall,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    ReserveId,
    StableDebt,
    StableStrategy,
    StableTotals,
    User,
    liquidation_call,
)
from protocol.units import MAX_UINT256, RAY

NOW = 1_700_000_000
YEAR = 31_536_000
PERCENT = RAY // 100
ETHER, DOLLAR = 0, 1
ONE_ETHER, ONE_DOLLAR = 10**18, 10**6
WHALE, BORROWER, LIQUIDATOR, TREASURY = "whale", "borrower", "liquidator", "treasury"
STRATEGY = RateStrategy(
    optimal_usage_ray=80 * PERCENT,
    base_variable_rate_ray=0,
    variable_slope1_ray=4 * PERCENT,
    variable_slope2_ray=60 * PERCENT,
    stable=StableStrategy(base_rate_ray=5 * PERCENT, slope1_ray=2 * PERCENT, slope2_ray=50 * PERCENT),
)


def config(**changes: Any) -> ReserveConfig:
    """A collateral at 80 % threshold and 5 % bonus."""
    usual: dict[str, Any] = {
        "decimals": 18,
        "ltv_bps": 75_00,
        "liquidation_threshold_bps": 80_00,
        "liquidation_bonus_bps": 105_00,
        "reserve_factor_bps": 10_00,
        "stable_borrowing_enabled": True,
    }
    return ReserveConfig(**(usual | changes))


def reserve(reserve_id: ReserveId, *, supply: int, debt: int, **changes: Any) -> Reserve:
    """A reserve of which `supply` and `debt` are scaled totals; updated at `NOW` unless told otherwise."""
    usual: dict[str, Any] = {
        "reserve_id": reserve_id,
        "asset": f"R{reserve_id}",
        "symbol": f"R{reserve_id}",
        "config": config(decimals=6 if reserve_id == DOLLAR else 18),
        "strategy": STRATEGY,
        "liquidity_index_ray": RAY,
        "variable_borrow_index_ray": RAY,
        "liquidity_rate_ray": 2 * PERCENT,
        "variable_borrow_rate_ray": 3 * PERCENT,
        "stable_borrow_rate_ray": 7 * PERCENT,
        "last_update_timestamp": NOW,
        "total_scaled_atoken": supply,
        "total_scaled_variable_debt": debt,
        "virtual_underlying_balance": max(supply - debt, 0),
    }
    return Reserve(**(usual | changes))


def market(
    *,
    ethers: int = 10 * ONE_ETHER,
    dollars: int = 8_000 * ONE_DOLLAR,
    stable_dollars: int = 0,
    ether: Mapping[str, Any] | None = None,
    dollar: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Market:
    """A borrower with `ethers` as collateral who owes `dollars`, and `stable_dollars` at 10 %; a whale who lends."""
    lent = 10**6 * ONE_DOLLAR
    stable = {"stable_debt": totals(stable_dollars, 10 * PERCENT if stable_dollars else 0)}
    usual: dict[str, Any] = {
        "reserves": {
            ETHER: reserve(ETHER, supply=ethers, debt=0, **(ether or {})),
            DOLLAR: reserve(DOLLAR, supply=lent + dollars, debt=dollars, **stable | dict(dollar or {})),
        },
        "accounts": {
            WHALE: Account(positions={DOLLAR: Position(scaled_atoken=lent + dollars)}),
            BORROWER: Account(
                positions={
                    ETHER: Position(scaled_atoken=ethers, collateral_enabled=True),
                    DOLLAR: Position(
                        scaled_variable_debt=dollars,
                        borrowing=True,
                        stable_debt=owed(stable_dollars, 10 * PERCENT) if stable_dollars else StableDebt(),
                    ),
                },
            ),
        },
        "treasury": TREASURY,
    }
    return Market(**(usual | changes))


def totals(principal: int, rate_ray: int, since: int = NOW) -> StableTotals:
    """All stable debt of a reserve."""
    return StableTotals(principal=principal, average_rate_ray=rate_ray, last_update_timestamp=since)


def owed(principal: int, rate_ray: int, since: int = NOW) -> StableDebt:
    """Stable debt of an account."""
    return StableDebt(principal=principal, rate_ray=rate_ray, last_update_timestamp=since)


def with_reserve(state: Market, reserve_id: ReserveId, **changes: Any) -> Market:
    """The market with a reserve changed; names of its configuration count as well."""
    one = state.reserves[reserve_id]
    of_config = {name: changes.pop(name) for name in list(changes) if hasattr(one.config, name)}
    one = replace(one, config=replace(one.config, **of_config), **changes)
    return replace(state, reserves={**state.reserves, reserve_id: one})


def with_position(state: Market, user: User, reserve_id: ReserveId, **changes: Any) -> Market:
    """The market with a position of a user changed, or made."""
    positions = state.accounts.get(user, Account()).positions
    position = replace(positions.get(reserve_id, Position()), **changes)
    account = Account(positions=dict(sorted({**positions, reserve_id: position}.items())))
    return replace(state, accounts={**state.accounts, user: account})


def prices(dollars_per_ether: int = 1000) -> dict[ReserveId, int]:
    """In wei: ether is 1, and the dollar what it is then."""
    return {ETHER: ONE_ETHER, DOLLAR: ONE_ETHER // dollars_per_ether}


def call(**changes: Any) -> LiquidationCall:
    """The liquidator takes ether for as many dollars as allowed."""
    usual: dict[str, Any] = {
        "collateral_id": ETHER,
        "debt_id": DOLLAR,
        "borrower": BORROWER,
        "liquidator": LIQUIDATOR,
        "debt_to_cover": MAX_UINT256,
    }
    return LiquidationCall(**(usual | changes))


def liquidated(state: Market, dollars_per_ether: int = 900, **changes: Any) -> Liquidated:
    """The outcome of a call that goes through."""
    outcome = liquidation_call(state, call(**changes), prices_base=prices(dollars_per_ether), timestamp=NOW)
    assert isinstance(outcome, Liquidated), outcome
    return outcome


def refused(state: Market, dollars_per_ether: int = 900, **changes: Any) -> str:
    """The reason of a call that does not."""
    outcome = liquidation_call(state, call(**changes), prices_base=prices(dollars_per_ether), timestamp=NOW)
    assert not isinstance(outcome, Liquidated)
    return outcome.name


def done(outcome: Any) -> Acted:
    """An action that went through."""
    assert isinstance(outcome, Acted), outcome
    return outcome


def position(state: Market, user: User, reserve_id: ReserveId) -> Position:
    """What a user has in a reserve, possibly nothing."""
    return state.accounts.get(user, Account()).positions.get(reserve_id, Position())


def half_up(numerator: int, denominator: int) -> int:
    """The quotient to the nearest."""
    return (numerator + denominator // 2) // denominator


def below_optimum(slope_ray: int, usage_ray: int) -> int:
    """How far a variable rate is up its first slope at a usage below 80 %, rounded as the contract does."""
    return half_up(half_up(usage_ray * slope_ray, RAY) * RAY, 80 * PERCENT)
