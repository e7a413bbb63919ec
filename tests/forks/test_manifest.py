"""The versions in a manifest are those of what is installed, also where something is not."""

from __future__ import annotations

import json

import pytest

from forks import toolchain
from forks.crash.manifest import NPM_PACKAGES, versions
from forks.toolchain import PackageMissing


def installed(folder, versions_by_name):
    for name, version in versions_by_name.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "package.json").write_text(json.dumps({"version": version}))


def test_npm_versions_are_those_installed_not_those_locked(tmp_path, monkeypatch):
    wanted = {name: f"9.9.{place}" for place, name in enumerate((*NPM_PACKAGES, "solc"))}
    installed(tmp_path, wanted)
    monkeypatch.setenv("UNDERWATER_NODE_MODULES", str(tmp_path))

    found = versions("anvil/v0")

    assert {**found["npm"], "solc": found["solc"]} == wanted
    assert found["anvil"] == "anvil/v0"


def test_a_package_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERWATER_NODE_MODULES", str(tmp_path))

    with pytest.raises(PackageMissing, match="solc"):
        versions("anvil/v0")


def test_without_node_the_manifest_says_so(tmp_path, monkeypatch):
    """What an earlier Node compiled is kept, so that a run needs none."""
    monkeypatch.setattr(toolchain, "_WHEEL_NODE", "none/*")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert versions("anvil/v0")["node.js"] is None
