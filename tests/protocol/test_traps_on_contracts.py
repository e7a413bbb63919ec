"""Traps 19, 20 and 29 to 31, and three of the model's, on the real contracts of v3.0.2 and v3.6."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from forks.aave_v3.configuration import is_borrowing, is_collateral
from forks.aave_v3.deploy import ADMIN
from forks.aave_v3.getters import Question, ask, ask_each
from forks.aave_v3.l2_calldata import (
    AmountTooWide,
    NotAShortCall,
    decode_liquidation_call,
    encode_liquidation_call,
)
from forks.aave_v3.reader import PriceUnavailable
from forks.artifacts import hardhat_artifact
from forks.calldata import calldata
from protocol import aave_v2
from protocol.aave_v3 import Liquidated, LiquidationCall, Position, account_data, liquidation_call
from protocol.errors import MissingPrice
from protocol.units import MAX_UINT128, MAX_UINT256, RAY
from tests.protocol.markets import COIN, DOLLAR
from tests.protocol.stage import DAI, GUSD, USDC, WBTC, WETH, Stage, stage_of
from tests.protocol.traps import coins, dollars, outcome_v2, trapped, usd

pytest.importorskip("pyrevm", reason="pyrevm, the EVM for this process, is not installed")

YEAR = 31_536_000
BOTH = pytest.mark.parametrize("revision", ["3.0.2", "3.6"])
IMPLEMENTATION_SLOT = int.from_bytes(keccak(text="eip1967.proxy.implementation")) - 1
REVERTING_CODE, REVERTING_FEED = bytes.fromhex("60006000fd"), "0x" + "dead" * 10


def done(found: Liquidated | str) -> Liquidated:
    assert isinstance(found, Liquidated), found
    return found


def borrower_of(stage: Stage, found: Liquidated, reserve_id: int) -> Position:
    return found.market.accounts[stage.borrower].positions.get(reserve_id, Position())


# --- of what the model's own tests say ------------------------------------------------------------------------


def test_the_contracts_of_v3_6_strand_the_debt_of_trap_8_and_close_it_by_a_call_for_nothing():
    with stage_of("3.6") as stage:
        stage.set_index(GUSD, 3 * RAY // 2)
        stage.set_price(GUSD, 2)
        stage.supply(stage.borrower, GUSD, 150_000_000)
        stage.borrow(stage.borrower, USDC, 142_857_142)
        stage.borrow(stage.borrower, DAI, 10 * 10**18)
        stage.set_price(GUSD, 1)

        found = done(stage.liquidate(GUSD, USDC, receive_atoken=True))
        assert found.collateral_to_liquidator + found.protocol_fee == 149_999_999
        assert borrower_of(stage, found, GUSD) == Position(collateral_enabled=True)
        assert found.deficits == {}
        assert stage.liquidate(GUSD, DAI) == "InvalidBurnAmount"
        closed = done(stage.liquidate(GUSD, DAI, receive_atoken=True))
        assert (closed.debt_repaid, closed.collateral_to_liquidator) == (0, 0)
        assert closed.deficits == {DAI: 10 * 10**18}


def test_the_contracts_of_v3_6_pay_the_treasury_twice_as_trap_9_says():
    with stage_of("3.6") as stage:
        stage.supply(stage.borrower, USDC, 10_000 * 10**6)
        stage.borrow(stage.borrower, USDC, 8_000 * 10**6)
        stage.supply(stage.lender, DAI, 10**24)
        stage.borrow(stage.lender, USDC, 500_000 * 10**6)
        stage.wait(10 * YEAR)

        market, prices_base = stage.market(), stage.prices()
        call = LiquidationCall(
            collateral_id=USDC,
            debt_id=USDC,
            borrower=stage.borrower,
            liquidator=stage.liquidator,
            debt_to_cover=10**9,
        )
        once = replace(market, rules=replace(market.rules, accrues_same_asset_twice=False))
        naive = liquidation_call(once, call, prices_base=prices_base, timestamp=stage.now)
        found = done(stage.liquidate(USDC, USDC, debt_to_cover=10**9))

        assert isinstance(naive, Liquidated)
        before = market.reserves[USDC].accrued_to_treasury_scaled
        growth = naive.market.reserves[USDC].accrued_to_treasury_scaled - before
        assert growth > 0
        assert found.market.reserves[USDC].accrued_to_treasury_scaled - before == 2 * growth
        assert (
            found.market.reserves[USDC].liquidity_index_ray == naive.market.reserves[USDC].liquidity_index_ray
        )


def test_the_contracts_of_v3_6_turn_an_old_debt_into_a_deficit_as_trap_26_says():
    with stage_of("3.6") as stage:
        stage.supply(stage.borrower, WETH, 10**18)
        stage.borrow(stage.borrower, USDC, 800_000)
        # As a version before 3.3 leaves an account: a debt, no collateral bit, no aTokens.
        stage.set_collateral_bit(stage.borrower, WETH, on=False)
        weth = stage.reader.listing.reserves[WETH].atoken
        stage.arena.must(stage.borrower, weth, "transfer(address,uint256)", stage.lender, 10**18)

        assert stage.liquidate(WETH, USDC) == "CollateralCannotBeLiquidated"
        stage.supply(stage.liquidator, WETH, 2_000 * 10**12, on_behalf_of=stage.borrower)
        found = done(stage.liquidate(WETH, USDC))
        assert found.debt_repaid == 1_905
        assert found.deficits == {USDC: 800_000 - 1_905}
        assert borrower_of(stage, found, USDC) == Position()


# --- prices -------------------------------------------------------------------------------------------------


@BOTH
def test_trap_19_one_reverting_feed_of_any_enabled_asset_blocks_the_liquidation(revision):
    """Naive: the prices of the pair, or of what has a balance, are enough. Right: of every bit that is set."""
    with stage_of(revision) as stage:
        stage.supply(stage.borrower, WETH, 10**18)
        stage.borrow(stage.borrower, USDC, 700_000)
        stage.set_price(WETH, 0.8)
        stage.set_collateral_bit(stage.borrower, DAI, on=True)  # with no balance at all
        market, prices_base = stage.market(), stage.prices()
        arena = stage.arena
        arena.chain.set_code(REVERTING_FEED, REVERTING_CODE)
        sources = "setAssetSources(address[],address[])"
        without = {reserve_id: price for reserve_id, price in prices_base.items() if reserve_id != DAI}

        with arena.chain.anchor():
            with pytest.raises(MissingPrice):
                account_data(market, stage.borrower, prices_base=without, timestamp=stage.now)
            call = calldata(sources, [stage.asset(DAI)], [REVERTING_FEED])
            assert (
                arena.chain.send({"from": ADMIN, "to": arena.deployment.oracle, "data": call})["status"] == 1
            )
            asked = Question(arena.deployment.pool, "getUserAccountData(address)", (stage.borrower,))
            assert ask_each(arena.chain, [asked]) == [None]
            refused = calldata(
                "liquidationCall(address,address,address,uint256,bool)",
                *(stage.asset(WETH), stage.asset(USDC), stage.borrower, MAX_UINT256, False),
            )
            tried = {"from": stage.liquidator, "to": arena.deployment.pool, "data": refused}
            assert arena.chain.send(tried)["status"] == 0
            with pytest.raises(PriceUnavailable):
                stage.prices()
        assert done(stage.liquidate(WETH, USDC)).debt_repaid == 700_000

        clear = market.accounts[stage.borrower].positions
        clear = {reserve_id: held for reserve_id, held in clear.items() if reserve_id != DAI}
        account = replace(market.accounts[stage.borrower], positions=clear)
        market = replace(market, accounts={**market.accounts, stage.borrower: account})
        assert account_data(market, stage.borrower, prices_base=without, timestamp=stage.now)


@BOTH
@pytest.mark.parametrize("answer", [0, 2**256 - 1], ids=["zero", "minus one"])
def test_trap_20_a_feed_of_zero_or_less_is_no_price_of_zero_and_an_old_one_passes(revision, answer):
    """Naive: the collateral is worth nothing, or 50 years old news are refused. Right: neither."""
    with stage_of(revision) as stage:
        arena = stage.arena
        stage.supply(stage.borrower, WETH, 10**18)
        stage.borrow(stage.borrower, USDC, 700_000)
        arena.must(ADMIN, arena.deployment.oracle, "setFallbackOracle(address)", "0x" + "00" * 20)
        asked = Question(arena.deployment.pool, "getUserAccountData(address)", (stage.borrower,))

        stage.set_price(WETH, 0.8)
        source = stage.feed(WETH)
        # This feed answers whatever it is asked: 80,000,000 is its price and, in 1972, its last update.
        assert ask(arena.chain, [Question(source, "latestTimestamp()")])[0].word == 80_000_000
        with arena.chain.anchor():
            assert done(stage.liquidate(WETH, USDC)).debt_repaid == 700_000

        arena.chain.set_storage(source, 0, answer)
        assert ask_each(arena.chain, [asked]) == [None]
        with pytest.raises(PriceUnavailable):
            stage.prices()
        # Only a fallback that answers 0 makes a price of 0.
        arena.must(ADMIN, arena.deployment.oracle, "setFallbackOracle(address)", "0x" + "0fee" * 10)
        assert stage.prices()[WETH] == 0
        data = account_data(stage.market(), stage.borrower, prices_base=stage.prices(), timestamp=stage.now)
        assert (data.total_collateral_base, data.health_factor_wad) == (0, 0)
        assert ask_each(arena.chain, [asked])[0] is not None


# --- liquidity ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("revision", "counted"), [("3.0.2", True), ("3.6", False)])
def test_trap_29_the_virtual_balance_and_not_what_the_atoken_holds_drives_rates_and_payouts(
    revision, counted
):
    """Naive: a gift to the aToken lowers the rates and can be paid out. Right: up to 3.0.2 only."""
    with stage_of(revision) as stage:
        stage.supply(stage.borrower, WETH, 10**18)
        stage.borrow(stage.borrower, USDC, 700_000)
        stage.supply(stage.lender, WBTC, 10**8 * 10**8)
        stage.borrow(stage.lender, WETH, 10**6 * 10**18 + 10**18)  # all there is
        stage.set_price(WETH, 0.8)
        assert stage.liquidate(WETH, USDC) == "Panic(0x11)"

        atoken = stage.reader.listing.reserves[WETH].atoken
        stage.arena.must(stage.lender, stage.asset(WETH), "transfer(address,uint256)", atoken, 10**24)
        before = stage.market().reserves[WETH]
        assert before.virtual_underlying_balance == (10**24 if counted else 0)
        stage.supply(stage.lender, WETH, 10**12)  # a trifle, so that the rates are reckoned anew
        after = stage.market().reserves[WETH]
        if counted:
            assert after.variable_borrow_rate_ray < before.variable_borrow_rate_ray // 10
            assert done(stage.liquidate(WETH, USDC)).debt_repaid == 700_000
        else:
            assert before.variable_borrow_rate_ray - after.variable_borrow_rate_ray < RAY // 10**9
            assert stage.liquidate(WETH, USDC) == "Panic(0x11)"

    # v2 looks first, at what the aToken holds, and has an error of its own for it.
    empty = {COIN: {"virtual_underlying_balance": 1}}
    state = trapped("3.0.0", holds={COIN: coins(10)}, owes={DOLLAR: dollars(10_000)}, reserves=empty)
    refused = outcome_v2(state, usd(coin=1_000))
    assert isinstance(refused, aave_v2.Revert)
    assert refused.name == "NotEnoughLiquidityToLiquidate"


# --- encodings ----------------------------------------------------------------------------------------------


def test_trap_30_the_short_call_packs_ids_user_amount_and_flag_and_means_all_by_128_bits():
    """Naive: 2**128 - 1 is an amount. Right: it is 2**256 - 1; the contract's own encoder and decoder say so."""
    with stage_of("3.0.2") as stage:
        arena = stage.arena
        pool, package = arena.deployment.pool, "@aave/core-v3"
        encoder = hardhat_artifact(package, "L2Encoder").creation(pool)
        created = arena.chain.send({"from": ADMIN, "data": encoder})["contractAddress"]
        call = LiquidationCall(
            collateral_id=WETH,
            debt_id=DAI,
            borrower=stage.borrower,
            liquidator=stage.liquidator,
            debt_to_cover=MAX_UINT256,
        )
        theirs = "encodeLiquidationCall(address,address,address,uint256,bool)"
        for amount, flag, word in (
            (MAX_UINT256, False, MAX_UINT128),
            (MAX_UINT128, False, MAX_UINT128),
            (12_345, True, 1 << 128 | 12_345),
        ):
            sent = replace(call, debt_to_cover=amount, receive_atoken=flag)
            data = encode_liquidation_call(sent)
            question = (stage.asset(WETH), stage.asset(DAI), stage.borrower, amount, flag)
            words = ask(arena.chain, [Question(created, theirs, question)])[0].words
            assert data[4:] == b"".join(one.to_bytes(32) for one in words)
            assert words[0] == int(stage.borrower, 16) << 32 | DAI << 16 | WETH
            assert words[1] == word
            meant = MAX_UINT256 if amount == MAX_UINT128 else amount
            assert decode_liquidation_call(data, stage.liquidator) == replace(sent, debt_to_cover=meant)

        with pytest.raises(AmountTooWide):
            encode_liquidation_call(replace(call, debt_to_cover=2**128))
        with pytest.raises(NotAShortCall):
            decode_liquidation_call(data[:-1], stage.liquidator)

        # The decoder: a pool of a rollup in the place of the other does what the model says of the same call.
        short = hardhat_artifact(package, "L2Pool")
        code = short.creation(arena.deployment.provider, libraries=arena.admin.addresses)
        l2_pool = arena.chain.send({"from": ADMIN, "data": code})["contractAddress"]
        arena.chain.set_storage(pool, IMPLEMENTATION_SLOT, int(str(l2_pool), 16))
        stage.supply(stage.borrower, WETH, 10**18)
        stage.borrow(stage.borrower, DAI, 7 * 10**17)
        stage.set_price(WETH, 0.8)
        everything = encode_liquidation_call(replace(call, debt_to_cover=MAX_UINT128))
        assert done(stage.liquidate(WETH, DAI, data=everything)).debt_repaid == 7 * 10**17


@BOTH
def test_trap_31_user_bits_belong_to_reserve_ids_which_a_dropped_reserve_keeps_from_being_positions(revision):
    """Naive: the n-th bit is of the n-th listed reserve, so WBTC is collateral here. Right: USDC, number 1."""
    with stage_of(revision) as stage:
        arena = stage.arena
        withdraw = "withdraw(address,uint256,address)"
        stage.must(stage.lender, withdraw, stage.asset(WETH), MAX_UINT256, stage.lender)
        stage.supply(stage.borrower, USDC, 1_000 * 10**6)
        stage.borrow(stage.borrower, GUSD, 100 * 10**2)
        arena.must(ADMIN, arena.deployment.configurator, "dropReserve(address)", stage.asset(WETH))
        arena.read_listing()

        word = arena.word(arena.deployment.pool, "getUserConfiguration(address)", stage.borrower)
        listed = ask(arena.chain, [Question(arena.deployment.pool, "getReservesList()")])[0]
        assets = [one.lower() for one in decode(["address[]"], listed.data)[0]]
        assert assets == [asset.lower() for asset in arena.assets[1:]]
        naive = [
            (asset, is_collateral(word, place), is_borrowing(word, place))
            for place, asset in enumerate(assets)
        ]
        assert [place for place, (_, enabled, _) in enumerate(naive) if enabled] == [1]
        assert naive[1][0] == stage.asset(WBTC).lower()

        market = stage.market()
        assert sorted(market.reserves) == [USDC, WBTC, GUSD, DAI]
        held = market.accounts[stage.borrower].positions
        assert {reserve_id: (one.collateral_enabled, one.borrowing) for reserve_id, one in held.items()} == {
            USDC: (True, False),
            GUSD: (False, True),
        }
        data = account_data(market, stage.borrower, prices_base=stage.prices(), timestamp=stage.now)
        assert stage.reader.account_data([stage.borrower])[stage.borrower] == data
        assert data.total_collateral_base == 1_000 * 10**8
