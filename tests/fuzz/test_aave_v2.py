"""Aave v2: drawn cases on the real contracts in this process, every integer and every refusal compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.internal.conjecture.engine import ConjectureRunner

from tests.fuzz.aave_v2_arena import Arena
from tests.fuzz.aave_v2_play import play
from tests.fuzz.tally import Tally
from tests.strategies_v2 import Case, cases

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")


@pytest.fixture(scope="module")
def arena() -> Arena:
    from forks.in_process.evm import Evm

    return Arena(Evm())


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    counted = Tally()
    yield counted
    print(counted)


@pytest.fixture(scope="module", autouse=True)
def _every_case_is_drawn_afresh() -> Iterator[None]:
    """Hypothesis would follow each drawn case with five that repeat parts of it: five times the same steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConjectureRunner, "generate_mutations_from", lambda *_: None)
        yield


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=cases())
def test_the_model_says_what_the_contracts_say(arena: Arena, tally: Tally, case: Case):
    play(arena, case, tally)
