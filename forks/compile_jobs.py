"""What the project compiles itself: one job per set of contracts that npm brings as sources only."""

from __future__ import annotations

from forks.compile import Job

_ORIGIN = "@aave-dao/aave-v3-origin/src/contracts"
_PROXIES = "@openzeppelin/contracts/proxy/transparent"
_MORPHO = "@morpho-org/morpho-blue/src"
_SPHERE = "sphere-mezo-solidity-files"

AAVE_V36 = Job(
    name="Aave v3.6",
    compiler="solc",
    compiler_version="0.8.27",
    targets={
        "PoolInstance": f"{_ORIGIN}/instances/PoolInstance.sol",
        "PoolConfiguratorInstance": f"{_ORIGIN}/instances/PoolConfiguratorInstance.sol",
        "ATokenInstance": f"{_ORIGIN}/instances/ATokenInstance.sol",
        "VariableDebtTokenInstance": f"{_ORIGIN}/instances/VariableDebtTokenInstance.sol",
        "PoolAddressesProvider": f"{_ORIGIN}/protocol/configuration/PoolAddressesProvider.sol",
        "ACLManager": f"{_ORIGIN}/protocol/configuration/ACLManager.sol",
        "AaveOracle": f"{_ORIGIN}/misc/AaveOracle.sol",
        "PriceOracleSentinel": f"{_ORIGIN}/misc/PriceOracleSentinel.sol",
        "SequencerOracle": f"{_ORIGIN}/mocks/oracle/SequencerOracle.sol",
        "DefaultReserveInterestRateStrategyV2": f"{_ORIGIN}/misc/DefaultReserveInterestRateStrategyV2.sol",
        "AaveProtocolDataProvider": f"{_ORIGIN}/helpers/AaveProtocolDataProvider.sol",
        "Collector": f"{_ORIGIN}/treasury/Collector.sol",
        "MintableERC20": f"{_ORIGIN}/mocks/tokens/MintableERC20.sol",
        "TransparentUpgradeableProxy": f"{_PROXIES}/TransparentUpgradeableProxy.sol",
        "BorrowLogic": f"{_ORIGIN}/protocol/libraries/logic/BorrowLogic.sol",
        "ConfiguratorLogic": f"{_ORIGIN}/protocol/libraries/logic/ConfiguratorLogic.sol",
        "FlashLoanLogic": f"{_ORIGIN}/protocol/libraries/logic/FlashLoanLogic.sol",
        "LiquidationLogic": f"{_ORIGIN}/protocol/libraries/logic/LiquidationLogic.sol",
        "PoolLogic": f"{_ORIGIN}/protocol/libraries/logic/PoolLogic.sol",
        "SupplyLogic": f"{_ORIGIN}/protocol/libraries/logic/SupplyLogic.sol",
    },
    packages=(
        "@aave-dao/aave-v3-origin",
        "@bgd-labs/solidity-utils",
        "@openzeppelin/contracts",
        "@openzeppelin/contracts-upgradeable",
    ),
    remappings={
        "solidity-utils/": "@bgd-labs/solidity-utils/src/",
        "openzeppelin-contracts/contracts/": "@openzeppelin/contracts/",
        "openzeppelin-contracts-upgradeable/contracts/": "@openzeppelin/contracts-upgradeable/",
    },
    settings={
        "optimizer": {"enabled": True, "runs": 200},
        "evmVersion": "shanghai",
        "metadata": {"bytecodeHash": "none"},
        "viaIR": False,
    },
)
"""Settings as `foundry.toml` of aave-dao/aave-v3-origin@v3.6.0 has them."""

_MORPHO_SETTINGS = {
    "optimizer": {"enabled": True, "runs": 999_999},
    "evmVersion": "paris",
    "metadata": {"bytecodeHash": "none"},
    "viaIR": True,
}

MORPHO_BLUE = Job(
    name="Morpho Blue",
    compiler="solc-0.8.19",
    compiler_version="0.8.19",
    targets={
        "Morpho": f"{_MORPHO}/Morpho.sol",
        "ERC20Mock": f"{_MORPHO}/mocks/ERC20Mock.sol",
        "IrmMock": f"{_MORPHO}/mocks/IrmMock.sol",
    },
    packages=("@morpho-org/morpho-blue",),
    remappings={},
    settings=_MORPHO_SETTINGS,
)
"""Compiler as the sources demand, settings as `foundry.toml` of morpho-org/morpho-blue@3085651 has them, whose
statements are those of the packaged 1.0.0."""

ADAPTIVE_CURVE_IRM = Job(
    name="AdaptiveCurveIrm",
    compiler="solc-0.8.25",
    compiler_version="0.8.25",
    targets={"AdaptiveCurveIrm": f"{_SPHERE}/domains/morphoIrm/contracts/AdaptiveCurveIrm.sol"},
    packages=(_SPHERE,),
    remappings={},
    settings=_MORPHO_SETTINGS,
)
"""Morpho's rate model as another project republished it, with a later compiler: the statements are those of
morpho-org/morpho-blue-irm@a1a87fd. Settings as its `foundry.toml` has them."""
