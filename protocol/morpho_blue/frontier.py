"""What no liquidation can avoid: the debt that must remain, in closed form.

Repaying value x removes LIF*x of collateral, so within a call `LIF*debt - collateral` never changes: debt must remain
exactly where the loan-to-value is above 1/LIF, whatever the order and size of the calls. It is written off by the
call that takes the last unit of collateral, and by no other.

* integers: `residual_if_exhausted`, equal to what the contract writes off when one call seizes all collateral;
* fractions: `residual_exact` for the same, `toxic_loan_to_value` and `drops`, without the contract's roundings.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from protocol.morpho_blue.amounts import liquidation_amounts, liquidation_incentive_factor
from protocol.morpho_blue.health import ORACLE_PRICE_SCALE, price_at
from protocol.morpho_blue.interest import accrued
from protocol.morpho_blue.ledger import account_of
from protocol.morpho_blue.shares import VIRTUAL_ASSETS, VIRTUAL_SHARES, Totals
from protocol.morpho_blue.state import Account, Market, User
from protocol.units import WAD


def residual_if_exhausted(
    total_borrow: Totals, account: Account, *, lltv_wad: int, price_e36: int
) -> int | None:
    """Debt written off when one call seizes all collateral; None if that repays it. [loan asset units]

    `total_borrow` is accrued. A call that names borrow shares can repay a few units more for the same collateral.
    """
    repaid_shares = repaid_assets = 0
    if account.collateral:
        _, repaid_shares, repaid_assets = liquidation_amounts(
            total_borrow,
            lltv_wad=lltv_wad,
            price_e36=price_e36,
            seized_assets=account.collateral,
            repaid_shares=0,
        )
    if repaid_shares >= account.borrow_shares:
        return None
    left = Totals(
        assets=max(total_borrow.assets - repaid_assets, 0), shares=total_borrow.shares - repaid_shares
    )
    return min(left.assets, left.to_assets_up(account.borrow_shares - repaid_shares)) or None


def residual_exact(total_borrow: Totals, account: Account, *, lltv_wad: int, price_e36: int) -> Fraction:
    """The same as a fraction, without the contract's roundings: debt less collateral / LIF. [loan asset units]

    Negative where the collateral suffices. Only the factor is shared with the integer form, which is less than 1
    above it and less than 3 and the worth of a share below it.
    """
    repaid = _value(account, price_e36) * Fraction(WAD, liquidation_incentive_factor(lltv_wad))
    return _debt(total_borrow, account) - repaid


def toxic_loan_to_value(lltv_wad: int) -> Fraction:
    """1 / LIF: strictly above, seizing raises the loan-to-value, and debt must remain."""
    return Fraction(WAD, liquidation_incentive_factor(lltv_wad))


@dataclass(frozen=True, kw_only=True, slots=True)
class Drops:
    """By which share the price of the collateral must fall for each thing to happen.

    0 or less: it has happened already. None: no fall does it; always so for an account without debt.
    """

    liquidatable: Fraction | None
    """The loan-to-value is LLTV; strictly beyond, the account may be liquidated."""
    debt_remains: Fraction | None
    """The loan-to-value is 1 / LIF; strictly beyond, seizing is toxic and debt must remain."""


def drops(market: Market, user: User, *, price_e36: int | None, timestamp: int) -> Drops:
    """How far the price must fall; errors as in `account_data`."""
    viewed = accrued(market, timestamp)
    account = account_of(viewed, user)
    debt, value = _debt(viewed.total_borrow, account), _value(account, price_at(price_e36))
    if not debt:
        return Drops(liquidatable=None, debt_remains=None)

    def fall_to(loan_to_value: Fraction) -> Fraction:
        most = value * loan_to_value
        return 1 - debt / most if most else Fraction(0)

    return Drops(
        liquidatable=fall_to(Fraction(market.lltv_wad, WAD)),
        debt_remains=fall_to(toxic_loan_to_value(market.lltv_wad)),
    )


def _debt(total_borrow: Totals, account: Account) -> Fraction:
    """What the borrow shares are worth. [loan asset units]"""
    assets, shares = total_borrow.assets + VIRTUAL_ASSETS, total_borrow.shares + VIRTUAL_SHARES
    return Fraction(account.borrow_shares * assets, shares)


def _value(account: Account, price_e36: int) -> Fraction:
    """What the collateral is worth. [loan asset units]"""
    return Fraction(account.collateral * price_e36, ORACLE_PRICE_SCALE)
