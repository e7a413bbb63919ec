"""A drawn case of Morpho Blue as data: the market it is played in, and the steps of users, owner, oracle and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from protocol.units import WAD
from tests.steps import Size

N_USERS = 4
"""Two borrowers, then who lends to all, then who first gets the fee."""
LENDER, FEES = 2, 3
UINT128 = 2**128 - 1
IRMS = ("AdaptiveCurveIrm", "IrmMock", None)
LLTVS_WAD = (
    *(86 * WAD // 100, 945 * WAD // 1000, 915 * WAD // 1000, 77 * WAD // 100, 625 * WAD // 1000),
    *(98 * WAD // 100, 965 * WAD // 1000, 385 * WAD // 1000),
    *(565_217_391_304_347_826, 565_217_391_304_347_827),  # about where the incentive reaches its limit
    *(123_456_789_012_345_678, 1, WAD - 1, 0),
)
"""Those of mainnet first."""

By = Literal["assets", "shares", "both", "neither"]
"""Which of the two amounts of a call is not 0."""


@dataclass(frozen=True, slots=True)
class CreateMarket: ...


@dataclass(frozen=True, slots=True)
class Supply:
    user: int
    on_behalf_of: int
    size: Size
    """Of what a case's lender supplies."""
    by: By = "assets"


@dataclass(frozen=True, slots=True)
class Withdraw:
    user: int
    size: Size
    """Of what the user has, or of what is at hand."""
    by: By = "assets"
    of_liquidity: bool = False


@dataclass(frozen=True, slots=True)
class Borrow:
    user: int
    size: Size
    """Of what the user may still borrow, or of what is at hand."""
    by: By = "assets"
    of_liquidity: bool = False


@dataclass(frozen=True, slots=True)
class Repay:
    payer: int
    user: int
    size: Size
    """Of what the user owes."""
    by: By = "assets"


@dataclass(frozen=True, slots=True)
class SupplyCollateral:
    user: int
    on_behalf_of: int
    size: Size
    """Of twice what would do for a loan of all that a case's lender supplies."""


@dataclass(frozen=True, slots=True)
class WithdrawCollateral:
    user: int
    size: Size
    """Of what the user has pledged, or of what it does not need for its debt."""
    of_free: bool = False


@dataclass(frozen=True, slots=True)
class Liquidate:
    liquidator: int
    borrower: int
    size: Size
    """Of all the collateral or all the debt, whichever is gone first; said as collateral or as shares of debt."""
    by: By
    of_more: bool = False
    """Of the other one: the whole is more than can be done."""


@dataclass(frozen=True, slots=True)
class AccrueInterest: ...


@dataclass(frozen=True, slots=True)
class SetFee:
    fee_wad: int


@dataclass(frozen=True, slots=True)
class SetFeeRecipient:
    user: int


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: int
    """Less than 0: the clock goes back."""


@dataclass(frozen=True, slots=True)
class SetPrice:
    price_e36: int


@dataclass(frozen=True, slots=True)
class Steer:
    """Move the price so that the user's loan-to-value comes near a share of LLTV, or of where debt must remain."""

    user: int
    permille: int
    toxic: bool
    offset: int = 0
    """[e36] Added to the price that comes of it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is written as one user's position."""

    supply_shares: int = 0
    borrow_shares: int = 0
    collateral: int = 0


@dataclass(frozen=True, slots=True)
class Store:
    """Write all that is stored of the market, whether it could come about or not."""

    supply_assets: int
    supply_shares: int
    borrow_assets: int
    borrow_shares: int
    fee_wad: int
    rate_at_target_per_second_wad: int
    holdings: tuple[Holding, ...]
    created: bool = True
    """Last updated when the case began; else never."""


Step = (
    CreateMarket
    | Supply
    | Withdraw
    | Borrow
    | Repay
    | SupplyCollateral
    | WithdrawCollateral
    | Liquidate
    | AccrueInterest
    | SetFee
    | SetFeeRecipient
    | Wait
    | SetPrice
    | Steer
    | Store
)


@dataclass(frozen=True, slots=True)
class Case:
    """One market out of those that can be created, and everything that is done to it."""

    irm: str | None
    lltv_wad: int
    lent: int
    """[loan asset units] What the lender supplies."""
    price_e36: int
    steps: tuple[Step, ...] = field(default=())
