"""The tables of a crash: their columns, exact integers as texts, and that rows say what happened."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from protocol.model import Done
from stress.attribution import Explanation, explain
from stress.closed_form import closed_form
from stress.engine import Crash, Engine, Run
from stress.residual import residual
from stress.scenario import Liquidator
from stress.tables import EVENT_COLUMNS, accounts_table, events_table, prices_table
from tests.stress.markets import Pledge, address, pledge, small_crash, small_scenario

ANN, BEN, CARL = address("ann"), address("ben"), address("carl")
BOTS = (
    Liquidator(name="blind", capital_usd=1e9, turnaround_s=0, blind=True),
    Liquidator(name="careful", capital_usd=1e9, turnaround_s=0),
)
PLEDGES = {
    "ann": pledge({"WETH": 100_000}, {"USDC": 50_000, "DAI": 30_000}),
    "ben": pledge({"WETH": 6_500}, {"USDC": 2_900, "DAI": 2_350}),
    "carl": Pledge(supplies={"DAI": 10**24}),
}


@pytest.fixture(scope="module")
def crash() -> Crash:
    scenario = small_scenario([(0, 1.0), (1, 0.96), (2, 0.96), (3, 0.45)], n_steps=5, bots=BOTS, gwei=30)
    return small_crash(scenario, PLEDGES)


@pytest.fixture(scope="module")
def run(crash: Crash) -> Run:
    return Engine(crash=crash).run()


@pytest.fixture(scope="module")
def accounts(crash: Crash, run: Run) -> pd.DataFrame:
    left = {user: residual(crash, run, user) for user in crash.borrowers}
    said: dict[str, Explanation] = {u: explain(crash, run, u) for u in left if left[u].total_base}
    forms = {user: closed_form(crash, run, user) for user in crash.borrowers}
    return accounts_table(crash, run, {ANN: "ann", BEN: "ben"}, left, said, forms)


def is_digits(values: Any) -> bool:
    return all(isinstance(value, str) and value.isdigit() for value in values)


# --- prices ---


def test_the_price_table_has_one_row_a_step_and_asset(crash: Crash):
    table = prices_table(crash)

    assert list(table.columns) == [
        "seconds", "timestamp", "symbol", "market_base", "observed_base", "market_usd", "observed_usd",
    ]  # fmt: skip
    assert len(table) == 5 * 9
    assert is_digits(table["market_base"])
    assert is_digits(table["observed_base"])
    weth = table[table["symbol"] == "WETH"]
    assert list(weth["seconds"]) == [0, 12, 24, 36, 48]
    assert list(weth["market_base"]) == [str(round(2_000 * 10**8 * r)) for r in (1, 0.96, 0.96, 0.45, 0.45)]
    assert list(weth["market_usd"]) == [2000.0, 1920.0, 1920.0, 900.0, 900.0]


# --- events ---


def test_the_event_table_has_a_row_for_every_call_refused_ones_included(crash: Crash, run: Run):
    table = events_table(crash, run)

    assert list(table.columns) == list(EVENT_COLUMNS)
    assert len(table) == len(run.attempts)
    assert {"liquidated", "MustNotLeaveDust"} <= set(table["outcome"])
    for column in ("debt_to_cover", "liquidated_collateral_amount", "protocol_fee"):
        assert is_digits(table[column])


def test_the_row_of_a_call_that_went_through_is_its_event(crash: Crash, run: Run):
    table = events_table(crash, run)
    for index, attempt in enumerate(run.attempts):
        row, outcome = table.iloc[index], attempt.predicted
        assert (row["user"], row["bot"], row["step"]) == (attempt.call.borrower, attempt.bot, attempt.step)
        assert row["liquidator"] == address(attempt.bot)
        if isinstance(outcome, Done):
            assert row["debt_to_cover"] == str(outcome.repaid)
            assert row["liquidated_collateral_amount"] == str(outcome.received)
            assert row["protocol_fee"] == str(outcome.fee)
            assert list(row["deficits"].values()) == [str(amount) for amount in outcome.written_off.values()]
            assert row["n_deficits"] == len(outcome.written_off)
        else:
            assert row["outcome"] == outcome.name
            assert row["debt_to_cover"] == str(attempt.call.debt_to_cover)
            assert (row["liquidated_collateral_amount"], row["deficits"], row["n_deficits"]) == ("0", {}, 0)


def test_deficits_are_named_by_symbol(crash: Crash, run: Run):
    table = events_table(crash, run)

    assert {frozenset(deficits) for deficits in table["deficits"]} >= {frozenset({"USDC", "DAI"})}


def test_what_the_chain_adds_stands_in_the_row_of_its_call(crash: Crash, run: Run):
    table = events_table(crash, run, {1: {"block": 77, "gas_used": 300_000}})

    assert table.loc[1, "block"] == 77
    assert table["block"].notna().sum() == 1


def test_a_crash_in_which_nobody_was_called_has_a_table_with_the_same_columns(crash: Crash):
    quiet = events_table(crash, Run(market=crash.market, attempts=(), end=crash.observed_at(0)))

    assert list(quiet.columns) == list(EVENT_COLUMNS)
    assert len(quiet) == 0


# --- accounts ---


def test_the_account_table_has_one_row_a_borrower(accounts: pd.DataFrame):
    assert list(accounts.columns) == [
        "borrower", "user", "emode", "collateral_before_usd", "debt_before_usd", "health_before",
        "collateral_after_usd", "debt_after_usd", "health_after", "n_debts", "n_liquidations", "residual_usd",
        "deficit_usd", "uncovered_usd", "cause", "removed_by", "liquidatable_at_drop", "toxic_at_drop",
        "debt_must_remain_at_drop", "frontier_residual", "frontier_residual_usd",
            "frontier_agrees",
    ]  # fmt: skip
    assert list(accounts["borrower"]) == ["ann", "ben", CARL]
    assert list(accounts["n_debts"]) == [2, 2, 0]


def test_health_is_not_a_number_where_there_is_no_debt(accounts: pd.DataFrame):
    rows = accounts.set_index("borrower")

    assert pd.isna(rows.loc[CARL, "health_before"])
    assert rows.loc["ann", "health_before"] == pytest.approx(0.83 * 100_000 / 80_000, rel=1e-4)
    assert pd.isna(rows.loc["ann", "health_after"])
    assert rows.loc["ann", "debt_after_usd"] == 0


def test_residual_debt_is_its_two_parts_and_has_a_cause_exactly_where_it_is(accounts: pd.DataFrame):
    lost = accounts["residual_usd"] > 0

    assert lost.any()
    assert not lost.all()
    assert (accounts["residual_usd"] == accounts["deficit_usd"] + accounts["uncovered_usd"]).all()
    assert ((accounts["cause"] != "") == lost).all()
    assert accounts["frontier_agrees"].all()


def test_the_closed_form_is_in_whole_units_as_text(accounts: pd.DataFrame, run: Run):
    of_ann = accounts.set_index("borrower").loc["ann"]
    written_off = run.market.reserves

    assert is_digits(of_ann["frontier_residual"].values())
    assert (
        0.03 < of_ann["liquidatable_at_drop"] < of_ann["toxic_at_drop"] == of_ann["debt_must_remain_at_drop"]
    )
    assert any(reserve.deficit for reserve in written_off.values())
