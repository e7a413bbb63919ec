"""Windows of time in which something does not happen."""

from __future__ import annotations

from collections.abc import Iterable

Window = tuple[int, int]
"""[start, end) in unix seconds."""


def inside(windows: Iterable[Window], timestamp: int) -> bool:
    """Whether `timestamp` [unix seconds] lies in one of the windows."""
    return any(start <= timestamp < end for start, end in windows)
