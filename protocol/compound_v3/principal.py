"""Between principals, which are stored, and present values, which time grows: and which way each is rounded.

A principal is signed: above 0 it grows with the supply index, below 0 with the borrow index. Both present
values are rounded towards zero, also what is owed; back, a supply is rounded down and a debt up.

Mirrors `presentValue` and `principalValue` with their parts, contracts/CometCore.sol
(compound-finance/comet@d5a30b0). Present values in base asset units, indices with 15 decimals.
"""

from __future__ import annotations

from protocol.compound_v3.casts import safe104, signed104, signed256
from protocol.compound_v3.state import BASE_INDEX_SCALE, Market
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import DIVISION_BY_ZERO, add, mul, mul_div_down


def present_value(market: Market, principal: int) -> int:
    """What a signed principal is worth at the stored indices, rounded towards zero."""
    if principal >= 0:
        return signed256(present_value_down(market.base_supply_index_e15, principal))
    return -signed256(present_value_down(market.base_borrow_index_e15, -principal))


def present_value_down(index_e15: int, principal: int) -> int:
    """What an unsigned principal is worth at an index: `presentValueSupply` and `presentValueBorrow`."""
    return mul_div_down(principal, index_e15, BASE_INDEX_SCALE)


def principal_value(market: Market, balance: int) -> int:
    """The signed principal of a signed present value at the stored indices.

    Reverts `InvalidUInt104`, `InvalidInt104` or `Panic(0x11)` where it does not fit.
    """
    if balance >= 0:
        return signed104(principal_value_supply(market.base_supply_index_e15, balance))
    return -signed104(principal_value_borrow(market.base_borrow_index_e15, -balance))


def principal_value_supply(index_e15: int, balance: int) -> int:
    """The principal of a supplied balance, rounded down; reverts as `principal_value`."""
    return safe104(mul_div_down(balance, BASE_INDEX_SCALE, index_e15))


def principal_value_borrow(index_e15: int, balance: int) -> int:
    """The principal of an owed balance, rounded up; reverts as `principal_value`."""
    numerator = add(mul(balance, BASE_INDEX_SCALE), index_e15)
    if index_e15 == 0:
        raise EvmRevert(DIVISION_BY_ZERO, balance=balance)
    return safe104((numerator - 1) // index_e15)
