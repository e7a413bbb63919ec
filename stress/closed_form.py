"""The residual debt that the rules imply in closed form, beside what the run came to.

At fixed prices the debt that must remain, `sum of debts - sum of collateral / bonus`, is the same before and after
every liquidation, up to the rounding of one call. So each call of a borrower is held against it: a call that goes
on leaves that gap as it found it, a call that ends the account leaves the gap as debt, and of one collateral against
one debt the integer form says how much to the unit (and lies within two units of the fraction it rounds). The drops
say how far the prices of the account's collateral may fall, from the start, until each thing happens.
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
ROUNDED_OF_EXACT = 2
"""Units that the integer form may lie off the fraction: one floor, and one division by the bonus."""


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
        left = _left_of_debt(crash, attempt, outcome)
        if left > 0 and _took_all(crash, attempt, outcome):
            integer, debt = _integer_form(crash, attempt), attempt.offer.debt_id
            booked = outcome.written_off.get(debt, integer)
            agrees = agrees and integer == left == booked
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
    return abs(before - after - written_off) <= slack


def _integer_form(crash: Crash, attempt: Attempt) -> int | None:
    """What the exhausting call must leave of its debt; None if the integers stray from the fraction they round."""
    integer, exact = crash.rules.residual_of_pair(attempt.market, attempt.call, attempt.at)
    return integer if abs(integer - exact) <= ROUNDED_OF_EXACT else None


def _left_of_debt(crash: Crash, attempt: Attempt, outcome: Done) -> int:
    """What the call did not repay of its debt [asset units]."""
    offer = attempt.offer
    return crash.rules.owed(attempt.market, offer.borrower, offer.debt_id, attempt.at) - outcome.repaid


def _took_all(crash: Crash, attempt: Attempt, outcome: Done) -> bool:
    """Whether the call left nothing of its collateral."""
    offer = attempt.offer
    return crash.rules.pledged(outcome.market, offer.borrower, offer.collateral_id, attempt.at) == 0


def _gap(crash: Crash, market: Any, attempt: Attempt) -> Fraction:
    return crash.rules.gap_base(market, attempt.offer.borrower, attempt.at)


def _unit_value(crash: Crash, attempt: Attempt, asset_id: AssetId) -> Fraction:
    return Fraction(attempt.at.prices_base[asset_id], 10 ** crash.assets[asset_id].decimals)


def _falling(crash: Crash, user: User) -> frozenset[AssetId]:
    """The collateral whose market price moves in this crash."""
    collaterals, _ = crash.rules.values(crash.market, user, crash.observed_at(0))
    return frozenset(i for i in collaterals if len(set(crash.prices.market[crash.assets[i].symbol])) > 1)
