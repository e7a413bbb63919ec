"""Reading the fields of a book or a scenario: each refusal names the file, the entry and the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast


class BookError(ValueError):
    """A book that cannot be used: which file, entry and field, and what is wrong with it."""

    exit_code = 2

    def __init__(self, file: str, entry: str = "", field: str = "", what: str = "") -> None:
        self.file, self.entry, self.field = file, entry, field
        where = ", ".join(part for part in (file, entry, field) if part)
        super().__init__(f"book {where}: {what}")


@dataclass(slots=True)
class Entry:
    """One table of a file, or one line of a CSV; remembers which fields were asked for."""

    file: str
    name: str
    fields: Mapping[str, Any]
    known: set[str] = field(default_factory=set[str])

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._field(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, f"must be a text, is {value!r}")
        return value

    def number(self, key: str) -> Decimal:
        """An exact decimal number."""
        return self._number(key, self._field(key))

    def count(self, key: str, *, default: int | None = None) -> int:
        """A whole number, 0 or above."""
        value = self._field(key) if default is None else self.fields.get(key, default)
        self.known.add(key)
        if type(value) is not int or value < 0:
            raise self.error(key, f"must be a whole number, 0 or above, is {value!r}")
        return value

    def digits(self, key: str) -> int:
        """A whole number written in decimal digits: a chain's integer in a CSV."""
        value = self._field(key)
        if not isinstance(value, str) or not (value.isascii() and value.isdigit()):
            raise self.error(key, f"must be an integer of decimal digits, is {value!r}")
        return int(value)

    def table(self, key: str, *, default: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A table."""
        value = self._field(key) if default is None else self.fields.get(key, default)
        self.known.add(key)
        if not isinstance(value, Mapping):
            raise self.error(key, f"must be a table, is {value!r}")
        return dict(cast("Mapping[str, Any]", value))

    def items(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self._field(key)
        if not isinstance(value, list):
            raise self.error(key, f"must be a list, is {value!r}")
        return cast("list[Any]", value)

    def tables(self, key: str) -> list[dict[str, Any]]:
        """A list of tables."""
        return [self._require_table(key, value) for value in self.items(key)]

    def symbols(self, key: str, *, default: list[str] | None = None) -> list[str]:
        """A list of asset symbols, at least one."""
        self.known.add(key)
        if default is not None and key not in self.fields:
            return default
        symbols = self.items(key)
        if not symbols or not all(isinstance(symbol, str) and symbol for symbol in symbols):
            raise self.error(key, f"must be a list of symbols, is {symbols!r}")
        return symbols

    def amounts(self, key: str) -> dict[str, Decimal]:
        """A table of numbers above 0 by symbol, at least one."""
        amounts = {symbol: self._number(key, value) for symbol, value in self.table(key).items()}
        if not amounts or any(amount <= 0 for amount in amounts.values()):
            raise self.error(key, f"must give each symbol a number above 0, is {_shown(amounts)}")
        return amounts

    def refuse_unknown(self) -> None:
        """Refuse a field that nothing asked for: most often a misspelt one."""
        for key in self.fields:
            if key not in self.known:
                raise self.error(str(key), f"is not a field here; fields: {', '.join(sorted(self.known))}")

    def error(self, key: str, what: str) -> ValueError:
        """The refusal of one field."""
        return BookError(self.file, self.name, key, what)

    def _field(self, key: str) -> Any:
        self.known.add(key)
        if key not in self.fields or self.fields[key] is None:
            raise self.error(key, "is missing")
        return self.fields[key]

    def _require_table(self, key: str, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.error(key, f"must be a list of tables, holds {value!r}")
        return dict(cast("Mapping[str, Any]", value))

    def _number(self, key: str, value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
            raise self.error(key, f"must be a number, is {value!r}")
        return Decimal(value)


def _shown(amounts: Mapping[str, Decimal]) -> str:
    return "{" + ", ".join(f"{symbol} = {amount}" for symbol, amount in amounts.items()) + "}"
