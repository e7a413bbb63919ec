"""Compound's anchored view on Chainlink and Uniswap v3: guard, failover, and the design that never froze."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracles import FeedHistory, MarketPath, Transmission
from oracles.anchored_view_v3 import ReadOnlyAnchoredView, TickAnchor, UniswapAnchoredView
from oracles.errors import InvalidPartConfig, ScheduleRunsBackwards
from oracles.reading import Failed
from oracles.tick_math import Q96, sqrt_ratio_at_tick
from oracles.tick_path import TickPath
from tests.oracles.step_source import StepSource, answer_of, constant

WAD, MULTIPLIER = 10**18, 10**16
JUMP_AT = 10_000
MARKET = MarketPath((0, JUMP_AT), (1_600 * 10**8, 1_000 * 10**8))
POOL = TickPath.of_market(
    MARKET, decimals=8, base_unit=WAD, quote_unit=10**6, base_is_token0=False
)  # USDC / WETH
ANCHOR = TickAnchor(pool=POOL, base_unit=WAD, is_reversed=True)


def feed(*answers):
    return FeedHistory(
        tuple(
            Transmission(
                round_id=index + 1,
                observed_at=at - 5,
                transmitted_at=at,
                block_index=-1,
                answer=answer,
                reason="deviation",
            )
            for index, (at, answer) in enumerate(answers)
        )
    )


def view(*answers, **changes):
    base = UniswapAnchoredView(feed=feed(*answers), anchor=ANCHOR, reporter_multiplier=MULTIPLIER)
    return replace(base, **changes)


def test_the_anchor_is_the_mean_tick_turned_round_and_squared_at_96_bits():
    root = sqrt_ratio_at_tick(-POOL.ticks[0])
    found = ANCHOR.price_at(5_000)

    assert found == WAD * (root * root // Q96) // Q96
    assert isinstance(found, int)
    assert abs(found - 1_600 * 10**6) * 10_000 < 1_600 * 10**6  # within one tick


def test_the_mean_is_rounded_toward_zero_before_it_is_turned_round():
    pool = TickPath(times=(0, 10), ticks=(-100, -101))
    straight = TickAnchor(pool=pool, base_unit=WAD, period_s=4)
    reverse = replace(straight, is_reversed=True)

    def at_tick(tick):
        root = sqrt_ratio_at_tick(tick)
        return WAD * (root * root // Q96) // Q96

    assert pool.mean_tick(12, 4, "down") == -101  # -402 / 4 = -100.5
    assert straight.price_at(12) == at_tick(-100)
    assert reverse.price_at(12) == at_tick(100)


def test_a_token_is_anchored_through_ether():
    token = MarketPath((0,), (WAD // 100,))
    pool = TickPath.of_market(token, decimals=18, base_unit=WAD, quote_unit=WAD)
    through = TickAnchor(pool=pool, base_unit=WAD, eth=ANCHOR).price_at(5_000)
    ether = ANCHOR.price_at(5_000)

    assert isinstance(through, int)
    assert isinstance(ether, int)
    assert ether * 9_999 // 1_000_000 <= through <= ether // 100


def test_a_transmission_within_the_bounds_is_stored_and_one_outside_freezes_the_view():
    seen = view((9_000, 1_610 * 10**8), (JUMP_AT + 60, 1_000 * 10**8), (JUMP_AT + 1_800, 1_001 * 10**8))

    assert [verdict for _, verdict in seen.verdicts] == ["updated", "guarded", "updated"]
    assert [answer_of(seen.read(t)) for t in (8_999, 9_000, JUMP_AT + 1_799, JUMP_AT + 1_800)] == [
        1,
        1_610 * 10**6,
        1_610 * 10**6,
        1_001 * 10**6,
    ]
    frozen = seen.read(JUMP_AT + 1_700)
    assert not isinstance(frozen, Failed)
    assert (frozen.updated_at, frozen.observed_at, frozen.reason) == (9_000, 8_995, "deviation")


def test_a_failover_stores_the_anchor_at_once_at_every_transmission_and_at_every_poke():
    seen = view(
        (9_000, 1_600 * 10**8),
        (JUMP_AT + 300, 900 * 10**8),
        (JUMP_AT + 2_600, 1_000 * 10**8),
        failovers=((JUMP_AT + 100, JUMP_AT + 2_500),),
        pokes=(JUMP_AT + 50, JUMP_AT + 900, JUMP_AT + 2_500),
    )

    assert seen.verdicts == (
        (9_000, "updated"),
        (JUMP_AT + 50, "reverted"),
        (JUMP_AT + 100, "failover"),
        (JUMP_AT + 300, "failover"),
        (JUMP_AT + 900, "failover"),
        (JUMP_AT + 2_500, "reverted"),
        (JUMP_AT + 2_600, "updated"),
    )
    for at in (100, 300, 900):
        found = seen.read(JUMP_AT + at)
        assert not isinstance(found, Failed)
        assert (found.answer, found.reason) == (ANCHOR.price_at(JUMP_AT + at), "anchor")
    assert answer_of(seen.read(JUMP_AT + 2_599)) == ANCHOR.price_at(JUMP_AT + 900)


def test_a_failover_for_good_never_takes_a_report_again():
    seen = view((9_000, 1_600 * 10**8), (20_000, 1_000 * 10**8), failovers=((9_500, None),))

    assert [verdict for _, verdict in seen.verdicts] == ["updated", "failover", "failover"]


def test_validation_reverts_without_a_whole_window_and_on_a_negative_answer():
    young = view((900, 1_600 * 10**8))
    negative = view((9_000, -1))

    assert young.verdicts == ((900, "reverted"),)
    assert negative.verdicts == ((9_000, "reverted"),)
    assert answer_of(young.read(900)) == answer_of(negative.read(9_000)) == 1


def test_the_design_without_storage_answers_the_anchor_where_the_feed_is_outside():
    part = ReadOnlyAnchoredView(anchor=ANCHOR, feed_multiplier=MULTIPLIER)
    seen = part.over(StepSource(((0, 1_610 * 10**8), (JUMP_AT + 60, 1_000 * 10**8)), decimals=8))

    assert answer_of(seen.read(9_000)) == 1_610 * 10**6
    assert answer_of(seen.read(JUMP_AT + 100)) == ANCHOR.price_at(JUMP_AT + 100)
    assert answer_of(seen.read(JUMP_AT + 1_800)) == 1_000 * 10**6
    kept, anchored = seen.read(9_000), seen.read(JUMP_AT + 100)
    assert not isinstance(kept, Failed)
    assert not isinstance(anchored, Failed)
    assert (kept.updated_at, kept.reason) == (0, "step")
    assert (anchored.updated_at, anchored.reason) == (JUMP_AT + 100, "anchor")
    assert answer_of(replace(part, failover_active=True).over(constant(10**8, 8)).read(9_000)) == (
        ANCHOR.price_at(9_000)
    )


def test_the_design_without_storage_reverts_where_feed_or_pool_does():
    part = ReadOnlyAnchoredView(anchor=ANCHOR, feed_multiplier=MULTIPLIER)

    assert part.over(constant(None, 8)).read(9_000) == Failed(name="reverted")
    assert part.over(constant(-1, 8)).read(9_000) == Failed(name="Feed price cannot be negative")
    assert part.over(constant(1_600 * 10**8, 8)).read(900) == Failed(name="OLD")
    assert answer_of(part.over(constant(0, 8)).read(9_000)) == ANCHOR.price_at(9_000)


def test_bad_views_are_refused_with_the_index_of_the_offender():
    with pytest.raises(InvalidPartConfig):
        replace(ANCHOR, period_s=0)
    with pytest.raises(ScheduleRunsBackwards) as order:
        view(pokes=(5, 4))
    assert order.value.index == 1
    for failovers in (((5, 5),), ((5, 9), (8, 10)), ((5, None), (9, None))):
        with pytest.raises(InvalidPartConfig) as refusal:
            view(failovers=failovers)
        assert refusal.value.field == f"failovers[{len(failovers) - 1}]"
