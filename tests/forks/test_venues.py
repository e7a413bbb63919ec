"""The venues of Compound v2, Morpho Blue and Venus: what they offer and compare, prices, openings, a market's age.

How a call is sent and what its events tell is held by `test_venue_parity_can_fail` and by whole crashes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from fractions import Fraction
from typing import Any

import pytest

from forks.aave_v3.venue import AaveVenue
from forks.compound_v2.venue import CompoundV2Venue
from forks.crash.accounts import FUNDER, account_of
from forks.crash.node_venue import all_owed
from forks.crash.venue import Venue
from forks.crash.where import Where
from forks.morpho_blue.venue import MorphoBlueVenue
from forks.protocols import PROTOCOLS
from forks.venus_isolated.venue import VenusIsolatedVenue
from protocol.compound_v2 import borrow_balance, exchange_rate
from protocol.compound_v2 import viewed_at as compound_viewed_at
from protocol.model import At, User
from protocol.morpho_blue import AdaptiveCurve
from protocol.morpho_blue import viewed_at as morpho_viewed_at
from protocol.morpho_blue.rates import INITIAL_RATE_AT_TARGET_WAD
from protocol.morpho_blue.rule_set import COLLATERAL, LOAN, oracle_price_e36
from protocol.morpho_blue.shares import VIRTUAL_SHARES
from protocol.units import WAD
from protocol.venus_isolated import exchange_rate as venus_exchange_rate
from protocol.venus_isolated import viewed_at as venus_viewed_at
from stress.book import Opening, RebuiltBook, load_book, shipped_books
from tests.test_cli_crash_protocols import BOOKS
from tests.test_cli_crash_protocols import PROTOCOLS as DEPLOYED
from tests.test_cli_crash_protocols import book as book_text

pytestmark = pytest.mark.node

OFFERED: tuple[type[Venue], ...] = (AaveVenue, CompoundV2Venue, MorphoBlueVenue, VenusIsolatedVenue)
"""The type checker holds each against the interface."""
BOTS = (account_of("desk"), account_of("other desk"))
INTEREST = Fraction(1, 10**7)
"""More than a loan grows by in the blocks in which a book is opened."""

Path = tuple[str, ...]
CONSTANTS: Mapping[str, set[Path]] = {
    "compound_v2": {
        *(("rules",), ("close_factor_mantissa",), ("liquidation_incentive_mantissa",), ("max_assets",)),
        ("seize_paused",),
        *(
            ("ctokens", "*", name)
            for name in (
                *("market_id", "address", "symbol", "underlying_decimals", "rules", "rate_model", "config"),
                *("is_ether", "underlying", "underlying_symbol", "transfer_fee"),
            )
        ),
    },
    "morpho_blue": {
        *(("loan",), ("collateral",), ("market", "lltv_wad"), ("market", "fee_recipient")),
    },
    "venus_isolated": {
        *(("rules",), ("close_factor_mantissa",), ("liquidation_incentive_mantissa",), ("is_time_based",)),
        *(("min_liquidatable_collateral_usd_mantissa",), ("max_loops_limit",)),
        ("shortfall",),  # the auction house: nobody bids in a crash
        *(
            ("vtokens", "*", name)
            for name in (
                *(
                    "market_id",
                    "symbol",
                    "underlying",
                    "underlying_symbol",
                    "underlying_decimals",
                    "rate_model",
                ),
                *("collateral_factor_mantissa", "liquidation_threshold_mantissa", "reserve_factor_mantissa"),
                *(
                    "protocol_seize_share_mantissa",
                    "initial_exchange_rate_mantissa",
                    "max_borrow_rate_mantissa",
                ),
                *("listed", "supply_cap_underlying", "borrow_cap_underlying", "paused"),
                # of later releases
                *("reduce_reserves_slot", "reduce_reserves_slot_delta", "forced_liquidation"),
            )
        ),
    },
}
"""Places in a market, and all below them, that no liquidation moves; `*` is any key of a mapping."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A market with its book on it."""

    protocol: str
    venue: Any
    fresh: Any
    """The market as it was seasoned."""
    fresh_at: At
    plan: RebuiltBook
    prices_base: Mapping[int, int]

    @property
    def users(self) -> dict[User, Opening]:
        return {account_of(one.borrower.name): one for one in self.plan.openings}

    @property
    def now(self) -> At:
        return _now(self.venue, self.prices_base)


@pytest.fixture(scope="module", params=DEPLOYED)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    path = tmp_path_factory.mktemp("book") / "book.toml"
    path.write_text(book_text(BOOKS[request.param]))
    with PROTOCOLS[request.param].open(Where(), lambda _: None) as venue:
        prices = venue.prices()
        fresh, fresh_at = venue.market([FUNDER]), _now(venue, prices)
        plan = venue.plan(load_book(path), prices)
        venue.take_over_feeds(prices)
        venue.open(plan.openings, prices, BOTS)
        yield Opened(
            protocol=request.param, venue=venue, fresh=fresh, fresh_at=fresh_at, plan=plan, prices_base=prices
        )


def _now(venue: Venue, prices_base: Mapping[int, int]) -> At:
    return At(prices_base=prices_base, timestamp=venue.now(), block_number=venue.node.block_number())


# --- the interface ---


@pytest.mark.parametrize("venue", OFFERED)
def test_a_venue_has_every_member_of_the_interface_with_the_same_parameters(venue: type[Venue]):
    for name, member in inspect.getmembers(Venue, inspect.isfunction):
        if not name.startswith("_"):
            assert list(inspect.signature(getattr(venue, name)).parameters) == list(
                inspect.signature(member).parameters
            ), name
    properties = {name for name, _ in inspect.getmembers(Venue, lambda one: isinstance(one, property))}
    stored = {one.name for one in fields(venue)}  # type: ignore[arg-type]

    assert all(isinstance(getattr(venue, name), property) for name in properties)
    assert Venue.__annotations__.keys() <= stored


def test_every_protocol_that_can_be_deployed_is_held_here():
    assert {name for name, one in PROTOCOLS.items() if one.can_deploy} - {"aave_v3"} == set(DEPLOYED)


# --- what is compared ---


def test_everything_of_a_market_that_can_move_is_compared(opened: Opened):
    """A field that is new in a market is a constant by name here, or `stored` has it, or this fails."""
    market = opened.venue.market([*opened.users, FUNDER])
    users = list((market.market if opened.protocol == "morpho_blue" else market).accounts)
    stored = opened.venue.stored(market, users)
    constants, met = CONSTANTS[opened.protocol], set[Path]()

    for path, changed in with_one_thing_changed(market):
        constant = {path[:length] for length in range(1, len(path) + 1)} & constants
        met |= constant
        if not constant:
            assert changed is not None, f"{path} is no number: name it a constant or compare it"
            assert opened.venue.stored(changed, users) != stored, path
        elif changed is not None:
            assert opened.venue.stored(changed, users) == stored, path
    assert met == constants


def test_model_and_chain_name_the_same_numbers(opened: Opened):
    venue, users = opened.venue, list(opened.users)
    market = venue.market(users)

    for said, found in zip(venue.model_views(market, users, opened.now), venue.views(users), strict=True):
        assert said == found
    assert venue.stored(market, users) == venue.stored(venue.market(users), users)


def with_one_thing_changed(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The value with one number in it one more, for every number; None for what is none."""
    if isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int):
        yield path, value + 1
    elif isinstance(value, tuple) and path[-1] == "entered":
        yield path, value[:-1]
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            for below, changed in with_one_thing_changed(getattr(value, one.name), (*path, one.name)):
                yield below, None if changed is None else replace(value, **{one.name: changed})
    elif isinstance(value, Mapping):
        for key, one in value.items():
            for below, changed in with_one_thing_changed(one, (*path, "*")):
                yield below, None if changed is None else {**value, key: changed}
    else:
        yield path, None


# --- prices ---


def test_prices_are_read_back_as_they_were_set_to_the_last_digit(opened: Opened):
    venue = opened.venue
    odd = {i: price + 7 * i + 1 for i, price in opened.prices_base.items()}
    alone = {1: odd[1] // 3}
    with venue.node.anchor():
        venue.set_prices(odd)
        assert venue.prices() == odd
        assert_shown(opened, odd)
        venue.set_prices(alone)
        assert venue.prices() == {**odd, **alone}
        assert_shown(opened, {**odd, **alone})
    venue.set_prices(opened.prices_base)


def test_taking_the_feeds_over_shows_the_same_prices(opened: Opened):
    with opened.venue.node.anchor():
        opened.venue.take_over_feeds(opened.prices_base)

        assert opened.venue.prices() == opened.prices_base
        assert_shown(opened, opened.prices_base)


def assert_shown(opened: Opened, prices_base: Mapping[int, int]) -> None:
    """What the contract's own oracle answers, in its scale: exact quotients of what was set."""
    reader = opened.venue.reader
    if opened.protocol == "morpho_blue":
        market = opened.venue.market(())
        units = 10 ** (36 + market.loan.decimals - market.collateral.decimals)
        assert reader.price() == prices_base[COLLATERAL] * units // prices_base[LOAN]
        assert reader.price() == oracle_price_e36(market, prices_base)
    else:
        decimals = [one.underlying_decimals for one in reader.listed]
        assert reader.prices() == {i: prices_base[i] * 10 ** (28 - each) for i, each in enumerate(decimals)}


# --- the book ---


def test_every_borrower_of_the_book_is_opened_within_its_band(opened: Opened):
    """But for what a share of the collateral and a unit of the debt are worth, and the interest of some blocks.

    Morpho Blue values collateral in units of the debt.
    """
    standing = opened.venue.rule_set.standing(opened.venue.market(opened.users), opened.now)

    assert len(opened.plan.openings) == len(BOOKS[opened.protocol])
    assert opened.plan.left_out == ()
    for user, opening in opened.users.items():
        found, target, name = standing(user), opening.target, opening.borrower.name
        grains = sum(grain_base(opened, symbol) for symbol in opening.supplies)
        units = sum(grain_base(opened, symbol, of_share=False) for symbol in opening.borrows)
        of_collateral = Fraction(grains + units, target.collateral_base) + INTEREST
        of_debt = Fraction(units, target.debt_base) + INTEREST
        assert opening.is_within_band, name
        assert not found.is_liquidatable, name
        assert off_by(found.collateral_base, target.collateral_base) <= of_collateral, name
        assert off_by(found.debt_base, target.debt_base) <= of_debt, name
        assert off_by(found.health_factor_wad, target.health_factor_wad) <= 2 * (of_collateral + of_debt), (
            name
        )


def off_by(found: int, target: int) -> Fraction:
    return abs(Fraction(found - target, target))


def grain_base(opened: Opened, symbol: str, *, of_share: bool = True) -> int:
    """Value of the least there is of an asset, or of a share of it where that is more, rounded up [base]."""
    market, at = opened.venue.market(()), opened.now
    assets = opened.venue.rule_set.assets(market)
    (asset_id,) = (i for i, one in assets.items() if one.symbol == symbol)
    rate = WAD
    if opened.protocol == "compound_v2":
        rate = exchange_rate(market.ctokens[asset_id])
    elif opened.protocol == "venus_isolated":
        rate = venus_exchange_rate(market.vtokens[asset_id])
    units = max(-(-rate // WAD), 1) if of_share else 1
    return units * at.prices_base[asset_id] // 10 ** assets[asset_id].decimals + 1


def test_what_was_drawn_is_what_was_planned(opened: Opened):
    """To the unit, as the contract keeps it: a principal, or shares that cost as much or a unit more."""
    market = opened.venue.market(opened.users)

    for user, opening in opened.users.items():
        if opened.protocol == "morpho_blue":
            account = market.market.accounts[user]
            assert account.collateral == opening.supplies["WETH"]
            owed = market.market.total_borrow.to_assets_up(account.borrow_shares)
            assert 0 <= owed - opening.borrows["USDC"] <= 1
        else:
            positions = market.accounts[user].positions
            drawn = {
                opened.venue.symbols[i]: one.borrow_principal_underlying
                for i, one in positions.items()
                if one.borrow_principal_underlying
            }
            assert drawn == opening.borrows


def test_prices_are_as_before_when_the_book_is_open(opened: Opened):
    assert opened.venue.prices() == opened.prices_base


def test_an_account_that_has_nothing_is_empty_and_no_borrower_is(opened: Opened):
    nobody = account_of("nobody")
    market = opened.venue.market([*opened.users, nobody])

    assert opened.venue.is_empty(market, nobody)
    assert not any(opened.venue.is_empty(market, user) for user in opened.users)


def test_liquidators_are_equipped_with_more_than_all_borrowers_owe(opened: Opened):
    """In the book's opening, and anew for borrowers that were found."""
    venue, late = opened.venue, account_of("late desk")
    with venue.node.anchor():
        owed = all_owed(venue.rule_set, venue.market(opened.users), opened.now)
        venue.equip([late], venue.market(opened.users))

        assert owed.keys() == {symbol for one in opened.plan.openings for symbol in one.borrows}
        for symbol, amount in owed.items():
            for bot in (*BOTS, late):
                assert held(opened, symbol, bot) > amount, (symbol, bot)


def held(opened: Opened, symbol: str, user: User) -> int:
    tokens = {one.symbol: one.address for one in opened.venue.rule_set.assets(opened.fresh).values()}
    call = {"to": tokens[symbol], "data": "0x70a08231" + user[2:].lower().rjust(64, "0")}
    return int(opened.venue.node.rpc.call("eth_call", call, "latest"), 16)


# --- the market's age ---


def test_a_seasoned_market_has_no_index_at_its_first_value(opened: Opened):
    fresh, at = opened.fresh, opened.fresh_at
    if opened.protocol == "compound_v2":
        for symbol, one in zip(
            opened.venue.symbols, compound_viewed_at(fresh, at.block_number).ctokens.values(), strict=True
        ):
            assert one.borrow_index_mantissa > WAD, symbol
            assert exchange_rate(one) > one.config.initial_exchange_rate_mantissa, symbol
            assert one.total_reserves_underlying > 0, symbol
    elif opened.protocol == "venus_isolated":
        for symbol, one in zip(
            opened.venue.symbols, venus_viewed_at(fresh, at.block_number).vtokens.values(), strict=True
        ):
            assert one.borrow_index_mantissa > WAD, symbol
            assert venus_exchange_rate(one) > one.initial_exchange_rate_mantissa, symbol
            assert one.total_reserves_underlying > 0, symbol
    else:
        market = morpho_viewed_at(fresh.market, at.timestamp)
        assert market.total_supply.assets * VIRTUAL_SHARES > market.total_supply.shares
        assert market.total_borrow.assets * VIRTUAL_SHARES > market.total_borrow.shares
        assert market.accounts[market.fee_recipient].supply_shares > 0
        assert isinstance(market.irm, AdaptiveCurve)
        assert market.irm.rate_at_target_per_second_wad != INITIAL_RATE_AT_TARGET_WAD


def test_what_was_owed_when_the_market_was_fresh_has_grown(opened: Opened):
    rules = opened.venue.rule_set
    later = opened.venue.market([FUNDER])

    for asset_id in rules.debts(opened.fresh, FUNDER):
        then = rules.owed(opened.fresh, FUNDER, asset_id, opened.fresh_at)
        assert rules.owed(later, FUNDER, asset_id, opened.now) >= then > 0
    if opened.protocol == "compound_v2":
        for asset_id, position in opened.fresh.accounts[FUNDER].positions.items():
            ctoken = compound_viewed_at(opened.fresh, opened.fresh_at.block_number).ctokens[asset_id]
            assert borrow_balance(ctoken, position) > position.borrow_principal_underlying


@pytest.mark.parametrize("name", shipped_books())
def test_every_shipped_book_opens_where_it_has_a_place(opened: Opened, name: str):
    """Also borrowers of the record that pledge and owe nothing, and those that owe what they pledge."""
    venue = opened.venue
    book = load_book(name)
    plan = venue.plan(book, opened.prices_base)
    assert len(plan.openings) + len(plan.left_out) == len(book.borrowers)
    if not plan.openings:  # the job refuses it before anything is opened
        return
    with venue.node.anchor():
        venue.open(plan.openings, opened.prices_base, BOTS)
        users = {account_of(one.borrower.name): one for one in plan.openings}
        market = venue.market(users)
        at = At(
            prices_base=opened.prices_base,
            timestamp=venue.now(),
            block_number=venue.node.block_number(),
        )
        standing = venue.rule_set.standing(market, at)
        for user, one in users.items():
            if one.borrows:
                assert standing(user).debt_base > 0
                assert not standing(user).is_liquidatable
            else:
                assert user not in set(venue.rule_set.users_with_debt(market))
