"""The compilation is kept by what goes into it; what is kept is checked before it is used."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from forks import compile as compiling
from forks.compile import Job, compiled
from forks.compile_jobs import AAVE_V36, ADAPTIVE_CURVE_IRM, MORPHO_BLUE
from forks.toolchain import PackageMissing, node_modules

JOBS = (AAVE_V36, MORPHO_BLUE, ADAPTIVE_CURVE_IRM)

OUTPUT = {"contracts": {"a/A.sol": {"A": {"abi": []}}}}
TWO_AT_ONCE = """
import sys, time
from forks import compile as compiling
from forks.compile_jobs import AAVE_V36

def compile_slowly(job, text, progress):
    with open(sys.argv[1], "a") as log:
        log.write("compiled\\n")
    time.sleep(1)
    return {"contracts": {}}

compiling._compile = compile_slowly
compiling.compiled(AAVE_V36)
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("UNDERWATER_CACHE", str(tmp_path))
    return tmp_path / "solc"


@pytest.fixture
def compilations(cache, monkeypatch):
    """The inputs of the compilations that were made, each of them in no time."""
    inputs: list[str] = []
    monkeypatch.setattr(compiling, "_compile", lambda _job, text, _progress: inputs.append(text) or OUTPUT)
    return inputs


def kept(cache):
    return sorted(cache.glob("*.json"))


def test_the_second_time_nothing_is_compiled(cache, compilations):
    assert compiled(AAVE_V36) == OUTPUT
    assert compiled(AAVE_V36) == OUTPUT

    assert len(compilations) == len(kept(cache)) == 1
    assert not list(cache.glob("*.part"))


@pytest.mark.parametrize(
    "damaged",
    [
        lambda whole: whole[:-20],
        lambda whole: whole.replace(b"abi", b"ABI"),
        lambda whole: b"",
        lambda whole: b"\xff" + whole,
    ],
)
def test_what_was_damaged_is_compiled_again(cache, compilations, damaged):
    compiled(AAVE_V36)
    (file,) = kept(cache)
    whole = file.read_bytes()
    file.write_bytes(damaged(whole))

    assert compiled(AAVE_V36) == OUTPUT
    assert len(compilations) == 2
    assert file.read_bytes() == whole


def test_another_setting_is_another_compilation(cache, compilations):
    compiled(AAVE_V36)
    compiled(replace(AAVE_V36, settings={**AAVE_V36.settings, "evmVersion": "paris"}))

    assert len(compilations) == len(kept(cache)) == 2


def test_two_processes_compile_once(cache, tmp_path):
    log = tmp_path / "log"
    workers = [subprocess.Popen([sys.executable, "-c", TWO_AT_ONCE, str(log)]) for _ in range(2)]

    assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
    assert log.read_text().splitlines() == ["compiled"]


def test_jobs_are_kept_apart(cache, compilations):
    for job in (*JOBS, *JOBS):
        compiled(job)

    assert len(compilations) == len(kept(cache)) == len(JOBS)


def small_job(job: Job, monkeypatch: pytest.MonkeyPatch, source: str) -> Job:
    """The job, of one contract `Small` in one source."""
    monkeypatch.setattr(compiling, "_sources", lambda _job: {"Small.sol": source})
    return replace(job, targets={"Small": "Small.sol"})


@pytest.mark.parametrize("job", [AAVE_V36, MORPHO_BLUE], ids=lambda job: job.compiler)
def test_the_compiler_of_a_job_runs_and_tells_of_its_progress(cache, monkeypatch, job):
    source = f"pragma solidity {job.compiler_version}; contract Small {{ error Wrong(); function f() external {{}} }}"
    monkeypatch.setattr(compiling, "_PROGRESS_EVERY_S", 0.05)
    told: list[float] = []
    output = compiled(small_job(job, monkeypatch, source), told.append)
    small = output["contracts"]["Small.sol"]["Small"]

    assert small["evm"]["bytecode"]["object"].startswith("60")
    assert {entry["name"] for entry in small["abi"]} == {"f", "Wrong"}
    assert told
    assert told == sorted(told)


def test_an_error_of_the_compiler_is_one_line(cache, monkeypatch):
    job = small_job(AAVE_V36, monkeypatch, "contract Small { nonsense }")

    with pytest.raises(compiling.CompilationFailed, match=r"Aave v3\.6 sources: .*ParserError") as caught:
        compiled(job)
    assert "\n" not in str(caught.value)
    assert not kept(cache)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.compiler)
def test_another_solc_is_refused(cache, tmp_path, monkeypatch, job):
    package = tmp_path / "npm" / job.compiler
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.8.28"}')
    monkeypatch.setenv("UNDERWATER_NODE_MODULES", str(tmp_path / "npm"))
    monkeypatch.setattr(compiling, "_sources", lambda _job: {})

    with pytest.raises(compiling.WrongCompiler, match=rf"{job.compiler} is 0\.8\.28, {job.name} needs"):
        compiled(job)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.compiler)
def test_missing_sources_are_named(cache, tmp_path, monkeypatch, job):
    package = tmp_path / "npm" / job.compiler
    package.mkdir(parents=True)
    shutil.copy(node_modules() / job.compiler / "package.json", package)
    monkeypatch.setenv("UNDERWATER_NODE_MODULES", str(tmp_path / "npm"))

    with pytest.raises(PackageMissing, match=job.packages[0]):
        compiled(job)


def test_every_source_that_a_job_reads_is_in_a_package_that_it_names():
    for job in JOBS:
        foreign = [source for source in compiling._sources(job) if not source.startswith(job.packages)]
        assert foreign == []
        assert set(job.targets.values()) <= compiling._sources(job).keys()


@pytest.mark.parametrize(
    ("imported", "resolved"),
    [
        ("../../misc/A.sol", "@aave-dao/aave-v3-origin/src/contracts/misc/A.sol"),
        ("./B.sol", "@aave-dao/aave-v3-origin/src/contracts/protocol/pool/B.sol"),
        ("solidity-utils/contracts/C.sol", "@bgd-labs/solidity-utils/src/contracts/C.sol"),
        ("openzeppelin-contracts/contracts/D.sol", "@openzeppelin/contracts/D.sol"),
        ("openzeppelin-contracts-upgradeable/contracts/E.sol", "@openzeppelin/contracts-upgradeable/E.sol"),
        ("@openzeppelin/contracts/F.sol", "@openzeppelin/contracts/F.sol"),
    ],
)
def test_imports_resolve_as_the_compiler_resolves_them(imported, resolved):
    importer = "@aave-dao/aave-v3-origin/src/contracts/protocol/pool/Pool.sol"
    assert compiling._resolve(AAVE_V36, imported, importer) == resolved
