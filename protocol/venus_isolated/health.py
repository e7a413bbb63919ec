"""What an account's collateral and debts are worth at observed prices, over the markets it has entered.

Mirrors `_getHypotheticalLiquiditySnapshot`, contracts/Comptroller.sol (VenusProtocol/isolated-pools@58b76f81).
A price is the oracle's, of one unit of the underlying in US dollars x 1e36, that is 10**(36 - decimals) for a
token worth one dollar, keyed by market id. Nothing accrues here: all is at the stored indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from protocol.errors import EvmRevert, MissingPrice, NegativePrice
from protocol.fixed_point.uint256 import add, mul_div_down
from protocol.units import WAD
from protocol.venus_isolated.interest import borrow_balance, exchange_rate
from protocol.venus_isolated.ledger import Ledger
from protocol.venus_isolated.state import AccountData, Market, MarketId, User, VToken


class Effect(NamedTuple):
    """What an account means to redeem or borrow in one market."""

    market_id: MarketId
    redeem_vtokens: int = 0
    borrow_underlying: int = 0


def account_data(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> AccountData:
    """`Comptroller.getAccountLiquidity` and the sums behind it, by liquidation threshold.

    The contract's view accrues nothing, so `slot` changes nothing here: `viewed_at` is the pool as grown to it.
    Raises `MissingPrice`, `NegativePrice`, `UnknownMarket`; `EvmRevert` where the contract reverts, as for a
    price of 0.
    """
    return liquidity_snapshot(Ledger(market, slot), user, prices_mantissa, liquidation_threshold)


def borrowing_power(
    market: Market, user: User, *, prices_mantissa: Mapping[MarketId, int], slot: int
) -> AccountData:
    """`Comptroller.getBorrowingPower` and the sums behind it, by collateral factor; as `account_data`."""
    return liquidity_snapshot(Ledger(market, slot), user, prices_mantissa, collateral_factor)


def liquidity_snapshot(
    ledger: Ledger,
    user: User,
    prices_mantissa: Mapping[MarketId, int],
    weight: Callable[[VToken], int],
    effect: Effect | None = None,
) -> AccountData:
    """`_getHypotheticalLiquiditySnapshot`; errors as in `account_data`.

    Each product is cut where the contract cuts it: exchange rate x price, x weight, x vTokens.
    """
    weighted = total = borrows = effects = 0
    for vtoken in ledger.assets_in(user):
        position = ledger.position(user, vtoken.market_id)
        debt, rate_mantissa = borrow_balance(vtoken, position), exchange_rate(vtoken)
        price_mantissa = price_at(vtoken.market_id, prices_mantissa)
        vtoken_price = mul_div_down(rate_mantissa, price_mantissa, WAD)
        weighted_price = mul_div_down(weight(vtoken), vtoken_price, WAD)
        weighted = add(mul_div_down(weighted_price, position.vtokens, WAD), weighted)
        total = add(mul_div_down(vtoken_price, position.vtokens, WAD), total)
        borrows = add(mul_div_down(price_mantissa, debt, WAD), borrows)
        if effect is not None and effect.market_id == vtoken.market_id:
            effects = add(mul_div_down(weighted_price, effect.redeem_vtokens, WAD), effects)
            effects = add(mul_div_down(price_mantissa, effect.borrow_underlying, WAD), effects)
    needed = add(borrows, effects)
    return AccountData(
        total_collateral_usd_mantissa=total,
        weighted_collateral_usd_mantissa=weighted,
        borrows_usd_mantissa=borrows,
        liquidity_usd_mantissa=max(weighted - needed, 0),
        shortfall_usd_mantissa=max(needed - weighted, 0),
    )


def collateral_factor(vtoken: VToken) -> int:
    """The weight of collateral when borrowing and redeeming. [mantissa]"""
    return vtoken.collateral_factor_mantissa


def liquidation_threshold(vtoken: VToken) -> int:
    """The weight of collateral when liquidating. [mantissa]"""
    return vtoken.liquidation_threshold_mantissa


def price_at(market_id: MarketId, prices_mantissa: Mapping[MarketId, int]) -> int:
    """`_safeGetUnderlyingPrice`: the given price of a market [mantissa]; reverts `PriceError` for 0."""
    price_mantissa = oracle_price(market_id, prices_mantissa)
    if price_mantissa == 0:
        raise EvmRevert("PriceError", market_id=market_id)
    return price_mantissa


def oracle_price(market_id: MarketId, prices_mantissa: Mapping[MarketId, int]) -> int:
    """The given price of a market, 0 too [mantissa]; raises `MissingPrice`, `NegativePrice`."""
    price_mantissa = prices_mantissa.get(market_id)
    if price_mantissa is None:
        raise MissingPrice(market_id)
    if price_mantissa < 0:
        raise NegativePrice(market_id, price_mantissa)
    return price_mantissa
