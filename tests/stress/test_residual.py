"""Residual debt to the base unit: what was written off, and what nothing stands behind any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from protocol.aave_v3 import Liquidated, account_data
from stress.engine import Crash, Engine, Run
from stress.residual import Residual, residual, residual_base, written_off
from stress.scenario import Liquidator
from tests.stress.markets import address, pledge, small_crash, small_scenario

ANN, BEN = address("ann"), address("ben")
WETH, USDC, DAI = 0, 3, 4
POOR = Liquidator(name="poor", capital_usd=0, turnaround_s=0)


def crashed(weth_after: float, bots: tuple[Liquidator, ...] = (POOR,), later: float | None = None) -> Crash:
    scenario = small_scenario([(0, 1.0), (1, weth_after), (2, later or weth_after)], n_steps=4, bots=bots)
    two_debts = pledge({"WETH": 100_000}, {"USDC": 50_000, "DAI": 30_000})
    return small_crash(scenario, {"ann": two_debts, "ben": pledge({"WETH": 1_000}, {"USDC": 10})})


def untouched(crash: Crash) -> Run:
    return Run(market=crash.market, attempts=(), end=crash.observed_at(3))


def test_debt_beyond_the_collateral_is_uncovered_to_the_base_unit():
    crash = crashed(0.5)
    left = residual(crash, untouched(crash), ANN)
    data = account_data(
        crash.market, ANN, prices_base=crash.market_at(3).prices_base, timestamp=crash.timestamps[3]
    )

    assert left.uncovered_base == data.total_debt_base - data.total_collateral_base > 29_000 * 10**8
    assert (left.deficits, left.deficit_base, left.total_base) == ({}, 0, left.uncovered_base)


def test_debt_within_the_collateral_is_no_residual_debt_even_below_health_1():
    crash = crashed(0.81)

    assert residual_base(crash, untouched(crash), ANN) == 0
    assert residual_base(crash, untouched(crash), BEN) == 0


def test_what_is_uncovered_is_reckoned_at_the_market_and_not_at_the_oracle():
    crash = crashed(0.5)
    stuck = replace(
        crash, prices=replace(crash.prices, observed={s: (p[0],) * 4 for s, p in crash.prices.market.items()})
    )

    assert residual_base(stuck, untouched(stuck), ANN) == residual_base(crash, untouched(crash), ANN)


def test_a_write_off_is_counted_by_reserve_and_valued_up_at_the_last_market_prices():
    crash = crashed(0.45, bots=(replace(POOR, capital_usd=1e9),), later=0.9)
    run = Engine(crash=crash).run()
    left = residual(crash, run, ANN)
    prices = crash.market_at(3).prices_base

    assert left.deficits == written_off(run, ANN)
    assert left.deficits.keys() == {USDC, DAI}
    assert left.deficits == {i: run.market.reserves[i].deficit for i in (USDC, DAI)}
    assert left.deficit_base == sum(
        -(-amount * prices[i] // 10 ** crash.market.reserves[i].config.decimals)
        for i, amount in left.deficits.items()
    )
    assert (left.uncovered_base, left.total_base) == (0, left.deficit_base)


def test_the_smallest_deficit_is_valued_at_one_base_unit():
    crash = crashed(0.6, bots=(replace(POOR, capital_usd=1e9),))
    run = Engine(crash=crash).run()
    attempt, outcome = next(iter(run.liquidations()))
    tiny = replace(attempt, predicted=replace(cast("Any", outcome), deficits={DAI: 1}))

    assert residual(crash, replace(run, attempts=(tiny,)), ANN).deficit_base == 1


def test_deficits_of_several_calls_add_up_and_those_of_others_do_not_count():
    crash = crashed(0.6, bots=(replace(POOR, capital_usd=1e9),))
    run = Engine(crash=crash).run()
    attempt, outcome = next(iter(run.liquidations()))

    def with_deficits(user: str, deficits: dict[int, int]):
        return replace(
            attempt,
            offer=replace(attempt.offer, borrower=user),
            predicted=replace(cast("Any", outcome), deficits=deficits),
        )

    several = Run(
        market=run.market,
        end=run.end,
        attempts=(
            with_deficits(ANN, {USDC: 5}),
            with_deficits(BEN, {USDC: 7}),
            with_deficits(ANN, {USDC: 2, DAI: 3}),
        ),
    )
    assert written_off(several, ANN) == {USDC: 7, DAI: 3}
    assert written_off(several, BEN) == {USDC: 7}
    assert all(isinstance(a.predicted, Liquidated) for a in several.attempts)


def test_the_total_is_both_parts():
    assert Residual(deficits={}, deficit_base=3, uncovered_base=4).total_base == 7
