"""Raw JSON-RPC: reads only, bounded tries, one clear error for each cause, no key in any of them."""

import traceback

import pytest
from web3.exceptions import Web3RPCError
from web3.types import RPCEndpoint

from forks.errors import (
    BadUrl,
    ForkError,
    HttpRefused,
    NotJsonRpc,
    RpcFailed,
    Unreachable,
    UpstreamHangs,
    UpstreamRateLimited,
    WriteRefused,
)
from forks.provider import RpcProvider, web3_over
from forks.rpc import BATCH_BYTES, BATCH_REQUESTS, READ_METHODS, Rpc
from tests.forks.servers import FakeServer, serving

KEY = "0123456789abcdef"
WRITES = [
    "eth_sendRawTransaction",
    "eth_sendTransaction",
    "eth_sendTransactionSync",
    "eth_sign",
    "evm_mine",
    "evm_revert",
    "evm_snapshot",
    "anvil_setCode",
    "anvil_reset",
    "hardhat_setBalance",
    "personal_unlockAccount",
    "miner_start",
    "eth_newFilter",
    "ETH_CALL",
]


def quick(url: str, retries: int = 2) -> Rpc:
    return Rpc(url, timeout_s=5.0, retries=retries, pause_s=0.001)


@pytest.mark.parametrize("method", WRITES)
def test_a_method_that_is_not_a_read_is_refused_before_a_byte_is_sent(method: str):
    with serving(FakeServer({method: "0x1"})) as server:
        rpc = quick(server.url)
        for attempt in (
            lambda: rpc.call(method),
            lambda: rpc.batch([("eth_chainId", []), (method, [])]),
            lambda: RpcProvider(rpc).make_request(RPCEndpoint(method), []),
            lambda: RpcProvider(rpc).make_batch_request([(RPCEndpoint(method), [])]),
        ):
            with pytest.raises(WriteRefused) as refused:
                attempt()
            assert refused.value.method == method

        assert server.bodies == []


def test_the_list_of_reads_names_no_write():
    assert not READ_METHODS & set(WRITES)
    assert not [
        name for name in READ_METHODS if "send" in name.lower() or "sign" in name.lower() or "set" in name
    ]


def test_a_result_and_an_error_are_told_apart():
    answers = {
        "eth_chainId": "0x1",
        "eth_call": {"error": {"code": 3, "message": "reverted", "data": "0x12"}},
    }
    with serving(FakeServer(answers)) as server:
        assert quick(server.url).call("eth_chainId") == "0x1"
        with pytest.raises(RpcFailed) as failed:
            quick(server.url).call("eth_call", {}, "latest")

    assert (failed.value.method, failed.value.code, failed.value.message, failed.value.data) == (
        "eth_call",
        3,
        "reverted",
        "0x12",
    )


def test_a_batch_comes_back_in_the_order_it_was_asked_and_in_pieces_of_bounded_size():
    with serving(FakeServer({"web3_sha3": lambda word: word})) as server:
        words = [hex(number) for number in range(2 * BATCH_REQUESTS + 3)]
        assert quick(server.url).batch(("web3_sha3", [word]) for word in words) == words
        assert [len(body) for body in server.bodies] == [BATCH_REQUESTS, BATCH_REQUESTS, 3]

        server.bodies.clear()
        large = ["0x" + "00" * (BATCH_BYTES // 5)] * 4
        assert quick(server.url).batch(("web3_sha3", [word]) for word in large) == large
        assert [len(body) for body in server.bodies] == [2, 2]


def test_a_batch_names_the_request_that_failed():
    with serving(FakeServer({"eth_chainId": "0x1"})) as server, pytest.raises(RpcFailed) as failed:
        quick(server.url).batch([("eth_chainId", []), ("eth_syncing", [])])

    assert failed.value.method == "eth_syncing"


def test_a_batch_with_answers_missing_is_refused():
    body = b'[{"jsonrpc":"2.0","id":1,"result":"0x1"}]'
    with serving(FakeServer({}, body=body)) as server, pytest.raises(NotJsonRpc):
        quick(server.url).batch([("eth_chainId", [])] * 2)


@pytest.mark.parametrize(
    ("server", "cause", "n_requests"),
    [
        (FakeServer({}, status=429), UpstreamRateLimited, 3),
        (
            FakeServer({"eth_chainId": {"error": {"code": 429, "message": "rate limited"}}}),
            UpstreamRateLimited,
            3,
        ),
        (FakeServer({"eth_chainId": {"error": {"code": -32005, "message": "10000 results"}}}), RpcFailed, 1),
        (FakeServer({}, status=503, body=b"<html>busy</html>"), HttpRefused, 3),
        (FakeServer({}, status=401, body=b'{"message":"no such key"}'), HttpRefused, 1),
        (FakeServer({}, status=302, headers={"Location": "/elsewhere"}, body=b""), HttpRefused, 1),
        (FakeServer({}, body=b"<html>hello</html>"), NotJsonRpc, 1),
        (FakeServer({}, body=b"{}"), NotJsonRpc, 1),
    ],
    ids=["429", "429 inside", "-32005 of another kind", "503", "401", "302", "html", "empty object"],
)
def test_each_refusal_has_its_cause_and_only_passing_ones_are_tried_again(
    server: FakeServer, cause: type[ForkError], n_requests: int
):
    server.bodies.clear()
    with serving(server), pytest.raises(cause):
        quick(server.url).call("eth_chainId")

    assert len(server.bodies) == n_requests


def test_a_redirect_is_not_followed():
    with serving(FakeServer({"eth_chainId": "0x1"})) as other:
        redirect = FakeServer({}, status=307, headers={"Location": other.url}, body=b"")
        with serving(redirect), pytest.raises(HttpRefused, match="307"):
            quick(redirect.url).call("eth_chainId")

        assert other.bodies == []


def test_a_read_that_is_refused_twice_and_then_answered_succeeds():
    outcomes = iter([{"error": {"code": 429, "message": "too many"}}] * 2 + ["0x5"])
    with serving(FakeServer({"eth_chainId": lambda: next(outcomes)})) as server:
        assert quick(server.url).call("eth_chainId") == "0x5"


def test_silence_ends_with_a_time_out_that_says_how_long_was_waited():
    with serving(FakeServer({}, hang=True)) as server, pytest.raises(UpstreamHangs) as hangs:
        Rpc(f"{server.url}/v3/{KEY}", timeout_s=0.05, retries=1, pause_s=0.001).call("eth_chainId")

    assert (hangs.value.timeout_s, hangs.value.attempts) == (0.05, 2)
    assert len(server.bodies) == 2


def test_no_key_shows_in_the_whole_traceback_of_a_connection_that_fails():
    with pytest.raises(Unreachable) as caught:
        quick(f"http://127.0.0.1:1/v3/{KEY}", retries=0).call("eth_chainId")

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in repr(quick(f"http://127.0.0.1:1/v3/{KEY}"))


def test_an_error_that_quotes_an_address_is_redacted_for_web3_too():
    message = f"error sending request for url (https://rpc.example.org/v3/{KEY}): {KEY} refused"
    with serving(FakeServer({"eth_chainId": {"error": {"code": -32603, "message": message}}})) as server:
        rpc = Rpc(server.url, secrets=[f"https://rpc.example.org/v3/{KEY}"])
        with pytest.raises(Web3RPCError) as raised:
            _ = web3_over(rpc).eth.chain_id

    assert "error sending request for url (https://rpc.example.org/…): … refused" in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["", "rpc.example.org", "ftp://host/x", "http://", "http://host:99999", "http://[x"]
)
def test_what_is_not_an_http_address_is_refused(url: str):
    with pytest.raises(BadUrl):
        Rpc(url)


def test_web3_reads_through_the_same_door():
    with serving(FakeServer({"eth_chainId": "0x2a", "web3_clientVersion": "Geth/v1"})) as server:
        w3 = web3_over(quick(server.url))

        assert w3.eth.chain_id == 42
        assert w3.is_connected()
        assert server.methods == ["eth_chainId", "web3_clientVersion"]
