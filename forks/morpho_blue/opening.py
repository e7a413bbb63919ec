"""Open a book on a Morpho Blue market, and let a fresh one live a while: real calls, by each account itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from forks.crash.accounts import FUNDER, account_of
from forks.crash.venue import Call
from stress.opening import Opening

if TYPE_CHECKING:
    from forks.morpho_blue.venue import MorphoBlueVenue

LIQUIDITY_FACTOR = 3
"""How many times what a book draws is supplied beforehand."""
SEASONING_USD = 4_000_000
"""What is supplied to a fresh market."""
SEASONING_S = 30 * 86_400
PARAMS = "(address,address,address,address,uint256)"


def open_book(venue: MorphoBlueVenue, openings: Sequence[Opening], *, bots: Sequence[str]) -> None:
    """Open all positions and equip the liquidators. Raises SetUpRefused."""
    loan, collateral = venue.pair
    drawn = sum(opening.borrows.get(loan.symbol, 0) for opening in openings)
    venue.fund(loan.symbol, FUNDER, LIQUIDITY_FACTOR * drawn)
    venue.require_all([_supply(venue, FUNDER, LIQUIDITY_FACTOR * drawn)])
    equip(venue, {loan.symbol: drawn}, bots=bots)
    for opening in openings:
        amount = opening.supplies.get(collateral.symbol, 0)
        venue.fund(collateral.symbol, account_of(opening.borrower.name), amount)
    venue.require_all(call for one in openings for call in _pledge_and_borrow(venue, one))


def equip(venue: MorphoBlueVenue, owed: Mapping[str, int], *, bots: Sequence[str]) -> None:
    """Give each liquidator more than is owed, and let Morpho take it."""
    for symbol, amount in owed.items():
        for bot in bots:
            venue.fund(symbol, bot, LIQUIDITY_FACTOR * amount)


def season(venue: MorphoBlueVenue) -> None:
    """Supply, draw 80 % against ample collateral, and let a month pass, so that nothing is at its first value.

    At 90 %, the curve's target, its rate would stay where it begins.
    """
    loan, collateral = venue.pair
    amounts = loan.units_for(SEASONING_USD), collateral.units_for(2 * SEASONING_USD)
    for asset, amount in zip(venue.pair, amounts, strict=True):
        venue.fund(asset.symbol, FUNDER, amount)
    venue.require_all(
        [
            _supply(venue, FUNDER, amounts[0]),
            _pledge(venue, FUNDER, amounts[1]),
            _borrow(venue, FUNDER, amounts[0] * 8 // 10),
        ]
    )
    venue.node.set_time(venue.now() + SEASONING_S)


def _pledge_and_borrow(venue: MorphoBlueVenue, opening: Opening) -> Iterator[Call]:
    user, (loan, collateral) = account_of(opening.borrower.name), venue.pair
    if amount := opening.supplies.get(collateral.symbol, 0):
        yield _pledge(venue, user, amount)
    if amount := opening.borrows.get(loan.symbol, 0):
        yield _borrow(venue, user, amount)


def _supply(venue: MorphoBlueVenue, user: str, amount: int) -> Call:
    arguments = (venue.addresses.params, amount, 0, user, b"")
    return Call(user, venue.address, f"supply({PARAMS},uint256,uint256,address,bytes)", arguments)


def _pledge(venue: MorphoBlueVenue, user: str, amount: int) -> Call:
    arguments = (venue.addresses.params, amount, user, b"")
    return Call(user, venue.address, f"supplyCollateral({PARAMS},uint256,address,bytes)", arguments)


def _borrow(venue: MorphoBlueVenue, user: str, amount: int) -> Call:
    arguments = (venue.addresses.params, amount, 0, user, user)
    return Call(user, venue.address, f"borrow({PARAMS},uint256,uint256,address,address)", arguments)
