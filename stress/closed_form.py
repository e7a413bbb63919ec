"""The residual debt that the rules imply in closed form, beside what the run came to.

At fixed prices the debt that must remain, `sum of debts - sum of collateral / bonus`, is the same before and after
every liquidation, up to the rounding of one call. So each call of a borrower is held against it: a call that goes
on leaves that gap as it found it, a call that ends the account leaves the gap as debt, and of one collateral against
one debt the integer form says how much to the unit (and lies within two units of the fraction it rounds). The drops
say how far the prices of the account's collateral may fall, from the start, until each thing happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from protocol.aave_v3 import Liquidated, Market, ReserveId, User, normalized_debt, vtoken_balance
from protocol.aave_v3.frontier import Exhaustion, drops, exhaustion
from protocol.aave_v3.pairs import residual_of_pair
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
    at_start = drops(
        crash.market,
        user,
        _falling(crash, user),
        prices_base=crash.observed_at(0),
        timestamp=crash.timestamps[0],
    )
    calls = [(attempt, outcome) for attempt, outcome in run.liquidations() if attempt.call.borrower == user]
    said: dict[str, int] = {}
    agrees = True
    for attempt, outcome in calls:
        agrees = agrees and _keeps_the_gap(attempt, outcome)
        if _is_exhausted(outcome, attempt):
            integer = _integer_form(attempt)
            booked = outcome.deficits.get(attempt.call.debt_id, integer)
            agrees = agrees and integer == _left_of_debt(attempt, outcome) == booked
            said = {attempt.market.reserves[attempt.call.debt_id].symbol: integer or 0}
    return ClosedForm(
        liquidatable_at=at_start.liquidatable,
        toxic_at=_least(at_start.toxic.values()),
        exhausted_at=at_start.debt_remains,
        residual=said,
        gap_base=max(_gap_at_last(crash, run, user, calls), Fraction(0)),
        agrees=agrees,
    )


def _gap_at_last(crash: Crash, run: Run, user: User, calls: Sequence[tuple[Attempt, Liquidated]]) -> Fraction:
    if calls:
        return _gap(_exhaustion(calls[-1][0].market, calls[-1][0]))
    last = len(crash.timestamps) - 1
    at_end = {"prices_base": crash.observed_at(last), "timestamp": crash.timestamps[last]}
    return _gap(exhaustion(run.market, user, **at_end))


def _keeps_the_gap(attempt: Attempt, outcome: Liquidated) -> bool:
    """Whether the call left the debt that must remain as it found it; debt written off counts as left.

    Only the pair of the call can be rounded: what the account has elsewhere is worth the same before and after.
    """
    before, after = _exhaustion(attempt.market, attempt), _exhaustion(outcome.market, attempt)
    written_off = sum(
        (amount * _unit_value(attempt, i) for i, amount in outcome.deficits.items()), Fraction(0)
    )
    pair = {attempt.call.collateral_id, attempt.call.debt_id}
    slack = ROUNDED_UNITS * sum((_unit_value(attempt, i) for i in pair), Fraction(0))
    return abs(_gap(before) - _gap(after) - written_off) <= slack


def _integer_form(attempt: Attempt) -> int | None:
    """What the exhausting call must leave of its debt; None if the integers stray from the fraction they round."""
    at = {"prices_base": attempt.observed_base, "timestamp": attempt.timestamp}
    integer, exact = residual_of_pair(attempt.market, attempt.call, **at)
    return integer if abs(integer - exact) <= ROUNDED_OF_EXACT else None


def _left_of_debt(attempt: Attempt, outcome: Liquidated) -> int:
    """What the exhausting call did not repay of its debt [asset units]."""
    market, call = attempt.market, attempt.call
    position = market.accounts[call.borrower].positions[call.debt_id]
    owed = vtoken_balance(
        position.scaled_variable_debt,
        normalized_debt(market.reserves[call.debt_id], market.rules, attempt.timestamp),
        market.rules,
    )
    return owed - outcome.debt_repaid


def _is_exhausted(outcome: Liquidated, attempt: Attempt) -> bool:
    """Whether the call took all of its collateral and left debt."""
    call = attempt.call
    position = outcome.market.accounts[call.borrower].positions.get(call.collateral_id)
    took_all = position is None or not position.collateral_enabled
    return took_all and _left_of_debt(attempt, outcome) > 0


def _exhaustion(market: Market, attempt: Attempt) -> Exhaustion:
    at = {"prices_base": attempt.observed_base, "timestamp": attempt.timestamp}
    return exhaustion(market, attempt.call.borrower, **at)


def _gap(state: Exhaustion) -> Fraction:
    return state.debt_base - state.repayable_base


def _unit_value(attempt: Attempt, reserve_id: ReserveId) -> Fraction:
    decimals = attempt.market.reserves[reserve_id].config.decimals
    return Fraction(attempt.observed_base[reserve_id], 10**decimals)


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
