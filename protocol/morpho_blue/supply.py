"""Supplying and withdrawing the loan asset, and pledging and taking back collateral.

Mirrors `supply`, `withdraw`, `supplyCollateral` and `withdrawCollateral`, src/Morpho.sol
(morpho-org/morpho-blue@3085651). Taken for granted: users act for themselves where an authorization would be asked,
have what they bring and have approved it, and use no callback. Of `assets` and `shares` exactly one is not 0.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.morpho_blue.health import require_healthy
from protocol.morpho_blue.interest import accrued
from protocol.morpho_blue.ledger import add_collateral, burn_supply, mint_supply, take_collateral
from protocol.morpho_blue.state import Acted, Market, Revert, User
from protocol.morpho_blue.validation import (
    require_assets,
    require_created,
    require_exactly_one,
    require_liquidity,
)


def supply(
    market: Market,
    user: User,
    assets: int = 0,
    shares: int = 0,
    *,
    on_behalf_of: User | None = None,
    timestamp: int,
) -> Acted | Revert:
    """`user` supplies `assets` [loan asset units], or what `shares` cost, at `timestamp` [s]."""
    try:
        return _supply(market, user if on_behalf_of is None else on_behalf_of, assets, shares, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def withdraw(
    market: Market, user: User, assets: int = 0, shares: int = 0, *, timestamp: int
) -> Acted | Revert:
    """`user` takes out `assets` [loan asset units], or what `shares` are worth, at `timestamp` [s]."""
    try:
        return _withdraw(market, user, assets, shares, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def supply_collateral(
    market: Market, user: User, assets: int, *, on_behalf_of: User | None = None, timestamp: int
) -> Acted | Revert:
    """`user` pledges `assets` [collateral asset units] for itself or another; nothing accrues, whatever the time."""
    holder = user if on_behalf_of is None else on_behalf_of
    try:
        require_created(market)
        require_assets(assets)
        return Acted(market=add_collateral(market, holder, assets), assets=assets)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def withdraw_collateral(
    market: Market, user: User, assets: int, *, price_e36: int | None, timestamp: int
) -> Acted | Revert:
    """`user` takes back `assets` [collateral asset units] at `timestamp` [s]; who owes nothing needs no price.

    Raises `MissingPrice`, `PriceNoUint`.
    """
    try:
        require_created(market)
        require_assets(assets)
        after = take_collateral(accrued(market, timestamp), user, assets)
        require_healthy(after, user, price_e36)
        return Acted(market=after, assets=assets)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def _supply(market: Market, holder: User, assets: int, shares: int, timestamp: int) -> Acted:
    require_created(market)
    require_exactly_one(assets, shares)
    market = accrued(market, timestamp)
    if assets > 0:
        shares = market.total_supply.to_shares_down(assets)
    else:
        assets = market.total_supply.to_assets_up(shares)
    return Acted(
        market=mint_supply(market, holder, assets=assets, shares=shares), assets=assets, shares=shares
    )


def _withdraw(market: Market, user: User, assets: int, shares: int, timestamp: int) -> Acted:
    require_created(market)
    require_exactly_one(assets, shares)
    market = accrued(market, timestamp)
    if assets > 0:
        shares = market.total_supply.to_shares_up(assets)
    else:
        assets = market.total_supply.to_assets_down(shares)
    after = burn_supply(market, user, assets=assets, shares=shares)
    require_liquidity(after)
    return Acted(market=after, assets=assets, shares=shares)
