"""A crash as frozen data: where the market goes, how the feeds follow, what gas costs, who may liquidate.

Times are seconds from the start of the crash, prices are ratios to the price at the start, in parts per million,
so that the same scenario gives the same integers on every machine. `scenario_file` reads the TOML form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PPM = 1_000_000


class ScenarioError(ValueError):
    """A scenario that cannot be run: which file, entry and field, and what is wrong with it."""

    exit_code = 2

    def __init__(self, file: str, entry: str = "", field: str = "", what: str = "") -> None:
        self.file, self.entry, self.field = file, entry, field
        where = ", ".join(part for part in (file, entry, field) if part)
        super().__init__(f"scenario {where}: {what}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shock:
    """The market price of one asset: straight lines between knots, and a seeded jitter on top."""

    knots: tuple[tuple[int, int], ...]
    """(seconds from the start, price in ppm of the price at the start), times increasing from 0."""
    jitter_ppm: int = 0
    """Largest distance of the price from the line, drawn evenly at each step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedRules:
    """The push rules of one feed and how long an update takes."""

    deviation_threshold_ppb: int
    heartbeat_s: int
    round_period_s: int
    offchain_latency_s: int
    inclusion_blocks: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Liquidator:
    """One bot: what it can pay at once, when it may pay again, and what it does not look at."""

    name: str
    capital_usd: float
    """Debt it can repay before its money is bound."""
    turnaround_s: int
    """How long repaid money stays bound: until the seized collateral is sold and the debt asset bought back."""
    min_profit_usd: float = 0.0
    receive_atoken: bool = False
    blind: bool = False
    """Sends without simulating first: its transaction may be refused. Waits `retry_s` before it asks again."""
    retry_s: int = 600
    debt_assets: tuple[str, ...] = ()
    """Symbols it can pay in; empty = all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """Everything that happens in a crash but for the book and the rules of the protocol."""

    name: str
    seconds_per_step: int
    n_steps: int
    seed: int
    shocks: Mapping[str, Shock]
    """By symbol; "default" is for every asset without one of its own."""
    feeds: Mapping[str, FeedRules]
    """By symbol; "default" as above."""
    liquidators: tuple[Liquidator, ...]
    gas_units: int
    """Gas of one liquidation, for the decision of a liquidator."""
    gas_price_gwei: tuple[tuple[int, float], ...]
    """(seconds from the start, price) steps."""
    gas_token: str
    """Symbol whose market price turns gas into dollars."""
    transmission_outages: tuple[tuple[int, int], ...] = field(default_factory=tuple[tuple[int, int], ...])
    """[start, end) in which feed reports are made but none lands."""

    def shock(self, symbol: str) -> Shock:
        """Where the market price of `symbol` goes."""
        return self.shocks.get(symbol, self.shocks["default"])

    def feed(self, symbol: str) -> FeedRules:
        """How the feed of `symbol` follows."""
        return self.feeds.get(symbol, self.feeds["default"])

    def gas_price_at(self, seconds: int) -> float:
        """The gas price in force `seconds` after the start [gwei]."""
        return [price for start, price in self.gas_price_gwei if start <= seconds][-1]
