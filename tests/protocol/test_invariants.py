"""The named invariants, held by liquidations drawn at random in every version of Aave."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol import aave_v2, aave_v3, aave_v4
from protocol.model import RuleSet
from tests.invariants import ALL, INVARIANTS, V2, V4, broken, since
from tests.kept.seen import Seen
from tests.liquidation_cases import EVERY_CASE_AFRESH, VERSIONS, cases, samples


@pytest.fixture(autouse=True)
def _every_case_is_drawn_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*EVERY_CASE_AFRESH)


EVERY_VERSION = pytest.mark.parametrize("version", VERSIONS)
REFUSALS = {
    "HealthFactorNotBelowThreshold",
    "MustNotLeaveDust",
    "InvalidBurnAmount",
    "InvalidAmount",
    "LiquidationCallFailed",
    "SelfLiquidation",
    "Panic(0x11)",
}
"""What the drawn calls are refused for: nothing else is wrong with them."""


@EVERY_VERSION
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_liquidation_keeps_every_invariant(version, data):
    case = data.draw(cases(version))
    market = deepcopy(case.market)
    seen = case.seen()

    assert broken(seen) == []
    assert case.market == market, "a call leaves the market that it was given as it was"
    if not seen.went_through:
        assert seen.outcome.name in REFUSALS


KINDS: dict[str, tuple[Callable[[Seen], bool], tuple[str, ...]]] = {
    "a fee": (lambda seen: seen.outcome.protocol_fee > 0, since("3.0.0")),
    "two deficits": (lambda seen: len(seen.lens.deficits(seen.outcome)) > 1, (*since("3.3"), *V4)),
    "one asset on both sides": (lambda seen: seen.same_asset, ALL[:-1]),
    "all the collateral": (lambda seen: seen.took_all, ALL),
    "less than was asked, and some left": (
        lambda seen: not seen.took_all and seen.call.debt_to_cover > seen.repaid,
        ALL,
    ),
    "in an efficiency mode": (
        lambda seen: seen.before.accounts[seen.call.borrower].emode == 1,
        since("3.0.0"),
    ),
    "of oneself": (
        lambda seen: seen.call.liquidator == seen.call.borrower,
        (*V2, *since("3.0.0", "3.3")),
    ),
}


@EVERY_VERSION
def test_the_drawn_cases_reach_liquidations_of_every_kind(version):
    missing = [
        name
        for name, (is_one, versions) in KINDS.items()
        if version in versions and not any(map(is_one, samples(version)))
    ]

    assert missing == []


def test_an_invariant_has_a_name_a_statement_and_versions_of_its_own():
    names = [invariant.name for invariant in INVARIANTS]

    assert len(set(names)) == len(names) >= 20
    for invariant in INVARIANTS:
        assert invariant.statement.endswith(".")
        assert set(invariant.versions) <= set(VERSIONS)
        assert len(set(invariant.versions)) == len(invariant.versions) > 0


@pytest.mark.parametrize("package", [aave_v2, aave_v3, aave_v4])
def test_each_package_is_a_rule_set_and_finds_who_owes(package):
    rule_set: RuleSet = package
    version = {aave_v2: "2", aave_v3: "3.6", aave_v4: "4"}[package]
    market = samples(version)[0].before

    owing = list(rule_set.users_with_debt(market))
    assert "borrower" in owing
    assert "treasury" not in owing
