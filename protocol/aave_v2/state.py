"""The state of an Aave v2 market as plain integers: what is stored, nothing that is derived.

Every index, rate and total is the *stored* one, as of the reserve's `last_update_timestamp`; accruing it to
now is the business of `interest.py`. All classes are frozen: an operation returns a new market.

Mirrors `contracts/protocol/libraries/types/DataTypes.sol` (aave/protocol-v2@1.0.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

ReserveId = int
User = str


class RateMode(Enum):
    """At which rate a loan is taken or repaid; the contract's own numbers."""

    STABLE = 1
    VARIABLE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class StableStrategy:
    """The stable rate of one reserve's strategy; all per year."""

    base_rate_ray: int = 0
    """What the lending rate oracle says: `getMarketBorrowRate`."""
    slope1_ray: int = 0
    slope2_ray: int = 0


NO_STABLE_RATE = StableStrategy()


@dataclass(frozen=True, kw_only=True, slots=True)
class RateStrategy:
    """Kinked variable rate of one reserve; immutables of its strategy."""

    optimal_usage_ray: int
    base_variable_rate_ray: int
    variable_slope1_ray: int
    variable_slope2_ray: int
    stable: StableStrategy = NO_STABLE_RATE


@dataclass(frozen=True, kw_only=True, slots=True)
class StableDebt:
    """What one account owes at a stable rate in one reserve: compounded from its own timestamp."""

    principal: int = 0
    """[asset units] The stored balance; interest since the timestamp comes on top."""
    rate_ray: int = 0
    last_update_timestamp: int = 0


NO_STABLE_DEBT = StableDebt()


@dataclass(frozen=True, kw_only=True, slots=True)
class StableTotals:
    """What all accounts owe at stable rates in one reserve."""

    principal: int = 0
    """[asset units] The token's stored total supply; interest since the timestamp comes on top."""
    average_rate_ray: int = 0
    last_update_timestamp: int = 0


NO_STABLE_TOTALS = StableTotals()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveConfig:
    """The governance parameters of one reserve that liquidation reads."""

    decimals: int
    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    """Includes the 100 %: 105_00 pays 5 % on top."""
    reserve_factor_bps: int
    active: bool = True
    frozen: bool = False
    """Nothing new is supplied or borrowed; liquidations do not ask."""
    borrowing_enabled: bool = True
    stable_borrowing_enabled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserve:
    """One asset: its configuration and its stored accounting."""

    reserve_id: ReserveId
    asset: str
    """Address of the underlying token, or any unique name off chain."""
    symbol: str
    config: ReserveConfig
    strategy: RateStrategy
    liquidity_index_ray: int
    variable_borrow_index_ray: int
    liquidity_rate_ray: int
    variable_borrow_rate_ray: int
    last_update_timestamp: int
    total_scaled_atoken: int
    total_scaled_variable_debt: int
    virtual_underlying_balance: int
    """[asset units] The token balance held by the aToken: nothing about it is virtual before Aave v3.1."""
    stable_borrow_rate_ray: int = 0
    """What a new stable loan would pay."""
    stable_debt: StableTotals = NO_STABLE_TOTALS


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """What one account holds and owes in one reserve."""

    scaled_atoken: int = 0
    scaled_variable_debt: int = 0
    collateral_enabled: bool = False
    borrowing: bool = False
    stable_debt: StableDebt = NO_STABLE_DEBT


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A user's positions by reserve id (only reserves with something set)."""

    positions: Mapping[ReserveId, Position] = field(default_factory=dict[ReserveId, Position])


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """Everything a liquidation reads and writes, but for prices and the time."""

    reserves: Mapping[ReserveId, Reserve]
    """In reserve id order, the order in which accounts are walked."""
    accounts: Mapping[User, Account]
    treasury: User
    """The account that receives the reserve factor's part; it has an entry in `accounts` like any other."""
    paused: bool = False
    """The whole pool: nothing at all can be done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountData:
    """What `LendingPool.getUserAccountData` returns."""

    total_collateral_base: int
    total_debt_base: int
    available_borrows_base: int
    avg_liquidation_threshold_bps: int
    avg_ltv_bps: int
    health_factor_wad: int
    """2**256 - 1 without debt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationCall:
    """The arguments of `LendingPool.liquidationCall` and who sends it."""

    collateral_id: ReserveId
    debt_id: ReserveId
    borrower: User
    liquidator: User
    debt_to_cover: int
    """[debt asset units] 2**256 - 1 asks for as much as the rules allow."""
    receive_atoken: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Liquidated:
    """A liquidation that went through: the amounts of its event and the market after it."""

    market: Market
    debt_repaid: int
    """[debt asset units] `debtToCover` of the LiquidationCall event."""
    collateral_to_liquidator: int
    """[collateral asset units] `liquidatedCollateralAmount` of the event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """A supply, withdrawal, loan, repayment or switch that went through, and the market after it."""

    market: Market
    amount: int = 0
    """[asset units] What really moved; 0 for a switch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revert:
    """A call the contract refuses: the canonical error name and the numbers that failed."""

    name: str
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
