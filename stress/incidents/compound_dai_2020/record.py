"""What was recorded: liquidity at chosen DAI prices, the oracle's path, the logs of the block, what was published."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from protocol.units import WAD

HERE = Path(__file__).parent
BORROWER = "0x909b443761bbd7fbb876ecde71a37e1433f6af6f"
LIQUIDATOR = "0xe8468f05550563aa5bfc5fbcb344bf87aa2f6b84"
BLOCK = 11333037
"""Of the liquidation; the quotes are of the state before it."""
PERCENT = WAD // 100


class Quote(NamedTuple):
    """What the Comptroller says of the account at one DAI price."""

    price_mantissa: int
    liquidity_usd_mantissa: int
    """Below 0: the shortfall."""


class OraclePrice(NamedTuple):
    """The oracle's DAI price at one block."""

    block_number: int
    price_mantissa: int


class Borrower(NamedTuple):
    """One of the day's largest, and the DAI price at which it has no liquidity left."""

    rank: int
    address: str
    calls: int
    repaid_usd_cents: int
    block_number: int
    """Of the first call."""
    oracle_price_mantissa: int
    critical_price_mantissa: int
    reproduced: bool
    """Whether the account was short at the oracle's price, on a fork of the block before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Logs:
    """What cDAI logged in the block of the liquidation. [DAI x 1e18; cDAI x 1e8]"""

    cash: int
    """Before the block's first call."""
    interest: int
    """Of the blocks since the market was last touched."""
    borrow_index_mantissa: int
    total_borrows: int
    other_repaid: int
    """A small liquidation came first."""
    other_debt_left: int
    other_total_borrows_left: int
    repaid: int
    debt_left: int
    """Of the account, after the repayment."""
    total_borrows_left: int
    seized_ctokens: int
    cash_after: int
    redeemed: int
    """What the liquidator took out, and the cTokens that it cost."""
    redeemed_ctokens: int


class Published(NamedTuple):
    """A figure as printed, and how far its rounding can reach."""

    amount: int
    half_digit: int

    def agrees_with(self, amount_wad: int) -> bool:
        """Whether an exact amount [1e-18] rounds to what was printed."""
        return abs(amount_wad - self.amount * WAD) <= self.half_digit * WAD


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that is known of the account and of the day's prices."""

    quotes: tuple[Quote, ...]
    oracle: tuple[OraclePrice, ...]
    borrowers: tuple[Borrower, ...]
    logs: Logs
    published: Mapping[str, Published]

    @cached_property
    def updates(self) -> tuple[OraclePrice, ...]:
        """The oracle's prices without those that did not change."""
        before = (None, *(one.price_mantissa for one in self.oracle))
        return tuple(
            one for one, price in zip(self.oracle, before, strict=False) if one.price_mantissa != price
        )

    @property
    def price_mantissa(self) -> int:
        """The oracle's DAI price at the liquidation."""
        return next(one.price_mantissa for one in self.oracle if one.block_number == BLOCK)

    @property
    def quoted_shortfall_usd_mantissa(self) -> int:
        """At that price. [USD x 1e18]"""
        return next(
            -one.liquidity_usd_mantissa for one in self.quotes if one.price_mantissa == self.price_mantissa
        )

    @property
    def recorded_critical_mantissa(self) -> int:
        """The account's critical price as others give it, with 18 digits."""
        return next(one.critical_price_mantissa for one in self.borrowers if one.address == BORROWER)

    def mantissa_of(self, name: str) -> int:
        """A parameter of the protocol. [mantissa]"""
        return self.published[f"{name}_pct"].amount * PERCENT


def load_record(folder: Path = HERE) -> Record:
    """Read the five tables of this folder."""
    logs = {row["name"]: int(row["amount"]) for row in _rows(folder / "logs.csv")}
    return Record(
        quotes=tuple(Quote(*_numbers(row)) for row in _rows(folder / "quotes.csv")),
        oracle=tuple(OraclePrice(*_numbers(row)) for row in _rows(folder / "oracle.csv")),
        borrowers=tuple(_borrower(row) for row in _rows(folder / "accounts.csv")),
        logs=Logs(**{field.name: logs[field.name] for field in fields(Logs)}),
        published={
            row["name"]: Published(int(row["amount"]), int(row["half_digit"]))
            for row in _rows(folder / "published.csv")
        },
    )


def _borrower(row: dict[str, str]) -> Borrower:
    address, reproduced = row.pop("address"), row.pop("reproduced")
    rank, *numbers = _numbers(row)
    return Borrower(rank, address, *numbers, reproduced=reproduced == "1")


def _numbers(row: dict[str, str]) -> Iterator[int]:
    return (int(number) for number in row.values())


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows below the lines that say where the table is from."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))
