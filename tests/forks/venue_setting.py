"""A market of any protocol with a small book on it, and calls carried out on it beside a model that may be wrong.

Everything is set up once; a case lets blocks pass, moves prices, sends its calls, and the node goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from forks.crash.accounts import account_of
from forks.crash.ledger import Comparison, Ledger
from forks.crash.twin import Twin
from forks.crash.where import Where
from forks.protocols import PROTOCOLS
from protocol.model import At, Offer, Refused, User
from stress.book import load_book
from stress.engine import Attempt, Engine, Run, Tick
from tests.test_cli_crash_protocols import BOOKS, book

LIQUIDATOR = account_of("desk")
BLOCKS_BEFORE = 50
SECONDS_BEFORE = 86_400
PER_CENT = 100
WATCHED = ("early", "late", "small", "small-late")
"""Borrowers of the book that are read, and looked at in the end whatever the case is about."""

MakeCall = Callable[["Setting", Any, At], Any]
"""From the market as it stands, and the block it is seen in, to the call that is sent."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One borrower, one price of ether, and calls in their order."""

    borrower: str
    ether_percent: int
    """Of the price at the opening; all else stays."""
    calls: tuple[MakeCall, ...]


@dataclass(kw_only=True)
class Script:
    """Stands in for the engine: the calls of one case, the model's word on each before it happens."""

    rules: Any
    market: Any
    at: At
    borrowers: tuple[User, ...]
    calls: Sequence[Any]
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def crash(self) -> SimpleNamespace:
        return SimpleNamespace(borrowers=self.borrowers)

    def finished(self) -> Run:
        return Run(market=self.market, attempts=tuple(self.attempts), end=self._at(len(self.attempts)))

    def events(self) -> Iterator[Tick | Attempt]:
        yield Tick(step=0, at=self.at, changed=tuple(self.at.prices_base))
        for index, call in enumerate(self.calls):
            attempt = self._attempt(call, self._at(index), self._at(index + 1))
            yield attempt
            self.attempts.append(attempt)
            done = attempt.predicted
            self.market = done.leaves(self.market) if isinstance(done, Refused) else done.market

    def _at(self, n_blocks: int) -> At:
        return replace(self.at, block_number=self.at.block_number + n_blocks)

    def _attempt(self, call: Any, seen: At, at: At) -> Attempt:
        return Attempt(
            step=0,
            seen=seen,
            at=at,
            bot="desk",
            offer=Offer(
                borrower=call.borrower,
                liquidator=call.liquidator,
                collateral_id=getattr(call, "collateral_id", 1),
                debt_id=getattr(call, "debt_id", 0),
                repay=None,
            ),
            call=call,
            market=self.market,
            market_base=at.prices_base,
            before=self.rules.standing(self.market, seen)(call.borrower),
            predicted=self.rules.liquidate(self.market, call, at),
            gas_cost_usd=0.0,
            paid_usd=0.0,
        )


@dataclass(kw_only=True)
class Setting:
    """A market with everybody on it."""

    venue: Any
    prices_base: Mapping[int, int]
    cases: Mapping[str, Case]
    calls: dict[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])
    """By case: what is sent, sized by the right model, before anything in it is wrong."""

    def __post_init__(self) -> None:
        """Make the calls of every case."""
        for name, case in self.cases.items():
            with self.venue.node.anchor():
                self.calls[name] = self._made(self._script(case), case)

    def asset(self, symbol: str) -> int:
        assets = self.venue.rule_set.assets(self.venue.market(()))
        (found,) = (i for i, one in assets.items() if one.symbol == symbol)
        return found

    def run(self, name: str, columns: Mapping[str, Any] | None = None) -> Ledger:
        """Carry a case out on both sides; `columns` of the table of rules are what the model goes by instead."""
        ledger = Ledger()
        with self.venue.node.anchor():
            script = self._script(self.cases[name])
            script.calls = self.calls[name]
            if columns:
                script.market = replace(script.market, rules=replace(script.market.rules, **columns))
            Twin(venue=self.venue, ledger=ledger).run(cast("Engine", script))
        return ledger

    def field_of(self, row: Comparison, name: str) -> str:
        """The field that differs, with accounts by what they are."""
        found = row.field.replace(LIQUIDATOR, "liquidator")
        return found.replace(account_of(self.cases[name].borrower), "borrower")

    def _script(self, case: Case) -> Script:
        """The market some blocks later, with nothing sent yet."""
        self.venue.node.mine(BLOCKS_BEFORE)
        users = tuple(account_of(name) for name in WATCHED)
        ether = self.asset("WETH")
        prices = {
            i: price * case.ether_percent // PER_CENT if i == ether else price
            for i, price in self.prices_base.items()
        }
        return Script(
            rules=self.venue.rule_set,
            market=self.venue.market([*users, LIQUIDATOR]),
            at=At(
                prices_base=prices,
                timestamp=self.venue.now() + SECONDS_BEFORE,
                block_number=self.venue.node.block_number() + 1,
            ),
            borrowers=users,
            calls=(),
        )

    def _made(self, script: Script, case: Case) -> list[Any]:
        """Each for the market as the one before leaves it."""
        market, made, at = script.market, list[Any](), script.at
        for make in case.calls:
            made.append(make(self, market, at))
            at = replace(at, block_number=at.block_number + 1)
            done = script.rules.liquidate(market, made[-1], at)
            market = done.leaves(market) if isinstance(done, Refused) else done.market
        return made


@contextmanager
def open_setting(protocol: str, cases: Mapping[str, Case], folder: Path) -> Iterator[Setting]:
    """The market of the crash with the book of its test, and one liquidator."""
    path = folder / "book.toml"
    path.write_text(book(BOOKS[protocol]))
    with PROTOCOLS[protocol].open(Where(), lambda _: None) as venue:
        prices = dict(venue.prices())
        venue.take_over_feeds(prices)
        venue.open(venue.plan(load_book(path), prices).openings, prices, [LIQUIDATOR])
        yield Setting(venue=venue, prices_base=prices, cases=cases)
