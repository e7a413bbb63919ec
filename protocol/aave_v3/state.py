"""The state of an Aave v3 market as plain integers: what is stored, nothing that is derived.

Every index, rate and total is the *stored* one, as of the reserve's `last_update_timestamp`; accruing it to
now is the business of `interest.py`. All classes are frozen: an operation returns a new market.

Mirrors `src/contracts/protocol/libraries/types/DataTypes.sol` (aave-dao/aave-v3-origin@v3.6.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from protocol.aave_v3.revisions import Rules
from protocol.model import Done, Refused

ReserveId = int
User = str


class RateMode(Enum):
    """At which rate a loan is taken or repaid; the contract's own numbers."""

    STABLE = 1
    VARIABLE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class StableStrategy:
    """The stable rate of one reserve's strategy, up to v3.0.2; all per year."""

    base_rate_ray: int = 0
    """The variable slope 1 plus the strategy's base stable rate offset."""
    slope1_ray: int = 0
    slope2_ray: int = 0
    excess_offset_ray: int = 0
    optimal_stable_to_total_debt_ray: int = 0


NO_STABLE_RATE = StableStrategy()


@dataclass(frozen=True, kw_only=True, slots=True)
class RateStrategy:
    """Kinked variable rate of one reserve; stored in bps from v3.1 on (times 1e23), in ray before."""

    optimal_usage_ray: int
    base_variable_rate_ray: int
    variable_slope1_ray: int
    variable_slope2_ray: int
    stable: StableStrategy = NO_STABLE_RATE


@dataclass(frozen=True, kw_only=True, slots=True)
class StableDebt:
    """What one account owes at a stable rate in one reserve, up to v3.0.2: compounded from its own timestamp.

    The stable debt token of v3.1 is a shell that answers 0 to everything; see `Rules.has_stable_debt`.
    """

    principal: int = 0
    """[asset units] The stored balance; interest since the timestamp comes on top."""
    rate_ray: int = 0
    last_update_timestamp: int = 0


NO_STABLE_DEBT = StableDebt()


@dataclass(frozen=True, kw_only=True, slots=True)
class StableTotals:
    """What all accounts owe at stable rates in one reserve, up to v3.0.2."""

    principal: int = 0
    """[asset units] The token's stored total supply; interest since the timestamp comes on top."""
    average_rate_ray: int = 0
    last_update_timestamp: int = 0


NO_STABLE_TOTALS = StableTotals()


@dataclass(frozen=True, kw_only=True, slots=True)
class GhoDebt:
    """What the GHO debt token stores of one account beside its scaled debt, up to v3.3.

    Modelled: the discount on interest since the last action, interest counted apart, what a repayment takes
    off it. Not modelled: that every action sets the discount anew from the account's stkAAVE; it stays as
    given. Mirrors `GhoVariableDebtToken`, src/contracts/facilitators/aave/tokens (aave/gho-core@605e15af).
    """

    discount_bps: int = 0
    """Share of new interest that is let off."""
    previous_index_ray: int = 0
    """The debt index at the account's last action."""
    balance_from_interest: int = 0
    """[asset units] Interest counted so far and not repaid: it was never minted as GHO."""


NO_GHO_DEBT = GhoDebt()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveConfig:
    """The governance parameters of one reserve that liquidation reads."""

    decimals: int
    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    """Includes the 100 %: 105_00 pays 5 % on top."""
    liquidation_protocol_fee_bps: int
    """Share of the bonus, not of the collateral."""
    reserve_factor_bps: int
    active: bool = True
    frozen: bool = False
    """Nothing new is supplied or borrowed; liquidations do not ask."""
    paused: bool = False
    borrowing_enabled: bool = True
    stable_borrowing_enabled: bool = False
    """Up to v3.1."""
    virtual_accounting: bool = True
    """False for GHO alone, up to v3.3: no liquidity is counted, suppliers earn nothing, the base rate holds.

    Before v3.1 there is no such flag: there the strategy contract and the tokens of GHO make the difference.
    """
    borrow_cap: int = 0
    """[whole tokens] 0 = none."""
    supply_cap: int = 0
    """[whole tokens] 0 = none."""
    unbacked_mint_cap: int = 0
    """[whole tokens] What bridges may mint, up to v3.3; 0 = nothing."""
    siloed_borrowing: bool = False
    """Whoever borrows this borrows nothing else. Up to v3.6."""
    borrowable_in_isolation: bool = False
    """Up to v3.6."""
    liquidation_grace_until_timestamp: int = 0
    """From v3.1 on; 0 before."""
    debt_ceiling: int = 0
    """Isolation mode ceiling, 2 decimals; 0 = not isolated. Up to v3.6."""
    emode_category: int = 0
    """The one category the reserve belongs to, up to v3.1; membership is a bitmap later."""


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
    accrued_to_treasury_scaled: int
    deficit: int
    """[asset units] From v3.3 on; 0 before."""
    virtual_underlying_balance: int
    """[asset units] Before v3.1: the token balance held by the aToken."""
    isolation_mode_total_debt: int = 0
    """[2 decimals] Debt taken against this isolated collateral, up to v3.6."""
    unbacked: int = 0
    """[asset units] aTokens minted by a bridge and not backed yet, up to v3.3."""
    stable_borrow_rate_ray: int = 0
    """What a new stable loan would pay, up to v3.0.2; 0 from v3.1 on."""
    stable_debt: StableTotals = NO_STABLE_TOTALS


@dataclass(frozen=True, kw_only=True, slots=True)
class EModeCategory:
    """An efficiency mode: own threshold, bonus and ltv for its collaterals."""

    emode_id: int
    ltv_bps: int
    liquidation_threshold_bps: int
    liquidation_bonus_bps: int
    collateral_bitmap: int
    """Bit i = reserve id i has the category's parameters. Up to v3.1 derived from each reserve's field."""
    borrowable_bitmap: int = 0
    """Bit i = the category lends reserve id i; from v3.2 on. Up to v3.1 it lends its members."""
    ltvzero_bitmap: int = 0
    """From v3.6 on."""
    isolated: bool = False
    """Collateral outside the category has no ltv; from v3.7 on."""
    price_source: str = ""
    """Up to v3.1; empty = none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """What one account holds and owes in one reserve."""

    scaled_atoken: int = 0
    scaled_variable_debt: int = 0
    collateral_enabled: bool = False
    borrowing: bool = False
    stable_debt: StableDebt = NO_STABLE_DEBT
    gho_debt: GhoDebt = NO_GHO_DEBT
    variable_debt_index_ray: int = 0
    """`getPreviousIndex`: the debt index at the last loan or repayment; kept in v3.0.0 alone, which asks for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A user's positions by reserve id (only reserves with something set) and its eMode (0 = none)."""

    positions: Mapping[ReserveId, Position] = field(default_factory=dict[ReserveId, Position])
    emode: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """Everything a liquidation reads and writes, but for prices and the time."""

    rules: Rules
    reserves: Mapping[ReserveId, Reserve]
    """In reserve id order, the order in which accounts are walked."""
    emodes: Mapping[int, EModeCategory]
    accounts: Mapping[User, Account]
    treasury: User
    """The account that receives protocol fees; it has an entry in `accounts` like any other."""
    sentinel_allows_liquidation: bool | None = None
    """`PriceOracleSentinel.isLiquidationAllowed()`; None = no sentinel. Up to v3.6."""
    umbrella: User | None = None
    """Who may eliminate deficits: `ADDRESSES_PROVIDER.getAddress('UMBRELLA')`; None = nobody. From v3.3 on."""

    @property
    def has_category_prices(self) -> bool:
        """Whether an eMode category prices its members by a source of its own. Up to v3.1."""
        return self.rules.prices_by_category and any(one.price_source for one in self.emodes.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountData:
    """What `Pool.getUserAccountData` returns."""

    total_collateral_base: int
    total_debt_base: int
    available_borrows_base: int
    avg_liquidation_threshold_bps: int
    avg_ltv_bps: int
    health_factor_wad: int
    """2**256 - 1 without debt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationCall:
    """The arguments of `Pool.liquidationCall` and who sends it."""

    collateral_id: ReserveId
    debt_id: ReserveId
    borrower: User
    liquidator: User
    debt_to_cover: int
    """[debt asset units] 2**256 - 1 asks for as much as the rules allow."""
    receive_atoken: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Liquidated(Done):
    """A liquidation that went through: the amounts of its events and the market after it."""

    market: Market
    debt_repaid: int
    """[debt asset units] `debtToCover` of the LiquidationCall event."""
    collateral_to_liquidator: int
    """[collateral asset units] `liquidatedCollateralAmount` of the event: without the protocol fee."""
    protocol_fee: int
    """[collateral asset units] Value of the aToken transfer borrower -> treasury, after any cap."""
    deficits: Mapping[ReserveId, int]
    """[asset units] Amounts of the DeficitCreated events."""

    @property
    def repaid(self) -> int:
        """`debt_repaid`."""
        return self.debt_repaid

    @property
    def received(self) -> int:
        """`collateral_to_liquidator`."""
        return self.collateral_to_liquidator

    @property
    def fee(self) -> int:
        """`protocol_fee`."""
        return self.protocol_fee

    @property
    def written_off(self) -> Mapping[ReserveId, int]:
        """`deficits`."""
        return self.deficits


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """A supply, withdrawal, loan, repayment or switch that went through, and the market after it."""

    market: Market
    amount: int = 0
    """[asset units] What really moved; 0 for a switch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revert(Refused):
    """A call the contract refuses: the canonical error name and the numbers that failed."""

    name: str
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
