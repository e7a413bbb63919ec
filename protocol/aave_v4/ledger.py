"""A market while one call changes it: the only mutable thing here, and it never leaves the call.

Also the spoke's errands to the hubs, which are done in the spoke's name on the asset of a reserve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from protocol.aave_v4.interest import drawn_index
from protocol.aave_v4.state import Account, Asset, DynamicConfig, Market, Position, Reserve, ReserveId, User
from protocol.errors import EvmRevert, UnknownAsset, UnknownReserve

EMPTY_ACCOUNT = Account()
EMPTY_POSITION = Position()
NO_DYNAMIC_CONFIG = DynamicConfig(collateral_factor_bps=0, max_liquidation_bonus_bps=0, liquidation_fee_bps=0)
"""What the spoke finds under a key that was never set."""


class Ledger:
    """Assets and accounts that a call reads and writes at `timestamp` [s]; `market()` is the result."""

    def __init__(self, market: Market, timestamp: int) -> None:
        self._before = market
        self._assets = dict(market.assets)
        self._accounts = dict(market.accounts)
        self.spoke = market.spoke
        self.timestamp = timestamp
        self.liquidation_config = market.liquidation_config
        self.max_user_reserves = market.max_user_reserves

    def market(self) -> Market:
        """The market as it stands now."""
        return replace(self._before, assets=self._assets, accounts=self._accounts)

    def listed(self, reserve_id: ReserveId) -> Reserve:
        """`SpokeUtils.get`: the reserve a call names; reverts `ReserveNotListed`."""
        if reserve_id not in self._before.reserves:
            raise EvmRevert("ReserveNotListed", reserve_id=reserve_id)
        return self._before.reserves[reserve_id]

    def reserve(self, reserve_id: ReserveId) -> Reserve:
        """The reserve of a position; raises `UnknownReserve`, as no position is in one that is not listed."""
        if reserve_id not in self._before.reserves:
            raise UnknownReserve(reserve_id)
        return self._before.reserves[reserve_id]

    def dynamic_config(self, user: User, reserve_id: ReserveId) -> DynamicConfig:
        """The risk parameters that a user's position keeps."""
        configs = self.reserve(reserve_id).dynamic_configs
        return configs.get(self.position(user, reserve_id).dynamic_config_key, NO_DYNAMIC_CONFIG)

    def asset(self, reserve: Reserve) -> Asset:
        """The hub's asset of a reserve, as it stands now; raises `UnknownAsset`."""
        if reserve.asset_id not in self._assets:
            raise UnknownAsset(reserve.asset_id)
        return self._assets[reserve.asset_id]

    def put_asset(self, asset: Asset) -> None:
        """Stores an asset."""
        self._assets[asset.asset_id] = asset

    def drawn_index(self, reserve: Reserve) -> int:
        """`getAssetDrawnIndex`, accrued to now. [ray]"""
        return drawn_index(self.asset(reserve), self.timestamp)

    def account(self, user: User) -> Account:
        """What a user has, possibly nothing."""
        return self._accounts.get(user, EMPTY_ACCOUNT)

    def put_risk_premium(self, user: User, risk_premium_bps: int) -> None:
        """Stores a user's risk premium."""
        self._accounts[user] = replace(self.account(user), risk_premium_bps=risk_premium_bps)

    def position(self, user: User, reserve_id: ReserveId) -> Position:
        """What a user has in a reserve, possibly nothing."""
        return self.account(user).positions.get(reserve_id, EMPTY_POSITION)

    def used(self, user: User) -> Iterator[tuple[ReserveId, Position]]:
        """The positions of which a user bit is set, from the last reserve id to the first, as the spoke walks."""
        for reserve_id, position in sorted(self.account(user).positions.items(), reverse=True):
            if position.collateral_enabled or position.borrowing:
                yield reserve_id, position

    def put_position(self, user: User, reserve_id: ReserveId, position: Position) -> None:
        """Stores what a user has in a reserve; nothing set, nothing kept."""
        account = self.account(user)
        positions = {**account.positions, reserve_id: position}
        if position == EMPTY_POSITION:
            del positions[reserve_id]
        self._accounts[user] = replace(account, positions=dict(sorted(positions.items())))
