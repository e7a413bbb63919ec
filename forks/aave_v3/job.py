"""The main job, end to end: a market, a book, a crash carried out on both sides, and why debt is left."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from forks.aave_v3 import report
from forks.aave_v3.errors import AccountsEmpty, NothingToDo
from forks.aave_v3.opening import account_of, open_book
from forks.aave_v3.parity import Ledger
from forks.aave_v3.twin import Twin
from forks.aave_v3.venue import Venue
from protocol.aave_v3 import Market, ReserveId, User
from stress.attribution import Explanation, explain
from stress.book import load_book, shipped_books
from stress.closed_form import closed_form
from stress.engine import Crash, Engine, Run
from stress.opening import reserve_infos
from stress.prices import price_paths
from stress.rebuild import rebuild
from stress.residual import Residual, residual, residual_base
from stress.scenario_file import load_scenario, scenario_path
from stress.tables import accounts_table, events_table, prices_table

DELAYS_S = (0, 60, 300, 600, 900, 1_800)
"""Added oracle delays of the third figure."""
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


@dataclass(kw_only=True, slots=True)
class Stopwatch:
    """Seconds by phase."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time inside towards `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What the job came to, for whoever prints it."""

    results: report.Results
    crash: Crash
    run: Run
    notes: tuple[str, ...]
    """What a reader of the numbers has to know: of the market, and of borrowers left out or changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stage:
    """The market with everybody on it, before anything falls."""

    market: Market
    names: Mapping[User, str]
    borrowers: tuple[User, ...]
    prices_base: Mapping[ReserveId, int]
    notes: tuple[str, ...]
    files: tuple[Path, ...]


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
    crash = Crash(
        market=stage.market,
        scenario=scenario,
        prices=price_paths(
            scenario,
            {r.symbol: stage.prices_base[i] for i, r in stage.market.reserves.items()},
            venue.now() + SECONDS_TO_CRASH,
        ),
        bots=bots,
        borrowers=stage.borrowers,
    )
    with watch.phase("crash"), show.bar("crash on the chain", scenario.n_steps) as bar:
        twin = Twin(venue=venue, ledger=ledger, on_step=bar.advance)
        run = twin.run(Engine(crash=crash))
    residuals = {user: residual(crash, run, user) for user in crash.borrowers}
    with watch.phase("why"):
        explanations = _explain_all(crash, run, residuals, show)
        by_delay = _residual_by_delay(crash, show)
    results = _results(venue, order, stage, crash, run, twin, residuals, explanations, by_delay, watch)
    with show.busy("writing tables and figures"):
        report.write(results, order.out)
    return Done(results=results, crash=crash, run=run, notes=(*venue.notes, *stage.notes))


def _opened(venue: Venue, book_name: str | Path | None, bots: Mapping[str, User], ledger: Ledger) -> _Stage:
    """The book's positions opened by real calls, and the whole account data compared before anything falls."""
    start = venue.prices()
    not_borrowable = set(venue.assets) - venue.borrowable()
    infos = reserve_infos(venue.market(()), start, not_borrowable=not_borrowable)
    books = [load_book(name) for name in ([book_name] if book_name else shipped_books())]
    plans = [rebuild(book, infos, venue.rules) for book in books]
    plan, book = max(zip(plans, books, strict=True), key=lambda both: len(both[0].openings))
    if not plan.openings:
        raise NothingToDo(f"no borrower of the book {book.name!r} fits this market")
    venue.take_over_feeds(start)
    open_book(venue, plan.openings, start, bots=list(bots.values()))
    names = {account_of(opening.borrower.name): opening.borrower.name for opening in plan.openings}
    return _compared(venue, ledger, names, bots, start, plan.notes, book.files)


def _existing(venue: Venue, accounts: Sequence[User], bots: Mapping[str, User], ledger: Ledger) -> _Stage:
    """Real borrowers as they stand, their account data compared before anything is changed."""
    names = {account_of(account): account for account in accounts}
    start = venue.prices()
    stage = _compared(venue, ledger, names, bots, start, (), ())
    if empty := [user for user in names if not stage.market.accounts[user].positions]:
        raise AccountsEmpty(empty, venue.start_block)
    venue.take_over_feeds(start)
    venue.equip(list(bots.values()), stage.market)
    return stage


def _compared(
    venue: Venue,
    ledger: Ledger,
    names: Mapping[User, str],
    bots: Mapping[str, User],
    start: Mapping[ReserveId, int],
    notes: tuple[str, ...],
    files: tuple[Path, ...],
) -> _Stage:
    borrowers = tuple(names)
    market = venue.market([*borrowers, *bots.values()])
    Twin(venue=venue, ledger=ledger).compare_book("opening", market, borrowers, dict(start), venue.now())
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


def _residual_by_delay(crash: Crash, show: Show) -> tuple[float, ...]:
    """Residual debt of the whole book, in the model, with every feed slower by each of `DELAYS_S` [usd]."""
    totals: list[float] = []
    start = {symbol: path[0] for symbol, path in crash.prices.market.items()}
    with show.bar("residual debt against oracle delay", len(DELAYS_S)) as bar:
        for delay in DELAYS_S:
            prices = price_paths(crash.scenario, start, crash.timestamps[0], extra_delay_s=delay)
            slower = replace(crash, prices=prices)
            run = Engine(crash=slower).run()
            totals.append(sum(residual_base(slower, run, user) for user in crash.borrowers) / 10**8)
            bar.advance()
    return tuple(totals)


def _results(
    venue: Venue,
    order: Order,
    stage: _Stage,
    crash: Crash,
    run: Run,
    twin: Twin,
    residuals: Mapping[User, Residual],
    explanations: Mapping[User, Explanation],
    by_delay: tuple[float, ...],
    watch: Stopwatch,
) -> report.Results:
    forms = {user: closed_form(crash, run, user) for user in crash.borrowers}
    events = events_table(crash, run, twin.chain)
    accounts = accounts_table(crash, run, stage.names, residuals, explanations, forms)
    summary = {
        "source": venue.source,
        "pool_revision": venue.pool_revision,
        "revision": venue.rules.revision,
        **report.summary_counts(accounts, events, twin.ledger),
        "deficit": _deficits(crash, run),
        "contracts": dict(venue.contracts),
        "seconds": dict(watch.seconds),
    }
    manifest = {
        "versions": {**report.versions(), "anvil": venue.node_version},
        "scenario": report.plain(crash.scenario),
        "seed": crash.scenario.seed,
        "block": venue.start_block,
        "timestamp": crash.timestamps[0],
        "inputs": _input_hashes([scenario_path(order.scenario), *stage.files, *venue.inputs]),
        "notes": [*venue.notes, *stage.notes],
    }
    return report.Results(
        summary=summary,
        manifest=manifest,
        prices=prices_table(crash),
        events=events,
        accounts=accounts,
        delays_s=DELAYS_S,
        residual_by_delay_usd=by_delay,
        ledger=twin.ledger,
    )


def _input_hashes(files: Iterable[Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _deficits(crash: Crash, run: Run) -> dict[str, str]:
    """What each reserve's deficit grew by in the crash [asset units]."""
    grown = {r.symbol: run.market.reserves[i].deficit - r.deficit for i, r in crash.market.reserves.items()}
    return {symbol: str(amount) for symbol, amount in grown.items() if amount}
