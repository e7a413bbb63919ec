"""The checks can fail: one rounding or one branch of the model wrong at a time, and parity names the field."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forks.crash.ledger import ParityBroken
from protocol.aave_v3 import (
    EModeCategory,
    Rules,
    interest,
    rules_of,
    variants,
)
from protocol.fixed_point.percentage import percent_mul_half_up
from protocol.fixed_point.wad_ray import ray_mul_half_up
from protocol.units import RAY
from tests.forks.parity_cases import BORROWERS, CASES
from tests.forks.parity_mutations import NOTICED, Mutation
from tests.forks.parity_setting import Setting, open_setting

pytestmark = pytest.mark.node

LABELS = {"revision", "pool_revisions", "witness"}
"""Columns that name a row of the table of rules; no formula reads them."""
NOT_OF_A_LIQUIDATION = {"vtoken_mint_scaled", "actions", "deficit_cover"}
"""Columns of other calls; `test_opening` and the fuzz hold what they give against the contracts."""
OF_FORMER_VERSIONS = {
    "nests_debt_accrual",
    "has_stable_debt",
    "prices_by_category",
    "clears_collateral_last",
    "gho",
    "collateral_needs_ltv",
    "enables_isolated_by_itself",
}
"""Columns that no liquidation of 3.6 can show; the fuzz of 3.0.x and tests/protocol/test_v3_* hold them."""
TABLE = {
    name: (case, named, mutation)
    for case, by_field in NOTICED.items()
    for named, mutations in by_field.items()
    for name, mutation in mutations.items()
}


@pytest.fixture(scope="module")
def setting(anvil) -> Iterator[Setting]:
    with open_setting(anvil) as opened:
        yield opened


def mutated(mutation: Mutation, rules: Rules, monkeypatch: pytest.MonkeyPatch) -> Rules:
    """Make the model wrong until the test ends; the rules it has to be given."""
    for target, wrap in mutation.patches.items():
        module, *path, name = target.split(".")
        owner = importlib.import_module(f"protocol.aave_v3.{module}")
        for part in path:
            owner = getattr(owner, part)
        monkeypatch.setattr(owner, name, wrap(getattr(owner, name)))
    return replace(rules, **mutation.rules)


@pytest.mark.parametrize("case", CASES)
def test_the_model_as_it_is_agrees_with_the_chain(setting, case):
    ledger = setting.run(case)

    assert ledger.values_differing == 0
    assert ledger.values_compared > 100
    assert ledger.values_changed > 0 or ledger.reverts or not CASES[case].sends


@pytest.mark.parametrize(("case", "named", "mutation"), TABLE.values(), ids=TABLE)
def test_a_wrong_model_is_stopped_at_the_field_that_it_got_wrong(setting, case, named, mutation, monkeypatch):
    rules = mutated(mutation, setting.market.rules, monkeypatch)

    with pytest.raises(ParityBroken) as broken:
        setting.run(case, rules)

    difference = broken.value.difference
    assert setting.field_of(difference, BORROWERS[CASES[case].borrower]) == named
    assert difference.model != difference.chain
    assert difference.field in str(broken.value)


def test_every_column_of_the_table_of_rules_is_made_wrong_at_least_once():
    columns = {name for _, _, mutation in TABLE.values() for name in mutation.rules}

    unseen = LABELS | NOT_OF_A_LIQUIDATION | OF_FORMER_VERSIONS
    assert columns == {field.name for field in fields(Rules)} - unseen
    assert len(TABLE) == sum(len(some) for by_field in NOTICED.values() for some in by_field.values()) >= 25


def test_every_case_is_where_some_mutation_shows():
    assert NOTICED.keys() == CASES.keys()


def test_labels_of_a_revision_are_not_read_by_any_formula(setting):
    renamed = replace(setting.market.rules, revision="none", pool_revisions=(), witness=None)

    assert setting.run("exhausted", renamed).values_differing == 0


# --- mutations that change nothing: not listed above because they are proven to be the same model ---------------

RULES = rules_of("3.6")
INDICES = st.integers(RAY, 10**5 * RAY)
AMOUNTS = st.integers(0, 2**100)
BPS_VALUES = st.integers(0, 100_00)


@given(scaled=st.integers(1, 2**100), index_ray=INDICES, unpaid=st.integers(0, 2**100))
def test_asking_the_amount_or_the_shares_whether_a_debt_ends_is_one_question_since_v35(
    scaled, index_ray, unpaid
):
    """Debt rounds up and burned shares down, so the last unit of debt is always the last share."""
    balance = RULES.vtoken_balance(scaled, index_ray)
    repaid = max(balance - unpaid, 0)
    outstanding, left = balance - repaid, scaled - RULES.vtoken_burn_scaled(repaid, index_ray)

    assert variants.debt_ends_with_amount(outstanding, left) == variants.debt_ends_with_scaled(
        outstanding, left
    )


@given(ltv=BPS_VALUES, category_ltv=BPS_VALUES, bitmap=st.integers(0, 7), zero=st.integers(0, 7))
def test_an_isolated_category_is_no_other_where_none_is_isolated(ltv, category_ltv, bitmap, zero):
    """v3.6 has no isolated categories: the reader never sets the flag before v3.7."""
    category = EModeCategory(
        emode_id=1,
        ltv_bps=category_ltv,
        liquidation_threshold_bps=0,
        liquidation_bonus_bps=0,
        collateral_bitmap=bitmap,
        ltvzero_bitmap=zero,
    )
    for reserve_id in range(3):
        of_category = variants.ltv_of_category_first(ltv, category, reserve_id)
        assert variants.ltv_of_isolated_category(ltv, category, reserve_id) == of_category


@given(index_ray=INDICES, rate_ray=st.integers(0, 10 * RAY))
def test_without_the_guard_of_the_same_timestamp_growth_is_one(index_ray, rate_ray):
    """No time, no growth: the guards of `accrue` and of the views only save gas."""
    assert ray_mul_half_up(RULES.compounded_growth(rate_ray, 0), index_ray) == index_ray
    assert ray_mul_half_up(interest.linear_growth(rate_ray, 0), index_ray) == index_ray
    assert RULES.debt_growth(10**30, index_ray, index_ray) == 0


@given(index_ray=INDICES, elapsed_s=st.integers(0, 10**9), amount=AMOUNTS)
def test_without_the_guards_of_zero_rate_and_zero_factor_nothing_moves_either(index_ray, elapsed_s, amount):
    assert ray_mul_half_up(interest.linear_growth(0, elapsed_s), index_ray) == index_ray
    assert percent_mul_half_up(amount, 0) == 0
    assert RULES.atoken_mint_scaled(0, index_ray) == 0
