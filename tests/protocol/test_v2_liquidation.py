"""Aave v2 liquidations: half of a debt, the order of the checks, and what a call leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v2 import LiquidationCall, Revert, account_data, liquidation_call, liquidation_quote
from protocol.aave_v2.amounts import Seizure
from protocol.errors import MissingPrice, NegativePrice, UnknownReserve
from protocol.units import MAX_UINT256, RAY
from tests.protocol.markets_v2 import (
    BORROWER,
    DOLLAR,
    ETHER,
    LIQUIDATOR,
    NOW,
    ONE_DOLLAR,
    ONE_ETHER,
    PERCENT,
    TREASURY,
    YEAR,
    below_optimum,
    call,
    half_up,
    liquidated,
    market,
    owed,
    position,
    prices,
    refused,
    totals,
    with_position,
    with_reserve,
)


def test_one_call_repays_at_most_half_however_unhealthy_the_account_is():
    assert liquidated(market(), 990).debt_repaid == 4_000 * ONE_DOLLAR
    assert liquidated(market(), 100).debt_repaid < 4_000 * ONE_DOLLAR  # bound by the collateral
    assert liquidated(market(ethers=100 * ONE_ETHER), 90).debt_repaid == 4_000 * ONE_DOLLAR
    assert liquidated(market(), 900, debt_to_cover=123).debt_repaid == 123


def test_half_is_of_stable_and_variable_debt_together_and_variable_goes_first():
    outcome = liquidated(market(dollars=3_000 * ONE_DOLLAR, stable_dollars=5_000 * ONE_DOLLAR))
    left, reserve = position(outcome.market, BORROWER, DOLLAR), outcome.market.reserves[DOLLAR]

    assert outcome.debt_repaid == 4_000 * ONE_DOLLAR
    assert (left.scaled_variable_debt, left.stable_debt.principal) == (0, 4_000 * ONE_DOLLAR)
    assert reserve.total_scaled_variable_debt == 0
    assert reserve.stable_debt == totals(4_000 * ONE_DOLLAR, 10 * PERCENT)


def test_variable_debt_that_suffices_is_all_that_goes():
    outcome = liquidated(market(dollars=5_000 * ONE_DOLLAR, stable_dollars=3_000 * ONE_DOLLAR))
    left = position(outcome.market, BORROWER, DOLLAR)

    assert (left.scaled_variable_debt, left.stable_debt.principal) == (1_000 * ONE_DOLLAR, 3_000 * ONE_DOLLAR)


def test_debt_that_is_all_stable_is_repaid_without_variable_debt():
    outcome = liquidated(market(dollars=0, stable_dollars=8_000 * ONE_DOLLAR))

    assert position(outcome.market, BORROWER, DOLLAR).stable_debt == owed(4_000 * ONE_DOLLAR, 10 * PERCENT)


def test_debt_in_both_modes_counts_in_the_health():
    state = market(dollars=3_000 * ONE_DOLLAR, stable_dollars=5_000 * ONE_DOLLAR)
    data = account_data(state, BORROWER, prices_base=prices(900), timestamp=NOW)

    wei = ONE_ETHER // 900
    assert data.total_debt_base == 8_000 * wei
    assert data.total_collateral_base == 10 * ONE_ETHER
    assert (data.avg_liquidation_threshold_bps, data.avg_ltv_bps) == (80_00, 75_00)
    assert data.available_borrows_base == 0
    assert data.health_factor_wad == (8 * ONE_ETHER * 10**18 + 4_000 * wei) // (8_000 * wei)


def test_underlying_leaves_the_reserve_and_the_repayment_comes_in():
    before = market(ether={"virtual_underlying_balance": 20 * ONE_ETHER})
    outcome = liquidated(before, 900)
    ether, dollar = (outcome.market.reserves[i] for i in (ETHER, DOLLAR))

    # 4,000 dollars at a price of floor(1e18 / 900), and 5 % on top.
    seized = (ONE_ETHER // 900) * 4_000 * 105 // 100
    assert outcome.collateral_to_liquidator == seized
    assert ether.virtual_underlying_balance == 20 * ONE_ETHER - seized
    assert ether.total_scaled_atoken == 10 * ONE_ETHER - seized
    assert position(outcome.market, BORROWER, ETHER).scaled_atoken == 10 * ONE_ETHER - seized
    assert dollar.virtual_underlying_balance == (1_000_000 + 4_000) * ONE_DOLLAR
    assert dollar.total_scaled_variable_debt == 4_000 * ONE_DOLLAR
    # Rates count what came and went: 4,000 of 1,008,000 are lent, up to 4 % at 80 %.
    usage_ray = half_up(4_000 * RAY, 1_008_000)
    assert dollar.variable_borrow_rate_ray == below_optimum(4 * PERCENT, usage_ray)
    assert ether.variable_borrow_rate_ray == ether.liquidity_rate_ray == 0
    assert ether.stable_borrow_rate_ray == 5 * PERCENT
    assert position(outcome.market, LIQUIDATOR, ETHER).scaled_atoken == 0


# --- bits ---------------------------------------------------------------------------------------------------


def test_all_collateral_seized_clears_the_collateral_bit_and_the_debt_stays():
    outcome = liquidated(market(), 300)
    data = account_data(outcome.market, BORROWER, prices_base=prices(300), timestamp=NOW)

    assert position(outcome.market, BORROWER, ETHER).collateral_enabled is False
    assert (
        position(outcome.market, BORROWER, DOLLAR).scaled_variable_debt
        == 8_000 * ONE_DOLLAR - outcome.debt_repaid
    )
    assert (data.total_collateral_base, data.health_factor_wad) == (0, 0)
    assert data.total_debt_base > 0
    assert refused(outcome.market, 300) == "CollateralCannotBeLiquidated"


def test_part_of_the_collateral_seized_leaves_the_bit():
    assert position(liquidated(market(), 900).market, BORROWER, ETHER).collateral_enabled


def test_a_debt_repaid_in_full_leaves_the_borrowing_bit():
    # Half of one unit, rounded to the nearest, is all of it; it is worth 1.11e9 wei.
    state = market(dollars=1, ethers=1_300_000_000)
    outcome = liquidated(state, 900)

    assert outcome.debt_repaid == 1
    assert position(outcome.market, BORROWER, DOLLAR).scaled_variable_debt == 0
    assert position(outcome.market, BORROWER, DOLLAR).borrowing


def test_atokens_are_handed_over_and_become_collateral_of_who_had_none():
    outcome = liquidated(market(), 900, receive_atoken=True)
    got = position(outcome.market, LIQUIDATOR, ETHER)

    assert got.scaled_atoken == outcome.collateral_to_liquidator
    assert got.collateral_enabled
    assert position(outcome.market, BORROWER, ETHER).scaled_atoken == 10 * ONE_ETHER - got.scaled_atoken
    assert outcome.market.reserves[ETHER] == market().reserves[ETHER]


def test_atokens_added_to_others_do_not_become_collateral():
    state = with_position(market(), LIQUIDATOR, ETHER, scaled_atoken=1)
    got = position(liquidated(state, 900, receive_atoken=True).market, LIQUIDATOR, ETHER)

    assert got.scaled_atoken > 1
    assert not got.collateral_enabled


def test_atokens_are_handed_over_at_the_index_of_now_without_accruing():
    state = with_reserve(market(), ETHER, last_update_timestamp=NOW - YEAR, liquidity_rate_ray=25 * PERCENT)
    outcome = liquidated(state, 700, receive_atoken=True)
    scaled = position(outcome.market, LIQUIDATOR, ETHER).scaled_atoken

    assert scaled == half_up(outcome.collateral_to_liquidator * 100, 125)
    assert outcome.market.reserves[ETHER] == state.reserves[ETHER]


def test_one_s_own_account_can_be_liquidated():
    outcome = liquidated(market(), 900, liquidator=BORROWER, receive_atoken=True)
    own = position(outcome.market, BORROWER, ETHER)

    assert own == position(market(), BORROWER, ETHER)
    assert outcome.debt_repaid == 4_000 * ONE_DOLLAR


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "changes", "dollars_per_ether", "name"),
    [
        (replace(market(), paused=True), {}, 900, "ReservePaused"),
        (with_reserve(market(), ETHER, active=False), {}, 2000, "ReserveInactive"),
        (with_reserve(market(), DOLLAR, active=False), {}, 2000, "ReserveInactive"),
        (market(), {"collateral_id": DOLLAR, "debt_id": ETHER}, 1000, "HealthFactorNotBelowThreshold"),
        (market(), {"collateral_id": DOLLAR, "debt_id": ETHER}, 999, "CollateralCannotBeLiquidated"),
        (market(), {"debt_id": ETHER}, 999, "SpecifiedCurrencyNotBorrowedByUser"),
        (
            with_reserve(market(), ETHER, virtual_underlying_balance=1),
            {},
            900,
            "NotEnoughLiquidityToLiquidate",
        ),
        (market(), {"debt_to_cover": 0}, 900, "LiquidationCallFailed"),
        (with_reserve(market(), DOLLAR, frozen=True), {"debt_to_cover": 0}, 900, "LiquidationCallFailed"),
    ],
)
def test_refusals_come_in_the_contract_s_order(state, changes, dollars_per_ether, name):
    assert refused(state, dollars_per_ether, **changes) == name


def test_a_collateral_without_threshold_cannot_be_liquidated():
    state = with_reserve(market(), ETHER, liquidation_threshold_bps=0)

    assert refused(state) == "CollateralCannotBeLiquidated"


def test_lack_of_liquidity_is_no_matter_where_atokens_are_received():
    state = with_reserve(market(), ETHER, virtual_underlying_balance=0)

    assert liquidated(state, receive_atoken=True).collateral_to_liquidator > 0


def test_liquidity_that_just_suffices_is_enough():
    seized = liquidated(market()).collateral_to_liquidator

    assert liquidated(with_reserve(market(), ETHER, virtual_underlying_balance=seized))
    short = with_reserve(market(), ETHER, virtual_underlying_balance=seized - 1)
    assert refused(short) == "NotEnoughLiquidityToLiquidate"


@pytest.mark.parametrize("price", [0, 2**255])
def test_whatever_fails_inside_the_collateral_manager_is_told_as_one_error(price):
    """A price of 0 divides by it where the amounts are computed, a huge one overflows in the account data."""
    state, at = market(), prices(900) | {ETHER: price}
    outcome = liquidation_call(state, call(), prices_base=at, timestamp=NOW)

    assert isinstance(outcome, Revert)
    assert outcome.name == "LiquidationCallFailed"


def test_input_the_contract_could_not_meet_raises():
    with pytest.raises(MissingPrice):
        liquidation_call(market(), call(), prices_base={ETHER: 1}, timestamp=NOW)
    with pytest.raises(NegativePrice):
        liquidation_call(market(), call(), prices_base={ETHER: 1, DOLLAR: -1}, timestamp=NOW)
    with pytest.raises(UnknownReserve):
        liquidation_call(market(), call(debt_id=7), prices_base=prices(), timestamp=NOW)


def test_a_quote_is_what_the_call_moves_or_why_it_does_not():
    def quoted(state, **changes):
        return liquidation_quote(state, call(**changes), prices_base=prices(900), timestamp=NOW)

    outcome = liquidated(market())
    assert quoted(market()) == Seizure(outcome.collateral_to_liquidator, outcome.debt_repaid)
    assert quoted(replace(market(), paused=True)) == Revert(name="ReservePaused")
    inactive = quoted(with_reserve(market(), ETHER, active=False))
    assert isinstance(inactive, Revert)
    assert inactive.name == "ReserveInactive"
    free = liquidation_quote(market(), call(), prices_base=prices(900) | {ETHER: 0}, timestamp=NOW)
    assert isinstance(free, Revert)
    assert free.name == "LiquidationCallFailed"


# --- time ---------------------------------------------------------------------------------------------------


def test_both_reserves_are_accrued_and_the_treasury_is_paid_at_once():
    state = with_reserve(market(), DOLLAR, last_update_timestamp=NOW - YEAR, variable_borrow_rate_ray=0)
    state = with_reserve(state, DOLLAR, stable_debt=totals(10**12, 10 * PERCENT, NOW - YEAR))
    outcome = liquidated(state)
    dollar = outcome.market.reserves[DOLLAR]
    # A tenth of the year's stable interest on 1e12 at 10 %: 105167270015, see the growth of a year; index 1.02.
    paid = half_up(half_up(105_167_270_015, 10) * 100, 102)

    assert dollar.last_update_timestamp == outcome.market.reserves[ETHER].last_update_timestamp == NOW
    assert position(outcome.market, TREASURY, DOLLAR).scaled_atoken == paid
    assert not position(outcome.market, TREASURY, DOLLAR).collateral_enabled
    assert dollar.total_scaled_atoken == state.reserves[DOLLAR].total_scaled_atoken + paid


def test_without_income_the_debt_that_was_counted_is_more_than_the_debt_that_is_burned():
    """The views grow the debt for a year, the stored index does not move."""
    state = with_reserve(
        market(),
        DOLLAR,
        last_update_timestamp=NOW - YEAR,
        liquidity_rate_ray=0,
        variable_borrow_rate_ray=10 * PERCENT,
    )
    outcome = liquidated(state, 900)
    left = position(outcome.market, BORROWER, DOLLAR).scaled_variable_debt

    assert outcome.debt_repaid == half_up(half_up(8_000 * ONE_DOLLAR * 1105167270015202188556648000, RAY), 2)
    assert outcome.market.reserves[DOLLAR].variable_borrow_index_ray == RAY
    assert left == 8_000 * ONE_DOLLAR - outcome.debt_repaid


def test_collateral_in_the_asset_that_is_owed_is_paid_out_before_the_repayment_comes_in():
    state = with_position(market(ethers=0), BORROWER, DOLLAR, scaled_atoken=8_500 * ONE_DOLLAR)
    state = with_position(state, BORROWER, DOLLAR, collateral_enabled=True)
    state = with_position(state, BORROWER, ETHER, collateral_enabled=False)
    total = state.reserves[DOLLAR].total_scaled_atoken + 8_500 * ONE_DOLLAR
    state = with_reserve(
        state, DOLLAR, total_scaled_atoken=total, virtual_underlying_balance=4_200 * ONE_DOLLAR
    )
    outcome = liquidated(state, 900, collateral_id=DOLLAR)
    dollar = outcome.market.reserves[DOLLAR]

    assert (outcome.debt_repaid, outcome.collateral_to_liquidator) == (4_000 * ONE_DOLLAR, 4_200 * ONE_DOLLAR)
    assert dollar.virtual_underlying_balance == 4_000 * ONE_DOLLAR
    # The last rates see everything lent: the repayment is not there yet.
    assert dollar.variable_borrow_rate_ray == 64 * PERCENT
    short = with_reserve(state, DOLLAR, virtual_underlying_balance=4_200 * ONE_DOLLAR - 1)
    assert refused(short, collateral_id=DOLLAR) == "NotEnoughLiquidityToLiquidate"


def test_the_call_is_what_it_says():
    assert call() == LiquidationCall(
        collateral_id=ETHER,
        debt_id=DOLLAR,
        borrower=BORROWER,
        liquidator=LIQUIDATOR,
        debt_to_cover=MAX_UINT256,
        receive_atoken=False,
    )
