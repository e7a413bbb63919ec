"""A crash as frozen data: where the market goes, how the feeds follow, what gas costs, who may liquidate.

The TOML form has one table per part; `scenarios/crash.toml` is the commented example. Times are seconds from the
start of the crash, prices are ratios to the price at the start, in parts per million, so that the same file gives
the same integers on every machine.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

SCENARIOS = Path(__file__).parent / "scenarios"
PPM = 1_000_000

Parsed = TypeVar("Parsed")


class ScenarioError(ValueError):
    """A scenario that cannot be run: the file, the entry and what is wrong with it."""

    exit_code = 2

    def __init__(self, where: str, what: str) -> None:
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
        return self.shocks.get(symbol, self.shocks["default"])

    def feed(self, symbol: str) -> FeedRules:
        return self.feeds.get(symbol, self.feeds["default"])

    def gas_price_at(self, seconds: int) -> float:
        """The gas price in force `seconds` after the start [gwei]."""
        return [price for start, price in self.gas_price_gwei if start <= seconds][-1]


def load_scenario(name_or_file: str | Path) -> Scenario:
    """Read a shipped scenario by name or a TOML file by path.

    Raises:
        ScenarioError: no such file, not TOML, an unknown or missing field, a price at or below zero.
    """
    path = Path(name_or_file)
    if not path.suffix:
        path = SCENARIOS / f"{name_or_file}.toml"
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(
            str(name_or_file), f"cannot be read ({type(error).__name__}); shipped: {shipped()}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(path.name, f"is not TOML: {error}") from None
    return parse_scenario(document, where=path.name)


def shipped() -> str:
    """The names of the scenarios that come with the project."""
    return ", ".join(sorted(path.stem for path in SCENARIOS.glob("*.toml")))


def parse_scenario(document: Mapping[str, Any], *, where: str) -> Scenario:
    """Turn the TOML document into a Scenario and check it."""
    try:
        scenario = Scenario(
            name=document["name"],
            seconds_per_step=document["seconds_per_step"],
            n_steps=document["n_steps"],
            seed=document["seed"],
            shocks=_by_symbol(document["market"], _shock),
            feeds=_by_symbol(document["feed"], lambda entry: FeedRules(**entry)),
            liquidators=tuple(_liquidator(entry) for entry in document["liquidator"]),
            gas_units=document["gas"]["units"],
            gas_price_gwei=tuple((start, float(price)) for start, price in document["gas"]["price_gwei"]),
            gas_token=document["gas"]["token"],
            transmission_outages=tuple(
                (start, end) for start, end in document.get("transmission_outages", ())
            ),
        )
    except KeyError as error:
        raise ScenarioError(where, f"field {error} is missing") from None
    except (TypeError, ValueError) as error:
        raise ScenarioError(where, str(error)) from None
    _check(scenario, where)
    return scenario


def _by_symbol(tables: Mapping[str, Any], parse: Callable[[Mapping[str, Any]], Parsed]) -> dict[str, Parsed]:
    """A table is for the symbol it is named after, or for all that its `symbols` lists."""
    found: dict[str, Parsed] = {}
    for name, table in tables.items():
        fields = dict(table)
        for symbol in fields.pop("symbols", [name]):
            found[symbol] = parse(fields)
    return found


def _shock(entry: Mapping[str, Any]) -> Shock:
    knots = tuple((int(seconds), round(ratio * PPM)) for seconds, ratio in entry["knots"])
    return Shock(knots=knots, jitter_ppm=entry.get("jitter_ppm", 0))


def _liquidator(entry: Mapping[str, Any]) -> Liquidator:
    return Liquidator(**{**entry, "debt_assets": tuple(entry.get("debt_assets", ()))})


def _check(scenario: Scenario, where: str) -> None:
    for part, table in (("market", scenario.shocks), ("feed", scenario.feeds)):
        if "default" not in table:
            raise ScenarioError(where, f"[{part}.default] is missing: it is for every asset without its own")
    for symbol, shock in scenario.shocks.items():
        _check_knots(symbol, shock, where)
    if scenario.seconds_per_step <= 0 or scenario.n_steps <= 0:
        raise ScenarioError(
            where, f"{scenario.n_steps} steps of {scenario.seconds_per_step} s: both must be above 0"
        )
    if not scenario.liquidators:
        raise ScenarioError(where, "has no [[liquidator]]")
    if not scenario.gas_price_gwei or scenario.gas_price_gwei[0][0] != 0:
        raise ScenarioError(where, "gas.price_gwei must begin at 0 seconds")


def _check_knots(symbol: str, shock: Shock, where: str) -> None:
    times = [seconds for seconds, _ in shock.knots]
    if not times or times[0] != 0 or times != sorted(set(times)):
        raise ScenarioError(where, f"market.{symbol}: knot times {times} must begin at 0 and increase")
    for index, (_, ratio_ppm) in enumerate(shock.knots):
        if ratio_ppm - shock.jitter_ppm <= 0:
            raise ScenarioError(
                where,
                f"market.{symbol}: knot {index} makes a price of {ratio_ppm / PPM} times the start; it must stay above 0",
            )
