"""Where a Compound v2 market is: deployed from the published artifacts, on a node of our own or one that runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from forks.artifacts import compound_v2
from forks.compound_v2.deploy import deploy
from forks.compound_v2.example import example_pool
from forks.compound_v2.opening import season
from forks.compound_v2.reader import MarketReader
from forks.compound_v2.venue import CompoundV2Venue
from forks.crash.node_venue import node_facts
from forks.crash.own_node import own_node
from forks.crash.where import Progress, Where

NOTE = (
    "deployed from the npm artifacts of Compound v2, last Comptroller, with example parameters of 2022's size"
)


@contextmanager
def open_venue(where: Where, progress: Progress) -> Iterator[CompoundV2Venue]:
    """A fresh market that has lived for some blocks; on leaving, our node is gone or the other as it was found."""
    with own_node(where) as (node, source):
        deployment = deploy(node, example_pool())
        reader = MarketReader(node, deployment.comptroller)
        addresses = {"Comptroller": deployment.comptroller}
        addresses |= {f"c{symbol}": one.ctoken for symbol, one in deployment.markets.items()}
        venue = CompoundV2Venue(
            node=node,
            source=source,
            errors=compound_v2(("Unitroller",)).errors,
            reader=reader,
            deployment=deployment,
            notes=[NOTE],
            **node_facts(node, addresses),
        )
        season(venue)
        yield venue
