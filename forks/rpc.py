"""Raw JSON-RPC over HTTP: bounded in time, redacted in its errors, and by construction a reader.

An `Rpc` sends the methods of `READ_METHODS` and no other. Only `forks.guard.LocalNode`, which has made sure
that it speaks to a local development node, lifts that.
"""

import json
import random
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

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
from forks.redact import redact_text, redact_url

READ_METHODS = frozenset(
    {
        "anvil_nodeInfo",
        "eth_accounts",
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_createAccessList",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getBlockReceipts",
        "eth_getBlockTransactionCountByHash",
        "eth_getBlockTransactionCountByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getProof",
        "eth_getStorageAt",
        "eth_getTransactionByBlockHashAndIndex",
        "eth_getTransactionByBlockNumberAndIndex",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "eth_simulateV1",
        "eth_syncing",
        "net_listening",
        "net_version",
        "web3_clientVersion",
        "web3_sha3",
    }
)
"""Methods that change nothing at any node: all that an endpoint which is not ours ever receives."""

BATCH_REQUESTS = 1_000
BATCH_BYTES = 1_500_000
"""Largest batch sent at once: anvil refuses bodies over 2 MB, and answers 1,000 calls fastest."""

_RATE_LIMIT_CODES = frozenset({429, -32005, -32007})
_RATE_LIMIT_WORDS = re.compile(r"(?i)limit|exceed|too many|rate")  # the codes are used for other refusals too
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_LONGEST_PAUSE_S = 5.0
_ANSWERS = frozenset({"result", "error"})

Request = tuple[str, Sequence[Any]]
"""Method and parameters."""


class Rpc:
    """Raw JSON-RPC to *url*, reads only.

    *timeout_s* bounds each request in seconds; *retries* is how often a read is asked again after 429, 5xx, a
    time-out or a broken connection, with growing, jittered pauses from *pause_s*. *secrets* are URLs to hide.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 20.0,
        retries: int = 4,
        pause_s: float = 0.25,
        secrets: Sequence[str] = (),
    ) -> None:
        self._url = url.strip()
        self._secrets = (self._url, *secrets)
        self.timeout_s, self.retries, self.pause_s = timeout_s, retries, pause_s
        self._session = requests.Session()
        self._session.trust_env = _host(self._url) not in _THIS_MACHINE  # no proxy leads back to us
        self._session.headers.update({"Content-Type": "application/json"})

    @property
    def redacted_url(self) -> str:
        """The address as it may be shown."""
        return redact_url(self._url)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.redacted_url})"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of *method*; raises `RpcFailed` where the answer is an error."""
        return _result(method, self.answer(method, params))

    def batch(self, requests_: Iterable[Request]) -> list[Any]:
        """Return the results of many requests, in order; raises `RpcFailed` for the first that failed."""
        asked = list(requests_)
        return [
            _result(method, answer) for (method, _), answer in zip(asked, self.answers(asked), strict=True)
        ]

    def answer(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        """Return the whole answer to one request: `result`, or `error` with its message redacted."""
        self._permit(method)
        answer = self._exchange(_encode(1, method, params), method)
        return self._checked(method, answer)

    def answers(self, requests_: Iterable[Request]) -> list[dict[str, Any]]:
        """Return the whole answers to many requests, in their order; a node may run them in any order."""
        asked = list(requests_)
        for method, _ in asked:
            self._permit(method)
        return [answer for chunk in _chunks(asked) for answer in self._answer_chunk(chunk)]

    def _answer_chunk(self, chunk: list[tuple[str, bytes]]) -> list[dict[str, Any]]:
        methods = [method for method, _ in chunk]
        label = f"{methods[0]} and {len(chunk) - 1} more" if len(chunk) > 1 else methods[0]
        body = b"[" + b",".join(encoded for _, encoded in chunk) + b"]"
        answer = self._exchange(body, label)
        if not isinstance(answer, list):
            _result(label, self._checked(label, answer))
            raise NotJsonRpc(self._url, label, "one answer to a batch")
        by_id = {entry.get("id"): entry for entry in answer if isinstance(entry, dict)}
        if by_id.keys() != set(range(1, len(chunk) + 1)):
            raise NotJsonRpc(self._url, label, f"{len(by_id)} answers to {len(chunk)} requests")
        return [self._checked(method, by_id[place]) for place, method in enumerate(methods, 1)]

    def _permit(self, method: str) -> None:
        """Raise `WriteRefused` unless *method* may be sent to this endpoint."""
        if method not in READ_METHODS:
            raise WriteRefused(self._url, method)

    def _exchange(self, body: bytes, method: str) -> Any:
        """Send *body* until it is answered or the tries are used up; what may write has none to repeat."""
        last_try = self.retries + 1
        for attempt in range(1, last_try + 1):
            answer = self._attempt(body, method, attempt)
            if not isinstance(answer, ForkError):
                return answer
            if attempt == last_try or not answer.transient:
                raise self._explained(answer)
            longest = min(_LONGEST_PAUSE_S, self.pause_s * 2 ** (attempt - 1))
            time.sleep(random.uniform(longest / 2, longest))
        raise AssertionError("unreachable: the last try returns or raises")

    def _attempt(self, body: bytes, method: str, attempt: int) -> Any:
        """Return the decoded answer, or the error as a value: raised here, its context would hold the URL."""
        try:
            reply = self._session.post(self._url, data=body, timeout=self.timeout_s, allow_redirects=False)
        except requests.Timeout:
            return UpstreamHangs(self._url, method, self.timeout_s, attempt)
        except requests.RequestException as error:
            return Unreachable(self._url, method, type(error).__name__)
        if reply.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return UpstreamRateLimited(self._url, method, attempt)
        answer = _decoded(reply)
        if answer is None:
            if reply.status_code != HTTPStatus.OK:
                return HttpRefused(self._url, method, reply.status_code)
            return NotJsonRpc(self._url, method, "no answer in it")
        return UpstreamRateLimited(self._url, method, attempt) if _limited(answer) else answer

    def _explained(self, error: ForkError) -> ForkError:
        """Return the error to raise for *error*; a subclass that knows more says more."""
        return error

    def _checked(self, method: str, answer: Any) -> dict[str, Any]:
        if not isinstance(answer, dict) or not _ANSWERS & answer.keys():
            raise NotJsonRpc(self._url, method, "neither result nor error")
        error = answer.get("error")
        if isinstance(error, dict) and "message" in error:  # a forking node quotes its upstream's URL here
            error["message"] = redact_text(str(error["message"]), *self._secrets)
        return answer


def _result(method: str, answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer.get("result")
    if not isinstance(error, dict):
        raise RpcFailed(method, 0, "an error without code or message")
    raise RpcFailed(method, error.get("code", 0), error.get("message", ""), error.get("data"))


def _host(url: str) -> str:
    """The host of an http(s) URL; raises `BadUrl`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadUrl(url) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise BadUrl(url)
    return host


def _decoded(reply: requests.Response) -> dict[str, Any] | list[Any] | None:
    """The JSON-RPC answer in a reply, whatever its HTTP status, or None where there is none."""
    try:
        answer = reply.json()
    except ValueError:
        return None
    if isinstance(answer, list):
        return answer
    return answer if isinstance(answer, dict) and _ANSWERS & answer.keys() else None


def _limited(answer: dict[str, Any] | list[Any]) -> bool:
    """Whether any answer is the error that providers send in place of HTTP 429."""
    entries = answer if isinstance(answer, list) else [answer]
    errors = [entry.get("error") for entry in entries if isinstance(entry, dict)]
    return any(
        isinstance(error, dict)
        and error.get("code") in _RATE_LIMIT_CODES
        and _RATE_LIMIT_WORDS.search(str(error.get("message")))
        for error in errors
    )


def _encode(place: int, method: str, params: Sequence[Any]) -> bytes:
    request = {"jsonrpc": "2.0", "id": place, "method": method, "params": list(params)}
    return json.dumps(request, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return "0x" + bytes(value).hex()
    return dict(value)


def _chunks(asked: list[Request]) -> Iterator[list[tuple[str, bytes]]]:
    """Cut requests into batches within `BATCH_REQUESTS` and `BATCH_BYTES`; ids start at 1 in each."""
    chunk: list[tuple[str, bytes]] = []
    size = 0
    for method, params in asked:
        encoded = _encode(len(chunk) + 1, method, params)
        if chunk and (len(chunk) == BATCH_REQUESTS or size + len(encoded) > BATCH_BYTES):
            yield chunk
            chunk, size, encoded = [], 0, _encode(1, method, params)
        chunk.append((method, encoded))
        size += len(encoded)
    if chunk:
        yield chunk
