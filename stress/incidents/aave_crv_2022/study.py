"""The whole replay and what must hold of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from protocol.units import WAD
from stress.incidents.aave_crv_2022.bonus import PUBLISHED_BPS, simplest_ratio
from stress.incidents.aave_crv_2022.prices import (
    BONUS_BPS,
    USDC_PRICE_BASE,
    PriceSegment,
    price_segments,
)
from stress.incidents.aave_crv_2022.record import CRV_UNIT, USDC_UNIT, Record, load_record
from stress.incidents.aave_crv_2022.replay import Replay, collateral_of, replay, replay_uncredited
from stress.incidents.aave_crv_2022.stopped import Stopped, stopped
from stress.incidents.report import Check

PUBLISHED_RESIDUALS = (257_063_904 * CRV_UNIT // 100, 2_656_355 * CRV_UNIT)
"""[CRV units] Least and most of what was said to be left: the draft of the governance proposal, and the cap of
the contract that repaid it in January 2023."""
PUBLISHED_REPAID, PUBLISHED_SEIZED = (89_544_317_443850, 63_605_103_124042)
"""[10**-6 tokens] As decoded from the logs, cut to six decimals."""
FINER = 10**9
"""More digits for the prices that another bonus needs."""
LEAST_UPDATE = Fraction(1, 100)
"""By which a feed moves at least when it moves because the market did; no call was seen for hours otherwise."""
PAUSE_S = 3600


@dataclass(frozen=True, kw_only=True)
class Study:
    """The record, the prices in it, and one replay for each assumption about the interest."""

    record: Record
    segments: tuple[PriceSegment, ...]
    replays: Mapping[int, Replay]
    """By interest [CRV units]: none, then from the least to the most that was published."""
    other_bonuses: Mapping[int, tuple[tuple[PriceSegment, ...], Replay]]
    """By bonus [bps]: the same with another one."""
    ratios: Mapping[int, Fraction]
    """By bonus [bps]: the simplest ratio of prices that explains the last call."""

    @property
    def most(self) -> Replay:
        """With the most interest."""
        return self.replays[max(self.replays)]

    @property
    def least(self) -> Replay:
        """Without interest."""
        return self.replays[min(self.replays)]

    @property
    def calls_explained(self) -> int:
        """Calls that the rule set repeats to the unit, whatever the interest was."""
        by_call = zip(*(one.steps for one in self.replays.values()), strict=True)
        return sum(all(step.explained for step in steps) for steps in by_call)

    @property
    def first_toxic(self) -> int | None:
        """Index of the first call that lowers the health factor, if it is the same for every interest."""
        found = {one.first_toxic for one in self.replays.values()}
        return found.pop() if len(found) == 1 else None

    @property
    def toxic_block(self) -> int | None:
        """Its block."""
        return None if self.first_toxic is None else self.record.calls[self.first_toxic].block_number

    @cached_property
    def stops(self) -> tuple[Stopped, ...]:
        """Stopping before it, for every interest."""
        if self.first_toxic is None:
            return ()
        return tuple(stopped(self.record, one, index=self.first_toxic) for one in self.replays.values())

    @cached_property
    def before_toxic(self) -> Replay:
        """The calls before it with the most interest on the debt and none on the collateral yet."""
        return replay_uncredited(
            self.record, self.segments, interest=max(self.replays), n_calls=self.first_toxic or 0
        )


def study(record: Record | None = None) -> Study:
    """Infer the prices and replay every call; default: the record beside this module."""
    record = record or load_record()
    segments = price_segments(record)
    return Study(
        record=record,
        segments=segments,
        replays={owed: replay(record, segments, interest=owed) for owed in interests(record)},
        other_bonuses={bonus: _otherwise(record, bonus) for bonus in PUBLISHED_BPS if bonus != BONUS_BPS},
        ratios={bonus: simplest_ratio(record, bonus) for bonus in PUBLISHED_BPS},
    )


def interests(record: Record) -> tuple[int, ...]:
    """None, and three along the published band of residuals. [CRV units]"""
    low, high = (residual - record.residual_principal for residual in PUBLISHED_RESIDUALS)
    return 0, low, (low + high) // 2, high


def _otherwise(record: Record, bonus_bps: int) -> tuple[tuple[PriceSegment, ...], Replay]:
    segments = price_segments(record, bonus_bps=bonus_bps, collateral_price_base=USDC_PRICE_BASE * FINER)
    return segments, replay(record, segments, interest=interests(record)[-1], bonus_bps=bonus_bps)


def checks(done: Study) -> Iterator[Check]:
    """Everything that must hold."""
    record, replays = done.record, done.replays.values()
    n_calls = len(record.calls)
    yield Check(
        says="one pair of prices explains every call between two updates of a feed",
        holds=one_price_each(record, done.segments),
    )
    yield Check(
        says="the rule set repeats every call to the unit, for every interest",
        holds=done.calls_explained == n_calls,
    )
    yield Check(
        says="the totals are the recorded ones, and what is left is the principal and the interest",
        holds=record.repaid * 10**6 // CRV_UNIT == PUBLISHED_REPAID
        and record.seized * 10**6 // USDC_UNIT == PUBLISHED_SEIZED
        and all(
            (one.debt_left, collateral_of(one.market)) == (record.residual_principal + interest, 0)
            for interest, one in done.replays.items()
        ),
    )
    yield Check(
        says="the first toxic call is the same for every interest and every bonus, and all calls after it are toxic",
        holds=done.first_toxic is not None
        and all(step.explained and not step.toxic for step in done.before_toxic.steps)
        and all(_turns_once(one, done.first_toxic) for one in replays)
        and all(_turns_once(one, done.first_toxic) for _, one in done.other_bonuses.values()),
    )
    yield Check(
        says="a call is toxic exactly where debt must remain, and then it lowers the health factor",
        holds=all(
            step.toxic == (step.must_leave > 0) == (step.health_after_wad < step.health_before_wad)
            for one in replays
            for step in one.steps
        ),
    )
    yield Check(
        says="of the bonuses published one gives the last call a simple price, and it is the one used",
        holds=min(done.ratios, key=lambda bonus: done.ratios[bonus].denominator) == BONUS_BPS
        and done.ratios[BONUS_BPS] == done.segments[-1].ratio,
    )
    yield Check(
        says="at the close of 19:00, had nobody called since the stop, the account is healthy and owes no bad debt",
        holds=bool(done.stops)
        and all(stop.health_wad >= WAD and stop.must_leave == 0 for stop in done.stops),
    )


def one_price_each(record: Record, segments: Sequence[PriceSegment]) -> bool:
    """Whether the segments hold every call, and what lies between them is what a feed does."""
    return sum(one.last - one.first + 1 for one in segments) == len(record.calls) and all(
        _is_update(record, before, after) for before, after in pairwise(segments)
    )


def _is_update(record: Record, before: PriceSegment, after: PriceSegment) -> bool:
    """A feed moves by its threshold at once, and by anything over hours."""
    pause = record.calls[after.first].timestamp - record.calls[before.last].timestamp
    return pause >= PAUSE_S or abs(after.ratio / before.ratio - 1) >= LEAST_UPDATE


def _turns_once(one: Replay, first: int) -> bool:
    return [step.toxic for step in one.steps] == [index >= first for index in range(len(one.steps))]
