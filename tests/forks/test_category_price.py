"""The price source of an efficiency mode (v3.0.2) that answers 0: account data does without it, liquidation not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.mainnet_19471508 import MarketHandle, build, read_figures
from forks.aave_v3.reader import MarketReader
from forks.artifacts import aave_v36, decode_revert, hardhat_artifact
from forks.crash.venue import transaction
from forks.feeds import FeedControl, feed_code
from forks.node import Node
from protocol.aave_v3 import LiquidationCall, Revert, account_data, liquidation_call
from tests.forks.aave_actions import VARIABLE_RATE, account

pytestmark = pytest.mark.node

USER, LIQUIDATOR, ZERO_FEED = (to_checksum_address(account(n)) for n in (1, 2, 3))
RESERVES, EMODES, USERS_EMODE = 52, 55, 56
"""Storage slots of the Pool's mappings in v3.0.2."""


@dataclass(frozen=True, kw_only=True)
class InCategory:
    """A user with WETH against WETH in a category of both assets that takes the price of DAI for all of them."""

    node: Node
    handle: MarketHandle
    reader: MarketReader
    feeds: FeedControl
    weth: str
    dai: str


@pytest.fixture(scope="module")
def stage(anvil) -> Iterator[InCategory]:
    figures = read_figures()
    with Node.start(anvil, chain_id=figures.chain_id, timestamp=figures.timestamp + 60) as node:
        handle = build(node)
        weth, dai = (to_checksum_address(handle.reserves[name].asset) for name in ("WETH", "DAI"))
        node.write("anvil_dealERC20", USER, weth, hex(10**19))
        for artifact, target, call in [
            ("ERC20", weth, ("approve", handle.pool, 10**19)),
            ("Pool", handle.pool, ("supply", weth, 10**19, USER, 0)),
            ("Pool", handle.pool, ("borrow", weth, 8 * 10**18, VARIABLE_RATE, 0, USER)),
        ]:
            data = hardhat_artifact("@aave/core-v3", artifact).call(*call)
            assert node.send({"from": USER, "to": target, "data": data})["status"] == 1, call
        category = 6_900 | 7_000 << 16 | 10_100 << 32 | int(dai, 16) << 48
        write(node, handle.pool, EMODES, ("uint8", 1), category)
        write(node, handle.pool, USERS_EMODE, ("address", USER), 1)
        for asset in (weth, dai):
            slot = slot_of(RESERVES, ("address", asset))
            word = int(node.rpc.call("eth_getStorageAt", handle.pool, hex(slot), "latest"), 16)
            node.set_storage(handle.pool, slot, word | 1 << 168)
        node.set_code(ZERO_FEED, feed_code(node))
        node.set_storage(handle.oracle, 1, int(ZERO_FEED, 16))  # the fallback oracle
        yield InCategory(
            node=node,
            handle=handle,
            reader=MarketReader(node, handle.pool, revision="3.0.2"),
            feeds=FeedControl(node, handle.oracle, [weth, dai]),
            weth=weth,
            dai=dai,
        )


def slot_of(mapping: int, key: tuple[str, object]) -> int:
    return int.from_bytes(keccak(encode([key[0], "uint256"], [key[1], mapping])), "big")


def write(node: Node, contract: str, mapping: int, key: tuple[str, object], word: int) -> None:
    node.set_storage(contract, slot_of(mapping, key), word)


@pytest.mark.parametrize("source_base", [0, 5 * 10**8], ids=["answers 0", "answers 5 dollars"])
def test_the_model_takes_a_category_price_where_the_chain_does(stage: InCategory, source_base: int):
    with stage.node.anchor():
        stage.node.set_storage(stage.feeds.sources[stage.dai], 0, source_base)
        stage.node.mine()
        market, prices = stage.reader.market([USER, LIQUIDATOR]), stage.reader.prices()
        timestamp = int(stage.node.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        at = {"prices_base": prices, "timestamp": timestamp}
        ids = {reserve.symbol: reserve_id for reserve_id, reserve in market.reserves.items()}
        said = stage.reader.account_data([USER])[USER]

        assert market.emodes[1].price_source == stage.dai
        assert prices[ids["DAI"]] == source_base
        assert account_data(market, USER, **at) == said
        assert 0 < said.health_factor_wad < 10**18
        call = LiquidationCall(
            collateral_id=ids["WETH"],
            debt_id=ids["WETH"],
            borrower=USER,
            liquidator=LIQUIDATOR,
            debt_to_cover=10**18,
        )
        signature = "liquidationCall(address,address,address,uint256,bool)"
        arguments = (stage.weth, stage.weth, USER, 10**18, False)
        data = stage.node.revert_data(transaction(LIQUIDATOR, stage.handle.pool, signature, arguments))
        outcome = liquidation_call(market, call, **at)

        if source_base:  # the liquidator has nothing to pay with: that is how far the chain gets
            assert not isinstance(outcome, Revert)
            assert data is not None
            assert decode_revert(data, aave_v36().errors) != "Panic(0x12)"
        else:
            assert isinstance(outcome, Revert)
            assert data is not None
            assert outcome.name == decode_revert(data, aave_v36().errors) == "Panic(0x12)"
