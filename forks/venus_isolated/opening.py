"""Open a book on a Venus pool, and let a fresh one live a while: real `mint`, `enterMarkets` and `borrow` calls.

A factor lends less than the threshold allows, and a recorded borrower may be beyond it: while the book is drawn every
factor stands at its threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from forks.aave_v3.deploy import ADMIN
from forks.crash.accounts import FUNDER, account_of
from forks.crash.example_assets import example_assets
from forks.crash.node_venue import totals
from forks.crash.venue import Call
from protocol.units import MAX_UINT256
from stress.opening import Opening

if TYPE_CHECKING:
    from forks.venus_isolated.venue import VenusIsolatedVenue

LIQUIDITY_FACTOR = 3
"""How many times what a book draws is supplied beforehand."""
SEASONING_USD = 4_000_000
"""What is supplied of every asset of a fresh market."""
DRAWN_OF_SEASONING = 2
SEASONING_BLOCKS = 500


def open_book(
    venue: VenusIsolatedVenue,
    openings: Sequence[Opening],
    *,
    bots: Sequence[str],
) -> None:
    """Open all positions and equip the liquidators. Raises SetUpRefused."""
    drawn = totals(opening.borrows for opening in openings)
    for symbol, amount in drawn.items():
        venue.require_all(_supply(venue, symbol, FUNDER, LIQUIDITY_FACTOR * amount))
        equip(venue, {symbol: amount}, bots=bots)
    venue.require_all(call for one in openings for call in _pledge(venue, one))
    with _factors_at_thresholds(venue):
        venue.require_all(call for one in openings for call in _borrows(venue, one))


@contextmanager
def _factors_at_thresholds(venue: VenusIsolatedVenue) -> Iterator[None]:
    """Let every market lend up to its threshold; afterwards as before."""
    listed = venue.market(()).vtokens
    factors = {s: listed[i].collateral_factor_mantissa for i, s in enumerate(venue.symbols)}
    thresholds = {s: listed[i].liquidation_threshold_mantissa for i, s in enumerate(venue.symbols)}
    venue.require_all(_factor(venue, s, thresholds[s], thresholds[s]) for s in venue.symbols)
    yield
    venue.require_all(_factor(venue, s, factors[s], thresholds[s]) for s in venue.symbols)


def equip(venue: VenusIsolatedVenue, owed: Mapping[str, int], *, bots: Sequence[str]) -> None:
    """Give each liquidator more than is owed of every asset, and let the market take it. Raises SetUpRefused."""
    for symbol, amount in owed.items():
        for bot in bots:
            venue.require_all(_fund(venue, symbol, bot, LIQUIDITY_FACTOR * amount))


def season(venue: VenusIsolatedVenue) -> None:
    """Supply every asset, draw half of it, and let blocks pass, so that no index is 1."""
    amounts = {s: example_assets()[s].units_for(SEASONING_USD) for s in venue.symbols}
    venue.require_all(call for s, amount in amounts.items() for call in _supply(venue, s, FUNDER, amount))
    venue.require_all([_enter(venue, FUNDER, venue.symbols)])
    venue.require_all(
        _borrow(venue, symbol, FUNDER, amount // DRAWN_OF_SEASONING) for symbol, amount in amounts.items()
    )
    venue.node.mine(SEASONING_BLOCKS)


def _pledge(venue: VenusIsolatedVenue, opening: Opening) -> Iterator[Call]:
    user = account_of(opening.borrower.name)
    for symbol, amount in opening.supplies.items():
        yield from _supply(venue, symbol, user, amount)
    if opening.supplies:
        yield _enter(venue, user, list(opening.supplies))


def _borrows(venue: VenusIsolatedVenue, opening: Opening) -> Iterator[Call]:
    for symbol, amount in opening.borrows.items():
        yield _borrow(venue, symbol, account_of(opening.borrower.name), amount)


def _supply(venue: VenusIsolatedVenue, symbol: str, user: str, amount: int) -> Iterator[Call]:
    yield from _fund(venue, symbol, user, amount)
    yield Call(user, venue.deployment.markets[symbol].vtoken, "mint(uint256)", (amount,))


def _fund(venue: VenusIsolatedVenue, symbol: str, user: str, amount: int) -> Iterator[Call]:
    market = venue.deployment.markets[symbol]
    yield Call(user, market.underlying, "faucet(uint256)", (amount,))
    yield Call(user, market.underlying, "approve(address,uint256)", (market.vtoken, MAX_UINT256))


def _enter(venue: VenusIsolatedVenue, user: str, symbols: Sequence[str]) -> Call:
    vtokens = [venue.deployment.markets[symbol].vtoken for symbol in symbols]
    return Call(user, venue.address, "enterMarkets(address[])", (vtokens,))


def _borrow(venue: VenusIsolatedVenue, symbol: str, user: str, amount: int) -> Call:
    return Call(user, venue.deployment.markets[symbol].vtoken, "borrow(uint256)", (amount,))


def _factor(venue: VenusIsolatedVenue, symbol: str, factor: int, threshold: int) -> Call:
    arguments = (venue.deployment.markets[symbol].vtoken, factor, threshold)
    return Call(ADMIN, venue.address, "setCollateralFactor(address,uint256,uint256)", arguments)
