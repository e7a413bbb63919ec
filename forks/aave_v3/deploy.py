"""Deploy the real Aave v3.6 on a local node and list reserves with real parameters.

Everything is sent by one administrator with consecutive nonces, so every address is known beforehand and the
whole market is a handful of blocks. The order follows `src/deployments` of aave-dao/aave-v3-origin@v3.6.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from web3.utils.address import get_create_address

from forks.aave_v3.parameters import EModeParameters, MarketParameters, ReserveParameters, load_parameters
from forks.artifacts import Contracts, aave_v36, decode_revert
from forks.errors import ForkError
from forks.feeds import feed_code
from forks.node import Node

ADMIN = "0xad00000000000000000000000000000000000001"
"""Owner of the market and holder of every role; it needs no key on a node that impersonates."""
POOL_REVISION = 10
"""What `POOL_REVISION()` of v3.6 answers."""
BASE_CURRENCY_UNIT = 10**8
"""One US dollar in base currency units."""

_ZERO_ADDRESS = "0x" + "00" * 20
_LIBRARIES = ("BorrowLogic", "SupplyLogic", "FlashLoanLogic", "LiquidationLogic", "PoolLogic", "ConfiguratorLogic")
_FEED_ADDRESS = 0xFEED << 144
"""Feeds stand at this address plus the reserve id: they are put there, not created."""
_FIRST_STREAM_ID = 100_000
_GAS = 30_000_000


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


class _Transactions:
    """Transactions of the administrator, collected with the addresses they will create, mined together."""

    def __init__(self, node: Node, contracts: Contracts) -> None:
        self.addresses: dict[str, str] = {}
        self._node, self._contracts = node, contracts
        self._nonce = int(node.rpc.call("eth_getTransactionCount", ADMIN, "latest"), 16)
        self._waiting: list[tuple[str, dict[str, Any]]] = []

    def create(self, artifact: str, *arguments: Any, name: str = "") -> str:
        """Create a contract and return where it will be; it is remembered under `name` or the artifact's."""
        data = self._contracts[artifact].creation(*arguments, libraries=self.addresses)
        address = get_create_address(ADMIN, self._nonce)
        self.addresses[name or artifact] = address
        self._append(f"create {name or artifact}", {"data": data})
        return address

    def call(self, artifact: str, target: str, function: str, *arguments: Any) -> None:
        """Call a function of the contract at `target`, whose interface is `artifact`."""
        data = self._contracts[artifact].call(function, *arguments)
        self._append(f"{artifact}.{function}", {"to": target, "data": data})

    def mine(self) -> None:
        """Mine what was collected in one block. Raises SetupReverted with the first step that failed."""
        receipts = self._node.mine_many([transaction for _, transaction in self._waiting])
        for (step, transaction), receipt in zip(self._waiting, receipts, strict=True):
            if receipt["status"] != 1:
                data = self._node.revert_data(transaction)
                raise SetupReverted(step, decode_revert(data or b"", self._contracts.errors))
        self._waiting.clear()

    def _append(self, step: str, transaction: dict[str, Any]) -> None:
        self._waiting.append((step, {"from": ADMIN, "gas": _GAS, **transaction}))
        self._nonce += 1


def deploy(
    node: Node, parameters: MarketParameters | None = None, contracts: Contracts | None = None
) -> Deployment:
    """Deploy Aave v3.6 on `node` and list the reserves of `parameters` (default: mainnet's, March 2025).

    Every reserve has a mintable token of its own and a fixed feed at the recorded price. Two deployments on
    equal nodes give equal addresses and block hashes. Raises SetupReverted.
    """
    parameters = parameters or load_parameters()
    contracts = contracts or aave_v36()
    txs = _Transactions(node, contracts)
    provider = txs.create("PoolAddressesProvider", "underwater", ADMIN)
    pool, configurator = get_create_address(provider, 1), get_create_address(provider, 2)
    tokens = _create_tokens(txs, parameters)
    _create_oracle(node, txs, provider, parameters, tokens)
    _create_pool(txs, provider)
    _grant_roles(txs, provider)
    treasury = _create_treasury(txs)
    data_provider = txs.create("AaveProtocolDataProvider", provider)
    txs.call("PoolAddressesProvider", provider, "setPoolDataProvider", data_provider)
    txs.create("ATokenInstance", pool, _ZERO_ADDRESS, treasury)
    txs.create("VariableDebtTokenInstance", pool, _ZERO_ADDRESS)
    txs.mine()
    _list_reserves(txs, configurator, parameters, tokens)
    for emode in parameters.emodes:
        _create_emode(txs, configurator, emode, tokens)
    txs.mine()
    return Deployment(
        pool=pool,
        provider=provider,
        oracle=txs.addresses["AaveOracle"],
        configurator=configurator,
        acl=txs.addresses["ACLManager"],
        data_provider=data_provider,
        treasury=treasury,
        tokens=tokens,
        contracts=_code_hashes(node, {**txs.addresses, "Pool": pool, "PoolConfigurator": configurator}),
        pool_revision=POOL_REVISION,
    )


def _create_tokens(txs: _Transactions, parameters: MarketParameters) -> dict[str, str]:
    return {
        one.symbol: txs.create("MintableERC20", one.name, one.symbol, one.decimals, name=one.symbol)
        for one in parameters.reserves
    }


def _create_oracle(
    node: Node, txs: _Transactions, provider: str, parameters: MarketParameters, tokens: Mapping[str, str]
) -> None:
    """The oracle in US dollars, over one fixed feed per reserve."""
    code, feeds = feed_code(node), []
    for reserve_id, reserve in enumerate(parameters.reserves):
        feed = f"0x{_FEED_ADDRESS + reserve_id:040x}"
        node.set_code(feed, code)
        node.set_storage(feed, 0, reserve.price_base)
        feeds.append(feed)
    assets = list(tokens.values())
    oracle = txs.create(
        "AaveOracle", provider, assets, feeds, _ZERO_ADDRESS, _ZERO_ADDRESS, BASE_CURRENCY_UNIT
    )
    txs.call("PoolAddressesProvider", provider, "setPriceOracle", oracle)


def _create_pool(txs: _Transactions, provider: str) -> None:
    """The libraries, the pool and the configurator, each behind the proxy that the provider makes for it."""
    for library in _LIBRARIES:
        txs.create(library)
    strategy = txs.create("DefaultReserveInterestRateStrategyV2", provider)
    pool = txs.create("PoolInstance", provider, strategy)
    txs.call("PoolAddressesProvider", provider, "setPoolImpl", pool)
    configurator = txs.create("PoolConfiguratorInstance")
    txs.call("PoolAddressesProvider", provider, "setPoolConfiguratorImpl", configurator)


def _grant_roles(txs: _Transactions, provider: str) -> None:
    txs.call("PoolAddressesProvider", provider, "setACLAdmin", ADMIN)
    acl = txs.create("ACLManager", provider)
    txs.call("PoolAddressesProvider", provider, "setACLManager", acl)
    txs.call("ACLManager", acl, "addPoolAdmin", ADMIN)
    txs.call("ACLManager", acl, "addEmergencyAdmin", ADMIN)


def _create_treasury(txs: _Transactions) -> str:
    collector = txs.create("Collector")
    initializer = encode(["uint256", "address"], [_FIRST_STREAM_ID, ADMIN])
    selector = keccak(text="initialize(uint256,address)")[:4]
    return txs.create("TransparentUpgradeableProxy", collector, ADMIN, selector + initializer, name="Treasury")


def _list_reserves(
    txs: _Transactions, configurator: str, parameters: MarketParameters, tokens: Mapping[str, str]
) -> None:
    inputs = [_init_reserve_input(txs, reserve, tokens[reserve.symbol]) for reserve in parameters.reserves]
    txs.call("PoolConfiguratorInstance", configurator, "initReserves", inputs)
    for reserve in parameters.reserves:
        for function, *arguments in _settings(reserve):
            asset = tokens[reserve.symbol]
            txs.call("PoolConfiguratorInstance", configurator, str(function), asset, *arguments)


def _init_reserve_input(txs: _Transactions, reserve: ReserveParameters, asset: str) -> tuple[Any, ...]:
    rates = (
        reserve.optimal_usage_bps,
        reserve.base_variable_rate_bps,
        reserve.variable_slope1_bps,
        reserve.variable_slope2_bps,
    )
    return (
        txs.addresses["ATokenInstance"],
        txs.addresses["VariableDebtTokenInstance"],
        asset,
        f"Aave Ethereum {reserve.symbol}",
        f"aEth{reserve.symbol}",
        f"Aave Ethereum Variable Debt {reserve.symbol}",
        f"variableDebtEth{reserve.symbol}",
        b"",
        encode(["uint16", "uint32", "uint32", "uint32"], rates),
    )


def _settings(reserve: ReserveParameters) -> list[tuple[Any, ...]]:
    """Calls of the configurator that give a new reserve its parameters: function and what follows the asset."""
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
    txs: _Transactions, configurator: str, emode: EModeParameters, tokens: Mapping[str, str]
) -> None:
    limits = (emode.ltv_bps, emode.liquidation_threshold_bps, emode.liquidation_bonus_bps)
    artifact = "PoolConfiguratorInstance"
    txs.call(artifact, configurator, "setEModeCategory", emode.emode_id, *limits, emode.label)
    for symbol in emode.members:
        txs.call(artifact, configurator, "setAssetCollateralInEMode", tokens[symbol], emode.emode_id, True)
        txs.call(artifact, configurator, "setAssetBorrowableInEMode", tokens[symbol], emode.emode_id, True)


def _code_hashes(node: Node, addresses: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    codes = node.rpc.batch([("eth_getCode", [address, "latest"]) for address in addresses.values()])
    return {
        name: (address, "0x" + keccak(hexstr=code).hex())
        for (name, address), code in zip(addresses.items(), codes, strict=True)
    }
