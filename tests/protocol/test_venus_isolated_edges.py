"""The edge cases that a model of Venus isolated pools gets wrong most easily; each number is worked out beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.units import WAD
from protocol.venus_isolated import (
    AccountLiquidated,
    Acted,
    Healed,
    LiquidationOrder,
    borrow_rate,
    exchange_rate,
    exit_market,
    redeem,
    utilization_rate,
    viewed_at,
)
from protocol.venus_isolated.interest import accrue
from tests.protocol.venus_markets import (
    BANK,
    BORROWER,
    COIN,
    DOLLAR,
    INCENTIVE,
    LIQUIDATOR,
    MINIMUM,
    NEW,
    NOW,
    OLD,
    RATES,
    SHARE,
    STONE,
    batch,
    called,
    data,
    done,
    heal,
    healed,
    market,
    moved,
    position,
    refusal,
    units,
    usd,
    with_position,
    with_vtoken,
)


def test_edge_case_01_weighted_collateral_equal_to_the_debt_is_healthy():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    at = usd(coin=937.5)  # 10 * 937.5 * 0.8 = 7,500

    assert data(state, at).shortfall_usd_mantissa == 0
    assert data(state, at).liquidity_usd_mantissa == 0
    assert refusal(called(state, at)) == "InsufficientShortfall"
    below = {**at, COIN: at[COIN] - 1}
    assert data(state, below).shortfall_usd_mantissa > 0
    assert done(state, below).repaid_underlying == 1_000_000


def test_edge_case_02_the_weight_multiplies_the_product_of_rate_and_price():
    """Naive: (weight x rate) x price, as in Compound v2. Right: weight x (rate x price), an integer apart here."""
    state = market(holds={STONE: 3}, owes={})
    threshold, rate, price = 7 * 10**17 + 3, 10**18 + 13, usd()[STONE] + 17
    state = with_vtoken(state, STONE, liquidation_threshold_mantissa=threshold)
    supply = state.vtokens[STONE].total_supply_vtokens
    state = with_vtoken(state, STONE, cash_underlying=-(-supply * rate // WAD))
    rate = exchange_rate(state.vtokens[STONE])
    held = position(state, STONE).vtokens

    isolated = threshold * (rate * price // WAD) // WAD * held // WAD
    compound_v2 = threshold * rate // WAD * price // WAD * held // WAD
    found = data(state, {**usd(), STONE: price})

    assert isolated != compound_v2
    assert found.weighted_collateral_usd_mantissa == isolated
    assert found.total_collateral_usd_mantissa == rate * price // WAD * held // WAD


def test_edge_case_04_nothing_is_clipped_to_the_collateral_that_is_there():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500}, close_factor_mantissa=9 * 10**17)
    at = usd(
        coin=700
    )  # 10 coins, or 1e9 vToken units, of which a unit of dollar takes 11 / 70, cut to 18 digits

    assert 6_363_636_371 * (11 * WAD // 70) // WAD == 10**9 + 1
    assert refusal(called(state, at, repay_amount=6_363_636_371)) == "LIQUIDATE_SEIZE_TOO_MUCH"
    found = done(state, at, repay_amount=6_363_636_370)
    assert (found.repaid_underlying, found.seized.seized_vtokens) == (6_363_636_370, 10**9)


def test_edge_case_05_vtokens_that_were_never_entered_cannot_be_seized():
    """Naive: any collateral token can be taken, as in Compound v2. Right: MarketNotCollateral."""
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    state = with_position(state, STONE, vtokens=units(STONE, 1_000))  # worth 50,000 dollars, not entered
    at = usd(coin=700)

    assert refusal(called(state, at, collateral_id=STONE)) == "MarketNotCollateral"
    assert data(state, at).total_collateral_usd_mantissa == 7_000 * WAD
    forced = with_vtoken(state, DOLLAR, forced_liquidation=True)
    assert refusal(called(forced, at, collateral_id=STONE)) == "MarketNotCollateral"


def test_edge_case_06_the_protocols_share_is_of_the_debt_repaid_and_leaves_in_cash():
    """Naive: 5 % of all that is seized, added to reserves. Right: 5/110 of it, paid out."""
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    at = usd(coin=800)
    found = done(state, at, repay_amount=units(DOLLAR, 800))  # worth one coin; 1.1 are seized

    assert found.seized.seized_vtokens == units(COIN, 1.1) // 10**10
    assert found.seized.protocol_seized_vtokens == units(COIN, 1.1) // 10**10 * SHARE // INCENTIVE
    assert found.seized.protocol_seized_underlying == units(COIN, 0.05)
    assert found.seized.liquidator_seized_vtokens == units(COIN, 1.05) // 10**10
    before, after = state.vtokens[COIN], found.market.vtokens[COIN]
    assert before.cash_underlying - after.cash_underlying == units(COIN, 0.05)
    assert after.total_reserves_underlying == before.total_reserves_underlying
    assert before.total_supply_vtokens - after.total_supply_vtokens == found.seized.protocol_seized_vtokens
    assert exchange_rate(after) == exchange_rate(before)

    # 1.0.0 kept it in the market, so that it needed no cash.
    old = done(replace(state, rules=OLD), at, repay_amount=units(DOLLAR, 800)).market.vtokens[COIN]
    assert old.cash_underlying == before.cash_underlying
    assert old.total_reserves_underlying - before.total_reserves_underlying == units(COIN, 0.05)
    assert old.total_supply_vtokens == after.total_supply_vtokens


def test_edge_case_06_without_cash_for_the_protocols_share_nothing_can_be_seized():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    coins = state.vtokens[COIN]
    lent = replace(
        coins,
        cash_underlying=units(COIN, 0.05) - 1,
        total_borrows_underlying=coins.cash_underlying - units(COIN, 0.05) + 1,
    )
    state, at = replace(state, vtokens={**state.vtokens, COIN: lent}), usd(coin=800)

    asked = units(DOLLAR, 800)
    assert refusal(called(state, at, repay_amount=asked)) == "ERC20: transfer amount exceeds balance"
    just = with_vtoken(
        state,
        COIN,
        cash_underlying=units(COIN, 0.05),
        total_borrows_underlying=lent.total_borrows_underlying - 1,
    )
    assert done(just, at, repay_amount=asked).market.vtokens[COIN].cash_underlying == 0
    assert done(replace(state, rules=OLD), at, repay_amount=asked).repaid_underlying == asked


def test_edge_case_07_seized_vtokens_cannot_be_redeemed_while_all_is_lent_out():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    coins = state.vtokens[COIN]
    cash = units(COIN, 0.06)
    state = with_vtoken(
        state, COIN, cash_underlying=cash, total_borrows_underlying=coins.cash_underlying - cash
    )
    found = done(state, usd(coin=800), repay_amount=units(DOLLAR, 800))
    held = position(found.market, COIN, LIQUIDATOR).vtokens

    assert held == found.seized.liquidator_seized_vtokens > 0
    asked = redeem(found.market, LIQUIDATOR, COIN, held, prices_mantissa={}, slot=NOW)
    assert refusal(asked) == "RedeemTransferOutNotPossible"


def test_edge_case_11_only_the_two_markets_of_a_liquidation_are_fresh():
    """Naive: all debts have grown to now. Right: those in a third market stand where they stood."""
    lively = {STONE: {"rate_model": replace(RATES, base_rate_per_slot_mantissa=10**10)}}
    state = market(holds={COIN: 20}, owes={DOLLAR: 100, STONE: 290}, vtokens=lively)
    later, at = NOW + 10**6, usd(coin=920)
    grown = viewed_at(state, later)
    assert data(grown, at).shortfall_usd_mantissa > 0  # 14,720 against 14,600 and 145 of interest

    assert refusal(called(state, at, slot=later)) == "InsufficientShortfall"
    fresh = with_vtoken(state, STONE, **_stored(accrue(state.vtokens[STONE], NEW, later)))
    assert done(fresh, at, slot=later).repaid_underlying == units(DOLLAR, 1)


def _stored(vtoken):
    names = ("accrual_slot", "borrow_index_mantissa", "total_borrows_underlying", "total_reserves_underlying")
    return {name: getattr(vtoken, name) for name in names}


def test_edge_case_19_use_is_clipped_to_the_whole():
    """Naive: use beyond 100 %, and a steeper rate, as in Compound v2. Right: never beyond."""
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    dollars = replace(
        state.vtokens[DOLLAR], cash_underlying=0, total_reserves_underlying=units(DOLLAR, 5_000)
    )
    assert dollars.total_borrows_underlying * WAD // units(DOLLAR, 2_500) == 3 * WAD

    assert utilization_rate(dollars) == WAD
    assert borrow_rate(dollars) == (2 * 10**11 * 2 + 10**10 * 8) // 10
    all_reserves = replace(dollars, total_reserves_underlying=units(DOLLAR, 7_500))
    assert refused_to_accrue(all_reserves) == "Panic(0x12)"
    more_reserves = replace(dollars, total_reserves_underlying=units(DOLLAR, 7_500) + 1)
    assert refused_to_accrue(more_reserves) == "Panic(0x11)"


def refused_to_accrue(vtoken) -> str:
    state = replace(market(holds={COIN: 10}, owes={}), vtokens={DOLLAR: vtoken})
    return refusal(redeem(state, BANK, DOLLAR, 1, prices_mantissa={}, slot=NOW + 1))


def test_edge_case_20_healing_books_bad_debt_for_an_account_worth_more_than_it_owes():
    """Naive: bad debt only below the debt's worth. Right: as soon as the collateral does not pay the incentive."""
    state = market(holds={COIN: 1}, owes={DOLLAR: 750})
    at = usd(coin=800)  # 50 dollars more than the debt, 25 less than debt and incentive
    assert data(state, at).total_collateral_usd_mantissa > data(state, at).borrows_usd_mantissa

    found = healed(state, at)
    share = 800 * WAD * WAD // (825 * WAD)
    assert found.repaid_underlying == {DOLLAR: share * units(DOLLAR, 750) // WAD}
    assert found.bad_debt_underlying == {DOLLAR: units(DOLLAR, 750) - found.repaid_underlying[DOLLAR]}
    assert found.bad_debt_underlying[DOLLAR] == 22_727_273  # 750 - 800 / 1.1
    assert found.seized[COIN].seized_vtokens == units(COIN, 1) // 10**10
    assert position(found.market, COIN).vtokens == 0
    assert position(found.market, DOLLAR).borrow_principal_underlying == 0


def test_edge_case_20_the_minimum_counts_collateral_without_its_weight():
    """Naive: 1,250 dollars weigh 1,000. Right: 1,000 dollars and not a unit more, whatever they weigh."""
    state = market(holds={COIN: 1}, owes={DOLLAR: 750}, close_factor_mantissa=9 * 10**17)
    state = with_vtoken(state, COIN, liquidation_threshold_mantissa=2 * 10**17)
    state = with_vtoken(state, COIN, collateral_factor_mantissa=2 * 10**17)
    just, above = usd(coin=1_000), {**usd(coin=1_000), COIN: usd(coin=1_000)[COIN] + 1}
    assert data(state, just).weighted_collateral_usd_mantissa == MINIMUM // 5

    whole = LiquidationOrder(collateral_id=COIN, debt_id=DOLLAR, repay_amount=units(DOLLAR, 750))
    assert refusal(called(state, just)) == "MinimalCollateralViolated"
    through = batch(state, just, whole)
    assert isinstance(through, AccountLiquidated)
    assert through.legs[0].repaid_underlying == units(DOLLAR, 750)
    assert refusal(heal(state, just)) == "CollateralExceedsThreshold"  # it covers debt and incentive

    assert done(state, above).repaid_underlying == units(DOLLAR, 1)
    assert refusal(batch(state, above, whole)) == "CollateralExceedsThreshold"
    assert refusal(heal(state, above)) == "CollateralExceedsThreshold"


def test_edge_case_21_bad_debt_stays_part_of_what_vtokens_are_worth():
    """Naive: suppliers lose at once. Right: the exchange rate does not move, and the last to redeem find no cash."""
    state = market(holds={COIN: 1}, owes={DOLLAR: 750})
    before = state.vtokens[DOLLAR]
    after = healed(state, usd(coin=400)).market
    dollars = after.vtokens[DOLLAR]
    lost = dollars.bad_debt_underlying

    assert lost == 386_363_637  # 750 - 400 / 1.1
    assert exchange_rate(dollars) == exchange_rate(before)
    assert dollars.total_borrows_underlying == 0
    assert dollars.cash_underlying == units(DOLLAR, 10**6) - lost

    everything = position(after, DOLLAR, BANK).vtokens
    asked = redeem(after, BANK, DOLLAR, everything, prices_mantissa={}, slot=NOW)
    assert refusal(asked) == "RedeemTransferOutNotPossible"
    assert isinstance(redeem(after, BANK, DOLLAR, everything // 2, prices_mantissa={}, slot=NOW), Acted)


@pytest.mark.parametrize("rules", [OLD, NEW], ids=["1.0.0", "4.4.0"])
def test_edge_case_21_bad_debt_bears_no_interest_but_counts_as_lent_out(rules):
    state = market(holds={COIN: 1}, owes={DOLLAR: 750}, rules=rules)
    dollars = healed(state, usd(coin=400)).market.vtokens[DOLLAR]
    lent = dollars.bad_debt_underlying

    assert utilization_rate(dollars) == lent * WAD // units(DOLLAR, 10**6)
    assert borrow_rate(dollars) == utilization_rate(dollars) * 10**10 // WAD > 0
    later = accrue(dollars, rules, NOW + 10**6)
    assert (later.bad_debt_underlying, later.total_borrows_underlying) == (lent, 0)
    assert later.borrow_index_mantissa > WAD


def test_a_large_insolvent_account_is_worked_down_before_it_can_be_healed():
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_500})
    at = usd(coin=500)
    assert refusal(heal(state, at)) == "CollateralExceedsThreshold"

    calls = 0
    while data(state, at).total_collateral_usd_mantissa > MINIMUM:
        owed = position(state, DOLLAR).borrow_principal_underlying
        covered = data(state, at).total_collateral_usd_mantissa * 10 // 11 // 10**12 * 9 // 10
        state = done(state, at, repay_amount=min(owed // 4, covered)).market
        calls += 1
    found = healed(state, at)

    assert calls > 1
    assert (
        abs(found.bad_debt_underlying[DOLLAR] - (7_500_000_000 - 5_000_000_000 * 10 // 11)) <= 5 * calls + 2
    )


def test_accounts_that_have_no_collateral_are_healed_for_nothing_by_anyone():
    state = market(holds={COIN: 1}, owes={DOLLAR: 750})
    state = with_position(state, COIN, vtokens=0)
    found = heal(state, usd(), liquidator=BORROWER)

    assert isinstance(found, Healed)
    assert (found.repaid_underlying, found.bad_debt_underlying) == ({}, {DOLLAR: units(DOLLAR, 750)})
    assert moved(Acted(market=found.market)).vtokens[DOLLAR].bad_debt_underlying == units(DOLLAR, 750)
    assert refusal(heal(market(holds={COIN: 1}, owes={DOLLAR: 750}), usd(coin=800), liquidator=BORROWER)) == (
        "LiquidateSeizeLiquidatorIsBorrower"
    )


@pytest.mark.parametrize("user", [BORROWER, LIQUIDATOR], ids=["with debt", "not entered"])
def test_no_market_is_left_whose_exchange_rate_cannot_be_told(user):
    state = market(holds={COIN: 1}, owes={DOLLAR: 100})
    all_there_is = state.vtokens[DOLLAR].cash_underlying + state.vtokens[DOLLAR].total_borrows_underlying
    broken = with_vtoken(state, DOLLAR, total_reserves_underlying=all_there_is + 1)

    outcome = exit_market(broken, user, DOLLAR, prices_mantissa=usd(), slot=NOW)

    assert refusal(outcome) == "Panic(0x11)"
