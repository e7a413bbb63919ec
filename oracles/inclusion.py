"""From a signed report to the block that takes it: so many blocks, or a lottery that congestion makes long.

`transmitDelay` of `offchainreporting2/internal/protocol/transmission.go` (smartcontractkit/libocr@580c720a7) is the
schedule: in stage i the next nodes send the same report i times DeltaStage after it was signed, and after the last
stage no one sends again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Literal, Protocol

from oracles.draws import Stream
from oracles.errors import InvalidFeedConfig
from oracles.laws import Constant, Law
from oracles.scales import PPB

AfterSchedule = Literal["lands", "lost"]

_EXACT_EXP = Context(prec=40)
"""`exp` of decimals is correctly rounded, unlike that of floats: the same on every machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A report that is ready to be sent."""

    ready_at: int
    """[unix seconds]"""
    stream: Stream
    """The draws of its round for this."""
    level_ppb_at: Callable[[int], int]
    """Congestion in a block of a time [ppb]; 0 where there is none."""


class InclusionLaw(Protocol):
    """Which block takes a report."""

    def landing_place(self, blocks: Sequence[int], first: int, attempt: Attempt) -> int:
        """Place in `blocks` [unix seconds]; `first` is that of the first at or after `ready_at`.

        At or beyond the end of `blocks` = in none of them.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BlocksWaited:
    """So many blocks, whatever the congestion: 1 = the first one. Raises InvalidFeedConfig: a law that can give 0."""

    law: Law = field(default_factory=lambda: Constant(1))
    """1 to 3 blocks are usual for a transaction that is priced right."""

    def __post_init__(self) -> None:
        if self.law.least < 1:
            raise InvalidFeedConfig("BlocksWaited.law", self.law, "of at least 1 block")

    def landing_place(self, blocks: Sequence[int], first: int, attempt: Attempt) -> int:
        """See `InclusionLaw`."""
        return first + self.law.draw(attempt.stream) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedLottery:
    """Each block takes the report with chance q = q0 * exp(-kappa * max(0, g - g0)): geometric while g stands still.

    g is the congestion of that very block, and with every stage of the schedule the chance grows by a factor, as more
    senders bid more. Raises InvalidFeedConfig: naming the field.
    """

    q0_ppb: int = 700_000_000
    """Chance of a block in calm [ppb]. 0.7: an assumption that makes 1 to 3 blocks usual."""
    kappa: int = 30
    """How fast congestion beyond g0 lowers the chance, per 1.0 of g. 30, an assumption: 10 % leave a twentieth."""
    g0_ppb: int = 10_000_000
    """Congestion that does not slow anyone yet [ppb]. 1 %: a little over two calm deviations of ten minutes."""
    stage_s: int = 30
    """DeltaStage. 30 s as in smartcontractkit's own test set-ups of OCR2; feeds in use differ, tens of seconds."""
    n_stages: int = 8
    """Entries of the schedule S. An assumption; the set-ups give every node a stage of its own."""
    stage_boost_ppb: int = 2_000_000_000
    """Factor on the chance with every stage [ppb]. 2: a second sender at least. An assumption."""
    after_schedule: AfterSchedule = "lands"
    """Not taken when all stages are over: "lands" in the next block, which cuts the tail there; "lost" = never, which
    `AcceptAfterFullTransmissionScheduleElapsed` of `median.go` was made for (see `pending_expiry_s`)."""

    def __post_init__(self) -> None:
        for name, least in (("kappa", 0), ("g0_ppb", 0), ("stage_s", 1), ("n_stages", 1)):
            if getattr(self, name) < least:
                raise InvalidFeedConfig(f"StagedLottery.{name}", getattr(self, name), f"at least {least}")
        if not 0 < self.q0_ppb <= PPB:
            raise InvalidFeedConfig("StagedLottery.q0_ppb", self.q0_ppb, f"above 0 and at most {PPB}")
        if self.stage_boost_ppb < PPB:
            raise InvalidFeedConfig("StagedLottery.stage_boost_ppb", self.stage_boost_ppb, f"at least {PPB}")
        if self.after_schedule not in ("lands", "lost"):
            raise InvalidFeedConfig("StagedLottery.after_schedule", self.after_schedule, "lands or lost")

    @property
    def schedule_s(self) -> int:
        """How long the stages last in all (`DurationAllTransmissionStages`): the fitting `pending_expiry_s`."""
        return self.stage_s * self.n_stages

    def chance_ppb(self, stage: int, level_ppb: int) -> int:
        """Chance of a block in a stage (0, 1, ...) at a congestion [ppb], rounded down."""
        chance_ppb = self.q0_ppb
        excess_ppb = level_ppb - self.g0_ppb
        if excess_ppb > 0:
            power = _EXACT_EXP.exp(_EXACT_EXP.divide(Decimal(-self.kappa * excess_ppb), Decimal(PPB)))
            chance_ppb = int(_EXACT_EXP.multiply(power, Decimal(chance_ppb)))
        return min(PPB, chance_ppb * self.stage_boost_ppb**stage // PPB**stage)

    def landing_place(self, blocks: Sequence[int], first: int, attempt: Attempt) -> int:
        """See `InclusionLaw`."""
        for place in range(first, len(blocks)):
            stage = (blocks[place] - attempt.ready_at) // self.stage_s
            if stage >= self.n_stages:
                return place if self.after_schedule == "lands" else len(blocks)
            if attempt.stream.happens(self.chance_ppb(stage, attempt.level_ppb_at(blocks[place]))):
                return place
        return len(blocks)
