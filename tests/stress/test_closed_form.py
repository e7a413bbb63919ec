"""The closed form beside the run: figures by hand, agreement, and that disagreement is noticed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import pytest

from protocol.aave_v3.rule_set import AaveV3
from stress.closed_form import ClosedForm, closed_form
from stress.engine import Crash, Engine, Run
from stress.residual import residual
from tests.stress.markets import Pledge, address, pledge, small_crash, small_scenario

ANN = address("ann")
WETH, USDC, DAI = 0, 3, 4
PLAIN = pledge({"WETH": 100_000}, {"USDC": 80_000})
TO_HALF = small_scenario([(0, 1.0), (1, 0.50)], n_steps=3)


def judged(crash: Crash, run: Run | None = None) -> ClosedForm:
    return closed_form(crash, run or Engine(crash=crash).run(), ANN)


def ended(weth: float = 0.50, pledged: Pledge = PLAIN) -> tuple[Crash, Run]:
    """Ann after ether is worth so much within one block; at half a single call ends her account."""
    crash = small_crash(small_scenario([(0, 1.0), (1, weth)], n_steps=3), {"ann": pledged})
    return crash, Engine(crash=crash).run()


def told_wrong(run: Run, **fields: Any) -> Run:
    """The run as a model would tell it that gets a field of the last call wrong."""
    *earlier, (attempt, outcome) = run.liquidations()
    wrong = replace(attempt, predicted=replace(cast("Any", outcome), **fields))
    return replace(run, attempts=(*(a for a, _ in earlier), wrong))


def of(pledged: Pledge, scenario=TO_HALF) -> ClosedForm:
    return judged(small_crash(scenario, {"ann": pledged}))


def near(share: Fraction | None, by_hand: float) -> bool:
    return share is not None and abs(float(share) - by_hand) < 1e-5


# --- at the start ---


def test_the_drops_of_one_collateral_and_one_debt_are_those_by_hand():
    form = of(PLAIN)

    assert near(form.liquidatable_at, 1 - 80 / (100 * 0.83))
    assert near(form.toxic_at, 1 - 80 * 1.05 / 100)
    assert form.exhausted_at == form.toxic_at


def test_only_what_falls_in_this_crash_is_asked_how_far():
    cushioned = of(pledge({"WETH": 50_000, "DAI": 50_000}, {"USDC": 70_000}))
    safe = of(pledge({"DAI": 100_000}, {"USDC": 50_000}))

    # 0.83 * 50 * (1 - x) + 0.77 * 50 = 70; (50 * (1 - x) + 50) / 1.05 = 70
    assert near(cushioned.liquidatable_at, 1 - (70 - 38.5) / 41.5)
    assert near(cushioned.exhausted_at, 1 - (70 * 1.05 - 50) / 50)
    assert (safe.liquidatable_at, safe.toxic_at, safe.exhausted_at) == (None, None, None)


def test_an_account_without_debt_has_no_drop_and_agrees():
    assert of(Pledge(supplies={"WETH": 10**18})) == ClosedForm(
        liquidatable_at=None, toxic_at=None, exhausted_at=None, residual={}, agrees=True
    )


# --- before the last call ---


def test_what_the_exhausting_call_leaves_is_what_was_written_off_to_the_unit():
    crash, run = ended()
    left = residual(crash, run, ANN)
    form = judged(crash, run)

    assert form.residual == {"USDC": left.deficits[USDC]}
    assert abs(left.deficits[USDC] - (80_000 - 50_000 / 1.05) * 10**6) < 10**6
    assert form.agrees


def test_a_call_that_repays_all_leaves_nothing_in_closed_form():
    form = judged(*ended(0.90))

    assert (form.residual, form.agrees) == ({}, True)


def test_an_account_that_nobody_called_agrees():
    crash, run = ended()

    assert judged(crash, replace(run, attempts=())).agrees


@pytest.mark.parametrize("off", [-1, 1, 10**6])
def test_a_write_off_that_is_off_by_a_unit_is_noticed(off: int):
    crash, run = ended()
    ((_, outcome),) = run.liquidations()

    assert judged(crash, run).agrees
    assert not judged(crash, told_wrong(run, deficits={USDC: outcome.written_off[USDC] + off})).agrees


@pytest.mark.parametrize("off", [-1, 1])
def test_a_repayment_that_is_off_by_a_unit_is_noticed_where_it_ends_the_account(off: int):
    crash, run = ended()
    ((_, outcome),) = run.liquidations()

    assert not judged(crash, told_wrong(run, debt_repaid=outcome.repaid + off)).agrees


@pytest.mark.parametrize("away", [-1, 1])
def test_an_integer_form_that_strays_from_its_fraction_is_noticed(away: int):
    """Two units are Aave's own rounding; a third, away from where it lies, is none."""
    crash, run = ended()
    (attempt,) = run.attempts
    integer, exact = crash.rules.residual_of_pair(attempt.market, attempt.call, attempt.at)
    strayed = integer - away * (2 + Fraction(1, 10**6))

    class Straying(AaveV3):
        def residual_of_pair(self, market: Any, call: Any, at: Any) -> tuple[int, Fraction]:
            left, fraction = super().residual_of_pair(market, call, at)
            return left, fraction if left == 0 else fraction + strayed - exact

    assert abs(integer - exact) < 2
    assert not judged(replace(crash, rules=Straying()), run).agrees


@pytest.mark.parametrize("deficits", [{}, {DAI: 32_381 * 10**6}])
def test_a_write_off_that_is_missing_or_of_another_debt_is_noticed(deficits: dict[int, int]):
    crash, run = ended()

    assert not judged(crash, told_wrong(run, deficits=deficits)).agrees


def test_a_write_off_where_the_collateral_suffices_is_noticed():
    crash, run = ended(0.90)

    assert not judged(crash, told_wrong(run, deficits={USDC: 10**6})).agrees


def test_a_call_that_takes_more_collateral_than_its_bonus_is_noticed():
    """Half is repaid and the account goes on: the gap between debt and what repays it must stay as it was."""
    crash, run = ended(0.96)
    *_, (attempt, outcome) = run.liquidations()
    account = outcome.market.accounts[ANN]
    held = account.positions[WETH]
    robbed = replace(
        account,
        positions={**account.positions, WETH: replace(held, scaled_atoken=held.scaled_atoken - 10**10)},
    )
    wrong = replace(outcome.market, accounts={**outcome.market.accounts, ANN: robbed})

    assert attempt.before.health_factor_wad > 95 * 10**16
    assert judged(crash, run).agrees
    assert not judged(crash, told_wrong(run, market=wrong)).agrees


def test_a_model_with_another_bonus_would_be_noticed():
    """The run under a bonus of 5 %, the closed form under 6 %: the write-off is another."""
    crash, run = ended()
    (attempt,) = run.attempts
    config = replace(attempt.market.reserves[WETH].config, liquidation_bonus_bps=106_00)
    weth = replace(attempt.market.reserves[WETH], config=config)
    other = replace(attempt.market, reserves={**attempt.market.reserves, WETH: weth})

    assert judged(crash, run).agrees
    assert not judged(crash, replace(run, attempts=(replace(attempt, market=other),))).agrees


def test_with_several_debts_the_closed_form_is_of_the_one_that_is_repaid():
    crash, run = ended(0.45, pledge({"WETH": 100_000}, {"USDC": 50_000, "DAI": 30_000}))
    left, form = residual(crash, run, ANN), judged(crash, run)

    assert left.deficits.keys() == {USDC, DAI}
    assert form.residual == {"USDC": left.deficits[USDC]}
    assert form.agrees
