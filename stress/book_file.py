"""A book: the borrowers a crash happens to, as recorded or designed figures that know no market yet.

A book file is TOML. `[recorded]` names a CSV of account data of real borrowers and what to rebuild it from;
each `[kinds.<kind>]` lists borrowers designed for one purpose. `books/default.toml` is the commented example.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from protocol.units import MAX_UINT256, WAD
from stress.book_fields import BookError, Entry
from stress.toml_file import NotToml, TomlFileError, read_toml

BOOKS = Path(__file__).parent / "books"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """Account data of a real borrower, as its pool returned it, and the assets to rebuild it from."""

    collateral_base: int
    debt_base: int
    health_factor_wad: int
    """Computed by the rules before v3.5: from an average threshold floored to whole bps."""
    collateral_assets: tuple[str, ...]
    """Symbols by preference."""
    threshold_bps: int
    """Liquidation threshold of the first of them where the account was recorded."""
    debt_asset: str

    @property
    def average_threshold_bps(self) -> int:
        """The average liquidation threshold that the health factor implies, in whole bps; 0 without debt."""
        if not self.debt_base:
            return 0
        weighted = self.health_factor_wad * self.debt_base * 100_00
        return (2 * weighted + self.collateral_base * WAD) // (2 * self.collateral_base * WAD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Designed:
    """A borrower by intention: collateral in dollars, and a debt that makes its health factor."""

    collateral_usd: Mapping[str, Decimal]
    debt_percent: Mapping[str, int]
    """Shares of the debt's value by symbol; they make 100."""
    health_factor: Decimal
    """Above 1."""
    emode: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Borrower:
    """One entry of a book: who, why it is in the book ("recorded", or the kind's name), and its figures."""

    name: str
    kind: str
    figures: Recorded | Designed


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """Borrowers in the order of the file, recorded ones first."""

    name: str
    title: str
    borrowers: tuple[Borrower, ...]
    files: tuple[Path, ...]
    """What the book was read from: the TOML file and the CSV beside it."""


def shipped_books() -> tuple[str, ...]:
    """Names of the books that come with the project."""
    return tuple(sorted(path.stem for path in BOOKS.glob("*.toml")))


def load_book(name_or_file: str | Path) -> Book:
    """Read a shipped book by name ("default", "weth-dai") or a book file by path.

    Raises:
        BookError: no such file, not TOML, or an entry that makes no borrower; names file, entry and field.
    """
    path = Path(name_or_file)
    if str(name_or_file) in shipped_books():
        path = BOOKS / f"{name_or_file}.toml"
    document = Entry(file=path.name, name="", fields=_read_toml(path))
    title = document.text("title")
    recorded_table, kinds = document.table("recorded", default={}), document.table("kinds", default={})
    document.refuse_unknown()
    files, borrowers = [path], list[Borrower]()
    if recorded_table:
        recorded = Entry(file=path.name, name="[recorded]", fields=recorded_table)
        files.append(path.parent / recorded.text("file"))
        borrowers += _recorded_borrowers(recorded, files[-1])
    for kind, table in kinds.items():
        borrowers += _designed_borrowers(kind, Entry(file=path.name, name=f"[kinds.{kind}]", fields=table))
    _check_names(path.name, borrowers)
    return Book(name=path.stem, title=title, borrowers=tuple(borrowers), files=tuple(files))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except NotToml as error:
        raise BookError(path.name, what=str(error)) from None
    except TomlFileError as error:
        raise BookError(str(path), what=f"{error}; shipped books: {', '.join(shipped_books())}") from None


def _recorded_borrowers(table: Entry, csv_path: Path) -> Iterator[Borrower]:
    origin = Recorded(
        collateral_base=0,
        debt_base=0,
        health_factor_wad=0,
        collateral_assets=tuple(table.symbols("collateral")),
        threshold_bps=table.count("threshold_bps"),
        debt_asset=table.text("debt"),
    )
    table.refuse_unknown()
    try:
        rows = list(csv.DictReader(csv_path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise table.error("file", f"{csv_path.name} cannot be read ({type(error).__name__})") from None
    for line, row in enumerate(rows, start=2):
        entry = Entry(file=csv_path.name, name=f"line {line}", fields=dict(row))
        yield Borrower(name=entry.text("name"), kind="recorded", figures=_recorded(entry, origin))
        entry.refuse_unknown()


def _recorded(entry: Entry, origin: Recorded) -> Recorded:
    record = replace(
        origin,
        collateral_base=entry.digits("collateral_base"),
        debt_base=entry.digits("debt_base"),
        health_factor_wad=entry.digits("health_factor_wad"),
    )
    if not record.debt_base and record.health_factor_wad != MAX_UINT256:
        raise entry.error(
            "health_factor_wad", f"must be 2**256 - 1 without debt, is {record.health_factor_wad}"
        )
    if record.debt_base and not record.collateral_base:
        raise entry.error(
            "collateral_base", f"is 0 with a debt of {record.debt_base}: nothing can be rebuilt"
        )
    if record.average_threshold_bps > 100_00:
        implied = record.average_threshold_bps
        raise entry.error(
            "health_factor_wad", f"implies a liquidation threshold of {implied} bps, above 10000"
        )
    return record


def _designed_borrowers(kind: str, table: Entry) -> Iterator[Borrower]:
    table.text("about")
    for index, fields in enumerate(table.tables("borrowers")):
        name = fields.get("name", f"[kinds.{kind}] borrower {index}")
        entry = Entry(file=table.file, name=str(name), fields=fields)
        yield Borrower(name=entry.text("name"), kind=kind, figures=_designed(entry))
        entry.refuse_unknown()
    table.refuse_unknown()


def _designed(entry: Entry) -> Designed:
    shares = entry.amounts("debt_percent")
    if sum(shares.values()) != 100 or any(share != int(share) for share in shares.values()):
        raise entry.error("debt_percent", f"must be whole numbers that make 100, not {sum(shares.values())}")
    health_factor = entry.number("health_factor")
    if health_factor <= 1:
        raise entry.error("health_factor", f"must be above 1, the edge of liquidation, is {health_factor}")
    return Designed(
        collateral_usd=entry.amounts("collateral_usd"),
        debt_percent={symbol: int(share) for symbol, share in shares.items()},
        health_factor=health_factor,
        emode=entry.count("emode", default=0),
    )


def _check_names(file: str, borrowers: list[Borrower]) -> None:
    if not borrowers:
        raise BookError(file, what="has no borrower: give a [recorded] table or a [kinds.<kind>] table")
    seen = set[str]()
    for borrower in borrowers:
        if borrower.name in seen:
            raise BookError(file, borrower.name, "name", "is taken by an earlier borrower")
        seen.add(borrower.name)
