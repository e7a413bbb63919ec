"""What can go wrong at the edge of the chain: one class per cause, numbers as attributes, message one line.

URLs enter these classes in full and leave them redacted: neither a message nor an attribute holds a key.
"""

from pathlib import Path
from typing import Any

from forks.redact import redact_url


class ForkError(Exception):
    """A cause outside the model; a command prints its one line and leaves with `exit_code`."""

    exit_code = 2
    transient = False  # whether asking again may help


class AnvilMissing(ForkError):
    """No anvil that runs is where it was looked for."""

    def __init__(self, looked_at: str) -> None:
        self.looked_at = looked_at
        super().__init__(f"no anvil that runs at {looked_at}: run `make setup`, or set ANVIL to the binary")


class PortTaken(ForkError):
    """The port asked for is in use by another process."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(f"port {port} is taken: choose another, or give none and a free one is used")


class StateFileMalformed(ForkError):
    """A recorded state is not what `anvil_dumpState` or `anvil --dump-state` writes."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"state file {path} cannot be loaded: {reason}; record it with `anvil --dump-state`")


class NodeDied(ForkError):
    """The node of this process ended, or never came up."""

    def __init__(self, returncode: int, last_words: str) -> None:
        self.returncode, self.last_words = returncode, last_words
        how = f"was killed by signal {-returncode}" if returncode < 0 else f"ended with code {returncode}"
        super().__init__(f"anvil {how}; its last words: {last_words or 'none'}")


class NodeNotReady(ForkError):
    """The node of this process runs but did not listen in time."""

    def __init__(self, wait_s: float, last_words: str) -> None:
        self.wait_s, self.last_words = wait_s, last_words
        super().__init__(f"anvil did not listen within {wait_s:g} s; its last words: {last_words or 'none'}")


class NotADevelopmentNode(ForkError):
    """An endpoint that was to be written to is not a local development node; nothing was written."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = redact_url(url), reason
        super().__init__(
            f"{self.url} is not a local development node ({reason}): nothing was written; use a local anvil"
        )


class WriteRefused(ForkError):
    """A method outside the list of reads was asked of an endpoint that may only be read; nothing was sent."""

    def __init__(self, url: str, method: str) -> None:
        self.url, self.method = redact_url(url), method
        super().__init__(f"{method} refused: {self.url} may only be read; nothing was sent")


class BadUrl(ForkError):
    """A text given as RPC address is not an http(s) URL."""

    def __init__(self, url: str) -> None:
        self.url = redact_url(url)
        super().__init__(f"{self.url} is not an RPC address: give http://host:port or https://host/...")


class Unreachable(ForkError):
    """No connection could be made, or it broke before an answer."""

    transient = True

    def __init__(self, url: str, method: str, reason: str) -> None:
        self.url, self.method, self.reason = redact_url(url), method, reason
        super().__init__(f"{method}: {self.url} cannot be reached ({reason}): check that it runs")


class UpstreamHangs(ForkError):
    """An endpoint took the request and gave no answer in time."""

    transient = True

    def __init__(self, url: str, method: str, timeout_s: float, attempts: int) -> None:
        self.url, self.method, self.timeout_s, self.attempts = redact_url(url), method, timeout_s, attempts
        super().__init__(
            f"{method}: {self.url} no answer within {timeout_s:g} s ({attempts} tries): use another endpoint"
        )


class UpstreamRateLimited(ForkError):
    """An endpoint keeps answering that there were too many requests (HTTP 429)."""

    transient = True

    def __init__(self, url: str, method: str, attempts: int) -> None:
        self.url, self.method, self.attempts = redact_url(url), method, attempts
        super().__init__(
            f"{method}: {self.url} answers 429, too many requests ({attempts} tries): wait, or use another"
        )


class HttpRefused(ForkError):
    """An endpoint answered with an HTTP status that carries no JSON-RPC answer."""

    def __init__(self, url: str, method: str, status: int) -> None:
        self.url, self.method, self.status = redact_url(url), method, status
        self.transient = status >= 500
        hint = "redirects are not followed" if 300 <= status < 400 else "check the address and its key"
        super().__init__(f"{method}: {self.url} answers HTTP {status}: {hint}")


class NotJsonRpc(ForkError):
    """An endpoint answered with something that is not JSON-RPC."""

    def __init__(self, url: str, method: str, what: str) -> None:
        self.url, self.method, self.what = redact_url(url), method, what
        super().__init__(f"{method}: {self.url} does not speak JSON-RPC ({what}): check the address")


class RpcFailed(ForkError):
    """An endpoint answered a request with a JSON-RPC error, here with its code, message and data."""

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        self.method, self.code, self.message, self.data = method, code, message, data
        super().__init__(f"{method} failed: {message} (code {code})")


class WrongChain(ForkError):
    """An endpoint serves another chain than the one asked for."""

    def __init__(self, url: str, expected: int, found: int) -> None:
        self.url, self.expected, self.found = redact_url(url), expected, found
        super().__init__(f"{self.url} serves chain {found}, not {expected}: use one of chain {expected}")


class UnknownBlock(ForkError):
    """An endpoint does not have the block asked for."""

    def __init__(self, url: str, block_number: int, head_number: int) -> None:
        self.url, self.block_number, self.head_number = redact_url(url), block_number, head_number
        super().__init__(f"{self.url} has no block {block_number} (head {head_number}): ask for one it has")


class StateNotServed(ForkError):
    """An endpoint has the block but no longer the state at it (it is not an archive node)."""

    def __init__(self, url: str, block_number: int, head_number: int, message: str) -> None:
        self.url, self.block_number, self.head_number = redact_url(url), block_number, head_number
        super().__init__(
            f"{self.url} has no state at block {block_number} (head {head_number}; it says: {message}): "
            "use an archive endpoint or a later block"
        )


class NoUpstreamAnswers(ForkError):
    """None of several endpoints could be used; holds the error of each."""

    def __init__(self, errors: list[ForkError]) -> None:
        self.errors = errors
        super().__init__(
            f"none of {len(errors)} endpoints can be used: " + "; ".join(str(error) for error in errors)
        )


class SnapshotGone(ForkError):
    """A snapshot could not be restored: its id was used before, or the node was reset meanwhile."""

    def __init__(self, snapshot_id: str) -> None:
        self.snapshot_id = snapshot_id
        super().__init__(f"snapshot {snapshot_id} is gone: the node keeps what was changed since; restart it")


class BlockSplit(ForkError):
    """Transactions meant for one block, in order, were mined otherwise."""

    def __init__(self, places: list[tuple[int, int]]) -> None:
        self.places = places
        super().__init__(
            f"{len(places)} transactions were not mined in order in one block but in "
            f"{len({number for number, _ in places})}: stop what else mines or sends on this node"
        )
