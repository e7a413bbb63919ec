"""Assign each residual debt its cause by rerunning the account without one (`causes.py` says what that means)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from protocol.aave_v3 import User
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


def explain(crash: Crash, run: Run, user: User) -> Explanation:
    """Rerun one account of a finished run without each cause, then without several."""
    bound = _bound_by_others(crash, run, user)
    world = _alone(crash, user)
    if not _left(world, bound, user, frozenset()):
        # Alone it would have been saved: what the others did in the same blocks is part of the story.
        world, bound = crash, BoundMoney()
    left: dict[Cause, int] = {cause: _left(world, bound, user, frozenset({cause})) for cause in CAUSES}
    removed_by: tuple[Cause, ...] = tuple(cause for cause in CAUSES if left[cause] == 0)
    together = () if removed_by else _smallest_set(world, bound, user)
    verdict: Verdict = removed_by[0] if removed_by else "several" if together else "market"
    return Explanation(
        user=user, verdict=verdict, removed_by=removed_by, together=together, residual_without_base=left
    )


def _alone(crash: Crash, user: User) -> Crash:
    """The crash with nobody else to look at, on the reserves the account has something in."""
    if crash.market.has_category_prices:
        return replace(crash, borrowers=(user,))  # its prices may be those of a reserve it has nothing in
    used = crash.market.accounts[user].positions
    reserves = {i: reserve for i, reserve in crash.market.reserves.items() if i in used}
    return replace(crash, borrowers=(user,), market=replace(crash.market, reserves=reserves))


def _smallest_set(world: Crash, bound: BoundMoney, user: User) -> tuple[Cause, ...]:
    for size in range(2, len(CAUSES) + 1):
        for causes in combinations(CAUSES, size):
            if _left(world, bound, user, frozenset(causes)) == 0:
                return causes
    return ()


def _left(world: Crash, bound: BoundMoney, user: User, without: frozenset[Cause]) -> int:
    engine = Engine(crash=world, without=without, taken=bound)
    run = engine.run()
    return residual_base(world, run, user)


def _bound_by_others(crash: Crash, run: Run, user: User) -> BoundMoney:
    """What every bot paid for the other accounts in the finished run."""
    book = BoundMoney()
    for attempt, outcome in run.liquidations():
        if attempt.call.borrower != user:
            decimals = attempt.market.reserves[attempt.call.debt_id].config.decimals
            paid = outcome.debt_repaid * attempt.observed_base[attempt.call.debt_id] // 10**decimals
            book.bind(attempt.bot, attempt.timestamp, paid / 10**8)
    return book
