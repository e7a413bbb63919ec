"""Nothing is written to an endpoint that is not a local development node, whatever it looks like."""

import socket
from pathlib import Path
from typing import Any

import pytest
from web3.types import RPCEndpoint

from forks.errors import ForkError, NotADevelopmentNode, UpstreamHangs
from forks.guard import LocalNode, verify_local_development_node
from forks.node import Node
from forks.provider import RpcProvider
from tests.forks.servers import FakeServer, serving

PROBES = ["web3_clientVersion", "anvil_nodeInfo"]
GETH = {
    "web3_clientVersion": "Geth/v1.14.0-stable/linux-amd64/go1.22",
    "eth_chainId": "0x1",
    "evm_mine": "0x0",
}
ANVIL: dict[str, Any] = {
    "web3_clientVersion": "anvil/v1.7.1",
    "anvil_nodeInfo": {"hardFork": "Cancun"},
    "eth_chainId": "0x7a69",
    "evm_mine": "0x0",
}
IMPOSTORS = {
    "geth on chain 1": FakeServer(GETH),
    "geth on anvil's chain id": FakeServer(GETH | {"eth_chainId": "0x7a69"}),
    "geth that answers anvil_nodeInfo": FakeServer(GETH | {"anvil_nodeInfo": {"hardFork": "Cancun"}}),
    "anvil by name alone": FakeServer({"web3_clientVersion": "anvil/v1.7.1"}),
    "anvil with an empty node info": FakeServer(ANVIL | {"anvil_nodeInfo": None}),
    "anvil inside another name": FakeServer(ANVIL | {"web3_clientVersion": "Geth/anvil/v1"}),
    "a redirect": FakeServer(ANVIL, status=307, headers={"Location": "http://127.0.0.1:9/"}),
    "an error status": FakeServer(ANVIL, status=500),
    "a page": FakeServer(ANVIL, body=b"<html>"),
    "one that closes each connection": FakeServer(ANVIL, close=True),
}

REFUSED_AT_ONCE = set(IMPOSTORS) - {"anvil by name alone", "anvil with an empty node info"}


@pytest.mark.parametrize("name", IMPOSTORS)
def test_an_impostor_on_loopback_is_refused_and_receives_only_the_probes(name: str):
    server = IMPOSTORS[name]
    with serving(server):
        for attempt in (verify_local_development_node, LocalNode, Node.attach):
            server.methods.clear()
            with pytest.raises(NotADevelopmentNode) as refused:
                attempt(server.url)
            assert server.methods == (PROBES[:1] if name in REFUSED_AT_ONCE else PROBES)
            assert refused.value.url == server.url


@pytest.mark.parametrize(
    "url",
    [
        "http://rpc.example.org",
        "http://rpc.example.org:8545/v3/key",
        "http://93.184.216.34:8545",
        "http://0.0.0.0:8545",
        "http://10.0.0.1:8545",
        "http://[::]:8545",
        "http://[::ffff:127.0.0.1]:8545",
        "http://localhost.example.org:8545",
        "http://127.0.0.1.example.org:8545",
        "http://2130706433:8545",
        "https://127.0.0.1:8545",
        "http://127.0.0.1:8545/v3/key",
        "http://127.0.0.1:8545?x=1",
        "http://user:pass@127.0.0.1:8545",
        "http://127.0.0.1@rpc.example.org:8545",
    ],
)
def test_an_address_that_is_not_plainly_loopback_is_refused_without_a_connection(
    url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(socket, "getaddrinfo", _fail)
    monkeypatch.setattr(socket.socket, "connect", _fail)

    with pytest.raises(NotADevelopmentNode):
        verify_local_development_node(url)


def test_a_redirect_to_a_real_anvil_is_not_followed():
    with serving(FakeServer(ANVIL)) as real:
        redirect = FakeServer(ANVIL, status=307, headers={"Location": real.url})
        with serving(redirect), pytest.raises(NotADevelopmentNode):
            verify_local_development_node(redirect.url)

        assert real.bodies == []


def test_a_localhost_that_leads_elsewhere_is_refused_without_a_connection(monkeypatch: pytest.MonkeyPatch):
    elsewhere = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 8545)) for address in ("127.0.0.1", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: elsewhere)
    monkeypatch.setattr(socket.socket, "connect", _fail)

    with pytest.raises(NotADevelopmentNode, match=r"10\.0\.0\.1"):
        verify_local_development_node("http://localhost:8545")


def test_a_connection_that_ends_elsewhere_is_refused_before_a_byte_is_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket.socket, "getpeername", lambda _: ("10.0.0.1", 8545), raising=False)
    with serving(FakeServer(ANVIL)) as server:
        with pytest.raises(NotADevelopmentNode, match=r"10\.0\.0\.1"):
            verify_local_development_node(server.url)

        assert server.bodies == []


def test_what_answers_as_anvil_on_loopback_may_be_written_to():
    with serving(FakeServer(ANVIL)) as server:
        node = verify_local_development_node(server.url)
        assert node.write("evm_mine") == "0x0"
        assert server.methods[:2] == PROBES
        assert server.methods[-1] == "evm_mine"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch):
    with serving(FakeServer(GETH)) as proxy, serving(FakeServer(ANVIL)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        verify_local_development_node(server.url).write("evm_mine")

        assert proxy.bodies == []


def test_a_node_replaced_behind_its_port_is_asked_again_before_the_next_write():
    with serving(FakeServer(ANVIL)) as server:
        node = verify_local_development_node(server.url)
        node.close()  # as when the node restarts: the next request needs a new connection
        server.answers = dict(GETH)
        server.methods.clear()

        with pytest.raises(NotADevelopmentNode):
            node.write("evm_mine")
        with pytest.raises(NotADevelopmentNode):
            RpcProvider(node).make_request(RPCEndpoint("evm_mine"), [])

        assert set(server.methods) == {"web3_clientVersion"}


def test_a_write_is_never_sent_twice():
    busy = {"error": {"code": 429, "message": "too many requests"}}
    with serving(FakeServer(ANVIL | {"evm_mine": busy})) as server:
        with pytest.raises(ForkError):
            verify_local_development_node(server.url).write("evm_mine")

        assert server.methods.count("evm_mine") == 1


def test_an_endpoint_that_hangs_while_it_is_asked_who_it_is_ends_in_a_time_out():
    with serving(FakeServer(ANVIL, hang=True)) as server, pytest.raises(UpstreamHangs) as hangs:
        verify_local_development_node(server.url, timeout_s=0.1)

    assert hangs.value.timeout_s == 0.1


def test_the_real_anvil_passes_by_literal_and_by_localhost(anvil: Path):
    with Node.start(anvil) as node:
        for url in (node.url, node.url.replace("127.0.0.1", "localhost"), node.url + "/"):
            local = verify_local_development_node(url)
            assert local.client_version.startswith("anvil/")
            local.close()


def _fail(*args: object, **kwargs: object):
    raise AssertionError("a connection or a look-up was made")
