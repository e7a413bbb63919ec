"""What an incident hands back: tables and sentences for a person, figures, numbers for a machine, checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table."""

    name: str
    justify: Literal["left", "right"] = "right"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table of cells that are text already."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: int | None = None
    """The row to look at first."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something that must hold, or the replay has failed."""

    says: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Report:
    """One incident, replayed."""

    title: str
    story: tuple[str, ...]
    """What happened, for somebody who hears of it for the first time: a paragraph each."""
    sheets: tuple[Sheet, ...]
    findings: tuple[str, ...]
    """What the replay shows: a sentence each, after the tables."""
    checks: tuple[Check, ...]
    numbers: Mapping[str, Any]
    """For a machine; amounts are raw integers."""
    draw: Callable[[Path], tuple[Path, ...]]
    """Draws the figures into a folder that exists, and says which files they are."""

    @property
    def holds(self) -> bool:
        """Whether every check does."""
        return all(check.holds for check in self.checks)


def clock(timestamp: int) -> str:
    """The time of day in UTC: 17:34:23."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%H:%M:%S}"


def tokens(amount: int, unit: int, *, places: int = 0) -> str:
    """An amount of smallest units in whole tokens, digits beyond `places` cut off: 89,544,317.443850."""
    whole, part = divmod(amount * 10**places // unit, 10**places)
    return f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"
