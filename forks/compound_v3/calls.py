"""Calls that absorb and buy, and the names of what refuses them."""

from __future__ import annotations

from typing import Final

from eth_utils.abi import function_signature_to_4byte_selector

from forks.artifacts import ErrorTable
from forks.compound_v3.listing import Listing
from forks.crash.venue import Call
from protocol.compound_v3 import AssetId, LiquidationCall, User

ABSORB: Final = "absorb(address,address[])"
BUY_COLLATERAL: Final = "buyCollateral(address,uint256,uint256,address)"

_ERRORS: Final = (
    "Absurd", "AlreadyInitialized", "BadAmount", "BadAsset", "BadDecimals", "BadDiscount", "BadMinimum", "BadNonce",
    "BadPrice", "BadSignatory", "BorrowCFTooLarge", "BorrowTooSmall", "InsufficientReserves", "InvalidInt104",
    "InvalidInt256", "InvalidUInt104", "InvalidUInt128", "InvalidUInt64", "InvalidValueS", "InvalidValueV",
    "LiquidateCFTooLarge", "NegativeNumber", "NoSelfTransfer", "NotCollateralized", "NotForSale", "NotLiquidatable",
    "Paused", "ReentrantCallBlocked", "SignatureExpired", "SupplyCapExceeded", "TimestampTooLarge", "TooManyAssets",
    "TooMuchSlippage", "TransferInFailed", "TransferOutFailed", "Unauthorized",
)  # fmt: skip
"""Custom errors of the contract, all without arguments: contracts/CometMainInterface.sol, CometExtInterface.sol and
CometMath.sol (compound-finance/comet@d5a30b0)."""

ERRORS: Final = ErrorTable(
    by_selector={function_signature_to_4byte_selector(f"{name}()"): name for name in _ERRORS}, by_code={}
)
"""Names of the ways in which a Comet reverts; what a token says goes by its own words."""


def absorb(listing: Listing, call: LiquidationCall) -> Call:
    """`absorb(absorber, accounts)`, sent by the absorber."""
    return Call(call.absorber, listing.comet, ABSORB, (call.absorber, call.accounts))


def buy_collateral(
    listing: Listing, asset_id: AssetId, min_amount: int, base_amount: int, buyer: User
) -> Call:
    """`buyCollateral(asset, minAmount, baseAmount, recipient)`, sent and received by the buyer.

    At least `min_amount` of the collateral [asset units] for `base_amount` [base asset units].
    """
    assets = {one.asset_id: one.asset for one in listing.assets}
    return Call(buyer, listing.comet, BUY_COLLATERAL, (assets[asset_id], min_amount, base_amount, buyer))
