"""A drawn case of Compound v2 as data: what is set before it, and the steps of users, owner, oracle and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.steps import Pick, Size

N_USERS = 4
"""Two borrowers, then who lends to all, then who only liquidates and repays for others."""
LENDER, LIQUIDATOR = 2, 3
N_MARKETS = 4
ETHER, DOLLAR, COIN, CENT = range(N_MARKETS)
"""CEther, an asset of 6 decimals, one of 18, and one of 2 that may keep a part of every transfer."""
Generation = Literal[
    "ComptrollerG1",
    "ComptrollerG2",
    "ComptrollerG3",
    "ComptrollerG4",
    "ComptrollerG5",
    "ComptrollerG6",
    "ComptrollerG7",
    "Comptroller",
]


@dataclass(frozen=True, slots=True)
class MarketSetup:
    """What is set of one market before a case."""

    collateral_factor_mantissa: int
    reserve_factor_mantissa: int
    curve: int
    price_millionths: int
    """[USD x 1e6] One whole token."""
    lent_permille: int
    """Of a million US dollars: what the lender supplies."""
    borrow_cap_permille: int | None
    """Of what is lent; None: no cap."""


@dataclass(frozen=True, slots=True)
class Mint:
    user: int
    market: int
    size: Size
    """Of ten thousand US dollars."""


@dataclass(frozen=True, slots=True)
class Redeem:
    user: int
    market: Pick
    size: Size
    """Of the cTokens that the user holds."""


@dataclass(frozen=True, slots=True)
class RedeemUnderlying:
    user: int
    market: Pick
    size: Size
    """Of what these are worth, or of what is at hand."""
    of_liquidity: bool


@dataclass(frozen=True, slots=True)
class Borrow:
    user: int
    market: Pick
    size: Size
    """Of what the user may still borrow, or of what is at hand."""
    of_liquidity: bool


@dataclass(frozen=True, slots=True)
class Repay:
    """`repayBorrow`, or `repayBorrowBehalf` if so chosen or if the payer is another."""

    payer: int
    user: int
    market: Pick
    size: Size
    """Of what the user owes."""
    on_behalf: bool


@dataclass(frozen=True, slots=True)
class EnterMarkets:
    user: int
    markets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExitMarket:
    user: int
    market: Pick


@dataclass(frozen=True, slots=True)
class AccrueInterest:
    market: int


@dataclass(frozen=True, slots=True)
class Liquidate:
    liquidator: int
    borrower: int
    collateral: Pick
    debt: Pick
    size: Size
    of: Literal["close factor", "debt", "collateral"]
    """What is a share of: what the close factor allows, all the debt, or what the collateral pays for."""


@dataclass(frozen=True, slots=True)
class Wait:
    blocks: int
    """Less than 0: the chain goes back, and with it no market."""


@dataclass(frozen=True, slots=True)
class SetPrice:
    market: int
    price_mantissa: int


@dataclass(frozen=True, slots=True)
class Steer:
    """Scale the prices of what the account has on one side only, so that it comes near a share of a limit."""

    user: int
    permille: int
    to_incentive: bool
    """The limit is where the collateral just pays for debts and incentive, else where it just lets borrow them."""
    collateral: bool
    offset: int = 0
    """[mantissa] Added to each price that comes of it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The guardian stops minting or borrowing of one market, or all seizing."""

    market: int
    action: Literal["mint", "borrow", "seize"]
    on: bool


@dataclass(frozen=True, slots=True)
class Deprecate:
    """No collateral factor, no loans, all interest to the reserves: newer releases liquidate debts freely then."""

    user: int
    market: Pick
    n_of_three: int
    """How many of the three are done."""


@dataclass(frozen=True, slots=True)
class Configure:
    """One setting of a market."""

    market: int
    field: Literal["collateral factor", "reserve factor", "curve", "borrow cap", "listed", "fee"]
    value: int


@dataclass(frozen=True, slots=True)
class ConfigurePool:
    """One setting of the Comptroller."""

    field: Literal["close factor", "incentive", "most markets"]
    value: int


@dataclass(frozen=True, slots=True)
class Reserves:
    """Anybody adds to the reserves or the owner takes of them: the model does not know how, so it is read back."""

    market: int
    size: Size
    add: bool


@dataclass(frozen=True, slots=True)
class Donate:
    """The asset is sent to a cToken, past all its rules."""

    market: int
    size: Size
    """Of ten thousand US dollars."""


@dataclass(frozen=True, slots=True)
class Store:
    """Write all that moves of a market, whether it could come about or not."""

    market: int
    cash: int
    total_borrows: int
    total_reserves: int
    total_supply: int
    borrow_index: int


@dataclass(frozen=True, slots=True)
class StorePosition:
    """Write what a user holds and owes in a market."""

    user: int
    market: int
    ctokens: int
    principal: int
    index: int


Call = (
    Mint | Redeem | RedeemUnderlying | Borrow | Repay | EnterMarkets | ExitMarket | AccrueInterest | Liquidate
)
Act = (
    Wait
    | SetPrice
    | Steer
    | Pause
    | Deprecate
    | Configure
    | ConfigurePool
    | Reserves
    | Donate
    | Store
    | StorePosition
)
Step = Call | Act


@dataclass(frozen=True, slots=True)
class Case:
    """Under which Comptroller it is played, what is set before it, and everything that is done."""

    comptroller: Generation
    close_factor_mantissa: int
    incentive_mantissa: int
    max_assets: int
    fee_bps: int
    """What `CENT` keeps of a transfer."""
    markets: tuple[MarketSetup, ...]
    steps: tuple[Step, ...]
