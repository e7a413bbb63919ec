"""Small Compound v2 markets: ether (id 0), a dollar (id 1, 6 decimals), a stone (id 2, 8) and a note (id 3, 18).

Everything in them came about by minting and borrowing, so that the books agree. A cToken starts at 0.02 of its
asset; nothing accrues unless a rate is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from protocol.compound_v2 import (
    Account,
    Acted,
    CToken,
    CTokenConfig,
    Failure,
    Liquidated,
    LiquidationCall,
    Market,
    Position,
    RateModel,
    Revert,
    borrow,
    comptroller_rules_of,
    ctoken_rules_of,
    enter_markets,
    liquidation_call,
    mint,
)
from protocol.units import WAD

NOW = 10_000_000
ETHER, DOLLAR, STONE, NOTE = 0, 1, 2, 3
DECIMALS = {ETHER: 18, DOLLAR: 6, STONE: 8, NOTE: 18}
SYMBOLS = {ETHER: "cETH", DOLLAR: "cUSD", STONE: "cSTO", NOTE: "cNOT"}
BANK, BORROWER, LIQUIDATOR, OTHER = "bank", "borrower", "liquidator", "other"
PERCENT = WAD // 100
LENT = {ETHER: 1_000, DOLLAR: 10**6, STONE: 100, NOTE: 10**6}
"""[whole tokens] What the bank supplies of each."""
FREE = RateModel(base_rate_per_block_mantissa=0, multiplier_per_block_mantissa=0)
DEAR = RateModel(base_rate_per_block_mantissa=10**10, multiplier_per_block_mantissa=10**11)
"""About 2 % and up to 23 % a year."""


def units(market_id: int, tokens: int) -> int:
    """Whole tokens in the smallest unit of their asset."""
    return tokens * 10 ** DECIMALS[market_id]


def usd(*, ether: float = 2_000, dollar: float = 1, stone: float = 50_000, note: float = 1) -> dict[int, int]:
    """What the oracle shows, from dollars a token."""
    whole = {ETHER: ether, DOLLAR: dollar, STONE: stone, NOTE: note}
    return {i: round(price * 10**8) * 10 ** (28 - DECIMALS[i]) for i, price in whole.items()}


PRICES = usd()


def ctoken(market_id: int, *, release: str = "2.9", **fields: Any) -> CToken:
    """An empty cToken."""
    return CToken(
        market_id=market_id,
        address=f"0xc{market_id}",
        symbol=SYMBOLS[market_id],
        underlying="" if market_id == ETHER else f"0xa{market_id}",
        underlying_decimals=DECIMALS[market_id],
        is_ether=market_id == ETHER,
        rules=ctoken_rules_of(release),
        rate_model=fields.pop("rate_model", FREE),
        config=CTokenConfig(
            collateral_factor_mantissa=75 * PERCENT,
            reserve_factor_mantissa=10 * PERCENT,
            initial_exchange_rate_mantissa=2 * 10 ** (8 + DECIMALS[market_id]),
        ),
        cash_underlying=0,
        total_borrows_underlying=0,
        total_reserves_underlying=0,
        total_supply_ctokens=0,
        borrow_index_mantissa=WAD,
        accrual_block_number=NOW,
        **fields,
    )


def market(
    *,
    comptroller: str = "2.9",
    release: str = "2.9",
    holds: Mapping[int, int] | None = None,
    owes: Mapping[int, int] | None = None,
    prices: Mapping[int, int] = PRICES,
    rate_model: RateModel = FREE,
) -> Market:
    """The bank lends, the borrower holds and owes [whole tokens], all of it entered."""
    state = Market(
        rules=comptroller_rules_of(comptroller),
        close_factor_mantissa=50 * PERCENT,
        liquidation_incentive_mantissa=108 * PERCENT,
        ctokens={i: ctoken(i, release=release, rate_model=rate_model) for i in DECIMALS},
        accounts={},
        max_assets=20,
    )
    for market_id, tokens in LENT.items():
        state = acted(mint(state, BANK, market_id, units(market_id, tokens), block_number=NOW)).market
    for market_id, tokens in (holds or {}).items():
        state = acted(mint(state, BORROWER, market_id, units(market_id, tokens), block_number=NOW)).market
    state = enter_markets(state, BORROWER, sorted({*(holds or {}), *(owes or {})})).market
    for market_id, tokens in (owes or {}).items():
        at = {"prices_mantissa": prices, "block_number": NOW}
        state = acted(borrow(state, BORROWER, market_id, units(market_id, tokens), **at)).market
    return state


def acted(outcome: Acted | Failure | Revert) -> Acted:
    """A call that must go through."""
    assert isinstance(outcome, Acted), (outcome.name, outcome.raw)
    return outcome


def liquidated(outcome: Liquidated | Failure | Revert) -> Liquidated:
    """A liquidation that must go through."""
    assert isinstance(outcome, Liquidated), (outcome.name, outcome.raw)
    return outcome


def liquidate(
    state: Market,
    repay_amount: int,
    *,
    debt: int = DOLLAR,
    collateral: int = ETHER,
    prices: Mapping[int, int] = PRICES,
    liquidator: str = LIQUIDATOR,
    at: int = NOW,
) -> Liquidated | Failure | Revert:
    """The borrower is liquidated."""
    call = LiquidationCall(
        collateral_id=collateral,
        debt_id=debt,
        borrower=BORROWER,
        liquidator=liquidator,
        repay_amount=repay_amount,
    )
    return liquidation_call(state, call, prices_mantissa=prices, block_number=at)


def refused(outcome: Any) -> Failure | Revert:
    """A call that must not go through."""
    assert isinstance(outcome, Failure | Revert), outcome
    return outcome


def refusal(outcome: Any) -> tuple[str, str]:
    """Why it must not go through, and in the contract's words."""
    return refused(outcome).name, outcome.raw


def position(state: Market, user: str, market_id: int) -> Position:
    """What a user has in a cToken, possibly nothing."""
    return state.accounts.get(user, Account()).positions.get(market_id, Position())


def with_ctoken(state: Market, market_id: int, **fields: Any) -> Market:
    """The market with other fields in one cToken, or in its configuration."""
    one = state.ctokens[market_id]
    config = {name: fields.pop(name) for name in list(fields) if hasattr(one.config, name)}
    changed = replace(one, config=replace(one.config, **config), **fields)
    return replace(state, ctokens={**state.ctokens, market_id: changed})


def of_release(state: Market, market_id: int, release: str) -> Market:
    """The market with one cToken of another release."""
    return with_ctoken(state, market_id, rules=ctoken_rules_of(release))
