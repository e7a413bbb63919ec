"""How many cases a fuzz test plays, from which seed, and the command that plays them again.

`CASES` cases in all, or a fixed number for each test of the suite; everything drawn follows from `SEED` alone.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.strategies import SearchStrategy

CASES_A_TEST = 225
"""Of the suite, where `CASES` says nothing."""
SEED = int(os.environ.get("FUZZ_SEED", "0"))
CASES = int(os.environ.get("FUZZ_CASES", "0"))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
"""A case is a whole history of a market: it takes a tenth of a second, and several hundred draws."""


def play_all(name: str, cases: SearchStrategy[Any], play: Callable[[Any], None], *, n_tests: int = 1) -> None:
    """Draw cases and `play` each; a failure is shrunk and told with the command that repeats it.

    `name` is the rule set and the shard; `n_tests` is how many tests share the number of cases.
    """
    n_cases = -(-CASES // n_tests) if CASES else CASES_A_TEST

    @seed(zlib.crc32(f"{SEED} {name}".encode()))
    @settings(
        max_examples=n_cases,
        derandomize=False,
        database=None,
        deadline=None,
        suppress_health_check=SLOW,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.normal,
    )
    @given(case=cases)
    def played(case: Any) -> None:
        play(case)

    try:
        played()
    except Exception as error:
        again = f"make fuzz CASES={n_cases} SEED={SEED} ONLY='{name}'"
        error.add_note(f"the same again: {again}")
        raise
