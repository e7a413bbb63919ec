"""Liquidations of Compound v2 beyond what was recorded: ether, pauses, deprecated markets, releases that meet."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from protocol.compound_v2 import (
    CTOKENS,
    Account,
    Failure,
    LiquidationCall,
    Position,
    RateModel,
    Revert,
    account_data,
    borrow_balance,
    ctoken_rules_of,
    exchange_rate,
    liquidate_borrow,
    liquidation_call,
    mint,
    users_with_debt,
    viewed_at,
)
from protocol.compound_v2.amounts import Terms
from protocol.errors import MissingPrice, PriceNoUint, UnknownMarket
from protocol.fixed_point.careful_math import ArithmeticFault
from protocol.units import MAX_UINT256, WAD
from tests.protocol.compound_v2_markets import (
    BORROWER,
    DEAR,
    DOLLAR,
    ETHER,
    LIQUIDATOR,
    NOTE,
    NOW,
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
    refused,
    units,
    usd,
    with_ctoken,
)

FALLEN = usd(ether=1_400)
RELEASES = [rules.release for rules in CTOKENS]
OWING: dict[str, Any] = {"holds": {ETHER: 10}, "owes": {DOLLAR: 15_000}}


def test_what_moves_where_in_a_liquidation():
    state = market(**OWING, rate_model=DEAR)
    at = NOW + 100
    repaid = units(DOLLAR, 1_000)
    done = liquidated(liquidate(state, repaid, prices=FALLEN, at=at))
    before = viewed_at(state, at)

    dollar, was = done.market.ctokens[DOLLAR], before.ctokens[DOLLAR]
    assert dollar.cash_underlying == was.cash_underlying + repaid
    assert dollar.total_borrows_underlying == was.total_borrows_underlying - repaid
    owed = borrow_balance(was, position(before, BORROWER, DOLLAR))
    assert position(done.market, BORROWER, DOLLAR).borrow_principal_underlying == owed - repaid
    assert (
        position(done.market, BORROWER, DOLLAR).borrow_interest_index_mantissa == dollar.borrow_index_mantissa
    )

    held = position(state, BORROWER, ETHER).ctokens
    assert position(done.market, BORROWER, ETHER).ctokens == held - done.seized_ctokens
    assert position(done.market, LIQUIDATOR, ETHER).ctokens == done.liquidator_seized_ctokens
    assert done.seized_ctokens == done.liquidator_seized_ctokens + done.protocol_seized_ctokens
    ether, was = done.market.ctokens[ETHER], before.ctokens[ETHER]
    assert ether.total_supply_ctokens == was.total_supply_ctokens - done.protocol_seized_ctokens
    assert ether.total_reserves_underlying == done.protocol_seized_underlying > 0
    assert exchange_rate(ether) >= exchange_rate(was), "the reserves get no more than was destroyed"
    assert done.market.ctokens[NOTE] == state.ctokens[NOTE]
    assert done.market.accounts[BORROWER].entered == state.accounts[BORROWER].entered


def test_the_name_that_every_rule_set_has_is_the_contracts_function():
    assert liquidation_call is liquidate_borrow
    assert list(users_with_debt(market(**OWING))) == [BORROWER]


# --- what is refused, by every release ---

REFUSED = {
    "healthy": (1, PRICES, LIQUIDATOR, "INSUFFICIENT_SHORTFALL", "LiquidateComptrollerRejection(3)"),
    "too much": (10**10, FALLEN, LIQUIDATOR, "TOO_MUCH_REPAY", "LiquidateComptrollerRejection(17)"),
    "oneself": (1, FALLEN, BORROWER, "INVALID_ACCOUNT_PAIR", "LiquidateLiquidatorIsBorrower()"),
    "nothing": (0, FALLEN, LIQUIDATOR, "INVALID_CLOSE_AMOUNT_REQUESTED", "LiquidateCloseAmountIsZero()"),
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("amount", "prices", "liquidator", "name", "custom"), REFUSED.values(), ids=REFUSED.keys()
)
def test_every_release_refuses_for_one_reason_and_in_its_own_words(
    release: str, amount: int, prices: dict[int, int], liquidator: str, name: str, custom: str
):
    outcome = liquidate(market(**OWING, release=release), amount, prices=prices, liquidator=liquidator)

    assert refused(outcome).name == name
    if release == "2022":
        assert isinstance(outcome, Revert)
        assert outcome.raw == custom
    else:
        assert isinstance(outcome, Failure)
        assert outcome.raw.startswith("Failure(")


@pytest.mark.parametrize(
    ("release", "raw"), [("2.9", "Failure(7,20,0)"), ("2022", "LiquidateCloseAmountIsUintMax()")]
)
def test_all_that_is_owed_cannot_be_asked_for_by_the_largest_number(release: str, raw: str):
    """Asked last: only of a debt as large, in a deprecated market, does a call come so far."""
    state = of_release(deprecated(), DOLLAR, release)
    absurd = Position(borrow_principal_underlying=MAX_UINT256, borrow_interest_index_mantissa=1)
    account = replace(
        state.accounts[BORROWER], positions={**state.accounts[BORROWER].positions, DOLLAR: absurd}
    )
    state = replace(state, accounts={**state.accounts, BORROWER: account})
    state = with_ctoken(state, DOLLAR, borrow_index_mantissa=1)

    assert refusal(liquidate(state, MAX_UINT256)) == ("INVALID_CLOSE_AMOUNT_REQUESTED", raw)
    assert refusal(liquidate(market(**OWING), MAX_UINT256, prices=FALLEN))[0] == "TOO_MUCH_REPAY"


@pytest.mark.parametrize("release", RELEASES)
def test_too_much_to_seize_is_a_code_before_2_3_and_a_revert_since(release: str):
    outcome = liquidate(market(**OWING, release=release), units(DOLLAR, 7_000), prices=usd(ether=100))

    assert refused(outcome).name == "LIQUIDATE_SEIZE_TOO_MUCH"
    assert refused(outcome).raw == (
        "Failure(13,29,0)" if release in {"2.0", "2.2"} else "LIQUIDATE_SEIZE_TOO_MUCH"
    )


@pytest.mark.parametrize(("release", "raw"), [("2.2", "Failure(4,19,13)"), ("2.6", None), ("2022", None)])
def test_collateral_without_a_price_cannot_be_seized(release: str, raw: str | None):
    state = acted(mint(market(**OWING, release=release), BORROWER, NOTE, WAD, block_number=NOW)).market
    outcome = liquidate(state, 1, collateral=NOTE, prices={**FALLEN, NOTE: 0})

    reverted = "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED"
    assert refused(outcome).raw == (raw or reverted)


@pytest.mark.parametrize(
    ("release", "told"),
    [("2.9", "exchangeRateStored: exchangeRateStoredInternal failed"), ("2022", "Panic(0x11)")],
)
def test_collateral_whose_exchange_rate_cannot_be_told_cannot_be_seized(release: str, told: str):
    """Never entered, it is not looked at before: its reserves exceed all that it has."""
    state = acted(mint(market(**OWING), BORROWER, NOTE, WAD, block_number=NOW)).market
    broken = {"cash_underlying": 0, "total_borrows_underlying": 0, "total_reserves_underlying": 1}
    state = of_release(with_ctoken(state, NOTE, **broken), NOTE, release)

    assert refusal(liquidate(state, 1, collateral=NOTE, prices=FALLEN)) == (told, told)


# --- ether ---


def test_ether_sent_with_a_liquidation_counts_for_the_comptroller_and_not_for_the_ctoken():
    """The Comptroller asks from outside and sees what was sent; the borrower's own ether looks worth more."""
    state = market(holds={ETHER: 10}, owes={ETHER: 7})
    state = with_ctoken(state, ETHER, collateral_factor_mantissa=69_900 * 10**13)
    alone = account_data(state, BORROWER, prices_mantissa=PRICES, block_number=NOW)
    assert alone.shortfall_usd_mantissa == 20 * WAD

    # 10 of 1,010 ether are the borrower's: its limit rises by 0.699 * 2,000 / 101 for every ether sent
    sent = liquidate(state, 3 * WAD, debt=ETHER, collateral=ETHER)
    assert refusal(sent) == ("INSUFFICIENT_SHORTFALL", "liquidateBorrow failed (03)")
    less = liquidated(liquidate(state, WAD, debt=ETHER, collateral=ETHER))
    assert less.repaid_underlying == WAD


def test_ether_seized_for_ether_books_less_for_the_reserves_than_it_is_seized_at():
    state = market(holds={ETHER: 10}, owes={ETHER: 7})
    state = with_ctoken(state, ETHER, collateral_factor_mantissa=60 * PERCENT)
    done = liquidated(liquidate(state, WAD, debt=ETHER, collateral=ETHER))
    rate, one = 2 * 10**26, state.ctokens[ETHER]

    assert exchange_rate(one) == rate
    assert done.seized_ctokens == 108 * 50 * 10**8 // 100
    within = (one.cash_underlying + one.total_borrows_underlying - WAD) * WAD // one.total_supply_ctokens
    assert done.protocol_seized_underlying == within * done.protocol_seized_ctokens // WAD
    assert done.protocol_seized_underlying < rate * done.protocol_seized_ctokens // WAD
    notes = market(holds={NOTE: 20_000}, owes={NOTE: 14_000})
    notes = with_ctoken(notes, NOTE, collateral_factor_mantissa=60 * PERCENT)
    plain = liquidated(liquidate(notes, WAD, debt=NOTE, collateral=NOTE))
    assert plain.protocol_seized_underlying == rate * plain.protocol_seized_ctokens // WAD


@pytest.mark.parametrize(("release", "told"), [("2.9", "exchange rate math error"), ("2022", "Panic(0x11)")])
def test_ether_that_only_what_was_sent_keeps_from_being_overdrawn_has_no_rate_for_the_reserves(
    release: str, told: str
):
    """Reserves leave half an ether to suppliers; the one sent stands in for the debt that it repays."""
    state = market(holds={ETHER: 10}, owes={ETHER: 7}, release=release)
    state = with_ctoken(state, ETHER, collateral_factor_mantissa=10 * PERCENT)
    one, half = state.ctokens[ETHER], WAD // 2
    reserves = one.cash_underlying + one.total_borrows_underlying - half
    state = with_ctoken(
        state, ETHER, total_reserves_underlying=reserves, total_supply_ctokens=half // (2 * 10**8)
    )
    assert exchange_rate(state.ctokens[ETHER]) == 2 * 10**26

    assert refusal(liquidate(state, WAD, debt=ETHER, collateral=ETHER)) == (told, told)
    assert liquidated(liquidate(state, half, debt=ETHER, collateral=ETHER)).protocol_seized_underlying == 0


def test_ether_is_in_the_ctoken_after_the_call_and_gone_back_after_a_revert():
    state = market(holds={STONE: 1}, owes={ETHER: 15})
    fallen = usd(stone=35_000)
    done = liquidated(liquidate(state, WAD, debt=ETHER, collateral=STONE, prices=fallen))

    assert done.market.ctokens[ETHER].cash_underlying == state.ctokens[ETHER].cash_underlying + WAD
    assert isinstance(liquidate(state, WAD, debt=ETHER, collateral=STONE), Revert)


# --- the guardian and governance ---


def test_seizing_can_be_paused_since_g2():
    state = replace(market(**OWING), seize_paused=True)

    assert refusal(liquidate(state, 1, prices=FALLEN)) == ("seize is paused", "seize is paused")
    first = replace(market(**OWING, comptroller="G1"), seize_paused=True)
    assert liquidated(liquidate(first, 1, prices=FALLEN)).repaid_underlying == 1


def deprecated(comptroller: str = "2.9"):
    return with_ctoken(
        market(**OWING, comptroller=comptroller),
        DOLLAR,
        collateral_factor_mantissa=0,
        borrow_paused=True,
        reserve_factor_mantissa=WAD,
    )


def test_a_deprecated_market_is_liquidated_whatever_the_account_is_worth_and_to_the_end():
    state, all_of_it = deprecated(), units(DOLLAR, 15_000)
    rich = usd(ether=1_000_000)

    done = liquidated(liquidate(state, all_of_it, prices=rich))
    assert position(done.market, BORROWER, DOLLAR).borrow_principal_underlying == 0
    more = liquidate(state, all_of_it + 1, prices=rich)
    assert refusal(more)[1] == "Can not repay more than the total borrow"
    assert refusal(liquidate(state, 0, prices=rich))[0] == "INVALID_CLOSE_AMOUNT_REQUESTED"
    unknown = {**rich, DOLLAR: 0}
    assert refusal(liquidate(state, 1, prices=unknown))[0].endswith("CALCULATE_AMOUNT_SEIZE_FAILED")
    assert refusal(liquidate(deprecated("G7"), 1, prices=rich))[0] == "INSUFFICIENT_SHORTFALL"


@pytest.mark.parametrize(
    "still",
    [{"collateral_factor_mantissa": 1}, {"borrow_paused": False}, {"reserve_factor_mantissa": WAD - 1}],
)
def test_a_market_is_deprecated_only_if_all_three_say_so(still: dict[str, int]):
    state = with_ctoken(deprecated(), DOLLAR, **still)

    assert refusal(liquidate(state, 1))[0] == "INSUFFICIENT_SHORTFALL"


def test_a_market_that_is_not_listed_neither_lends_nor_seizes():
    for market_id in (DOLLAR, ETHER):
        state = with_ctoken(market(**OWING), market_id, listed=False)
        assert refusal(liquidate(state, 1, prices=FALLEN)) == ("MARKET_NOT_LISTED", "Failure(3,18,9)")


# --- releases that meet ---

OVERFLOWING = RateModel(base_rate_per_block_mantissa=1, multiplier_per_block_mantissa=0)


def worn_out(release_of_collateral: str, release_of_debt: str):
    """Its index is so large that it cannot grow any more."""
    state = of_release(of_release(market(**OWING), ETHER, release_of_collateral), DOLLAR, release_of_debt)
    return with_ctoken(state, ETHER, borrow_index_mantissa=2**256 - 2, rate_model=OVERFLOWING)


@pytest.mark.parametrize(
    ("collateral", "debt", "raw"),
    [
        ("2.9", "2.9", "Failure(9,16,0)"),
        ("2.9", "2022", "LiquidateAccrueCollateralInterestFailed(9)"),
        ("2022", "2.9", "Panic(0x11)"),
        ("2022", "2022", "Panic(0x11)"),
    ],
)
def test_collateral_that_cannot_accrue_is_told_by_the_ctoken_that_is_called(
    collateral: str, debt: str, raw: str
):
    outcome = liquidate(worn_out(collateral, debt), 1, prices=FALLEN, at=NOW + 10**6)

    assert refused(outcome).raw == raw


def test_debt_that_cannot_accrue_fails_at_that_step():
    state = with_ctoken(market(**OWING), DOLLAR, borrow_index_mantissa=2**256 - 2, rate_model=OVERFLOWING)
    outcome = liquidate(state, 1, prices=FALLEN, at=NOW + 10**6)

    assert refused(outcome).raw == "Failure(9,15,0)"
    assert isinstance(outcome, Failure)
    assert outcome.market.ctokens[DOLLAR].accrual_block_number == NOW


@pytest.mark.parametrize("release", RELEASES)
def test_a_total_that_lies_below_the_debt_stops_the_repayment(release: str):
    state = with_ctoken(market(**OWING, release=release), DOLLAR, total_borrows_underlying=10)
    name, raw = refusal(liquidate(state, 11, prices=FALLEN))

    late = "REPAY_BORROW_NEW_TOTAL_BALANCE_CALCULATION_FAILED"
    told = {"2.0": ("MATH_ERROR", "Failure(9,24,0)"), "2.2": ("MATH_ERROR", "Failure(9,24,0)")}
    told |= dict.fromkeys(("2.3", "2.6", "2.9"), (late, late))
    told |= {"2022": ("Panic(0x11)", "Panic(0x11)")}
    assert (name, raw) == told[release]


@pytest.mark.parametrize(("release", "told"), [("2.6", "token seizure failed"), ("2022", "Panic(0x11)")])
def test_a_code_from_the_seized_ctoken_is_no_answer(release: str, told: str):
    state = of_release(market(**OWING), ETHER, release)
    full = Account(positions={ETHER: Position(ctokens=MAX_UINT256)})
    state = replace(state, accounts={**state.accounts, LIQUIDATOR: full})

    assert refusal(liquidate(state, 10**6, prices=FALLEN)) == (told, told)


@pytest.mark.parametrize("newer", ["2.9", "2022"])
def test_a_call_is_refused_in_the_words_of_the_ctoken_that_is_called(newer: str):
    old = of_release(market(**OWING, release="2.2"), ETHER, newer)
    crashed = usd(ether=100)

    assert refusal(liquidate(old, units(DOLLAR, 7_000), prices=crashed))[1] == "Failure(13,29,0)"
    assert refusal(liquidate(old, 0, prices=crashed))[1] == "Failure(7,21,0)"
    assert refusal(liquidate(old, 1))[1] == "Failure(3,18,3)"
    late = of_release(market(**OWING, release=newer), ETHER, "2.2")
    assert refusal(liquidate(late, units(DOLLAR, 7_000), prices=crashed))[1] == "LIQUIDATE_SEIZE_TOO_MUCH"


def test_the_share_is_the_collaterals_own():
    state = market(**OWING, release="2.6")
    mixed = of_release(state, ETHER, "2.9")

    assert liquidated(liquidate(state, 10**6, prices=FALLEN)).protocol_seized_ctokens == 0
    assert liquidated(liquidate(mixed, 10**6, prices=FALLEN)).protocol_seized_ctokens > 0
    none = replace(ctoken_rules_of("2.9"), protocol_seize_share_mantissa=0)
    counterfactual = with_ctoken(mixed, ETHER, rules=none)
    assert liquidated(liquidate(counterfactual, 10**6, prices=FALLEN)).protocol_seized_ctokens == 0


# --- amounts ---


def test_the_ratio_is_cut_to_a_mantissa_which_can_cost_a_hundred_thousandth():
    """A note repaid against a stone: 0.02 of 50,000 dollars is a cToken, and a note buys few units of it."""
    terms = Terms(
        incentive_mantissa=108 * PERCENT,
        debt_price_mantissa=WAD,
        collateral_price_mantissa=50_000 * 10**28,
        exchange_rate_mantissa=2 * 10**16,
    )

    assert terms.ratio_mantissa == 108_000
    other = replace(terms, exchange_rate_mantissa=20_001_100_000_000_000)
    exact = Fraction(108_000 * terms.exchange_rate_mantissa, other.exchange_rate_mantissa)
    assert other.ratio_mantissa == 107_994
    assert 0 < 1 - other.ratio_mantissa / exact < Fraction(1, 100_000)


def test_the_largest_repayment_is_the_largest():
    for rate, held in ((2 * 10**16, 10**8), (2 * 10**16 + 12_345, 7), (10**26, 1), (3 * 10**14, 10**12)):
        terms = Terms(
            incentive_mantissa=108 * PERCENT,
            debt_price_mantissa=10**30,
            collateral_price_mantissa=50_000 * 10**28,
            exchange_rate_mantissa=rate,
        )
        most = terms.most_repaid_from(held)

        assert terms.seized_for(most) <= held < terms.seized_for(most + 1)
    thirds = replace(
        terms,
        incentive_mantissa=3,
        debt_price_mantissa=WAD,
        collateral_price_mantissa=WAD,
        exchange_rate_mantissa=WAD,
    )
    assert thirds.most_repaid_from(0) == 333_333_333_333_333_333, "3e-18 of each: 0.999... of a cToken"
    worthless = replace(terms, debt_price_mantissa=0)
    assert worthless.most_repaid_from(1) == MAX_UINT256


def test_collateral_worth_nothing_has_no_ratio():
    terms = Terms(
        incentive_mantissa=WAD, debt_price_mantissa=WAD, collateral_price_mantissa=1, exchange_rate_mantissa=1
    )

    with pytest.raises(ArithmeticFault) as caught:
        terms.seized_for(1)
    assert caught.value.name == "Panic(0x12)"


# --- mistakes of the caller ---


def test_what_the_contract_could_not_meet_is_a_mistake_of_the_caller():
    state = market(**OWING)
    with pytest.raises(MissingPrice, match=r"no price for 1: .* as a mantissa, 0 where the oracle has none$"):
        liquidate(state, 1, prices={ETHER: 1})
    for market_id, price in ((ETHER, -1), (DOLLAR, 2**256)):
        with pytest.raises(PriceNoUint) as caught:
            liquidate(state, 1, prices={**PRICES, market_id: price})
        assert (caught.value.what, caught.value.price) == (market_id, price)
    for ids in ((9, DOLLAR), (ETHER, 9)):
        call = LiquidationCall(
            collateral_id=ids[0], debt_id=ids[1], borrower=BORROWER, liquidator=LIQUIDATOR, repay_amount=1
        )
        with pytest.raises(UnknownMarket, match="no market 9:"):
            liquidate_borrow(state, call, prices_mantissa=PRICES, block_number=NOW)


def test_nobody_is_healthy_and_cannot_be_liquidated():
    call = LiquidationCall(
        collateral_id=ETHER, debt_id=DOLLAR, borrower="nobody", liquidator=LIQUIDATOR, repay_amount=1
    )
    outcome = liquidate_borrow(market(), call, prices_mantissa=PRICES, block_number=NOW)

    assert refused(outcome).name == "INSUFFICIENT_SHORTFALL"
    data = account_data(market(), "nobody", prices_mantissa={}, block_number=NOW)
    assert (data.liquidity_usd_mantissa, data.shortfall_usd_mantissa) == (0, 0)
