"""The default crash in memory, run once for all who look at it."""

from __future__ import annotations

import pytest

from stress.engine import Crash, Engine, Run
from tests.stress.markets import crash_of


@pytest.fixture(scope="session")
def default_crash() -> Crash:
    return crash_of()


@pytest.fixture(scope="session")
def default_run(default_crash: Crash) -> Run:
    return Engine(crash=default_crash).run()
