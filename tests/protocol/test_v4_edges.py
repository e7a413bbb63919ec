"""Single lines of v4 at their edges: a share that is worth more than a unit, a step of the bonus, a second fee."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from protocol.aave_v4 import SpokeData, calculate_liquidation_amounts, hub
from protocol.aave_v4.frontier import residual_if_exhausted, toxic_health_factor
from protocol.fixed_point.shares import SharePool
from protocol.units import BPS, RAY, WAD
from tests.protocol.test_v4_amounts import params
from tests.protocol.test_v4_frontier import toxic
from tests.protocol.v4_markets import NOW, SPOKE, TARGET, TERMS, TREASURY, asset

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
