"""Deploy the real Aave v2 and list reserves: on a local node or in process, the same transactions.

Everything is sent by one administrator in a fixed order. The order follows the dependencies of
`contracts/protocol/configuration/LendingPoolAddressesProvider.sol` (aave/protocol-v2@1.0.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from forks.aave_v2.parameters import ReserveParameters
from forks.aave_v3.deploy import ADMIN, Administrator
from forks.aave_v3.getters import Question, address_of, ask
from forks.artifacts import Contracts, ErrorTable, hardhat_artifact
from forks.chain import Chain
from protocol.aave_v2.validation import ERROR_NAMES

TREASURY = to_checksum_address("0x" + "7e" * 20)
"""Receives what the reserve factor takes; an account like any other."""
WETH = "WETH"
"""Symbol of the reserve that the oracle prices at 1e18 by itself."""
ERRORS = ErrorTable(by_selector={}, by_code=ERROR_NAMES)
"""v2 reverts with numbered strings only."""

_PACKAGE = "@aave/protocol-v2"
_ZERO_ADDRESS = "0x" + "00" * 20
_LIBRARIES = ("ReserveLogic", "GenericLogic", "ValidationLogic")
_CONTRACTS = (
    *_LIBRARIES,
    *(
        "LendingPoolAddressesProvider",
        "LendingPool",
        "LendingPoolConfigurator",
        "LendingPoolCollateralManager",
    ),
    *("AToken", "StableDebtToken", "VariableDebtToken", "DefaultReserveInterestRateStrategy"),
    *("AaveOracle", "PriceOracle", "LendingRateOracle", "MintableERC20"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveAddresses:
    """Where the contracts of one reserve stand, checksummed."""

    asset: str
    atoken: str
    stable_debt_token: str
    variable_debt_token: str
    strategy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """A market that stands: addresses, all checksummed."""

    pool: str
    provider: str
    configurator: str
    oracle: str
    prices: str
    """Where prices are set: what the oracle asks for every asset but WETH."""
    lending_rate_oracle: str
    treasury: str
    reserves: Mapping[str, ReserveAddresses]
    """By symbol, in reserve id order."""


def administrator(chain: Chain) -> Administrator:
    """Who sends the transactions of the owner of a market on `chain`."""
    artifacts = {name: hardhat_artifact(_PACKAGE, name) for name in _CONTRACTS}
    return Administrator(chain, Contracts(artifacts=artifacts, errors=ERRORS))


def deploy(chain: Chain, parameters: Sequence[ReserveParameters]) -> Deployment:
    """Deploy Aave v2 on `chain` and list the reserves of `parameters`, one of which is named WETH.

    Every reserve has a mintable token and a rate strategy of its own. Raises SetupReverted.
    """
    admin = administrator(chain)
    provider = admin.create("LendingPoolAddressesProvider", "underwater")
    tokens = {
        one.symbol: admin.create("MintableERC20", one.symbol, one.symbol, one.decimals, name=one.symbol)
        for one in parameters
    }
    _create_oracles(admin, provider, parameters, tokens)
    pool, configurator = _create_pool(chain, admin, provider)
    for one in parameters:
        _list_reserve(admin, provider, pool, configurator, one, tokens[one.symbol])
    return Deployment(
        pool=pool,
        provider=provider,
        configurator=configurator,
        oracle=admin.addresses["AaveOracle"],
        prices=admin.addresses["PriceOracle"],
        lending_rate_oracle=admin.addresses["LendingRateOracle"],
        treasury=TREASURY,
        reserves={symbol: _reserve_addresses(chain, pool, asset) for symbol, asset in tokens.items()},
    )


def _create_oracles(
    admin: Administrator, provider: str, parameters: Sequence[ReserveParameters], tokens: Mapping[str, str]
) -> None:
    """The oracle in ETH, which asks a settable one for every price, and the oracle of stable rates."""
    prices = admin.create("PriceOracle")
    rates = admin.create("LendingRateOracle")
    for one in parameters:
        admin.call("PriceOracle", prices, "setAssetPrice", tokens[one.symbol], one.price_base)
        admin.call(
            "LendingRateOracle",
            rates,
            "setMarketBorrowRate",
            tokens[one.symbol],
            one.market_borrow_rate_ray,
        )
    oracle = admin.create("AaveOracle", [], [], prices, tokens[WETH])
    admin.call("LendingPoolAddressesProvider", provider, "setPriceOracle", oracle)
    admin.call("LendingPoolAddressesProvider", provider, "setLendingRateOracle", rates)


def _create_pool(chain: Chain, admin: Administrator, provider: str) -> tuple[str, str]:
    """The libraries, the pool and the configurator, each behind the proxy that the provider makes for it."""
    artifact = "LendingPoolAddressesProvider"
    for library in _LIBRARIES:
        admin.create(library)
    for role in ("setPoolAdmin", "setEmergencyAdmin"):
        admin.call(artifact, provider, role, ADMIN)
    admin.call(artifact, provider, "setLendingPoolImpl", admin.create("LendingPool"))
    admin.call(artifact, provider, "setLendingPoolConfiguratorImpl", admin.create("LendingPoolConfigurator"))
    manager = admin.create("LendingPoolCollateralManager")
    admin.call(artifact, provider, "setLendingPoolCollateralManager", manager)
    names = ("getLendingPool()", "getLendingPoolConfigurator()")
    pool, configurator = ask(chain, [Question(provider, name) for name in names])
    return pool.address, configurator.address


def _list_reserve(
    admin: Administrator, provider: str, pool: str, configurator: str, one: ReserveParameters, asset: str
) -> None:
    """The reserve's tokens and strategy, its listing, then its parameters."""
    symbol = one.symbol
    atoken = admin.create(
        "AToken", pool, asset, TREASURY, f"Aave {symbol}", f"a{symbol}", _ZERO_ADDRESS, name=f"a{symbol}"
    )
    stable, variable = (
        admin.create(
            artifact,
            pool,
            asset,
            f"Aave debt {symbol}",
            f"debt{symbol}",
            _ZERO_ADDRESS,
            name=artifact + symbol,
        )
        for artifact in ("StableDebtToken", "VariableDebtToken")
    )
    strategy = create_strategy(admin, provider, one)
    artifact = "LendingPoolConfigurator"
    admin.call(artifact, configurator, "initReserve", atoken, stable, variable, one.decimals, strategy)
    for function, *arguments in _settings(one):
        admin.call(artifact, configurator, str(function), asset, *arguments)


def create_strategy(admin: Administrator, provider: str, one: ReserveParameters) -> str:
    """Create the rate strategy of a reserve and return its address."""
    return admin.create(
        "DefaultReserveInterestRateStrategy",
        provider,
        one.optimal_usage_ray,
        one.base_variable_rate_ray,
        one.variable_slope1_ray,
        one.variable_slope2_ray,
        one.stable_slope1_ray,
        one.stable_slope2_ray,
        name=f"strategy{one.symbol}",
    )


def _settings(one: ReserveParameters) -> list[tuple[Any, ...]]:
    """Calls that give a new reserve its parameters: function of the configurator, what follows `asset`."""
    limits = (one.ltv_bps, one.liquidation_threshold_bps, one.liquidation_bonus_bps)
    calls: list[tuple[Any, ...]] = [
        ("configureReserveAsCollateral", *limits),
        ("setReserveFactor", one.reserve_factor_bps),
    ]
    if one.borrowing_enabled:
        calls.append(("enableBorrowingOnReserve", one.stable_borrowing_enabled))
    return calls


def _reserve_addresses(chain: Chain, pool: str, asset: str) -> ReserveAddresses:
    """What the pool says of a listed reserve (words 7 to 10 of its data)."""
    words = ask(chain, [Question(pool, "getReserveData(address)", (asset,))])[0].words
    atoken, stable, variable, strategy = map(address_of, words[7:11])
    return ReserveAddresses(
        asset=asset,
        atoken=atoken,
        stable_debt_token=stable,
        variable_debt_token=variable,
        strategy=strategy,
    )
