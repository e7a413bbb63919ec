"""Debt at a stable rate: every account's compounds at its own rate from its own last action.

Mirrors `StableDebtToken`, contracts/protocol/tokenization/StableDebtToken.sol (aave/protocol-v2@1.0.1).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from protocol.aave_v2.state import NO_STABLE_DEBT, StableDebt, StableTotals
from protocol.errors import EvmRevert
from protocol.fixed_point.compounding import compounded_growth_per_second
from protocol.fixed_point.safe_math import add, ray_div_half_up, ray_mul_half_up, sub, wad_to_ray
from protocol.units import MAX_UINT128


class StableMove(NamedTuple):
    """What minting or burning stable debt leaves."""

    totals: StableTotals
    debt: StableDebt


def stable_balance(debt: StableDebt, timestamp: int) -> int:
    """`balanceOf`: what an account owes at its stable rate at `timestamp` [s]. [asset units]

    Reverts `SafeMath: subtraction overflow` when `timestamp` lies before the account's last action.
    """
    return _compounded(debt.principal, debt.rate_ray, debt.last_update_timestamp, timestamp)


def stable_total(totals: StableTotals, timestamp: int) -> int:
    """`totalSupply`: what all owe at stable rates at `timestamp` [s], at the average rate. [asset units]"""
    return _compounded(totals.principal, totals.average_rate_ray, totals.last_update_timestamp, timestamp)


def mint_stable(
    totals: StableTotals, debt: StableDebt, amount: int, rate_ray: int, timestamp: int
) -> StableMove:
    """`mint`: a loan of `amount` [asset units] at `rate_ray`, averaged into what the account owes already.

    Reverts `StableDebtOverflow` where the account's rate leaves 128 bits, `MathDivisionByZero` for nothing.
    """
    balance, total = stable_balance(debt, timestamp), stable_total(totals, timestamp)
    next_total = add(total, amount)
    amount_ray = wad_to_ray(amount)
    interest_ray = add(
        ray_mul_half_up(debt.rate_ray, wad_to_ray(balance)), ray_mul_half_up(amount_ray, rate_ray)
    )
    next_rate_ray = ray_div_half_up(interest_ray, wad_to_ray(add(balance, amount)))
    if next_rate_ray > MAX_UINT128:
        raise EvmRevert("StableDebtOverflow", rate_ray=next_rate_ray)
    total_interest_ray = add(
        ray_mul_half_up(totals.average_rate_ray, wad_to_ray(total)), ray_mul_half_up(rate_ray, amount_ray)
    )
    average_ray = ray_div_half_up(total_interest_ray, wad_to_ray(next_total))
    minted = add(amount, sub(balance, debt.principal))
    return StableMove(
        StableTotals(principal=next_total, average_rate_ray=average_ray, last_update_timestamp=timestamp),
        StableDebt(
            principal=add(debt.principal, minted),
            rate_ray=next_rate_ray,
            last_update_timestamp=timestamp,
        ),
    )


def burn_stable(totals: StableTotals, debt: StableDebt, amount: int, timestamp: int) -> StableMove:
    """`burn`: `amount` [asset units] of what the account owes is gone; reverts `BurnExceedsBalance` beyond it.

    The total at its average rate and the sum of the accounts drift apart. Where the account's interest would
    make the average negative, the stored total and rate become 0.
    """
    balance, total = stable_balance(debt, timestamp), stable_total(totals, timestamp)
    average_ray = _average_after(totals.average_rate_ray, total, debt.rate_ray, amount)
    principal = _principal_after(debt.principal, balance, amount)
    left = replace(debt, principal=principal, last_update_timestamp=timestamp)
    return StableMove(
        StableTotals(
            principal=total - amount if average_ray is not None else 0,
            average_rate_ray=average_ray or 0,
            last_update_timestamp=timestamp,
        ),
        left if amount != balance else NO_STABLE_DEBT,
    )


def _average_after(average_ray: int, total: int, rate_ray: int, amount: int) -> int | None:
    """The average rate once `amount` at `rate_ray` has left `total`; None if nothing is left to average."""
    if total <= amount:
        return None
    all_ray = ray_mul_half_up(average_ray, wad_to_ray(total))
    gone_ray = ray_mul_half_up(rate_ray, wad_to_ray(amount))
    if gone_ray >= all_ray:
        return None
    return ray_div_half_up(all_ray - gone_ray, wad_to_ray(total - amount))


def _principal_after(principal: int, balance: int, amount: int) -> int:
    """The stored balance: interest since the last action is minted, the repayment burned, in one step."""
    increase = balance - principal
    if increase > amount:
        return add(principal, increase - amount)
    burned = amount - increase
    if burned > principal:
        raise EvmRevert("BurnExceedsBalance", principal=principal, burned=burned)
    return principal - burned


def _compounded(principal: int, rate_ray: int, since: int, timestamp: int) -> int:
    if principal == 0:
        return 0
    return ray_mul_half_up(principal, compounded_growth_per_second(rate_ray, sub(timestamp, since)))
