"""Rebuilding a book on a market: from values and health factors to exact token amounts.

Collateral is rounded up and debt down to whole token units, so that the last unit that a token's own rounding
may take from a supply or add to a debt still leaves each value within one smallest unit of its figure. What
the amounts are worth is asked of the market's rules, never computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, combinations, product
from typing import TypeVar

from protocol.units import BASE_PER_USD, WAD
from stress.book_file import Book, Borrower, Designed, Recorded
from stress.opening import Opening, RebuiltBook, ReserveInfo, Target, Terms

Amount = TypeVar("Amount")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """Amounts for one borrower, before the rules were asked what they are worth."""

    supplies: Mapping[str, int]
    borrows: Mapping[str, int]
    target: Target
    emode: int = 0
    notes: tuple[str, ...] = ()


class _CannotRebuildError(Exception):
    """Why a borrower has no place on this market."""


def rebuild(book: Book, reserves: Mapping[str, ReserveInfo], terms: Terms) -> RebuiltBook:
    """Every borrower of `book` as token amounts on a market with these reserves (by symbol) and terms.

    A borrower that the market has no assets or thresholds for is left out and named with the reason.
    """
    openings, left_out = list[Opening](), list[str]()
    for borrower in book.borrowers:
        try:
            openings.append(_opening(borrower, _plan(borrower, reserves, terms), reserves, terms))
        except _CannotRebuildError as reason:
            left_out.append(f"{borrower.name} left out: {reason}")
    return RebuiltBook(
        openings=tuple(openings), left_out=tuple(left_out), asset_notes=_asset_notes(book, reserves)
    )


def _plan(borrower: Borrower, reserves: Mapping[str, ReserveInfo], terms: Terms) -> _Plan:
    figures = borrower.figures
    if isinstance(figures, Recorded):
        return _plan_recorded(figures, reserves, terms)
    return _plan_designed(figures, reserves, terms)


def _plan_recorded(record: Recorded, reserves: Mapping[str, ReserveInfo], terms: Terms) -> _Plan:
    target = Target(
        collateral_base=record.collateral_base,
        debt_base=record.debt_base,
        health_factor_wad=record.health_factor_wad,
    )
    usable = [symbol for symbol in record.collateral_assets if _collateral_problem(symbol, reserves) is None]
    if not record.collateral_base:
        return _Plan(supplies={}, borrows={}, target=target)
    if not usable:
        raise _CannotRebuildError(f"none of {', '.join(record.collateral_assets)} can be collateral")
    if not record.debt_base:
        first = usable[0]
        return _Plan(
            supplies={first: reserves[first].at_least(record.collateral_base)}, borrows={}, target=target
        )
    if problem := _debt_problem(record.debt_asset, reserves):
        raise _CannotRebuildError(f"{record.debt_asset} {problem}")
    supplies = _mix(record, usable, reserves)
    first = record.collateral_assets[0]
    notes = () if first in supplies else (f"rebuilt without {first}, from {' and '.join(supplies)}",)
    borrows = {record.debt_asset: reserves[record.debt_asset].most_debt(record.debt_base, terms)}
    return _Plan(supplies=supplies, borrows=borrows, target=target, notes=notes)


def _mix(record: Recorded, usable: list[str], reserves: Mapping[str, ReserveInfo]) -> dict[str, int]:
    """Token units worth the recorded collateral, with the recorded average threshold or a trifle above.

    Above and not below: the older rules floor the average to whole bps.
    """
    average, total = record.average_threshold_bps, record.collateral_base
    thresholds = {symbol: reserves[symbol].liquidation_threshold_bps for symbol in usable}
    for symbol in usable:
        if thresholds[symbol] == average:
            return {symbol: reserves[symbol].at_least(total)}
    for first, second in combinations(usable, 2):
        low, high = sorted((first, second), key=thresholds.__getitem__)
        if thresholds[low] < average < thresholds[high]:
            exact = Fraction(total * (average - thresholds[low]), thresholds[high] - thresholds[low])
            return _split(total, exact, first=first, high=high, low=low, reserves=reserves)
    raise _CannotRebuildError(
        f"its average threshold of {average} bps is not between those of "
        + ", ".join(f"{symbol} {bps}" for symbol, bps in thresholds.items())
    )


def _split(
    total_base: int,
    high_exact: Fraction,
    *,
    first: str,
    high: str,
    low: str,
    reserves: Mapping[str, ReserveInfo],
) -> dict[str, int]:
    """Whole units of `first` on the side that lifts the average; the other asset fills up to the total."""
    second = low if first == high else high
    info = reserves[first]
    if first == high:
        amount = info.at_least(-(-high_exact.numerator // high_exact.denominator))
    else:
        amount = info.at_most(total_base - -(-high_exact.numerator // high_exact.denominator))
    rest_base = max(total_base - amount * info.price_base // 10**info.decimals, 0)
    amounts = {first: amount, second: reserves[second].at_least(rest_base)}
    return {symbol: units for symbol, units in amounts.items() if units}


def _plan_designed(design: Designed, reserves: Mapping[str, ReserveInfo], terms: Terms) -> _Plan:
    pledged, no_pledges = _available(design.collateral_usd, reserves, _collateral_problem)
    owed, no_debts = _available(design.debt_percent, reserves, _debt_problem)
    notes = (*no_pledges, *no_debts)
    if not pledged or not owed:
        raise _CannotRebuildError("; ".join(notes))
    if design.emode and not any(design.emode in reserves[symbol].emodes for symbol in pledged):
        raise _CannotRebuildError(f"eMode {design.emode} does not take {' or '.join(pledged)} here")
    values = {symbol: int(usd * BASE_PER_USD) for symbol, usd in pledged.items()}
    supplies = {symbol: reserves[symbol].at_least(value) for symbol, value in values.items()}
    trial = {symbol: reserves[symbol].at_least(sum(values.values())) for symbol in owed}
    found = terms.worth(supplies, trial, design.emode, reserves)
    # Debt times health factor is the same whatever the debt: so the trial tells the debt of the design.
    wanted_wad = int(design.health_factor * WAD)
    debt_base = found.debt_base * found.health_factor_wad // wanted_wad
    return _Plan(
        supplies=supplies,
        borrows={
            symbol: reserves[symbol].most_debt(share, terms)
            for symbol, share in _shares(debt_base, owed).items()
        },
        target=Target(
            collateral_base=sum(values.values()), debt_base=debt_base, health_factor_wad=wanted_wad
        ),
        emode=design.emode,
        notes=notes,
    )


def _shares(total: int, percent: Mapping[str, int]) -> dict[str, int]:
    """`total` cut in proportion to `percent` (whatever it sums to); the cuts lie at whole numbers below."""
    cuts = [total * part // sum(percent.values()) for part in accumulate(percent.values(), initial=0)]
    return {symbol: end - start for symbol, start, end in zip(percent, cuts, cuts[1:], strict=False)}


def _opening(borrower: Borrower, plan: _Plan, reserves: Mapping[str, ReserveInfo], terms: Terms) -> Opening:
    found = terms.worth(plan.supplies, plan.borrows, plan.emode, reserves)
    return Opening(
        borrower=borrower,
        emode=plan.emode,
        supplies=plan.supplies,
        borrows=plan.borrows,
        target=plan.target,
        collateral_base=found.collateral_base,
        debt_base=found.debt_base,
        health_factor_wad=found.health_factor_wad,
        health_factor_band_wad=_band(plan, reserves, terms),
        exceeds_ltv=found.exceeds_ltv,
        largest_unit_base=(_coarsest(plan.supplies, reserves), _coarsest(plan.borrows, reserves)),
        notes=plan.notes,
    )


def _band(plan: _Plan, reserves: Mapping[str, ReserveInfo], terms: Terms) -> tuple[int, int]:
    """Lowest and highest health factor when amounts move by at most one smallest unit.

    Supplies move apart from each other because an average threshold, floored to bps, may fall as they grow.
    """
    health_factors = [
        terms.worth(
            {
                symbol: max(units + move * reserves[symbol].step, 0)
                for (symbol, units), move in zip(plan.supplies.items(), moves, strict=True)
            },
            {
                symbol: max(units + debt_move * reserves[symbol].step, 0)
                for symbol, units in plan.borrows.items()
            },
            plan.emode,
            reserves,
        ).health_factor_wad
        for debt_move in (-1, 1)
        for moves in product((-1, 0, 1), repeat=len(plan.supplies))
    ]
    return min(health_factors), max(health_factors)


def _collateral_problem(symbol: str, reserves: Mapping[str, ReserveInfo]) -> str | None:
    if symbol not in reserves:
        return "is not in this market"
    return None if reserves[symbol].can_be_collateral else "cannot be collateral here"


def _debt_problem(symbol: str, reserves: Mapping[str, ReserveInfo]) -> str | None:
    if symbol not in reserves:
        return "is not in this market"
    return None if reserves[symbol].can_be_borrowed else "cannot be borrowed here"


def _available(
    wanted: Mapping[str, Amount], reserves: Mapping[str, ReserveInfo], problem_of: Callable[..., str | None]
) -> tuple[dict[str, Amount], tuple[str, ...]]:
    """What of `wanted` this market has, and a line for each asset it has not."""
    problems = {symbol: problem_of(symbol, reserves) for symbol in wanted}
    had = {symbol: amount for symbol, amount in wanted.items() if problems[symbol] is None}
    return had, tuple(f"{symbol} {problem}" for symbol, problem in problems.items() if problem)


def _asset_notes(book: Book, reserves: Mapping[str, ReserveInfo]) -> tuple[str, ...]:
    """One line for every asset of the book that this market lacks or holds to another threshold."""
    notes = dict[str, None]()
    for figures in (borrower.figures for borrower in book.borrowers):
        if isinstance(figures, Recorded):
            pledged, owed = figures.collateral_assets, (figures.debt_asset,)
            notes |= dict.fromkeys(_threshold_notes(figures, reserves))
        else:
            pledged, owed = tuple(figures.collateral_usd), tuple(figures.debt_percent)
        for symbols, problem_of in ((pledged, _collateral_problem), (owed, _debt_problem)):
            notes |= {f"{s} {problem}": None for s in symbols if (problem := problem_of(s, reserves))}
    return tuple(notes)


def _threshold_notes(record: Recorded, reserves: Mapping[str, ReserveInfo]) -> tuple[str, ...]:
    symbol, then_bps = record.collateral_assets[0], record.threshold_bps
    if symbol not in reserves or reserves[symbol].liquidation_threshold_bps == then_bps:
        return ()
    now_bps = reserves[symbol].liquidation_threshold_bps
    return (f"{symbol} has a liquidation threshold of {now_bps} bps here, {then_bps} where it was recorded",)


def _coarsest(amounts: Mapping[str, int], reserves: Mapping[str, ReserveInfo]) -> Fraction:
    return max((reserves[symbol].unit_base for symbol in amounts), default=Fraction(1))
