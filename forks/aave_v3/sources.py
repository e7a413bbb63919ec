"""Where the market is: deployed here, forked at a block, loaded from a state, or on a node that already runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from eth_abi.exceptions import DecodingError

from forks.aave_v3 import tokens
from forks.aave_v3.code_hashes import read_code_hashes
from forks.aave_v3.deploy import deploy
from forks.aave_v3.errors import NoMarketHere, RevisionNotTold
from forks.aave_v3.getters import Question, ask
from forks.aave_v3.mainnet_19471508 import (
    CodeDifference,
    MarketHandle,
    build,
    code_differences,
    load,
    read_figures,
)
from forks.aave_v3.mainnet_19471508.figures import DATA as RECORDED_FIGURES
from forks.aave_v3.opening import season
from forks.aave_v3.parameters import ETHEREUM_2025_03_19, load_parameters
from forks.aave_v3.reader import MarketReader
from forks.aave_v3.venue import AaveVenue
from forks.artifacts import aave_v36
from forks.crash.own_node import MARKET_TIME
from forks.crash.where import Progress, Where
from forks.node import Node
from forks.state_file import StateFile, describe_state
from forks.toolchain import find_anvil
from forks.upstream import ForkPoint, fork_point
from protocol.aave_v3 import rules_of
from protocol.errors import UnknownRevision

MAINNET_19471508 = "mainnet-19471508"
KNOWN_POOLS = {1: "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"}
"""Chain id to the core pool."""
_SHARED_REVISION = 1  # `POOL_REVISION()` of every 3.0.x source


@contextmanager
def open_venue(where: Where, progress: Progress) -> Iterator[AaveVenue]:
    """The venue of the chosen market; on leaving, our node is gone and one that was found is as it was found."""
    if where.node_url:
        with Node.attach(where.node_url) as node:
            yield _on_running_node(node, where, progress)
    elif where.fork_urls:
        point = fork_point(where.fork_urls, block=where.block)
        with _forked(where, point) as node:
            yield _existing(node, "fork", _known_pool(node, where.pool), progress)
    elif where.state:
        with _from_state(where, progress) as venue:
            yield venue
    else:
        anvil = find_anvil(where.anvil)
        with Node.start(anvil.path, port=where.port, timestamp=MARKET_TIME) as node:
            yield _deployed(node, "deployed", progress)


def _deployed(node: Node, source: str, progress: Progress) -> AaveVenue:
    contracts = aave_v36(progress)
    deployment = deploy(node, load_parameters(), contracts)
    venue = _venue(
        node,
        source,
        MarketReader(node, deployment.pool),
        progress,
        contracts={name: code_hash for name, (_, code_hash) in deployment.contracts.items()},
        fund=partial(_mint_up_to, node),
        notes=["deployed from the npm sources of aave-v3-origin 3.6.0 with mainnet parameters of 2025-03-19"],
        inputs={"parameters": ETHEREUM_2025_03_19},
    )
    season(venue, venue.prices())
    return venue


def _existing(
    node: Node, source: str, pool: str, progress: Progress, *, record: MarketHandle | None = None
) -> AaveVenue:
    """The market of `pool` as it stands; `record`: that of the recorded block, whose revision is known."""
    revision = record.revision if record else None
    if revision is None:
        rules_of(ask(node, [Question(pool, "POOL_REVISION()")])[0].word)
    try:
        reader = MarketReader(node, pool, revision=revision)
    except DecodingError as error:
        raise NoMarketHere(pool) from error
    return _venue(
        node,
        source,
        reader,
        progress,
        contracts=record.code_hashes if record else read_code_hashes(node, reader.listing),
        fund=partial(tokens.deal, node),
        notes=[f"{what} was written in: the record lacks it" for what in record.filled] if record else [],
        inputs={"figures": RECORDED_FIGURES} if record else {},
    )


def _venue(
    node: Node,
    source: str,
    reader: MarketReader,
    progress: Progress,
    *,
    contracts: Mapping[str, str],
    fund: Callable[[str, str, int], None],
    notes: list[str],
    inputs: Mapping[str, Path],
) -> AaveVenue:
    return AaveVenue(
        node=node,
        source=source,
        reader=reader,
        pool_revision=ask(node, [Question(reader.listing.pool, "POOL_REVISION()")])[0].word,
        errors=aave_v36(progress).errors,
        fund_token=fund,
        contracts=contracts,
        node_version=node.rpc.call("web3_clientVersion"),
        start_block=int(node.rpc.call("eth_blockNumber"), 16),
        notes=notes,
        inputs=inputs,
    )


def _on_running_node(node: Node, where: Where, progress: Progress) -> AaveVenue:
    """The named pool, the known one of that chain if it is there, else our own deployment."""
    pool = where.pool or KNOWN_POOLS.get(int(node.rpc.call("eth_chainId"), 16))
    if pool and node.rpc.call("eth_getCode", pool, "latest") != "0x":
        return _existing(node, "node", pool, progress)
    if where.pool:
        raise NoMarketHere(where.pool)
    return _deployed(node, "node", progress)


def _forked(where: Where, point: ForkPoint) -> Node:
    return Node.start(
        find_anvil(where.anvil).path,
        port=where.port,
        fork_url=point.url,
        fork_block=point.block_number,
        hardfork=point.hardfork,
    )


@contextmanager
def _from_state(where: Where, progress: Progress) -> Iterator[AaveVenue]:
    anvil = find_anvil(where.anvil).path
    if where.state == MAINNET_19471508:
        with Node.start(anvil, port=where.port, chain_id=1, timestamp=read_figures().timestamp) as node:
            yield _recorded(node, build(node), progress)
        return
    state = describe_state(Path(str(where.state)))
    chain_id = state.chain_id or 31_337
    with Node.start(anvil, port=where.port, chain_id=chain_id, timestamp=state.timestamp) as node:
        yield _loaded(node, state, where.pool, progress)


def _loaded(node: Node, state: StateFile, pool: str | None, progress: Progress) -> AaveVenue:
    """The market of a state file, which knows its own block: the node stands above it."""
    try:
        handle = load(node, state.path, pool=pool)
        recorded = handle.revision is not None
        venue = (
            _recorded(node, handle, progress) if recorded else _existing(node, "state", handle.pool, progress)
        )
    except UnknownRevision as error:
        if error.revision == _SHARED_REVISION:
            raise RevisionNotTold(state.path) from error
        raise
    venue.start_block, venue.inputs = state.block_number, {**venue.inputs, "state": state.path}
    return venue


def _recorded(node: Node, record: MarketHandle, progress: Progress) -> AaveVenue:
    """The market of the recorded block, built or loaded, with what is not as the chain had it in its notes."""
    venue = _existing(node, "state", record.pool, progress, record=record)
    figures = read_figures()
    venue.start_block = figures.block_number
    venue.notes += _code_notes(code_differences(node, figures))
    return venue


def _code_notes(differences: Sequence[CodeDifference]) -> Iterator[str]:
    """Which contracts are not, to the byte, those that the chain had: one line for each kind of difference."""
    kinds: dict[str, list[str]] = {}
    for one in differences:
        found, recorded = one.found_hash[:10], (one.recorded_hash or "")[:10]
        if not recorded:
            kinds.setdefault("contracts that the record does not hold", []).append(f"{one.name} {found}")
        else:
            what = "code hash differs from the recorded one"
            what += ", by the compiler's metadata only" if one.metadata_only else ""
            kinds.setdefault(what, []).append(f"{one.name} {found}, recorded {recorded}")
    for what, contracts in kinds.items():
        yield f"{what}: {'; '.join(contracts)}"


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
