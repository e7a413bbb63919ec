"""Liquidations, batches and healing: what is refused in which order, and what moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.units import MAX_UINT256, WAD
from protocol.venus_isolated import (
    AccountLiquidated,
    Action,
    borrow_balance,
    exchange_rate,
    liquidate_borrow,
    liquidation_call,
    viewed_at,
)
from protocol.venus_isolated.amounts import largest_repay, seize_ratio, seize_vtokens
from tests.protocol.venus_markets import (
    BORROWER,
    COIN,
    DOLLAR,
    INCENTIVE,
    LIQUIDATOR,
    NEW,
    NOW,
    OLD,
    RATES,
    SHARE,
    STONE,
    batch,
    batched,
    called,
    data,
    done,
    heal,
    healed,
    market,
    numbers,
    order,
    position,
    refusal,
    units,
    usd,
    with_position,
    with_vtoken,
)

PAIR = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
LOW = usd(coin=900)
LATER = NOW + 1_000_000
LIVELY = replace(RATES, base_rate_per_slot_mantissa=1)


def pause(state, market_id, *actions):
    return with_vtoken(state, market_id, paused=frozenset(actions))


# --- regular ---


def test_the_interface_has_the_regular_liquidation_under_its_own_name():
    assert liquidation_call is liquidate_borrow


def test_a_regular_liquidation_moves_what_its_formulas_say_at_accrued_indexes():
    asked = units(DOLLAR, 1_234.567891)
    found = done(PAIR, LOW, slot=LATER, repay_amount=asked)
    grown = viewed_at(PAIR, LATER)
    rate = exchange_rate(grown.vtokens[COIN])
    ratio = (INCENTIVE * LOW[DOLLAR] // WAD) * WAD // (LOW[COIN] * rate // WAD)
    seized = ratio * asked // WAD
    burned = seized * SHARE // WAD * WAD // INCENTIVE

    assert found.repaid_underlying == asked
    assert found.seized.seized_vtokens == seized
    assert found.seized.protocol_seized_vtokens == burned
    assert found.seized.protocol_seized_underlying == rate * burned // WAD
    assert found.seized.liquidator_seized_vtokens == seized - burned
    assert position(PAIR, COIN).vtokens - position(found.market, COIN).vtokens == seized
    assert position(found.market, COIN, LIQUIDATOR).vtokens == seized - burned
    owed = borrow_balance(grown.vtokens[DOLLAR], position(grown, DOLLAR))
    assert position(found.market, DOLLAR).borrow_principal_underlying == owed - asked
    dollars = found.market.vtokens[DOLLAR]
    assert dollars.cash_underlying == grown.vtokens[DOLLAR].cash_underlying + asked
    assert dollars.total_borrows_underlying == grown.vtokens[DOLLAR].total_borrows_underlying - asked
    assert found.market.vtokens[STONE].accrual_slot == NOW


def test_the_close_factor_is_of_the_debt_as_it_is_now():
    half = units(DOLLAR, 3_750)

    assert done(PAIR, LOW, repay_amount=half).repaid_underlying == half
    found = called(PAIR, LOW, repay_amount=half + 1)
    assert refusal(found) == "TooMuchRepay"
    assert numbers(found) == {"amount": half + 1, "limit": half}
    assert done(PAIR, LOW, slot=LATER, repay_amount=half + 1).repaid_underlying == half + 1


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "ActionPaused"),
        ({"paused": frozenset()}, "MarketNotListed"),
        ({"paused": frozenset(), "listed": True}, "InsufficientShortfall"),
    ],
)
def test_what_is_asked_first_of_the_debt_s_market(changes, name):
    """Paused, then listed, then the account."""
    shut = {"paused": frozenset({Action.LIQUIDATE}), "listed": False}

    assert refusal(called(with_vtoken(PAIR, DOLLAR, **(shut | changes)), usd())) == name


def test_what_is_asked_in_turn_until_the_liquidation_goes_through():
    """Each state mends what the one before was refused for."""
    collateral = {"paused": frozenset({Action.SEIZE}), "listed": False}
    state = with_vtoken(pause(PAIR, DOLLAR, Action.REPAY), COIN, **collateral)
    state = replace(state, min_liquidatable_collateral_usd_mantissa=10**6 * WAD)
    call = {"repay_amount": MAX_UINT256, "liquidator": BORROWER}

    assert refusal(called(state, usd(), **call)) == "MarketNotListed"
    state = with_vtoken(state, COIN, listed=True)
    assert refusal(called(state, usd(), **call)) == "MinimalCollateralViolated"
    state = replace(state, min_liquidatable_collateral_usd_mantissa=0)
    assert refusal(called(state, usd(), **call)) == "InsufficientShortfall"
    assert refusal(called(state, LOW, **call)) == "TooMuchRepay"
    call = {"repay_amount": 0, "liquidator": BORROWER}
    assert refusal(called(state, LOW, **call)) == "LiquidateLiquidatorIsBorrower"
    call = {"repay_amount": 0}
    assert refusal(called(state, LOW, **call)) == "LiquidateCloseAmountIsZero"
    call = {"repay_amount": units(DOLLAR, 3_750)}
    assert refusal(called(state, LOW, **call)) == "ActionPaused"  # repaying
    state = pause(state, DOLLAR)
    assert refusal(called(with_position(state, COIN, vtokens=4 * 10**8), LOW, **call)) == (
        "LIQUIDATE_SEIZE_TOO_MUCH"  # 4,125 dollars of 3,600
    )
    assert refusal(called(state, LOW, **call)) == "ActionPaused"  # seizing
    state = pause(state, COIN)
    assert done(state, LOW, **call).repaid_underlying == units(DOLLAR, 3_750)


def test_debt_and_collateral_may_be_one_market():
    state = market(holds={COIN: 10, STONE: 100}, owes={COIN: 11})
    at = usd(coin=1_000, stone=20)
    found = done(state, at, debt_id=COIN, repay_amount=units(COIN, 2))

    assert found.seized.seized_vtokens == units(COIN, 2.2) // 10**10
    assert found.market.vtokens[COIN].cash_underlying == (
        state.vtokens[COIN].cash_underlying + units(COIN, 2) - units(COIN, 0.1)
    )


def test_a_vtoken_worth_nothing_panics():
    state = with_vtoken(PAIR, COIN, cash_underlying=0)
    state = with_position(with_vtoken(state, DOLLAR, forced_liquidation=True), STONE, vtokens=1)

    assert refusal(called(state, LOW)) == "Panic(0x12)"


# --- without a shortfall ---


def test_a_forced_market_is_liquidated_up_to_the_debt_whoever_owes_it():
    forced = with_vtoken(PAIR, DOLLAR, forced_liquidation=True)
    healthy, debt = usd(coin=2_000), units(DOLLAR, 7_500)

    assert done(forced, healthy, repay_amount=debt).repaid_underlying == debt
    assert refusal(called(forced, healthy, repay_amount=debt + 1)) == "TooMuchRepay"
    assert refusal(called(with_vtoken(PAIR, COIN, forced_liquidation=True), healthy)) == (
        "InsufficientShortfall"  # it is the debt's market that counts
    )
    few = {DOLLAR: healthy[DOLLAR], COIN: healthy[COIN]}  # nothing else is priced
    assert done(with_position(forced, STONE, vtokens=1), few).repaid_underlying == units(DOLLAR, 1)
    assert refusal(called(forced, {**healthy, COIN: 0})) == "PriceError"


def test_all_that_is_owed_cannot_be_asked_for_by_the_largest_number():
    """Asked last: only of a debt as large, in a forced market, does a call come so far."""
    state = with_vtoken(PAIR, DOLLAR, forced_liquidation=True, borrow_index_mantissa=1)
    state = with_position(
        state, DOLLAR, borrow_principal_underlying=MAX_UINT256, borrow_interest_index_mantissa=1
    )

    outcome = called(state, LOW, repay_amount=MAX_UINT256)
    assert refusal(outcome) == "LiquidateCloseAmountIsUintMax"


def test_a_deprecated_market_was_liquidated_freely_up_to_2_0_0():
    deprecated = with_vtoken(
        PAIR,
        DOLLAR,
        collateral_factor_mantissa=0,
        reserve_factor_mantissa=WAD,
        paused=frozenset({Action.BORROW}),
    )
    healthy, debt = usd(coin=2_000), units(DOLLAR, 7_500)
    old = replace(deprecated, rules=OLD)

    assert done(old, healthy, repay_amount=debt).repaid_underlying == debt
    assert refusal(called(deprecated, healthy)) == "InsufficientShortfall"
    for mended in (
        {"collateral_factor_mantissa": 1},
        {"reserve_factor_mantissa": WAD - 1},
        {"paused": frozenset()},
    ):
        assert refusal(called(with_vtoken(old, DOLLAR, **mended), healthy)) == "InsufficientShortfall"
    forced = with_vtoken(replace(PAIR, rules=OLD), DOLLAR, forced_liquidation=True)
    assert refusal(called(forced, healthy)) == "InsufficientShortfall"


# --- batches ---

SMALL = market(holds={COIN: 1}, owes={DOLLAR: 500, STONE: 4})
"""700 dollars of debt; below 875 liquidatable, down to 770 by a batch, below by healing."""
AT = usd(coin=800)
ALL = (order(units(DOLLAR, 500)), order(units(STONE, 4), debt_id=STONE))


def test_a_batch_repays_everything_order_by_order():
    found = batched(SMALL, AT, *ALL)

    assert [leg.repaid_underlying for leg in found.legs] == [units(DOLLAR, 500), units(STONE, 4)]
    assert [leg.order for leg in found.legs] == list(ALL)
    assert [leg.seized.seized_vtokens for leg in found.legs] == [68_750_000, 27_500_000]  # 550 and 220 of 800
    left = found.market.accounts[BORROWER].positions
    assert left[COIN].vtokens == 3_750_000
    assert {left[i].borrow_principal_underlying for i in (DOLLAR, STONE)} == {0}
    assert found.market.accounts[BORROWER].entered == (COIN, DOLLAR, STONE)


def test_a_batch_must_leave_no_debt_at_all():
    found = batch(SMALL, AT, ALL[0], order(units(STONE, 4) - 1, debt_id=STONE))

    assert refusal(found) == "Nonzero borrow balance after liquidation"
    assert numbers(found) == {"owed": 1}
    assert refusal(batch(SMALL, AT, ALL[0])) == "Nonzero borrow balance after liquidation"
    assert refusal(batch(SMALL, AT)) == "Nonzero borrow balance after liquidation"
    assert refusal(batch(SMALL, AT, order(units(DOLLAR, 500) + 1))) == "TooMuchRepay"
    halves = (order(units(DOLLAR, 250)), order(units(DOLLAR, 250)), ALL[1])
    assert len(batched(SMALL, AT, *halves).legs) == 3


@pytest.mark.parametrize(
    ("coin", "name"),
    [
        (1_000.000001, "CollateralExceedsThreshold"),
        (875, "InsufficientShortfall"),
        (770, "InsufficientCollateral"),
        (700, "InsufficientCollateral"),
    ],
)
def test_who_can_be_liquidated_by_a_batch(coin: float, name: str):
    assert refusal(batch(SMALL, usd(coin=coin), *ALL)) == name


@pytest.mark.parametrize("coin", [874.999999, 770.000001])
def test_a_batch_goes_through_between_shortfall_and_incentive(coin: float):
    assert len(batched(SMALL, usd(coin=coin), *ALL).legs) == 2


def test_a_batch_reads_the_account_before_anything_accrues():
    grown, edge = viewed_at(SMALL, LATER), usd(coin=875)
    owed = {i: borrow_balance(grown.vtokens[i], position(grown, i)) for i in (DOLLAR, STONE)}
    exact = (order(owed[DOLLAR]), order(owed[STONE], debt_id=STONE))
    assert data(SMALL, edge).shortfall_usd_mantissa == 0 < data(grown, edge).shortfall_usd_mantissa

    assert refusal(batch(SMALL, edge, *exact, slot=LATER)) == "InsufficientShortfall"
    below = {**edge, COIN: edge[COIN] - 1}
    assert refusal(batch(SMALL, below, *ALL, slot=LATER)) == "Nonzero borrow balance after liquidation"
    assert isinstance(batch(SMALL, below, *exact, slot=LATER), AccountLiquidated)


def test_a_batch_of_more_than_twice_the_limit_is_too_long():
    short = replace(SMALL, max_loops_limit=1)
    parts = [order(units(DOLLAR, 125)) for _ in range(4)]

    assert len(batched(short, AT, *ALL).legs) == 2
    assert refusal(batch(short, AT, *parts, ALL[1])) == "MaxLoopsLimitExceeded"
    assert len(batched(replace(SMALL, max_loops_limit=2), AT, *parts, ALL[1]).legs) == 5


@pytest.mark.parametrize("market_id", [DOLLAR, COIN])
def test_what_an_account_has_in_an_unlisted_market_counts_for_no_batch(market_id: int):
    state = with_vtoken(market(holds={COIN: 1}, owes={DOLLAR: 650}), market_id, listed=False)
    refused = refusal(batch(state, AT, order(units(DOLLAR, 650))))

    assert refused == ("InsufficientShortfall" if market_id == DOLLAR else "InsufficientCollateral")


@pytest.mark.parametrize("named", [{"debt_id": STONE}, {"collateral_id": STONE}], ids=["debt", "collateral"])
def test_orders_name_listed_markets_which_is_asked_before_they_accrue(named):
    state = market(holds={COIN: 1}, owes={DOLLAR: 650})
    unlisted = with_vtoken(state, STONE, listed=False)
    bricked = with_vtoken(unlisted, STONE, max_borrow_rate_mantissa=0, rate_model=LIVELY)

    for each in (unlisted, bricked):
        assert refusal(batch(each, AT, order(1, **named), slot=LATER)) == "MarketNotListed"
    listed = with_vtoken(bricked, STONE, listed=True)
    assert refusal(batch(listed, AT, order(1, **named), slot=LATER)) == "borrow rate is absurdly high"
    assert refusal(called(listed, LOW, slot=LATER, **named)) == "borrow rate is absurdly high"


def test_nobody_liquidates_itself_by_a_batch():
    assert refusal(batch(SMALL, AT, *ALL, liquidator=BORROWER)) == "LiquidateLiquidatorIsBorrower"


# --- healing ---


def test_healing_pays_one_share_of_every_debt_and_takes_all_collateral():
    state = market(holds={COIN: 1, STONE: 2}, owes={DOLLAR: 500, STONE: 4})
    at = usd(coin=600)
    found = healed(state, at, slot=LATER)
    grown = viewed_at(state, LATER)
    total, owed_usd = data(grown, at).total_collateral_usd_mantissa, data(grown, at).borrows_usd_mantissa
    share = total * WAD // (owed_usd * INCENTIVE // WAD)
    owed = {i: borrow_balance(grown.vtokens[i], position(grown, i)) for i in (DOLLAR, STONE)}

    assert found.repaid_underlying == {i: share * debt // WAD for i, debt in owed.items()}
    assert found.bad_debt_underlying == {i: debt - share * debt // WAD for i, debt in owed.items()}
    assert {i: seized.seized_vtokens for i, seized in found.seized.items()} == {
        COIN: 10**8,
        STONE: 2 * 10**8,
    }
    for i in (DOLLAR, STONE):
        before, after = grown.vtokens[i], found.market.vtokens[i]
        assert before.total_borrows_underlying - after.total_borrows_underlying == owed[i]
        assert after.bad_debt_underlying == found.bad_debt_underlying[i]
        assert position(found.market, i).borrow_principal_underlying == 0
        assert position(found.market, i).borrow_interest_index_mantissa == after.borrow_index_mantissa
    assert {vtoken.accrual_slot for vtoken in found.market.vtokens.values()} == {LATER}


def test_who_can_be_healed():
    assert refusal(heal(SMALL, usd(coin=1_000.000001))) == "CollateralExceedsThreshold"
    assert refusal(heal(SMALL, usd(coin=875))) == "InsufficientShortfall"
    exceeds = heal(SMALL, usd(coin=770.01))
    assert refusal(exceeds) == "CollateralExceedsThreshold"
    assert numbers(exceeds) == {"limit": 770 * WAD, "actual": 77_001 * WAD // 100}
    at_the_edge = healed(SMALL, usd(coin=770))
    assert (at_the_edge.bad_debt_underlying, at_the_edge.repaid_underlying) == (
        {},
        {DOLLAR: units(DOLLAR, 500), STONE: units(STONE, 4)},
    )


def test_healing_walks_the_markets_in_the_order_of_entry():
    """Which pause stops it tells which market came first."""
    state = pause(pause(SMALL, DOLLAR, Action.REPAY), COIN, Action.SEIZE)
    assert numbers(heal(state, usd(coin=700))) == {"market_id": COIN, "action": Action.SEIZE.value}

    entered = replace(state.accounts[BORROWER], entered=(STONE, DOLLAR, COIN))
    turned = replace(state, accounts={**state.accounts, BORROWER: entered})
    assert numbers(heal(turned, usd(coin=700))) == {"market_id": DOLLAR, "action": Action.REPAY.value}
    nothing_to_pay = with_position(turned, COIN, vtokens=0)
    assert set(healed(nothing_to_pay, usd()).bad_debt_underlying) == {DOLLAR, STONE}


def test_healing_needs_cash_for_the_protocols_share_only_since_2_2_0():
    coins = SMALL.vtokens[COIN]
    lent = replace(coins, cash_underlying=0, total_borrows_underlying=coins.cash_underlying)
    state = replace(SMALL, vtokens={**SMALL.vtokens, COIN: lent})

    assert refusal(heal(state, usd(coin=700))) == "ERC20: transfer amount exceeds balance"
    assert healed(replace(state, rules=OLD), usd(coin=700)).seized[COIN].seized_vtokens == 10**8
    assert NEW.take_seize_share is not OLD.take_seize_share


# --- sizing a repayment ---


def test_the_largest_repayment_is_the_last_that_takes_no_more_than_there_is():
    for price_collateral in (10**28 // 3, 7 * 10**28):
        ratio = seize_ratio(
            incentive_mantissa=INCENTIVE,
            price_borrowed_mantissa=10**30,
            price_collateral_mantissa=price_collateral,
            exchange_rate_mantissa=2 * 10**16 + 1,
        )
        most = largest_repay(ratio, 12_345_678)
        assert most is not None
        assert seize_vtokens(ratio, most) <= 12_345_678 < seize_vtokens(ratio, most + 1)
    assert largest_repay(0, 5) is None
