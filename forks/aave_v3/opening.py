"""Open a book on a real pool: money supplied, eModes chosen, debts drawn, all at one instant.

Everything is opened by real `supply`, `setUserEMode` and `borrow` calls. A recorded borrower may owe more than its
collateral lets it draw today (it drew when prices were better), so while one asset is drawn its price stands at
half; before and after, prices are those of the start, and debts in an asset that is also pledged are drawn then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from forks.aave_v3.configuration import caps_of
from forks.crash.accounts import FUNDER, account_of
from forks.crash.venue import Call
from protocol.aave_v3 import ReserveId
from protocol.units import BASE_PER_USD, MAX_UINT256, RAY
from stress.opening import Opening

if TYPE_CHECKING:
    from forks.aave_v3.venue import AaveVenue

VARIABLE_RATE = 2
DRAWING_DISCOUNT = 2
ROUNDING_UNITS = 10_000
"""More smallest units than all calls of a book can add by rounding."""
SEASONING_USD = 4_000_000
"""What is supplied of every asset of a fresh market."""
DRAWN_OF_SEASONING = 2
SEASONING_S = 30 * 86_400


def open_book(
    venue: AaveVenue,
    openings: Sequence[Opening],
    prices_base: Mapping[ReserveId, int],
    *,
    bots: Sequence[str],
    liquidity_factor: int = 3,
) -> None:
    """Open all positions and equip the liquidators, at the time the node stands at.

    `liquidity_factor`: how many times what the book draws is supplied beforehand.

    Raises:
        SetUpRefused: a call that the pool refuses, with the error's name.
    """
    indexes = venue.normalized(venue.reserve_ids.values())
    openings = [_as_sent(venue, opening, indexes) for opening in openings]
    drawn = _totals(opening.borrows for opening in openings)
    supplied = _totals(opening.supplies for opening in openings)
    if too_low := list(_caps_too_low(venue, supplied, drawn, liquidity_factor, indexes)):
        venue.lift_caps(too_low)
    pool = venue.pool
    symbols = [symbol for symbol in venue.assets if drawn.get(symbol) or supplied.get(symbol)]
    for symbol in symbols:
        liquidity = liquidity_factor * drawn.get(symbol, 0)
        venue.fund(symbol, FUNDER, supplied.get(symbol, 0) + liquidity)
        for bot in bots:
            if drawn.get(symbol):
                venue.fund(symbol, bot, liquidity)
    venue.require_all(_approvals(venue, symbols, [FUNDER, *bots], pool))
    venue.require_all(_liquidity(venue, drawn, liquidity_factor))
    venue.require_all(_supplies(venue, openings))
    venue.require_all(_emodes(venue, openings))
    venue.require_all(
        call for symbol in drawn for call in _borrows(venue, openings, symbol, discounted=False)
    )
    for symbol in drawn:
        reserve_id = venue.reserve_ids[symbol]
        venue.set_prices({reserve_id: prices_base[reserve_id] // DRAWING_DISCOUNT})
        venue.require_all(_borrows(venue, openings, symbol, discounted=True))
        venue.set_prices({reserve_id: prices_base[reserve_id]})


def season(venue: AaveVenue, prices_base: Mapping[ReserveId, int]) -> None:
    """Let a fresh market live for a month: liquidity in every reserve, half of it drawn, so that no index is 1."""
    market = venue.market(())
    amounts = {
        reserve.symbol: SEASONING_USD * BASE_PER_USD * 10**reserve.config.decimals // prices_base[reserve_id]
        for reserve_id, reserve in market.reserves.items()
    }
    for symbol, amount in amounts.items():
        venue.fund(symbol, FUNDER, amount)
    venue.require_all(_approvals(venue, list(amounts), [FUNDER], venue.pool))
    venue.require_all((_supply(venue, symbol, amount, FUNDER) for symbol, amount in amounts.items()))
    borrowable = venue.borrowable()
    venue.require_all(
        (
            _borrow(venue, symbol, amount // DRAWN_OF_SEASONING, FUNDER)
            for symbol, amount in amounts.items()
            if symbol in borrowable
        ),
    )
    venue.node.set_time(venue.now() + SEASONING_S)


def _as_sent(venue: AaveVenue, opening: Opening, indexes: Mapping[ReserveId, tuple[int, int]]) -> Opening:
    """The opening with the amounts to send now, so that the tokens' own rounding keeps the balances it asks for."""
    rules = venue.rules
    supplies, borrows = dict(opening.supplies), dict(opening.borrows)
    for symbol, wanted in supplies.items():
        index_ray, _ = indexes[venue.reserve_ids[symbol]]
        supplies[symbol] = _amount_for(wanted, index_ray, rules.atoken_mint_scaled, rules.atoken_balance, 1)
    for symbol, wanted in borrows.items():
        _, index_ray = indexes[venue.reserve_ids[symbol]]
        borrows[symbol] = _amount_for(wanted, index_ray, rules.vtoken_mint_scaled, rules.vtoken_balance, -1)
    return replace(opening, supplies=supplies, borrows=borrows)


def _amount_for(
    wanted: int,
    index_ray: int,
    mint_scaled: Callable[[int, int], int],
    balance: Callable[[int, int], int],
    step: int,
) -> int:
    """What to send for a balance of `wanted`, or one unit off where no whole share gives it. [asset units]"""
    candidates = (wanted, wanted + step, wanted + 2 * step)
    return min(candidates, key=lambda sent: abs(balance(mint_scaled(sent, index_ray), index_ray) - wanted))


def _totals(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for part in parts:
        for symbol, amount in part.items():
            totals[symbol] = totals.get(symbol, 0) + amount
    return totals


def _caps_too_low(
    venue: AaveVenue,
    supplied: Mapping[str, int],
    drawn: Mapping[str, int],
    liquidity_factor: int,
    indexes: Mapping[ReserveId, tuple[int, int]],
) -> Iterator[str]:
    """Symbols of which what is there already and the book together would exceed a cap."""
    reserves = {reserve.symbol: reserve for reserve in venue.market(()).reserves.values()}
    for symbol, word in venue.configurations().items():
        reserve = reserves[symbol]
        income_ray, debt_ray = indexes[reserve.reserve_id]
        owed = drawn.get(symbol, 0)
        held = reserve.total_scaled_atoken + reserve.accrued_to_treasury_scaled
        wanted = (
            held * income_ray // RAY + supplied.get(symbol, 0) + liquidity_factor * owed,
            reserve.total_scaled_variable_debt * debt_ray // RAY + owed,
        )
        caps = [cap * 10**reserve.config.decimals for cap in caps_of(word)]
        if any(cap and amount + ROUNDING_UNITS > cap for amount, cap in zip(wanted, caps, strict=True)):
            yield symbol


def _approvals(venue: AaveVenue, symbols: Sequence[str], owners: Sequence[str], pool: str) -> Iterator[Call]:
    for symbol in symbols:
        for owner in owners:
            yield Call(owner, venue.assets[symbol], "approve(address,uint256)", (pool, MAX_UINT256))


def _liquidity(venue: AaveVenue, drawn: Mapping[str, int], factor: int) -> Iterator[Call]:
    for symbol, amount in drawn.items():
        yield _supply(venue, symbol, factor * amount, FUNDER)


def _supplies(venue: AaveVenue, openings: Sequence[Opening]) -> Iterator[Call]:
    for opening in openings:
        for symbol, amount in opening.supplies.items():
            yield _supply(venue, symbol, amount, account_of(opening.borrower.name))


def _supply(venue: AaveVenue, symbol: str, amount: int, on_behalf_of: str) -> Call:
    arguments = (venue.assets[symbol], amount, on_behalf_of, 0)
    return Call(FUNDER, venue.pool, "supply(address,uint256,address,uint16)", arguments)


def _emodes(venue: AaveVenue, openings: Sequence[Opening]) -> Iterator[Call]:
    for opening in openings:
        if opening.emode:
            yield Call(account_of(opening.borrower.name), venue.pool, "setUserEMode(uint8)", (opening.emode,))


def _borrows(
    venue: AaveVenue, openings: Sequence[Opening], symbol: str, *, discounted: bool
) -> Iterator[Call]:
    for opening in openings:
        amount = opening.borrows.get(symbol, 0)
        if amount and discounted != (symbol in _drawn_at_true_price(opening)):
            yield _borrow(venue, symbol, amount, account_of(opening.borrower.name))


def _drawn_at_true_price(opening: Opening) -> list[str]:
    """Debts in assets that the account pledges too: a discount would take from its collateral as well.

    They are drawn first; of an account beyond its loan-to-value at least one debt is left for the discount.
    """
    pledged = [symbol for symbol in opening.borrows if symbol in opening.supplies]
    nothing_else = len(pledged) == len(opening.borrows)
    return pledged[:-1] if opening.exceeds_ltv and nothing_else else pledged


def _borrow(venue: AaveVenue, symbol: str, amount: int, user: str) -> Call:
    arguments = (venue.assets[symbol], amount, VARIABLE_RATE, 0, user)
    return Call(user, venue.pool, "borrow(address,uint256,uint256,uint16,address)", arguments)
