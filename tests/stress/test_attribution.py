"""One small crash for each cause, and the verdict on it: what is left, and what would be left without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stress.attribution import Explanation, explain
from stress.causes import CAUSES
from stress.engine import Crash, Engine
from stress.residual import residual_base
from stress.scenario import Liquidator
from tests.stress.markets import address, pledge, small_crash, small_scenario

ANN, BEN = address("ann"), address("ben")
PLAIN = pledge({"WETH": 100_000}, {"USDC": 80_000})  # below 1 from 0.964 on, toxic from 0.84 on
SLOWLY_TO_HALF = [(0, 1.0), (50, 0.50), (60, 0.50)]


def verdict_on(crash: Crash, user: str = ANN) -> Explanation:
    """What is said of an account that does end with residual debt."""
    run = Engine(crash=crash).run()
    assert residual_base(crash, run, user) > 0
    return explain(crash, run, user)


def left_without(crash: Crash, user: str, *causes: str) -> int:
    """The same by a run that `explain` has no part in: everybody together, without these causes."""
    run = Engine(crash=crash, without=frozenset(causes)).run()  # type: ignore[arg-type]
    return residual_base(crash, run, user)


def lag() -> Crash:
    """No report lands while ether falls by half; the market itself falls by 1 % a block."""
    outage = ((12, 12 * 55),)
    return small_crash(small_scenario(SLOWLY_TO_HALF, n_steps=60, outages=outage), {"ann": PLAIN})


def toxic() -> Crash:
    """Ether falls by a quarter within one block and is back ten blocks later."""
    return small_crash(
        small_scenario([(0, 1.0), (1, 1.0), (2, 0.75), (12, 0.75), (13, 1.0)], n_steps=15), {"ann": PLAIN}
    )


def gas() -> Crash:
    """A call costs 20 dollars and an account of 250 gives 11 at most."""
    tiny = pledge({"WETH": 312.5}, {"USDC": 250})
    return small_crash(small_scenario(SLOWLY_TO_HALF, n_steps=60, gwei=5_000), {"ann": tiny})


def dust() -> Crash:
    """900 dollars against a debt of 1,600: what they leave is less than the leftover rule allows."""
    poor = Liquidator(name="poor", capital_usd=900, turnaround_s=24)
    middling = pledge({"WETH": 2_000}, {"USDC": 1_600})
    return small_crash(small_scenario(SLOWLY_TO_HALF, n_steps=60, bots=(poor,)), {"ann": middling})


def capital() -> Crash:
    """100,000 dollars, bound for the whole crash once paid, against a debt of eight million."""
    poor = Liquidator(name="poor", capital_usd=100_000, turnaround_s=10**6)
    large = pledge({"WETH": 10_000_000}, {"USDC": 8_000_000})
    return small_crash(small_scenario(SLOWLY_TO_HALF, n_steps=60, bots=(poor,)), {"ann": large})


def several() -> Crash:
    """The large account of `capital` in the outage of `lag`: neither money nor a feed alone is enough."""
    return replace(
        capital(),
        prices=small_crash(
            small_scenario(SLOWLY_TO_HALF, n_steps=60, outages=((12, 12 * 55),)), {"ann": PLAIN}
        ).prices,
    )


def market() -> Crash:
    """Ether is worth half within one block, and stays there."""
    return small_crash(small_scenario([(0, 1.0), (1, 1.0), (2, 0.50)], n_steps=6), {"ann": PLAIN})


@pytest.mark.parametrize(
    ("make", "removed_by", "together"),
    [
        (lag, ("oracle_lag",), ()),
        (toxic, ("toxic",), ()),
        (gas, ("gas",), ()),
        (dust, ("dust", "capital"), ()),
        (capital, ("capital",), ()),
        (several, (), ("oracle_lag", "capital")),
        (market, (), ()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_cause_is_found_where_it_is_the_cause(make, removed_by, together):
    said = verdict_on(make())

    assert said.verdict == {"lag": "oracle_lag"}.get(make.__name__, make.__name__)
    assert (said.removed_by, said.together) == (removed_by, together)
    assert tuple(cause for cause in CAUSES if said.residual_without_base[cause] == 0) == removed_by
    assert said.residual_without_base.keys() == set(CAUSES)
    assert said.user == ANN


@pytest.mark.parametrize("make", [lag, toxic, gas, dust, capital, several, market])
def test_where_nobody_else_is_the_verdict_is_what_runs_of_the_whole_crash_say(make):
    crash = make()
    said = verdict_on(crash)

    assert said.residual_without_base == {cause: left_without(crash, ANN, cause) for cause in CAUSES}
    if said.verdict == "several":
        assert left_without(crash, ANN, *said.together) == 0
    if said.verdict == "market":
        assert left_without(crash, ANN, *CAUSES) > 0


def test_the_first_cause_in_order_is_the_verdict_where_several_alone_would_do():
    """An outage hides a fall that is undone later: seeing it in time or leaving it alone both help."""
    scenario = small_scenario(
        [(0, 1.0), (30, 0.70), (40, 0.70), (41, 1.0)], n_steps=50, outages=((12, 12 * 32),)
    )
    said = verdict_on(small_crash(scenario, {"ann": PLAIN}))

    assert said.removed_by == ("oracle_lag", "toxic")
    assert said.verdict == "oracle_lag"


# --- others ---


def two_on_one_purse(turnaround_s: int) -> Crash:
    """Ben's debt is just above Ann's, and the only bot can pay for one of them at a time."""
    purse = Liquidator(name="purse", capital_usd=90_000, turnaround_s=turnaround_s)
    scenario = small_scenario(SLOWLY_TO_HALF, n_steps=60, bots=(purse,))
    return small_crash(scenario, {"ann": PLAIN, "ben": pledge({"WETH": 105_000}, {"USDC": 84_000})})


def test_money_bound_by_others_stays_bound_when_the_account_is_rerun():
    crash = two_on_one_purse(turnaround_s=10**6)
    said = verdict_on(crash)
    alone = replace(crash, borrowers=(ANN,))

    assert residual_base(alone, Engine(crash=alone).run(), ANN) == 0
    assert said.verdict == "capital"
    assert all(said.residual_without_base[cause] > 0 for cause in CAUSES if cause != "capital")


def test_money_that_is_free_again_in_time_is_no_cause():
    crash = two_on_one_purse(turnaround_s=12)
    run = Engine(crash=crash).run()

    assert {user: residual_base(crash, run, user) for user in (ANN, BEN)} == {ANN: 0, BEN: 0}


def test_what_others_own_makes_no_difference_to_the_verdict():
    crash = lag()
    crowded = small_crash(
        crash.scenario,
        {"ann": PLAIN, "ben": pledge({"WBTC": 500_000}, {"DAI": 1_000}), "carl": pledge({"LINK": 10}, {})},
    )

    assert verdict_on(crowded).verdict == verdict_on(crash).verdict == "oracle_lag"


def test_a_debt_in_an_asset_that_no_bot_has_is_a_want_of_capital():
    """All the money in the world in another asset is no money for this debt."""
    dai_only = Liquidator(name="dai", capital_usd=10**12, turnaround_s=24, debt_assets=("DAI",))
    crash = small_crash(small_scenario(SLOWLY_TO_HALF, n_steps=60, bots=(dai_only,)), {"ann": PLAIN})

    said = verdict_on(crash)

    assert said.verdict == "capital"
    assert said.residual_without_base["capital"] == 0
