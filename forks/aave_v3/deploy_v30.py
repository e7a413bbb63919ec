"""Deploy the real Aave v3.0.0, 3.0.1 or 3.0.2 from its published artifacts and list reserves.

As `deploy`, which does it for v3.6: one administrator, a fixed order, the same addresses in every run. The
order follows `deployments/` of aave/aave-v3-core@v1.16.2; what follows the listing is left to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_utils.address import to_checksum_address

from forks.aave_v3.deploy import (
    ADMIN,
    Administrator,
    Deployment,
    code_hashes,
    create_oracle,
    create_tokens,
    grant_roles,
    proxies,
)
from forks.aave_v3.getters import Question, ask
from forks.aave_v3.parameters import MarketParameters, ReserveParameters, StableParameters
from forks.artifacts import aave_v30
from forks.chain import Chain

PACKAGES: Mapping[str, str] = {
    "3.0.0": "@aave/core-v3-1.16.2",
    "3.0.1": "@aave/core-v3-1.17.2",
    "3.0.2": "@aave/core-v3",
}
"""Revision to the npm package, as it is installed here, that has its artifacts."""
TREASURY = to_checksum_address("0x" + "7e" * 20)
"""Receives what the protocol earns; these packages bring no treasury contract."""

_LIBRARIES = (
    "BorrowLogic",
    "BridgeLogic",
    "EModeLogic",
    "FlashLoanLogic",
    "LiquidationLogic",
    "PoolLogic",
    "SupplyLogic",
    "ConfiguratorLogic",
)
_TOKENS = ("AToken", "StableDebtToken", "VariableDebtToken")
_CONTRACTS = (
    *_LIBRARIES,
    *_TOKENS,
    *("PoolAddressesProvider", "ACLManager", "AaveOracle", "Pool", "PoolConfigurator", "MintableERC20"),
    *("DefaultReserveInterestRateStrategy", "AaveProtocolDataProvider"),
    *("PriceOracleSentinel", "SequencerOracle"),
)
_BPS_TO_RAY = 10**23
_ZERO_ADDRESS = "0x" + "00" * 20


def deploy_v30(node: Chain, revision: str, parameters: MarketParameters) -> tuple[Deployment, Administrator]:
    """Deploy `revision` ("3.0.0", "3.0.1", "3.0.2") on `node`, list the reserves of `parameters`.

    Returns the market and who administers it. Every reserve has a mintable token of its own, a rate strategy of
    its own (named `strategy` and its symbol) and a fixed feed at its price. Raises SetupReverted.
    """
    admin = Administrator(node, aave_v30(PACKAGES[revision], _CONTRACTS))
    provider = admin.create("PoolAddressesProvider", "underwater", ADMIN)
    tokens = create_tokens(admin, parameters)
    create_oracle(node, admin, provider, parameters, tokens)
    grant_roles(admin, provider)
    for library in _LIBRARIES:
        admin.create(library)
    admin.call("PoolAddressesProvider", provider, "setPoolImpl", admin.create("Pool", provider))
    configurator_code = admin.create("PoolConfigurator")
    admin.call("PoolAddressesProvider", provider, "setPoolConfiguratorImpl", configurator_code)
    pool, configurator = proxies(node, provider)
    for token in _TOKENS:
        admin.create(token, pool)
    data_provider = admin.create("AaveProtocolDataProvider", provider)
    admin.call("PoolAddressesProvider", provider, "setPoolDataProvider", data_provider)
    for reserve in parameters.reserves:
        _list_reserve(admin, provider, configurator, reserve, tokens[reserve.symbol])
    created = {**admin.addresses, "Pool": pool, "PoolConfigurator": configurator}
    deployment = Deployment(
        pool=pool,
        provider=provider,
        oracle=created["AaveOracle"],
        configurator=configurator,
        acl=created["ACLManager"],
        data_provider=data_provider,
        treasury=TREASURY,
        tokens=tokens,
        contracts=code_hashes(node, created),
        pool_revision=ask(node, [Question(pool, "POOL_REVISION()")])[0].word,
    )
    return deployment, admin


def create_strategy_v30(
    admin: Administrator, provider: str, reserve: ReserveParameters, stable: StableParameters
) -> str:
    """Create the rate strategy of a reserve and return its address. Raises SetupReverted."""
    bps = (
        reserve.optimal_usage_bps,
        reserve.base_variable_rate_bps,
        reserve.variable_slope1_bps,
        reserve.variable_slope2_bps,
        stable.slope1_bps,
        stable.slope2_bps,
        stable.base_offset_bps,
        stable.excess_offset_bps,
        stable.optimal_stable_to_total_debt_bps,
    )
    rays = [value * _BPS_TO_RAY for value in bps]
    artifact = "DefaultReserveInterestRateStrategy"
    return admin.create(artifact, provider, *rays, name=f"strategy{reserve.symbol}")


def _list_reserve(
    admin: Administrator, provider: str, configurator: str, reserve: ReserveParameters, asset: str
) -> None:
    strategy = create_strategy_v30(admin, provider, reserve, StableParameters())
    artifact = "PoolConfigurator"
    listing = _init_reserve_input(admin.addresses, reserve, asset, strategy)
    admin.call(artifact, configurator, "initReserves", [listing])
    for function, *arguments in _settings(reserve):
        admin.call(artifact, configurator, str(function), asset, *arguments)


def _init_reserve_input(
    addresses: Mapping[str, str], reserve: ReserveParameters, asset: str, strategy: str
) -> tuple[Any, ...]:
    symbol = reserve.symbol
    return (
        *(addresses[token] for token in _TOKENS),
        reserve.decimals,
        strategy,
        asset,
        TREASURY,
        _ZERO_ADDRESS,
        f"Aave {symbol}",
        f"a{symbol}",
        f"Aave Variable Debt {symbol}",
        f"variableDebt{symbol}",
        f"Aave Stable Debt {symbol}",
        f"stableDebt{symbol}",
        b"",
    )


def _settings(reserve: ReserveParameters) -> list[tuple[Any, ...]]:
    """Calls that give a new reserve its parameters: function of the configurator, what follows `asset`."""
    limits = (reserve.ltv_bps, reserve.liquidation_threshold_bps, reserve.liquidation_bonus_bps)
    return [
        ("configureReserveAsCollateral", *limits),
        ("setLiquidationProtocolFee", reserve.liquidation_protocol_fee_bps),
        ("setReserveFactor", reserve.reserve_factor_bps),
        ("setReserveBorrowing", reserve.borrowing_enabled),
        ("setBorrowableInIsolation", reserve.borrowable_in_isolation),
        ("setBorrowCap", reserve.borrow_cap_tokens),
        ("setSupplyCap", reserve.supply_cap_tokens),
    ]
