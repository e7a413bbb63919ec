"""A person's choice of market: deployed here, forked at a block, loaded from a state, or on a node that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[float], None]
"""Told every now and then how many seconds the compiler has been running."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Exactly one of the first three may be given, none means deploy."""

    fork_urls: str | None = None
    state: str | None = None
    node_url: str | None = None
    block: int | None = None
    pool: str | None = None
    """Address of the contract that is called, where it is not the known one."""
    anvil: Path | None = None
    port: int | None = None
