"""The residual debt that the rules imply in closed form, beside what the run came to.

At fixed prices the debt that must remain, `sum of debts - sum of collateral / bonus`, is the same before and after
every liquidation, up to the rounding of one call. So each call of a borrower is held against it: a call that goes
on leaves that gap as it found it, a call that ends the account leaves the gap as debt, and of one collateral against
one debt the integer form says how much to the unit (and lies within few units of the fraction it rounds). The drops
say how far the prices of the account's collateral may fall, from the start, until each thing happens. Where a
contract cuts more off a call than single units, its rules say how much, and all is held to that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from protocol.model import AssetId, Done, User
from stress.engine import Attempt, Crash, Run

ROUNDED_UNITS = 3
"""Units of each token that one call may round away: an amount, a fee, a burn of scaled balance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedForm:
    """The closed form for one borrower, and whether the run agrees."""

    liquidatable_at: Fraction | None
    toxic_at: Fraction | None
    exhausted_at: Fraction | None
    residual: Mapping[str, int] = field(default_factory=dict[str, int])
    """[asset units] By symbol: what the integer form says the exhausting call leaves of the debt it repays."""
    gap_base: Fraction = Fraction(0)
    """Debt that must remain, of all collaterals and debts: before the last call, or at the end if there was none."""
    agrees: bool = True


def closed_form(crash: Crash, run: Run, user: User) -> ClosedForm:
    """Evaluate the closed form at the start and at every call of the borrower, and hold the run against it."""
    at_start = crash.rules.drops(crash.market, user, _falling(crash, user), crash.observed_at(0))
    calls = [(attempt, outcome) for attempt, outcome in run.liquidations() if attempt.offer.borrower == user]
    said: dict[str, int] = {}
    agrees = True
    for attempt, outcome in calls:
        agrees = agrees and _keeps_the_gap(crash, attempt, outcome)
        left, unseized = _left_of_debt(crash, attempt, outcome), _unseized(crash, attempt, outcome)
        rounded = _rounded_away(crash, attempt)
        if left > 0 and unseized <= rounded:
            integer, debt = _integer_form(crash, attempt), attempt.offer.debt_id
            booked = outcome.written_off.get(debt, left)
            agrees = agrees and integer is not None and booked == left
            agrees = agrees and abs((integer or 0) - left) <= rounded + unseized
            said = {crash.assets[debt].symbol: integer or 0}
    return ClosedForm(
        liquidatable_at=at_start.liquidatable,
        toxic_at=at_start.toxic,
        exhausted_at=at_start.debt_remains,
        residual=said,
        gap_base=max(_gap_at_last(crash, run, user, calls), Fraction(0)),
        agrees=agrees,
    )


def _gap_at_last(crash: Crash, run: Run, user: User, calls: Sequence[tuple[Attempt, Done]]) -> Fraction:
    if calls:
        return _gap(crash, calls[-1][0].market, calls[-1][0])
    return crash.rules.gap_base(run.market, user, run.end)


def _keeps_the_gap(crash: Crash, attempt: Attempt, outcome: Done) -> bool:
    """Whether the call left the debt that must remain as it found it; debt written off counts as left.

    Only the pair of the call can be rounded: what the account has elsewhere is worth the same before and after.
    """
    before, after = _gap(crash, attempt.market, attempt), _gap(crash, outcome.market, attempt)
    written_off = sum(
        (amount * _unit_value(crash, attempt, i) for i, amount in outcome.written_off.items()), Fraction(0)
    )
    pair = {attempt.offer.collateral_id, attempt.offer.debt_id}
    slack = ROUNDED_UNITS * sum((_unit_value(crash, attempt, i) for i in pair), Fraction(0))
    return abs(before - after - written_off) <= slack + _rounded_away_base(crash, attempt)


def _integer_form(crash: Crash, attempt: Attempt) -> int | None:
    """What the exhausting call must leave of its debt; None if the integers stray from the fraction they round."""
    integer, exact = crash.rules.residual_of_pair(attempt.market, attempt.call, attempt.at)
    most = crash.rules.rounded_of_exact + _rounded_away(crash, attempt)
    return integer if abs(integer - exact) <= most else None


def _left_of_debt(crash: Crash, attempt: Attempt, outcome: Done) -> int:
    """What the call left unpaid of its debt [asset units]."""
    offer = attempt.offer
    return crash.rules.owed(attempt.market, offer.borrower, offer.debt_id, attempt.at) - outcome.settled


def _unseized(crash: Crash, attempt: Attempt, outcome: Done) -> Fraction:
    """What the call left of its collateral, as the debt it could still repay [debt asset units].

    A call that took all has left nothing, or less than it rounds away. Where it is sized before the block that it
    lands in, interest of a block makes the collateral worth a trace more than it was sized to.
    """
    offer, after = attempt.offer, outcome.market
    _, exact = crash.rules.residual_of_pair(after, attempt.call, attempt.at)
    return crash.rules.owed(after, offer.borrower, offer.debt_id, attempt.at) - exact


def _rounded_away(crash: Crash, attempt: Attempt) -> Fraction:
    return crash.rules.rounded_away(attempt.market, attempt.call, attempt.at)


def _rounded_away_base(crash: Crash, attempt: Attempt) -> Fraction:
    return _rounded_away(crash, attempt) * _unit_value(crash, attempt, attempt.offer.debt_id)


def _gap(crash: Crash, market: Any, attempt: Attempt) -> Fraction:
    return crash.rules.gap_base(market, attempt.offer.borrower, attempt.at)


def _unit_value(crash: Crash, attempt: Attempt, asset_id: AssetId) -> Fraction:
    return Fraction(attempt.at.prices_base[asset_id], 10 ** crash.assets[asset_id].decimals)


def _falling(crash: Crash, user: User) -> frozenset[AssetId]:
    """The collateral whose market price moves in this crash."""
    collaterals, _ = crash.rules.values(crash.market, user, crash.observed_at(0))
    return frozenset(i for i in collaterals if len(set(crash.prices.market[crash.assets[i].symbol])) > 1)
