"""Account data by hand: values, health factor, risk premium, and which collateral counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v4 import DynamicConfig, account_data, users_with_debt
from protocol.aave_v4.health import ActiveCollateral, risk_premium
from protocol.errors import EvmRevert, MissingPrice, UnknownAsset, UnknownReserve
from protocol.units import MAX_UINT256, RAY, SECONDS_PER_YEAR, WAD
from tests.protocol.v4_markets import (
    BANK,
    BORROWER,
    COIN,
    DOLLAR,
    NOW,
    STONE,
    TERMS,
    market,
    position,
    units,
    usd,
    with_position,
    with_reserve,
)

DOLLAR_VALUE = 10**26


def data_of(state, prices=None, *, user=BORROWER, at=NOW):
    return account_data(state, user, prices_base=usd() if prices is None else prices, timestamp=at)


def test_values_are_exact_and_health_is_rounded_down():
    found = data_of(market(holds={COIN: 10}, owes={DOLLAR: 7_000}), usd(coin=900))

    assert found.total_collateral_value == 9_000 * DOLLAR_VALUE
    assert found.total_debt_value_ray == 7_000 * DOLLAR_VALUE * RAY
    assert found.health_factor_wad == 7_200 * WAD // 7_000 == 1_028_571_428_571_428_571
    assert found.avg_collateral_factor_wad == 8 * 10**17
    assert (found.active_collateral_count, found.borrow_count) == (1, 1)


def test_without_debt_health_is_the_largest_word_and_there_is_no_premium():
    state = with_reserve(market(holds={COIN: 10}, owes={}), COIN, collateral_risk_bps=20_00)

    assert data_of(state).health_factor_wad == MAX_UINT256
    assert data_of(state).risk_premium_bps == 0


def test_a_stranger_has_nothing():
    found = data_of(market(holds={}, owes={}), user="stranger")

    assert found.total_collateral_value == found.total_debt_value_ray == found.borrow_count == 0
    assert found.health_factor_wad == MAX_UINT256


def test_the_mean_collateral_factor_is_weighted_by_value_and_rounded_down():
    riskier = {"dynamic_configs": {0: replace(TERMS, collateral_factor_bps=50_00)}}
    state = market(holds={COIN: 2, STONE: 20}, owes={DOLLAR: 100}, reserves={STONE: riskier})
    found = data_of(state)  # 2000 dollars at 80 %, 1000 at 50 %

    assert found.avg_collateral_factor_wad == 7 * 10**17
    assert found.health_factor_wad == 21 * WAD
    assert found.active_collateral_count == 2


def test_debt_counts_at_the_index_of_now_and_supply_with_the_interest():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    rate_ray = state.assets[DOLLAR].drawn_rate_ray
    found = data_of(state, at=NOW + SECONDS_PER_YEAR)

    assert found.total_debt_value_ray == units(DOLLAR, 7_000) * (RAY + rate_ray) * 10**8 * 10**12
    assert rate_ray == 35 * RAY // 10**5  # usage 0.7 % of an optimal 80 %, times 4 %
    assert data_of(state, user=BANK).total_collateral_value == 0  # supplied is not enabled


@pytest.mark.parametrize(
    "changes",
    [
        {"collateral_enabled": False},
        {"supplied_shares": 0},
        {"dynamic_config_key": 1},
        {"dynamic_config_key": 9},
    ],
)
def test_collateral_counts_if_enabled_with_a_factor_and_with_shares(changes):
    no_factor = replace(TERMS, collateral_factor_bps=0)
    state = with_reserve(
        market(holds={COIN: 10}, owes={DOLLAR: 7_000}), COIN, dynamic_configs={0: TERMS, 1: no_factor}
    )
    found = data_of(with_position(state, COIN, **changes))

    assert (found.total_collateral_value, found.active_collateral_count, found.health_factor_wad) == (0, 0, 0)
    assert found.avg_collateral_factor_wad == 0


def test_a_position_keeps_the_parameters_it_was_given():
    worse = DynamicConfig(
        collateral_factor_bps=10_00, max_liquidation_bonus_bps=105_00, liquidation_fee_bps=0
    )
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    state = with_reserve(state, COIN, dynamic_configs={0: TERMS, 1: worse}, dynamic_config_key=1)

    assert position(state, COIN).dynamic_config_key == 0
    assert data_of(state).health_factor_wad == 8_000 * WAD // 7_000
    assert data_of(with_position(state, COIN, dynamic_config_key=1)).health_factor_wad == WAD // 7


# --- the risk premium ---


def held(*pairs: tuple[int, int]) -> list[ActiveCollateral]:
    return [ActiveCollateral(risk_bps, value) for risk_bps, value in pairs]


@pytest.mark.parametrize(
    ("collaterals", "debt", "premium_bps"),
    [
        ([], 100, 0),
        ([(10_00, 50)], 0, 0),
        ([(10_00, 50)], 40, 10_00),
        ([(10_00, 50)], 400, 10_00),  # debt without cover weighs nothing
        ([(20_00, 50), (10_00, 30)], 30, 10_00),  # the safest comes first
        ([(20_00, 50), (10_00, 30)], 60, 15_00),
        ([(20_00, 50), (10_00, 30)], 1_000, 16_25),
        ([(1, 2), (0, 1)], 3, 1),  # two thirds of a basis point, rounded up
        ([(0, 10)], 5, 0),
    ],
)
def test_the_risk_premium_is_the_mean_risk_of_the_safest_cover(collaterals, debt, premium_bps):
    assert risk_premium(held(*collaterals), debt) == premium_bps


def test_a_premium_of_the_account_is_that_of_its_values():
    risks = {COIN: {"collateral_risk_bps": 10_00}, STONE: {"collateral_risk_bps": 40_00}}
    state = market(holds={COIN: 2, STONE: 100}, owes={DOLLAR: 4_000}, reserves=risks)

    assert data_of(state).risk_premium_bps == 25_00  # 2000 at 10 %, then 2000 of 5000 at 40 %
    assert state.accounts[BORROWER].risk_premium_bps == 25_00
    assert position(state, DOLLAR).premium_shares == units(DOLLAR, 1_000)


# --- prices and mistakes ---


@pytest.mark.parametrize("price", [0, -1])
def test_a_price_of_zero_or_less_reverts_the_account(price):
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    with pytest.raises(EvmRevert, match="InvalidPrice"):
        data_of(state, {**usd(), COIN: price})


def test_a_price_is_read_for_every_bit_even_on_nothing():
    state = with_position(market(holds={COIN: 10}, owes={DOLLAR: 7_000}), STONE, collateral_enabled=True)
    prices = usd()
    del prices[STONE]

    with pytest.raises(MissingPrice):
        data_of(state, prices)


def test_a_position_in_nothing_is_a_mistake_of_the_caller():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    reserves = {i: one for i, one in state.reserves.items() if i != COIN}
    assets = {i: one for i, one in state.assets.items() if i != COIN}

    with pytest.raises(UnknownReserve):
        data_of(replace(state, reserves=reserves))
    with pytest.raises(UnknownAsset, match="no hub of the market lists asset 0"):
        data_of(replace(state, assets=assets))


def test_a_collateral_too_large_to_be_sorted_reverts():
    state = with_position(market(holds={COIN: 10}, owes={DOLLAR: 7_000}), COIN, supplied_shares=1)

    with pytest.raises(EvmRevert, match="EmptyRevert"):  # sorted, but too large for a wad
        data_of(state, {**usd(), COIN: 2**224 - 2})
    with pytest.raises(EvmRevert, match="MaxDataSizeExceeded"):
        data_of(state, {**usd(), COIN: 2**224 - 1})


def test_who_owes_is_listed():
    assert list(users_with_debt(market(holds={COIN: 10}, owes={DOLLAR: 7_000}))) == [BORROWER]
    assert not list(users_with_debt(market(holds={COIN: 10}, owes={})))
