"""A market while one call changes it: the only mutable thing here, and it never leaves the call.

Also the token movements, which mirror `ScaledBalanceTokenBase` and `IncentivizedERC20`,
src/contracts/protocol/tokenization/base@v3.6.0 and their forms before. Amounts are scaled.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v3.health import EMPTY_ACCOUNT
from protocol.aave_v3.state import Market, Position, Reserve, ReserveId, User
from protocol.errors import EvmRevert, UnknownReserve
from protocol.fixed_point.uint256 import add, sub, to_uint

EMPTY_POSITION = Position()


class Ledger:
    """Reserves and accounts that a call reads and writes; `market()` is the result."""

    def __init__(self, market: Market) -> None:
        self._before = market
        self._reserves = dict(market.reserves)
        self._accounts = dict(market.accounts)
        self.rules = market.rules

    def market(self) -> Market:
        """The market as it stands now."""
        return replace(self._before, reserves=self._reserves, accounts=self._accounts)

    def reserve(self, reserve_id: ReserveId) -> Reserve:
        """A reserve as it stands now; raises `UnknownReserve`."""
        if reserve_id not in self._reserves:
            raise UnknownReserve(reserve_id)
        return self._reserves[reserve_id]

    def put(self, reserve: Reserve) -> None:
        """Stores a reserve."""
        self._reserves[reserve.reserve_id] = reserve

    def position(self, user: User, reserve_id: ReserveId) -> Position:
        """What a user has in a reserve, possibly nothing."""
        return self._accounts.get(user, EMPTY_ACCOUNT).positions.get(reserve_id, EMPTY_POSITION)

    def positions(self, user: User) -> list[tuple[ReserveId, Position]]:
        """All that a user has, in reserve id order."""
        return sorted(self._accounts.get(user, EMPTY_ACCOUNT).positions.items())

    def put_position(self, user: User, reserve_id: ReserveId, position: Position) -> None:
        """Stores what a user has in a reserve; nothing set, nothing kept."""
        account = self._accounts.get(user, EMPTY_ACCOUNT)
        positions = dict(account.positions)
        positions.pop(reserve_id, None)
        if position != EMPTY_POSITION:
            positions[reserve_id] = position
        self._accounts[user] = replace(account, positions=dict(sorted(positions.items())))

    def set_collateral_enabled(self, user: User, reserve_id: ReserveId, *, enabled: bool) -> None:
        """`UserConfiguration.setUsingAsCollateral`."""
        position = self.position(user, reserve_id)
        self.put_position(user, reserve_id, replace(position, collateral_enabled=enabled))

    def clear_borrowing(self, user: User, reserve_id: ReserveId) -> None:
        """`UserConfiguration.setBorrowing(id, false)`."""
        position = self.position(user, reserve_id)
        self.put_position(user, reserve_id, replace(position, borrowing=False))

    def burn_atoken(self, user: User, reserve_id: ReserveId, scaled: int) -> None:
        """Destroys supply; reverts `InvalidBurnAmount` for nothing, `Panic(0x11)` for more than there is."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        left = sub(position.scaled_atoken, self._burnable(scaled))
        self.put(replace(reserve, total_scaled_atoken=sub(reserve.total_scaled_atoken, scaled)))
        self.put_position(user, reserve_id, replace(position, scaled_atoken=left))

    def burn_vtoken(self, user: User, reserve_id: ReserveId, scaled: int) -> None:
        """Destroys debt; reverts as `burn_atoken`."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        left = sub(position.scaled_variable_debt, self._burnable(scaled))
        total = sub(reserve.total_scaled_variable_debt, scaled)
        self.put(replace(reserve, total_scaled_variable_debt=total))
        self.put_position(user, reserve_id, replace(position, scaled_variable_debt=left))

    def transfer_atoken(self, sender: User, recipient: User, reserve_id: ReserveId, scaled: int) -> None:
        """`transferOnLiquidation`: moves supply, also nothing; reverts `Panic(0x11)` beyond the balance."""
        bits = self.rules.balance_bits
        sent = self.position(sender, reserve_id)
        left = sub(sent.scaled_atoken, to_uint(scaled, bits))
        self.put_position(sender, reserve_id, replace(sent, scaled_atoken=left))
        received = self.position(recipient, reserve_id)
        total = add(received.scaled_atoken, scaled, max_value=2**bits - 1)
        self.put_position(recipient, reserve_id, replace(received, scaled_atoken=total))

    def _burnable(self, scaled: int) -> int:
        if scaled == 0:
            raise EvmRevert("InvalidBurnAmount")
        return to_uint(scaled, self.rules.balance_bits)
