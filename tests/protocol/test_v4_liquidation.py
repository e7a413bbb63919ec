"""Whole liquidations: what is asked in which order, and what moves on the spoke and on the hub."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v4 import (
    DynamicConfig,
    LiquidationAmounts,
    Position,
    account_data,
    liquidation_quote,
)
from protocol.aave_v4.bad_debt import leaves_deficit
from protocol.aave_v4.interest import drawn_index, share_pool
from protocol.units import RAY, SECONDS_PER_YEAR
from tests.protocol.v4_markets import (
    BANK,
    BORROWER,
    COIN,
    DOLLAR,
    LIQUIDATOR,
    NOW,
    SPOKE,
    STONE,
    TERMS,
    TREASURY,
    call,
    called,
    done,
    market,
    position,
    refusal,
    units,
    usd,
    with_book,
    with_position,
    with_reserve,
)

UNHEALTHY = usd(coin=800)
"""Health 8000 * 0.8 / 7000."""
LOST = usd(coin=700)
"""7000 dollars of collateral at a bonus of 5 % pay 6666.67 of 7000."""


@pytest.fixture
def state():
    return market(holds={COIN: 10}, owes={DOLLAR: 7_000})


def refused(state, prices=UNHEALTHY, **changes) -> str:
    return refusal(called(state, prices, **changes))


# --- validation ---


def test_a_call_is_refused_in_the_contract_s_order(state):
    """Every state has the fault it is refused for and all those that are asked for later."""
    healthy = usd()
    wrong = with_position(state, COIN, supplied_shares=0, collateral_enabled=False)
    wrong = with_position(wrong, DOLLAR, drawn_shares=0)
    wrong = with_reserve(wrong, DOLLAR, paused=True)
    wrong = with_reserve(wrong, COIN, frozen=True)
    myself = {"liquidator": BORROWER, "debt_to_cover": 0, "receive_shares": True}

    assert refused(wrong, healthy, collateral_id=9, **myself) == "ReserveNotListed"
    assert refused(wrong, healthy, debt_id=9, **myself) == "ReserveNotListed"
    assert refused(wrong, healthy, **myself) == "SelfLiquidation"
    assert refused(wrong, healthy, debt_to_cover=0, receive_shares=True) == "InvalidDebtToCover"
    assert refused(wrong, healthy, receive_shares=True) == "ReservePaused"
    wrong = with_reserve(wrong, DOLLAR, paused=False)
    assert refused(with_reserve(wrong, COIN, paused=True), healthy) == "ReservePaused"
    assert refused(wrong, healthy, receive_shares=True) == "ReserveNotSupplied"
    wrong = with_position(wrong, COIN, supplied_shares=10**19)
    assert refused(wrong, healthy, receive_shares=True) == "ReserveNotBorrowed"
    wrong = with_position(wrong, DOLLAR, drawn_shares=7 * 10**9)
    assert refused(with_position(wrong, COIN, collateral_enabled=True), healthy, receive_shares=True) == (
        "HealthFactorNotBelowThreshold"
    )
    assert refused(wrong, receive_shares=True) == "ReserveNotEnabledAsCollateral"
    wrong = with_position(wrong, COIN, collateral_enabled=True)
    assert refused(wrong, receive_shares=True) == "CannotReceiveShares"
    off = with_reserve(wrong, COIN, frozen=False, receive_shares_enabled=False)
    assert refused(off, receive_shares=True) == "CannotReceiveShares"
    assert done(off, UNHEALTHY)


def test_the_account_is_valued_before_anything_is_asked(state):
    assert refused(state, {**UNHEALTHY, COIN: 0}, liquidator=BORROWER) == "InvalidPrice"


def test_a_collateral_without_a_factor_cannot_be_seized(state):
    other = market(holds={COIN: 10, STONE: 1}, owes={DOLLAR: 7_000})
    none = DynamicConfig(collateral_factor_bps=0, max_liquidation_bonus_bps=105_00, liquidation_fee_bps=0)
    other = with_reserve(other, STONE, dynamic_configs={0: none})

    assert refused(other, collateral_id=STONE) == "ReserveNotEnabledAsCollateral"


def test_a_health_factor_of_one_is_healthy(state):
    assert refused(state, usd(coin=875)) == "HealthFactorNotBelowThreshold"
    assert done(state, usd(coin=874.99999999)).debt_repaid == 1


# --- what moves ---


def test_underlying_is_paid_out_and_shares_are_the_fee(state):
    found = done(state, UNHEALTHY)
    coin, dollar = found.market.assets[COIN], found.market.assets[DOLLAR]
    taken, given = found.collateral_shares_liquidated, found.collateral_shares_to_liquidator

    # T = 7000 * (1 - 0.9142857) / (1 - 0.84) = 3750 and a unit, as health is rounded down.
    assert (found.debt_repaid, found.drawn_shares_liquidated) == (3_750_000_001, 3_750_000_001)
    assert (taken, given) == (4_921_875_001_312_500_000, 4_898_437_501_306_250_000)
    assert (found.collateral_removed, found.collateral_to_liquidator) == (taken, given)
    assert position(found.market, COIN).supplied_shares == units(COIN, 10) - taken
    assert position(found.market, DOLLAR).drawn_shares == units(DOLLAR, 7_000) - 3_750_000_001
    assert coin.liquidity == state.assets[COIN].liquidity - given
    assert coin.added_shares == state.assets[COIN].added_shares - given
    assert coin.spokes[TREASURY].added_shares == taken - given
    assert coin.spokes[SPOKE].added_shares == state.assets[COIN].spokes[SPOKE].added_shares - taken
    assert dollar.liquidity == state.assets[DOLLAR].liquidity + 3_750_000_001
    assert dollar.drawn_shares == dollar.spokes[SPOKE].drawn_shares == units(DOLLAR, 7_000) - 3_750_000_001
    assert found.deficits_ray == {}
    health = account_data(found.market, BORROWER, prices_base=UNHEALTHY, timestamp=NOW).health_factor_wad
    assert health == 1_000_000_000_049_230_769


def test_shares_are_handed_over_on_the_spoke_and_the_hub_sees_only_the_fee(state):
    paid, handed = done(state, UNHEALTHY), done(state, UNHEALTHY, receive_shares=True)
    before, after = state.assets[COIN], handed.market.assets[COIN]

    assert position(handed.market, COIN, LIQUIDATOR).supplied_shares == paid.collateral_shares_to_liquidator
    assert not position(handed.market, COIN, LIQUIDATOR).collateral_enabled
    assert handed.collateral_to_liquidator == 0
    assert handed.collateral_removed == paid.collateral_removed
    assert (after.liquidity, after.added_shares) == (before.liquidity, before.added_shares)
    fee = paid.collateral_shares_liquidated - paid.collateral_shares_to_liquidator
    assert after.spokes[SPOKE].added_shares == before.spokes[SPOKE].added_shares - fee
    assert handed.market.assets[DOLLAR] == paid.market.assets[DOLLAR]


def test_received_shares_add_to_those_already_held(state):
    state = with_position(state, COIN, user=LIQUIDATOR, supplied_shares=5)
    found = done(state, UNHEALTHY, receive_shares=True)

    assert (
        position(found.market, COIN, LIQUIDATOR).supplied_shares == 5 + found.collateral_shares_to_liquidator
    )


def test_without_a_fee_nobody_else_gets_anything():
    free = {COIN: {"dynamic_configs": {0: replace(TERMS, liquidation_fee_bps=0)}}}
    found = done(market(holds={COIN: 10}, owes={DOLLAR: 7_000}, reserves=free), UNHEALTHY)

    assert found.collateral_shares_to_liquidator == found.collateral_shares_liquidated
    assert found.market.assets[COIN].spokes[TREASURY].added_shares == 0


def test_paying_all_debt_clears_the_borrow_bit_and_keeps_the_collateral_bit():
    state = market(holds={COIN: 3}, owes={DOLLAR: 900})
    found = done(state, usd(coin=370))  # 1110 dollars, health 0.987; what would stay is dust

    assert found.debt_repaid == units(DOLLAR, 900)
    assert DOLLAR not in found.market.accounts[BORROWER].positions
    assert position(found.market, COIN).collateral_enabled
    assert list(found.deficits_ray) == []


def test_debt_is_counted_with_the_interest_of_now(state):
    later = NOW + 30 * SECONDS_PER_YEAR
    found = done(state, UNHEALTHY, at=later, debt_to_cover=units(DOLLAR, 100))
    index_ray = drawn_index(state.assets[DOLLAR], later)

    assert found.drawn_shares_liquidated == units(DOLLAR, 100) * RAY // index_ray
    assert found.debt_repaid == -(-found.drawn_shares_liquidated * index_ray // RAY) <= units(DOLLAR, 100)
    assert found.market.assets[DOLLAR].drawn_index_ray == index_ray > RAY
    assert found.market.assets[DOLLAR].last_update_timestamp == later


def test_nobody_else_s_position_moves(state):
    found = done(state, UNHEALTHY)

    assert found.market.accounts[BANK] == state.accounts[BANK]
    assert found.market.assets[STONE] == state.assets[STONE]
    assert set(found.market.accounts) == set(state.accounts)


def test_a_call_on_one_reserve_pays_with_what_it_takes():
    state = market(holds={DOLLAR: 10_000}, owes={DOLLAR: 8_000})
    state = with_reserve(
        state, DOLLAR, dynamic_configs={0: TERMS, 1: replace(TERMS, collateral_factor_bps=76_00)}
    )
    state = with_position(state, DOLLAR, dynamic_config_key=1)
    found = done(state, usd(), collateral_id=DOLLAR)
    before, after = state.assets[DOLLAR], found.market.assets[DOLLAR]

    assert after.liquidity == before.liquidity + found.debt_repaid - found.collateral_to_liquidator
    held = position(found.market, DOLLAR)
    assert held.supplied_shares == units(DOLLAR, 10_000) - found.collateral_shares_liquidated
    assert held.drawn_shares == units(DOLLAR, 8_000) - found.drawn_shares_liquidated


# --- the premium ---


@pytest.fixture
def risky():
    """The borrower's coins carry a risk of 50 %: half as many premium shares as drawn ones."""
    return market(holds={COIN: 10}, owes={DOLLAR: 7_000}, reserves={COIN: {"collateral_risk_bps": 50_00}})


def test_premium_grows_with_the_index_and_is_paid_first(risky):
    later = NOW + 30 * SECONDS_PER_YEAR
    index_ray = drawn_index(risky.assets[DOLLAR], later)
    premium_ray = units(DOLLAR, 3_500) * (index_ray - RAY)
    found = done(risky, UNHEALTHY, at=later, debt_to_cover=units(DOLLAR, 10))

    assert premium_ray // RAY == 36_750_000  # 7000 drawn of a million: 0.035 % a year, on half of it
    assert found.drawn_shares_liquidated == 0
    assert found.premium_delta.restored_premium_ray == units(DOLLAR, 10) * RAY
    left = position(found.market, DOLLAR)
    assert left.premium_shares * index_ray - left.premium_offset_ray == premium_ray - units(DOLLAR, 10) * RAY
    dollar = found.market.assets[DOLLAR]
    assert (dollar.premium_shares, dollar.premium_offset_ray) == (
        left.premium_shares,
        left.premium_offset_ray,
    )


def test_premium_shares_follow_the_drawn_shares_that_stay(risky):
    found = done(risky, UNHEALTHY)
    left = position(found.market, DOLLAR)

    assert found.market.accounts[BORROWER].risk_premium_bps == 50_00
    assert left.premium_shares == -(-left.drawn_shares // 2)
    assert found.premium_delta.shares_delta == left.premium_shares - units(DOLLAR, 3_500)
    assert found.market.assets[DOLLAR].spokes[SPOKE].premium_shares == left.premium_shares


def test_after_the_call_the_risk_premium_is_that_of_what_is_left():
    risks = {COIN: {"collateral_risk_bps": 10_00}, STONE: {"collateral_risk_bps": 40_00}}
    state = market(holds={COIN: 5, STONE: 100}, owes={DOLLAR: 7_900}, reserves=risks)
    at = usd(coin=950)  # 4750 and 5000 dollars against 7900
    found = done(state, at)
    expected = account_data(found.market, BORROWER, prices_base=at, timestamp=NOW).risk_premium_bps

    # 5000 * 10 % and 2900 * 40 % of 7900, then more of it held by stones
    assert state.accounts[BORROWER].risk_premium_bps == 21_02
    assert found.market.accounts[BORROWER].risk_premium_bps == expected > 21_02
    left = position(found.market, DOLLAR)
    assert left.premium_shares == -(-left.drawn_shares * expected // 100_00)


# --- deficits ---


def test_what_the_last_collateral_cannot_pay_becomes_a_deficit(state):
    found = done(state, LOST)
    dollar = found.market.assets[DOLLAR]

    assert found.debt_repaid == 6_666_666_667
    assert found.deficits_ray == {DOLLAR: 333_333_333 * RAY}
    assert dollar.deficit_ray == dollar.spokes[SPOKE].deficit_ray == 333_333_333 * RAY
    assert dollar.drawn_shares == dollar.spokes[SPOKE].drawn_shares == 0
    assert list(found.market.accounts[BORROWER].positions) == [COIN]
    assert position(found.market, COIN).collateral_enabled
    assert share_pool(dollar, NOW) == share_pool(state.assets[DOLLAR], NOW)


def test_every_loan_of_the_account_is_written_off_with_its_premium():
    risky = {COIN: {"collateral_risk_bps": 50_00}}
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000, STONE: 6}, reserves=risky)
    later = NOW + 30 * SECONDS_PER_YEAR
    found = done(state, LOST, at=later)
    index_ray = drawn_index(state.assets[STONE], later)
    stones = units(STONE, 6) * index_ray + units(STONE, 3) * (index_ray - RAY)

    assert found.deficits_ray[STONE] == stones == found.market.assets[STONE].deficit_ray
    assert found.market.accounts[BORROWER].risk_premium_bps == 0
    assert list(found.market.accounts[BORROWER].positions) == [COIN]
    for asset_id in (DOLLAR, STONE):
        book = found.market.assets[asset_id].spokes[SPOKE]
        assert (book.drawn_shares, book.premium_shares, book.premium_offset_ray) == (0, 0, 0)


def test_a_second_loan_is_written_off_though_the_first_was_paid_whole():
    """800 dollars exhaust 1.2 coins of 700 dollars; the stones are all left."""
    state = market(holds={COIN: 1.2}, owes={DOLLAR: 800, STONE: 3})
    found = done(state, usd(coin=700))

    assert found.debt_repaid == units(DOLLAR, 800)
    assert found.deficits_ray == {STONE: units(STONE, 3) * RAY}


def test_another_collateral_that_counts_prevents_the_deficit():
    state = market(holds={COIN: 10, STONE: 1}, owes={DOLLAR: 7_000})
    found = done(state, LOST)

    assert found.collateral_shares_liquidated == units(COIN, 10)
    assert found.deficits_ray == {}
    assert position(found.market, DOLLAR).drawn_shares == 295_238_095 + 38_095_238
    last = done(found.market, LOST, collateral_id=STONE)
    assert last.deficits_ray == {DOLLAR: last.market.assets[DOLLAR].deficit_ray}
    assert last.market.assets[DOLLAR].deficit_ray == (333_333_333 - last.debt_repaid) * RAY


@pytest.mark.parametrize(
    ("left", "collaterals", "owed", "loans", "expected"),
    [
        (0, 1, 1, 1, True),
        (0, 1, 0, 1, False),
        (0, 1, 0, 2, True),
        (0, 2, 1, 2, False),
        (1, 1, 1, 2, False),
    ],
)
def test_there_is_a_deficit_if_the_last_collateral_is_gone_and_any_share_is_owed(
    state, left, collaterals, owed, loans, expected
):
    data = account_data(state, BORROWER, prices_base=LOST, timestamp=NOW)
    before = replace(data, active_collateral_count=collaterals, borrow_count=loans)
    found = leaves_deficit(
        before, collateral=Position(supplied_shares=left), debt=Position(drawn_shares=owed)
    )

    assert found is expected


def test_a_deficit_asks_no_flag_of_the_reserves():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000, STONE: 5})
    state = with_reserve(state, STONE, paused=True, frozen=True)
    found = done(with_book(state, STONE, halted=True), LOST)

    assert found.deficits_ray[STONE] == units(STONE, 5) * RAY
    assert refused(with_book(state, STONE, active=False), LOST) == "SpokeNotActive"


# --- what the hub refuses ---


def test_a_spoke_that_the_hub_halted_liquidates_only_where_no_liquidity_moves(state):
    assert refused(with_book(state, COIN, halted=True)) == "SpokeHalted"
    assert done(with_book(state, COIN, halted=True), UNHEALTHY, receive_shares=True)
    assert refused(with_book(state, DOLLAR, halted=True)) == "SpokeHalted"
    assert refused(with_book(state, COIN, active=False), receive_shares=True) == "SpokeNotActive"


def test_coins_that_are_not_there_cannot_be_paid_out_but_shares_can(state):
    swept = state.assets[COIN].liquidity - units(COIN, 1)
    drained = replace(state.assets[COIN], liquidity=units(COIN, 1), swept=swept)
    state = replace(state, assets={**state.assets, COIN: drained})

    assert refused(state) == "InsufficientLiquidity"
    assert done(state, UNHEALTHY, receive_shares=True)


def test_a_threshold_for_premium_can_block_a_liquidation(risky):
    assert done(with_book(risky, DOLLAR, risk_premium_threshold_bps=50_01), UNHEALTHY)
    assert refused(with_book(risky, DOLLAR, risk_premium_threshold_bps=49_00)) == "InvalidPremiumChange"


# --- quotes ---


@pytest.mark.parametrize("prices", [UNHEALTHY, LOST])
def test_a_quote_is_what_the_call_moves(state, prices):
    quote = liquidation_quote(state, call(), prices_base=prices, timestamp=NOW)
    found = done(state, prices)

    assert quote == LiquidationAmounts(
        found.collateral_shares_liquidated,
        found.collateral_shares_to_liquidator,
        found.drawn_shares_liquidated,
        found.premium_delta.restored_premium_ray,
    )


def test_a_quote_is_refused_as_the_call_is(state):
    assert refusal(liquidation_quote(state, call(), prices_base=usd(), timestamp=NOW)) == (
        "HealthFactorNotBelowThreshold"
    )
