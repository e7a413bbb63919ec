"""A drawn case of a Venus isolated pool as data: what is set before it, and the steps of users, owner and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from protocol.venus_isolated import Action
from tests.steps import Pick, Size

N_USERS = 4
"""Two borrowers, then who lends to all and owns the pool, then who only liquidates and bids."""
LENDER, BIDDER = 2, 3
N_MARKETS = 3


@dataclass(frozen=True, slots=True)
class MarketSetup:
    """What is set of one market before a case."""

    collateral_factor_mantissa: int
    threshold_above_mantissa: int
    """The liquidation threshold less the collateral factor."""
    reserve_factor_mantissa: int
    seize_share_mantissa: int
    curve: int
    price_millionths: int
    """[USD x 1e6] One whole token."""
    lent_permille: int
    """Of a million US dollars: what the lender supplies."""
    supply_cap_permille: int | None
    """Of what is lent; None: no cap."""
    borrow_cap_permille: int | None


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
    """Of the vTokens that the user holds."""


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
    payer: int
    user: int
    market: Pick
    size: Size
    """Of what the user owes."""


@dataclass(frozen=True, slots=True)
class Transfer:
    user: int
    to: int
    market: Pick
    size: Size


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
class AddReserves:
    market: int
    size: Size
    """Of ten thousand US dollars."""


@dataclass(frozen=True, slots=True)
class ReduceReserves:
    market: int
    size: Size
    """Of the reserves, or of the cash."""
    of_liquidity: bool


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
class LiquidateAccount:
    liquidator: int
    borrower: int
    collateral: tuple[Pick, ...]
    """Of each debt in turn, once for each part."""
    size: Size
    n_parts: int
    """Orders for each debt."""


@dataclass(frozen=True, slots=True)
class Heal:
    liquidator: int
    borrower: int


@dataclass(frozen=True, slots=True)
class StartAuction: ...


@dataclass(frozen=True, slots=True)
class RestartAuction: ...


@dataclass(frozen=True, slots=True)
class CloseAuction: ...


@dataclass(frozen=True, slots=True)
class PlaceBid:
    user: int
    offset_bps: int
    """Added to the bid to beat."""
    fixed_bps: int | None = None
    of_another: bool = False
    """Names an auction that began at another time."""


@dataclass(frozen=True, slots=True)
class Wait:
    blocks: int


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
    """The limit is where the collateral just pays for debts and incentive, else the liquidation threshold."""
    collateral: bool
    offset: int = 0
    """[mantissa] Added to each price that comes of it."""


@dataclass(frozen=True, slots=True)
class SetMinimum:
    """Let the least collateral for a regular liquidation be what the account has, give or take."""

    user: int
    permille: int
    offset: int


@dataclass(frozen=True, slots=True)
class Pause:
    market: int
    action: Action
    on: bool


@dataclass(frozen=True, slots=True)
class Deprecate:
    """No collateral factor, no loans, all interest to the reserves: debts are liquidated freely then."""

    user: int
    market: Pick
    n_of_three: int
    """How many of the three are done."""


@dataclass(frozen=True, slots=True)
class Configure:
    """One setting of a market."""

    market: int
    field: Literal["factors", "reserve factor", "seize share", "curve", "supply cap", "borrow cap"]
    value: int


@dataclass(frozen=True, slots=True)
class ConfigurePool:
    """One setting of the pool or of its auction house."""

    field: Literal["close factor", "incentive", "auction incentive", "first bid", "next bid", "least debt"]
    value: int


@dataclass(frozen=True, slots=True)
class PauseAuctions:
    on: bool


@dataclass(frozen=True, slots=True)
class FundRisk:
    """What the risk fund holds: a share of what an auction would sell for all bad debt."""

    permille: int
    offset: int


@dataclass(frozen=True, slots=True)
class Store:
    """Write all that moves of a market, whether it could come about or not."""

    market: int
    cash: int
    total_borrows: int
    total_reserves: int
    total_supply: int
    bad_debt: int
    borrow_index: int


@dataclass(frozen=True, slots=True)
class StoreBadDebt:
    market: int
    size: Size
    """Of ten thousand US dollars."""


@dataclass(frozen=True, slots=True)
class StorePosition:
    """Write what a user holds and owes in a market."""

    user: int
    market: int
    vtokens: int
    principal: int
    index: int


Call = (
    Mint
    | Redeem
    | RedeemUnderlying
    | Borrow
    | Repay
    | Transfer
    | EnterMarkets
    | ExitMarket
    | AccrueInterest
    | AddReserves
    | ReduceReserves
    | Liquidate
    | LiquidateAccount
    | Heal
    | StartAuction
    | RestartAuction
    | CloseAuction
    | PlaceBid
)
Act = (
    Wait
    | SetPrice
    | Steer
    | SetMinimum
    | Pause
    | Deprecate
    | Configure
    | ConfigurePool
    | PauseAuctions
    | FundRisk
    | Store
    | StoreBadDebt
    | StorePosition
)
Step = Call | Act


@dataclass(frozen=True, slots=True)
class Case:
    """What is set before it, and everything that is done."""

    close_factor_mantissa: int
    incentive_mantissa: int
    minimum_usd_mantissa: int
    markets: tuple[MarketSetup, ...]
    steps: tuple[Step, ...]
