"""Why a vector file cannot be replayed: one class per cause, the place named."""

from __future__ import annotations

from collections.abc import Iterable

from forks.errors import ForkError


class RecordingMalformed(ForkError):
    """A vector file breaks the format: which file, case and field, and how."""

    def __init__(self, file: str, what: str, *, case: str = "", field: str = "") -> None:
        self.file, self.case, self.field, self.what = file, case, field, what
        parts = (file, case and f"case {case}", field)
        where = ", ".join(part for part in parts if part)
        super().__init__(f"vector file {where}: {what}; the format is docs/vector-format.md")


class NotModelled(ForkError):
    """A vector file records a protocol, or a revision of one, that has no model here."""

    def __init__(self, file: str, protocol: str, revision: str, modelled: Iterable[str]) -> None:
        self.file, self.protocol, self.revision = file, protocol, revision
        self.modelled = tuple(modelled)
        super().__init__(
            f"vector file {file}: {protocol} {revision} is not modelled, nothing was checked; "
            f"there are {', '.join(self.modelled)}"
        )
