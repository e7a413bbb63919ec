"""Edge cases 1 to 13, 19, 31 to 33 of the Compound family, as Compound v2 has them: what naive models get wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.compound_v2 import (
    AccountData,
    Acted,
    ComptrollerError,
    Failure,
    RateModel,
    Revert,
    TransferFee,
    account_data,
    accrue_interest,
    backing,
    borrow,
    borrow_balance,
    borrow_rate,
    comptroller_rules_of,
    enter_markets,
    exchange_rate,
    jump_rate,
    jump_rate_v2,
    mint,
    redeem,
    repay_borrow,
    utilization,
    viewed_at,
)
from protocol.compound_v2.health import account_sums, ctoken_value
from protocol.compound_v2.oracle import RevertingOracle, simple_prices, simple_prices_2022
from protocol.compound_v2.pairs import payout_ratio
from protocol.compound_v2.rates import BLOCKS_PER_YEAR
from protocol.errors import EvmRevert
from protocol.units import WAD
from tests.protocol.compound_v2_markets import (
    BANK,
    BORROWER,
    DEAR,
    DOLLAR,
    ETHER,
    LIQUIDATOR,
    NOTE,
    NOW,
    OTHER,
    PERCENT,
    PRICES,
    STONE,
    acted,
    liquidate,
    liquidated,
    market,
    of_release,
    position,
    refusal,
    units,
    usd,
    with_ctoken,
)

FALLEN = usd(ether=1_400)
"""10 ether of 2,000 dollars let borrow 15,000; now they let borrow 10,500."""


def data(state, prices=PRICES, user=BORROWER):
    return account_data(state, user, prices_mantissa=prices, block_number=NOW)


def test_edge_case_01_an_account_exactly_at_its_limit_is_healthy():
    """Naive: no liquidity left is a shortfall. Right: not before debt exceeds weighted collateral by a unit."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    at_the_limit, below = usd(ether=2_000), usd(ether=1_999.99999999)

    assert data(state, at_the_limit) == replace(data(state, below), shortfall_usd_mantissa=0)
    assert refusal(liquidate(state, 1, prices=at_the_limit))[0] == "INSUFFICIENT_SHORTFALL"
    assert data(state, below).shortfall_usd_mantissa == 75 * 10**9
    assert liquidated(liquidate(state, 1, prices=below)).repaid_underlying == 1


def test_edge_case_02_factor_and_rate_are_multiplied_first_and_cut_before_the_price_comes():
    """Naive: factor x (rate x price), as isolated pools do it. Right: (factor x rate) x price, each product cut."""
    state = with_ctoken(market(), DOLLAR, collateral_factor_mantissa=777_777_777_777_777_777)
    one, rate, price = state.ctokens[DOLLAR], 200_000_000_000_000, 10**30 + 7
    factor = one.config.collateral_factor_mantissa

    down = ctoken_value(state, one, rate, price)
    assert down == factor * rate // WAD * price // WAD
    assert down != factor * (rate * price // WAD) // WAD

    first = replace(state, rules=comptroller_rules_of("G5"))
    half_up = ctoken_value(first, one, rate, price)
    assert half_up == ((factor * rate + WAD // 2) // WAD * price + WAD // 2) // WAD
    assert half_up - down == 10**12, "one unit of the first product, times the price"


def test_edge_case_03_the_close_factor_is_of_each_debt_as_it_is_now():
    """Naive: half of an account. Right: half of one debt, then half of what is left, and half of every other."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 10_000, NOTE: 4_000})
    repaid = []
    for amount in (5_000, 2_500, 1_250):
        step = liquidated(liquidate(state, units(DOLLAR, amount), prices=FALLEN))
        over = liquidate(state, units(DOLLAR, amount) + 1, prices=FALLEN)
        assert refusal(over)[0] == "TOO_MUCH_REPAY"
        state = step.market
        repaid.append(step.repaid_underlying)

    assert repaid == [units(DOLLAR, one) for one in (5_000, 2_500, 1_250)]
    half = units(NOTE, 2_000)
    assert refusal(liquidate(state, half + 1, debt=NOTE, prices=FALLEN))[0] == "TOO_MUCH_REPAY"
    assert liquidated(liquidate(state, half, debt=NOTE, prices=FALLEN)).repaid_underlying == half


def test_edge_case_04_more_than_the_collateral_pays_for_is_refused_and_not_cut():
    """Naive: what is too much is cut to what is there. Right: the call fails, so the liquidator must size it."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    crashed = usd(ether=500)
    held = position(state, BORROWER, ETHER).ctokens
    most = 5_000 * 10**6 * 100 // 108

    assert refusal(liquidate(state, most + 1, prices=crashed)) == ("LIQUIDATE_SEIZE_TOO_MUCH",) * 2
    done = liquidated(liquidate(state, most, prices=crashed))
    assert held - done.seized_ctokens == 7, "10.8 are what a unit of debt is worth"


def test_edge_case_05_what_was_never_entered_is_seized_too():
    """Naive: only collateral can be seized. Right: all cTokens are; unlike Venus, nobody asks for membership."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    state = acted(mint(state, BORROWER, NOTE, units(NOTE, 5_000), block_number=NOW)).market

    assert NOTE not in state.accounts[BORROWER].entered
    assert data(state) == data(market(holds={ETHER: 10}, owes={DOLLAR: 15_000}))
    done = liquidated(liquidate(state, units(DOLLAR, 1_000), collateral=NOTE, prices=FALLEN))
    assert done.seized_ctokens == 1_080 * 50 * 10**8


def test_edge_case_06_the_protocol_takes_a_part_of_all_that_is_seized_but_in_old_markets():
    """Naive: 2.8 % of the bonus, from everybody. Right: of the whole seizure, where the cToken's code has it."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    seized = 540 * 50 * 10**8 // 1_400
    new = liquidated(liquidate(state, units(DOLLAR, 500), prices=FALLEN))
    old = liquidated(liquidate(of_release(state, ETHER, "2.6"), units(DOLLAR, 500), prices=FALLEN))

    assert new.seized_ctokens == old.seized_ctokens == seized
    assert new.protocol_seized_ctokens == seized * 28 // 1_000
    assert new.liquidator_seized_ctokens == seized - seized * 28 // 1_000
    assert (old.protocol_seized_ctokens, old.protocol_seized_underlying) == (0, 0)
    assert payout_ratio(state, BORROWER, ETHER) * 100_000 == 104_976
    before, after = state.ctokens[ETHER], new.market.ctokens[ETHER]
    assert after.total_reserves_underlying == new.protocol_seized_ctokens * 2 * 10**8
    assert before.total_supply_ctokens - after.total_supply_ctokens == new.protocol_seized_ctokens
    assert before.cash_underlying == after.cash_underlying, "nothing leaves the market"


def test_edge_case_07_the_liquidator_gets_ctokens_that_a_lent_out_market_does_not_redeem():
    """Naive: the liquidator gets the asset. Right: a claim, worth as much cash as there is."""
    state = market(holds={STONE: 1}, owes={DOLLAR: 30_000})
    state = acted(mint(state, OTHER, ETHER, units(ETHER, 10_000), block_number=NOW)).market
    state = enter_markets(state, OTHER, [ETHER]).market
    at = {"prices_mantissa": PRICES, "block_number": NOW}
    state = acted(borrow(state, OTHER, STONE, units(STONE, 101), **at)).market
    crashed = usd(stone=35_000)
    done = liquidated(liquidate(state, units(DOLLAR, 10_000), collateral=STONE, prices=crashed))

    got = position(done.market, LIQUIDATOR, STONE).ctokens
    assert got == done.liquidator_seized_ctokens > 0
    assert utilization(cash=0, borrows=101, reserves=0) == WAD
    refused = redeem(done.market, LIQUIDATOR, STONE, got, **at)
    assert refusal(refused) == ("TOKEN_INSUFFICIENT_CASH", "Failure(14,47,0)")
    repaid = acted(repay_borrow(done.market, OTHER, STONE, units(STONE, 1), block_number=NOW)).market
    assert acted(redeem(repaid, LIQUIDATOR, STONE, got, **at)).amount > 0


def test_edge_case_08_one_unknown_price_freezes_every_account_in_that_market():
    """Naive: an empty position needs no price. Right: being in the market is enough; liquidations stop too."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    state = enter_markets(state, BORROWER, [NOTE]).market
    unknown = {**FALLEN, NOTE: 0}

    assert data(state, unknown) == AccountData(
        error=ComptrollerError.PRICE_ERROR, liquidity_usd_mantissa=0, shortfall_usd_mantissa=0
    )
    assert refusal(liquidate(state, 1, prices=unknown)) == ("PRICE_ERROR", "Failure(3,18,13)")
    at = {"prices_mantissa": unknown, "block_number": NOW}
    assert refusal(redeem(state, BORROWER, ETHER, 1, **at))[0] == "PRICE_ERROR"
    assert refusal(borrow(state, BORROWER, DOLLAR, 1, **at))[0] == "PRICE_ERROR"
    assert acted(repay_borrow(state, BORROWER, DOLLAR, 1, block_number=NOW)).amount == 1

    # a market that only is seized from, not entered, stops the call where it settles what to seize
    state = acted(
        mint(market(holds={ETHER: 10}, owes={DOLLAR: 15_000}), BORROWER, NOTE, WAD, block_number=NOW)
    )
    name, _ = refusal(liquidate(state.market, 1, collateral=NOTE, prices=unknown))
    assert name == "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED"


def test_edge_case_08_a_price_that_reverts_takes_every_call_that_asks_for_it_with_it():
    """Naive: one asset's feed is one asset's trouble. Right: whoever has entered it cannot even be liquidated."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    state = enter_markets(state, BORROWER, [NOTE]).market
    down = RevertingOracle(prices_mantissa=FALLEN, reverting={NOTE: EvmRevert("no price")})

    with pytest.raises(EvmRevert) as caught:
        data(state, down)
    assert caught.value.name == "no price"
    at = {"prices_mantissa": down, "block_number": NOW}
    for stopped in (
        liquidate(state, 1, prices=down),
        redeem(state, BORROWER, ETHER, 1, **at),
        borrow(state, BORROWER, DOLLAR, 1, **at),
    ):
        assert isinstance(stopped, Revert)
        assert stopped.name == "no price"

    # no price is asked for, or none of that market
    assert acted(repay_borrow(state, BORROWER, DOLLAR, 1, block_number=NOW)).amount == 1
    not_entered = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    assert liquidated(liquidate(not_entered, 1, prices=down)) == liquidated(
        liquidate(not_entered, 1, prices=FALLEN)
    )
    assert set(down) == set(FALLEN)
    assert len(down) == len(FALLEN)


def test_edge_case_09_debt_that_nobody_repays_goes_on_to_raise_the_exchange_rate():
    """Naive: bad debt lowers what suppliers have. Right: it earns, a part of it for reserves that are not there."""
    state = market(holds={STONE: 1}, owes={DOLLAR: 30_000}, rate_model=DEAR)
    gone = usd(stone=1_000)
    done = liquidated(liquidate(state, 925_925_926, collateral=STONE, prices=gone)).market
    assert position(done, BORROWER, STONE).ctokens == 0, "all of it"
    later = viewed_at(done, NOW + BLOCKS_PER_YEAR)

    now, then = backing(done, DOLLAR), backing(later, DOLLAR)
    assert now.bad_debt_underlying > units(DOLLAR, 29_000)
    assert then.bad_debt_underlying > now.bad_debt_underlying
    assert exchange_rate(later.ctokens[DOLLAR]) > exchange_rate(done.ctokens[DOLLAR])
    assert later.ctokens[DOLLAR].total_reserves_underlying > done.ctokens[DOLLAR].total_reserves_underlying
    assert now.missing_underlying > units(DOLLAR, 29_000)
    assert then.missing_underlying > now.missing_underlying
    assert then.cash_underlying == now.cash_underlying


def test_edge_case_10_debt_and_collateral_may_be_one_asset_and_its_price_does_not_matter():
    """Naive: nobody lends against the same asset. Right: allowed, and only the factor moves such an account."""
    state = market(holds={DOLLAR: 10_000}, owes={DOLLAR: 7_500})
    for price in (0.01, 1, 100):
        assert data(state, usd(dollar=price)).shortfall_usd_mantissa == 0
        name, _ = refusal(liquidate(state, 1, collateral=DOLLAR, prices=usd(dollar=price)))
        assert name == "INSUFFICIENT_SHORTFALL"

    lower = with_ctoken(state, DOLLAR, collateral_factor_mantissa=74 * PERCENT)
    amounts = {
        liquidated(
            liquidate(lower, units(DOLLAR, 1_000), collateral=DOLLAR, prices=usd(dollar=price))
        ).seized_ctokens
        for price in (0.01, 1, 100)
    }
    assert amounts == {1_080 * 50 * 10**8}
    first = of_release(lower, DOLLAR, "2.2")
    again = liquidate(first, units(DOLLAR, 1_000), collateral=DOLLAR)
    assert refusal(again) == ("re-entered", "re-entered"), (
        "the first cTokens seize from outside, even themselves"
    )


def test_edge_case_11_only_the_two_markets_of_the_call_are_fresh():
    """Naive: every debt has grown to now. Right: one that nobody has touched is as old as its last touch."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 7_400, NOTE: 7_400}, rate_model=DEAR)
    later = NOW + BLOCKS_PER_YEAR
    fresh = viewed_at(state, later)

    assert data(fresh).shortfall_usd_mantissa > 0
    assert refusal(liquidate(state, 1, at=later))[0] == "INSUFFICIENT_SHORTFALL"
    assert refusal(liquidate(state, 1, debt=NOTE, at=later))[0] == "INSUFFICIENT_SHORTFALL"
    touched = accrued(state, NOTE, later)
    assert liquidated(liquidate(touched, 1, at=later)).repaid_underlying == 1


def accrued(state, market_id, at):
    return acted(accrue_interest(state, market_id, block_number=at)).market


def test_edge_case_12_interest_is_simple_between_two_touches():
    """Naive: interest depends on the time alone. Right: every touch compounds, so a replay needs their blocks."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 10_000}, rate_model=DEAR)
    at_once = accrued(state, DOLLAR, NOW + 1_000)
    in_two = accrued(accrued(state, DOLLAR, NOW + 500), DOLLAR, NOW + 1_000)
    rate = 10**10 + 10_000 * WAD // 10**6 * 10**11 // WAD

    assert at_once.ctokens[DOLLAR].borrow_index_mantissa == WAD + rate * 1_000
    assert in_two.ctokens[DOLLAR].borrow_index_mantissa > at_once.ctokens[DOLLAR].borrow_index_mantissa
    assert accrued(at_once, DOLLAR, NOW + 1_000) == at_once


def test_edge_case_13_a_slope_means_what_its_model_means_and_a_rate_too_high_ends_a_market():
    """Naive: one jump-rate model, a real number of blocks a year, any rate. Right: two slopes, 15 s, and a cap."""
    per_year = {
        "base_rate_per_year_mantissa": 2 * PERCENT,
        "multiplier_per_year_mantissa": 20 * PERCENT,
        "jump_multiplier_per_year_mantissa": 200 * PERCENT,
        "kink_mantissa": 80 * PERCENT,
    }
    v1, v2 = jump_rate(**per_year), jump_rate_v2(**per_year)
    assert v1.multiplier_per_block_mantissa == 20 * PERCENT // BLOCKS_PER_YEAR
    assert v2.multiplier_per_block_mantissa == 25 * PERCENT // BLOCKS_PER_YEAR
    assert 365 * 24 * 60 * 60 / BLOCKS_PER_YEAR == 15

    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    wild = RateModel(base_rate_per_block_mantissa=5 * 10**12, multiplier_per_block_mantissa=0)
    capped = with_ctoken(state, DOLLAR, rate_model=wild)
    assert liquidated(liquidate(capped, 1, prices=FALLEN, at=NOW + 1)).repaid_underlying == 1
    bricked = with_ctoken(
        state, DOLLAR, rate_model=replace(wild, base_rate_per_block_mantissa=5 * 10**12 + 1)
    )
    for outcome in (
        liquidate(bricked, 1, prices=FALLEN, at=NOW + 1),
        repay_borrow(bricked, BORROWER, DOLLAR, 1, block_number=NOW + 1),
        mint(bricked, BANK, DOLLAR, 1, block_number=NOW + 1),
        accrue_interest(bricked, DOLLAR, block_number=NOW + 1),
    ):
        assert refusal(outcome)[0] == "borrow rate is absurdly high"
    assert isinstance(mint(bricked, BANK, DOLLAR, 1, block_number=NOW), Acted), "not in its last block"
    first = of_release(bricked, DOLLAR, "2.0")
    assert liquidated(liquidate(first, 1, prices=FALLEN, at=NOW + 1)).repaid_underlying == 1


def test_edge_case_19_more_than_all_is_lent_out_where_reserves_exceed_cash():
    """Naive: use ends at 100 %. Right: what is owed to reserves is lent out too, and the rate goes on to rise."""
    model = jump_rate_v2(
        base_rate_per_year_mantissa=0,
        multiplier_per_year_mantissa=BLOCKS_PER_YEAR * 10**10,
        jump_multiplier_per_year_mantissa=BLOCKS_PER_YEAR * 10**12,
        kink_mantissa=80 * PERCENT,
    )

    def rate(reserves: int) -> int:
        return borrow_rate(model, cash=10, borrows=100, reserves=reserves)

    assert utilization(cash=10, borrows=100, reserves=10) == WAD
    assert utilization(cash=10, borrows=100, reserves=60) == 2 * WAD
    assert rate(60) - rate(10) == 10**12, "the whole of one more at the jump"


def test_edge_case_31_old_ctokens_fail_in_transactions_that_go_through():
    """Naive: a transaction of status 1 liquidated. Right: it may have returned a code and only accrued."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000}, rate_model=DEAR)
    at = NOW + 1
    failed = liquidate(state, 10**12, at=at, prices=FALLEN)

    assert isinstance(failed, Failure)
    assert (failed.name, failed.raw) == ("TOO_MUCH_REPAY", "Failure(3,18,17)")
    assert failed.market.accounts == state.accounts
    assert failed.market.ctokens[DOLLAR].accrual_block_number == at
    assert failed.market.ctokens[ETHER].accrual_block_number == at
    assert failed.market.ctokens[NOTE].accrual_block_number == NOW

    newest = liquidate(of_release(state, DOLLAR, "2022"), 10**12, at=at, prices=FALLEN)
    assert isinstance(newest, Revert)
    assert refusal(newest) == ("TOO_MUCH_REPAY", "LiquidateComptrollerRejection(17)")

    ether = market(holds={STONE: 1}, owes={ETHER: 15})
    paid = liquidate(ether, 10**20, debt=ETHER, collateral=STONE, prices=usd(stone=30_000))
    assert isinstance(paid, Revert), "what comes with ether reverts, to give it back"
    assert refusal(paid) == ("TOO_MUCH_REPAY", "liquidateBorrow failed (03)")


def test_edge_case_32_of_a_token_that_keeps_a_fee_what_arrives_is_seized_for_but_what_is_asked_is_tested():
    """Naive: one amount. Right: the close factor bounds the amount asked, the seizure follows the amount received."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 15_000})
    state = with_ctoken(state, DOLLAR, transfer_fee=TransferFee(share_bps=100, maximum_underlying=10**12))
    half = units(DOLLAR, 7_500)

    assert refusal(liquidate(state, half + 1, prices=FALLEN))[0] == "TOO_MUCH_REPAY"
    done = liquidated(liquidate(state, half, prices=FALLEN))
    assert done.repaid_underlying == half * 99 // 100
    plain = liquidated(
        liquidate(with_ctoken(state, DOLLAR, transfer_fee=TransferFee()), half * 99 // 100, prices=FALLEN)
    )
    assert done.seized_ctokens == plain.seized_ctokens
    before, after = state.ctokens[DOLLAR], done.market.ctokens[DOLLAR]
    assert after.cash_underlying - before.cash_underlying == half * 99 // 100
    assert (
        borrow_balance(after, position(done.market, BORROWER, DOLLAR))
        == units(DOLLAR, 15_000) - half * 99 // 100
    )

    first = liquidated(liquidate(of_release(state, DOLLAR, "2.2"), half, prices=FALLEN))
    assert first.repaid_underlying == half, "the first cTokens believe the amount asked for"
    assert first.market.ctokens[DOLLAR].cash_underlying - before.cash_underlying == half * 99 // 100


def test_edge_case_33_the_simple_oracle_knows_ether_by_a_symbol_and_everything_else_by_its_asset():
    """Naive: a price for each cToken, posted. Right: cETH is 1 always, two cTokens of an asset share one."""
    state = with_ctoken(market(), STONE, underlying="0xa1")
    posted = {"0xa1": 7, "": 5, "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE": 3}

    assert simple_prices(state, posted) == {ETHER: WAD, DOLLAR: 7, STONE: 7, NOTE: 0}
    assert simple_prices_2022(state, posted) == {ETHER: 3, DOLLAR: 7, STONE: 7, NOTE: 0}
    renamed = with_ctoken(state, ETHER, symbol="cWETH", underlying="0xa9")
    assert simple_prices(renamed, {"0xa9": 9})[ETHER] == 9
    sums = account_sums(market(holds={ETHER: 10}), BORROWER, prices_mantissa=simple_prices(market(), {}))
    assert sums.collateral_usd_mantissa == 75 * WAD // 10, "10 ether, a dollar each"
