"""How much of a borrower's debt nothing stands behind when the crash is over.

Two parts, both at the market prices of the end: debt that the protocol wrote off as deficit in this run, and debt
still on the account beyond the value of the collateral still on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.aave_v3 import ReserveId, User, account_data
from stress.engine import Crash, Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Residual:
    """The residual debt of one borrower."""

    deficits: Mapping[ReserveId, int]
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
    prices = crash.market_at(len(crash.timestamps) - 1)
    deficits = written_off(run, user)
    left = account_data(run.market, user, prices_base=prices, timestamp=crash.timestamps[-1])
    return Residual(
        deficits=deficits,
        deficit_base=sum(_value_up(crash, i, amount, prices[i]) for i, amount in deficits.items()),
        uncovered_base=max(0, left.total_debt_base - left.total_collateral_base),
    )


def residual_base(crash: Crash, run: Run, user: User) -> int:
    """`residual` as one number [base]."""
    return residual(crash, run, user).total_base


def written_off(run: Run, user: User) -> dict[ReserveId, int]:
    """The deficits that liquidations of `user` created, by reserve [asset units]."""
    deficits: dict[ReserveId, int] = {}
    for attempt, outcome in run.liquidations():
        if attempt.call.borrower == user:
            for reserve_id, amount in outcome.deficits.items():
                deficits[reserve_id] = deficits.get(reserve_id, 0) + amount
    return deficits


def _value_up(crash: Crash, reserve_id: ReserveId, amount: int, price_base: int) -> int:
    return -(-amount * price_base // 10 ** crash.market.reserves[reserve_id].config.decimals)
