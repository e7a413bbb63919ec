"""The drops at which things happen, against account data: later than the last update, and where a debt falls too."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from protocol import aave_v2, aave_v3, aave_v4
from protocol.aave_v2 import frontier as frontier_v2
from protocol.aave_v3 import frontier as frontier_v3
from protocol.aave_v4 import frontier as frontier_v4
from protocol.units import WAD
from tests.protocol import markets, markets_v2, v4_markets
from tests.protocol.v4_markets import COIN, DOLLAR, NOW, moved

YEAR = 31_536_000
USER = "borrower"


def lent_out_v4():
    """A borrower with coins against dollars, while others borrow coins, so that both sides grow."""
    state = v4_markets.market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    bank, at = v4_markets.BANK, v4_markets.usd()
    state = moved(aave_v4.set_collateral_use(state, bank, DOLLAR, use=True, prices_base=at, timestamp=NOW))
    return moved(
        aave_v4.borrow(state, bank, COIN, v4_markets.units(COIN, 500), prices_base=at, timestamp=NOW)
    )


CASES = {
    "v2": (aave_v2, frontier_v2, markets_v2.market(), {0: 10**18, 1: 10**18 // 2_000}),
    "v3.0.2": (aave_v3, frontier_v3, markets.market("3.0.2"), {0: 2_000 * 10**8, 1: 10**8}),
    "v3.6": (aave_v3, frontier_v3, markets.market("3.6"), {0: 2_000 * 10**8, 1: 10**8}),
    "v4": (aave_v4, frontier_v4, lent_out_v4(), {0: 2_000 * 10**8, 1: 10**8}),
}
EVERY = pytest.mark.parametrize(("rule_set", "frontier", "state", "prices"), CASES.values(), ids=CASES.keys())


@EVERY
def test_a_year_later_health_is_one_exactly_at_the_drop_that_says_so(rule_set, frontier, state, prices):
    later = NOW + YEAR
    drop = frontier.drops(state, USER, [0], prices_base=prices, timestamp=later).liquidatable
    fallen = int((1 - drop) * prices[0])
    margin = prices[0] // 10**10  # what the values' own rounding may move it

    def health(price):
        data = rule_set.account_data(state, USER, prices_base=prices | {0: price}, timestamp=later)
        return data.health_factor_wad

    assert health(fallen - margin) < WAD <= health(fallen + 1 + margin)


@EVERY
def test_a_debt_that_falls_with_the_collateral_leaves_health_as_it_is(rule_set, frontier, state, prices):
    both = frontier.drops(state, USER, [0, 1], prices_base=prices, timestamp=NOW)
    alone = frontier.drops(state, USER, [0], prices_base=prices, timestamp=NOW)
    data = rule_set.account_data(state, USER, prices_base=prices, timestamp=NOW)

    # Health is the same for every common fall, and 1 only where nothing is left of either.
    assert data.health_factor_wad > WAD
    assert both.liquidatable == 1
    assert 0 < alone.liquidatable < 1
    assert both.toxic == {0: 1}


@pytest.mark.parametrize(
    ("rule_set", "frontier", "state", "prices"), [CASES[name] for name in ("v2", "v3.0.2", "v3.6")]
)
def test_what_is_owed_and_what_can_be_repaid_grow_with_time(rule_set, frontier, state, prices):
    later = NOW + YEAR
    found = frontier.exhaustion(state, USER, prices_base=prices, timestamp=later)
    data = rule_set.account_data(state, USER, prices_base=prices, timestamp=later)

    assert data.total_debt_base in {int(found.debt_base), int(found.debt_base) + 1}
    assert int(found.repayable_base * Fraction(105, 100)) == data.total_collateral_base
    assert found.debt_base > frontier.exhaustion(state, USER, prices_base=prices, timestamp=NOW).debt_base


@EVERY
def test_who_is_not_there_or_owes_nothing_is_not_liquidated_however_far_all_falls(
    rule_set, frontier, state, prices
):
    held = state.accounts[USER].positions[0]
    free = replace(state, accounts={USER: rule_set.Account(positions={0: held})})
    stranger = frontier.drops(state, "nobody", [0, 1], prices_base=prices, timestamp=NOW)
    debtless = frontier.drops(free, USER, [0, 1], prices_base=prices, timestamp=NOW)

    assert (stranger.liquidatable, stranger.toxic) == (None, {})
    assert (debtless.liquidatable, debtless.toxic) == (None, {0: None})
    if rule_set is not aave_v4:
        assert stranger.debt_remains is debtless.debt_remains is None


@EVERY
def test_health_of_just_one_stays_so_while_nothing_falls_and_ends_with_any_fall(
    rule_set, frontier, state, prices
):
    away = frontier.drops(state, USER, [0], prices_base=prices, timestamp=NOW).liquidatable
    at_one = prices | {0: int((1 - away) * prices[0])}
    data = rule_set.account_data(state, USER, prices_base=at_one, timestamp=NOW)

    assert data.health_factor_wad == WAD
    assert frontier.drops(state, USER, [], prices_base=at_one, timestamp=NOW).liquidatable is None
    assert frontier.drops(state, USER, [0], prices_base=at_one, timestamp=NOW).liquidatable == 0
