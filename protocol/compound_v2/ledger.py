"""A market while one call changes it: the only mutable thing here, and it never leaves the call.

Also the movements of the asset, which mirror `doTransferIn` and `doTransferOut`, contracts/CErc20.sol and
contracts/CEther.sol (compound-finance/compound-protocol@ae4388e).
"""

from __future__ import annotations

from dataclasses import replace

from protocol.compound_v2.health import EMPTY_ACCOUNT, EMPTY_POSITION
from protocol.compound_v2.interest import accrue
from protocol.compound_v2.state import Account, CToken, Market, MarketId, Position, TransferFee, User
from protocol.errors import EvmRevert, UnknownMarket
from protocol.fixed_point.careful_math import add, sub
from protocol.units import BPS


class Ledger:
    """cTokens and accounts that a call reads and writes; `market()` is the result.

    Ether arrives with the call: `value` belongs to what the called cToken holds from the start. Whoever asks that
    cToken from outside sees it; what runs in the call itself takes it off.
    """

    def __init__(self, market: Market, *, called: MarketId | None = None, value: int = 0) -> None:
        self._before = market
        self._ctokens = dict(market.ctokens)
        self._accounts = dict(market.accounts)
        self._values: dict[MarketId, int] = {}
        if called is not None and self.ctoken(called).is_ether:
            self._values[called] = value
            self._move_cash(called, value)

    def market(self) -> Market:
        """The market as it stands now, as seen from outside."""
        return replace(self._before, ctokens=self._ctokens, accounts=self._accounts)

    # --- cTokens ---

    def ctoken(self, market_id: MarketId) -> CToken:
        """A cToken as it stands now; raises `UnknownMarket`."""
        if market_id not in self._ctokens:
            raise UnknownMarket(market_id)
        return self._ctokens[market_id]

    def put(self, ctoken: CToken) -> None:
        """Stores a cToken."""
        self._ctokens[ctoken.market_id] = ctoken

    def cash_within(self, market_id: MarketId) -> int:
        """`getCashPrior` as the cToken sees it during the call: without the ether that came with it."""
        return sub(self.ctoken(market_id).cash_underlying, self._values.get(market_id, 0))

    def accrue(self, market_id: MarketId, block_number: int) -> None:
        """`accrueInterest` of the called cToken by itself: moved to `block_number`; errors as there."""
        self.put(accrue(self.ctoken(market_id), block_number, cash=self.cash_within(market_id)))

    def accrue_other(self, market_id: MarketId, block_number: int) -> None:
        """The same, called from outside: of the cToken called already, it sees the ether sent."""
        self.put(accrue(self.ctoken(market_id), block_number))

    # --- accounts ---

    def account(self, user: User) -> Account:
        """An account as it stands now, possibly empty."""
        return self._accounts.get(user, EMPTY_ACCOUNT)

    def position(self, user: User, market_id: MarketId) -> Position:
        """What a user has in a cToken, possibly nothing."""
        return self.account(user).positions.get(market_id, EMPTY_POSITION)

    def put_position(self, user: User, market_id: MarketId, position: Position) -> None:
        """Stores what a user has in a cToken; nothing set, nothing kept."""
        account = self.account(user)
        positions = dict(account.positions)
        positions.pop(market_id, None)
        if position != EMPTY_POSITION:
            positions[market_id] = position
        self._accounts[user] = replace(account, positions=dict(sorted(positions.items())))

    def enter(self, user: User, market_id: MarketId) -> None:
        """The market counts for the account from now on."""
        account = self.account(user)
        self._accounts[user] = replace(account, entered=(*account.entered, market_id))

    def leave(self, user: User, market_id: MarketId) -> None:
        """The market does not count any more; the last one takes its place."""
        account = self.account(user)
        markets = list(account.entered)
        markets[markets.index(market_id)] = markets[-1]
        self._accounts[user] = replace(account, entered=tuple(markets[:-1]))

    # --- the asset ---

    def counted(self, market_id: MarketId, amount: int) -> int:
        """What `doTransferIn` will say of `amount` [asset units]; reverts where ether sent is not what is asked."""
        ctoken = self.ctoken(market_id)
        if market_id in self._values and self._values[market_id] != amount:
            raise EvmRevert("value mismatch", amount=amount, value=self._values[market_id])
        return received(ctoken.transfer_fee, amount) if ctoken.rules.counts_received else amount

    def take_in(self, market_id: MarketId, amount: int) -> None:
        """The asset arrives, less what its token keeps; ether has arrived already. [asset units]"""
        if market_id not in self._values:
            self._move_cash(market_id, received(self.ctoken(market_id).transfer_fee, amount))

    def pay_out(self, market_id: MarketId, amount: int) -> None:
        """The asset leaves. [asset units]"""
        ctoken = self.ctoken(market_id)
        self.put(replace(ctoken, cash_underlying=sub(ctoken.cash_underlying, amount)))

    def _move_cash(self, market_id: MarketId, amount: int) -> None:
        ctoken = self.ctoken(market_id)
        self.put(replace(ctoken, cash_underlying=add(ctoken.cash_underlying, amount)))


def received(fee: TransferFee, amount: int) -> int:
    """What arrives of `amount`, the token's fee taken off. [asset units]"""
    return amount - min(amount * fee.share_bps // BPS, fee.maximum_underlying)
