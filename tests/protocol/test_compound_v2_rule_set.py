"""Compound v2 behind the interface: against its own functions, by hand, and a crash run to its end."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.compound_v2 import (
    CTOKENS,
    Failure,
    Liquidated,
    Market,
    Revert,
    account_data,
    borrow_balance,
    exchange_rate,
    mint,
    viewed_at,
)
from protocol.compound_v2 import frontier as closed
from protocol.compound_v2.interest import accrue
from protocol.compound_v2.rule_set import RULE_SET, prices_mantissa
from protocol.model import Asset, At, Done, Offer, Quote, Refused
from protocol.units import BASE_PER_USD, MAX_UINT256, WAD
from stress.attribution import explain
from stress.closed_form import closed_form
from stress.engine import Crash, Engine, Run
from stress.prices import price_paths
from stress.residual import residual
from stress.scenario import Liquidator
from tests.protocol.compound_v2_markets import (
    BANK,
    BORROWER,
    DEAR,
    DOLLAR,
    ETHER,
    FREE,
    LIQUIDATOR,
    NOTE,
    NOW,
    PERCENT,
    STONE,
    acted,
    market,
    of_release,
    position,
    units,
    usd,
    with_ctoken,
)
from tests.stress.markets import small_scenario

ASSETS = {ETHER: "WETH", DOLLAR: "USDC", STONE: "WBTC", NOTE: "DAI"}
PRICES_USD = {ETHER: 2_000, DOLLAR: 1, STONE: 50_000, NOTE: 1}
LATER = 1_000


def at(block: int = NOW, **prices_usd: float) -> At:
    """A block and what the oracle shows in it, in dollars a token."""
    names = {"ether": ETHER, "dollar": DOLLAR, "stone": STONE, "note": NOTE}
    shown = PRICES_USD | {names[name]: price for name, price in prices_usd.items()}
    prices = {i: round(price * BASE_PER_USD) for i, price in shown.items()}
    return At(prices_base=prices, timestamp=1_700_000_000, block_number=block)


def native(moment: At, state: Market) -> dict[str, Any]:
    return {
        "prices_mantissa": prices_mantissa(state, moment.prices_base),
        "block_number": moment.block_number,
    }


def next_block(moment: At) -> At:
    return replace(moment, block_number=moment.block_number + 1)


def offer(repay: int | None = None, *, collateral: int = ETHER, debt: int = DOLLAR) -> Offer:
    return Offer(
        borrower=BORROWER, liquidator=LIQUIDATOR, collateral_id=collateral, debt_id=debt, repay=repay
    )


def done(outcome: Done | Refused) -> Liquidated:
    assert isinstance(outcome, Liquidated), outcome
    return outcome


STATE = market(holds={ETHER: 10, NOTE: 500}, owes={DOLLAR: 10_000, STONE: 0}, rate_model=DEAR)
SHORT = at(ether=1_200)
"""9,000 and 375 of weighted collateral against 10,000."""


# --- what there is ---


def test_an_asset_goes_by_its_own_symbol_or_else_by_the_ctokens():
    named = with_ctoken(STATE, DOLLAR, underlying_symbol="USDC")

    assert RULE_SET.assets(named)[DOLLAR] == Asset(symbol="USDC", address="0xa1", decimals=6)
    assert RULE_SET.assets(named)[ETHER] == Asset(symbol="cETH", address="", decimals=18)
    assert list(RULE_SET.assets(named)) == [ETHER, DOLLAR, STONE, NOTE]


def test_who_owes_something_has_debts_and_the_bank_has_none():
    assert list(RULE_SET.users_with_debt(STATE)) == [BORROWER]
    assert RULE_SET.debts(STATE, BORROWER) == [DOLLAR]
    assert RULE_SET.debts(STATE, BANK) == RULE_SET.debts(STATE, "nobody") == []


def test_an_account_depends_on_what_it_entered_and_on_what_it_holds():
    state = market(holds={ETHER: 10}, owes={DOLLAR: 100})
    state = acted(mint(state, BORROWER, NOTE, units(NOTE, 5), block_number=NOW)).market

    assert RULE_SET.depends_on(state, BORROWER) == (ETHER, DOLLAR, NOTE)
    narrow = RULE_SET.narrowed(state, BORROWER)
    assert list(narrow.ctokens) == [ETHER, DOLLAR, NOTE]
    assert narrow.accounts == state.accounts
    assert RULE_SET.standing(narrow, at())(BORROWER) == RULE_SET.standing(state, at())(BORROWER)


def test_nothing_is_viewed_otherwise_than_stored_and_there_is_no_dust_rule():
    assert RULE_SET.viewed(STATE, at(NOW + LATER)) is STATE
    assert RULE_SET.without_dust_rule(STATE) is STATE
    assert RULE_SET.bearers.written_off == ""
    assert RULE_SET.bearers.uncovered


def test_prices_in_base_are_the_oracles_to_the_unit():
    assert prices_mantissa(STATE, at().prices_base) == usd()
    assert prices_mantissa(STATE, {ETHER: 1}) == {ETHER: 10**10}


# --- what accounts are worth ---


def test_standing_is_the_comptrollers_of_what_is_stored():
    for moment in (at(), SHORT, at(NOW + LATER), at(NOW + LATER, ether=1_283.34), at(ether=1_283.33)):
        data = account_data(STATE, BORROWER, **native(moment, STATE))
        found = RULE_SET.standing(STATE, moment)(BORROWER)

        assert found.is_liquidatable == (data.shortfall_usd_mantissa > 0)
        assert found.is_liquidatable == (found.health_factor_wad < WAD)
        assert found.debt_base == 10_000 * BASE_PER_USD
        assert found.collateral_base == 10 * moment.prices_base[ETHER] + 500 * BASE_PER_USD


def test_less_than_a_unit_of_base_is_cut_off_the_sums():
    """Three cTokens of notes are worth 6e-10 dollars; a unit more of a dollar at 0.99999999 ends in 14 digits."""
    state = acted(mint(STATE, BORROWER, NOTE, 3 * 2 * 10**8, block_number=NOW)).market
    account = state.accounts[BORROWER]
    owed = replace(account.positions[DOLLAR], borrow_principal_underlying=units(DOLLAR, 10_000) + 1)
    account = replace(account, positions={**account.positions, DOLLAR: owed})
    state = replace(state, accounts={**state.accounts, BORROWER: account})
    found = RULE_SET.standing(state, at(dollar=0.99999999))(BORROWER)

    assert found.collateral_base == 20_500 * BASE_PER_USD
    assert found.debt_base == 10_000 * (BASE_PER_USD - 1) + 99


def test_health_is_weighted_collateral_per_debt_and_endless_without():
    found = RULE_SET.standing(STATE, SHORT)(BORROWER)

    assert found.health_factor_wad == (9_000 + 375) * WAD // 10_000
    assert RULE_SET.standing(STATE, SHORT)(BANK).health_factor_wad == MAX_UINT256
    assert not RULE_SET.standing(STATE, SHORT)("nobody").is_liquidatable


def test_a_loan_of_a_deprecated_market_may_be_liquidated_whole_and_in_good_health():
    given_up: dict[str, Any] = {
        "collateral_factor_mantissa": 0,
        "borrow_paused": True,
        "reserve_factor_mantissa": WAD,
    }
    state = with_ctoken(STATE, DOLLAR, **given_up)
    found = RULE_SET.standing(state, at())(BORROWER)
    call = RULE_SET.call(state, offer(), at())

    assert found.health_factor_wad > WAD
    assert found.is_liquidatable
    assert call.repay_amount == units(DOLLAR, 10_000)
    assert done(RULE_SET.liquidate(state, call, at())).repaid == units(DOLLAR, 10_000)
    older = replace(state, rules=market(comptroller="G7").rules)
    assert not RULE_SET.standing(older, at())(BORROWER).is_liquidatable
    assert RULE_SET.call(older, offer(), at()).repay_amount == units(DOLLAR, 5_000)


def test_balances_are_as_of_the_block_asked_for():
    moment = at(NOW + LATER)
    grown = viewed_at(STATE, NOW + LATER)
    owed = borrow_balance(grown.ctokens[DOLLAR], position(STATE, BORROWER, DOLLAR))
    ether = position(STATE, BORROWER, ETHER).ctokens * exchange_rate(grown.ctokens[ETHER]) // WAD
    collaterals, debts = RULE_SET.values(STATE, BORROWER, moment)

    assert owed > units(DOLLAR, 10_000)
    assert RULE_SET.owed(STATE, BORROWER, DOLLAR, moment) == owed
    assert RULE_SET.pledged(STATE, BORROWER, ETHER, moment) == ether == units(ETHER, 10)
    assert collaterals == {ETHER: 20_000 * BASE_PER_USD, NOTE: 500 * BASE_PER_USD}
    assert debts == {DOLLAR: owed * 100}
    assert RULE_SET.values(STATE, "nobody", moment) == ({}, {})


def test_what_is_worth_less_than_a_unit_of_base_is_left_out():
    state = acted(mint(STATE, BORROWER, STONE, 1, block_number=NOW)).market

    assert STONE in RULE_SET.values(state, BORROWER, at())[0]
    assert STONE not in RULE_SET.values(state, BORROWER, at(stone=0.5))[0]


def test_suppliers_claim_what_they_put_in_and_their_part_of_the_interest():
    grown = viewed_at(STATE, NOW + LATER).ctokens[DOLLAR]
    interest = grown.total_borrows_underlying - units(DOLLAR, 10_000)
    claims = RULE_SET.claims(STATE, DOLLAR, at(NOW + LATER))

    assert RULE_SET.claims(STATE, DOLLAR, at()) == units(DOLLAR, 10**6)
    assert interest > 100
    assert claims == exchange_rate(grown) * grown.total_supply_ctokens // WAD
    assert 0 <= units(DOLLAR, 10**6) + interest - grown.total_reserves_underlying - claims <= 1


# --- calls ---


def test_a_call_without_an_amount_repays_what_the_close_factor_allows():
    moment = at(NOW + LATER, ether=1_200)
    call = RULE_SET.call(STATE, offer(), moment)

    assert call.repay_amount == RULE_SET.owed(STATE, BORROWER, DOLLAR, moment) // 2
    assert done(RULE_SET.liquidate(STATE, call, moment)).repaid == call.repay_amount
    refused = RULE_SET.liquidate(STATE, replace(call, repay_amount=call.repay_amount + 1), moment)
    assert isinstance(refused, Failure)
    assert refused.name == "TOO_MUCH_REPAY"


def test_a_call_without_an_amount_repays_no_more_than_the_ctokens_pay_for():
    moment = at(NOW + LATER, ether=400)
    call = RULE_SET.call(STATE, offer(), moment)
    whole = done(RULE_SET.liquidate(STATE, call, moment))

    assert call.repay_amount < RULE_SET.owed(STATE, BORROWER, DOLLAR, moment) // 2
    assert abs(call.repay_amount - Fraction(units(DOLLAR, 4_000) * 100, 108)) <= 1
    assert position(whole.market, BORROWER, ETHER).ctokens < 15  # a unit of debt takes more
    refused = RULE_SET.liquidate(STATE, replace(call, repay_amount=call.repay_amount + 1), moment)
    assert isinstance(refused, Revert)
    assert refused.name == "LIQUIDATE_SEIZE_TOO_MUCH"


@pytest.mark.parametrize(("ether", "most"), [(1_200, 5_000), (400, 4_000 / 1.08)])
def test_an_amount_that_is_named_is_cut_to_what_the_rules_allow(ether: int, most: float):
    moment = at(ether=ether)
    whole = RULE_SET.call(STATE, offer(), moment).repay_amount
    call = RULE_SET.call(STATE, offer(units(DOLLAR, 9_000)), moment)

    assert call.repay_amount == whole == pytest.approx(most * 10**6, abs=1)
    assert isinstance(RULE_SET.quote(STATE, call, moment), Quote)
    for less in (0, 1, whole - 1):
        assert RULE_SET.call(STATE, offer(less), moment).repay_amount == less


def test_a_call_above_the_close_factor_is_refused_by_the_contract():
    call = replace(RULE_SET.call(STATE, offer(), SHORT), repay_amount=units(DOLLAR, 9_000))
    quote = RULE_SET.quote(STATE, call, SHORT)

    assert isinstance(quote, Failure)
    assert quote.name == "TOO_MUCH_REPAY"


def test_a_debt_that_was_never_taken_cannot_be_repaid():
    quote = RULE_SET.quote(STATE, RULE_SET.call(STATE, offer(debt=STONE), SHORT), SHORT)

    assert isinstance(quote, Refused)


def test_of_a_collateral_that_is_not_there_the_contract_lets_one_repay_what_takes_nothing():
    """A cToken of stones is worth ten units of the dollar: nine and the incentive take none, ten take one."""
    call = RULE_SET.call(STATE, offer(collateral=STONE), SHORT)

    assert RULE_SET.quote(STATE, call, SHORT) == Quote(paid={DOLLAR: 9}, received={STONE: 0})
    more = RULE_SET.quote(STATE, replace(call, repay_amount=10), SHORT)
    assert isinstance(more, Refused)
    assert more.name == "LIQUIDATE_SEIZE_TOO_MUCH"


def test_where_the_oracle_is_silent_the_comptroller_refuses_the_call():
    moment = at(ether=0)
    call = RULE_SET.call(STATE, offer(), moment)
    quote = RULE_SET.quote(STATE, call, moment)

    assert call.repay_amount == units(DOLLAR, 5_000)
    assert isinstance(quote, Refused)
    assert quote.name == "PRICE_ERROR"


def test_a_quote_is_what_the_call_does_in_the_next_block_and_ctokens_are_told_by_their_worth():
    moment = at(NOW + LATER, ether=1_200)
    call = RULE_SET.call(STATE, offer(), moment)
    whole = done(RULE_SET.liquidate(STATE, call, next_block(moment)))
    rate = exchange_rate(whole.market.ctokens[ETHER])

    assert RULE_SET.quote(STATE, call, moment) == Quote(
        paid={DOLLAR: whole.repaid}, received={ETHER: whole.received}
    )
    assert whole.received == rate * position(whole.market, LIQUIDATOR, ETHER).ctokens // WAD
    assert whole.fee == whole.protocol_seized_underlying
    by_hand = Fraction(call.repay_amount * 108 * 10**12, 1_200 * 100)
    assert 0 <= by_hand - whole.received - whole.fee < 10**10
    assert abs(Fraction(whole.fee, whole.received + whole.fee) - Fraction(28, 1_000)) < Fraction(1, 10**8)
    assert whole.written_off == {}
    assert whole.settled == whole.repaid


def test_a_quote_finds_other_markets_as_they_were_left():
    """Short only by the interest of a third market that nobody has touched: the contract sees no shortfall."""
    state = market(holds={ETHER: 10}, owes={DOLLAR: 7_500, NOTE: 7_500}, rate_model=DEAR)
    state = with_ctoken(state, DOLLAR, rate_model=FREE)
    moment = at(NOW + LATER)
    call = RULE_SET.call(state, offer(), moment)
    touched = viewed_at(state, NOW + LATER)

    assert isinstance(RULE_SET.quote(state, call, moment), Refused)
    assert isinstance(RULE_SET.quote(touched, call, moment), Quote)


def test_a_code_of_failure_leaves_the_interest_that_accrued_and_a_revert_nothing():
    moment = at(NOW + LATER, ether=400)
    call = RULE_SET.call(STATE, offer(), moment)
    failed = RULE_SET.liquidate(STATE, replace(call, repay_amount=10**15), moment)
    reverted = RULE_SET.liquidate(STATE, replace(call, repay_amount=call.repay_amount + 1), moment)

    assert isinstance(failed, Failure)
    assert failed.leaves(STATE).ctokens[DOLLAR] == accrue(STATE.ctokens[DOLLAR], NOW + LATER)
    assert isinstance(reverted, Revert)
    assert reverted.leaves(STATE) is STATE


@given(
    release=st.sampled_from([rules.release for rules in CTOKENS]),
    debt=st.sampled_from([DOLLAR, NOTE, ETHER]),
    stones=st.integers(10**6, 10**10),
    price_cents=st.integers(1, 10**7),
    debt_percent=st.integers(75, 300),
    stale=st.integers(0, 10**5),
    collateral_lent=st.booleans(),
)
def test_a_call_sized_in_one_block_goes_through_in_the_next(
    release: str,
    debt: int,
    stones: int,
    price_cents: int,
    debt_percent: int,
    stale: int,
    collateral_lent: bool,
):
    """And as well in the latest, unless the account is short only in the next."""
    state, moment = indebted(release, debt, stones, price_cents, debt_percent, NOW + stale)
    if collateral_lent:
        state = with_ctoken(state, STONE, total_borrows_underlying=units(STONE, 90), cash_underlying=10**9)
    call = RULE_SET.call(state, offer(collateral=STONE, debt=debt), moment)
    sooner, outcome = (RULE_SET.liquidate(state, call, each) for each in (moment, next_block(moment)))
    assume(isinstance(sooner, Done) or isinstance(outcome, Done))

    if isinstance(outcome, Refused):  # the collateral earns more than the debt costs
        assert outcome.name == "INSUFFICIENT_SHORTFALL"
        assert collateral_lent
    else:
        assert outcome.repaid == call.repay_amount
        assert RULE_SET.quote(state, call, moment) == Quote(
            paid={debt: outcome.repaid}, received={STONE: outcome.received}
        )
    if isinstance(sooner, Refused):
        assert sooner.name == "INSUFFICIENT_SHORTFALL"


def indebted(
    release: str, debt: int, stones: int, price_cents: int, debt_percent: int, block: int
) -> tuple[Market, At]:
    """Someone who owes so much of what 1e-8 stones are worth at this price; and the block."""
    state = market(holds={STONE: 1}, owes={debt: 1}, rate_model=DEAR, release=release)
    moment = at(block, stone=price_cents / 100)
    decimals = RULE_SET.assets(state)[debt].decimals
    worth = Fraction(stones * price_cents * debt_percent, 10**12)
    owed = int(worth / PRICES_USD[debt] * 10**decimals)
    assume(owed > 0)
    account = state.accounts[BORROWER]
    pledged = replace(account.positions[STONE], ctokens=stones * 50)
    positions = {STONE: pledged, debt: replace(account.positions[debt], borrow_principal_underlying=owed)}
    state = replace(state, accounts={**state.accounts, BORROWER: replace(account, positions=positions)})
    return with_ctoken(state, debt, total_borrows_underlying=owed), moment


# --- closed forms ---


@given(
    release=st.sampled_from([rules.release for rules in CTOKENS]),
    debt=st.sampled_from([DOLLAR, NOTE, ETHER]),
    stones=st.integers(10**6, 10**10),
    price_cents=st.integers(1, 10**7),
    debt_percent=st.integers(75, 300),
    stale=st.integers(0, 10**5),
)
def test_no_call_gains_more_than_the_bound_that_spares_quotes(
    release: str, debt: int, stones: int, price_cents: int, debt_percent: int, stale: int
):
    """What it gets less what it pays, by the oracle, against the payout on the most that is said to be paid."""
    state, moment = indebted(release, debt, stones, price_cents, debt_percent, NOW + stale)
    quote = RULE_SET.quote(state, RULE_SET.call(state, offer(collateral=STONE, debt=debt), moment), moment)
    assume(isinstance(quote, Quote))
    assert isinstance(quote, Quote)
    values, pair = RULE_SET.values(state, BORROWER, moment), (STONE, debt)
    assume(STONE in values[0] and debt in values[1])
    unit = {
        i: Fraction(moment.prices_base[i], 10**asset.decimals) for i, asset in RULE_SET.assets(state).items()
    }
    gain = quote.received[STONE] * unit[STONE] - quote.paid[debt] * unit[debt]
    most = RULE_SET.most_paid_base(state, BORROWER, pair, values)

    assert gain <= (RULE_SET.payout_ratio(state, BORROWER, STONE) - 1) * most + unit[STONE] + unit[debt] + 2


def test_the_most_that_is_paid_is_the_close_factor_of_the_debt_where_the_collateral_is_large():
    values = RULE_SET.values(STATE, BORROWER, at(NOW))
    collateral, debt = max(values[0], key=values[0].__getitem__), max(values[1], key=values[1].__getitem__)
    share = Fraction(STATE.close_factor_mantissa, WAD)

    assert values[0][collateral] > 2 * values[1][debt] * share
    assert RULE_SET.most_paid_base(STATE, BORROWER, (collateral, debt), values) == values[1][debt] * share


def test_drops_and_gap_are_those_of_the_frontier():
    moment = at(NOW + LATER)
    found = RULE_SET.drops(STATE, BORROWER, {ETHER}, moment)
    own = closed.drops(STATE, BORROWER, {ETHER}, **native(moment, STATE))
    gap = RULE_SET.gap_base(STATE, BORROWER, at())

    assert (found.liquidatable, found.debt_remains) == (own.liquidatable, own.debt_remains)
    assert own.toxic[ETHER] is not None
    assert found.toxic == own.toxic[ETHER]
    assert RULE_SET.drops(STATE, BORROWER, {STONE}, moment).toxic is None
    assert gap == (10_000 - Fraction(20_500 * 100, 108)) * BASE_PER_USD


def test_payout_toxicity_and_residual_are_those_of_the_pair():
    call = RULE_SET.call(STATE, offer(), SHORT)
    integer, exact = RULE_SET.residual_of_pair(STATE, call, at(ether=400))

    assert RULE_SET.payout_ratio(STATE, BORROWER, ETHER) == Fraction(108, 100) * Fraction(972, 1_000)
    assert not RULE_SET.is_toxic(STATE, call, SHORT)
    assert RULE_SET.is_toxic(STATE, call, at(ether=1_000))
    assert exact == units(DOLLAR, 10_000) - Fraction(units(DOLLAR, 4_000) * 100, 108)
    assert abs(integer - exact) <= 1


def test_a_call_rounds_away_a_ctoken_a_unit_of_debt_and_the_cut_of_the_ratio():
    """A cToken of ether is 2e8 wei; 1,200 divides the ratio to a debt of 18 decimals evenly, 1,200.01 does not."""
    by_dollar = RULE_SET.rounded_away(STATE, RULE_SET.call(STATE, offer(), SHORT), SHORT)
    one_ctoken = Fraction(2 * 10**8 * 1_200 * 100, 108 * 10**12)

    assert by_dollar == one_ctoken + Fraction(108, 100)
    state = market(holds={ETHER: 10}, owes={NOTE: 10_000})
    uneven = at(ether=1_200.01)
    call = RULE_SET.call(state, offer(debt=NOTE), uneven)
    ratio = Fraction(108, 2 * 10**8 * 120_001)
    cut = (ratio * WAD) / int(ratio * WAD) - 1
    most = (units(ETHER, 10) // (2 * 10**8) + 1) / ratio

    assert cut > 0
    assert RULE_SET.rounded_away(state, call, uneven) == 1 / ratio + Fraction(108, 100) + cut * most


@given(
    release=st.sampled_from([rules.release for rules in CTOKENS]),
    debt=st.sampled_from([DOLLAR, NOTE, ETHER]),
    stones=st.integers(10**6, 10**10),
    price_cents=st.integers(1, 10**7),
    debt_percent=st.integers(75, 300),
    permille=st.integers(1, 1_000),
)
def test_a_call_leaves_the_gap_as_it_found_it_but_for_what_it_rounds_away(
    release: str, debt: int, stones: int, price_cents: int, debt_percent: int, permille: int
):
    state, moment = indebted(release, debt, stones, price_cents, debt_percent, NOW + LATER)
    most = RULE_SET.call(state, offer(collateral=STONE, debt=debt), moment)
    call = replace(most, repay_amount=most.repay_amount * permille // 1_000)
    outcome = RULE_SET.liquidate(state, call, moment)
    assume(isinstance(outcome, Done))
    before, after = (RULE_SET.gap_base(one, BORROWER, moment) for one in (state, done(outcome).market))
    decimals = {i: 10**asset.decimals for i, asset in RULE_SET.assets(state).items()}
    slack = RULE_SET.rounded_away(state, call, moment) * moment.prices_base[debt] / decimals[debt]
    slack += 3 * Fraction(moment.prices_base[STONE], decimals[STONE])

    assert abs(before - after) <= slack


# --- a crash to its end ---

RICH = Liquidator(name="rich", capital_usd=1e12, turnaround_s=0)


def crash(state: Market, ether: list[tuple[int, float]], n_steps: int = 6, **more: Any) -> Crash:
    """Ether alone moves, along (step, ratio) knots."""
    bots = more.pop("bots", (RICH,))
    scenario = small_scenario(ether, n_steps=n_steps, bots=bots, **more)
    for i, symbol in ASSETS.items():
        state = with_ctoken(state, i, underlying_symbol=symbol)
    start = {ASSETS[i]: price * BASE_PER_USD for i, price in PRICES_USD.items()}
    return Crash(
        rules=RULE_SET,
        market=state,
        scenario=scenario,
        prices=price_paths(scenario, {**start, "LINK": 10 * BASE_PER_USD}, 1_700_000_000),
        bots={bot.name: f"0x{bot.name}" for bot in bots},
        first_block=NOW + 10,
        borrowers=(BORROWER,),
    )


def run_of(one: Crash) -> Run:
    return Engine(crash=one).run()


def test_an_account_that_falls_a_little_is_called_until_it_is_healthy():
    one = crash(STATE, [(0, 1.0), (1, 0.6)])
    run = run_of(one)
    (first, *_), left = list(run.liquidations()), residual(one, run, BORROWER)

    assert first[0].at.block_number == first[0].seen.block_number + 1
    assert first[1].repaid == RULE_SET.owed(STATE, BORROWER, DOLLAR, first[0].seen) // 2
    assert not RULE_SET.standing(run.market, run.end)(BORROWER).is_liquidatable
    assert left.total_base == 0
    assert closed_form(one, run, BORROWER).agrees


@pytest.mark.parametrize("debt", [DOLLAR, NOTE])
@pytest.mark.parametrize("model", [FREE, DEAR])
def test_an_account_beyond_the_edge_is_emptied_and_keeps_what_the_closed_form_says(debt: int, model: Any):
    state = market(holds={ETHER: 10}, owes={debt: 12_000}, rate_model=model)
    one = crash(state, [(0, 1.0), (1, 0.45)], n_steps=12)
    run = run_of(one)
    form, left = closed_form(one, run, BORROWER), residual(one, run, BORROWER)
    calls = list(run.liquidations())

    assert len(calls) >= 2
    assert all(isinstance(attempt.predicted, Done) for attempt in run.attempts)
    assert left.deficits == {}
    assert form.agrees
    assert abs(left.total_base - form.gap_base) < BASE_PER_USD // 100
    assert abs(form.gap_base - (12_000 - Fraction(9_000 * 100, 108)) * BASE_PER_USD) < BASE_PER_USD
    assert form.residual.keys() == {ASSETS[debt]}
    assert form.toxic_at is not None
    assert form.exhausted_at == form.toxic_at


def lent_out(state: Market, market_id: int) -> Market:
    """Others borrow nearly all of it, so that its cTokens grow in worth from block to block."""
    amount = state.ctokens[market_id].cash_underlying // 4
    cash = state.ctokens[market_id].cash_underlying - amount
    return with_ctoken(state, market_id, total_borrows_underlying=amount, cash_underlying=cash)


def emptied() -> tuple[Crash, Run]:
    """Two collaterals, of which one is sized to a block and grows until the next: a trace of its cTokens is left."""
    state = market(holds={ETHER: 10, NOTE: 3_000}, owes={DOLLAR: 12_000}, rate_model=DEAR)
    one = crash(lent_out(lent_out(state, ETHER), NOTE), [(0, 1.0), (1, 0.40)], n_steps=12)
    return one, run_of(one)


def test_a_trace_that_a_call_leaves_of_its_collateral_is_part_of_the_closed_form():
    one, run = emptied()
    ended = {attempt.offer.collateral_id: outcome for attempt, outcome in run.liquidations()}
    left = {i: position(done(last).market, BORROWER, i).ctokens for i, last in ended.items()}

    assert ended.keys() == {ETHER, NOTE}
    assert any(left.values())
    assert max(left.values()) < 10**4
    assert closed_form(one, run, BORROWER).agrees


def test_a_repayment_that_is_off_by_more_than_what_is_rounded_is_noticed():
    one, run = emptied()
    *earlier, (attempt, outcome) = run.liquidations()
    most = RULE_SET.rounded_away(attempt.market, attempt.call, attempt.at)
    trace = position(done(outcome).market, BORROWER, attempt.offer.collateral_id).ctokens
    for sign in (-1, 1):
        off = outcome.repaid + sign * (int((2 + trace) * most) + 1)
        wrong = replace(attempt, predicted=replace(done(outcome), repaid_underlying=off))
        told = replace(run, attempts=(*(a for a, _ in earlier), wrong))
        assert not closed_form(one, told, BORROWER).agrees


def test_what_poor_liquidators_leave_behind_has_capital_as_its_cause():
    """7,000 dollars in all the crash: one call of half the debt, and the rest falls below what it is worth."""
    poor = Liquidator(name="poor", capital_usd=7_000, turnaround_s=10**9)
    state = market(holds={ETHER: 10}, owes={DOLLAR: 14_000}, rate_model=DEAR)
    one = crash(state, [(0, 1.0), (1, 0.9), (40, 0.3)], n_steps=45, bots=(poor,))
    run = run_of(one)
    found = explain(one, run, BORROWER)

    assert residual(one, run, BORROWER).total_base > 0
    assert found.verdict == "capital"
    assert closed_form(one, run, BORROWER).agrees


def test_a_fall_at_once_is_the_markets():
    one = crash(market(holds={ETHER: 10}, owes={DOLLAR: 12_000}), [(0, 1.0), (1, 0.45)])

    assert explain(one, run_of(one), BORROWER).verdict == "market"


@pytest.mark.parametrize("release", [rules.release for rules in CTOKENS])
def test_every_release_goes_through_a_crash(release: str):
    state = of_release(of_release(STATE, DOLLAR, release), ETHER, release)
    one = crash(state, [(0, 1.0), (1, 0.55), (4, 0.3)])
    run = run_of(one)

    assert list(run.liquidations())
    assert closed_form(one, run, BORROWER).agrees


def test_a_model_with_another_incentive_would_be_noticed(monkeypatch: pytest.MonkeyPatch):
    one = crash(STATE, [(0, 1.0), (1, 0.3)])
    run = run_of(one)
    *_, (attempt, _) = run.liquidations()
    other = replace(attempt.market, liquidation_incentive_mantissa=109 * PERCENT)
    wrong = replace(attempt, market=other)

    assert closed_form(one, run, BORROWER).agrees
    attempts = tuple(wrong if each is attempt else each for each in run.attempts)
    assert not closed_form(one, replace(run, attempts=attempts), BORROWER).agrees
