"""What only 3.0.0 to 3.1 do: accrual nested in income, the late collateral bit, fees uncapped, bridges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import (
    REVISIONS,
    Account,
    Liquidated,
    Position,
    Revert,
    account_data,
    liquidation_call,
    normalized_debt,
    rules_of,
)
from protocol.aave_v3.interest import accrue
from protocol.aave_v3.rates import interest_rates
from protocol.units import RAY
from tests.protocol.markets import (
    BORROWER,
    COIN,
    DOLLAR,
    LIQUIDATOR,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    TREASURY,
    call,
    config,
    market,
    prices,
    reserve,
)

YEAR = 31_536_000
PERCENT = RAY // 100


def outcome_of(state, cents=700_00, timestamp=NOW, **changes):
    return liquidation_call(state, call(**changes), prices_base=prices(cents), timestamp=timestamp)


def done(state, cents=700_00, timestamp=NOW, **changes) -> Liquidated:
    outcome = outcome_of(state, cents, timestamp, **changes)
    assert isinstance(outcome, Liquidated), outcome
    return outcome


# --- accrual ------------------------------------------------------------------------------------------------


def earns_nothing(**changes):
    """A reserve whose suppliers earn nothing, whatever borrowers pay: its reserve factor is 100 %."""
    usual = {"liquidity_rate_ray": 0, "config": config(decimals=6, reserve_factor_bps=100_00)}
    return usual | changes


@pytest.mark.parametrize(("revision", "moves"), [("3.0.0", False), ("3.0.1", True), ("3.0.2", True)])
def test_the_stored_debt_index_stands_still_in_3_0_0_while_suppliers_earn_nothing(revision, moves):
    rules, stale = rules_of(revision), reserve(DOLLAR, supply=100, debt=100, **earns_nothing())
    accrued = accrue(stale, rules, NOW + YEAR)

    assert normalized_debt(stale, rules, NOW + YEAR) > RAY  # what the views and account data show
    assert (accrued.variable_borrow_index_ray > RAY) is moves
    assert (accrued.variable_borrow_index_ray == normalized_debt(stale, rules, NOW + YEAR)) is moves
    assert accrued.liquidity_index_ray == RAY
    assert accrued.last_update_timestamp == NOW + YEAR
    assert normalized_debt(accrued, rules, NOW + YEAR) == accrued.variable_borrow_index_ray


@pytest.mark.parametrize("revision", ["3.0.0", "3.0.1"])
def test_the_debt_index_moves_in_every_version_where_suppliers_earn(revision):
    stale = reserve(DOLLAR, supply=100, debt=100, liquidity_rate_ray=1)

    assert accrue(stale, rules_of(revision), NOW + YEAR).variable_borrow_index_ray > RAY


def test_a_liquidation_in_3_0_0_forgets_the_interest_that_made_it_possible():
    """Healthy by the stored index, unhealthy by the view; the call accrues first and finds it healthy."""
    debt = earns_nothing(variable_borrow_rate_ray=20 * PERCENT)
    old, new = market("3.0.0", dollar=debt), market("3.0.1", dollar=debt)

    for state in (old, new):
        seen = account_data(state, BORROWER, prices_base=prices(1_100_00), timestamp=NOW + YEAR)
        assert seen.health_factor_wad < 10**18
    refused = outcome_of(old, 1_100_00, NOW + YEAR)
    assert isinstance(refused, Revert)
    assert refused.name == "HealthFactorNotBelowThreshold"
    assert done(new, 1_100_00, NOW + YEAR)


# --- the collateral bit and the fee -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "fee_bps", "enabled"),
    [
        ("3.0.0", 10_00, True),
        ("3.0.0", 0, False),
        ("3.0.1", 10_00, False),
        ("3.0.2", 10_00, False),
        ("3.1", 10_00, False),
    ],
)
def test_a_fee_keeps_the_collateral_bit_on_in_3_0_0_although_nothing_is_left(revision, fee_bps, enabled):
    outcome = done(market(revision, coin={"config": config(liquidation_protocol_fee_bps=fee_bps)}))
    left = outcome.market.accounts[BORROWER].positions.get(COIN, Position())

    assert left.scaled_atoken == 0
    assert left.collateral_enabled is enabled
    assert outcome.collateral_to_liquidator + outcome.protocol_fee == 10 * ONE_COIN


@pytest.mark.parametrize("revision", ["3.0.0", "3.0.1", "3.1"])
def test_an_enabled_collateral_of_nothing_repays_nothing_which_is_refused(revision):
    state = market(revision, coins=0)
    nothing = {
        COIN: Position(collateral_enabled=True),
        DOLLAR: Position(scaled_variable_debt=8_000 * ONE_DOLLAR, borrowing=True),
    }
    state = replace(state, accounts={**state.accounts, BORROWER: Account(positions=nothing)})
    refused = outcome_of(state, liquidator=BORROWER, receive_atoken=True)

    assert isinstance(refused, Revert)
    assert refused.name == "InvalidBurnAmount"


@pytest.mark.parametrize(
    ("revision", "name"), [("3.0.0", "Panic(0x11)"), ("3.0.1", None), ("3.0.2", None), ("3.1", None)]
)
def test_a_fee_that_rounds_beyond_what_is_left_reverts_in_3_0_0_and_is_capped_after(revision, name):
    # Index 2, scaled 5, so 10 units, all of them seized: at a bonus of 100 % half is bonus, and 60 % of that,
    # 3, are the fee. The liquidator's 7 scale to 4 (3.5 up) and the fee to 2 (1.5 up): one more than is left.
    coin = {
        "liquidity_index_ray": 2 * RAY,
        "config": config(decimals=6, liquidation_bonus_bps=200_00, liquidation_protocol_fee_bps=60_00),
    }
    state = market(revision, coins=5, dollars=9, coin=coin, dollar={"liquidity_rate_ray": 0})
    outcome = liquidation_call(
        state, call(debt_to_cover=9), prices_base={COIN: 10**8, DOLLAR: 10**8}, timestamp=NOW
    )

    if name:
        assert isinstance(outcome, Revert)
        assert outcome.name == name
    else:
        assert isinstance(outcome, Liquidated)
        assert (outcome.collateral_to_liquidator, outcome.protocol_fee) == (7, 2)
        assert outcome.market.accounts[TREASURY].positions[COIN].scaled_atoken == 1


# --- isolation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "counted"), [("3.0.0", True), ("3.0.1", False), ("3.0.2", False), ("3.1", False)]
)
def test_a_full_seizure_lowers_isolated_debt_in_3_0_0_because_the_bit_goes_last(revision, counted):
    isolated = {
        "config": config(debt_ceiling=10**9, liquidation_protocol_fee_bps=0),
        "isolation_mode_total_debt": 9_000_00,
    }
    outcome = done(market(revision, coin=isolated))
    repaid = outcome.debt_repaid // 10**4

    left = outcome.market.reserves[COIN].isolation_mode_total_debt
    assert left == (9_000_00 - repaid if counted else 9_000_00)


def test_isolated_debt_of_an_asset_with_one_decimal_cannot_be_counted():
    dollar = {"config": config(decimals=1)}
    coin = {"config": config(debt_ceiling=10**9), "isolation_mode_total_debt": 9_000_00}
    state = market("3.0.2", dollars=80_000, coin=coin, dollar=dollar)
    outcome = outcome_of(state, 900_00, debt_to_cover=10_000)

    assert isinstance(outcome, Revert)
    assert outcome.name == "Panic(0x11)"


# --- bridges ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "mint_cap", "deficit", "claims"),
    [
        ("3.0.0", 0, 0, 0),
        ("3.0.0", 1, 0, 600),
        ("3.0.1", 0, 0, 600),
        ("3.2", 0, 0, 600),
        ("3.3", 0, 1_000, 1_600),
        ("3.4", 0, 1_000, 1_000),
        ("3.7", 0, 1_000, 1_000),
    ],
)
def test_what_is_not_backed_lowers_the_supply_rate_alone(revision, mint_cap, deficit, claims):
    lent = reserve(
        DOLLAR,
        supply=1_000,
        debt=400,
        config=config(reserve_factor_bps=0, unbacked_mint_cap=mint_cap),
        virtual_underlying_balance=600,
        unbacked=600,
        deficit=deficit,
    )
    rates = interest_rates(lent, rules_of(revision), debt=400, added=0, taken=0)

    assert rates.variable_ray == 2 * PERCENT  # usage 40 %, half of the optimum
    assert rates.liquidity_ray == 2 * PERCENT * 400 // (1_000 + claims)


# --- grace, sentinel, prices of categories ------------------------------------------------------------------


@pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)
def test_grace_periods_are_new_in_3_1(rules):
    state = market(rules.revision, coin={"config": config(liquidation_grace_until_timestamp=NOW)})
    outcome = outcome_of(state, 900_00)

    assert isinstance(outcome, Revert) is (rules.revision >= "3.1")


@pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)
def test_the_virtual_balance_is_new_in_3_1_and_both_move_by_the_two_payments(rules):
    state = market(rules.revision)
    outcome = done(state, 900_00, debt_to_cover=1_000 * ONE_DOLLAR)
    moved = {
        i: outcome.market.reserves[i].virtual_underlying_balance - held.virtual_underlying_balance
        for i, held in state.reserves.items()
    }

    assert moved == {COIN: -outcome.collateral_to_liquidator, DOLLAR: outcome.debt_repaid}
    assert LIQUIDATOR not in outcome.market.accounts


@pytest.mark.parametrize(
    ("revision", "name"), [("3.0.2", "ERC20: transfer amount exceeds balance"), ("3.1", "Panic(0x11)")]
)
def test_collateral_that_is_not_there_cannot_be_paid_out(revision, name):
    outcome = outcome_of(market(revision, coin={"virtual_underlying_balance": 1}), 900_00)

    assert isinstance(outcome, Revert)
    assert outcome.name == name
    assert isinstance(outcome_of(market(revision), 900_00), Liquidated)
