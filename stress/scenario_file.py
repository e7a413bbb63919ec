"""A scenario as a TOML file: one table per part; `scenarios/crash.toml` is the commented example.

    scenario = load_scenario("crash")

Everything is read, and refused, here: what comes out can be run on any market that has its gas token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from stress.book_fields import Entry
from stress.scenario import PPM, FeedRules, Liquidator, Scenario, ScenarioError, Shock
from stress.toml_file import NotToml, TomlFileError, read_toml

SCENARIOS = Path(__file__).parent / "scenarios"

MOST_STEPS = 100_000
"""Two weeks of blocks: every step is a price of every asset, held in memory."""

Parsed = TypeVar("Parsed")


def shipped_scenarios() -> tuple[str, ...]:
    """Names of the scenarios that come with the project."""
    return tuple(sorted(path.stem for path in SCENARIOS.glob("*.toml")))


def scenario_path(name_or_file: str | Path) -> Path:
    """The file of a shipped scenario, or the one that is named."""
    if str(name_or_file) in shipped_scenarios():
        return SCENARIOS / f"{name_or_file}.toml"
    return Path(name_or_file)


def load_scenario(name_or_file: str | Path) -> Scenario:
    """Read a shipped scenario by name or a TOML file by path.

    Raises:
        ScenarioError: no such file, not TOML, or a field that is missing, unknown or of no use; names it.
    """
    path = scenario_path(name_or_file)
    try:
        document = read_toml(path)
    except NotToml as error:
        raise ScenarioError(path.name, what=str(error)) from None
    except TomlFileError as error:
        what = f"{error}; shipped: {', '.join(shipped_scenarios())}"
        raise ScenarioError(str(name_or_file), what=what) from None
    return parse_scenario(document, where=path.name)


def parse_scenario(document: Mapping[str, Any], *, where: str) -> Scenario:
    """Turn a TOML document, its floats read as `Decimal`, into a scenario; errors as above name `where`."""
    top = _Entry(file=where, name="", fields=document)
    gas = _Entry(file=where, name="[gas]", fields=top.table("gas"))
    scenario = Scenario(
        name=top.text("name"),
        seconds_per_step=top.at_least_1("seconds_per_step"),
        n_steps=_n_steps(top),
        seed=top.count("seed"),
        shocks=_by_symbol(top, "market", _shock),
        feeds=_by_symbol(top, "feed", _feed),
        liquidators=_liquidators(top),
        gas_units=gas.count("units"),
        gas_price_gwei=_gas_price(gas),
        gas_token=gas.text("token"),
        transmission_outages=_outages(top),
    )
    gas.refuse_unknown()
    top.refuse_unknown()
    return scenario


@dataclass(slots=True)
class _Entry(Entry):
    """A table of a scenario file: refuses in its own name, and knows the shapes that only scenarios have."""

    def error(self, key: str, what: str) -> ScenarioError:
        return ScenarioError(self.file, self.name, key, what)

    def at_least_1(self, key: str, *, default: int | None = None) -> int:
        value = self.count(key, default=default)
        if value < 1:
            raise self.error(key, f"must be 1 or above, is {value}")
        return value

    def dollars(self, key: str, *, default: Decimal | None = None) -> float:
        value = self.number(key) if default is None or key in self.fields else default
        self.known.add(key)
        if value < 0:
            raise self.error(key, f"must be 0 or above, is {value}")
        return float(value)

    def flag(self, key: str) -> bool:
        self.known.add(key)
        value = self.fields.get(key, False)
        if type(value) is not bool:
            raise self.error(key, f"must be true or false, is {value!r}")
        return value

    def series(self, key: str) -> list[tuple[int, Decimal]]:
        """Pairs of seconds and a number; the seconds begin at 0 and increase."""
        pairs = self.pairs(key)
        times = [seconds for seconds, _ in pairs]
        if times[:1] != [0] or any(later <= earlier for earlier, later in pairwise(times)):
            raise self.error(key, f"must begin at 0 seconds and increase, times are {times}")
        return pairs

    def pairs(self, key: str) -> list[tuple[int, Decimal]]:
        """Pairs of whole seconds, 0 or above, and a number."""
        pairs = list[tuple[int, Decimal]]()
        for pair in self.items(key):
            if not isinstance(pair, list) or len(pair) != 2:
                raise self.error(key, f"must be a list of pairs, holds {pair!r}")
            named = _Entry(file=self.file, name=self.name, fields={f"{key}, time": pair[0], key: pair[1]})
            pairs.append((named.count(f"{key}, time"), named.number(key)))
        return pairs


def _n_steps(top: _Entry) -> int:
    n_steps = top.at_least_1("n_steps")
    if n_steps > MOST_STEPS:
        raise top.error("n_steps", f"must be {MOST_STEPS} or below, is {n_steps}: take longer steps")
    return n_steps


def _by_symbol(top: _Entry, part: str, parse: Callable[[_Entry], Parsed]) -> dict[str, Parsed]:
    """A table is for the symbol it is named after, or for all that its `symbols` lists."""
    found: dict[str, Parsed] = {}
    for name, fields in top.table(part).items():
        if not isinstance(fields, Mapping):
            raise top.error(f"{part}.{name}", f"must be a table, is {fields!r}")
        entry = _Entry(file=top.file, name=f"[{part}.{name}]", fields=fields)
        parsed = parse(entry)
        symbols = entry.symbols("symbols", default=[name])
        entry.refuse_unknown()
        for symbol in symbols:
            if symbol in found:
                raise entry.error("symbols", f"{symbol} has an earlier table under [{part}] already")
            found[symbol] = parsed
    if "default" not in found:
        raise top.error(f"[{part}.default]", "is missing: it is for every asset without its own")
    return found


def _shock(entry: _Entry) -> Shock:
    jitter_ppm = entry.count("jitter_ppm", default=0)
    knots = tuple((seconds, round(ratio * PPM)) for seconds, ratio in entry.series("knots"))
    for seconds, ratio_ppm in knots:
        if ratio_ppm - jitter_ppm <= 0:
            jitter = f", less a jitter of {jitter_ppm} ppm," if jitter_ppm else ""
            raise entry.error(
                "knots",
                f"{ratio_ppm / PPM} times the price at the start{jitter} at {seconds} s: a price must stay above 0",
            )
    return Shock(knots=knots, jitter_ppm=jitter_ppm)


def _feed(entry: _Entry) -> FeedRules:
    return FeedRules(
        deviation_threshold_ppb=entry.count("deviation_threshold_ppb"),
        heartbeat_s=entry.at_least_1("heartbeat_s"),
        round_period_s=entry.at_least_1("round_period_s"),
        offchain_latency_s=entry.count("offchain_latency_s"),
        inclusion_blocks=entry.at_least_1("inclusion_blocks", default=1),
    )


def _liquidators(top: _Entry) -> tuple[Liquidator, ...]:
    found: dict[str, Liquidator] = {}
    for index, fields in enumerate(top.tables("liquidator")):
        entry = _Entry(file=top.file, name=f"[[liquidator]] {fields.get('name', index)}", fields=fields)
        liquidator = _liquidator(entry)
        if liquidator.name in found:
            raise entry.error("name", "is taken by an earlier liquidator")
        found[liquidator.name] = liquidator
    if not found:
        raise top.error("liquidator", "is empty: a crash needs at least one [[liquidator]]")
    return tuple(found.values())


def _liquidator(entry: _Entry) -> Liquidator:
    liquidator = Liquidator(
        name=entry.text("name"),
        capital_usd=entry.dollars("capital_usd"),
        turnaround_s=entry.count("turnaround_s"),
        min_profit_usd=entry.dollars("min_profit_usd", default=Decimal(0)),
        receive_atoken=entry.flag("receive_atoken"),
        blind=entry.flag("blind"),
        retry_s=entry.count("retry_s", default=600),
        debt_assets=tuple(entry.symbols("debt_assets", default=[])),
    )
    entry.refuse_unknown()
    return liquidator


def _gas_price(gas: _Entry) -> tuple[tuple[int, float], ...]:
    for seconds, gwei in (prices := gas.series("price_gwei")):
        if gwei < 0:
            raise gas.error("price_gwei", f"must be 0 or above, is {gwei} at {seconds} s")
    return tuple((seconds, float(gwei)) for seconds, gwei in prices)


def _outages(top: _Entry) -> tuple[tuple[int, int], ...]:
    if "transmission_outages" not in top.fields:
        return ()
    outages = top.pairs("transmission_outages")
    for start, end in outages:
        if end <= start or end != int(end):
            raise top.error(
                "transmission_outages", f"[{start}, {end}] must end after its start, at a whole second"
            )
    return tuple((start, int(end)) for start, end in outages)
