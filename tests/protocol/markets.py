"""Small markets for tests: a volatile collateral (id 0, 18 decimals) and a dollar (id 1, 6 decimals)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocol.aave_v3 import (
    Account,
    EModeCategory,
    LiquidationCall,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveConfig,
    rules_of,
)
from protocol.units import MAX_UINT256, RAY

NOW = 1_700_000_000
COIN, DOLLAR = 0, 1
ONE_COIN, ONE_DOLLAR = 10**18, 10**6
WHALE, BORROWER, LIQUIDATOR, TREASURY = "whale", "borrower", "liquidator", "treasury"
STRATEGY = RateStrategy(
    optimal_usage_ray=80 * RAY // 100,
    base_variable_rate_ray=0,
    variable_slope1_ray=4 * RAY // 100,
    variable_slope2_ray=60 * RAY // 100,
)


def config(**changes: Any) -> ReserveConfig:
    """A collateral at 80 % threshold and 5 % bonus, a tenth of it for the protocol."""
    usual: dict[str, Any] = {
        "decimals": 18,
        "ltv_bps": 75_00,
        "liquidation_threshold_bps": 80_00,
        "liquidation_bonus_bps": 105_00,
        "liquidation_protocol_fee_bps": 10_00,
        "reserve_factor_bps": 10_00,
    }
    return ReserveConfig(**(usual | changes))


def reserve(reserve_id: int, *, supply: int, debt: int, **changes: Any) -> Reserve:
    """A reserve of which `supply` and `debt` are scaled totals; updated at `NOW` unless told otherwise."""
    index = changes.get("liquidity_index_ray", RAY)
    usual = {
        "reserve_id": reserve_id,
        "asset": f"R{reserve_id}",
        "symbol": f"R{reserve_id}",
        "config": config(decimals=6 if reserve_id == DOLLAR else 18),
        "strategy": STRATEGY,
        "liquidity_index_ray": RAY,
        "variable_borrow_index_ray": RAY,
        "liquidity_rate_ray": 2 * RAY // 100,
        "variable_borrow_rate_ray": 3 * RAY // 100,
        "last_update_timestamp": NOW,
        "total_scaled_atoken": supply,
        "total_scaled_variable_debt": debt,
        "accrued_to_treasury_scaled": 0,
        "deficit": 0,
        "virtual_underlying_balance": max(supply * index // RAY - debt, 0),
    }
    return Reserve(**(usual | changes))


def market(
    revision: str,
    *,
    coins: int = 10 * ONE_COIN,
    dollars: int = 8_000 * ONE_DOLLAR,
    coin: Mapping[str, Any] | None = None,
    dollar: Mapping[str, Any] | None = None,
    emodes: Mapping[int, EModeCategory] | None = None,
    emode: int = 0,
    **changes: Any,
) -> Market:
    """A borrower with `coins` as collateral who owes `dollars` (both scaled), and a whale who lends."""
    lent = 10**6 * ONE_DOLLAR
    usual: dict[str, Any] = {
        "rules": rules_of(revision),
        "reserves": {
            COIN: reserve(COIN, supply=coins, debt=0, **(coin or {})),
            DOLLAR: reserve(DOLLAR, supply=lent + dollars, debt=dollars, **(dollar or {})),
        },
        "emodes": emodes or {},
        "accounts": {
            WHALE: Account(positions={DOLLAR: Position(scaled_atoken=lent + dollars)}),
            BORROWER: Account(
                emode=emode,
                positions={
                    COIN: Position(scaled_atoken=coins, collateral_enabled=True),
                    DOLLAR: Position(scaled_variable_debt=dollars, borrowing=True),
                },
            ),
        },
        "treasury": TREASURY,
    }
    return Market(**(usual | changes))


def prices(coin_usd_cents: int) -> dict[int, int]:
    """Base prices: the coin's in cents of a dollar, the dollar's is one."""
    return {COIN: coin_usd_cents * 10**6, DOLLAR: 10**8}


def call(**changes: Any) -> LiquidationCall:
    """The liquidator takes coins for as many dollars as allowed."""
    usual: dict[str, Any] = {
        "collateral_id": COIN,
        "debt_id": DOLLAR,
        "borrower": BORROWER,
        "liquidator": LIQUIDATOR,
        "debt_to_cover": MAX_UINT256,
    }
    return LiquidationCall(**(usual | changes))
