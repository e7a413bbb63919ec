"""The default crash on the default book, whole and in memory: what it promises, and that each number is a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from protocol.aave_v3 import Revert, normalized_debt
from stress import attribution
from stress.attribution import Explanation, explain
from stress.causes import CAUSES
from stress.closed_form import ClosedForm, closed_form
from stress.engine import Crash, Run
from stress.residual import Residual, residual


@pytest.fixture(scope="module")
def residuals(default_crash: Crash, default_run: Run) -> dict[str, Residual]:
    return {user: residual(default_crash, default_run, user) for user in default_crash.borrowers}


@pytest.fixture(scope="module")
def explanations(
    default_crash: Crash, default_run: Run, residuals: Mapping[str, Residual]
) -> dict[str, Explanation]:
    losers = [user for user, left in residuals.items() if left.total_base]
    return {user: explain(default_crash, default_run, user) for user in losers}


@pytest.fixture(scope="module")
def forms(default_crash: Crash, default_run: Run) -> dict[str, ClosedForm]:
    return {user: closed_form(default_crash, default_run, user) for user in default_crash.borrowers}


def test_at_least_60_calls_go_through_and_15_of_them_leave_debt(default_run: Run):
    through = list(default_run.liquidations())

    assert len(through) >= 60
    assert sum(bool(outcome.written_off) for _, outcome in through) >= 15


def test_accounts_with_several_debts_are_among_the_liquidated_and_the_written_off(
    default_crash: Crash, default_run: Run, residuals: Mapping[str, Residual]
):
    several = {
        user
        for user in default_crash.borrowers
        if sum(p.borrowing for p in default_crash.market.accounts[user].positions.values()) > 1
    }

    assert several & {attempt.call.borrower for attempt, _ in default_run.liquidations()}
    assert any(len(residuals[user].deficits) > 1 for user in several)


def test_the_leftover_rule_and_the_race_of_bots_both_refuse_calls(default_run: Run):
    refused = Counter(a.predicted.name for a in default_run.attempts if isinstance(a.predicted, Revert))

    assert refused["MustNotLeaveDust"] >= 3
    assert refused["HealthFactorNotBelowThreshold"] >= 3
    assert refused.keys() == {"MustNotLeaveDust", "HealthFactorNotBelowThreshold"}


def test_calls_take_atokens_as_well_as_the_asset_itself(default_run: Run):
    assert {attempt.call.receive_atoken for attempt, _ in default_run.liquidations()} == {True, False}


def test_every_bot_of_the_scenario_gets_through(default_crash: Crash, default_run: Run):
    bots = {attempt.bot for attempt, _ in default_run.liquidations()}

    assert bots == {liquidator.name for liquidator in default_crash.scenario.liquidators}


def test_every_cause_appears_and_several_too(explanations: Mapping[str, Explanation]):
    verdicts = Counter(explanation.verdict for explanation in explanations.values())

    assert {*CAUSES, "several"} <= verdicts.keys()
    assert sum(verdicts.values()) == len(explanations) >= 15


def test_every_verdict_rests_on_reruns_that_say_so(explanations: Mapping[str, Explanation]):
    for said in explanations.values():
        removed_by = tuple(cause for cause in CAUSES if said.residual_without_base[cause] == 0)
        assert said.removed_by == removed_by
        assert bool(said.together) == (said.verdict == "several")
        assert said.verdict == (removed_by[0] if removed_by else "several" if said.together else "market")


def test_an_account_rerun_alone_ends_with_residual_debt_too(
    default_crash: Crash, default_run: Run, residuals: Mapping[str, Residual]
):
    """Without this a rerun would take the debt away whatever is removed, and every verdict were the first."""
    for user in [user for user, left in residuals.items() if left.total_base]:
        alone = attribution._alone(default_crash, default_run, user).left()
        assert alone > 0
        assert alone == pytest.approx(residuals[user].total_base, rel=0.1)


def test_the_closed_form_agrees_for_every_borrower(
    forms: Mapping[str, ClosedForm], residuals: Mapping[str, Residual]
):
    assert {user for user, form in forms.items() if not form.agrees} == set()
    assert sum(bool(form.residual) and bool(residuals[user].deficits) for user, form in forms.items()) >= 15


def test_what_is_written_off_is_the_deficit_of_the_reserves_to_the_unit(
    default_crash: Crash, default_run: Run, residuals: Mapping[str, Residual]
):
    booked = Counter[int]()
    for left in residuals.values():
        booked.update(left.deficits)
    grown = {
        i: r.deficit - default_crash.market.reserves[i].deficit
        for i, r in default_run.market.reserves.items()
    }

    assert {i: amount for i, amount in grown.items() if amount} == dict(booked)


def test_a_write_off_takes_the_whole_of_every_other_debt(default_run: Run):
    """Several debts: beyond the one that is repaid, each is written off as it stands, interest included."""
    n_others = 0
    for attempt, outcome in default_run.liquidations():
        others = outcome.written_off.keys() - {attempt.call.debt_id}
        positions, rules = attempt.market.accounts[attempt.call.borrower].positions, attempt.market.rules
        for other in others:
            index_ray = normalized_debt(attempt.market.reserves[other], rules, attempt.at.timestamp)
            owed = rules.vtoken_balance(positions[other].scaled_variable_debt, index_ray)
            assert outcome.written_off[other] == owed
            n_others += 1

    assert n_others >= 1


def test_written_off_accounts_have_nothing_left(default_run: Run):
    for attempt, outcome in default_run.liquidations():
        if outcome.written_off:
            positions = default_run.market.accounts[attempt.call.borrower].positions.values()
            assert not any(p.borrowing or p.scaled_variable_debt or p.collateral_enabled for p in positions)


def test_no_bot_pays_more_than_it_has(default_crash: Crash, default_run: Run):
    """Reckoned from the events alone: within any turnaround a bot pays at most its capital, to the cent."""
    paid: dict[str, list[tuple[int, float]]] = {}
    for attempt, outcome in default_run.liquidations():
        debt = attempt.call.debt_id
        unit = 10 ** attempt.market.reserves[debt].config.decimals
        usd = outcome.repaid * attempt.at.prices_base[debt] / unit / 10**8
        paid.setdefault(attempt.bot, []).append((attempt.at.timestamp, usd))
    for bot in default_crash.scenario.liquidators:
        for now, _ in paid[bot.name]:
            window = [usd for at, usd in paid[bot.name] if now - bot.turnaround_s < at <= now]
            assert sum(window) <= bot.capital_usd + 0.01
