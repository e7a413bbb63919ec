"""A refused action says why, with the numbers that failed, in every rule set alike."""

from __future__ import annotations

import pytest

from protocol import aave_v2, aave_v3, aave_v4
from protocol.aave_v3 import REVISIONS
from tests.protocol import markets, markets_v2, v4_markets

NOW = markets.NOW
PRICES = {0: 2_000 * 10**8, 1: 10**8, 2: 50 * 10**8}
STATES = {
    "v2": (aave_v2, markets_v2.market()),
    **{rules.revision: (aave_v3, markets.market(rules.revision)) for rules in REVISIONS},
    "v4": (aave_v4, v4_markets.market(holds={0: 10}, owes={1: 8_000})),
}
EVERY = pytest.mark.parametrize(("rule_set", "state"), STATES.values(), ids=STATES.keys())
VALUED = {"prices_base": PRICES, "timestamp": NOW}


@EVERY
def test_an_action_on_nothing_is_refused_without_numbers(rule_set, state):
    asked = [
        rule_set.supply(state, "whale", 1, 0, timestamp=NOW),
        rule_set.withdraw(state, "whale", 1, 0, **VALUED),
        rule_set.borrow(state, "borrower", 1, 0, **VALUED),
        rule_set.repay(state, "borrower", 1, 0, timestamp=NOW),
    ]

    for outcome in asked:
        assert outcome.name in {"InvalidAmount", "InvalidShares"}
        assert outcome.numbers in ({}, {"amount": 0}, {"amount": 0, "supply": 0}), outcome


@EVERY
def test_a_liquidation_of_a_healthy_account_is_refused_with_its_health(rule_set, state):
    call = rule_set.LiquidationCall(
        collateral_id=0, debt_id=1, borrower="borrower", liquidator="liquidator", debt_to_cover=2**256 - 1
    )
    health_wad = rule_set.account_data(state, "borrower", **VALUED).health_factor_wad

    for ask in (rule_set.liquidation_call, rule_set.liquidation_quote):
        assert ask(state, call, **VALUED) == rule_set.Revert(
            name="HealthFactorNotBelowThreshold", numbers={"health_factor_wad": health_wad}
        )


@EVERY
def test_giving_up_collateral_that_health_needs_is_refused_with_the_health_left(rule_set, state):
    outcome = rule_set.set_collateral_use(state, "borrower", 0, use=False, **VALUED)

    named = {"HealthFactorLowerThanLiquidationThreshold", "HealthFactorBelowThreshold", "DepositAlreadyInUse"}
    assert outcome.name in named
    assert outcome.numbers in ({"health_factor_wad": 0}, {"reserve_id": 0})


@pytest.mark.parametrize("revision", [rules.revision for rules in REVISIONS])
def test_a_category_that_is_not_there_is_refused_with_its_number(revision):
    outcome = aave_v3.set_emode(markets.market(revision), "borrower", 9, **VALUED)

    assert outcome == aave_v3.Revert(name="InconsistentEModeCategory", numbers={"emode_id": 9})


@pytest.mark.parametrize("revision", ["3.3", "3.4", "3.5", "3.6", "3.7"])
def test_a_cover_of_no_deficit_is_refused_with_the_reserve(revision):
    outcome = aave_v3.eliminate_reserve_deficit(markets.market(revision), "whale", 1, 5, timestamp=NOW)

    assert isinstance(outcome, aave_v3.Revert)
    assert outcome.numbers in ({}, {"reserve_id": 1}), outcome
