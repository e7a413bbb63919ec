"""Open a book on Compound v2, and let a fresh market live a while: real `mint`, `enterMarkets` and `borrow` calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from forks.crash.accounts import FUNDER, account_of
from forks.crash.example_assets import example_assets
from forks.crash.node_venue import totals
from forks.crash.venue import Call
from protocol.units import MAX_UINT256
from stress.opening import Opening

if TYPE_CHECKING:
    from forks.compound_v2.venue import CompoundV2Venue

LIQUIDITY_FACTOR = 3
"""How many times what a book draws is supplied beforehand."""
SEASONING_USD = 4_000_000
"""What is supplied of every asset of a fresh market."""
DRAWN_OF_SEASONING = 2
SEASONING_BLOCKS = 500


def open_book(venue: CompoundV2Venue, openings: Sequence[Opening], *, bots: Sequence[str]) -> None:
    """Open all positions and equip the liquidators. Raises SetUpRefused."""
    drawn = totals(opening.borrows for opening in openings)
    for symbol, amount in drawn.items():
        venue.require_all(_supply(venue, symbol, FUNDER, LIQUIDITY_FACTOR * amount))
        equip(venue, {symbol: amount}, bots=bots)
    venue.require_all(call for one in openings for call in _pledge(venue, one))
    venue.require_all(call for one in openings for call in _borrows(venue, one))


def equip(venue: CompoundV2Venue, owed: Mapping[str, int], *, bots: Sequence[str]) -> None:
    """Give each liquidator more than is owed of every asset, and let the market take it. Raises SetUpRefused."""
    for symbol, amount in owed.items():
        for bot in bots:
            venue.require_all(_fund(venue, symbol, bot, LIQUIDITY_FACTOR * amount))


def season(venue: CompoundV2Venue) -> None:
    """Supply every asset, draw half of it, and let blocks pass, so that no index is 1."""
    amounts = {s: example_assets()[s].units_for(SEASONING_USD) for s in venue.symbols}
    venue.require_all(call for s, amount in amounts.items() for call in _supply(venue, s, FUNDER, amount))
    venue.require_all([_enter(venue, FUNDER, venue.symbols)])
    venue.require_all(
        _borrow(venue, symbol, FUNDER, amount // DRAWN_OF_SEASONING) for symbol, amount in amounts.items()
    )
    venue.node.mine(SEASONING_BLOCKS)


def _pledge(venue: CompoundV2Venue, opening: Opening) -> Iterator[Call]:
    user = account_of(opening.borrower.name)
    for symbol, amount in opening.supplies.items():
        yield from _supply(venue, symbol, user, amount)
    if opening.supplies:
        yield _enter(venue, user, list(opening.supplies))


def _borrows(venue: CompoundV2Venue, opening: Opening) -> Iterator[Call]:
    for symbol, amount in opening.borrows.items():
        yield _borrow(venue, symbol, account_of(opening.borrower.name), amount)


def _supply(venue: CompoundV2Venue, symbol: str, user: str, amount: int) -> Iterator[Call]:
    yield from _fund(venue, symbol, user, amount)
    yield Call(user, venue.deployment.markets[symbol].ctoken, "mint(uint256)", (amount,))


def _fund(venue: CompoundV2Venue, symbol: str, user: str, amount: int) -> Iterator[Call]:
    market = venue.deployment.markets[symbol]
    token = str(market.underlying)
    yield Call(user, token, "mint(uint256)", (amount,))
    yield Call(user, token, "approve(address,uint256)", (market.ctoken, MAX_UINT256))


def _enter(venue: CompoundV2Venue, user: str, symbols: Sequence[str]) -> Call:
    ctokens = [venue.deployment.markets[symbol].ctoken for symbol in symbols]
    return Call(user, venue.address, "enterMarkets(address[])", (ctokens,))


def _borrow(venue: CompoundV2Venue, symbol: str, user: str, amount: int) -> Call:
    return Call(user, venue.deployment.markets[symbol].ctoken, "borrow(uint256)", (amount,))
