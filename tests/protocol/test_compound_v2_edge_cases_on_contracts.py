"""Edge case 8 of the Compound family beside the real contracts: what an oracle that reverts stops, and what not."""

from __future__ import annotations

from typing import Any

import pytest

from forks.aave_v3.deploy import ADMIN
from forks.artifacts import EMPTY_REVERT, ErrorTable, decode_revert
from forks.calldata import calldata
from forks.in_process.evm import Evm
from protocol.compound_v2 import (
    Liquidated,
    LiquidationCall,
    Revert,
    account_data,
    borrow,
    liquidate_borrow,
    redeem,
)
from protocol.compound_v2.oracle import RevertingOracle
from protocol.errors import EvmRevert
from protocol.units import MAX_UINT256, WAD
from tests.fuzz.compound_v2_arena import DECIMALS, FIRST_BLOCK, ArenaCompoundV2, Pool, mint_data, paying
from tests.steps_compound_v2 import CENT, COIN, DOLLAR, Case, Generation, MarketSetup

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

SETUP = MarketSetup(
    collateral_factor_mantissa=75 * WAD // 100,
    reserve_factor_mantissa=0,
    curve=0,
    price_millionths=10**6,
    lent_permille=1000,
    borrow_cap_permille=None,
)
BORROWER, LIQUIDATOR = 0, 2
NO_NAMES = ErrorTable(by_selector={}, by_code={})
_RUNTIME = "600435548019156012576000526040" + "6000f3" + "5b600080fd"
ORACLE = "0x60178060093d393df3" + _RUNTIME
"""Of our own: answers the storage slot that its argument names, and reverts where that holds 2**256 - 1."""


@pytest.fixture(scope="module")
def arena() -> ArenaCompoundV2:
    return ArenaCompoundV2(Evm())


def call(pool: Pool, user: int, to: str, data: bytes) -> dict[str, Any]:
    return {"from": pool.users[user], "to": to, "data": data}


def open_loan(pool: Pool, *entered: int) -> None:
    """1,000 dollars pledged, 700 coins of a dollar borrowed."""
    data, _ = mint_data(DOLLAR, 1_000 * 10 ** DECIMALS[DOLLAR])
    markets = [pool.ctokens[market_id] for market_id in entered]
    for to, sent in (
        (pool.ctokens[DOLLAR], data),
        (pool.comptroller, calldata("enterMarkets(address[])", markets)),
        (pool.ctokens[COIN], calldata("borrow(uint256)", 700 * 10 ** DECIMALS[COIN])),
    ):
        assert pool.goes_through(call(pool, BORROWER, to, sent))


def break_oracle(pool: Pool) -> RevertingOracle:
    """The pledge falls by a tenth, and of the cent's market nothing is told any more."""
    oracle = pool.chain.send({"from": ADMIN, "data": ORACLE})["contractAddress"]
    prices = {market_id: 10 ** (36 - decimals) for market_id, decimals in enumerate(DECIMALS)}
    prices[DOLLAR] = prices[DOLLAR] * 9 // 10
    for market_id, price_mantissa in {**prices, CENT: MAX_UINT256}.items():
        pool.chain.set_storage(oracle, int(pool.ctokens[market_id], 16), price_mantissa)
    assert pool.ask_owner(pool.comptroller, "_setPriceOracle(address)", oracle)
    return RevertingOracle(prices_mantissa=prices, reverting={CENT: EvmRevert(EMPTY_REVERT)})


def words(pool: Pool, transaction: dict[str, Any]) -> str:
    data = pool.chain.revert_data(transaction)
    assert data is not None, "it goes through"
    return decode_revert(data, NO_NAMES)


@pytest.mark.parametrize("comptroller", ["ComptrollerG1", "ComptrollerG5", "ComptrollerG7", "Comptroller"])
@pytest.mark.parametrize("is_entered", [True, False], ids=["entered", "not entered"])
def test_edge_case_08_a_price_that_reverts_stops_who_has_entered_its_market_on_the_contracts_too(
    arena: ArenaCompoundV2, comptroller: Generation, is_entered: bool
):
    pool = arena.pool(comptroller)
    with pool.prepared(Case(comptroller, WAD // 2, 108 * WAD // 100, 20, 0, (SETUP,) * 4, ())):
        open_loan(pool, DOLLAR, COIN, *([CENT] if is_entered else []))
        oracle = break_oracle(pool)
        market = pool.reader.market(pool.users)
        at: dict[str, Any] = {"prices_mantissa": oracle, "block_number": FIRST_BLOCK}
        borrower, liquidator = pool.users[BORROWER], pool.users[LIQUIDATOR]
        order = LiquidationCall(
            borrower=borrower, liquidator=liquidator, debt_id=COIN, collateral_id=DOLLAR, repay_amount=10**18
        )
        data, _ = paying(
            COIN, "liquidateBorrow", ("address", "address"), (borrower, pool.ctokens[DOLLAR]), 10**18
        )
        called = call(pool, LIQUIDATOR, pool.ctokens[COIN], data)
        outcome = liquidate_borrow(market, order, **at)

        if not is_entered:
            assert isinstance(outcome, Liquidated)
            assert pool.goes_through(called)
            assert pool.reader.market(pool.users) == outcome.market
            return
        of_user = calldata("getAccountLiquidity(address)", borrower)
        with pytest.raises(EvmRevert) as caught:
            account_data(market, borrower, **at)
        assert caught.value.name == words(pool, call(pool, BORROWER, pool.comptroller, of_user))
        for said, transaction in (
            (outcome, called),
            (
                redeem(market, borrower, DOLLAR, 1, **at),
                call(pool, BORROWER, pool.ctokens[DOLLAR], calldata("redeem(uint256)", 1)),
            ),
            (
                borrow(market, borrower, COIN, 1, **at),
                call(pool, BORROWER, pool.ctokens[COIN], calldata("borrow(uint256)", 1)),
            ),
        ):
            assert isinstance(said, Revert)
            assert said.name == words(pool, transaction)
