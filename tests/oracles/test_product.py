"""Two feeds multiplied: whose clock is told, how often it floors, how wide the blind zone gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracles import MarketPath, PushFeed, PushFeedConfig
from oracles.composition import FeedSource, read_through, seen_in, through
from oracles.errors import InvalidPartConfig
from oracles.product import Times
from oracles.reading import Failed, Reading
from oracles.scaling import Scaled
from tests.oracles.told import Reverting, Told, answer_of, reading, rounds

FIRST = Told(2 * 10**8, updated_at=100, round_id=1, started_at=95, observed_at=94, reason="heartbeat")
SECOND = Told(3 * 10**8, updated_at=500, round_id=9, started_at=495, observed_at=490, reason="deviation")


@pytest.mark.parametrize(
    ("clock", "round_id", "updated_at"), [("first", 1, 100), ("second", 9, 500), ("older", 1, 100)]
)
def test_oracle_trap_22_a_product_tells_the_clock_of_one_leg_and_is_as_old_as_the_other(
    clock, round_id, updated_at
):
    seen = Times(second=SECOND, clock=clock).over(FIRST).read(1000)

    assert isinstance(seen, Reading)
    assert (seen.answer, seen.round_id, seen.updated_at) == (6 * 10**8, round_id, updated_at)
    assert (seen.observed_at, seen.reason) == (94, "deviation")


def test_the_older_leg_is_told_whichever_side_it_is_on():
    assert reading(Times(second=FIRST, clock="older").over(SECOND).read(1000)).updated_at == 100


def test_each_leg_keeps_its_own_last_value():
    steth = rounds((0, 10**18), (50, 99 * 10**16), decimals=18)
    eth = rounds((0, 2000 * 10**8), (70, 1900 * 10**8))
    seen = seen_in(Times(second=eth).over(steth), range(0, 100, 10))

    assert [(step.timestamp, answer_of(step.seen), reading(step.seen).updated_at) for step in seen.steps] == [
        (0, 2000 * 10**8, 0),
        (50, 1980 * 10**8, 0),
        (70, 1881 * 10**8, 70),
    ]
    assert [reading(step.seen).reason for step in seen.steps] == ["first", "deviation", "deviation"]


def test_a_chain_of_adapters_floors_twice_where_one_product_floors_once():
    legs = Told(999_999_999_999_999_999, 18), Told(3_000 * 10**8)

    once = through(legs[0], Times(second=legs[1]))
    twice = through(legs[0], Scaled(decimals=8), Times(second=legs[1]))

    assert answer_of(once.read(1)) == 2999_99999999
    assert answer_of(twice.read(1)) == 2999_99997000


@pytest.mark.parametrize(("first", "second"), [(0, 5), (5, 0), (-5, 5), (5, -5), (-5, -5)])
def test_a_leg_of_zero_or_below_makes_the_product_zero(first, second):
    assert answer_of(Times(second=Told(second * 10**8)).over(Told(first * 10**8)).read(1)) == 0


def test_a_leg_that_reverts_makes_the_product_revert():
    assert Times(second=Reverting("second")).over(FIRST).read(1) == Failed(name="second")
    assert Times(second=Reverting("second")).over(Reverting("first")).read(1) == Failed(name="first")


def test_a_product_beyond_int256_panics():
    assert Times(second=Told(2**130)).over(Told(2**130)).read(1) == Failed(name="Panic(0x11)")


def test_oracle_trap_11_the_blind_zones_of_two_legs_add_up():
    """ETH at 0.5 % and USDC at 0.25 %: both markets stop a hair short of their thresholds in opposite directions."""
    blocks = range(0, 7200, 12)
    eth = MarketPath((0, 600), (2000 * 10**8, 2000 * 10**8 * 995_001 // 10**6))
    usdc = MarketPath((0, 600), (10**8, 10**8 * 997_501 // 10**6))
    feed = PushFeedConfig(heartbeat_s=86_400)
    debt = FeedSource(
        history=PushFeed(replace(feed, deviation_threshold_ppb=2_500_000)).history(usdc, blocks)
    )

    collateral = read_through(eth, PushFeed(feed), blocks=blocks)
    assert len(collateral.steps) == 1
    assert len(debt.history.transmissions) == 1
    seen = Times(second=debt).over(FeedSource(history=PushFeed(feed).history(eth, blocks))).read(7100)
    market = eth.price_at(7100) * usdc.price_at(7100) // 10**8
    assert 7_400_000 < (answer_of(seen) - market) * 10**9 // answer_of(seen) < 7_500_000


@pytest.mark.parametrize(("fields", "field"), [({"decimals": 19}, "decimals"), ({"clock": "newer"}, "clock")])
def test_a_product_of_bad_parameters_is_refused(fields, field):
    with pytest.raises(InvalidPartConfig) as refusal:
        Times(second=SECOND, **fields)

    assert refusal.value.field == field
