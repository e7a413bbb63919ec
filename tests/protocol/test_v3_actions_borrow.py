"""Borrowing and repaying in Aave v3: numbers worked out by hand; the contracts speak in the fuzz."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import Account, Market, borrow
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
    position,
    rates_at,
    repays,
    supplies,
    why,
)
from tests.protocol.markets import (
    BORROWER,
    COIN,
    DOLLAR,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    config,
    market,
)

# --- borrow -------------------------------------------------------------------------------------------------


@EVERY_REVISION
def test_a_loan_adds_debt_and_takes_liquidity(revision):
    state = did(supplies(market(revision), ONE_COIN, reserve_id=COIN)).market
    outcome = did(borrows(state, 1_000 * ONE_DOLLAR, user=ALICE))

    after = outcome.market.reserves[DOLLAR]
    assert position(outcome, ALICE, DOLLAR).scaled_variable_debt == 10**9
    assert position(outcome, ALICE, DOLLAR).borrowing
    assert after.total_scaled_variable_debt == 9_000 * ONE_DOLLAR
    assert after.virtual_underlying_balance == 999_000 * ONE_DOLLAR
    assert after.variable_borrow_rate_ray == rates_at(9_000, 1_008_000)[1]


@pytest.mark.parametrize(("amount", "before_3_5", "from_3_5"), [(1, 1, 1), (4, 3, 3), (5, 3, 4), (2, 1, 2)])
def test_a_loan_is_scaled_to_the_nearest_and_up_from_3_5_on(amount, before_3_5, from_3_5):
    for revision in ALL:
        outcome = did(borrows(at_index(revision, 3 * RAY // 2), amount, cents=9_000_00))
        debt = position(outcome, BORROWER, DOLLAR).scaled_variable_debt - 8_000 * ONE_DOLLAR
        assert debt == (from_3_5 if revision in FROM_3_5 else before_3_5), revision


@EVERY_REVISION
def test_a_loan_goes_to_the_loan_to_value_and_not_beyond(revision):
    # Ten coins of 1,200 at 75 % allow 9,000, of which 8,000 are owed.
    state = market(revision)

    assert did(borrows(state, 1_000 * ONE_DOLLAR, cents=1_200_00))
    beyond = borrows(state, 1_000 * ONE_DOLLAR + 1, cents=1_200_00)
    assert why(beyond) == "CollateralCannotCoverNewBorrow"


@EVERY_REVISION
def test_the_collateral_that_a_loan_needs_is_rounded_to_the_nearest_and_up_from_3_5_on(revision):
    # Of a loan of 3,001 base units at 75 % it is 4,001.33; one coin is worth 4,001.
    state = market(revision, coins=ONE_COIN, dollars=0)
    unit_prices = {COIN: 4_001, DOLLAR: 10**6}

    outcome = borrow(state, BORROWER, DOLLAR, 3_001, prices_base=unit_prices, timestamp=NOW)
    if revision in FROM_3_5:
        assert why(outcome) == "CollateralCannotCoverNewBorrow"
    else:
        assert did(outcome)


@pytest.mark.parametrize("revision", FROM_3_5)
def test_a_loan_is_held_against_the_supply_as_the_debt_it_makes(revision):
    # Three scaled at 1.5 are 4 supplied, rounded down; a loan of 4 makes a debt of 5, rounded up.
    state = at_index(revision, 3 * RAY // 2, total_scaled_atoken=3, virtual_underlying_balance=10)

    assert did(borrows(state, 3, cents=9_000_00))
    assert why(borrows(state, 4, cents=9_000_00)) == "InvalidAmount"


@EVERY_REVISION
def test_up_to_3_4_health_must_be_above_one_before_a_loan_and_from_3_5_on_one_or_more_after_it(revision):
    no_room = market(revision, coin={"config": config(ltv_bps=80_00)}, dollars=8_000 * ONE_DOLLAR - 1)

    outcome = borrows(no_room, 1, cents=1_000_00)  # ends at exactly 1
    assert did(outcome)
    exactly_one = did(outcome).market
    assert why(borrows(exactly_one, 1, cents=1_000_00)) == "HealthFactorLowerThanLiquidationThreshold"


@EVERY_REVISION
def test_who_has_no_collateral_or_only_such_without_loan_to_value_gets_no_loan(revision):
    nothing = borrows(market(revision), 1, user=ALICE)
    no_ltv = borrows(market(revision, coin={"config": config(ltv_bps=0)}), 1)

    assert why(nothing) == ("CollateralBalanceIsZero" if revision in BEFORE_3_5 else "LtvValidationFailed")
    assert why(no_ltv) == "LtvValidationFailed"


@EVERY_REVISION
def test_a_borrow_cap_is_in_whole_tokens_and_may_be_reached(revision):
    assert did(borrows(capped(revision), ONE_DOLLAR))
    assert why(borrows(capped(revision), ONE_DOLLAR + 1)) == "BorrowCapExceeded"


@EVERY_REVISION
def test_borrowing_must_be_enabled(revision):
    state = market(revision, dollar={"config": config(decimals=6, borrowing_enabled=False)})

    assert why(borrows(state, 0)) == "InvalidAmount"
    assert why(borrows(state, 1)) == "BorrowingNotEnabled"
    assert did(repays(state, 1))


@EVERY_REVISION
def test_a_loan_of_more_than_all_supply_is_an_invalid_amount_from_3_1_on(revision):
    outcome = borrows(market(revision), SUPPLIED + 1, cents=9_000_000_00)

    assert why(outcome) == ("Panic(0x11)" if revision in V3_0 else "InvalidAmount")


@EVERY_REVISION
def test_a_sentinel_stops_loans_up_to_3_6(revision):
    closed = market(revision, sentinel_allows_liquidation=False)

    outcome = borrows(closed, 1)
    assert did(outcome) if revision == "3.7" else why(outcome) == "PriceOracleSentinelCheckFailed"
    assert did(borrows(replace(closed, sentinel_allows_liquidation=True), 1))


# --- silos and isolation ------------------------------------------------------------------------------------


def siloed(revision: str, *, dollar: bool, coin: bool) -> Market:
    """A borrower of dollars with much coin; which of both is siloed."""
    return market(
        revision,
        coin={"config": config(siloed_borrowing=coin)},
        dollar={"config": config(decimals=6, siloed_borrowing=dollar)},
    )


@EVERY_REVISION
@pytest.mark.parametrize(
    ("dollar", "coin", "more_dollars", "coins_too"),
    [(True, False, True, False), (False, True, True, False), (False, False, True, True)],
)
def test_a_siloed_asset_is_borrowed_alone_up_to_3_6(revision, dollar, coin, more_dollars, coins_too):
    state = siloed(revision, dollar=dollar, coin=coin)

    for reserve_id, allowed in ((DOLLAR, more_dollars), (COIN, coins_too)):
        outcome = borrows(state, 1, reserve_id=reserve_id)
        if allowed or revision == "3.7":
            assert did(outcome)
        else:
            assert why(outcome) == "SiloedBorrowingViolation"


@EVERY_REVISION
def test_who_owes_two_assets_is_in_no_silo(revision):
    state = siloed(revision, dollar=False, coin=True)  # a silo made after it was borrowed from
    borrower = state.accounts[BORROWER].positions
    both = {**borrower, COIN: replace(borrower[COIN], scaled_variable_debt=100, borrowing=True)}
    state = replace(state, accounts={**state.accounts, BORROWER: Account(positions=both)})

    assert did(borrows(state, 1))


def isolated(revision: str, *, lent: bool = True, total: int = 8_000_00) -> Market:
    """A borrower whose only collateral may stand for 9,000.00 of debt."""
    return market(
        revision,
        coin={"config": config(debt_ceiling=9_000_00), "isolation_mode_total_debt": total},
        dollar={"config": config(decimals=6, borrowable_in_isolation=lent)},
    )


@EVERY_REVISION
def test_a_loan_against_isolated_collateral_is_counted_in_cents_up_to_its_ceiling(revision):
    state = isolated(revision)

    outcome = did(borrows(state, 5 * ONE_DOLLAR + 19_999))  # 5.019999
    counted = outcome.market.reserves[COIN].isolation_mode_total_debt
    assert counted == (8_000_00 if revision == "3.7" else 8_005_01)
    full = did(borrows(state, 1_000 * ONE_DOLLAR + 9_999))
    if revision != "3.7":
        assert full.market.reserves[COIN].isolation_mode_total_debt == 9_000_00
        assert why(borrows(state, 1_000 * ONE_DOLLAR + 10_000)) == "DebtCeilingExceeded"
        assert why(borrows(isolated(revision, lent=False), 1)) == "AssetNotBorrowableInIsolation"


@EVERY_REVISION
def test_a_repayment_lowers_isolated_debt_and_never_below_zero(revision):
    for total, left in ((8_000_00, 7_998_99), (1_00, 0)):
        outcome = did(repays(isolated(revision, total=total), ONE_DOLLAR + 10_000))
        counted = outcome.market.reserves[COIN].isolation_mode_total_debt
        assert counted == (total if revision == "3.7" else left)


@pytest.mark.parametrize("revision", ["3.0.0", "3.3", "3.4", "3.6"])
def test_the_ceiling_is_asked_before_the_account_is_weighed_up_to_3_3_and_after_it_later(revision):
    outcome = borrows(isolated(revision, total=9_000_00), 100_000 * ONE_DOLLAR)

    if revision == "3.4":
        assert why(outcome) == "CollateralCannotCoverNewBorrow"
    else:  # 3.5 and later weigh it last of all
        assert why(outcome) == "DebtCeilingExceeded"


# --- repay --------------------------------------------------------------------------------------------------


@EVERY_REVISION
def test_a_repayment_takes_no_more_than_is_owed_and_ends_the_debt(revision):
    for amount in (8_000 * ONE_DOLLAR, 9_000 * ONE_DOLLAR, MAX_UINT256):
        outcome = did(repays(market(revision), amount, at=NOW))
        after = outcome.market.reserves[DOLLAR]
        assert outcome.amount == 8_000 * ONE_DOLLAR
        assert not position(outcome, BORROWER, DOLLAR).borrowing
        assert after.total_scaled_variable_debt == 0
        assert after.virtual_underlying_balance == SUPPLIED
        assert (after.liquidity_rate_ray, after.variable_borrow_rate_ray) == (0, 0)


@EVERY_REVISION
def test_a_part_repaid_leaves_the_rest(revision):
    outcome = did(repays(market(revision), 3_000 * ONE_DOLLAR))

    left = position(outcome, BORROWER, DOLLAR)
    assert (left.scaled_variable_debt, left.borrowing) == (5_000 * ONE_DOLLAR, True)


@EVERY_REVISION
def test_anybody_repays_anothers_debt_but_must_say_how_much(revision):
    state = market(revision)

    outcome = did(repays(state, 8_000 * ONE_DOLLAR, user=ALICE, on_behalf_of=BORROWER))
    assert not position(outcome, BORROWER, DOLLAR).borrowing
    everything = repays(state, MAX_UINT256, user=ALICE, on_behalf_of=BORROWER)
    assert why(everything) == "NoExplicitAmountToRepayOnBehalf"


@EVERY_REVISION
def test_a_repayment_of_nothing_or_of_no_debt_is_refused(revision):
    assert why(repays(market(revision), 0)) == "InvalidAmount"
    assert why(repays(market(revision), 1, user=ALICE)) == "NoDebtOfSelectedType"


def test_a_unit_repaid_of_a_grown_debt_scales_to_nothing_from_3_5_on():
    for revision in ALL:
        outcome = repays(at_index(revision, 3 * RAY // 2), 1)
        if revision in FROM_3_5:
            assert why(outcome) == "InvalidBurnAmount"
        else:
            assert position(did(outcome), BORROWER, DOLLAR).scaled_variable_debt == 8_000 * ONE_DOLLAR - 1


def test_3_0_0_alone_refuses_a_repayment_before_the_debt_has_grown():
    for revision in ALL:
        owing = did(borrows(market(revision), 1)).market
        outcome = repays(owing, 1)
        if revision == "3.0.0":
            assert why(outcome) == "SameBlockBorrowRepay"
            assert did(repays(owing, 1, at=NOW + 3_600))
        else:
            assert did(outcome)
