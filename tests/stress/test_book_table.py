"""The table of a book says exactly how far what was opened is from its figures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest

from protocol.model import Standing
from stress.book import Borrower, Designed, Opening, Target
from stress.book_table import as_opened, book_table, differences

WAD = 10**18
FIGURES = Designed(
    collateral_usd={"WBTC": Decimal(1)}, debt_percent={"USDC": 100}, health_factor=Decimal("1.1"), emode=0
)


@pytest.fixture
def opening() -> Opening:
    """Worth exactly what it should be; a unit of what is pledged is worth 8 base units, of the debt 2."""
    return Opening(
        borrower=Borrower(name="ann", kind="some", figures=FIGURES),
        emode=0,
        supplies={"WBTC": 1},
        borrows={"USDC": 1},
        target=Target(collateral_base=2**70, debt_base=1_000, health_factor_wad=11 * WAD // 10),
        collateral_base=2**70,
        debt_base=1_000,
        health_factor_wad=11 * WAD // 10,
        health_factor_band_wad=(WAD, 2 * WAD),
        exceeds_ltv=False,
        largest_unit_base=(Fraction(8), Fraction(2)),
        notes=("LINK is not in this market", "nor is DAI"),
    )


def found(collateral_base: int, debt_base: int, health_factor_wad: int) -> Standing:
    return Standing(
        collateral_base=collateral_base,
        debt_base=debt_base,
        health_factor_wad=health_factor_wad,
        is_liquidatable=health_factor_wad < WAD,
    )


def test_a_row_has_target_opened_and_difference_in_base_and_in_smallest_units(opening):
    row = book_table([as_opened(opening, found(2**70 + 6, 997, WAD + 1))]).iloc[0].to_dict()

    assert row == {
        "borrower": "ann",
        "kind": "some",
        "target_collateral_base": str(2**70),
        "opened_collateral_base": str(2**70 + 6),
        "collateral_off_base": "6",
        "collateral_off_units": 0.75,
        "target_debt_base": "1000",
        "opened_debt_base": "997",
        "debt_off_base": "-3",
        "debt_off_units": -1.5,
        "target_health_factor_wad": str(11 * WAD // 10),
        "opened_health_factor_wad": str(WAD + 1),
        "health_factor_implied": True,
        "notes": "LINK is not in this market; nor is DAI",
    }


def test_the_line_names_how_far_they_are_at_most(opening):
    beyond = replace(opening, health_factor_band_wad=(2 * WAD, 3 * WAD))
    opened = [as_opened(opening, found(2**70 + 6, 997, WAD)), opening, replace(beyond, debt_base=1_001)]

    said = differences(book_table(opened))

    assert said == (
        "3 designed borrowers are opened within $0.00000006 and 1.50 smallest token units of their figures "
        "(book.csv); 1 health factors beyond what that implies."
    )


def test_where_some_are_recorded_the_line_is_about_them(opening):
    recorded = replace(opening, borrower=replace(opening.borrower, kind="recorded"))
    book = book_table([as_opened(opening, found(2**70 + 6, 997, WAD)), recorded])

    assert isinstance(book, pd.DataFrame)
    assert differences(book).startswith(
        "1 recorded borrowers are opened within $0.00000000 and 0.00 smallest"
    )
