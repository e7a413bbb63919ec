"""Deploy the real Morpho Blue and create markets: on a local node or in process, the same transactions.

Everything is sent by one administrator in a fixed order. Each market has a price feed of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.deploy import ADMIN, Administrator, SetupReverted
from forks.artifacts import morpho_blue
from forks.calldata import calldata
from forks.chain import Chain
from forks.keyed_feed import KEYED_FEED, set_answer
from forks.morpho_blue.parameters import MarketParameters
from protocol.units import MAX_UINT256

FEE_RECIPIENT = to_checksum_address("0x" + "fe" * 20)
"""Gets the fee as supply shares; an account like any other."""

_ZERO_ADDRESS = "0x" + "00" * 20
_PARAMS_TYPES = ("address", "address", "address", "address", "uint256")


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketAddresses:
    """One market: the five parameters that it is, addresses checksummed, and what follows from them."""

    market_id: bytes
    """Hash of the parameters."""
    loan_token: str
    collateral_token: str
    oracle: str
    """A feed of our own: `set_price` moves it."""
    irm: str
    """The zero address: no interest."""
    lltv_wad: int

    @property
    def params(self) -> tuple[str, str, str, str, int]:
        """The `MarketParams` with which every function is called, in their order."""
        return (self.loan_token, self.collateral_token, self.oracle, self.irm, self.lltv_wad)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """The singleton and its markets: addresses, all checksummed."""

    morpho: str
    irms: Mapping[str | None, str]
    """Rate model by name, all enabled; None is that without interest."""
    tokens: Mapping[str, str]
    """By name; whoever asks sets any balance."""
    fee_recipient: str
    markets: tuple[MarketAddresses, ...]
    """In the order of the parameters."""


def administrator(chain: Chain) -> Administrator:
    """Who sends the transactions of the owner of Morpho on `chain`."""
    contracts = morpho_blue()
    artifacts = {**contracts.artifacts, "KeyedFeed": KEYED_FEED}
    return Administrator(chain, replace(contracts, artifacts=artifacts))


def deploy(chain: Chain, parameters: Sequence[MarketParameters]) -> Deployment:
    """Deploy Morpho Blue and both rate models on `chain` and create the markets of `parameters`.

    Raises SetupReverted.
    """
    admin = administrator(chain)
    morpho = admin.create("Morpho", ADMIN)
    admin.call("Morpho", morpho, "setFeeRecipient", FEE_RECIPIENT)
    irms = _enable_irms(admin, morpho)
    names = dict.fromkeys(name for one in parameters for name in (one.loan, one.collateral))
    tokens = {name: admin.create("ERC20Mock", name=name) for name in names}
    bare = Deployment(morpho=morpho, irms=irms, tokens=tokens, fee_recipient=FEE_RECIPIENT, markets=())
    return create_markets(chain, admin, bare, parameters)


def create_markets(
    chain: Chain, admin: Administrator, deployment: Deployment, parameters: Iterable[MarketParameters]
) -> Deployment:
    """Create markets beside those that stand, of tokens that stand, and return the deployment with them.

    Raises SetupReverted.
    """
    for one in parameters:
        market = _create_market(chain, admin, deployment, one)
        deployment = replace(deployment, markets=(*deployment.markets, market))
    return deployment


def set_price(chain: Chain, market: MarketAddresses, price: int) -> None:
    """Let the oracle of `market` answer `price` [loan units for a collateral unit x 1e36]; 0 is allowed."""
    set_answer(chain, market.oracle, price)


def fund(chain: Chain, deployment: Deployment, token: str, user: str, amount: int) -> None:
    """Let `user` hold exactly `amount` of a token by its name, which Morpho may take."""
    address = deployment.tokens[token]
    calls = (
        calldata("setBalance(address,uint256)", user, amount),
        calldata("approve(address,uint256)", deployment.morpho, MAX_UINT256),
    )
    for data in calls:
        transaction = {"from": user, "to": address, "data": data}
        if chain.send(transaction)["status"] != 1:
            raise SetupReverted(f"fund {token}", str(chain.revert_data(transaction)))


def market_id(params: tuple[str, str, str, str, int]) -> bytes:
    """The id of the market with these `MarketParams`: their hash.

    Mirrors `MarketParamsLib.id` (src/libraries/MarketParamsLib.sol@3085651).
    """
    return keccak(encode(_PARAMS_TYPES, params))


def _enable_irms(admin: Administrator, morpho: str) -> dict[str | None, str]:
    irms: dict[str | None, str] = {
        None: _ZERO_ADDRESS,
        "AdaptiveCurveIrm": admin.create("AdaptiveCurveIrm", morpho),
        "IrmMock": admin.create("IrmMock"),
    }
    for irm in irms.values():
        admin.call("Morpho", morpho, "enableIrm", irm)
    return irms


def _create_market(
    chain: Chain, admin: Administrator, deployment: Deployment, one: MarketParameters
) -> MarketAddresses:
    """Its feed, its liquidation loan-to-value if that is a new one, the market itself and its fee."""
    morpho, tokens = deployment.morpho, deployment.tokens
    oracle = admin.create("KeyedFeed")
    set_answer(chain, oracle, one.oracle_price)
    if all(one.lltv_wad != other.lltv_wad for other in deployment.markets):
        admin.call("Morpho", morpho, "enableLltv", one.lltv_wad)
    params = (tokens[one.loan], tokens[one.collateral], oracle, deployment.irms[one.irm], one.lltv_wad)
    admin.call("Morpho", morpho, "createMarket", params)
    if one.fee_wad:
        admin.call("Morpho", morpho, "setFee", params, one.fee_wad)
    loan, collateral, oracle, irm, lltv_wad = params
    return MarketAddresses(
        market_id=market_id(params),
        loan_token=loan,
        collateral_token=collateral,
        oracle=oracle,
        irm=irm,
        lltv_wad=lltv_wad,
    )
