"""Where the market is: deployed here, forked at a block, loaded from a state, or on a node that already runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from forks.aave_v3 import tokens
from forks.aave_v3.deploy import deploy
from forks.aave_v3.errors import NoMarketHere
from forks.aave_v3.mainnet_19471508 import build, code_differences, load, read_figures, read_market_handle
from forks.aave_v3.mainnet_19471508.market import MarketHandle
from forks.aave_v3.opening import season
from forks.aave_v3.parameters import load_parameters
from forks.aave_v3.reader import MarketReader
from forks.aave_v3.venue import Venue
from forks.artifacts import aave_v36
from forks.node import Node
from forks.state_file import describe_state
from forks.toolchain import find_anvil
from forks.upstream import ForkPoint, fork_point
from protocol.aave_v3 import rules_of

MAINNET_19471508 = "mainnet-19471508"
KNOWN_POOLS = {1: "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"}
"""Chain id to the core pool."""
MARKET_TIME = 1_742_379_600
"""Time of a market that is deployed here: that of its carried parameters [unix seconds]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """A person's choice of market; exactly one of the first three may be given, none means deploy."""

    fork_urls: str | None = None
    state: str | None = None
    node_url: str | None = None
    block: int | None = None
    pool: str | None = None
    anvil: Path | None = None
    port: int | None = None


Note = Callable[[str], None]


@contextmanager
def open_venue(where: Where, note: Note) -> Iterator[Venue]:
    """The venue of the chosen market; on leaving, our node is gone and one that was found is as it was found."""
    if where.node_url:
        with Node.attach(where.node_url) as node:
            yield _on_running_node(node, where, note)
    elif where.fork_urls:
        point = fork_point(where.fork_urls, block=where.block)
        with _forked(where, point) as node:
            yield _existing(node, "fork", _known_pool(node, where.pool), note)
    elif where.state:
        with _from_state(where, note) as venue:
            yield venue
    else:
        anvil = find_anvil(where.anvil)
        with Node.start(anvil.path, port=where.port, timestamp=MARKET_TIME) as node:
            yield _deployed(node, "deployed", note)


def _deployed(node: Node, source: str, note: Note) -> Venue:
    contracts = aave_v36(note)
    deployment = deploy(node, load_parameters(), contracts)
    venue = _venue(
        node,
        source,
        deployment.pool,
        pool_revision=deployment.pool_revision,
        contracts={name: code_hash for name, (_, code_hash) in deployment.contracts.items()},
        fund=partial(_mint_up_to, node),
        notes=["deployed from the npm sources of aave-v3-origin 3.6.0 with mainnet parameters of 2025-03-19"],
    )
    season(venue, venue.prices())
    return venue


def _existing(node: Node, source: str, pool: str, note: Note, *, handle: MarketHandle | None = None) -> Venue:
    rules = None
    if handle is None:
        handle = read_market_handle(node, pool)
        rules_of(handle.pool_revision)
    else:
        rules = handle.revision
    return _venue(
        node,
        source,
        pool,
        pool_revision=handle.pool_revision,
        contracts=handle.code_hashes,
        fund=partial(tokens.deal, node),
        revision=rules,
        notes=[f"{what} was written in: the record lacks it" for what in handle.filled],
    )


def _venue(
    node: Node,
    source: str,
    pool: str,
    *,
    pool_revision: int,
    contracts: Mapping[str, str],
    fund: Callable[[str, str, int], None],
    notes: list[str],
    revision: str | None = None,
) -> Venue:
    return Venue(
        node=node,
        source=source,
        reader=MarketReader(node, pool, revision=revision),
        pool_revision=pool_revision,
        errors=aave_v36().errors,
        fund_token=fund,
        contracts=contracts,
        node_version=node.rpc.call("web3_clientVersion"),
        start_block=int(node.rpc.call("eth_blockNumber"), 16),
        notes=notes,
    )


def _on_running_node(node: Node, where: Where, note: Note) -> Venue:
    """The named pool, the known one of that chain if it is there, else our own deployment."""
    pool = where.pool or KNOWN_POOLS.get(int(node.rpc.call("eth_chainId"), 16))
    if pool and node.rpc.call("eth_getCode", pool, "latest") != "0x":
        return _existing(node, "node", pool, note)
    if where.pool:
        raise NoMarketHere(where.pool)
    return _deployed(node, "node", note)


def _forked(where: Where, point: ForkPoint) -> Node:
    return Node.start(
        find_anvil(where.anvil).path,
        port=where.port,
        fork_url=point.url,
        fork_block=point.block_number,
        hardfork=point.hardfork,
    )


@contextmanager
def _from_state(where: Where, note: Note) -> Iterator[Venue]:
    anvil = find_anvil(where.anvil).path
    if where.state == MAINNET_19471508:
        figures = read_figures()
        with Node.start(anvil, port=where.port, chain_id=1, timestamp=figures.timestamp) as node:
            handle = build(node)
            venue = _existing(node, "state", handle.pool, note, handle=handle)
            venue.notes += _code_notes(node)
            yield venue
        return
    state = describe_state(Path(str(where.state)))
    chain_id = state.chain_id or 31_337
    with Node.start(anvil, port=where.port, chain_id=chain_id, timestamp=state.timestamp) as node:
        handle = load(node, state.path, pool=where.pool)
        yield _existing(node, "state", handle.pool, note, handle=handle if handle.revision else None)


def _code_notes(node: Node) -> list[str]:
    """Which contracts are not, to the byte, those that the chain had."""
    return [
        f"{d.name} ({d.address}) differs from the recorded code"
        + (" in the compiler's metadata only" if d.metadata_only else "")
        + f": {d.found_hash}, recorded {d.recorded_hash}"
        for d in code_differences(node, read_figures())
    ]


def _known_pool(node: Node, pool: str | None) -> str:
    chain_id = int(node.rpc.call("eth_chainId"), 16)
    known = pool or KNOWN_POOLS.get(chain_id)
    if not known or node.rpc.call("eth_getCode", known, "latest") == "0x":
        raise NoMarketHere(known or f"chain {chain_id}")
    return known


def _mint_up_to(node: Node, token: str, to: str, amount: int) -> None:
    missing = amount - tokens.balance_of(node, token, to)
    if missing > 0:
        tokens.mint(node, token, to, missing)
