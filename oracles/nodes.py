"""The nodes that observe one round, each a little behind and a little off, and the median of what they say.

Mirrors `Report` and `shouldReport` of `offchainreporting2/reportingplugin/median/median.go`
(smartcontractkit/libocr@10e92feae) and the median of `_report` in `contract2/OCR2Aggregator.sol` (@1a7e0789b).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from oracles.draws import Draws, Stream
from oracles.errors import InvalidFeedConfig
from oracles.laws import Constant, Law
from oracles.path import MarketPath
from oracles.scales import PPB

MAX_ORACLES = 31
"""`maxNumOracles` of the aggregator."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Nodes:
    """Who observes. One node without any error is the deterministic baseline: it says the market's price.

    Raises InvalidFeedConfig: naming the field.
    """

    n: int = 1
    """How many; 1 to 31. 1 = the baseline."""
    f: int = 0
    """How many of them may be faulty: less than a third."""
    noise_ppb: int = 0
    """Standard deviation of a node's own relative error in a round [ppb], at most six of them. 0 = the baseline."""
    lag_s: Law = field(default_factory=Constant)
    """How much older a node's price is than the feed's `observation_latency_s`. None by default: the baseline."""
    biases_ppb: tuple[int, ...] = ()
    """Relative error that node i never loses [ppb]: a poor source, or a liar. Nodes beyond the last have none."""
    silent_ppb: int = 0
    """Chance that a node sends nothing in a round [ppb]; with fewer than 2f + 1 messages there is no round."""
    invalid_ppb: int = 0
    """Chance that a message holds no value [ppb]; with fewer than f + 1 values there is no report."""

    def __post_init__(self) -> None:
        if not 1 <= self.n <= MAX_ORACLES:
            raise InvalidFeedConfig("Nodes.n", self.n, f"from 1 to {MAX_ORACLES}")
        if not 0 <= 3 * self.f < self.n:
            raise InvalidFeedConfig("Nodes.f", self.f, f"at least 0 and less than a third of {self.n}")
        if self.noise_ppb < 0:
            raise InvalidFeedConfig("Nodes.noise_ppb", self.noise_ppb, "at least 0")
        if len(self.biases_ppb) > self.n:
            raise InvalidFeedConfig(
                f"Nodes.biases_ppb[{self.n}]", self.biases_ppb[self.n], "of a node there is"
            )
        for name in ("silent_ppb", "invalid_ppb"):
            if not 0 <= getattr(self, name) <= PPB:
                raise InvalidFeedConfig(f"Nodes.{name}", getattr(self, name), f"from 0 to {PPB}")

    @property
    def is_exact(self) -> bool:
        """Nothing is drawn and all say the same: the price of `observation_latency_s` ago."""
        return not (
            self.noise_ppb or self.lag_s.most or self.silent_ppb or self.invalid_ppb or any(self.biases_ppb)
        )

    def median(self, path: MarketPath, draws: Draws, instant: int, seen_at: int) -> int | None:
        """The upper median of the round at `instant` that looks at the market of `seen_at` [feed decimals].

        None = too few messages or values. Raises BeforePathStarts.
        """
        if self.is_exact:
            return path.price_at(seen_at)
        heard = self.heard(path, draws, instant, seen_at)
        values = sorted(value for value in heard if value is not None)
        if len(heard) < 2 * self.f + 1 or len(values) < self.f + 1:
            return None
        return values[len(values) // 2]

    def heard(self, path: MarketPath, draws: Draws, instant: int, seen_at: int) -> list[int | None]:
        """The messages of a round in the order of the nodes: a value [feed decimals], or None where it holds none."""
        messages: list[int | None] = []
        for node in range(self.n):
            stream = draws.at(instant, f"node {node}")
            if stream.happens(self.silent_ppb):
                continue
            messages.append(
                None if stream.happens(self.invalid_ppb) else self._value(path, stream, seen_at, node)
            )
        return messages

    def _value(self, path: MarketPath, stream: Stream, seen_at: int, node: int) -> int:
        price = path.price_at(seen_at - self.lag_s.draw(stream))
        bias_ppb = self.biases_ppb[node] if node < len(self.biases_ppb) else 0
        factor_ppb = PPB + bias_ppb + stream.near_normal(self.noise_ppb)
        return (2 * price * factor_ppb + PPB) // (2 * PPB)
