"""Single lines of v4 at their edges: a share that is worth more than a unit, a step of the bonus, a second fee."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from protocol.aave_v4 import PremiumDelta, SpokeData, account_data, calculate_liquidation_amounts, hub
from protocol.aave_v4.frontier import drops, residual_exact, residual_if_exhausted, toxic_health_factor
from protocol.aave_v4.interest import accrue
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.liquidation import amounts_params
from protocol.errors import EvmRevert
from protocol.fixed_point.shares import SharePool
from protocol.units import BPS, RAY, SECONDS_PER_YEAR, WAD
from tests.protocol.test_v4_amounts import params
from tests.protocol.test_v4_frontier import toxic
from tests.protocol.test_v4_hub import NOTHING, lent
from tests.protocol.v4_markets import (
    BORROWER,
    COIN,
    DOLLAR,
    LIQUIDATOR,
    NOW,
    SPOKE,
    STONE,
    TARGET,
    TERMS,
    TREASURY,
    asset,
    call,
    done,
    market,
    usd,
    with_position,
    with_reserve,
)

TWO_A_SHARE = SharePool(total_assets=20, total_shares=10, virtual_assets=0, virtual_shares=0)
ONE_SHARE = params(
    collateral_pool=TWO_A_SHARE,
    supplied_shares=1,
    collateral_decimals=0,
    collateral_price_base=10**8,
    drawn_shares=3,
    debt_decimals=0,
    total_debt_value_ray=3 * 10**26 * RAY,
    health_factor_wad=53 * 10**16,
)


def test_collateral_of_just_the_shares_needed_suffices_though_their_worth_is_rounded_down():
    # 3 of debt cost 3.15 of collateral: 3 units, 1 share of 2 units. That share is worth 1.9 of debt only.
    assert residual_if_exhausted(ONE_SHARE) is None
    assert calculate_liquidation_amounts(ONE_SHARE).drawn_shares_to_liquidate == 3
    assert residual_if_exhausted(replace(ONE_SHARE, drawn_shares=4)) == 2 * RAY  # 4.2: 2 shares


def test_where_the_bonus_steps_down_across_the_edge_the_step_itself_is_the_toxic_health_factor():
    # No bonus at 1 up to 5 % at 0.9. At 0.931 it is 3.45 %: 0.9 * 1.0345 = 0.93105; just above, 0.93096.
    config = replace(TARGET, health_factor_for_max_bonus_wad=90 * 10**16, liquidation_bonus_factor_bps=0)
    terms = replace(TERMS, collateral_factor_bps=90_00)

    assert toxic_health_factor(config, terms) == Fraction(931, 1_000)
    assert toxic(config, terms, 931 * WAD // 1_000)
    assert not toxic(config, terms, 931 * WAD // 1_000 + 1)
    assert 90_00 * 103_44 < 931 * BPS * BPS // 1_000 < 90_00 * 103_45


def test_a_second_fee_is_added_to_the_first():
    spokes = {SPOKE: SpokeData(added_shares=1_000), TREASURY: SpokeData(added_shares=7)}
    state = asset(1, liquidity=1_007, added_shares=1_007, spokes=spokes)
    paid = hub.pay_fee_shares(hub.pay_fee_shares(state, SPOKE, 10, NOW), SPOKE, 5, NOW)

    assert paid.spokes[TREASURY].added_shares == 22
    assert paid.spokes[SPOKE].added_shares == 985


def test_a_position_keeps_the_terms_it_was_opened_under():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    kept = replace(TERMS, collateral_factor_bps=75_00, max_liquidation_bonus_bps=108_00)
    coin = state.reserves[COIN]
    state = with_position(
        with_reserve(state, COIN, dynamic_configs={**coin.dynamic_configs, 1: kept}),
        COIN,
        dynamic_config_key=1,
    )
    at = usd(coin=800)
    data = account_data(state, BORROWER, prices_base=at, timestamp=NOW)
    found = amounts_params(Ledger(state, NOW), call(), data, at)

    assert (found.collateral_factor_bps, found.max_liquidation_bonus_bps) == (75_00, 108_00)
    # Health 1 at 7,000 / 7.5 dollars, and 0.75 * 1.08 = 0.81 at 756.
    fallen = drops(state, BORROWER, [COIN], prices_base=usd(), timestamp=NOW)
    assert (fallen.liquidatable, fallen.toxic) == (Fraction(1, 15), {COIN: Fraction(244, 1_000)})


def test_premium_is_debt_like_any_other_where_debt_must_remain():
    # 2 units of collateral at a bonus of 5 % repay 40/21 of 3 drawn and 2 of premium.
    owing = replace(ONE_SHARE, premium_debt_ray=2 * RAY)

    assert residual_exact(owing) == (5 - Fraction(40, 21)) * RAY


def test_an_account_that_is_under_water_stays_there_when_nothing_falls():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    found = drops(state, BORROWER, [], prices_base=usd(coin=800), timestamp=NOW)

    assert found.liquidatable == 0
    assert drops(state, BORROWER, [], prices_base=usd(), timestamp=NOW).liquidatable is None


def test_positions_are_walked_from_the_last_reserve_to_the_first():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})

    with pytest.raises(EvmRevert) as caught:
        account_data(state, BORROWER, prices_base={COIN: 0, DOLLAR: 0}, timestamp=NOW)
    assert caught.value.numbers == {"reserve_id": DOLLAR, "price_base": 0}


def test_a_deficit_of_a_spoke_is_kept_in_200_bits():
    state = lent()
    full = replace(state.spokes[SPOKE], deficit_ray=2**200 - 1)
    state = replace(state, spokes={**state.spokes, SPOKE: full})

    with pytest.raises(EvmRevert) as caught:
        hub.report_deficit(state, SPOKE, 100, NOTHING, NOW)
    assert (caught.value.name, caught.value.numbers) == ("Panic(0x11)", {"a": 2**200 - 1, "b": 100 * RAY})


def test_fees_are_kept_in_120_bits():
    with pytest.raises(EvmRevert) as caught:
        accrue(lent(realized_fees=2**120 - 1), NOW + SECONDS_PER_YEAR)

    assert (caught.value.name, caught.value.numbers) == ("Panic(0x11)", {"a": 2**120 - 1, "b": 4})


def test_premium_shares_are_kept_in_120_bits():
    added = PremiumDelta(shares_delta=2**120, offset_delta_ray=2**120 * RAY, restored_premium_ray=0)

    with pytest.raises(EvmRevert) as caught:
        hub.refresh_premium(lent(), SPOKE, added, NOW)
    assert (caught.value.name, caught.value.numbers) == (
        "SafeCastOverflowedUintDowncast",
        {"bits": 120, "value": 2**120},
    )


@pytest.mark.parametrize("receive_shares", [False, True])
def test_a_share_that_the_fee_takes_whole_leaves_the_liquidator_nothing_and_moves_no_liquidity(
    receive_shares,
):
    # 5e-10 coins at 1,100 dollars are worth 1.1 units of a stone at 50, with the bonus 1.15; the fee is rounded up.
    state = market(holds={STONE: 1_000}, owes={COIN: 38})
    found = done(
        state,
        usd(coin=1_100),
        collateral_id=STONE,
        debt_id=COIN,
        debt_to_cover=5 * 10**8,
        receive_shares=receive_shares,
    )
    before, after = state.assets[STONE], found.market.assets[STONE]

    assert (found.debt_repaid, found.collateral_shares_liquidated) == (5 * 10**8, 1)
    assert found.collateral_shares_to_liquidator == found.collateral_to_liquidator == 0
    assert after.liquidity == before.liquidity
    assert after.spokes[TREASURY].added_shares == 1
    assert LIQUIDATOR not in found.market.accounts
