"""What every test shares: no network but loopback, no surprise from the environment, repeatable draws."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.", "::1", "localhost")

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile(  # for `make mutants`: quick, as every mutant runs them anew
    "mutants", hypothesis.settings.get_profile("repeatable"), max_examples=15
)
hypothesis.settings.load_profile("repeatable")
np.seterr(all="raise")


class NetworkInTest(AssertionError):
    """A test tried to leave this machine; nothing was sent."""


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection of the test's own process that would leave the machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not str(address[0]).startswith(LOOPBACK):
            raise NetworkInTest(f"a test tried to connect to {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_upstream_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the user's own RPC addresses, so that a test never forks a real chain by accident."""
    for name in ("ETH_RPC_URL", "MAINNET_RPC_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Recorded outside facts that live beside the checkout; the test is skipped where they are absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "vectors").is_dir():
        pytest.skip("the recorded facts of ../shared are absent")
    return folder
