"""The formulas and choices among which the releases of the isolated pools pick: the cells of `revisions.py`."""

from __future__ import annotations

from dataclasses import replace

from protocol.errors import EvmRevert, MissingPrice
from protocol.fixed_point.uint256 import add, mul_div_down, sub
from protocol.units import WAD
from protocol.venus_isolated.state import Action, VToken

BASE_ASSET = "the risk fund's base asset"
TRANSFER_EXCEEDS_BALANCE = "ERC20: transfer amount exceeds balance"
"""What OpenZeppelin's token says when a vToken has not the cash; others have other words for it."""


def reserves_stay(vtoken: VToken) -> VToken:
    """An accrual leaves the reserves where they are."""
    return vtoken


def reserves_withdrawn(vtoken: VToken) -> VToken:
    """An accrual pays the reserves out, as far as there is cash, after every `reduce_reserves_slot_delta` slots."""
    if sub(vtoken.accrual_slot, vtoken.reduce_reserves_slot) < vtoken.reduce_reserves_slot_delta:
        return vtoken
    paid = min(vtoken.cash_underlying, vtoken.total_reserves_underlying)
    return replace(
        vtoken,
        reduce_reserves_slot=vtoken.accrual_slot,
        cash_underlying=vtoken.cash_underlying - paid,
        total_reserves_underlying=vtoken.total_reserves_underlying - paid,
    )


def always(vtoken: VToken) -> bool:
    """Reserves can be withdrawn at any time."""
    return True


def unless_just_withdrawn(vtoken: VToken) -> bool:
    """Reserves are not withdrawn by hand in the slot in which an accrual paid them out."""
    return vtoken.reduce_reserves_slot != vtoken.accrual_slot


def share_into_reserves(vtoken: VToken, amount: int) -> VToken:
    """The protocol's share of a seizure stays in the market as reserves; `amount` in asset units."""
    return replace(vtoken, total_reserves_underlying=add(vtoken.total_reserves_underlying, amount))


def share_paid_out(vtoken: VToken, amount: int) -> VToken:
    """The protocol's share of a seizure is paid out of the market's cash; `amount` in asset units.

    Reverts with the token's own error where the cash is lent out.
    """
    if amount > vtoken.cash_underlying:
        raise EvmRevert(TRANSFER_EXCEEDS_BALANCE, cash=vtoken.cash_underlying, amount=amount)
    return replace(vtoken, cash_underlying=vtoken.cash_underlying - amount)


def is_deprecated(vtoken: VToken) -> bool:
    """`isDeprecated`: no collateral factor, borrowing paused, all interest to the reserves."""
    return (
        vtoken.collateral_factor_mantissa == 0
        and Action.BORROW in vtoken.paused
        and vtoken.reserve_factor_mantissa == WAD
    )


def is_forced(vtoken: VToken) -> bool:
    """`isForcedLiquidationEnabled`."""
    return vtoken.forced_liquidation


def borrows_alone(vtoken: VToken) -> int:
    """The borrow cap counts what is lent. [asset units]"""
    return vtoken.total_borrows_underlying


def borrows_and_bad_debt(vtoken: VToken) -> int:
    """The borrow cap counts what is lent and what was written off. [asset units]"""
    return add(vtoken.total_borrows_underlying, vtoken.bad_debt_underlying)


def risk_fund_unpriced(reserves: int, price_mantissa: int | None) -> int:
    """A unit of the base asset counts as 1e-18 US dollars, whatever it is worth. [USD x 1e18]"""
    return reserves


def risk_fund_priced(reserves: int, price_mantissa: int | None) -> int:
    """The base asset at its price; raises `MissingPrice`. [USD x 1e18]"""
    if price_mantissa is None:
        raise MissingPrice(BASE_ASSET)
    return mul_div_down(price_mantissa, reserves, WAD)
