"""What is sent to call a function: its selector and its encoded arguments, from the signature alone."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak


def calldata(signature: str, *arguments: Any) -> bytes:
    """Data of a call of `signature`, such as `approve(address,uint256)`; its tuples hold one type at most."""
    inside = signature.partition("(")[2].removesuffix(")")
    return keccak(text=signature)[:4] + encode(inside.split(",") if inside else [], arguments)
