"""Aave v2: supplying, withdrawing, borrowing, repaying, and what each is refused for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol.aave_v2 import (
    Market,
    RateMode,
    Revert,
    borrow,
    rebalance_stable,
    repay,
    set_collateral_use,
    supply,
    swap_rate_mode,
    withdraw,
)
from protocol.errors import MissingPrice, UnknownReserve
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
    STRATEGY,
    TREASURY,
    WHALE,
    YEAR,
    below_optimum,
    done,
    half_up,
    market,
    owed,
    position,
    prices,
    reserve,
    totals,
    with_position,
    with_reserve,
)

STABLE, VARIABLE = RateMode.STABLE, RateMode.VARIABLE
NEWCOMER = "newcomer"
AT_1000 = {"prices_base": prices(1000), "timestamp": NOW}


def reason(outcome: Any) -> str:
    """Why an action was refused."""
    assert isinstance(outcome, Revert), outcome
    return outcome.name


def grown(state: Market, reserve_id: int) -> Market:
    """The reserve a year behind, with supply that has grown by a quarter and debt by 10 %."""
    return with_reserve(
        state,
        reserve_id,
        last_update_timestamp=NOW - YEAR,
        liquidity_rate_ray=25 * PERCENT,
        variable_borrow_rate_ray=10 * PERCENT,
    )


# --- supply -------------------------------------------------------------------------------------------------


def test_a_first_supply_becomes_collateral_and_is_scaled_by_the_index_of_now():
    state = grown(market(), ETHER)
    outcome = done(supply(state, NEWCOMER, ETHER, 5 * ONE_ETHER, timestamp=NOW))
    held, ether = position(outcome.market, NEWCOMER, ETHER), outcome.market.reserves[ETHER]

    assert outcome.amount == 5 * ONE_ETHER
    assert (held.scaled_atoken, held.collateral_enabled) == (4 * ONE_ETHER, True)
    assert ether.total_scaled_atoken == 14 * ONE_ETHER
    assert ether.virtual_underlying_balance == 15 * ONE_ETHER
    assert (ether.last_update_timestamp, ether.liquidity_index_ray) == (NOW, 125 * PERCENT)
    assert (ether.liquidity_rate_ray, ether.stable_borrow_rate_ray) == (0, 5 * PERCENT)


def test_a_supply_for_another_is_the_other_s_and_a_later_one_leaves_the_bit():
    outcome = done(supply(market(), NEWCOMER, DOLLAR, 7, on_behalf_of=WHALE, timestamp=NOW))

    assert NEWCOMER not in outcome.market.accounts
    held = position(outcome.market, WHALE, DOLLAR)
    assert held.scaled_atoken == position(market(), WHALE, DOLLAR).scaled_atoken + 7
    assert not held.collateral_enabled


@pytest.mark.parametrize(
    ("changes", "amount", "name"),
    [
        ({"active": False, "frozen": True}, 0, "InvalidAmount"),
        ({"active": False, "frozen": True}, 1, "ReserveInactive"),
        ({"frozen": True}, 1, "ReserveFrozen"),
        ({"liquidity_index_ray": 3 * RAY}, 1, "InvalidMintAmount"),
    ],
)
def test_a_supply_is_refused(changes, amount, name):
    state = with_reserve(market(), ETHER, **changes)

    assert reason(supply(state, NEWCOMER, ETHER, amount, timestamp=NOW)) == name


def test_a_supply_moves_the_rates_before_it_arrives():
    state = market()
    dollar = done(supply(state, WHALE, DOLLAR, 600_000 * ONE_DOLLAR, timestamp=NOW)).market.reserves[DOLLAR]
    usage_ray = half_up(8_000 * RAY, 1_608_000)

    assert dollar.variable_borrow_rate_ray == below_optimum(4 * PERCENT, usage_ray)
    assert dollar.virtual_underlying_balance == 1_600_000 * ONE_DOLLAR


# --- withdraw -----------------------------------------------------------------------------------------------


def test_all_is_what_there_is_with_interest_and_ends_the_use_as_collateral():
    state = grown(market(dollars=0), ETHER)
    state = with_reserve(state, ETHER, virtual_underlying_balance=20 * ONE_ETHER)
    outcome = done(withdraw(state, BORROWER, ETHER, MAX_UINT256, **AT_1000))
    ether = outcome.market.reserves[ETHER]

    assert outcome.amount == 12_500 * ONE_ETHER // 1_000
    assert position(outcome.market, BORROWER, ETHER).scaled_atoken == 0
    assert not position(outcome.market, BORROWER, ETHER).collateral_enabled
    assert (ether.total_scaled_atoken, ether.virtual_underlying_balance) == (0, 75 * ONE_ETHER // 10)


def test_a_part_leaves_the_use_as_collateral():
    outcome = done(withdraw(market(dollars=0), BORROWER, ETHER, ONE_ETHER, **AT_1000))

    assert outcome.amount == ONE_ETHER
    assert position(outcome.market, BORROWER, ETHER).scaled_atoken == 9 * ONE_ETHER
    assert position(outcome.market, BORROWER, ETHER).collateral_enabled


def test_a_debtor_takes_out_what_leaves_the_health_at_one():
    """4,000 dollars at 1,000 need 5 ether at 80 %; three wei less still round to 1."""
    state = market(dollars=4_000 * ONE_DOLLAR)

    assert done(withdraw(state, BORROWER, ETHER, 5 * ONE_ETHER + 3, **AT_1000)).amount == 5 * ONE_ETHER + 3
    assert reason(withdraw(state, BORROWER, ETHER, 5 * ONE_ETHER + 4, **AT_1000)) == "TransferNotAllowed"
    assert reason(withdraw(state, BORROWER, ETHER, MAX_UINT256, **AT_1000)) == "TransferNotAllowed"


def test_what_is_no_collateral_is_taken_out_whatever_is_owed():
    state = with_position(market(), BORROWER, DOLLAR, scaled_atoken=50)

    assert done(withdraw(state, BORROWER, DOLLAR, 50, **AT_1000)).amount == 50
    without_threshold = with_reserve(market(), ETHER, liquidation_threshold_bps=0)
    assert done(withdraw(without_threshold, BORROWER, ETHER, ONE_ETHER, **AT_1000))
    unused = with_position(market(), BORROWER, ETHER, collateral_enabled=False)
    assert done(withdraw(unused, BORROWER, ETHER, ONE_ETHER, prices_base={}, timestamp=NOW))
    nothing_left = with_position(market(dollars=0), BORROWER, DOLLAR, borrowing=True)
    assert done(withdraw(nothing_left, BORROWER, ETHER, MAX_UINT256, **AT_1000))
    nobody_owes = with_position(market(dollars=0), BORROWER, DOLLAR, borrowing=False)
    assert done(withdraw(nobody_owes, BORROWER, ETHER, ONE_ETHER, prices_base={}, timestamp=NOW))


def test_the_average_threshold_is_cut_before_what_leaves_is_taken_off_it():
    """Two collaterals, 79.99 % and 80 %: their average is 79.99, and nearly all of the better one cannot leave."""
    state = with_reserve(market(dollars=0, ethers=10**18), DOLLAR, liquidation_threshold_bps=79_99)
    state = with_position(state, BORROWER, DOLLAR, scaled_atoken=1, collateral_enabled=True)
    state = with_position(state, BORROWER, DOLLAR, scaled_variable_debt=1, borrowing=True)
    outcome = withdraw(state, BORROWER, ETHER, 10**18, **AT_1000)

    assert reason(outcome) == "SafeMath: subtraction overflow"


@pytest.mark.parametrize(
    ("changes", "amount", "name"),
    [
        ({"active": False}, 0, "InvalidAmount"),
        ({"active": False}, 10 * ONE_ETHER + 1, "NotEnoughAvailableUserBalance"),
        ({"active": False}, 10 * ONE_ETHER, "ReserveInactive"),
        ({"virtual_underlying_balance": 1}, 2, "SafeMath: subtraction overflow"),
        ({"liquidity_index_ray": 3 * RAY}, 1, "InvalidBurnAmount"),
    ],
)
def test_a_withdrawal_is_refused(changes, amount, name):
    state = with_reserve(market(dollars=100), ETHER, **changes)

    assert reason(withdraw(state, BORROWER, ETHER, amount, **AT_1000)) == name


def test_all_of_nothing_is_an_invalid_amount():
    assert reason(withdraw(market(), NEWCOMER, ETHER, MAX_UINT256, **AT_1000)) == "InvalidAmount"


# --- collateral ---------------------------------------------------------------------------------------------


def test_a_supply_is_switched_on_and_off_as_collateral():
    state = market(dollars=0)

    def switch(of: Market, user: str, reserve_id: int, *, use: bool) -> Market:
        return done(set_collateral_use(of, user, reserve_id, use=use, **AT_1000)).market

    off = switch(state, BORROWER, ETHER, use=False)
    assert not position(off, BORROWER, ETHER).collateral_enabled
    assert switch(off, BORROWER, ETHER, use=True) == state
    # Nobody asks for a threshold, nor whether the reserve is open.
    closed = with_reserve(off, ETHER, liquidation_threshold_bps=0, active=False)
    assert position(switch(closed, BORROWER, ETHER, use=True), BORROWER, ETHER).collateral_enabled


def test_a_switch_is_refused():
    def refusal(user: str, *, use: bool) -> str:
        return reason(set_collateral_use(market(), user, ETHER, use=use, **AT_1000))

    assert refusal(NEWCOMER, use=True) == refusal(NEWCOMER, use=False) == "UnderlyingBalanceZero"
    assert refusal(BORROWER, use=False) == "DepositAlreadyInUse"
    assert done(set_collateral_use(market(), BORROWER, ETHER, use=True, **AT_1000)).market == market()


# --- borrow -------------------------------------------------------------------------------------------------


def fresh(**changes: Any) -> Market:
    """A borrower who owes nothing yet."""
    state = market(dollars=0, dollar={"virtual_underlying_balance": 10**6 * ONE_DOLLAR}, **changes)
    return with_position(state, BORROWER, DOLLAR, borrowing=False)


def test_a_variable_loan_is_scaled_by_the_index_of_now():
    state = grown(with_reserve(fresh(), DOLLAR, total_scaled_variable_debt=100), DOLLAR)
    outcome = done(borrow(state, BORROWER, DOLLAR, 2_000 * ONE_DOLLAR, **AT_1000))
    held, dollar = position(outcome.market, BORROWER, DOLLAR), outcome.market.reserves[DOLLAR]
    index_ray = dollar.variable_borrow_index_ray

    assert outcome.amount == 2_000 * ONE_DOLLAR
    assert index_ray > 110 * PERCENT
    assert held.scaled_variable_debt == (2_000 * ONE_DOLLAR * RAY + index_ray // 2) // index_ray
    assert held.borrowing
    assert dollar.total_scaled_variable_debt == 100 + held.scaled_variable_debt
    assert dollar.virtual_underlying_balance == 998_000 * ONE_DOLLAR
    assert dollar.liquidity_rate_ray > 0


def test_a_stable_loan_takes_the_rate_stored_before_it():
    outcome = done(borrow(fresh(), BORROWER, DOLLAR, 2_000 * ONE_DOLLAR, rate_mode=STABLE, **AT_1000))
    held, dollar = position(outcome.market, BORROWER, DOLLAR), outcome.market.reserves[DOLLAR]

    assert held.stable_debt == owed(2_000 * ONE_DOLLAR, 7 * PERCENT)
    assert held.borrowing
    assert dollar.stable_debt == totals(2_000 * ONE_DOLLAR, 7 * PERCENT)
    assert 5 * PERCENT < dollar.stable_borrow_rate_ray < 6 * PERCENT
    assert dollar.virtual_underlying_balance == 998_000 * ONE_DOLLAR


def test_collateral_covers_loans_up_to_the_loan_to_value():
    """10 ether of 1,000 at 75 %."""
    assert done(borrow(fresh(), BORROWER, DOLLAR, 7_500 * ONE_DOLLAR, **AT_1000))
    over = borrow(fresh(), BORROWER, DOLLAR, 7_500 * ONE_DOLLAR + 1, **AT_1000)
    assert reason(over) == "CollateralCannotCoverNewBorrow"
    more = borrow(market(dollars=7_000 * ONE_DOLLAR), BORROWER, DOLLAR, 500 * ONE_DOLLAR + 1, **AT_1000)
    assert reason(more) == "CollateralCannotCoverNewBorrow"


def test_a_loan_needs_a_health_above_one():
    assert (
        reason(borrow(market(), BORROWER, DOLLAR, 1, **AT_1000))
        == "HealthFactorLowerThanLiquidationThreshold"
    )


@pytest.mark.parametrize(
    ("changes", "amount", "name"),
    [
        ({"active": False, "frozen": True, "borrowing_enabled": False}, 0, "ReserveInactive"),
        ({"frozen": True, "borrowing_enabled": False}, 0, "ReserveFrozen"),
        ({"borrowing_enabled": False}, 0, "InvalidAmount"),
        ({"borrowing_enabled": False}, 1, "BorrowingNotEnabled"),
        ({"virtual_underlying_balance": 10}, 11, "SafeMath: subtraction overflow"),
        ({"variable_borrow_index_ray": 3 * RAY}, 1, "InvalidMintAmount"),
        ({"active": False}, MAX_UINT256, "SafeMath: multiplication overflow"),
    ],
)
def test_a_loan_is_refused(changes, amount, name):
    state = with_reserve(fresh(), DOLLAR, **changes)

    assert reason(borrow(state, BORROWER, DOLLAR, amount, **AT_1000)) == name


def test_a_loan_without_collateral_or_without_loan_to_value_is_refused():
    assert reason(borrow(fresh(), NEWCOMER, DOLLAR, 1, **AT_1000)) == "CollateralBalanceIsZero"
    valueless = with_reserve(fresh(), ETHER, ltv_bps=0)
    assert reason(borrow(valueless, BORROWER, DOLLAR, 1, **AT_1000)) == "MathDivisionByZero"


def test_a_stable_loan_is_refused_where_the_reserve_has_none_or_little_left():
    def stable(of: Market, amount: int) -> Any:
        return borrow(of, BORROWER, DOLLAR, amount, rate_mode=STABLE, **AT_1000)

    off = with_reserve(fresh(), DOLLAR, stable_borrowing_enabled=False)
    assert reason(stable(off, 1)) == "StableBorrowingNotEnabled"
    assert done(borrow(off, BORROWER, DOLLAR, 1, **AT_1000))
    little = with_reserve(fresh(), DOLLAR, virtual_underlying_balance=4_000)
    assert done(stable(little, 1_000))
    assert reason(stable(little, 1_001)) == "AmountBiggerThanMaxLoanSizeStable"


def test_a_stable_loan_beside_more_of_the_same_as_collateral_is_refused():
    def stable(of: Market, amount: int) -> Any:
        return borrow(of, BORROWER, DOLLAR, amount, rate_mode=STABLE, **AT_1000)

    same = with_position(fresh(), BORROWER, DOLLAR, scaled_atoken=1_000, collateral_enabled=True)
    assert reason(stable(same, 1_000)) == "CollateralSameAsBorrowingCurrency"
    assert done(stable(same, 1_001))
    assert done(stable(with_reserve(same, DOLLAR, ltv_bps=0), 1_000))
    assert done(stable(with_position(same, BORROWER, DOLLAR, collateral_enabled=False), 1_000))
    grown_up = with_reserve(same, DOLLAR, liquidity_index_ray=2 * RAY)
    assert reason(stable(grown_up, 2_000)) == "CollateralSameAsBorrowingCurrency"


# --- repay --------------------------------------------------------------------------------------------------


def test_a_debt_is_repaid_in_its_mode_and_the_bit_goes_with_the_last_of_it():
    state = market(dollars=300, stable_dollars=500)
    some = done(repay(state, BORROWER, DOLLAR, 100, timestamp=NOW))
    assert (some.amount, position(some.market, BORROWER, DOLLAR).scaled_variable_debt) == (100, 200)
    assert some.market.reserves[DOLLAR].total_scaled_variable_debt == 200
    assert some.market.reserves[DOLLAR].virtual_underlying_balance == 10**12 + 100

    stable = done(repay(some.market, BORROWER, DOLLAR, MAX_UINT256, rate_mode=STABLE, timestamp=NOW))
    left = position(stable.market, BORROWER, DOLLAR)
    assert (stable.amount, left.scaled_variable_debt, left.stable_debt) == (500, 200, owed(0, 0, 0))
    assert left.borrowing

    rest = done(repay(stable.market, LIQUIDATOR, DOLLAR, 999, on_behalf_of=BORROWER, timestamp=NOW))
    assert rest.amount == 200
    assert not position(rest.market, BORROWER, DOLLAR).borrowing
    assert rest.market.reserves[DOLLAR].stable_debt == totals(0, 0)


def test_a_repayment_accrues_first_and_pays_the_treasury():
    state = grown(market(), DOLLAR)
    outcome = done(repay(state, BORROWER, DOLLAR, MAX_UINT256, timestamp=NOW))
    dollar = outcome.market.reserves[DOLLAR]

    assert outcome.amount == 8_841_338_160  # 8,000 grown by a year at 10 %
    assert position(outcome.market, BORROWER, DOLLAR).scaled_variable_debt == 0
    assert position(outcome.market, TREASURY, DOLLAR).scaled_atoken == 84_133_816 * 100 // 125 + 1
    assert (dollar.variable_borrow_rate_ray, dollar.last_update_timestamp) == (0, NOW)


@pytest.mark.parametrize(
    ("changes", "amount", "payer", "mode", "name"),
    [
        ({"active": False}, 0, LIQUIDATOR, STABLE, "ReserveInactive"),
        ({}, 0, LIQUIDATOR, STABLE, "InvalidAmount"),
        ({}, MAX_UINT256, LIQUIDATOR, STABLE, "NoDebtOfSelectedType"),
        ({}, MAX_UINT256, LIQUIDATOR, VARIABLE, "NoExplicitAmountToRepayOnBehalf"),
        ({"variable_borrow_index_ray": 3 * RAY}, 1, BORROWER, VARIABLE, "InvalidBurnAmount"),
    ],
)
def test_a_repayment_is_refused(changes, amount, payer, mode, name):
    state = with_reserve(market(), DOLLAR, **changes)
    outcome = repay(state, payer, DOLLAR, amount, rate_mode=mode, on_behalf_of=BORROWER, timestamp=NOW)

    assert reason(outcome) == name


def test_where_no_income_moved_the_stored_index_all_that_the_view_shows_cannot_be_repaid():
    state = with_reserve(grown(market(), DOLLAR), DOLLAR, liquidity_rate_ray=0)

    outcome = repay(state, BORROWER, DOLLAR, MAX_UINT256, timestamp=NOW)
    assert reason(outcome) == "SafeMath: subtraction overflow"  # of all debt, as nobody else owes any
    others = with_reserve(state, DOLLAR, total_scaled_variable_debt=16_000 * ONE_DOLLAR)
    outcome = repay(others, BORROWER, DOLLAR, MAX_UINT256, timestamp=NOW)
    assert reason(outcome) == "ERC20: burn amount exceeds balance"
    stored = done(repay(state, BORROWER, DOLLAR, 8_000 * ONE_DOLLAR, timestamp=NOW)).market
    assert position(stored, BORROWER, DOLLAR).scaled_variable_debt == 0
    assert position(stored, BORROWER, DOLLAR).borrowing


# --- rate modes ---------------------------------------------------------------------------------------------


def test_variable_debt_becomes_stable_at_the_rate_of_today_and_back():
    state = market()
    swapped = done(swap_rate_mode(state, BORROWER, DOLLAR, VARIABLE, timestamp=NOW)).market
    held = position(swapped, BORROWER, DOLLAR)

    assert (held.scaled_variable_debt, held.stable_debt) == (0, owed(8_000 * ONE_DOLLAR, 7 * PERCENT))
    assert held.borrowing
    assert swapped.reserves[DOLLAR].total_scaled_variable_debt == 0
    assert swapped.reserves[DOLLAR].stable_debt == totals(8_000 * ONE_DOLLAR, 7 * PERCENT)
    assert swapped.reserves[DOLLAR].virtual_underlying_balance == 10**12
    # 8,000 of 1,008,000 at 7 %, less a tenth; nobody pays the variable rate, which is that of the usage.
    usage_ray = half_up(8_000 * RAY, 1_008_000)
    assert swapped.reserves[DOLLAR].liquidity_rate_ray == half_up(half_up(7 * usage_ray, 100) * 9, 10)
    assert swapped.reserves[DOLLAR].variable_borrow_rate_ray == below_optimum(4 * PERCENT, usage_ray)

    back = done(swap_rate_mode(swapped, BORROWER, DOLLAR, STABLE, timestamp=NOW)).market
    assert position(back, BORROWER, DOLLAR) == position(state, BORROWER, DOLLAR)


@pytest.mark.parametrize(
    ("changes", "mode", "name"),
    [
        ({"active": False, "frozen": True}, STABLE, "ReserveInactive"),
        ({"frozen": True}, STABLE, "ReserveFrozen"),
        ({}, STABLE, "NoStableRateLoanInReserve"),
        ({"stable_borrowing_enabled": False}, VARIABLE, "StableBorrowingNotEnabled"),
    ],
)
def test_a_swap_is_refused(changes, mode, name):
    state = with_reserve(market(), DOLLAR, **changes)

    assert reason(swap_rate_mode(state, BORROWER, DOLLAR, mode, timestamp=NOW)) == name


def test_a_swap_to_stable_needs_a_variable_debt_greater_than_the_same_collateral():
    none = market(dollars=0, stable_dollars=5)
    assert (
        reason(swap_rate_mode(none, BORROWER, DOLLAR, VARIABLE, timestamp=NOW))
        == "NoVariableRateLoanInReserve"
    )
    same = with_position(
        market(dollars=60, stable_dollars=40), BORROWER, DOLLAR, scaled_atoken=100, collateral_enabled=True
    )
    swap = swap_rate_mode(same, BORROWER, DOLLAR, VARIABLE, timestamp=NOW)
    assert reason(swap) == "CollateralSameAsBorrowingCurrency"
    less = with_position(same, BORROWER, DOLLAR, scaled_atoken=99)
    assert done(swap_rate_mode(less, BORROWER, DOLLAR, VARIABLE, timestamp=NOW))


def crowded(**changes: Any) -> Market:
    """95 of 100 lent, 5 of them at a variable rate; suppliers earn 25.6 %, 40 % of the highest rate."""
    usual = {
        "stable_debt": totals(90, 10 * PERCENT),
        "virtual_underlying_balance": 5,
        "total_scaled_variable_debt": 5,
        "liquidity_rate_ray": 256 * RAY // 1_000,
    }
    return with_reserve(market(dollars=5, stable_dollars=90), DOLLAR, **(usual | changes))


def test_a_stable_debt_is_put_to_the_rate_of_today_where_nearly_all_is_lent_for_little():
    outcome = done(rebalance_stable(crowded(), BORROWER, DOLLAR, timestamp=NOW))

    assert position(outcome.market, BORROWER, DOLLAR).stable_debt == owed(90, 7 * PERCENT)
    assert outcome.market.reserves[DOLLAR].stable_debt == totals(90, 7 * PERCENT)
    # Usage 95 %: three quarters of the way up the second slope.
    assert outcome.market.reserves[DOLLAR].stable_borrow_rate_ray == 7 * PERCENT + 75 * 50 * PERCENT // 100


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"active": False}, "ReserveInactive"),
        ({"virtual_underlying_balance": 6}, "InterestRateRebalanceConditionsNotMet"),
        ({"liquidity_rate_ray": 256 * RAY // 1_000 + 1}, "InterestRateRebalanceConditionsNotMet"),
        ({"total_scaled_variable_debt": 4}, "InterestRateRebalanceConditionsNotMet"),
    ],
)
def test_a_rebalance_is_refused(changes, name):
    assert reason(rebalance_stable(crowded(**changes), BORROWER, DOLLAR, timestamp=NOW)) == name


def test_a_rebalance_counts_variable_debt_with_its_interest_and_reverts_for_who_has_no_stable_debt():
    less = crowded(total_scaled_variable_debt=4, stable_debt=totals(90, 0), variable_borrow_rate_ray=RAY)
    now = rebalance_stable(less, BORROWER, DOLLAR, timestamp=NOW)
    assert reason(now) == "InterestRateRebalanceConditionsNotMet"
    assert done(rebalance_stable(less, BORROWER, DOLLAR, timestamp=NOW + YEAR // 2))
    assert reason(rebalance_stable(crowded(), WHALE, DOLLAR, timestamp=NOW)) == "MathDivisionByZero"


def test_an_empty_reserve_is_not_rebalanced():
    empty = with_reserve(market(), DOLLAR, total_scaled_variable_debt=0, strategy=STRATEGY)

    outcome = rebalance_stable(empty, BORROWER, DOLLAR, timestamp=NOW)
    assert reason(outcome) == "InterestRateRebalanceConditionsNotMet"


# --- all of them --------------------------------------------------------------------------------------------


def test_nothing_is_done_in_a_paused_pool():
    paused = replace(market(stable_dollars=5), paused=True)
    outcomes = [
        supply(paused, WHALE, DOLLAR, 1, timestamp=NOW),
        withdraw(paused, WHALE, DOLLAR, 1, **AT_1000),
        set_collateral_use(paused, WHALE, DOLLAR, use=True, **AT_1000),
        borrow(paused, BORROWER, DOLLAR, 1, **AT_1000),
        repay(paused, BORROWER, DOLLAR, 1, timestamp=NOW),
        swap_rate_mode(paused, BORROWER, DOLLAR, VARIABLE, timestamp=NOW),
        rebalance_stable(paused, BORROWER, DOLLAR, timestamp=NOW),
    ]

    assert {reason(outcome) for outcome in outcomes} == {"ReservePaused"}


def test_a_reserve_that_is_not_listed_or_has_no_price_raises():
    with pytest.raises(UnknownReserve):
        supply(market(), WHALE, 7, 1, timestamp=NOW)
    with pytest.raises(UnknownReserve):
        repay(market(), WHALE, 7, 1, timestamp=NOW)
    with pytest.raises(MissingPrice):
        borrow(market(), BORROWER, DOLLAR, 1, prices_base={}, timestamp=NOW)
    assert reserve(ETHER, supply=0, debt=0).reserve_id == ETHER
    assert ONE_ETHER == 10**18
