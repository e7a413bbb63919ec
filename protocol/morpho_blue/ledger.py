"""What moves in a market, with the widths in which the contract stores it: position first, then the totals.

Mirrors the storage of src/Morpho.sol and `UtilsLib.toUint128`, src/libraries/UtilsLib.sol
(morpho-org/morpho-blue@3085651). Supply shares of a position have 256 bits, everything else 128.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, sub
from protocol.morpho_blue.shares import Totals
from protocol.morpho_blue.state import Account, Market, User
from protocol.units import MAX_UINT128

EMPTY_ACCOUNT = Account()


def account_of(market: Market, user: User) -> Account:
    """What a user has, possibly nothing."""
    return market.accounts.get(user, EMPTY_ACCOUNT)


def with_account(market: Market, user: User, account: Account) -> Market:
    """The market with this account; nothing held, nothing kept."""
    accounts = {**market.accounts, user: account}
    if account == EMPTY_ACCOUNT:
        del accounts[user]
    return replace(market, accounts=accounts)


def mint_supply(market: Market, user: User, *, assets: int, shares: int) -> Market:
    """`user` holds `shares` more, the market `assets` more."""
    account = account_of(market, user)
    account = replace(account, supply_shares=add(account.supply_shares, shares))
    total = Totals(
        shares=add_uint128(market.total_supply.shares, shares),
        assets=add_uint128(market.total_supply.assets, assets),
    )
    return replace(with_account(market, user, account), total_supply=total)


def burn_supply(market: Market, user: User, *, assets: int, shares: int) -> Market:
    """`user` holds `shares` less, the market `assets` less."""
    account = account_of(market, user)
    account = replace(account, supply_shares=sub(account.supply_shares, shares))
    total = Totals(
        shares=sub_uint128(market.total_supply.shares, shares),
        assets=sub_uint128(market.total_supply.assets, assets),
    )
    return replace(with_account(market, user, account), total_supply=total)


def mint_borrow(market: Market, user: User, *, assets: int, shares: int) -> Market:
    """`user` owes `shares` more, all borrowers `assets` more."""
    account = account_of(market, user)
    account = replace(account, borrow_shares=add_uint128(account.borrow_shares, shares))
    total = Totals(
        shares=add_uint128(market.total_borrow.shares, shares),
        assets=add_uint128(market.total_borrow.assets, assets),
    )
    return replace(with_account(market, user, account), total_borrow=total)


def burn_borrow(market: Market, user: User, *, assets: int, shares: int) -> Market:
    """`user` owes `shares` less, all borrowers `assets` less; assets, rounded up, may exceed all by 1."""
    account = account_of(market, user)
    account = replace(account, borrow_shares=sub_uint128(account.borrow_shares, shares))
    total = Totals(
        shares=sub_uint128(market.total_borrow.shares, shares),
        assets=max(market.total_borrow.assets - assets, 0),
    )
    return replace(with_account(market, user, account), total_borrow=total)


def add_collateral(market: Market, user: User, assets: int) -> Market:
    """`user` has pledged `assets` [collateral asset units] more."""
    account = account_of(market, user)
    return with_account(market, user, replace(account, collateral=add_uint128(account.collateral, assets)))


def take_collateral(market: Market, user: User, assets: int) -> Market:
    """`user` has pledged `assets` [collateral asset units] less."""
    account = account_of(market, user)
    return with_account(market, user, replace(account, collateral=sub_uint128(account.collateral, assets)))


def add_uint128(total: int, amount: int) -> int:
    """`total + amount`; reverts `max uint128 exceeded` for the amount, `Panic(0x11)` for the sum."""
    return add(total, to_uint128(amount), max_value=MAX_UINT128)


def sub_uint128(total: int, amount: int) -> int:
    """`total - amount`; reverts `max uint128 exceeded` for the amount, `Panic(0x11)` below zero."""
    return sub(total, to_uint128(amount))


def to_uint128(value: int) -> int:
    """`value` unchanged; reverts `max uint128 exceeded` when it needs more bits."""
    if value > MAX_UINT128:
        raise EvmRevert("max uint128 exceeded", value=value)
    return value
