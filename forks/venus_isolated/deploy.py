"""Deploy the real Venus isolated pools 1.0.0 and list markets: on a local node or in process, the same transactions.

Everything is sent by one administrator in a fixed order. All of it is the package's own code behind its beacons,
access control and auction too; only the price oracle is a feed of ours, and the risk fund has nobody to swap with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from forks.aave_v3.deploy import ADMIN, Administrator, SetupReverted
from forks.artifacts import venus_isolated
from forks.calldata import calldata
from forks.chain import Chain
from forks.keyed_feed import KEYED_FEED, set_answer
from forks.venus_isolated.parameters import (
    DEFAULT_SEIZE_SHARE_MANTISSA,
    JumpRate,
    MarketParameters,
    PoolParameters,
    RateModel,
    WhitePaperRate,
)
from protocol.units import MAX_UINT256

VTOKEN_DECIMALS = 8

_CONTRACTS = (
    *("AccessControlManager", "UpgradeableBeacon", "BeaconProxy"),
    *("PoolRegistry", "Comptroller", "VToken", "Shortfall", "RiskFund", "ProtocolShareReserve"),
    *("WhitePaperInterestRateModel", "JumpRateModelV2", "MockToken", "FeeToken"),
)
_ANYWHERE = "0x" + "00" * 20
"""A permission for this address is one for every contract."""
_OF_OWNER = (
    "addPool(string,address,uint256,uint256,uint256)",
    "addMarket(AddMarketInput)",
    "setActionsPaused(address[],uint256[],bool)",
    "setProtocolSeizeShare(uint256)",
    "setReserveFactor(uint256)",
    "setInterestRateModel(address)",
    "updateJumpRateModel(uint256,uint256,uint256,uint256)",
    "updateNextBidderBlockLimit(uint256)",
    "updateIncentiveBps(uint256)",
    "updateMinimumPoolBadDebt(uint256)",
    "updateWaitForFirstBidder(uint256)",
    "pauseAuctions()",
    "resumeAuctions()",
    "swapPoolsAssets(address[],uint256[],address[][])",
)
_OF_OWNER_AND_REGISTRY = (
    "setCloseFactor(uint256)",
    "setLiquidationIncentive(uint256)",
    "setMinLiquidatableCollateral(uint256)",
    "setCollateralFactor(address,uint256,uint256)",
    "setMarketSupplyCaps(address[],uint256[])",
    "setMarketBorrowCaps(address[],uint256[])",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketAddresses:
    """Where the contracts of one market stand, checksummed."""

    vtoken: str
    underlying: str
    rate_model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """A pool that stands: addresses, all checksummed."""

    comptroller: str
    registry: str
    oracle: str
    """A feed of our own: `set_price` moves it."""
    shortfall: str
    """Auctions bad debt off."""
    risk_fund: str
    protocol_share_reserve: str
    """Gets the reserves of a market when these are reduced."""
    base_token: str
    markets: Mapping[str, MarketAddresses]
    """By symbol of the underlying, in the order in which they were listed."""


def administrator(chain: Chain) -> Administrator:
    """Who sends the transactions of the owner of pools on `chain`."""
    contracts = venus_isolated(_CONTRACTS)
    artifacts = {**contracts.artifacts, "KeyedFeed": KEYED_FEED}
    return Administrator(chain, replace(contracts, artifacts=artifacts))


def deploy(chain: Chain, parameters: PoolParameters) -> Deployment:
    """Deploy Venus isolated pools on `chain`, one pool, and list the markets of `parameters`.

    Every market has a rate model and a token of its own that anybody can mint. Raises SetupReverted.
    """
    admin = administrator(chain)
    oracle = admin.create("KeyedFeed")
    acl = admin.create("AccessControlManager")
    registry = _behind_beacon(admin, "PoolRegistry", (), acl)
    _permit(admin, acl, registry)
    tokens = {one.symbol: _create_token(admin, one) for one in parameters.markets}
    base_token = tokens[parameters.base]
    risk_fund, reserve, shortfall = _create_risk_management(admin, acl, registry, base_token, parameters)
    comptroller = _create_pool(admin, acl, registry, oracle, parameters)
    bare = Deployment(
        comptroller=comptroller,
        registry=registry,
        oracle=oracle,
        shortfall=shortfall,
        risk_fund=risk_fund,
        protocol_share_reserve=reserve,
        base_token=base_token,
        markets={},
    )
    beacon = _beacon(admin, "VToken")
    markets = {
        one.symbol: _create_market(admin, acl, bare, beacon, tokens[one.symbol], one)
        for one in parameters.markets
    }
    deployment = replace(bare, markets=markets)
    for one in parameters.markets:
        _list_market(chain, admin, deployment, one)
    return deployment


def set_price(chain: Chain, deployment: Deployment, symbol: str, price_mantissa: int) -> None:
    """Let the oracle answer `price_mantissa` [USD x 10 ** (36 - decimals)] for a market; 0 is no price."""
    vtoken = deployment.markets[symbol].vtoken
    set_answer(chain, deployment.oracle, price_mantissa, asked_about=vtoken)


def fund(chain: Chain, deployment: Deployment, symbol: str, user: str, amount_underlying: int) -> None:
    """Give `user` that much more of the underlying of a market, which the vToken may take. Raises SetupReverted."""
    market = deployment.markets[symbol]
    mint_and_approve(chain, market.underlying, market.vtoken, user, amount_underlying)


def mint_and_approve(chain: Chain, token: str, spender: str, user: str, amount: int) -> None:
    """Give `user` that much more of a token made here, which `spender` may take. Raises SetupReverted."""
    faucet = calldata("faucet(uint256)", amount)
    if chain.revert_data({"from": user, "to": token, "data": faucet}) is not None:
        faucet = calldata("allocateTo(address,uint256)", user, amount)
    for data in (faucet, calldata("approve(address,uint256)", spender, MAX_UINT256)):
        transaction = {"from": user, "to": token, "data": data}
        if chain.send(transaction)["status"] != 1:
            raise SetupReverted(f"mint {token}", str(chain.revert_data(transaction)))


def create_rate_model(admin: Administrator, acl: str, model: RateModel) -> str:
    """Create a rate model and return its address."""
    line = (model.base_rate_mantissa, model.multiplier_mantissa)
    match model:
        case WhitePaperRate():
            return admin.create("WhitePaperInterestRateModel", *line)
        case JumpRate():
            past = (model.jump_multiplier_mantissa, model.kink_mantissa)
            return admin.create("JumpRateModelV2", *line, *past, acl)


def _permit(admin: Administrator, acl: str, registry: str) -> None:
    """Let the administrator call everything, and the registry what it sets for a new pool or market."""
    permissions = [(function, ADMIN) for function in (*_OF_OWNER, *_OF_OWNER_AND_REGISTRY)]
    permissions += [(function, registry) for function in _OF_OWNER_AND_REGISTRY]
    for function, account in permissions:
        admin.call("AccessControlManager", acl, "giveCallPermission", _ANYWHERE, function, account)


def _create_risk_management(
    admin: Administrator, acl: str, registry: str, base_token: str, parameters: PoolParameters
) -> tuple[str, str, str]:
    """The risk fund, the reserve that the protocol's shares go to, and the auction of bad debt."""
    no_router = ADMIN
    risk_fund = _behind_beacon(admin, "RiskFund", (), no_router, 1, base_token, acl, parameters.max_loops)
    reserve = _behind_beacon(admin, "ProtocolShareReserve", (), ADMIN, risk_fund)
    least = parameters.min_pool_bad_debt_mantissa
    shortfall = _behind_beacon(admin, "Shortfall", (), base_token, risk_fund, least, acl)
    admin.call("RiskFund", risk_fund, "setPoolRegistry", registry)
    admin.call("RiskFund", risk_fund, "setShortfallContractAddress", shortfall)
    admin.call("ProtocolShareReserve", reserve, "setPoolRegistry", registry)
    admin.call("Shortfall", shortfall, "updatePoolRegistry", registry)
    return risk_fund, reserve, shortfall


def _create_pool(
    admin: Administrator, acl: str, registry: str, oracle: str, parameters: PoolParameters
) -> str:
    """The Comptroller and its entry in the registry, which sets what holds for all markets."""
    comptroller = _behind_beacon(admin, "Comptroller", (registry,), parameters.max_loops, acl)
    admin.call("Comptroller", comptroller, "setPriceOracle", oracle)
    limits = (
        parameters.close_factor_mantissa,
        parameters.liquidation_incentive_mantissa,
        parameters.min_liquidatable_collateral_mantissa,
    )
    admin.call("PoolRegistry", registry, "addPool", "underwater", comptroller, *limits)
    return comptroller


def _create_market(
    admin: Administrator, acl: str, pool: Deployment, beacon: str, underlying: str, one: MarketParameters
) -> MarketAddresses:
    """The rate model and the vToken of `underlying`."""
    model = create_rate_model(admin, acl, one.rate_model)
    initialize = admin.contracts["VToken"].call(
        "initialize",
        underlying,
        pool.comptroller,
        model,
        one.initial_exchange_rate_mantissa,
        f"Venus {one.symbol}",
        f"v{one.symbol}",
        VTOKEN_DECIMALS,
        ADMIN,
        acl,
        (pool.shortfall, pool.protocol_share_reserve),
        one.reserve_factor_mantissa,
    )
    vtoken = admin.create("BeaconProxy", beacon, initialize, name=f"v{one.symbol}")
    return MarketAddresses(vtoken=vtoken, underlying=underlying, rate_model=model)


def _create_token(admin: Administrator, one: MarketParameters) -> str:
    symbol = one.symbol
    if one.transfer_fee_bps:
        fee = (one.transfer_fee_bps, ADMIN)
        return admin.create("FeeToken", 0, symbol, one.decimals, symbol, *fee, name=symbol)
    return admin.create("MockToken", symbol, symbol, one.decimals, name=symbol)


def _list_market(chain: Chain, admin: Administrator, pool: Deployment, one: MarketParameters) -> None:
    """Its price, its listing with a first supply, then what the registry does not set."""
    market = pool.markets[one.symbol]
    set_price(chain, pool, one.symbol, one.price_mantissa)
    mint_and_approve(chain, market.underlying, pool.registry, ADMIN, one.initial_supply_underlying)
    listing = (
        market.vtoken,
        one.collateral_factor_mantissa,
        one.liquidation_threshold_mantissa,
        one.initial_supply_underlying,
        ADMIN,
        one.supply_cap_underlying,
        one.borrow_cap_underlying,
    )
    admin.call("PoolRegistry", pool.registry, "addMarket", listing)
    if one.seize_share_mantissa != DEFAULT_SEIZE_SHARE_MANTISSA:
        admin.call("VToken", market.vtoken, "setProtocolSeizeShare", one.seize_share_mantissa)


def _behind_beacon(
    admin: Administrator, artifact: str, constructor: tuple[Any, ...], *initialize: Any
) -> str:
    """Create a contract behind a beacon of its own and initialize it; return the address of its proxy."""
    data = admin.contracts[artifact].call("initialize", *initialize)
    return admin.create("BeaconProxy", _beacon(admin, artifact, *constructor), data, name=artifact)


def _beacon(admin: Administrator, artifact: str, *constructor: Any) -> str:
    implementation = admin.create(artifact, *constructor, name=f"{artifact}Implementation")
    return admin.create("UpgradeableBeacon", implementation, name=f"{artifact}Beacon")
