"""A market on a node as the rest of the code takes it: addresses, code hashes, and what is odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.mainnet_19471508.figures import Figures
from forks.aave_v3.mainnet_19471508.placement import view
from forks.errors import RpcFailed
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
    """What the recorded Pool answers where this is the recorded market, built or loaded; None elsewhere."""
    revision: str | None
    """Name of the rules where the origin tells it and `POOL_REVISION()` may not; None: ask the Pool."""
    reserves: Mapping[str, ReserveAddresses]
    """By symbol of the underlying token; by its address where the token answers none."""
    code_hashes: Mapping[str, str]
    """Contract name to keccak256 of its runtime code."""
    filled: tuple[str, ...] = ()
    """What the loaded state lacked and was written in so that the market works, in words."""


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


def read_market_handle(node: Node, pool: str) -> MarketHandle:
    """Ask the Pool at `pool` for the market around it. Raises RpcFailed or DecodingError if it is none."""
    provider = to_checksum_address(view(node, pool, "ADDRESSES_PROVIDER()", "address"))
    oracle = to_checksum_address(view(node, provider, "getPriceOracle()", "address"))
    assets = view(node, pool, "getReservesList()", "address[]")
    reserves = {_symbol(node, asset): _reserve(node, pool, oracle, asset) for asset in assets}
    names = {"Pool": pool, "PoolAddressesProvider": provider, "AaveOracle": oracle}
    for symbol, reserve in reserves.items():
        names |= {f"a{symbol}": reserve.atoken, f"variableDebt{symbol}": reserve.variable_debt_token}
        names |= {f"rate strategy of {symbol}": reserve.strategy}
    return MarketHandle(
        pool=to_checksum_address(pool),
        provider=provider,
        oracle=oracle,
        pool_revision=view(node, pool, "POOL_REVISION()", "uint256"),
        recorded_pool_revision=None,
        revision=None,
        reserves=reserves,
        code_hashes={name: code_hash(node, address) for name, address in names.items()},
    )


def read_recorded_market(node: Node, figures: Figures, *, filled: tuple[str, ...] = ()) -> MarketHandle:
    """The handle of the market of `figures`, built or loaded, with every contract of the record by name."""
    recorded = {name: code_hash(node, contract.address) for name, contract in figures.contracts.items()}
    return replace(
        read_market_handle(node, figures.address("Pool")),
        recorded_pool_revision=figures.pool_revision,
        revision=figures.release,
        code_hashes=recorded,
        filled=filled,
    )


def code_differences(node: Node, figures: Figures) -> tuple[CodeDifference, ...]:
    """The contracts on the node whose code differs from the recorded one, in the order of the figures."""
    found = {name: _code(node, recorded.address) for name, recorded in figures.contracts.items()}
    standing = {name: code for name, code in found.items() if code}
    return tuple(
        CodeDifference(
            name=name,
            address=recorded.address,
            found_hash=hash_of_code(standing[name]),
            recorded_hash=recorded.code_hash,
            metadata_only=hash_of_code(_without_metadata(standing[name])) == recorded.executable_hash,
        )
        for name, recorded in figures.contracts.items()
        if name in standing and hash_of_code(standing[name]) != recorded.code_hash
    )


def code_hash(node: Node, address: str) -> str:
    """keccak256 of the runtime code at `address`, as EXTCODEHASH gives it on the chain."""
    return hash_of_code(_code(node, address))


def hash_of_code(code: bytes) -> str:
    """keccak256 of runtime code, without the zero bytes that a recorder may have padded it with."""
    return "0x" + keccak(code.removesuffix(_PADDING)).hex()


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


def _symbol(node: Node, asset: str) -> str:
    """Symbol of the token; its address where it answers none, or one that is no string."""
    try:
        return view(node, asset, "symbol()", "string") or to_checksum_address(asset)
    except (RpcFailed, DecodingError):
        return to_checksum_address(asset)


def _code(node: Node, address: str) -> bytes:
    code = bytes.fromhex(node.rpc.call("eth_getCode", address, "latest")[2:])
    return code.removesuffix(_PADDING)


def _without_metadata(code: bytes) -> bytes:
    """The instructions alone: the last two bytes give the length of the CBOR that solc puts before them."""
    trailer = int.from_bytes(code[-2:], "big") + 2
    return code[:-trailer] if trailer < len(code) else code
