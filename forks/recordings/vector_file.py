"""What every vector file has, whatever its protocol: a head, and named cases of state, action and expect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import from_json

from forks.recordings.errors import RecordingMalformed

FORMAT = 1
"""The one version of the format there is."""

Text = Annotated[str, StringConstraints(min_length=1)]


class _Head(BaseModel):
    """The fields of a file; others are information, as are a case's `tags`."""

    model_config = ConfigDict(strict=True)

    format: int
    protocol: Text
    revision: Text
    provenance: Text
    cases: list[_Case]


class _Case(BaseModel):
    model_config = ConfigDict(strict=True)

    name: Text
    state: dict[str, Any]
    action: dict[str, Any]
    expect: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedCase:
    """One call: the state before it, what was sent, and what came of it; as the file has them."""

    file: str
    name: str
    state: Mapping[str, Any]
    action: Mapping[str, Any]
    expect: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One vector file."""

    file: str
    protocol: str
    revision: str
    cases: tuple[RecordedCase, ...]


def read_recording(path: Path) -> Recording:
    """Read the file at `path`; raises `RecordingMalformed` if it has not the common shape."""
    file = str(path)
    content = _json(file, path)
    if not isinstance(content, dict):
        raise RecordingMalformed(file, f"must hold one JSON object, holds {json.dumps(content)[:20]}")
    try:
        head = _Head.model_validate(content)
    except ValidationError as error:
        raise _malformed(file, content, error) from None
    if head.format != FORMAT:
        raise RecordingMalformed(file, f"must be {FORMAT}, is {head.format}", field="format")
    if not head.cases:
        raise RecordingMalformed(file, "must hold at least one case", field="cases")
    _require_unique(file, [case.name for case in head.cases])
    cases = (RecordedCase(file=file, **dict(case)) for case in head.cases)
    return Recording(file=file, protocol=head.protocol, revision=head.revision, cases=tuple(cases))


def first_error(error: ValidationError, *, skip: int = 0) -> tuple[str, str]:
    """Field and cause of the first thing that is wrong; `skip` parts of the path say nothing new."""
    first = error.errors(include_url=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"][skip:])
    return path.removeprefix("."), first["msg"][0].lower() + first["msg"][1:]


def _json(file: str, path: Path) -> Any:
    try:
        content = path.read_bytes()
        from_json(content, allow_inf_nan=False)  # the strict parser, which also bounds how deep it nests
        return json.loads(content, object_pairs_hook=_object)  # the one that sees a field given twice
    except OSError as error:
        raise RecordingMalformed(file, f"cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise RecordingMalformed(file, f"is not JSON ({error})") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a field given twice would silently lose one value."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError(f"the field {_repeated(name for name, _ in pairs)!r} is there twice in one object")
    return fields


def _malformed(file: str, content: Any, error: ValidationError) -> RecordingMalformed:
    """What is wrong with the common shape, the case named as it names itself."""
    loc = error.errors()[0]["loc"]
    if len(loc) < 2 or not isinstance(loc[1], int):
        field, what = first_error(error)
        return RecordingMalformed(file, what, field=field)
    field, what = first_error(error, skip=2)
    case = content["cases"][loc[1]]
    name = case.get("name") if isinstance(case, dict) else None
    named = name if isinstance(name, str) and name else f"number {loc[1] + 1}"
    return RecordingMalformed(file, what, case=named, field=field)


def _require_unique(file: str, names: list[str]) -> None:
    repeated = _repeated(names)
    if repeated is not None:
        raise RecordingMalformed(file, "two cases have this name", case=repeated, field="name")


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
