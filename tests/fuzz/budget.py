"""How many cases a fuzz test plays, from which seed, and the command that plays them again.

`FUZZ_CASES` cases in all, or in the suite as many for each part as its world says; everything drawn follows from
`FUZZ_SEED` and the name of the part.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

SEED = int(os.environ.get("FUZZ_SEED", "0"))
CASES = int(os.environ.get("FUZZ_CASES", "0"))
SHRINKING_PLAYS = 300
"""Cases played to make a counter-example smaller; what is left then is told. A number, not a time: the same
seed must end at the same counter-example on any machine."""
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
"""A case is a whole history of a market: it takes a tenth of a second, and several hundred draws."""


def play_all(
    part: str,
    cases: SearchStrategy[Any],
    play: Callable[[Any], None],
    *,
    n_cases: int,
    seeded: int = SEED,
    shrinking_plays: int = SHRINKING_PLAYS,
) -> None:
    """Draw `n_cases` cases and `play` each; a failure is shrunk and told with the command that repeats it."""
    shrinking = _Shrinking(play, shrinking_plays)

    @seed(zlib.crc32(f"{seeded} {part}".encode()))
    @settings(
        max_examples=n_cases,
        derandomize=False,
        database=None,
        deadline=None,
        suppress_health_check=SLOW,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
    )
    @given(case=cases)
    def played(case: Any) -> None:
        shrinking.play(case)

    try:
        played()
    except Exception as error:
        error.add_note(f"the same again: make fuzz CASES={n_cases} SEED={seeded} ONLY={part}")
        raise


class _Shrinking:
    """Plays cases; once one has failed, so many more, and then those only that are known to fail."""

    def __init__(self, play: Callable[[Any], None], n_plays: int) -> None:
        self._play, self._left = play, n_plays
        self._failed: set[Any] = set()

    def play(self, case: Any) -> None:
        """Play a case. Raises what the player raises."""
        if self._failed and case not in self._failed:
            if not self._left:
                return
            self._left -= 1
        try:
            self._play(case)
        except Exception:
            self._failed.add(case)
            raise


def share(n_parts: int, in_suite: int) -> int:
    """How many cases one of `n_parts` parts plays; `in_suite`: where `FUZZ_CASES` says nothing."""
    return -(-CASES // n_parts) if CASES else in_suite
