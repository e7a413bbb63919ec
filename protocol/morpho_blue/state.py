"""The state of one Morpho Blue market, as plain integers: what the singleton stores under the market's id.

Totals are the *stored* ones, as of `last_update_timestamp`; accruing them to now is the business of `interest.py`.
All classes are frozen: an operation returns a new market.

Mirrors `MarketParams`, `Market` and `Position`, src/interfaces/IMorpho.sol (morpho-org/morpho-blue@3085651).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocol.model import Refused
from protocol.morpho_blue.shares import NOTHING, Totals

User = str


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptiveCurve:
    """What `AdaptiveCurveIrm` stores of the market."""

    rate_at_target_per_second_wad: int = 0
    """The rate at 90 % utilization; 0 before the first interaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UtilizationOver365Days:
    """The rate per year is the utilization: `IrmMock` of the contracts' own tests. It stores nothing."""


Irm = AdaptiveCurve | UtilizationOver365Days
"""An interest rate model and what it stores of the market."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What one user has in the market; mirrors `Position`."""

    supply_shares: int = 0
    borrow_shares: int = 0
    collateral: int = 0
    """[collateral asset units] It bears no interest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """One market: its parameters, its totals and the accounts in it; all but the price and the time."""

    lltv_wad: int
    """Liquidation loan-to-value: the one threshold, for loans and for liquidations; below 1."""
    irm: Irm | None
    """None = the zero address: no interest."""
    total_supply: Totals = NOTHING
    total_borrow: Totals = NOTHING
    last_update_timestamp: int = 0
    """[s] 0 = the market is not created."""
    fee_wad: int = 0
    """The fee recipient's part of interest; at most 25 %."""
    fee_recipient: User
    """It has an entry in `accounts` like any other."""
    accounts: Mapping[User, Account]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountData:
    """What the health check compares; the contract has no getter for it."""

    collateral: int
    """[collateral asset units]"""
    borrowed_assets: int
    """[loan asset units] Rounded up."""
    max_borrow_assets: int
    """[loan asset units] What the collateral is worth times LLTV, rounded down."""

    @property
    def healthy(self) -> bool:
        """Whether the debt is allowed; equality is."""
        return self.max_borrow_assets >= self.borrowed_assets


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationCall:
    """The arguments of `Morpho.liquidate` and who sends it. Exactly one of the two amounts is not 0."""

    borrower: User
    liquidator: User
    """Pays the loan asset and receives the collateral; the rules do not ask who it is."""
    seized_assets: int = 0
    """[collateral asset units] Take so much, repay what it costs."""
    repaid_shares: int = 0
    """Repay so many of the borrow shares, take what that gives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Liquidated:
    """A liquidation that went through: the amounts of its event and the market after it."""

    market: Market
    repaid_assets: int
    """[loan asset units] May exceed all that is borrowed by 1."""
    repaid_shares: int
    seized_assets: int
    """[collateral asset units]"""
    bad_debt_assets: int
    """[loan asset units] Written off, and taken from all suppliers at once."""
    bad_debt_shares: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """Any other call that went through, and the market after it."""

    market: Market
    assets: int = 0
    """[asset units] What moved, of the loan or of the collateral asset."""
    shares: int = 0
    """Supply or borrow shares that came or went."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revert(Refused):
    """A call the contract refuses: its error text, or the panic, and the numbers that failed."""

    name: str
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
