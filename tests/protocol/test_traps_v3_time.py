"""Traps 14 to 18: what time and efficiency modes do to balances and prices; in 21 to 24 who gets what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol import aave_v2
from protocol.aave_v3 import EModeCategory, normalized_debt, rules_of
from protocol.aave_v3.interest import accrue
from protocol.fixed_point.compounding import (
    compounded_growth_binomial,
    compounded_growth_per_second,
    compounded_growth_taylor,
)
from protocol.units import RAY
from tests.protocol.as_v2 import as_v2
from tests.protocol.markets import BORROWER, COIN, DOLLAR, LIQUIDATOR, NOW, TREASURY, reserve
from tests.protocol.traps import (
    COIN_2,
    coins,
    dollars,
    done,
    done_v2,
    health,
    left,
    refused,
    since,
    trapped,
    usd,
)

YEAR = 31_536_000
FIVE_PERCENT = 5 * RAY // 100


@pytest.mark.parametrize(
    ("revision", "debt_at_once", "debt_in_two", "treasury_at_once", "treasury_in_two"),
    [
        ("3.0.2", 1_051_265_681_539_063_650_421_944_000, 1_051_269_742_248_717_705_327_784_871,
         2_441_222_930, 2_470_082_273),
        ("3.6", 1_051_270_833_333_333_333_333_333_333, 1_051_271_062_832_302_517_361_111_112,
         2_441_468_254, 2_470_145_884),
    ],
)  # fmt: skip
def test_trap_14_the_path_of_interactions_changes_both_indexes_and_the_treasury(
    revision, debt_at_once, debt_in_two, treasury_at_once, treasury_in_two
):
    """Naive: a year is a year. Right: an interaction in its middle lets interest earn interest."""
    rates = {"liquidity_rate_ray": FIVE_PERCENT, "variable_borrow_rate_ray": FIVE_PERCENT}
    stale, rules = reserve(DOLLAR, supply=10**12, debt=5 * 10**11, **rates), rules_of(revision)
    at_once = accrue(stale, rules, NOW + YEAR)
    in_two = accrue(accrue(stale, rules, NOW + YEAR // 2), rules, NOW + YEAR)

    assert at_once.liquidity_index_ray == 1_050_000_000_000_000_000_000_000_000  # linear
    assert in_two.liquidity_index_ray == 1_050_625_000_000_000_000_000_000_000
    assert (at_once.variable_borrow_index_ray, in_two.variable_borrow_index_ray) == (
        debt_at_once,
        debt_in_two,
    )
    assert (at_once.accrued_to_treasury_scaled, in_two.accrued_to_treasury_scaled) == (
        treasury_at_once,
        treasury_in_two,
    )


def test_trap_15_view_and_stored_debt_index_disagree_where_suppliers_earn_nothing():
    """Naive: liquidatable, as the view says 0.9998. Right in v3.0.0: the call forgets the interest first."""
    states = {
        revision: trapped(
            revision,
            holds={COIN: coins(10)},
            owes={DOLLAR: dollars(8_000)},
            configs={DOLLAR: {"reserve_factor_bps": 100_00}},
            reserves={DOLLAR: {"liquidity_rate_ray": 0}},
        )
        for revision in ("3.0.0", "3.0.1")
    }

    for state in states.values():
        view = normalized_debt(state.reserves[DOLLAR], state.rules, NOW + YEAR)
        assert view == 1_030_449_999_985_288_898_389_312_000
        assert health(state, usd(coin=1_010), at=NOW + YEAR) == 999_757_387_549_129_021
    assert refused(states["3.0.0"], usd(coin=1_010), at=NOW + YEAR) == "HealthFactorNotBelowThreshold"
    assert (
        accrue(states["3.0.0"].reserves[DOLLAR], rules_of("3.0.0"), NOW + YEAR).variable_borrow_index_ray
        == RAY
    )
    assert done(states["3.0.1"], usd(coin=1_010), at=NOW + YEAR).debt_repaid == 4_121_800_000

    # v2 asks before it accrues: it repays half of the 8,243.64 of the view, of a stored debt of 8,000.
    found = done_v2(states["3.0.0"], usd(coin=1_010), at=NOW + YEAR)
    assert found.debt_repaid == 4_121_820_909
    assert found.market.reserves[DOLLAR].variable_borrow_index_ray == RAY
    assert (
        found.market.accounts[BORROWER].positions[DOLLAR].scaled_variable_debt
        == 8_000_000_000 - 4_121_820_909
    )


def test_trap_16_each_version_compounds_by_a_formula_of_its_own():
    """Naive: one formula. Right: at 5 % a year and 30 days they differ from the ninth digit on."""
    days = 30 * 86_400

    assert compounded_growth_per_second(FIVE_PERCENT, days) == 1_004_118_045_008_373_287_553_232_000
    assert compounded_growth_binomial(FIVE_PERCENT, days) == 1_004_118_042_106_000_198_784_926_904
    assert compounded_growth_taylor(FIVE_PERCENT, days) == 1_004_118_044_969_757_105_730_597_891
    for revision in since("3.0.0"):
        formula = compounded_growth_taylor if revision in since("3.4") else compounded_growth_binomial
        assert rules_of(revision).compounded_growth is formula
    lent = {"variable_borrow_rate_ray": FIVE_PERCENT}
    state = trapped("3.0.0", holds={COIN: coins(1)}, owes={DOLLAR: dollars(1)}, reserves={DOLLAR: lent})
    v2 = aave_v2.normalized_debt(as_v2(state).reserves[DOLLAR], NOW + days)
    assert v2 == 1_004_118_045_008_373_287_553_232_000


def in_a_mode(revision, *, members=1 << COIN, price_source="", **changes):
    """An account in an efficiency mode of 93 %, 101 %, whose only member is the coin unless told otherwise."""
    mode = EModeCategory(
        emode_id=1,
        ltv_bps=90_00,
        liquidation_threshold_bps=93_00,
        liquidation_bonus_bps=101_00,
        collateral_bitmap=members,
        price_source=price_source,
    )
    owes = {DOLLAR: dollars(10_000)}
    state = trapped(revision, holds={COIN: coins(10)}, owes=owes, emodes={1: mode}, **changes)
    account = replace(state.accounts[BORROWER], emode=1)
    return replace(state, accounts={**state.accounts, BORROWER: account})


@pytest.mark.parametrize(
    ("revision", "right_health", "repaid"),
    [(one, 985_800_000_000_000_000, 9_900_990) for one in since("3.0.0", "3.1")]
    + [("3.2", 930_000_000_000_000_000, 9_900_990_099)],
)
def test_trap_17_the_price_of_a_mode_prices_the_debt_of_a_liquidation_but_not_of_the_health_factor(
    revision, right_health, repaid
):
    """Naive: the debt is a dollar in both. Right up to 3.1: 1,060, so all collateral repays 9.90 dollars."""
    state = in_a_mode(revision, price_source="R2", reserves={COIN_2: {}})
    at = usd(coin=1_000, coin_2=1_060)

    assert health(state, at) == right_health
    found = done(state, at)
    assert found.debt_repaid == repaid
    assert found.collateral_to_liquidator + found.protocol_fee == coins(10)


@pytest.mark.parametrize("revision", since("3.0.0"))
def test_trap_18_a_reserve_without_threshold_is_collateral_inside_a_mode_from_3_6_on(revision):
    """Naive: the mode's threshold is enough in all versions, and outside it there is nothing to be had."""
    nothing = {"ltv_bps": 0, "liquidation_threshold_bps": 0, "liquidation_bonus_bps": 0}
    at, free = usd(coin=1_000), {**nothing, "liquidation_protocol_fee_bps": 0}
    inside = in_a_mode(revision, configs={COIN: nothing})
    outside = {
        name: trapped(
            revision, holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)}, configs={COIN: config}
        )
        for name, config in (("fee", nothing), ("no fee", free))
    }

    if revision not in since("3.6"):
        assert health(inside, at) == 0
        for state in (inside, *outside.values()):
            assert refused(state, at) == "CollateralCannotBeLiquidated"
        return
    assert health(inside, at) == 930_000_000_000_000_000
    assert done(inside, at).debt_repaid == 9_900_990_100
    # Outside, a bonus of 0 buys nothing: the liquidator pays for it, and no collateral ever runs out.
    assert refused(outside["fee"], at) == "EmptyRevert"  # a division by the bonus
    assert refused(outside["no fee"], at) == "InvalidBurnAmount"
    given = done(outside["no fee"], at, receive_atoken=True)
    assert (given.debt_repaid, given.collateral_to_liquidator) == (10_000_000_000, 0)
    assert left(given, COIN).scaled_atoken == coins(10)


@pytest.mark.parametrize("revision", since("3.1"))
def test_trap_21_the_fee_is_left_out_of_what_is_reported_and_moves_no_liquidity(revision):
    """Naive: 8.842105 coins leave the pool, or a tenth of the collateral is the fee. Right: 8.8, and 0.0421."""
    state = trapped(revision, holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)})
    found = done(state, usd(coin=1_187.5))

    assert found.debt_repaid == 10_000_000_000
    assert found.collateral_to_liquidator == 8_799_999_999_999_999_999
    assert found.protocol_fee == 42_105_263_157_894_737  # a tenth of the bonus of 0.421
    assert left(found, COIN).scaled_atoken == 1_157_894_736_842_105_264
    assert left(found, COIN, user=TREASURY).scaled_atoken == 42_105_263_157_894_737
    liquidity = state.reserves[COIN].virtual_underlying_balance
    assert liquidity - found.market.reserves[COIN].virtual_underlying_balance == 8_799_999_999_999_999_999


@pytest.mark.parametrize("revision", since("3.0.0"))
def test_trap_22_received_atokens_leave_the_rates_alone_although_from_3_5_on_the_indexes_move(revision):
    """Naive: nothing of the collateral reserve changes, or all does. Right: indexes and time, not the rates."""
    state = trapped(revision, holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)})
    before = state.reserves[COIN]
    given = done(state, usd(coin=1_100), at=NOW + YEAR, receive_atoken=True).market.reserves[COIN]
    paid = done(state, usd(coin=1_100), at=NOW + YEAR).market.reserves[COIN]

    assert (before.liquidity_rate_ray, before.liquidity_index_ray) == (2 * RAY // 100, RAY)
    assert (paid.liquidity_rate_ray, paid.liquidity_index_ray) == (0, 102 * RAY // 100)
    assert given.liquidity_rate_ray == 2 * RAY // 100
    moved = revision in since("3.5")
    assert given.liquidity_index_ray == (102 * RAY // 100 if moved else RAY)
    assert given.last_update_timestamp == (NOW + YEAR if moved else NOW)


@pytest.mark.parametrize(
    ("revision", "usual", "without_ltv", "isolated"),
    [(one, True, True, True) for one in since("3.0.0", "3.0.1")]
    + [(one, True, False, False) for one in since("3.0.2", "3.5")]
    + [(one, False, False, False) for one in since("3.6")],
)
def test_trap_23_the_liquidator_may_come_by_a_collateral_bit_unasked(revision, usual, without_ltv, isolated):
    """Naive: received aTokens are not collateral. Right up to 3.5: they are, and with that may be seized."""
    for config, enabled in (({}, usual), ({"ltv_bps": 0}, without_ltv), ({"debt_ceiling": 10**9}, isolated)):
        owes = {DOLLAR: dollars(10_000)}
        state = trapped(revision, holds={COIN: coins(10)}, owes=owes, configs={COIN: config})
        found = done(state, usd(coin=1_000), receive_atoken=True)
        assert left(found, COIN, user=LIQUIDATOR).scaled_atoken > 0
        assert left(found, COIN, user=LIQUIDATOR).collateral_enabled is enabled
        if revision == "3.0.0":  # as in v2
            found_v2 = done_v2(state, usd(coin=1_000), receive_atoken=True)
            assert found_v2.market.accounts[LIQUIDATOR].positions[COIN].collateral_enabled is True


@pytest.mark.parametrize("revision", since("3.0.0"))
def test_trap_24_one_may_liquidate_oneself_up_to_3_3(revision):
    """Naive: nobody can. Right up to 3.3; the collateral that comes back is off in 3.0.1 to 3.2, on in 3.3."""
    state = trapped(revision, holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)})
    own = {"liquidator": BORROWER, "receive_atoken": True}
    if revision in since("3.4"):
        assert refused(state, usd(coin=1_000), **own) == "SelfLiquidation"
        return
    found = done(state, usd(coin=1_000), **own)

    assert found.debt_repaid == 9_523_809_524
    assert left(found, COIN).scaled_atoken == 9_952_380_952_380_952_381  # all but the fee
    assert left(found, COIN).collateral_enabled is (revision in {"3.0.0", "3.3"})
    assert found.deficits == ({DOLLAR: 476_190_476} if revision == "3.3" else {})
    if revision == "3.0.0":  # and in v2, where half is all that one may repay
        assert done_v2(state, usd(coin=1_000), **own).debt_repaid == 5_000_000_000
