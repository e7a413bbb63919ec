"""`underwater frontier`: how far a price may fall until an account can be liquidated, and until debt must remain."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import click

from protocol.aave_v4 import LiquidationConfig
from protocol.units import BASE_PER_USD, BPS, WAD
from scripts.cli import STDOUT, CannotWrite, emit_json, json_option
from scripts.frontier_screen import Asked, as_json, show
from stress.frontier import alike, frontier_of
from stress.frontier_figure import drawn, frontier_figure
from stress.oracle_delay import Delay
from stress.pair_rules import V4_CONFIG, PairRules, pair_rules
from stress.pair_terms import PairTerms

MOST_USD = 1e18
"""Prices and sizes stay below: their products have to fit the chain's 256 bits."""
ALL = "all"
MOST_FALL_RATIO = 1e6
"""Of the start price, an hour."""
MOST_DELAY_S = 10**9
MOST_HEALTH_FACTOR = 1e6


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
    "--delay-s",
    type=click.IntRange(0, MOST_DELAY_S),
    default=900,
    show_default=True,
    help="Age of the oracle's price.",
)
@click.option(
    "--fall-per-hour",
    "fall_per_hour_ratio",
    type=click.FloatRange(min=0),
    default=0.1,
    show_default=True,
    help="How fast the market falls, as a share of the start price.",
)
@click.option(
    "--v4-target-health-factor",
    "v4_target_ratio",
    type=click.FloatRange(min=1),
    default=V4_CONFIG.target_health_factor_wad / WAD,
    show_default=True,
    help="v4: a call repays no more than brings the account here; it stands where others have a close factor.",
)
@click.option(
    "--v4-max-bonus-health-factor",
    "v4_max_bonus_ratio",
    type=click.FloatRange(0, 1, max_open=True),
    default=V4_CONFIG.health_factor_for_max_bonus_wad / WAD,
    show_default=True,
    help="v4: from here down the bonus is the whole one.",
)
@click.option(
    "--v4-bonus-factor-bps",
    type=click.IntRange(0, BPS),
    default=V4_CONFIG.liquidation_bonus_factor_bps,
    show_default=True,
    help="v4: share of the bonus that is paid just below a health factor of 1.",
)
@json_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/frontier"), show_default=True)
def frontier(
    lt_bps: int, bonus_bps: int, fee_bps: int, revisions: tuple[str, ...], start_ltv: tuple[float, float],
    n_points: int, size_usd: float, price_usd: float, debt_price_usd: float, collateral_decimals: int,
    debt_decimals: int, delay_s: int, fall_per_hour_ratio: float, v4_target_ratio: float,
    v4_max_bonus_ratio: float, v4_bonus_factor_bps: int, json_path: str | None, out: Path,
) -> None:  # fmt: skip
    """Draw how far a collateral may drop until an account is liquidatable, and until debt must remain.

    Every drop is found on the rule set's integers and held against the closed form; accounts beyond the
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
    known = pair_rules(
        LiquidationConfig(
            target_health_factor_wad=_wad("--v4-target-health-factor", v4_target_ratio),
            health_factor_for_max_bonus_wad=_wad("--v4-max-bonus-health-factor", v4_max_bonus_ratio),
            liquidation_bonus_factor_bps=v4_bonus_factor_bps,
        )
    )
    chosen, grid = _chosen(revisions, known), _grid(start_ltv, n_points)
    delay = _delay(delay_s, fall_per_hour_ratio)
    _require_amounts(terms, grid)
    done = [frontier_of(rules, terms, grid, delay) for rules in chosen]
    asked = Asked(terms=terms, delay=delay, done=done, order=list(known))
    picture = _written(asked, out)
    if json_path is not None:
        emit_json(as_json(asked), json_path)
    if json_path != STDOUT:
        show(asked)
        click.echo(f"figure: {picture}")
    sys.exit(0 if asked.agrees else 1)


def _base(usd: float) -> int:
    """Dollars as the oracle's integer [base]. Refuses what no chain can hold."""
    if not usd < MOST_USD:  # also not a number
        raise click.UsageError(f"{usd} dollars are no price or size: give less than {MOST_USD:g}")
    return int(Fraction(str(usd)) * BASE_PER_USD)


def _wad(option: str, health_ratio: float) -> int:
    """A health factor as the contract stores it. [wad]"""
    if not health_ratio < MOST_HEALTH_FACTOR:  # also not a number
        raise click.UsageError(
            f"{option} {health_ratio} is no health factor: give less than {MOST_HEALTH_FACTOR:g}"
        )
    return int(Fraction(str(health_ratio)) * WAD)


def _delay(delay_s: int, fall_per_hour_ratio: float) -> Delay:
    if not fall_per_hour_ratio < MOST_FALL_RATIO:  # also not a number
        raise click.UsageError(
            f"--fall-per-hour {fall_per_hour_ratio} is no pace: give less than {MOST_FALL_RATIO:g}"
        )
    return Delay(delay_s=delay_s, fall_per_hour=Fraction(str(fall_per_hour_ratio)))


def _grid(ends: tuple[float, float], n_points: int) -> list[Fraction]:
    if not ends[0] < ends[1]:  # also not a number
        raise click.UsageError(f"--start-ltv goes from {ends[0]} to {ends[1]}: give the lower one first")
    first, last = (Fraction(str(end)) for end in ends)
    return [first + (last - first) * i / (n_points - 1) for i in range(n_points)]


def _chosen(revisions: Sequence[str], known: Mapping[str, PairRules]) -> list[PairRules]:
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


def _written(asked: Asked, out: Path) -> Path:
    picture = out / "frontier.png"
    rows = alike(asked.done, drawn, asked.order)
    title = f"LT {_percent(asked.terms.liquidation_threshold_bps)} %, bonus "
    title += f"{_percent(asked.terms.liquidation_bonus_bps - BPS)} %, oracle {asked.delay.delay_s:,} s old, "
    title += f"market falling {float(100 * asked.delay.fall_per_hour):g} % of the start price an hour"
    try:
        out.mkdir(parents=True, exist_ok=True)
        frontier_figure(rows, asked.delay, title=title, path=picture)
    except OSError as error:
        raise CannotWrite(f"--out {str(out)!r}", error) from None
    return picture


def _percent(bps: int) -> str:
    return f"{bps * 100 / BPS:g}"


if __name__ == "__main__":
    from scripts.cli import main

    main(["frontier", *sys.argv[1:]])
