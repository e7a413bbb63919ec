"""What a fork starts from is checked before a node is started: each thing that can be wrong has its error."""

from typing import Any

import pytest

from forks.errors import (
    BadUrl,
    ForkError,
    NotJsonRpc,
    NoUpstreamAnswers,
    StateNotServed,
    UnknownBlock,
    Unreachable,
    UpstreamHangs,
    UpstreamRateLimited,
    WrongChain,
)
from forks.rpc import READ_METHODS
from forks.upstream import ForkPoint, fork_point
from tests.forks.servers import FakeServer, serving

HEAD = 19_471_508
HEADER = {
    "timestamp": "0x65fa0000",
    "parentBeaconBlockRoot": "0x00",
    "withdrawalsRoot": "0x00",
    "baseFeePerGas": "0x1",
}


def mainnet(**changes: Any) -> dict[str, Any]:
    def block(number: str, full: bool) -> dict[str, str] | None:
        return HEADER | {"number": number} if int(number, 16) <= HEAD else None

    answers = {
        "eth_chainId": "0x1",
        "eth_blockNumber": hex(HEAD),
        "eth_getBlockByNumber": block,
        "eth_getBalance": "0x0",
    }
    return answers | changes


def inspect(url: str, **options: Any) -> ForkPoint:
    return fork_point(url, timeout_s=options.pop("timeout_s", 5.0), retries=0, **options)


def test_a_good_endpoint_gives_a_pinned_block_and_receives_only_reads():
    with serving(FakeServer(mainnet())) as server:
        key_url = f"{server.url}/v3/0123456789"
        point = inspect(key_url, block=HEAD - 5, chain_id=1)

        assert point == ForkPoint(
            chain_id=1,
            block_number=HEAD - 5,
            timestamp=0x65FA0000,
            hardfork="cancun",
            redacted_url=f"{server.url}/…",
            url=key_url,
        )
        assert "0123456789" not in repr(point)
        assert set(server.methods) <= READ_METHODS


def test_without_a_block_the_head_is_pinned():
    with serving(FakeServer(mainnet())) as server:
        assert inspect(server.url).block_number == HEAD


@pytest.mark.parametrize(
    ("header", "hardfork"),
    [
        ({"requestsHash": "0x00", "parentBeaconBlockRoot": "0x00", "withdrawalsRoot": "0x00"}, "prague"),
        ({"parentBeaconBlockRoot": "0x00", "withdrawalsRoot": "0x00"}, "cancun"),
        ({"withdrawalsRoot": "0x00", "baseFeePerGas": "0x1"}, "shanghai"),
        ({"difficulty": "0x0", "baseFeePerGas": "0x1"}, "paris"),
        ({"difficulty": "0xff", "baseFeePerGas": "0x1"}, "london"),
        ({"difficulty": "0xff"}, "berlin"),
    ],
)
def test_the_hardfork_is_read_from_the_header(header: dict[str, str], hardfork: str):
    answers = mainnet(eth_getBlockByNumber={"timestamp": "0x1", **header})
    with serving(FakeServer(answers)) as server:
        assert inspect(server.url).hardfork == hardfork


PRUNED = {"error": {"code": -32000, "message": "missing trie node"}}


@pytest.mark.parametrize(
    ("server", "options", "cause"),
    [
        (FakeServer(mainnet(), hang=True), {"timeout_s": 0.05}, UpstreamHangs),
        (FakeServer(mainnet(), status=429), {}, UpstreamRateLimited),
        (FakeServer(mainnet(eth_chainId="0xa")), {"chain_id": 1}, WrongChain),
        (FakeServer(mainnet()), {"block": HEAD + 1}, UnknownBlock),
        (FakeServer(mainnet()), {"block": -1}, UnknownBlock),
        (FakeServer(mainnet(eth_getBlockByNumber=None)), {"block": 5}, UnknownBlock),
        (FakeServer(mainnet(eth_getBalance=PRUNED)), {"block": 5}, StateNotServed),
        (FakeServer(mainnet(eth_chainId=None)), {}, NotJsonRpc),
        (FakeServer(mainnet(), body=b"<html>"), {}, NotJsonRpc),
    ],
    ids=["hangs", "429", "wrong chain", "future", "negative", "no block", "pruned", "no number", "html"],
)
def test_each_fault_of_an_endpoint_has_its_own_error(
    server: FakeServer, options: dict[str, Any], cause: type[ForkError]
):
    with serving(server), pytest.raises(cause):
        inspect(server.url, **options)


def test_an_unknown_block_is_named_beside_the_head():
    with serving(FakeServer(mainnet())) as server, pytest.raises(UnknownBlock) as unknown:
        inspect(server.url, block=HEAD + 7)

    assert (unknown.value.block_number, unknown.value.head_number) == (HEAD + 7, HEAD)


def test_the_first_endpoint_that_can_be_used_wins():
    with serving(FakeServer(mainnet(eth_chainId="0xa"))) as other, serving(FakeServer(mainnet())) as good:
        point = inspect(f"http://127.0.0.1:1, {other.url} ,{good.url}", chain_id=1)

        assert point.url == good.url


def test_where_no_endpoint_can_be_used_each_says_why():
    with serving(FakeServer(mainnet(eth_chainId="0xa"))) as other, pytest.raises(NoUpstreamAnswers) as none:
        inspect(f"http://127.0.0.1:1,{other.url}", chain_id=1)

    assert [type(error) for error in none.value.errors] == [Unreachable, WrongChain]


def test_no_endpoint_at_all_is_refused():
    with pytest.raises(BadUrl):
        inspect(" , ")
