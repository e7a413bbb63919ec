"""Invariants of a crash over drawn borrowers, falls and bots.

IDEAL: seen at once, in small steps, without gas and with all the money, no debt of one collateral is left.
CONSERVED: what a crash writes off is exactly what the reserves book as deficit.
HONEST: the closed form agrees, whatever the crash.
MONEY: nobody pays more than it has.
LATER: money never makes calls out of health: a call that goes through found the account below 1.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from stress.closed_form import closed_form
from stress.engine import Crash, Engine
from stress.residual import residual, residual_base
from stress.scenario import Liquidator
from tests.stress.markets import Pledge, address, pledge, small_crash, small_scenario

ANN, BEN = address("ann"), address("ben")
drawn = settings(max_examples=25)


@st.composite
def single(draw: st.DrawFn, least_usd: int = 100) -> Pledge:
    """Ether against one debt, at a health factor of 1.01 to 1.5; bonus times threshold is 0.87."""
    collateral_usd = draw(st.integers(least_usd, 10**8))
    health = draw(st.integers(101, 150)) / 100
    debt = draw(st.sampled_from(["USDC", "DAI", "USDT", "WBTC", "LINK"]))
    return pledge({"WETH": collateral_usd}, {debt: collateral_usd * 0.83 / health})


@st.composite
def pledges(draw: st.DrawFn) -> Pledge:
    """Up to two collaterals against up to two debts."""
    collateral_usd = draw(st.integers(100, 10**6))
    share, health = draw(st.integers(0, 100)) / 100, draw(st.integers(101, 150)) / 100
    supplies = {"WETH": collateral_usd * share, "DAI": collateral_usd * (1 - share)}
    debt_usd = collateral_usd * (0.83 * share + 0.77 * (1 - share)) / health
    first = draw(st.integers(0, 100)) / 100
    borrows = {"USDC": debt_usd * first, "LINK": debt_usd * (1 - first)}
    return pledge({s: v for s, v in supplies.items() if v}, {s: v for s, v in borrows.items() if v})


@st.composite
def bots(draw: st.DrawFn, name: str) -> Liquidator:
    return Liquidator(
        name=name,
        capital_usd=draw(st.sampled_from([0.0, 900.0, 50_000.0, 1e9])),
        turnaround_s=draw(st.sampled_from([0, 12, 120, 10**6])),
        blind=draw(st.booleans()),
        receive_atoken=draw(st.booleans()),
        retry_s=draw(st.sampled_from([0, 60])),
    )


@st.composite
def rough_crashes(draw: st.DrawFn) -> Crash:
    """Any fall, jumps included, with or without an outage, gas, money and haste."""
    bottom = draw(st.integers(20, 95)) / 100
    falls_for = draw(st.integers(1, 20))
    end = draw(st.integers(20, 100)) / 100
    scenario = small_scenario(
        [(0, 1.0), (falls_for, bottom), (25, end)],
        n_steps=28,
        bots=(draw(bots("first")), draw(bots("second"))),
        gwei=draw(st.sampled_from([0, 500, 50_000])),
        outages=draw(st.sampled_from([(), ((36, 180),)])),
    )
    return small_crash(scenario, {"ann": draw(pledges()), "ben": draw(pledges())})


@drawn
@given(single(), st.integers(30, 90))
def test_ideal_in_small_steps_seen_at_once_with_all_the_money_nothing_is_left(ann: Pledge, bottom: int):
    fall = [(0, 1.0), (2 * (100 - bottom), bottom / 100)]
    crash = small_crash(small_scenario(fall, n_steps=2 * (100 - bottom) + 5), {"ann": ann})

    assert residual_base(crash, Engine(crash=crash).run(), ANN) == 0


@drawn
@given(rough_crashes())
def test_conserved_what_is_written_off_is_what_the_reserves_book(crash: Crash):
    run = Engine(crash=crash).run()
    written_off = Counter[int]()
    for user in crash.borrowers:
        written_off.update(residual(crash, run, user).deficits)

    assert {i: r.deficit for i, r in run.market.reserves.items() if r.deficit} == dict(written_off)


@drawn
@given(rough_crashes())
def test_honest_the_closed_form_agrees_whatever_the_crash(crash: Crash):
    run = Engine(crash=crash).run()

    assert all(closed_form(crash, run, user).agrees for user in crash.borrowers)


@drawn
@given(rough_crashes())
def test_money_nobody_pays_more_than_it_has_within_its_turnaround(crash: Crash):
    paid: dict[str, list[tuple[int, float]]] = {}
    for attempt, outcome in Engine(crash=crash).run().liquidations():
        unit = 10 ** attempt.market.reserves[attempt.call.debt_id].config.decimals
        usd = outcome.repaid * attempt.at.prices_base[attempt.call.debt_id] / unit / 10**8
        paid.setdefault(attempt.bot, []).append((attempt.at.timestamp, usd))

    for bot in crash.scenario.liquidators:
        for now, last in paid.get(bot.name, []):
            bound = [usd for at, usd in paid[bot.name] if now - bot.turnaround_s < at <= now]
            assert max(sum(bound), last) <= bot.capital_usd + 0.01


@drawn
@given(rough_crashes())
def test_later_whoever_is_liquidated_was_below_1_and_the_blind_alone_are_refused(crash: Crash):
    blind = {bot.name for bot in crash.scenario.liquidators if bot.blind}
    run = Engine(crash=crash).run()
    through = {id(attempt) for attempt, _ in run.liquidations()}

    for attempt in run.attempts:
        assert attempt.before.health_factor_wad < 10**18 or id(attempt) not in through
        assert id(attempt) in through or attempt.bot in blind
