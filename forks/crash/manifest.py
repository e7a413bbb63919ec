"""What a manifest says: with which versions, on which market, and from which files results were made."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from forks.crash.venue import Venue
from forks.toolchain import NPM_LOCK, NodeMissing, find_node, npm_version, version_of
from protocol.model import User
from stress.engine import Crash

PACKAGES = ("web3", "eth-abi", "numpy", "pandas", "pyarrow", "matplotlib")
"""Python packages whose numbers are in the results."""
NPM_PACKAGES = (
    "@aave-dao/aave-v3-origin",
    "@aave/core-v3",
    "@bgd-labs/solidity-utils",
    "@morpho-org/morpho-blue",
    "@openzeppelin/contracts",
    "@openzeppelin/contracts-upgradeable",
    "@thenextblock/hardhat-compound",
    "@venusprotocol/isolated-pools",
    "solc-0.8.25",
    "sphere-mezo-solidity-files",
)
"""npm packages that contracts, and the compilers beside solc, come from."""


def provenance(venue: Venue, files: Mapping[str, Path]) -> dict[str, Any]:
    """Where the market and the figures are from, read before anything falls: chain, block, files by role.

    The hash of the block is that of a fork's: elsewhere blocks are this node's own.
    """
    inputs = {**files, **venue.inputs, "package-lock": NPM_LOCK}
    return {
        "chain_id": int(venue.node.rpc.call("eth_chainId"), 16),
        "pool": venue.address,
        "block": venue.start_block,
        "block_hash": _block_hash(venue) if venue.source == "fork" else None,
        "inputs": {role: _described(path) for role, path in inputs.items() if path.is_file()},
    }


def manifest(
    venue: Venue,
    crash: Crash,
    origin: Mapping[str, Any],
    *,
    accounts: Sequence[User],
    notes: Sequence[str],
) -> dict[str, Any]:
    """What a run was made with.

    origin: its `provenance`. accounts: those named instead of a book. notes: differences from the book.
    """
    return {
        "versions": versions(venue.node_version),
        "scenario": json.loads(json.dumps(asdict(crash.scenario))),
        "seed": crash.scenario.seed,
        **origin,
        "timestamp": crash.timestamps[0],
        "accounts": list(accounts),
        "notes": [*venue.notes, *notes],
    }


def versions(anvil: str) -> dict[str, Any]:
    """Everything whose version can change the results; `anvil` names itself."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "underwater": version("underwater"),
        **{name: version(name) for name in PACKAGES},
        "anvil": anvil,
        "node.js": _node_version(),
        "solc": npm_version("solc"),
        "npm": {name: npm_version(name) for name in NPM_PACKAGES},
    }


def _node_version() -> str | None:
    """None where there is none: what it compiled earlier is kept."""
    try:
        return version_of(find_node())
    except NodeMissing:
        return None


def _block_hash(venue: Venue) -> str:
    return str(venue.node.rpc.call("eth_getBlockByNumber", hex(venue.start_block), False)["hash"])


def _described(path: Path) -> dict[str, str]:
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
