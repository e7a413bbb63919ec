"""The real Aave v2 stands where it is deployed and reads back as it was listed, in process and on a node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forks.aave_v2.configuration import configuration_word, reserve_config
from forks.aave_v2.deploy import TREASURY, Deployment, deploy
from forks.aave_v2.parameters import ReserveParameters
from forks.aave_v2.reader import MarketReader
from forks.calldata import calldata
from forks.chain import Chain
from forks.node import Node
from forks.toolchain import npm_package
from protocol.aave_v2 import (
    Liquidated,
    LiquidationCall,
    Market,
    StableTotals,
    account_data,
    liquidation_call,
)
from protocol.aave_v2.validation import ERROR_NAMES

RAY = 10**27
NOW = 1_700_000_000
MAX = 2**256 - 1
BORROWER, LIQUIDATOR = "0x" + "b0" * 20, "0x" + "11" * 20
PARAMETERS = tuple(
    ReserveParameters(
        symbol=symbol,
        decimals=decimals,
        ltv_bps=ltv_bps,
        liquidation_threshold_bps=threshold_bps,
        liquidation_bonus_bps=bonus_bps,
        reserve_factor_bps=1_000,
        optimal_usage_ray=8 * RAY // 10,
        base_variable_rate_ray=RAY // 100,
        variable_slope1_ray=4 * RAY // 100,
        variable_slope2_ray=75 * RAY // 100,
        stable_slope1_ray=2 * RAY // 100,
        stable_slope2_ray=60 * RAY // 100,
        market_borrow_rate_ray=3 * RAY // 100,
        price_base=price_base,
        stable_borrowing_enabled=symbol != "WETH",
    )
    for symbol, decimals, ltv_bps, threshold_bps, bonus_bps, price_base in (
        ("WETH", 18, 8_000, 8_250, 10_500, 10**18),
        ("USDC", 6, 8_000, 8_500, 10_500, 5 * 10**14),
    )
)


@pytest.fixture
def in_process() -> Chain:
    pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")
    from forks.in_process.evm import Evm

    return Evm(timestamp=NOW)


@pytest.fixture
def on_a_node(anvil: Path) -> Iterator[Chain]:
    with Node.start(anvil, timestamp=NOW) as node:
        yield node


def send(chain: Chain, sender: str, target: str, signature: str, *arguments: Any) -> None:
    receipt = chain.send({"from": sender, "to": target, "data": calldata(signature, *arguments)})
    assert receipt["status"] == 1, signature


def supply_and_borrow(chain: Chain, deployment: Deployment) -> None:
    """The liquidator lends 1,000,000 USDC; the borrower takes 700,000 of them, in both modes, for 500 WETH."""
    weth, usdc = (one.asset for one in deployment.reserves.values())
    pool, deposit = deployment.pool, "deposit(address,uint256,address,uint16)"
    for user in (BORROWER, LIQUIDATOR):
        for asset in (weth, usdc):
            send(chain, user, asset, "mint(uint256)", 10**30)
            send(chain, user, asset, "approve(address,uint256)", pool, MAX)
    chain.set_time(NOW + 1_000)
    send(chain, LIQUIDATOR, pool, deposit, usdc, 10**12, LIQUIDATOR, 0)
    send(chain, BORROWER, pool, deposit, weth, 500 * 10**18, BORROWER, 0)
    for mode, amount in ((1, 2 * 10**11), (2, 5 * 10**11)):
        borrow = "borrow(address,uint256,uint256,uint16,address)"
        send(chain, BORROWER, pool, borrow, usdc, amount, mode, 0, BORROWER)
    chain.set_time(NOW + 1_000_000)


def crash_and_liquidate(chain: Chain, deployment: Deployment) -> tuple[Market, Market]:
    """The dollar rises by 30 %; half of the debt is repaid. The market as read before the call and after."""
    weth, usdc = (one.asset for one in deployment.reserves.values())
    send(chain, LIQUIDATOR, deployment.prices, "setAssetPrice(address,uint256)", usdc, 65 * 10**13)
    reader = MarketReader(chain, deployment.pool)
    before = reader.market((BORROWER, LIQUIDATOR))
    liquidation = "liquidationCall(address,address,address,uint256,bool)"
    send(chain, LIQUIDATOR, deployment.pool, liquidation, weth, usdc, BORROWER, MAX, False)
    return before, reader.market((BORROWER, LIQUIDATOR))


def test_a_fresh_market_reads_back_as_it_was_listed(in_process: Chain):
    deployment = deploy(in_process, PARAMETERS)
    market = MarketReader(in_process, deployment.pool).market((BORROWER,))

    assert [one.symbol for one in market.reserves.values()] == ["WETH", "USDC"]
    assert market.treasury == TREASURY
    assert not market.paused
    assert all(not account.positions for account in market.accounts.values())
    for one, listed in zip(market.reserves.values(), PARAMETERS, strict=True):
        config, strategy = one.config, one.strategy
        assert one.stable_debt == StableTotals()
        assert one.liquidity_index_ray == one.variable_borrow_index_ray == RAY
        assert (config.ltv_bps, config.liquidation_threshold_bps, config.liquidation_bonus_bps) == (
            listed.ltv_bps,
            listed.liquidation_threshold_bps,
            listed.liquidation_bonus_bps,
        )
        assert (config.decimals, config.reserve_factor_bps) == (listed.decimals, listed.reserve_factor_bps)
        assert (config.active, config.frozen, config.borrowing_enabled) == (True, False, True)
        assert config.stable_borrowing_enabled == listed.stable_borrowing_enabled
        assert (strategy.optimal_usage_ray, strategy.base_variable_rate_ray) == (8 * RAY // 10, RAY // 100)
        assert strategy.variable_slope1_ray == listed.variable_slope1_ray
        assert strategy.variable_slope2_ray == listed.variable_slope2_ray
        assert strategy.stable.slope1_ray == listed.stable_slope1_ray
        assert strategy.stable.slope2_ray == listed.stable_slope2_ray
        assert strategy.stable.base_rate_ray == listed.market_borrow_rate_ray


def test_a_configuration_word_survives_being_taken_apart(in_process: Chain):
    deployment = deploy(in_process, PARAMETERS)
    reader = MarketReader(in_process, deployment.pool)
    for reserve in reader.market().reserves.values():
        data = calldata("getConfiguration(address)", reserve.asset)
        word = in_process.rpc.call("eth_call", {"to": deployment.pool, "data": data}, "latest")
        assert configuration_word(reserve.config) == int(word, 16)
        assert reserve_config(int(word, 16)) == reserve.config


@pytest.mark.node
def test_a_node_and_this_process_say_the_same_of_a_liquidation(in_process: Chain, on_a_node: Chain):
    markets: list[tuple[Market, Market]] = []
    for chain in (in_process, on_a_node):
        deployment = deploy(chain, PARAMETERS)
        supply_and_borrow(chain, deployment)
        markets.append(crash_and_liquidate(chain, deployment))
    assert markets[0] == markets[1]


def test_the_model_says_what_that_liquidation_does(in_process: Chain):
    deployment = deploy(in_process, PARAMETERS)
    supply_and_borrow(in_process, deployment)
    before, after = crash_and_liquidate(in_process, deployment)
    reader = MarketReader(in_process, deployment.pool)
    borrower, liquidator = list(before.accounts)[:2]
    call = LiquidationCall(
        collateral_id=0, debt_id=1, borrower=borrower, liquidator=liquidator, debt_to_cover=MAX
    )
    prices = reader.prices()
    outcome = liquidation_call(before, call, prices_base=prices, timestamp=NOW + 1_000_000)

    assert isinstance(outcome, Liquidated)
    assert outcome.market.reserves == after.reserves
    assert outcome.market.accounts == after.accounts
    said = account_data(after, borrower, prices_base=prices, timestamp=NOW + 1_000_000)
    assert said == reader.account_data([borrower])[borrower]
    assert said.health_factor_wad < 10**18 or outcome.debt_repaid > 0


def test_every_numbered_error_of_the_contracts_has_a_name():
    source = npm_package("@aave/protocol-v2") / "contracts/protocol/libraries/helpers/Errors.sol"
    codes = re.findall(r"string public constant \w+ = '(\d+)'", source.read_text(encoding="utf-8"))

    assert set(ERROR_NAMES) == set(codes)
    assert len(set(ERROR_NAMES.values())) == len(ERROR_NAMES)
