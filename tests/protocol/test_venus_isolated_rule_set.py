"""Venus isolated pools behind the interface: against their own functions, by hand, and crashes run to their end."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.model import Asset, At, Done, Offer, Quote, Refused
from protocol.units import BASE_PER_USD, MAX_UINT256, WAD
from protocol.venus_isolated import (
    Healed,
    JumpRateModel,
    LiquidationCall,
    Market,
    Revert,
    account_data,
    borrow_balance,
    exchange_rate,
    heal_account,
    liquidate_account,
    liquidate_borrow,
    mint,
    viewed_at,
)
from protocol.venus_isolated import frontier as closed
from protocol.venus_isolated.calls import Batch, Heal, Settled
from protocol.venus_isolated.pairs import rounded_away
from protocol.venus_isolated.rule_set import RULE_SET, prices_mantissa
from stress.attribution import explain
from stress.closed_form import closed_form
from stress.engine import Crash, Engine, Run
from stress.prices import price_paths
from stress.residual import residual
from stress.scenario import Liquidator
from tests.protocol.venus_markets import (
    BANK,
    BORROWER,
    COIN,
    DOLLAR,
    LENT,
    LIQUIDATOR,
    NEW,
    NOW,
    OLD,
    STONE,
    market,
    moved,
    position,
    units,
    usd,
    with_position,
    with_vtoken,
)
from tests.stress.markets import small_scenario

SYMBOLS = {COIN: "WETH", DOLLAR: "USDC", STONE: "WBTC"}
PRICES_USD = {COIN: 1_000, DOLLAR: 1, STONE: 50}
LATER = 1_000
FREE = JumpRateModel(base_rate_per_slot_mantissa=0, multiplier_per_slot_mantissa=0)


def at(block: int = NOW, timestamp: int = NOW, **prices_usd: float) -> At:
    """A block and what the oracle shows in it, in dollars a token."""
    names = {"coin": COIN, "dollar": DOLLAR, "stone": STONE}
    shown = PRICES_USD | {names[name]: price for name, price in prices_usd.items()}
    prices = {i: round(price * BASE_PER_USD) for i, price in shown.items()}
    return At(prices_base=prices, timestamp=timestamp, block_number=block)


def native(moment: At, state: Market) -> dict[str, Any]:
    return {"prices_mantissa": prices_mantissa(state, moment.prices_base), "slot": moment.block_number}


def next_block(moment: At) -> At:
    return replace(moment, block_number=moment.block_number + 1)


def offer(repay: int | None = None, *, collateral: int = COIN, debt: int = DOLLAR) -> Offer:
    return Offer(
        borrower=BORROWER, liquidator=LIQUIDATOR, collateral_id=collateral, debt_id=debt, repay=repay
    )


def settled(outcome: Done | Refused) -> Settled:
    assert isinstance(outcome, Settled), outcome
    return outcome


def lent(state: Market) -> Market:
    """Others borrow as well, so that every vToken grows in worth."""
    for i in (COIN, STONE):
        half, one = units(i, LENT // 2), state.vtokens[i]
        borrowed = one.total_borrows_underlying + half
        state = with_vtoken(
            state, i, total_borrows_underlying=borrowed, cash_underlying=one.cash_underlying - half
        )
    return state


LARGE = lent(market(holds={COIN: 10, STONE: 20}, owes={DOLLAR: 7_000}))
"""11,000 of collateral, 8,800 weighted, against 7,000."""
SMALL = lent(market(holds={COIN: 0.5, STONE: 6}, owes={DOLLAR: 400, STONE: 2}))
"""800 of collateral, 640 weighted, against 500: with a coin at 660 it is 630, 504 and 500; healed from 500 on."""


# --- what there is ---


def test_an_asset_goes_by_its_own_symbol_or_else_by_the_vtokens():
    named = with_vtoken(LARGE, DOLLAR, underlying_symbol="USDC", underlying="0xa1")

    assert RULE_SET.assets(named)[DOLLAR] == Asset(symbol="USDC", address="0xa1", decimals=6)
    assert RULE_SET.assets(named)[COIN] == Asset(symbol="COIN", address="", decimals=18)


def test_who_owes_something_has_debts_and_depends_on_what_it_entered():
    held = moved(mint(SMALL, BORROWER, DOLLAR, 5, slot=NOW))
    left = replace(held.accounts[BORROWER], entered=(COIN, STONE))
    outside = replace(held, accounts={**held.accounts, BORROWER: left})

    assert list(RULE_SET.users_with_debt(SMALL)) == [BORROWER]
    assert RULE_SET.debts(SMALL, BORROWER) == [DOLLAR, STONE]
    assert RULE_SET.debts(SMALL, "nobody") == []
    assert RULE_SET.depends_on(outside, BORROWER) == (COIN, STONE)
    assert list(RULE_SET.narrowed(outside, BORROWER).vtokens) == [COIN, DOLLAR, STONE]
    assert list(RULE_SET.narrowed(LARGE, BANK).vtokens) == [COIN, DOLLAR, STONE]
    assert list(RULE_SET.narrowed(LARGE, "nobody").vtokens) == []


def test_nothing_is_viewed_otherwise_than_stored_and_the_minimum_is_the_dust_rule():
    assert RULE_SET.viewed(LARGE, at(NOW + LATER)) is LARGE
    without = RULE_SET.without_dust_rule(LARGE)
    assert without.min_liquidatable_collateral_usd_mantissa == 0
    limit = LARGE.min_liquidatable_collateral_usd_mantissa
    assert replace(without, min_liquidatable_collateral_usd_mantissa=limit) == LARGE
    assert RULE_SET.bearers.written_off
    assert RULE_SET.bearers.uncovered


def test_prices_in_base_are_the_oracles_to_the_unit():
    assert prices_mantissa(LARGE, at().prices_base) == usd()
    assert prices_mantissa(LARGE, {COIN: 1}) == {COIN: 10**10}


# --- what accounts are worth ---


@pytest.mark.parametrize("state", [LARGE, SMALL])
def test_standing_is_the_comptrollers_of_what_is_stored(state: Market):
    for moment in (at(), at(coin=775), at(coin=774), at(NOW + LATER, coin=640), at(coin=100)):
        data = account_data(state, BORROWER, **native(moment, state))
        found = RULE_SET.standing(state, moment)(BORROWER)

        assert found.is_liquidatable == (data.shortfall_usd_mantissa > 0)
        assert found.is_liquidatable == (found.health_factor_wad < WAD)
        assert found.collateral_base == data.total_collateral_usd_mantissa // 10**10
        assert found.debt_base == data.borrows_usd_mantissa // 10**10
    assert RULE_SET.standing(state, at())(BANK).health_factor_wad == MAX_UINT256


def test_a_debt_that_is_liquidated_freely_may_be_called_whole_and_in_good_health():
    state = with_vtoken(LARGE, DOLLAR, forced_liquidation=True)
    call = RULE_SET.call(state, offer(), at())

    assert RULE_SET.standing(state, at())(BORROWER).is_liquidatable
    assert isinstance(call, LiquidationCall)
    assert call.repay_amount == units(DOLLAR, 7_000)
    assert isinstance(RULE_SET.quote(state, call, at()), Quote)
    assert not RULE_SET.standing(LARGE, at())(BORROWER).is_liquidatable


def test_balances_are_as_of_the_block_asked_for():
    moment = at(NOW + LATER)
    grown = viewed_at(LARGE, NOW + LATER)
    owed = borrow_balance(grown.vtokens[DOLLAR], position(LARGE, DOLLAR))
    coins = position(LARGE, COIN).vtokens * exchange_rate(grown.vtokens[COIN]) // WAD
    collaterals, debts = RULE_SET.values(LARGE, BORROWER, moment)

    assert owed > units(DOLLAR, 7_000)
    assert coins > units(COIN, 10)
    assert RULE_SET.owed(LARGE, BORROWER, DOLLAR, moment) == owed
    assert RULE_SET.pledged(LARGE, BORROWER, COIN, moment) == coins
    assert debts == {DOLLAR: owed * 100}
    assert collaterals[COIN] // 10**3 == coins * 1_000 * BASE_PER_USD // WAD // 10**3
    assert RULE_SET.values(LARGE, "nobody", moment) == ({}, {})


def test_what_was_never_entered_is_not_pledged():
    state = moved(mint(LARGE, BANK, COIN, units(COIN, 5), slot=NOW))

    assert RULE_SET.pledged(state, BANK, COIN, at()) == 0
    assert RULE_SET.values(state, BANK, at()) == ({}, {})


def test_a_market_that_counts_seconds_asks_for_the_time_and_not_for_the_block():
    state = replace(LARGE, is_time_based=True)
    by_second = RULE_SET.owed(state, BORROWER, DOLLAR, at(block=5, timestamp=NOW + LATER))

    assert by_second == RULE_SET.owed(LARGE, BORROWER, DOLLAR, at(NOW + LATER, timestamp=5))
    assert by_second > units(DOLLAR, 7_000)


def test_suppliers_claim_what_they_put_in_with_interest_and_bad_debt():
    grown = viewed_at(LARGE, NOW + LATER).vtokens[DOLLAR]
    worse = with_vtoken(LARGE, DOLLAR, bad_debt_underlying=777)

    assert RULE_SET.claims(LARGE, DOLLAR, at()) == units(DOLLAR, LENT)
    claims = RULE_SET.claims(LARGE, DOLLAR, at(NOW + LATER))
    assert claims == exchange_rate(grown) * grown.total_supply_vtokens // WAD > units(DOLLAR, LENT)
    assert 0 <= RULE_SET.claims(LARGE, DOLLAR, at()) + 777 - RULE_SET.claims(worse, DOLLAR, at()) <= 1


# --- which call, and how large ---


def test_an_account_with_much_collateral_is_called_up_to_the_close_factor():
    moment = at(NOW + LATER, coin=750)
    call = RULE_SET.call(LARGE, offer(), moment)

    assert isinstance(call, LiquidationCall)
    assert call.repay_amount == RULE_SET.owed(LARGE, BORROWER, DOLLAR, moment) // 2
    too_much = RULE_SET.liquidate(LARGE, replace(call, repay_amount=call.repay_amount + 1), moment)
    assert isinstance(too_much, Revert)
    assert too_much.name == "TooMuchRepay"


def test_a_call_repays_no_more_than_the_vtokens_pay_for():
    moment = at(NOW + LATER, coin=300)
    call = RULE_SET.call(LARGE, offer(collateral=STONE), moment)

    assert isinstance(call, LiquidationCall)
    assert abs(call.repay_amount - units(DOLLAR, 1_000) * 100 // 110) < units(DOLLAR, 1)
    too_much = RULE_SET.liquidate(LARGE, replace(call, repay_amount=call.repay_amount + 200), moment)
    assert isinstance(too_much, Revert)
    assert too_much.name == "LIQUIDATE_SEIZE_TOO_MUCH"


@pytest.mark.parametrize(("coin", "collateral", "most"), [(750, COIN, 3_500), (300, STONE, 1_000 / 1.1)])
def test_an_amount_that_is_named_is_cut_to_what_the_rules_allow(coin: int, collateral: int, most: float):
    moment = at(coin=coin)
    whole, call = (
        RULE_SET.call(LARGE, offer(repay, collateral=collateral), moment)
        for repay in (None, units(DOLLAR, 6_000))
    )

    assert isinstance(whole, LiquidationCall)
    assert call == whole
    assert whole.repay_amount == pytest.approx(most * 10**6, rel=1e-6)
    assert isinstance(RULE_SET.quote(LARGE, call, moment), Quote)
    for less in (1, whole.repay_amount - 1):
        smaller = RULE_SET.call(LARGE, offer(less, collateral=collateral), moment)
        assert smaller == replace(whole, repay_amount=less)


def test_a_quote_tells_what_healing_and_batches_move_of_every_asset():
    """At 300 the account is healed: 409 of 500 are paid; at 540 both debts are repaid."""
    for coin in (300, 540):
        moment = at(NOW + LATER, coin=coin)
        call = RULE_SET.call(SMALL, offer(), moment)
        done = settled(RULE_SET.liquidate(SMALL, call, next_block(moment)))
        quote = RULE_SET.quote(SMALL, call, moment)
        assert isinstance(quote, Quote)

        for i in (DOLLAR, STONE):
            owed = RULE_SET.owed(SMALL, BORROWER, i, next_block(moment))
            assert quote.paid[i] == owed - done.written_off.get(i, 0)
        assert quote.paid[DOLLAR] == done.repaid
        for i in (COIN, STONE):
            rate = exchange_rate(done.market.vtokens[i])
            assert quote.received[i] == rate * position(done.market, i, LIQUIDATOR).vtokens // WAD > 0


def test_a_small_account_worth_more_than_debts_and_incentive_is_repaid_whole_in_the_next_block():
    """At 540: 270 and 300 of collateral, 456 weighted, against 500; debts and incentive 550."""
    moment = at(NOW + LATER, coin=540)
    call = RULE_SET.call(SMALL, offer(), moment)
    assert isinstance(call, Batch)
    done = settled(RULE_SET.liquidate(SMALL, call, next_block(moment)))

    assert RULE_SET.debts(done.market, BORROWER) == []
    assert call.orders[0].collateral_id == COIN
    assert call.orders[0].debt_id == DOLLAR
    assert done.repaid == RULE_SET.owed(SMALL, BORROWER, DOLLAR, next_block(moment))
    assert done.written_off == {}
    assert RULE_SET.quote(SMALL, call, moment) == done.in_all(collateral_id=COIN, debt_id=DOLLAR)
    own = liquidate_account(SMALL, BORROWER, LIQUIDATOR, call.orders, **native(next_block(moment), SMALL))
    assert own == done.outcome


def test_the_orders_of_a_batch_take_a_second_collateral_where_the_first_does_not_suffice():
    moment = at(NOW + LATER, coin=540)
    call = RULE_SET.call(SMALL, offer(collateral=STONE, debt=STONE), moment)
    assert isinstance(call, Batch)

    assert [(one.debt_id, one.collateral_id) for one in call.orders] == [
        (STONE, STONE), (DOLLAR, STONE), (DOLLAR, COIN),
    ]  # fmt: skip
    done = settled(RULE_SET.liquidate(SMALL, call, next_block(moment)))
    assert done.repaid == RULE_SET.owed(SMALL, BORROWER, STONE, next_block(moment))
    rate = exchange_rate(done.market.vtokens[STONE])
    got = position(done.market, STONE, LIQUIDATOR).vtokens
    assert done.received == rate * got // WAD > 0
    assert done.fee > 0


def test_a_small_account_worth_less_is_healed():
    """At 300: 150 and 300 of collateral against 500: 409 are paid and 91 written off."""
    moment = at(NOW + LATER, coin=300)
    call = RULE_SET.call(SMALL, offer(), moment)
    done = settled(RULE_SET.liquidate(SMALL, call, next_block(moment)))
    own = heal_account(SMALL, BORROWER, LIQUIDATOR, **native(next_block(moment), SMALL))

    assert call == Heal(collateral_id=COIN, debt_id=DOLLAR, borrower=BORROWER, liquidator=LIQUIDATOR)
    assert isinstance(own, Healed)
    assert done.outcome == own
    assert done.written_off == own.bad_debt_underlying
    assert done.written_off.keys() == {DOLLAR, STONE}
    assert done.repaid == own.repaid_underlying[DOLLAR]
    assert abs(done.repaid - units(DOLLAR, 400) * 450 // 550) < units(DOLLAR, 1)
    assert RULE_SET.quote(SMALL, call, moment) == done.in_all(collateral_id=COIN, debt_id=DOLLAR)
    assert done.fee == own.seized[COIN].protocol_seized_underlying
    assert not RULE_SET.is_toxic(SMALL, call, moment)


def test_who_can_pay_less_than_healing_or_a_batch_takes_is_refused_a_regular_call():
    for coin, enough in ((540, 401), (300, 330)):
        moment = at(NOW + LATER, coin=coin)
        able = RULE_SET.call(SMALL, offer(units(DOLLAR, enough)), moment)
        unable = RULE_SET.call(SMALL, offer(units(DOLLAR, 300)), moment)
        quote = RULE_SET.quote(SMALL, unable, moment)

        assert isinstance(able, Batch | Heal)
        assert isinstance(RULE_SET.quote(SMALL, able, moment), Quote)
        assert isinstance(unable, LiquidationCall)
        assert isinstance(quote, Refused)
        assert quote.name == "MinimalCollateralViolated"


def test_healing_that_is_refused_for_another_reason_is_refused_by_that():
    """In good health: small, but without shortfall."""
    call = RULE_SET.call(SMALL, offer(), at())
    quote = RULE_SET.quote(SMALL, call, at())

    assert isinstance(quote, Refused)
    assert quote.name == "InsufficientShortfall"


def test_a_healing_tells_nothing_of_a_collateral_or_debt_that_is_not_there():
    moment = at(coin=300)
    call = RULE_SET.call(SMALL, offer(collateral=DOLLAR, debt=COIN), moment)
    done = settled(RULE_SET.liquidate(SMALL, call, moment))

    assert (done.repaid, done.received, done.fee) == (0, 0, 0)
    assert done.written_off.keys() == {DOLLAR, STONE}


def test_without_the_minimum_a_small_account_is_called_like_any_other():
    without = RULE_SET.without_dust_rule(SMALL)

    assert isinstance(RULE_SET.call(without, offer(), at(coin=300)), LiquidationCall)


def test_a_quote_of_a_regular_call_is_what_it_does_in_the_next_block():
    moment = at(NOW + LATER, coin=750)
    call = RULE_SET.call(LARGE, offer(), moment)
    done = settled(RULE_SET.liquidate(LARGE, call, next_block(moment)))
    assert isinstance(call, LiquidationCall)
    own = liquidate_borrow(LARGE, call, **native(next_block(moment), LARGE))

    assert own == done.outcome
    assert RULE_SET.quote(LARGE, call, moment) == Quote(
        paid={DOLLAR: done.repaid}, received={COIN: done.received}
    )
    by_hand = Fraction(call.repay_amount * 110 * 10**12, 750 * 100)
    assert 0 <= by_hand - done.received - done.fee < 10**11
    assert abs(Fraction(done.fee, done.received + done.fee) - Fraction(5, 110)) < Fraction(1, 10**8)
    assert done.settled == done.repaid


STATES = {
    "holds": st.tuples(st.integers(1, 10**12), st.integers(0, 10**12)),
    "debt_percent": st.integers(60, 300),
    "stone_percent": st.integers(0, 100),
    "stale": st.integers(0, 10**5),
    "cents": st.integers(1, 10**7),
    "is_old": st.booleans(),
}


def indebted(
    holds: tuple[int, int], debt_percent: int, stone_percent: int, stale: int, cents: int, is_old: bool
) -> tuple[Market, At]:
    """Coins of 1e-9 and stones of 1e-8 held, so much of their worth owed in stones and in dollars; and the block."""
    state = replace(
        lent(market(holds={COIN: 1, STONE: 1}, owes={DOLLAR: 1, STONE: 0.001})), rules=OLD if is_old else NEW
    )
    moment = at(NOW + stale, coin=cents / 100)
    worth = Fraction(holds[0] * cents, 10**11) + Fraction(holds[1] * 50, 10**8)
    in_stones = worth * debt_percent * stone_percent / 10**4
    owed = {STONE: int(in_stones / 50 * 10**8), DOLLAR: int((worth * debt_percent / 100 - in_stones) * 10**6)}
    assume(all(0 < amount < units(i, LENT // 4) or (i == STONE and not amount) for i, amount in owed.items()))
    state = with_position(state, COIN, vtokens=max(holds[0] // 10, 1))
    state = with_position(state, STONE, vtokens=holds[1])
    for i, amount in owed.items():
        state = with_position(state, i, borrow_principal_underlying=amount)
        state = with_vtoken(
            state, i, total_borrows_underlying=state.vtokens[i].total_borrows_underlying + amount
        )
    return state, moment


@given(**STATES, collateral=st.sampled_from([COIN, STONE]), debt=st.sampled_from([DOLLAR, STONE]))
def test_a_call_made_in_one_block_is_in_the_next_what_its_quote_was(collateral: int, debt: int, **given: Any):
    state, moment = indebted(**given)
    call = RULE_SET.call(state, offer(collateral=collateral, debt=debt), moment)
    quote = RULE_SET.quote(state, call, moment)
    outcome = RULE_SET.liquidate(state, call, next_block(moment))

    if isinstance(outcome, Settled):
        assert isinstance(quote, Quote)
        assert quote == outcome.in_all(collateral_id=collateral, debt_id=debt)
        assert quote.paid.get(debt, 0) == outcome.repaid
        assert quote.received.get(collateral, 0) == outcome.received
    else:
        assert isinstance(quote, Refused)
        assert outcome.name in {
            "InsufficientShortfall",
            "LiquidateCloseAmountIsZero",
            "InsufficientCollateral",
        }
    if isinstance(call, LiquidationCall) and isinstance(RULE_SET.liquidate(state, call, moment), Done):
        assert isinstance(outcome, Done) or outcome.name == "InsufficientShortfall"


@given(**STATES, collateral=st.sampled_from([COIN, STONE]), debt=st.sampled_from([DOLLAR, STONE]))
def test_a_call_leaves_the_gap_as_it_found_it_but_for_what_it_rounds_away(
    collateral: int, debt: int, **given: Any
):
    state, moment = indebted(**given)
    call = RULE_SET.call(state, offer(collateral=collateral, debt=debt), moment)
    landing = next_block(moment)
    outcome = RULE_SET.liquidate(state, call, landing)
    assume(isinstance(outcome, Done))
    assert isinstance(outcome, Done)
    unit = {
        i: Fraction(landing.prices_base[i], 10**asset.decimals) for i, asset in RULE_SET.assets(state).items()
    }
    before, after = (RULE_SET.gap_base(one, BORROWER, landing) for one in (state, outcome.market))
    booked = sum((amount * unit[i] for i, amount in outcome.written_off.items()), Fraction(0))

    slack = RULE_SET.rounded_away(state, call, landing) * unit[debt] + 3 * (unit[COIN] + unit[STONE])
    assert abs(before - after - booked) <= slack


# --- closed forms ---


def test_drops_gap_and_payout_are_those_of_the_pool():
    moment = at(NOW + LATER)
    found = RULE_SET.drops(LARGE, BORROWER, {COIN}, moment)
    own = closed.drops(LARGE, BORROWER, {COIN}, **native(moment, LARGE))

    assert (found.liquidatable, found.debt_remains) == (own.liquidatable, own.debt_remains)
    assert found.toxic == own.toxic[COIN]
    assert RULE_SET.gap_base(LARGE, BORROWER, at()) == (7_000 - 10_000) * BASE_PER_USD
    assert RULE_SET.payout_ratio(LARGE, BORROWER, COIN) == Fraction(105, 100)


def test_toxicity_and_the_residual_of_a_regular_call_are_those_of_the_pair():
    call = RULE_SET.call(LARGE, offer(), at(coin=750))
    integer, exact = RULE_SET.residual_of_pair(LARGE, call, at(coin=300))

    assert not RULE_SET.is_toxic(LARGE, call, at(coin=750))
    assert RULE_SET.is_toxic(LARGE, call, at(coin=650))
    assert exact == units(DOLLAR, 7_000) - Fraction(units(DOLLAR, 3_000) * 100, 110)
    assert abs(integer - exact) <= RULE_SET.rounded_away(LARGE, call, at(coin=300))


def test_the_residual_of_healing_is_what_it_writes_off_and_of_a_batch_nothing():
    moment = next_block(at(NOW + LATER, coin=300))
    for debt in (DOLLAR, STONE):
        call = RULE_SET.call(SMALL, offer(debt=debt), at(NOW + LATER, coin=300))
        integer, exact = RULE_SET.residual_of_pair(SMALL, call, moment)
        assert integer == settled(RULE_SET.liquidate(SMALL, call, moment)).written_off[debt]
        assert abs(integer - exact) <= 1
    batch = RULE_SET.call(SMALL, offer(), at(coin=540))
    heal = RULE_SET.call(SMALL, offer(), at(coin=300))

    assert RULE_SET.residual_of_pair(SMALL, batch, at(coin=540)) == (0, 0)
    assert RULE_SET.residual_of_pair(SMALL, heal, at(coin=540))[0] == 0
    assert RULE_SET.residual_of_pair(SMALL, heal, at(coin=540))[1] == units(DOLLAR, 400) * Fraction(-4, 110)
    free = market(holds={COIN: 1}, owes={})
    assert RULE_SET.residual_of_pair(free, heal, at()) == (0, 0)


def test_a_regular_call_rounds_away_a_vtoken_and_a_unit_of_debt():
    """A vToken of coins is 1e10 wei, at 750 dollars 7.5 units of the dollar; the ratio is cut to 19 digits."""
    state = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
    call = RULE_SET.call(state, offer(), at(coin=750))
    assert isinstance(call, LiquidationCall)
    found = RULE_SET.rounded_away(state, call, at(coin=750))

    assert found == rounded_away(state, call, **native(at(coin=750), state))
    assert 0 <= found - Fraction(75, 11) - Fraction(110, 100) < Fraction(1, 10**6)


def test_a_regular_call_rounds_away_what_its_ratio_is_cut_by_of_all_that_is_repaid():
    """A debt of 18 decimals at 750.00000001: of 82,500,000,001.1 the ratio is cut to 82,500,000,001."""
    state = market(holds={DOLLAR: 10_000}, owes={COIN: 5})
    moment = at(coin=750.00000001)
    call = RULE_SET.call(state, offer(collateral=DOLLAR, debt=COIN), moment)
    ratio = Fraction(825_000_000_011, 10**19)
    covered = (position(state, DOLLAR).vtokens + 1) / ratio

    cut = Fraction(1, 825_000_000_010)
    assert RULE_SET.rounded_away(state, call, moment) == 1 / ratio + Fraction(110, 100) + cut * covered


def test_healing_rounds_away_a_unit_of_each_debt():
    heal = RULE_SET.call(SMALL, offer(), at(coin=300))
    of_units = 1 + Fraction(50 * 10**6, 10**8)

    found = RULE_SET.rounded_away(SMALL, heal, at(coin=300))
    assert 0 < found - of_units < Fraction(1, 10**6)


def test_a_batch_rounds_away_what_its_orders_do_told_in_units_of_the_pairs_debt():
    moment = at(coin=540)
    unit = {DOLLAR: Fraction(1, 10**6), STONE: Fraction(50, 10**8)}
    for debt in (DOLLAR, STONE):
        batch = RULE_SET.call(SMALL, offer(debt=debt), moment)
        assert isinstance(batch, Batch)
        assert {order.debt_id for order in batch.orders} == {DOLLAR, STONE}
        in_usd = sum(
            rounded_away(
                SMALL,
                LiquidationCall(
                    collateral_id=order.collateral_id,
                    debt_id=order.debt_id,
                    borrower=BORROWER,
                    liquidator=LIQUIDATOR,
                    repay_amount=order.repay_amount,
                ),
                **native(moment, SMALL),
            )
            * unit[order.debt_id]
            for order in batch.orders
        )
        assert RULE_SET.rounded_away(SMALL, batch, moment) == in_usd / unit[debt]


# --- crashes to their end ---

RICH = Liquidator(name="rich", capital_usd=1e12, turnaround_s=0)


def crash(state: Market, coin: list[tuple[int, float]], n_steps: int = 8, **more: Any) -> Crash:
    """The coin alone moves, along (step, ratio) knots."""
    bots = more.pop("bots", (RICH,))
    scenario = small_scenario(coin, n_steps=n_steps, bots=bots, **more)
    for i, symbol in SYMBOLS.items():
        state = with_vtoken(state, i, underlying_symbol=symbol)
    start = {SYMBOLS[i]: price * BASE_PER_USD for i, price in PRICES_USD.items()}
    return Crash(
        rules=RULE_SET,
        market=state,
        scenario=scenario,
        prices=price_paths(scenario, {**start, "LINK": 10 * BASE_PER_USD}, NOW + 1_000),
        bots={bot.name: f"0x{bot.name}" for bot in bots},
        first_block=NOW + 10,
        borrowers=(BORROWER,),
    )


def run_of(one: Crash) -> Run:
    return Engine(crash=one).run()


def kinds(run: Run) -> list[str]:
    return [type(attempt.call).__name__ for attempt, _ in run.liquidations()]


def test_an_account_that_falls_a_little_is_called_until_it_is_healthy():
    one = crash(LARGE, [(0, 1.0), (1, 0.75)])
    run = run_of(one)

    assert kinds(run) == ["LiquidationCall"]
    assert not RULE_SET.standing(run.market, run.end)(BORROWER).is_liquidatable
    assert residual(one, run, BORROWER).total_base == 0
    assert closed_form(one, run, BORROWER).agrees


@pytest.mark.parametrize("is_time_based", [False, True])
@pytest.mark.parametrize("rules", [NEW, OLD])
def test_a_large_account_beyond_the_edge_is_called_until_it_is_small_and_then_healed(
    rules: Any, is_time_based: bool
):
    state = replace(LARGE, rules=rules, is_time_based=is_time_based)
    one = crash(state, [(0, 1.0), (1, 0.5)], n_steps=12)
    run = run_of(one)
    form, left = closed_form(one, run, BORROWER), residual(one, run, BORROWER)

    assert kinds(run)[-1] == "Heal"
    assert set(kinds(run)[:-1]) == {"LiquidationCall"}
    assert all(isinstance(attempt.predicted, Done) for attempt in run.attempts)
    assert RULE_SET.debts(run.market, BORROWER) == []
    assert left.uncovered_base == 0
    assert form.agrees
    assert abs(left.deficit_base - (7_000 - Fraction(6_000 * 100, 110)) * BASE_PER_USD) < 5 * BASE_PER_USD
    assert form.residual == {"USDC": left.deficits[DOLLAR]}
    assert run.market.vtokens[DOLLAR].bad_debt_underlying == left.deficits[DOLLAR]


@pytest.mark.parametrize("is_time_based", [False, True])
def test_a_small_account_is_repaid_whole_by_a_batch(is_time_based: bool):
    one = crash(replace(SMALL, is_time_based=is_time_based), [(0, 1.0), (1, 0.54)])
    run = run_of(one)

    assert kinds(run) == ["Batch"]
    assert residual(one, run, BORROWER).total_base == 0
    assert closed_form(one, run, BORROWER).agrees


def test_a_small_account_of_two_debts_is_healed_and_both_are_written_off():
    one = crash(SMALL, [(0, 1.0), (1, 0.3)])
    run = run_of(one)
    form, left = closed_form(one, run, BORROWER), residual(one, run, BORROWER)

    assert kinds(run) == ["Heal"]
    assert left.deficits.keys() == {DOLLAR, STONE}
    assert form.agrees
    assert abs(left.total_base - form.gap_base) <= 10**3
    assert explain(one, run, BORROWER).verdict == "market"


def test_a_write_off_of_the_pair_that_is_off_by_a_unit_is_noticed():
    one = crash(SMALL, [(0, 1.0), (1, 0.3)])
    run = run_of(one)
    ((attempt, outcome),) = run.liquidations()
    healed = settled(outcome).outcome
    assert isinstance(healed, Healed)
    debt = attempt.offer.debt_id
    off = {**healed.bad_debt_underlying, debt: healed.bad_debt_underlying[debt] + 1}
    wrong = replace(settled(outcome), outcome=replace(healed, bad_debt_underlying=off))

    assert closed_form(one, run, BORROWER).agrees
    told = replace(run, attempts=(replace(attempt, predicted=wrong),))
    assert not closed_form(one, told, BORROWER).agrees


def test_what_gas_leaves_behind_has_gas_as_its_cause():
    """Repaying all or healing brings some 20 dollars and costs 40: the debt stays."""
    one = crash(SMALL, [(0, 1.0), (1, 0.56), (4, 0.56), (5, 0.3)], gwei=10_000)
    run = run_of(one)

    assert run.attempts == ()
    assert residual(one, run, BORROWER).total_base > 0
    assert explain(one, run, BORROWER).verdict == "gas"
    assert closed_form(one, run, BORROWER).agrees


def test_a_batch_is_reckoned_with_the_loss_on_every_collateral_that_the_oracle_shows_too_dear():
    """While the coin falls the oracle is late: stones alone would pay, but the batch takes coins as well."""
    falling = crash(SMALL, [(0, 1.0), (1, 0.56), (5, 0.3)])
    holding = crash(SMALL, [(0, 1.0), (1, 0.56), (4, 0.56), (5, 0.3)])

    assert kinds(run_of(falling)) == ["Heal"]
    assert kinds(run_of(holding)) == ["Batch"]


@pytest.mark.parametrize(("capital_usd", "expected"), [(408, []), (410, ["Heal"])])
def test_healing_binds_what_it_costs_of_all_debts(capital_usd: float, expected: list[str]):
    """409.09 of both debts, though of the pair's dollars it is 327 and of its stones 82."""
    bot = replace(RICH, capital_usd=capital_usd)
    run = run_of(crash(SMALL, [(0, 1.0), (1, 0.3)], bots=(bot,)))

    assert kinds(run) == expected
    for attempt, outcome in run.liquidations():
        assert attempt.paid_usd == pytest.approx(450 / 1.1, abs=1e-3)
        assert outcome.repaid < 10**6 * attempt.paid_usd


def test_who_lacks_one_of_the_debt_assets_cannot_heal():
    bot = replace(RICH, debt_assets=("USDC",))
    able = replace(bot, debt_assets=("USDC", "WBTC"))

    assert kinds(run_of(crash(SMALL, [(0, 1.0), (1, 0.3)], bots=(bot,)))) == []
    assert kinds(run_of(crash(SMALL, [(0, 1.0), (1, 0.3)], bots=(able,)))) == ["Heal"]


def test_a_blind_bot_calls_a_small_account_like_any_other_and_is_refused():
    bot = replace(RICH, blind=True)
    run = run_of(crash(SMALL, [(0, 1.0), (1, 0.3)], bots=(bot,)))

    assert {type(attempt.call) for attempt in run.attempts} == {LiquidationCall}
    assert [getattr(attempt.predicted, "name", "") for attempt in run.attempts] == [
        "MinimalCollateralViolated"
    ]


def test_an_account_without_interest_ends_with_what_the_fractions_say():
    still = replace(LARGE, vtokens={i: replace(one, rate_model=FREE) for i, one in LARGE.vtokens.items()})
    one = crash(still, [(0, 1.0), (1, 0.5)], n_steps=12)
    run = run_of(one)

    assert abs(residual(one, run, BORROWER).total_base - closed_form(one, run, BORROWER).gap_base) <= 10**3


def test_the_most_that_is_paid_is_the_close_factor_of_the_debt_where_the_collateral_is_large():
    values = RULE_SET.values(LARGE, BORROWER, at(coin=600))
    most = RULE_SET.most_paid_base(LARGE, BORROWER, (COIN, DOLLAR), values)

    share = Fraction(LARGE.close_factor_mantissa, WAD)
    assert most == values[1][DOLLAR] * share < values[1][DOLLAR]


def test_the_least_shortfall_is_enough_to_be_liquidatable():
    """A unit of a coin of 18 decimals at a dollar is worth the least there is."""
    state, moment = market(holds={DOLLAR: 1_000}, owes={COIN: 0.5}), at(coin=1)
    threshold = state.vtokens[DOLLAR].liquidation_threshold_mantissa
    allowed = 1_000 * threshold
    for owed, shortfall in ((allowed, 0), (allowed + 1, 1)):
        short = with_position(state, COIN, borrow_principal_underlying=owed)
        assert account_data(short, BORROWER, **native(moment, short)).shortfall_usd_mantissa == shortfall
        assert RULE_SET.standing(short, moment)(BORROWER).is_liquidatable == bool(shortfall)
