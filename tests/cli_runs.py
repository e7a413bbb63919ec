"""What tests of the command share: a short crash of a few borrowers, and how it is run in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests
from click.testing import CliRunner, Result

from forks.aave_v3 import sources
from forks.aave_v3.parameters import load_parameters
from forks.aave_v3.sources import open_venue
from forks.aave_v3.venue import AaveVenue
from forks.crash.where import Where
from scripts.cli import main
from tests.forks.servers import FakeServer

SCENARIO = """
name = "short"
seconds_per_step = 12
n_steps = {n_steps}
seed = 1
transmission_outages = [[120, 360]]
[market.default]
knots = [[0, 1.0], [120, 0.9], [360, 0.6], [720, 0.55]]
[market.dollars]
symbols = ["USDC", "USDT", "DAI"]
knots = [[0, 1.0]]
[feed.default]
deviation_threshold_ppb = 5_000_000
heartbeat_s = 3_600
round_period_s = 12
offchain_latency_s = 8
[gas]
units = 400_000
token = "WETH"
price_gwei = [[0, 30]]
[[liquidator]]
name = "desk"
capital_usd = 20_000_000
turnaround_s = 60
[[liquidator]]
name = "blind"
capital_usd = 50_000
turnaround_s = 60
blind = true
"""
"""Twelve minutes, in which the feed is silent for four while two fifths are lost."""
BOOK = """
title = "five borrowers"
[kinds.some]
about = "One debt, several debts, a pledge that is also owed, one that needs LINK, one that stays healthy."
[[kinds.some.borrowers]]
name = "ether"
collateral_usd = { WETH = 60_000 }
debt_percent = { DAI = 100 }
health_factor = 1.02
[[kinds.some.borrowers]]
name = "several"
collateral_usd = { WETH = 90_000, WBTC = 1_000 }
debt_percent = { USDC = 60, DAI = 40 }
health_factor = 1.2
[[kinds.some.borrowers]]
name = "both"
collateral_usd = { WETH = 9_000 }
debt_percent = { DAI = 80, WETH = 20 }
health_factor = 1.04
[[kinds.some.borrowers]]
name = "link"
collateral_usd = { LINK = 5_000 }
debt_percent = { USDC = 100 }
health_factor = 1.1
[[kinds.some.borrowers]]
name = "healthy"
collateral_usd = { DAI = 30_000 }
debt_percent = { WETH = 100 }
health_factor = 1.5
"""


class Relay(FakeServer):
    """Passes every request on to a node, and remembers it."""

    def __init__(self, upstream: str) -> None:
        super().__init__({})
        self.upstream = upstream

    def reply(self, request: Any) -> Any:
        """The node's own answer."""
        with requests.Session() as session:
            session.trust_env = False
            return session.post(self.upstream, json=request, timeout=60).json()

    def parameters_of(self, method: str) -> list[Any]:
        """The parameters of every request for `method`, in order."""
        flat = [one for body in self.bodies for one in (body if isinstance(body, list) else [body])]
        return [one["params"] for one in flat if one["method"] == method]


def scenario_file(folder: Path, *, n_steps: int = 60) -> Path:
    """The short scenario as a file in `folder`."""
    path = folder / f"short_{n_steps}.toml"
    path.write_text(SCENARIO.format(n_steps=n_steps))
    return path


def book_file(folder: Path) -> Path:
    """The small book as a file in `folder`."""
    path = folder / "five.toml"
    path.write_text(BOOK)
    return path


def underwater(*arguments: object, env: Mapping[str, str | None] | None = None) -> Result:
    """Run `underwater` with these arguments in this process, as wide as its output is where nobody looks."""
    return CliRunner().invoke(main, [str(one) for one in arguments], env={"COLUMNS": None, **(env or {})})


def crash(folder: Path, *arguments: object, env: Mapping[str, str | None] | None = None) -> Result:
    """Run the short crash into `folder`/out; `arguments` say where and on whom."""
    files = ["--scenario", scenario_file(folder), "--out", folder / "out"]
    return underwater("crash", *files, *arguments, env=env)


def summary(folder: Path) -> dict[str, Any]:
    """`summary.json` of the crash that went to `folder`/out."""
    return json.loads((folder / "out/summary.json").read_text())


def manifest(folder: Path) -> dict[str, Any]:
    """`manifest.json` of the crash that went to `folder`/out."""
    return json.loads((folder / "out/manifest.json").read_text())


def require_one_line(result: Result, *words: str, code: int = 2) -> None:
    """A refusal: the exit code, one line on standard error that has all `words`, nothing else anywhere."""
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("underwater: "), lines[0]
    assert all(word in lines[0] for word in words), lines[0]
    assert not result.stdout


def processes_in(folder: Path) -> list[str]:
    """Processes that stand in `folder`, as our node does in its own temporary one; Linux can tell."""
    found: list[str] = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            where = link.readlink()
        except OSError:
            continue
        if where.is_relative_to(folder):
            found.append(str(link))
    return found


@contextmanager
def deployed_market(symbols: Sequence[str]) -> Iterator[AaveVenue]:
    """A month-old Aave v3.6 market of these assets on a node of its own."""
    parameters = load_parameters()
    few = replace(
        parameters,
        reserves=tuple(one for one in parameters.reserves if one.symbol in symbols),
        emodes=(),
    )
    with patch.object(sources, "load_parameters", lambda: few), open_venue(Where(), lambda _: None) as venue:
        yield venue
