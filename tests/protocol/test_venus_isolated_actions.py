"""What users and the protocol do in an isolated pool, step by step against the contract's formulas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.errors import MissingPrice, NegativePrice, UnknownMarket
from protocol.units import MAX_UINT256, WAD
from protocol.venus_isolated import (
    Acted,
    Action,
    JumpRateModel,
    Position,
    TwoKinksRateModel,
    add_reserves,
    borrow,
    borrow_balance,
    borrow_rate,
    borrowing_power,
    enter_markets,
    exchange_rate,
    exit_market,
    heal_account,
    mint,
    redeem,
    redeem_underlying,
    reduce_reserves,
    repay_borrow,
    supply_rate,
    transfer,
    users_with_debt,
    viewed_at,
)
from protocol.venus_isolated.interest import accrue
from protocol.venus_isolated.rates import jump_rate, two_kinks_rate
from tests.protocol.venus_markets import (
    BANK,
    BORROWER,
    COIN,
    DOLLAR,
    LIQUIDATOR,
    NEW,
    NOW,
    OLD,
    STONE,
    data,
    empty,
    heal,
    market,
    moved,
    numbers,
    position,
    refusal,
    units,
    usd,
    with_position,
    with_vtoken,
)

PAIR = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
LATER = NOW + 1_000_000


def paused(state, market_id, *actions):
    return with_vtoken(state, market_id, paused=frozenset(actions))


# --- interest ---


def test_growth_is_simple_and_cut_at_every_step():
    dollars = with_vtoken(PAIR, DOLLAR, borrow_index_mantissa=WAD + 7).vtokens[DOLLAR]
    grown = accrue(dollars, NEW, LATER)
    rate = units(DOLLAR, 7_000) * WAD // units(DOLLAR, 10**6) * 10**10 // WAD
    factor = rate * 1_000_000
    interest = factor * units(DOLLAR, 7_000) // WAD

    assert rate == borrow_rate(dollars) == 7 * 10**7
    assert grown.total_borrows_underlying == units(DOLLAR, 7_000) + interest
    assert grown.total_reserves_underlying == interest * 20 // 100
    assert grown.borrow_index_mantissa == WAD + 7 + factor * (WAD + 7) // WAD
    assert grown.accrual_slot == LATER
    assert accrue(grown, NEW, LATER) is grown


def test_a_market_is_bricked_beyond_the_limit_of_its_rate():
    limit = borrow_rate(PAIR.vtokens[DOLLAR])
    just = with_vtoken(PAIR, DOLLAR, max_borrow_rate_mantissa=limit)
    assert isinstance(mint(just, BANK, DOLLAR, 1, slot=LATER), Acted)

    bricked = with_vtoken(PAIR, DOLLAR, max_borrow_rate_mantissa=limit - 1)
    assert refusal(mint(bricked, BANK, DOLLAR, 1, slot=LATER)) == "borrow rate is absurdly high"
    assert isinstance(mint(bricked, BANK, DOLLAR, 1, slot=NOW), Acted)
    assert refusal(mint(PAIR, BANK, DOLLAR, 1, slot=NOW - 1)) == "Panic(0x11)"


def test_reserves_leave_with_the_accrual_after_so_many_slots_as_far_as_there_is_cash():
    dollars = replace(
        PAIR.vtokens[DOLLAR],
        total_reserves_underlying=500,
        reduce_reserves_slot=NOW - 90,
        reduce_reserves_slot_delta=100,
    )
    assert accrue(dollars, NEW, NOW + 9).reduce_reserves_slot == NOW - 90
    swept = accrue(dollars, NEW, NOW + 10)
    assert (swept.total_reserves_underlying, swept.reduce_reserves_slot) == (0, NOW + 10)
    gone = accrue(dollars, OLD, NOW + 10).total_reserves_underlying
    assert gone >= 500
    assert dollars.cash_underlying - swept.cash_underlying == gone
    assert exchange_rate(swept) == exchange_rate(accrue(dollars, OLD, NOW + 10))

    poor = replace(dollars, cash_underlying=300)
    kept = accrue(poor, OLD, NOW + 10).total_reserves_underlying
    swept = accrue(poor, NEW, NOW + 10)
    assert (swept.cash_underlying, swept.total_reserves_underlying) == (0, kept - 300)


def test_a_viewed_market_has_grown_everywhere_and_borrows_can_be_read_from_it():
    grown = viewed_at(PAIR, LATER)

    assert {vtoken.accrual_slot for vtoken in grown.vtokens.values()} == {LATER}
    assert data(grown, usd()).borrows_usd_mantissa > data(PAIR, usd()).borrows_usd_mantissa
    owed = borrow_balance(grown.vtokens[DOLLAR], position(grown, DOLLAR))
    assert owed == units(DOLLAR, 7_000) * grown.vtokens[DOLLAR].borrow_index_mantissa // WAD
    assert borrow_balance(grown.vtokens[COIN], Position()) == 0


# --- rates ---

MODEL = JumpRateModel(
    base_rate_per_slot_mantissa=11,
    multiplier_per_slot_mantissa=10**10 + 1,
    jump_multiplier_per_slot_mantissa=3 * 10**11 + 1,
    kink_mantissa=8 * 10**17,
)


@pytest.mark.parametrize(
    ("usage", "rate"),
    [
        (0, 11),
        (8 * 10**17, 8 * 10**9 + 11),
        (8 * 10**17 + 1, 8 * 10**9 + 11),
        (9 * 10**17, 8 * 10**9 + 11 + 3 * 10**10),
        (WAD, 8 * 10**9 + 11 + 6 * 10**10),
    ],
)
def test_the_rate_with_one_kink(usage: int, rate: int):
    assert jump_rate(MODEL, usage) == rate


def test_a_line_without_a_kink_is_the_model_of_the_white_paper():
    line = JumpRateModel(base_rate_per_slot_mantissa=5, multiplier_per_slot_mantissa=10**10)

    assert [jump_rate(line, usage) for usage in (0, WAD // 2, WAD)] == [5, 5 * 10**9 + 5, 10**10 + 5]


TWO_KINKS = TwoKinksRateModel(
    base_rate_per_slot_mantissa=100,
    multiplier_per_slot_mantissa=1_000,
    kink1_mantissa=5 * 10**17,
    base_rate2_per_slot_mantissa=40,
    multiplier2_per_slot_mantissa=-10_001,
    kink2_mantissa=8 * 10**17,
    jump_multiplier_per_slot_mantissa=100_000,
)


@pytest.mark.parametrize(
    ("usage", "rate"),
    [
        (0, 100),
        (5 * 10**17 - 1, 599),
        (5 * 10**17, 640),  # the second base comes on at the kink itself
        (5 * 10**17 + 1, 640),  # a negative product is cut towards zero
        (5 * 10**17 + 10**14, 639),
        (6 * 10**17, 0),  # 640 - 1,000
        (8 * 10**17, 0),  # 600 + 40 - 3,000
        (8 * 10**17 + 3 * 10**16, 640),
        (WAD, 17_640),
    ],
)
def test_the_rate_with_two_kinks_is_signed_and_never_negative(usage: int, rate: int):
    assert two_kinks_rate(TWO_KINKS, usage) == rate


def test_a_slope_too_steep_for_a_signed_word_panics():
    steep = replace(TWO_KINKS, jump_multiplier_per_slot_mantissa=2**255 - 1)
    state = with_vtoken(PAIR, DOLLAR, rate_model=steep, cash_underlying=0)

    assert refusal(mint(state, BANK, DOLLAR, 1, slot=LATER)) == "Panic(0x11)"


def test_suppliers_earn_on_borrows_alone_over_all_that_is_theirs():
    dollars = replace(PAIR.vtokens[DOLLAR], rate_model=TWO_KINKS, bad_debt_underlying=units(DOLLAR, 10**5))
    supplied = units(DOLLAR, 10**6) + units(DOLLAR, 10**5)
    rate = borrow_rate(dollars)

    assert rate == 100 + (units(DOLLAR, 107_000) * WAD // supplied) * 1_000 // WAD
    assert supply_rate(dollars) == units(DOLLAR, 7_000) * (rate * 8 // 10) // supplied
    assert supply_rate(with_vtoken(PAIR, COIN, total_borrows_underlying=0).vtokens[COIN]) == 0


# --- supplying and redeeming ---


def test_minting_rounds_vtokens_down_at_the_accrued_rate():
    before = viewed_at(PAIR, LATER).vtokens[DOLLAR]
    found = mint(PAIR, BANK, DOLLAR, 1_000_001, on_behalf_of=LIQUIDATOR, slot=LATER)

    assert isinstance(found, Acted)
    assert exchange_rate(before) > 10**16
    assert found.vtokens == 1_000_001 * WAD // exchange_rate(before)
    assert position(found.market, DOLLAR, LIQUIDATOR).vtokens == found.vtokens
    after = found.market.vtokens[DOLLAR]
    assert after.cash_underlying == before.cash_underlying + 1_000_001
    assert after.total_supply_vtokens == before.total_supply_vtokens + found.vtokens
    assert found.market.vtokens[COIN].accrual_slot == NOW


def test_redeeming_pays_what_vtokens_are_worth_rounded_down():
    rate = exchange_rate(viewed_at(PAIR, LATER).vtokens[DOLLAR])
    found = redeem(PAIR, BANK, DOLLAR, 12_345, prices_mantissa={}, slot=LATER)

    assert isinstance(found, Acted)
    assert (found.amount, found.vtokens) == (rate * 12_345 // WAD, 12_345)
    assert position(PAIR, DOLLAR, BANK).vtokens - position(found.market, DOLLAR, BANK).vtokens == 12_345


def test_redeeming_underlying_rounds_the_vtokens_up_and_pays_all_they_are_worth():
    state = with_vtoken(PAIR, STONE, cash_underlying=units(STONE, 10**6) * 7)
    assert exchange_rate(state.vtokens[STONE]) == 7 * WAD

    exact = redeem_underlying(state, BANK, STONE, 21, prices_mantissa={}, slot=NOW)
    more = redeem_underlying(state, BANK, STONE, 22, prices_mantissa={}, slot=NOW)
    none = redeem_underlying(state, BANK, STONE, 6, prices_mantissa={}, slot=NOW)

    assert isinstance(exact, Acted)
    assert isinstance(more, Acted)
    assert (exact.vtokens, exact.amount) == (3, 21)
    assert (more.vtokens, more.amount) == (4, 28)
    assert refusal(none) == "redeemAmount is zero"  # less than one vToken is not rounded up
    assert refusal(redeem_underlying(state, BANK, STONE, 0, prices_mantissa={}, slot=NOW)) == (
        "redeemAmount is zero"
    )
    assert refusal(redeem(state, BANK, STONE, 0, prices_mantissa={}, slot=NOW)) == "redeemAmount is zero"


def test_nobody_redeems_what_it_has_not_nor_what_is_reserved():
    held = position(PAIR, STONE, BANK).vtokens
    assert refusal(redeem(PAIR, BORROWER, STONE, 1, prices_mantissa=usd(), slot=NOW)) == "Panic(0x11)"
    state = with_vtoken(PAIR, STONE, total_reserves_underlying=1, bad_debt_underlying=1)
    asked = redeem(state, BANK, STONE, held, prices_mantissa={}, slot=NOW)
    assert refusal(asked) == "RedeemTransferOutNotPossible"
    assert isinstance(redeem(state, BANK, STONE, held - 1, prices_mantissa={}, slot=NOW), Acted)


def test_collateral_that_is_needed_is_not_redeemed_left_or_transferred():
    stays = 933_333_334  # vToken units: 7,000 / 0.75 dollars of 10,000
    free, at = position(PAIR, COIN).vtokens - stays, usd()
    for vtokens, allowed in ((free, True), (free + 1, False)):
        asked = [
            redeem(PAIR, BORROWER, COIN, vtokens, prices_mantissa=at, slot=NOW),
            transfer(PAIR, BORROWER, BANK, COIN, vtokens, prices_mantissa=at, slot=NOW),
        ]
        for outcome in asked:
            assert isinstance(outcome, Acted) if allowed else refusal(outcome) == "InsufficientLiquidity"
    without = (75 * 10**16 * (10**28 * at[COIN] // WAD) // WAD) * (free + 1) // WAD
    assert numbers(asked[0]) == {"shortfall_usd_mantissa": 7_000 * WAD + without - 7_500 * WAD}
    left = exit_market(PAIR, BORROWER, COIN, prices_mantissa=at, slot=NOW)
    assert refusal(left) == "InsufficientLiquidity"


def test_vtokens_change_hands_and_not_to_oneself():
    found = transfer(PAIR, BANK, LIQUIDATOR, COIN, 77, prices_mantissa={}, slot=LATER)

    assert isinstance(found, Acted)
    assert position(found.market, COIN, LIQUIDATOR).vtokens == 77
    assert position(PAIR, COIN, BANK).vtokens - position(found.market, COIN, BANK).vtokens == 77
    assert found.market.vtokens == PAIR.vtokens
    to_self = transfer(PAIR, BANK, BANK, COIN, 1, prices_mantissa={}, slot=NOW)
    assert refusal(to_self) == "TransferNotAllowed"
    assert refusal(transfer(PAIR, LIQUIDATOR, BANK, COIN, 1, prices_mantissa={}, slot=NOW)) == "Panic(0x11)"


# --- borrowing and repaying ---


def test_a_loan_enters_its_market_and_is_bound_by_the_collateral_factor():
    power = borrowing_power(PAIR, BORROWER, prices_mantissa=usd(), slot=NOW)
    assert power.weighted_collateral_usd_mantissa == 7_500 * WAD
    assert power.liquidity_usd_mantissa == 500 * WAD
    assert data(PAIR, usd()).liquidity_usd_mantissa == 1_000 * WAD  # by liquidation threshold

    too_much = borrow(PAIR, BORROWER, STONE, units(STONE, 10) + 1, prices_mantissa=usd(), slot=NOW)
    assert refusal(too_much) == "InsufficientLiquidity"
    found = borrow(PAIR, BORROWER, STONE, units(STONE, 10), prices_mantissa=usd(), slot=NOW)
    assert isinstance(found, Acted)
    assert found.market.accounts[BORROWER].entered == (COIN, DOLLAR, STONE)
    assert list(users_with_debt(found.market)) == [BORROWER]


def test_a_second_loan_settles_the_first_at_the_index_of_today():
    found = borrow(PAIR, BORROWER, DOLLAR, 5, prices_mantissa=usd(), slot=LATER)
    grown = viewed_at(PAIR, LATER).vtokens[DOLLAR]
    owed = units(DOLLAR, 7_000) * grown.borrow_index_mantissa // WAD

    assert isinstance(found, Acted)
    assert owed > units(DOLLAR, 7_000)
    assert position(found.market, DOLLAR).borrow_principal_underlying == owed + 5
    assert position(found.market, DOLLAR).borrow_interest_index_mantissa == grown.borrow_index_mantissa
    assert found.market.vtokens[DOLLAR].total_borrows_underlying == grown.total_borrows_underlying + 5
    assert found.market.vtokens[DOLLAR].cash_underlying == grown.cash_underlying - 5


def test_what_is_reserved_or_not_there_is_not_lent():
    state = market(holds={COIN: 10_000}, owes={})
    cash = state.vtokens[DOLLAR].cash_underlying
    state = with_vtoken(state, DOLLAR, total_reserves_underlying=7)

    too_much = borrow(state, BORROWER, DOLLAR, cash - 6, prices_mantissa=usd(), slot=NOW)
    assert refusal(too_much) == "BorrowCashNotAvailable"
    assert isinstance(borrow(state, BORROWER, DOLLAR, cash - 7, prices_mantissa=usd(), slot=NOW), Acted)
    over = with_vtoken(state, DOLLAR, cash_underlying=6)
    assert refusal(borrow(over, BORROWER, DOLLAR, 0, prices_mantissa=usd(), slot=NOW)) == "Panic(0x11)"


def test_a_repayment_beyond_the_debt_is_clipped_to_it():
    """Compound v2 reverts."""
    grown = viewed_at(PAIR, LATER)
    owed = borrow_balance(grown.vtokens[DOLLAR], position(grown, DOLLAR))
    found = repay_borrow(PAIR, BANK, DOLLAR, MAX_UINT256, on_behalf_of=BORROWER, slot=LATER)

    assert isinstance(found, Acted)
    assert found.amount == owed
    assert position(found.market, DOLLAR).borrow_principal_underlying == 0
    assert position(found.market, DOLLAR).borrow_interest_index_mantissa > WAD
    part = repay_borrow(PAIR, BORROWER, DOLLAR, 10, slot=LATER)
    assert isinstance(part, Acted)
    assert position(part.market, DOLLAR).borrow_principal_underlying == owed - 10
    assert list(users_with_debt(found.market)) == []


def test_a_last_repayment_that_total_borrows_do_not_hold_panics():
    state = with_vtoken(PAIR, DOLLAR, total_borrows_underlying=units(DOLLAR, 7_000) - 1)

    assert refusal(repay_borrow(state, BORROWER, DOLLAR, MAX_UINT256, slot=NOW)) == "Panic(0x11)"


def test_one_unit_of_shortfall_is_one_too_many():
    """7,500 dollars at 1 + 1.33e-22 each are worth 7,500 and 1e-18."""
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    at = {**usd(), DOLLAR: 10**30 + 133_333_334}
    power = borrowing_power(state, BORROWER, prices_mantissa=at, slot=NOW)

    assert power.shortfall_usd_mantissa == 1
    assert (
        refusal(borrow(state, BORROWER, DOLLAR, 0, prices_mantissa=at, slot=NOW)) == "InsufficientLiquidity"
    )
    assert isinstance(borrow(state, BORROWER, DOLLAR, 0, prices_mantissa=usd(), slot=NOW), Acted)


# --- which markets count ---


def test_markets_are_entered_in_order_and_the_last_fills_the_gap_of_one_that_is_left():
    state = moved(enter_markets(empty(), BANK, [STONE, COIN, STONE, DOLLAR], slot=NOW))
    assert state.accounts[BANK].entered == (STONE, COIN, DOLLAR)

    left = moved(exit_market(state, BANK, STONE, prices_mantissa=usd(), slot=NOW))
    assert left.accounts[BANK].entered == (DOLLAR, COIN)
    assert moved(exit_market(left, BANK, STONE, prices_mantissa=usd(), slot=NOW)) == left
    last = moved(exit_market(left, BANK, COIN, prices_mantissa=usd(), slot=NOW))
    assert last.accounts[BANK].entered == (DOLLAR,)


def test_a_market_in_which_something_is_owed_is_not_left():
    left = exit_market(PAIR, BORROWER, DOLLAR, prices_mantissa=usd(), slot=NOW)
    assert refusal(left) == "NonzeroBorrowBalance"
    unlisted = with_vtoken(PAIR, STONE, listed=False)
    assert refusal(exit_market(unlisted, BANK, STONE, prices_mantissa={}, slot=NOW)) == "MarketNotListed"


def test_a_market_that_was_unlisted_counts_no_more():
    state = market(holds={COIN: 10, STONE: 100}, owes={DOLLAR: 7_000})
    assert data(state, usd()).total_collateral_usd_mantissa == 15_000 * WAD

    unlisted = with_vtoken(state, STONE, listed=False)
    assert data(unlisted, {i: usd()[i] for i in (COIN, DOLLAR)}).total_collateral_usd_mantissa == 10_000 * WAD
    forgotten = with_vtoken(state, DOLLAR, listed=False)
    assert data(forgotten, usd()).borrows_usd_mantissa == 0


# --- caps and pauses ---


def test_the_supply_cap_counts_all_vtokens_at_their_rate():
    supply = units(STONE, 10**6)
    state = with_vtoken(PAIR, STONE, supply_cap_underlying=supply + 5)

    assert isinstance(mint(state, BANK, STONE, 5, slot=NOW), Acted)
    found = mint(state, BANK, STONE, 6, slot=NOW)
    assert refusal(found) == "SupplyCapExceeded"
    assert numbers(found) == {"total": supply + 6, "cap": supply + 5}
    assert refusal(mint(with_vtoken(PAIR, STONE, supply_cap_underlying=0), BANK, STONE, 5, slot=NOW)) == (
        "SupplyCapExceeded"
    )


def test_the_borrow_cap_counts_bad_debt_since_2_0_0():
    state = with_vtoken(PAIR, STONE, borrow_cap_underlying=10, bad_debt_underlying=4)

    def borrowed(amount, rules):
        return borrow(replace(state, rules=rules), BORROWER, STONE, amount, prices_mantissa=usd(), slot=NOW)

    assert isinstance(borrowed(6, NEW), Acted)
    assert refusal(borrowed(7, NEW)) == "BorrowCapExceeded"
    assert isinstance(borrowed(10, OLD), Acted)
    assert refusal(borrowed(11, OLD)) == "BorrowCapExceeded"


def test_each_pause_stops_its_own_action_and_no_other():
    at = usd()
    actions = {
        Action.MINT: lambda s: mint(s, BANK, STONE, 9, slot=NOW),
        Action.REDEEM: lambda s: redeem(s, BANK, STONE, 9, prices_mantissa=at, slot=NOW),
        Action.BORROW: lambda s: borrow(s, BORROWER, STONE, 9, prices_mantissa=at, slot=NOW),
        Action.REPAY: lambda s: repay_borrow(s, BORROWER, STONE, 9, slot=NOW),
        Action.TRANSFER: lambda s: transfer(s, BANK, LIQUIDATOR, STONE, 9, prices_mantissa=at, slot=NOW),
        Action.ENTER_MARKET: lambda s: enter_markets(s, BANK, [STONE], slot=NOW),
        Action.EXIT_MARKET: lambda s: exit_market(s, BANK, STONE, prices_mantissa=at, slot=NOW),
    }
    state = moved(enter_markets(PAIR, BORROWER, [STONE], slot=NOW))

    for kind in Action:
        stopped = {
            action
            for action, run in actions.items()
            if not isinstance(run(paused(state, STONE, kind)), Acted)
        }
        assert stopped == ({kind} & set(actions))
        for action in stopped:
            found = actions[action](paused(state, STONE, kind))
            assert refusal(found) == "ActionPaused"
            assert numbers(found) == {"market_id": STONE, "action": kind.value}


def test_who_borrows_first_must_be_able_to_enter():
    state = paused(PAIR, STONE, Action.ENTER_MARKET)

    assert refusal(borrow(state, BORROWER, STONE, 9, prices_mantissa=usd(), slot=NOW)) == "ActionPaused"
    again = enter_markets(state, BORROWER, [DOLLAR], slot=NOW)
    assert isinstance(again, Acted)
    assert refusal(
        enter_markets(paused(PAIR, DOLLAR, Action.ENTER_MARKET), BORROWER, [DOLLAR], slot=NOW)
    ) == (
        "ActionPaused"  # even where nothing would change
    )


@pytest.mark.parametrize("action", ["mint", "redeem", "borrow", "repay", "enter", "transfer"])
def test_nothing_is_done_in_a_market_that_is_not_listed(action: str):
    state = with_vtoken(PAIR, STONE, listed=False)
    outcome = {
        "mint": lambda: mint(state, BANK, STONE, 9, slot=NOW),
        "redeem": lambda: redeem(state, BANK, STONE, 9, prices_mantissa={}, slot=NOW),
        "borrow": lambda: borrow(state, BORROWER, STONE, 9, prices_mantissa=usd(), slot=NOW),
        "repay": lambda: repay_borrow(state, BORROWER, STONE, 9, slot=NOW),
        "enter": lambda: enter_markets(state, BANK, [STONE], slot=NOW),
        "transfer": lambda: transfer(state, BANK, BORROWER, STONE, 9, prices_mantissa={}, slot=NOW),
    }[action]()

    assert refusal(outcome) == "MarketNotListed"


def test_who_is_in_a_market_borrows_no_more_of_it_once_it_is_unlisted():
    unlisted = with_vtoken(PAIR, DOLLAR, listed=False)

    assert (
        refusal(borrow(unlisted, BORROWER, DOLLAR, 9, prices_mantissa=usd(), slot=NOW)) == "MarketNotListed"
    )


# --- prices ---


def test_a_price_of_0_freezes_whoever_is_in_the_market():
    at = {**usd(), DOLLAR: 0}
    assert refusal(redeem(PAIR, BORROWER, COIN, 1, prices_mantissa=at, slot=NOW)) == "PriceError"
    assert refusal(heal(PAIR, at)) == "PriceError"
    assert isinstance(redeem(PAIR, BANK, COIN, 1, prices_mantissa=at, slot=NOW), Acted)
    stone, capped = {**usd(), STONE: 0}, with_vtoken(PAIR, STONE, borrow_cap_underlying=0)
    for state in (PAIR, capped):  # the price is asked before the cap
        assert refusal(borrow(state, BORROWER, STONE, 1, prices_mantissa=stone, slot=NOW)) == "PriceError"
    assert refusal(borrow(capped, BORROWER, STONE, 1, prices_mantissa=usd(), slot=NOW)) == "BorrowCapExceeded"


def test_input_that_no_contract_meets_is_an_error_of_the_caller():
    with pytest.raises(MissingPrice, match="no price for 1:"):
        data(PAIR, {COIN: 1})
    with pytest.raises(NegativePrice) as caught:
        data(PAIR, {**usd(), DOLLAR: -2})
    assert (caught.value.reserve_id, caught.value.price_base) == (DOLLAR, -2)
    with pytest.raises(UnknownMarket, match="no market 9"):
        mint(PAIR, BANK, 9, 1, slot=NOW)
    with pytest.raises(UnknownMarket):
        heal_account(
            replace(PAIR, vtokens={COIN: PAIR.vtokens[COIN]}),
            BORROWER,
            LIQUIDATOR,
            prices_mantissa=usd(),
            slot=NOW,
        )


# --- reserves ---


@pytest.mark.parametrize("rules", [OLD, NEW], ids=["1.0.0", "4.4.0"])
def test_reserves_are_given_and_withdrawn_in_cash(rules):
    state = moved(add_reserves(replace(PAIR, rules=rules), DOLLAR, 500, slot=NOW))
    assert state.vtokens[DOLLAR].total_reserves_underlying == 500
    assert exchange_rate(state.vtokens[DOLLAR]) == exchange_rate(PAIR.vtokens[DOLLAR])

    paid = reduce_reserves(state, DOLLAR, 400, slot=NOW)
    assert isinstance(paid, Acted)
    dollars = paid.market.vtokens[DOLLAR]
    assert (paid.amount, dollars.total_reserves_underlying) == (400, 100)
    assert dollars.cash_underlying == PAIR.vtokens[DOLLAR].cash_underlying + 100
    assert refusal(reduce_reserves(state, DOLLAR, 501, slot=NOW)) == "ReduceReservesCashValidation"
    poor = with_vtoken(state, DOLLAR, cash_underlying=499)
    assert refusal(reduce_reserves(poor, DOLLAR, 500, slot=NOW)) == "ReduceReservesCashNotAvailable"
    assert refusal(add_reserves(state, DOLLAR, MAX_UINT256, slot=NOW)) == "Panic(0x11)"


def test_reserves_that_the_accrual_has_just_withdrawn_are_not_withdrawn_again():
    state = with_vtoken(
        PAIR, DOLLAR, total_reserves_underlying=500, reduce_reserves_slot=0, reduce_reserves_slot_delta=10
    )
    found = reduce_reserves(state, DOLLAR, 10**9, slot=LATER)

    assert isinstance(found, Acted)
    assert found.amount == 0
    assert found.market.vtokens[DOLLAR].total_reserves_underlying == 0
    assert refusal(reduce_reserves(replace(state, rules=OLD), DOLLAR, 10**9, slot=LATER)) == (
        "ReduceReservesCashValidation"
    )


def test_a_position_with_nothing_set_is_not_kept():
    state = moved(mint(empty(), BANK, COIN, units(COIN, 1), slot=NOW))
    held = position(state, COIN, BANK).vtokens
    gone = moved(redeem(state, BANK, COIN, held, prices_mantissa={}, slot=NOW))

    assert gone.accounts[BANK].positions == {}
    assert exchange_rate(gone.vtokens[COIN]) == 10**28
    assert with_position(state, COIN, BANK, vtokens=1) != state
