"""What the contracts say before a step, and what a step that is drawn by number and share comes to then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fuzz.arena import Arena
from tests.steps import STABLE, VARIABLE, Pick


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contracts say before a step."""

    arena: Arena
    market: Any
    """A Market of the rules that the arena is played by."""
    prices: Mapping[int, int]
    data: Mapping[str, Any]
    """User to AccountData; None where the getter reverts."""
    now: int

    @property
    def at(self) -> dict[str, Any]:
        """What the model's functions are told of the world around the market."""
        return {"prices_base": self.prices, "timestamp": self.now}

    def user(self, n: int) -> str:
        """Address of the n-th user."""
        return self.arena.users[n]

    def debtor(self, n: int, *, exactly: bool = False) -> str:
        """The n-th user if it owes anything or no other will do, else the first that does."""
        owing = [user for user in self.arena.users if self.owed(user)]
        user = self.user(n)
        return user if exactly or user in owing or not owing else owing[0]

    def asset(self, reserve_id: int) -> str:
        """Address of a reserve's token."""
        return self.market.reserves[reserve_id].asset

    def balance(self, user: str, reserve_id: int) -> int:
        """What `user` has supplied, with interest. [asset units]"""
        return self._of_user("atoken", user, reserve_id)

    def debt(self, user: str, reserve_id: int, mode: int) -> int:
        """What `user` owes in one mode, with interest. [asset units]"""
        if mode == STABLE and not self.arena.has_stable_debt:
            return 0
        token = "stable_debt_token" if mode == STABLE else "variable_debt_token"
        return self._of_user(token, user, reserve_id)

    def whole_debt(self, user: str, reserve_id: int) -> int:
        """What `user` owes in both modes, with interest. [asset units]"""
        return sum(self.debt(user, reserve_id, mode) for mode in (STABLE, VARIABLE))

    def _of_user(self, token: str, user: str, reserve_id: int) -> int:
        listed = self.arena.reader.listing.reserves[reserve_id]
        return self.arena.word(getattr(listed, token), "balanceOf(address)", user)

    def in_tokens(self, value_base: int, reserve_id: int) -> int:
        """How much of a reserve a value in base currency is. [asset units]"""
        return value_base * self._unit(reserve_id) // max(self.prices[reserve_id], 1)

    def value(self, user: str, reserve_id: int) -> int:
        """What the account has and owes in one reserve, roughly. [base]"""
        amount = self.balance(user, reserve_id) + self.whole_debt(user, reserve_id)
        return amount * self.prices[reserve_id] // self._unit(reserve_id)

    def _unit(self, reserve_id: int) -> int:
        return 10 ** self.market.reserves[reserve_id].config.decimals

    def picked(self, pick: Pick, used: list[int]) -> int:
        """The reserve that a pick comes to where `used` are those that would make sense."""
        return used[pick.n % len(used)] if pick.used and used else pick.n

    def supplied(self, user: str) -> list[int]:
        """Reserves in which `user` has aTokens."""
        return [i for i, held in self._positions(user).items() if held.scaled_atoken]

    def collateral(self, user: str) -> list[int]:
        """Reserves that `user` uses as collateral."""
        return [i for i, held in self._positions(user).items() if held.collateral_enabled]

    def owed(self, user: str) -> list[int]:
        """Reserves in which `user` has debt."""
        return [
            i
            for i, held in self._positions(user).items()
            if held.scaled_variable_debt or held.stable_debt.principal
        ]

    def lent(self, user: str) -> list[int]:
        """Reserves with something to lend to `user`, and rather not its own collateral."""
        lent = self.arena.lends(self.market, user)
        own = set(self.collateral(user))
        return [i for i in lent if i not in own] or lent

    def _positions(self, user: str) -> Mapping[int, Any]:
        return self.market.accounts[user].positions
