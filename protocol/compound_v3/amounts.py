"""How much an absorption credits, what the store front sells, and how a change of principal splits: plain integers.

Mirrors `repayAndSupplyAmount`, `withdrawAndBorrowAmount`, the arithmetic of `absorbInternal` and
`quoteCollateral`, contracts/CometWithExtendedAssetList.sol (compound-finance/comet@d5a30b0).
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.compound_v3.casts import signed256
from protocol.fixed_point.int256 import add_int256
from protocol.fixed_point.uint256 import div_down, mul, mul_div_down, sub
from protocol.units import WAD


class Grown(NamedTuple):
    """A principal that rose, split at 0."""

    repaid: int
    supplied: int


class Shrunk(NamedTuple):
    """A principal that fell, split at 0."""

    withdrawn: int
    borrowed: int


def repay_and_supply_amount(old_principal: int, new_principal: int) -> Grown:
    """Which part of a rise paid debt back and which was supplied.

    A fall counts as nothing: rounding may take a unit from whoever is given 0, and no total hears of it.
    """
    if new_principal < old_principal:
        return Grown(0, 0)
    return Grown(
        repaid=min(new_principal, 0) - min(old_principal, 0),
        supplied=max(new_principal, 0) - max(old_principal, 0),
    )


def withdraw_and_borrow_amount(old_principal: int, new_principal: int) -> Shrunk:
    """Which part of a fall was withdrawn and which borrowed; a rise counts as nothing."""
    if new_principal > old_principal:
        return Shrunk(0, 0)
    return Shrunk(
        withdrawn=max(old_principal, 0) - max(new_principal, 0),
        borrowed=min(old_principal, 0) - min(new_principal, 0),
    )


class Settlement(NamedTuple):
    """An absorbed account's new balance and the debt that its collateral did not pay. [base asset units]"""

    new_balance: int
    debt_forgiven: int


def settlement(old_balance: int, credit_base: int, *, base_price_base: int, base_scale: int) -> Settlement:
    """A signed balance [base asset units] after a credit [base] for all the collateral: never below 0."""
    credit = mul_div_down(credit_base, base_scale, base_price_base)
    balance = add_int256(old_balance, signed256(credit))
    return Settlement(new_balance=max(balance, 0), debt_forgiven=max(-balance, 0))


def discount(liquidation_factor_wad: int, store_front_price_factor_wad: int) -> int:
    """The buyer's part of a liquidation penalty. [wad] Reverts `Panic(0x11)` for a liquidation factor above 1."""
    return mul_div_down(store_front_price_factor_wad, sub(WAD, liquidation_factor_wad), WAD)


def discounted_price(asset_price_base: int, discount_wad: int) -> int:
    """An observed price less the discount, rounded down to its 8 decimals: 0 for the tiniest. [base]"""
    return mul_div_down(asset_price_base, sub(WAD, discount_wad), WAD)


def quoted_collateral(
    base_amount: int, *, base_price_base: int, discounted_price_base: int, asset_scale: int, base_scale: int
) -> int:
    """Collateral [asset units] for `base_amount` [base asset units], rounded down twice. Scales: one token.

    Reverts `Panic(0x12)` for a discounted price of 0, `Panic(0x11)` on overflow.
    """
    value = mul(mul(base_price_base, base_amount), asset_scale)
    return div_down(div_down(value, discounted_price_base), base_scale)


def base_amount_for(
    amount: int, *, base_price_base: int, discounted_price_base: int, asset_scale: int, base_scale: int
) -> int:
    """The least base amount that buys `amount` of a collateral, or else the most below it that can be bought.

    The inverse of `quoted_collateral`, whose two floors are one, of b x / y with x = base price times asset scale
    and y = discounted price times base scale: no more than a is sold for what lies below (a + 1) y / x, and what
    the last of these buys, s, is bought from s y / x on, rounded up. 0 where a price or a scale is 0, and nothing
    is sold at all.
    """
    x, y = base_price_base * asset_scale, discounted_price_base * base_scale
    if 0 in (x, y):
        return 0
    most = ((amount + 1) * y - 1) // x
    bought = most * x // y
    return -(-bought * y // x)
