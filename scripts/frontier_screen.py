"""What `underwater frontier` says: tables and sentences for a person, the same numbers for a machine."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import click

from protocol.units import BASE_PER_USD, BPS, WAD
from scripts.cli import console
from scripts.frontier_terms import flags
from scripts.table import Column, Row, print_table
from stress.frontier import Alike, Frontier, alike, listed, runs
from stress.frontier_points import Outcome, Point, Tipping
from stress.oracle_delay import Delay, Delayed
from stress.pair_protocols import PairProtocol
from stress.pair_terms import PairTerms

LTV = Column(name="loan to value", right=True)
TIPPINGS = ("liquidatable", "toxic", "debt must remain")
DROPS = (LTV, *(Column(name=name, right=True) for name in TIPPINGS))
ENDS = (
    Column(name="rules"),
    *(Column(name=name, right=True) for name in ("price", "must remain", "left", "calls")),
    Column(name="in the end"),
    Column(name="refused with"),
    Column(name="checked against", folds_to=16),
)
NEVER = "never"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was asked, and what every rule set says to it."""

    protocol: PairProtocol
    terms: PairTerms
    delay: Delay
    done: Sequence[Frontier]
    order: Sequence[str]
    """Every revision there is, oldest first."""
    unused: Sequence[str] = ()
    """Terms that were given and that the protocol does not take."""

    @property
    def agrees(self) -> bool:
        """Closed form and integers, of every rule set."""
        return all(one.agrees for one in self.done)


# --- for a machine ------------------------------------------------------------------------------------------


def as_json(asked: Asked) -> dict[str, Any]:
    """The result: `oracle_drop` is of the oracle's price, `market_drop` of the market's; null: no drop does it."""
    return {
        "protocol": asked.protocol.name,
        "terms": {name: value for name, value in asdict(asked.terms).items() if _is_taken(asked, name)},
        "unused_terms": list(asked.unused),
        "threshold_times_bonus": float(asked.done[0].threshold_times_bonus),
        "delay_s": asked.delay.delay_s,
        "fall_per_hour": float(asked.delay.fall_per_hour),
        "agrees": asked.agrees,
        "revisions": [
            {
                "protocol": one.rules.protocol,
                "revision": one.rules.name,
                "witness": one.rules.witness,
                "own_terms": dict(one.rules.own_terms),
                "pays": one.rules.pays,
                "agrees": one.agrees,
                "points": [_point(*each) for each in zip(one.points, one.delayed, strict=True)],
                "called_to_the_end": {
                    "start_ltv": float(one.middle.start_ltv),
                    "outcomes": [_outcome(outcome) for outcome in one.curve],
                },
            }
            for one in asked.done
        ],
    }


def _is_taken(asked: Asked, name: str) -> bool:
    """Whether a number of `PairTerms` is a term of the protocol, and not a place left empty."""
    return not name.startswith("liquidation_") or name in asked.protocol.usual


def _outcome(outcome: Outcome) -> dict[str, Any]:
    plain = asdict(outcome)
    return plain | plain.pop("further")


def _point(point: Point, late: Delayed) -> Mapping[str, Any]:
    return {
        "start_ltv": float(point.start_ltv),
        "liquidatable": _tipping(point.liquidatable, late.liquidatable_shown),
        "toxic": _tipping(point.toxic, late.toxic_shown),
        "debt_remains": _tipping(point.debt_remains, late.debt_remains_shown),
        "liquidator_gets": {
            "at_oracle_price": number(point.payout),
            "at_market_price_when_shown": number(late.payout),
        },
        "a_call_pays_up_to_market_drop": number(late.called_until),
        "left_to_the_protocol": late.is_left_to_the_protocol,
        **{name: _tipping(tipping, late.further_shown[name]) for name, tipping in point.further.items()},
    }


def _tipping(tipping: Tipping, shown: Fraction | None) -> Mapping[str, Any]:
    return {
        "price_base": tipping.price_base,
        "oracle_drop": number(tipping.drop),
        "market_drop_when_shown": number(shown),
        "agrees": tipping.agrees,
    }


def number(exact: Fraction | None) -> float | None:
    """A drop for a machine; null: none does it."""
    return None if exact is None else float(exact)


# --- for a person -------------------------------------------------------------------------------------------


def show(asked: Asked) -> None:
    """Print the tables, one for all rule sets that say the same, and what the words in them mean."""
    screen = console()
    for group in alike(asked.done, _drop_rows, asked.order):
        title = f"{group.label}: drop of the oracle's price from which an account is ..."
        print_table(screen, _drop_columns(group.first), _drop_rows(group.first), title=title)
        click.echo()
    if asked.delay.lag:
        for group in alike(asked.done, _delayed_rows, asked.order):
            print_table(
                screen,
                _delayed_columns(group.first),
                _delayed_rows(group.first),
                title=_delayed_title(group, asked.delay),
            )
            click.echo()
    print_table(screen, ENDS, [_end_row(one) for one in asked.done], title=_ends_title(asked.done[0].middle))
    click.echo()
    for sentence in _sentences(asked):
        screen.print(sentence, soft_wrap=True)


def _drop_columns(one: Frontier) -> tuple[Column, ...]:
    further = one.points[0].further
    return *DROPS, *(Column(name=name.replace("_", " "), right=True) for name in further)


def _drop_rows(one: Frontier) -> tuple[Row, ...]:
    return tuple(Row(cells=(_ltv(p), *(share(t.drop) for t in p.tippings))) for p in one.points)


def _delayed_columns(one: Frontier) -> tuple[Column, ...]:
    trade = one.rules.trade
    last = (f"{trade.who} then gets", f"{trade.a_trade} pays up to")
    return LTV, *(Column(name=name, right=True) for name in (*(f"shown: {name}" for name in TIPPINGS), *last))


def _delayed_rows(one: Frontier) -> tuple[Row, ...]:
    return tuple(
        Row(
            cells=(
                _ltv(point),
                *map(share, (late.liquidatable_shown, late.toxic_shown, late.debt_remains_shown)),
                NEVER if late.payout is None else f"{float(late.payout):.4f}",
                f"nobody {one.rules.trade.trades}"
                if late.is_left_to_the_protocol
                else share(late.called_until),
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


def share(drop: Fraction | None) -> str:
    """A drop in percent."""
    return NEVER if drop is None else f"{float(drop):.2%}"


def _sentences(asked: Asked) -> list[str]:
    further = ", ".join(f"'{name.replace('_', ' ')}'" for name in asked.done[0].points[0].further)
    said = [
        "Toxic: every call lowers the account's health. Debt must remain: all its collateral no longer repays it. "
        "Of one collateral and one debt the two are one condition, asked of two functions. Both are said of a "
        "liquidatable account only; before, nobody can call." + (f" So is {further}." if further else ""),
        *_delay_sentences(asked),
        *_beyond_help(asked),
        *_stuck(asked),
        *_own_terms(asked),
        *not_taken(asked),
        *_further_ends(asked),
        *_payers(asked),
    ]
    if asked.protocol.note:
        said.append(asked.protocol.note)
    if len(asked.done) > 1:
        apart = _apart(asked.done)
        where = (
            f"up to {apart:,} base units of price apart" if apart else "at the same price to the base unit"
        )
        said.append(
            f"The rules put the same drop {where}; they differ in rounding, in how much one call may repay, in "
            "whether the rest is written off, in whether the bonus moves."
        )
    said.append(verdict(broken(asked)))
    return said


def broken(asked: Asked) -> str:
    """The revisions of which closed form and integers disagree; empty if none."""
    return listed([one.rules.name for one in asked.done if not one.agrees], asked.order)


def verdict(names: str) -> str:
    """The last word: which rules disagree, or that none does."""
    return f"DISAGREE with the closed form: {names}." if names else "Closed form and integers agree."


def _delay_sentences(asked: Asked) -> list[str]:
    if not asked.delay.lag:
        return ["No delay: the market stands where the oracle shows it."]
    trade = asked.done[0].rules.trade
    said = [
        f"Delay: the market falls by {_percent(asked.delay.fall_per_hour)} % of the start price an hour, "
        f"{_percent(asked.delay.lag)} % while a price is on its way. A late sight protects nobody: the "
        f"{trade.who} is paid at the oracle's price and sells at the market's. Below 1 for each 1 repaid nobody "
        f"{trade.trades}, and the debt is left to the protocol; a bonus that grows may pay later."
    ]
    for group in alike(asked.done, _left_alone, asked.order):
        alone = _left_alone(group.first)
        if alone:
            said.append(f"{group.label}: nobody ever {trade.of_an_account} of loan to value {alone}.")
    return said


def _left_alone(one: Frontier) -> str:
    """Loans to value at the start of the accounts that nobody calls, as ranges."""
    names = [str(i) for i, _ in enumerate(one.points)]
    alone = [name for name, late in zip(names, one.delayed, strict=True) if late.is_left_to_the_protocol]
    ends = ([_ltv(one.points[int(run[i])]) for i in (0, -1)] for run in runs(alone, names))
    return ", ".join(first if first == last else f"{first} to {last}" for first, last in ends)


def _beyond_help(asked: Asked) -> list[str]:
    product = asked.done[0].threshold_times_bonus
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
    groups = alike(asked.done, _own_terms_of, asked.order)
    told = [(group.label, ", ".join(_own_terms_of(group.first))) for group in groups]
    return [f"{label} with {terms}." for label, terms in told if terms]


def _own_terms_of(one: Frontier) -> tuple[str, ...]:
    return tuple(_term(name, value) for name, value in one.rules.own_terms.items())


def not_taken(asked: Asked) -> list[str]:
    """Which of the terms given the protocol has no use for."""
    if not asked.unused:
        return []
    return [f"{asked.done[0].rules.protocol} takes no {flags(asked.unused)}: not used there."]


def _further_ends(asked: Asked) -> list[str]:
    """What else came of the account that was called to the end at the price from which debt must remain."""
    said: list[str] = []
    for group in alike(asked.done, _further_of, asked.order):
        for name, amount in _further_of(group.first):
            said.append(
                f"{group.label}, called to the end there: {name.replace('_', ' ')} {amount:+,} units."
            )
    return said


def _further_of(one: Frontier) -> tuple[tuple[str, int], ...]:
    return tuple(one.curve[0].further.items()) if one.curve else ()


def _payers(asked: Asked) -> list[str]:
    groups = alike(asked.done, _pays, asked.order)
    return ["Who pays what remains: " + "; ".join(f"{g.label}: {g.first.rules.pays}" for g in groups) + "."]


def _pays(one: Frontier) -> Hashable:
    return one.rules.pays


def _term(name: str, value: int) -> str:
    """`target_health_factor_wad`, 105 * 10**16 -> `target health factor 1.05`."""
    for suffix, scale, unit in (
        ("_wad", WAD, ""),
        ("_bps", BPS // 100, " %"),
        ("_base", BASE_PER_USD, " USD"),
    ):
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
