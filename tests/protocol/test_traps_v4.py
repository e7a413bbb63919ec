"""Traps 35 to 38: what is different in Aave v4."""

from __future__ import annotations

from dataclasses import replace

from protocol.aave_v4 import DynamicConfig, Liquidated, LiquidationConfig, account_data
from protocol.aave_v4.interest import share_pool
from protocol.units import WAD
from tests.protocol.v4_markets import (
    BORROWER,
    COIN,
    DOLLAR,
    NOW,
    STONE,
    called,
    done,
    market,
    position,
    refusal,
    units,
    usd,
    with_position,
)


def terms(**changes):
    """A reserve with a factor of 80 %, a bonus of 5 % and no fee, unless told otherwise."""
    usual = {"collateral_factor_bps": 80_00, "max_liquidation_bonus_bps": 105_00, "liquidation_fee_bps": 0}
    return {"dynamic_configs": {0: DynamicConfig(**{**usual, **changes})}}


def health(state, prices_base):
    return account_data(state, BORROWER, prices_base=prices_base, timestamp=NOW).health_factor_wad


def test_trap_35_one_share_of_another_collateral_blocks_the_deficit_and_can_be_hard_to_take():
    """Naive: 333.33 dollars are a deficit, as in v3 from 3.3 on. Right: not before the last share has gone."""
    at = usd(coin=700)
    state = market(holds={COIN: 10, STONE: 20}, owes={DOLLAR: 7_000}, reserves={STONE: terms()})
    state = with_position(state, STONE, supplied_shares=1)
    assert done(with_position(state, STONE, collateral_enabled=False), at).deficits_ray == {
        DOLLAR: 333_333_333 * 10**27
    }

    # A share of a stone is worth less than a unit where the hub lacks a unit.
    stones = state.assets[STONE]
    state = replace(state, assets={**state.assets, STONE: replace(stones, liquidity=stones.liquidity - 1)})
    found = done(state, at)
    assert (found.debt_repaid, found.deficits_ray) == (6_666_666_667, {})
    assert position(found.market, DOLLAR).drawn_shares == 333_333_333
    assert position(found.market, COIN).supplied_shares == 0
    assert position(found.market, COIN).collateral_enabled is True  # also with nothing left

    assert refusal(called(found.market, at, collateral_id=STONE)) == "InvalidAmount"
    last = done(found.market, at, collateral_id=STONE, receive_shares=True)
    assert (last.debt_repaid, last.collateral_shares_liquidated) == (1, 1)
    assert last.deficits_ray == {DOLLAR: 333_333_332 * 10**27}


def test_trap_36_many_small_calls_on_a_falling_health_factor_earn_more_and_leave_more_debt():
    """Naive: b * debt - collateral is the same after any calls, as in v3. Right: the bonus grows between them."""
    slope = LiquidationConfig(
        target_health_factor_wad=WAD,
        health_factor_for_max_bonus_wad=5 * 10**17,
        liquidation_bonus_factor_bps=50_00,
    )
    coin = {COIN: terms(collateral_factor_bps=94_00, max_liquidation_bonus_bps=106_00)}
    state, at = market(holds={COIN: 10}, owes={DOLLAR: 7_000}, config=slope, reserves=coin), usd(coin=707)
    assert health(state, at) == 949_400_000_000_000_000  # below 1.033 * 0.94

    at_once = done(state, at)
    assert at_once.debt_repaid == 6_844_143_273
    assert at_once.deficits_ray == {DOLLAR: 155_856_727 * 10**27}

    repaid, before = 0, health(state, at)
    for _ in range(11):
        found = done(state, at, debt_to_cover=units(DOLLAR, 500))
        state, repaid = found.market, repaid + found.debt_repaid
        assert health(state, at) < before
        before = health(state, at)
    found = done(state, at)
    assert repaid + found.debt_repaid == 6_832_080_925
    assert found.deficits_ray == {DOLLAR: 167_919_075 * 10**27}


def test_trap_37_a_cover_below_the_dust_completed_amount_reverts_and_completing_passes_the_target():
    """Naive: 625 dollars restore health, and a smaller cover repays less. Right: 1,500 or nothing."""
    state = market(holds={COIN: 10}, owes={DOLLAR: 1_500, STONE: 20})
    at = usd(coin=300)  # 2,500 dollars of debt; 625 of it would reach the target and leave 875 of dollars
    assert health(state, at) == 960_000_000_000_000_000

    for too_little in (units(DOLLAR, 1_000), units(DOLLAR, 1_500) - 1):
        assert refusal(called(state, at, debt_to_cover=too_little)) == "MustNotLeaveDust"
    assert done(state, at, debt_to_cover=units(DOLLAR, 499.999)).debt_repaid == 499_999_000
    found = done(state, at)
    assert found.debt_repaid == 1_500_000_000
    assert health(found.market, at) == 1_146_000_000_000_000_000  # the target was 1


def test_trap_38_seized_shares_and_the_shares_of_the_health_factor_round_apart():
    """Naive: 8 shares worth 9 units repay 85,715. Right: 95,239, as they repay like the 10 they would cost."""
    dear = usd(stone=10**6)  # one unit of a stone is a cent
    state = market(holds={STONE: 1}, owes={DOLLAR: 7}, prices=dear, reserves={STONE: terms()})
    stones = state.assets[STONE]
    grown = replace(stones, liquidity=stones.liquidity + stones.liquidity // 7)
    state = replace(state, assets={**state.assets, STONE: grown})
    state = with_position(with_position(state, STONE, supplied_shares=8), DOLLAR, drawn_shares=200_000)
    pool = share_pool(grown, NOW)
    assert (pool.to_assets_down(8), pool.to_assets_up(8), pool.to_shares_down(9)) == (9, 10, 7)

    data = account_data(state, BORROWER, prices_base=dear, timestamp=NOW)
    assert data.total_collateral_value == 9 * 10**24  # cents
    found = called(state, dear, collateral_id=STONE)
    assert isinstance(found, Liquidated)
    assert found.collateral_shares_liquidated == 8
    assert found.debt_repaid == 95_239
