"""Model against chain, integer by integer: the record of every comparison.

Nothing here knows what a number should be: two sets of named integers are laid side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eth_utils import keccak


class ParityBroken(Exception):
    """Model and chain disagree: the liquidation, the field and both integers."""

    exit_code = 1

    def __init__(self, difference: Comparison) -> None:
        self.difference = difference
        super().__init__(
            f"model and chain differ: {difference.subject}, {difference.field}: "
            f"model {difference.model}, chain {difference.chain} "
            f"(chain minus model {difference.chain - difference.model})"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One integer as the model said it and as the chain has it."""

    subject: str
    """What it belongs to: "liquidation 7", "opening", "end"."""
    field: str
    model: int
    chain: int
    changed: bool
    """Whether the chain's value differs from the chain's value before the transaction."""

    @property
    def differs(self) -> bool:
        """Whether the two integers are not one."""
        return self.model != self.chain


@dataclass(kw_only=True, slots=True)
class Ledger:
    """All comparisons of a run, in order; stops at the first difference unless told to collect."""

    stop_at_first: bool = True
    rows: list[Comparison] = field(default_factory=list)
    reverts: dict[str, int] = field(default_factory=dict)

    def compare(
        self,
        subject: str,
        model: Mapping[str, int],
        chain: Mapping[str, int],
        before: Mapping[str, int] | None,
    ) -> None:
        """Lay two sets of named integers side by side; a name only one side has is a difference too.

        `before` holds the chain's values before the transaction (None: nothing was sent).

        Raises:
            ParityBroken: at the first integer that differs.
        """
        for name in [*model, *(name for name in chain if name not in model)]:
            value = chain.get(name, MISSING)
            changed = before is not None and before.get(name, 0) != value
            row = Comparison(subject, name, model.get(name, MISSING), value, changed)
            self.rows.append(row)
            if row.differs and self.stop_at_first:
                raise ParityBroken(row)

    def refused(self, subject: str, predicted: str, on_chain: str) -> None:
        """Compare the reasons of two refusals."""
        self.reverts[on_chain] = self.reverts.get(on_chain, 0) + 1
        field = f"reverts {predicted}" if predicted == on_chain else f"reverts {predicted} / {on_chain}"
        row = Comparison(subject, field, error_number(predicted), error_number(on_chain), False)
        self.rows.append(row)
        if row.differs and self.stop_at_first:
            raise ParityBroken(row)

    @property
    def values_compared(self) -> int:
        """How many integers were laid side by side."""
        return len(self.rows)

    @property
    def values_changed(self) -> int:
        """How many of them the transaction had changed on the chain."""
        return sum(row.changed for row in self.rows)

    @property
    def values_differing(self) -> int:
        """How many differ."""
        return sum(row.differs for row in self.rows)


def error_number(name: str) -> int:
    """A refusal's name as an integer: the selector of the custom error of that name without arguments."""
    return int.from_bytes(keccak(text=f"{name}()")[:4])


MISSING = -(2**255)
"""Stands for a name that one side does not have; no chain value is negative."""
