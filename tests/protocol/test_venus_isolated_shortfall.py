"""The auction of bad debt: both kinds, who may bid, and what is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.errors import MissingPrice
from protocol.units import MAX_UINT256, WAD
from protocol.venus_isolated import (
    Acted,
    AuctionStatus,
    AuctionType,
    Shortfall,
    close_auction,
    exchange_rate,
    place_bid,
    restart_auction,
    start_auction,
)
from tests.protocol.venus_markets import (
    COIN,
    DOLLAR,
    NOW,
    OLD,
    STONE,
    healed,
    market,
    moved,
    numbers,
    refusal,
    units,
    usd,
    with_vtoken,
)

AT = usd(coin=400)
LOST = healed(market(holds={COIN: 1}, owes={DOLLAR: 700, STONE: 1}), AT).market
"""363.64 of 750 dollars were paid; 360.61 dollars and 0.52 stones are bad debt."""
DEBTS = {i: vtoken.bad_debt_underlying for i, vtoken in LOST.vtokens.items()}
POOL_USD = sum(AT[i] * debt // WAD for i, debt in DEBTS.items())
ANNE, BERT = "anne", "bert"


def pool(fund: int, **changes):
    """The pool with a risk fund of so many units of a base asset with 18 decimals."""
    return replace(LOST, shortfall=Shortfall(risk_fund_base_asset=fund, **changes))


def started(fund: int, *, price: int = WAD, **changes):
    found = start_auction(
        pool(fund, **changes), prices_mantissa=AT, base_asset_price_mantissa=price, slot=NOW
    )
    return moved(found)


def bid(state, bps: int, bidder: str = ANNE, *, slot: int = NOW + 1, start: int = NOW):
    return place_bid(state, bidder, bps, auction_start_slot=start, slot=slot)


def test_the_bad_debt_is_what_healing_left():
    assert DEBTS == {COIN: 0, DOLLAR: 360_606_061, STONE: 51_515_152}


def test_a_small_risk_fund_is_offered_whole_for_a_rising_share_of_the_debt():
    state = started(300 * WAD)
    auction = state.shortfall.auction

    assert auction.auction_type is AuctionType.LARGE_POOL_DEBT
    assert auction.status is AuctionStatus.STARTED
    assert auction.market_debts_underlying == DEBTS
    assert auction.seized_risk_fund == 300 * WAD
    assert auction.start_bid_bps == 10**8 * 300 * WAD // (POOL_USD * 11_000) == 7_058
    assert refusal(bid(state, 7_057)) == "your bid is not the highest"
    first = moved(bid(state, 7_058))
    assert first.shortfall.auction.bid_amounts_underlying == {
        i: debt * 7_058 // 10_000 for i, debt in DEBTS.items()
    }
    assert refusal(bid(first, 7_058, BERT)) == "your bid is not the highest"
    second = moved(bid(first, 7_059, BERT, slot=NOW + 50))

    closed = close_auction(second, slot=NOW + 151)
    assert isinstance(closed, Acted)
    assert closed.amount == 300 * WAD
    assert closed.market.shortfall.risk_fund_base_asset == 0
    assert closed.market.shortfall.auction.status is AuctionStatus.ENDED
    for i, debt in DEBTS.items():
        paid, after = debt * 7_059 // 10_000, closed.market.vtokens[i]
        assert after.bad_debt_underlying == debt - paid
        assert after.cash_underlying == LOST.vtokens[i].cash_underlying + paid
        assert exchange_rate(after) == exchange_rate(LOST.vtokens[i])


def test_a_large_risk_fund_pays_a_falling_share_of_debt_and_incentive():
    state = started(500 * WAD)
    auction, offered = state.shortfall.auction, POOL_USD + POOL_USD // 10

    assert auction.auction_type is AuctionType.LARGE_RISK_FUND
    assert (auction.start_bid_bps, auction.seized_risk_fund) == (10_000, offered)
    first = moved(bid(state, 10_000))
    assert first.shortfall.auction.bid_amounts_underlying == DEBTS
    assert refusal(bid(first, 10_000, BERT)) == "your bid is not the highest"
    second = moved(bid(first, 9_000, BERT))
    assert refusal(bid(second, 9_001)) == "your bid is not the highest"

    closed = close_auction(second, slot=NOW + 102)
    assert isinstance(closed, Acted)
    assert closed.amount == offered * 9_000 // 10_000
    assert closed.market.shortfall.risk_fund_base_asset == 500 * WAD - closed.amount
    assert {vtoken.bad_debt_underlying for vtoken in closed.market.vtokens.values()} == {0}


def test_the_risk_fund_equal_to_debt_and_incentive_is_still_offered_whole():
    exact = POOL_USD + POOL_USD // 10

    assert started(exact).shortfall.auction.auction_type is AuctionType.LARGE_POOL_DEBT
    assert started(exact + 1).shortfall.auction.auction_type is AuctionType.LARGE_RISK_FUND


def test_the_risk_fund_is_priced_since_2_0_0_and_paid_out_as_if_it_were_dollars():
    """At two dollars a unit, 200 units count 400 dollars: 400 units are promised, and there are but 200."""
    state = moved(bid(started(200 * WAD, price=2 * WAD), 10_000))
    assert state.shortfall.auction.seized_risk_fund == 400 * WAD
    assert refusal(close_auction(state, slot=NOW + 102)) == "InsufficientPoolReserve"

    old = replace(pool(200 * WAD), rules=OLD)
    unpriced = moved(start_auction(old, prices_mantissa=AT, slot=NOW))
    assert unpriced.shortfall.auction.seized_risk_fund == 200 * WAD
    less = replace(unpriced, shortfall=replace(unpriced.shortfall, risk_fund_base_asset=WAD))
    assert refusal(close_auction(moved(bid(less, 10_000)), slot=NOW + 102)) == (
        "Risk Fund: Insufficient pool reserve."
    )
    with pytest.raises(MissingPrice, match="base asset"):
        start_auction(pool(WAD), prices_mantissa=AT, slot=NOW)


def test_an_auction_starts_only_for_enough_debt_once_and_unless_paused():
    def start(state):
        return start_auction(state, prices_mantissa=AT, base_asset_price_mantissa=WAD, slot=NOW)

    enough = pool(WAD, minimum_pool_bad_debt_usd_mantissa=POOL_USD)
    assert isinstance(start(enough), Acted)
    found = start(pool(WAD, minimum_pool_bad_debt_usd_mantissa=POOL_USD + 1))
    assert refusal(found) == "pool bad debt is too low"
    assert numbers(found) == {"bad_debt_usd_mantissa": POOL_USD, "minimum_usd_mantissa": POOL_USD + 1}
    assert refusal(start(pool(WAD, paused=True))) == "Auctions are paused"
    assert refusal(start(started(WAD))) == "auction is on-going"
    closed = moved(close_auction(moved(bid(started(WAD), 5_000)), slot=NOW + 102))
    again = moved(start(closed))
    assert again.shortfall.auction.highest_bidder is None
    assert refusal(start(market(holds={COIN: 1}, owes={}))) == "Panic(0x12)"  # no debt, and no minimum
    free = start_auction(
        pool(WAD), prices_mantissa=dict.fromkeys(AT, 0), base_asset_price_mantissa=0, slot=NOW
    )
    assert refusal(free) == "Panic(0x12)"


def test_a_bid_names_its_auction_and_is_a_share():
    state = started(300 * WAD)

    assert refusal(bid(state, 8_000, start=NOW + 1)) == "auction has been restarted"
    assert refusal(bid(pool(WAD), 8_000, start=0)) == "no on-going auction"
    assert refusal(bid(state, 0)) == "basis points cannot be zero"
    assert refusal(bid(state, 1)) == "your bid is not the highest"
    assert refusal(bid(state, 10_001)) == "basis points cannot be more than 10000"
    assert isinstance(bid(state, 10_000, slot=NOW + 100), Acted)
    assert refusal(bid(state, 10_000, slot=NOW + 101)) == "auction is stale, restart it"
    late = moved(bid(state, 8_000, slot=NOW + 100))
    assert isinstance(bid(late, 8_001, BERT, slot=NOW + 10_000), Acted)
    endless = {"wait_for_first_bidder_slots": MAX_UINT256}  # asked only while nobody has bid
    assert refusal(bid(replace(state, shortfall=replace(state.shortfall, **endless)), 8_000)) == "Panic(0x11)"
    heeded = replace(late, shortfall=replace(late.shortfall, **endless))
    assert isinstance(bid(heeded, 8_001, BERT, slot=NOW + 101), Acted)


def test_an_auction_closes_when_nobody_has_outbid_for_long_enough():
    state = moved(bid(started(300 * WAD), 8_000))

    waiting = "waiting for next bidder. cannot close auction"
    assert refusal(close_auction(state, slot=NOW + 101)) == waiting
    closed = moved(close_auction(state, slot=NOW + 102))
    assert refusal(close_auction(closed, slot=NOW + 103)) == "no on-going auction"
    assert refusal(close_auction(started(300 * WAD), slot=NOW + 1_000)) == waiting
    endless = replace(state, shortfall=replace(state.shortfall, next_bidder_slot_limit=MAX_UINT256))
    assert refusal(close_auction(endless, slot=NOW + 1_000)) == "Panic(0x11)"


def test_no_more_bad_debt_is_recovered_than_there_is():
    state = moved(bid(started(300 * WAD), 10_000))
    paid_by_other_means = with_vtoken(state, DOLLAR, bad_debt_underlying=DEBTS[DOLLAR] - 1)

    found = close_auction(paid_by_other_means, slot=NOW + 102)
    assert refusal(found) == "more than bad debt recovered from auction"
    assert numbers(found) == {"amount": DEBTS[DOLLAR], "bad_debt": DEBTS[DOLLAR] - 1}


def test_an_auction_without_a_bid_can_be_started_anew():
    def restart(state, slot=NOW + 101):
        return restart_auction(state, prices_mantissa=AT, base_asset_price_mantissa=WAD, slot=slot)

    state = started(300 * WAD)
    assert refusal(restart(state, NOW + 100)) == "you need to wait for more time for first bidder"
    assert refusal(restart(pool(WAD))) == "no on-going auction"
    assert refusal(restart(moved(bid(state, 8_000)))) == "you need to wait for more time for first bidder"
    paused = replace(state, shortfall=replace(state.shortfall, paused=True))
    assert refusal(restart(paused)) == "auctions are paused"

    more = with_vtoken(state, DOLLAR, bad_debt_underlying=units(DOLLAR, 1_000))
    again = moved(restart(more))
    assert again.shortfall.auction.start_slot == NOW + 101
    assert again.shortfall.auction.market_debts_underlying == {**DEBTS, DOLLAR: units(DOLLAR, 1_000)}
    assert refusal(bid(again, 10_000)) == "auction has been restarted"
    assert isinstance(bid(again, 10_000, start=NOW + 101, slot=NOW + 101), Acted)
