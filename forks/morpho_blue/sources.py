"""Where a Morpho Blue market is: deployed from the published sources, on a node of our own or one that runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from forks.artifacts import morpho_blue
from forks.crash.node_venue import node_facts
from forks.crash.own_node import own_node
from forks.crash.where import Progress, Where
from forks.morpho_blue.deploy import deploy
from forks.morpho_blue.example import example_market, example_pair
from forks.morpho_blue.opening import season
from forks.morpho_blue.reader import MarketReader
from forks.morpho_blue.venue import MorphoBlueVenue

NOTE = "deployed from the npm sources of Morpho Blue 1.0.0; one isolated market, example parameters"


@contextmanager
def open_venue(where: Where, progress: Progress) -> Iterator[MorphoBlueVenue]:
    """A market that has lived for a month; on leaving, our node is gone or the other as it was found."""
    contracts = morpho_blue(progress)
    with own_node(where) as (node, source):
        deployment = deploy(node, [example_market()])
        market = deployment.markets[0]
        venue = MorphoBlueVenue(
            node=node,
            source=source,
            errors=contracts.errors,
            reader=MarketReader(node, deployment.morpho, market),
            deployment=deployment,
            pair=example_pair(),
            notes=[NOTE],
            **node_facts(node, {"Morpho": deployment.morpho, "AdaptiveCurveIrm": market.irm}),
        )
        season(venue)
        yield venue
