"""The checks can fail on every protocol: one rule of the model wrong at a time, and parity names the field."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from forks.crash.ledger import ParityBroken
from tests.forks.venue_cases import CASES
from tests.forks.venue_mutations import NOTICED, Mutation
from tests.forks.venue_setting import Setting, open_setting

pytestmark = pytest.mark.node

RIGHT = [(protocol, case) for protocol, cases in CASES.items() for case in cases]
WRONG = {
    f"{protocol}: {name}": (protocol, case, named, mutation)
    for protocol, cases in NOTICED.items()
    for case, by_field in cases.items()
    for named, mutations in by_field.items()
    for name, mutation in mutations.items()
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Setting]]:
    """Of each protocol that was asked for, its market; they end together."""

    class Opened(dict[str, Setting]):
        def __missing__(self, protocol: str) -> Setting:
            folder = tmp_path_factory.mktemp(protocol)
            self[protocol] = life.enter_context(open_setting(protocol, CASES[protocol], folder))
            return self[protocol]

    with ExitStack() as life:
        yield Opened()


def break_model(mutation: Mutation, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the model wrong until the test ends."""
    for target, wrap in mutation.patches.items():
        module, *path, name = target.split(".")
        owner = importlib.import_module(f"protocol.{protocol}.{module}")
        for part in path:
            owner = getattr(owner, part)
        monkeypatch.setattr(owner, name, wrap(getattr(owner, name)))


@pytest.mark.parametrize(("protocol", "case"), RIGHT)
def test_the_model_as_it_is_agrees_with_the_chain(settings, protocol, case):
    ledger = settings[protocol].run(case)

    assert ledger.values_differing == 0
    assert ledger.values_compared > 15
    assert ledger.values_changed > 0 or ledger.reverts


@pytest.mark.parametrize(("protocol", "case", "named", "mutation"), WRONG.values(), ids=WRONG)
def test_a_wrong_model_is_stopped_at_the_field_that_it_got_wrong(
    settings, protocol, case, named, mutation, monkeypatch
):
    setting = settings[protocol]
    break_model(mutation, protocol, monkeypatch)

    with pytest.raises(ParityBroken) as broken:
        setting.run(case, mutation.columns)

    difference = broken.value.difference
    assert setting.field_of(difference, case) == named
    assert difference.model != difference.chain
    assert difference.field in str(broken.value)


def test_every_case_is_where_some_mutation_shows():
    for protocol, cases in CASES.items():
        assert NOTICED[protocol].keys() == cases.keys()
        assert sum(len(some) for by_field in NOTICED[protocol].values() for some in by_field.values()) >= 10


@pytest.mark.parametrize(
    ("protocol", "case", "named"),
    [
        ("compound_v2", "half", "before.liquidity"),
        ("morpho_blue", "part of the shares", "before.price"),
        ("venus_isolated", "half", "before.liquidity"),
    ],
)
def test_a_price_that_does_not_reach_the_oracle_is_noticed(settings, protocol, case, named, monkeypatch):
    """The node goes on with what it showed at the opening: there the borrower was healthy."""
    setting = settings[protocol]
    monkeypatch.setattr(type(setting.venue), "set_prices", lambda venue, prices_base: None)

    with pytest.raises(ParityBroken) as broken:
        setting.run(case)

    assert setting.field_of(broken.value.difference, case) == named
