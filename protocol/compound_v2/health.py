"""Account liquidity: what may still be borrowed, or what is short, at observed prices.

Mirrors `getHypotheticalAccountLiquidityInternal`, contracts/Comptroller.sol
(compound-finance/compound-protocol@ae4388e). Prices are the oracle's, in USD times 10**(36 - decimals) per whole
token, keyed by market id; 0 is what the oracle says when it does not know. Balances are the stored ones: nothing is
accrued, so a market that nobody has touched for long shows too little debt and too little supply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from protocol.compound_v2.interest import borrow_balance, exchange_rate
from protocol.compound_v2.reporter import ComptrollerError, Rejected
from protocol.compound_v2.state import Account, AccountData, CToken, Market, MarketId, Position, User
from protocol.errors import MissingPrice, PriceNoUint, UnknownMarket
from protocol.fixed_point.careful_math import told
from protocol.fixed_point.mantissa import mantissa_mul_add_down
from protocol.units import MAX_UINT256

EMPTY_ACCOUNT = Account()
EMPTY_POSITION = Position()


class Snapshot(NamedTuple):
    """`getAccountSnapshot`: one account in one cToken, as stored."""

    ctokens: int
    borrow_balance: int
    """[asset units]"""
    exchange_rate_mantissa: int


class Sums(NamedTuple):
    """What an account's collateral lets borrow, and what it has borrowed. [USD x 1e18]"""

    collateral_usd_mantissa: int
    borrows_usd_mantissa: int

    @property
    def liquidity_usd_mantissa(self) -> int:
        """What could still be borrowed."""
        return max(self.collateral_usd_mantissa - self.borrows_usd_mantissa, 0)

    @property
    def shortfall_usd_mantissa(self) -> int:
        """What is borrowed too much; equal sums are healthy."""
        return max(self.borrows_usd_mantissa - self.collateral_usd_mantissa, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What an account is about to do in one market."""

    market_id: MarketId
    redeem_ctokens: int = 0
    borrow_underlying: int = 0


def account_data(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], block_number: int
) -> AccountData:
    """`Comptroller.getAccountLiquidity` of `user`: of what is stored, at whatever block it is asked.

    `viewed_at` shows what the same would be if every market had accrued. Raises `MissingPrice`, `PriceNoUint`,
    `UnknownMarket`; `EvmRevert` where the contract reverts.
    """
    try:
        sums = account_sums(market, user, prices_mantissa=prices_mantissa)
    except Rejected as rejected:
        return AccountData(error=rejected.error, liquidity_usd_mantissa=0, shortfall_usd_mantissa=0)
    return AccountData(
        error=ComptrollerError.NO_ERROR,
        liquidity_usd_mantissa=sums.liquidity_usd_mantissa,
        shortfall_usd_mantissa=sums.shortfall_usd_mantissa,
    )


def account_sums(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], change: Change | None = None
) -> Sums:
    """Weighted collateral and debts, a change that is about to happen among them; raises `Rejected` for no answer.

    One price of 0 among the markets entered, even one in which there is nothing, is no answer.
    """
    collateral = borrows = 0
    for ctoken, position in entered(market, market.accounts.get(user, EMPTY_ACCOUNT)):
        held = snapshot(ctoken, position)
        price = known_price(ctoken.market_id, prices_mantissa)
        with told(market.rules.fault):
            per_ctoken = ctoken_value(market, ctoken, held.exchange_rate_mantissa, price)
            collateral = mantissa_mul_add_down(per_ctoken, held.ctokens, collateral)
            borrows = mantissa_mul_add_down(price, held.borrow_balance, borrows)
            if change is not None and change.market_id == ctoken.market_id:
                borrows = mantissa_mul_add_down(per_ctoken, change.redeem_ctokens, borrows)
                borrows = mantissa_mul_add_down(price, change.borrow_underlying, borrows)
    return Sums(collateral, borrows)


def ctoken_value(market: Market, ctoken: CToken, exchange_rate_mantissa: int, price_mantissa: int) -> int:
    """What a cToken unit lets borrow, collateral factor first: (factor x rate) x price. [USD x 1e36]"""
    multiply = market.rules.multiply
    weighted = multiply(ctoken.config.collateral_factor_mantissa, exchange_rate_mantissa)
    return multiply(weighted, price_mantissa)


def snapshot(ctoken: CToken, position: Position) -> Snapshot:
    """Balances as the Comptroller sees them; raises `Rejected` or reverts where a cToken cannot tell them."""
    with told(ctoken.rules.snapshot_fault):
        debt = borrow_balance(ctoken, position)
        return Snapshot(position.ctokens, debt, exchange_rate(ctoken))


def entered(market: Market, account: Account) -> Iterator[tuple[CToken, Position]]:
    """The cTokens an account has entered, in that order; raises `UnknownMarket` for one that is absent."""
    for market_id in account.entered:
        yield ctoken_at(market, market_id), account.positions.get(market_id, EMPTY_POSITION)


def ctoken_at(market: Market, market_id: MarketId) -> CToken:
    """The cToken of a market id; raises `UnknownMarket`."""
    ctoken = market.ctokens.get(market_id)
    if ctoken is None:
        raise UnknownMarket(market_id)
    return ctoken


def position_of(market: Market, user: User, market_id: MarketId) -> Position:
    """What a user has in a cToken, possibly nothing."""
    return market.accounts.get(user, EMPTY_ACCOUNT).positions.get(market_id, EMPTY_POSITION)


def known_price(market_id: MarketId, prices_mantissa: Mapping[MarketId, int]) -> int:
    """A price other than 0; raises `Rejected` with PRICE_ERROR for that. [mantissa]"""
    price_mantissa = price_at(market_id, prices_mantissa)
    if price_mantissa == 0:
        raise Rejected(ComptrollerError.PRICE_ERROR)
    return price_mantissa


def price_at(market_id: MarketId, prices_mantissa: Mapping[MarketId, int]) -> int:
    """The given price of a market's asset, checked. [mantissa]"""
    price_mantissa = prices_mantissa.get(market_id)
    if price_mantissa is None:
        raise MissingPrice(market_id, unit="as a mantissa, 0 where the oracle has none")
    if not 0 <= price_mantissa <= MAX_UINT256:
        raise PriceNoUint(market_id, price_mantissa)
    return price_mantissa
