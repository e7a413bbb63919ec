"""What a contract reads of a price source at one moment: an answer with its clocks, or the reason it reverts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """An answer and where it is from."""

    answer: int
    """[source decimals]"""
    round_id: int
    observed_at: int
    """When the market was looked at [unix seconds]: known to us, not to the chain."""
    started_at: int
    """As the source tells it."""
    updated_at: int
    """As the source tells it; what consumers reckon an age from."""
    reason: str
    """Why the answer is what it is: that of the transmission, or of what changed it on the way ("cap", "anchor")."""

    def age_at(self, now: int) -> int:
        """The age that a consumer can see [s]."""
        return now - self.updated_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The read reverts, or the protocol is told that there is no price."""

    name: str
    """Of the error, as the contract has it."""


class Source(Protocol):
    """Anything that can be asked for a price."""

    @property
    def decimals(self) -> int:
        """Of its answers."""
        ...

    def read(self, now: int) -> Reading | Failed:
        """What it answers in a block of this time [unix seconds]."""
        ...


class Part(Protocol):
    """An adapter, a cap, a consumer: what stands between one source and the next reader."""

    def over(self, source: Source) -> Source:
        """The source as it looks through this part."""
        ...
