"""The oracle sees what we say, and only what it could see of a real feed."""

from contextlib import contextmanager

import pytest
from eth_utils.address import to_checksum_address

from forks.aave_v3.deploy import ADMIN, deploy
from forks.aave_v3.mainnet_19471508 import build, read_figures
from forks.aave_v3.parameters import load_parameters
from forks.aave_v3.reader import MarketReader, PriceUnavailable
from forks.crash.venue import transaction
from forks.feeds import (
    _SOURCES_SLOT,
    FIXED_FEED,
    FIXED_FEED_BEFORE_SHANGHAI,
    AssetNotControlled,
    FeedControl,
    NoPriceSource,
    PriceNotPositive,
    SourceNotMovable,
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
    return list(MarketReader(node, deployment.pool).prices().values())


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
            prices(deployed)
        FeedControl(node, deployment.oracle, [weth]).set_price(weth, 5)
        assert prices(deployed)[0] == 5


@contextmanager
def sharing(node, oracle, admin, keeps, moves):
    """The source of `keeps`, which `moves` reads too meanwhile."""
    with node.anchor():
        source = FeedControl(node, oracle, [keeps]).sources[keeps]
        call = transaction(admin, oracle, "setAssetSources(address[],address[])", ([moves], [source]))
        assert node.send(call)["status"] == 1
        yield source


@pytest.mark.parametrize("slot", [_SOURCES_SLOT, 77], ids=["by its storage", "as its admin"])
def test_assets_that_share_a_source_are_told_and_get_a_feed_each(deployed, monkeypatch, slot):
    monkeypatch.setattr("forks.feeds._SOURCES_SLOT", slot)
    node, deployment = deployed
    usdc, usdt = deployment.tokens["USDC"], deployment.tokens["USDT"]
    with sharing(node, deployment.oracle, ADMIN, usdc, usdt) as source:
        shown = prices(deployed)
        feeds = FeedControl(node, deployment.oracle, [usdc, usdt])

        assert shown[8] == shown[3] == RECORDED[3]
        assert feeds.shared == {source: (usdc, usdt)}
        assert prices(deployed) == shown
        feeds.set_price(usdc, 7)
        feeds.set_price(usdt, 8)
        assert (prices(deployed)[3], prices(deployed)[8]) == (7, 8)
        assert FeedControl(node, deployment.oracle, [usdc, usdt]).shared == {}


def test_an_oracle_that_lets_no_source_be_changed_is_named(deployed, monkeypatch):
    monkeypatch.setattr("forks.feeds._SOURCES_SLOT", 77)
    node, deployment = deployed
    usdc, usdt = deployment.tokens["USDC"], deployment.tokens["USDT"]
    with sharing(node, deployment.oracle, ADMIN, usdc, usdt) as source:
        for removal in ("removeAssetListingAdmin(address)", "removePoolAdmin(address)"):
            assert node.send(transaction(ADMIN, deployment.acl, removal, (ADMIN,)))["status"] == 1

        with pytest.raises(SourceNotMovable, match=source) as error:
            FeedControl(node, deployment.oracle, [usdc, usdt])

    assert error.value.asset == usdc


@pytest.mark.parametrize("slot", [_SOURCES_SLOT, 77], ids=["by its storage", "as its admin"])
def test_assets_of_v302_that_share_a_source_get_a_feed_each(anvil, monkeypatch, slot):
    monkeypatch.setattr("forks.feeds._SOURCES_SLOT", slot)
    figures = read_figures()
    with Node.start(anvil, chain_id=figures.chain_id, timestamp=figures.timestamp + 60) as node:
        handle = build(node)
        weth, dai = (to_checksum_address(handle.reserves[name].asset) for name in ("WETH", "DAI"))
        with sharing(node, handle.oracle, figures.acl_admin, weth, dai) as source:
            feeds = FeedControl(node, handle.oracle, [weth, dai])
            feeds.set_price(weth, 7)
            feeds.set_price(dai, 8)
            reader = MarketReader(node, handle.pool, revision="3.0.2")

            assert feeds.shared == {source: (weth, dai)}
            assert sorted(reader.prices().values()) == [7, 8]


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
