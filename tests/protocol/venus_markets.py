"""Small isolated pools: a coin (id 0, 18 decimals), a dollar (id 1, 6 decimals) and a stone (id 2, 8 decimals).

Everything in them came about by supplying and borrowing, so that vTokens and debts add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from protocol.units import WAD
from protocol.venus_isolated import (
    Account,
    AccountLiquidated,
    Acted,
    Healed,
    JumpRateModel,
    Liquidated,
    LiquidationCall,
    LiquidationOrder,
    Market,
    Position,
    Revert,
    VToken,
    account_data,
    borrow,
    enter_markets,
    heal_account,
    liquidate_account,
    liquidate_borrow,
    mint,
    rules_of,
)

NOW = 40_000_000
COIN, DOLLAR, STONE = 0, 1, 2
DECIMALS = {COIN: 18, DOLLAR: 6, STONE: 8}
BANK, BORROWER, LIQUIDATOR = "bank", "borrower", "liquidator"
LENT = 10**6
"""[whole tokens] What the bank supplies of each."""
RATES = JumpRateModel(
    base_rate_per_slot_mantissa=0,
    multiplier_per_slot_mantissa=10**10,
    jump_multiplier_per_slot_mantissa=2 * 10**11,
    kink_mantissa=8 * 10**17,
)
INCENTIVE, SHARE = 110 * 10**16, 5 * 10**16
MINIMUM = 1_000 * WAD
"""What collateral must be worth for a regular liquidation. [USD x 1e18]"""
NEW, OLD = rules_of("4.4.0"), rules_of("1.0.0")


def units(market_id: int, tokens: float) -> int:
    """Whole tokens as asset units."""
    return round(tokens * 10**6) * 10 ** DECIMALS[market_id] // 10**6


def usd(coin: float = 1000, dollar: float = 1, stone: float = 50) -> dict[int, int]:
    """Oracle prices. [mantissa]"""
    per_token = {COIN: coin, DOLLAR: dollar, STONE: stone}
    return {i: round(price * 10**6) * 10 ** (30 - DECIMALS[i]) for i, price in per_token.items()}


def vtoken(market_id: int, **changes: Any) -> VToken:
    """A market in which nothing has happened yet; a vToken costs one token."""
    usual: dict[str, Any] = {
        "market_id": market_id,
        "symbol": ["COIN", "DOLLAR", "STONE"][market_id],
        "underlying_decimals": DECIMALS[market_id],
        "collateral_factor_mantissa": 75 * 10**16,
        "liquidation_threshold_mantissa": 80 * 10**16,
        "reserve_factor_mantissa": 20 * 10**16,
        "protocol_seize_share_mantissa": SHARE,
        "initial_exchange_rate_mantissa": 10 ** (10 + DECIMALS[market_id]),
        "rate_model": RATES,
        "cash_underlying": 0,
        "total_borrows_underlying": 0,
        "total_reserves_underlying": 0,
        "total_supply_vtokens": 0,
        "borrow_index_mantissa": WAD,
        "accrual_slot": NOW,
    }
    return VToken(**(usual | changes))


def empty(*, vtokens: Mapping[int, Mapping[str, Any]] | None = None, **changes: Any) -> Market:
    """A pool without anybody; `vtokens` changes single ones of them, `changes` the pool."""
    usual: dict[str, Any] = {
        "rules": NEW,
        "close_factor_mantissa": 5 * 10**17,
        "liquidation_incentive_mantissa": INCENTIVE,
        "min_liquidatable_collateral_usd_mantissa": MINIMUM,
        "vtokens": {i: vtoken(i, **(vtokens or {}).get(i, {})) for i in DECIMALS},
        "accounts": {},
    }
    return Market(**(usual | changes))


def market(
    *,
    holds: Mapping[int, float],
    owes: Mapping[int, float],
    prices: Mapping[int, int] | None = None,
    **changes: Any,
) -> Market:
    """A pool whose borrower supplied and borrowed these whole tokens by market id, and is in all of them."""
    at = dict(usd() if prices is None else prices)
    state = empty(**changes)
    for i in DECIMALS:
        state = moved(mint(state, BANK, i, units(i, LENT), slot=NOW))
    for i, tokens in holds.items():
        state = moved(mint(state, BORROWER, i, units(i, tokens), slot=NOW))
    state = moved(enter_markets(state, BORROWER, list(holds), slot=NOW))
    for i, tokens in owes.items():
        state = moved(borrow(state, BORROWER, i, units(i, tokens), prices_mantissa=at, slot=NOW))
    return state


def with_vtoken(state: Market, market_id: int, **changes: Any) -> Market:
    """The pool with one market changed by hand."""
    return replace(state, vtokens={**state.vtokens, market_id: replace(state.vtokens[market_id], **changes)})


def with_position(state: Market, market_id: int, user: str = BORROWER, **changes: Any) -> Market:
    """The pool with one position changed by hand."""
    account = state.accounts.get(user, Account())
    changed = replace(account.positions.get(market_id, Position()), **changes)
    positions = {**account.positions, market_id: changed}
    return replace(state, accounts={**state.accounts, user: replace(account, positions=positions)})


def position(state: Market, market_id: int, user: str = BORROWER) -> Position:
    """What a user has in a market."""
    return state.accounts.get(user, Account()).positions.get(market_id, Position())


def moved(outcome: object) -> Market:
    """The market after an action that has to go through."""
    assert isinstance(outcome, Acted), outcome
    return outcome.market


def refusal(outcome: object) -> str:
    """Why an action was refused that has to be."""
    assert isinstance(outcome, Revert), outcome
    return outcome.name


def numbers(outcome: object) -> dict[str, int]:
    """The numbers of a refusal."""
    assert isinstance(outcome, Revert)
    return dict(outcome.numbers)


def data(state: Market, prices: Mapping[int, int], user: str = BORROWER):
    """The borrower's account data."""
    return account_data(state, user, prices_mantissa=prices, slot=NOW)


def call(**changes: Any) -> LiquidationCall:
    """A dollar of dollars against coins, unless told otherwise."""
    usual: dict[str, Any] = {
        "collateral_id": COIN,
        "debt_id": DOLLAR,
        "borrower": BORROWER,
        "liquidator": LIQUIDATOR,
        "repay_amount": units(DOLLAR, 1),
    }
    return LiquidationCall(**(usual | changes))


def called(state: Market, prices: Mapping[int, int], *, slot: int = NOW, **changes: Any):
    """What a regular liquidation answers."""
    return liquidate_borrow(state, call(**changes), prices_mantissa=prices, slot=slot)


def done(state: Market, prices: Mapping[int, int], *, slot: int = NOW, **changes: Any) -> Liquidated:
    """A regular liquidation that has to go through."""
    outcome = called(state, prices, slot=slot, **changes)
    assert isinstance(outcome, Liquidated), outcome
    return outcome


def order(repay_amount: int, debt_id: int = DOLLAR, collateral_id: int = COIN) -> LiquidationOrder:
    """An order of a batch."""
    return LiquidationOrder(collateral_id=collateral_id, debt_id=debt_id, repay_amount=repay_amount)


def batch(
    state: Market,
    prices: Mapping[int, int],
    *orders: LiquidationOrder,
    slot: int = NOW,
    liquidator: str = LIQUIDATOR,
):
    """What a batch answers."""
    return liquidate_account(state, BORROWER, liquidator, orders, prices_mantissa=prices, slot=slot)


def batched(state: Market, prices: Mapping[int, int], *orders: LiquidationOrder) -> AccountLiquidated:
    """A batch that has to go through."""
    outcome = batch(state, prices, *orders)
    assert isinstance(outcome, AccountLiquidated), outcome
    return outcome


def heal(state: Market, prices: Mapping[int, int], *, slot: int = NOW, liquidator: str = LIQUIDATOR):
    """What healing the borrower answers."""
    return heal_account(state, BORROWER, liquidator, prices_mantissa=prices, slot=slot)


def healed(state: Market, prices: Mapping[int, int], *, slot: int = NOW) -> Healed:
    """A healing that has to go through."""
    outcome = heal(state, prices, slot=slot)
    assert isinstance(outcome, Healed), outcome
    return outcome
