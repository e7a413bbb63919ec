"""The parameters of one push feed, each with its default and where the default comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from oracles.congestion import ReturnCongestion
from oracles.draws import Draws
from oracles.errors import InvalidFeedConfig
from oracles.inclusion import BlocksWaited, InclusionLaw
from oracles.laws import Constant, Law
from oracles.nodes import Nodes
from oracles.scales import PPB as PPB  # noqa: PLC0414  # read from here too
from oracles.windows import Window as Window  # noqa: PLC0414  # read from here too

BoundsMode = Literal["freeze", "clamp", "off"]

_AT_LEAST = {
    "deviation_threshold_ppb": 0,
    "heartbeat_s": 1,
    "round_period_s": 1,
    "round_phase_s": 0,
    "observation_latency_s": 0,
    "offchain_latency_s": 0,
    "inclusion_blocks": 1,
    "accept_threshold_ppb": 0,
    "pending_expiry_s": 1,
    "min_answer": 0,
    "decimals": 0,
}
_WINDOWS = ("transmission_outages", "round_outages", "operator_freezes", "sequencer_windows", "congestion")


@dataclass(frozen=True, kw_only=True, slots=True)
class PushFeedConfig:
    """A Chainlink-style feed (libocr `median.go`, `OCR2Aggregator.sol`); defaults for ETH/USD on mainnet.

    With the defaults nothing is drawn: one node without error, constant delays.

    Raises:
        InvalidFeedConfig: a field outside its range, naming it.
    """

    deviation_threshold_ppb: int = 5_000_000
    """Report when the median is this far or farther from the answer on chain. 0.5 % as published."""
    heartbeat_s: int = 3600
    """Report when the last transmission is older than this. One hour: published for ETH/USD."""
    round_period_s: int = 10
    """Seconds between off-chain rounds; nothing is decided in between. Seconds to tens of seconds in OCR."""
    round_phase_s: int = 0
    """Rounds are at every time that leaves this remainder when divided by the period. Arbitrary."""
    observation_latency_s: int = 0
    """How old the market price is that a round observes: source aggregation. 0 = sources without lag."""
    offchain_latency_s: int = 5
    """From round to signed report ready to send. 3 to 8 s is usual."""
    inclusion_blocks: int = 1
    """Blocks to land: 1 = the first block at or after the report is ready. 1 to 3 when priced right."""
    accept_threshold_ppb: int | None = None
    """A report is sent past a pending one only if this far from it. None = `deviation_threshold_ppb`."""
    pending_expiry_s: int | None = None
    """A pending report this old no longer holds back others (its transmission schedule has elapsed).
    None = never: older nodes, where a stuck transaction also blocks heartbeats."""
    min_answer: int = 1
    """Lowest answer the aggregator takes [feed decimals]. 1 on many newer feeds: does not bind."""
    max_answer: int = 2**191 - 1
    """Highest answer the aggregator takes [feed decimals]. The largest int192, the type of a report."""
    bounds_mode: BoundsMode = "freeze"
    """Out of bounds: "freeze" makes no report (Chainlink), "clamp" reports the bound, "off" ignores it."""
    transmission_outages: tuple[Window, ...] = ()
    """Windows in which reports are made but none lands; they land in the first block after."""
    round_outages: tuple[Window, ...] = ()
    """Windows without off-chain rounds: nodes down. What is in flight still lands."""
    operator_freezes: tuple[Window, ...] = ()
    """Windows in which the operator holds the feed: no rounds either, as nothing on chain can pause an aggregator."""
    sequencer_windows: tuple[Window, ...] = ()
    """Windows without blocks, on a rollup: no rounds and no landings while the market goes on. Blocks given for these
    times do not exist and are not counted as waited for."""
    congestion: tuple[tuple[int, int, int], ...] = ()
    """(start, end, blocks): a report ready inside takes that many blocks whatever the law."""
    requests_at: tuple[int, ...] = ()
    """Times of `requestNewRound`: rounds report whatever the price until a transmission later than it has landed."""
    decimals: int = 8
    """Of the answer; 8 for USD pairs, 18 for ETH pairs."""
    nodes: Nodes = field(default_factory=Nodes)
    """Who observes. One node without error: the baseline; 16 to 31 with noise for a feed in use."""
    offchain_latency: Law | None = None
    """Law of the seconds from round to signed report. None = always `offchain_latency_s`."""
    inclusion: InclusionLaw | None = None
    """Which block takes a report. None = always the `inclusion_blocks`-th."""
    congestion_law: ReturnCongestion | None = None
    """What an inclusion law is told of congestion. None = there is none."""
    seed: int = 0
    """Of every draw, with `name` and the instant of the round."""
    name: str = ""
    """Two feeds of one seed and different names draw apart ("ETH/USD")."""

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            found = getattr(self, name)
            if found is not None and found < least:
                raise InvalidFeedConfig(name, found, f"at least {least}")
        if self.round_phase_s >= self.round_period_s:
            raise InvalidFeedConfig(
                "round_phase_s", self.round_phase_s, f"below the period of {self.round_period_s} s"
            )
        if self.max_answer < self.min_answer:
            raise InvalidFeedConfig("max_answer", self.max_answer, f"at least min_answer, {self.min_answer}")
        if self.bounds_mode not in ("freeze", "clamp", "off"):
            raise InvalidFeedConfig("bounds_mode", self.bounds_mode, "freeze, clamp or off")
        for name in _WINDOWS:
            self._check_windows(name)

    @property
    def accept_ppb(self) -> int:
        """The acceptance threshold in force [ppb]."""
        return (
            self.deviation_threshold_ppb if self.accept_threshold_ppb is None else self.accept_threshold_ppb
        )

    @property
    def draws(self) -> Draws:
        """Where the feed's draws come from."""
        return Draws(seed=self.seed, feed=self.name)

    @property
    def is_deterministic(self) -> bool:
        """The seed makes no difference: exact nodes and constant delays."""
        return (
            self.nodes.is_exact
            and (self.offchain_latency is None or isinstance(self.offchain_latency, Constant))
            and (
                self.inclusion is None
                or (isinstance(self.inclusion, BlocksWaited) and isinstance(self.inclusion.law, Constant))
            )
        )

    @property
    def no_round_windows(self) -> tuple[Window, ...]:
        """All windows without rounds, whatever the reason."""
        return self.round_outages + self.operator_freezes + self.sequencer_windows

    def _check_windows(self, name: str) -> None:
        for index, window in enumerate(getattr(self, name)):
            if window[1] <= window[0]:
                raise InvalidFeedConfig(f"{name}[{index}]", window, "a window whose end is after its start")
            if len(window) > 2 and window[2] < 1:
                raise InvalidFeedConfig(f"{name}[{index}]", window, "a window of at least 1 block")
