"""How much of a borrower's debt nothing stands behind when the crash is over.

Two parts, both at the market prices of the end: debt that the protocol wrote off as deficit in this run, and debt
still on the account beyond the value of the collateral still on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from protocol.model import AssetId, User
from stress.engine import Crash, Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Residual:
    """The residual debt of one borrower."""

    deficits: Mapping[AssetId, int]
    """[asset units] Written off."""
    deficit_base: int
    uncovered_base: int
    """Debt still owed, less collateral still held; 0 if the collateral is worth more."""

    @property
    def total_base(self) -> int:
        """Both parts [base]."""
        return self.deficit_base + self.uncovered_base


def residual(crash: Crash, run: Run, user: User) -> Residual:
    """The residual debt of `user` after `run`, at the last step's market prices."""
    at = replace(run.end, prices_base=crash.market_at(len(crash.timestamps) - 1).prices_base)
    deficits = written_off(run, user)
    left = crash.rules.standing(run.market, at)(user)
    return Residual(
        deficits=deficits,
        deficit_base=sum(_value_up(crash, i, amount, at.prices_base[i]) for i, amount in deficits.items()),
        uncovered_base=max(0, left.debt_base - left.collateral_base),
    )


def residual_base(crash: Crash, run: Run, user: User) -> int:
    """`residual` as one number [base]."""
    return residual(crash, run, user).total_base


def written_off(run: Run, user: User) -> dict[AssetId, int]:
    """The deficits that liquidations of `user` created, by reserve [asset units]."""
    deficits: dict[AssetId, int] = {}
    for attempt, outcome in run.liquidations():
        if attempt.offer.borrower == user:
            for asset_id, amount in outcome.written_off.items():
                deficits[asset_id] = deficits.get(asset_id, 0) + amount
    return deficits


def _value_up(crash: Crash, asset_id: AssetId, amount: int, price_base: int) -> int:
    return -(-amount * price_base // 10 ** crash.assets[asset_id].decimals)
