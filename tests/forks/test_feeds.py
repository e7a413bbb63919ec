"""The oracle sees what we say, and only what it could see of a real feed."""

import pytest

from forks.aave_v3.deploy import ADMIN, deploy
from forks.aave_v3.parameters import load_parameters
from forks.aave_v3.reader import PriceUnavailable, read_prices
from forks.feeds import (
    FIXED_FEED,
    FIXED_FEED_BEFORE_SHANGHAI,
    AssetNotControlled,
    FeedControl,
    NoPriceSource,
    PriceNotPositive,
    feed_code,
)
from forks.node import Node
from tests.forks.aave_actions import account

pytestmark = pytest.mark.node

RECORDED = [one.price_base for one in load_parameters().reserves]


@pytest.fixture(scope="module")
def deployed(anvil):
    with Node.start(anvil) as node:
        yield node, deploy(node)


@pytest.fixture
def feeds(deployed):
    node, deployment = deployed
    with node.anchor():
        yield FeedControl(node, deployment.oracle, deployment.tokens.values())


def prices(deployed):
    node, deployment = deployed
    return list(read_prices(node, deployment.pool).values())


def test_taking_the_feeds_over_moves_no_price(deployed, feeds):
    assert prices(deployed) == RECORDED
    assert feeds.shared == {}


def test_a_price_set_is_the_price_seen_and_the_others_stay(deployed, feeds):
    feeds.set_price(deployed[1].tokens["WBTC"], 1)

    assert prices(deployed) == [1 if place == 2 else price for place, price in enumerate(RECORDED)]


@pytest.mark.parametrize("price_base", [0, -1])
def test_a_price_that_is_not_positive_is_refused_and_changes_nothing(deployed, feeds, price_base):
    with pytest.raises(PriceNotPositive, match=str(price_base)):
        feeds.set_price(deployed[1].tokens["WBTC"], price_base)
    assert prices(deployed) == RECORDED


def test_an_asset_that_was_not_named_is_refused(deployed):
    node, deployment = deployed
    weth, wsteth, *_ = deployment.tokens.values()
    with node.anchor():
        feeds = FeedControl(node, deployment.oracle, [weth])
        with pytest.raises(AssetNotControlled, match=wsteth):
            feeds.set_price(wsteth, 1)


def test_an_asset_without_a_source_is_named(deployed):
    node, deployment = deployed
    with pytest.raises(NoPriceSource, match=deployment.pool):
        FeedControl(node, deployment.oracle, [deployment.pool])


def test_a_source_that_answers_nothing_is_named_and_can_be_taken_over(deployed):
    node, deployment = deployed
    weth = deployment.tokens["WETH"]
    with node.anchor():
        source = FeedControl(node, deployment.oracle, [weth]).sources[weth]
        node.set_storage(source, 0, 0)
        with pytest.raises(PriceUnavailable, match="WETH"):
            read_prices(node, deployment.pool)
        FeedControl(node, deployment.oracle, [weth]).set_price(weth, 5)
        assert prices(deployed)[0] == 5


def test_assets_that_share_a_source_are_told(deployed):
    node, deployment = deployed
    usdc, usdt = deployment.tokens["USDC"], deployment.tokens["USDT"]
    with node.anchor():
        apart = FeedControl(node, deployment.oracle, [usdc, usdt])
        selector = bytes.fromhex("abfd5310")  # setAssetSources(address[],address[])
        words = [0x40, 0x80, 1, int(usdt, 16), 1, int(apart.sources[usdc], 16)]
        data = selector + b"".join(word.to_bytes(32, "big") for word in words)
        assert node.send({"from": ADMIN, "to": deployment.oracle, "data": data})["status"] == 1
        together = FeedControl(node, deployment.oracle, [usdc, usdt])
        together.set_price(usdc, 7)

        assert together.shared == {apart.sources[usdc]: (usdc, usdt)}
        assert prices(deployed)[8] == prices(deployed)[3] == 7


@pytest.mark.parametrize(
    ("hardfork", "code"),
    [("london", FIXED_FEED_BEFORE_SHANGHAI), ("paris", FIXED_FEED_BEFORE_SHANGHAI), ("shanghai", FIXED_FEED)],
)
def test_the_feed_runs_under_the_rules_of_the_node(anvil, hardfork, code):
    with Node.start(anvil, hardfork=hardfork) as node:
        feed = account(1)
        node.set_code(feed, feed_code(node))
        node.set_storage(feed, 0, 42)

        assert feed_code(node) == code
        assert int(node.rpc.call("eth_call", {"to": feed, "data": "0x50d25bcd"}, "latest"), 16) == 42
