"""What Compound v2 says of what failed without reverting: the event `Failure(error, info, detail)` in a receipt.

A transaction that failed so has status 1. A CEther reverts instead, with the error's number in its words, where
what failed has been paid for already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from protocol.compound_v2.reporter import ComptrollerError, TokenError

FAILURE_TOPIC = keccak(text="Failure(uint256,uint256,uint256)")
"""Topic of the event; a cToken emits it, and so does a Comptroller."""

_ETHER_REFUSAL = re.compile(r"\w+ failed \((\d\d)\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One Failure event as it was emitted."""

    emitter: str
    """Checksummed address of the cToken or Comptroller."""
    error: int
    """`TokenError` of a cToken, `ComptrollerError` of a Comptroller."""
    info: int
    detail: int

    @property
    def raw(self) -> str:
        """The event as its three numbers."""
        return f"Failure({self.error},{self.info},{self.detail})"

    @property
    def token_cause(self) -> str:
        """Name of the cause, told by a cToken: the Comptroller's error where that rejected, else its own."""
        error = TokenError(self.error)
        if error is TokenError.COMPTROLLER_REJECTION:
            return ComptrollerError(self.detail).name
        return error.name

    @property
    def comptroller_cause(self) -> str:
        """Name of the cause, told by a Comptroller: of a rejection by itself, why it rejected."""
        error = ComptrollerError(self.error)
        return ComptrollerError(self.detail).name if error is ComptrollerError.REJECTION else error.name


def failures(receipt: Mapping[str, Any]) -> list[Told]:
    """What failed in a transaction, in order: a cause comes before what failed of it."""
    return [_told(log) for log in receipt["logs"] if bytes(log["topics"][0]) == FAILURE_TOPIC]


def ether_refusal(words: str) -> str:
    """Name of the token's error with which a CEther reverted, as in `liquidateBorrow failed (03)`.

    Other words are returned as they are.
    """
    said = _ETHER_REFUSAL.fullmatch(words)
    return TokenError(int(said[1])).name if said else words


def _told(log: Mapping[str, Any]) -> Told:
    error, info, detail = decode(["uint256"] * 3, bytes(log["data"]))
    return Told(emitter=to_checksum_address(log["address"]), error=error, info=info, detail=detail)
