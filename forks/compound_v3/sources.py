"""Where a Comet is: forked at a block, loaded from a state, or on a node that already runs; none is deployed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forks.compound_v3.calls import ERRORS
from forks.compound_v3.errors import NoCometHere
from forks.compound_v3.reader import MarketReader
from forks.compound_v3.venue import CompoundV3Venue
from forks.crash.node_venue import node_facts
from forks.crash.where import Progress, Where
from forks.node import Node
from forks.state_file import describe_state
from forks.toolchain import find_anvil
from forks.upstream import fork_point

KNOWN_COMETS = {1: "0xc3d688B66703497DAA19211EEdff47f25384cdc3"}
"""Chain id to a market: on Ethereum that of USDC."""


@contextmanager
def open_venue(where: Where, progress: Progress) -> Iterator[CompoundV3Venue]:
    """The Comet of a person's choice; on leaving, our node is gone and one that was found is as it was found."""
    if where.node_url:
        with Node.attach(where.node_url) as node:
            yield _standing(node, "node", where.pool)
    elif where.state:
        state = describe_state(Path(where.state))
        with Node.start(
            find_anvil(where.anvil).path,
            port=where.port,
            chain_id=state.chain_id or 31_337,
            timestamp=state.timestamp,
            state_file=state.path,
        ) as node:
            known = (one for one in KNOWN_COMETS.values() if one.lower() in state.accounts)
            venue = _standing(node, "state", where.pool or next(known, None))
            venue.start_block, venue.inputs = state.block_number, {"state": state.path}
            yield venue
    else:
        point = fork_point(where.fork_urls or "", block=where.block)
        with Node.start(
            find_anvil(where.anvil).path,
            port=where.port,
            fork_url=point.url,
            fork_block=point.block_number,
            hardfork=point.hardfork,
        ) as node:
            yield _standing(node, "fork", where.pool)


def _standing(node: Node, source: str, pool: str | None) -> CompoundV3Venue:
    """The named Comet, or the known one of that chain. Raises NoCometHere, NotAComet."""
    chain_id = int(node.rpc.call("eth_chainId"), 16)
    comet = pool or KNOWN_COMETS.get(chain_id)
    if not comet or node.rpc.call("eth_getCode", comet, "latest") == "0x":
        raise NoCometHere(comet or f"chain {chain_id}")
    reader = MarketReader(node, comet)
    contracts = {
        "Comet": reader.listing.comet,
        reader.listing.config.base_symbol: reader.listing.config.base_asset,
    }
    contracts |= {one.symbol: one.asset for one in reader.listing.assets}
    return CompoundV3Venue(
        node=node, source=source, errors=ERRORS, reader=reader, **node_facts(node, contracts)
    )
