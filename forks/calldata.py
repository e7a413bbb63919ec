"""What is sent to call a function: its selector and its encoded arguments, from the signature alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak


def calldata(signature: str, *arguments: Any) -> bytes:
    """Data of a call of `signature`, such as `approve(address,uint256)`."""
    selector, types = _parsed(signature)
    return selector + encode(types, arguments)


@lru_cache(maxsize=10_000)
def _parsed(signature: str) -> tuple[bytes, tuple[str, ...]]:
    """Selector and types of the arguments: a program calls few functions, each often."""
    inside = signature.partition("(")[2].removesuffix(")")
    return keccak(text=signature)[:4], tuple(_types(inside)) if inside else ()


def _types(inside: str) -> Iterator[str]:
    """What lies between the commas that are in no tuple."""
    depth, start = 0, 0
    for place, letter in enumerate(inside):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            yield inside[start:place]
            start = place + 1
    yield inside[start:]
