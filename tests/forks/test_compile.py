"""The compilation is kept by what goes into it; what is kept is checked before it is used."""

import shutil
import subprocess
import sys

import pytest

from forks import compile as compiling
from forks.toolchain import PackageMissing, node_modules

OUTPUT = {"contracts": {"a/A.sol": {"A": {"abi": []}}}}
TWO_AT_ONCE = """
import sys, time
from forks import compile as compiling

def compile_slowly(text, progress):
    with open(sys.argv[1], "a") as log:
        log.write("compiled\\n")
    time.sleep(1)
    return {"contracts": {}}

compiling._compile = compile_slowly
compiling.aave_v36_output()
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
    monkeypatch.setattr(compiling, "_compile", lambda text, _progress: inputs.append(text) or OUTPUT)
    return inputs


def kept(cache):
    return sorted(cache.glob("*.json"))


def test_the_second_time_nothing_is_compiled(cache, compilations):
    assert compiling.aave_v36_output() == OUTPUT
    assert compiling.aave_v36_output() == OUTPUT

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
    compiling.aave_v36_output()
    (file,) = kept(cache)
    whole = file.read_bytes()
    file.write_bytes(damaged(whole))

    assert compiling.aave_v36_output() == OUTPUT
    assert len(compilations) == 2
    assert file.read_bytes() == whole


def test_another_setting_is_another_compilation(cache, compilations, monkeypatch):
    compiling.aave_v36_output()
    monkeypatch.setitem(compiling._SETTINGS, "evmVersion", "paris")
    compiling.aave_v36_output()

    assert len(compilations) == len(kept(cache)) == 2


def test_two_processes_compile_once(cache, tmp_path):
    log = tmp_path / "log"
    workers = [subprocess.Popen([sys.executable, "-c", TWO_AT_ONCE, str(log)]) for _ in range(2)]

    assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
    assert log.read_text().splitlines() == ["compiled"]


def test_the_compiler_runs_and_tells_of_its_progress(cache, monkeypatch):
    source = "pragma solidity ^0.8.0; contract Small { error Wrong(); function f() external {} }"
    monkeypatch.setattr(compiling, "_TARGETS", {"Small": "Small.sol"})
    monkeypatch.setattr(compiling, "_sources", lambda: {"Small.sol": source})
    monkeypatch.setattr(compiling, "_PROGRESS_EVERY_S", 0.05)
    told: list[float] = []
    small = compiling.aave_v36_output(told.append)["contracts"]["Small.sol"]["Small"]

    assert small["evm"]["bytecode"]["object"].startswith("60")
    assert {entry["name"] for entry in small["abi"]} == {"f", "Wrong"}
    assert told
    assert told == sorted(told)


def test_an_error_of_the_compiler_is_one_line(cache, monkeypatch):
    monkeypatch.setattr(compiling, "_sources", lambda: {"A.sol": "contract MintableERC20 { nonsense }"})

    with pytest.raises(compiling.CompilationFailed, match="ParserError") as caught:
        compiling.aave_v36_output()
    assert "\n" not in str(caught.value)
    assert not kept(cache)


def test_another_solc_is_refused(cache, tmp_path, monkeypatch):
    package = tmp_path / "npm" / "solc"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.8.28"}')
    monkeypatch.setenv("UNDERWATER_NODE_MODULES", str(tmp_path / "npm"))
    monkeypatch.setattr(compiling, "_sources", dict)

    with pytest.raises(compiling.WrongCompiler, match=r"0\.8\.28"):
        compiling.aave_v36_output()


def test_missing_sources_are_named(cache, tmp_path, monkeypatch):
    package = tmp_path / "npm" / "solc"
    package.mkdir(parents=True)
    shutil.copy(node_modules() / "solc" / "package.json", package)
    monkeypatch.setenv("UNDERWATER_NODE_MODULES", str(tmp_path / "npm"))

    with pytest.raises(PackageMissing, match="aave-v3-origin"):
        compiling.aave_v36_output()


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
    assert compiling._resolve(imported, importer) == resolved
