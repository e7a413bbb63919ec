"""Addresses on the command line: one, several, or a file of them."""

from __future__ import annotations

from pathlib import Path

import click
from eth_utils.address import is_address


def one_address(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """The value of an option that takes one address. Raises click.BadParameter."""
    return given and _checked(given)


def addresses(context: click.Context, option: click.Parameter, given: str | None) -> tuple[str, ...]:
    """Every address of `ADDRESS,...`, or of a file in which commas, blanks or lines part them and # comments.

    Raises click.BadParameter.
    """
    if given is None:
        return ()
    text = given if given.startswith("0x") else _read(Path(given))
    lines = (line.partition("#")[0] for line in text.splitlines())
    found = [part for line in lines for part in line.replace(",", " ").split()]
    if not found:
        raise click.BadParameter(f"{given} names no address")
    return tuple(_checked(one) for one in found)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(
            f"{str(path)!r} is neither an address nor a file that can be read ({type(error).__name__})"
        ) from None


def _checked(text: str) -> str:
    if not is_address(text) or not text.startswith("0x"):
        raise click.BadParameter(f"{text[:60]!r} is not an address")
    return text
