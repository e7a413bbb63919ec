"""What the chain and the market recorded: the account's deposits and loans, its liquidations, hourly prices."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
CRV_DECIMALS, USDC_DECIMALS = 18, 6
CRV_UNIT, USDC_UNIT = 10**CRV_DECIMALS, 10**USDC_DECIMALS
"""Smallest units in one token."""
BORROWER = "0x57e04786e231af3343562c062e0d058f25dace9e"


class Call(NamedTuple):
    """One LiquidationCall event."""

    block_number: int
    timestamp: int
    transaction_index: int
    debt_repaid: int
    """[CRV units]"""
    collateral_seized: int
    """[USDC units]"""
    receive_atoken: bool


class Hour(NamedTuple):
    """One hour of CRV/USDT on the largest exchange."""

    timestamp: int
    """When it opens. [s]"""
    high_milli_usd: int
    close_milli_usd: int


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that is known of the account; what it paid and earned as interest is not."""

    calls: tuple[Call, ...]
    borrowed: int
    """Sum of the loans. [CRV units]"""
    deposited: int
    """Sum of the deposits. [USDC units]"""
    hours: tuple[Hour, ...]

    @cached_property
    def repaid(self) -> int:
        """Debt repaid by all calls. [CRV units]"""
        return sum(call.debt_repaid for call in self.calls)

    @cached_property
    def seized(self) -> int:
        """Collateral taken by all calls, interest included: nothing was left. [USDC units]"""
        return sum(call.collateral_seized for call in self.calls)

    @property
    def residual_principal(self) -> int:
        """Lent and never repaid, without any interest. [CRV units]"""
        return self.borrowed - self.repaid

    @property
    def earned(self) -> int:
        """Interest on the collateral: what was taken beyond what was deposited. [USDC units]"""
        return self.seized - self.deposited

    @property
    def resumed_at(self) -> int:
        """Index of the first call after the longest pause."""
        pauses = [after.timestamp - before.timestamp for before, after in pairwise(self.calls)]
        return pauses.index(max(pauses)) + 1

    def held_before(self, index: int) -> int:
        """Collateral before the call of this index, all interest credited: what is still to be taken. [USDC units]"""
        return self.seized - sum(call.collateral_seized for call in self.calls[:index])


def load_record(folder: Path = HERE) -> Record:
    """Read the three tables of this folder."""
    account = list(_rows(folder / "account.csv"))
    return Record(
        calls=tuple(_call(row) for row in _rows(folder / "liquidations.csv")),
        borrowed=sum(int(row["amount"]) for row in account if row["event"] == "borrow"),
        deposited=sum(int(row["amount"]) for row in account if row["event"] == "deposit"),
        hours=tuple(
            Hour(*(int(row[name]) for name in Hour._fields)) for row in _rows(folder / "market_hours.csv")
        ),
    )


def _call(row: dict[str, str]) -> Call:
    numbers = (int(row[name]) for name in Call._fields[:-1])
    return Call(*numbers, receive_atoken=row["receive_atoken"] == "1")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows below the lines that say where the table is from."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))
