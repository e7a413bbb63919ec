"""The state of a Comet market as plain integers: what is stored, nothing that is derived.

Indices are the *stored* ones, as of `last_accrual_timestamp`; growing them to now is the business of
`interest.py`. All classes are frozen: an operation returns a new market. "Base" alone is the base asset, the
one that is lent; a name that ends in `_base` is a value in the currency of the prices, with 8 decimals.

Mirrors `CometStorage`, contracts/CometStorage.sol, `AssetInfo`, contracts/CometCore.sol, and the immutables of
contracts/CometWithExtendedAssetList.sol (compound-finance/comet@d5a30b0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from protocol.compound_v3.revisions import Rules
from protocol.model import Refused

AssetId = int
User = str

BASE: Final[AssetId] = -1
"""The base asset where an asset is named, in a call or among the prices; collaterals count from 0."""
BASE_INDEX_SCALE: Final = 10**15
"""1 in an index. [e15]"""
BASE_ACCRUAL_SCALE: Final = 10**6
"""1 whole reward in what an account has accrued."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RateCurve:
    """Kinked rate of one side, per second as the contract stores it."""

    kink_wad: int
    """Utilization up to which the low slope holds."""
    base_rate_per_second_wad: int
    slope_low_per_second_wad: int
    slope_high_per_second_wad: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracking:
    """How rewards are counted; who is paid for them is another contract's business."""

    index_scale: int = 10**15
    """1 in a tracking index."""
    supply_speed: int = 0
    """Rewards per second for all that is supplied. [index scale]"""
    borrow_speed: int = 0
    """Rewards per second for all that is owed. [index scale]"""
    min_principal: int = 1
    """`baseMinForRewards`: a side with less principal earns nothing. [base asset units]"""


NO_REWARDS = Tracking()


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The governance parameters of a market, as its constructor left them."""

    base_scale: int
    """1 whole token of the base asset. [base asset units] 10**6 to 10**18."""
    supply_curve: RateCurve
    borrow_curve: RateCurve
    store_front_price_factor_wad: int
    """Share of a collateral's liquidation penalty that a buyer gets."""
    base_borrow_min: int = 0
    """The least that an action may leave owed. [base asset units]"""
    target_reserves: int = 0
    """Reserves from which on nothing is sold. [base asset units]"""
    tracking: Tracking = NO_REWARDS
    base_asset: str = "base"
    """Address of the base token, or any name off chain."""
    base_symbol: str = "base"


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetInfo:
    """The parameters of one collateral, as `getAssetInfo` returns them; see `packing` for what is cut off."""

    scale: int
    """1 whole token. [asset units]"""
    borrow_collateral_factor_wad: int
    liquidate_collateral_factor_wad: int
    liquidation_factor_wad: int
    """Share of the collateral's value that an absorbed account is credited with."""
    supply_cap: int
    """[asset units]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One collateral: its parameters and what the contract has of it."""

    asset_id: AssetId
    """Its offset in the contract, from 0."""
    asset: str
    """Address of the token, or any unique name off chain."""
    symbol: str
    info: AssetInfo
    total_supply: int
    """What all accounts have supplied. [asset units]"""
    balance: int
    """What the contract holds of the token: what goes beyond `total_supply` is its own. [asset units]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pauses:
    """What is switched off."""

    supply: bool = False
    transfer: bool = False
    withdraw: bool = False
    absorb: bool = False
    buy: bool = False


NOTHING_PAUSED = Pauses()


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What one user has.

    The bits of `assetsIn` are not kept: every path of the contract sets a collateral's bit exactly while its
    balance is not 0.
    """

    principal: int = 0
    """Signed: supplied above 0, owed below, at index 1. [base asset units]"""
    collateral: Mapping[AssetId, int] = field(default_factory=dict[AssetId, int])
    """[asset units] Only what is not 0."""
    tracking_index: int = 0
    """As of the account's last change of principal."""
    tracking_accrued: int = 0
    """Rewards with 6 decimals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """Everything that an absorption reads and writes, but for prices and the time."""

    rules: Rules
    config: Config
    base_supply_index_e15: int
    base_borrow_index_e15: int
    tracking_supply_index: int = 0
    tracking_borrow_index: int = 0
    total_supply_principal: int
    """Of all accounts that supplied. [base asset units at index 1]"""
    total_borrow_principal: int
    """Of all accounts that owe. [base asset units at index 1]"""
    last_accrual_timestamp: int
    base_balance: int
    """What the contract holds of the base asset. [base asset units]"""
    assets: Mapping[AssetId, Asset]
    """In the order of their offsets, 0 and on: the order in which accounts are walked."""
    accounts: Mapping[User, Account]
    pauses: Pauses = NOTHING_PAUSED


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountData:
    """What the contract's views say of an account, and what `absorb` would find."""

    supply_balance: int
    """`balanceOf`, at accrued indices. [base asset units]"""
    borrow_balance: int
    """`borrowBalanceOf`, at accrued indices. [base asset units]"""
    is_borrow_collateralized: bool
    """The view of this name, at the stored indices."""
    is_liquidatable: bool
    """The view of this name, at the stored indices: it may say no where `absorb` succeeds."""
    is_absorbable: bool
    """The same question at accrued indices, as `absorb` asks it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationCall:
    """The arguments of `absorb`."""

    absorber: User
    """Earns points that no contract pays for; nothing else."""
    accounts: tuple[User, ...]
    """One that cannot be absorbed makes the whole call fail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AbsorbedCollateral:
    """What was taken of one collateral: an AbsorbCollateral event."""

    amount: int
    """[asset units]"""
    value_base: int
    """`usdValue`: at the observed price, before the liquidation factor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AbsorbedAccount:
    """What became of one account: an AbsorbDebt event and what led to it."""

    user: User
    collateral: Mapping[AssetId, AbsorbedCollateral]
    base_paid_out: int
    """What the reserves gave: the debt, and what was credited beyond it. [base asset units]"""
    value_of_base_paid_out_base: int
    """`usdValue` of the event."""
    debt_forgiven: int
    """Debt beyond the credit for the collateral; part of `base_paid_out`. [base asset units]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Liquidated:
    """An `absorb` that went through: its accounts in the order of the call, and the market after it."""

    market: Market
    absorbed: tuple[AbsorbedAccount, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bought:
    """A purchase from the store front that went through, and the market after it."""

    market: Market
    base_amount: int
    """Paid. [base asset units]"""
    collateral_amount: int
    """Received. [asset units]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """A supply, withdrawal, transfer or accrual that went through, and the market after it."""

    market: Market
    amount: int = 0
    """[asset units] What really moved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revert(Refused):
    """A call the contract refuses: the canonical error name and the numbers that failed."""

    name: str
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
