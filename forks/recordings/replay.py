"""A whole vector file through the model: how many values were compared, how many differ, which is the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from forks.recordings.compare import compared, missing_field, modelled_leaves, recorded_leaves, shown
from forks.recordings.errors import NotModelled, RecordingMalformed
from forks.recordings.families import FAMILIES, Family
from forks.recordings.vector_file import RecordedCase, Recording, first_error
from protocol.errors import ModelError


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One value that is not equal; both sides as text, `absent` where a side has none."""

    case: str
    field: str
    recorded: str
    modelled: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseReplay:
    """The comparison of one case."""

    n_values: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileReplay:
    """The comparison of one file."""

    file: str
    protocol: str
    revision: str
    n_cases: int
    n_values: int
    n_differing: int
    first: Difference | None


def family_of(recording: Recording) -> Family:
    """The family whose models replay a file; raises `NotModelled`."""
    family = FAMILIES.get(recording.protocol)
    if family is None:
        raise NotModelled(recording.file, recording.protocol, recording.revision, FAMILIES)
    revisions = family.revisions()
    if revisions and recording.revision not in revisions:
        names = [f"{recording.protocol} {revision}" for revision in revisions]
        raise NotModelled(recording.file, recording.protocol, recording.revision, names)
    return family


def replay_file(recording: Recording) -> FileReplay:
    """Replay every case of a file; raises `NotModelled`, `RecordingMalformed`."""
    family = family_of(recording)
    cases = [replay_case(case, family, recording.revision) for case in recording.cases]
    differences = [difference for case in cases for difference in case.differences]
    return FileReplay(
        file=recording.file,
        protocol=recording.protocol,
        revision=recording.revision,
        n_cases=len(cases),
        n_values=sum(case.n_values for case in cases),
        n_differing=len(differences),
        first=differences[0] if differences else None,
    )


def replay_case(case: RecordedCase, family: Family, revision: str) -> CaseReplay:
    """Replay one call and hold every value of `expect` against the model's."""
    record = record_of(case, family)
    try:
        outputs = family.replayed(record, revision)
    except ModelError as error:
        raise RecordingMalformed(case.file, str(error), case=case.name, field="state") from None
    return held_against(case, outputs)


def record_of(case: RecordedCase, family: Family) -> Any:
    """State and action of a case, checked; raises `RecordingMalformed`."""
    try:
        return family.record.model_validate({"state": case.state, "action": case.action})
    except ValidationError as error:
        field, what = first_error(error)
        raise RecordingMalformed(case.file, what, case=case.name, field=field) from None


def held_against(case: RecordedCase, outputs: dict[str, Any]) -> CaseReplay:
    """The comparison of `expect` with what the model says in the same layout."""
    recorded = recorded_leaves(case)
    if "reverts" in case.expect and "before" not in case.expect:
        outputs = {name: value for name, value in outputs.items() if name != "before"}
    forgotten = missing_field(case, outputs)
    if forgotten is not None:
        raise RecordingMalformed(case.file, "is missing", case=case.name, field=forgotten)
    modelled = modelled_leaves(outputs)
    equal = compared(recorded, modelled)
    different = (
        Difference(case=case.name, field=path, recorded=shown(recorded, path), modelled=shown(modelled, path))
        for path in _reverts_first(path for path, same in equal.items() if not same)
    )
    return CaseReplay(n_values=len(equal), differences=tuple(different))


def _reverts_first(paths: Iterator[str]) -> list[str]:
    """Whether the call fails, and how, explains every other difference."""
    return sorted(paths, key=lambda path: path != "reverts")
