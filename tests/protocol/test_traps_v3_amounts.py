"""Traps 1 to 13: what one call may repay, what it takes, and what is left of it.

Each test has the value that a naive model gives and the right one; none of the two is computed here.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.aave_v3 import account_data, rules_of, vtoken_balance
from protocol.fixed_point.percentage import percent_mul_half_up
from protocol.units import RAY
from tests.protocol.markets import BORROWER, COIN, DOLLAR, NOW
from tests.protocol.traps import (
    COIN_2,
    DOLLAR_2,
    DOLLAR_3,
    coins,
    dollars,
    done,
    health,
    left,
    refused,
    since,
    trapped,
    usd,
)

FROM_3_3 = pytest.mark.parametrize("revision", since("3.3"))
FROM_3_5 = pytest.mark.parametrize("revision", since("3.5"))


@pytest.mark.parametrize(
    ("price", "before", "after"),
    [(1062.5, 850_000_000_000_000_000, 860_000_000_000_000_000),
     (1037.5, 830_000_000_000_000_000, 820_000_000_000_000_000)],
)  # fmt: skip
def test_trap_01_the_bonus_lowers_the_health_factor_below_bonus_times_threshold(price, before, after):
    """Naive: a liquidation heals. Right: it does above 1.05 * 0.80 = 0.84 only."""
    state, at = trapped("3.6", holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)}), usd(coin=price)

    assert health(state, at) == before
    assert health(done(state, at, debt_to_cover=dollars(5_000)).market, at) == after

    # The configurator allows 0.93 * 1.0753 = 1.000029, as its product is rounded to 1: then none ever heals.
    assert percent_mul_half_up(93_00, 107_53) == 100_00
    limits = {COIN: {"liquidation_threshold_bps": 93_00, "liquidation_bonus_bps": 107_53}}
    state = trapped("3.6", holds={COIN: coins(10)}, owes={DOLLAR: dollars(9_300)}, configs=limits)
    at = usd(coin=999.99)
    assert health(state, at) == 999_990_000_000_000_000
    healed = done(state, at, debt_to_cover=dollars(4_000)).market
    assert health(healed, at) == 999_960_566_037_735_849


def test_trap_02_asking_for_as_much_as_allowed_can_revert_where_less_passes():
    """Naive: 2**256 - 1 repays the most that is allowed, 1,014 dollars. Right: from 3.3 on that is refused."""
    limits = {COIN: {"liquidation_threshold_bps": 93_00, "liquidation_bonus_bps": 107_52}}
    at = usd(coin=1_000)
    states = {
        revision: trapped(revision, holds={COIN: coins(2.075)}, owes={DOLLAR: dollars(2_028)}, configs=limits)
        for revision in since("3.2")
    }

    assert health(states["3.6"], at) == 951_553_254_437_869_822
    assert done(states.pop("3.2"), at).debt_repaid == 1_014_000_000
    for state in states.values():
        assert refused(state, at) == "MustNotLeaveDust"
        assert done(state, at, debt_to_cover=999_813_988).debt_repaid == 999_813_988
        assert refused(state, at, debt_to_cover=999_813_989) == "MustNotLeaveDust"  # 999.99999971 would stay


@pytest.mark.parametrize("revision", since("3.0.0"))
def test_trap_03_a_health_factor_of_exactly_095_closes_everything_and_still_asks_the_sentinel(revision):
    """Naive: both tests of 0.95 are alike. Right: `> 0.95` halves, `< 0.95` overrides the sentinel."""
    state, at = trapped(revision, holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)}), usd(coin=1_187.5)
    above, below = {**at, COIN: at[COIN] + 1}, {**at, COIN: at[COIN] - 1}

    assert health(state, at) == 950_000_000_000_000_000
    assert done(state, above).debt_repaid == 5_000_000_000
    assert done(state, at).debt_repaid == 10_000_000_000
    if state.rules.has_sentinel:
        guarded = replace(state, sentinel_allows_liquidation=False)
        assert refused(guarded, at) == "PriceOracleSentinelCheckFailed"
        assert done(guarded, below).debt_repaid == 10_000_000_000


@FROM_3_3
def test_trap_04_the_2000_and_1000_are_of_the_two_chosen_reserves_and_raw_units_of_any_currency(revision):
    """Naive: 1,500, half of a debt of 3,000 dollars. Right: 1,999, as this reserve's debt is below 2,000."""
    owes = {DOLLAR: dollars(1_999), DOLLAR_2: dollars(1_001)}
    state, at = trapped(revision, holds={COIN: coins(3)}, owes=owes), usd(coin=1_220)

    assert health(state, at) == 976_000_000_000_000_000
    assert done(state, at).debt_repaid == 1_999_000_000
    # The same account where prices have 18 decimals, as in a market that counts in ether: 2,000e8 is nothing.
    assert done(state, {i: price * 10**10 for i, price in at.items()}).debt_repaid == 1_500_000_000

    # Of 10 collaterals and debts as large, the 1,000 still look at this pair: 900 dollars may not stay.
    rich = trapped(
        revision,
        holds={COIN: coins(3), COIN_2: coins(30)},
        owes={DOLLAR: dollars(2_900), DOLLAR_2: dollars(29_000)},
    )
    at = usd(coin=1_200, coin_2=1_200)
    assert refused(rich, at, debt_to_cover=dollars(2_000)) == "MustNotLeaveDust"
    assert done(rich, at, debt_to_cover=dollars(1_900)).debt_repaid == 1_900_000_000


@pytest.mark.parametrize(
    ("revision", "repaid"),
    [("3.2", [2_000_000_000, 1_500_000_000, 1_500_000_000])]
    + [(one, [4_000_000_000, 3_000_000_000, 1_500_000_000]) for one in since("3.3")],
)
def test_trap_05_half_is_of_the_total_debt_so_a_smaller_debt_goes_whole_again_and_again(revision, repaid):
    """Naive: half of each reserve's debt. Right from 3.3 on: up to half of all debt, of one reserve."""
    limits = {COIN: {"liquidation_threshold_bps": 94_00, "liquidation_bonus_bps": 106_00}}
    owes = {DOLLAR: dollars(4_000), DOLLAR_2: dollars(3_000), DOLLAR_3: dollars(3_000)}
    state, at = trapped(revision, holds={COIN: coins(10)}, owes=owes, configs=limits), usd(coin=1_053.2)

    assert health(state, at) == 990_008_000_000_000_000
    for debt_id, amount in zip(owes, repaid, strict=True):
        assert 950_000_000_000_000_000 < health(state, at) < 10**18
        found = done(state, at, debt_id=debt_id)
        assert found.debt_repaid == amount
        state = found.market


@FROM_3_3
def test_trap_06_the_dust_rule_sees_the_chosen_pair_alone_and_lets_a_whole_leg_leave_cents(revision):
    """Naive: ten cents may not stay. Right: a call that ends one leg may leave anything of the other."""
    holds, owes = {COIN: coins(10), COIN_2: coins(1)}, {DOLLAR: dollars(10_000.1)}
    found = done(trapped(revision, holds=holds, owes=owes), usd(coin=1_050, coin_2=100))

    assert found.debt_repaid == 10_000_000_000
    assert (left(found, DOLLAR).scaled_variable_debt, left(found, DOLLAR).borrowing) == (100_000, True)
    assert found.deficits == {}  # the other collateral is still there

    found = done(
        trapped(revision, holds={COIN: coins(10.001)}, owes={DOLLAR: dollars(10_000)}), usd(coin=1_050)
    )
    assert found.debt_repaid == 10_000_000_000
    assert left(found, DOLLAR).scaled_variable_debt == 0
    assert left(found, COIN).scaled_atoken in {10**15, 10**15 + 1}  # worth 1.05 dollars


@pytest.mark.parametrize(
    ("revision", "deficits"),
    [(one, {DOLLAR: 47_619_048, DOLLAR_2: 100_000_000}) for one in since("3.3", "3.4")]
    + [(one, {DOLLAR: 47_619_047, DOLLAR_2: 100_000_000}) for one in since("3.5")],
)
def test_trap_07_a_collateral_worth_less_than_a_base_unit_is_no_collateral_left(revision, deficits):
    """Naive: no deficit, as tokens and bit of another collateral are there. Right: 0.9 base units count as 0."""
    owes = {DOLLAR: dollars(1_000), DOLLAR_2: dollars(100)}
    found = done(trapped(revision, holds={COIN: coins(1), COIN_2: 9 * 10**9}, owes=owes), usd(coin=1_000))

    assert found.deficits == deficits
    assert left(found, COIN_2).scaled_atoken == 9 * 10**9
    assert left(found, COIN_2).collateral_enabled is True

    state = trapped(revision, holds={COIN: coins(1), COIN_2: 10**10}, owes=owes)  # worth 1 base unit
    assert done(state, usd(coin=1_000)).deficits == {}


SEIZED = {"collateral_id": DOLLAR_2, "receive_atoken": True}


def emptied_by_two_round_ups(revision):
    """Takes 149,999,999 of a balance of 150,000,000; in shares that is all: ceil(col) + ceil(fee) = 100,000,000."""
    return trapped(
        revision,
        holds={DOLLAR_2: 100_000_000},
        owes={DOLLAR: 142_857_142, DOLLAR_3: dollars(10)},
        reserves={DOLLAR_2: {"liquidity_index_ray": 3 * RAY // 2}},
    )


@pytest.mark.parametrize("revision", since("3.4", "3.6"))
def test_trap_08_two_round_ups_empty_a_collateral_whose_bit_stays_and_strand_the_other_debt(revision):
    """Naive: no tokens, no bit, and the rest is a deficit. Right: only in 3.7; and a later call for nothing."""
    found = done(emptied_by_two_round_ups(revision), usd(), **SEIZED)
    taken = (found.debt_repaid, found.collateral_to_liquidator, found.protocol_fee)
    assert taken == (142_857_142, 149_285_713, 714_286)
    assert left(found, DOLLAR_2).scaled_atoken == 0
    assert left(found, DOLLAR_2).collateral_enabled is True
    assert found.deficits == {}

    last = {**SEIZED, "debt_id": DOLLAR_3}
    assert refused(found.market, usd(), **{**last, "receive_atoken": False}) == "InvalidBurnAmount"
    closed = done(found.market, usd(), **last)
    assert (closed.debt_repaid, closed.collateral_to_liquidator) == (0, 0)
    assert closed.deficits == {DOLLAR_3: 10_000_000}

    mended = done(emptied_by_two_round_ups("3.7"), usd(), **SEIZED)
    assert mended.deficits == {DOLLAR_3: 10_000_000}
    assert left(mended, DOLLAR_2).collateral_enabled is False


@pytest.mark.parametrize(
    ("revision", "accrued"),
    [("3.4", 1_522_725_000), ("3.5", 3_045_450_000), ("3.6", 3_045_450_000), ("3.7", 1_522_725_000)],
)
def test_trap_09_the_same_asset_on_both_sides_pays_the_treasury_twice(revision, accrued):
    """Naive: a tenth of the interest. Right in 3.5 and 3.6: twice that, while the indexes grow once."""
    state = trapped(
        revision,
        holds={DOLLAR: dollars(10_000)},
        owes={DOLLAR: dollars(9_000)},
        reserves={DOLLAR: {"total_scaled_variable_debt": dollars(500_000), "liquidity_rate_ray": 0}},
    )
    at_once = done(state, usd(), collateral_id=DOLLAR)
    found = done(state, usd(), collateral_id=DOLLAR, at=NOW + 31_536_000)

    assert at_once.market.reserves[DOLLAR].accrued_to_treasury_scaled == 0
    assert found.market.reserves[DOLLAR].accrued_to_treasury_scaled == accrued
    assert found.market.reserves[DOLLAR].variable_borrow_index_ray == 1_030_454_500_000_000_000_000_000_000


def test_trap_10_one_unit_of_debt_cannot_be_covered_once_the_index_has_grown():
    """Naive: a small call is a small liquidation. Right from 3.5 on: it burns no share, which is refused."""
    grown = {DOLLAR: {"variable_borrow_index_ray": RAY + 1}}
    for revision in since("3.0.0"):
        state = trapped(revision, holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)}, reserves=grown)
        if revision in since("3.5"):
            assert refused(state, usd(coin=1_000), debt_to_cover=1) == "InvalidBurnAmount"
            assert done(state, usd(coin=1_000), debt_to_cover=2).debt_repaid == 2
        else:
            assert done(state, usd(coin=1_000), debt_to_cover=1).debt_repaid == 1

        # In every version collateral of no share cannot be paid out; as aTokens it can be handed over.
        state = trapped(revision, holds={DOLLAR_2: dollars(10_000)}, owes={COIN_2: coins(12)})
        dear = {"collateral_id": DOLLAR_2, "debt_id": COIN_2, "debt_to_cover": 1}
        assert refused(state, usd(coin_2=700), **dear) == "InvalidBurnAmount"
        given = done(state, usd(coin_2=700), **dear, receive_atoken=True)
        assert (given.debt_repaid, given.collateral_to_liquidator) == (1, 0)


INDEX = RAY * 5 // 4 + 1


@FROM_3_5
def test_trap_11_a_debt_can_stay_one_unit_above_what_was_not_repaid(revision):
    """Naive: D - x is left. Right: D - x + 1 is, while the dust rule and the deficit go by D - x."""
    grown, rules = {DOLLAR: {"variable_borrow_index_ray": INDEX}}, rules_of(revision)
    state = trapped(revision, holds={COIN: coins(10)}, owes={DOLLAR: dollars(8_000)}, reserves=grown)
    assert vtoken_balance(dollars(8_000), INDEX, rules) == 10_000_000_001

    found = done(state, usd(coin=1_150), debt_to_cover=1_000_000_001)
    assert vtoken_balance(left(found, DOLLAR).scaled_variable_debt, INDEX, rules) == 9_000_000_001

    # What would really stay is 1,000.000000 dollars, which is enough; 999.999999 is what the rule sees.
    just_too_much = 9_000_000_002
    assert refused(state, usd(coin=1_150), debt_to_cover=just_too_much) == "MustNotLeaveDust"
    kept = done(state, usd(coin=1_150), debt_to_cover=just_too_much - 1)
    assert vtoken_balance(left(kept, DOLLAR).scaled_variable_debt, INDEX, rules) == 1_000_000_001


@pytest.mark.parametrize(
    ("revision", "right"),
    [(one, 1_066_133_333_333_333_333) for one in since("3.0.0", "3.4")]
    + [(one, 1_066_199_933_333_333_333) for one in since("3.5")],
)
def test_trap_12_the_average_threshold_is_cut_to_basis_points_before_3_5_only(revision, right):
    """Naive: one formula. Right: by the average of the view until 3.4, which tells no health factor later."""
    limits = {COIN_2: {"liquidation_threshold_bps": 80_01}}
    holds = {COIN: coins(1), COIN_2: coins(1)}
    state = trapped(revision, holds=holds, owes={DOLLAR: dollars(1_500)}, configs=limits)
    data = account_data(state, BORROWER, prices_base=usd(coin=1_000, coin_2=999), timestamp=NOW)

    by_the_view = (
        data.total_collateral_base * data.avg_liquidation_threshold_bps * 10**14 // data.total_debt_base
    )
    assert (data.avg_liquidation_threshold_bps, by_the_view) == (80_00, 1_066_133_333_333_333_333)
    assert data.health_factor_wad == right


@pytest.mark.parametrize(
    ("revision", "right"), [(one, 0) for one in since("3.0.0", "3.4")] + [(one, 2) for one in since("3.5")]
)
def test_trap_13_debt_values_are_rounded_up_for_each_reserve_and_then_summed(revision, right):
    """Naive from 3.5 on: 0.5 + 0.4 base units are 1. Right: 1 + 1; and 0 + 0 before."""
    state = trapped(revision, holds={COIN: coins(1)}, owes={COIN_2: 5 * 10**9, 4: 4 * 10**9})
    prices_base = {**usd(coin=1_000), 4: 10**8}

    data = account_data(state, BORROWER, prices_base=prices_base, timestamp=NOW)
    assert data.total_debt_base == right
