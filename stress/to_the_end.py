"""An account liquidated until no call goes through: what is left of it, and why no call does any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from protocol.errors import ModelError
from protocol.units import MAX_UINT256

M = TypeVar("M")
"""A market of whichever rule set."""
MOST_CALLS = 400
"""More than any rule set needs: halving a debt of 2**128 units takes 128."""


class NeverEnds(ModelError):
    """Calls go through without an end."""

    def __init__(self, calls: int) -> None:
        super().__init__(f"{calls} liquidations and still one goes through: give other terms")


class End(StrEnum):
    """Why nobody calls any more."""

    HEALED = "healthy or repaid"
    EXHAUSTED = "no collateral left"
    STUCK = "stuck: nobody can call"
    """Liquidatable, with collateral and debt, but every call is refused."""
    DUST = "too little left for a call"
    """The same, for no other reason than that a call for one unit of debt is more than there is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """The account between two calls."""

    owed: int
    """[debt asset units]"""
    collateral: int
    """[collateral asset units]"""
    is_liquidatable: bool
    is_dust: bool = False
    """A call of one unit of debt is more than the rules allow or the collateral pays for; where that is asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Called(Generic[M]):
    """A call that went through."""

    market: M
    written_off: int
    """[debt asset units] Booked as a loss by this call."""
    bound_by_collateral: bool
    """It repaid less than it might have: there was no more collateral."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What calling as much as goes through, again and again, comes to."""

    calls: int
    end: End
    refused_with: str
    """The error of the call for everything that was not possible any more."""
    owed: int
    """[debt asset units] Still owed."""
    written_off: int
    """[debt asset units]"""
    collateral_left: int
    """[collateral asset units]"""
    bound_by_collateral: bool
    """The last call that went through repaid less than it might have: there was no more collateral."""
    further: Mapping[str, int] = field(default_factory=dict[str, int])
    """What else came of it, by its name. [debt asset units]"""

    @property
    def residual(self) -> int:
        """Debt that nobody will repay: written off, or owed by an account that is not healed. [debt asset units]"""
        return self.written_off + (0 if self.end is End.HEALED else self.owed)


def call_to_the_end(
    market: M, attempt: Callable[[M, int], Called[M] | str], left: Callable[[M], Left]
) -> Ended:
    """Call until no call goes through; raises `NeverEnds`.

    `attempt` is one call for so much debt [debt asset units], or the name of the error that refuses it; `left`
    reads the account.
    """
    written_off, bound = 0, False
    for calls in range(MOST_CALLS):
        now = left(market)
        outcome = _largest_call(market, attempt, now)
        if isinstance(outcome, str):
            return Ended(
                calls=calls,
                end=_end(now, written_off),
                refused_with=outcome,
                owed=now.owed,
                written_off=written_off,
                collateral_left=now.collateral,
                bound_by_collateral=bound,
            )
        market, bound = outcome.market, outcome.bound_by_collateral
        written_off += outcome.written_off
    raise NeverEnds(MOST_CALLS)


def _largest_call(market: M, attempt: Callable[[M, int], Called[M] | str], now: Left) -> Called[M] | str:
    """All that one call may repay, else the half of the debt, a quarter, ... one unit; the first refusal if none.

    A rule against small remainders, or a product that overflows, refuses a large call and lets a smaller one pass.
    """
    refusal = attempt(market, MAX_UINT256)
    if not isinstance(refusal, str) or not (now.is_liquidatable and now.collateral):
        return refusal
    amount = now.owed // 2
    while amount:
        outcome = attempt(market, amount)
        if not isinstance(outcome, str):
            return outcome
        amount //= 2
    return refusal


def _end(now: Left, written_off: int) -> End:
    """Without collateral what is owed is lost, also where its value rounds to nothing and counts as healthy."""
    if not now.owed and not written_off:
        return End.HEALED
    if not now.collateral:
        return End.EXHAUSTED
    if now.is_dust and now.owed:
        return End.DUST
    return End.STUCK if now.is_liquidatable and now.owed else End.HEALED
