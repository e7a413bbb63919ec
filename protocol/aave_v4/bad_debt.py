"""What a liquidation does when it has taken the last active collateral: all that is still owed becomes deficit.

Mirrors `_evaluateDeficit` and `notifyReportDeficit`, src/spoke/libraries/LiquidationLogic.sol
(aave/aave-v4@v0.5.11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol.aave_v4 import hub
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.premium import debt_components, premium_delta, with_premium_delta
from protocol.aave_v4.state import AccountData, Position, ReserveId, User
from protocol.fixed_point.uint256 import sub


def leaves_deficit(before: AccountData, *, collateral: Position, debt: Position) -> bool:
    """`_evaluateDeficit`: the seized collateral is gone, no other counted before the call, and debt is left.

    The positions are those after the call.
    """
    if collateral.supplied_shares > 0 or before.active_collateral_count > 1:
        return False
    return debt.drawn_shares > 0 or before.borrow_count > 1


def report_deficits(ledger: Ledger, user: User) -> Mapping[ReserveId, int]:
    """`notifyReportDeficit`: every loan of the user, the repaid one included, from the last reserve id down.

    Returns what each hub booked, by reserve id. [asset units x ray] No flag of a reserve is asked.
    """
    ledger.put_risk_premium(user, 0)
    deficits_ray: dict[ReserveId, int] = {}
    for reserve_id, position in ledger.used(user):
        if position.borrowing:
            deficits_ray[reserve_id] = _report_deficit(ledger, user, reserve_id, position)
    return dict(sorted(deficits_ray.items()))


def _report_deficit(ledger: Ledger, user: User, reserve_id: ReserveId, position: Position) -> int:
    reserve = ledger.reserve(reserve_id)
    debt = debt_components(position, ledger.drawn_index(reserve))
    delta = premium_delta(
        position,
        drawn_shares_taken=debt.drawn_shares,
        drawn_index_ray=debt.drawn_index_ray,
        risk_premium_bps=0,
        restored_premium_ray=debt.premium_debt_ray,
    )
    asset = ledger.asset(reserve)
    reported = hub.report_deficit(asset, ledger.spoke, debt.drawn_debt, delta, ledger.timestamp)
    ledger.put_asset(reported.asset)
    cleared = with_premium_delta(position, delta)
    drawn_shares = sub(cleared.drawn_shares, debt.drawn_shares)
    ledger.put_position(user, reserve_id, replace(cleared, drawn_shares=drawn_shares, borrowing=False))
    return reported.amount_ray
