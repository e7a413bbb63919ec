"""What a liquidator looks at before choosing: what an account is worth, and whether seizing helps it."""

from __future__ import annotations

from fractions import Fraction

from protocol.fixed_point.uint256 import mul_div_down
from protocol.morpho_blue.amounts import liquidation_incentive_factor
from protocol.morpho_blue.frontier import residual_exact, residual_if_exhausted
from protocol.morpho_blue.health import ORACLE_PRICE_SCALE, price_at
from protocol.morpho_blue.interest import accrued
from protocol.morpho_blue.ledger import account_of
from protocol.morpho_blue.state import LiquidationCall, Market, User
from protocol.units import WAD


def position_values(market: Market, user: User, *, price_e36: int | None, timestamp: int) -> tuple[int, int]:
    """The account's collateral and its debt, valued as in the health check before LLTV. [loan asset units]"""
    viewed = accrued(market, timestamp)
    account = account_of(viewed, user)
    value = mul_div_down(account.collateral, price_at(price_e36), ORACLE_PRICE_SCALE)
    return value, viewed.total_borrow.to_assets_up(account.borrow_shares)


def payout_ratio(market: Market) -> Fraction:
    """Value a liquidator receives per value repaid, at the observed price: LIF; no part of it is the protocol's."""
    return Fraction(liquidation_incentive_factor(market.lltv_wad), WAD)


def is_toxic(market: Market, call: LiquidationCall, *, price_e36: int | None, timestamp: int) -> bool:
    """Whether seizing raises the loan-to-value: it lies above 1 / LIF, and debt must remain."""
    return residual_of_pair(market, call, price_e36=price_e36, timestamp=timestamp)[1] > 0


def residual_of_pair(
    market: Market, call: LiquidationCall, *, price_e36: int | None, timestamp: int
) -> tuple[int, Fraction]:
    """Closed form: what a call that seizes everything writes off, to the unit and without rounding.

    [loan asset units] The first is 0 where the collateral suffices; the second is then 0 or less, up to the
    roundings of `residual_exact`.
    """
    viewed = accrued(market, timestamp)
    borrowed, account = viewed.total_borrow, account_of(viewed, call.borrower)
    lltv_wad, price = market.lltv_wad, price_at(price_e36)
    integer = residual_if_exhausted(borrowed, account, lltv_wad=lltv_wad, price_e36=price)
    return integer or 0, residual_exact(borrowed, account, lltv_wad=lltv_wad, price_e36=price)
