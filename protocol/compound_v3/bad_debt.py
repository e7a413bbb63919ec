"""Who carries a loss: the reserves, which may fall below zero, and nobody else by name.

What an absorption forgives is not booked anywhere. It is the part of the debt that the reserves gave and the
sale of the collateral will not bring back. Suppliers keep their full claims; once reserves are negative, the
contract holds and is owed less than it owes them.

Mirrors `getReserves`, `getCollateralReserves` and `withdrawReserves`,
contracts/CometWithExtendedAssetList.sol (compound-finance/comet@d5a30b0).
"""

from __future__ import annotations

from protocol.compound_v3.casts import signed256
from protocol.compound_v3.interest import total_borrow, total_supply
from protocol.compound_v3.ledger import Ledger
from protocol.compound_v3.state import Acted, Asset, Market, Revert
from protocol.compound_v3.validation import require_reserves
from protocol.errors import EvmRevert
from protocol.fixed_point.int256 import add_int256, sub_int256
from protocol.fixed_point.uint256 import sub


def reserves(market: Market, timestamp: int) -> int:
    """`getReserves` at `timestamp` [s]: what is held and owed less what is supplied, signed. [base asset units]

    Reverts as `accrued_indices`, and `InvalidInt256` for a balance beyond 255 bits.
    """
    supplied, owed = total_supply(market, timestamp), total_borrow(market, timestamp)
    return add_int256(sub_int256(signed256(market.base_balance), signed256(supplied)), signed256(owed))


def collateral_reserves(asset: Asset) -> int:
    """`getCollateralReserves`: what the protocol itself has of a collateral. [asset units]

    Reverts `Panic(0x11)` where it holds less than its users have.
    """
    return sub(asset.balance, asset.total_supply)


def withdraw_reserves(market: Market, amount: int, *, timestamp: int) -> Acted | Revert:
    """The governor takes `amount` [base asset units] of the reserves at `timestamp` [s]; nothing is accrued."""
    ledger = Ledger(market)
    try:
        require_reserves(amount, reserves(market, timestamp))
        ledger.transfer_base(sent=amount)
    except EvmRevert as revert:
        return Revert(name=revert.name, numbers=revert.numbers)
    return Acted(market=ledger.market, amount=amount)
