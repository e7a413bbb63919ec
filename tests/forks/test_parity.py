"""The ledger of comparisons: what is a difference, what counts as changed, and how a state becomes integers."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from eth_utils import keccak

from forks.aave_v3.parity import (
    MOVING_RESERVE_FIELDS,
    STABLE_DEBT,
    flatten_account_data,
    flatten_market,
    flatten_outcome,
)
from forks.crash.ledger import MISSING, Ledger, ParityBroken, error_number
from protocol.aave_v3 import Account, AccountData, Liquidated, Position, Reserve, rules_of
from protocol.aave_v3.state import StableDebt, StableTotals
from tests.stress.markets import empty_market

USER, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
CONSTANT_RESERVE_FIELDS = {"reserve_id", "asset", "symbol", "config", "strategy"}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(stop_at_first=False)


def test_equal_integers_are_counted_and_do_not_differ(ledger):
    ledger.compare("opening", {"a": 1, "b": 0}, {"b": 0, "a": 1}, None)

    assert (ledger.values_compared, ledger.values_changed, ledger.values_differing) == (2, 0, 0)


def test_one_unit_is_a_difference_and_stops_at_once_with_both_integers():
    ledger = Ledger()
    with pytest.raises(
        ParityBroken, match=r"liquidation 3, b: model 2, chain 3 .chain minus model 1"
    ) as broken:
        ledger.compare("liquidation 3", {"a": 1, "b": 2, "c": 9}, {"a": 1, "b": 3, "c": 9}, None)

    assert broken.value.exit_code == 1
    assert (broken.value.difference.field, broken.value.difference.model) == ("b", 2)
    assert [row.field for row in ledger.rows] == ["a", "b"]


def test_told_to_collect_the_ledger_goes_on_to_the_last(ledger):
    ledger.compare("liquidation 3", {"a": 1, "b": 2, "c": 9}, {"a": 2, "b": 2, "c": 8}, None)

    assert [row.field for row in ledger.rows if row.differs] == ["a", "c"]
    assert ledger.values_differing == 2


@pytest.mark.parametrize(("model", "chain"), [({}, {"a": 0}), ({"a": 0}, {}), ({"a": 5}, {})])
def test_a_name_that_one_side_lacks_is_a_difference_even_where_the_other_has_zero(ledger, model, chain):
    ledger.compare("end", model, chain, None)

    assert [row.field for row in ledger.rows if row.differs] == ["a"]
    assert MISSING in {ledger.rows[0].model, ledger.rows[0].chain}
    with pytest.raises(ParityBroken, match="end, a"):
        Ledger().compare("end", model, chain, None)


def test_changed_is_what_the_transaction_moved_on_the_chain_whatever_the_model_says(ledger):
    before = {"moved": 1, "still": 2, "wrong": 3}
    ledger.compare(
        "liquidation 0",
        {"moved": 5, "still": 2, "wrong": 4, "new": 7, "none": 0},
        {"moved": 5, "still": 2, "wrong": 3, "new": 7, "none": 0},
        before,
    )

    assert {row.field: row.changed for row in ledger.rows} == {
        "moved": True, "still": False, "wrong": False, "new": True, "none": False,
    }  # fmt: skip
    assert (ledger.values_changed, ledger.values_differing) == (2, 1)


def test_without_a_transaction_nothing_counts_as_changed(ledger):
    ledger.compare("opening", {"a": 5}, {"a": 5}, None)

    assert ledger.values_changed == 0


def test_a_refusal_for_the_reason_foretold_is_one_compared_integer(ledger):
    ledger.refused("liquidation 0", "MustNotLeaveDust", "MustNotLeaveDust")
    ledger.refused("liquidation 1", "MustNotLeaveDust", "MustNotLeaveDust")

    assert ledger.reverts == {"MustNotLeaveDust": 2}
    assert (ledger.values_compared, ledger.values_changed, ledger.values_differing) == (2, 0, 0)
    assert ledger.rows[0].model == int.from_bytes(keccak(text="MustNotLeaveDust()")[:4])


@pytest.mark.parametrize(
    ("predicted", "on_chain"),
    [
        ("MustNotLeaveDust", "HealthFactorNotBelowThreshold"),
        ("MustNotLeaveDust", "goes through"),
        ("goes through", "MustNotLeaveDust"),
        ("Panic(0x11)", "Panic(0x12)"),
        ("Panic(0x11)", ""),
    ],
)
def test_another_reason_a_refusal_less_or_one_more_is_a_difference_that_names_both(predicted, on_chain):
    with pytest.raises(ParityBroken) as broken:
        Ledger().refused("liquidation 0", predicted, on_chain)

    assert broken.value.difference.field == f"reverts {predicted} / {on_chain}"


def test_names_of_refusals_are_told_apart(root):
    names = {
        "",
        "goes through",
        "EmptyRevert",
        "MustNotLeaveDust",
        "Panic(0x11)",
        "Panic(0x12)",
        "SelfLiquidation",
    }

    assert len({error_number(name) for name in names}) == len(names)


def test_every_field_of_a_reserve_that_can_move_is_compared():
    compared = {*MOVING_RESERVE_FIELDS, STABLE_DEBT}
    assert compared | CONSTANT_RESERVE_FIELDS == {field.name for field in fields(Reserve)}


def test_every_field_of_a_position_is_compared_but_for_the_gho_of_old_which_no_reader_reads():
    in_the_bitmap = {"collateral_enabled", "borrowing"}
    compared = {"scaled_atoken", "scaled_variable_debt", "variable_debt_index_ray", STABLE_DEBT}
    assert compared | in_the_bitmap | {"gho_debt"} == {field.name for field in fields(Position)}


@pytest.mark.parametrize(("revision", "compared"), [("3.0.0", True), ("3.0.1", False), ("3.6", False)])
def test_the_index_of_the_last_loan_is_compared_where_it_is_kept(revision, compared):
    market, _ = empty_market()
    named = flatten_market(replace(market, rules=rules_of(revision)), [USER])

    assert (f"user.{USER}.WETH.variable_debt_index_ray" in named) is compared


def market_with_stable_debt(total, debt):
    market, _ = empty_market()
    weth = replace(market.reserves[0], stable_debt=total)
    account = Account(positions={0: Position(stable_debt=debt)})
    return replace(
        market,
        rules=rules_of("3.0.2"),
        reserves={**market.reserves, 0: weth},
        accounts={USER: account},
    )


@pytest.mark.parametrize("part", [field.name for field in fields(StableTotals)])
def test_one_unit_more_in_any_part_of_the_stable_debt_of_all_shows_under_its_name(part):
    before = flatten_market(market_with_stable_debt(StableTotals(), StableDebt()), [USER])
    after = flatten_market(market_with_stable_debt(StableTotals(**{part: 1}), StableDebt()), [USER])

    assert after.items() - before.items() == {(f"reserve.WETH.stable_debt.{part}", 1)}


@pytest.mark.parametrize("part", [field.name for field in fields(StableDebt)])
def test_one_unit_more_in_any_part_of_the_stable_debt_of_one_shows_under_its_name(part):
    before = flatten_market(market_with_stable_debt(StableTotals(), StableDebt()), [USER])
    after = flatten_market(market_with_stable_debt(StableTotals(), StableDebt(**{part: 1})), [USER])

    assert after.items() - before.items() == {(f"user.{USER}.WETH.stable_debt.{part}", 1)}


def test_stable_debt_is_not_counted_where_no_contract_keeps_any():
    market, _ = empty_market()

    assert not [name for name in flatten_market(market, [USER]) if "stable_debt" in name]


def test_a_market_is_flattened_to_one_name_an_integer_of_every_reserve_and_user():
    market, _ = empty_market()
    named = flatten_market(market, [USER, OTHER, USER])
    n_reserves = len(market.reserves)

    assert len(named) == n_reserves * len(MOVING_RESERVE_FIELDS) + 2 * (2 + 2 * n_reserves)
    assert named[f"user.{OTHER}.bitmap"] == named[f"user.{USER}.WBTC.scaled_atoken"] == 0


@pytest.mark.parametrize("field", MOVING_RESERVE_FIELDS)
def test_one_unit_more_in_any_field_of_a_reserve_shows_under_its_name(field):
    market, _ = empty_market()
    weth = market.reserves[0]
    moved = replace(
        market, reserves={**market.reserves, 0: replace(weth, **{field: getattr(weth, field) + 1})}
    )

    changed = flatten_market(moved, []).items() - flatten_market(market, []).items()

    assert changed == {(f"reserve.WETH.{field}", getattr(weth, field) + 1)}


def test_the_bitmap_is_the_contracts_two_bits_a_reserve_debt_first():
    market, _ = empty_market()
    positions = {
        0: Position(borrowing=True, scaled_variable_debt=7),
        2: Position(collateral_enabled=True, scaled_atoken=9),
        3: Position(scaled_atoken=4),
    }
    named = flatten_market(replace(market, accounts={USER: Account(positions=positions, emode=1)}), [USER])

    assert named[f"user.{USER}.bitmap"] == 0b10_00_01
    assert named[f"user.{USER}.emode"] == 1
    assert named[f"user.{USER}.WETH.scaled_variable_debt"] == 7
    assert named[f"user.{USER}.USDC.scaled_atoken"] == 4


def test_all_six_numbers_of_account_data_are_flattened():
    data = AccountData(
        total_collateral_base=1,
        total_debt_base=2,
        available_borrows_base=3,
        avg_liquidation_threshold_bps=4,
        avg_ltv_bps=5,
        health_factor_wad=6,
    )

    assert sorted(flatten_account_data(data).values()) == [1, 2, 3, 4, 5, 6]


def test_an_outcome_is_flattened_to_the_amounts_of_the_events_each_deficit_by_its_asset():
    market, _ = empty_market()
    outcome = Liquidated(
        market=market, debt_repaid=1, collateral_to_liquidator=2, protocol_fee=3, deficits={3: 4, 4: 5}
    )

    assert flatten_outcome(outcome, market) == {
        "event.LiquidationCall.debtToCover": 1,
        "event.LiquidationCall.liquidatedCollateralAmount": 2,
        "event.protocolFee": 3,
        "event.DeficitCreated.USDC": 4,
        "event.DeficitCreated.DAI": 5,
    }
