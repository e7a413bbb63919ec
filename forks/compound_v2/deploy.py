"""Deploy the real Compound v2 and list markets: on a local node or in process, the same transactions.

Everything is sent by one administrator in a fixed order. Prices are set in an oracle of our own, since the
package's own one knows but one price of ETH. COMP speeds stay at 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forks.aave_v3.deploy import ADMIN, Administrator, SetupReverted
from forks.artifacts import Contracts, compound_v2, hardhat_artifact
from forks.calldata import calldata
from forks.chain import Chain
from forks.compound_v2.failures import failures
from forks.compound_v2.parameters import (
    DaiRate,
    JumpRate,
    MarketParameters,
    PoolParameters,
    RateModel,
    WhitePaperRate,
)
from forks.keyed_feed import KEYED_FEED, set_answer
from protocol.units import MAX_UINT256

CTOKEN_DECIMALS = 8

_CONTRACTS = (
    *("Unitroller", "CErc20Immutable", "CErc20Delegator", "CErc20Delegate", "CEther"),
    *("WhitePaperInterestRateModel", "JumpRateModel", "JumpRateModelV2", "DAIInterestRateModelV3"),
)
_ILK = int.from_bytes(b"ETH-A".ljust(32, b"\0"))
"""What the DAI model asks Maker about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketAddresses:
    """Where the contracts of one market stand, checksummed."""

    ctoken: str
    underlying: str | None
    """None: ether itself."""
    rate_model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """Markets that stand: addresses, all checksummed."""

    comptroller: str
    """The Unitroller, through which the Comptroller is called."""
    oracle: str
    """A feed of our own: `set_price` moves it."""
    markets: Mapping[str, MarketAddresses]
    """By symbol of the underlying, in the order in which they were listed."""


class Owner(Administrator):
    """An administrator that takes a Failure event for a refusal, as this protocol means it."""

    def _send(self, step: str, transaction: dict[str, Any]) -> Mapping[str, Any]:
        receipt = super()._send(step, transaction)
        for told in failures(receipt):
            raise SetupReverted(step, told.raw)
        return receipt


def owner(chain: Chain, comptroller: str = "Comptroller") -> Owner:
    """Who sends the transactions of the owner of markets on `chain`, under this generation of Comptroller."""
    contracts = compound_v2((*_CONTRACTS, comptroller))
    beside = {
        "KeyedFeed": KEYED_FEED,
        "MintableERC20": hardhat_artifact("@aave/protocol-v2", "MintableERC20"),
        "FeeToken": hardhat_artifact("@venusprotocol/isolated-pools", "FeeToken"),
    }
    artifacts = {**contracts.artifacts, **beside}
    return Owner(chain, Contracts(artifacts=artifacts, errors=contracts.errors))


def deploy(chain: Chain, parameters: PoolParameters) -> Deployment:
    """Deploy Compound v2 on `chain` and list the markets of `parameters`. Raises SetupReverted.

    Every market has a rate model of its own, and a token of its own that anybody can mint, if it is not ether.
    """
    admin = owner(chain, parameters.comptroller)
    oracle = admin.create("KeyedFeed")
    comptroller = _create_comptroller(admin, parameters, oracle)
    markets = {one.symbol: _create_market(chain, admin, comptroller, one) for one in parameters.markets}
    deployment = Deployment(comptroller=comptroller, oracle=oracle, markets=markets)
    for one in parameters.markets:
        _list_market(chain, admin, parameters.comptroller, deployment, one)
    return deployment


def set_price(chain: Chain, deployment: Deployment, symbol: str, price_mantissa: int) -> None:
    """Let the oracle answer `price_mantissa` [USD x 10 ** (36 - decimals)] for a market; 0 is no price."""
    ctoken = deployment.markets[symbol].ctoken
    set_answer(chain, deployment.oracle, price_mantissa, asked_about=ctoken)


def fund(chain: Chain, deployment: Deployment, symbol: str, user: str, amount_underlying: int) -> None:
    """Give `user` that much more of the underlying, which the cToken may take; of ether, exactly that much."""
    market = deployment.markets[symbol]
    if market.underlying is None:
        chain.set_balance(user, amount_underlying)
        return
    mint = calldata("allocateTo(address,uint256)", user, amount_underlying)
    if chain.send({"from": user, "to": market.underlying, "data": mint})["status"] != 1:
        mint = calldata("mint(uint256)", amount_underlying)
        _must(chain, f"mint {symbol}", {"from": user, "to": market.underlying, "data": mint})
    approval = calldata("approve(address,uint256)", market.ctoken, MAX_UINT256)
    _must(chain, f"approve {symbol}", {"from": user, "to": market.underlying, "data": approval})


def create_rate_model(chain: Chain, admin: Owner, model: RateModel) -> str:
    """Create a rate model, with feeds in the place of Maker where it asks that, and return its address."""
    match model:
        case WhitePaperRate():
            line = (model.base_rate_mantissa, model.multiplier_mantissa)
            return admin.create("WhitePaperInterestRateModel", *line)
        case JumpRate():
            line = (model.base_rate_mantissa, model.multiplier_mantissa)
            past = (model.jump_multiplier_mantissa, model.kink_mantissa)
            if model.version == 1:
                return admin.create("JumpRateModel", *line, *past)
            return admin.create("JumpRateModelV2", *line, *past, ADMIN)
        case DaiRate():
            pot, jug = admin.create("KeyedFeed"), admin.create("KeyedFeed")
            set_answer(chain, pot, model.dsr_ray)
            set_answer(chain, jug, model.base_ray)
            set_answer(chain, jug, model.duty_ray, asked_about=_ILK)
            past = (model.jump_multiplier_mantissa, model.kink_mantissa)
            return admin.create("DAIInterestRateModelV3", *past, pot, jug, ADMIN)


def _create_comptroller(admin: Owner, parameters: PoolParameters, oracle: str) -> str:
    """The Unitroller with the Comptroller of the generation behind it, and what holds for all markets."""
    generation = parameters.comptroller
    unitroller = admin.create("Unitroller")
    implementation = admin.create(generation)
    admin.call("Unitroller", unitroller, "_setPendingImplementation", implementation)
    admin.call(generation, implementation, "_become", unitroller, *_told_at_first(parameters, oracle))
    admin.call(generation, unitroller, "_setPriceOracle", oracle)
    admin.call(generation, unitroller, "_setCloseFactor", parameters.close_factor_mantissa)
    incentive = parameters.liquidation_incentive_mantissa
    admin.call(generation, unitroller, "_setLiquidationIncentive", incentive)
    if any(entry.get("name") == "_setMaxAssets" for entry in admin.contracts[generation].abi):
        admin.call(generation, unitroller, "_setMaxAssets", parameters.max_assets)
    return unitroller


def _told_at_first(parameters: PoolParameters, oracle: str) -> tuple[Any, ...]:
    """What two generations want to be told when they begin: G1 its settings, G3 who gets COMP."""
    match parameters.comptroller:
        case "ComptrollerG1":
            return oracle, parameters.close_factor_mantissa, parameters.max_assets, False
        case "ComptrollerG3":
            return 0, [], []
        case _:
            return ()


def _create_market(chain: Chain, admin: Owner, comptroller: str, one: MarketParameters) -> MarketAddresses:
    """The underlying, the rate model and the cToken."""
    symbol = f"c{one.symbol}"
    model = create_rate_model(chain, admin, one.rate_model)
    head = (comptroller, model, one.initial_exchange_rate_mantissa)
    tail = (f"Compound {one.symbol}", symbol, CTOKEN_DECIMALS, ADMIN)
    if one.contract == "CEther":
        ctoken = admin.create("CEther", *head, *tail, name=symbol)
        return MarketAddresses(ctoken=ctoken, underlying=None, rate_model=model)
    underlying = _create_token(admin, one)
    behind = (admin.create("CErc20Delegate"), b"") if one.contract == "CErc20Delegator" else ()
    ctoken = admin.create(one.contract, underlying, *head, *tail, *behind, name=symbol)
    return MarketAddresses(ctoken=ctoken, underlying=underlying, rate_model=model)


def _create_token(admin: Owner, one: MarketParameters) -> str:
    symbol = one.symbol
    if one.transfer_fee_bps:
        fee = (one.transfer_fee_bps, ADMIN)
        return admin.create("FeeToken", 0, symbol, one.decimals, symbol, *fee, name=symbol)
    return admin.create("MintableERC20", symbol, symbol, one.decimals, name=symbol)


def _list_market(
    chain: Chain, admin: Owner, generation: str, deployment: Deployment, one: MarketParameters
) -> None:
    """Its price, its listing, then its parameters."""
    comptroller, ctoken = deployment.comptroller, deployment.markets[one.symbol].ctoken
    set_price(chain, deployment, one.symbol, one.price_mantissa)
    admin.call(generation, comptroller, "_supportMarket", ctoken)
    admin.call(generation, comptroller, "_setCollateralFactor", ctoken, one.collateral_factor_mantissa)
    if one.borrow_cap_underlying:
        caps = ([ctoken], [one.borrow_cap_underlying])
        admin.call(generation, comptroller, "_setMarketBorrowCaps", *caps)
    admin.call("CEther", ctoken, "_setReserveFactor", one.reserve_factor_mantissa)


def _must(chain: Chain, step: str, transaction: dict[str, Any]) -> None:
    if chain.send(transaction)["status"] != 1:
        raise SetupReverted(step, str(chain.revert_data(transaction)))
