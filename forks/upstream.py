"""What a fork starts from: an endpoint that answers, on the right chain, with the state at the block."""

from dataclasses import dataclass, field
from typing import Any

from forks.errors import (
    BadUrl,
    ForkError,
    NotJsonRpc,
    NoUpstreamAnswers,
    RpcFailed,
    StateNotServed,
    UnknownBlock,
    WrongChain,
)
from forks.redact import redact_url
from forks.rpc import Rpc

_HEADER_FIELDS = (
    ("requestsHash", "prague"),
    ("parentBeaconBlockRoot", "cancun"),
    ("withdrawalsRoot", "shanghai"),
)
"""A header field and the hardfork that added it, newest first (EIP-7685, EIP-4788, EIP-4895)."""

_ANY_ADDRESS = "0x" + "00" * 20


@dataclass(frozen=True, kw_only=True)
class ForkPoint:
    """A block of a chain that a node can be forked from.

    url: the endpoint, with its key: for anvil alone, never shown. redacted_url: what may be shown.
    timestamp: of the block [s]. hardfork: anvil's name of the newest rules that the block's header shows.
    """

    chain_id: int
    block_number: int
    timestamp: int
    hardfork: str
    redacted_url: str
    url: str = field(repr=False)


def fork_point(
    urls: str,
    *,
    block: int | None = None,
    chain_id: int | None = None,
    timeout_s: float = 10.0,
    retries: int = 2,
) -> ForkPoint:
    """Return the fork point at the first of *urls* (comma-separated) that serves; *block* None pins its head.

    Raises the error of the one endpoint, or `NoUpstreamAnswers` with those of all. Only reads are sent.
    """
    errors: list[ForkError] = []
    for url in [url.strip() for url in urls.split(",") if url.strip()]:
        try:
            return _inspect(url, block, chain_id, timeout_s, retries)
        except ForkError as error:
            errors.append(error)
    if not errors:
        raise BadUrl(urls)
    raise errors[0] if len(errors) == 1 else NoUpstreamAnswers(errors)


def _inspect(url: str, block: int | None, chain_id: int | None, timeout_s: float, retries: int) -> ForkPoint:
    rpc = Rpc(url, timeout_s=timeout_s, retries=retries)
    try:
        found_chain_id = _number(url, rpc, "eth_chainId")
        if chain_id is not None and found_chain_id != chain_id:
            raise WrongChain(url, chain_id, found_chain_id)
        head = _number(url, rpc, "eth_blockNumber")
        number = head if block is None else block
        header = _header(url, rpc, number, head)
        return ForkPoint(
            chain_id=found_chain_id,
            block_number=number,
            timestamp=int(header["timestamp"], 16),
            hardfork=_hardfork(header),
            redacted_url=redact_url(url),
            url=url,
        )
    finally:
        rpc.close()


def _header(url: str, rpc: Rpc, number: int, head: int) -> dict[str, Any]:
    """Return the header of block *number*, of which the endpoint must have the state too."""
    header = rpc.call("eth_getBlockByNumber", hex(number), False) if 0 <= number <= head else None
    if not isinstance(header, dict):
        raise UnknownBlock(url, number, head)
    try:
        rpc.call("eth_getBalance", _ANY_ADDRESS, hex(number))
    except RpcFailed as error:
        raise StateNotServed(url, number, head, error.message) from error
    return header


def _number(url: str, rpc: Rpc, method: str) -> int:
    result = rpc.call(method)
    try:
        return int(result, 16)
    except (TypeError, ValueError):
        raise NotJsonRpc(url, method, f"{result!r:.40} for a number") from None


def _hardfork(header: dict[str, Any]) -> str:
    """The newest rules that a header shows; before withdrawals, whether it was mined tells them apart."""
    for name, hardfork in _HEADER_FIELDS:
        if header.get(name) is not None:
            return hardfork
    if header.get("baseFeePerGas") is None:
        return "berlin"
    return "london" if int(header.get("difficulty") or "0x0", 16) else "paris"
