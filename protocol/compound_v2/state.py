"""The state of a Compound v2 market as plain integers: what is stored, nothing that is derived.

Every index and total is the *stored* one, as of the cToken's `accrual_block_number`; accruing it to now is the
business of `interest.py`. All classes are frozen: an operation returns a new market. A "market" of the contracts is
called a cToken here, and its number a market id; `Market` is the Comptroller with all of them and their users.

Mirrors contracts/ComptrollerStorage.sol and contracts/CTokenInterfaces.sol
(compound-finance/compound-protocol@ae4388e).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.compound_v2.reporter import ComptrollerError, Error, Info, failure_event
from protocol.compound_v2.revisions import SAFE_MATH, ComptrollerRules, CTokenRules
from protocol.fixed_point.careful_math import Fault
from protocol.model import Done, Refused

MarketId = int
User = str


@dataclass(frozen=True, kw_only=True, slots=True)
class RateModel:
    """A line, or a line with a kink, over the share of the liquidity that is borrowed; as its contract stores it."""

    base_rate_per_block_mantissa: int
    multiplier_per_block_mantissa: int
    jump_multiplier_per_block_mantissa: int = 0
    kink_mantissa: int | None = None
    """Above it the jump multiplier holds; None: a straight line (WhitePaperInterestRateModel)."""
    dsr_per_block_mantissa: int | None = None
    """What idle DAI earns at Maker, which the supply rate shows; None: not DAIInterestRateModelV3."""
    words: Mapping[Fault, str] = field(default_factory=lambda: SAFE_MATH)
    """What it reverts with: SafeMath's words, or the panics of a model compiled with Solidity 0.8."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstRateModel:
    """The model of 2019: a line per year, cut to a block at the end, blind to reserves; it returns error codes."""

    base_rate_per_year_mantissa: int
    multiplier_per_year_mantissa: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferFee:
    """What a token such as USDT can keep of every transfer."""

    share_bps: int = 0
    maximum_underlying: int = 0


NO_FEE = TransferFee()


@dataclass(frozen=True, kw_only=True, slots=True)
class CTokenConfig:
    """What governance and the guardian have set of one cToken."""

    collateral_factor_mantissa: int
    """One for borrowing and for liquidation."""
    reserve_factor_mantissa: int
    initial_exchange_rate_mantissa: int
    """Underlying units per cToken unit, times 1e18, while there are none."""
    listed: bool = True
    mint_paused: bool = False
    borrow_paused: bool = False
    borrow_cap_underlying: int = 0
    """All loans together must stay below it; 0: no cap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CToken:
    """One asset's market: its configuration and its stored accounting."""

    market_id: MarketId
    address: str
    """Of the cToken, or any unique name off chain."""
    symbol: str
    underlying_decimals: int
    rules: CTokenRules
    rate_model: RateModel | FirstRateModel
    config: CTokenConfig
    cash_underlying: int
    """What the cToken holds of the asset, whoever sent it."""
    total_borrows_underlying: int
    total_reserves_underlying: int
    total_supply_ctokens: int
    borrow_index_mantissa: int
    accrual_block_number: int
    is_ether: bool = False
    """CEther: what is paid in comes with the call."""
    underlying: str = ""
    """Address of the asset; empty for ether."""
    underlying_symbol: str = ""
    """Of the asset; empty where it is not known."""
    transfer_fee: TransferFee = NO_FEE


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """What one account holds and owes in one cToken."""

    ctokens: int = 0
    borrow_principal_underlying: int = 0
    """Debt as of the last touch; now it is principal x index // interest index."""
    borrow_interest_index_mantissa: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A user's positions by market id (only those with something set), and the markets it is in."""

    positions: Mapping[MarketId, Position] = field(default_factory=dict[MarketId, Position])
    entered: tuple[MarketId, ...] = ()
    """`getAssetsIn`, in its order: only these count for liquidity; cTokens of others can be seized all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """Everything a liquidation reads and writes, but for prices and the block."""

    rules: ComptrollerRules
    close_factor_mantissa: int
    """Part of a debt that one call may repay."""
    liquidation_incentive_mantissa: int
    """Value seized per value repaid: 1.08e18 takes 8 % more."""
    ctokens: Mapping[MarketId, CToken]
    accounts: Mapping[User, Account]
    max_assets: int = 0
    """Most markets an account may be in; no one asks since G6."""
    seize_paused: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountData:
    """What `Comptroller.getAccountLiquidity` returns."""

    error: ComptrollerError
    """Anything but NO_ERROR: nothing is known, the other two are 0."""
    liquidity_usd_mantissa: int
    """What could still be borrowed. [USD x 1e18]"""
    shortfall_usd_mantissa: int
    """Above 0 the account can be liquidated. [USD x 1e18]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidationCall:
    """The arguments of `CToken.liquidateBorrow`, the cToken it is called on, and who sends it."""

    collateral_id: MarketId
    debt_id: MarketId
    borrower: User
    liquidator: User
    repay_amount: int
    """[debt asset units] Nothing is cut: more than the rules allow or the collateral pays for is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Liquidated(Done):
    """A liquidation that went through, and the market after it."""

    market: Market
    repaid_underlying: int
    """What arrived: `repayAmount` of the LiquidateBorrow event."""
    seized_ctokens: int
    """Taken from the borrower: `seizeTokens` of the event."""
    liquidator_seized_ctokens: int
    liquidator_seized_underlying: int
    """What those are worth after the call, rounded down; they are paid out only where there is cash."""
    protocol_seized_ctokens: int
    """Destroyed; their worth becomes reserves."""
    protocol_seized_underlying: int

    @property
    def repaid(self) -> int:
        """`repaid_underlying`."""
        return self.repaid_underlying

    @property
    def received(self) -> int:
        """`liquidator_seized_underlying`."""
        return self.liquidator_seized_underlying

    @property
    def fee(self) -> int:
        """`protocol_seized_underlying`."""
        return self.protocol_seized_underlying

    @property
    def written_off(self) -> Mapping[MarketId, int]:
        """Nothing, ever."""
        return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """A call that went through, and the market after it."""

    market: Market
    amount: int = 0
    """[asset units] What moved: arrived or was paid out; 0 where nothing does."""
    ctokens: int = 0
    """Created or destroyed."""
    codes: tuple[ComptrollerError, ...] = ()
    """`enterMarkets` alone: what it returns for each market."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure(Refused):
    """A call that does nothing it was asked, though its transaction goes through: the `Failure` event.

    What it did before it failed stays: interest accrued, a market entered.
    """

    market: Market
    error: Error
    info: Info
    detail: int
    """The Comptroller's own error, or which arithmetic failed."""
    name: str
    """The cause: the Comptroller's error where there is one, else the cToken's."""

    @property
    def raw(self) -> str:
        """The event as its three numbers."""
        return failure_event(self.error, self.info, self.detail)

    def leaves(self, market: Any) -> Market:
        """What it did before it failed."""
        return self.market


@dataclass(frozen=True, kw_only=True, slots=True)
class Revert(Refused):
    """A call that reverts: the cause by the name it has in every release, and the numbers that failed."""

    name: str
    raw: str
    """What the contract says: its message, custom error or panic."""
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
