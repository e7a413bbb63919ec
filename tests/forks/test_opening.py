"""The default book on a real pool: every recorded borrower as recorded, debts above what lends, prices as before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from forks.aave_v3 import tokens
from forks.aave_v3.opening import open_book
from forks.aave_v3.sources import open_venue
from forks.aave_v3.venue import AaveVenue
from forks.crash.accounts import FUNDER, account_of
from forks.crash.errors import SetUpRefused
from forks.crash.where import Where
from protocol.aave_v3 import AccountData, Market, normalized_debt, normalized_income
from protocol.units import RAY
from stress.aave_opening import AaveTerms, reserve_infos
from stress.book import Recorded, load_book
from stress.opening import Opening
from stress.rebuild import rebuild

pytestmark = pytest.mark.node

BOT = account_of("bot")
BOOK = load_book("default")
RECORDED = [borrower.name for borrower in BOOK.borrowers if borrower.kind == "recorded"]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A market with the book on it."""

    venue: AaveVenue
    openings: dict[str, Opening]
    found: dict[str, AccountData]
    """What the pool says of each borrower."""
    market: Market
    prices_before: dict[int, int]
    time_before: int


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    with open_venue(Where(), lambda seconds: None) as venue:
        prices, now = venue.prices(), venue.now()
        infos = reserve_infos(venue.market(()), prices, not_borrowable=set(venue.assets) - venue.borrowable())
        openings = rebuild(BOOK, infos, AaveTerms(venue.rules)).openings
        venue.take_over_feeds(prices)
        open_book(venue, openings, prices, bots=[BOT])
        users = [account_of(one.borrower.name) for one in openings]
        yield Opened(
            venue=venue,
            openings={one.borrower.name: one for one in openings},
            found=dict(zip([one.borrower.name for one in openings], venue.account_data(users), strict=True)),
            market=venue.market([*users, BOT, FUNDER]),
            prices_before=prices,
            time_before=now,
        )


def test_the_market_was_seasoned_no_index_that_can_grow_is_one(opened):
    for reserve in opened.market.reserves.values():
        income_ray = normalized_income(reserve, opened.venue.rules, opened.venue.now())
        debt_ray = normalized_debt(reserve, opened.venue.rules, opened.venue.now())
        if reserve.symbol in opened.venue.borrowable():
            assert debt_ray > income_ray > RAY, reserve.symbol


def test_every_borrower_of_the_book_is_there(opened):
    assert opened.openings.keys() == {borrower.name for borrower in BOOK.borrowers}
    assert len(RECORDED) == 44


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_borrower_stands_on_the_chain_within_one_smallest_unit_of_the_record(opened, name):
    opening, found = opened.openings[name], opened.found[name]
    record = opening.borrower.figures
    assert isinstance(record, Recorded)
    collateral_unit, debt_unit = opening.largest_unit_base

    assert abs(found.total_collateral_base - record.collateral_base) <= collateral_unit
    assert abs(found.total_debt_base - record.debt_base) <= debt_unit


@pytest.mark.parametrize("name", RECORDED)
def test_the_pools_health_factor_of_a_recorded_borrower_lies_in_the_band_of_the_record(opened, name):
    low, high = opened.openings[name].health_factor_band_wad

    assert low <= opened.found[name].health_factor_wad <= high


def test_the_healthy_controls_are_there_one_without_debt_and_one_empty(opened):
    debtless = [name for name in RECORDED if not opened.found[name].total_debt_base]
    empty = [name for name in debtless if not opened.found[name].total_collateral_base]

    assert (len(debtless), len(empty)) == (2, 1)


def test_debts_above_what_their_collateral_lends_were_opened(opened):
    above = [name for name, one in opened.openings.items() if one.exceeds_ltv]

    assert above
    for name in above:
        found = opened.found[name]
        assert found.available_borrows_base == 0
        assert found.health_factor_wad > 10**18
        lends = found.total_collateral_base * (found.avg_ltv_bps + 1) // 10_000
        assert found.total_debt_base * 100 > 99 * lends, name


def test_nobody_is_liquidatable_before_anything_falls(opened):
    assert all(found.health_factor_wad >= 10**18 for found in opened.found.values())


def test_positions_are_those_of_the_plan_bits_categories_and_amounts(opened):
    venue, market = opened.venue, opened.market
    now = venue.now()
    for name, opening in opened.openings.items():
        account = market.accounts[account_of(name)]
        assert account.emode == opening.emode
        held = {market.reserves[i].symbol: position for i, position in account.positions.items()}
        assert {s for s, p in held.items() if p.collateral_enabled} == opening.supplies.keys(), name
        assert {s for s, p in held.items() if p.borrowing} == opening.borrows.keys(), name
        for symbol, amount in opening.supplies.items():
            reserve = market.reserves[venue.reserve_ids[symbol]]
            index_ray = normalized_income(reserve, venue.rules, now)
            assert 0 <= amount - venue.rules.atoken_balance(held[symbol].scaled_atoken, index_ray) <= 1
        for symbol, amount in opening.borrows.items():
            reserve = market.reserves[venue.reserve_ids[symbol]]
            index_ray = normalized_debt(reserve, venue.rules, now)
            owed = venue.rules.vtoken_balance(held[symbol].scaled_variable_debt, index_ray)
            assert 0 <= owed - amount <= 1


def test_prices_and_time_are_those_of_the_start(opened):
    assert opened.venue.prices() == opened.prices_before
    assert opened.venue.now() == opened.time_before


def test_the_drawn_tokens_went_to_the_borrowers_and_the_bot_can_pay_for_every_debt(opened):
    node, assets = opened.venue.node, opened.venue.assets
    drawn: dict[str, int] = {}
    for name, opening in opened.openings.items():
        for symbol, amount in opening.borrows.items():
            assert 0 <= amount - tokens.balance_of(node, assets[symbol], account_of(name)) <= 2
            drawn[symbol] = drawn.get(symbol, 0) + amount
    for symbol, amount in drawn.items():
        assert tokens.balance_of(node, assets[symbol], BOT) > 2 * amount, symbol
    assert drawn.keys() >= {"USDC", "USDT", "DAI", "WETH", "WBTC"}


def test_the_funder_supplied_the_liquidity_and_none_of_it_is_a_borrowers(opened):
    funder = opened.market.accounts[FUNDER]

    assert all(position.scaled_atoken > 0 for position in funder.positions.values())
    assert FUNDER not in {account_of(name) for name in opened.openings}


def test_a_name_is_always_the_same_account_and_an_address_is_its_own():
    address = "0x" + "ab" * 20

    assert account_of("loop-1.05") == account_of("loop-1.05") != account_of("loop-1.015")
    assert account_of(address).lower() == address


def test_a_debt_that_the_pool_refuses_stops_the_opening_with_the_errors_name(opened):
    opening = replace(opened.openings["two-coins"], borrows={"USDC": 10**9 * 10**6})
    with opened.venue.node.anchor(), pytest.raises(SetUpRefused, match=r"borrow.* reverts with ") as refused:
        open_book(opened.venue, [opening], opened.prices_before, bots=[], liquidity_factor=1)

    assert refused.value.function.startswith("borrow(")
    assert refused.value.reason == "HealthFactorLowerThanLiquidationThreshold"
