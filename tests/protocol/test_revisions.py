"""What each column of the table of revisions changes, where recorded liquidations do not reach it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol.aave_v3 import (
    REVISIONS,
    Account,
    EModeCategory,
    Liquidated,
    Position,
    Revert,
    account_data,
    liquidation_call,
    rules_of,
)
from protocol.errors import MissingPrice, NegativePrice, UnknownReserve, UnknownRevision
from protocol.units import MAX_UINT256, RAY
from tests.protocol import markets
from tests.protocol.markets import BORROWER, COIN, DOLLAR, LIQUIDATOR, NOW, call, config, market, prices


def data(state, cents=900_00):
    return account_data(state, BORROWER, prices_base=prices(cents), timestamp=NOW)


def done(state, cents=900_00, **changes) -> Liquidated:
    outcome = liquidation_call(state, call(**changes), prices_base=prices(cents), timestamp=NOW)
    assert isinstance(outcome, Liquidated), outcome
    return outcome


def refused(state, cents=900_00, timestamp=NOW, **changes) -> str:
    outcome = liquidation_call(state, call(**changes), prices_base=prices(cents), timestamp=timestamp)
    assert isinstance(outcome, Revert), outcome
    return outcome.name


@pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)
def test_a_revision_is_found_by_name_and_by_number(rules):
    assert rules_of(rules.revision) is rules
    assert all(rules_of(number) is rules for number in rules.pool_revisions)


@pytest.mark.parametrize("unknown", [0, 1, 2, 12, "3.0", "2.0", "10", ""])
def test_an_unknown_revision_is_refused_with_its_number_and_the_known_ones(unknown):
    with pytest.raises(UnknownRevision) as caught:
        rules_of(unknown)

    assert caught.value.revision == unknown
    assert repr(unknown) in str(caught.value)
    assert "3.0.1 (by name only)" in str(caught.value)
    assert "3.2 (POOL_REVISION 5 or 6)" in str(caught.value)
    assert "3.6 (POOL_REVISION 10)" in str(caught.value)


def test_the_rows_stand_in_order_and_no_name_or_number_means_two_of_them():
    numbers = [number for rules in REVISIONS for number in rules.pool_revisions]

    assert [rules.revision for rules in REVISIONS] == sorted({rules.revision for rules in REVISIONS})
    assert numbers == sorted(set(numbers)) == list(range(3, 12))


def test_a_row_says_what_executed_contract_stands_behind_it():
    said = {rules.revision: rules.witness.value for rules in REVISIONS}

    assert said.pop("3.1") == "read, not executed"
    assert {said[name] for name in ("3.0.0", "3.0.1", "3.0.2")} == {"published artifacts"}
    assert said["3.6"] == "published sources"
    assert {said[name] for name in ("3.2", "3.3", "3.4", "3.5", "3.7")} == {
        "liquidations: recorded vectors; rest: read, not executed"
    }


@pytest.mark.parametrize(("revision", "expected_bps"), [("3.5", 0), ("3.6", 90_00), ("3.7", 90_00)])
def test_an_emode_gives_ltv_to_a_reserve_without_one_from_3_6_on(revision, expected_bps):
    state = market(revision, coin={"config": config(ltv_bps=0)}, emodes={1: category()}, emode=1)

    assert data(state).avg_ltv_bps == expected_bps


@pytest.mark.parametrize(("revision", "expected_bps"), [("3.5", 90_00), ("3.6", 0), ("3.7", 0)])
def test_an_ltvzero_collateral_has_no_ltv_from_3_6_on(revision, expected_bps):
    state = market(revision, emodes={1: category(ltvzero_bitmap=1)}, emode=1)

    assert data(state).avg_ltv_bps == expected_bps


@pytest.mark.parametrize(("revision", "expected_bps"), [("3.6", 75_00), ("3.7", 0)])
def test_an_isolated_emode_leaves_no_ltv_to_others_from_3_7_on(revision, expected_bps):
    state = market(revision, emodes={1: category(collateral_bitmap=0, isolated=True)}, emode=1)

    assert data(state).avg_ltv_bps == expected_bps


@pytest.mark.parametrize(("revision", "counts"), [("3.5", False), ("3.6", True)])
def test_a_reserve_without_threshold_is_collateral_inside_an_emode_from_3_6_on(revision, counts):
    no_threshold = config(liquidation_threshold_bps=0)
    state = market(revision, coin={"config": no_threshold}, emodes={1: category()}, emode=1)

    assert bool(data(state).total_collateral_base) is counts
    if not counts:
        assert refused(state) == "CollateralCannotBeLiquidated"


@pytest.mark.parametrize("revision", ["3.0.2", "3.6"])
def test_a_sentinel_blocks_only_between_health_95_and_100_percent(revision):
    closed = market(revision, sentinel_allows_liquidation=False)

    assert refused(closed, 960_00) == "PriceOracleSentinelCheckFailed"
    assert done(closed, 900_00)
    assert done(replace(closed, sentinel_allows_liquidation=True), 960_00)


def test_there_is_no_sentinel_from_3_7_on():
    assert done(market("3.7", sentinel_allows_liquidation=False), 960_00)


@pytest.mark.parametrize(("until", "blocked"), [(NOW, True), (NOW - 1, False)])
@pytest.mark.parametrize("side", ["coin", "dollar"])
def test_a_grace_period_of_either_reserve_blocks_up_to_its_last_second(until, blocked, side):
    decimals = 6 if side == "dollar" else 18
    in_grace: dict[str, Any] = {
        side: {"config": config(decimals=decimals, liquidation_grace_until_timestamp=until)}
    }
    state = market("3.6", **in_grace)

    assert not blocked or refused(state) == "LiquidationGraceSentinelCheckFailed"
    assert blocked or done(state)
    assert done(replace(state, rules=rules_of("3.0.2")))


@pytest.mark.parametrize(
    ("revision", "partial", "whole"),
    [
        ("3.0.0", 5_000_00, 0),
        ("3.0.1", 5_000_00, 9_000_00),
        ("3.0.2", 5_000_00, 9_000_00),
        ("3.1", 5_000_00, 9_000_00),
        ("3.2", 5_000_00, 9_000_00),
        ("3.3", 5_000_00, 0),
        ("3.7", 9_000_00, 9_000_00),
    ],
)
def test_isolated_debt_falls_by_what_is_repaid_unless_the_version_forgets_it(revision, partial, whole):
    isolated = {"config": config(debt_ceiling=10**9), "isolation_mode_total_debt": 9_000_00}
    state = market(revision, coin=isolated)
    # v3.0.0 clears the collateral bit after the debt is counted; then the bit decides; from v3.3 the ceiling.

    after_part = done(state, debt_to_cover=4_000 * markets.ONE_DOLLAR).market.reserves[COIN]
    after_all = done(replace(state, reserves=state.reserves), 700_00).market.reserves[COIN]

    assert after_part.isolation_mode_total_debt == partial
    repaid_at_700 = done(state, 700_00).debt_repaid // 10**4
    assert after_all.isolation_mode_total_debt == (9_000_00 - repaid_at_700 if whole == 0 else whole)


@pytest.mark.parametrize(("revision", "enabled"), [("3.2", False), ("3.3", True)])
def test_one_who_liquidates_all_his_own_collateral_gets_the_bit_back_in_3_3(revision, enabled):
    outcome = done(market(revision), 700_00, liquidator=BORROWER, receive_atoken=True)

    assert outcome.market.accounts[BORROWER].positions[COIN].collateral_enabled is enabled


@pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)
def test_one_may_liquidate_himself_up_to_3_3(rules):
    state = market(rules.revision)
    allowed = rules.revision < "3.4"

    assert allowed or refused(state, liquidator=BORROWER) == "SelfLiquidation"
    assert not allowed or done(state, liquidator=BORROWER)


@pytest.mark.parametrize(
    ("revision", "enabled"), [("3.0.0", True), ("3.0.2", True), ("3.5", True), ("3.6", False)]
)
def test_received_atokens_become_collateral_by_themselves_up_to_3_5(revision, enabled):
    outcome = done(market(revision), receive_atoken=True)

    assert outcome.market.accounts[LIQUIDATOR].positions[COIN].collateral_enabled is enabled


@pytest.mark.parametrize(
    ("revision", "enabled"),
    [("3.0.0", True), ("3.0.1", True), ("3.0.2", False), ("3.1", False), ("3.5", False)],
)
@pytest.mark.parametrize("changes", [{"ltv_bps": 0}, {"debt_ceiling": 10**9}])
def test_received_atokens_without_ltv_or_under_a_ceiling_become_collateral_up_to_3_0_1(
    revision, enabled, changes
):
    outcome = done(market(revision, coin={"config": config(**changes)}), receive_atoken=True)

    assert outcome.market.accounts[LIQUIDATOR].positions[COIN].collateral_enabled is enabled


@pytest.mark.parametrize("revision", ["3.0.0", "3.0.2"])
@pytest.mark.parametrize(
    ("mine", "received", "enabled"),
    [(0, 0, True), (10**9, 0, False), (0, 10**9, False), (10**9, 10**9, False)],
)
def test_received_atokens_do_not_mix_with_an_isolated_collateral(revision, mine, received, enabled):
    """The liquidator holds dollars as collateral, isolated or not, and is given coins, isolated or not."""
    state = market(
        revision,
        coin={"config": config(debt_ceiling=received)},
        dollar={"config": config(decimals=6, debt_ceiling=mine)},
    )
    holder = Account(positions={DOLLAR: Position(scaled_atoken=1, collateral_enabled=True)})
    outcome = done(replace(state, accounts={**state.accounts, LIQUIDATOR: holder}), receive_atoken=True)

    assert outcome.market.accounts[LIQUIDATOR].positions[COIN].collateral_enabled is enabled


@pytest.mark.parametrize(("revision", "borrowing"), [("3.3", True), ("3.4", False)])
def test_a_scaled_debt_rounded_to_nothing_clears_the_bit_only_from_3_4_on(revision, borrowing):
    # One scaled unit at an index of 3 is a debt of 3; repaying 2 burns round(2/3) = 1.
    coin = {"config": config(liquidation_protocol_fee_bps=0, decimals=6)}
    state = market(revision, coins=10, dollars=1, coin=coin, dollar={"variable_borrow_index_ray": 3 * RAY})
    rules = replace(state.rules, enforces_min_leftover=False)
    outcome = liquidation_call(
        replace(state, rules=rules),
        call(debt_to_cover=2),
        prices_base={COIN: 10**8 * 36 // 100, DOLLAR: 10**8},
        timestamp=NOW,
    )

    assert isinstance(outcome, Liquidated)
    left = outcome.market.accounts[BORROWER].positions.get(DOLLAR)
    assert bool(left and left.borrowing) is borrowing
    assert not (left and left.scaled_variable_debt)


@pytest.mark.parametrize(("revision", "name"), [("3.3", None), ("3.4", "SafeCastOverflowedUintDowncast")])
def test_balances_are_120_bits_wide_from_3_4_on(revision, name):
    coins = 2**125
    state = market(revision, coins=coins, dollars=10**18)
    small_price = {COIN: 10**18 * 10**8 * 10**12 * 12 // (coins * 10), DOLLAR: 10**8}
    outcome = liquidation_call(state, call(), prices_base=small_price, timestamp=NOW)

    assert (outcome.name if isinstance(outcome, Revert) else None) == name


def test_a_category_price_source_counts_for_both_legs_up_to_3_1():
    source = category(price_source="r1", liquidation_threshold_bps=85_00)
    state = market("3.0.2", coins=8_000 * markets.ONE_COIN, emodes={1: source}, emode=1)

    # At the dollar's own price 8000 coins are worth 8000 dollars, whatever the coin's feed says.
    assert data(state, 1).total_collateral_base == 8_000 * 10**8
    outcome = done(state, 1, debt_to_cover=100 * markets.ONE_DOLLAR)
    assert outcome.collateral_to_liquidator + outcome.protocol_fee == 105 * markets.ONE_COIN


@pytest.mark.parametrize(("revision", "dollars"), [("3.1", 8_000), ("3.2", 80)])
def test_a_category_has_no_price_of_its_own_from_3_2_on(revision, dollars):
    source = category(price_source="r1", liquidation_threshold_bps=85_00)
    state = market(revision, coins=8_000 * markets.ONE_COIN, emodes={1: source}, emode=1)

    assert data(state, 1).total_collateral_base == dollars * 10**8
    assert state.has_category_prices is (dollars == 8_000)


def test_a_category_price_source_that_is_no_listed_asset_is_asked_for():
    state = market("3.0.2", emodes={1: category(price_source="0xelsewhere")}, emode=1)

    with pytest.raises(MissingPrice):
        data(state)


@pytest.mark.parametrize("revision", ["3.3", "3.6"])
def test_the_dust_rule_can_be_taken_out(revision):
    state = market(revision, dollars=1_500 * markets.ONE_DOLLAR, coins=2 * markets.ONE_COIN)
    some = {"debt_to_cover": 1_000 * markets.ONE_DOLLAR}
    without = replace(state, rules=replace(state.rules, enforces_min_leftover=False))

    assert refused(state, **some) == "MustNotLeaveDust"
    assert done(without, **some).debt_repaid == 1_000 * markets.ONE_DOLLAR


def test_arithmetic_that_overflows_is_a_revert_with_its_name():
    state = market("3.6")

    assert refused(state, cents=MAX_UINT256) == "Panic(0x11)"
    assert refused(state, timestamp=NOW - 1) == "Panic(0x11)"
    assert refused(state, cents=0) == "Panic(0x12)"


def test_the_caller_s_mistakes_are_errors_of_their_own():
    state = market("3.6")

    with pytest.raises(MissingPrice):
        account_data(state, BORROWER, prices_base={COIN: 1}, timestamp=NOW)
    with pytest.raises(NegativePrice):
        account_data(state, BORROWER, prices_base={COIN: -1, DOLLAR: 1}, timestamp=NOW)
    with pytest.raises(UnknownReserve):
        liquidation_call(state, call(collateral_id=7), prices_base=prices(1), timestamp=NOW)
    with pytest.raises(UnknownReserve):
        data(replace(state, reserves={DOLLAR: state.reserves[DOLLAR]}))


def test_an_unknown_user_has_nothing_and_perfect_health():
    nobody = account_data(market("3.6"), "nobody", prices_base={}, timestamp=NOW)

    assert nobody.health_factor_wad == MAX_UINT256
    assert nobody.total_collateral_base == nobody.total_debt_base == nobody.available_borrows_base == 0


def category(**changes) -> EModeCategory:
    usual: dict[str, Any] = {
        "emode_id": 1,
        "ltv_bps": 90_00,
        "liquidation_threshold_bps": 93_00,
        "liquidation_bonus_bps": 105_00,
        "collateral_bitmap": 1,
    }
    return EModeCategory(**(usual | changes))
