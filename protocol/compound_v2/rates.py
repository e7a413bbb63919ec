"""Interest rates per block: a line, with or without a kink, over the share of the liquidity that is borrowed.

Mirrors WhitePaperInterestRateModel.sol, JumpRateModel.sol, BaseJumpRateModelV2.sol and DAIInterestRateModelV3.sol,
contracts/ (compound-finance/compound-protocol@ae4388e), and the first WhitePaperInterestRateModel.sol (@f754de9).
What their constructors store differs (`white_paper`, `jump_rate`, `jump_rate_v2`, `dai_v3`); what they then compute
does not.
"""

from __future__ import annotations

from typing import Final

from protocol.compound_v2.reporter import FailureInfo, ReturnedCode, TokenError
from protocol.compound_v2.revisions import SAFE_MATH, Tells
from protocol.compound_v2.state import FirstRateModel, RateModel
from protocol.fixed_point.careful_math import (
    ArithmeticFault,
    add,
    div_down,
    mul,
    mul_div_down,
    renamed,
    sub,
    told,
)
from protocol.units import RAY, WAD

BLOCKS_PER_YEAR: Final = 2_102_400
"""One every 15 s, whatever the chain does."""
SECONDS_PER_BLOCK: Final = 15
DAI_ONE_MINUS_RESERVE_FACTOR_MANTISSA: Final = 95 * 10**16
"""`assumedOneMinusReserveFactorMantissa`: suppliers are to earn the savings rate after it. [mantissa]"""
RAY_PER_WAD: Final = RAY // WAD


def borrow_rate(model: RateModel | FirstRateModel, *, cash: int, borrows: int, reserves: int) -> int:
    """`getBorrowRate` at amounts in asset units. [mantissa per block]

    Reverts in the model's words where reserves exceed all there is, or equal it; the model of 2019 raises
    `ReturnedCode`.
    """
    if isinstance(model, FirstRateModel):
        return _first_borrow_rate(model, cash, borrows)
    with told(lambda fault: renamed(fault, model.words)):
        return _at_utilization(model, utilization(cash=cash, borrows=borrows, reserves=reserves))


def supply_rate(
    model: RateModel, *, cash: int, borrows: int, reserves: int, reserve_factor_mantissa: int
) -> int:
    """`getSupplyRate` at amounts in asset units: told to suppliers, never paid as such. [mantissa per block]"""
    with told(lambda fault: renamed(fault, model.words)):
        share = utilization(cash=cash, borrows=borrows, reserves=reserves)
        to_pool = mul_div_down(_at_utilization(model, share), sub(WAD, reserve_factor_mantissa), WAD)
        rate = mul_div_down(share, to_pool, WAD)
        if model.dsr_per_block_mantissa is None:
            return rate
        underlying = sub(add(cash, borrows), reserves)
        return add(mul_div_down(cash, model.dsr_per_block_mantissa, underlying), rate) if underlying else rate


def utilization(*, cash: int, borrows: int, reserves: int) -> int:
    """`utilizationRate`: above 1 where reserves exceed cash. Amounts in asset units. [mantissa]"""
    if borrows == 0:
        return 0
    return div_down(mul(borrows, WAD), sub(add(cash, borrows), reserves))


def white_paper(*, base_rate_per_year_mantissa: int, multiplier_per_year_mantissa: int) -> RateModel:
    """`WhitePaperInterestRateModel`."""
    return RateModel(
        base_rate_per_block_mantissa=base_rate_per_year_mantissa // BLOCKS_PER_YEAR,
        multiplier_per_block_mantissa=multiplier_per_year_mantissa // BLOCKS_PER_YEAR,
    )


def jump_rate(
    *,
    base_rate_per_year_mantissa: int,
    multiplier_per_year_mantissa: int,
    jump_multiplier_per_year_mantissa: int,
    kink_mantissa: int,
) -> RateModel:
    """`JumpRateModel`: the multiplier is the rise from empty to full."""
    return RateModel(
        base_rate_per_block_mantissa=base_rate_per_year_mantissa // BLOCKS_PER_YEAR,
        multiplier_per_block_mantissa=multiplier_per_year_mantissa // BLOCKS_PER_YEAR,
        jump_multiplier_per_block_mantissa=jump_multiplier_per_year_mantissa // BLOCKS_PER_YEAR,
        kink_mantissa=kink_mantissa,
    )


def jump_rate_v2(
    *,
    base_rate_per_year_mantissa: int,
    multiplier_per_year_mantissa: int,
    jump_multiplier_per_year_mantissa: int,
    kink_mantissa: int,
) -> RateModel:
    """`JumpRateModelV2`: the multiplier is the rise from empty to the kink; reverts at a kink of 0."""
    with told(lambda fault: renamed(fault, SAFE_MATH)):
        multiplier = div_down(mul(multiplier_per_year_mantissa, WAD), mul(BLOCKS_PER_YEAR, kink_mantissa))
    return RateModel(
        base_rate_per_block_mantissa=base_rate_per_year_mantissa // BLOCKS_PER_YEAR,
        multiplier_per_block_mantissa=multiplier,
        jump_multiplier_per_block_mantissa=jump_multiplier_per_year_mantissa // BLOCKS_PER_YEAR,
        kink_mantissa=kink_mantissa,
    )


def dai_v3(
    *,
    dsr_per_second_ray: int,
    stability_fee_per_second_ray: int,
    gap_per_year_mantissa: int,
    jump_multiplier_per_year_mantissa: int,
    kink_mantissa: int,
) -> RateModel:
    """`DAIInterestRateModelV3` as `poke` leaves it: Maker's figures, both with their 1 [ray], are read only then.

    The fee is `duty` of ETH-A and `base` of the jug together. It starts at what pays suppliers the savings rate and
    rises to the fee, or to the start if that is more, plus the gap.
    """
    dsr = _per_block(dsr_per_second_ray)
    base = mul_div_down(dsr, WAD, DAI_ONE_MINUS_RESERVE_FACTOR_MANTISSA)
    roof = max(_per_block(stability_fee_per_second_ray), base)
    rise = add(sub(roof, base), gap_per_year_mantissa // BLOCKS_PER_YEAR)
    return RateModel(
        base_rate_per_block_mantissa=base,
        multiplier_per_block_mantissa=mul_div_down(rise, WAD, kink_mantissa),
        jump_multiplier_per_block_mantissa=jump_multiplier_per_year_mantissa // BLOCKS_PER_YEAR,
        kink_mantissa=kink_mantissa,
        dsr_per_block_mantissa=dsr,
    )


def _per_block(growth_per_second_ray: int) -> int:
    return mul(sub(growth_per_second_ray, RAY) // RAY_PER_WAD, SECONDS_PER_BLOCK)


def _at_utilization(model: RateModel, share: int) -> int:
    kink = share if model.kink_mantissa is None else min(share, model.kink_mantissa)
    normal = add(
        mul_div_down(kink, model.multiplier_per_block_mantissa, WAD), model.base_rate_per_block_mantissa
    )
    if kink == share:
        return normal
    return add(mul_div_down(share - kink, model.jump_multiplier_per_block_mantissa, WAD), normal)


def _first_borrow_rate(model: FirstRateModel, cash: int, borrows: int) -> int:
    share = 0
    if borrows != 0:
        with told(_first_fails(1)):
            liquidity = add(cash, borrows)
        with told(_first_fails(2)):
            share = div_down(mul(borrows, WAD), liquidity)
    with told(_first_fails(3)):
        rise = mul(share, model.multiplier_per_year_mantissa) // WAD
    with told(_first_fails(4)):
        return add(rise, model.base_rate_per_year_mantissa) // BLOCKS_PER_YEAR


def _first_fails(code: int) -> Tells:
    """`code` is the model's own IRError."""

    def tell(_: ArithmeticFault) -> ReturnedCode:
        info = FailureInfo.ACCRUE_INTEREST_BORROW_RATE_CALCULATION_FAILED
        return ReturnedCode(TokenError.INTEREST_RATE_MODEL_ERROR, info, code)

    return tell
