"""Which code a market runs: the hash of every contract a liquidation passes through."""

from __future__ import annotations

from eth_utils.crypto import keccak

from forks.aave_v3.getters import address_of
from forks.aave_v3.listing import Listing
from forks.node import Node

IMPLEMENTATION_SLOT = int.from_bytes(keccak(text="eip1967.proxy.implementation")) - 1
"""Where a proxy keeps the address of its code (EIP-1967)."""


def read_code_hashes(node: Node, listing: Listing) -> dict[str, str]:
    """Contract name to keccak256 of its runtime code at `latest`, in one round trip of each kind."""
    addresses = {
        "Pool": listing.pool,
        "PoolAddressesProvider": listing.provider,
        "AaveOracle": listing.oracle,
    }
    for one in listing.reserves:
        addresses |= {f"a{one.symbol}": one.atoken, f"variableDebt{one.symbol}": one.variable_debt_token}
    addresses |= _implementations(node, addresses)
    codes = node.rpc.batch(("eth_getCode", [address, "latest"]) for address in addresses.values())
    return {name: "0x" + keccak(hexstr=code).hex() for name, code in zip(addresses, codes, strict=True)}


def _implementations(node: Node, addresses: dict[str, str]) -> dict[str, str]:
    asked = (("eth_getStorageAt", [one, hex(IMPLEMENTATION_SLOT), "latest"]) for one in addresses.values())
    words = [int(word, 16) for word in node.rpc.batch(asked)]
    return {
        f"{name} implementation": address_of(word)
        for name, word in zip(addresses, words, strict=True)
        if word
    }
