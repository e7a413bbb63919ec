"""Where the versions of Aave v3 differ in what users do: the part of the table for supplies and loans.

Read as `revisions`, of which each row holds one of these rows: a row is the row before it with what changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from protocol.aave_v3.state import EModeCategory


class EModeSwitch(Enum):
    """What is asked of an account that changes its efficiency mode."""

    HEALTHY_WHEN_LEAVING = "it must be healthy after leaving a category; entering from none is free"
    HEALTHY = "it must be healthy after any change; asking for the same again does nothing"
    FITTING = "also, each collateral has a loan to value and each debt is lent, in a category and outside"


class CategoryLoans(NamedTuple):
    """What an account inside an efficiency mode may borrow."""

    lends: Callable[[EModeCategory, int], bool]
    """(category, reserve id) -> the category lends it"""
    refusal: str
    """Name of the error when it does not."""


def lends_members(category: EModeCategory, reserve_id: int) -> bool:
    """A category lends what has its parameters as collateral: there is one list of members."""
    return bool(category.collateral_bitmap >> reserve_id & 1)


def lends_borrowable(category: EModeCategory, reserve_id: int) -> bool:
    """A category has a list of its own of what it lends. [Modified in v3.2]"""
    return bool(category.borrowable_bitmap >> reserve_id & 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionRules:
    """What one revision does where others do otherwise, when users supply, withdraw, borrow or repay."""

    compares_scaled: bool
    """Amounts are scaled first and so compared with balances and caps; else as asset units."""
    cap_counts_treasury: bool
    """What the treasury has not minted yet counts against a supply cap."""
    needs_supply_to_disable: bool
    """A collateral switch without any supply is refused in both directions; else only to enable."""
    collateral_refusal: str
    """Name of the error when a reserve may not be enabled as collateral."""
    limits_loan_to_supply: bool
    """A loan of more than all that is supplied is an invalid amount."""
    accepts_stable_mode: bool
    """A loan at the stable rate may be asked for; else the mode itself is invalid."""
    checks_isolation_first: bool
    """The debt ceiling is checked before the account is weighed; else when the loan is counted against it."""
    category_loans: CategoryLoans
    category_replaces_flag: bool
    """Inside an efficiency mode its list alone decides what is lent; else borrowing must be enabled as well."""
    checks_loan_last: bool
    """Health and loan to value are those after the loan; else those before it, and the loan on top."""
    has_siloed_borrowing: bool
    forbids_repaying_at_once: bool
    """A debt is not repaid before it has grown since the account's last loan or repayment."""
    emode_switch: EModeSwitch


V3_0_0 = ActionRules(
    compares_scaled=False,
    cap_counts_treasury=False,
    needs_supply_to_disable=True,
    collateral_refusal="UserInIsolationModeOrLtvZero",
    limits_loan_to_supply=False,
    accepts_stable_mode=True,
    checks_isolation_first=True,
    category_loans=CategoryLoans(lends_members, "InconsistentEModeCategory"),
    category_replaces_flag=False,
    checks_loan_last=False,
    has_siloed_borrowing=True,
    forbids_repaying_at_once=True,
    emode_switch=EModeSwitch.HEALTHY_WHEN_LEAVING,
)
V3_0_1 = replace(V3_0_0, cap_counts_treasury=True, forbids_repaying_at_once=False)
V3_1 = replace(V3_0_1, limits_loan_to_supply=True)
V3_2 = replace(
    V3_1,
    accepts_stable_mode=False,
    category_loans=CategoryLoans(lends_borrowable, "NotBorrowableInEMode"),
    emode_switch=EModeSwitch.HEALTHY,
)
V3_4 = replace(V3_2, needs_supply_to_disable=False, checks_isolation_first=False)
V3_5 = replace(V3_4, compares_scaled=True, checks_loan_last=True)
V3_6 = replace(V3_5, category_replaces_flag=True, emode_switch=EModeSwitch.FITTING)
V3_7 = replace(V3_6, collateral_refusal="UserHasAssetWithZeroLtv", has_siloed_borrowing=False)
