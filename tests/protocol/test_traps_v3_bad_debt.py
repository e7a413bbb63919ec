"""Traps 25 to 28, 32 and 33: what is written off, on whom it falls, and which rates follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import GhoDebt, account_data, supply
from protocol.aave_v3.rates import interest_rates
from protocol.units import RAY
from tests.protocol.actions import did
from tests.protocol.markets import BORROWER, COIN, DOLLAR, LIQUIDATOR, NOW, WHALE
from tests.protocol.traps import (
    DOLLAR_2,
    DOLLAR_3,
    coins,
    dollars,
    done,
    left,
    refused,
    since,
    trapped,
    usd,
)

DOLLAR_4 = 7


@pytest.mark.parametrize(
    ("revision", "first"),
    [(one, 47_619_048) for one in since("3.3", "3.4")] + [(one, 47_619_047) for one in since("3.5")],
)
def test_trap_25_bad_debt_is_burned_in_paused_and_graced_reserves_and_not_in_inactive_ones(revision, first):
    """Naive: a paused reserve is left alone and an inactive one is cleaned. Right: the other way round."""
    owes = {DOLLAR: dollars(1_000), DOLLAR_2: dollars(100), DOLLAR_3: dollars(50), DOLLAR_4: dollars(7)}
    states = {
        DOLLAR_2: {"paused": True},
        DOLLAR_3: {"active": False},
        DOLLAR_4: {"liquidation_grace_until_timestamp": NOW + 9, "frozen": True},
    }
    at = {**usd(coin=1_000), DOLLAR_4: 10**8}
    state = trapped(revision, holds={COIN: coins(1)}, owes=owes, configs=states)
    found = done(state, at)

    assert found.deficits == {DOLLAR: first, DOLLAR_2: 100_000_000, DOLLAR_4: 7_000_000}
    assert (left(found, DOLLAR_3).scaled_variable_debt, left(found, DOLLAR_3).borrowing) == (50_000_000, True)
    for closed, why in (
        (DOLLAR_2, "ReservePaused"),
        (DOLLAR_3, "ReserveInactive"),
        (DOLLAR_4, "LiquidationGraceSentinelCheckFailed"),
    ):
        assert refused(state, at, debt_id=closed) == why  # as the debt of the call itself


@pytest.mark.parametrize(
    ("revision", "repaid", "deficit"),
    [(one, 952, None) for one in since("3.0.0", "3.2")]
    + [(one, 952, 999_999_048) for one in since("3.3", "3.4")]
    + [(one, 953, 999_999_047) for one in since("3.5")],
)
def test_trap_26_a_gift_of_dust_lets_anybody_turn_an_old_debt_into_a_deficit(revision, repaid, deficit):
    """Naive: without collateral the debt stays for ever. Right: a tenth of a cent supplied for it is seized."""
    state, at = trapped(revision, holds={}, owes={DOLLAR: dollars(1_000)}), usd(coin=1_000)
    assert refused(state, at) == "CollateralCannotBeLiquidated"

    gift = did(supply(state, LIQUIDATOR, COIN, 10**12, on_behalf_of=BORROWER, timestamp=NOW))
    assert gift.market.accounts[BORROWER].positions[COIN].collateral_enabled is True
    found = done(gift.market, at)
    assert (found.debt_repaid, found.collateral_to_liquidator) == (repaid, 995_238_095_238)
    assert found.deficits == ({DOLLAR: deficit} if deficit else {})


def test_trap_27_a_deficit_lowers_the_supply_rate_alone_and_no_supplier_s_balance():
    """Naive: suppliers lose 104,761 dollars at once, and borrowers pay for it. Right: neither."""
    holds, owes = {COIN: coins(100)}, {DOLLAR: dollars(200_000)}
    others = {
        DOLLAR: {
            "total_scaled_variable_debt": dollars(600_000),
            "virtual_underlying_balance": dollars(400_000),
        }
    }
    state = trapped("3.6", holds=holds, owes=owes, reserves=others)
    found = done(state, usd(coin=1_000))
    before, after = state.reserves[DOLLAR], found.market.reserves[DOLLAR]

    assert found.deficits == {DOLLAR: 104_761_904_761}
    assert found.market.accounts[WHALE] == state.accounts[WHALE]
    assert after.total_scaled_atoken == before.total_scaled_atoken == 10**12
    assert after.liquidity_index_ray == before.liquidity_index_ray == RAY
    assert after.virtual_underlying_balance == dollars(400_000) + found.debt_repaid == 495_238_095_239
    # Claims of 1,000,000 dollars stand against 495,238 in cash and 400,000 lent.

    without = replace(after, deficit=0)
    rates = interest_rates(after, state.rules, debt=dollars(400_000), added=0, taken=0)
    same_without = interest_rates(without, state.rules, debt=dollars(400_000), added=0, taken=0)
    assert rates.variable_ray == same_without.variable_ray == 22_340_425_531_892_315_527_387_981
    assert rates.liquidity_ray == after.liquidity_rate_ray == 8_042_553_191_481_233_589_859_673
    assert same_without.liquidity_ray == 8_983_703_033_028_468_884_543_915


@pytest.mark.parametrize(
    ("revision", "whole"),
    [("3.0.0", 476_20)]
    + [(one, 10_000_00) for one in since("3.0.1", "3.2")]
    + [(one, 476_20) for one in since("3.3", "3.6")],
)
def test_trap_28_isolated_debt_forgets_deficits_and_from_3_0_1_to_3_2_a_full_seizure(revision, whole):
    """Naive: no debt is left, so nothing counts against the ceiling. Right: 476.20 dollars for ever, or all."""
    state = trapped(
        revision,
        holds={COIN: coins(10)},
        owes={DOLLAR: dollars(10_000)},
        configs={COIN: {"debt_ceiling": 10**9}},
        reserves={COIN: {"isolation_mode_total_debt": 10_000_00}},
    )
    part, full = done(state, usd(coin=1_000), debt_to_cover=dollars(4_000)), done(state, usd(coin=1_000))

    assert part.market.reserves[COIN].isolation_mode_total_debt == 6_000_00
    assert full.market.reserves[COIN].isolation_mode_total_debt == whole
    if revision in since("3.3"):
        assert full.deficits == {DOLLAR: 476_190_476}
        assert left(full, DOLLAR).scaled_variable_debt == 0


def owing_gho(revision):
    """8,000 GHO at an index of 1.2, a discount of 30 % on the interest, and 5 counted from before."""
    state = trapped(
        revision,
        holds={COIN: coins(10)},
        owes={DOLLAR: dollars(8_000)},
        configs={DOLLAR: {"virtual_accounting": False}},
        reserves={DOLLAR: {"variable_borrow_index_ray": 12 * RAY // 10, "virtual_underlying_balance": 0}},
    )
    debt = GhoDebt(discount_bps=30_00, previous_index_ray=RAY, balance_from_interest=dollars(5))
    account = state.accounts[BORROWER]
    owed = replace(account.positions[DOLLAR], gho_debt=debt)
    account = replace(account, positions={**account.positions, DOLLAR: owed})
    return replace(state, accounts={**state.accounts, BORROWER: account})


@pytest.mark.parametrize(
    ("revision", "counted", "repaid", "deficit"),
    [
        ("3.2", 9_600, 476_190_476, None),
        ("3.3", 9_120, 476_190_476, 9_120_000_000 - 1_125_000_000),
        ("3.4", 9_600, 476_190_476, 9_600_000_000 - 476_190_476),
    ],
)
def test_trap_32_gho_has_a_discount_up_to_3_3_and_its_unpaid_interest_is_no_deficit_there(
    revision, counted, repaid, deficit
):
    """Naive: 9,600 owed and 9,123.81 written off. Right in 3.3: 9,120 and 7,995, as 1,125 were never minted."""
    state, at = owing_gho(revision), usd(coin=50)
    data = account_data(state, BORROWER, prices_base=at, timestamp=NOW)
    assert data.total_debt_base == counted * 10**8

    found = done(state, at)
    assert found.debt_repaid == repaid
    assert found.deficits == ({DOLLAR: deficit} if deficit else {})


def test_trap_33_rates_count_the_liquidity_that_is_about_to_leave_and_the_debt_that_has_left():
    """Naive: rates of the balances before the payout, or of the debt before the burn. Right: of both after."""
    lent = {"total_scaled_variable_debt": coins(300_000), "virtual_underlying_balance": coins(700_000)}
    for revision in since("3.1"):
        state = trapped(
            revision, holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)}, reserves={COIN: lent}
        )
        after = done(state, usd(coin=1_187.5)).market.reserves[COIN]
        naive = interest_rates(state.reserves[COIN], state.rules, debt=coins(300_000), added=0, taken=0)
        assert naive.variable_ray == 15_000_000_000_000_000_000_000_000
        assert after.variable_borrow_rate_ray == 15_000_132_001_161_610_222_169_940

    lent = {"total_scaled_variable_debt": dollars(500_000), "virtual_underlying_balance": dollars(510_000)}
    for revision in since("3.3"):  # one asset on both sides: from 3.5 on the second cache is told of the burn
        state = trapped(
            revision, holds={DOLLAR: dollars(10_000)}, owes={DOLLAR: dollars(9_000)}, reserves={DOLLAR: lent}
        )
        found = done(state, usd(), collateral_id=DOLLAR)
        moved = {"added": dollars(9_000), "taken": dollars(9_405)}
        naive = interest_rates(state.reserves[DOLLAR], state.rules, debt=dollars(500_000), **moved)
        assert naive.variable_ray == 24_762_404_726_647_814_222_534_779
        assert found.market.reserves[DOLLAR].variable_borrow_rate_ray == 24_535_401_436_145_493_431_408_313
