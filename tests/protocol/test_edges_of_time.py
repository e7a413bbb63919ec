"""Single lines of v3 that time reaches: stored and viewed indexes, stable debt, a deficit covered later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol import aave_v3
from protocol.aave_v3.interest import accrue, normalized_debt, normalized_income, viewed_at
from protocol.aave_v3.stable_debt import burn_stable, stable_balance
from protocol.errors import EvmRevert
from protocol.units import MAX_UINT128, MAX_UINT256, RAY
from tests.protocol import markets
from tests.protocol.actions import rates_at
from tests.protocol.markets import BORROWER, DOLLAR, NOW, ONE_DOLLAR, prices

YEAR = 31_536_000


@pytest.mark.parametrize("revision", [rules.revision for rules in aave_v3.REVISIONS])
def test_a_supply_rate_of_one_ray_moves_the_stored_index(revision):
    state = markets.market(revision, dollar={"liquidity_rate_ray": 1})
    stored = accrue(state.reserves[DOLLAR], state.rules, NOW + YEAR)

    assert stored.liquidity_index_ray == RAY + 1


def test_a_viewed_market_has_every_index_of_that_time():
    state = markets.market("3.6")
    viewed = viewed_at(state, NOW + YEAR)

    for reserve_id, reserve in state.reserves.items():
        found = viewed.reserves[reserve_id]
        assert found.last_update_timestamp == NOW + YEAR
        assert found.liquidity_index_ray == normalized_income(reserve, state.rules, NOW + YEAR)
        assert found.variable_borrow_index_ray == normalized_debt(reserve, state.rules, NOW + YEAR)
        assert found.liquidity_index_ray == RAY + RAY // 50


def test_the_index_of_what_is_no_collateral_is_not_even_read():
    # Both of 128 bits: one year on, their product overflows.
    dead = {
        "config": markets.config(liquidation_threshold_bps=0, ltv_bps=0),
        "liquidity_rate_ray": MAX_UINT128,
        "liquidity_index_ray": MAX_UINT128,
    }
    for revision, is_read in (("3.5", False), ("3.6", True)):
        state = markets.market(revision, coin=dead)
        try:
            data = aave_v3.account_data(state, BORROWER, prices_base=prices(1_000_00), timestamp=NOW + YEAR)
        except EvmRevert:
            assert is_read
        else:
            assert not is_read
            assert data.total_collateral_base == 0


def test_a_repayment_beyond_the_interest_lowers_the_stored_balance_to_the_rest():
    debt = aave_v3.StableDebt(principal=1_000, rate_ray=RAY // 10, last_update_timestamp=NOW)
    totals = aave_v3.StableTotals(principal=1_000, average_rate_ray=RAY // 10, last_update_timestamp=NOW)
    balance = stable_balance(debt, NOW + YEAR)
    moved = burn_stable(totals, debt, 500, NOW + YEAR)

    assert balance == 1_105
    assert moved.debt.principal == moved.totals.principal == 605


def test_interest_beyond_a_repayment_is_kept_in_128_bits():
    debt = aave_v3.StableDebt(principal=MAX_UINT128, rate_ray=RAY // 10, last_update_timestamp=NOW)
    totals = aave_v3.StableTotals(principal=0, average_rate_ray=0, last_update_timestamp=NOW)

    with pytest.raises(EvmRevert) as caught:
        burn_stable(totals, debt, 1, NOW + YEAR)
    assert caught.value.name == "Panic(0x11)"


def test_a_deficit_is_covered_at_the_index_of_that_time():
    held = aave_v3.Position(scaled_atoken=1_000)
    for revision in ("3.3", "3.4", "3.5", "3.6", "3.7"):
        state = markets.market(revision, dollar={"deficit": 900})
        state = replace(
            state,
            accounts={**state.accounts, "umbrella": aave_v3.Account(positions={DOLLAR: held})},
            umbrella="umbrella",
        )
        outcome = aave_v3.eliminate_reserve_deficit(state, "umbrella", DOLLAR, 102, timestamp=NOW + YEAR)
        assert isinstance(outcome, aave_v3.Acted)
        after = outcome.market.reserves[DOLLAR]

        assert (after.deficit, after.liquidity_index_ray) == (798, 102 * RAY // 100)
        assert outcome.market.accounts["umbrella"].positions[DOLLAR].scaled_atoken == 900


def test_a_repayment_of_stable_debt_sets_rates_by_the_total_that_its_burn_told():
    """The average of 0.1 % cannot bear that 8,000 leave at 10 %: 24,000 are told, none are stored."""
    stable = aave_v3.StableDebt(principal=8_000 * ONE_DOLLAR, rate_ray=RAY // 10, last_update_timestamp=NOW)
    totals = aave_v3.StableTotals(
        principal=32_000 * ONE_DOLLAR, average_rate_ray=RAY // 1_000, last_update_timestamp=NOW
    )
    state = markets.market("3.0.2", dollars=0, dollar={"stable_debt": totals})
    account = state.accounts[BORROWER]
    owes = {**account.positions, DOLLAR: aave_v3.Position(stable_debt=stable, borrowing=True)}
    state = replace(state, accounts={**state.accounts, BORROWER: replace(account, positions=owes)})
    outcome = aave_v3.repay(
        state, BORROWER, DOLLAR, MAX_UINT256, rate_mode=aave_v3.RateMode.STABLE, timestamp=NOW
    )
    assert isinstance(outcome, aave_v3.Acted)
    after = outcome.market.reserves[DOLLAR]

    assert after.stable_debt == aave_v3.StableTotals(last_update_timestamp=NOW)
    assert after.variable_borrow_rate_ray == rates_at(24_000, 10**6 + 8_000 + 24_000)[1]
