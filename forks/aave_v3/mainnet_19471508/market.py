"""A market on a node as the rest of the code takes it: its addresses, its code hashes, and what is odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.mainnet_19471508.figures import Figures
from forks.aave_v3.mainnet_19471508.placement import view
from forks.node import Node

RESERVE_DATA = (
    "(uint256,uint128,uint128,uint128,uint128,uint128,uint40,uint16,"
    "address,address,address,address,uint128,uint128,uint128)"
)
"""`DataTypes.ReserveData` as `Pool.getReserveData` has returned it in every v3 release."""

_PADDING = bytes(33)
"""Zero bytes that revm appends to code it has analysed, and that some dumps therefore hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveAddresses:
    """The contracts of one reserve."""

    asset: str
    reserve_id: int
    atoken: str
    stable_debt_token: str
    variable_debt_token: str
    strategy: str
    price_source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketHandle:
    """An Aave v3 market on a node."""

    pool: str
    provider: str
    oracle: str
    pool_revision: int
    """What this Pool's own `POOL_REVISION()` answers."""
    recorded_pool_revision: int | None
    """What the recorded Pool answers where this market is built after a record; None elsewhere."""
    reserves: Mapping[str, ReserveAddresses]
    """By symbol of the underlying token; by its address where the token answers none."""
    code_hashes: Mapping[str, str]
    """Contract name, or address where it has none, to keccak256 of its runtime code."""
    filled: tuple[str, ...] = ()
    """What the record lacked and was written in so that the market works, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeDifference:
    """A contract whose code on the node is not, to the byte, the recorded one."""

    name: str
    address: str
    found_hash: str
    recorded_hash: str | None
    """None: the record does not hold this contract."""
    metadata_only: bool
    """True: equal but for the compiler's metadata trailer, so the same instructions."""


def read_market_handle(
    node: Node,
    pool: str,
    *,
    names: Mapping[str, str],
    recorded_pool_revision: int | None = None,
    filled: tuple[str, ...] = (),
) -> MarketHandle:
    """Ask the Pool at `pool` for the market around it; `names` maps contract name to address.

    Raises RpcFailed if a contract does not answer as an Aave v3 one does.
    """
    provider = view(node, pool, "ADDRESSES_PROVIDER()", "address")
    oracle = view(node, provider, "getPriceOracle()", "address")
    symbols = {address.lower(): name for name, address in names.items()}
    reserves = [_reserve(node, pool, oracle, asset) for asset in view(node, pool, "getReservesList()", "address[]")]
    return MarketHandle(
        pool=to_checksum_address(pool),
        provider=to_checksum_address(provider),
        oracle=to_checksum_address(oracle),
        pool_revision=view(node, pool, "POOL_REVISION()", "uint256"),
        recorded_pool_revision=recorded_pool_revision,
        reserves={symbols.get(reserve.asset.lower(), reserve.asset): reserve for reserve in reserves},
        code_hashes={name: code_hash(node, address) for name, address in names.items()},
        filled=filled,
    )


def code_differences(node: Node, figures: Figures) -> tuple[CodeDifference, ...]:
    """The contracts on the node whose code differs from the recorded bytecode, in the order of the figures."""
    found = {name: _code(node, recorded.address) for name, recorded in figures.contracts.items()}
    standing = {name: code for name, code in found.items() if code}
    return tuple(
        CodeDifference(
            name=name,
            address=recorded.address,
            found_hash=_hash(standing[name]),
            recorded_hash=recorded.code_hash,
            metadata_only=_hash(_without_metadata(standing[name])) == recorded.executable_hash,
        )
        for name, recorded in figures.contracts.items()
        if name in standing and _hash(standing[name]) != recorded.code_hash
    )


def code_hash(node: Node, address: str) -> str:
    """keccak256 of the runtime code at `address`, as EXTCODEHASH gives it on the chain."""
    return _hash(_code(node, address))


def _reserve(node: Node, pool: str, oracle: str, asset: str) -> ReserveAddresses:
    data = view(node, pool, "getReserveData(address)", RESERVE_DATA, asset)
    source = view(node, oracle, "getSourceOfAsset(address)", "address", asset)
    atoken, stable, variable, strategy = map(to_checksum_address, data[8:12])
    return ReserveAddresses(
        asset=to_checksum_address(asset),
        reserve_id=data[7],
        atoken=atoken,
        stable_debt_token=stable,
        variable_debt_token=variable,
        strategy=strategy,
        price_source=to_checksum_address(source),
    )


def _code(node: Node, address: str) -> bytes:
    code = bytes.fromhex(node.rpc.call("eth_getCode", address, "latest")[2:])
    return code.removesuffix(_PADDING)


def _without_metadata(code: bytes) -> bytes:
    """The instructions alone: the last two bytes give the length of the CBOR that solc appends before them."""
    trailer = int.from_bytes(code[-2:], "big") + 2
    return code[:-trailer] if trailer < len(code) else code


def _hash(code: bytes) -> str:
    return "0x" + keccak(code).hex()
