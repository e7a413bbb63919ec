"""Morpho Blue behind the interface: by hand, against its own functions, and under the engine of the crash.

10 coins stand for 8,000 dollars at an LLTV of 80 %: liquidatable below 1,000 dollars a coin, toxic below 851.06.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from protocol.errors import MissingPrice, PriceNotPositive, PriceNoUint
from protocol.model import Asset, At, Bearers, Done, Drops, Offer, Quote, Refused, RuleSet
from protocol.morpho_blue import (
    Account,
    AdaptiveCurve,
    LiquidationCall,
    Market,
    Totals,
    UtilizationOver365Days,
    account_data,
    borrow,
    frontier,
    pairs,
    supply_collateral,
    users_with_debt,
    viewed_at,
)
from protocol.morpho_blue.rule_set import (
    COLLATERAL,
    LOAN,
    RULE_SET,
    IsolatedLiquidation,
    IsolatedMarket,
    oracle_price_e36,
)
from protocol.units import MAX_UINT256, WAD
from stress.attribution import explain
from stress.closed_form import closed_form
from stress.engine import Crash, Engine, Run
from stress.prices import price_paths
from stress.residual import residual
from stress.scenario import FeedRules, Liquidator, Scenario, Shock
from tests.protocol.morpho_markets import (
    BANK,
    BORROWER,
    LENT,
    LIQUIDATOR,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    YEAR,
    account,
    acted,
    market,
    usd,
)

USDC = Asset(symbol="USDC", address="0xdollar", decimals=6)
COIN = Asset(symbol="COIN", address="0xcoin", decimals=18)
OWED, SHARES = 8_000 * ONE_DOLLAR, 8_000 * ONE_DOLLAR * 10**6
ONE_USD = 10**8
LLTVS_WAD = [385 * WAD // 1000, 77 * WAD // 100, 86 * WAD // 100, 945 * WAD // 1000, 98 * WAD // 100]

rules: RuleSet[IsolatedMarket, LiquidationCall] = RULE_SET


def pair(state: Market | None = None, *, loan: Asset = USDC) -> IsolatedMarket:
    return IsolatedMarket(loan=loan, collateral=COIN, market=market() if state is None else state)


def at(coin_usd: int | str, *, dollar_base: int = ONE_USD, timestamp: int = NOW, block: int = 1) -> At:
    """A moment at which a coin is worth so many dollars, and what is lent a dollar."""
    coin_base = int(Fraction(coin_usd) * ONE_USD)
    prices_base = {LOAN: dollar_base, COLLATERAL: coin_base}
    return At(prices_base=prices_base, timestamp=timestamp, block_number=block)


def offer(repay: int | None = None, **fields: Any) -> Offer:
    usual: dict[str, Any] = {
        "borrower": BORROWER,
        "liquidator": LIQUIDATOR,
        "collateral_id": COLLATERAL,
        "debt_id": LOAN,
        "repay": repay,
    }
    return Offer(**{**usual, **fields})


def through(state: IsolatedMarket, call: LiquidationCall, now: At) -> IsolatedLiquidation:
    """What comes of a call that has to go through."""
    done = rules.liquidate(state, call, now)
    assert isinstance(done, IsolatedLiquidation), done
    return done


def why(state: IsolatedMarket, call: LiquidationCall, now: At) -> str:
    """Why a call is refused, by the quote and when it is sent."""
    quote, sent = rules.quote(state, call, now), rules.liquidate(state, call, now)
    assert isinstance(quote, Refused)
    assert quote == sent
    return quote.name


def later(now: At) -> At:
    """The next block, which the engine lets have the same time."""
    return replace(now, block_number=now.block_number + 1)


@st.composite
def books(draw: st.DrawFn) -> tuple[IsolatedMarket, At]:
    """A liquidatable borrower in a market whose shares have any price, worth more or less than its debt."""
    decimals = draw(st.sampled_from([6, 8, 18]))
    assets = draw(st.integers(1, 10**24))
    totals = Totals(assets=assets, shares=draw(st.integers(assets, assets * 10**6)))
    owing = draw(st.one_of(st.integers(1, totals.shares), st.just(totals.shares)))
    now = at(
        draw(st.integers(1, 10**6)), dollar_base=draw(st.sampled_from([ONE_USD, ONE_USD - 1, 3 * 10**11]))
    )
    lltv_wad, permille = draw(st.sampled_from(LLTVS_WAD)), draw(st.integers(200, 1_250))
    price_e36 = oracle_price_e36(pair(loan=replace(USDC, decimals=decimals)), now.prices_base)
    collateral = totals.to_assets_up(owing) * permille * 10**36 // (price_e36 * 1000)
    assume(0 < collateral < 2**128)
    state = replace(
        market(coins=0, dollars=0),
        lltv_wad=lltv_wad,
        total_supply=totals,
        total_borrow=totals,
        accounts={BORROWER: Account(borrow_shares=owing, collateral=collateral)},
    )
    book = pair(state, loan=replace(USDC, decimals=decimals))
    assume(rules.standing(book, now)(BORROWER).is_liquidatable)
    return book, now


# --- prices ---


def test_the_oracle_shows_the_collateral_in_loan_assets_rounded_down():
    bitcoin = Asset(symbol="WBTC", address="0xbitcoin", decimals=8)
    ether = Asset(symbol="WETH", address="0xether", decimals=18)
    against = IsolatedMarket(loan=ether, collateral=bitcoin, market=market())
    prices = {LOAN: 2_000 * ONE_USD, COLLATERAL: 80_000 * ONE_USD}

    assert oracle_price_e36(pair(), at(990).prices_base) == usd(990)
    assert oracle_price_e36(against, prices) == 40 * 10**46
    assert oracle_price_e36(against, {**prices, LOAN: 3}) == 8 * 10**12 * 10**46 // 3
    assert oracle_price_e36(against, {**prices, COLLATERAL: 0}) == 0


def test_a_price_that_no_oracle_shows_is_the_callers_mistake():
    with pytest.raises(MissingPrice, match=r"'USDC': .* in dollars, times 1e8$"):
        oracle_price_e36(pair(), {COLLATERAL: 1})
    with pytest.raises(MissingPrice, match=r"'COIN': .* in dollars, times 1e8$"):
        oracle_price_e36(pair(), {LOAN: 1})
    for price in (0, -1):
        with pytest.raises(PriceNotPositive, match=f"'USDC' is {price}") as wrong:
            oracle_price_e36(pair(), {LOAN: price, COLLATERAL: 1})
        assert (wrong.value.what, wrong.value.price) == ("USDC", price)
    with pytest.raises(PriceNoUint):
        oracle_price_e36(pair(), {LOAN: 1, COLLATERAL: -1})


# --- the market ---


def test_the_market_is_one_pair():
    assert rules.name == "Morpho Blue"
    assert rules.assets(pair()) == {LOAN: USDC, COLLATERAL: COIN}
    assert rules.depends_on(pair(), BORROWER) == (LOAN, COLLATERAL)
    assert rules.without_dust_rule(pair()) == pair()


def test_lenders_bear_the_loss_when_the_last_collateral_is_seized():
    assert rules.bearers == Bearers(
        written_off="lenders of the market, pro rata, at once",
        uncovered="lenders of the market, pro rata, once the last collateral is seized",
    )


def test_who_owes_is_who_has_borrow_shares():
    state = pair(acted(supply_collateral(market(), "saver", 1, timestamp=NOW)))

    assert list(rules.users_with_debt(state)) == list(users_with_debt(state.market)) == [BORROWER]
    assert [rules.debts(state, user) for user in (BORROWER, "saver", BANK, "nobody")] == [[LOAN], [], [], []]


def test_it_is_viewed_with_its_interest_and_seen_the_same_then_and_before():
    state, now = pair(market(irm=UtilizationOver365Days())), at(990, timestamp=NOW + YEAR)
    viewed = rules.viewed(state, now)
    whole = rules.call(state, offer(), now)

    assert viewed == pair(viewed_at(state.market, NOW + YEAR))
    assert viewed.market.total_borrow.assets > OWED
    assert rules.call(viewed, offer(), now) == whole
    for question in (rules.quote, rules.liquidate, rules.is_toxic, rules.residual_of_pair):
        assert question(viewed, whole, now) == question(state, whole, now)
    for question in (rules.values, rules.gap_base):
        assert question(viewed, BORROWER, now) == question(state, BORROWER, now)
    for asset_id in (LOAN, COLLATERAL):
        for reading in (rules.owed, rules.pledged):
            assert reading(viewed, BORROWER, asset_id, now) == reading(state, BORROWER, asset_id, now)
        assert rules.claims(viewed, asset_id, now) == rules.claims(state, asset_id, now)
    assert rules.standing(viewed, now)(BORROWER) == rules.standing(state, now)(BORROWER)
    assert rules.drops(viewed, BORROWER, [COLLATERAL], now) == rules.drops(state, BORROWER, [COLLATERAL], now)


def test_an_account_alone_meets_what_it_meets_among_others():
    state = acted(supply_collateral(market(), "other", 20 * ONE_COIN, timestamp=NOW))
    state = pair(acted(borrow(state, "other", 5_000 * ONE_DOLLAR, price_e36=usd(1_000), timestamp=NOW)))
    alone, now = rules.narrowed(state, BORROWER), at(700)
    whole = rules.call(state, offer(), now)

    assert list(alone.market.accounts) == [BORROWER]
    assert rules.standing(alone, now)(BORROWER) == rules.standing(state, now)(BORROWER)
    assert rules.call(alone, offer(), now) == whole
    assert through(alone, whole, now).liquidated.bad_debt_assets > 0
    assert replace(through(alone, whole, now).liquidated, market=state.market) == replace(
        through(state, whole, now).liquidated, market=state.market
    )


def test_lenders_claim_what_they_supplied_and_its_interest():
    state = pair(market(irm=UtilizationOver365Days()))

    assert rules.claims(state, LOAN, at(990)) == LENT * ONE_DOLLAR
    assert rules.claims(state, LOAN, at(990, timestamp=NOW + YEAR)) == (
        viewed_at(state.market, NOW + YEAR).total_supply.assets
    )
    assert rules.claims(state, LOAN, at(990, timestamp=NOW + YEAR)) > LENT * ONE_DOLLAR
    assert rules.claims(state, COLLATERAL, at(990)) == 0


# --- accounts ---


def test_an_account_stands_as_the_contract_reckons_it():
    found = rules.standing(pair(), at(990))(BORROWER)

    assert (found.collateral_base, found.debt_base) == (9_900 * ONE_USD, 8_000 * ONE_USD)
    assert found.health_factor_wad == 99 * WAD // 100
    assert (found.is_liquidatable, found.emode) == (True, 0)
    on_the_edge = rules.standing(pair(), at(1_000))(BORROWER)
    assert (on_the_edge.health_factor_wad, on_the_edge.is_liquidatable) == (WAD, False)


@pytest.mark.parametrize("user", ["nobody", BANK])
def test_who_owes_nothing_is_worth_its_collateral_and_healthy(user: str):
    found = rules.standing(pair(), at(990))(user)

    assert (found.collateral_base, found.debt_base) == (0, 0)
    assert (found.health_factor_wad, found.is_liquidatable) == (MAX_UINT256, False)
    assert rules.values(pair(), user, at(990)) == ({}, {})
    pledged = pair(market(dollars=0))
    assert rules.values(pledged, BORROWER, at(990)) == ({COLLATERAL: 9_900 * ONE_USD}, {})
    assert rules.standing(pledged, at(990))(BORROWER).collateral_base == 9_900 * ONE_USD


def test_value_is_told_in_dollars_by_the_price_of_the_loan_rounded_down():
    state = pair(market(coins=1, dollars=0))
    state = replace(state, market=replace(state.market, total_borrow=Totals(assets=9, shares=9 * 10**6)))
    accounts = {BORROWER: Account(collateral=10**15, borrow_shares=7 * 10**6)}
    state = replace(state, market=replace(state.market, accounts=accounts))
    now = at(1, dollar_base=ONE_USD + 1)  # 1e15 coins are 999 units of the loan, a unit is worth 100.000001
    expected = ({COLLATERAL: 99_900}, {LOAN: 700})

    assert rules.values(state, BORROWER, now) == expected
    standing = rules.standing(state, now)(BORROWER)
    assert (standing.collateral_base, standing.debt_base) == (99_900, 700)
    assert rules.values(state, BORROWER, at(0)) == ({}, {LOAN: 700})


@given(book=books())
def test_an_account_stands_where_its_own_functions_say(book: tuple[IsolatedMarket, At]):
    state, now = book
    seen = {"price_e36": oracle_price_e36(state, now.prices_base), "timestamp": NOW}
    data = account_data(state.market, BORROWER, **seen)
    standing = rules.standing(state, now)(BORROWER)
    value, owed = pairs.position_values(state.market, BORROWER, **seen)
    loan_base, unit = now.prices_base[LOAN], 10**state.loan.decimals

    assert standing.is_liquidatable is not data.healthy
    assert standing.health_factor_wad == data.max_borrow_assets * WAD // data.borrowed_assets < WAD
    assert standing.collateral_base == value * loan_base // unit
    assert standing.debt_base == owed * loan_base // unit
    assert rules.values(state, BORROWER, now) == (
        {COLLATERAL: standing.collateral_base} if standing.collateral_base else {},
        {LOAN: standing.debt_base} if standing.debt_base else {},
    )
    assert rules.owed(state, BORROWER, LOAN, now) == data.borrowed_assets
    assert rules.pledged(state, BORROWER, COLLATERAL, now) == data.collateral


def test_one_asset_is_owed_and_the_other_pledged():
    state = pair(market(irm=UtilizationOver365Days()))
    in_a_year = at(990, timestamp=NOW + YEAR)

    assert (rules.owed(state, BORROWER, LOAN, at(990)), rules.owed(state, BORROWER, COLLATERAL, at(990))) == (
        OWED,
        0,
    )
    assert rules.owed(state, BORROWER, LOAN, in_a_year) > OWED
    assert rules.pledged(state, BORROWER, COLLATERAL, in_a_year) == 10 * ONE_COIN
    assert rules.pledged(state, BORROWER, LOAN, at(990)) == 0
    assert (
        rules.owed(state, "nobody", LOAN, at(990)),
        rules.pledged(state, "nobody", COLLATERAL, at(990)),
    ) == (
        0,
        0,
    )


# --- calls ---


def test_everything_is_all_the_debt_where_the_collateral_pays_for_it():
    call = rules.call(pair(), offer(), at(990))
    done = through(pair(), call, at(990))

    assert call == LiquidationCall(borrower=BORROWER, liquidator=LIQUIDATOR, repaid_shares=SHARES)
    assert (done.repaid, done.fee, done.written_off) == (OWED, 0, {})
    assert done.received == 8_510_638297 * 10**12 // 990 == done.liquidated.seized_assets
    assert done.market == pair(done.liquidated.market)
    assert rules.debts(done.market, BORROWER) == []


def test_everything_is_all_the_collateral_where_that_does_not_pay_for_the_debt():
    call = rules.call(pair(), offer(), at(500))
    done = through(pair(), call, at(500))

    assert call == LiquidationCall(borrower=BORROWER, liquidator=LIQUIDATOR, seized_assets=10 * ONE_COIN)
    assert (done.repaid, done.received, done.fee) == (4_700_000001, 10 * ONE_COIN, 0)
    assert done.written_off == {LOAN: 3_299_999999}
    assert rules.claims(done.market, LOAN, at(500)) == LENT * ONE_DOLLAR - 3_299_999999


def test_collateral_that_just_pays_for_the_debt_leaves_nothing_of_either():
    just = 8_510_638297 * 10**12 // 990
    state, now = pair(market(coins=just)), at(990)
    call = rules.call(state, offer(), now)
    done = through(state, call, now)

    assert call.repaid_shares == SHARES
    assert (done.repaid, done.received, done.written_off) == (OWED, just, {})
    less = pair(market(coins=just - 1))
    assert rules.call(less, offer(), now).seized_assets == just - 1


def test_collateral_that_is_worth_nothing_is_taken_for_nothing():
    done = through(pair(), rules.call(pair(), offer(0), at(0)), at(0))

    assert (done.repaid, done.received, done.written_off) == (0, 10 * ONE_COIN, {LOAN: OWED})


def test_an_offer_above_what_everything_costs_takes_everything():
    for now, cost in ((at(990), OWED), (at(500), 4_700_000001)):
        most = rules.call(pair(), offer(), now)
        assert rules.call(pair(), offer(cost), now) == most
        assert rules.call(pair(), offer(MAX_UINT256), now) == most
        assert rules.call(pair(), offer(cost - 1), now) == replace(
            most, seized_assets=0, repaid_shares=(cost - 1) * 10**6
        )


def test_an_offer_below_that_is_a_call_of_its_shares():
    call = rules.call(pair(), offer(1_000 * ONE_DOLLAR, keep_shares=True), at(990))
    done = through(pair(), call, at(990))

    assert (call.seized_assets, call.repaid_shares) == (0, 1_000 * ONE_DOLLAR * 10**6)
    assert (done.repaid, done.settled, done.debt) == (1_000 * ONE_DOLLAR, 1_000 * ONE_DOLLAR, OWED)
    assert done.received == 1_063_829787 * 10**12 // 990


def test_what_the_contract_refuses_is_refused_with_its_words():
    too_much = LiquidationCall(borrower=BORROWER, liquidator=LIQUIDATOR, repaid_shares=SHARES + 1)

    for repay in (None, 1, OWED, MAX_UINT256):
        assert why(pair(), rules.call(pair(), offer(repay), at(1_000)), at(1_000)) == "position is healthy"
    assert why(pair(), rules.call(pair(), offer(0), at(990)), at(990)) == "inconsistent input"
    assert why(pair(), too_much, at(990)) == "Panic(0x11)"
    assert why(pair(), replace(too_much, repaid_shares=SHARES), at(500)) == "Panic(0x11)"
    nobody = rules.call(pair(), offer(borrower="nobody"), at(990))
    assert why(pair(), nobody, at(990)) == "inconsistent input"


def test_a_healthy_account_is_never_sent_more_than_is_offered():
    """A blind bot's call lands in whatever comes next: also there it may cost no more."""
    call = rules.call(pair(), offer(1_000 * ONE_DOLLAR), at(1_000))

    assert through(pair(), call, at(990)).repaid == 1_000 * ONE_DOLLAR


@given(book=books())
def test_a_call_of_everything_goes_through_in_the_next_block_and_ends_debt_or_collateral(
    book: tuple[IsolatedMarket, At],
):
    state, now = book
    call = rules.call(rules.viewed(state, now), offer(), now)
    done = through(state, call, later(now))

    over = done.repaid + done.written_off.get(LOAN, 0) - done.debt

    assert (call.seized_assets == 0) is (call.repaid_shares != 0)
    assert over in (0, 1), "the payment and the rest, each rounded up, of a debt that was rounded up"
    assert done.settled == done.repaid - over
    assert done.debt == rules.owed(state, BORROWER, LOAN, now)
    assert rules.quote(rules.viewed(state, now), call, now) == Quote(
        paid={LOAN: done.repaid}, received={COLLATERAL: done.received}
    )
    assert rules.debts(done.market, BORROWER) == []
    if call.seized_assets:
        assert rules.pledged(done.market, BORROWER, COLLATERAL, now) == 0
        whole = replace(call, seized_assets=0, repaid_shares=account(state.market).borrow_shares)
        assert isinstance(rules.quote(state, whole, now), Refused), "all the debt would have been more"
    else:
        assert done.written_off == {}


@given(book=books(), permille=st.integers(1, 1_100))
def test_a_call_repays_no_more_than_offered_and_nearly_as_much(
    book: tuple[IsolatedMarket, At], permille: int
):
    state, now = book
    repay = rules.owed(state, BORROWER, LOAN, now) * permille // 1000
    most = through(state, rules.call(state, offer(), now), now).repaid
    call = rules.call(rules.viewed(state, now), offer(repay), now)
    quote = rules.quote(rules.viewed(state, now), call, now)

    if isinstance(quote, Refused):
        assert (quote.name, call.seized_assets, call.repaid_shares) == ("inconsistent input", 0, 0)
    else:
        done = through(state, call, later(now))
        totals = state.market.total_borrow
        share = Fraction(totals.assets + 1, totals.shares + 10**6)
        assert quote == done.in_all(collateral_id=COLLATERAL, debt_id=LOAN)
        assert min(repay, most) - share - 1 < done.repaid <= repay


# --- what must remain ---


def test_a_liquidator_is_paid_the_incentive():
    assert rules.payout_ratio(pair(), BORROWER, COLLATERAL) == Fraction(1063829787234042553, WAD)


@pytest.mark.parametrize(("coin", "toxic"), [("851.063830", False), ("851.063829", True)])
def test_seizing_is_toxic_where_debt_remains(coin: str, toxic: bool):
    state, now = pair(), at(coin)
    call = rules.call(state, offer(), now)
    integer, exact = rules.residual_of_pair(state, call, now)

    assert rules.is_toxic(state, call, now) is toxic
    assert (rules.gap_base(state, BORROWER, now) > 0) is toxic
    assert (integer > 0, exact > 0) == (toxic, toxic)
    assert through(state, call, now).written_off.get(LOAN, 0) == integer


def test_the_gap_is_debt_less_what_the_collateral_repays_in_dollars():
    state, now = pair(), at(500, dollar_base=ONE_USD // 2)
    virtual = Fraction(SHARES * (OWED + 1), SHARES + 10**6)
    collateral_base = 5_000 * ONE_USD

    assert rules.gap_base(state, BORROWER, now) == (
        virtual / ONE_DOLLAR * (ONE_USD // 2) - collateral_base * Fraction(WAD, 1063829787234042553)
    )
    assert rules.gap_base(state, "nobody", now) == 0


@given(book=books())
def test_what_remains_is_what_its_own_functions_say(book: tuple[IsolatedMarket, At]):
    state, now = book
    seen = {"price_e36": oracle_price_e36(state, now.prices_base), "timestamp": NOW}
    call = rules.call(state, offer(), now)
    found = frontier.drops(state.market, BORROWER, **seen)
    exact = pairs.residual_of_pair(state.market, call, **seen)

    assert rules.residual_of_pair(state, call, now) == exact
    assert rules.rounded_away(state, call, now) == 0
    assert rules.is_toxic(state, call, now) is pairs.is_toxic(state.market, call, **seen)
    assert rules.gap_base(state, BORROWER, now) == (
        exact[1] * now.prices_base[LOAN] / Fraction(10**state.loan.decimals)
    )
    assert rules.drops(state, BORROWER, {COLLATERAL}, now) == Drops(
        liquidatable=found.liquidatable, toxic=found.debt_remains, debt_remains=found.debt_remains
    )


def test_only_a_fall_of_the_collateral_alone_brings_it_nearer():
    healthy, toxic = at(2_000), at(500)
    nothing = Drops(liquidatable=None, toxic=None, debt_remains=None)

    assert rules.drops(pair(), BORROWER, [COLLATERAL], healthy).liquidatable == Fraction(1, 2)
    for falling in ([], [LOAN], [LOAN, COLLATERAL]):
        assert rules.drops(pair(), BORROWER, falling, healthy) == nothing
        assert rules.drops(pair(), BORROWER, falling, toxic) == (
            rules.drops(pair(), BORROWER, [COLLATERAL], toxic)
        )
        assert rules.drops(pair(), BORROWER, falling, at(900)).debt_remains is None
        assert rules.drops(pair(), BORROWER, falling, at(1_000)).liquidatable == 0
    assert rules.drops(pair(), "nobody", [COLLATERAL], toxic) == nothing


# --- under the engine ---

ANN, BEN = "ann", "ben"
AT_ONCE = FeedRules(deviation_threshold_ppb=0, heartbeat_s=3_600, round_period_s=12, offchain_latency_s=0)
RICH = Liquidator(name="rich", capital_usd=1e12, turnaround_s=0)


def crash(
    coin: list[tuple[int, float]],
    *,
    n_steps: int,
    borrowers: Mapping[str, int],
    bots: tuple[Liquidator, ...] = (RICH,),
    gwei: float = 0,
    outages: tuple[tuple[int, int], ...] = (),
    **changes: Any,
) -> Crash:
    """Borrowers owe so many dollars on 10 coins of 1,100; coins move along (step, ratio) knots, a step is 12 s."""
    state = market(coins=0, dollars=0, irm=AdaptiveCurve(), **changes)
    for user, dollars in borrowers.items():
        state = acted(supply_collateral(state, user, 10 * ONE_COIN, timestamp=NOW))
        loan = borrow(state, user, dollars * ONE_DOLLAR, price_e36=usd(10**9), timestamp=NOW)
        state = acted(loan)
    state = viewed_at(state, NOW + YEAR)
    scenario = Scenario(
        name="small",
        seconds_per_step=12,
        n_steps=n_steps,
        seed=1,
        shocks={
            "default": Shock(knots=((0, 10**6),)),
            "COIN": Shock(knots=tuple((12 * step, round(ratio * 10**6)) for step, ratio in coin)),
        },
        feeds={"default": AT_ONCE},
        liquidators=bots,
        gas_units=400_000,
        gas_price_gwei=((0, gwei),),
        gas_token="USDC",  # noqa: S106  (a coin)
        transmission_outages=outages,
    )
    return Crash(
        rules=RULE_SET,
        market=pair(state),
        scenario=scenario,
        prices=price_paths(scenario, {"COIN": 1_100 * ONE_USD, "USDC": ONE_USD}, NOW + YEAR),
        bots={bot.name: bot.name for bot in bots},
        borrowers=tuple(borrowers),
    )


def agrees(what: Crash, run: Run) -> bool:
    return all(closed_form(what, run, user).agrees for user in what.borrowers)


def refused(run: Run) -> list[str]:
    """Whose calls were refused."""
    return [attempt.bot for attempt in run.attempts if isinstance(attempt.predicted, Refused)]


def test_a_fall_by_half_in_one_block_ends_every_account_at_the_lenders_cost():
    what = crash([(0, 1.0), (1, 0.5)], n_steps=4, borrowers={ANN: 8_000, BEN: 6_000})
    run = Engine(crash=what).run()
    calls = [(attempt.offer.borrower, outcome) for attempt, outcome in run.liquidations()]
    left = {user: residual(what, run, user) for user in what.borrowers}

    assert [user for user, _ in calls] == [ANN, BEN]
    assert [outcome.received for _, outcome in calls] == [10 * ONE_COIN] * 2
    assert left[ANN].deficits[LOAN] > 2_830 * ONE_DOLLAR  # and interest
    assert left[ANN].uncovered_base == left[BEN].uncovered_base == 0
    assert {user: closed_form(what, run, user).residual for user in left} == {
        user: {"USDC": one.deficits[LOAN]} for user, one in left.items()
    }
    assert agrees(what, run)
    assert explain(what, run, ANN).verdict == "market"


def test_seen_at_once_in_small_steps_nothing_is_left():
    what = crash([(0, 1.0), (60, 0.5)], n_steps=65, borrowers={ANN: 8_000, BEN: 6_000})
    run = Engine(crash=what).run()

    assert len(list(run.liquidations())) == 2
    assert [residual(what, run, user).total_base for user in what.borrowers] == [0, 0]
    assert agrees(what, run)
    assert not list(rules.users_with_debt(run.market))


def test_a_feed_that_stood_still_is_the_cause():
    what = crash(
        [(0, 1.0), (50, 0.5), (60, 0.5)], n_steps=60, borrowers={ANN: 8_000}, outages=((12, 12 * 55),)
    )
    run = Engine(crash=what).run()

    assert residual(what, run, ANN).deficit_base > 0
    assert explain(what, run, ANN).verdict == "oracle_lag"
    assert agrees(what, run)


def test_a_bot_that_can_pay_for_the_collateral_but_not_for_the_debt_takes_it():
    bot = Liquidator(name="poor", capital_usd=6_000, turnaround_s=10**6)
    what = crash([(0, 1.0), (1, 0.5)], n_steps=4, borrowers={ANN: 8_000}, bots=(bot,))
    run = Engine(crash=what).run()
    ((_, outcome),) = run.liquidations()

    assert outcome.received == 10 * ONE_COIN
    assert outcome.written_off
    assert agrees(what, run)
    assert explain(what, run, ANN).verdict == "market"


def test_a_debt_that_nobody_has_the_money_for_stays_uncovered():
    bot = Liquidator(name="poor", capital_usd=1_000, turnaround_s=10**6)
    what = crash([(0, 1.0), (40, 0.5)], n_steps=45, borrowers={ANN: 8_000}, bots=(bot,))
    run = Engine(crash=what).run()
    left = residual(what, run, ANN)

    assert len(list(run.liquidations())) >= 1
    assert left.deficits == {}
    assert left.uncovered_base > 1_000 * ONE_USD
    assert explain(what, run, ANN).removed_by == ("capital",)
    assert agrees(what, run)


def test_an_account_that_nobody_can_save_at_this_price_of_gas_is_left():
    what = crash([(0, 1.0), (1, 0.9)], n_steps=4, borrowers={ANN: 8_000}, gwei=10**9)

    assert Engine(crash=what).run().attempts == ()
    (attempt,) = Engine(crash=what, without=frozenset({"gas"})).run().attempts
    assert isinstance(attempt.predicted, Done)


@settings(max_examples=40)
@given(
    debts=st.tuples(st.integers(3_000, 8_700), st.integers(0, 8_700)),
    bottom=st.integers(20, 95),
    falls_for=st.integers(1, 15),
    capital=st.sampled_from([900.0, 5_000.0, 1e9]),
    turnaround_s=st.sampled_from([0, 24, 10**6]),
    blind=st.booleans(),
    fee_wad=st.sampled_from([0, WAD // 10]),
)
@example(  # a sole borrower, after interest: the integer form rounds most
    debts=(8_000, 0), bottom=50, falls_for=1, capital=1e9, turnaround_s=0, blind=False, fee_wad=0
)
def test_whatever_the_crash_the_closed_form_agrees_and_lenders_lose_what_is_written_off(
    debts: tuple[int, int],
    bottom: int,
    falls_for: int,
    capital: float,
    turnaround_s: int,
    blind: bool,
    fee_wad: int,
):
    bots = (
        Liquidator(name="first", capital_usd=capital / 2, turnaround_s=turnaround_s),
        Liquidator(name="second", capital_usd=capital, turnaround_s=turnaround_s, blind=blind, retry_s=24),
    )
    what = crash(
        [(0, 1.0), (falls_for, bottom / 100), (20, bottom / 100)],
        n_steps=22,
        borrowers={user: owed for user, owed in zip((ANN, BEN), debts, strict=True) if owed},
        bots=bots,
        fee_wad=fee_wad,
    )
    run = Engine(crash=what).run()

    assert agrees(what, run)
    assert set(refused(run)) <= ({"second"} if blind else set()), "who looks before it sends is never refused"
    for attempt, outcome in run.liquidations():
        lost = rules.claims(attempt.market, LOAN, attempt.at) - rules.claims(outcome.market, LOAN, attempt.at)
        assert attempt.before.is_liquidatable
        assert lost == outcome.written_off.get(LOAN, 0)
