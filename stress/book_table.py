"""How far the opened positions are from the figures of their book: one row a borrower."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from protocol.model import Standing
from protocol.units import BASE_PER_USD
from stress.opening import Opening


def as_opened(opening: Opening, found: Standing) -> Opening:
    """The opening with the account data that it has in its market, in place of those that were planned."""
    return replace(
        opening,
        collateral_base=found.collateral_base,
        debt_base=found.debt_base,
        health_factor_wad=found.health_factor_wad,
    )


def book_table(opened: Iterable[Opening]) -> pd.DataFrame:
    """Target, opened and off by how much; chain integers are strings, smallest token units are floats.

    health_factor_implied: the target's is one that a smallest unit of each amount, up or down, implies.
    """
    return pd.DataFrame([_row(opening) for opening in opened])


def differences(book: pd.DataFrame) -> str:
    """One line: how far the openings are from the record, or from the design where nothing is recorded."""
    recorded = book[book["kind"] == "recorded"]
    what, rows = ("recorded", recorded) if len(recorded) else ("designed", book)
    columns = ("collateral_off", "debt_off")
    off_base = rows[[f"{name}_base" for name in columns]].map(int).abs().max(axis=1)
    off_units = rows[[f"{name}_units" for name in columns]].abs().max(axis=1)
    beyond = int((~rows["health_factor_implied"]).sum())
    return (
        f"{len(rows)} {what} borrowers are opened within ${off_base.max() / BASE_PER_USD:.8f} and "
        f"{off_units.max():.2f} smallest token units of their figures (book.csv); "
        f"{beyond} health factors beyond what that implies."
    )


def _row(opening: Opening) -> dict[str, Any]:
    return {
        "borrower": opening.borrower.name,
        "kind": opening.borrower.kind,
        **_value("collateral", opening, 0),
        **_value("debt", opening, 1),
        "target_health_factor_wad": str(opening.target.health_factor_wad),
        "opened_health_factor_wad": str(opening.health_factor_wad),
        "health_factor_implied": opening.is_within_band,
        "notes": "; ".join(opening.notes),
    }


def _value(name: str, opening: Opening, place: int) -> Mapping[str, Any]:
    return {
        f"target_{name}_base": str(getattr(opening.target, f"{name}_base")),
        f"opened_{name}_base": str(getattr(opening, f"{name}_base")),
        f"{name}_off_base": str(opening.off_base[place]),
        f"{name}_off_units": float(opening.off_units[place]),
    }
