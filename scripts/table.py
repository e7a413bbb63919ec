"""A table on the screen that never cuts a number: what is too wide goes on in a second table, or in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = 2
"""Blanks between columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of texts; its header may be folded between words."""

    name: str
    right: bool = False
    folds_to: int | None = None
    """Cells of prose, names and paths may be folded to this width; a number never."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row: a text for each column."""

    cells: Sequence[str]
    style: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sized:
    """A column, its texts, and the least and the most width it has a use for."""

    column: Column
    cells: Sequence[str]

    @property
    def least(self) -> int:
        widest = max((cell_len(cell) for cell in self.cells), default=0)
        folds_to = self.column.folds_to
        words = (cell_len(word) for word in self.column.name.split())
        return max(*words, widest if folds_to is None else min(widest, folds_to))

    @property
    def most(self) -> int:
        return max(map(cell_len, (self.column.name, *self.cells)))


def print_table(console: Console, columns: Sequence[Column], rows: Sequence[Row], *, title: str = "") -> None:
    """Print the rows side by side; where the console is too narrow, in several tables with the first column each.

    Where not even two columns fit, every row becomes lines of `name: text`, which the terminal may wrap.
    """
    if title:
        console.print(Text(title, style="bold"))
    texts = zip(*(row.cells for row in rows), strict=True) if rows else [()] * len(columns)
    sized = [_Sized(column=one, cells=cells) for one, cells in zip(columns, texts, strict=True)]
    parts = _parts(sized, console.width)
    if parts is None:
        _print_lines(console, columns, rows)
        return
    for number, part in enumerate(parts):
        if number:
            console.print()
        console.print(_side_by_side(part, [row.style for row in rows], console.width))


def _parts(columns: Sequence[_Sized], width: int) -> list[list[_Sized]] | None:
    """The columns in as many tables as it takes, the first column leading each; none where two do not fit."""
    key, *others = columns
    if any(_least([key, one]) > width for one in others):
        return None
    parts = [[key]]
    for one in others:
        if _least([*parts[-1], one]) > width:
            parts.append([key])
        parts[-1].append(one)
    return parts


def _least(columns: Sequence[_Sized]) -> int:
    return sum(one.least for one in columns) + GAP * (len(columns) - 1)


def _widths(columns: Sequence[_Sized], width: int) -> Iterator[int]:
    """What each column needs, and its share of the rest."""
    spare = width - _least(columns)
    wanted = sum(one.most - one.least for one in columns)
    for one in columns:
        more = one.most - one.least
        yield one.least + (more if wanted <= spare else spare * more // wanted)


def _side_by_side(columns: Sequence[_Sized], styles: Sequence[str], width: int) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, GAP, 0, 0))
    for one, its_width in zip(columns, _widths(columns, width), strict=True):
        justify = "right" if one.column.right else "left"
        table.add_column(Text(one.column.name), justify=justify, width=its_width, overflow="fold")
    for cells, style in zip(zip(*(one.cells for one in columns), strict=True), styles, strict=True):
        table.add_row(*map(Text, cells), style=style)
    return table


def _print_lines(console: Console, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    for number, row in enumerate(rows):
        if number and row.cells[0]:  # without a name it goes on with the row above
            console.print()
        for column, cell in zip(columns, row.cells, strict=True):
            if cell:
                console.print(Text(f"{column.name}: {cell}", style=row.style), soft_wrap=True)
