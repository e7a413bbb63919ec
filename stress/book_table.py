"""How far the opened positions are from the figures of their book: one row a borrower."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from protocol.aave_v3 import AccountData
from stress.opening import Opening


def as_opened(opening: Opening, found: AccountData) -> Opening:
    """The opening with the account data that it has in its market, in place of those that were planned."""
    return replace(
        opening,
        collateral_base=found.total_collateral_base,
        debt_base=found.total_debt_base,
        health_factor_wad=found.health_factor_wad,
    )


def book_table(opened: Iterable[Opening]) -> pd.DataFrame:
    """Target, opened and off by how much; chain integers are strings, smallest token units are floats.

    health_factor_implied: the target's is one that a smallest unit of each amount, up or down, implies.
    """
    return pd.DataFrame([_row(opening) for opening in opened])


def differences(book: pd.DataFrame) -> str:
    """One line: how many openings are not to the unit what the book says, and by how much at most."""
    columns = ("collateral_off", "debt_off")
    off_base = book[[f"{name}_base" for name in columns]].map(int).abs().max(axis=1)
    off_units = book[[f"{name}_units" for name in columns]].abs().max(axis=1)
    if not off_base.any():
        return f"All {len(book)} openings are worth what the book says."
    beyond = int((~book["health_factor_implied"]).sum())
    return (
        f"{(off_base > 0).sum()} of {len(book)} openings differ from the book's figures (book.csv): by at most "
        f"${off_base.max() / 10**8:.8f}, at most {off_units.max():.2f} smallest token units; "
        f"{beyond} health factors beyond what those imply."
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
