"""The hub's books by hand: the index, fees, the price of a share, the rate, and what a spoke may ask."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v4 import Asset, PremiumDelta, RateStrategy, SpokeData, hub
from protocol.aave_v4.interest import (
    accrue,
    drawn_index,
    share_pool,
    total_added_assets,
    unrealized_fees,
    with_drawn_rate,
)
from protocol.aave_v4.rates import drawn_rate
from protocol.errors import EvmRevert
from protocol.units import MAX_UINT256, RAY, SECONDS_PER_YEAR
from tests.protocol.v4_markets import (
    DOLLAR,
    NOW,
    OTHER_SPOKE,
    SPOKE,
    STONE,
    STRATEGY,
    TREASURY,
    asset,
)

YEAR = NOW + SECONDS_PER_YEAR
NOTHING = PremiumDelta(shares_delta=0, offset_delta_ray=0, restored_premium_ray=0)


def lent(**changes) -> Asset:
    """1000 units supplied and 400 of them drawn, at 10 % a year; a tenth of the interest is a fee."""
    spoke = SpokeData(added_shares=1_000, drawn_shares=400)
    usual = {
        "liquidity": 600,
        "added_shares": 1_000,
        "drawn_shares": 400,
        "drawn_rate_ray": RAY // 10,
        "spokes": {SPOKE: spoke, OTHER_SPOKE: SpokeData(), TREASURY: SpokeData()},
    }
    return asset(DOLLAR, **(usual | changes))


def book(state: Asset, **changes) -> Asset:
    return replace(state, spokes={**state.spokes, SPOKE: replace(state.spokes[SPOKE], **changes)})


def revert_of(do, *arguments) -> str:
    with pytest.raises(EvmRevert) as caught:
        do(*arguments)
    return caught.value.name


# --- the index ---


def test_the_index_grows_on_a_straight_line_and_is_rounded_up():
    assert drawn_index(lent(), YEAR) == RAY * 11 // 10
    assert drawn_index(lent(drawn_index_ray=RAY + 1), YEAR) == RAY * 11 // 10 + 2  # 1.1 units more
    assert drawn_index(lent(), NOW + 1) == RAY + RAY // 10 // SECONDS_PER_YEAR


def test_two_years_in_two_steps_grow_more_than_in_one():
    once, twice = drawn_index(lent(), NOW + 2 * SECONDS_PER_YEAR), accrue(lent(), YEAR)

    assert once == RAY * 12 // 10
    assert drawn_index(twice, NOW + 2 * SECONDS_PER_YEAR) == RAY * 121 // 100


def test_the_index_stands_still_while_nothing_is_drawn():
    assert drawn_index(lent(drawn_shares=0), YEAR) == RAY
    assert drawn_index(lent(drawn_shares=0, premium_shares=1), YEAR) == RAY * 11 // 10
    assert accrue(lent(drawn_shares=0), YEAR).last_update_timestamp == YEAR


def test_time_does_not_run_backwards():
    assert revert_of(drawn_index, lent(), NOW - 1) == "EmptyRevert"


def test_a_second_accrual_in_a_block_does_nothing():
    once = accrue(lent(), YEAR)

    assert accrue(once, YEAR) is once
    assert (once.drawn_index_ray, once.realized_fees, once.drawn_rate_ray) == (RAY * 11 // 10, 4, RAY // 10)


# --- what suppliers own ---


def test_suppliers_own_what_is_there_and_what_is_owed_less_fees():
    assert total_added_assets(lent(), NOW) == 1_000
    assert total_added_assets(lent(), YEAR) == 1_000 + 40 - 4  # a tenth of the interest of 40 is the fee
    assert total_added_assets(lent(swept=7, realized_fees=2), YEAR) == 1_000 + 40 - 4 + 7 - 2
    assert total_added_assets(lent(liquidity_fee_bps=0), YEAR) == 1_040


def test_fees_are_taken_of_whole_units_and_rounded_down():
    # Owed 400 * 1.1 and 10 shares of premium whose growth of 1 is owed: 440 + 1, before 400.
    state = lent(premium_shares=10, premium_offset_ray=10 * RAY)

    assert unrealized_fees(state, RAY * 11 // 10) == 4
    assert unrealized_fees(replace(state, liquidity_fee_bps=100_00), RAY * 11 // 10) == 41
    assert total_added_assets(state, YEAR) == 600 + 441 - 4


def test_a_fraction_of_a_unit_owed_counts_as_a_whole_one_for_suppliers():
    assert total_added_assets(lent(deficit_ray=1), NOW) == 1_001


def test_accruing_does_not_move_the_share_price():
    seen, stored = share_pool(lent(), YEAR), share_pool(accrue(lent(), YEAR), YEAR)

    assert seen == stored
    assert (seen.total_assets, seen.total_shares) == (1_036, 1_000)
    assert (seen.virtual_assets, seen.virtual_shares) == (10**6, 10**6)


def test_an_offset_above_what_premium_shares_are_worth_reverts():
    state = lent(premium_shares=10, premium_offset_ray=10 * RAY + 1)

    assert revert_of(total_added_assets, state, NOW) == "SafeCastOverflowedIntToUint"


# --- the rate ---


@pytest.mark.parametrize(
    ("liquidity", "drawn", "swept", "expected"),
    [
        (0, 0, 0, 1_00),  # nothing drawn: the base rate
        (60, 40, 0, 1_00 + 2_00),  # usage 40 % is half of the optimal 80 %
        (20, 80, 0, 1_00 + 4_00),  # at the optimum
        (10, 90, 0, 1_00 + 4_00 + 30_00),  # half-way from there to everything
        (0, 100, 0, 1_00 + 4_00 + 60_00),
        (30, 40, 30, 1_00 + 2_00),  # swept liquidity is liquidity
    ],
)
def test_the_rate_has_a_kink_at_the_optimal_usage(liquidity, drawn, swept, expected):
    strategy = replace(STRATEGY, base_rate_bps=1_00)

    assert drawn_rate(strategy, liquidity=liquidity, drawn=drawn, swept=swept) == expected * 10**23


def test_every_step_of_the_rate_rounds_up():
    # Usage 1/3 up, times 0.04 up, by 0.8 up; and beyond the kink 2/3 + 1/3 of the way likewise.
    assert drawn_rate(STRATEGY, liquidity=2, drawn=1, swept=0) == 16_666_666_666_666_666_666_666_668
    beyond = drawn_rate(replace(STRATEGY, optimal_usage_bps=1_00), liquidity=1, drawn=2, swept=0)
    assert beyond == 437_979_797_979_797_979_797_979_799


def test_the_rate_is_asked_for_what_is_drawn_rounded_up_at_the_stored_index():
    state = with_drawn_rate(lent(liquidity=600, drawn_index_ray=RAY + 1))

    assert state.drawn_rate_ray == drawn_rate(STRATEGY, liquidity=600, drawn=401, swept=0)


def test_a_strategy_without_an_optimum_was_never_set():
    unset = RateStrategy(
        optimal_usage_bps=0,
        base_rate_bps=0,
        rate_growth_before_optimal_bps=0,
        rate_growth_after_optimal_bps=0,
    )
    with pytest.raises(EvmRevert, match="InterestRateDataNotSet"):
        drawn_rate(unset, liquidity=0, drawn=0, swept=0)


# --- moving liquidity ---

RICH = lent(liquidity=10**7 + 600)
"""A share is worth a little over 10 units less nothing: (11_001_000) / (1_001_000)."""


def test_adding_gives_shares_down_and_removing_takes_shares_up():
    # 1000 units are worth 1000 * 1_001_000 / 11_001_000 = 90.99 shares.
    added = hub.add_liquidity(RICH, SPOKE, 1_000, NOW)
    removed = hub.remove_liquidity(RICH, SPOKE, 1_000, NOW)

    assert (added.shares, removed.shares) == (90, 91)
    assert (added.asset.added_shares, added.asset.spokes[SPOKE].added_shares) == (1_090, 1_090)
    assert (removed.asset.added_shares, removed.asset.spokes[SPOKE].added_shares) == (909, 909)
    assert (added.asset.liquidity, removed.asset.liquidity) == (10**7 + 1_600, 10**7 - 400)


def test_drawing_makes_shares_up_and_restoring_takes_shares_down():
    # At an index of 1.1, 100 units are 90.9 shares.
    drawn = hub.draw(lent(), SPOKE, 100, YEAR)
    restored = hub.restore(lent(), SPOKE, 100, NOTHING, YEAR)

    assert (drawn.shares, restored.shares) == (91, 90)
    assert (drawn.asset.drawn_shares, drawn.asset.spokes[SPOKE].drawn_shares) == (491, 491)
    assert (restored.asset.drawn_shares, restored.asset.spokes[SPOKE].drawn_shares) == (310, 310)
    assert (drawn.asset.liquidity, restored.asset.liquidity) == (500, 700)
    assert drawn.asset.realized_fees == restored.asset.realized_fees == 4


def test_restored_premium_is_paid_in_whole_units():
    state = book(
        lent(premium_shares=10, premium_offset_ray=10 * RAY), premium_shares=10, premium_offset_ray=10 * RAY
    )
    paid = PremiumDelta(shares_delta=0, offset_delta_ray=RAY // 2, restored_premium_ray=RAY // 2)
    restored = hub.restore(state, SPOKE, 0, paid, YEAR).asset

    assert restored.liquidity == 601  # half a unit of premium costs one
    assert restored.premium_offset_ray == restored.spokes[SPOKE].premium_offset_ray == 10 * RAY + RAY // 2


def test_every_move_sets_the_rate_anew():
    for moved in (
        hub.add_liquidity(lent(), SPOKE, 100, NOW).asset,
        hub.remove_liquidity(lent(), SPOKE, 100, NOW).asset,
        hub.draw(lent(), SPOKE, 100, NOW).asset,
        hub.restore(lent(), SPOKE, 100, NOTHING, NOW).asset,
        hub.report_deficit(lent(), SPOKE, 100, NOTHING, NOW).asset,
        hub.refresh_premium(lent(), SPOKE, NOTHING, NOW),
        hub.pay_fee_shares(lent(), SPOKE, 1, NOW),
    ):
        assert moved.drawn_rate_ray == with_drawn_rate(moved).drawn_rate_ray != RAY // 10


def test_a_premium_delta_must_move_the_debt_by_what_it_says():
    more = PremiumDelta(shares_delta=10, offset_delta_ray=10 * RAY, restored_premium_ray=0)
    refreshed = hub.refresh_premium(lent(), SPOKE, more, NOW)

    assert (refreshed.premium_shares, refreshed.premium_offset_ray) == (10, 10 * RAY)
    assert refreshed.spokes[SPOKE].premium_shares == 10
    wrong = replace(more, offset_delta_ray=10 * RAY - 1)
    assert revert_of(hub.refresh_premium, lent(), SPOKE, wrong, NOW) == "InvalidPremiumChange"
    paying = replace(NOTHING, restored_premium_ray=1)
    assert revert_of(hub.refresh_premium, lent(), SPOKE, paying, NOW) == "InvalidPremiumChange"


def test_premium_shares_are_bound_to_drawn_shares_by_the_spoke_s_threshold():
    more = PremiumDelta(shares_delta=81, offset_delta_ray=81 * RAY, restored_premium_ray=0)
    bound = book(lent(), risk_premium_threshold_bps=20_01)  # 400 drawn shares: 80.04, rounded up
    tight = book(lent(), risk_premium_threshold_bps=20_00)

    assert hub.refresh_premium(bound, SPOKE, more, NOW).premium_shares == 81
    assert revert_of(hub.refresh_premium, tight, SPOKE, more, NOW) == "InvalidPremiumChange"


def test_fee_shares_go_to_the_receiver_and_stay_in_the_total():
    paid = hub.pay_fee_shares(lent(), SPOKE, 10, NOW)

    assert paid.added_shares == 1_000
    assert paid.spokes[SPOKE].added_shares == 990
    assert paid.spokes[TREASURY].added_shares == 10


# --- deficits ---


def test_a_deficit_leaves_debt_and_suppliers_claims_as_they_were():
    reported = hub.report_deficit(lent(), SPOKE, 440, NOTHING, YEAR)

    assert (reported.shares, reported.amount_ray) == (400, 440 * RAY)
    assert reported.asset.deficit_ray == reported.asset.spokes[SPOKE].deficit_ray == 440 * RAY
    assert reported.asset.drawn_shares == 0
    assert share_pool(reported.asset, YEAR) == share_pool(lent(), YEAR)


def test_a_deficit_is_paid_off_with_the_shares_of_the_caller_rounded_up():
    short = hub.report_deficit(RICH, SPOKE, 400, NOTHING, NOW).asset
    short = hub.add_liquidity(short, OTHER_SPOKE, 5_000, NOW).asset
    eliminated = hub.eliminate_deficit(short, OTHER_SPOKE, SPOKE, 100, NOW)

    assert (eliminated.shares, eliminated.amount_ray) == (10, 100 * RAY)  # 9.1 shares
    assert eliminated.asset.deficit_ray == eliminated.asset.spokes[SPOKE].deficit_ray == 300 * RAY
    assert eliminated.asset.liquidity == short.liquidity
    assert eliminated.asset.added_shares == short.added_shares - 10
    assert eliminated.asset.spokes[OTHER_SPOKE].added_shares == short.spokes[OTHER_SPOKE].added_shares - 10


@pytest.mark.parametrize(("amount", "gone_ray"), [(2, 2 * RAY), (3, 2 * RAY + 1), (MAX_UINT256, 2 * RAY + 1)])
def test_the_last_fraction_of_a_deficit_costs_a_whole_unit(amount, gone_ray):
    short = book(lent(deficit_ray=2 * RAY + 1), deficit_ray=2 * RAY + 1)

    assert hub.eliminate_deficit(short, SPOKE, SPOKE, amount, NOW).amount_ray == gone_ray


def test_there_must_be_a_deficit_and_an_active_payer():
    short = book(lent(deficit_ray=RAY), deficit_ray=RAY)

    assert revert_of(hub.eliminate_deficit, lent(), SPOKE, SPOKE, 1, NOW) == "InvalidAmount"
    assert revert_of(hub.eliminate_deficit, short, SPOKE, SPOKE, 0, NOW) == "InvalidAmount"
    assert revert_of(hub.eliminate_deficit, short, "stranger", SPOKE, 0, NOW) == "SpokeNotActive"
    assert revert_of(hub.eliminate_deficit, short, OTHER_SPOKE, SPOKE, 1, NOW) == "Panic(0x11)"


# --- what is refused, in the contract's order ---

MOVES = [
    lambda state, amount: hub.add_liquidity(state, SPOKE, amount, NOW),
    lambda state, amount: hub.remove_liquidity(state, SPOKE, amount, NOW),
    lambda state, amount: hub.draw(state, SPOKE, amount, NOW),
    lambda state, amount: hub.restore(state, SPOKE, amount, NOTHING, NOW),
]


@pytest.mark.parametrize("move", MOVES)
def test_a_move_needs_an_amount_an_active_spoke_and_no_halt(move):
    assert revert_of(move, book(lent(), active=False, halted=True), 0) == "InvalidAmount"
    assert revert_of(move, book(lent(), active=False, halted=True), 1) == "SpokeNotActive"
    assert revert_of(move, book(lent(), halted=True), 1) == "SpokeHalted"


def test_a_halted_spoke_still_reports_deficits_pays_fees_and_refreshes_premiums():
    halted, gone = book(lent(), halted=True), book(lent(), active=False)
    for act in (
        lambda state: hub.report_deficit(state, SPOKE, 1, NOTHING, NOW),
        lambda state: hub.pay_fee_shares(state, SPOKE, 1, NOW),
        lambda state: hub.refresh_premium(state, SPOKE, NOTHING, NOW),
    ):
        assert act(halted)
        assert revert_of(act, gone) == "SpokeNotActive"
    assert revert_of(hub.report_deficit, gone, SPOKE, 0, NOTHING, NOW) == "InvalidAmount"
    assert revert_of(hub.pay_fee_shares, lent(), SPOKE, 0, NOW) == "InvalidShares"
    assert revert_of(hub.pay_fee_shares, lent(), "stranger", 1, NOW) == "SpokeNotActive"


def test_no_more_is_taken_than_there_is():
    assert revert_of(hub.remove_liquidity, lent(), SPOKE, 601, NOW) == "InsufficientLiquidity"
    assert revert_of(hub.draw, lent(), SPOKE, 601, NOW) == "InsufficientLiquidity"
    assert hub.remove_liquidity(lent(), SPOKE, 600, NOW).asset.liquidity == 0
    assert hub.draw(lent(), SPOKE, 600, NOW).asset.liquidity == 0


def test_no_more_is_paid_back_than_the_spoke_owes():
    paying = PremiumDelta(shares_delta=0, offset_delta_ray=0, restored_premium_ray=1)
    other = replace(lent(drawn_shares=500))  # a hundred of them another spoke's

    assert revert_of(hub.restore, other, SPOKE, 401, NOTHING, NOW) == "SurplusDrawnRestored"
    assert revert_of(hub.restore, other, SPOKE, 400, paying, NOW) == "SurplusPremiumRayRestored"
    assert revert_of(hub.report_deficit, other, SPOKE, 401, NOTHING, NOW) == "SurplusDrawnDeficitReported"
    assert revert_of(hub.report_deficit, other, SPOKE, 0, paying, NOW) == "SurplusPremiumRayDeficitReported"


def test_an_amount_that_is_worth_no_share_is_refused():
    assert revert_of(hub.add_liquidity, RICH, SPOKE, 10, NOW) == "InvalidShares"
    assert hub.add_liquidity(RICH, SPOKE, 11, NOW).shares == 1


def test_caps_count_whole_tokens_of_what_is_held_or_owed_and_the_deficit():
    stones = 10**8
    spoke = SpokeData(added_shares=4 * stones, drawn_shares=2 * stones, deficit_ray=stones * RAY)
    state = asset(
        STONE,
        liquidity=2 * stones,
        added_shares=4 * stones,
        drawn_shares=2 * stones,
        spokes={SPOKE: replace(spoke, add_cap=5, draw_cap=4)},
    )

    assert hub.add_liquidity(state, SPOKE, stones, NOW).shares == stones
    assert revert_of(hub.add_liquidity, state, SPOKE, stones + 1, NOW) == "AddCapExceeded"
    assert hub.draw(state, SPOKE, stones, NOW).shares == stones
    assert revert_of(hub.draw, state, SPOKE, stones + 1, NOW) == "DrawCapExceeded"


def test_stored_integers_keep_to_their_size():
    wide = lent(liquidity=2**120 - 1, liquidity_fee_bps=0)

    assert revert_of(hub.add_liquidity, wide, SPOKE, 2**119, NOW) == "SafeCastOverflowedUintDowncast"
    assert revert_of(hub.add_liquidity, lent(), SPOKE, 2**120, NOW) == "SafeCastOverflowedUintDowncast"
    full = book(lent(added_shares=2**120 - 1, liquidity=2**119), added_shares=2**120 - 1)
    assert revert_of(hub.add_liquidity, full, SPOKE, 10**9, NOW) == "Panic(0x11)"


def test_shares_may_have_120_bits():
    half = 2**119
    rich = lent(liquidity=half)

    assert hub.draw(rich, SPOKE, half, NOW).shares == half
    deep = book(lent(drawn_shares=half), drawn_shares=half)
    assert hub.restore(deep, SPOKE, half, NOTHING, NOW).shares == half
    even = book(replace(rich, added_shares=half, drawn_shares=0), added_shares=half, drawn_shares=0)
    assert hub.add_liquidity(even, SPOKE, half - 1, NOW).shares == half - 1
    assert hub.remove_liquidity(even, SPOKE, half, NOW).shares == half
    assert hub.pay_fee_shares(even, SPOKE, half, NOW).spokes[TREASURY].added_shares == half
