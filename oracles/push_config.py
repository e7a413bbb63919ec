"""The parameters of one push feed, each with its default and where the default comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oracles.errors import InvalidFeedConfig

PPB = 10**9
"""Parts per billion of 1: the scale of both thresholds (5_000_000 = 0.5 %)."""

Window = tuple[int, int]
"""[start, end) in unix seconds."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class PushFeedConfig:
    """A Chainlink-style feed (libocr `median.go`, `OCR2Aggregator.sol`); defaults for ETH/USD on mainnet.

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
    """Windows without off-chain rounds: nodes down, or the operator has paused the feed."""
    congestion: tuple[tuple[int, int, int], ...] = ()
    """(start, end, blocks): a report ready inside takes that many blocks instead of `inclusion_blocks`."""
    requests_at: tuple[int, ...] = ()
    """Times of `requestNewRound`: the next round reports whatever the price."""
    decimals: int = 8
    """Of the answer; 8 for USD pairs, 18 for ETH pairs."""

    def __post_init__(self) -> None:
        for field, least in _AT_LEAST.items():
            found = getattr(self, field)
            if found is not None and found < least:
                raise InvalidFeedConfig(field, found, f"at least {least}")
        if self.round_phase_s >= self.round_period_s:
            raise InvalidFeedConfig(
                "round_phase_s", self.round_phase_s, f"below the period of {self.round_period_s} s"
            )
        if self.max_answer < self.min_answer:
            raise InvalidFeedConfig("max_answer", self.max_answer, f"at least min_answer, {self.min_answer}")
        if self.bounds_mode not in ("freeze", "clamp", "off"):
            raise InvalidFeedConfig("bounds_mode", self.bounds_mode, "freeze, clamp or off")
        for field in ("transmission_outages", "round_outages", "congestion"):
            self._check_windows(field)

    @property
    def accept_ppb(self) -> int:
        """The acceptance threshold in force [ppb]."""
        return (
            self.deviation_threshold_ppb if self.accept_threshold_ppb is None else self.accept_threshold_ppb
        )

    def _check_windows(self, field: str) -> None:
        for window in getattr(self, field):
            if window[1] <= window[0]:
                raise InvalidFeedConfig(field, window, "windows whose end is after their start")
            if len(window) > 2 and window[2] < 1:
                raise InvalidFeedConfig(field, window, "windows of at least 1 block")
