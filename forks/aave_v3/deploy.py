"""Deploy the real Aave v3.6 on a local node and list reserves with real parameters.

Everything is sent by one administrator in a fixed order, so addresses and blocks are the same in every run.
The order follows `src/deployments` of aave-dao/aave-v3-origin@v3.6.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.getters import Question, ask
from forks.aave_v3.parameters import EModeParameters, MarketParameters, ReserveParameters, load_parameters
from forks.artifacts import Contracts, aave_v36, decode_revert
from forks.calldata import calldata
from forks.chain import Chain
from forks.errors import ForkError
from forks.feeds import feed_code
from protocol.units import BASE_PER_USD

ADMIN = "0xad00000000000000000000000000000000000001"
"""Owner of the market and holder of every role; it needs no key on a node that impersonates."""

_ZERO_ADDRESS = "0x" + "00" * 20
_LIBRARIES = (
    "BorrowLogic",
    "SupplyLogic",
    "FlashLoanLogic",
    "LiquidationLogic",
    "PoolLogic",
    "ConfiguratorLogic",
)
_FEED_ADDRESS = 0xFEED << 144
"""Feeds stand at this address plus the reserve id: they are put there, not created."""
_FIRST_STREAM_ID = 100_000


class SetupReverted(ForkError):
    """A transaction of the deployment was refused."""

    def __init__(self, step: str, reason: str) -> None:
        self.step, self.reason = step, reason
        super().__init__(f"deployment step {step!r} reverted: {reason}; start from a fresh node")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """A market that stands on a node: addresses, all checksummed."""

    pool: str
    provider: str
    oracle: str
    configurator: str
    acl: str
    data_provider: str
    treasury: str
    tokens: Mapping[str, str]
    """Symbol to the underlying token, in reserve id order."""
    contracts: Mapping[str, tuple[str, str]]
    """Name to address and code hash of every contract that was created, implementations and libraries too."""
    pool_revision: int


class Administrator:
    """Sends the transactions of the deployment one by one, so that they fit any block, and checks each.

    Raises SetupReverted.
    """

    def __init__(self, node: Chain, contracts: Contracts) -> None:
        self.addresses: dict[str, str] = {}
        """Name to address of what was created."""
        self.contracts = contracts
        self._node = node

    def create(self, artifact: str, *arguments: Any, name: str = "") -> str:
        """Create a contract and return its address; it is remembered under `name` or the artifact's."""
        data = self.contracts[artifact].creation(*arguments, libraries=self.addresses)
        receipt = self._send(f"create {name or artifact}", {"data": data})
        address = to_checksum_address(str(receipt["contractAddress"]))
        self.addresses[name or artifact] = address
        return address

    def call(self, artifact: str, target: str, function: str, *arguments: Any) -> None:
        """Call a function of the contract at `target`, whose interface is `artifact`."""
        data = self.contracts[artifact].call(function, *arguments)
        self._send(f"{artifact}.{function}", {"to": target, "data": data})

    def _send(self, step: str, transaction: dict[str, Any]) -> Mapping[str, Any]:
        transaction = {"from": ADMIN, **transaction}
        receipt = self._node.send(transaction)
        if receipt["status"] != 1:
            data = self._node.revert_data(transaction)
            raise SetupReverted(step, decode_revert(data or b"", self.contracts.errors))
        return receipt


def deploy(
    node: Chain,
    parameters: MarketParameters | None = None,
    contracts: Contracts | None = None,
    *,
    treasury: str | None = None,
) -> Deployment:
    """Deploy Aave v3.6 on `node` and list the reserves of `parameters` (default: mainnet's, March 2025).

    Every reserve has a mintable token of its own and a fixed feed at the recorded price; `treasury` is a
    Collector where none is named. Two deployments on equal nodes give equal addresses and block hashes. Raises
    SetupReverted.
    """
    parameters = parameters or load_parameters()
    admin = Administrator(node, contracts or aave_v36())
    provider = admin.create("PoolAddressesProvider", "underwater", ADMIN)
    tokens = create_tokens(admin, parameters)
    create_oracle(node, admin, provider, parameters, tokens)
    _create_pool(admin, provider)
    grant_roles(admin, provider)
    pool, configurator = proxies(node, provider)
    treasury = treasury or _create_treasury(admin)
    _create_reserve_implementations(admin, provider, pool, treasury)
    for reserve in parameters.reserves:
        _list_reserve(admin, configurator, reserve, tokens[reserve.symbol])
    for emode in parameters.emodes:
        _create_emode(admin, configurator, emode, tokens)
    created = {**admin.addresses, "Pool": pool, "PoolConfigurator": configurator}
    return Deployment(
        pool=pool,
        provider=provider,
        oracle=created["AaveOracle"],
        configurator=configurator,
        acl=created["ACLManager"],
        data_provider=created["AaveProtocolDataProvider"],
        treasury=treasury,
        tokens=tokens,
        contracts=code_hashes(node, created),
        pool_revision=ask(node, [Question(pool, "POOL_REVISION()")])[0].word,
    )


def create_tokens(admin: Administrator, parameters: MarketParameters) -> dict[str, str]:
    """Create a mintable token for every reserve; symbol to address. Raises SetupReverted."""
    return {
        one.symbol: admin.create("MintableERC20", one.name, one.symbol, one.decimals, name=one.symbol)
        for one in parameters.reserves
    }


def create_oracle(
    node: Chain, admin: Administrator, provider: str, parameters: MarketParameters, tokens: Mapping[str, str]
) -> None:
    """Create the oracle in US dollars, over one fixed feed per reserve. Raises SetupReverted."""
    code, feeds = feed_code(node), []
    for reserve_id, reserve in enumerate(parameters.reserves):
        feed = f"0x{_FEED_ADDRESS + reserve_id:040x}"
        node.set_code(feed, code)
        node.set_storage(feed, 0, reserve.price_base)
        feeds.append(feed)
    assets = list(tokens.values())
    oracle = admin.create("AaveOracle", provider, assets, feeds, _ZERO_ADDRESS, _ZERO_ADDRESS, BASE_PER_USD)
    admin.call("PoolAddressesProvider", provider, "setPriceOracle", oracle)


def _create_pool(admin: Administrator, provider: str) -> None:
    """The libraries, the pool and the configurator, each behind the proxy that the provider makes for it."""
    for library in _LIBRARIES:
        admin.create(library)
    strategy = admin.create("DefaultReserveInterestRateStrategyV2", provider)
    pool = admin.create("PoolInstance", provider, strategy)
    admin.call("PoolAddressesProvider", provider, "setPoolImpl", pool)
    configurator = admin.create("PoolConfiguratorInstance")
    admin.call("PoolAddressesProvider", provider, "setPoolConfiguratorImpl", configurator)


def grant_roles(admin: Administrator, provider: str) -> None:
    """Create the access list with the administrator in every role that is needed. Raises SetupReverted."""
    admin.call("PoolAddressesProvider", provider, "setACLAdmin", ADMIN)
    acl = admin.create("ACLManager", provider)
    admin.call("PoolAddressesProvider", provider, "setACLManager", acl)
    admin.call("ACLManager", acl, "addPoolAdmin", ADMIN)
    admin.call("ACLManager", acl, "addEmergencyAdmin", ADMIN)


def proxies(node: Chain, provider: str) -> tuple[str, str]:
    """Where the provider put the proxies of the pool and of the configurator."""
    names = ("getPool()", "getPoolConfigurator()")
    pool, configurator = ask(node, [Question(provider, name) for name in names])
    return pool.address, configurator.address


def _create_treasury(admin: Administrator) -> str:
    collector = admin.create("Collector")
    initializer = calldata("initialize(uint256,address)", _FIRST_STREAM_ID, ADMIN)
    return admin.create("TransparentUpgradeableProxy", collector, ADMIN, initializer, name="Treasury")


def _create_reserve_implementations(admin: Administrator, provider: str, pool: str, treasury: str) -> None:
    """What all reserves share, and the data provider."""
    admin.create("ATokenInstance", pool, _ZERO_ADDRESS, treasury)
    admin.create("VariableDebtTokenInstance", pool, _ZERO_ADDRESS)
    data_provider = admin.create("AaveProtocolDataProvider", provider)
    admin.call("PoolAddressesProvider", provider, "setPoolDataProvider", data_provider)


def _list_reserve(admin: Administrator, configurator: str, reserve: ReserveParameters, asset: str) -> None:
    artifact = "PoolConfiguratorInstance"
    admin.call(artifact, configurator, "initReserves", [_init_reserve_input(admin, reserve, asset)])
    for function, *arguments in _settings(reserve):
        admin.call(artifact, configurator, str(function), asset, *arguments)


def _init_reserve_input(admin: Administrator, reserve: ReserveParameters, asset: str) -> tuple[Any, ...]:
    rates = (
        reserve.optimal_usage_bps,
        reserve.base_variable_rate_bps,
        reserve.variable_slope1_bps,
        reserve.variable_slope2_bps,
    )
    return (
        admin.addresses["ATokenInstance"],
        admin.addresses["VariableDebtTokenInstance"],
        asset,
        f"Aave Ethereum {reserve.symbol}",
        f"aEth{reserve.symbol}",
        f"Aave Ethereum Variable Debt {reserve.symbol}",
        f"variableDebtEth{reserve.symbol}",
        b"",
        encode(["uint16", "uint32", "uint32", "uint32"], rates),
    )


def _settings(reserve: ReserveParameters) -> list[tuple[Any, ...]]:
    """Calls that give a new reserve its parameters: function of the configurator, what follows `asset`."""
    return [
        (
            "configureReserveAsCollateral",
            reserve.ltv_bps,
            reserve.liquidation_threshold_bps,
            reserve.liquidation_bonus_bps,
        ),
        ("setLiquidationProtocolFee", reserve.liquidation_protocol_fee_bps),
        ("setReserveFactor", reserve.reserve_factor_bps),
        ("setReserveBorrowing", reserve.borrowing_enabled),
        ("setBorrowableInIsolation", reserve.borrowable_in_isolation),
        ("setReserveFlashLoaning", reserve.flash_loan_enabled),
        ("setBorrowCap", reserve.borrow_cap_tokens),
        ("setSupplyCap", reserve.supply_cap_tokens),
    ]


def _create_emode(
    admin: Administrator, configurator: str, emode: EModeParameters, tokens: Mapping[str, str]
) -> None:
    limits = (emode.ltv_bps, emode.liquidation_threshold_bps, emode.liquidation_bonus_bps)
    artifact = "PoolConfiguratorInstance"
    admin.call(artifact, configurator, "setEModeCategory", emode.emode_id, *limits, emode.label)
    for symbol in emode.members:
        admin.call(artifact, configurator, "setAssetCollateralInEMode", tokens[symbol], emode.emode_id, True)
        admin.call(artifact, configurator, "setAssetBorrowableInEMode", tokens[symbol], emode.emode_id, True)


def code_hashes(node: Chain, addresses: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Name to address and hash of the code there."""
    codes = node.rpc.batch([("eth_getCode", [address, "latest"]) for address in addresses.values()])
    return {
        name: (address, "0x" + keccak(hexstr=code).hex())
        for (name, address), code in zip(addresses.items(), codes, strict=True)
    }
