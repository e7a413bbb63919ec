"""GHO before v3.4: a reserve without liquidity, whose debt token discounts interest and counts it apart.

Modelled: the discounted balance, what a burn does to it, interest that was never minted, and that it is
forgiven rather than booked as a deficit. Not modelled: that every action sets the discount anew from the
stkAAVE an account holds, the supply of GHO itself, and fees sent to its treasury.

Mirrors `GhoVariableDebtToken` and `GhoAToken`, src/contracts/facilitators/aave/tokens
(aave/gho-core@605e15af); from v3.4 on GHO is an ordinary reserve.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.aave_v3.revisions import Gho, Rules
from protocol.aave_v3.state import GhoDebt, ReserveConfig
from protocol.errors import EvmRevert
from protocol.fixed_point.percentage import percent_mul_half_up
from protocol.fixed_point.uint256 import add, sub, to_uint
from protocol.fixed_point.wad_ray import ray_div_half_up, ray_mul_half_up
from protocol.units import MAX_UINT128


class GhoMove(NamedTuple):
    """What an action leaves of one account's GHO debt."""

    scaled: int
    debt: GhoDebt


def is_gho(config: ReserveConfig, rules: Rules) -> bool:
    """Whether a reserve has GHO's own tokens and no virtual accounting. [Modified in v3.4: never]"""
    return not config.virtual_accounting and rules.gho is not Gho.ORDINARY


def gho_balance(scaled: int, debt: GhoDebt, index_ray: int) -> int:
    """`balanceOf`: the scaled debt at a debt index, less the discount on new interest. [asset units]"""
    balance = ray_mul_half_up(scaled, index_ray)
    if scaled == 0 or index_ray == debt.previous_index_ray or debt.discount_bps == 0:
        return balance
    increase = sub(balance, ray_mul_half_up(scaled, debt.previous_index_ray))
    return sub(balance, percent_mul_half_up(increase, debt.discount_bps))


def mint_gho(scaled: int, debt: GhoDebt, amount: int, index_ray: int) -> GhoMove:
    """`_mintScaled`: a loan of `amount` [asset units]; reverts `InvalidMintAmount` if it scales to nothing."""
    minted = ray_div_half_up(amount, index_ray)
    if minted == 0:
        raise EvmRevert("InvalidMintAmount")
    accrued, discount = _accrued(scaled, debt, index_ray)
    if minted > discount:
        return GhoMove(add(scaled, to_uint(minted - discount, 128), max_value=MAX_UINT128), accrued)
    return GhoMove(sub(scaled, to_uint(discount - minted, 128)), accrued)


def burn_gho(scaled: int, debt: GhoDebt, amount: int, index_ray: int) -> GhoMove:
    """`_burnScaled`: `amount` [asset units] is gone, and the discount with it; all of it ends the debt.

    Reverts `InvalidBurnAmount` if the amount scales to nothing, `Panic(0x11)` beyond the debt.
    """
    burned = ray_div_half_up(amount, index_ray)
    if burned == 0:
        raise EvmRevert("InvalidBurnAmount")
    balance = gho_balance(scaled, debt, index_ray)
    accrued, discount = _accrued(scaled, debt, index_ray)
    if amount == balance:
        return GhoMove(0, accrued)
    return GhoMove(sub(scaled, to_uint(burned + discount, 128)), accrued)


def interest_repaid(debt: GhoDebt, amount: int) -> tuple[GhoDebt, int]:
    """`handleRepayment`: a repayment settles interest first; the debt after it and the interest settled."""
    interest = min(amount, debt.balance_from_interest)
    return replace(debt, balance_from_interest=debt.balance_from_interest - interest), interest


def _accrued(scaled: int, debt: GhoDebt, index_ray: int) -> tuple[GhoDebt, int]:
    """`_accrueDebtOnAction`: interest since the last action counted; the discount on it, scaled."""
    increase = sub(ray_mul_half_up(scaled, index_ray), ray_mul_half_up(scaled, debt.previous_index_ray))
    discount = percent_mul_half_up(increase, debt.discount_bps)
    counted = to_uint(add(debt.balance_from_interest, sub(increase, discount)), 128)
    accrued = replace(debt, previous_index_ray=to_uint(index_ray, 128), balance_from_interest=counted)
    return accrued, ray_div_half_up(discount, index_ray)
