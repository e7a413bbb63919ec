"""Addresses on the command line: one, several, or a file of them."""

from __future__ import annotations

from pathlib import Path

import click
from eth_utils.address import is_address


def one_address(option: str, given: str | None) -> str | None:
    """The address given to an option, if one was. Raises click.BadParameter."""
    return given and _checked(option, given)


def addresses(option: str, given: str | None) -> tuple[str, ...]:
    """Every address of `ADDRESS,...`, or of a file in which commas, blanks or lines part them and # comments.

    Raises click.BadParameter.
    """
    if given is None:
        return ()
    text = given if given.startswith("0x") else _read(option, Path(given))
    lines = (line.partition("#")[0] for line in text.splitlines())
    found = [part for line in lines for part in line.replace(",", " ").split()]
    if not found:
        raise click.BadParameter(f"{given} names no address", param_hint=option)
    return tuple(_checked(option, one) for one in found)


def _read(option: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = f"{str(path)!r} is neither an address nor a file that can be read ({type(error).__name__})"
        raise click.BadParameter(why, param_hint=option) from None


def _checked(option: str, text: str) -> str:
    if not is_address(text) or not text.startswith("0x"):
        raise click.BadParameter(f"{text[:60]!r} is not an address", param_hint=option)
    return text
