"""Whether an account may borrow, and whether it may be absorbed: its debt against its weighted collateral.

Mirrors `getPrice`, `isBorrowCollateralized` and `isLiquidatable`, contracts/CometWithExtendedAssetList.sol
(compound-finance/comet@d5a30b0). Both ask the *stored* indices. Prices are the feeds', of one whole token
with 8 decimals, keyed by asset id and `BASE`; one that the contract would not read need not be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from protocol.compound_v3.casts import signed256
from protocol.compound_v3.interest import EMPTY_ACCOUNT, balance_of, borrow_balance_of, viewed_at
from protocol.compound_v3.principal import present_value
from protocol.compound_v3.state import BASE, Account, AccountData, Asset, AssetId, AssetInfo, Market, User
from protocol.errors import EvmRevert, MissingPrice, UnknownReserve
from protocol.fixed_point.int256 import add_int256, div_int256_toward_zero, mul_int256
from protocol.fixed_point.uint256 import mul_div_down
from protocol.units import WAD


def account_data(
    market: Market, user: User, *, prices_base: Mapping[AssetId, int], timestamp: int
) -> AccountData:
    """What the views say of `user` at `timestamp` [s] and observed prices; an unknown user has nothing.

    Raises `MissingPrice`, `UnknownReserve`; `EvmRevert` where a view reverts, as for a price of 0 or less.
    """
    account = market.accounts.get(user, EMPTY_ACCOUNT)
    return AccountData(
        supply_balance=balance_of(market, user, timestamp),
        borrow_balance=borrow_balance_of(market, user, timestamp),
        is_borrow_collateralized=is_borrow_collateralized(market, account, prices_base),
        is_liquidatable=is_liquidatable(market, account, prices_base),
        is_absorbable=is_liquidatable(viewed_at(market, timestamp), account, prices_base),
    )


def is_borrow_collateralized(market: Market, account: Account, prices_base: Mapping[AssetId, int]) -> bool:
    """The view of this name: no debt, or collateral by borrow factors that carries it; errors as above."""
    return account.principal >= 0 or _liquidity(market, account, _borrow_factor, prices_base) >= 0


def is_liquidatable(market: Market, account: Account, prices_base: Mapping[AssetId, int]) -> bool:
    """The view of this name: a debt beyond the collateral by liquidation factors; errors as above.

    At equality the account is healthy.
    """
    return account.principal < 0 and _liquidity(market, account, _liquidate_factor, prices_base) < 0


def price_at(asset_id: AssetId, prices_base: Mapping[AssetId, int]) -> int:
    """`getPrice`: the given price of an asset [base]; reverts `BadPrice` unless positive."""
    price_base = prices_base.get(asset_id)
    if price_base is None:
        raise MissingPrice("the base asset" if asset_id == BASE else asset_id)
    if price_base <= 0:
        raise EvmRevert("BadPrice", asset_id=asset_id, price_base=price_base)
    return price_base


def held(account: Account) -> Iterator[tuple[AssetId, int]]:
    """The account's collaterals that are not 0 [asset units], in the order of their offsets."""
    return ((asset_id, balance) for asset_id, balance in sorted(account.collateral.items()) if balance)


def asset_at(market: Market, asset_id: AssetId) -> Asset:
    """`getAssetInfo` of a collateral that an account holds.

    Raises `UnknownReserve`; reverts `Absurd` for one that this version cannot read back.
    """
    if asset_id not in market.assets:
        raise UnknownReserve(asset_id)
    if asset_id >= market.rules.asset_slots:
        raise EvmRevert("Absurd", asset_id=asset_id)
    return market.assets[asset_id]


def value_of(balance: int, asset: Asset, prices_base: Mapping[AssetId, int]) -> int:
    """What a collateral balance [asset units] is worth, rounded down. [base]"""
    return mul_div_down(balance, price_at(asset.asset_id, prices_base), asset.info.scale)


def _liquidity(
    market: Market,
    account: Account,
    factor_of: Callable[[AssetInfo], int],
    prices_base: Mapping[AssetId, int],
) -> int:
    """The account's debt, negative, and its weighted collaterals: only until the sum is 0 or more. [base]"""
    debt = mul_int256(present_value(market, account.principal), signed256(price_at(BASE, prices_base)))
    liquidity = div_int256_toward_zero(debt, market.config.base_scale)
    for asset_id, balance in held(account):
        if liquidity >= 0:
            break  # what comes later is not looked at: its price feed may even be broken
        asset = asset_at(market, asset_id)
        weighted = mul_div_down(value_of(balance, asset, prices_base), factor_of(asset.info), WAD)
        liquidity = add_int256(liquidity, signed256(weighted))
    return liquidity


def _borrow_factor(info: AssetInfo) -> int:
    return info.borrow_collateral_factor_wad


def _liquidate_factor(info: AssetInfo) -> int:
    return info.liquidate_collateral_factor_wad
