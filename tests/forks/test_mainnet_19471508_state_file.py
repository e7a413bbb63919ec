"""A dump is described before a node is started, loaded into one, and refused in one line if it cannot be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forks.aave_v3.mainnet_19471508 import (
    NoPool,
    WrongNodeForState,
    build,
    compare_figures,
    load,
    read_figures,
)
from forks.errors import StateFileMalformed
from forks.node import Node
from forks.state_file import describe_state

FIGURES = read_figures()
POOL = FIGURES.address("Pool")
RECORD = Path(__file__).parents[3] / "shared/mainnet/aave_v3_19471508/anvil_state.json.gz"
ACCOUNT = {"nonce": 0, "balance": "0x0", "code": "0x00", "storage": {"0x0": "0x1"}}
ADDRESS = "0x" + "11" * 20


def dump(**changes: Any) -> dict[str, Any]:
    header = {"number": "0x7", "timestamp": "0x64"}
    old = {"number": "0x6", "timestamp": "0x5a"}
    return {
        "block": {"number": "0x7", "timestamp": "0x1"},
        "accounts": {ADDRESS: ACCOUNT},
        "best_block_number": 7,
        "blocks": [{"header": header}, {"header": old}],
        **changes,
    }


def written(folder: Path, content: Any) -> Path:
    path = folder / "state.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_number_and_time_are_those_of_the_best_block(tmp_path: Path):
    """The environment of a dump may be stale, and its list of blocks is unsorted."""
    state = describe_state(written(tmp_path, dump()))

    assert (state.block_number, state.timestamp) == (7, 100)
    assert (state.chain_id, state.pool) == (None, None)


def test_a_dump_without_blocks_is_described_by_its_environment(tmp_path: Path):
    content = dump(blocks=[], best_block_number=None, block={"number": "0x9", "timestamp": "0x63"})

    state = describe_state(written(tmp_path, gzip.compress(json.dumps(content).encode())))

    assert (state.block_number, state.timestamp) == (9, 99)


def test_a_known_pool_tells_the_chain(tmp_path: Path):
    state = describe_state(written(tmp_path, dump(accounts={POOL: ACCOUNT})))

    assert (state.chain_id, state.pool) == (1, POOL.lower())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\x1f\x8b broken", "gzip data is damaged"),
        (gzip.compress(json.dumps(dump()).encode())[:-20], "gzip data is damaged"),
        (b"\xff\xfe\x00", "not JSON"),
        ([1, 2], "not an object"),
        ({}, "no accounts"),
        (dump(accounts=[ADDRESS]), "no accounts"),
        (dump(accounts={"0x12": ACCOUNT}), "'0x12' is not an address"),
        (dump(accounts={ADDRESS: {**ACCOUNT, "code": "zz"}}), "no readable code"),
        (dump(accounts={ADDRESS: {**ACCOUNT, "code": "0x123"}}), "no readable code"),
        (dump(accounts={ADDRESS: 5}), "no readable code"),
        (dump(accounts={ADDRESS: {**ACCOUNT, "storage": {"0x0": 1}}}), "no readable storage"),
        (dump(accounts={ADDRESS: {**ACCOUNT, "storage": []}}), "no readable storage"),
        (dump(block=None, best_block_number=None), "no number and time"),
        (dump(blocks=[], block={"number": "0x7"}), "no number and time"),
        (dump(blocks=[{"header": {"number": "0x7", "timestamp": "soon"}}]), "no number and time"),
    ],
)
def test_a_malformed_dump_is_refused_in_one_line_that_says_why(tmp_path: Path, content: Any, reason: str):
    path = written(tmp_path, content)

    with pytest.raises(StateFileMalformed) as refused:
        describe_state(path)

    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(StateFileMalformed, match="No such file"):
        describe_state(tmp_path / "none.json")


def test_the_record_describes_itself():
    if not RECORD.is_file():
        pytest.skip(f"the recorded state is not on this machine ({RECORD.name} of ../shared/mainnet)")

    state = describe_state(RECORD)

    assert (state.block_number, state.timestamp) == (FIGURES.block_number, FIGURES.timestamp)
    assert (state.chain_id, state.pool) == (1, POOL.lower())


@pytest.fixture(scope="module")
def own_dump(anvil: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built market as the node itself dumps it: gzip."""
    path = tmp_path_factory.mktemp("dump") / "built.json.gz"
    with Node.start(anvil, chain_id=1, timestamp=FIGURES.timestamp) as node:
        build(node)
        path.write_bytes(bytes.fromhex(node.write("anvil_dumpState")[2:]))
    return path


@pytest.fixture
def mainnet_node(anvil: Path) -> Iterator[Node]:
    with Node.start(anvil, chain_id=1, timestamp=FIGURES.timestamp) as node:
        yield node


@pytest.mark.node
@pytest.mark.parametrize("packed", [True, False])
def test_a_dumped_market_comes_back_with_every_figure(
    own_dump: Path, mainnet_node: Node, tmp_path: Path, *, packed: bool
):
    path = own_dump if packed else written(tmp_path, gzip.decompress(own_dump.read_bytes()))

    market = load(mainnet_node, path)

    assert [
        name for name, recorded, found in compare_figures(mainnet_node, FIGURES) if recorded != found
    ] == []
    assert list(market.reserves) == ["WETH", "DAI"]
    assert (market.pool, market.pool_revision, market.revision) == (POOL, 1, None)
    assert market.filled == ()


@pytest.mark.node
def test_the_pool_may_be_named_and_must_be_one(own_dump: Path, mainnet_node: Node):
    with pytest.raises(NoPool, match=FIGURES.reserves[0].asset):
        load(mainnet_node, own_dump, pool=FIGURES.reserves[0].asset)


@pytest.mark.node
def test_a_state_without_a_known_pool_needs_its_name(anvil: Path, tmp_path: Path):
    with Node.start(anvil) as node, pytest.raises(NoPool, match="--pool ADDRESS"):
        load(node, written(tmp_path, dump()))


@pytest.mark.node
@pytest.mark.parametrize(("chain_id", "timestamp"), [(31337, FIGURES.timestamp), (1, FIGURES.timestamp - 1)])
def test_a_node_of_another_chain_or_an_earlier_time_is_refused(
    anvil: Path, own_dump: Path, chain_id: int, timestamp: int
):
    with (
        Node.start(anvil, chain_id=chain_id, timestamp=timestamp) as node,
        pytest.raises(WrongNodeForState, match=str(timestamp if chain_id == 1 else chain_id)),
    ):
        load(node, own_dump)


@pytest.mark.node
def test_what_anvil_itself_refuses_is_a_malformed_state(mainnet_node: Node, tmp_path: Path):
    path = written(tmp_path, dump(accounts={POOL: ACCOUNT}, block={"number": "0x7"}))

    with pytest.raises(StateFileMalformed):
        load(mainnet_node, path)
