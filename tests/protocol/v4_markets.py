"""Small Aave v4 markets: a coin (id 0, 18 decimals), a dollar (id 1, 6 decimals) and a stone (id 2, 8 decimals).

Everything in them came about by supplying and borrowing, so that the books of hub and spoke agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from protocol.aave_v4 import (
    Account,
    Acted,
    Asset,
    DynamicConfig,
    Liquidated,
    LiquidationCall,
    LiquidationConfig,
    Market,
    Position,
    RateStrategy,
    Reserve,
    Revert,
    SpokeData,
    borrow,
    liquidation_call,
    set_collateral_use,
    supply,
)
from protocol.units import MAX_UINT256, RAY, WAD

NOW = 1_700_000_000
COIN, DOLLAR, STONE = 0, 1, 2
DECIMALS = {COIN: 18, DOLLAR: 6, STONE: 8}
SPOKE, OTHER_SPOKE, TREASURY = "spoke", "other spoke", "treasury"
BANK, BORROWER, LIQUIDATOR = "bank", "borrower", "liquidator"
LENT = 10**6
"""[whole tokens] What the bank supplies of each."""
STRATEGY = RateStrategy(
    optimal_usage_bps=80_00,
    base_rate_bps=0,
    rate_growth_before_optimal_bps=4_00,
    rate_growth_after_optimal_bps=60_00,
)
TERMS = DynamicConfig(
    collateral_factor_bps=80_00, max_liquidation_bonus_bps=105_00, liquidation_fee_bps=10_00
)
TARGET = LiquidationConfig(
    target_health_factor_wad=WAD,
    health_factor_for_max_bonus_wad=95 * 10**16,
    liquidation_bonus_factor_bps=50_00,
)


def units(reserve_id: int, tokens: float) -> int:
    """Whole tokens as asset units."""
    return round(tokens * 1000) * 10 ** DECIMALS[reserve_id] // 1000


def usd(coin: float = 1000, dollar: float = 1, stone: float = 50) -> dict[int, int]:
    """Oracle prices. [base]"""
    return {COIN: round(coin * 10**8), DOLLAR: round(dollar * 10**8), STONE: round(stone * 10**8)}


def asset(asset_id: int, **changes: Any) -> Asset:
    """An asset of the hub in which nothing has happened yet."""
    usual: dict[str, Any] = {
        "asset_id": asset_id,
        "decimals": DECIMALS[asset_id],
        "strategy": STRATEGY,
        "liquidity_fee_bps": 10_00,
        "fee_receiver": TREASURY,
        "liquidity": 0,
        "added_shares": 0,
        "drawn_shares": 0,
        "premium_shares": 0,
        "premium_offset_ray": 0,
        "drawn_index_ray": RAY,
        "drawn_rate_ray": 0,
        "last_update_timestamp": NOW,
        "spokes": {SPOKE: SpokeData(), OTHER_SPOKE: SpokeData(), TREASURY: SpokeData()},
    }
    return Asset(**(usual | changes))


def reserve(reserve_id: int, **changes: Any) -> Reserve:
    """A reserve of the spoke; its collateral carries no risk."""
    usual: dict[str, Any] = {
        "reserve_id": reserve_id,
        "asset_id": reserve_id,
        "symbol": ["COIN", "DOLLAR", "STONE"][reserve_id],
        "decimals": DECIMALS[reserve_id],
        "collateral_risk_bps": 0,
        "dynamic_configs": {0: TERMS},
    }
    return Reserve(**(usual | changes))


def empty(
    *,
    config: LiquidationConfig = TARGET,
    reserves: Mapping[int, Mapping[str, Any]] | None = None,
    assets: Mapping[int, Mapping[str, Any]] | None = None,
    **changes: Any,
) -> Market:
    """A market without anybody; `reserves` and `assets` change single ones of them, `changes` the market."""
    return Market(
        spoke=SPOKE,
        assets={i: asset(i, **(assets or {}).get(i, {})) for i in DECIMALS},
        reserves={i: reserve(i, **(reserves or {}).get(i, {})) for i in DECIMALS},
        accounts={},
        liquidation_config=config,
        **changes,
    )


def market(
    *,
    holds: Mapping[int, float],
    owes: Mapping[int, float],
    prices: Mapping[int, int] | None = None,
    **changes: Any,
) -> Market:
    """A market whose borrower supplied and drew these whole tokens by reserve id; all that it holds is collateral."""
    at = dict(usd() if prices is None else prices)
    state = empty(**changes)
    for i in DECIMALS:
        state = moved(supply(state, BANK, i, units(i, LENT), timestamp=NOW))
    for i, tokens in holds.items():
        state = moved(supply(state, BORROWER, i, units(i, tokens), timestamp=NOW))
        state = moved(set_collateral_use(state, BORROWER, i, use=True, prices_base=at, timestamp=NOW))
    for i, tokens in owes.items():
        state = moved(borrow(state, BORROWER, i, units(i, tokens), prices_base=at, timestamp=NOW))
    return state


def moved(outcome: Acted | Revert) -> Market:
    """The market after an action that has to go through."""
    assert isinstance(outcome, Acted), outcome
    return outcome.market


def refusal(outcome: object) -> str:
    """Why an action was refused that has to be."""
    assert isinstance(outcome, Revert), outcome
    return outcome.name


def call(**changes: Any) -> LiquidationCall:
    """As many dollars as the rules allow, for coins."""
    usual: dict[str, Any] = {
        "collateral_id": COIN,
        "debt_id": DOLLAR,
        "borrower": BORROWER,
        "liquidator": LIQUIDATOR,
        "debt_to_cover": MAX_UINT256,
    }
    return LiquidationCall(**(usual | changes))


def called(state: Market, prices: Mapping[int, int], *, at: int = NOW, **changes: Any) -> Liquidated | Revert:
    """What comes of a call."""
    return liquidation_call(state, call(**changes), prices_base=prices, timestamp=at)


def done(state: Market, prices: Mapping[int, int], *, at: int = NOW, **changes: Any) -> Liquidated:
    """The same, where it has to go through."""
    outcome = called(state, prices, at=at, **changes)
    assert isinstance(outcome, Liquidated), outcome
    return outcome


def position(state: Market, reserve_id: int, user: str = BORROWER) -> Position:
    """What a user has in a reserve, possibly nothing."""
    return state.accounts.get(user, Account()).positions.get(reserve_id, Position())


def with_position(state: Market, reserve_id: int, *, user: str = BORROWER, **changes: Any) -> Market:
    """The market with a user's position changed by hand; the hub's books do not follow."""
    account = state.accounts.get(user, Account())
    changed = replace(account.positions.get(reserve_id, Position()), **changes)
    account = replace(account, positions={**account.positions, reserve_id: changed})
    return replace(state, accounts={**state.accounts, user: account})


def with_reserve(state: Market, reserve_id: int, **changes: Any) -> Market:
    """The market with one reserve configured otherwise."""
    changed = replace(state.reserves[reserve_id], **changes)
    return replace(state, reserves={**state.reserves, reserve_id: changed})


def with_book(state: Market, asset_id: int, *, spoke: str = SPOKE, **changes: Any) -> Market:
    """The market with what the hub keeps of one spoke changed."""
    before = state.assets[asset_id]
    spokes = {**before.spokes, spoke: replace(before.spokes[spoke], **changes)}
    return replace(state, assets={**state.assets, asset_id: replace(before, spokes=spokes)})
