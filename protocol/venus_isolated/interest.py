"""What a market has grown to, what an account owes it and what a vToken is worth.

Mirrors `accrueInterest`, `_borrowBalanceStored` and `_exchangeRateStored`, contracts/VToken.sol
(VenusProtocol/isolated-pools@58b76f81). Growth is simple between two accruals, and nothing accrues by being
looked at: every view shows what is stored.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, div_down, mul, mul_div_down, sub
from protocol.units import WAD
from protocol.venus_isolated.rates import borrow_rate, underlying_of_suppliers
from protocol.venus_isolated.revisions import Rules
from protocol.venus_isolated.state import Market, Position, VToken


def viewed_at(market: Market, slot: int) -> Market:
    """The pool as it stands when every market has accrued to `slot` [block or second]: for reading.

    A call of a user or liquidator accrues only the markets it names. Errors as in `accrue`.
    """
    vtokens = {i: accrue(vtoken, market.rules, slot) for i, vtoken in market.vtokens.items()}
    return replace(market, vtokens=vtokens)


def accrue(vtoken: VToken, rules: Rules, slot: int) -> VToken:
    """`accrueInterest` at `slot` [block or second]; nothing twice in one slot.

    Reverts where the rate is beyond the limit (the market is bricked), where reserves exceed what there is,
    and for a slot before the last accrual.
    """
    if vtoken.accrual_slot == slot:
        return vtoken
    rate_mantissa, limit_mantissa = borrow_rate(vtoken), vtoken.max_borrow_rate_mantissa
    if rate_mantissa > limit_mantissa:
        raise EvmRevert(
            "borrow rate is absurdly high", rate_mantissa=rate_mantissa, limit_mantissa=limit_mantissa
        )
    factor_mantissa = mul(rate_mantissa, sub(slot, vtoken.accrual_slot))
    interest = mul_div_down(factor_mantissa, vtoken.total_borrows_underlying, WAD)
    to_reserves = mul_div_down(vtoken.reserve_factor_mantissa, interest, WAD)
    index_mantissa = vtoken.borrow_index_mantissa
    grown = replace(
        vtoken,
        accrual_slot=slot,
        total_borrows_underlying=add(vtoken.total_borrows_underlying, interest),
        total_reserves_underlying=add(vtoken.total_reserves_underlying, to_reserves),
        borrow_index_mantissa=add(mul_div_down(factor_mantissa, index_mantissa, WAD), index_mantissa),
    )
    return rules.after_accrual(grown)


def borrow_balance(vtoken: VToken, position: Position) -> int:
    """`borrowBalanceStored`: principal at the stored index, rounded down. [underlying]"""
    if position.borrow_principal_underlying == 0:
        return 0
    grown = mul(position.borrow_principal_underlying, vtoken.borrow_index_mantissa)
    return div_down(grown, position.borrow_interest_index_mantissa)


def exchange_rate(vtoken: VToken) -> int:
    """`exchangeRateStored`: what a vToken is worth, as if bad debt were still owed. [underlying x 1e18 per vToken]

    Reverts `Panic(0x11)` where reserves exceed all the rest.
    """
    if vtoken.total_supply_vtokens == 0:
        return vtoken.initial_exchange_rate_mantissa
    return mul_div_down(underlying_of_suppliers(vtoken), WAD, vtoken.total_supply_vtokens)


def account_snapshot(vtoken: VToken, position: Position) -> tuple[int, int, int]:
    """`getAccountSnapshot`: vTokens, what is owed [underlying] and the exchange rate.

    Reverts as `exchange_rate` does, even where only what is owed is asked for.
    """
    return position.vtokens, borrow_balance(vtoken, position), exchange_rate(vtoken)
