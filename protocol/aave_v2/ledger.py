"""A market while one call changes it: the only mutable thing here, and it never leaves the call.

Also the token movements, which mirror `AToken`, `VariableDebtToken` and `IncentivizedERC20`,
contracts/protocol/tokenization (aave/protocol-v2@1.0.1). Amounts are scaled unless said otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v2.health import EMPTY_ACCOUNT
from protocol.aave_v2.interest import accrue
from protocol.aave_v2.rates import TRANSFER_EXCEEDS_BALANCE, with_holdings_moved
from protocol.aave_v2.stable_debt import StableMove, burn_stable, mint_stable
from protocol.aave_v2.state import Market, Position, Reserve, ReserveId, User
from protocol.errors import EvmRevert, UnknownReserve
from protocol.fixed_point.safe_math import add, sub

EMPTY_POSITION = Position()
BURN_EXCEEDS_BALANCE = "ERC20: burn amount exceeds balance"


class Ledger:
    """Reserves and accounts that a call reads and writes; `market()` is the result."""

    def __init__(self, market: Market) -> None:
        self._before = market
        self._reserves = dict(market.reserves)
        self._accounts = dict(market.accounts)

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

    def put_position(self, user: User, reserve_id: ReserveId, position: Position) -> None:
        """Stores what a user has in a reserve; nothing set, nothing kept."""
        account = self._accounts.get(user, EMPTY_ACCOUNT)
        positions = dict(account.positions)
        positions.pop(reserve_id, None)
        if position != EMPTY_POSITION:
            positions[reserve_id] = position
        self._accounts[user] = replace(account, positions=dict(sorted(positions.items())))

    def accrue(self, reserve_id: ReserveId, timestamp: int) -> Reserve:
        """`updateState`: the reserve moved to `timestamp` [s], and the treasury paid its part of it."""
        reserve, minted = accrue(self.reserve(reserve_id), timestamp)
        self.put(reserve)
        if minted:
            treasury = self._before.treasury
            held = self.position(treasury, reserve_id)
            self.put_position(
                treasury, reserve_id, replace(held, scaled_atoken=add(held.scaled_atoken, minted))
            )
        return reserve

    def set_collateral_enabled(self, user: User, reserve_id: ReserveId, *, enabled: bool) -> None:
        """`UserConfiguration.setUsingAsCollateral`."""
        position = self.position(user, reserve_id)
        self.put_position(user, reserve_id, replace(position, collateral_enabled=enabled))

    def set_borrowing(self, user: User, reserve_id: ReserveId, *, borrowing: bool) -> None:
        """`UserConfiguration.setBorrowing`."""
        position = self.position(user, reserve_id)
        self.put_position(user, reserve_id, replace(position, borrowing=borrowing))

    def transfer_underlying(self, reserve_id: ReserveId, *, added: int = 0, taken: int = 0) -> None:
        """The aToken is sent, or sends, the asset itself. Amounts in asset units; reverts as the asset does."""
        self.put(with_holdings_moved(self.reserve(reserve_id), added=added, taken=taken))

    def mint_atoken(self, user: User, reserve_id: ReserveId, scaled: int) -> None:
        """Creates supply; reverts `InvalidMintAmount` for nothing."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        held = add(position.scaled_atoken, _mintable(scaled))
        self.put(replace(reserve, total_scaled_atoken=add(reserve.total_scaled_atoken, scaled)))
        self.put_position(user, reserve_id, replace(position, scaled_atoken=held))

    def mint_vtoken(self, user: User, reserve_id: ReserveId, scaled: int) -> None:
        """Creates variable debt; reverts as `mint_atoken`."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        owed = add(position.scaled_variable_debt, _mintable(scaled))
        total = add(reserve.total_scaled_variable_debt, scaled)
        self.put(replace(reserve, total_scaled_variable_debt=total))
        self.put_position(user, reserve_id, replace(position, scaled_variable_debt=owed))

    def burn_atoken(self, user: User, reserve_id: ReserveId, scaled: int) -> None:
        """Destroys supply; reverts `InvalidBurnAmount` for nothing, as an ERC-20 beyond the balance."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        total = sub(reserve.total_scaled_atoken, _burnable(scaled))
        left = _taken(position.scaled_atoken, scaled, BURN_EXCEEDS_BALANCE)
        self.put(replace(reserve, total_scaled_atoken=total))
        self.put_position(user, reserve_id, replace(position, scaled_atoken=left))

    def burn_vtoken(self, user: User, reserve_id: ReserveId, scaled: int) -> None:
        """Destroys variable debt; reverts as `burn_atoken`."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        total = sub(reserve.total_scaled_variable_debt, _burnable(scaled))
        left = _taken(position.scaled_variable_debt, scaled, BURN_EXCEEDS_BALANCE)
        self.put(replace(reserve, total_scaled_variable_debt=total))
        self.put_position(user, reserve_id, replace(position, scaled_variable_debt=left))

    def mint_stable(
        self, user: User, reserve_id: ReserveId, amount: int, rate_ray: int, timestamp: int
    ) -> None:
        """Creates stable debt of `amount`. [asset units]"""
        totals, debt = self.reserve(reserve_id).stable_debt, self.position(user, reserve_id).stable_debt
        self._put_stable(user, reserve_id, mint_stable(totals, debt, amount, rate_ray, timestamp))

    def burn_stable(self, user: User, reserve_id: ReserveId, amount: int, timestamp: int) -> None:
        """Destroys stable debt of `amount`. [asset units]"""
        totals, debt = self.reserve(reserve_id).stable_debt, self.position(user, reserve_id).stable_debt
        self._put_stable(user, reserve_id, burn_stable(totals, debt, amount, timestamp))

    def transfer_atoken(self, sender: User, recipient: User, reserve_id: ReserveId, scaled: int) -> None:
        """`transferOnLiquidation`: moves supply, also nothing; reverts as an ERC-20 beyond the balance."""
        sent = self.position(sender, reserve_id)
        left = _taken(sent.scaled_atoken, scaled, TRANSFER_EXCEEDS_BALANCE)
        self.put_position(sender, reserve_id, replace(sent, scaled_atoken=left))
        received = self.position(recipient, reserve_id)
        total = add(received.scaled_atoken, scaled)
        self.put_position(recipient, reserve_id, replace(received, scaled_atoken=total))

    def _put_stable(self, user: User, reserve_id: ReserveId, move: StableMove) -> None:
        position = self.position(user, reserve_id)
        self.put(replace(self.reserve(reserve_id), stable_debt=move.totals))
        self.put_position(user, reserve_id, replace(position, stable_debt=move.debt))


def _mintable(scaled: int) -> int:
    if scaled == 0:
        raise EvmRevert("InvalidMintAmount")
    return scaled


def _burnable(scaled: int) -> int:
    if scaled == 0:
        raise EvmRevert("InvalidBurnAmount")
    return scaled


def _taken(held: int, scaled: int, error: str) -> int:
    if scaled > held:
        raise EvmRevert(error, held=held, taken=scaled)
    return held - scaled
