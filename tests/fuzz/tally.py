"""What a fuzz run has compared so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

DONE = "goes through"
"""How a step ends that is not refused."""


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

    def add(self, other: Tally) -> None:
        """Add the counts of another process."""
        self.cases += other.cases
        self.steps += other.steps
        self.integers += other.integers
        self.outcomes += other.outcomes

    def lines(self, name: str) -> list[str]:
        """What was compared of a rule set, and how often each kind of step ended how."""
        called = sum(n for outcome, n in self.outcomes.items() if outcome.startswith("Liquidate: "))
        done = self.outcomes[f"Liquidate: {DONE}"]
        return [
            f"fuzz {name}: {self.cases:,} cases, {self.steps:,} steps, {self.integers:,} integers compared, "
            f"{done:,} of {called:,} liquidations went through",
            *(f"    {count:>7,} {outcome}" for outcome, count in sorted(self.outcomes.items())),
        ]
