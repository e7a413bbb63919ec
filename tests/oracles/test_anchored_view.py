"""Compound's first anchored view: what is stored, what is guarded, and how long the anchor's window is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import MarketPath
from oracles.anchor_bounds import WAD, AnchorBounds
from oracles.anchored_view import AnchoredMarket, AnchoredView, Post, SignedPrice
from oracles.errors import InvalidPartConfig, ScheduleRunsBackwards, UnknownSymbol
from oracles.pair_path import PairPath
from oracles.reading import Failed
from oracles.underlying_price import UnderlyingPrice
from tests.oracles.step_source import answer_of, constant

DEPLOYED, USD = 10_000, 10**6
ETH = AnchoredMarket(
    symbol="ETH",
    base_unit=10**18,
    pair=PairPath.of_market(MarketPath((0,), (500 * 10**8,)), decimals=8, base_unit=10**18, quote_unit=10**6),
)


def market(symbol, path, base_unit=10**18):
    """A token at `path` dollars [8 decimals], traded against ether at 500."""
    in_ether = MarketPath(path.times, [price * 10**18 // (500 * 10**8) for price in path.prices])
    pair = PairPath.of_market(in_ether, decimals=18, base_unit=base_unit, quote_unit=10**18)
    return AnchoredMarket(symbol=symbol, base_unit=base_unit, pair=pair)


def post(at, price, symbol="DAI", timestamp=None):
    signed = SignedPrice(symbol=symbol, timestamp=at if timestamp is None else timestamp, price=price)
    return Post(at=at, messages=(signed,), symbols=(symbol,))


DAI = market("DAI", MarketPath((0,), (10**8,)))
VIEW = AnchoredView(markets=(ETH, DAI), posts=(), deployed_at=DEPLOYED)


def outcomes(*posts, **changes):
    return replace(VIEW, posts=posts, **changes).history().outcomes


def test_a_tolerance_of_20_percent_is_25_above_the_anchor_and_16_7_below_it():
    bounds = AnchorBounds.of_tolerance(20 * 10**16)
    anchor = 10**12

    assert bounds.holds(125 * 10**10, anchor)
    assert not bounds.holds(125 * 10**10 + 2, anchor)
    assert bounds.holds(anchor * 10 // 12 + 1, anchor)
    assert not bounds.holds(anchor * 10 // 12 - 1, anchor)
    assert not bounds.holds(0, anchor)
    assert not bounds.holds(1, 0)


@given(reported=st.integers(1, 10**12), anchor=st.integers(0, 10**12), tolerance=st.integers(1, 2 * WAD))
def test_bounds_are_those_of_the_floored_reciprocal_and_included(reported, anchor, tolerance):
    lowest, highest = max(WAD - tolerance, 1), WAD + tolerance

    assert AnchorBounds.of_tolerance(tolerance).holds(reported, anchor) == (
        lowest <= anchor * WAD // reported <= highest
    )


def test_bounds_of_0_or_the_wrong_way_round_are_refused():
    for upper, lower in ((WAD, 0), (WAD, WAD), (WAD - 1, WAD)):
        with pytest.raises(InvalidPartConfig):
            AnchorBounds(upper_ratio_wad=upper, lower_ratio_wad=lower)
    assert AnchorBounds.of_tolerance(2**256).upper_ratio_wad == 2**256 - 1
    assert AnchorBounds.of_tolerance(WAD).lower_ratio_wad == 1


def test_a_post_within_the_bounds_is_stored_and_one_outside_leaves_the_old_price():
    history = replace(
        VIEW, posts=(post(12_000, 1_10 * 10**4), post(13_000, 1_30 * 10**4), post(14_000, 95 * 10**4))
    ).history()

    assert [one.verdict for one in history.outcomes] == ["updated", "guarded", "updated"]
    assert [one.stored for one in history.outcomes] == [1_100_000, 1_100_000, 950_000]
    assert {one.anchor for one in history.outcomes} == {1_000_000}
    seen = history.source("DAI")
    assert [answer_of(seen.read(t)) for t in (11_999, 12_000, 13_999, 14_000)] == [
        0,
        1_100_000,
        1_100_000,
        950_000,
    ]


def test_a_guarded_price_keeps_its_clock_while_its_age_grows():
    seen = replace(VIEW, posts=(post(12_000, USD), post(13_000, 2 * USD))).history().source("DAI")
    found = seen.read(99_000)

    assert not isinstance(found, Failed)
    assert (found.answer, found.updated_at, found.age_at(99_000), found.reason) == (
        USD,
        12_000,
        87_000,
        "post",
    )


def test_both_legs_rising_together_pass_the_guard_as_in_november_2020():
    # DAI at 1.30 on the reporter's venue while the anchor, an average, has risen to 1.24 with it
    rising = market("DAI", MarketPath((0, 11_500), (1_00 * 10**6, 1_24 * 10**6)))
    history = replace(VIEW, markets=(ETH, rising), posts=(post(16_000, 1_300_000),)).history()
    calm = replace(VIEW, posts=(post(16_000, 1_300_000),)).history()

    assert history.outcomes[0].verdict == "updated"
    assert calm.outcomes[0].verdict == "guarded"


def test_the_window_is_one_to_two_periods_where_posts_are_frequent_and_their_gap_where_rare():
    often = outcomes(*(post(DEPLOYED + 600 * step, USD) for step in range(1, 10)))
    rarely = outcomes(*(post(DEPLOYED + 5_000 * step, USD) for step in range(1, 5)))

    lengths = [one.at - one.window_from for one in often]
    assert lengths == [600, 1_200, *(1_800, 2_400, 3_000), *(1_800, 2_400, 3_000), 1_800]
    assert [one.at - one.window_from for one in rarely] == [5_000] * 4


def test_the_anchor_is_the_average_since_the_start_of_its_window():
    moving = market("DAI", MarketPath((0, 12_000), (10**8, 2 * 10**8)))
    (one,) = replace(VIEW, markets=(ETH, moving), posts=(post(14_000, USD),)).history().outcomes

    # 2,000 s at 1 and 2,000 s at 2 since the deployment
    assert (one.window_from, one.anchor) == (DEPLOYED, 1_500_000)
    assert one.verdict == "guarded"


def test_a_post_of_ether_alone_moves_no_other_window():
    posts = (post(12_000, 500 * USD, symbol="ETH"), post(13_000, USD))
    ether, dai = outcomes(*posts)

    assert (ether.symbol, ether.anchor, ether.stored) == ("ETH", 500 * USD, 500 * USD)
    assert (dai.window_from, ether.window_from) == (DEPLOYED, DEPLOYED)


def test_an_invalidated_reporter_is_replaced_by_the_anchor_itself():
    posts = (post(12_000, USD), post(13_000, 3 * USD), post(14_000, 0))
    history = replace(VIEW, posts=posts, reporter_invalidated_at=13_000).history()

    assert [one.verdict for one in history.outcomes] == ["updated", "invalidated", "invalidated"]
    found = history.source("DAI").read(13_500)
    assert not isinstance(found, Failed)
    assert (found.answer, found.reason, found.observed_at) == (1_000_000, "anchor", 13_000)


def test_only_newer_messages_and_none_an_hour_ahead_are_taken():
    posts = (
        post(12_000, 1_000_000, timestamp=11_000),
        post(12_100, 1_010_000, timestamp=11_000),
        post(12_200, 1_020_000, timestamp=12_200 + 3_600),
        post(12_300, 1_030_000, timestamp=12_300 + 3_599),
        post(12_400, 1_040_000, timestamp=12_400),
    )

    assert [one.reported for one in outcomes(*posts)] == [
        1_000_000,
        1_000_000,
        1_000_000,
        1_030_000,
        1_030_000,
    ]


def test_a_symbol_that_nobody_has_signed_is_guarded_at_0():
    (one,) = outcomes(Post(at=12_000, messages=(), symbols=("DAI",)))

    assert (one.verdict, one.reported, one.stored) == ("guarded", 0, 0)


def test_a_reversed_pair_gives_the_same_anchor():
    pair = PairPath(times=DAI.pair.times, reserves0=DAI.pair.reserves1, reserves1=DAI.pair.reserves0)
    reverse = AnchoredMarket(symbol="DAI", base_unit=10**18, pair=pair, is_reversed=True)

    assert (
        replace(VIEW, markets=(ETH, reverse), posts=(post(12_000, USD),)).history()
        == replace(VIEW, posts=(post(12_000, USD),)).history()
    )


def test_a_token_of_8_decimals_is_anchored_and_read_on_its_own_scale():
    wbtc = market("BTC", MarketPath((0,), (19_000 * 10**8,)), base_unit=10**8)
    history = replace(VIEW, markets=(ETH, wbtc), posts=(post(12_000, 19_100 * USD, symbol="BTC"),)).history()

    assert history.outcomes[0].anchor == 19_000 * USD
    price = UnderlyingPrice(token_decimals=8).over(history.source("BTC"))
    assert (price.decimals, answer_of(price.read(12_000))) == (28, 19_100 * 10**28)


def test_a_market_without_underlying_reverts_where_markets_are_looked_up_by_it():
    price = constant(1_600 * USD, decimals=6)
    ether = UnderlyingPrice(token_decimals=18, look_up="underlying", has_underlying=False).over(price)

    assert ether.read(1) == Failed(name="underlying() reverts")
    by_ctoken = UnderlyingPrice(token_decimals=18, has_underlying=False).over(price)
    by_underlying = UnderlyingPrice(token_decimals=18, look_up="underlying").over(price)
    assert answer_of(by_ctoken.read(1)) == answer_of(by_underlying.read(1)) == 1_600 * WAD
    assert UnderlyingPrice(token_decimals=18).over(constant(None)).read(1) == Failed(name="reverted")


def test_bad_views_are_refused_with_the_index_of_the_offender():
    with pytest.raises(UnknownSymbol):
        replace(VIEW, markets=(DAI,))
    with pytest.raises(UnknownSymbol) as unknown:
        replace(VIEW, posts=(post(12_000, USD), post(12_001, USD, symbol="UNI")))
    assert (unknown.value.what, unknown.value.symbol) == ("posts[1].symbols", "UNI")
    with pytest.raises(ScheduleRunsBackwards) as order:
        replace(VIEW, posts=(post(12_000, USD), post(11_999, USD)))
    assert order.value.index == 1
    with pytest.raises(InvalidPartConfig) as early:
        replace(VIEW, posts=(post(DEPLOYED, USD),))
    assert early.value.field == "posts[0].at"
    with pytest.raises(UnknownSymbol):
        VIEW.history().source("UNI")
    with pytest.raises(InvalidPartConfig):
        UnderlyingPrice(token_decimals=31)
