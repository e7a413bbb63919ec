"""Supplying, withdrawing and naming collateral in Aave v3: numbers by hand; the contracts speak in the fuzz."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import (
    Account,
    Acted,
    Position,
    Revert,
    rules_of,
    withdraw,
)
from protocol.units import MAX_UINT256, RAY
from tests.protocol.actions import (
    ALICE,
    ALL,
    BEFORE_3_5,
    EVERY_REVISION,
    FROM_3_5,
    SUPPLIED,
    V3_0,
    at_index,
    borrows,
    capped,
    did,
    nearest,
    position,
    rates_at,
    repays,
    supplies,
    switches,
    why,
    withdraws,
)
from tests.protocol.markets import (
    BORROWER,
    COIN,
    DOLLAR,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    WHALE,
    config,
    market,
)

# --- supply -------------------------------------------------------------------------------------------------


@EVERY_REVISION
def test_a_supply_adds_scaled_balance_liquidity_and_collateral_and_lowers_the_rates(revision):
    outcome = did(supplies(market(revision), 1_000 * ONE_DOLLAR))

    after = outcome.market.reserves[DOLLAR]
    assert outcome.amount == 1_000 * ONE_DOLLAR
    assert position(outcome, ALICE, DOLLAR) == Position(scaled_atoken=10**9, collateral_enabled=True)
    assert after.total_scaled_atoken == SUPPLIED + 10**9
    assert after.virtual_underlying_balance == 1_001_000 * ONE_DOLLAR
    # 8,000 of 1,009,000 are lent: far below the 80 % of usage at which 4 % are due; a tenth is the treasury's.
    usage_ray, rate_ray = rates_at(8_000, 1_009_000)
    assert after.variable_borrow_rate_ray == rate_ray
    overall_ray = rate_ray
    if revision < "3.2":  # a mean over stable and variable debt, though there is only the latter
        overall_ray = nearest(nearest(8_000 * 10**15 * rate_ray, RAY) * RAY, 8_000 * 10**15)
    assert after.liquidity_rate_ray == nearest(nearest(overall_ray * usage_ray, RAY) * 90_00, 100_00)


@EVERY_REVISION
def test_a_supply_on_behalf_of_another_is_the_others(revision):
    outcome = did(supplies(market(revision), 5, on_behalf_of="bob"))

    assert position(outcome, "bob", DOLLAR).scaled_atoken == 5
    assert ALICE not in outcome.market.accounts


@pytest.mark.parametrize(
    ("times", "amount", "before_3_5", "from_3_5"),
    [
        ("1.5", 1, 1, "InvalidAmount"),  # 0.67 scaled
        ("2.5", 1, "InvalidMintAmount", "InvalidAmount"),  # 0.4 scaled
        ("1.5", 4, 3, 2),  # 2.67 scaled
        ("1.5", 0, "InvalidAmount", "InvalidAmount"),
    ],
)
def test_a_supply_is_scaled_to_the_nearest_and_down_from_3_5_on(times, amount, before_3_5, from_3_5):
    for revision in ALL:
        outcome = supplies(at_index(revision, int(float(times) * 10) * RAY // 10), amount)
        expected = from_3_5 if revision in FROM_3_5 else before_3_5
        if isinstance(expected, str):
            assert why(outcome) == expected
        else:
            assert position(did(outcome), ALICE, DOLLAR).scaled_atoken == expected


@EVERY_REVISION
@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"active": False, "paused": True, "frozen": True}, "ReserveInactive"),
        ({"paused": True, "frozen": True}, "ReservePaused"),
        ({"frozen": True}, "ReserveFrozen"),
    ],
)
def test_a_closed_reserve_takes_no_supply_and_gives_no_loan(revision, changes, name):
    state = market(revision, dollar={"config": config(decimals=6, **changes)})

    assert why(supplies(state, 1)) == name
    assert why(borrows(state, 1)) == name
    frozen_alone = name == "ReserveFrozen"
    assert isinstance(withdraws(state, 1), Acted) if frozen_alone else why(withdraws(state, 1)) == name
    assert isinstance(repays(state, 1), Acted) if frozen_alone else why(repays(state, 1)) == name


@EVERY_REVISION
def test_a_supply_cap_is_in_whole_tokens_and_may_be_reached(revision):
    assert did(supplies(capped(revision), ONE_DOLLAR))
    assert why(supplies(capped(revision), ONE_DOLLAR + 1)) == "SupplyCapExceeded"


def test_what_the_treasury_has_not_minted_counts_against_the_cap_from_3_0_1_on():
    for revision in ALL:
        outcome = supplies(capped(revision, accrued_to_treasury_scaled=1), ONE_DOLLAR)
        assert isinstance(outcome, Acted if revision == "3.0.0" else Revert), revision


@pytest.mark.parametrize("revision", ALL)
def test_from_3_5_on_the_cap_rounds_supply_and_asked_together(revision):
    # (1 + 1) x 1.5 is 3; apart they are 2 + 1.5 asked for, of which 1 is scaled.
    state = at_index(revision, 3 * RAY // 2, total_scaled_atoken=1, virtual_underlying_balance=10)
    cap_of_three = replace(
        state.reserves[DOLLAR], config=config(decimals=0, supply_cap=3), total_scaled_variable_debt=0
    )
    state = replace(state, reserves={**state.reserves, DOLLAR: cap_of_three})

    assert isinstance(supplies(state, 2), Acted if revision in FROM_3_5 else Revert)


@EVERY_REVISION
def test_a_first_supply_of_an_isolated_asset_becomes_collateral_by_itself_up_to_3_0_1_only(revision):
    state = market(revision, dollar={"config": config(decimals=6, debt_ceiling=100)})

    enabled = position(did(supplies(state, 5)), ALICE, DOLLAR).collateral_enabled
    assert enabled is (revision in {"3.0.0", "3.0.1", "3.7"})  # 3.7 knows no isolation


@EVERY_REVISION
def test_a_supply_without_loan_to_value_becomes_collateral_up_to_3_0_1_only(revision):
    state = market(revision, dollar={"config": config(decimals=6, ltv_bps=0)})

    assert position(did(supplies(state, 5)), ALICE, DOLLAR).collateral_enabled is (revision < "3.0.2")


@EVERY_REVISION
def test_only_the_first_supply_enables_collateral(revision):
    outcome = did(supplies(market(revision), 5, user=WHALE))

    assert not position(outcome, WHALE, DOLLAR).collateral_enabled


# --- withdraw -----------------------------------------------------------------------------------------------


@EVERY_REVISION
def test_a_withdrawal_of_all_ends_the_position(revision):
    state = did(supplies(market(revision), 700)).market
    outcome = did(withdraws(state, MAX_UINT256, user=ALICE))

    assert outcome.amount == 700
    assert position(outcome, ALICE, DOLLAR) == Position()
    assert outcome.market.reserves[DOLLAR].total_scaled_atoken == SUPPLIED
    assert outcome.market.reserves[DOLLAR].virtual_underlying_balance == 1_000_000 * ONE_DOLLAR


@EVERY_REVISION
def test_a_withdrawal_is_refused_beyond_the_balance_and_beyond_the_liquidity(revision):
    state = market(revision)

    assert why(withdraws(state, 0)) == "InvalidAmount"
    assert why(withdraws(state, MAX_UINT256, user="nobody")) == "InvalidAmount"
    assert why(withdraws(state, SUPPLIED + 1)) == "NotEnoughAvailableUserBalance"
    assert why(withdraws(state, 1_000_000 * ONE_DOLLAR + 1)) == "Panic(0x11)"
    assert did(withdraws(state, 1_000_000 * ONE_DOLLAR))


@pytest.mark.parametrize("revision", V3_0)
def test_without_debt_the_asset_itself_refuses_what_its_atoken_does_not_hold_before_3_1(revision):
    empty = market(revision, dollars=0, dollar={"virtual_underlying_balance": 5})

    assert why(withdraws(empty, 6)) == "ERC20: transfer amount exceeds balance"


def test_up_to_3_4_a_rounded_withdrawal_may_leave_the_collateral_bit_on_nothing():
    for revision in ALL:
        state = at_index(revision, 3 * RAY)
        one = {ALICE: Account(positions={DOLLAR: Position(scaled_atoken=1, collateral_enabled=True)})}
        state = replace(state, accounts={**state.accounts, **one})

        outcome = did(withdraws(state, 2, user=ALICE))  # of 3: 0.67 scaled is 1
        left = position(outcome, ALICE, DOLLAR)
        assert left.scaled_atoken == 0
        assert left.collateral_enabled is (revision in BEFORE_3_5), revision


@EVERY_REVISION
def test_a_borrower_takes_out_collateral_down_to_a_health_factor_of_one(revision):
    # 8,000 owed against coins of 1,000 at 80 %: ten coins are just enough, and one unit less is not.
    state = market(revision, coins=11 * ONE_COIN)

    assert did(withdraws(state, ONE_COIN, user=BORROWER, reserve_id=COIN, cents=1_000_00))
    refused = withdraws(state, ONE_COIN + 10**15, user=BORROWER, reserve_id=COIN, cents=1_000_00)
    assert why(refused) == "HealthFactorLowerThanLiquidationThreshold"


@EVERY_REVISION
def test_collateral_without_loan_to_value_has_to_leave_first(revision):
    state = market(revision, coin={"config": config(ltv_bps=0)})
    borrower = state.accounts[BORROWER].positions
    both = {**borrower, DOLLAR: replace(borrower[DOLLAR], scaled_atoken=100, collateral_enabled=True)}
    state = replace(state, accounts={**state.accounts, BORROWER: Account(positions=both)})

    assert why(withdraws(state, 1, user=BORROWER)) == "LtvValidationFailed"
    assert did(withdraws(state, 1, user=BORROWER, reserve_id=COIN))
    assert why(switches(state, use=False, reserve_id=DOLLAR)) == "LtvValidationFailed"


@EVERY_REVISION
def test_what_counts_for_nothing_does_not_have_to_leave_first_up_to_3_5(revision):
    worthless = config(decimals=6, ltv_bps=0, liquidation_threshold_bps=0)
    state = market(revision, dollar={"config": worthless})
    borrower = state.accounts[BORROWER].positions
    both = {**borrower, DOLLAR: replace(borrower[DOLLAR], scaled_atoken=100, collateral_enabled=True)}
    state = replace(state, accounts={**state.accounts, BORROWER: Account(positions=both)})

    outcome = withdraws(state, 1, user=BORROWER, reserve_id=COIN)
    if revision in {"3.6", "3.7"}:
        assert why(outcome) == "LtvValidationFailed"
    else:
        assert did(outcome)


@EVERY_REVISION
def test_what_is_no_collateral_leaves_at_any_health(revision):
    state = market(revision)
    borrower = state.accounts[BORROWER].positions
    more = {**borrower, DOLLAR: replace(borrower[DOLLAR], scaled_atoken=100)}
    state = replace(state, accounts={**state.accounts, BORROWER: Account(positions=more)})

    assert did(withdraws(state, 100, user=BORROWER, cents=1_00))


@EVERY_REVISION
def test_what_is_no_collateral_leaves_without_a_price(revision):
    state = did(supplies(market(revision), 10)).market
    state = did(switches(state, use=False, user=ALICE, reserve_id=DOLLAR)).market

    assert did(withdraw(state, ALICE, DOLLAR, 10, prices_base={}, timestamp=NOW))


# --- collateral switch --------------------------------------------------------------------------------------


@EVERY_REVISION
def test_collateral_is_switched_off_only_in_health_and_on_again(revision):
    state = did(supplies(market(revision), 1_000 * ONE_DOLLAR)).market

    assert why(switches(state, use=False)) == "HealthFactorLowerThanLiquidationThreshold"
    off = did(switches(state, use=False, user=ALICE, reserve_id=DOLLAR))
    assert not position(off, ALICE, DOLLAR).collateral_enabled
    assert did(switches(off.market, use=True, user=ALICE, reserve_id=DOLLAR)).market == state
    assert off.market.reserves == state.reserves


@EVERY_REVISION
def test_who_supplied_nothing_has_nothing_to_switch(revision):
    state = market(revision)

    assert why(switches(state, use=True, user=ALICE)) == "UnderlyingBalanceZero"
    off = switches(state, use=False, user=ALICE)
    if revision < "3.4":
        assert why(off) == "UnderlyingBalanceZero"
    else:
        assert did(off).market == state


@EVERY_REVISION
def test_a_closed_reserve_is_not_switched_though_it_stays_as_it_is(revision):
    for name, changes in (("ReserveInactive", {"active": False}), ("ReservePaused", {"paused": True})):
        state = market(revision, coin={"config": config(**changes)})
        assert why(switches(state, use=True)) == name


@EVERY_REVISION
def test_isolated_collateral_stands_alone_up_to_3_6(revision):
    state = market(revision, coin={"config": config(debt_ceiling=10**9)})
    borrower = state.accounts[BORROWER].positions
    more = {**borrower, DOLLAR: replace(borrower[DOLLAR], scaled_atoken=100)}
    state = replace(state, accounts={**state.accounts, BORROWER: Account(positions=more)})

    outcome = switches(state, use=True, reserve_id=DOLLAR)
    if revision == "3.7":
        assert did(outcome)
    else:
        assert why(outcome) == "UserInIsolationModeOrLtvZero"


@EVERY_REVISION
def test_collateral_needs_a_loan_to_value_to_be_enabled_from_3_0_2_on(revision):
    state = market(revision, dollar={"config": config(decimals=6, ltv_bps=0)})
    outcome = switches(state, use=True, user=WHALE, reserve_id=DOLLAR)

    if revision < "3.0.2":
        assert position(did(outcome), WHALE, DOLLAR).collateral_enabled
    else:
        name = "UserHasAssetWithZeroLtv" if revision == "3.7" else "UserInIsolationModeOrLtvZero"
        assert why(outcome) == name


# --- time ---------------------------------------------------------------------------------------------------


@EVERY_REVISION
def test_an_action_accrues_its_own_reserve_only(revision):
    later = NOW + 3_600
    state = market(revision)

    for outcome in (
        supplies(state, 10, at=later),
        withdraws(state, 1, at=later),
        borrows(state, 1, at=later),
        repays(state, 10, at=later),
    ):
        after = did(outcome).market.reserves
        assert after[DOLLAR].last_update_timestamp == later
        assert after[DOLLAR].liquidity_index_ray == RAY + 2 * RAY // 100 * 3_600 // 31_536_000
        assert after[COIN] == state.reserves[COIN]


@pytest.mark.parametrize("name", ["supply", "withdraw", "borrow", "repay"])
def test_an_action_before_the_last_update_is_a_panic(name):
    does = {"supply": supplies, "withdraw": withdraws, "borrow": borrows, "repay": repays}[name]

    assert why(does(market("3.6"), 1, at=NOW - 1)) == "Panic(0x11)"


def test_a_market_is_left_as_it_was_by_every_action():
    state = market("3.6")
    copy = replace(state)
    did(borrows(state, 1))
    did(repays(state, 1))
    did(withdraws(state, 1))
    did(supplies(state, 1))

    assert state == copy
    assert state.rules is rules_of("3.6")
