"""Compiled contracts: their interface, their code with the libraries linked in, the names of their errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple, function_signature_to_4byte_selector

from forks.compile import Job, Progress, compiled
from forks.compile_jobs import AAVE_V36, ADAPTIVE_CURVE_IRM, MORPHO_BLUE
from forks.errors import ForkError
from forks.toolchain import PackageMissing, npm_package

EMPTY_REVERT = "EmptyRevert"
"""Name of a revert without data: overflow in assembly, a missing function, out of gas, a bare `revert()`."""

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_CAST = re.compile(r"SafeCast: value doesn't fit in \d+ bits")
"""What OpenZeppelin's casts said before they had an error for it."""
_STRING_CODE = re.compile(r"string public constant (\w+) = '(\d+)'")


class LibraryNotLinked(ForkError):
    """A contract needs the address of a library that was not given."""

    def __init__(self, contract: str, library: str) -> None:
        self.contract, self.library = contract, library
        super().__init__(f"{contract} needs the address of library {library}: deploy that first and pass it")


class UnknownFunction(ForkError):
    """A contract has no function of that name (or several)."""

    def __init__(self, contract: str, function: str, n_found: int) -> None:
        self.contract, self.function, self.n_found = contract, function, n_found
        super().__init__(f"{contract} has {n_found} functions {function!r}: give its full signature")


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One compiled contract as the compiler left it: libraries still to be linked."""

    name: str
    source: str
    """Where the source is, below the npm packages."""
    abi: list[dict[str, Any]]
    bytecode: str
    """Creation code in hex without 0x, with a placeholder for each library; empty for an interface."""
    link_references: Mapping[str, tuple[int, ...]]
    """Library name to the byte offsets where its address belongs."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """Names of the libraries that must be deployed first."""
        return tuple(self.link_references)

    def creation(self, *arguments: Any, libraries: Mapping[str, str] | None = None) -> bytes:
        """Data of the transaction that creates the contract. Raises LibraryNotLinked."""
        constructor = next((entry for entry in self.abi if entry["type"] == "constructor"), {"inputs": []})
        return link(self, libraries or {}) + encode(_types(constructor["inputs"]), arguments)

    def call(self, function: str, *arguments: Any) -> bytes:
        """Data of a call of `function`: its name, or its signature where several share the name.

        Raises UnknownFunction.
        """
        matching = [
            entry
            for entry in self.abi
            if entry["type"] == "function" and function in {entry["name"], _signature(entry)}
        ]
        if len(matching) != 1:
            raise UnknownFunction(self.name, function, len(matching))
        selector = function_signature_to_4byte_selector(_signature(matching[0]))
        return selector + encode(_types(matching[0]["inputs"]), arguments)


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorTable:
    """Names of the ways in which contracts revert."""

    by_selector: Mapping[bytes, str]
    """First four bytes of the revert data to the name of the custom error."""
    by_code: Mapping[str, str]
    """Error string to the name of its cause; the numbers of Aave up to v3.3 ('45') have that of the custom error
    that came later, and what is not here is a name itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contracts:
    """A set of artifacts by contract name, with all errors that they can revert with."""

    artifacts: Mapping[str, Artifact]
    errors: ErrorTable

    def __getitem__(self, name: str) -> Artifact:
        return self.artifacts[name]


def aave_v36(progress: Progress | None = None) -> Contracts:
    """The contracts of Aave v3.6, compiled from their npm sources (see `forks.compile`).

    Its errors are the custom ones of every compiled contract and the numbered strings of 3.0.2.
    """
    every = _compiled_artifacts(AAVE_V36, progress)
    selectors = _selectors(entry for one in every for entry in one.abi)
    errors = ErrorTable(by_selector=selectors, by_code=aave_v302_errors().by_code)
    return Contracts(artifacts=_deployable(every), errors=errors)


def morpho_blue(progress: Progress | None = None) -> Contracts:
    """Morpho Blue with its mocks and AdaptiveCurveIrm, compiled from their npm sources.

    The interface of `Morpho` has the events too that its library emits. It reverts with strings that are names.
    """
    every = [*_compiled_artifacts(MORPHO_BLUE, progress), *_compiled_artifacts(ADAPTIVE_CURVE_IRM, progress)]
    artifacts = _deployable(every)
    emitted = [entry for one in every if one.name == "EventsLib" for entry in one.abi]
    morpho = replace(artifacts["Morpho"], abi=artifacts["Morpho"].abi + emitted)
    return Contracts(artifacts={**artifacts, "Morpho": morpho}, errors=ErrorTable(by_selector={}, by_code={}))


def compound_v2(names: Iterable[str]) -> Contracts:
    """The contracts `names` of Compound v2 (compound-finance/compound-protocol@4aa526d), published bytecode.

    What reverts at all does so with strings that are names; `forks.compound_v2.failures` reads the rest.
    """
    package, folder = "@thenextblock/hardhat-compound", "dist/artifacts/contracts/compound"
    artifacts = {name: hardhat_artifact(package, name, folder) for name in names}
    return Contracts(artifacts=artifacts, errors=ErrorTable(by_selector={}, by_code={}))


def venus_isolated(names: Iterable[str]) -> Contracts:
    """The contracts `names` of Venus isolated pools 1.0.0, proxies and access control too, published bytecode."""
    artifacts = {name: hardhat_artifact("@venusprotocol/isolated-pools", name, "artifacts") for name in names}
    selectors = _selectors(entry for one in artifacts.values() for entry in one.abi)
    return Contracts(artifacts=artifacts, errors=ErrorTable(by_selector=selectors, by_code={}))


@cache
def hardhat_artifact(package: str, name: str, folder: str = "artifacts/contracts") -> Artifact:
    """The contract `name` as npm's `package` has it in `folder`, compiled by Hardhat; no mock if there is a choice.

    Raises PackageMissing.
    """
    within = npm_package(package) / folder
    found = sorted(within.rglob(f"{name}.sol/{name}.json"), key=lambda path: ("mocks" in path.parts, path))
    if not found:
        raise PackageMissing(f"{package} with a contract {name}")
    body = json.loads(found[0].read_text(encoding="utf-8"))
    return Artifact(
        name=name,
        source=f"{package}/{body['sourceName']}",
        abi=body["abi"],
        bytecode=body["bytecode"].removeprefix("0x"),
        link_references=_offsets(body["linkReferences"]),
    )


def aave_v30(package: str, names: Iterable[str]) -> Contracts:
    """The contracts `names` of Aave v3.0.x, as npm's `package` (a release of @aave/core-v3) has them compiled.

    Its errors are the numbered strings of that release, under the names of 3.0.2 where both have the number.
    """
    by_code = {**_numbered_errors(package), **aave_v302_errors().by_code}
    artifacts = {name: hardhat_artifact(package, name) for name in names}
    return Contracts(artifacts=artifacts, errors=ErrorTable(by_selector={}, by_code=by_code))


@cache
def aave_v302_errors() -> ErrorTable:
    """The numbered error strings of Aave v3.0.2 (npm's @aave/core-v3@1.19.3), named as later versions name them."""
    return ErrorTable(by_selector={}, by_code=_numbered_errors("@aave/core-v3"))


def _numbered_errors(package: str) -> dict[str, str]:
    """Number to name of the error strings in `contracts/protocol/libraries/helpers/Errors.sol` of `package`."""
    source = npm_package(package) / "contracts" / "protocol" / "libraries" / "helpers" / "Errors.sol"
    named: list[tuple[str, str]] = _STRING_CODE.findall(source.read_text(encoding="utf-8"))
    return {code: "".join(_camel_case(word) for word in name.split("_")) for name, code in named}


def _camel_case(word: str) -> str:
    return {"EMODE": "EMode", "ATOKEN": "AToken"}.get(word, word.capitalize())


def link(artifact: Artifact, libraries: Mapping[str, str]) -> bytes:
    """Creation code of `artifact` with the `libraries` (name to address) linked. Raises LibraryNotLinked."""
    code = artifact.bytecode
    for library, offsets in artifact.link_references.items():
        if library not in libraries:
            raise LibraryNotLinked(artifact.name, library)
        address = libraries[library].removeprefix("0x").lower()
        for offset in offsets:
            code = code[: 2 * offset] + address + code[2 * offset + 40 :]
    return bytes.fromhex(code)


def decode_revert(data: bytes, errors: ErrorTable) -> str:
    """Canonical name of what a contract reverted with: an error's name, `Panic(0x11)`, or the bare string.

    A failed cast has one name in all versions. A selector that `errors` does not know is told as
    `UnknownError(0x........)`, no data as EMPTY_REVERT.
    """
    selector, body = data[:4], data[4:]
    if not data:
        return EMPTY_REVERT
    try:
        if selector == _ERROR_STRING:
            # Not strict: contracts of 2020 leave behind their words whatever stood there.
            text = cast("str", decode(["string"], body, strict=False)[0])
            return "SafeCastOverflowedUintDowncast" if _CAST.match(text) else errors.by_code.get(text, text)
        if selector == _PANIC:
            return f"Panic(0x{decode(['uint256'], body)[0]:02x})"
    except DecodingError:
        pass
    return errors.by_selector.get(selector, f"UnknownError(0x{selector.hex()})")


def _compiled_artifacts(job: Job, progress: Progress | None) -> list[Artifact]:
    """All that `job` compiled, interfaces and libraries without code too."""
    output = compiled(job, progress)["contracts"]
    return [
        _from_solc(source, name, body) for source, named in output.items() for name, body in named.items()
    ]


def _deployable(every: Iterable[Artifact]) -> dict[str, Artifact]:
    return {artifact.name: artifact for artifact in every if artifact.bytecode}


def _from_solc(source: str, name: str, body: Mapping[str, Any]) -> Artifact:
    bytecode = body.get("evm", {}).get("bytecode", {"object": "", "linkReferences": {}})
    return Artifact(
        name=name,
        source=source,
        abi=body["abi"],
        bytecode=bytecode["object"],
        link_references=_offsets(bytecode["linkReferences"]),
    )


def _offsets(link_references: Mapping[str, Mapping[str, list[dict[str, int]]]]) -> dict[str, tuple[int, ...]]:
    return {
        library: tuple(place["start"] for place in places)
        for by_library in link_references.values()
        for library, places in by_library.items()
    }


def _selectors(abi: Iterable[Mapping[str, Any]]) -> dict[bytes, str]:
    return {
        function_signature_to_4byte_selector(_signature(entry)): entry["name"]
        for entry in abi
        if entry["type"] == "error"
    }


def _signature(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def _types(inputs: Iterable[Mapping[str, Any]]) -> list[str]:
    return [collapse_if_tuple(cast("Any", one)) for one in inputs]
