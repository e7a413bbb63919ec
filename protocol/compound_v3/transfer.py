"""Handing the base asset or a collateral from one user to another inside the market: no token moves.

Whoever sends more of the base asset than it supplied borrows, by the rules of a withdrawal; whoever receives
it first pays back what it owes.

Mirrors `transferAsset` with its parts, contracts/CometWithExtendedAssetList.sol
(compound-finance/comet@d5a30b0). Managers (`transferAssetFrom`) are not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.compound_v3.amounts import repay_and_supply_amount, withdraw_and_borrow_amount
from protocol.compound_v3.casts import safe128, signed256
from protocol.compound_v3.interest import balance_of
from protocol.compound_v3.ledger import Ledger
from protocol.compound_v3.principal import present_value, principal_value
from protocol.compound_v3.state import BASE, Acted, AssetId, Market, Revert, User
from protocol.compound_v3.validation import (
    require_allowed_debt,
    require_collateralized,
    require_listed,
    require_not_paused,
)
from protocol.errors import EvmRevert
from protocol.fixed_point.int256 import add_int256, sub_int256
from protocol.units import MAX_UINT256


def transfer_asset(
    market: Market,
    src: User,
    dst: User,
    asset_id: AssetId,
    amount: int,
    *,
    prices_base: Mapping[AssetId, int],
    timestamp: int,
) -> Acted | Revert:
    """`src` hands `amount` [asset units] of `BASE` or a collateral to `dst` at `timestamp` [s].

    2**256 - 1 of the base asset is all that is supplied, and no loan. Where the sender owes something after
    it, raises `MissingPrice`, `UnknownReserve`.
    """
    ledger = Ledger(market)
    try:
        sent = _transfer(ledger, src, dst, asset_id, amount, prices_base, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market, amount=sent)


def _transfer(
    ledger: Ledger,
    src: User,
    dst: User,
    asset_id: AssetId,
    amount: int,
    prices_base: Mapping[AssetId, int],
    timestamp: int,
) -> int:
    require_not_paused(ledger.market.pauses.transfer)
    if src == dst:
        raise EvmRevert("NoSelfTransfer")
    if asset_id != BASE:
        _transfer_collateral(ledger, src, dst, asset_id, safe128(amount), prices_base)
        return amount
    if amount == MAX_UINT256:
        amount = balance_of(ledger.market, src, timestamp)
    _transfer_base(ledger, src, dst, amount, prices_base, timestamp)
    return amount


def _transfer_base(
    ledger: Ledger,
    src: User,
    dst: User,
    amount: int,
    prices_base: Mapping[AssetId, int],
    timestamp: int,
) -> None:
    ledger.accrue(timestamp)
    src_principal, dst_principal = ledger.account(src).principal, ledger.account(dst).principal
    src_balance = sub_int256(present_value(ledger.market, src_principal), signed256(amount))
    dst_balance = add_int256(present_value(ledger.market, dst_principal), signed256(amount))
    src_new = principal_value(ledger.market, src_balance)
    dst_new = principal_value(ledger.market, dst_balance)
    withdrawn, borrowed = withdraw_and_borrow_amount(src_principal, src_new)
    repaid, supplied = repay_and_supply_amount(dst_principal, dst_new)
    ledger.move_totals(supplied=supplied, withdrawn=withdrawn, borrowed=borrowed, repaid=repaid)
    ledger.set_principal(src, src_new)
    ledger.set_principal(dst, dst_new)
    require_allowed_debt(ledger.market, ledger.account(src), src_balance, prices_base)


def _transfer_collateral(
    ledger: Ledger,
    src: User,
    dst: User,
    asset_id: AssetId,
    amount: int,
    prices_base: Mapping[AssetId, int],
) -> None:
    ledger.take_collateral(src, asset_id, amount)
    ledger.add_collateral(dst, asset_id, amount)
    require_listed(ledger.market, asset_id)
    require_collateralized(ledger.market, ledger.account(src), prices_base)
