"""The recorded cases as tests take them: the project's own files, and where the folder beside it holds the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from forks.recordings import aave_v3
from forks.recordings.replay import CaseReplay, family_of, held_against, record_of, replay_case
from forks.recordings.vector_file import RecordedCase, Recording, read_recording
from protocol.aave_v3 import Rules, rules_of

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests" / "vectors"
SHARED = ROOT.parent / "shared" / "vectors"
FAMILIES = ("aave_v2", "aave_v3", "aave_v4")


@dataclass(frozen=True, kw_only=True)
class OwnCase:
    """One case and the file it is in."""

    recording: Recording
    case: RecordedCase

    def replay(self) -> CaseReplay:
        """Held against the model."""
        return replay_case(self.case, family_of(self.recording), self.recording.revision)


def files_in(folder: Path) -> dict[str, Path]:
    """The vector files of Aave under a folder, by family and name."""
    return {
        f"{family}/{path.name}": path
        for family in FAMILIES
        for path in sorted((folder / family).glob("*.json"))
    }


@cache
def own_recordings() -> tuple[Recording, ...]:
    """Every file that travels with the project."""
    return tuple(read_recording(path) for path in files_in(OWN).values())


def own_cases(protocol: str | None = None) -> list[OwnCase]:
    """Every case of them, or those of one protocol."""
    return [
        OwnCase(recording=recording, case=case)
        for recording in own_recordings()
        if protocol in {None, recording.protocol}
        for case in recording.cases
    ]


def v3_case(own: OwnCase) -> aave_v3.Case:
    """A case of Aave v3 as the model takes it."""
    return aave_v3.case_of(record_of(own.case, family_of(own.recording)), rules_of(own.recording.revision))


def v3_replay(own: OwnCase, rules: Rules) -> CaseReplay:
    """A case of Aave v3 under other rules than its own."""
    record = record_of(own.case, family_of(own.recording))
    return held_against(own.case, aave_v3.outputs_of(aave_v3.case_of(record, rules)))
