"""The state of one isolated pool, as plain integers: exactly what the contracts store.

Every index, rate and total is the *stored* one, as of the market's `accrual_slot`; growing it to now is the
business of `interest.py`. All classes are frozen: an operation returns a new market. A slot is a block or a
second, whichever the deployed contracts count.

Mirrors contracts/ComptrollerStorage.sol, contracts/VTokenInterfaces.sol and
contracts/Shortfall/ShortfallStorage.sol (VenusProtocol/isolated-pools@58b76f81).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from protocol.model import Refused
from protocol.units import MAX_UINT256, WAD

if TYPE_CHECKING:
    from protocol.venus_isolated.revisions import Rules

MarketId = int
User = str

MAX_BORROW_RATE_PER_BLOCK_MANTISSA = 5 * 10**12
"""0.0005 % a block: the constant of 1.0.0, and what block-based markets of 4.4.0 are deployed with."""
MAX_BORROW_RATE_PER_SECOND_MANTISSA = 1_666_700_000_000
"""A third of it: what time-based markets of 4.4.0 are deployed with."""


class Action(IntEnum):
    """What can be paused market by market, numbered as the contract numbers it."""

    MINT = 0
    REDEEM = 1
    BORROW = 2
    REPAY = 3
    SEIZE = 4
    LIQUIDATE = 5
    TRANSFER = 6
    ENTER_MARKET = 7
    EXIT_MARKET = 8


class AuctionType(IntEnum):
    """Which of the two is larger, and so which way bids go."""

    LARGE_POOL_DEBT = 0
    """Bids rise: the highest share of the debt that is paid for all of the risk fund wins."""
    LARGE_RISK_FUND = 1
    """Bids fall: all the debt is paid for the smallest share of what is offered."""


class AuctionStatus(IntEnum):
    """Where an auction stands."""

    NOT_STARTED = 0
    STARTED = 1
    ENDED = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class JumpRateModel:
    """`JumpRateModelV2`: one kink, all per slot. A `WhitePaperInterestRateModel` is this with a kink of 1."""

    base_rate_per_slot_mantissa: int
    multiplier_per_slot_mantissa: int
    jump_multiplier_per_slot_mantissa: int = 0
    kink_mantissa: int = WAD


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoKinksRateModel:
    """`TwoKinksInterestRateModel`: all per slot and signed; a negative rate is none. From 4.0.0 on."""

    base_rate_per_slot_mantissa: int
    multiplier_per_slot_mantissa: int
    kink1_mantissa: int
    base_rate2_per_slot_mantissa: int
    """Added beyond the first kink, on top of the rate reached there."""
    multiplier2_per_slot_mantissa: int
    kink2_mantissa: int
    jump_multiplier_per_slot_mantissa: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VToken:
    """One market of the pool: its configuration in the comptroller, and what its vToken stores."""

    market_id: MarketId
    symbol: str
    """Of the vToken."""
    underlying: str = ""
    """Address of the asset; empty where it is not known."""
    underlying_symbol: str = ""
    """Of the asset; empty where it is not known."""
    underlying_decimals: int
    collateral_factor_mantissa: int
    """Weight of collateral when borrowing and redeeming."""
    liquidation_threshold_mantissa: int
    """Weight of collateral when liquidating; no less than the factor."""
    reserve_factor_mantissa: int
    """Share of interest that the protocol keeps."""
    protocol_seize_share_mantissa: int
    """The protocol's part of what is seized, as a share of the debt repaid; at most incentive - 1."""
    initial_exchange_rate_mantissa: int
    """Underlying per vToken while there is no vToken. [underlying units x 1e18 per vToken unit]"""
    rate_model: JumpRateModel | TwoKinksRateModel
    max_borrow_rate_mantissa: int = MAX_BORROW_RATE_PER_BLOCK_MANTISSA
    """Per slot; beyond, nothing that accrues goes through any more."""

    cash_underlying: int
    """What the vToken holds of its asset."""
    total_borrows_underlying: int
    bad_debt_underlying: int = 0
    """Written off by healing and not yet recovered; bears no interest."""
    total_reserves_underlying: int
    total_supply_vtokens: int
    borrow_index_mantissa: int
    accrual_slot: int
    """Block or second of the last accrual."""
    reduce_reserves_slot: int = 0
    """Slot of the last automatic withdrawal of reserves. From 2.2.0 on."""
    reduce_reserves_slot_delta: int = MAX_UINT256
    """After so many slots an accrual withdraws the reserves; 2**256 - 1 never. From 2.2.0 on."""

    listed: bool = True
    supply_cap_underlying: int = MAX_UINT256
    """2**256 - 1 is none."""
    borrow_cap_underlying: int = MAX_UINT256
    """2**256 - 1 is none."""
    paused: frozenset[Action] = frozenset()
    forced_liquidation: bool = False
    """`isForcedLiquidationEnabled`: its debts are liquidated without shortfall or close factor. From 2.1.0 on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """What one account holds and owes in one market."""

    vtokens: int = 0
    borrow_principal_underlying: int = 0
    """What was owed at the last loan or repayment."""
    borrow_interest_index_mantissa: int = 0
    """The borrow index at that moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A user's positions by market id (only markets with something set) and the markets it has entered."""

    positions: Mapping[MarketId, Position] = field(default_factory=dict[MarketId, Position])
    entered: tuple[MarketId, ...] = ()
    """`accountAssets`: in this order the contract walks them. Only these count, as collateral and as debt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Auction:
    """The latest auction of the pool's bad debt; mirrors `Auction`."""

    status: AuctionStatus = AuctionStatus.NOT_STARTED
    auction_type: AuctionType = AuctionType.LARGE_POOL_DEBT
    start_slot: int = 0
    market_debts_underlying: Mapping[MarketId, int] = field(default_factory=dict[MarketId, int])
    """Bad debt at the start, of every market of the pool."""
    seized_risk_fund: int = 0
    """[USD x 1e18] Paid out later as so many units of the base asset."""
    start_bid_bps: int = 0
    highest_bidder: User | None = None
    highest_bid_bps: int = 0
    highest_bid_slot: int = 0
    bid_amounts_underlying: Mapping[MarketId, int] = field(default_factory=dict[MarketId, int])
    """What the highest bidder has paid in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortfall:
    """`Shortfall` and the risk fund's part for this pool."""

    minimum_pool_bad_debt_usd_mantissa: int = 0
    incentive_bps: int = 10_00
    """On top of the debt, to whoever pays it."""
    wait_for_first_bidder_slots: int = 100
    next_bidder_slot_limit: int = 100
    paused: bool = False
    risk_fund_base_asset: int = 0
    """[base asset units] What the risk fund holds for the pool."""
    auction: Auction = Auction()


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """Everything a liquidation reads and writes, but for prices and the slot: one pool and its markets."""

    rules: Rules
    close_factor_mantissa: int
    """Largest part of one debt that a regular liquidation may repay."""
    liquidation_incentive_mantissa: int
    """Collateral value per debt value, its 100 % included; one for the whole pool."""
    min_liquidatable_collateral_usd_mantissa: int
    """Collateral worth no more than this, unweighted, can only be liquidated or healed as a whole."""
    vtokens: Mapping[MarketId, VToken]
    accounts: Mapping[User, Account]
    is_time_based: bool = False
    """Whether a slot is a second; else it is a block, the only choice before 3.1.0."""
    max_loops_limit: int = MAX_UINT256
    """Half the orders of one `liquidateAccount` at most."""
    shortfall: Shortfall = Shortfall()


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountData:
    """What the comptroller sums up over the markets an account has entered; `AccountLiquiditySnapshot`."""

    total_collateral_usd_mantissa: int
    """Unweighted."""
    weighted_collateral_usd_mantissa: int
    """Weighted with the liquidation threshold, or for borrowing with the collateral factor."""
    borrows_usd_mantissa: int
    liquidity_usd_mantissa: int
    """What could still be borrowed or lost; 0 with a shortfall."""
    shortfall_usd_mantissa: int
    """More than 0: liquidatable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationCall:
    """The arguments of `VToken.liquidateBorrow`, the vToken it is called on, and who sends it."""

    collateral_id: MarketId
    debt_id: MarketId
    borrower: User
    liquidator: User
    repay_amount: int
    """[debt asset units] Nothing is cut: more than the rules allow or the collateral pays for is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationOrder:
    """One order of `Comptroller.liquidateAccount`."""

    collateral_id: MarketId
    debt_id: MarketId
    repay_amount: int
    """[debt asset units] Nothing is cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seized:
    """vTokens that left a borrower, and what the protocol kept of them."""

    seized_vtokens: int
    """Taken from the borrower: `seizeTokens` of the event."""
    liquidator_seized_vtokens: int
    protocol_seized_vtokens: int
    """Destroyed; the protocol has their worth."""
    protocol_seized_underlying: int
    """Paid out in cash, or up to 2.1.0 added to the reserves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """What became of one order: what was repaid, and what it took."""

    order: LiquidationOrder
    repaid_underlying: int
    seized: Seized


@dataclass(frozen=True, kw_only=True, slots=True)
class Liquidated:
    """A regular liquidation that went through: the amounts of its events and the market after it."""

    market: Market
    repaid_underlying: int
    seized: Seized


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLiquidated:
    """A batch that repaid all an account owed: its legs in the order they ran and the market after it."""

    market: Market
    legs: tuple[Leg, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Healed:
    """An account whose debts are gone, partly paid and partly written off, and the market after it."""

    market: Market
    repaid_underlying: Mapping[MarketId, int]
    seized: Mapping[MarketId, Seized]
    bad_debt_underlying: Mapping[MarketId, int]
    """Written off: `BadDebtIncreased` events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """A supply, withdrawal, loan, repayment, switch or bid that went through, and the market after it."""

    market: Market
    amount: int = 0
    """[asset units] What really moved; 0 for a switch."""
    vtokens: int = 0
    """Made, burned or moved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revert(Refused):
    """A call the contract refuses: the canonical error name and the numbers that failed."""

    name: str
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
