"""What borrowing costs per slot, from how much of a market is lent out.

Mirrors contracts/JumpRateModelV2.sol, contracts/WhitePaperInterestRateModel.sol and
contracts/TwoKinksInterestRateModel.sol (VenusProtocol/isolated-pools@58b76f81). Bad debt counts as lent out,
though nobody pays interest on it; use is cut at 100 %, unlike in Compound v2.
"""

from __future__ import annotations

from protocol.fixed_point.int256 import add_int256, div_int256_toward_zero, mul_int256
from protocol.fixed_point.uint256 import add, div_down, mul, mul_div_down, sub
from protocol.units import WAD
from protocol.venus_isolated.state import JumpRateModel, TwoKinksRateModel, VToken


def utilization_rate(vtoken: VToken) -> int:
    """`utilizationRate`: borrows and bad debt by all there is, at most 1. [mantissa]

    Reverts `Panic(0x11)` where reserves exceed everything else, `Panic(0x12)` where they equal it.
    """
    lent = add(vtoken.total_borrows_underlying, vtoken.bad_debt_underlying)
    if lent == 0:
        return 0
    return min(mul_div_down(lent, WAD, underlying_of_suppliers(vtoken)), WAD)


def borrow_rate(vtoken: VToken) -> int:
    """`getBorrowRate` at what the market stores. [mantissa per slot]"""
    usage = utilization_rate(vtoken)
    if isinstance(vtoken.rate_model, TwoKinksRateModel):
        return two_kinks_rate(vtoken.rate_model, usage)
    return jump_rate(vtoken.rate_model, usage)


def supply_rate(vtoken: VToken) -> int:
    """`getSupplyRate`: interest less the reserves' share, over all that suppliers own, bad debt included.

    [mantissa per slot] No growth of any index: the exchange rate follows from the totals.
    """
    to_pool_mantissa = mul_div_down(borrow_rate(vtoken), sub(WAD, vtoken.reserve_factor_mantissa), WAD)
    income = mul(vtoken.total_borrows_underlying, to_pool_mantissa)
    return div_down(income, underlying_of_suppliers(vtoken))


def underlying_of_suppliers(vtoken: VToken) -> int:
    """Cash, borrows and bad debt less reserves: what the vTokens stand for. [underlying]"""
    held = add(vtoken.cash_underlying, vtoken.total_borrows_underlying)
    return sub(add(held, vtoken.bad_debt_underlying), vtoken.total_reserves_underlying)


def jump_rate(model: JumpRateModel, usage_mantissa: int) -> int:
    """The rate of a model with one kink at a use of the market. [mantissa per slot]"""
    below = min(usage_mantissa, model.kink_mantissa)
    normal = add(
        mul_div_down(below, model.multiplier_per_slot_mantissa, WAD), model.base_rate_per_slot_mantissa
    )
    beyond = usage_mantissa - below
    return add(mul_div_down(beyond, model.jump_multiplier_per_slot_mantissa, WAD), normal)


def two_kinks_rate(model: TwoKinksRateModel, usage_mantissa: int) -> int:
    """The rate of a model with two kinks; at a kink itself the next slope holds already. [mantissa per slot]"""
    kink1, kink2 = model.kink1_mantissa, model.kink2_mantissa
    if usage_mantissa < kink1:
        return max(_first_line(model, usage_mantissa), 0)
    at_kink1 = _first_line(model, kink1)
    if usage_mantissa < kink2:
        return max(add_int256(at_kink1, _second_line(model, usage_mantissa - kink1)), 0)
    at_kink2 = add_int256(at_kink1, _second_line(model, kink2 - kink1))
    beyond = _slope(usage_mantissa - kink2, model.jump_multiplier_per_slot_mantissa)
    return max(add_int256(at_kink2, beyond), 0)


def _first_line(model: TwoKinksRateModel, usage: int) -> int:
    return add_int256(_slope(usage, model.multiplier_per_slot_mantissa), model.base_rate_per_slot_mantissa)


def _second_line(model: TwoKinksRateModel, usage: int) -> int:
    return add_int256(_slope(usage, model.multiplier2_per_slot_mantissa), model.base_rate2_per_slot_mantissa)


def _slope(usage: int, multiplier_mantissa: int) -> int:
    return div_int256_toward_zero(mul_int256(usage, multiplier_mantissa), WAD)
