"""web3 over our own `Rpc`, so that what web3 sends passes the same guard, time limits and redaction."""

from typing import Any

from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from forks.errors import ForkError
from forks.rpc import Rpc

_SLOW_MIDDLEWARE = ("validation", "ens_name_to_address", "gas_price_strategy")
"""They ask the node for its chain id, names and prices again with every call: three times its cost."""


class RpcProvider(JSONBaseProvider):
    """A web3 provider that sends what *rpc* permits: reads only, unless it is a `forks.guard.LocalNode`."""

    def __init__(self, rpc: Rpc) -> None:
        super().__init__()
        self._rpc = rpc

    def __str__(self) -> str:
        return f"RPC connection {self._rpc.redacted_url}"

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the whole answer to one request; raises `WriteRefused` before a byte is sent."""
        return self._rpc.answer(method, params)  # type: ignore[return-value]

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Return the whole answers to many requests, in their order."""
        return self._rpc.answers(requests)  # type: ignore[return-value]

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: FBT001, FBT002 - web3's signature
        """Return whether the endpoint answers at all."""
        try:
            self._rpc.call("web3_clientVersion")
        except ForkError:
            if show_traceback:
                raise
            return False
        return True


def web3_over(rpc: Rpc) -> Web3:
    """Return a `Web3` that speaks through *rpc*, without the middleware that asks the node the same again."""
    w3 = Web3(RpcProvider(rpc))
    for name in _SLOW_MIDDLEWARE:
        w3.middleware_onion.remove(name)
    return w3
