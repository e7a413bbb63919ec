"""Liquity's price feed: the whole table of its five states, and the schedule of calls that it depends on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from oracles.composition import seen_in, through
from oracles.errors import InvalidPartConfig, NoEarlierRounds, TimesNotIncreasing
from oracles.liquity import (
    TIMEOUT_S,
    LiquityPriceFeed,
    LiquityState,
    Status,
    _decide,
    _LiquitySource,
    _sight,
    jumped,
    similar,
)
from oracles.proxy import Phase, Proxy
from oracles.reading import Failed, Reading
from oracles.scaling import Scaled
from tests.oracles.told import Reverting, Told, answer_of, reading, rounds

WAD = 10**18
NOW = 10**6
TIMES = tuple(range(3700, 72_000, 600))
WORKING, UNTRUSTED, BOTH, FROZEN, ALONE = Status

LAST_GOOD = Reading(answer=7, round_id=1, observed_at=1, started_at=1, updated_at=1, reason="deviation")
CHAINLINK = {
    "broken": rounds((NOW - 500, 0), (NOW - 100, 2000 * 10**8)),
    "frozen": rounds((NOW - TIMEOUT_S - 900, 2000 * 10**8), (NOW - TIMEOUT_S - 1, 2000 * 10**8)),
    "jumped": rounds((NOW - 500, 4001 * 10**8), (NOW - 100, 2000 * 10**8)),
    "fine": rounds((NOW - TIMEOUT_S - 500, 4000 * 10**8), (NOW - TIMEOUT_S, 2000 * 10**8)),
}
TELLOR = {
    "broken": Reverting(decimals=6),
    "frozen": Told(2000 * 10**6, 6, updated_at=NOW - TIMEOUT_S - 1),
    "agrees": Told(2100 * 10**6, 6, updated_at=NOW - TIMEOUT_S),
    "differs": Told(2100 * 10**6 + 1, 6, updated_at=NOW - TIMEOUT_S),
}
PRICES = {"chainlink": 2000 * WAD, "agrees": 2100 * WAD, "differs": 2100 * WAD + 10**12}

# status before, Chainlink, Tellor (* = any) -> status after, whose price: read off the contract, case by case
TABLE = """
WORKING    broken  broken  BOTH       last
WORKING    broken  frozen  UNTRUSTED  last
WORKING    broken  *       UNTRUSTED  tellor
WORKING    frozen  broken  ALONE      last
WORKING    frozen  frozen  FROZEN     last
WORKING    frozen  *       FROZEN     tellor
WORKING    jumped  broken  BOTH       last
WORKING    jumped  frozen  UNTRUSTED  last
WORKING    jumped  agrees  WORKING    chainlink
WORKING    jumped  differs UNTRUSTED  tellor
WORKING    fine    broken  ALONE      chainlink
WORKING    fine    *       WORKING    chainlink
UNTRUSTED  jumped  agrees  WORKING    chainlink
UNTRUSTED  fine    agrees  WORKING    chainlink
UNTRUSTED  *       broken  BOTH       last
UNTRUSTED  *       frozen  UNTRUSTED  last
UNTRUSTED  *       *       UNTRUSTED  tellor
BOTH       jumped  agrees  WORKING    chainlink
BOTH       fine    agrees  WORKING    chainlink
BOTH       *       *       BOTH       last
FROZEN     broken  broken  BOTH       last
FROZEN     broken  frozen  UNTRUSTED  last
FROZEN     broken  *       UNTRUSTED  tellor
FROZEN     frozen  broken  ALONE      last
FROZEN     frozen  frozen  FROZEN     last
FROZEN     frozen  *       FROZEN     tellor
FROZEN     *       broken  ALONE      chainlink
FROZEN     *       frozen  FROZEN     last
FROZEN     *       agrees  WORKING    chainlink
FROZEN     *       differs UNTRUSTED  tellor
ALONE      broken  *       BOTH       last
ALONE      frozen  *       ALONE      last
ALONE      *       agrees  WORKING    chainlink
ALONE      jumped  *       BOTH       last
ALONE      *       *       ALONE      chainlink
"""
NAMES = {"WORKING": WORKING, "UNTRUSTED": UNTRUSTED, "BOTH": BOTH, "FROZEN": FROZEN, "ALONE": ALONE}


@dataclass(frozen=True)
class Row:
    before: str
    chainlink: str
    tellor: str
    after: str
    price: str

    def covers(self, before, chainlink, tellor):
        return self.before == before and self.chainlink in (chainlink, "*") and self.tellor in (tellor, "*")


ROWS = [Row(*line.split()) for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("tellor", TELLOR)
@pytest.mark.parametrize("chainlink", CHAINLINK)
@pytest.mark.parametrize("before", NAMES)
def test_every_state_and_sight_leads_where_the_contract_goes(before, chainlink, tellor):
    expected = next(row for row in ROWS if row.covers(before, chainlink, tellor))
    part = LiquityPriceFeed(calls=(), tellor=TELLOR[tellor])
    state = LiquityState(status=NAMES[before], last_good=LAST_GOOD)
    after, price = _decide(state, _sight(part, CHAINLINK[chainlink], NOW))

    wanted = {"last": 7, "chainlink": PRICES["chainlink"], "tellor": PRICES.get(tellor)}[expected.price]
    assert (after.status, price.answer) == (NAMES[expected.after], wanted)
    assert after.last_good.answer == wanted
    assert after.last_good.reason != "last good"
    assert price.reason == {"last": "last good", "tellor": "tellor"}.get(expected.price, "deviation")


@pytest.mark.parametrize(
    ("one", "other", "more"),
    [(1, 2, False), (2, 1, False), (2 * WAD + 2, WAD, False), (2 * WAD + 8, WAD, True)],
)
def test_a_jump_is_more_than_half_of_the_higher(one, other, more):
    assert jumped(one, other) is more


@pytest.mark.parametrize(
    ("one", "other", "close"), [(100, 105, True), (105, 100, True), (100 * WAD, 105 * WAD + 100, False)]
)
def test_two_oracles_are_similar_up_to_a_twentieth_of_the_lower(one, other, close):
    assert similar(one, other) is close


def feed_with_a_gap():
    """Updates each hour, none for ten hours, then 40 % lower."""
    hours = [hour for hour in range(20) if not 3 < hour < 14]
    return rounds(*((hour * 3600 + 60, (2000 if hour < 10 else 1200) * 10**8) for hour in hours))


def test_a_frozen_feed_leaves_the_last_good_price_and_a_live_one_returns():
    source = LiquityPriceFeed(calls=TIMES).over(feed_with_a_gap())
    changes = seen_in(source, TIMES).changes()

    assert [(step.timestamp, answer_of(step.seen)) for step in changes] == [
        (3700, 2000 * WAD),
        (50_500, 1200 * WAD),
    ]
    stale = source.read(40_300)
    assert isinstance(stale, Reading)
    assert (stale.reason, stale.answer, stale.updated_at) == ("last good", 2000 * WAD, 3 * 3600 + 60)


def test_without_the_check_of_age_the_same_feed_never_leaves_chainlink():
    checked = LiquityPriceFeed(calls=TIMES).over(feed_with_a_gap())
    blind = LiquityPriceFeed(calls=TIMES, timeout_s=None).over(feed_with_a_gap())
    fallen = rounds((3600, 2000 * 10**6), (39_000, 1300 * 10**6), decimals=6)
    second = LiquityPriceFeed(calls=TIMES, tellor=fallen).over(feed_with_a_gap())

    assert reading(checked.read(40_300)).reason == "last good"
    assert (reading(blind.read(40_300)).reason, reading(blind.read(40_300)).answer) == (
        "deviation",
        2000 * WAD,
    )
    assert (reading(second.read(40_300)).reason, reading(second.read(40_300)).answer) == (
        "tellor",
        1300 * WAD,
    )


def test_what_is_read_depends_on_who_called_before():
    """Tellor broke in the night; if nobody called then, nobody distrusts it in the morning."""
    feed = rounds(*((hour * 3600, (2000 if hour < 12 else 900) * 10**8) for hour in range(1, 24)))

    @dataclass(frozen=True)
    class Blinking:
        decimals: int = 6

        def read(self, now):
            broken = 8 * 3600 <= now < 9 * 3600
            return Failed(name="gone") if broken else Told(900 * 10**6, 6, updated_at=now).read(now)

    asleep = LiquityPriceFeed(calls=(2 * 3600 + 5,), tellor=Blinking()).over(feed)
    awake = LiquityPriceFeed(calls=(2 * 3600 + 5, 8 * 3600 + 5), tellor=Blinking()).over(feed)
    assert [status_after(source, 10 * 3600) for source in (asleep, awake)] == [WORKING, ALONE]


def test_reads_may_come_in_any_order_and_change_nothing():
    times = list(range(0, 72_000, 1800))
    forward = LiquityPriceFeed(calls=tuple(times)).over(feed_with_a_gap())
    backward = LiquityPriceFeed(calls=tuple(times)).over(feed_with_a_gap())

    expected = {now: forward.read(now) for now in times}
    assert {now: backward.read(now) for now in reversed(times)} == expected


def test_before_chainlink_works_the_feed_is_not_set():
    source = LiquityPriceFeed(calls=(50, 200, 3700)).over(feed_with_a_gap())

    assert source.read(50) == Failed(name="NotSet")
    assert source.read(200) == Failed(name="NotSet")  # one round only: the one before is broken
    assert reading(source.read(3700)).answer == 2000 * WAD


def test_oracle_trap_08_the_first_round_of_a_new_phase_looks_broken_to_who_walks_back_one():
    """One read in the gap of a phase change and both oracles are untrusted, though Chainlink is as live as ever."""
    old = rounds((100, 2000 * 10**8), (3600, 2000 * 10**8))
    new = rounds((7200, 2000 * 10**8), (10_800, 2000 * 10**8))
    proxy = Proxy(phases=(Phase(since=0, aggregator=old), Phase(since=7210, aggregator=new)))
    source = LiquityPriceFeed(calls=(3700, 7300, 10_900)).over(proxy)

    assert status_after(source, 3700) is WORKING
    assert (status_after(source, 7300), reading(source.read(7300)).reason) == (BOTH, "last good")
    assert (status_after(source, 10_900), reading(source.read(10_900)).reason) == (BOTH, "last good")


def test_a_source_without_earlier_rounds_too_many_decimals_and_calls_out_of_order_are_refused():
    with pytest.raises(NoEarlierRounds):
        LiquityPriceFeed(calls=()).over(through(feed_with_a_gap(), Scaled(decimals=8)))
    with pytest.raises(InvalidPartConfig):
        LiquityPriceFeed(calls=()).over(rounds((1, 1), decimals=19))
    with pytest.raises(TimesNotIncreasing):
        LiquityPriceFeed(calls=(2, 1))
    with pytest.raises(InvalidPartConfig):
        LiquityPriceFeed(calls=(), timeout_s=-1)


def status_after(source: _LiquitySource, now: int) -> Status:
    outcome = source.call(now)
    assert outcome is not None
    return outcome[0].status
