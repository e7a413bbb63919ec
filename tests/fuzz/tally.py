"""What a fuzz run has compared so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts of one rule set."""

    cases: int = 0
    steps: int = 0
    integers: int = 0
    """Integers, and reasons of refusals, laid side by side."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Kind of step and how it ended, to how often."""

    def count(self, outcome: str) -> None:
        """Count one step that ended in `outcome`."""
        self.outcomes[outcome] += 1
