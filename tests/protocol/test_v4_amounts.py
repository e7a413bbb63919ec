"""Bonus and amounts by hand, on round numbers and at their edges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v4 import (
    LiquidationAmountsParams,
    calculate_liquidation_amounts,
    calculate_liquidation_bonus,
)
from protocol.aave_v4.amounts import (
    DebtToLiquidate,
    calculate_collateral_to_liquidate,
    calculate_debt_to_liquidate,
    debt_for_all_collateral,
    debt_to_target_health_factor,
    debt_worth,
)
from protocol.errors import EvmRevert
from protocol.fixed_point.shares import SharePool
from protocol.units import MAX_UINT256, RAY, WAD

COIN, DOLLAR = 10**18, 10**6
EVEN = SharePool(total_assets=10**24, total_shares=10**24, virtual_assets=10**6, virtual_shares=10**6)


def params(
    *, coins: float = 10, dollars: float = 7_000, price: float = 870, **changes
) -> LiquidationAmountsParams:
    """Ten coins at a factor of 80 %, 7000 dollars drawn, no premium; the bonus is 5 % up to a health of 0.95."""
    owed_value_ray = round(dollars * 1000) * 10**23 * RAY
    usual = {
        "collateral_pool": EVEN,
        "supplied_shares": round(coins * 1000) * COIN // 1000,
        "collateral_decimals": 18,
        "collateral_price_base": round(price * 10**8),
        "drawn_shares": round(dollars * 1000) * DOLLAR // 1000,
        "premium_debt_ray": 0,
        "drawn_index_ray": RAY,
        "total_debt_value_ray": owed_value_ray,
        "debt_decimals": 6,
        "debt_price_base": 10**8,
        "debt_to_cover": MAX_UINT256,
        "collateral_factor_bps": 80_00,
        "health_factor_for_max_bonus_wad": 95 * 10**16,
        "liquidation_bonus_factor_bps": 50_00,
        "max_liquidation_bonus_bps": 105_00,
        "target_health_factor_wad": WAD,
        "health_factor_wad": round(coins * price * 8 * 100) * WAD // round(dollars * 1000),
        "liquidation_fee_bps": 10_00,
    }
    return LiquidationAmountsParams(**(usual | changes))


# --- the bonus ---


@pytest.mark.parametrize(
    ("health", "bonus"),
    [
        (0, 105_00),
        (95 * 10**16, 105_00),
        (95 * 10**16 + 1, 104_99),  # 250 * (1 - 2e-17) + 102_50, rounded down
        (975 * 10**15, 103_75),
        (WAD - 1, 102_50),
        (WAD, 102_50),
    ],
)
def test_the_bonus_is_a_straight_line_rounded_down(health, bonus):
    assert params(health_factor_wad=health).liquidation_bonus_bps == bonus


@pytest.mark.parametrize(("factor", "least"), [(0, 100_00), (33_33, 101_66), (100_00, 105_00)])
def test_the_least_bonus_is_a_share_of_the_whole_one_without_its_hundred_percent(factor, least):
    found = calculate_liquidation_bonus(
        health_factor_for_max_bonus_wad=0,
        liquidation_bonus_factor_bps=factor,
        health_factor_wad=WAD,
        max_liquidation_bonus_bps=105_00,
    )
    assert found == least


def test_up_to_the_health_factor_for_it_the_whole_bonus_is_read_and_not_reckoned():
    """No spoke is configured so; the contract's function by itself would divide by a line of no length."""
    found = calculate_liquidation_bonus(
        health_factor_for_max_bonus_wad=WAD,
        liquidation_bonus_factor_bps=50_00,
        health_factor_wad=WAD,
        max_liquidation_bonus_bps=105_00,
    )
    assert found == 105_00


def test_there_is_no_bonus_for_a_healthy_account():
    with pytest.raises(EvmRevert, match="Panic"):
        _ = params(health_factor_wad=WAD + 1).liquidation_bonus_bps


# --- up to the target ---


def test_the_target_is_reached_with_what_the_bonus_costs_counted():
    # (1 - 0.9) * 7000 / (1 - 1.05 * 0.8) = 4375 dollars; to 1.05: 0.15 * 7000 / (1.05 - 0.84) = 5000.
    low = params(health_factor_wad=9 * 10**17)

    assert debt_to_target_health_factor(low, 105_00) == 4_375 * DOLLAR * RAY
    higher = replace(low, target_health_factor_wad=105 * 10**16)
    assert debt_to_target_health_factor(higher, 105_00) == 5_000 * DOLLAR * RAY


def test_the_target_is_rounded_up_to_a_unit_of_ray():
    assert debt_to_target_health_factor(params(total_debt_value_ray=1), 105_00) == 1


def test_a_call_without_limit_repays_up_to_the_target_in_whole_shares():
    found = calculate_liquidation_amounts(params(health_factor_wad=9 * 10**17, price=787.5))

    assert found.drawn_shares_to_liquidate == 4_375 * DOLLAR
    # 4375 * 1.05 / 787.5 coins; the fee is a tenth of the bonus, 0.05 / 1.05 of them, rounded up.
    coins = 5_833_333_333_333_333_333
    assert found.collateral_shares_to_liquidate == coins
    assert found.collateral_shares_to_liquidator == coins - 27_777_777_777_777_778


def test_an_offer_below_the_target_is_taken_whole():
    found = calculate_liquidation_amounts(params(debt_to_cover=100 * DOLLAR))

    assert found.drawn_shares_to_liquidate == 100 * DOLLAR


def test_shares_to_target_are_rounded_up_and_to_the_offer_down():
    at = params(
        drawn_index_ray=3 * RAY, drawn_shares=3_000 * DOLLAR, total_debt_value_ray=9_000 * 10**26 * RAY
    )
    to_target_ray = debt_to_target_health_factor(at, 100_00)

    assert calculate_debt_to_liquidate(at, 100_00).drawn_shares == -(-to_target_ray // (3 * RAY))
    offered = replace(at, debt_to_cover=100)
    assert calculate_debt_to_liquidate(offered, 100_00).drawn_shares == 33


# --- the premium first ---


def test_premium_is_paid_before_drawn_debt():
    owing = params(premium_debt_ray=50 * DOLLAR * RAY)

    assert calculate_debt_to_liquidate(replace(owing, debt_to_cover=20), 105_00) == (0, 20 * RAY)
    assert calculate_debt_to_liquidate(replace(owing, debt_to_cover=50 * DOLLAR), 105_00) == (
        0,
        50 * DOLLAR * RAY,
    )
    assert calculate_debt_to_liquidate(replace(owing, debt_to_cover=60 * DOLLAR), 105_00) == (
        10 * DOLLAR,
        50 * DOLLAR * RAY,
    )


def test_a_fraction_of_premium_costs_a_whole_unit_of_the_offer():
    owing = params(premium_debt_ray=RAY + 1)

    assert calculate_debt_to_liquidate(replace(owing, debt_to_cover=1), 105_00) == (0, RAY)
    assert calculate_debt_to_liquidate(replace(owing, debt_to_cover=2), 105_00) == (0, RAY + 1)
    assert calculate_debt_to_liquidate(replace(owing, debt_to_cover=3), 105_00) == (1, RAY + 1)


def test_premium_up_to_the_target_is_rounded_up_to_a_unit():
    # A target of 1 unit of ray takes a whole unit of premium, and no drawn shares.
    owing = params(premium_debt_ray=50 * DOLLAR * RAY, total_debt_value_ray=1)

    assert calculate_debt_to_liquidate(owing, 105_00) == (0, RAY)


def test_premium_that_just_meets_the_target_leaves_drawn_debt_alone():
    owing = params(premium_debt_ray=RAY // 2, total_debt_value_ray=1)

    assert calculate_debt_to_liquidate(owing, 105_00) == (0, RAY // 2)


# --- dust ---


@pytest.mark.parametrize(
    ("dollars", "repaid"),
    [(2_000, 1_000), (1_999.999, 1_999.999)],
)
def test_less_than_a_thousand_dollars_of_debt_is_not_left(dollars, repaid):
    """A thousand may stay; what is short of it is repaid whole, beyond the offer."""
    at = params(coins=10, dollars=dollars, debt_to_cover=1_000 * DOLLAR, health_factor_wad=8 * 10**17)

    assert calculate_debt_to_liquidate(at, 105_00).drawn_shares == round(repaid * DOLLAR)


def test_an_offer_that_would_leave_dust_reverts_and_the_whole_debt_is_the_cost():
    at = params(dollars=1_999.999, health_factor_wad=8 * 10**17, coins=2.5)

    for offer, refused in ((1_999_999_000, False), (1_999_998_999, True)):
        if refused:
            with pytest.raises(EvmRevert, match="MustNotLeaveDust"):
                calculate_liquidation_amounts(replace(at, debt_to_cover=offer))
        else:
            amounts = calculate_liquidation_amounts(replace(at, debt_to_cover=offer))
            assert amounts.drawn_shares_to_liquidate == 1_999_999_000


def test_premium_counts_as_debt_that_is_left():
    at = params(dollars=2_000, health_factor_wad=8 * 10**17)
    offer = 1_000 * DOLLAR + 1
    with_premium = replace(at, premium_debt_ray=5 * RAY, debt_to_cover=offer + 5)

    assert (
        calculate_debt_to_liquidate(replace(at, debt_to_cover=offer), 105_00).drawn_shares == 2_000 * DOLLAR
    )
    # the premium is gone first, so that one more unit is drawn debt all the same
    assert calculate_debt_to_liquidate(with_premium, 105_00) == (2_000 * DOLLAR, 5 * RAY)
    part = replace(with_premium, drawn_shares=999 * DOLLAR, premium_debt_ray=2 * DOLLAR * RAY)
    assert calculate_debt_to_liquidate(replace(part, debt_to_cover=DOLLAR), 105_00) == (0, DOLLAR * RAY)


def test_collateral_dust_is_taken_with_the_debt_that_pays_for_it():
    # 7 coins of 1000 dollars; covering 5800 at 5 % takes 6.09 and would leave 910 dollars: so 7 coins, 6666.67.
    at = params(
        coins=7, dollars=10_000, price=1_000, health_factor_wad=56 * 10**16, debt_to_cover=5_800 * DOLLAR
    )
    with pytest.raises(EvmRevert, match="MustNotLeaveDust"):
        calculate_liquidation_amounts(at)
    found = calculate_liquidation_amounts(replace(at, debt_to_cover=6_667 * DOLLAR))

    assert found.collateral_shares_to_liquidate == 7 * COIN
    assert found.drawn_shares_to_liquidate == 6_666_666_667
    left = calculate_liquidation_amounts(replace(at, debt_to_cover=5_714 * DOLLAR))
    assert left.collateral_shares_to_liquidate == 5_999_700_000_000_000_000  # 1000.3 dollars stay


def test_collateral_dust_may_stay_when_all_debt_is_paid():
    # 3000 dollars at 5 % are 3.15 coins of 3.2.
    found = calculate_liquidation_amounts(
        params(coins=3.2, dollars=3_000, price=1_000, health_factor_wad=8 * 10**17)
    )

    assert found.drawn_shares_to_liquidate == 3_000 * DOLLAR
    assert found.collateral_shares_to_liquidate == 315 * 10**16


# --- all the collateral ---


def test_too_little_collateral_is_taken_whole_and_pays_for_what_it_is_worth():
    found = calculate_liquidation_amounts(params(price=700, health_factor_wad=8 * 10**17))

    assert found.collateral_shares_to_liquidate == 10 * COIN
    assert found.drawn_shares_to_liquidate == 6_666_666_667
    assert found.collateral_shares_to_liquidator == 9_952_380_952_380_952_380


def test_collateral_worth_less_than_the_premium_pays_premium_alone_in_whole_units():
    at = params(price=700, premium_debt_ray=20_000 * DOLLAR * RAY, health_factor_wad=10**17)
    found = calculate_liquidation_amounts(at)

    assert (found.drawn_shares_to_liquidate, found.premium_debt_to_liquidate_ray) == (0, 6_666_666_667 * RAY)
    capped = replace(at, premium_debt_ray=debt_worth(at, 105_00, 10 * COIN))
    assert debt_for_all_collateral(capped, 105_00)[1] == (0, capped.premium_debt_ray)


def test_rounding_that_asks_for_more_than_all_drawn_shares_takes_those_and_fewer_collateral_shares():
    # The collateral is worth 10.000000000001 dollars of debt, of which 10 are owed.
    at = params(coins=10, price=1.05, dollars=10, supplied_shares=10 * COIN + 10**12)
    shares, debt = debt_for_all_collateral(at, 105_00)

    assert debt == (10 * DOLLAR, 0)
    assert shares == 10 * COIN


def test_the_fee_is_a_share_of_the_bonus_and_rounded_up():
    whole = params(price=700, health_factor_wad=8 * 10**17, liquidation_fee_bps=100_00)
    none = replace(whole, liquidation_fee_bps=0)
    no_bonus = replace(whole, max_liquidation_bonus_bps=100_00)

    assert calculate_liquidation_amounts(whole).collateral_shares_to_liquidator == 9_523_809_523_809_523_809
    assert calculate_liquidation_amounts(none).collateral_shares_to_liquidator == 10 * COIN
    assert calculate_liquidation_amounts(no_bonus).collateral_shares_to_liquidator == 10 * COIN


def test_collateral_is_rounded_down_to_units_and_then_to_shares():
    # 1 dollar at 5 % of coins of 8 decimals worth 7 dollars: 0.15 exactly; of shares of 3 units each: 5 million.
    dear = SharePool(total_assets=3 * 10**12, total_shares=10**12, virtual_assets=3, virtual_shares=1)
    at = params(collateral_decimals=8, price=7, collateral_pool=dear)

    assert calculate_collateral_to_liquidate(at, 105_00, DebtToLiquidate(DOLLAR, 0)) == 5_000_000
    assert calculate_collateral_to_liquidate(at, 105_00, DebtToLiquidate(DOLLAR - 1, 0)) == 4_999_995
    assert debt_worth(at, 105_00, 5_000_000) == DOLLAR * RAY


def test_a_seizure_is_rounded_for_the_borrower_and_what_shares_pay_for_against_it():
    # 0.15 coins of 8 decimals are 2142857.14 shares of 7 units; 2142857 of them are 14999999 units.
    dear = SharePool(total_assets=7 * 10**12, total_shares=10**12, virtual_assets=7, virtual_shares=1)
    at = params(collateral_decimals=8, price=7, collateral_pool=dear)

    assert calculate_collateral_to_liquidate(at, 105_00, DebtToLiquidate(DOLLAR, 0)) == 2_142_857
    assert debt_worth(at, 105_00, 2_142_857) == -(-14_999_999 * RAY // 15)
    uneven = replace(at, collateral_pool=replace(dear, total_assets=7 * 10**12 - 1))  # 14999998.99 units
    assert debt_worth(uneven, 105_00, 2_142_857) == -(-14_999_999 * RAY // 15)


def test_a_target_below_the_health_factor_panics():
    with pytest.raises(EvmRevert, match="Panic"):
        debt_to_target_health_factor(params(target_health_factor_wad=0), 105_00)
