"""The state of an Aave v4 spoke and of what it lists on its hubs, as plain integers: what is stored.

Every index, rate and total is the *stored* one, as of the asset's `last_update_timestamp`; accruing it to now
is the business of `interest.py`. All classes are frozen: an operation returns a new market.

Mirrors the structs of `ISpoke`, src/spoke/interfaces/ISpoke.sol, and `IHub`, src/hub/interfaces/IHub.sol
(aave/aave-v4@v0.5.11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AssetId = int
ReserveId = int
DynamicConfigKey = int
Spoke = str
User = str

NO_CAP = 2**40 - 1
"""`MAX_ALLOWED_SPOKE_CAP`: an add or draw cap of this is none. [whole tokens]"""
NO_RISK_PREMIUM_THRESHOLD_BPS = 2**24 - 1
"""`MAX_RISK_PREMIUM_THRESHOLD`: a threshold of this is none. [bps]"""
NO_RESERVES_LIMIT = 2**16 - 1
"""`MAX_ALLOWED_USER_RESERVES_LIMIT`: a limit of this is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RateStrategy:
    """Kinked rate of one asset, all per year; mirrors `InterestRateData`."""

    optimal_usage_bps: int
    """1_00 to 99_00."""
    base_rate_bps: int
    rate_growth_before_optimal_bps: int
    rate_growth_after_optimal_bps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokeData:
    """What the hub keeps of one spoke in one asset."""

    drawn_shares: int = 0
    premium_shares: int = 0
    premium_offset_ray: int = 0
    """[asset units x ray] Signed."""
    added_shares: int = 0
    add_cap: int = NO_CAP
    """[whole tokens]"""
    draw_cap: int = NO_CAP
    """[whole tokens]"""
    risk_premium_threshold_bps: int = NO_RISK_PREMIUM_THRESHOLD_BPS
    """Premium shares per drawn shares at most."""
    active: bool = True
    halted: bool = False
    """Nothing that moves liquidity at once; deficits are still reported."""
    deficit_ray: int = 0
    """[asset units x ray]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One asset of a hub: its configuration and its stored accounting, over all spokes and by spoke."""

    asset_id: AssetId
    decimals: int
    strategy: RateStrategy
    liquidity_fee_bps: int
    """Share of interest and premium that the protocol keeps."""
    fee_receiver: Spoke
    """It has an entry in `spokes` like any other."""
    liquidity: int
    """[asset units] What can be drawn or removed now."""
    swept: int = 0
    """[asset units] Liquidity that the reinvestment controller has out."""
    added_shares: int
    drawn_shares: int
    premium_shares: int
    premium_offset_ray: int
    """[asset units x ray] Signed."""
    drawn_index_ray: int
    drawn_rate_ray: int
    last_update_timestamp: int
    realized_fees: int = 0
    """[asset units] Fees accrued and not yet turned into shares."""
    deficit_ray: int = 0
    """[asset units x ray] Bad debt of all spokes."""
    spokes: Mapping[Spoke, SpokeData]


@dataclass(frozen=True, kw_only=True, slots=True)
class DynamicConfig:
    """The risk parameters that a position keeps until something refreshes them."""

    collateral_factor_bps: int
    """0 = no collateral; below 100_00."""
    max_liquidation_bonus_bps: int
    """Includes the 100 %: 105_00 pays 5 % on top."""
    liquidation_fee_bps: int
    """Share of the bonus, not of the collateral."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserve:
    """What a spoke keeps of one asset that it lists."""

    reserve_id: ReserveId
    asset_id: AssetId
    """Key in `Market.assets`; no two reserves of a spoke share one."""
    symbol: str
    decimals: int
    collateral_risk_bps: int
    """0 is the safest; up to 1000_00."""
    paused: bool = False
    frozen: bool = False
    borrowable: bool = True
    receive_shares_enabled: bool = True
    dynamic_config_key: DynamicConfigKey = 0
    """The latest key; what a refresh gives a position."""
    dynamic_configs: Mapping[DynamicConfigKey, DynamicConfig]


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """What one user holds and owes in one reserve; mirrors `UserPosition` and two bits of `PositionStatus`."""

    supplied_shares: int = 0
    drawn_shares: int = 0
    premium_shares: int = 0
    premium_offset_ray: int = 0
    """[asset units x ray] Signed."""
    dynamic_config_key: DynamicConfigKey = 0
    collateral_enabled: bool = False
    borrowing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A user's positions by reserve id (only reserves with something set) and its stored risk premium."""

    positions: Mapping[ReserveId, Position] = field(default_factory=dict[ReserveId, Position])
    risk_premium_bps: int = 0
    """As of the last refresh."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationConfig:
    """How far a liquidation goes and what it pays, for all reserves of a spoke."""

    target_health_factor_wad: int
    """1 or more: what a call may repay up to."""
    health_factor_for_max_bonus_wad: int
    """Below 1: from here down the bonus is the whole one."""
    liquidation_bonus_factor_bps: int
    """Share of the whole bonus that is paid at a health factor of 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """Everything a liquidation reads and writes, but for prices and the time."""

    spoke: Spoke
    """The spoke whose users these are; its key in every asset's `spokes`."""
    assets: Mapping[AssetId, Asset]
    """Of all hubs that the spoke lists assets of; an id here is unique over the hubs."""
    reserves: Mapping[ReserveId, Reserve]
    accounts: Mapping[User, Account]
    liquidation_config: LiquidationConfig
    max_user_reserves: int = NO_RESERVES_LIMIT
    """`MAX_USER_RESERVES_LIMIT`: collaterals, and loans, that one user may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountData:
    """What `Spoke.getUserAccountData` returns."""

    risk_premium_bps: int
    avg_collateral_factor_wad: int
    health_factor_wad: int
    """2**256 - 1 without debt."""
    total_collateral_value: int
    """[Value] 1e26 is 1 US dollar."""
    total_debt_value_ray: int
    """[Value x ray]"""
    active_collateral_count: int
    """Enabled, with a collateral factor and with shares."""
    borrow_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PremiumDelta:
    """How a premium debt changes: shares and offset by these, and the debt by what is restored."""

    shares_delta: int
    """Signed."""
    offset_delta_ray: int
    """[asset units x ray] Signed."""
    restored_premium_ray: int
    """[asset units x ray]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationCall:
    """The arguments of `Spoke.liquidationCall` and who sends it."""

    collateral_id: ReserveId
    debt_id: ReserveId
    borrower: User
    liquidator: User
    debt_to_cover: int
    """[debt asset units] 2**256 - 1 asks for as much as the rules allow."""
    receive_shares: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Liquidated:
    """A liquidation that went through: the amounts of its events and the market after it."""

    market: Market
    debt_repaid: int
    """[debt asset units] `debtAmountRestored` of the LiquidationCall event."""
    drawn_shares_liquidated: int
    premium_delta: PremiumDelta
    """Of the repaid reserve; a deficit reported in the same call has its own."""
    collateral_removed: int
    """[collateral asset units] `collateralAmountRemoved`: the fee is part of it."""
    collateral_shares_liquidated: int
    collateral_shares_to_liquidator: int
    """The rest are the fee."""
    collateral_to_liquidator: int
    """[collateral asset units] Underlying paid out; 0 when the liquidator takes shares."""
    deficits_ray: Mapping[ReserveId, int]
    """[asset units x ray] `deficitAmountRay` of the hub's ReportDeficit events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """A supply, withdrawal, loan, repayment or switch that went through, and the market after it."""

    market: Market
    amount: int = 0
    """[asset units] What really moved; 0 for a switch."""
    shares: int = 0
    """Supplied or drawn shares that came or went."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revert:
    """A call the contract refuses: the canonical error name and the numbers that failed."""

    name: str
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
