"""Where a Venus pool is: deployed from the published artifacts, on a node of our own or one that runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from forks.artifacts import venus_isolated
from forks.crash.node_venue import node_facts
from forks.crash.own_node import own_node
from forks.crash.where import Progress, Where
from forks.venus_isolated.deploy import deploy
from forks.venus_isolated.example import example_pool
from forks.venus_isolated.opening import season
from forks.venus_isolated.reader import MarketReader
from forks.venus_isolated.venue import VenusIsolatedVenue

NOTE = (
    "deployed from the npm artifacts of Venus isolated pools 1.0.0, with figures of its core pool on Ethereum"
)


@contextmanager
def open_venue(where: Where, progress: Progress) -> Iterator[VenusIsolatedVenue]:
    """A fresh pool that has lived for some blocks; on leaving, our node is gone or the other as it was found."""
    with own_node(where) as (node, source):
        deployment = deploy(node, example_pool())
        reader = MarketReader(
            node,
            deployment.comptroller,
            shortfall=deployment.shortfall,
            risk_fund=deployment.risk_fund,
        )
        addresses = {"Comptroller": deployment.comptroller, "Shortfall": deployment.shortfall}
        addresses |= {f"v{symbol}": one.vtoken for symbol, one in deployment.markets.items()}
        venue = VenusIsolatedVenue(
            node=node,
            source=source,
            errors=venus_isolated(("Comptroller", "VToken")).errors,
            reader=reader,
            deployment=deployment,
            notes=[NOTE],
            **node_facts(node, addresses),
        )
        season(venue)
        yield venue
