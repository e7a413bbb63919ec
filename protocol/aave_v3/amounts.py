"""How much a liquidation repays and takes: plain integers, no account and no market.

Mirrors `_calculateAvailableCollateralToLiquidate` and the dust rule of `executeLiquidationCall`,
src/contracts/protocol/libraries/logic/LiquidationLogic.sol@v3.6.0 and their forms before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from protocol.aave_v3.revisions import Rules
from protocol.aave_v3.variants import MIN_LEFTOVER_BASE
from protocol.errors import EvmRevert
from protocol.fixed_point.uint256 import div_down, mul, mul_div_down, sub


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """At what rate collateral is given for debt. Units are 10**decimals."""

    collateral_price_base: int
    collateral_unit: int
    debt_price_base: int
    debt_unit: int
    bonus_bps: int
    """Includes the 100 %."""
    protocol_fee_bps: int
    """Share of the bonus."""

    def collateral_worth(self, debt: int) -> int:
        """Collateral of the same value as `debt`, rounded down. [collateral asset units]"""
        return div_down(
            mul(mul(self.debt_price_base, debt), self.collateral_unit),
            mul(self.collateral_price_base, self.debt_unit),
        )

    def debt_worth(self, collateral: int) -> int:
        """Debt of the same value as `collateral`, rounded down. [debt asset units]"""
        return div_down(
            mul(mul(self.collateral_price_base, collateral), self.debt_unit),
            mul(self.debt_price_base, self.collateral_unit),
        )


class Seizure(NamedTuple):
    """The legs of one liquidation."""

    collateral: int
    """To the liquidator. [collateral asset units]"""
    debt: int
    """Repaid. [debt asset units]"""
    fee: int
    """To the protocol, out of the bonus. [collateral asset units]"""


def seizure(rules: Rules, terms: Terms, *, debt_to_cover: int, collateral_balance: int) -> Seizure:
    """What covering `debt_to_cover` takes: bound by the debt, or by the collateral if that is too little."""
    collateral = rules.max_collateral(terms.collateral_worth(debt_to_cover), terms.bonus_bps)
    debt = debt_to_cover
    if collateral > collateral_balance:
        collateral = collateral_balance
        debt = rules.debt_needed(terms.debt_worth(collateral), terms.bonus_bps)
    if terms.protocol_fee_bps == 0:
        return Seizure(collateral, debt, 0)
    bonus = sub(collateral, rules.collateral_without_bonus(collateral, terms.bonus_bps))
    fee = rules.protocol_fee(bonus, terms.protocol_fee_bps)
    return Seizure(sub(collateral, fee), debt, fee)


def require_no_dust(
    rules: Rules, terms: Terms, seized: Seizure, *, collateral_balance: int, debt_balance: int
) -> None:
    """Reverts `MustNotLeaveDust` when a call ends neither leg and leaves too little of one. [New in v3.3]"""
    debt_left = sub(debt_balance, seized.debt)
    collateral_left = collateral_balance - seized.collateral - seized.fee
    if not rules.enforces_min_leftover or debt_left <= 0 or collateral_left <= 0:
        return
    debt_base = rules.debt_value(debt_left, terms.debt_price_base, terms.debt_unit)
    collateral_base = mul_div_down(collateral_left, terms.collateral_price_base, terms.collateral_unit)
    if debt_base < MIN_LEFTOVER_BASE or collateral_base < MIN_LEFTOVER_BASE:
        raise EvmRevert("MustNotLeaveDust", debt_left_base=debt_base, collateral_left_base=collateral_base)
