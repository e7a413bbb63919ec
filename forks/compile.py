"""Compile the real Aave v3.6 contracts from their npm sources, once: the result is kept by input hash.

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
from pathlib import Path
from typing import Any

from forks.child import uninterrupted
from forks.errors import ForkError
from forks.toolchain import cache_directory, find_node, node_modules, npm_package, npm_version

SOLC_VERSION = "0.8.27"

_ORIGIN = "@aave-dao/aave-v3-origin/src/contracts"
_PROXIES = "@openzeppelin/contracts/proxy/transparent"
_TARGETS = {
    "PoolInstance": f"{_ORIGIN}/instances/PoolInstance.sol",
    "PoolConfiguratorInstance": f"{_ORIGIN}/instances/PoolConfiguratorInstance.sol",
    "ATokenInstance": f"{_ORIGIN}/instances/ATokenInstance.sol",
    "VariableDebtTokenInstance": f"{_ORIGIN}/instances/VariableDebtTokenInstance.sol",
    "PoolAddressesProvider": f"{_ORIGIN}/protocol/configuration/PoolAddressesProvider.sol",
    "ACLManager": f"{_ORIGIN}/protocol/configuration/ACLManager.sol",
    "AaveOracle": f"{_ORIGIN}/misc/AaveOracle.sol",
    "PriceOracleSentinel": f"{_ORIGIN}/misc/PriceOracleSentinel.sol",
    "SequencerOracle": f"{_ORIGIN}/mocks/oracle/SequencerOracle.sol",
    "DefaultReserveInterestRateStrategyV2": f"{_ORIGIN}/misc/DefaultReserveInterestRateStrategyV2.sol",
    "AaveProtocolDataProvider": f"{_ORIGIN}/helpers/AaveProtocolDataProvider.sol",
    "Collector": f"{_ORIGIN}/treasury/Collector.sol",
    "MintableERC20": f"{_ORIGIN}/mocks/tokens/MintableERC20.sol",
    "TransparentUpgradeableProxy": f"{_PROXIES}/TransparentUpgradeableProxy.sol",
    "BorrowLogic": f"{_ORIGIN}/protocol/libraries/logic/BorrowLogic.sol",
    "ConfiguratorLogic": f"{_ORIGIN}/protocol/libraries/logic/ConfiguratorLogic.sol",
    "FlashLoanLogic": f"{_ORIGIN}/protocol/libraries/logic/FlashLoanLogic.sol",
    "LiquidationLogic": f"{_ORIGIN}/protocol/libraries/logic/LiquidationLogic.sol",
    "PoolLogic": f"{_ORIGIN}/protocol/libraries/logic/PoolLogic.sol",
    "SupplyLogic": f"{_ORIGIN}/protocol/libraries/logic/SupplyLogic.sol",
}
"""Contract name to the source that defines it, as a path below the npm packages."""

_REMAPPINGS = {
    "solidity-utils/": "@bgd-labs/solidity-utils/src/",
    "openzeppelin-contracts/contracts/": "@openzeppelin/contracts/",
    "openzeppelin-contracts-upgradeable/contracts/": "@openzeppelin/contracts-upgradeable/",
}
_PACKAGES = ("@aave-dao/aave-v3-origin", *("/".join(path.split("/")[:2]) for path in _REMAPPINGS.values()))
_SETTINGS = {
    "optimizer": {"enabled": True, "runs": 200},
    "evmVersion": "shanghai",
    "metadata": {"bytecodeHash": "none"},
    "viaIR": False,
}
"""As `foundry.toml` of aave-dao/aave-v3-origin@v3.6.0 has them."""

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


class CompilationFailed(ForkError):
    """The compiler refused the sources or did not run to its end."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"solc {SOLC_VERSION} did not compile the Aave v3.6 sources: {reason}; "
            "run `npm ci` to restore the packages"
        )


class WrongCompiler(ForkError):
    """The installed solc is not the pinned one."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"npm package solc is {found}, {SOLC_VERSION} is needed: run `npm ci`")


def aave_v36_output(progress: Progress | None = None) -> dict[str, Any]:
    """Solc's standard-JSON output for the v3.6 contracts, `contracts[source][name]`, cached by input hash.

    Every contract has its `abi`; the deployed ones also `evm.bytecode`. Raises PackageMissing, NodeMissing,
    WrongCompiler, CompilationFailed.
    """
    text = json.dumps(_standard_input(), sort_keys=True)
    digest = hashlib.sha256(f"{_compiler_version()}\n{text}".encode()).hexdigest()
    kept = cache_directory("solc") / f"{digest}.json"
    if (output := _load(kept)) is not None:
        return output
    with _only_one_process(kept.with_suffix(".lock")):
        if (output := _load(kept)) is None:
            output = _compile(text, progress or (lambda _seconds: None))
            _store(kept, output)
    return output


def _compiler_version() -> str:
    found = npm_version("solc")
    if found != SOLC_VERSION:
        raise WrongCompiler(found)
    return found


def _standard_input() -> dict[str, Any]:
    selection: dict[str, dict[str, list[str]]] = {"*": {"*": ["abi"]}}
    for name, source in _TARGETS.items():
        selection.setdefault(source, {})[name] = ["evm.bytecode.object", "evm.bytecode.linkReferences"]
    return {
        "language": "Solidity",
        "sources": {name: {"content": content} for name, content in _sources().items()},
        "settings": {
            **_SETTINGS,
            "remappings": [f"{prefix}={target}" for prefix, target in _REMAPPINGS.items()],
            "outputSelection": selection,
        },
    }


def _sources() -> Mapping[str, str]:
    """The targets and all they import, by path below the npm packages."""
    for package in _PACKAGES:
        npm_package(package)
    found: dict[str, str] = {}
    waiting = list(_TARGETS.values())
    while waiting:
        source = waiting.pop()
        if source not in found:
            found[source] = _read(source)
            waiting += [_resolve(name, source) for name in _IMPORT.findall(found[source])]
    return dict(sorted(found.items()))


def _read(source: str) -> str:
    try:
        return (node_modules() / source).read_text(encoding="utf-8")
    except OSError as error:
        raise CompilationFailed(f"source {source} is missing") from error


def _resolve(imported: str, importer: str) -> str:
    """Path below the npm packages that `imported` means in `importer`, as solc resolves it."""
    if imported.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported))
    matching = [prefix for prefix in _REMAPPINGS if imported.startswith(prefix)]
    if not matching:
        return imported
    longest = max(matching, key=len)
    return _REMAPPINGS[longest] + imported.removeprefix(longest)


def _compile(text: str, progress: Progress) -> dict[str, Any]:
    command = [str(find_node()), "-e", _RUN_SOLC, str(npm_package("solc"))]
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
        raise CompilationFailed(first_line or f"Node exit code {child.returncode}")
    return _checked(json.loads(out))


def _wait(child: subprocess.Popen[bytes], still_running: Callable[[], None]) -> tuple[bytes, bytes]:
    while True:
        try:
            return child.communicate(timeout=_PROGRESS_EVERY_S)
        except subprocess.TimeoutExpired:
            still_running()


def _checked(output: dict[str, Any]) -> dict[str, Any]:
    for problem in output.get("errors", []):
        if problem["severity"] == "error":
            raise CompilationFailed(problem["formattedMessage"].strip().replace("\n", " "))
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
