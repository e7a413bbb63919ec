"""`underwater frontier`: how far a price may fall until an account can be liquidated, and until debt must remain."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from protocol.units import BASE_PER_USD, BPS
from stress.frontier_figure import frontier_figure
from stress.frontier_points import Delay, Outcome, Point, Tipping, frontier_point, outcome_at
from stress.pair_rules import PairRules, pair_rules
from stress.pair_terms import PairTerms

WIDTH_OF_A_FILE = 118
"""Columns of the tables where standard output is no terminal."""
STDOUT = "-"
MOST_USD = 1e18
"""Prices and sizes stay below: their products have to fit the chain's 256 bits."""
ALL = "all"
MOST_FALL_RATIO = 1e6
"""Of the start price, an hour."""
CURVE_POINTS = 8
"""Falls, between the one at which debt must remain and a total loss, at which an account is called to the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frontier:
    """The frontier of one rule set."""

    rules: PairRules
    points: Sequence[Point]
    curve: Sequence[Outcome]

    @property
    def agrees(self) -> bool:
        """Every integer price lies at its closed form, every end at the integer form."""
        tippings = [t for p in self.points for t in (p.liquidatable, p.toxic, p.debt_remains)]
        return all(one.agrees for one in (*tippings, *self.curve))


@click.command()
@click.option(
    "--lt-bps", type=click.IntRange(1, BPS), default=8300, show_default=True, help="Liquidation threshold."
)
@click.option(
    "--bonus-bps",
    type=click.IntRange(BPS, 65_535),
    default=10_500,
    show_default=True,
    help="Liquidation bonus, its 100 % included.",
)
@click.option(
    "--fee-bps",
    type=click.IntRange(0, BPS),
    default=1000,
    show_default=True,
    help="Protocol fee, a share of the bonus; not in v2.",
)
@click.option(
    "--revision",
    "revisions",
    multiple=True,
    default=(ALL,),
    show_default=True,
    help="Rules to ask, 2.0 to 3.7 and 4.0; may be given again. They bring the close factor and the dust rule.",
)
@click.option(
    "--start-ltv",
    nargs=2,
    type=click.FloatRange(0, 1, min_open=True),
    default=(0.3, 0.8),
    show_default=True,
    help="Loan to value at the start, from and to, as shares.",
)
@click.option("--points", "n_points", type=click.IntRange(2, 200), default=11, show_default=True)
@click.option(
    "--size-usd",
    type=click.FloatRange(min=0, min_open=True),
    default=1e6,
    show_default=True,
    help="Value of the collateral at the start: small accounts meet other rules.",
)
@click.option("--price-usd", type=click.FloatRange(min=0, min_open=True), default=2000.0, show_default=True)
@click.option("--debt-price-usd", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
@click.option("--collateral-decimals", type=click.IntRange(0, 30), default=18, show_default=True)
@click.option("--debt-decimals", type=click.IntRange(0, 30), default=6, show_default=True)
@click.option(
    "--delay-s", type=click.IntRange(min=0), default=900, show_default=True, help="Age of the oracle's price."
)
@click.option(
    "--fall-per-hour",
    "fall_per_hour_ratio",
    type=click.FloatRange(min=0),
    default=0.2,
    show_default=True,
    help="How fast the market falls, as a share of the start price.",
)
@click.option("--json", "json_path", metavar="PATH", help="Write the numbers as JSON; - for standard output.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/frontier"), show_default=True)
def frontier(
    lt_bps: int, bonus_bps: int, fee_bps: int, revisions: tuple[str, ...], start_ltv: tuple[float, float],
    n_points: int, size_usd: float, price_usd: float, debt_price_usd: float, collateral_decimals: int,
    debt_decimals: int, delay_s: int, fall_per_hour_ratio: float, json_path: str | None, out: Path,
) -> None:  # fmt: skip
    """Draw how far a collateral may fall until an account is liquidatable, and until debt must remain.

    Every fall is found on the rule set's integers and held against the closed form; accounts beyond the
    frontier are liquidated to the end and held against the residual it predicts. Exit code 1: they disagree.
    """
    terms = PairTerms(
        liquidation_threshold_bps=lt_bps,
        liquidation_bonus_bps=bonus_bps,
        liquidation_protocol_fee_bps=fee_bps,
        collateral_value_base=_base(size_usd),
        collateral_price_base=_base(price_usd),
        debt_price_base=_base(debt_price_usd),
        collateral_decimals=collateral_decimals,
        debt_decimals=debt_decimals,
    )
    if not fall_per_hour_ratio < MOST_FALL_RATIO:
        raise click.UsageError(
            f"--fall-per-hour {fall_per_hour_ratio} is no pace: give less than {MOST_FALL_RATIO:g}"
        )
    delay = Delay(delay_s=delay_s, fall_per_hour=Fraction(str(fall_per_hour_ratio)))
    if not start_ltv[0] < start_ltv[1]:  # also not a number
        raise click.UsageError(
            f"--start-ltv goes from {start_ltv[0]} to {start_ltv[1]}: give the lower one first"
        )
    grid = _grid(Fraction(str(start_ltv[0])), Fraction(str(start_ltv[1])), n_points)
    chosen = _chosen(revisions)
    _require_amounts(terms, grid)
    done = [_frontier(rules, terms, grid) for rules in chosen]
    _write(done, terms, delay, json_path, out)
    sys.exit(0 if all(one.agrees for one in done) else 1)


def _base(usd: float) -> int:
    """Dollars as the oracle's integer [base]. Refuses what no chain can hold."""
    if not usd < MOST_USD:  # also not a number
        raise click.UsageError(f"{usd} dollars are no price or size: give less than {MOST_USD:g}")
    return int(Fraction(str(usd)) * BASE_PER_USD)


def _grid(first: Fraction, last: Fraction, n_points: int) -> list[Fraction]:
    return [first + (last - first) * i / (n_points - 1) for i in range(n_points)]


def _chosen(revisions: Sequence[str]) -> list[PairRules]:
    known = pair_rules()
    unknown = [name for name in revisions if name != ALL and name not in known]
    if unknown:
        raise click.UsageError(
            f"--revision {unknown[0]!r} is not modelled here; use {ALL}, {', '.join(known)}"
        )
    return [one for name, one in known.items() if ALL in revisions or name in revisions]


def _require_amounts(terms: PairTerms, grid: Sequence[Fraction]) -> None:
    """Amounts and prices that are whole units on the chain."""
    if not terms.collateral_price_base or not terms.debt_price_base:
        raise click.UsageError("--price-usd and --debt-price-usd have 8 decimals: give at least 0.00000001")
    if not terms.collateral or not terms.debt(grid[0]):
        raise click.UsageError(
            f"--size-usd is {terms.collateral} units of collateral and {terms.debt(grid[0])} of debt: give more"
        )


def _frontier(rules: PairRules, terms: PairTerms, grid: Sequence[Fraction]) -> Frontier:
    points = [frontier_point(rules, terms, ltv) for ltv in grid]
    middle = points[len(points) // 2]
    return Frontier(rules=rules, points=points, curve=_curve(rules, terms, middle))


def _curve(rules: PairRules, terms: PairTerms, point: Point) -> list[Outcome]:
    """The account called to the end, from the price at which debt must remain, and it can be called, downwards."""
    top = min(point.debt_remains.price_base or 0, point.liquidatable.price_base or 0)
    prices = sorted({top * i // CURVE_POINTS for i in range(1, CURVE_POINTS + 1)} - {0}) if top else []
    return [outcome_at(rules, terms, point.start_ltv, price) for price in reversed(prices)]


# --- output -------------------------------------------------------------------------------------------------


def _write(
    done: Sequence[Frontier], terms: PairTerms, delay: Delay, json_path: str | None, out: Path
) -> None:
    result = _as_json(done, terms, delay)
    picture = out / "frontier.png"
    try:
        out.mkdir(parents=True, exist_ok=True)
        drawn = done[-1]
        title = f"Aave {drawn.rules.name}: LT {terms.liquidation_threshold_bps / 100:g} %, bonus "
        title += f"{(terms.liquidation_bonus_bps - BPS) / 100:g} %; right: loan to value at the start "
        title += f"{float(drawn.points[len(drawn.points) // 2].start_ltv):.0%}"
        frontier_figure(drawn.points, delay, drawn.curve, title=title, path=picture)
        if json_path not in (None, STDOUT):
            Path(str(json_path)).write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise click.UsageError(
            f"{error.filename} cannot be written ({error.strerror}); choose another"
        ) from None
    if json_path == STDOUT:
        click.echo(json.dumps(result, indent=2))
        return
    _show(done, terms, delay)
    click.echo(f"figure: {picture}")


def _as_json(done: Sequence[Frontier], terms: PairTerms, delay: Delay) -> dict[str, Any]:
    return {
        "terms": {name: getattr(terms, name) for name in PairTerms.__dataclass_fields__},
        "delay_s": delay.delay_s,
        "fall_per_hour": float(delay.fall_per_hour),
        "agrees": all(one.agrees for one in done),
        "revisions": [
            {
                "revision": one.rules.name,
                "witness": one.rules.witness,
                "agrees": one.agrees,
                "points": [_point(point, delay) for point in one.points],
                "residual": [
                    {name: getattr(outcome, name) for name in Outcome.__dataclass_fields__}
                    for outcome in one.curve
                ],
            }
            for one in done
        ],
    }


def _point(point: Point, delay: Delay) -> Mapping[str, Any]:
    payout = point.payout_at_market(delay)
    return {
        "start_ltv": float(point.start_ltv),
        "liquidatable": _tipping(point.liquidatable, delay),
        "toxic": _tipping(point.toxic, delay),
        "debt_remains": _tipping(point.debt_remains, delay),
        "payout_ratio": float(point.payout),
        "payout_ratio_with_delay": None if payout is None else float(payout),
    }


def _tipping(tipping: Tipping, delay: Delay) -> Mapping[str, Any]:
    market = tipping.market_drop(delay)
    return {
        "price_base": tipping.price_base,
        "drop": None if tipping.drop is None else float(tipping.drop),
        "drop_with_delay": None if market is None else float(market),
        "agrees": tipping.agrees,
    }


def _show(done: Sequence[Frontier], terms: PairTerms, delay: Delay) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH_OF_A_FILE)
    console.print(_drops_table(done[-1], delay))
    console.print(_revisions_table(done))
    console.print(_explained(done, delay), soft_wrap=True)


def _drops_table(one: Frontier, delay: Delay) -> Table:
    table = Table(box=None, header_style="dim", title=f"Aave {one.rules.name}", title_justify="left")
    for name in (
        "loan to value", "liquidatable at", "toxic at", "debt must remain at", "liquidatable, with delay",
        "debt must remain, with delay", "liquidator gets",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for point in one.points:
        payout = point.payout_at_market(delay)
        table.add_row(
            f"{float(point.start_ltv):.1%}",
            *(_share(tipping.drop) for tipping in (point.liquidatable, point.toxic, point.debt_remains)),
            *(_share(tipping.market_drop(delay)) for tipping in (point.liquidatable, point.debt_remains)),
            "never" if payout is None else f"{float(payout):.4f}",
        )
    return table


def _revisions_table(done: Sequence[Frontier]) -> Table:
    table = Table(
        box=None,
        header_style="dim",
        title="At the price (base units) where debt must remain (units of the debt)",
        title_justify="left",
    )
    table.add_column("rules", no_wrap=True)
    for name in ("price", "residual", "called out", "calls"):
        table.add_column(name, justify="right")
    table.add_column("then refused with", no_wrap=True)
    table.add_column("checked against", overflow="fold")
    for one in done:
        first = one.curve[0] if one.curve else None
        cells = (
            ["never", "", "", "", ""]
            if first is None
            else [
                str(first.price_base), f"{first.residual:,}", f"{first.simulated:,}", f"{first.calls}",
                first.refused_with,
            ]
        )  # fmt: skip
        style = "" if one.agrees else "bold red"
        table.add_row(one.rules.name, *cells, one.rules.witness, style=style)
    return table


def _share(drop: Fraction | None) -> str:
    return "never" if drop is None else f"{float(drop):.2%}"


def _explained(done: Sequence[Frontier], delay: Delay) -> str:
    lines = [
        "Falls of the collateral's price from the start, by the oracle; with delay: by the market, when an oracle "
        f"{delay.delay_s} s old shows it and the market falls {float(delay.fall_per_hour):.0%} of the start price "
        "an hour. Liquidator gets: value at the market's price per value repaid; below 1 nobody calls."
    ]
    apart = _apart(done)
    if len(done) > 1:
        lines.append(
            f"The rules put the same fall up to {apart:,} base units apart. They differ in rounding, in how much "
            "one call may repay, in whether the rest is written off; v4's bonus grows as the health factor falls."
        )
    broken = [one.rules.name for one in done if not one.agrees]
    lines.append(
        "Closed form and integers agree."
        if not broken
        else f"DISAGREE with the closed form: {', '.join(broken)}."
    )
    return "\n".join(lines)


def _apart(done: Sequence[Frontier]) -> int:
    """The most that two rule sets put the same thing apart. [base]"""
    spread = 0
    for points in zip(*(one.points for one in done), strict=True):
        for name in ("liquidatable", "toxic", "debt_remains"):
            prices = [getattr(point, name).price_base or 0 for point in points]
            spread = max(spread, max(prices) - min(prices))
    return spread


if __name__ == "__main__":
    from scripts.cli import main

    main(["frontier", *sys.argv[1:]])
