"""The residual debt that the rules imply in closed form, beside what the run came to.

Before a borrower's last call the closed form says whether debt must remain, and of one collateral against one debt
how much to the unit; the run must agree. The drops say how far the prices of the account's collateral may fall,
from the start, until it is liquidatable, until a liquidation only makes it worse, until debt must remain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from protocol.aave_v3 import ReserveId, User
from protocol.aave_v3.frontier import drops, exhaustion
from protocol.aave_v3.pairs import residual_of_pair
from stress.engine import Attempt, Crash, Run
from stress.residual import Residual


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedForm:
    """The closed form for one borrower, and whether the run agrees."""

    liquidatable_at: Fraction | None
    toxic_at: Fraction | None
    exhausted_at: Fraction | None
    residual: Mapping[str, int] = field(default_factory=dict[str, int])
    """[asset units] By symbol: what the exhausting call leaves of the debt it repays."""
    agrees: bool = True


def closed_form(crash: Crash, run: Run, user: User, left: Residual) -> ClosedForm:
    """Evaluate the closed form at the start and before the borrower's last call, and hold the run against it."""
    falling = _falling(crash, user)
    at_start = drops(
        crash.market,
        user,
        falling,
        prices_base=crash.observed_at(0),
        timestamp=crash.timestamps[0],
    )
    last = [attempt for attempt, _ in run.liquidations() if attempt.call.borrower == user][-1:]
    residual, agrees = _last_call(last[0], left) if last else ({}, not left.deficits)
    return ClosedForm(
        liquidatable_at=at_start.liquidatable,
        toxic_at=_least(at_start.toxic.values()),
        exhausted_at=at_start.debt_remains,
        residual=residual,
        agrees=agrees,
    )


def _last_call(attempt: Attempt, left: Residual) -> tuple[dict[str, int], bool]:
    """What the closed form says the call leaves, and whether that is what was written off, if anything was."""
    call = attempt.call
    at = {"prices_base": attempt.observed_base, "timestamp": attempt.timestamp}
    predicted = residual_of_pair(attempt.market, call, **at)
    remains = exhaustion(attempt.market, call.borrower, **at).leaves_debt
    symbol = attempt.market.reserves[call.debt_id].symbol
    if predicted is None:
        return {}, not left.deficits
    agrees = not left.deficits or (remains and left.deficits.get(call.debt_id) == predicted)
    return {symbol: predicted}, agrees


def _least(shares: Iterable[Fraction | None]) -> Fraction | None:
    return min((share for share in shares if share is not None), default=None)


def _falling(crash: Crash, user: User) -> frozenset[ReserveId]:
    """The collateral whose market price moves in this crash."""
    return frozenset(
        reserve_id
        for reserve_id, position in crash.market.accounts[user].positions.items()
        if position.collateral_enabled
        and len(set(crash.prices.market[crash.market.reserves[reserve_id].symbol])) > 1
    )
