"""A Morpho Blue market is read as it is stored, by its id, and no market is read that the rules do not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from forks.aave_v3.getters import NotAMarket
from forks.artifacts import morpho_blue
from forks.chain import Chain
from forks.morpho_blue.deploy import FEE_RECIPIENT, Deployment, deploy, fund, set_price
from forks.morpho_blue.parameters import MarketParameters
from forks.morpho_blue.reader import MarketReader, NoSuchMarket, UnknownRateModel, read_addresses
from forks.node import Node
from protocol.morpho_blue import (
    Account,
    Acted,
    AdaptiveCurve,
    Market,
    UtilizationOver365Days,
    accrue_interest,
)
from tests.forks.own_blocks import OneBlockEach

WAD = 10**18
NOW = 1_700_000_000
BORROWER, LENDER = (to_checksum_address("0x" + digits * 20) for digits in ("b0", "11"))
WETH = MarketParameters(
    loan="USDC", collateral="WETH", lltv_wad=86 * WAD // 100, oracle_price=2 * 10**36, fee_wad=WAD // 10
)
PARAMETERS = (WETH, replace(WETH, irm="IrmMock", fee_wad=0), replace(WETH, irm=None, fee_wad=0))


@pytest.fixture
def in_process() -> OneBlockEach:
    pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")
    return OneBlockEach(timestamp=NOW)


@pytest.fixture
def on_a_node(anvil: Path) -> Iterator[Node]:
    with Node.start(anvil, timestamp=NOW) as node:
        yield node


def lent(chain: Chain) -> Deployment:
    """Three markets, each with a supply of 1,000,000 units and a debt of 900,000 that is a day old."""
    deployment, morpho = deploy(chain, PARAMETERS), morpho_blue()["Morpho"]
    fund(chain, deployment, "USDC", LENDER, 10**13)
    fund(chain, deployment, "WETH", BORROWER, 10**13)
    for market in deployment.markets:
        for sender, function, *arguments in (
            (LENDER, "supply", 10**6, 0, LENDER, b""),
            (BORROWER, "supplyCollateral", 10**6, BORROWER, b""),
            (BORROWER, "borrow", 9 * 10**5, 0, BORROWER, BORROWER),
        ):
            data = morpho.call(function, market.params, *arguments)
            assert chain.send({"from": sender, "to": deployment.morpho, "data": data})["status"] == 1
    chain.set_time(NOW + 86_400)
    return deployment


def accrued(chain: Chain, deployment: Deployment) -> None:
    """Interest of the first market is accrued, which gives the fee recipient shares."""
    data = morpho_blue()["Morpho"].call("accrueInterest", deployment.markets[0].params)
    assert chain.send({"from": LENDER, "to": deployment.morpho, "data": data})["status"] == 1


def readers(chain: Chain, deployment: Deployment) -> list[MarketReader]:
    mock = deployment.irms["IrmMock"]
    return [MarketReader(chain, deployment.morpho, market, mock_irm=mock) for market in deployment.markets]


def read(chain: Chain) -> list[Market]:
    """The markets as lent, then the first as accrued."""
    deployment = lent(chain)
    asked = readers(chain, deployment)
    found = [reader.market([LENDER, BORROWER.lower()]) for reader in asked]
    accrued(chain, deployment)
    return [*found, asked[0].market([LENDER, BORROWER])]


def test_a_market_is_what_was_done_to_it(in_process: OneBlockEach):
    adaptive, mock, without, after = read(in_process)

    for market in (adaptive, mock, without):
        assert (market.total_supply.assets, market.total_supply.shares) == (10**6, 10**12)
        assert (market.total_borrow.assets, market.total_borrow.shares) == (9 * 10**5, 9 * 10**11)
        assert market.last_update_timestamp == NOW
        assert market.accounts == {
            LENDER: Account(supply_shares=10**12),
            BORROWER: Account(borrow_shares=9 * 10**11, collateral=10**6),
        }
    assert adaptive.irm == AdaptiveCurve(rate_at_target_per_second_wad=4 * WAD // 100 // (365 * 86_400))
    assert (mock.irm, without.irm) == (UtilizationOver365Days(), None)
    assert adaptive.fee_wad == WAD // 10
    assert Acted(market=after) == accrue_interest(adaptive, timestamp=NOW + 86_400)
    assert after.accounts[FEE_RECIPIENT].supply_shares > 0


@pytest.mark.node
def test_a_node_and_this_process_are_read_alike(in_process: OneBlockEach, on_a_node: Node):
    assert read(in_process) == read(on_a_node)


def test_a_market_is_found_by_its_id(in_process: OneBlockEach):
    deployment = lent(in_process)
    for market in deployment.markets:
        assert read_addresses(in_process, deployment.morpho, market.market_id) == market
    with pytest.raises(NoSuchMarket, match="give the hash"):
        read_addresses(in_process, deployment.morpho, bytes(32))
    with pytest.raises(NotAMarket, match="idToMarketParams"):
        read_addresses(in_process, LENDER, bytes(32))


def test_the_price_is_what_the_oracle_answers(in_process: OneBlockEach):
    deployment = lent(in_process)
    reader = readers(in_process, deployment)[0]

    assert reader.price() == 2 * 10**36
    set_price(in_process, deployment.markets[0], 7)
    assert reader.price() == 7
    at = replace(deployment.markets[0], oracle=deployment.tokens["USDC"])
    assert MarketReader(in_process, deployment.morpho, at).price() is None


def test_a_rate_model_that_is_not_known_is_refused(in_process: OneBlockEach):
    deployment = lent(in_process)
    with pytest.raises(UnknownRateModel, match="choose a market"):
        MarketReader(in_process, deployment.morpho, deployment.markets[1])
    of_another = replace(deployment.markets[0], irm=irm_of_another(in_process))
    with pytest.raises(UnknownRateModel):
        MarketReader(in_process, deployment.morpho, of_another)


def irm_of_another(chain: Chain) -> str:
    """An AdaptiveCurveIrm that works for somebody else."""
    data = morpho_blue()["AdaptiveCurveIrm"].creation(LENDER)
    return chain.send({"from": BORROWER, "data": data})["contractAddress"]
