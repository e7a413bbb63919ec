"""With what parameters markets of Compound v2 are listed; rates per year, as the constructors take them."""

from __future__ import annotations

from dataclasses import dataclass

UNLIMITED = 0
"""Borrow cap of a market without one; Comptrollers before G5 know no other. [underlying]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class WhitePaperRate:
    """A straight line over utilization."""

    base_rate_mantissa: int
    multiplier_mantissa: int


@dataclass(frozen=True, kw_only=True, slots=True)
class JumpRate:
    """A line that is steeper past a kink; of the second version, its slope is given at the kink."""

    base_rate_mantissa: int
    multiplier_mantissa: int
    jump_multiplier_mantissa: int
    kink_mantissa: int
    version: int = 2
    """1: JumpRateModel, 2: JumpRateModelV2."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DaiRate:
    """Base and slope follow Maker's savings rate and stability fee, as they were when last poked."""

    jump_multiplier_mantissa: int
    kink_mantissa: int
    dsr_ray: int
    """[1e27 = 1, per second, with the one] What `pot.dsr` answers."""
    duty_ray: int
    """[1e27 = 1, per second, with the one] What `jug.ilks` answers for ETH-A."""
    base_ray: int = 0
    """[1e27 = 1, per second] What `jug.base` answers."""


RateModel = WhitePaperRate | JumpRate | DaiRate


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketParameters:
    """One market to be listed. Which contract it is: CEther, CErc20Delegator or CErc20Immutable."""

    symbol: str
    """Of the underlying; of the cToken it is this after a `c`."""
    decimals: int
    collateral_factor_mantissa: int
    reserve_factor_mantissa: int
    rate_model: RateModel
    initial_exchange_rate_mantissa: int
    """[underlying for one cToken unit x 1e18]"""
    price_mantissa: int
    """[USD x 10 ** (36 - decimals)] One whole token."""
    borrow_cap_underlying: int = UNLIMITED
    contract: str = "CErc20Immutable"
    transfer_fee_bps: int = 0
    """More than 0: the token keeps this share of every transfer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolParameters:
    """The markets behind one Comptroller."""

    close_factor_mantissa: int
    liquidation_incentive_mantissa: int
    """Includes the whole: 1.08e18 pays 8 % on top."""
    markets: tuple[MarketParameters, ...]
    comptroller: str = "Comptroller"
    """The last generation; ComptrollerG1 to G5 round half up, ComptrollerG6 and G7 down as the last does."""
    max_assets: int = 20
    """How many markets an account may enter; asked up to G5 only."""
