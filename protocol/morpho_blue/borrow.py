"""Borrowing and repaying the loan asset.

Mirrors `borrow` and `repay`, src/Morpho.sol (morpho-org/morpho-blue@3085651). Taken for granted as in `supply`. Of
`assets` and `shares` exactly one is not 0.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.morpho_blue.health import require_healthy
from protocol.morpho_blue.interest import accrued
from protocol.morpho_blue.ledger import burn_borrow, mint_borrow
from protocol.morpho_blue.state import Acted, Market, Revert, User
from protocol.morpho_blue.validation import require_created, require_exactly_one, require_liquidity


def borrow(
    market: Market,
    user: User,
    assets: int = 0,
    shares: int = 0,
    *,
    price_e36: int | None,
    timestamp: int,
) -> Acted | Revert:
    """`user` borrows `assets` [loan asset units], or what `shares` are worth, at `timestamp` [s] and the price.

    Raises `MissingPrice`, `PriceNoUint`.
    """
    try:
        return _borrow(market, user, assets, shares, price_e36, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def repay(
    market: Market,
    user: User,
    assets: int = 0,
    shares: int = 0,
    *,
    on_behalf_of: User | None = None,
    timestamp: int,
) -> Acted | Revert:
    """`user` pays back `assets` [loan asset units], or what `shares` cost, of its own debt or another's.

    More than is owed is not cut down but refused: a debt is repaid in full by its shares.
    """
    try:
        return _repay(market, user if on_behalf_of is None else on_behalf_of, assets, shares, timestamp)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)


def _borrow(
    market: Market, user: User, assets: int, shares: int, price_e36: int | None, timestamp: int
) -> Acted:
    require_created(market)
    require_exactly_one(assets, shares)
    market = accrued(market, timestamp)
    if assets > 0:
        shares = market.total_borrow.to_shares_up(assets)
    else:
        assets = market.total_borrow.to_assets_down(shares)
    after = mint_borrow(market, user, assets=assets, shares=shares)
    require_healthy(after, user, price_e36)
    require_liquidity(after)
    return Acted(market=after, assets=assets, shares=shares)


def _repay(market: Market, debtor: User, assets: int, shares: int, timestamp: int) -> Acted:
    require_created(market)
    require_exactly_one(assets, shares)
    market = accrued(market, timestamp)
    if assets > 0:
        shares = market.total_borrow.to_shares_down(assets)
    else:
        assets = market.total_borrow.to_assets_up(shares)
    return Acted(
        market=burn_borrow(market, debtor, assets=assets, shares=shares), assets=assets, shares=shares
    )
