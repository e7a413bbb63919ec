"""The real Compound v2 stands where it is deployed, and liquidates alike in process and on a node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from forks.aave_v3.deploy import SetupReverted
from forks.calldata import calldata
from forks.chain import Chain
from forks.compound_v2.deploy import Deployment, deploy, fund, set_price
from forks.compound_v2.failures import ether_refusal, failures
from forks.compound_v2.parameters import (
    DaiRate,
    JumpRate,
    MarketParameters,
    PoolParameters,
    WhitePaperRate,
)
from forks.node import Node
from forks.toolchain import npm_package
from protocol.compound_v2 import reporter
from tests.forks.own_blocks import NO_NAMES, OneBlockEach, refusal, send, told, word, words

WAD = 10**18
NOW = 1_700_000_000
BLOCKS_A_YEAR = 2_102_400
BORROWER, LENDER = "0x" + "b0" * 20, "0x" + "11" * 20
LIQUIDATE = "LiquidateBorrow(address,address,uint256,address,uint256)"
CODES = {
    ("TokenErrorReporter", "Error"): reporter.TokenError,
    ("TokenErrorReporter", "FailureInfo"): reporter.FailureInfo,
    ("ComptrollerErrorReporter", "Error"): reporter.ComptrollerError,
    ("ComptrollerErrorReporter", "FailureInfo"): reporter.ComptrollerFailureInfo,
}


def market(symbol: str, decimals: int, **fields: Any) -> MarketParameters:
    curve = JumpRate(
        base_rate_mantissa=2 * WAD // 100,
        multiplier_mantissa=20 * WAD // 100,
        jump_multiplier_mantissa=2 * WAD,
        kink_mantissa=80 * WAD // 100,
    )
    defaults: dict[str, Any] = {
        "collateral_factor_mantissa": 75 * WAD // 100,
        "reserve_factor_mantissa": 10 * WAD // 100,
        "rate_model": curve,
        "initial_exchange_rate_mantissa": 2 * 10 ** (8 + decimals),
        "price_mantissa": 10 ** (36 - decimals),
    }
    return MarketParameters(symbol=symbol, decimals=decimals, **{**defaults, **fields})


MAKER = DaiRate(
    jump_multiplier_mantissa=WAD,
    kink_mantissa=80 * WAD // 100,
    dsr_ray=10**27 + 10**18,
    duty_ray=10**27 + 3 * 10**18,
    base_ray=10**17,
)
PARAMETERS = PoolParameters(
    close_factor_mantissa=50 * WAD // 100,
    liquidation_incentive_mantissa=108 * WAD // 100,
    markets=(
        market(
            "ETH",
            18,
            contract="CEther",
            price_mantissa=2_000 * WAD,
            rate_model=WhitePaperRate(base_rate_mantissa=WAD // 50, multiplier_mantissa=WAD // 10),
        ),
        market("USDC", 6, contract="CErc20Delegator", borrow_cap_underlying=10**14),
        market("DAI", 18, rate_model=MAKER),
        market("GUSD", 2, transfer_fee_bps=100),
    ),
)


@pytest.fixture
def in_process() -> OneBlockEach:
    pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")
    return OneBlockEach(timestamp=NOW)


@pytest.fixture
def on_a_node(anvil: Path) -> Iterator[Node]:
    with Node.start(anvil, timestamp=NOW) as node:
        yield node


def supply_and_borrow(chain: OneBlockEach | Node, deployment: Deployment) -> None:
    """The lender lends 1,000,000 USDC; the borrower takes 700,000 of them for 500 ether; blocks go by."""
    eth, usdc = (deployment.markets[symbol].ctoken for symbol in ("ETH", "USDC"))
    fund(chain, deployment, "USDC", LENDER, 10**13)
    fund(chain, deployment, "ETH", BORROWER, 1_000 * WAD)
    send(chain, LENDER, usdc, "mint(uint256)", 10**12)
    send(chain, BORROWER, eth, "mint()", value=500 * WAD)
    send(chain, BORROWER, deployment.comptroller, "enterMarkets(address[])", [eth])
    assert failures(send(chain, BORROWER, usdc, "borrow(uint256)", 7 * 10**11)) == []
    chain.mine(100)


def crash_and_liquidate(chain: Chain, deployment: Deployment) -> list[tuple[Any, ...]]:
    """Ether falls to 1,500 USD and half of the debt is repaid; what the event tells."""
    eth, usdc = (deployment.markets[symbol].ctoken for symbol in ("ETH", "USDC"))
    set_price(chain, deployment, "ETH", 1_500 * WAD)
    call = "liquidateBorrow(address,uint256,address)"
    receipt = send(chain, LENDER, usdc, call, BORROWER, 35 * 10**10, eth)
    assert failures(receipt) == []
    return told(receipt, LIQUIDATE, "address", "address", "uint256", "address", "uint256")


def test_a_fresh_pool_reads_back_as_it_was_listed(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    comptroller = deployment.comptroller
    assert word(in_process, comptroller, "closeFactorMantissa()") == PARAMETERS.close_factor_mantissa
    incentive = word(in_process, comptroller, "liquidationIncentiveMantissa()")
    assert incentive == PARAMETERS.liquidation_incentive_mantissa
    for one in PARAMETERS.markets:
        at = deployment.markets[one.symbol]
        listed, factor, _ = words(in_process, comptroller, "markets(address)", at.ctoken)
        price = word(in_process, deployment.oracle, "getUnderlyingPrice(address)", at.ctoken)
        assert (listed, factor, price) == (1, one.collateral_factor_mantissa, one.price_mantissa)
        assert word(in_process, at.ctoken, "reserveFactorMantissa()") == one.reserve_factor_mantissa
        rate = word(in_process, at.ctoken, "exchangeRateStored()")
        assert rate == one.initial_exchange_rate_mantissa
        assert word(in_process, at.ctoken, "interestRateModel()") == int(at.rate_model, 16)
        cap = word(in_process, comptroller, "borrowCaps(address)", at.ctoken)
        assert cap == one.borrow_cap_underlying
        for speed in ("compSupplySpeeds(address)", "compBorrowSpeeds(address)"):
            assert word(in_process, comptroller, speed, at.ctoken) == 0
        if at.underlying:
            assert word(in_process, at.underlying, "decimals()") == one.decimals


def test_every_rate_model_stores_what_its_parameters_say(in_process: OneBlockEach):
    at = deploy(in_process, PARAMETERS).markets
    eth, usdc, dai = (at[symbol].rate_model for symbol in ("ETH", "USDC", "DAI"))
    names = ("baseRatePerBlock()", "multiplierPerBlock()", "jumpMultiplierPerBlock()", "kink()")

    line = [word(in_process, eth, name) for name in names[:2]]
    assert line == [WAD // 50 // BLOCKS_A_YEAR, WAD // 10 // BLOCKS_A_YEAR]

    kink = 80 * WAD // 100
    assert [word(in_process, usdc, name) for name in names] == [
        2 * WAD // 100 // BLOCKS_A_YEAR,
        20 * WAD // 100 * WAD // (BLOCKS_A_YEAR * kink),
        2 * WAD // BLOCKS_A_YEAR,
        kink,
    ]
    base = (MAKER.dsr_ray - 10**27) // 10**9 * 15 * WAD // (95 * WAD // 100)
    fee = (MAKER.duty_ray + MAKER.base_ray - 10**27) * WAD // 10**27 * 15
    gap = 4 * 10**16 // BLOCKS_A_YEAR
    assert [word(in_process, dai, name) for name in names] == [
        base,
        (fee - base + gap) * WAD // kink,
        WAD // BLOCKS_A_YEAR,
        kink,
    ]


def test_the_first_jump_rate_model_does_not_ask_the_kink_for_its_slope(in_process: OneBlockEach):
    first = replace(PARAMETERS.markets[1].rate_model, version=1)
    one = replace(PARAMETERS.markets[1], rate_model=first)
    at = deploy(in_process, replace(PARAMETERS, markets=(one,))).markets["USDC"]

    slope = word(in_process, at.rate_model, "multiplierPerBlock()")
    assert slope == 20 * WAD // 100 // BLOCKS_A_YEAR


def stored(chain: Chain, deployment: Deployment) -> list[tuple[int, ...]]:
    """What every cToken stores of itself and of both users, and what these are worth."""
    totals = ("totalBorrows()", "totalReserves()", "totalSupply()", "borrowIndex()", "getCash()")
    at = [market.ctoken for market in deployment.markets.values()]
    of_user = [(one, "getAccountSnapshot(address)", user) for one in at for user in (BORROWER, LENDER)]
    liquidity = "getAccountLiquidity(address)"
    of_user += [(deployment.comptroller, liquidity, user) for user in (BORROWER, LENDER)]
    return [words(chain, one, total) for one in at for total in totals] + [
        words(chain, *question) for question in of_user
    ]


@pytest.mark.node
def test_a_node_and_this_process_say_the_same_of_a_liquidation(in_process: OneBlockEach, on_a_node: Node):
    found: list[list[Any]] = []
    for chain in (in_process, on_a_node):
        deployment = deploy(chain, PARAMETERS)
        supply_and_borrow(chain, deployment)
        ((_, _, repaid, _, seized),) = crash_and_liquidate(chain, deployment)
        found.append([repaid, seized, *stored(chain, deployment)])
        assert word(chain, deployment.markets["USDC"].ctoken, "totalReserves()") > 0
    assert found[0] == found[1]


def test_a_liquidation_seizes_what_the_prices_and_the_rate_say(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    supply_and_borrow(in_process, deployment)
    ((liquidator, borrower, repaid, collateral, seized),) = crash_and_liquidate(in_process, deployment)

    eth = deployment.markets["ETH"].ctoken
    rate = word(in_process, eth, "exchangeRateStored()")
    numerator = PARAMETERS.liquidation_incentive_mantissa * 10**30 // WAD
    ratio = numerator * WAD // (1_500 * WAD * rate // WAD)
    assert (liquidator, borrower, collateral) == (LENDER, BORROWER, eth.lower())
    assert (repaid, seized) == (35 * 10**10, ratio * repaid // WAD)
    to_protocol = seized * (28 * WAD // 1000) // WAD
    assert word(in_process, eth, "balanceOf(address)", LENDER) == seized - to_protocol


def test_a_refused_liquidation_is_a_failure_with_status_1(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    supply_and_borrow(in_process, deployment)
    eth, usdc = (deployment.markets[symbol].ctoken for symbol in ("ETH", "USDC"))
    call = "liquidateBorrow(address,uint256,address)"

    (healthy,) = failures(send(in_process, LENDER, usdc, call, BORROWER, 1, eth))
    set_price(in_process, deployment, "ETH", 0)
    (unpriced,) = failures(send(in_process, LENDER, usdc, call, BORROWER, 1, eth))
    (inside,) = failures(send(in_process, BORROWER, deployment.comptroller, "exitMarket(address)", eth))

    assert (healthy.raw, healthy.token_cause) == ("Failure(3,18,3)", "INSUFFICIENT_SHORTFALL")
    assert (unpriced.raw, unpriced.token_cause) == ("Failure(3,18,13)", "PRICE_ERROR")
    assert healthy.emitter == unpriced.emitter == usdc
    assert (inside.raw, inside.comptroller_cause) == ("Failure(14,3,13)", "PRICE_ERROR")
    assert inside.emitter == deployment.comptroller


def test_what_cannot_be_paid_for_reverts_with_words(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    supply_and_borrow(in_process, deployment)
    eth, usdc = (deployment.markets[symbol].ctoken for symbol in ("ETH", "USDC"))
    fund(in_process, deployment, "ETH", LENDER, WAD)
    pay_ether = calldata("liquidateBorrow(address,address)", BORROWER, usdc)
    set_price(in_process, deployment, "ETH", 5 * WAD)
    everything = calldata("liquidateBorrow(address,uint256,address)", BORROWER, 35 * 10**10, eth)

    words_of_ether = refusal(in_process, NO_NAMES, LENDER, eth, pay_ether, value=WAD)
    assert words_of_ether == "liquidateBorrow failed (03)"
    assert ether_refusal(words_of_ether) == "COMPTROLLER_REJECTION"
    assert ether_refusal("borrow is paused") == "borrow is paused"
    assert refusal(in_process, NO_NAMES, LENDER, usdc, everything) == "LIQUIDATE_SEIZE_TOO_MUCH"


@pytest.mark.parametrize(
    ("generation", "remainder"), [("ComptrollerG5", WAD // 2), ("ComptrollerG6", 0), ("Comptroller", 0)]
)
def test_generations_round_the_worth_of_a_collateral_each_in_its_way(
    in_process: OneBlockEach, generation: str, remainder: int
):
    factor, price = 75 * WAD // 100, 2 * WAD - 1
    one = market(
        "DAI",
        18,
        initial_exchange_rate_mantissa=2 * 10**26 + 1,
        price_mantissa=price,
        collateral_factor_mantissa=factor,
    )
    deployment = deploy(in_process, replace(PARAMETERS, comptroller=generation, markets=(one,)))
    dai = deployment.markets["DAI"].ctoken
    fund(in_process, deployment, "DAI", BORROWER, 10**30)
    send(in_process, BORROWER, deployment.comptroller, "enterMarkets(address[])", [dai])
    send(in_process, BORROWER, dai, "mint(uint256)", 10**30)

    rate = word(in_process, dai, "exchangeRateStored()")
    ctokens = word(in_process, dai, "balanceOf(address)", BORROWER)
    a_ctoken = ((factor * rate + remainder) // WAD * price + remainder) // WAD
    other = ((factor * rate + WAD // 2 - remainder) // WAD * price + WAD // 2 - remainder) // WAD
    liquidity = words(in_process, deployment.comptroller, "getAccountLiquidity(address)", BORROWER)
    assert liquidity == (0, a_ctoken * ctokens // WAD, 0)
    assert a_ctoken * ctokens // WAD != other * ctokens // WAD


def test_a_token_can_keep_a_share_of_what_is_supplied(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    at = deployment.markets["GUSD"]
    fund(in_process, deployment, "GUSD", LENDER, 10_000)
    send(in_process, LENDER, at.ctoken, "mint(uint256)", 10_000)

    assert word(in_process, at.ctoken, "getCash()") == 9_900


def test_a_setting_that_is_refused_without_reverting_stops_the_deployment(in_process: OneBlockEach):
    too_high = replace(PARAMETERS.markets[1], collateral_factor_mantissa=95 * WAD // 100)

    with pytest.raises(SetupReverted, match=r"_setCollateralFactor.*Failure\(6,8,0\)"):
        deploy(in_process, replace(PARAMETERS, markets=(too_high,)))


@pytest.mark.parametrize("key", CODES, ids="-".join)
def test_the_codes_have_the_names_of_the_sources(key: tuple[str, str]):
    contract, enum = key
    path = npm_package("@thenextblock/hardhat-compound") / "dist/contracts/compound/ErrorReporter.sol"
    body = re.split(r"^contract ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (of_contract,) = (part for part in body if part.startswith(contract))
    members = re.search(rf"enum {enum} \{{(.*?)\}}", of_contract, re.DOTALL)
    assert members is not None
    names = re.findall(r"^\s*([A-Z_]+)", members[1], re.MULTILINE)

    codes: type[IntEnum] = CODES[key]
    assert [(code.name, int(code)) for code in codes] == [(name, number) for number, name in enumerate(names)]
