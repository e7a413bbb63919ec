"""The contracts of the market: which npm artifact stands at which recorded address, with which constructor.

The order is the order of need: a constructor may read what stands before it.
"""

from __future__ import annotations

from typing import Any

from forks.aave_v3.mainnet_19471508.figures import Figures, ReserveFigures
from forks.aave_v3.mainnet_19471508.placement import call_as, place
from forks.artifacts import Artifact, hardhat_artifact
from forks.calldata import calldata
from forks.node import Node
from protocol.units import BASE_PER_USD

PACKAGE = "@aave/core-v3"
"""npm package of the artifacts, 1.19.3: its sources are those of aave/aave-v3-core@v1.19.3, release 3.0.2."""
ZERO_ADDRESS = "0x" + "0" * 40
MARKET_ID = "Aave Ethereum Market"

_LIBRARIES = (
    "SupplyLogic",
    "BorrowLogic",
    "LiquidationLogic",
    "PoolLogic",
    "EModeLogic",
    "BridgeLogic",
    "FlashLoanLogic",
)
_TOKENS = ("AToken", "StableDebtToken", "VariableDebtToken")
_PROXY = "InitializableImmutableAdminUpgradeabilityProxy"
_DEBT_TOKEN_INITIALIZE = "initialize(address,address,address,uint8,string,string,bytes)"  # noqa: S105
_ATOKEN_INITIALIZE = "initialize(address,address,address,address,uint8,string,string,bytes)"


def place_contracts(node: Node, figures: Figures) -> None:
    """Put every contract of the market at its recorded address and initialise it. Raises SetupReverted."""
    _place_provider(node, figures)
    _place_oracle_and_roles(node, figures)
    _place_pool(node, figures)
    for reserve in figures.reserves:
        _place_underlying(node, reserve)
        _place_strategy(node, figures, reserve)
        _place_reserve_tokens(node, figures, reserve)


def _place_provider(node: Node, figures: Figures) -> None:
    """The registry, with the entries that the other constructors and the market itself read."""
    provider, owner = figures.address("PoolAddressesProvider"), figures.acl_admin
    place(node, provider, _contract("PoolAddressesProvider").creation(MARKET_ID, owner))
    entries = {
        "POOL": figures.address("Pool"),
        "POOL_CONFIGURATOR": figures.configurator,
        "PRICE_ORACLE": figures.address("AaveOracle"),
        "ACL_MANAGER": figures.address("ACLManager"),
        "ACL_ADMIN": figures.acl_admin,
    }
    for key, address in entries.items():
        call_as(node, owner, provider, "setAddress(bytes32,address)", key.encode(), address)


def _place_oracle_and_roles(node: Node, figures: Figures) -> None:
    provider, acl = figures.address("PoolAddressesProvider"), figures.address("ACLManager")
    place(node, acl, _contract("ACLManager").creation(provider))
    call_as(node, figures.acl_admin, acl, "addPoolAdmin(address)", figures.acl_admin)
    assets = [reserve.asset for reserve in figures.reserves]
    sources = [reserve.price_source for reserve in figures.reserves]
    arguments = (provider, assets, sources, ZERO_ADDRESS, ZERO_ADDRESS, BASE_PER_USD)
    place(node, figures.address("AaveOracle"), _contract("AaveOracle").creation(*arguments))


def _place_pool(node: Node, figures: Figures) -> None:
    """The libraries, the Pool linked to them behind its proxy, and the implementations of its tokens."""
    provider, pool = figures.address("PoolAddressesProvider"), figures.address("Pool")
    libraries = {name: figures.address(name) for name in _LIBRARIES}
    for name in _LIBRARIES:
        place(node, libraries[name], _contract(name).creation(libraries=libraries))
    implementation = figures.address("Pool implementation")
    place(node, implementation, _contract("Pool").creation(provider, libraries=libraries))
    _place_proxy(node, pool, provider, implementation, calldata("initialize(address)", provider))
    for name in _TOKENS:
        place(node, figures.address(f"{name} implementation"), _contract(name).creation(pool))


def _place_proxy(node: Node, address: str, admin: str, implementation: str, initializer: bytes) -> None:
    place(node, address, _contract(_PROXY).creation(admin))
    call_as(node, admin, address, "initialize(address,bytes)", implementation, initializer)


def _place_underlying(node: Node, reserve: ReserveFigures) -> None:
    """The token itself: the package's WETH9, which is the real one's source, or its mintable ERC-20."""
    if reserve.symbol == "WETH":
        place(node, reserve.asset, _contract("WETH9").creation())
        return
    mintable = _contract("MintableERC20")
    place(node, reserve.asset, mintable.creation(reserve.name, reserve.symbol, reserve.decimals))


def _place_strategy(node: Node, figures: Figures, reserve: ReserveFigures) -> None:
    curve = reserve.rate_strategy
    arguments = (
        figures.address("PoolAddressesProvider"),
        curve.optimal_usage_ratio_ray,
        curve.base_variable_borrow_rate_ray,
        curve.variable_rate_slope1_ray,
        curve.variable_rate_slope2_ray,
        curve.stable_rate_slope1_ray,
        curve.stable_rate_slope2_ray,
        curve.base_stable_rate_offset_ray,
        curve.stable_rate_excess_offset_ray,
        curve.optimal_stable_to_total_debt_ratio_ray,
    )
    place(node, reserve.strategy, _contract("DefaultReserveInterestRateStrategy").creation(*arguments))


def _place_reserve_tokens(node: Node, figures: Figures, reserve: ReserveFigures) -> None:
    """The aToken and both debt tokens behind their proxies; no incentives controller, which core lacks."""
    pool, symbol = figures.address("Pool"), reserve.symbol
    common: tuple[Any, ...] = (reserve.asset, ZERO_ADDRESS, reserve.decimals)
    atoken = (pool, figures.treasury, *common, f"Aave Ethereum {symbol}", f"aEth{symbol}", b"")
    stable = (pool, *common, f"Aave Ethereum Stable Debt {symbol}", f"stableDebtEth{symbol}", b"")
    variable = (pool, *common, f"Aave Ethereum Variable Debt {symbol}", f"variableDebtEth{symbol}", b"")
    for kind, proxy, initializer in (
        ("AToken", reserve.atoken, calldata(_ATOKEN_INITIALIZE, *atoken)),
        ("StableDebtToken", reserve.stable_debt_token, calldata(_DEBT_TOKEN_INITIALIZE, *stable)),
        ("VariableDebtToken", reserve.variable_debt_token, calldata(_DEBT_TOKEN_INITIALIZE, *variable)),
    ):
        implementation = figures.address(f"{kind} implementation")
        _place_proxy(node, proxy, figures.configurator, implementation, initializer)


def _contract(name: str) -> Artifact:
    return hardhat_artifact(PACKAGE, name)
