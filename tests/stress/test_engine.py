"""The engine block by block: what it yields and when, whom it looks at, who may send how often."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from protocol.aave_v3 import Account, Liquidated, Market, Revert, account_data, liquidation_call
from protocol.aave_v3 import rule_set as rule_set_module
from protocol.aave_v3.health import AccountTotals, Valuation
from protocol.model import Done
from stress.causes import CAUSES
from stress.engine import Attempt, Crash, Engine, Run, Tick, removing
from stress.scenario import Liquidator
from tests.stress.markets import START, address, pledge, small_crash, small_scenario

ANN, BEN, CARL = address("ann"), address("ben"), address("carl")
RISKY = pledge({"WETH": 100_000}, {"USDC": 80_000})
SAFE = pledge({"WETH": 100_000}, {"USDC": 10_000})
FALL = small_scenario([(0, 1.0), (40, 0.80)], n_steps=50)


def told(run: Run) -> list[tuple[Any, ...]]:
    """All that was sent and came of it, as plain values."""
    return [
        (a.step, a.bot, a.call, a.predicted.repaid, a.predicted.received)
        if isinstance(a.predicted, Done)
        else (a.step, a.bot, a.call, a.predicted.name)
        for a in run.attempts
    ]


# --- what is yielded, and when ---


def test_every_block_begins_with_a_tick_and_its_attempts_follow():
    events = list(Engine(crash=small_crash(FALL, {"ann": RISKY})).events())
    ticks = [event for event in events if isinstance(event, Tick)]
    step = -1
    for event in events:
        step = event.step if isinstance(event, Tick) else step
        assert (event.step, event.at.timestamp) == (step, START + 12 * step)

    assert isinstance(events[0], Tick)
    assert [tick.step for tick in ticks] == list(range(50))
    assert len(events) > len(ticks)


def test_a_tick_names_the_reserves_whose_observed_price_moved_and_all_at_the_start():
    scenario = small_scenario([(0, 1.0), (1, 1.0), (2, 0.9)], n_steps=4)
    ticks = [e for e in Engine(crash=small_crash(scenario, {"ann": SAFE})).events() if isinstance(e, Tick)]

    assert [tick.changed for tick in ticks] == [tuple(range(9)), (), (0,), ()]
    assert [tick.at.prices_base[0] for tick in ticks] == [2_000 * 10**8] * 2 + [1_800 * 10**8] * 2


def test_a_call_is_predicted_from_the_market_it_finds_and_applied_when_resumed():
    engine = Engine(crash=small_crash(FALL, {"ann": RISKY, "ben": RISKY}))
    events, n_applied = engine.events(), 0
    for event in events:
        if not isinstance(event, Attempt):
            continue
        at = {"prices_base": event.at.prices_base, "timestamp": event.at.timestamp}
        assert event.market is engine.market
        assert event not in engine.attempts
        assert event.predicted == liquidation_call(event.market, event.call, **at)
        data = account_data(event.market, event.call.borrower, **at)
        assert event.before.collateral_base == data.total_collateral_base
        assert event.before.debt_base == data.total_debt_base
        assert event.before.health_factor_wad == data.health_factor_wad
        assert event.before.health_factor_wad < 10**18
        following = next(events)
        assert engine.attempts[-1] is event
        assert isinstance(event.predicted, Liquidated)
        assert engine.market is event.predicted.market
        assert isinstance(following, Tick | Attempt)
        n_applied += 1

    assert n_applied >= 2


def test_a_refused_call_changes_nothing_but_is_remembered():
    dusty = pledge({"WETH": 6_500}, {"USDC": 2_900, "DAI": 2_350})
    bot = Liquidator(name="blind", capital_usd=1e9, turnaround_s=0, blind=True)
    scenario = small_scenario([(0, 1.0), (1, 0.96)], n_steps=3, bots=(bot,))
    crash = small_crash(scenario, {"ann": dusty})
    run = Engine(crash=crash).run()

    assert [(a.step, a.predicted.name) for a in run.attempts if isinstance(a.predicted, Revert)] == [
        (1, "MustNotLeaveDust")
    ]
    assert list(run.liquidations()) == []
    assert run.market is crash.market


def test_the_same_crash_run_twice_sends_the_same_calls(default_crash: Crash, default_run: Run):
    assert told(Engine(crash=default_crash).run()) == told(default_run)


# --- who is looked at ---


def looks(crash: Crash, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """(step, borrower) of every look at an account that the engine takes to see whether it is below 1."""
    taken: list[tuple[int, str]] = []

    class Counted(Valuation):
        def __init__(self, market: Market, *, prices_base: Any, timestamp: int) -> None:
            super().__init__(market, prices_base=prices_base, timestamp=timestamp)
            self.users, self.step = (
                {id(a): user for user, a in market.accounts.items()},
                (timestamp - START) // 12,
            )

        def totals(self, account: Account) -> AccountTotals:
            taken.append((self.step, self.users[id(account)]))
            return super().totals(account)

    monkeypatch.setattr(rule_set_module, "Valuation", Counted)
    Engine(crash=crash).run()
    return taken


def test_an_account_is_looked_at_when_a_price_it_depends_on_moved(monkeypatch: pytest.MonkeyPatch):
    scenario = small_scenario([(0, 1.0), (3, 1.0), (4, 0.98), (6, 0.98), (7, 0.97)], n_steps=10)
    crash = small_crash(scenario, {"ann": SAFE, "ben": pledge({"WBTC": 100}, {"USDC": 10})})

    assert looks(crash, monkeypatch) == [(0, ANN), (0, BEN), (4, ANN), (7, ANN)]


def test_an_account_below_1_is_looked_at_in_every_block(monkeypatch: pytest.MonkeyPatch):
    poor = Liquidator(name="poor", capital_usd=0, turnaround_s=0)
    scenario = small_scenario([(0, 1.0), (1, 0.9)], n_steps=5, bots=(poor,))

    assert looks(small_crash(scenario, {"ann": RISKY, "ben": SAFE}), monkeypatch) == [
        (0, ANN), (0, BEN), (1, ANN), (1, BEN), (2, ANN), (3, ANN), (4, ANN),
    ]  # fmt: skip


def test_healthy_accounts_are_never_called(default_crash: Crash, default_run: Run):
    assert all(attempt.before.health_factor_wad < 10**18 or isinstance(attempt.predicted, Revert)
               for attempt in default_run.attempts)  # fmt: skip
    controls = {
        user for user, account in default_crash.market.accounts.items()
        if not any(position.borrowing for position in account.positions.values())
    }  # fmt: skip
    assert len(controls) == 2
    assert controls.isdisjoint(attempt.call.borrower for attempt in default_run.attempts)


def test_accounts_that_are_not_watched_are_left_alone():
    crash = replace(small_crash(FALL, {"ann": RISKY, "ben": RISKY}), borrowers=(BEN,))
    run = Engine(crash=crash).run()

    assert {attempt.call.borrower for attempt in run.attempts} == {BEN}
    assert run.market.accounts[ANN] == crash.market.accounts[ANN]


def test_the_largest_debt_is_served_first_and_equals_by_address():
    scenario = small_scenario([(0, 1.0), (1, 0.9)], n_steps=2)
    crash = small_crash(
        scenario, {"ann": RISKY, "ben": pledge({"WETH": 200_000}, {"USDC": 160_000}), "carl": RISKY}
    )
    order = [attempt.call.borrower for attempt in Engine(crash=crash).run().attempts]

    assert list(dict.fromkeys(order)) == [BEN, *sorted([ANN, CARL])]


# --- who may send how often ---


def test_each_bot_sends_at_most_one_call_a_block_for_an_account(default_run: Run):
    sent = Counter((attempt.step, attempt.bot, attempt.call.borrower) for attempt in default_run.attempts)

    assert set(sent.values()) == {1}


def test_a_blind_bot_decides_on_what_it_saw_when_the_block_began_and_a_careful_one_on_what_is():
    first = Liquidator(name="first", capital_usd=1e9, turnaround_s=0)
    blind = Liquidator(name="second", capital_usd=1e9, turnaround_s=0, blind=True)
    jump = [(0, 1.0), (1, 0.93)]  # health 0.965: half may be repaid, and then it is above 1
    outcomes = {}
    for second in (blind, replace(blind, blind=False)):
        scenario = small_scenario(jump, n_steps=2, bots=(first, second))
        run = Engine(crash=small_crash(scenario, {"ann": RISKY})).run()
        outcomes[second.blind] = [(a.bot, getattr(a.predicted, "name", "")) for a in run.attempts]

    assert outcomes == {
        True: [("first", ""), ("second", "HealthFactorNotBelowThreshold")],
        False: [("first", "")],
    }


def test_a_bot_whose_money_is_bound_leaves_the_next_account_to_others():
    small = Liquidator(name="small", capital_usd=85_000, turnaround_s=24)
    scenario = small_scenario([(0, 1.0), (1, 0.88), (3, 0.88), (4, 0.88)], n_steps=6, bots=(small,))
    run = Engine(crash=small_crash(scenario, {"ann": RISKY, "ben": RISKY})).run()
    whole = [(attempt.step, attempt.call.borrower) for attempt, _ in run.liquidations()]

    first, second = sorted([ANN, BEN])
    assert whole[0] == (1, first)
    # it has some 5,000 left for the other in the same block; the bulk is free again two blocks later
    assert {step for step, user in whole if user == second} >= {1, 3}


def test_gas_is_priced_at_the_market_price_of_its_token():
    scenario = small_scenario([(0, 1.0), (1, 0.9)], n_steps=2, gwei=50)
    (attempt,) = Engine(crash=small_crash(scenario, {"ann": RISKY})).run().attempts

    assert attempt.gas_cost_usd == pytest.approx(400_000 * 50e-9 * 10)


# --- worlds without a cause ---


def test_removing_nothing_is_the_same_crash(default_crash: Crash):
    assert removing(default_crash, frozenset()) is default_crash


def test_removing_the_lag_shows_the_market_and_touches_nothing_else(default_crash: Crash):
    without = removing(default_crash, frozenset({"oracle_lag"}))

    assert default_crash.prices.observed != default_crash.prices.market
    assert without.prices.observed == default_crash.prices.market
    assert replace(without, prices=default_crash.prices) == default_crash


def test_removing_dust_lifts_the_leftover_rule_and_touches_nothing_else(default_crash: Crash):
    without = removing(default_crash, frozenset({"dust"}))

    assert default_crash.market.rules.enforces_min_leftover
    assert not without.market.rules.enforces_min_leftover
    restored = replace(without.market, rules=default_crash.market.rules)
    assert replace(without, market=restored) == default_crash


def test_without_gas_no_call_costs_anything():
    scenario = small_scenario([(0, 1.0), (1, 0.9)], n_steps=2, gwei=10**9)
    crash = small_crash(scenario, {"ann": RISKY})
    free = Engine(crash=crash, without=frozenset({"gas"})).run()

    assert Engine(crash=crash).run().attempts == ()
    assert [attempt.gas_cost_usd for attempt in free.attempts] == [0.0]


def test_without_a_capital_limit_a_bot_without_money_repays_all():
    poor = Liquidator(name="poor", capital_usd=0, turnaround_s=10**6)
    scenario = small_scenario([(0, 1.0), (1, 0.9)], n_steps=2, bots=(poor,))
    crash = small_crash(scenario, {"ann": RISKY, "ben": RISKY})

    assert Engine(crash=crash).run().attempts == ()
    assert len(Engine(crash=crash, without=frozenset({"capital"})).run().attempts) == 2


def test_without_toxic_calls_nothing_is_sent_below_bonus_times_threshold():
    scenario = small_scenario([(0, 1.0), (1, 0.80)], n_steps=3)  # health 0.83, edge 0.8715
    crash = small_crash(scenario, {"ann": RISKY})

    assert len(Engine(crash=crash).run().attempts) == 1
    assert Engine(crash=crash, without=frozenset({"toxic"})).run().attempts == ()


def test_an_engine_without_every_cause_leaves_the_crash_itself_alone():
    crash = small_crash(FALL, {"ann": RISKY, "ben": RISKY})
    before = deepcopy(crash)
    assert Engine(crash=crash, without=frozenset(CAUSES)).run().attempts

    assert crash == before
