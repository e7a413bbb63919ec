"""Loopback HTTP servers that answer JSON-RPC as told, and remember every request that reached them."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

METHOD_NOT_FOUND = {"code": -32601, "message": "the method does not exist"}


class FakeServer:
    """Answers each method with what *answers* holds: a value, an error under `error`, or a callable.

    status, headers: sent with every answer. body: sent instead of an answer.
    hang: take the request and stay silent. close: end each connection.
    """

    def __init__(
        self,
        answers: Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        hang: bool = False,
        close: bool = False,
    ) -> None:
        self.answers, self.status, self.headers, self.body = dict(answers), status, dict(headers or {}), body
        self.hang, self.close = hang, close
        self.methods: list[str] = []
        self.bodies: list[Any] = []
        self.released = threading.Event()
        self.url = ""

    def reply(self, request: Any) -> Any:
        """The decoded answer to a decoded request or batch."""
        if isinstance(request, list):
            return [self.reply(one) for one in request][::-1]  # a node may answer a batch in any order
        answer = self.answers.get(request["method"], {"error": METHOD_NOT_FOUND})
        answer = answer(*request["params"]) if callable(answer) else answer
        outcome = answer if isinstance(answer, dict) and "error" in answer else {"result": answer}
        return {"jsonrpc": "2.0", "id": request["id"], **outcome}


@contextmanager
def serving(server: FakeServer) -> Iterator[FakeServer]:
    """Run *server* on a free loopback port; its `url` is set meanwhile."""
    http = _Server(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        http.shutdown()
        http.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke: who asked may have been ended meanwhile."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.bodies.append(request)
            server.methods += [one["method"] for one in (request if isinstance(request, list) else [request])]
            answer = json.dumps(server.reply(request)).encode() if server.body is None else server.body
            if server.hang:
                server.released.wait()
                self.close_connection = True
                return
            self.send_response(server.status)
            for name, value in server.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            if server.close:
                self.send_header("Connection", "close")
                self.close_connection = True
            with suppress(ConnectionError):  # who asked may have been ended meanwhile
                self.end_headers()
                self.wfile.write(answer)

        def do_GET(self) -> None:
            server.methods.append(f"GET {self.path}")
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base names it so
            pass

    return Handler
