"""Reading a TOML file whose numbers stay exact."""

from __future__ import annotations

import tomllib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any


class TomlFileError(ValueError):
    """A file that cannot be read as text; the message says why, and does not name the file."""


class NotToml(TomlFileError):
    """A text that is no TOML."""


def read_toml(path: Path) -> dict[str, Any]:
    """The document in a file, its floats as `Decimal`. Raises `TomlFileError` or its kind `NotToml`."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TomlFileError(f"cannot be read (byte {error.start:,} is not UTF-8 text)") from None
    except OSError as error:
        raise TomlFileError(f"cannot be read ({error.strerror})") from None
    try:
        return tomllib.loads(text, parse_float=_decimal)
    except (ValueError, RecursionError) as error:  # not only TOMLDecodeError: an integer of 5,000 digits
        what = "is JSON, not TOML" if text.lstrip()[:1] == "{" else f"is not TOML: {error}"
        raise NotToml(what) from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"the number {text} has too large an exponent") from None
