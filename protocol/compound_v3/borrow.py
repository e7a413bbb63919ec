"""Withdrawing: a collateral, or the base asset, of which whoever takes more than it supplied borrows.

A debt must be worth having (`baseBorrowMin`) and carried by borrow collateral factors. Taking collateral asks
for the second alone, and at the stored indices: nothing is accrued.

Mirrors `withdraw` with its parts, contracts/CometWithExtendedAssetList.sol (compound-finance/comet@d5a30b0).
The user is paid out to itself or to another; managers (`withdrawFrom`) are not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.compound_v3.amounts import withdraw_and_borrow_amount
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
from protocol.fixed_point.int256 import sub_int256
from protocol.units import MAX_UINT256


def withdraw(
    market: Market,
    user: User,
    asset_id: AssetId,
    amount: int,
    *,
    prices_base: Mapping[AssetId, int],
    timestamp: int,
) -> Acted | Revert:
    """`user` takes `amount` [asset units] of `BASE` or a collateral at `timestamp` [s] and observed prices.

    2**256 - 1 of the base asset is all that is supplied, and no loan. Where the user owes something after it,
    raises `MissingPrice`, `UnknownReserve`.
    """
    ledger = Ledger(market)
    try:
        taken = _withdraw(ledger, user, asset_id, amount, prices_base, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market, amount=taken)


def _withdraw(
    ledger: Ledger,
    user: User,
    asset_id: AssetId,
    amount: int,
    prices_base: Mapping[AssetId, int],
    timestamp: int,
) -> int:
    require_not_paused(ledger.market.pauses.withdraw)
    if asset_id != BASE:
        _withdraw_collateral(ledger, user, asset_id, safe128(amount), prices_base)
        return amount
    if amount == MAX_UINT256:
        amount = balance_of(ledger.market, user, timestamp)
    _withdraw_base(ledger, user, amount, prices_base, timestamp)
    return amount


def _withdraw_base(
    ledger: Ledger, user: User, amount: int, prices_base: Mapping[AssetId, int], timestamp: int
) -> None:
    ledger.accrue(timestamp)
    old_principal = ledger.account(user).principal
    balance = sub_int256(present_value(ledger.market, old_principal), signed256(amount))
    new_principal = principal_value(ledger.market, balance)
    withdrawn, borrowed = withdraw_and_borrow_amount(old_principal, new_principal)
    ledger.move_totals(withdrawn=withdrawn, borrowed=borrowed)
    ledger.set_principal(user, new_principal)
    require_allowed_debt(ledger.market, ledger.account(user), balance, prices_base)
    ledger.transfer_base(sent=amount)


def _withdraw_collateral(
    ledger: Ledger, user: User, asset_id: AssetId, amount: int, prices_base: Mapping[AssetId, int]
) -> None:
    ledger.take_collateral(user, asset_id, amount)
    require_listed(ledger.market, asset_id)
    ledger.move_total_collateral(asset_id, taken=amount)
    require_collateralized(ledger.market, ledger.account(user), prices_base)
    ledger.transfer_collateral(asset_id, sent=amount)
