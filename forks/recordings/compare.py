"""What a file expects and what the model says, laid out as leaves and held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic_core import PydanticCustomError

from forks.recordings.errors import RecordingMalformed
from forks.recordings.records import signed, uint
from forks.recordings.vector_file import RecordedCase

Leaf = int | bool | str | None
INFORMATION = "reverts_raw"
"""What the contract returned, in its own words; not compared."""
NAMES = frozenset({"reverts", "after.irm.type"})
"""Leaves that are texts; all others are integers, flags or null."""
SIGNED = "_signed"
"""What the name of a leaf ends in that may be negative."""
KEYS = frozenset({"asset_index", "market_id", "reserve_id"})
"""Fields by which items of a list are told apart; else by their place in it."""
IN_TURN = frozenset({"repaid", "seized"})
"""Lists of what one call did step by step, where two steps may name one market: told apart by their place."""
ABSENT = "absent"


def recorded_leaves(case: RecordedCase) -> dict[str, Leaf]:
    """Every leaf of `expect` by its path, read by the rules for values; raises `RecordingMalformed`."""
    leaves: dict[str, Leaf] = {}
    for path, raw in _flat({key: item for key, item in case.expect.items() if key != INFORMATION}):
        if path in leaves:
            raise RecordingMalformed(case.file, "is there twice", case=case.name, field=f"expect.{path}")
        leaves[path] = _leaf(case, path, raw)
    return leaves


def modelled_leaves(outputs: Mapping[str, Any]) -> dict[str, Leaf]:
    """Every leaf of the model's answer by its path."""
    return dict(_flat(outputs))


def compared(recorded: Mapping[str, Leaf], modelled: Mapping[str, Leaf]) -> dict[str, bool]:
    """Whether each leaf is equal; one that only one side has is not. `null` stands for absent."""
    paths = (*recorded, *(path for path in modelled if path not in recorded))
    return {path: _same(recorded.get(path), modelled.get(path)) for path in paths}


def shown(leaves: Mapping[str, Leaf], path: str) -> str:
    """A leaf as the file would write it."""
    value = leaves.get(path)
    if isinstance(value, bool):
        return str(value).lower()
    return ABSENT if value is None else str(value)


def missing_field(case: RecordedCase, outputs: Mapping[str, Any]) -> str | None:
    """The first field the model has and `expect` lacks though both tell of the same outcome.

    A missing item of a list is a difference; a missing field is a value that the file forgot.
    """
    if (case.expect.get("reverts") is None) != ("reverts" not in outputs):
        return None
    return next(_missing(case.expect, outputs), None)


def _same(recorded: Leaf, modelled: Leaf) -> bool:
    return type(recorded) is type(modelled) and recorded == modelled  # True == 1, but a flag is no integer


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, item in enumerate(cast("list[Any]", value)):
            yield from _flat(item, f"{path}[{_key_of(item, place, path)}]")
    else:
        yield path, value


def _key_of(item: Any, place: int, path: str) -> str:
    keys = KEYS & item.keys() if isinstance(item, dict) else frozenset[str]()
    return f"{place}" if not keys or path.rsplit(".", maxsplit=1)[-1] in IN_TURN else f"{item[min(keys)]}"


def _leaf(case: RecordedCase, path: str, raw: Any) -> Leaf:
    if raw is None or isinstance(raw, bool) or (path in NAMES and isinstance(raw, str)):
        return raw
    try:
        return signed(raw) if path.endswith(SIGNED) else uint(raw)
    except PydanticCustomError as error:
        raise RecordingMalformed(case.file, error.message(), case=case.name, field=f"expect.{path}") from None


def _missing(recorded: Any, modelled: Any, path: str = "expect") -> Iterator[str]:
    if isinstance(modelled, dict):
        fields = cast("dict[str, Any]", modelled)
        for key, item in fields.items():
            if not isinstance(recorded, dict) or key not in recorded:
                yield f"{path}.{key}"
            else:
                yield from _missing(recorded[key], item, f"{path}.{key}")
    elif isinstance(modelled, list):
        if not isinstance(recorded, list):
            yield path
            return
        items = {_key_of(item, place, path): item for place, item in enumerate(cast("list[Any]", recorded))}
        for place, item in enumerate(cast("list[Any]", modelled)):
            key = _key_of(item, place, path)
            if key in items:
                yield from _missing(items[key], item, f"{path}[{key}]")
