"""The closed form beside the run: figures by hand, agreement, and that disagreement is noticed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from stress.closed_form import ClosedForm, closed_form
from stress.engine import Crash, Engine, Run
from stress.residual import Residual, residual
from tests.stress.markets import Pledge, address, pledge, small_crash, small_scenario

ANN = address("ann")
WETH, USDC, DAI = 0, 3, 4
PLAIN = pledge({"WETH": 100_000}, {"USDC": 80_000})
TO_HALF = small_scenario([(0, 1.0), (1, 0.50)], n_steps=3)


def judged(crash: Crash, run: Run | None = None, left: Residual | None = None) -> ClosedForm:
    run = run or Engine(crash=crash).run()
    return closed_form(crash, run, ANN, left or residual(crash, run, ANN))


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
    crash = small_crash(TO_HALF, {"ann": PLAIN})
    left = residual(crash, Engine(crash=crash).run(), ANN)
    form = judged(crash)

    assert form.residual == {"USDC": left.deficits[USDC]}
    assert abs(left.deficits[USDC] - (80_000 - 50_000 / 1.05) * 10**6) < 10**6
    assert form.agrees


def test_a_call_that_repays_all_leaves_nothing_in_closed_form():
    form = of(PLAIN, small_scenario([(0, 1.0), (1, 0.90)], n_steps=3))

    assert (form.residual, form.agrees) == ({}, True)


@pytest.mark.parametrize("off", [-1, 1, 10**6])
def test_a_write_off_that_is_off_by_a_unit_is_noticed(off: int):
    crash = small_crash(TO_HALF, {"ann": PLAIN})
    run = Engine(crash=crash).run()
    left = residual(crash, run, ANN)
    wrong = replace(left, deficits={USDC: left.deficits[USDC] + off})

    assert judged(crash, run, left).agrees
    assert not judged(crash, run, wrong).agrees


def test_a_write_off_of_the_wrong_debt_is_noticed():
    crash = small_crash(TO_HALF, {"ann": PLAIN})
    run = Engine(crash=crash).run()
    left = residual(crash, run, ANN)

    assert not judged(crash, run, replace(left, deficits={DAI: left.deficits[USDC]})).agrees


def test_a_write_off_where_the_collateral_suffices_is_noticed():
    crash = small_crash(small_scenario([(0, 1.0), (1, 0.90)], n_steps=3), {"ann": PLAIN})
    run = Engine(crash=crash).run()

    assert judged(crash, run).agrees
    assert not judged(crash, run, Residual(deficits={USDC: 1}, deficit_base=1, uncovered_base=0)).agrees


def test_a_write_off_without_any_call_is_noticed():
    crash = small_crash(TO_HALF, {"ann": PLAIN})
    nothing = Run(market=crash.market, attempts=())

    assert judged(crash, nothing).agrees
    assert not judged(crash, nothing, Residual(deficits={USDC: 1}, deficit_base=1, uncovered_base=0)).agrees


def test_a_model_with_another_bonus_would_be_noticed():
    """The run under a bonus of 5 %, the closed form under 6 %: the write-off is another."""
    crash = small_crash(TO_HALF, {"ann": PLAIN})
    run = Engine(crash=crash).run()
    (attempt,) = run.attempts
    config = replace(attempt.market.reserves[WETH].config, liquidation_bonus_bps=106_00)
    weth = replace(attempt.market.reserves[WETH], config=config)
    other = replace(attempt.market, reserves={**attempt.market.reserves, WETH: weth})
    under_other = replace(run, attempts=(replace(attempt, market=other),))

    assert judged(crash, run).agrees
    assert not judged(crash, under_other, residual(crash, run, ANN)).agrees


def test_with_several_debts_the_closed_form_is_of_the_one_that_is_repaid():
    crash = small_crash(
        small_scenario([(0, 1.0), (1, 0.45)], n_steps=3),
        {"ann": pledge({"WETH": 100_000}, {"USDC": 50_000, "DAI": 30_000})},
    )
    run = Engine(crash=crash).run()
    left = residual(crash, run, ANN)
    form = judged(crash, run, left)

    assert left.deficits.keys() == {USDC, DAI}
    assert form.residual == {"USDC": left.deficits[USDC]}
    assert form.agrees
