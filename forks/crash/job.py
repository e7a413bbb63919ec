"""The main job, end to end: a market, a book, a crash carried out on both sides, and why debt is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from forks.crash import report
from forks.crash.accounts import account_of
from forks.crash.errors import AccountsEmpty, NothingToDo
from forks.crash.ledger import Ledger
from forks.crash.manifest import manifest, provenance
from forks.crash.stopwatch import Stopwatch
from forks.crash.twin import Twin
from forks.crash.venue import Venue
from protocol.model import AssetId, At, User
from protocol.units import BASE_PER_USD
from stress.attribution import Explanation, explain
from stress.book import Opening, load_book, shipped_books
from stress.book_table import as_opened, book_table
from stress.closed_form import closed_form
from stress.engine import Crash, Engine, Run
from stress.losses import losses_table
from stress.prices import price_paths
from stress.residual import Residual, residual, residual_base
from stress.scenario_file import load_scenario, scenario_path
from stress.tables import accounts_table, events_table, prices_table

DELAYS_S = (0, 60, 300, 600, 900, 1_800)
"""Added oracle delays of the third figure; the first is none."""
SECONDS_TO_CRASH = 12


class Show(Protocol):
    """Where a person sees how far the job is."""

    def busy(self, what: str) -> AbstractContextManager[Any]:
        """Something of unknown length is going on."""
        ...

    def bar(self, what: str, total: int) -> AbstractContextManager[Any]:
        """A progress bar; what is entered has `advance()`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a person asks for, apart from where the market is."""

    book: str | Path | None = None
    """None: the shipped book of which the market takes the most borrowers."""
    scenario: str | Path = "crash"
    accounts: tuple[User, ...] = ()
    """Real borrowers of the market instead of a book."""
    out: Path = Path("out/crash")


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What the job came to, for whoever prints it."""

    results: report.Results
    notes: tuple[str, ...]
    """What a reader of the numbers has to know: of the market, and of borrowers left out or changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stage:
    """The market with everybody on it, before anything falls."""

    market: Any
    names: Mapping[User, str]
    borrowers: tuple[User, ...]
    prices_base: Mapping[AssetId, int]
    notes: tuple[str, ...]
    files: tuple[Path, ...]
    openings: tuple[Opening, ...] = ()
    """Of a book, as opened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Finished:
    """A crash that was carried out on both sides and explained, before it is written down."""

    crash: Crash
    run: Run
    twin: Twin
    residuals: Mapping[User, Residual]
    explanations: Mapping[User, Explanation]
    residual_by_delay_usd: tuple[float, ...]


def require_usable(order: Order) -> None:
    """Refuse what cannot be read or written before anything is started.

    Raises:
        BookError, ScenarioError, CannotWrite
    """
    load_scenario(order.scenario)
    if order.book is not None:
        load_book(order.book)
    report.require_writable(order.out)


def crash_on(venue: Venue, order: Order, show: Show, watch: Stopwatch) -> Done:
    """Open or read the positions, let the market fall, compare everything, explain what is left, write it down.

    Raises:
        ParityBroken: model and chain differ; nothing is written.
    """
    scenario = load_scenario(order.scenario)
    bots = {bot.name: account_of(bot.name) for bot in scenario.liquidators}
    ledger = Ledger()
    with watch.phase("open"), show.busy("opening the positions"):
        stage = (
            _existing(venue, order.accounts, bots, ledger)
            if order.accounts
            else _opened(venue, order.book, bots, ledger)
        )
        origin = provenance(venue, {"scenario": scenario_path(order.scenario), **_roles(stage.files)})
    crash = Crash(
        rules=venue.rule_set,
        market=stage.market,
        scenario=scenario,
        prices=price_paths(
            scenario,
            {one.symbol: stage.prices_base[i] for i, one in venue.rule_set.assets(stage.market).items()},
            venue.now() + SECONDS_TO_CRASH,
        ),
        bots=bots,
        first_block=venue.node.block_number() + 1,
        borrowers=stage.borrowers,
    )
    finished = _carried_out(venue, crash, ledger, show, watch)
    results = _results(
        venue,
        stage,
        finished,
        manifest(venue, crash, origin, accounts=order.accounts, notes=stage.notes),
    )
    with show.busy("writing tables and figures"):
        report.write(results, order.out, watch)
    return Done(results=results, notes=(*venue.notes, *stage.notes))


def _carried_out(venue: Venue, crash: Crash, ledger: Ledger, show: Show, watch: Stopwatch) -> _Finished:
    with watch.phase("crash"), show.bar("crash on the chain", crash.scenario.n_steps) as bar:
        twin = Twin(venue=venue, ledger=ledger, on_step=bar.advance)
        run = twin.run(Engine(crash=crash))
    residuals = {user: residual(crash, run, user) for user in crash.borrowers}
    with watch.phase("why"):
        return _Finished(
            crash=crash,
            run=run,
            twin=twin,
            residuals=residuals,
            explanations=_explain_all(crash, run, residuals, show),
            residual_by_delay_usd=_residual_by_delay(crash, residuals, show),
        )


def _opened(venue: Venue, book_name: str | Path | None, bots: Mapping[str, User], ledger: Ledger) -> _Stage:
    """The book's positions opened by real calls, and the whole account data compared before anything falls."""
    start = venue.prices()
    books = [load_book(name) for name in ([book_name] if book_name else shipped_books())]
    plans = [venue.plan(book, start) for book in books]
    plan, book = max(zip(plans, books, strict=True), key=lambda both: len(both[0].openings))
    if not plan.openings:
        raise NothingToDo(f"no borrower of the book {book.name!r} fits this market")
    venue.take_over_feeds(start)
    venue.open(plan.openings, start, list(bots.values()))
    names = {account_of(opening.borrower.name): opening.borrower.name for opening in plan.openings}
    stage = _compared(venue, ledger, names, bots, start, plan.notes, book.files)
    return replace(stage, openings=tuple(_as_opened(venue, stage, one) for one in plan.openings))


def _as_opened(venue: Venue, stage: _Stage, opening: Opening) -> Opening:
    """With the account data that model and chain agreed on."""
    user = account_of(opening.borrower.name)
    return as_opened(opening, venue.rule_set.standing(stage.market, _now(venue, stage.prices_base))(user))


def _now(venue: Venue, prices_base: Mapping[AssetId, int]) -> At:
    """The latest block."""
    return At(prices_base=prices_base, timestamp=venue.now(), block_number=venue.node.block_number())


def _existing(venue: Venue, accounts: Sequence[User], bots: Mapping[str, User], ledger: Ledger) -> _Stage:
    """Real borrowers as they stand, their account data compared before anything is changed."""
    names = {account_of(account): account for account in accounts}
    start = venue.prices()
    stage = _compared(venue, ledger, names, bots, start, (), ())
    if empty := [user for user in names if venue.is_empty(stage.market, user)]:
        raise AccountsEmpty(empty, venue.start_block)
    venue.take_over_feeds(start)
    venue.equip(list(bots.values()), stage.market)
    return stage


def _compared(
    venue: Venue,
    ledger: Ledger,
    names: Mapping[User, str],
    bots: Mapping[str, User],
    start: Mapping[AssetId, int],
    notes: tuple[str, ...],
    files: tuple[Path, ...],
) -> _Stage:
    borrowers = tuple(names)
    market = venue.market([*borrowers, *bots.values()])
    # What is stored was read a moment ago and is no prediction: only what the rules make of it is compared.
    Twin(venue=venue, ledger=ledger).compare_accounts("opening", market, borrowers, _now(venue, start))
    return _Stage(
        market=market,
        names=names,
        borrowers=borrowers,
        prices_base=start,
        notes=notes,
        files=files,
    )


def _explain_all(
    crash: Crash, run: Run, residuals: Mapping[User, Residual], show: Show
) -> dict[User, Explanation]:
    losers = [user for user, left in residuals.items() if left.total_base]
    explanations: dict[User, Explanation] = {}
    with show.bar("why debt is left", len(losers)) as bar:
        for user in losers:
            explanations[user] = explain(crash, run, user)
            bar.advance()
    return explanations


def _residual_by_delay(crash: Crash, residuals: Mapping[User, Residual], show: Show) -> tuple[float, ...]:
    """Residual debt of the whole book, in the model, with every feed slower by each of `DELAYS_S` [usd].

    The first is the crash as it was: its residuals are known.
    """
    totals = [sum(left.total_base for left in residuals.values()) / BASE_PER_USD]
    start = {symbol: path[0] for symbol, path in crash.prices.market.items()}
    with show.bar("residual debt against oracle delay", len(DELAYS_S) - 1) as bar:
        for delay in DELAYS_S[1:]:
            prices = price_paths(crash.scenario, start, crash.timestamps[0], extra_delay_s=delay)
            slower = replace(crash, prices=prices)
            run = Engine(crash=slower).run()
            totals.append(sum(residual_base(slower, run, user) for user in crash.borrowers) / BASE_PER_USD)
            bar.advance()
    return tuple(totals)


def _results(
    venue: Venue, stage: _Stage, finished: _Finished, made_with: Mapping[str, Any]
) -> report.Results:
    crash, run, twin = finished.crash, finished.run, finished.twin
    forms = {user: closed_form(crash, run, user) for user in crash.borrowers}
    events = events_table(crash, run, twin.chain)
    accounts = accounts_table(crash, run, stage.names, finished.residuals, finished.explanations, forms)
    summary = {
        "source": venue.source,
        "market": venue.title,
        **venue.summary,
        **report.summary_counts(accounts, events, twin.ledger),
        "deficit": _deficits(crash, run),
        "contracts": dict(venue.contracts),
    }
    return report.Results(
        summary=summary,
        manifest=made_with,
        prices=prices_table(crash),
        events=events,
        accounts=accounts,
        losses=losses_table(crash, run, finished.residuals),
        book=book_table(stage.openings) if stage.openings else None,
        delays_s=DELAYS_S,
        residual_by_delay_usd=finished.residual_by_delay_usd,
        ledger=twin.ledger,
    )


def _roles(files: Sequence[Path]) -> dict[str, Path]:
    """The files of a book by what each is."""
    return dict(zip(("book", "book figures"), files, strict=False))


def _deficits(crash: Crash, run: Run) -> dict[str, str]:
    """Debt that the calls of the crash wrote off, by symbol [asset units]."""
    grown: dict[AssetId, int] = {}
    for _, outcome in run.liquidations():
        for asset_id, amount in outcome.written_off.items():
            grown[asset_id] = grown.get(asset_id, 0) + amount
    return {one.symbol: str(grown[i]) for i, one in crash.assets.items() if grown.get(i)}
