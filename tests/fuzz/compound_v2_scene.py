"""What the contracts say before a step, and what the shares of a drawn step are shares of then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.compound_v2 import (
    Account,
    Market,
    MarketId,
    Position,
    borrow_balance,
    exchange_rate,
    viewed_at,
)
from protocol.compound_v2.health import Sums, account_sums
from protocol.compound_v2.liquidation import liquidation_terms
from protocol.compound_v2.pairs import position_values
from protocol.compound_v2.reporter import Rejected, ReturnedCode
from protocol.errors import EvmRevert
from protocol.units import WAD
from tests.fuzz.compound_v2_arena import STAKE_USD, Pool
from tests.steps import Pick


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contracts say before a step. Amounts are aims, not results: a step may take any share of them."""

    pool: Pool
    market: Market
    prices: Mapping[MarketId, int]
    block: int
    viewed: Market = field(init=False)
    """The markets with interest up to now; as they are stored where one of them cannot tell."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "viewed", _or(self.market, viewed_at, self.market, self.block))

    @property
    def at(self) -> dict[str, Any]:
        """What the model's functions are told of the world around the markets."""
        return {"prices_mantissa": self.prices, "block_number": self.block}

    def user(self, n: int) -> str:
        """Address of the n-th user."""
        return self.pool.users[n]

    def account(self, user: str) -> Account:
        """What `user` has."""
        return self.viewed.accounts.get(user, Account())

    def position(self, user: str, market_id: MarketId) -> Position:
        """What `user` has in a market."""
        return self.account(user).positions.get(market_id, Position())

    def debtor(self, n: int) -> str:
        """The n-th user if it owes anything or nobody does, else the first that does."""
        owing = [user for user in self.pool.users if self.owed(user)]
        return self.user(n) if self.user(n) in owing or not owing else owing[0]

    def held(self, user: str) -> list[MarketId]:
        """Markets in which `user` has cTokens."""
        return [id_ for id_, one in self.account(user).positions.items() if one.ctokens]

    def owed(self, user: str) -> list[MarketId]:
        """Markets in which `user` has debt."""
        return [id_ for id_, one in self.account(user).positions.items() if one.borrow_principal_underlying]

    def lendable(self, user: str) -> list[MarketId]:
        """Markets that `user` has nothing supplied in."""
        return [id_ for id_ in self.market.ctokens if id_ not in self.held(user)]

    def picked(self, pick: Pick, used: list[MarketId]) -> MarketId:
        """The market that a pick comes to where `used` are those that would make sense."""
        return used[pick.n % len(used)] if pick.used and used else pick.n % len(self.market.ctokens)

    def stake(self, market_id: MarketId) -> int:
        """What ten thousand US dollars are of a market's asset. [underlying]"""
        return self.worth(STAKE_USD * WAD, market_id)

    def worth(self, value_usd_mantissa: int, market_id: MarketId) -> int:
        """How much of a market's asset a value is. [underlying]"""
        return value_usd_mantissa * WAD // max(self.prices[market_id], 1)

    def redeemable(self, user: str, market_id: MarketId) -> int:
        """What the cTokens of `user` are worth. [underlying]"""
        rate = _or(0, exchange_rate, self.viewed.ctokens[market_id])
        return rate * self.position(user, market_id).ctokens // WAD

    def liquidity(self, market_id: MarketId) -> int:
        """What is at hand. [underlying]"""
        return self.market.ctokens[market_id].cash_underlying

    def borrowable(self, user: str, market_id: MarketId) -> int:
        """What `user` may still borrow in a market. [underlying]"""
        sums = self.sums(user)
        return self.worth(sums.liquidity_usd_mantissa, market_id) if sums else 0

    def debt(self, user: str, market_id: MarketId) -> int:
        """What `user` owes in a market. [underlying]"""
        return _or(0, borrow_balance, self.viewed.ctokens[market_id], self.position(user, market_id))

    def payable(self, user: str, debt_id: MarketId, collateral_id: MarketId) -> int:
        """What can be repaid of a debt against all of a collateral. [underlying]"""
        return _or(self.debt(user, debt_id), self._payable, user, debt_id, collateral_id)

    def _payable(self, user: str, debt_id: MarketId, collateral_id: MarketId) -> int:
        terms = liquidation_terms(self.viewed, collateral_id, debt_id, self.prices)
        return terms.most_repaid_from(self.position(user, collateral_id).ctokens)

    def sums(self, user: str) -> Sums | None:
        """What the account may borrow and has, as the Comptroller sees it; None where it cannot tell."""
        return _or(None, account_sums, self.market, user, prices_mantissa=self.prices)

    def steered(
        self, user: str, permille: int, *, to_incentive: bool, collateral: bool
    ) -> dict[MarketId, int]:
        """Prices at which the account comes near that share of a limit: those of its collateral, or of its debts."""
        found, limit = self._sides(user, to_incentive=to_incentive)
        wanted = limit * permille // 1000
        if not found or not wanted:
            return {}
        held, owed = set(self.held(user)), set(self.owed(user))
        if collateral:
            return {id_: self.prices[id_] * wanted // found for id_ in held - owed}
        return {id_: self.prices[id_] * found // wanted for id_ in owed - held}

    def _sides(self, user: str, *, to_incentive: bool) -> tuple[int, int]:
        """What the collateral is worth, and what it is held against."""
        if not to_incentive:
            sums = self.sums(user)
            return (sums.collateral_usd_mantissa, sums.borrows_usd_mantissa) if sums else (0, 0)
        collaterals, debts = _or(({}, {}), position_values, self.viewed, user, **self.at)
        owed = sum(debts.values()) * self.market.liquidation_incentive_mantissa // WAD
        return sum(collaterals.values()), owed


def _or(default: Any, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What `function` answers; `default` where the contracts have no answer."""
    try:
        return function(*arguments, **named)
    except (EvmRevert, Rejected, ReturnedCode):
        return default
