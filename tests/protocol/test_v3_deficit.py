"""Eliminating a deficit: who may, in what order it is refused, and what it moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import REVISIONS, Account, Acted, Position, Revert, eliminate_reserve_deficit
from protocol.units import MAX_UINT256, RAY
from tests.protocol.markets import COIN, DOLLAR, NOW, TREASURY, config, market

UMBRELLA = "umbrella"
WITH_DEFICITS = [rules.revision for rules in REVISIONS if rules.revision >= "3.3"]


def state_of(revision: str, *, scaled: int = 1_000, deficit: int = 900, position=None, **dollar):
    """Umbrella holds dollars, of which the reserve owes its suppliers 900 that nobody will repay."""
    held = Position(scaled_atoken=scaled, collateral_enabled=True) if position is None else position
    state = market(revision, dollar={"deficit": deficit, "accrued_to_treasury_scaled": 0, **dollar})
    accounts = {**state.accounts, UMBRELLA: Account(positions={DOLLAR: held})}
    return replace(state, accounts=accounts, umbrella=UMBRELLA)


def eliminated(state, amount: int, *, caller: str = UMBRELLA, reserve_id: int = DOLLAR, timestamp: int = NOW):
    return eliminate_reserve_deficit(state, caller, reserve_id, amount, timestamp=timestamp)


def refused(state, amount: int = 1, **changes) -> str:
    outcome = eliminated(state, amount, **changes)
    assert isinstance(outcome, Revert), outcome
    return outcome.name


def covered(state, amount: int, **changes) -> Acted:
    outcome = eliminated(state, amount, **changes)
    assert isinstance(outcome, Acted), outcome
    return outcome


@pytest.mark.parametrize("revision", WITH_DEFICITS)
def test_a_deficit_is_paid_with_atokens_and_no_liquidity_moves(revision):
    state = state_of(revision)
    outcome = covered(state, 400)
    before, after = state.reserves[DOLLAR], outcome.market.reserves[DOLLAR]

    assert outcome.amount == 400
    assert after.deficit == 500
    assert after.total_scaled_atoken == before.total_scaled_atoken - 400
    assert after.virtual_underlying_balance == before.virtual_underlying_balance
    held = outcome.market.accounts[UMBRELLA].positions[DOLLAR]
    assert (held.scaled_atoken, held.collateral_enabled) == (600, True)


@pytest.mark.parametrize("revision", WITH_DEFICITS)
def test_more_than_the_deficit_covers_the_deficit(revision):
    outcome = covered(state_of(revision), MAX_UINT256)

    assert outcome.amount == 900
    assert outcome.market.reserves[DOLLAR].deficit == 0


@pytest.mark.parametrize("revision", WITH_DEFICITS)
def test_the_last_atoken_takes_the_collateral_bit_with_it(revision):
    outcome = covered(state_of(revision, scaled=900), 900)

    assert DOLLAR not in outcome.market.accounts[UMBRELLA].positions


@pytest.mark.parametrize("revision", WITH_DEFICITS)
def test_it_is_refused_in_the_contract_s_order(revision):
    owing = Position(scaled_atoken=1_000, borrowing=True, scaled_variable_debt=1)
    asleep = config(decimals=6, active=False)

    assert refused(state_of(revision, deficit=0), 0, caller="anyone") == "CallerNotUmbrella"
    assert refused(state_of(revision, deficit=0, position=owing), 0) == "InvalidAmount"
    assert refused(state_of(revision, deficit=0, position=owing)) == "ReserveNotInDeficit"
    assert refused(state_of(revision, position=owing, config=asleep)) == "UserCannotHaveDebt"
    assert refused(state_of(revision, scaled=0, config=asleep)) == "ReserveInactive"
    assert refused(state_of(revision, scaled=0)) == "NotEnoughAvailableUserBalance"
    assert refused(replace(state_of(revision), umbrella=None), caller=TREASURY) == "CallerNotUmbrella"
    assert refused(state_of(revision), timestamp=NOW - 1) == "Panic(0x11)"


@pytest.mark.parametrize(
    ("revision", "burned"), [("3.3", 133), ("3.4", 133), ("3.5", 134), ("3.6", 134), ("3.7", 134)]
)
def test_the_atokens_burned_round_half_up_before_3_5_and_up_from_then_on(revision, burned):
    # 400 at an index of 3 are 133.33 scaled.
    outcome = covered(state_of(revision, liquidity_index_ray=3 * RAY), 400)

    assert outcome.market.accounts[UMBRELLA].positions[DOLLAR].scaled_atoken == 1_000 - burned


@pytest.mark.parametrize("revision", WITH_DEFICITS)
def test_a_unit_that_scales_to_no_share_is_refused_before_3_5_and_takes_a_whole_share_from_then_on(revision):
    state = state_of(revision, liquidity_index_ray=3 * RAY)

    if revision < "3.5":
        assert refused(state, 1) == "InvalidBurnAmount"
    else:
        assert covered(state, 1).market.accounts[UMBRELLA].positions[DOLLAR].scaled_atoken == 999


@pytest.mark.parametrize(("revision", "whole"), [("3.4", False), ("3.5", True)])
def test_what_is_left_is_asked_in_asset_units_before_3_5_and_in_shares_from_then_on(revision, whole):
    # 100 scaled at an index of 3 are 300; 299 round up to all 100 shares, half up to 100 as well.
    outcome = covered(state_of(revision, scaled=100, liquidity_index_ray=3 * RAY), 299)
    left = outcome.market.accounts[UMBRELLA].positions.get(DOLLAR, Position())

    assert left.scaled_atoken == 0
    assert left.collateral_enabled is not whole


@pytest.mark.parametrize("revision", WITH_DEFICITS)
def test_what_suppliers_earn_rises_as_the_deficit_goes(revision):
    big = 10**12
    state = state_of(revision, scaled=big, deficit=big)
    before = covered(state, 1).market.reserves[DOLLAR]
    after = covered(state, big).market.reserves[DOLLAR]

    assert after.liquidity_rate_ray > before.liquidity_rate_ray
    assert after.variable_borrow_rate_ray == before.variable_borrow_rate_ray
    assert covered(state, 1).market.reserves[COIN] == state.reserves[COIN]


@pytest.mark.parametrize("revision", ["3.0.0", "3.0.2", "3.1", "3.2"])
def test_before_3_3_the_pool_has_no_such_call(revision):
    assert refused(state_of(revision)) == "EmptyRevert"


def test_a_deficit_of_gho_is_paid_in_gho_in_3_3_and_in_atokens_from_then_on():
    gho = config(decimals=6, virtual_accounting=False)

    paid = covered(state_of("3.3", config=gho), 400).market
    assert paid.accounts[UMBRELLA].positions[DOLLAR].scaled_atoken == 1_000
    assert paid.reserves[DOLLAR].deficit == 500
    burned = covered(state_of("3.4", config=gho), 400).market
    assert burned.accounts[UMBRELLA].positions[DOLLAR].scaled_atoken == 600
