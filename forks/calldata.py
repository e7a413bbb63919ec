"""What is sent to call a function: its selector and its encoded arguments, from the signature alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak


def calldata(signature: str, *arguments: Any) -> bytes:
    """Data of a call of `signature`, such as `approve(address,uint256)`; its tuples hold one type at most."""
    selector, types = _parsed(signature)
    return selector + encode(types, arguments)


@lru_cache(maxsize=10_000)
def _parsed(signature: str) -> tuple[bytes, tuple[str, ...]]:
    """Selector and types of the arguments: a program calls few functions, each often."""
    inside = signature.partition("(")[2].removesuffix(")")
    return keccak(text=signature)[:4], tuple(inside.split(",")) if inside else ()
