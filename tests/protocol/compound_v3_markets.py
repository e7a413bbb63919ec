"""Small Comet markets: a dollar is lent (6 decimals) against a coin (id 0, 18 decimals) and a stone (id 1, 8).

Everything in them came about by supplying and withdrawing, so that the books agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from protocol.compound_v3 import (
    BASE,
    Account,
    Acted,
    Asset,
    AssetConfig,
    Bought,
    Config,
    Liquidated,
    LiquidationCall,
    Market,
    Revert,
    absorb,
    as_stored,
    buy_collateral,
    curve_stored,
    rules_of,
    supply,
    withdraw,
)
from protocol.units import WAD

NOW = 1_700_000_000
DAY = 24 * 60 * 60
COIN, STONE = 0, 1
DECIMALS = {BASE: 6, COIN: 18, STONE: 8}
BANK, BORROWER, OTHER, ABSORBER = "bank", "borrower", "other", "absorber"
PERCENT = WAD // 100
LENT = 10**6
"""[whole dollars] What the bank supplies."""
SUPPLY_CURVE = curve_stored(
    kink_wad=85 * PERCENT,
    base_per_year_wad=0,
    slope_low_per_year_wad=4 * PERCENT,
    slope_high_per_year_wad=300 * PERCENT,
)
BORROW_CURVE = curve_stored(
    kink_wad=80 * PERCENT,
    base_per_year_wad=2 * PERCENT,
    slope_low_per_year_wad=5 * PERCENT,
    slope_high_per_year_wad=500 * PERCENT,
)
CONFIG = Config(
    base_scale=10**6,
    supply_curve=SUPPLY_CURVE,
    borrow_curve=BORROW_CURVE,
    store_front_price_factor_wad=50 * PERCENT,
    base_borrow_min=100 * 10**6,
    target_reserves=20_000 * 10**6,
)
TERMS = {
    COIN: AssetConfig(
        decimals=18,
        borrow_collateral_factor_wad=80 * PERCENT,
        liquidate_collateral_factor_wad=85 * PERCENT,
        liquidation_factor_wad=95 * PERCENT,
        supply_cap=1_000_000 * 10**18,
    ),
    STONE: AssetConfig(
        decimals=8,
        borrow_collateral_factor_wad=60 * PERCENT,
        liquidate_collateral_factor_wad=70 * PERCENT,
        liquidation_factor_wad=90 * PERCENT,
        supply_cap=1_000_000 * 10**8,
    ),
}


def units(asset_id: int, tokens: float) -> int:
    """Whole tokens as asset units."""
    return round(tokens * 1000) * 10 ** DECIMALS[asset_id] // 1000


def usd(coin: float = 1000, stone: float = 50, base: float = 1) -> dict[int, int]:
    """Oracle prices. [base]"""
    return {COIN: round(coin * 10**8), STONE: round(stone * 10**8), BASE: round(base * 10**8)}


def empty(*, revision: str = "CometWithExtendedAssetList", **changes: Any) -> Market:
    """A market without anybody; what is no field of the market changes its configuration."""
    fields = {name: changes.pop(name) for name in list(changes) if name in Market.__slots__}
    assets = {
        i: Asset(
            asset_id=i,
            asset=f"A{i}",
            symbol=("COIN", "STONE")[i],
            info=as_stored(terms),
            total_supply=0,
            balance=0,
        )
        for i, terms in TERMS.items()
    }
    usual: dict[str, Any] = {
        "rules": rules_of(revision),
        "config": replace(CONFIG, **changes),
        "base_supply_index_e15": 10**15,
        "base_borrow_index_e15": 10**15,
        "total_supply_principal": 0,
        "total_borrow_principal": 0,
        "last_accrual_timestamp": NOW,
        "base_balance": 0,
        "assets": assets,
        "accounts": {},
    }
    return Market(**(usual | fields))


def market(*, holds: Mapping[int, float], owes: float, lent: float = LENT, **changes: Any) -> Market:
    """A market in which the bank lent and the borrower supplied these collaterals and drew these dollars."""
    state = moved(supply(empty(**changes), BANK, BASE, units(BASE, lent), timestamp=NOW))
    for i, tokens in holds.items():
        state = moved(supply(state, BORROWER, i, units(i, tokens), timestamp=NOW))
    return moved(
        withdraw(state, BORROWER, BASE, units(BASE, owes), prices_base=usd(), timestamp=NOW)
        if owes
        else Acted(market=state)
    )


def moved(outcome: Acted | Bought | Liquidated | Revert) -> Market:
    """The market after an action that has to go through."""
    assert not isinstance(outcome, Revert), outcome
    return outcome.market


def refusal(outcome: object) -> str:
    """Why an action was refused that has to be."""
    assert isinstance(outcome, Revert), outcome
    return outcome.name


def absorbed(state: Market, prices: Mapping[int, int], *users: str, at: int = NOW) -> Liquidated | Revert:
    """What comes of absorbing these users, the borrower if none is named."""
    call = LiquidationCall(absorber=ABSORBER, accounts=users or (BORROWER,))
    return absorb(state, call, prices_base=prices, timestamp=at)


def done(state: Market, prices: Mapping[int, int], *users: str, at: int = NOW) -> Liquidated:
    """The same, where it has to go through."""
    outcome = absorbed(state, prices, *users, at=at)
    assert isinstance(outcome, Liquidated), outcome
    return outcome


def bought(
    state: Market, prices: Mapping[int, int], asset_id: int, dollars: float, *, at: int = NOW, least: int = 0
) -> Bought | Revert:
    """What comes of paying these dollars at the store front."""
    amount = units(BASE, dollars)
    return buy_collateral(state, asset_id, least, amount, prices_base=prices, timestamp=at)


def account(state: Market, user: str = BORROWER) -> Account:
    """What a user has, possibly nothing."""
    return state.accounts.get(user, Account())


def with_info(state: Market, asset_id: int, **changes: Any) -> Market:
    """The market with one collateral configured otherwise."""
    asset = state.assets[asset_id]
    changed = replace(asset, info=replace(asset.info, **changes))
    return replace(state, assets={**state.assets, asset_id: changed})


def with_config(state: Market, **changes: Any) -> Market:
    """The market configured otherwise."""
    return replace(state, config=replace(state.config, **changes))
