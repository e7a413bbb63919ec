"""How much a liquidation repays and takes: plain integers, no account and no market.

Mirrors `_calculateAvailableCollateralToLiquidate`,
contracts/protocol/lendingpool/LendingPoolCollateralManager.sol (aave/protocol-v2@1.0.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from protocol.fixed_point.safe_math import div_down, mul, percent_div_half_up, percent_mul_half_up

LIQUIDATION_CLOSE_FACTOR_BPS = 50_00
"""One call repays at most half, however unhealthy the account is. [bps]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """At what rate collateral is given for debt. Units are 10**decimals."""

    collateral_price_base: int
    collateral_unit: int
    debt_price_base: int
    debt_unit: int
    bonus_bps: int
    """Includes the 100 %."""

    def collateral_for(self, debt: int) -> int:
        """Collateral worth `debt` and the bonus: the bonus comes on before the division. [collateral asset units]

        [Modified in v3: divided first]
        """
        value = mul(mul(self.debt_price_base, debt), self.collateral_unit)
        return div_down(
            percent_mul_half_up(value, self.bonus_bps), mul(self.collateral_price_base, self.debt_unit)
        )

    def debt_for(self, collateral: int) -> int:
        """Debt that all of `collateral` repays, the bonus taken off. [debt asset units]"""
        worth = div_down(
            mul(mul(self.collateral_price_base, collateral), self.debt_unit),
            mul(self.debt_price_base, self.collateral_unit),
        )
        return percent_div_half_up(worth, self.bonus_bps)


class Seizure(NamedTuple):
    """The legs of one liquidation."""

    collateral: int
    """To the liquidator. [collateral asset units]"""
    debt: int
    """Repaid. [debt asset units]"""


def seizure(terms: Terms, *, debt_to_cover: int, collateral_balance: int) -> Seizure:
    """What covering `debt_to_cover` takes: bound by the debt, or by the collateral if that is too little.

    What the collateral repays then is never more than was to be covered, so the contract's last look at that
    changes nothing.
    """
    collateral = terms.collateral_for(debt_to_cover)
    if collateral > collateral_balance:
        return Seizure(collateral_balance, terms.debt_for(collateral_balance))
    return Seizure(collateral, debt_to_cover)
