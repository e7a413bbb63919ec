"""The real Venus isolated pools stand where they are deployed: liquidated, healed and auctioned on either chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forks.aave_v3.deploy import ADMIN, SetupReverted
from forks.artifacts import Contracts, venus_isolated
from forks.calldata import calldata
from forks.node import Node
from forks.venus_isolated.deploy import Deployment, administrator, deploy, fund, mint_and_approve, set_price
from forks.venus_isolated.parameters import (
    UNLIMITED,
    JumpRate,
    MarketParameters,
    PoolParameters,
    WhitePaperRate,
)
from tests.forks.own_blocks import OneBlockEach, refusal, send, told, word, words

WAD = 10**18
NOW = 1_700_000_000
BLOCKS_A_YEAR = 10_512_000
BORROWER, LENDER, BIDDER = "0x" + "b0" * 20, "0x" + "11" * 20, "0x" + "22" * 20
LIQUIDATE = "LiquidateBorrow(address,address,uint256,address,uint256)"
BAD_DEBT = "BadDebtIncreased(address,uint256,uint256,uint256)"
RECOVERED = "BadDebtRecovered(uint256,uint256)"


def market(symbol: str, decimals: int, **fields: Any) -> MarketParameters:
    curve = JumpRate(
        base_rate_mantissa=2 * WAD // 100,
        multiplier_mantissa=20 * WAD // 100,
        jump_multiplier_mantissa=2 * WAD,
        kink_mantissa=80 * WAD // 100,
    )
    defaults: dict[str, Any] = {
        "collateral_factor_mantissa": 75 * WAD // 100,
        "liquidation_threshold_mantissa": 80 * WAD // 100,
        "reserve_factor_mantissa": 10 * WAD // 100,
        "rate_model": curve,
        "initial_exchange_rate_mantissa": 10 ** (10 + decimals),
        "price_mantissa": 10 ** (36 - decimals),
        "initial_supply_underlying": 10**decimals,
    }
    return MarketParameters(symbol=symbol, decimals=decimals, **{**defaults, **fields})


PARAMETERS = PoolParameters(
    close_factor_mantissa=50 * WAD // 100,
    liquidation_incentive_mantissa=110 * WAD // 100,
    min_liquidatable_collateral_mantissa=100 * WAD,
    base="USDT",
    markets=(
        market(
            "WETH",
            18,
            price_mantissa=2_000 * WAD,
            rate_model=WhitePaperRate(base_rate_mantissa=WAD // 50, multiplier_mantissa=WAD // 10),
        ),
        market("USDT", 6, seize_share_mantissa=0, borrow_cap_underlying=10**13, supply_cap_underlying=10**14),
        market("FEE", 6, transfer_fee_bps=100),
    ),
)
CONTRACTS: Contracts = venus_isolated(("Comptroller", "VToken"))


@pytest.fixture
def in_process() -> OneBlockEach:
    pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")
    return OneBlockEach(timestamp=NOW)


@pytest.fixture
def on_a_node(anvil: Path) -> Iterator[Node]:
    with Node.start(anvil, timestamp=NOW) as node:
        yield node


def vtokens(deployment: Deployment) -> tuple[str, str]:
    weth, usdt = (deployment.markets[symbol].vtoken for symbol in ("WETH", "USDT"))
    return weth, usdt


def borrow(chain: OneBlockEach | Node, deployment: Deployment) -> None:
    """The lender lends 1,000,000 USDT; the borrower takes 700,000 of them for 500 WETH; blocks go by."""
    weth, usdt = vtokens(deployment)
    fund(chain, deployment, "USDT", LENDER, 10**13)
    fund(chain, deployment, "WETH", BORROWER, 1_000 * WAD)
    send(chain, LENDER, usdt, "mint(uint256)", 10**12)
    send(chain, BORROWER, weth, "mint(uint256)", 500 * WAD)
    send(chain, BORROWER, deployment.comptroller, "enterMarkets(address[])", [weth])
    send(chain, BORROWER, usdt, "borrow(uint256)", 7 * 10**11)
    chain.mine(100)


def liquidate(chain: OneBlockEach | Node, deployment: Deployment) -> tuple[int, int]:
    """WETH falls to 1,600 USD and half of the debt is repaid; repaid and seized as the event tells them."""
    weth, usdt = vtokens(deployment)
    set_price(chain, deployment, "WETH", 1_600 * WAD)
    receipt = send(
        chain, LENDER, usdt, "liquidateBorrow(address,uint256,address)", BORROWER, 35 * 10**10, weth
    )
    ((repaid, seized),) = told(receipt, LIQUIDATE, "uint256", "uint256")
    return repaid, seized


def heal(chain: OneBlockEach | Node, deployment: Deployment) -> int:
    """WETH falls to 10 cents and the account is healed; the bad debt that the event tells."""
    set_price(chain, deployment, "WETH", WAD // 10)
    receipt = send(chain, LENDER, deployment.comptroller, "healAccount(address)", BORROWER)
    ((bad_debt, before, after),) = told(receipt, BAD_DEBT, "uint256", "uint256", "uint256")
    assert (before, after) == (0, bad_debt)
    return bad_debt


def stored(chain: OneBlockEach | Node, deployment: Deployment) -> list[tuple[int, ...]]:
    """What every vToken stores of itself and of both users, and what these are worth."""
    totals = ("totalBorrows()", "totalReserves()", "totalSupply()", "borrowIndex()", "getCash()", "badDebt()")
    at = [one.vtoken for one in deployment.markets.values()]
    of_user = [(one, "getAccountSnapshot(address)", user) for one in at for user in (BORROWER, LENDER)]
    liquidity = "getAccountLiquidity(address)"
    of_user += [(deployment.comptroller, liquidity, user) for user in (BORROWER, LENDER)]
    return [words(chain, one, total) for one in at for total in totals] + [
        words(chain, *question) for question in of_user
    ]


def test_a_fresh_pool_reads_back_as_it_was_listed(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    comptroller = deployment.comptroller
    of_pool = ("closeFactorMantissa()", "liquidationIncentiveMantissa()", "minLiquidatableCollateral()")
    assert [word(in_process, comptroller, name) for name in of_pool] == [
        PARAMETERS.close_factor_mantissa,
        PARAMETERS.liquidation_incentive_mantissa,
        PARAMETERS.min_liquidatable_collateral_mantissa,
    ]
    assert word(in_process, comptroller, "owner()") == int(ADMIN, 16)
    for one in PARAMETERS.markets:
        at = deployment.markets[one.symbol]
        listed = words(in_process, comptroller, "markets(address)", at.vtoken)
        assert listed == (1, one.collateral_factor_mantissa, one.liquidation_threshold_mantissa)
        for cap, expected in (
            ("supplyCaps(address)", one.supply_cap_underlying),
            ("borrowCaps(address)", one.borrow_cap_underlying),
        ):
            assert word(in_process, comptroller, cap, at.vtoken) == expected
        assert word(in_process, at.vtoken, "protocolSeizeShareMantissa()") == one.seize_share_mantissa
        assert word(in_process, at.vtoken, "reserveFactorMantissa()") == one.reserve_factor_mantissa
        assert word(in_process, at.vtoken, "shortfall()") == int(deployment.shortfall, 16)
        assert word(in_process, at.vtoken, "interestRateModel()") == int(at.rate_model, 16)
        assert word(in_process, at.underlying, "decimals()") == one.decimals
    assert PARAMETERS.markets[0].supply_cap_underlying == UNLIMITED


def test_every_rate_model_stores_what_its_parameters_say(in_process: OneBlockEach):
    at = deploy(in_process, PARAMETERS).markets
    names = ("baseRatePerBlock()", "multiplierPerBlock()", "jumpMultiplierPerBlock()", "kink()")
    line = [word(in_process, at["WETH"].rate_model, name) for name in names[:2]]
    assert line == [WAD // 50 // BLOCKS_A_YEAR, WAD // 10 // BLOCKS_A_YEAR]
    assert [word(in_process, at["USDT"].rate_model, name) for name in names] == [
        2 * WAD // 100 // BLOCKS_A_YEAR,
        20 * WAD // 100 // BLOCKS_A_YEAR,
        2 * WAD // BLOCKS_A_YEAR,
        80 * WAD // 100,
    ]


def test_the_first_supply_can_be_taken_out_again(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    _, usdt = vtokens(deployment)
    send(in_process, ADMIN, usdt, "redeem(uint256)", word(in_process, usdt, "balanceOf(address)", ADMIN))

    assert word(in_process, usdt, "totalSupply()") == word(in_process, usdt, "getCash()") == 0


@pytest.mark.node
def test_a_node_and_this_process_say_the_same_of_a_liquidation_and_a_healing(
    in_process: OneBlockEach, on_a_node: Node
):
    found: list[list[Any]] = []
    for chain in (in_process, on_a_node):
        deployment = deploy(chain, PARAMETERS)
        borrow(chain, deployment)
        amounts = liquidate(chain, deployment)
        between = stored(chain, deployment)
        found.append([amounts, between, heal(chain, deployment), stored(chain, deployment)])
        assert word(chain, deployment.markets["USDT"].vtoken, "totalReserves()") > 0
    assert found[0] == found[1]


def test_a_liquidation_seizes_what_the_prices_and_the_rate_say(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    weth, _ = vtokens(deployment)
    borrow(in_process, deployment)
    repaid, seized = liquidate(in_process, deployment)

    rate = word(in_process, weth, "exchangeRateStored()")
    numerator = PARAMETERS.liquidation_incentive_mantissa * 10**30 // WAD
    ratio = numerator * WAD // (1_600 * WAD * rate // WAD)
    assert (repaid, seized) == (35 * 10**10, ratio * repaid // WAD)
    share = PARAMETERS.markets[0].seize_share_mantissa
    to_protocol = seized * share // WAD * WAD // PARAMETERS.liquidation_incentive_mantissa
    assert word(in_process, weth, "balanceOf(address)", LENDER) == seized - to_protocol
    assert word(in_process, weth, "totalReserves()") == to_protocol * rate // WAD > 0


def test_bad_debt_is_healed_and_then_auctioned_off(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    _, usdt = vtokens(deployment)
    borrow(in_process, deployment)
    bad_debt = heal(in_process, deployment)
    asset = deployment.markets["USDT"].underlying
    mint_and_approve(in_process, asset, deployment.shortfall, BIDDER, bad_debt)
    comptroller, shortfall = deployment.comptroller, deployment.shortfall
    send(in_process, BIDDER, shortfall, "startAuction(address)", comptroller)
    began = in_process.block_number
    send(in_process, BIDDER, shortfall, "placeBid(address,uint256,uint256)", comptroller, 10_000, began)
    in_process.mine(100)
    receipt = send(in_process, BIDDER, shortfall, "closeAuction(address)", comptroller)

    recovered = told(receipt, RECOVERED, "uint256", "uint256")
    assert (bad_debt, 0) in recovered
    assert word(in_process, usdt, "badDebt()") == word(in_process, asset, "balanceOf(address)", BIDDER) == 0


def test_refusals_have_the_names_of_the_custom_errors(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    weth, usdt = vtokens(deployment)
    borrow(in_process, deployment)
    errors = CONTRACTS.errors

    def liquidation(sender: str, repay: int) -> str:
        data = calldata("liquidateBorrow(address,uint256,address)", BORROWER, repay, weth)
        return refusal(in_process, errors, sender, usdt, data)

    healing = calldata("healAccount(address)", BORROWER)
    assert liquidation(LENDER, 1) == "InsufficientShortfall"
    assert (
        refusal(in_process, errors, LENDER, deployment.comptroller, healing) == "CollateralExceedsThreshold"
    )
    set_price(in_process, deployment, "WETH", 1_600 * WAD)
    assert liquidation(LENDER, 4 * 10**11) == "TooMuchRepay"
    assert liquidation(LENDER, 0) == "LiquidateCloseAmountIsZero"
    assert liquidation(BORROWER, 1) == "LiquidateLiquidatorIsBorrower"
    set_price(in_process, deployment, "WETH", WAD // 10)
    assert liquidation(LENDER, 1) == "MinimalCollateralViolated"
    set_price(in_process, deployment, "WETH", 0)
    assert liquidation(LENDER, 1) == "PriceError"


def test_a_token_can_keep_a_share_of_what_is_supplied(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    vtoken = deployment.markets["FEE"].vtoken
    first = word(in_process, vtoken, "getCash()")
    fund(in_process, deployment, "FEE", LENDER, 10_000)
    send(in_process, LENDER, vtoken, "mint(uint256)", 10_000)

    assert word(in_process, vtoken, "getCash()") - first == 9_900


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("collateral_factor_mantissa", 91 * WAD // 100, "InvalidCollateralFactor"),
        ("liquidation_threshold_mantissa", 70 * WAD // 100, "InvalidLiquidationThreshold"),
        ("seize_share_mantissa", 11 * WAD // 100, "ProtocolSeizeShareTooBig"),
        ("initial_supply_underlying", 0, "initialSupply is zero"),
    ],
)
def test_a_setting_that_is_refused_stops_the_deployment(
    in_process: OneBlockEach, field: str, value: int, reason: str
):
    one = replace(PARAMETERS.markets[1], **{field: value})
    with pytest.raises(SetupReverted, match=reason):
        deploy(in_process, replace(PARAMETERS, markets=(one,)))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("setCloseFactor(uint256)", (WAD // 10,)),
        ("setMinLiquidatableCollateral(uint256)", (1,)),
        ("setLiquidationIncentive(uint256)", (WAD,)),
    ],
)
def test_the_owner_sets_the_pool_and_nobody_else(
    in_process: OneBlockEach, function: str, arguments: tuple[int, ...]
):
    comptroller = deploy(in_process, PARAMETERS).comptroller
    errors = administrator(in_process).contracts.errors

    data = calldata(function, *arguments)
    assert refusal(in_process, errors, LENDER, comptroller, data) == "Unauthorized"
    send(in_process, ADMIN, comptroller, function, *arguments)


def test_actions_of_a_market_can_be_paused(in_process: OneBlockEach):
    deployment = deploy(in_process, PARAMETERS)
    _, usdt = vtokens(deployment)
    fund(in_process, deployment, "USDT", LENDER, 10**6)
    pause = "setActionsPaused(address[],uint8[],bool)"
    send(in_process, ADMIN, deployment.comptroller, pause, [usdt], [0], True)

    mint = calldata("mint(uint256)", 1)
    assert refusal(in_process, CONTRACTS.errors, LENDER, usdt, mint) == "ActionPaused"
