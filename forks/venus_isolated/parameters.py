"""With what parameters a pool of Venus is made and its markets are listed; rates per year, as they are given."""

from __future__ import annotations

from dataclasses import dataclass

UNLIMITED = 2**256 - 1
"""Cap of a market without one. [underlying]"""
DEFAULT_SEIZE_SHARE_MANTISSA = 5 * 10**16
"""What a vToken starts with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WhitePaperRate:
    """A straight line over utilization."""

    base_rate_mantissa: int
    multiplier_mantissa: int


@dataclass(frozen=True, kw_only=True, slots=True)
class JumpRate:
    """A line that is steeper past a kink (JumpRateModelV2)."""

    base_rate_mantissa: int
    multiplier_mantissa: int
    jump_multiplier_mantissa: int
    kink_mantissa: int


RateModel = WhitePaperRate | JumpRate


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketParameters:
    """One market to be listed."""

    symbol: str
    """Of the underlying; of the vToken it is this after a `v`."""
    decimals: int
    collateral_factor_mantissa: int
    liquidation_threshold_mantissa: int
    reserve_factor_mantissa: int
    rate_model: RateModel
    initial_exchange_rate_mantissa: int
    """[underlying for one vToken unit x 1e18]"""
    price_mantissa: int
    """[USD x 10 ** (36 - decimals)] One whole token."""
    initial_supply_underlying: int
    """At least 1: the registry asks for it, and the owner of the pool holds what it brings."""
    seize_share_mantissa: int = DEFAULT_SEIZE_SHARE_MANTISSA
    supply_cap_underlying: int = UNLIMITED
    borrow_cap_underlying: int = UNLIMITED
    transfer_fee_bps: int = 0
    """More than 0: the token keeps this share of every transfer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolParameters:
    """The markets behind one Comptroller."""

    close_factor_mantissa: int
    liquidation_incentive_mantissa: int
    """Includes the whole: 1.1e18 pays 10 % on top."""
    min_liquidatable_collateral_mantissa: int
    """[USD x 1e18] Accounts up to this are liquidated whole or healed."""
    markets: tuple[MarketParameters, ...]
    base: str
    """Symbol of the market whose underlying the risk fund holds and pays auctions with."""
    min_pool_bad_debt_mantissa: int = 1
    """[USD x 1e18] Less than this is not auctioned."""
    max_loops: int = 100
    """How many markets, orders or pauses one call may go through."""
