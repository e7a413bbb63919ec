"""Markets of Compound v2 are read as they are stored, in process and on a node, by the rules of their release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from forks.aave_v3.getters import NotAMarket
from forks.chain import Chain
from forks.compound_v2.deploy import Deployment, deploy, fund, set_price
from forks.compound_v2.parameters import DaiRate, JumpRate, MarketParameters, PoolParameters, WhitePaperRate
from forks.compound_v2.reader import MarketReader, UnknownRateModel, WrongRelease
from forks.node import Node
from protocol.compound_v2 import (
    Account,
    Acted,
    Market,
    Position,
    TransferFee,
    accrue_interest,
    dai_v3,
    jump_rate_v2,
    white_paper,
)
from protocol.units import MAX_UINT256
from tests.forks.own_blocks import OneBlockEach, send

WAD = 10**18
NOW = 1_700_000_000
BORROWER, LENDER = (to_checksum_address("0x" + digits * 20) for digits in ("b0", "11"))
JUMP = {
    "base_rate_mantissa": WAD // 50,
    "multiplier_mantissa": WAD // 5,
    "jump_multiplier_mantissa": 2 * WAD,
    "kink_mantissa": 8 * WAD // 10,
}
WHITE_PAPER = WhitePaperRate(base_rate_mantissa=WAD // 50, multiplier_mantissa=WAD // 10)
MAKER = DaiRate(jump_multiplier_mantissa=WAD, kink_mantissa=8 * WAD // 10, dsr_ray=10**27, duty_ray=10**27)
ETH = MarketParameters(
    symbol="ETH",
    decimals=18,
    collateral_factor_mantissa=75 * WAD // 100,
    reserve_factor_mantissa=WAD // 10,
    rate_model=WHITE_PAPER,
    initial_exchange_rate_mantissa=2 * 10**26,
    price_mantissa=2_000 * WAD,
    contract="CEther",
)
USDC = replace(
    ETH,
    symbol="USDC",
    decimals=6,
    rate_model=JumpRate(**JUMP),
    initial_exchange_rate_mantissa=2 * 10**14,
    price_mantissa=10**30,
    contract="CErc20Delegator",
)
DAI = replace(USDC, symbol="DAI", decimals=18, rate_model=MAKER, contract="CErc20Immutable")
GUSD = replace(USDC, symbol="GUSD", decimals=2, transfer_fee_bps=37, contract="CErc20Immutable")
PARAMETERS = PoolParameters(
    close_factor_mantissa=WAD // 2,
    liquidation_incentive_mantissa=108 * WAD // 100,
    markets=(ETH, replace(USDC, borrow_cap_underlying=10**14), DAI, GUSD),
)
UNCAPPED = replace(PARAMETERS, markets=(ETH, USDC, DAI, GUSD))


@pytest.fixture
def in_process() -> OneBlockEach:
    pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")
    return OneBlockEach(timestamp=NOW)


@pytest.fixture
def on_a_node(anvil: Path) -> Iterator[Node]:
    with Node.start(anvil, timestamp=NOW) as node:
        yield node


def lent(chain: Chain, parameters: PoolParameters = PARAMETERS) -> Deployment:
    """The lender supplies 1,000 USDC, of which the borrower takes 700 for an ether."""
    deployment = deploy(chain, parameters)
    eth, usdc = (deployment.markets[symbol].ctoken for symbol in ("ETH", "USDC"))
    fund(chain, deployment, "USDC", LENDER, 10**9)
    fund(chain, deployment, "ETH", BORROWER, 10 * WAD)
    send(chain, LENDER, usdc, "mint(uint256)", 10**9)
    send(chain, BORROWER, eth, "mint()", value=WAD)
    send(chain, BORROWER, deployment.comptroller, "enterMarkets(address[])", [eth, usdc])
    send(chain, BORROWER, usdc, "borrow(uint256)", 7 * 10**8)
    return deployment


def read(chain: Chain) -> list[Market]:
    """The markets as lent, and then with interest in that of USDC."""
    deployment = lent(chain)
    reader = MarketReader(chain, deployment.comptroller)
    before = reader.market([LENDER, BORROWER.lower()])
    send(chain, LENDER, deployment.markets["USDC"].ctoken, "accrueInterest()")
    return [before, reader.market([LENDER, BORROWER])]


def unplaced(market: Market) -> Market:
    """The market without what depends on where it stands: addresses, and the block at which the chain began."""
    first = market.ctokens[0].accrual_block_number
    ctokens = {
        id_: replace(one, address="", underlying="", accrual_block_number=one.accrual_block_number - first)
        for id_, one in market.ctokens.items()
    }
    return replace(market, ctokens=ctokens)


def test_markets_are_what_was_done_to_them(in_process: OneBlockEach):
    before, after = read(in_process)
    eth, usdc, dai, gusd = before.ctokens.values()

    assert before.close_factor_mantissa == WAD // 2
    assert before.liquidation_incentive_mantissa == 108 * WAD // 100
    assert [one.symbol for one in before.ctokens.values()] == ["cETH", "cUSDC", "cDAI", "cGUSD"]
    assert (eth.is_ether, eth.underlying, usdc.is_ether) == (True, "", False)
    assert (eth.cash_underlying, usdc.cash_underlying) == (WAD, 3 * 10**8)
    assert (usdc.config.borrow_cap_underlying, usdc.config.listed) == (10**14, True)
    assert gusd.transfer_fee == TransferFee(share_bps=37, maximum_underlying=MAX_UINT256)
    assert [one.config.initial_exchange_rate_mantissa for one in (eth, usdc)] == [2 * 10**26, 2 * 10**14]
    loan = Position(
        borrow_principal_underlying=7 * 10**8, borrow_interest_index_mantissa=usdc.borrow_index_mantissa
    )
    assert before.accounts == {
        LENDER: Account(positions={1: Position(ctokens=5 * 10**12)}),
        BORROWER: Account(positions={0: Position(ctokens=5 * 10**9), 1: loan}, entered=(0, 1)),
    }
    block_number = after.ctokens[1].accrual_block_number
    assert Acted(market=after) == accrue_interest(before, 1, block_number=block_number)
    assert dai.total_supply_ctokens == 0


def test_rate_models_are_read_as_their_constructors_left_them(in_process: OneBlockEach):
    eth, usdc, dai, _ = (one.rate_model for one in read(in_process)[0].ctokens.values())

    per_year = {f"{name.removesuffix('_mantissa')}_per_year_mantissa": rate for name, rate in JUMP.items()}
    kink_mantissa = per_year.pop("kink_per_year_mantissa")
    assert usdc == jump_rate_v2(**per_year, kink_mantissa=kink_mantissa)
    assert eth == white_paper(base_rate_per_year_mantissa=WAD // 50, multiplier_per_year_mantissa=WAD // 10)
    assert dai == dai_v3(
        dsr_per_second_ray=10**27,
        stability_fee_per_second_ray=10**27,
        gap_per_year_mantissa=4 * WAD // 100,
        jump_multiplier_per_year_mantissa=WAD,
        kink_mantissa=8 * WAD // 10,
    )


@pytest.mark.node
def test_a_node_and_this_process_are_read_alike(in_process: OneBlockEach, on_a_node: Node):
    assert [unplaced(market) for market in read(in_process)] == [
        unplaced(market) for market in read(on_a_node)
    ]


def test_prices_are_what_the_oracle_answers(in_process: OneBlockEach):
    deployment = lent(in_process)
    set_price(in_process, deployment, "DAI", 7)

    found = MarketReader(in_process, deployment.comptroller).prices()

    assert found == {0: 2_000 * WAD, 1: 10**30, 2: 7, 3: 10**30}


@pytest.mark.parametrize(
    ("generation", "release", "other"),
    [("Comptroller", "2.9", "G7"), ("ComptrollerG5", "G5", "2.9"), ("ComptrollerG2", "G2", "G5")],
)
def test_a_release_that_the_comptroller_is_not_of_is_refused(
    in_process: OneBlockEach, generation: str, release: str, other: str
):
    deployment = lent(in_process, replace(UNCAPPED, comptroller=generation))
    ctokens = [one.ctoken for one in deployment.markets.values()]

    found = MarketReader(in_process, deployment.comptroller, ctokens=ctokens, release=release).market()
    assert found.rules.release == release
    with pytest.raises(WrongRelease, match="name the release"):
        MarketReader(in_process, deployment.comptroller, ctokens=ctokens, release=other)


def test_a_release_that_a_ctoken_is_not_of_is_refused(in_process: OneBlockEach):
    deployment = lent(in_process)
    older = {deployment.markets["USDC"].ctoken: "2.6"}

    with pytest.raises(WrongRelease, match="protocolSeizeShareMantissa is 28000000000000000"):
        MarketReader(in_process, deployment.comptroller, ctoken_releases=older)


def test_what_is_no_comptroller_is_refused(in_process: OneBlockEach):
    with pytest.raises(NotAMarket, match="getAllMarkets"):
        MarketReader(in_process, LENDER)


def test_a_rate_model_that_tells_no_rates_is_refused(in_process: OneBlockEach):
    deployment = lent(in_process)
    reader = MarketReader(in_process, deployment.comptroller)
    model_slot = 6
    in_process.set_storage(deployment.markets["DAI"].ctoken, model_slot, int(LENDER, 16))

    with pytest.raises(UnknownRateModel, match="tells no rates per block"):
        reader.market()
