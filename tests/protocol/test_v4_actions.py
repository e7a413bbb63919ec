"""Supplying, withdrawing, borrowing and repaying on a spoke: what moves, and what is refused in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v4 import (
    Acted,
    account_data,
    borrow,
    eliminate_deficit,
    repay,
    set_collateral_use,
    supply,
    update_dynamic_config,
    update_risk_premium,
    withdraw,
)
from protocol.aave_v4.interest import drawn_index
from protocol.aave_v4.state import NO_RESERVES_LIMIT
from protocol.errors import UnknownReserve
from protocol.units import MAX_UINT256, RAY, SECONDS_PER_YEAR, WAD
from tests.protocol.v4_markets import (
    BANK,
    BORROWER,
    COIN,
    DOLLAR,
    NOW,
    OTHER_SPOKE,
    SPOKE,
    STONE,
    TERMS,
    done,
    empty,
    market,
    moved,
    position,
    refusal,
    units,
    usd,
    with_book,
    with_position,
    with_reserve,
)

LATER = NOW + 30 * SECONDS_PER_YEAR
P = {"prices_base": usd(), "timestamp": NOW}


@pytest.fixture
def state():
    return market(holds={COIN: 10}, owes={DOLLAR: 5_000})


@pytest.fixture
def risky():
    """Coins carry a risk of 50 %."""
    return market(holds={COIN: 10}, owes={DOLLAR: 5_000}, reserves={COIN: {"collateral_risk_bps": 50_00}})


def acted(outcome) -> Acted:
    assert isinstance(outcome, Acted), outcome
    return outcome


# --- supply ---


def test_a_supply_gives_shares_to_whom_it_is_for_and_is_no_collateral_by_itself(state):
    found = acted(supply(state, BANK, STONE, units(STONE, 4), on_behalf_of="friend", timestamp=NOW))

    assert (found.amount, found.shares) == (units(STONE, 4), units(STONE, 4))
    held = position(found.market, STONE, "friend")
    assert (held.supplied_shares, held.collateral_enabled) == (units(STONE, 4), False)
    assert position(found.market, STONE, BANK) == position(state, STONE, BANK)


def test_a_second_supply_is_added_to_the_first_and_leaves_the_rest_of_the_position(state):
    found = acted(supply(state, BORROWER, COIN, units(COIN, 4), timestamp=NOW))
    before = position(state, COIN)

    assert before.collateral_enabled
    assert position(found.market, COIN) == replace(before, supplied_shares=units(COIN, 14))


def test_a_supply_is_refused_in_order(state):
    def refused(market, amount=0, reserve_id=COIN):
        return refusal(supply(market, BANK, reserve_id, amount, timestamp=NOW))

    shut = with_reserve(state, COIN, paused=True, frozen=True)
    assert refused(shut, reserve_id=9) == "ReserveNotListed"
    assert refused(shut) == "ReservePaused"
    assert refused(with_reserve(state, COIN, frozen=True)) == "ReserveFrozen"
    assert refused(state) == "InvalidAmount"
    assert refused(with_book(state, COIN, add_cap=10**6 + 10), 1) == "AddCapExceeded"


# --- withdraw ---


def test_a_withdrawal_beyond_what_there_is_takes_all(state):
    found = acted(withdraw(state, BANK, STONE, MAX_UINT256, **P))

    assert found.amount == found.shares == units(STONE, 10**6)
    assert STONE not in found.market.accounts[BANK].positions


def test_a_withdrawal_may_go_as_far_as_a_health_factor_of_one(state):
    # 5000 dollars need 6.25 coins at 80 %.
    assert acted(withdraw(state, BORROWER, COIN, units(COIN, 3.75), **P))
    assert (
        refusal(withdraw(state, BORROWER, COIN, units(COIN, 3.75) + 1, **P)) == "HealthFactorBelowThreshold"
    )
    free = with_position(state, COIN, collateral_enabled=False)
    assert acted(withdraw(free, BORROWER, COIN, units(COIN, 10), prices_base={}, timestamp=NOW))


def test_a_withdrawal_refreshes_parameters_and_premium(risky):
    better = replace(TERMS, collateral_factor_bps=90_00)
    state = with_reserve(
        risky, COIN, dynamic_configs={0: TERMS, 3: better}, dynamic_config_key=3, collateral_risk_bps=20_00
    )
    found = moved(withdraw(state, BORROWER, COIN, 1, **P))

    assert position(found, COIN).dynamic_config_key == 3
    assert found.accounts[BORROWER].risk_premium_bps == 20_00
    assert position(found, DOLLAR).premium_shares == units(DOLLAR, 1_000)


def test_a_withdrawal_is_refused_in_order(state):
    def refused(market, amount=0, reserve_id=STONE):
        return refusal(withdraw(market, BANK, reserve_id, amount, **P))

    assert refused(state, reserve_id=9) == "ReserveNotListed"
    assert refused(with_reserve(state, STONE, paused=True)) == "ReservePaused"
    assert refused(with_reserve(state, STONE, frozen=True)) == "InvalidAmount"
    assert refusal(withdraw(state, "stranger", STONE, 1, **P)) == "InvalidAmount"


# --- collateral ---


def test_a_new_collateral_takes_the_latest_parameters_and_leaves_the_premium(risky):
    state = with_reserve(risky, STONE, dynamic_configs={0: TERMS, 2: TERMS}, dynamic_config_key=2)
    state = moved(supply(state, BORROWER, STONE, units(STONE, 1_000), timestamp=NOW))
    found = moved(set_collateral_use(state, BORROWER, STONE, use=True, **P))

    assert position(found, STONE).collateral_enabled
    assert position(found, STONE).dynamic_config_key == 2
    assert (
        found.accounts[BORROWER].risk_premium_bps == 50_00
    )  # stones are without risk, yet nothing is refreshed
    assert moved(update_risk_premium(found, BORROWER, **P)).accounts[BORROWER].risk_premium_bps == 0


def test_the_last_cover_cannot_stop_being_collateral(state):
    off = {"use": False, **P}

    assert refusal(set_collateral_use(state, BORROWER, COIN, **off)) == "HealthFactorBelowThreshold"
    assert not position(moved(set_collateral_use(state, BANK, COIN, **off)), COIN, BANK).collateral_enabled


def test_a_switch_to_what_is_set_does_nothing_and_asks_nothing(state):
    paused = with_reserve(state, COIN, paused=True)

    assert moved(set_collateral_use(paused, BORROWER, COIN, use=True, **P)) == paused
    assert refusal(set_collateral_use(paused, BANK, COIN, use=True, **P)) == "ReservePaused"
    assert refusal(set_collateral_use(paused, BORROWER, COIN, use=False, **P)) == "ReservePaused"
    frozen = with_reserve(state, COIN, frozen=True)
    assert refusal(set_collateral_use(frozen, BANK, COIN, use=True, **P)) == "ReserveFrozen"
    assert refusal(set_collateral_use(frozen, BORROWER, COIN, use=False, **P)) == "HealthFactorBelowThreshold"
    assert refusal(set_collateral_use(state, BORROWER, 9, use=True, **P)) == "ReserveNotListed"


@pytest.mark.parametrize(("limit", "refused"), [(1, True), (2, False), (NO_RESERVES_LIMIT, False)])
def test_a_user_has_no_more_collaterals_and_loans_than_the_limit(limit, refused):
    state = market(holds={COIN: 10}, owes={DOLLAR: 1_000}, max_user_reserves=limit)
    state = moved(supply(state, BORROWER, STONE, units(STONE, 1), timestamp=NOW))
    for outcome in (
        set_collateral_use(state, BORROWER, STONE, use=True, **P),
        borrow(state, BORROWER, STONE, units(STONE, 1), **P),
    ):
        assert isinstance(outcome, Acted) is not refused
        if refused:
            assert refusal(outcome) == "MaximumUserReservesExceeded"
    assert acted(borrow(state, BORROWER, DOLLAR, 1, **P))  # no new loan


# --- borrow ---


def test_a_loan_draws_shares_and_a_premium_for_the_risk(risky):
    found = acted(borrow(risky, BORROWER, STONE, units(STONE, 3), **P))
    owed = position(found.market, STONE)

    assert (found.amount, found.shares) == (units(STONE, 3), units(STONE, 3))
    assert (owed.drawn_shares, owed.borrowing) == (units(STONE, 3), True)
    assert owed.premium_shares == units(STONE, 1.5)
    assert owed.premium_offset_ray == units(STONE, 1.5) * RAY  # nothing of it is owed yet
    assert found.market.assets[STONE].spokes[SPOKE].premium_shares == owed.premium_shares


def test_a_loan_may_go_as_far_as_a_health_factor_of_one(state):
    assert acted(borrow(state, BORROWER, DOLLAR, units(DOLLAR, 3_000), **P))
    assert (
        refusal(borrow(state, BORROWER, DOLLAR, units(DOLLAR, 3_000) + 1, **P))
        == "HealthFactorBelowThreshold"
    )


def test_a_loan_takes_the_latest_parameters(state):
    worse = replace(TERMS, collateral_factor_bps=50_00)
    changed = with_reserve(state, COIN, dynamic_configs={0: TERMS, 1: worse}, dynamic_config_key=1)

    assert refusal(borrow(changed, BORROWER, DOLLAR, 1, **P)) == "HealthFactorBelowThreshold"
    assert acted(repay(changed, BORROWER, DOLLAR, 1, timestamp=NOW))


def test_a_loan_is_refused_in_order(state):
    def refused(market, amount=0, reserve_id=STONE):
        return refusal(borrow(market, BORROWER, reserve_id, amount, **P))

    shut = with_reserve(state, STONE, paused=True, frozen=True, borrowable=False)
    assert refused(shut, reserve_id=9) == "ReserveNotListed"
    assert refused(shut) == "ReservePaused"
    assert refused(with_reserve(shut, STONE, paused=False)) == "ReserveFrozen"
    assert refused(with_reserve(state, STONE, borrowable=False)) == "ReserveNotBorrowable"
    assert refused(state) == "InvalidAmount"
    assert refused(with_book(state, STONE, draw_cap=1), units(STONE, 1) + 1) == "DrawCapExceeded"
    full = replace(state, max_user_reserves=1)
    assert refused(full, units(STONE, 10**6)) == "MaximumUserReservesExceeded"  # before health
    assert refused(state, units(STONE, 10**6) + 1) == "InsufficientLiquidity"


# --- repay ---


def test_a_repayment_beyond_the_debt_pays_all_and_clears_the_bit(state):
    found = acted(repay(state, BANK, DOLLAR, MAX_UINT256, on_behalf_of=BORROWER, timestamp=NOW))

    assert (found.amount, found.shares) == (units(DOLLAR, 5_000), units(DOLLAR, 5_000))
    assert DOLLAR not in found.market.accounts[BORROWER].positions


def test_a_repayment_of_all_but_one_share_leaves_a_loan(state):
    found = moved(repay(state, BORROWER, DOLLAR, units(DOLLAR, 5_000) - 1, timestamp=NOW))
    owed = position(found, DOLLAR)

    assert (owed.drawn_shares, owed.borrowing) == (1, True)


def test_a_repayment_pays_premium_first_and_whole_units_of_it(risky):
    index_ray = drawn_index(risky.assets[DOLLAR], LATER)
    premium_ray = units(DOLLAR, 2_500) * (index_ray - RAY)
    premium = -(-premium_ray // RAY)
    part = acted(repay(risky, BORROWER, DOLLAR, premium - 1, timestamp=LATER))
    more = acted(repay(risky, BORROWER, DOLLAR, premium + 100, timestamp=LATER))

    assert (part.amount, part.shares) == (premium - 1, 0)
    owed = position(part.market, DOLLAR)
    assert owed.premium_shares * index_ray - owed.premium_offset_ray == premium_ray - (premium - 1) * RAY
    assert (more.amount, more.shares) == (premium + 100, 100 * RAY // index_ray)
    owed = position(more.market, DOLLAR)
    assert owed.premium_shares * index_ray == owed.premium_offset_ray
    assert owed.drawn_shares == units(DOLLAR, 5_000) - more.shares


def test_a_repayment_keeps_the_stored_risk_premium(risky):
    safer = with_reserve(risky, COIN, collateral_risk_bps=0)
    found = moved(repay(safer, BORROWER, DOLLAR, units(DOLLAR, 1_000), timestamp=NOW))

    assert found.accounts[BORROWER].risk_premium_bps == 50_00
    assert position(found, DOLLAR).premium_shares == units(DOLLAR, 2_000)


def test_a_repayment_is_refused_in_order(state):
    def refused(market, amount=0, reserve_id=DOLLAR, user=BORROWER):
        return refusal(repay(market, user, reserve_id, amount, timestamp=NOW))

    assert refused(state, reserve_id=9) == "ReserveNotListed"
    assert refused(with_reserve(state, DOLLAR, paused=True)) == "ReservePaused"
    assert refused(state) == "InvalidAmount"
    assert refused(state, 5, user=BANK) == "InvalidAmount"  # owes nothing


def test_a_threshold_for_premium_can_block_a_repayment(risky):
    """Half as many premium shares as drawn ones exceed a threshold of 40 % after the repayment as before."""
    assert refusal(
        repay(with_book(risky, DOLLAR, risk_premium_threshold_bps=40_00), BORROWER, DOLLAR, 5, timestamp=NOW)
    ) == ("InvalidPremiumChange")


# --- refreshing ---


def test_a_premium_that_stays_zero_touches_no_asset(state):
    assert moved(update_risk_premium(state, BORROWER, prices_base=usd(), timestamp=LATER)) == state


def test_refreshing_the_premium_keeps_the_debt_and_moves_the_shares(risky):
    riskier = with_reserve(risky, COIN, collateral_risk_bps=80_00)
    before = account_data(riskier, BORROWER, prices_base=usd(), timestamp=LATER)
    found = moved(update_risk_premium(riskier, BORROWER, prices_base=usd(), timestamp=LATER))
    after = account_data(found, BORROWER, prices_base=usd(), timestamp=LATER)

    assert position(found, DOLLAR).premium_shares == units(DOLLAR, 4_000)
    assert after.total_debt_value_ray == before.total_debt_value_ray
    assert position(found, COIN) == position(riskier, COIN)


def test_refreshing_parameters_needs_health_and_refreshing_the_premium_does_not(risky):
    worse = replace(TERMS, collateral_factor_bps=10_00)
    changed = with_reserve(risky, COIN, dynamic_configs={0: TERMS, 1: worse}, dynamic_config_key=1)

    assert refusal(update_dynamic_config(changed, BORROWER, **P)) == "HealthFactorBelowThreshold"
    assert acted(update_risk_premium(changed, BORROWER, prices_base=usd(coin=1), timestamp=NOW))
    assert (
        refusal(update_risk_premium(changed, BORROWER, prices_base=usd(coin=0), timestamp=NOW))
        == "InvalidPrice"
    )
    better = replace(TERMS, collateral_factor_bps=90_00)
    changed = with_reserve(risky, COIN, dynamic_configs={0: TERMS, 1: better}, dynamic_config_key=1)
    assert position(moved(update_dynamic_config(changed, BORROWER, **P)), COIN).dynamic_config_key == 1


# --- deficits ---


def test_a_deficit_is_paid_off_by_a_spoke_with_shares():
    state = done(market(holds={COIN: 10}, owes={DOLLAR: 7_000}), usd(coin=700)).market
    bank = state.assets[DOLLAR].spokes[SPOKE].added_shares
    state = with_book(with_book(state, DOLLAR, added_shares=0), DOLLAR, spoke=OTHER_SPOKE, added_shares=bank)
    part = acted(eliminate_deficit(state, OTHER_SPOKE, DOLLAR, units(DOLLAR, 100), timestamp=NOW))
    rest = acted(eliminate_deficit(part.market, OTHER_SPOKE, DOLLAR, MAX_UINT256, timestamp=NOW))

    assert (part.amount, rest.amount) == (units(DOLLAR, 100), 333_333_333 - units(DOLLAR, 100))
    assert rest.market.assets[DOLLAR].deficit_ray == 0
    assert rest.market.assets[DOLLAR].liquidity == state.assets[DOLLAR].liquidity
    assert part.shares == units(DOLLAR, 100)
    assert refusal(eliminate_deficit(rest.market, OTHER_SPOKE, DOLLAR, 1, timestamp=NOW)) == "InvalidAmount"
    assert refusal(eliminate_deficit(state, OTHER_SPOKE, DOLLAR, 1, covered=OTHER_SPOKE, timestamp=NOW)) == (
        "InvalidAmount"
    )
    with pytest.raises(UnknownReserve):
        eliminate_deficit(state, OTHER_SPOKE, 9, 1, timestamp=NOW)


def test_a_new_market_has_nothing_and_nobody_owes():
    assert account_data(empty(), BORROWER, prices_base={}, timestamp=NOW).health_factor_wad > WAD
