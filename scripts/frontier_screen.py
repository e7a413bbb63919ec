"""What `underwater frontier` says: tables and sentences for a person, the same numbers for a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import click

from protocol.units import BPS, WAD
from scripts.cli import console
from scripts.table import Column, Row, print_table
from stress.frontier import Alike, Frontier, alike, listed, runs
from stress.frontier_points import Point, Tipping
from stress.oracle_delay import Delay, Delayed
from stress.pair_terms import PairTerms

LTV = Column(name="loan to value", right=True)
TIPPINGS = ("liquidatable", "toxic", "debt must remain")
DROPS = (LTV, *(Column(name=name, right=True) for name in TIPPINGS))
DELAYED_DROPS = (
    LTV,
    *(Column(name=f"shown: {name}", right=True) for name in TIPPINGS),
    Column(name="liquidator then gets", right=True),
    Column(name="a call pays up to", right=True),
)
ENDS = (
    Column(name="rules"),
    *(Column(name=name, right=True) for name in ("price", "must remain", "left", "calls")),
    Column(name="in the end"),
    Column(name="refused with"),
    Column(name="checked against", folds_to=16),
)
NEVER = "never"
NOBODY = "nobody calls"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was asked, and what every rule set says to it."""

    terms: PairTerms
    delay: Delay
    done: Sequence[Frontier]
    order: Sequence[str]
    """Every revision there is, oldest first."""

    @property
    def agrees(self) -> bool:
        """Closed form and integers, of every rule set."""
        return all(one.agrees for one in self.done)


# --- for a machine ------------------------------------------------------------------------------------------


def as_json(asked: Asked) -> dict[str, Any]:
    """The result: `oracle_drop` is of the oracle's price, `market_drop` of the market's; null: no drop does it."""
    return {
        "terms": asdict(asked.terms),
        "threshold_times_bonus": float(asked.terms.threshold_times_bonus),
        "delay_s": asked.delay.delay_s,
        "fall_per_hour": float(asked.delay.fall_per_hour),
        "agrees": asked.agrees,
        "revisions": [
            {
                "protocol": one.rules.protocol,
                "revision": one.rules.name,
                "witness": one.rules.witness,
                "own_terms": dict(one.rules.own_terms),
                "agrees": one.agrees,
                "points": [_point(*each) for each in zip(one.points, one.delayed, strict=True)],
                "called_to_the_end": {
                    "start_ltv": float(one.middle.start_ltv),
                    "outcomes": [asdict(outcome) for outcome in one.curve],
                },
            }
            for one in asked.done
        ],
    }


def _point(point: Point, late: Delayed) -> Mapping[str, Any]:
    return {
        "start_ltv": float(point.start_ltv),
        "liquidatable": _tipping(point.liquidatable, late.liquidatable_shown),
        "toxic": _tipping(point.toxic, late.toxic_shown),
        "debt_remains": _tipping(point.debt_remains, late.debt_remains_shown),
        "liquidator_gets": {
            "at_oracle_price": _number(point.payout),
            "at_market_price_when_shown": _number(late.payout),
        },
        "a_call_pays_up_to_market_drop": _number(late.called_until),
        "left_to_the_protocol": late.is_left_to_the_protocol,
    }


def _tipping(tipping: Tipping, shown: Fraction | None) -> Mapping[str, Any]:
    return {
        "price_base": tipping.price_base,
        "oracle_drop": _number(tipping.drop),
        "market_drop_when_shown": _number(shown),
        "agrees": tipping.agrees,
    }


def _number(exact: Fraction | None) -> float | None:
    return None if exact is None else float(exact)


# --- for a person -------------------------------------------------------------------------------------------


def show(asked: Asked) -> None:
    """Print the tables, one for all rule sets that say the same, and what the words in them mean."""
    screen = console()
    for group in alike(asked.done, _drop_rows, asked.order):
        title = f"{group.label}: drop of the oracle's price from which an account is ..."
        print_table(screen, DROPS, _drop_rows(group.first), title=title)
        click.echo()
    if asked.delay.lag:
        for group in alike(asked.done, _delayed_rows, asked.order):
            print_table(
                screen, DELAYED_DROPS, _delayed_rows(group.first), title=_delayed_title(group, asked.delay)
            )
            click.echo()
    print_table(screen, ENDS, [_end_row(one) for one in asked.done], title=_ends_title(asked.done[0].middle))
    click.echo()
    for sentence in _sentences(asked):
        screen.print(sentence, soft_wrap=True)


def _drop_rows(one: Frontier) -> tuple[Row, ...]:
    return tuple(Row(cells=(_ltv(p), *(_share(t.drop) for t in p.tippings))) for p in one.points)


def _delayed_rows(one: Frontier) -> tuple[Row, ...]:
    return tuple(
        Row(
            cells=(
                _ltv(point),
                *map(_share, (late.liquidatable_shown, late.toxic_shown, late.debt_remains_shown)),
                NEVER if late.payout is None else f"{float(late.payout):.4f}",
                NOBODY if late.is_left_to_the_protocol else _share(late.called_until),
            )
        )
        for point, late in zip(one.points, one.delayed, strict=True)
    )


def _delayed_title(group: Alike, delay: Delay) -> str:
    return f"{group.label}: drop of the market's price, the oracle being {delay.delay_s:,} s old"


def _ends_title(point: Point) -> str:
    return (
        f"Loan to value {_ltv(point)}, called to the end at the price (base units) from which debt must remain "
        "(units of the debt)"
    )


def _end_row(one: Frontier) -> Row:
    cells = (NEVER, "", "", "", "", "")
    if one.curve:
        first = one.curve[0]
        cells = (
            f"{first.price_base:,}", f"{first.predicted:,}", f"{first.called_out:,}", f"{first.calls}",
            first.end.value, first.refused_with,
        )  # fmt: skip
    return Row(cells=(one.rules.name, *cells, one.rules.witness), style="" if one.agrees else "bold red")


def _ltv(point: Point) -> str:
    return f"{float(point.start_ltv):.2%}"


def _share(drop: Fraction | None) -> str:
    return NEVER if drop is None else f"{float(drop):.2%}"


def _sentences(asked: Asked) -> list[str]:
    said = [
        "Toxic: every call lowers the account's health. Debt must remain: all its collateral no longer repays it. "
        "Of one collateral and one debt the two are one condition, asked of two functions. Both are said of a "
        "liquidatable account only; before, nobody can call.",
        *_delay_sentences(asked),
        *_beyond_help(asked),
        *_stuck(asked),
        *_own_terms(asked),
    ]
    if len(asked.done) > 1:
        apart = _apart(asked.done)
        where = (
            f"up to {apart:,} base units of price apart" if apart else "at the same price to the base unit"
        )
        said.append(
            f"The rules put the same drop {where}; they differ in rounding, in how much one call may repay, in "
            "whether the rest is written off, in whether the bonus moves."
        )
    broken = [one.rules.name for one in asked.done if not one.agrees]
    said.append(
        f"DISAGREE with the closed form: {listed(broken, asked.order)}."
        if broken
        else "Closed form and integers agree."
    )
    return said


def _delay_sentences(asked: Asked) -> list[str]:
    if not asked.delay.lag:
        return ["No delay: the market stands where the oracle shows it."]
    said = [
        f"Delay: the market falls by {_percent(asked.delay.fall_per_hour)} % of the start price an hour, "
        f"{_percent(asked.delay.lag)} % while a price is on its way. A late sight protects nobody: the liquidator "
        "is paid at the oracle's price and sells at the market's. Below 1 for each 1 repaid nobody calls, and the "
        "debt is left to the protocol; a bonus that grows may pay later."
    ]
    for group in alike(asked.done, _left_alone, asked.order):
        alone = _left_alone(group.first)
        if alone:
            said.append(f"{group.label}: nobody ever calls an account of loan to value {alone}.")
    return said


def _left_alone(one: Frontier) -> str:
    """Loans to value at the start of the accounts that nobody calls, as ranges."""
    names = [str(i) for i, _ in enumerate(one.points)]
    alone = [name for name, late in zip(names, one.delayed, strict=True) if late.is_left_to_the_protocol]
    ends = ([_ltv(one.points[int(run[i])]) for i in (0, -1)] for run in runs(alone, names))
    return ", ".join(first if first == last else f"{first} to {last}" for first, last in ends)


def _beyond_help(asked: Asked) -> list[str]:
    product = asked.terms.threshold_times_bonus
    at_once = [one.rules.name for one in asked.done if _is_toxic_at_once(one)]
    if product < 1 or not at_once:
        return []
    return [
        f"Threshold times bonus is {float(product):g}, not below 1: an account is beyond help the moment it becomes "
        f"liquidatable, every call makes it worse and debt must remain ({listed(at_once, asked.order)})."
    ]


def _is_toxic_at_once(one: Frontier) -> bool:
    prices = [(point.liquidatable.price_base, point.toxic.price_base) for point in one.points]
    return any(first is not None for first, _ in prices) and all(first == toxic for first, toxic in prices)


def _stuck(asked: Asked) -> list[str]:
    names = [one.rules.name for one in asked.done if any(each.is_stuck for each in one.curve)]
    if not names:
        return []
    return [
        f"Stuck ({listed(names, asked.order)}): every call is refused, for the whole debt or for less, although the "
        "account is liquidatable and has collateral; what it owes is counted as left."
    ]


def _own_terms(asked: Asked) -> list[str]:
    said: list[str] = []
    for one in asked.done:
        if one.rules.own_terms:
            terms = ", ".join(_term(name, value) for name, value in one.rules.own_terms.items())
            said.append(f"{one.rules.protocol} {one.rules.name} with {terms}.")
    return said


def _term(name: str, value: int) -> str:
    """`target_health_factor_wad`, 105 * 10**16 -> `target health factor 1.05`."""
    for suffix, scale, unit in (("_wad", WAD, ""), ("_bps", BPS // 100, " %")):
        if name.endswith(suffix):
            return f"{name.removesuffix(suffix).replace('_', ' ')} {float(Fraction(value, scale)):g}{unit}"
    return f"{name.replace('_', ' ')} {value}"


def _percent(share: Fraction) -> str:
    return f"{float(100 * share):g}"


def _apart(done: Sequence[Frontier]) -> int:
    """The most that two rule sets put the same thing apart. [base]"""
    spread = 0
    for points in zip(*(one.points for one in done), strict=True):
        for tippings in zip(*(point.tippings for point in points), strict=True):
            prices = [tipping.price_base or 0 for tipping in tippings]
            spread = max(spread, max(prices) - min(prices))
    return spread
