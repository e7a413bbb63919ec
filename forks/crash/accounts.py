"""Who takes part: addresses that follow from names, so that every run has the same."""

from __future__ import annotations

from eth_utils import keccak, to_checksum_address

FUNDER = to_checksum_address(keccak(text="underwater funder")[12:])
"""Holds the tokens that the borrowers' collateral is made of, and the liquidity they draw."""


def account_of(name: str) -> str:
    """The address of a borrower or bot: its own if the name is one, else one derived from the name."""
    if name.startswith("0x") and len(name) == 42:
        return to_checksum_address(name)
    return to_checksum_address(keccak(text=f"underwater {name}")[12:])
