"""Supplying: the base asset, which first pays back what is owed, or a collateral.

Mirrors `supply`, `supplyTo` and `accrueAccount` with their parts,
contracts/CometWithExtendedAssetList.sol (compound-finance/comet@d5a30b0). Taken for granted: the user has the
asset and has approved it, and the token takes no fee. Managers (`allow`, `supplyFrom`) are not modelled.
"""

from __future__ import annotations

from protocol.compound_v3.amounts import repay_and_supply_amount
from protocol.compound_v3.casts import safe128, signed256
from protocol.compound_v3.interest import borrow_balance_of
from protocol.compound_v3.ledger import Ledger
from protocol.compound_v3.principal import present_value, principal_value
from protocol.compound_v3.state import BASE, Acted, AssetId, Market, Revert, User
from protocol.compound_v3.validation import require_listed, require_not_paused, require_under_supply_cap
from protocol.errors import EvmRevert
from protocol.fixed_point.int256 import add_int256
from protocol.units import MAX_UINT256


def supply(
    market: Market, user: User, asset_id: AssetId, amount: int, *, dst: User | None = None, timestamp: int
) -> Acted | Revert:
    """`user` gives `amount` [asset units] of `BASE` or a collateral at `timestamp` [s], for itself or for `dst`.

    2**256 - 1 of the base asset is all that is owed. Only the base asset makes the market accrue.
    """
    ledger, holder = Ledger(market), user if dst is None else dst
    try:
        given = _supply(ledger, holder, asset_id, amount, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market, amount=given)


def accrue_account(market: Market, user: User, *, timestamp: int) -> Acted | Revert:
    """`accrueAccount`: moves the market's indices to `timestamp` [s] and the user's rewards; no principal moves."""
    ledger = Ledger(market)
    try:
        ledger.accrue(timestamp)
        ledger.set_principal(user, ledger.account(user).principal)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market)


def _supply(ledger: Ledger, holder: User, asset_id: AssetId, amount: int, timestamp: int) -> int:
    require_not_paused(ledger.market.pauses.supply)
    if asset_id != BASE:
        _supply_collateral(ledger, holder, asset_id, safe128(amount))
        return amount
    if amount == MAX_UINT256:
        amount = borrow_balance_of(ledger.market, holder, timestamp)
    _supply_base(ledger, holder, amount, timestamp)
    return amount


def _supply_base(ledger: Ledger, holder: User, amount: int, timestamp: int) -> None:
    ledger.transfer_base(received=amount)
    ledger.accrue(timestamp)
    old_principal = ledger.account(holder).principal
    balance = add_int256(present_value(ledger.market, old_principal), signed256(amount))
    new_principal = principal_value(ledger.market, balance)
    repaid, supplied = repay_and_supply_amount(old_principal, new_principal)
    ledger.move_totals(supplied=supplied, repaid=repaid)
    ledger.set_principal(holder, new_principal)


def _supply_collateral(ledger: Ledger, holder: User, asset_id: AssetId, amount: int) -> None:
    require_listed(ledger.market, asset_id)
    ledger.transfer_collateral(asset_id, received=amount)
    ledger.move_total_collateral(asset_id, supplied=amount)
    require_under_supply_cap(ledger.market.assets[asset_id])
    ledger.add_collateral(holder, asset_id, amount)
