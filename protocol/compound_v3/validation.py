"""What the contract refuses, one check each.

Mirrors the custom errors of contracts/CometMainInterface.sol where contracts/CometWithExtendedAssetList.sol
raises them (compound-finance/comet@d5a30b0).
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.compound_v3.health import is_borrow_collateralized, is_liquidatable
from protocol.compound_v3.state import Account, Asset, AssetId, Market
from protocol.errors import EvmRevert


def require_not_paused(paused: bool) -> None:  # noqa: FBT001 - the flag is the question
    """Reverts `Paused`."""
    if paused:
        raise EvmRevert("Paused")


def require_listed(market: Market, asset_id: AssetId) -> Asset:
    """`getAssetInfoByAddress`: the collateral of this id; reverts `BadAsset` where the market lists none.

    The search goes by offset: what lies beyond the words that this version has makes it revert `Absurd`.
    """
    if asset_id in market.assets and asset_id < market.rules.asset_slots:
        return market.assets[asset_id]
    if len(market.assets) > market.rules.asset_slots:
        raise EvmRevert("Absurd", asset_id=market.rules.asset_slots)
    raise EvmRevert("BadAsset", asset_id=asset_id)


def require_under_supply_cap(asset: Asset) -> None:
    """Reverts `SupplyCapExceeded`; the cap itself is allowed."""
    if asset.total_supply > asset.info.supply_cap:
        raise EvmRevert(
            "SupplyCapExceeded", total_supply=asset.total_supply, supply_cap=asset.info.supply_cap
        )


def require_collateralized(market: Market, account: Account, prices_base: Mapping[AssetId, int]) -> None:
    """Reverts `NotCollateralized` unless the collateral carries the debt; price errors as in `account_data`."""
    if not is_borrow_collateralized(market, account, prices_base):
        raise EvmRevert("NotCollateralized", principal=account.principal)


def require_allowed_debt(
    market: Market, account: Account, balance: int, prices_base: Mapping[AssetId, int]
) -> None:
    """What a withdrawal or transfer of the base asset may leave owed, `balance` being signed; no debt is fine.

    Reverts `BorrowTooSmall`, `NotCollateralized`.
    """
    if balance >= 0:
        return
    if -balance < market.config.base_borrow_min:
        raise EvmRevert("BorrowTooSmall", debt=-balance, base_borrow_min=market.config.base_borrow_min)
    require_collateralized(market, account, prices_base)


def require_liquidatable(market: Market, account: Account, prices_base: Mapping[AssetId, int]) -> None:
    """Reverts `NotLiquidatable`; price errors as in `account_data`."""
    if not is_liquidatable(market, account, prices_base):
        raise EvmRevert("NotLiquidatable", principal=account.principal)


def require_for_sale(reserves: int, target_reserves: int) -> None:
    """Reverts `NotForSale` once the signed reserves have reached their target, 0 or more. [base asset units]"""
    if reserves >= target_reserves:
        raise EvmRevert("NotForSale", reserves=reserves, target_reserves=target_reserves)


def require_reserves(amount: int, reserves: int) -> None:
    """Reverts `InsufficientReserves` for more than there is, also where the signed reserves are negative."""
    if amount > reserves:
        raise EvmRevert("InsufficientReserves", amount=amount, reserves=reserves)
