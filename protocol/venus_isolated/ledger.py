"""A market while one call changes it: the only mutable thing here, and it never leaves the call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from protocol.errors import UnknownMarket
from protocol.venus_isolated.interest import accrue
from protocol.venus_isolated.state import Account, Market, MarketId, Position, Shortfall, User, VToken

EMPTY_ACCOUNT = Account()
EMPTY_POSITION = Position()


class Ledger:
    """Markets and accounts that a call reads and writes at `slot` [block or second]; `market()` is the result."""

    def __init__(self, market: Market, slot: int) -> None:
        self._before = market
        self._vtokens = dict(market.vtokens)
        self._accounts = dict(market.accounts)
        self.shortfall = market.shortfall
        self.slot = slot
        self.rules = market.rules
        self.close_factor_mantissa = market.close_factor_mantissa
        self.liquidation_incentive_mantissa = market.liquidation_incentive_mantissa
        self.min_liquidatable_collateral_usd_mantissa = market.min_liquidatable_collateral_usd_mantissa
        self.max_loops_limit = market.max_loops_limit

    def market(self) -> Market:
        """The market as it stands now."""
        return replace(self._before, vtokens=self._vtokens, accounts=self._accounts, shortfall=self.shortfall)

    def vtokens(self) -> list[VToken]:
        """`getAllMarkets`: every market as it stands now."""
        return list(self._vtokens.values())

    def vtoken(self, market_id: MarketId) -> VToken:
        """A market as it stands now; raises `UnknownMarket`."""
        if market_id not in self._vtokens:
            raise UnknownMarket(market_id)
        return self._vtokens[market_id]

    def put(self, vtoken: VToken) -> None:
        """Stores a market."""
        self._vtokens[vtoken.market_id] = vtoken

    def put_shortfall(self, shortfall: Shortfall) -> None:
        """Stores the auction house."""
        self.shortfall = shortfall

    def accrue(self, market_id: MarketId) -> VToken:
        """`accrueInterest` of one market, to now."""
        vtoken = accrue(self.vtoken(market_id), self.rules, self.slot)
        self.put(vtoken)
        return vtoken

    def account(self, user: User) -> Account:
        """What a user has, possibly nothing."""
        return self._accounts.get(user, EMPTY_ACCOUNT)

    def position(self, user: User, market_id: MarketId) -> Position:
        """What a user has in a market, possibly nothing."""
        return self.account(user).positions.get(market_id, EMPTY_POSITION)

    def put_position(self, user: User, market_id: MarketId, position: Position) -> None:
        """Stores what a user has in a market; nothing set, nothing kept."""
        account = self.account(user)
        positions = {**account.positions, market_id: position}
        if position == EMPTY_POSITION:
            del positions[market_id]
        self._accounts[user] = replace(account, positions=dict(sorted(positions.items())))

    def is_member(self, user: User, market_id: MarketId) -> bool:
        """`checkMembership`."""
        return market_id in self.account(user).entered

    def put_entered(self, user: User, entered: tuple[MarketId, ...]) -> None:
        """Stores which markets a user is in."""
        self._accounts[user] = replace(self.account(user), entered=entered)

    def assets_in(self, user: User) -> Iterator[VToken]:
        """`getAssetsIn`: the listed markets a user has entered, as they stand when they are reached."""
        for market_id in self.account(user).entered:
            vtoken = self.vtoken(market_id)
            if vtoken.listed:
                yield vtoken
