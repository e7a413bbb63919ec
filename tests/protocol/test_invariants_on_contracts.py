"""The named invariants, held by liquidations that the real contracts have carried out, whatever is configured."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests import strategies, strategies_v2
from tests.fuzz.aave_v2_arena import ArenaV2
from tests.fuzz.aave_v3_arena import arena_of
from tests.fuzz.arena import Arena
from tests.fuzz.moves import move_of
from tests.fuzz.play import _Game
from tests.fuzz.tally import Tally
from tests.invariants import broken
from tests.kept.lenses import lens_of
from tests.kept.seen import Seen
from tests.liquidation_cases import EVERY_CASE_AFRESH
from tests.steps import Step

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

VERSIONS = ("2", "3.0.0", "3.0.1", "3.0.2", "3.6")
N_CASES = 25
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@cache
def arena(version: str) -> Arena:
    from forks.in_process.evm import Evm

    return ArenaV2(Evm()) if version == "2" else arena_of(Evm(), version)


class _Watched(_Game):
    """A case whose every liquidation is asked for the invariants, once the contracts have confirmed it."""

    n_seen = 0

    def take(self, step: Step) -> None:
        scene, move = self.scene, move_of(self.scene, step)
        super().take(step)
        if move is None or move.call is None:
            return
        outcome = move.model()
        seen = Seen(
            lens=lens_of(scene.market),
            before=scene.market,
            call=move.call,
            outcome=outcome,
            prices=scene.prices,
            at=scene.now,
        )
        assert broken(seen) == [], f"step {self.sides.place} {step}"
        self.n_seen += seen.went_through


@pytest.mark.parametrize("version", VERSIONS)
def test_liquidations_of_the_contracts_keep_every_invariant(version: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(*EVERY_CASE_AFRESH)
    n_seen = 0

    @settings(
        max_examples=N_CASES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=SLOW,
    )
    @given(case=strategies_v2.cases() if version == "2" else strategies.cases())
    def play(case: Any) -> None:
        nonlocal n_seen
        stage = arena(version)
        with stage.chain.anchor():
            stage.prepare(case)
            game = _Watched(stage, Tally())
            for step in case.steps:
                game.take(step)
        n_seen += game.n_seen

    play()
    assert n_seen >= N_CASES // 3
