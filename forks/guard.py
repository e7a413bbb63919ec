"""The write guard: nothing is ever written to an endpoint that is not a local development node.

A loopback address is not enough, it may be a tunnel; a chain id is not enough, forks keep their origin's. So
three things must hold: the address is loopback, `web3_clientVersion` names anvil, and `anvil_nodeInfo`
answers. They are asked on every new connection, before anything else may be sent on it: a node replaced
behind the same port is asked again.
"""

import http.client
import json
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from forks.errors import ForkError, NotADevelopmentNode, Unreachable, UpstreamHangs
from forks.rpc import Rpc

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def verify_local_development_node(url: str, *, timeout_s: float = 120.0) -> "LocalNode":
    """Return the right to write to *url*; raises `NotADevelopmentNode`, having sent two reads at most."""
    return LocalNode(url, timeout_s=timeout_s)


class LocalNode(Rpc):
    """Raw JSON-RPC to a local development node, reads and writes: to construct one is to verify *url*.

    *timeout_s* bounds each request (a forking node waits for its upstream); *secrets* are URLs not to show;
    *lost* may say more about a broken connection: the child died. Nothing is retried: no write runs twice.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 120.0,
        secrets: Sequence[str] = (),
        lost: Callable[[], ForkError | None] = lambda: None,
    ) -> None:
        super().__init__(url, timeout_s=timeout_s, retries=0, secrets=secrets)
        _require_loopback_address(self._url)
        self._lost = lost
        self._session.trust_env = False  # a proxy of the environment is not loopback
        self._session.mount("http://", _IntroducedAdapter())
        self.client_version: str = self.call("web3_clientVersion")

    def write(self, method: str, *params: Any) -> Any:
        """Return the result of *method*, which may change the node; raises `RpcFailed`."""
        return self.call(method, *params)

    def _permit(self, method: str) -> None:
        """Permit every method: the connection it goes out on has proved whose it is."""

    def _explained(self, error: ForkError) -> ForkError:
        return (self._lost() if isinstance(error, Unreachable) else None) or error


class _IntroducedConnection(HTTPConnection):
    """A connection that is usable only once the other side has shown that it is a local development node."""

    def connect(self) -> None:
        super().connect()
        url = f"http://{self.host}:{self.port}"
        peer = self.sock.getpeername()[0]
        if not _is_loopback(peer):
            raise NotADevelopmentNode(url, f"connected to {peer}, which is not loopback")
        questioner = http.client.HTTPConnection(self.host, self.port, timeout=self.sock.gettimeout())
        questioner.sock = self.sock  # this very connection ...
        questioner.auto_open = 0  # ... and never another, which nobody has asked whose it is
        _introduce(questioner, url)


def _introduce(connection: http.client.HTTPConnection, url: str) -> None:
    """Raise `NotADevelopmentNode` unless the other side of *connection* answers two questions as anvil."""
    version = _ask(connection, url, "web3_clientVersion")
    if not isinstance(version, str) or not version.lower().startswith("anvil/"):
        raise NotADevelopmentNode(url, f"names itself {str(version)[:40]!r}, not anvil")
    if not isinstance(_ask(connection, url, "anvil_nodeInfo"), dict):
        raise NotADevelopmentNode(url, "does not answer anvil_nodeInfo")
    if connection.sock is None:
        raise NotADevelopmentNode(url, "closes its connection after an answer")


def _ask(connection: http.client.HTTPConnection, url: str, method: str) -> Any:
    """Return the result of one read on *connection*, None where the answer is an error."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []})
    try:
        connection.request("POST", "/", body=body, headers={"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = reply.read()
    except http.client.NotConnected:
        raise NotADevelopmentNode(url, "closes its connection after an answer") from None
    except TimeoutError:
        raise UpstreamHangs(url, method, connection.timeout or 0.0, 1) from None
    if reply.status != 200:
        raise NotADevelopmentNode(url, f"answers {method} with HTTP {reply.status}")
    try:
        answer = json.loads(text)
    except ValueError:
        raise NotADevelopmentNode(url, f"answers {method} with something that is not JSON") from None
    return answer.get("result") if isinstance(answer, dict) else None


class _IntroducedPool(HTTPConnectionPool):
    ConnectionCls = _IntroducedConnection  # pyright: ignore[reportAssignmentType] - its base is declared so too


class _IntroducedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _IntroducedPool}


def _require_loopback_address(url: str) -> None:
    """Raise `NotADevelopmentNode` unless *url* is plain http to a loopback address or `localhost`."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise NotADevelopmentNode(url, f"{parts.scheme} is not what anvil serves")
    if parts.username or parts.password or parts.path not in ("", "/") or parts.query:
        raise NotADevelopmentNode(url, "anvil serves at the root, without path, query or credentials")
    host = parts.hostname or ""
    addresses = _resolve_localhost(url, parts.port or 80) if host == "localhost" else [host]
    for address in addresses:
        if not _is_loopback(address):
            raise NotADevelopmentNode(url, f"{address} is not a loopback address")


def _resolve_localhost(url: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)
    except OSError:
        raise NotADevelopmentNode(url, "localhost does not resolve") from None
    return [str(entry[4][0]) for entry in found]


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:  # a host name: what it resolves to may change between the check and the use
        return False
    return any(parsed in network for network in _LOOPBACK)
