"""The node under a market that is deployed here: one of our own, or one that was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from forks.crash.where import Where
from forks.node import Node
from forks.toolchain import find_anvil

MARKET_TIME = 1_742_379_600
"""Time of a market that is deployed here: that of the prices it starts with [unix seconds]."""

STATES_KEPT = 64
"""Old states that stay readable: what a market is seasoned over is thousands of blocks."""


@contextmanager
def own_node(where: Where) -> Iterator[tuple[Node, str]]:
    """The node and what `Venue.source` says of it; on leaving it is gone, or as it was found."""
    if where.node_url:
        with Node.attach(where.node_url) as node:
            yield node, "node"
        return
    anvil = find_anvil(where.anvil)
    with Node.start(anvil.path, port=where.port, timestamp=MARKET_TIME, prune_history=STATES_KEPT) as node:
        yield node, "deployed"
