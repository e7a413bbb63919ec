"""How anvil is started: its arguments, environment and files, chosen so that a run can be repeated."""

import gzip
import json
import os
import re
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forks.child import Child
from forks.errors import ForkError, NodeDied, NodeNotReady, PortTaken, StateFileMalformed
from forks.redact import redact_text

GENESIS_TIMESTAMP = 1_700_000_000
"""Time of the first block of a plain node: fixed, so that nothing follows the wall clock."""

BLOCK_GAS_LIMIT = 1_000_000_000
"""Far above any transaction, so that many fit one block and a read of a whole book fits one call."""

_UPSTREAM_TIMEOUT_MS, _UPSTREAM_RETRIES = 20_000, 3
_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_OWN_SETTINGS = ("FOUNDRY_", "ETH_RPC_URL", "MAINNET_RPC_URL", "ANVIL_")


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One start of anvil.

    port: to listen on; None for a free one.
    chain_id: None for 31337, or the upstream's on a fork.
    timestamp: of the first block [s]; None for `GENESIS_TIMESTAMP`, or that of the state file or fork block.
    hardfork: anvil's name of the rules of the EVM, the same for every kind of node.
    fork_url, fork_block: upstream and the pinned block; both or neither.
    state_file: what `anvil --dump-state` wrote, plain or gzip.
    prune_history: how many old states stay readable; None for anvil's own choice.
    """

    port: int | None = None
    chain_id: int | None = None
    timestamp: int | None = None
    hardfork: str = "cancun"
    fork_url: str | None = field(default=None, repr=False)
    fork_block: int | None = None
    state_file: Path | None = None
    prune_history: int | None = None

    def __post_init__(self) -> None:
        if (self.fork_url is None) != (self.fork_block is None):
            raise ValueError("fork_url and fork_block go together: only a pinned block can be repeated")


def spawn(anvil: Path, launch: Launch, folder: Path) -> Child:
    """Start anvil in *folder* and return it at once; raises `PortTaken`, `StateFileMalformed`."""
    if launch.port is not None:
        _require_free(launch.port)
    timestamp = None if launch.fork_url else GENESIS_TIMESTAMP
    state = None
    if launch.state_file is not None:
        state = _unpacked(launch.state_file, folder)
        timestamp = _timestamp_of(state, launch.state_file)
    timestamp = timestamp if launch.timestamp is None else launch.timestamp
    arguments = _arguments(launch, timestamp, state)
    return Child([str(anvil), *arguments], cwd=folder, env=_environment(launch.fork_url, folder))


def wait_until_listening(child: Child, launch: Launch, wait_s: float) -> int:
    """Return the port *child* listens on; raises `PortTaken`, or `NodeDied`, `NodeNotReady`."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        ended = (
            child.returncode is not None
        )  # asked before the output is read, so that the last words are in it
        if found := _LISTENING.search(child.output()):
            return int(found.group(1))
        if ended:
            raise death_of(child, launch)
        time.sleep(0.005)
    raise NodeNotReady(wait_s, _last_words(child, launch))


def death_of(child: Child, launch: Launch) -> ForkError:
    """Return the error that says how *child*, which has ended, died."""
    if launch.port is not None and "address already in use" in child.output().lower():
        return PortTaken(launch.port)
    return NodeDied(child.returncode or 0, _last_words(child, launch))


def _last_words(child: Child, launch: Launch) -> str:
    return redact_text(child.last_words(), launch.fork_url or "")


def _arguments(launch: Launch, timestamp: int | None, state: Path | None) -> list[str]:
    """The command line; the upstream's URL is not on it, where every user of the machine could read it."""
    always: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": launch.port or 0,
        "hardfork": launch.hardfork,
        "gas-limit": BLOCK_GAS_LIMIT,
        "gas-price": 0,
        "block-base-fee-per-gas": 0,
        "order": "fifo",
    }
    asked = {
        "chain-id": launch.chain_id,
        "timestamp": timestamp,
        "load-state": state,
        "prune-history": launch.prune_history,
    }
    options = always | {name: value for name, value in asked.items() if value is not None}
    flags = ["--auto-impersonate", "--no-request-size-limit", "--disable-min-priority-fee"]
    if launch.fork_url is not None:
        flags += ["--no-storage-caching", "--no-rate-limit", "--fork-url", "upstream"]
        options |= {
            "fork-block-number": launch.fork_block,
            "timeout": _UPSTREAM_TIMEOUT_MS,
            "retries": _UPSTREAM_RETRIES,
        }
    return flags + [word for name, value in options.items() for word in (f"--{name}", str(value))]


def _environment(fork_url: str | None, folder: Path) -> dict[str, str]:
    """Our environment less what configures anvil, its home in *folder*, and the upstream under an alias."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_SETTINGS)}
    env["HOME"] = str(folder)
    env["NO_PROXY"] = ",".join(filter(None, [os.environ.get("NO_PROXY"), "localhost,127.0.0.1,::1"]))
    if fork_url is not None:
        (folder / "foundry.toml").write_text('[rpc_endpoints]\nupstream = "${UNDERWATER_UPSTREAM}"\n')
        env["UNDERWATER_UPSTREAM"] = fork_url
    return env


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise PortTaken(port) from None


def _unpacked(path: Path, folder: Path) -> Path:
    """Copy a state file into *folder* as the plain JSON that anvil loads."""
    plain = folder / "state.json"
    try:
        with path.open("rb") as packed, plain.open("wb") as unpacked:
            is_gzip = packed.read(2) == b"\x1f\x8b"
            packed.seek(0)
            shutil.copyfileobj(gzip.GzipFile(fileobj=packed) if is_gzip else packed, unpacked)
    except (OSError, EOFError) as error:
        raise StateFileMalformed(path, str(error)) from error
    return plain


def _timestamp_of(state: Path, origin: Path) -> int:
    """Time of the block that a state stands at [s]: anvil's clock must start there."""
    try:
        return int(json.loads(state.read_bytes())["block"]["timestamp"], 16)
    except (ValueError, KeyError, TypeError) as error:
        raise StateFileMalformed(origin, f"no block timestamp in it ({type(error).__name__})") from error
