"""Assign each residual debt its cause by rerunning the account without one (`causes.py` says what that means)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from protocol.model import User
from stress.causes import CAUSES, Cause, Verdict
from stress.engine import Crash, Engine, Run
from stress.liquidators import BoundMoney
from stress.residual import residual_base


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why one borrower ends with debt that nothing stands behind."""

    user: User
    verdict: Verdict
    removed_by: tuple[Cause, ...]
    """Every single cause whose absence alone removes the debt."""
    together: tuple[Cause, ...]
    """For `several`: the smallest set that removes it, the first in order among equals."""
    residual_without_base: Mapping[Cause, int]
    """What would be left without each cause alone [base]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _World:
    """What an account is rerun in."""

    crash: Crash
    user: User
    bound: BoundMoney
    """Money that calls outside the rerun bound."""
    start: int
    """Where the account was first below health 1: at the same observed prices nothing happens to it before."""

    def left(self, *without: Cause) -> int:
        """Residual debt of the account where these causes do not exist [base]."""
        start = 0 if "oracle_lag" in without else self.start
        engine = Engine(crash=self.crash, without=frozenset(without), taken=self.bound, start=start)
        return residual_base(self.crash, engine.run(), self.user)


def explain(crash: Crash, run: Run, user: User) -> Explanation:
    """Rerun one account of a finished run without each cause, then without several."""
    world = _alone(crash, run, user)
    if not world.left():
        # Alone it would have been saved: what the others did in the same blocks is part of the story.
        world = _World(crash=crash, user=user, bound=BoundMoney(), start=0)
    left: dict[Cause, int] = {cause: world.left(cause) for cause in CAUSES}
    removed_by: tuple[Cause, ...] = tuple(cause for cause in CAUSES if left[cause] == 0)
    together = () if removed_by else _smallest_set(world)
    verdict: Verdict = removed_by[0] if removed_by else "several" if together else "market"
    return Explanation(
        user=user, verdict=verdict, removed_by=removed_by, together=together, residual_without_base=left
    )


def _alone(crash: Crash, run: Run, user: User) -> _World:
    """Nobody else to look at, on what the account depends on, with the others' money bound."""
    market = crash.rules.narrowed(crash.market, user)
    return _World(
        crash=replace(crash, borrowers=(user,), market=market),
        user=user,
        bound=_bound_by_others(run, user),
        start=run.first_below.get(user, 0),
    )


def _smallest_set(world: _World) -> tuple[Cause, ...]:
    for size in range(2, len(CAUSES) + 1):
        for causes in combinations(CAUSES, size):
            if world.left(*causes) == 0:
                return causes
    return ()


def _bound_by_others(run: Run, user: User) -> BoundMoney:
    """What every bot paid for the other accounts in the finished run."""
    money = BoundMoney()
    for attempt, _ in run.liquidations():
        if attempt.offer.borrower != user:
            money.bind(attempt.bot, attempt.at.timestamp, attempt.paid_usd)
    return money
