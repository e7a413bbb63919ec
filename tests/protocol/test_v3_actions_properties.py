"""What actions in any order must keep in Aave v3, and that they lead to the accounts that chains recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.aave_v3 import (
    REVISIONS,
    Account,
    Acted,
    Market,
    Position,
    Reserve,
    Rules,
    account_data,
    borrow,
    repay,
    set_collateral_use,
    supply,
    withdraw,
)
from protocol.aave_v3.interest import accrue
from protocol.aave_v3.rates import with_new_rates
from protocol.units import MAX_UINT256, RAY, WAD
from tests.protocol.actions import did, supplies, withdraws
from tests.protocol.cases import OwnCase, own_cases, v3_case
from tests.protocol.markets import BORROWER, COIN, DOLLAR, NOW, WHALE, market

ALL = pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)
PRICES = {COIN: 1_500 * 10**8, DOLLAR: 10**8}
USERS = (BORROWER, WHALE, "alice")
AMOUNTS = st.one_of(st.integers(1, 100), st.integers(1, 10**11), st.integers(1, 10**19), st.just(MAX_UINT256))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["supply", "withdraw", "borrow", "repay", "enable", "disable"]),
        st.sampled_from(USERS),
        st.sampled_from([COIN, DOLLAR]),
        AMOUNTS,
        st.sampled_from([0, 0, 12, 10**6]),
    ),
    min_size=1,
    max_size=12,
)


def step(state: Market, action: str, user: str, reserve_id: int, amount: int, now: int) -> Any:
    priced: dict[str, Any] = {"prices_base": PRICES, "timestamp": now}
    match action:
        case "supply":
            return supply(state, user, reserve_id, min(amount, 10**20), timestamp=now)
        case "withdraw":
            return withdraw(state, user, reserve_id, amount, **priced)
        case "borrow":
            return borrow(state, user, reserve_id, amount, **priced)
        case "repay":
            return repay(state, user, reserve_id, amount, timestamp=now)
        case _:
            return set_collateral_use(state, user, reserve_id, use=action == "enable", **priced)


def totals(state: Market, reserve_id: int) -> tuple[int, int]:
    held = [one.positions.get(reserve_id, Position()) for one in state.accounts.values()]
    return sum(one.scaled_atoken for one in held), sum(one.scaled_variable_debt for one in held)


@ALL
@settings(max_examples=25)
@given(steps=STEPS)
def test_actions_keep_the_totals_the_liquidity_the_bits_and_the_borrowers_health(rules: Rules, steps):
    state, now = market(rules.revision), NOW
    flows = {"supply": 1, "repay": 1, "withdraw": -1, "borrow": -1}

    for action, user, reserve_id, amount, seconds in steps:
        now += seconds
        outcome = step(state, action, user, reserve_id, amount, now)
        if not isinstance(outcome, Acted):
            continue
        before, after = state.reserves[reserve_id], outcome.market.reserves[reserve_id]
        gained = after.virtual_underlying_balance - before.virtual_underlying_balance
        assert gained == flows.get(action, 0) * outcome.amount
        assert totals(outcome.market, reserve_id) == (
            after.total_scaled_atoken,
            after.total_scaled_variable_debt,
        )
        assert after.liquidity_index_ray >= before.liquidity_index_ray
        assert after.variable_borrow_index_ray >= before.variable_borrow_index_ray
        account = outcome.market.accounts.get(user, Account())
        mine = account.positions.get(reserve_id, Position())
        assert mine.borrowing == (mine.scaled_variable_debt > 0)
        if action in {"withdraw", "borrow", "disable"}:
            data = account_data(outcome.market, user, prices_base=PRICES, timestamp=now)
            assert data.health_factor_wad >= WAD or not mine.collateral_enabled
        state = outcome.market


@ALL
@settings(max_examples=25)
@given(amount=st.integers(1, 10**12), index_ray=st.integers(RAY, 3 * RAY))
def test_from_3_5_on_nobody_takes_out_more_than_went_in(rules: Rules, amount, index_ray):
    state = market(rules.revision, dollar={"liquidity_index_ray": index_ray})
    given_in = supplies(state, amount)
    if not isinstance(given_in, Acted):
        return

    taken_out = did(withdraws(given_in.market, MAX_UINT256, user="liquidator")).amount
    # To the nearest, up to 3.4, the round trip may give half a scaled unit's worth: less than two units here.
    assert taken_out <= amount + (0 if rules.revision >= "3.5" else 1)


# --- recorded accounts, opened again ------------------------------------------------------------------------


def opened(reserve: Reserve) -> Reserve:
    """A reserve in which everything may be done."""
    config = replace(reserve.config, active=True, paused=False)
    return replace(reserve, config=config)


def amounts_of(rules: Rules, reserve: Reserve, held: Position) -> tuple[int, int]:
    """What has to be supplied and borrowed for the scaled balances of a position. [asset units]"""
    supplied = held.scaled_atoken * reserve.liquidity_index_ray
    borrowed = held.scaled_variable_debt * reserve.variable_borrow_index_ray
    if rules.revision >= "3.5":
        return -(-supplied // RAY), borrowed // RAY
    return (supplied + RAY // 2) // RAY, (borrowed + RAY // 2) // RAY


def without(rules: Rules, reserve: Reserve, held: Position) -> Reserve:
    """The reserve as if a position had never been."""
    supplied, borrowed = amounts_of(rules, reserve, held)
    return replace(
        reserve,
        total_scaled_atoken=reserve.total_scaled_atoken - held.scaled_atoken,
        total_scaled_variable_debt=reserve.total_scaled_variable_debt - held.scaled_variable_debt,
        virtual_underlying_balance=reserve.virtual_underlying_balance - supplied + borrowed,
    )


def recorded(own: OwnCase) -> tuple[Market, int] | None:
    """A recorded market, accrued to the time of the call; None where no actions lead to its borrower."""
    case = v3_case(own)
    held = case.market.accounts["borrower"].positions
    reserves = case.market.reserves
    for reserve_id, one in held.items():
        if one.collateral_enabled and (not one.scaled_atoken or not reserves[reserve_id].config.ltv_bps):
            return None  # its supply was seized, or its loan to value taken away later
    accrued = {
        reserve_id: opened(accrue(reserve, case.market.rules, case.timestamp))
        for reserve_id, reserve in reserves.items()
    }
    modes = {n: replace(mode, borrowable_bitmap=-1) for n, mode in case.market.emodes.items()}
    return replace(case.market, reserves=accrued, emodes=modes), case.timestamp


def reopen(state: Market, now: int) -> Market:
    """The recorded borrower's account taken away and opened again by actions."""
    rules, account = state.rules, state.accounts["borrower"]
    reserves = dict(state.reserves)
    for reserve_id, held in account.positions.items():
        reserves[reserve_id] = without(rules, reserves[reserve_id], held)
    # Prices at which everything is allowed: it was allowed once, at other ones.
    owed = {reserve_id for reserve_id, held in account.positions.items() if held.scaled_variable_debt}
    priced: dict[str, Any] = {
        "prices_base": {n: 1 if n in owed else 10**18 for n in reserves},
        "timestamp": now,
    }
    accounts = {**state.accounts, "borrower": Account(emode=account.emode)}
    again = replace(state, reserves=reserves, accounts=accounts)
    for reserve_id, held in account.positions.items():
        supplied, _ = amounts_of(rules, state.reserves[reserve_id], held)
        if supplied:
            again = did(supply(again, "borrower", reserve_id, supplied, timestamp=now)).market
            use = held.collateral_enabled
            again = did(set_collateral_use(again, "borrower", reserve_id, use=use, **priced)).market
    for reserve_id in owed:
        _, borrowed = amounts_of(rules, state.reserves[reserve_id], account.positions[reserve_id])
        again = did(borrow(again, "borrower", reserve_id, borrowed, **priced)).market
    return again


@pytest.mark.parametrize("revision", sorted({own.recording.revision for own in own_cases("aave_v3")}))
def test_actions_lead_to_the_recorded_accounts(revision):
    compared = 0
    cases = [own for own in own_cases("aave_v3") if own.recording.revision == revision]
    for own in cases:
        found = recorded(own)
        if found is None:
            continue
        state, now = found
        account = state.accounts["borrower"]
        if not any(one.collateral_enabled and not one.borrowing for one in account.positions.values()):
            continue  # no price makes an account worth more than itself
        again = reopen(state, now)
        assert again.accounts["borrower"] == account
        for reserve_id, held in account.positions.items():
            if held != Position():
                expected = with_new_rates(state.reserves[reserve_id], state.rules)
                assert again.reserves[reserve_id] == expected
        compared += 1

    assert compared >= len(cases) // 2
    assert compared >= 10


def test_a_scaled_balance_is_what_an_action_makes_of_its_amount():
    half_more = market("3.6", dollar={"liquidity_index_ray": 3 * RAY // 2})

    assert amounts_of(half_more.rules, half_more.reserves[DOLLAR], Position(scaled_atoken=3)) == (5, 0)
    assert did(supplies(half_more, 5)).market.reserves[DOLLAR].total_scaled_atoken == 1_008_000_000_003
