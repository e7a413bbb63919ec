"""What the contracts say before a step, and what the shares of a drawn step are shares of then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.errors import EvmRevert
from protocol.units import WAD
from protocol.venus_isolated import (
    Account,
    AccountData,
    LiquidationOrder,
    Market,
    MarketId,
    Position,
    account_data,
    borrow_balance,
    borrowing_power,
    exchange_rate,
    viewed_at,
)
from protocol.venus_isolated.amounts import largest_repay
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.liquidation import seize_ratio_of
from tests.fuzz.venus_isolated_arena import STAKE_USD, ArenaVenusIsolated
from tests.steps import Pick


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contracts say before a step. Amounts are aims, not results: a step may take any share of them."""

    arena: ArenaVenusIsolated
    market: Market
    prices: Mapping[MarketId, int]
    block: int
    viewed: Market = field(init=False)
    """The pool with interest up to now; as it is stored where that is refused."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "viewed", _or(self.market, viewed_at, self.market, self.block))

    @property
    def at(self) -> dict[str, Any]:
        """What the model's functions are told of the world around the pool."""
        return {"prices_mantissa": self.prices, "slot": self.block}

    def user(self, n: int) -> str:
        """Address of the n-th user."""
        return self.arena.users[n]

    def account(self, user: str) -> Account:
        """What `user` has."""
        return self.viewed.accounts.get(user, Account())

    def position(self, user: str, market_id: MarketId) -> Position:
        """What `user` has in a market."""
        return self.account(user).positions.get(market_id, Position())

    def debtor(self, n: int) -> str:
        """The n-th user if it owes anything or nobody does, else the first that does."""
        owing = [user for user in self.arena.users if self.owed(user)]
        return self.user(n) if self.user(n) in owing or not owing else owing[0]

    def held(self, user: str) -> list[MarketId]:
        """Markets in which `user` has vTokens."""
        return [id_ for id_, one in self.account(user).positions.items() if one.vtokens]

    def owed(self, user: str) -> list[MarketId]:
        """Markets in which `user` has debt."""
        return [id_ for id_, one in self.account(user).positions.items() if one.borrow_principal_underlying]

    def lendable(self, user: str) -> list[MarketId]:
        """Markets that `user` has no collateral in."""
        return [id_ for id_ in self.market.vtokens if id_ not in self.held(user)]

    def picked(self, pick: Pick, used: list[MarketId]) -> MarketId:
        """The market that a pick comes to where `used` are those that would make sense."""
        return used[pick.n % len(used)] if pick.used and used else pick.n % len(self.market.vtokens)

    def stake(self, market_id: MarketId) -> int:
        """What ten thousand US dollars are of a market's asset. [underlying]"""
        return self.worth(STAKE_USD * WAD, market_id)

    def worth(self, value_usd_mantissa: int, market_id: MarketId) -> int:
        """How much of a market's asset a value is. [underlying]"""
        return value_usd_mantissa * WAD // max(self.prices[market_id], 1)

    def redeemable(self, user: str, market_id: MarketId) -> int:
        """What the vTokens of `user` are worth. [underlying]"""
        rate = _or(0, exchange_rate, self.viewed.vtokens[market_id])
        return rate * self.position(user, market_id).vtokens // WAD

    def liquidity(self, market_id: MarketId) -> int:
        """What is at hand and no reserve. [underlying]"""
        vtoken = self.viewed.vtokens[market_id]
        return max(vtoken.cash_underlying - vtoken.total_reserves_underlying, 0)

    def borrowable(self, user: str, market_id: MarketId) -> int:
        """What `user` may still borrow in a market. [underlying]"""
        data: AccountData | None = _or(None, borrowing_power, self.viewed, user, **self.at)
        return self.worth(data.liquidity_usd_mantissa, market_id) if data else 0

    def debt(self, user: str, market_id: MarketId) -> int:
        """What `user` owes in a market. [underlying]"""
        return _or(0, borrow_balance, self.viewed.vtokens[market_id], self.position(user, market_id))

    def payable(self, user: str, order: LiquidationOrder) -> int:
        """What can be repaid of the order's debt against all of its collateral. [underlying]"""
        ratio = _or(None, seize_ratio_of, Ledger(self.viewed, self.block), order, self.prices)
        most = largest_repay(ratio, self.position(user, order.collateral_id).vtokens) if ratio else None
        return self.debt(user, order.debt_id) if most is None else most

    def data(self, user: str) -> AccountData | None:
        """What the model says of `user` with interest up to now; None where the contract would revert."""
        return _or(None, account_data, self.viewed, user, **self.at)

    def steered(
        self, user: str, permille: int, *, to_incentive: bool, collateral: bool
    ) -> dict[MarketId, int]:
        """Prices at which the account comes near that share of a limit: those of its collateral, or of its debts."""
        data = self.data(user)
        if data is None or not data.borrows_usd_mantissa or not data.weighted_collateral_usd_mantissa:
            return {}
        found, wanted = data.weighted_collateral_usd_mantissa, data.borrows_usd_mantissa * permille // 1000
        if to_incentive:
            found = data.total_collateral_usd_mantissa
            wanted = wanted * self.market.liquidation_incentive_mantissa // WAD
        held, owed = set(self.held(user)), set(self.owed(user))
        if collateral:
            return {id_: self.prices[id_] * wanted // found for id_ in held - owed}
        return {id_: self.prices[id_] * found // max(wanted, 1) for id_ in owed - held}

    def offered(self) -> int:
        """What an auction of all bad debt would sell where the risk fund is large. [USD x 1e18]"""
        vtokens = self.market.vtokens.values()
        pool = sum(self.prices[one.market_id] * one.bad_debt_underlying // WAD for one in vtokens)
        return pool + pool * self.market.shortfall.incentive_bps // 10_000

    def bid_to_beat(self) -> int:
        """The highest bid so far, or where bids start. [bps]"""
        auction = self.market.shortfall.auction
        return auction.highest_bid_bps if auction.highest_bidder else auction.start_bid_bps


def _or(default: Any, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What `function` answers; `default` where the contract would revert."""
    try:
        return function(*arguments, **named)
    except EvmRevert:
        return default
