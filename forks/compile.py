"""Compile real contracts from their npm sources, once: the result is kept by input hash.

What is to be compiled, with which compiler and how, is a `Job`; `forks.compile_jobs` has those of the project.

The compiler is npm's `solc` run through Node. What goes in is exactly what the targets import, so any change
of a source, of the compiler or of a setting gives another hash and a new compilation. Two processes that
need the same result wait for one of them to make it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import posixpath
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forks.child import uninterrupted
from forks.errors import ForkError
from forks.toolchain import cache_directory, find_node, node_modules, npm_package, npm_version

_IMPORT = re.compile(r"""^\s*import\s+(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]""", re.MULTILINE)
_RUN_SOLC = """
const solc = require(process.argv[1]);
let input = '';
process.stdin.on('data', (chunk) => (input += chunk));
process.stdin.on('end', () => process.stdout.write(solc.compile(input)));
"""
_PROGRESS_EVERY_S = 0.5

Progress = Callable[[float], None]
"""Called with the seconds since the compilation began, about twice a second, only while one runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is compiled together, and how."""

    name: str
    """Whose contracts these are, for messages."""
    compiler: str
    """npm package of the compiler: `solc`, or an alias of one of its versions."""
    compiler_version: str
    targets: Mapping[str, str]
    """Contract name to the source that defines it, as a path below the npm packages."""
    packages: tuple[str, ...]
    """npm packages that the sources come from."""
    remappings: Mapping[str, str]
    """What an import begins with to what is read instead, a path below the npm packages."""
    settings: Mapping[str, Any]
    """Solc's settings without remappings and output selection."""


class CompilationFailed(ForkError):
    """The compiler refused the sources or did not run to its end."""

    def __init__(self, job: Job, reason: str) -> None:
        self.job, self.reason = job, reason
        super().__init__(
            f"solc {job.compiler_version} did not compile the {job.name} sources: {reason}; "
            "run `npm ci` to restore the packages"
        )


class WrongCompiler(ForkError):
    """The installed compiler is not the one that the job names."""

    def __init__(self, job: Job, found: str) -> None:
        self.job, self.found = job, found
        super().__init__(
            f"npm package {job.compiler} is {found}, {job.name} needs {job.compiler_version}: run `npm ci`"
        )


def compiled(job: Job, progress: Progress | None = None) -> dict[str, Any]:
    """Solc's standard-JSON output for the contracts of `job`, `contracts[source][name]`, cached by input hash.

    Every contract has its `abi`; the targets also `evm.bytecode`. Raises PackageMissing, NodeMissing,
    WrongCompiler, CompilationFailed.
    """
    text = json.dumps(_standard_input(job), sort_keys=True)
    digest = hashlib.sha256(f"{_compiler_version(job)}\n{text}".encode()).hexdigest()
    kept = cache_directory("solc") / f"{digest}.json"
    if (output := _load(kept)) is not None:
        return output
    with _only_one_process(kept.with_suffix(".lock")):
        if (output := _load(kept)) is None:
            output = _compile(job, text, progress or (lambda _seconds: None))
            _store(kept, output)
    return output


def _compiler_version(job: Job) -> str:
    found = npm_version(job.compiler)
    if found != job.compiler_version:
        raise WrongCompiler(job, found)
    return found


def _standard_input(job: Job) -> dict[str, Any]:
    selection: dict[str, dict[str, list[str]]] = {"*": {"*": ["abi"]}}
    for name, source in job.targets.items():
        selection.setdefault(source, {})[name] = ["evm.bytecode.object", "evm.bytecode.linkReferences"]
    return {
        "language": "Solidity",
        "sources": {name: {"content": content} for name, content in _sources(job).items()},
        "settings": {
            **job.settings,
            "remappings": [f"{prefix}={target}" for prefix, target in job.remappings.items()],
            "outputSelection": selection,
        },
    }


def _sources(job: Job) -> Mapping[str, str]:
    """The targets and all they import, by path below the npm packages."""
    for package in job.packages:
        npm_package(package)
    found: dict[str, str] = {}
    waiting = list(job.targets.values())
    while waiting:
        source = waiting.pop()
        if source not in found:
            found[source] = _read(job, source)
            waiting += [_resolve(job, name, source) for name in _IMPORT.findall(found[source])]
    return dict(sorted(found.items()))


def _read(job: Job, source: str) -> str:
    try:
        return (node_modules() / source).read_text(encoding="utf-8")
    except OSError as error:
        raise CompilationFailed(job, f"source {source} is missing") from error


def _resolve(job: Job, imported: str, importer: str) -> str:
    """Path below the npm packages that `imported` means in `importer`, as solc resolves it."""
    if imported.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported))
    matching = [prefix for prefix in job.remappings if imported.startswith(prefix)]
    if not matching:
        return imported
    longest = max(matching, key=len)
    return job.remappings[longest] + imported.removeprefix(longest)


def _compile(job: Job, text: str, progress: Progress) -> dict[str, Any]:
    command = [str(find_node()), "-e", _RUN_SOLC, str(npm_package(job.compiler))]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as source:
        source.write(text)
        source.seek(0)
        # The input is a file: a pipe that is not drained before the first time-out is never written again.
        pipe = subprocess.PIPE
        with ExitStack() as life:
            with uninterrupted():  # a signal between its start and our knowing of it would leave it running
                child = life.enter_context(subprocess.Popen(command, stdin=source, stdout=pipe, stderr=pipe))
                life.callback(child.kill)
            out, err = _wait(child, lambda: progress(time.monotonic() - began))
    if child.returncode != 0:
        first_line = err.decode(errors="replace").strip().partition("\n")[0]
        raise CompilationFailed(job, first_line or f"Node exit code {child.returncode}")
    return _checked(job, json.loads(out))


def _wait(child: subprocess.Popen[bytes], still_running: Callable[[], None]) -> tuple[bytes, bytes]:
    while True:
        try:
            return child.communicate(timeout=_PROGRESS_EVERY_S)
        except subprocess.TimeoutExpired:
            still_running()


def _checked(job: Job, output: dict[str, Any]) -> dict[str, Any]:
    for problem in output.get("errors", []):
        if problem["severity"] == "error":
            raise CompilationFailed(job, problem["formattedMessage"].strip().replace("\n", " "))
    return {"contracts": output["contracts"]}


def _load(kept: Path) -> dict[str, Any] | None:
    """What was kept, or None where there is nothing or it is not what was written."""
    try:
        seal, _, body = kept.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return json.loads(body) if seal == hashlib.sha256(body.encode()).hexdigest() else None


def _store(kept: Path, output: dict[str, Any]) -> None:
    """Write beside and rename, so that a reader sees all of it or nothing."""
    body = json.dumps(output, separators=(",", ":"))
    handle, name = tempfile.mkstemp(dir=kept.parent, prefix=kept.stem, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}")
        Path(name).replace(kept)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _only_one_process(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
