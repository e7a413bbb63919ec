"""A market while one call changes it: the only mutable thing here, and it never leaves the call.

Also the token movements, which mirror `ScaledBalanceTokenBase` and `IncentivizedERC20`,
src/contracts/protocol/tokenization/base@v3.6.0 and their forms before. Amounts are scaled.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v3.gho import GhoMove, burn_gho, interest_repaid, mint_gho
from protocol.aave_v3.health import EMPTY_ACCOUNT, category_of
from protocol.aave_v3.rates import TRANSFER_EXCEEDS_BALANCE, with_holdings_moved
from protocol.aave_v3.stable_debt import StableMove, burn_stable, mint_stable
from protocol.aave_v3.state import EModeCategory, Market, Position, Reserve, ReserveId, User
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

    def category(self, user: User) -> EModeCategory | None:
        """The user's efficiency mode, None outside one."""
        return category_of(self._before, self._accounts.get(user, EMPTY_ACCOUNT))

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

    def set_borrowing(self, user: User, reserve_id: ReserveId, *, borrowing: bool) -> None:
        """`UserConfiguration.setBorrowing`."""
        position = self.position(user, reserve_id)
        self.put_position(user, reserve_id, replace(position, borrowing=borrowing))

    def set_emode(self, user: User, emode_id: int) -> None:
        """Puts a user into an efficiency mode; 0 = none."""
        self._accounts[user] = replace(self._accounts.get(user, EMPTY_ACCOUNT), emode=emode_id)

    def transfer_underlying(
        self, reserve_id: ReserveId, *, added: int = 0, taken: int = 0, unpaid: int = 0
    ) -> None:
        """The aToken is sent, or sends, the asset itself. Amounts in asset units; reverts as the asset does.

        [Modified in v3.1: a virtual balance has moved with the rates, by `unpaid` more than there is by now]
        """
        reserve = self.reserve(reserve_id)
        if not self.rules.virtual_accounting:
            self.put(with_holdings_moved(reserve, added=added, taken=taken))
        elif unpaid > reserve.virtual_underlying_balance:
            held = reserve.virtual_underlying_balance + taken - unpaid
            raise EvmRevert(TRANSFER_EXCEEDS_BALANCE, held=held, taken=taken)

    def mint_atoken(self, user: User, reserve_id: ReserveId, scaled: int) -> None:
        """Creates supply; reverts `InvalidMintAmount` for nothing."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        minted = self._mintable(scaled)
        held = add(position.scaled_atoken, minted, max_value=self._balance_limit)
        self.put(replace(reserve, total_scaled_atoken=add(reserve.total_scaled_atoken, scaled)))
        self.put_position(user, reserve_id, replace(position, scaled_atoken=held))

    def mint_vtoken(self, user: User, reserve_id: ReserveId, scaled: int) -> None:
        """Creates variable debt; reverts as `mint_atoken`."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        minted = self._mintable(scaled)
        owed = add(position.scaled_variable_debt, minted, max_value=self._balance_limit)
        total = add(reserve.total_scaled_variable_debt, scaled)
        self.put(replace(reserve, total_scaled_variable_debt=total))
        self._put_debt(user, reserve_id, replace(position, scaled_variable_debt=owed))

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
        self._put_debt(user, reserve_id, replace(position, scaled_variable_debt=left))

    def mint_stable(
        self, user: User, reserve_id: ReserveId, amount: int, rate_ray: int, timestamp: int
    ) -> int:
        """Creates stable debt of `amount` [asset units]; returns the total that the pool is told."""
        totals, debt = self.reserve(reserve_id).stable_debt, self.position(user, reserve_id).stable_debt
        return self._put_stable(user, reserve_id, mint_stable(totals, debt, amount, rate_ray, timestamp))

    def burn_stable(self, user: User, reserve_id: ReserveId, amount: int, timestamp: int) -> int:
        """Destroys stable debt of `amount` [asset units]; returns the total that the pool is told."""
        totals, debt = self.reserve(reserve_id).stable_debt, self.position(user, reserve_id).stable_debt
        return self._put_stable(user, reserve_id, burn_stable(totals, debt, amount, timestamp))

    def mint_gho(self, user: User, reserve_id: ReserveId, amount: int) -> None:
        """Creates GHO debt of `amount` [asset units] at the stored debt index."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        index_ray = reserve.variable_borrow_index_ray
        move = mint_gho(position.scaled_variable_debt, position.gho_debt, amount, index_ray)
        self._put_gho(user, reserve_id, move)

    def burn_gho(self, user: User, reserve_id: ReserveId, amount: int) -> None:
        """Destroys GHO debt of `amount` [asset units] at the stored debt index; reverts as `burn_vtoken`."""
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        index_ray = reserve.variable_borrow_index_ray
        move = burn_gho(position.scaled_variable_debt, position.gho_debt, amount, index_ray)
        self._put_gho(user, reserve_id, move)

    def repay_gho_interest(self, user: User, reserve_id: ReserveId, amount: int) -> int:
        """`GhoAToken.handleRepayment`: settles interest first; returns how much of `amount` that was."""
        position = self.position(user, reserve_id)
        debt, interest = interest_repaid(position.gho_debt, amount)
        self.put_position(user, reserve_id, replace(position, gho_debt=debt))
        return interest

    def transfer_atoken(self, sender: User, recipient: User, reserve_id: ReserveId, scaled: int) -> None:
        """`transferOnLiquidation`: moves supply, also nothing; reverts `Panic(0x11)` beyond the balance."""
        sent = self.position(sender, reserve_id)
        left = sub(sent.scaled_atoken, to_uint(scaled, self.rules.balance_bits))
        self.put_position(sender, reserve_id, replace(sent, scaled_atoken=left))
        received = self.position(recipient, reserve_id)
        total = add(received.scaled_atoken, scaled, max_value=self._balance_limit)
        self.put_position(recipient, reserve_id, replace(received, scaled_atoken=total))

    @property
    def _balance_limit(self) -> int:
        return 2**self.rules.balance_bits - 1

    def _put_debt(self, user: User, reserve_id: ReserveId, position: Position) -> None:
        if self.rules.actions.forbids_repaying_at_once:
            index_ray = self.reserve(reserve_id).variable_borrow_index_ray
            position = replace(position, variable_debt_index_ray=index_ray)
        self.put_position(user, reserve_id, position)

    def _put_stable(self, user: User, reserve_id: ReserveId, move: StableMove) -> int:
        position = self.position(user, reserve_id)
        self.put(replace(self.reserve(reserve_id), stable_debt=move.totals))
        self.put_position(user, reserve_id, replace(position, stable_debt=move.debt))
        return move.reported_total

    def _put_gho(self, user: User, reserve_id: ReserveId, move: GhoMove) -> None:
        reserve, position = self.reserve(reserve_id), self.position(user, reserve_id)
        others = sub(reserve.total_scaled_variable_debt, position.scaled_variable_debt)
        self.put(replace(reserve, total_scaled_variable_debt=add(others, move.scaled)))
        moved = replace(position, scaled_variable_debt=move.scaled, gho_debt=move.debt)
        self.put_position(user, reserve_id, moved)

    def _mintable(self, scaled: int) -> int:
        if scaled == 0:
            raise EvmRevert("InvalidMintAmount")
        return to_uint(scaled, self.rules.balance_bits)

    def _burnable(self, scaled: int) -> int:
        if scaled == 0:
            raise EvmRevert("InvalidBurnAmount")
        return to_uint(scaled, self.rules.balance_bits)
