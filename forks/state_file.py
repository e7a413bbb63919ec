"""A recorded chain state on disk: an anvil dump, plain JSON or gzip, described before a node is started.

`anvil --dump-state` and `anvil_dumpState` write this form. A node must be started with the dump's own time
and chain, and both have to be known before there is a node to ask.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forks.errors import StateFileMalformed

KNOWN_POOLS = {"0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2": 1}
"""Aave v3 pools whose address is known, in lower case, and the chain id each lives on."""

_HEX = re.compile(r"0x[0-9a-fA-F]*\Z")
_CODE = re.compile(r"0x([0-9a-fA-F]{2})*\Z")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True, slots=True)
class StateFile:
    """What a dump says about itself, enough to start a node that can load it."""

    path: Path
    block_number: int
    timestamp: int
    """[s] Time of the dump's best block: the node's `--timestamp`."""
    chain_id: int | None
    """A dump does not hold its chain id: known where a known pool is in it, None elsewhere."""
    pool: str | None
    """Address of the known pool in it, lower case; None if it has to be named."""
    accounts: Mapping[str, Mapping[str, Any]]
    """Lower-case address to `code`, `storage`, `balance`, `nonce` as the dump has them."""


def describe_state(path: Path) -> StateFile:
    """Read the dump at `path` (JSON, or gzip of it) and check its form.

    Raises StateFileMalformed with the first thing that is wrong.
    """
    state = _parsed(path)
    accounts = _accounts(path, state)
    number, timestamp = _best_block(path, state)
    pool = next((address for address in KNOWN_POOLS if address in accounts), None)
    return StateFile(
        path=path,
        block_number=number,
        timestamp=timestamp,
        chain_id=KNOWN_POOLS[pool] if pool else None,
        pool=pool,
        accounts=accounts,
    )


def gzipped_state(path: Path) -> bytes:
    """The dump at `path` as gzip, the form `anvil_loadState` takes. Raises StateFileMalformed."""
    return gzip.compress(_content(path), compresslevel=1, mtime=0)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
    except OSError as error:
        raise StateFileMalformed(path, error.strerror or "gzip data is damaged") from error
    except (EOFError, zlib.error) as error:
        raise StateFileMalformed(path, f"gzip data is damaged ({error})") from error


def _parsed(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(_content(path))
    except ValueError as error:
        raise StateFileMalformed(path, f"not JSON ({error})") from error
    if not isinstance(state, dict):
        raise StateFileMalformed(path, "the JSON is not an object")
    return state


def _accounts(path: Path, state: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
    accounts = state.get("accounts")
    if not isinstance(accounts, dict) or not accounts:
        raise StateFileMalformed(path, "it holds no accounts")
    for address, account in accounts.items():
        _require_account(path, address, account)
    return {address.lower(): account for address, account in accounts.items()}


def _require_account(path: Path, address: str, account: Any) -> None:
    if not _ADDRESS.match(address):
        raise StateFileMalformed(path, f"{address!r} is not an address")
    if not isinstance(account, dict) or not _matches(_CODE, account.get("code", "0x")):
        raise StateFileMalformed(path, f"account {address} has no readable code")
    storage = account.get("storage", {})
    if not isinstance(storage, dict) or not all(
        _matches(_HEX, word) for pair in storage.items() for word in pair
    ):
        raise StateFileMalformed(path, f"account {address} has no readable storage")


def _best_block(path: Path, state: dict[str, Any]) -> tuple[int, int]:
    """Number and time of the newest block; the list of blocks is unsorted, the environment may be stale."""
    try:
        environment = state["block"]
        number = _integer(state.get("best_block_number") or environment["number"])
        headers = [block["header"] for block in state.get("blocks") or []]
        header = next((found for found in headers if _integer(found["number"]) == number), environment)
        return number, _integer(header["timestamp"])
    except (KeyError, TypeError, ValueError) as error:
        raise StateFileMalformed(path, f"its block has no number and time ({error!r})") from error


def _integer(value: int | str) -> int:
    """JSON number or hex string, both of which anvil has written over time."""
    return value if isinstance(value, int) else int(value, 16)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and bool(pattern.match(value))
