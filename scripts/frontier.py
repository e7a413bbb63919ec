"""`underwater frontier`: how far a price may fall until an account can be liquidated, and until debt must remain."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from scripts.cli import STDOUT, CannotWrite, emit_json, json_option
from scripts.frontier_screen import Asked, as_json, show
from scripts.frontier_terms import base_of, given_terms, term_options, usual_terms
from scripts.side_by_side_screen import all_agree, all_as_json, show_all
from stress.frontier import alike, frontier_of
from stress.frontier_figure import drawn, frontier_figure
from stress.oracle_delay import Delay
from stress.pair_protocols import AAVE, BONUS, FEE, PROTOCOLS, THRESHOLD, UNTAKEN, PairProtocol
from stress.pair_rules import PairRules
from stress.pair_terms import PairTerms
from stress.side_by_side import Bar, bars_of, side_by_side_figure

ALL = "all"
MOST_FALL_RATIO = 1e6
"""Of the start price, an hour."""
MOST_DELAY_S = 10**9


@click.command(
    epilog=f"Usual terms, where none are given. {'. '.join(usual_terms(list(PROTOCOLS.values())))}."
)
@click.option(
    "--protocol",
    "protocol",
    type=click.Choice([*PROTOCOLS, ALL]),
    default=AAVE,
    show_default=True,
    help="Whose rules to ask; all lays them side by side, each with its usual terms.",
)
@term_options
@click.option(
    "--revision",
    "revisions",
    multiple=True,
    default=(ALL,),
    show_default=True,
    help="Rules to ask, of Aave 2.0 to 3.7 and 4.0; may be given again. They bring its close factor and dust rule.",
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
@json_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/frontier"), show_default=True)
def frontier(
    protocol: str, revisions: tuple[str, ...], start_ltv: tuple[float, float], n_points: int, size_usd: float,
    price_usd: float, debt_price_usd: float, collateral_decimals: int, debt_decimals: int, delay_s: int,
    fall_per_hour_ratio: float, json_path: str | None, out: Path, **terms: Any,
) -> None:  # fmt: skip
    """Draw how far a collateral may drop until an account is liquidatable, and until debt must remain.

    Every drop is found on the rule set's integers and held against the closed form; accounts beyond the
    frontier are liquidated to the end and held against the residual it predicts. Exit code 1: they disagree.
    """
    protocols = list(PROTOCOLS.values()) if protocol == ALL else [PROTOCOLS[protocol]]
    given = given_terms(terms, protocols)
    amounts = {
        "collateral_value_base": base_of(size_usd),
        "collateral_price_base": base_of(price_usd),
        "debt_price_base": base_of(debt_price_usd),
        "collateral_decimals": collateral_decimals,
        "debt_decimals": debt_decimals,
    }
    chosen = _chosen(revisions, {one.name: one.rules({**one.usual, **given}) for one in protocols})
    delay, grid = _delay(delay_s, fall_per_hour_ratio), _grid(start_ltv, n_points)
    asked = [
        _asked(one, chosen[one.name], given, amounts, grid, delay) for one in protocols if chosen[one.name][0]
    ]
    if protocol == ALL:
        bars = [bar for one in asked for bar in bars_of(one.done, one.order)]
        picture = _side_by_side_written(bars, out)
        _emit(json_path, lambda: all_as_json(asked, bars), lambda: show_all(asked, bars), picture)
        sys.exit(0 if all_agree(asked, bars) else 1)
    (one,) = asked
    _emit(json_path, lambda: as_json(one), lambda: show(one), _written(one, out))
    sys.exit(0 if one.agrees else 1)


def _asked(
    protocol: PairProtocol,
    rules: tuple[Sequence[PairRules], Sequence[str]],
    given: Mapping[str, int],
    amounts: Mapping[str, int],
    grid: Sequence[Fraction],
    delay: Delay,
) -> Asked:
    """One protocol asked; `rules` are those chosen, and the names of all."""
    usual = {**UNTAKEN, **protocol.usual}
    taken = {name: given.get(name, usual[name]) if name in protocol.usual else usual[name] for name in usual}
    terms = PairTerms(**{name: taken[name] for name in (THRESHOLD, BONUS, FEE)}, **amounts)
    _require_amounts(terms, grid)
    return Asked(
        protocol=protocol,
        terms=terms,
        delay=delay,
        done=[frontier_of(one, terms, grid, delay) for one in rules[0]],
        order=rules[1],
        unused=[name for name in given if name not in protocol.usual],
    )


def _emit(
    json_path: str | None,
    result: Callable[[], Mapping[str, Any]],
    say: Callable[[], None],
    picture: Path,
) -> None:
    if json_path is not None:
        emit_json(result(), json_path)
    if json_path != STDOUT:
        say()
        click.echo(f"figure: {picture}")


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


def _chosen(
    revisions: Sequence[str], known: Mapping[str, Mapping[str, PairRules]]
) -> dict[str, tuple[list[PairRules], list[str]]]:
    """By protocol the rule sets asked for, maybe none, and the names of all; a name counts wherever it is known."""
    names = list(dict.fromkeys(name for rules in known.values() for name in rules))
    unknown = [name for name in revisions if name != ALL and name not in names]
    if unknown:
        raise click.UsageError(
            f"--revision {unknown[0]!r} is not modelled here; use {ALL}, {', '.join(names)}"
        )
    return {
        protocol: ([one for name, one in rules.items() if ALL in revisions or name in revisions], list(rules))
        for protocol, rules in known.items()
    }


def _require_amounts(terms: PairTerms, grid: Sequence[Fraction]) -> None:
    """Amounts and prices that are whole units on the chain."""
    if not terms.collateral_price_base or not terms.debt_price_base:
        raise click.UsageError("--price-usd and --debt-price-usd have 8 decimals: give at least 0.00000001")
    if not terms.collateral or not terms.debt(grid[0]):
        raise click.UsageError(
            f"--size-usd is {terms.collateral} units of collateral and {terms.debt(grid[0])} of debt: give more"
        )


def _written(asked: Asked, out: Path) -> Path:
    rows = alike(asked.done, drawn, asked.order)
    bonus = asked.done[0].rules.bonus(asked.terms)
    title = f"LT {_percent(asked.terms.liquidation_threshold)} %, bonus "
    title += f"{_percent(bonus - 1)} %, oracle {asked.delay.delay_s:,} s old, "
    title += f"market falling {float(100 * asked.delay.fall_per_hour):g} % of the start price an hour"
    return _drawn(
        out / "frontier.png", lambda path: frontier_figure(rows, asked.delay, title=title, path=path)
    )


def _side_by_side_written(bars: Sequence[Bar], out: Path) -> Path:
    title = "Room between the first liquidation and the first debt that nobody repays"
    return _drawn(out / "side_by_side.png", lambda path: side_by_side_figure(bars, title=title, path=path))


def _drawn(path: Path, draw: Callable[[Path], None]) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(path)
    except OSError as error:
        raise CannotWrite(f"--out {str(path.parent)!r}", error) from None
    return path


def _percent(share: Fraction) -> str:
    return f"{float(100 * share):g}"


if __name__ == "__main__":
    from scripts.cli import main

    main(["frontier", *sys.argv[1:]])
