"""What model and contracts say of one step, laid side by side; the first difference ends the case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from tests.fuzz.tally import Tally


class Differs(AssertionError):
    """Model and contracts disagree on one integer or on the reason of a refusal."""

    def __init__(self, place: int, step: Any, name: str, model: Any, chain: Any) -> None:
        super().__init__(f"step {place} {step}: {name}: model {model}, contracts {chain}")


class SideBySide:
    """Compares what comes of step after step, and counts in `tally` what was compared."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.place, self.step = 0, None

    def begin(self, step: Any) -> None:
        """From here on it is `step` that is compared."""
        self.place, self.step = self.place + 1, step
        self.tally.steps += 1

    def same(self, name: str, model: int | str, chain: int | str) -> None:
        """Compare one value. Raises Differs."""
        self.tally.integers += 1
        if model != chain:
            raise Differs(self.place, self.step, name, model, chain)

    def equal(self, name: str, model: Any, chain: Any, n_integers: int) -> None:
        """Compare values that hold `n_integers`. Raises Differs, which names the first that differs."""
        self.tally.integers += n_integers
        if model == chain:
            return
        ours, theirs = dict(leaves(name, model)), dict(leaves(name, chain))
        for leaf in [*ours, *(leaf for leaf in theirs if leaf not in ours)]:
            if ours.get(leaf) != theirs.get(leaf):
                raise Differs(self.place, self.step, leaf, ours.get(leaf), theirs.get(leaf))
        raise Differs(self.place, self.step, name, model, chain)


def leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value inside `value` by its path."""
    if is_dataclass(value):
        inside = {one.name: getattr(value, one.name) for one in fields(value)}
    elif isinstance(value, Mapping):
        inside = value
    elif isinstance(value, tuple):
        inside = dict(enumerate(value))
    else:
        yield name, value
        return
    for key, one in inside.items():
        yield from leaves(f"{name}.{key}", one)
