"""How much a liquidation takes, keeps and forgives: plain integers, no account and no market.

Mirrors `liquidateCalculateSeizeTokens` and `healAccount`, contracts/Comptroller.sol, and `_seize`,
contracts/VToken.sol (VenusProtocol/isolated-pools@58b76f81). Every division rounds down.
"""

from __future__ import annotations

from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import mul_div_down
from protocol.units import WAD


def seize_ratio(
    *,
    incentive_mantissa: int,
    price_borrowed_mantissa: int,
    price_collateral_mantissa: int,
    exchange_rate_mantissa: int,
) -> int:
    """How many vTokens of collateral per unit of debt repaid, the incentive included. [mantissa]

    A debt of 18 decimals leaves it few digits, which is to the borrower's favour. Reverts `Panic(0x12)` where
    a vToken is worth nothing.
    """
    numerator_mantissa = mul_div_down(incentive_mantissa, price_borrowed_mantissa, WAD)
    denominator_mantissa = mul_div_down(price_collateral_mantissa, exchange_rate_mantissa, WAD)
    return mul_div_down(numerator_mantissa, WAD, denominator_mantissa)


def seize_vtokens(ratio_mantissa: int, repaid_underlying: int) -> int:
    """What a repayment takes. [vTokens]"""
    return mul_div_down(ratio_mantissa, repaid_underlying, WAD)


def largest_repay(ratio_mantissa: int, vtokens: int) -> int | None:
    """The most that can be repaid against `vtokens`, as the contract clips nothing; None if anything can.

    [underlying] No function of the contract: the inverse of `seize_vtokens`.
    """
    if ratio_mantissa == 0:
        return None
    return ((vtokens + 1) * WAD - 1) // ratio_mantissa


def protocol_seize_vtokens(
    seized_vtokens: int, *, protocol_share_mantissa: int, incentive_mantissa: int
) -> int:
    """The protocol's part of a seizure: its share of the debt repaid, not of the incentive. [vTokens]"""
    share = mul_div_down(seized_vtokens, protocol_share_mantissa, WAD)
    return mul_div_down(share, WAD, incentive_mantissa)


def healed_share(*, collateral_usd_mantissa: int, borrows_usd_mantissa: int, incentive_mantissa: int) -> int:
    """The part of each debt that whoever heals an account pays for all its collateral. [mantissa]

    Reverts `CollateralExceedsThreshold` where the collateral is worth more than all debts and the incentive.
    """
    scaled = mul_div_down(borrows_usd_mantissa, incentive_mantissa, WAD)
    share_mantissa = mul_div_down(collateral_usd_mantissa, WAD, scaled)
    if share_mantissa > WAD:
        raise EvmRevert("CollateralExceedsThreshold", limit=scaled, actual=collateral_usd_mantissa)
    return share_mantissa
