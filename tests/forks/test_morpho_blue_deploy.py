"""The real Morpho Blue stands where it is deployed, and liquidates alike in process and on a node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from forks.aave_v3.deploy import SetupReverted
from forks.artifacts import morpho_blue
from forks.chain import Chain
from forks.morpho_blue.deploy import (
    FEE_RECIPIENT,
    Deployment,
    administrator,
    create_markets,
    deploy,
    fund,
    market_id,
    set_price,
)
from forks.morpho_blue.parameters import MarketParameters
from forks.node import Node
from tests.forks.own_blocks import NO_NAMES, OneBlockEach, refusal, told, word, words

WAD = 10**18
NOW = 1_700_000_000
A_DAY = 86_400
PRICE = 2_000 * 10 ** (36 + 6 - 18)
BORROWER, LENDER = "0x" + "b0" * 20, "0x" + "11" * 20
LIQUIDATE = "Liquidate(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)"
WETH = MarketParameters(
    loan="USDC", collateral="WETH", lltv_wad=86 * WAD // 100, oracle_price=PRICE, fee_wad=WAD // 10
)
PARAMETERS = (
    WETH,
    replace(WETH, irm="IrmMock", lltv_wad=WAD // 100),
    replace(WETH, loan="DAI", irm=None, lltv_wad=0, oracle_price=0, fee_wad=0),
)


@pytest.fixture
def in_process() -> OneBlockEach:
    pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")
    return OneBlockEach(timestamp=NOW)


@pytest.fixture
def on_a_node(anvil: Path) -> Iterator[Node]:
    with Node.start(anvil, timestamp=NOW) as node:
        yield node


class Venue:
    """Morpho on one chain, called by name, which reverts with strings."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.deployment: Deployment = deploy(chain, PARAMETERS)
        self.morpho = morpho_blue()["Morpho"]

    def send(self, sender: str, function: str, *arguments: Any) -> Any:
        """Call a function of Morpho that may not be refused."""
        data = self.morpho.call(function, *arguments)
        receipt = self.chain.send({"from": sender, "to": self.deployment.morpho, "data": data})
        assert receipt["status"] == 1, self.refusal(sender, function, *arguments)
        return receipt

    def refusal(self, sender: str, function: str, *arguments: Any) -> str:
        """With which words it would refuse; empty if it would not."""
        data = self.morpho.call(function, *arguments)
        return refusal(self.chain, NO_NAMES, sender, self.deployment.morpho, data)

    def borrow(self, number: int = 0) -> None:
        """The lender lends 1,000,000 USDC; the borrower takes 800,000 of them for 500 WETH; days go by."""
        params = self.deployment.markets[number].params
        fund(self.chain, self.deployment, "USDC", LENDER, 10**13)
        fund(self.chain, self.deployment, "WETH", BORROWER, 10**24)
        self.send(LENDER, "supply", params, 10**12, 0, LENDER, b"")
        self.send(BORROWER, "supplyCollateral", params, 500 * WAD, BORROWER, b"")
        self.send(BORROWER, "borrow", params, 8 * 10**11, 0, BORROWER, BORROWER)
        self.chain.set_time(NOW + 100 * A_DAY)

    def liquidate(self, seized_assets: int, repaid_shares: int) -> tuple[int, ...]:
        """Liquidate; the five amounts that the event tells."""
        params = self.deployment.markets[0].params
        receipt = self.send(LENDER, "liquidate", params, BORROWER, seized_assets, repaid_shares, b"")
        (amounts,) = told(receipt, LIQUIDATE, *["uint256"] * 5)
        return amounts

    def stored(self) -> list[tuple[int, ...]]:
        """The market, the positions of all and the rate at target."""
        market = self.deployment.markets[0].market_id
        morpho = self.deployment.morpho
        positions = [
            words(self.chain, morpho, "position(bytes32,address)", market, user)
            for user in (BORROWER, LENDER, FEE_RECIPIENT)
        ]
        irm = self.deployment.irms["AdaptiveCurveIrm"]
        rate = words(self.chain, irm, "rateAtTarget(bytes32)", market)
        return [words(self.chain, morpho, "market(bytes32)", market), *positions, rate]


def divided_up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def test_a_fresh_market_reads_back_as_it_was_created(in_process: OneBlockEach):
    deployment = Venue(in_process).deployment
    for one, at in zip(PARAMETERS, deployment.markets, strict=True):
        params = words(in_process, deployment.morpho, "idToMarketParams(bytes32)", at.market_id)
        stored = words(in_process, deployment.morpho, "market(bytes32)", at.market_id)
        assert params[4] == one.lltv_wad == at.lltv_wad
        assert params[:4] == tuple(int(address, 16) for address in at.params[:4])
        assert stored == (0, 0, 0, 0, NOW, one.fee_wad)
        assert word(in_process, at.oracle, "price()") == one.oracle_price
    irms = [at.irm for at in deployment.markets]
    assert irms == [deployment.irms[one.irm] for one in PARAMETERS]
    assert len(set(irms)) == 3


def test_a_market_is_the_hash_of_its_parameters(in_process: OneBlockEach):
    at = Venue(in_process).deployment.markets[0]
    types = ["(address,address,address,address,uint256)"]
    assert at.market_id == market_id(at.params) == keccak(encode(types, [at.params]))


def test_markets_can_be_created_beside_those_that_stand_and_forgotten_again(in_process: OneBlockEach):
    venue = Venue(in_process)
    admin = administrator(in_process)
    for _ in range(2):
        with in_process.anchor():
            grown = create_markets(in_process, admin, venue.deployment, [replace(WETH, lltv_wad=WAD - 1)])
            params = grown.markets[-1].params
            assert len(grown.markets) == 4
            assert grown.markets[:3] == venue.deployment.markets
            assert venue.refusal(LENDER, "accrueInterest", params) == ""
        assert venue.refusal(LENDER, "accrueInterest", params) == "market not created"


def test_a_fee_above_a_quarter_stops_the_deployment(in_process: OneBlockEach):
    with pytest.raises(SetupReverted, match="max fee exceeded"):
        deploy(in_process, [replace(WETH, fee_wad=WAD // 4 + 1)])


@pytest.mark.node
def test_a_node_and_this_process_say_the_same_of_a_liquidation(in_process: OneBlockEach, on_a_node: Node):
    found: list[list[Any]] = []
    for chain in (in_process, on_a_node):
        venue = Venue(chain)
        venue.borrow()
        set_price(chain, venue.deployment.markets[0], PRICE * 8 // 10)
        part = venue.liquidate(100 * WAD, 0)
        before = venue.stored()
        rest = venue.liquidate(400 * WAD, 0)
        found.append([part, before, rest, venue.stored()])
    assert found[0] == found[1]


def test_what_the_collateral_does_not_pay_for_is_charged_to_the_lenders_at_once(in_process: OneBlockEach):
    venue = Venue(in_process)
    venue.borrow()
    set_price(in_process, venue.deployment.markets[0], PRICE // 2)
    repaid, repaid_shares, seized, bad_debt, bad_debt_shares = venue.liquidate(500 * WAD, 0)
    (supplied, _, borrowed, borrow_shares, *_), position, *_ = venue.stored()

    incentive = WAD * WAD // (WAD - 3 * WAD // 10 * (WAD - WETH.lltv_wad) // WAD)
    owed, shares = repaid + bad_debt + 1, 8 * 10**11 * 10**6 + 10**6
    worth = divided_up(divided_up(seized * (PRICE // 2), 10**36) * WAD, incentive)
    assert repaid_shares == divided_up(worth * shares, owed)
    assert repaid == divided_up(repaid_shares * owed, shares)
    assert seized == 500 * WAD
    assert bad_debt > 0
    assert (borrowed, borrow_shares, position[1:]) == (0, 0, (0, 0))
    interest = repaid + bad_debt - 8 * 10**11
    assert interest > 0
    assert supplied == 10**12 + interest - bad_debt
    assert repaid_shares + bad_debt_shares == 8 * 10**11 * 10**6


def test_refusals_are_the_words_of_the_contract(in_process: OneBlockEach):
    venue = Venue(in_process)
    venue.borrow()
    params = venue.deployment.markets[0].params
    arguments = (params, BORROWER)

    assert venue.refusal(LENDER, "liquidate", *arguments, WAD, 0, b"") == "position is healthy"
    assert venue.refusal(LENDER, "liquidate", *arguments, WAD, 1, b"") == "inconsistent input"
    set_price(in_process, venue.deployment.markets[0], PRICE // 2)
    assert venue.refusal(LENDER, "liquidate", *arguments, 501 * WAD, 0, b"") == "Panic(0x11)"
    withdraw = (params, WAD, BORROWER, BORROWER)
    assert venue.refusal(BORROWER, "withdrawCollateral", *withdraw) == "insufficient collateral"


@pytest.mark.parametrize("number", [0, 1])
def test_both_rate_models_make_debt_grow(in_process: OneBlockEach, number: int):
    venue = Venue(in_process)
    at = venue.deployment.markets[number]
    fund(in_process, venue.deployment, "USDC", LENDER, 10**13)
    fund(in_process, venue.deployment, "WETH", BORROWER, 10**40)
    venue.send(LENDER, "supply", at.params, 10**12, 0, LENDER, b"")
    venue.send(BORROWER, "supplyCollateral", at.params, 2**120, BORROWER, b"")
    venue.send(BORROWER, "borrow", at.params, 9 * 10**11, 0, BORROWER, BORROWER)
    in_process.set_time(NOW + 10 * A_DAY)
    venue.send(LENDER, "accrueInterest", at.params)

    borrowed = words(in_process, venue.deployment.morpho, "market(bytes32)", at.market_id)[2]
    assert borrowed > 9 * 10**11


def test_the_interface_of_the_singleton_has_the_events_that_its_library_emits():
    events = {entry["name"] for entry in morpho_blue()["Morpho"].abi if entry["type"] == "event"}
    assert {"Liquidate", "Borrow", "Repay", "Supply", "AccrueInterest", "CreateMarket"} <= events
