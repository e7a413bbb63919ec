"""A market while one call changes it: the only mutable thing here, and it never leaves the call.

Mirrors how contracts/CometWithExtendedAssetList.sol writes its storage (compound-finance/comet@d5a30b0). Base
amounts in base asset units, collateral in asset units.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from protocol.compound_v3.casts import MAX_UINT104, MAX_UINT128
from protocol.compound_v3.interest import EMPTY_ACCOUNT, accrue
from protocol.compound_v3.state import Account, AssetId, Market, User
from protocol.compound_v3.tracking import with_principal
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import add, sub

TRANSFER_EXCEEDS_BALANCE: Final = "ERC20: transfer amount exceeds balance"
"""The error of the token's own contract, as most of them word it."""


class Ledger:
    """The market that a call reads and writes; `market` is how it stands now."""

    def __init__(self, market: Market) -> None:
        self._assets = dict(market.assets)
        self._accounts = dict(market.accounts)
        self.market = replace(market, assets=self._assets, accounts=self._accounts)

    def accrue(self, timestamp: int) -> None:
        """`accrueInternal`."""
        self.market = accrue(self.market, timestamp)

    def account(self, user: User) -> Account:
        """What a user has, possibly nothing."""
        return self._accounts.get(user, EMPTY_ACCOUNT)

    def collateral(self, user: User, asset_id: AssetId) -> int:
        """What a user has of a collateral."""
        return self.account(user).collateral.get(asset_id, 0)

    def set_principal(self, user: User, principal: int) -> None:
        """`updateBasePrincipal`."""
        self._put(user, with_principal(self.market, self.account(user), principal))

    def move_totals(
        self, *, supplied: int = 0, withdrawn: int = 0, borrowed: int = 0, repaid: int = 0
    ) -> None:
        """Moves the total principals, what is added first; reverts `Panic(0x11)` out of 104 bits."""
        supply = add(self.market.total_supply_principal, supplied, max_value=MAX_UINT104)
        borrow = add(self.market.total_borrow_principal, borrowed, max_value=MAX_UINT104)
        self.market = replace(
            self.market,
            total_supply_principal=sub(supply, withdrawn),
            total_borrow_principal=sub(borrow, repaid),
        )

    def add_collateral(self, user: User, asset_id: AssetId, amount: int) -> None:
        """Credits a user with collateral; reverts `Panic(0x11)` beyond 128 bits."""
        self._set_collateral(
            user, asset_id, add(self.collateral(user, asset_id), amount, max_value=MAX_UINT128)
        )

    def take_collateral(self, user: User, asset_id: AssetId, amount: int) -> None:
        """Takes collateral off a user; reverts `Panic(0x11)` beyond what there is."""
        self._set_collateral(user, asset_id, sub(self.collateral(user, asset_id), amount))

    def move_total_collateral(self, asset_id: AssetId, *, supplied: int = 0, taken: int = 0) -> None:
        """Moves what all users have of a collateral; reverts `Panic(0x11)` out of 128 bits."""
        asset = self._assets[asset_id]
        total = sub(add(asset.total_supply, supplied, max_value=MAX_UINT128), taken)
        self._put_asset(asset_id, total_supply=total)

    def transfer_base(self, *, received: int = 0, sent: int = 0) -> None:
        """The contract gets or gives the base asset; reverts as the token does."""
        balance = self.market.base_balance + received
        self.market = replace(self.market, base_balance=_left(balance, sent))

    def transfer_collateral(self, asset_id: AssetId, *, received: int = 0, sent: int = 0) -> None:
        """The contract gets or gives a collateral; reverts as the token does."""
        balance = self._assets[asset_id].balance + received
        self._put_asset(asset_id, balance=_left(balance, sent))

    def _set_collateral(self, user: User, asset_id: AssetId, balance: int) -> None:
        collateral = {**self.account(user).collateral, asset_id: balance}
        kept = {one: held for one, held in sorted(collateral.items()) if held}
        self._put(user, replace(self.account(user), collateral=kept))

    def _put(self, user: User, account: Account) -> None:
        self._accounts[user] = account

    def _put_asset(self, asset_id: AssetId, **stored: int) -> None:
        self._assets[asset_id] = replace(self._assets[asset_id], **stored)


def _left(balance: int, sent: int) -> int:
    if sent > balance:
        raise EvmRevert(TRANSFER_EXCEEDS_BALANCE, balance=balance, sent=sent)
    return balance - sent
