"""What tests of the chain share: the anvil binary, and one plain node for each test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forks.node import Node
from forks.toolchain import find_anvil


@pytest.fixture(scope="session")
def anvil() -> Path:
    """Path of the anvil that the toolchain finds; without one the tests fail, they do not skip."""
    return find_anvil().path


@pytest.fixture
def node(anvil: Path) -> Iterator[Node]:
    """A plain node of this test alone."""
    with Node.start(anvil) as started:
        yield started
