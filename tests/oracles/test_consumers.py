"""What each protocol makes of a feed: which checks, which units, and what a failure is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracles import MarketPath, PushFeed, PushFeedConfig
from oracles.composition import FeedSource, read_through, seen_in
from oracles.consumers import (
    AaveOracle,
    CometPrice,
    CompoundV2Oracle,
    Fixed,
    NotOlderThan,
    VenusChainlinkOracle,
    all_or_none,
)
from oracles.errors import InvalidPartConfig
from oracles.morpho_adapter import MorphoChainlinkOracleV2
from oracles.reading import Failed, Reading
from oracles.scaling import Scaled
from tests.oracles.told import Reverting, Told, answer_of, reading

WAD = 10**18
PRICE = Told(2000 * 10**8, updated_at=1000)
FOREVER = 10**10


def test_aave_takes_the_latest_answer_and_falls_back_at_zero_or_below():
    fallback = Told(5, reason="fresh", updated_at=3)
    consumer = AaveOracle(fallback=fallback)

    assert answer_of(consumer.over(PRICE).read(FOREVER)) == PRICE.answer
    for broken in (0, -7):
        seen = consumer.over(replace(PRICE, answer=broken)).read(FOREVER)
        assert isinstance(seen, Reading)
        assert (seen.answer, seen.reason) == (5, "fallback")
        assert AaveOracle().over(replace(PRICE, answer=broken)).read(1) == Failed(name="EmptyRevert")


def test_aave_does_not_fall_back_when_the_source_reverts_but_when_the_fallback_does_it_reverts():
    assert AaveOracle(fallback=Told(5)).over(Reverting()).read(1) == Failed(name="reverted")
    assert AaveOracle(fallback=Reverting("old")).over(Told(0)).read(1) == Failed(name="old")


@pytest.mark.parametrize(
    ("feed_decimals", "answer", "underlying_decimals", "expected"),
    [
        (8, 2000 * 10**8, 18, 2000 * 10**18),
        (8, 10**8, 6, 10**30),
        (18, 10**18, 8, 10**28),
        (18, 1_234567890_123456789, 24, 1_234567890_123),
        (8, 999, 30, 9),
    ],
)
def test_compound_v2_scales_to_36_less_the_assets_decimals_and_floors_where_it_must(
    feed_decimals, answer, underlying_decimals, expected
):
    source = CompoundV2Oracle(underlying_decimals=underlying_decimals).over(Told(answer, feed_decimals))

    assert source.decimals == 36 - underlying_decimals
    assert answer_of(source.read(1)) == expected


@pytest.mark.parametrize("answer", [0, -1])
def test_compound_v2_tells_a_price_error_and_comet_reverts_with_bad_price(answer):
    assert CompoundV2Oracle().over(Told(answer)).read(1) == Failed(name="PRICE_ERROR")
    assert CometPrice().over(Told(answer)).read(1) == Failed(name="BadPrice")


def test_oracle_trap_24_a_price_below_a_unit_of_the_feed_is_no_price_at_all():
    """A token of 1e-9 USD: 0 at 8 decimals, and 1e-19 at 18; whole again where the asset has fewer decimals."""
    dust = Scaled(decimals=8).over(Told(10**9, 18))

    assert answer_of(dust.read(1)) == 0
    assert CometPrice().over(dust).read(1) == Failed(name="BadPrice")
    assert CompoundV2Oracle().over(dust).read(1) == Failed(name="PRICE_ERROR")
    assert CompoundV2Oracle(underlying_decimals=30).over(Told(99, 8)).read(1) == Failed(name="PRICE_ERROR")
    assert answer_of(CompoundV2Oracle(underlying_decimals=24).over(Told(10**9, 18)).read(1)) == 10**3


def test_oracle_trap_24_an_eth_pair_read_as_if_it_had_8_decimals_is_refused_by_comet():
    with pytest.raises(InvalidPartConfig) as refusal:
        CometPrice().over(Told(10**18, 18))

    assert refusal.value.found == 18


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (999, "updatedAt exceeds block time"),
        (1000, 2000 * WAD),
        (1100, 2000 * WAD),
        (1101, "chainlink price expired"),
    ],
)
def test_venus_refuses_answers_from_the_future_and_older_than_the_period(now, expected):
    seen = VenusChainlinkOracle(max_stale_period_s=100).over(PRICE).read(now)

    assert (seen.name if isinstance(seen, Failed) else seen.answer) == expected


@pytest.mark.parametrize(
    ("feed_decimals", "token_decimals", "expected"), [(8, 18, WAD), (8, 6, 10**30), (18, 8, 10**18)]
)
def test_venus_scales_to_36_less_the_tokens_decimals(feed_decimals, token_decimals, expected):
    consumer = VenusChainlinkOracle(max_stale_period_s=100, token_decimals=token_decimals)
    source = consumer.over(Told(10**8, feed_decimals))

    assert source.decimals == 36 - token_decimals
    assert answer_of(source.read(100)) == expected


def test_venus_refuses_zero_and_a_price_set_by_hand_overrides_even_a_dead_feed():
    assert VenusChainlinkOracle(max_stale_period_s=1).over(Told(0)).read(100) == Failed(
        name="chainlink price must be positive"
    )
    fixed = VenusChainlinkOracle(max_stale_period_s=1, token_decimals=6, fixed_price_wad=2 * WAD)
    assert answer_of(fixed.over(Reverting()).read(FOREVER)) == 2 * 10**30
    by_hand = CompoundV2Oracle(underlying_decimals=6, fixed_price=10**30).over(Reverting())
    assert answer_of(by_hand.read(FOREVER)) == 10**30
    assert (by_hand.decimals, reading(by_hand.read(5)).reason) == (30, "fixed")


def frozen(*parts):
    """A market at a twentieth of what the floor lets the feed show, read two days on."""
    market = MarketPath((0, 3600), (107 * 10**6 // 10, 10**6 // 2))
    config = PushFeedConfig(min_answer=10**7)
    return read_through(market, PushFeed(config), *parts, blocks=range(0, 200_000, 1200))


def test_oracle_trap_09_a_frozen_feed_is_used_for_ever_by_those_who_check_no_age():
    morpho = MorphoChainlinkOracleV2(base_token_decimals=18, quote_token_decimals=6)
    for consumer in (AaveOracle(), CompoundV2Oracle(), CometPrice(), morpho):
        last = frozen(consumer).at(199_000)
        assert isinstance(last, Reading), consumer
        assert last.answer == answer_of(frozen(consumer).at(3000))
        assert last.age_at(199_000) > 190_000

    last = frozen(VenusChainlinkOracle(max_stale_period_s=7200)).at(199_000)
    assert last == Failed(name="chainlink price expired")


def test_oracle_trap_10_one_stale_leg_blocks_the_whole_account():
    live, stale = Told(10**8, updated_at=1990), Told(10**8, updated_at=100)
    venus = VenusChainlinkOracle(max_stale_period_s=600)
    account = {"eth": venus.over(live), "lst": venus.over(stale)}

    assert all_or_none(account, 2000) == Failed(name="chainlink price expired")
    alone = all_or_none({"eth": account["eth"]}, 2000)
    assert not isinstance(alone, Failed)
    assert alone["eth"].answer == WAD
    careless = {asset: AaveOracle().over(source) for asset, source in {"eth": live, "lst": stale}.items()}
    whole = all_or_none(careless, 2000)
    assert not isinstance(whole, Failed)
    assert list(whole) == ["eth", "lst"]


def test_a_check_of_age_can_be_put_into_any_sentence():
    checked = NotOlderThan(max_age_s=100)

    assert answer_of(checked.over(PRICE).read(1100)) == PRICE.answer
    assert checked.over(PRICE).read(1101) == Failed(name="stale")
    assert answer_of(NotOlderThan(max_age_s=100, stands_in=Told(5)).over(PRICE).read(1101)) == 5


def test_a_consumer_that_checks_and_one_that_does_not_part_where_the_heartbeat_is_missed():
    history = PushFeed(PushFeedConfig(round_outages=((4000, 90_000),))).history(
        MarketPath((0,), (10**8,)), range(0, 20_000, 100)
    )
    source = FeedSource(history=history)
    stale_from = seen_in(NotOlderThan(max_age_s=3700).over(source), range(0, 20_000, 100)).changes()

    assert [step.timestamp for step in stale_from] == [
        0,
        3700 + history.transmissions[-1].transmitted_at + 100,
    ]
    assert len(seen_in(AaveOracle().over(source), range(0, 20_000, 100)).changes()) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: CompoundV2Oracle(underlying_decimals=31),
        lambda: CompoundV2Oracle(fixed_price=-1),
        lambda: CompoundV2Oracle(underlying_decimals=30).over(Told(1, 43)),
        lambda: VenusChainlinkOracle(max_stale_period_s=0),
        lambda: VenusChainlinkOracle(max_stale_period_s=1, token_decimals=19),
        lambda: VenusChainlinkOracle(max_stale_period_s=1).over(Told(1, 19)),
        lambda: NotOlderThan(max_age_s=-1),
        lambda: NotOlderThan(max_age_s=1, stands_in=Told(1, 18)).over(Told(1)),
        lambda: AaveOracle(fallback=Told(1, 18)).over(Told(1)),
    ],
)
def test_parameters_that_no_deployment_could_have_are_refused(make):
    with pytest.raises(InvalidPartConfig):
        make()
    assert answer_of(Fixed(price=3, decimals=1).read(1)) == 3
