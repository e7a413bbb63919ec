"""Compound v3 behind the common interface: each answer against the model's own functions or by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compound_v3 import (
    BASE,
    Bought,
    Market,
    Revert,
    account_data,
    buy_collateral,
    quote_collateral,
    supply,
    total_supply,
    users_with_debt,
    viewed_at,
)
from protocol.compound_v3.amounts import base_amount_for, quoted_collateral
from protocol.compound_v3.pairs import payout_ratio, position_values, residual_of_account
from protocol.compound_v3.rule_set import RULE_SET, AbsorbAndBuy, Absorbed
from protocol.model import Asset, At, Drops, Offer, Quote, RuleSet
from protocol.units import BASE_PER_USD, MAX_UINT256, WAD
from stress.causes import Cause
from stress.closed_form import ClosedForm, closed_form
from stress.engine import Crash, Engine, Run
from stress.prices import price_paths
from stress.residual import residual
from stress.scenario import FeedRules, Liquidator, Scenario, Shock
from tests.protocol.compound_v3_markets import (
    ABSORBER,
    BANK,
    BORROWER,
    COIN,
    DAY,
    NOW,
    OTHER,
    STONE,
    absorbed,
    market,
    moved,
    units,
    usd,
    with_config,
    with_info,
)

RULES: RuleSet[Market, AbsorbAndBuy] = RULE_SET
PAIR = market(holds={COIN: 10}, owes=7_000)
BOTH = market(holds={COIN: 5, STONE: 100}, owes=6_900)
FOR_SALE = with_config(PAIR, target_reserves=2**104 - 1)
UNIT = 10**6
"""A dollar. [base asset units]"""


def at(timestamp: int = NOW, **prices: float) -> At:
    return At(prices_base=usd(**prices), timestamp=timestamp)


def offer(repay: int | None = None, collateral_id: int = COIN) -> Offer:
    return Offer(
        borrower=BORROWER, liquidator=ABSORBER, collateral_id=collateral_id, debt_id=BASE, repay=repay
    )


def done(state: Market, moment: At, repay: int | None = None, collateral_id: int = COIN) -> Absorbed:
    outcome = RULES.liquidate(state, RULES.call(state, offer(repay, collateral_id), moment), moment)
    assert isinstance(outcome, Absorbed), outcome
    return outcome


# --- what is there ---


def test_the_assets_are_the_base_and_the_collaterals():
    named = with_config(PAIR, base_asset="0xba5e", base_symbol="USD")

    assert RULES.assets(named) == {
        BASE: Asset(symbol="USD", address="0xba5e", decimals=6),
        COIN: Asset(symbol="COIN", address="A0", decimals=18),
        STONE: Asset(symbol="STONE", address="A1", decimals=8),
    }
    assert (RULES.name, RULES.bearers.written_off) == (
        "Compound v3",
        "the protocol's reserves, then suppliers where they are gone",
    )


def test_only_a_principal_below_zero_is_a_debt():
    cleared = moved(supply(market(holds={COIN: 1}, owes=0), OTHER, STONE, 1, timestamp=NOW))

    for found in (RULES.users_with_debt, users_with_debt):
        assert list(found(PAIR)) == [BORROWER]
        assert list(found(cleared)) == []
    assert [list(RULES.debts(PAIR, user)) for user in (BORROWER, BANK, "nobody")] == [[BASE], [], []]


def test_what_is_owed_pledged_and_claimed_is_of_now():
    later = at(NOW + DAY)

    assert RULES.owed(PAIR, BORROWER, BASE, later) > RULES.owed(PAIR, BORROWER, BASE, at()) == 7_000 * UNIT
    assert RULES.owed(PAIR, BORROWER, COIN, later) == RULES.owed(PAIR, BANK, BASE, later) == 0
    assert RULES.pledged(PAIR, BORROWER, COIN, later) == units(COIN, 10)
    assert RULES.pledged(PAIR, BORROWER, STONE, later) == RULES.pledged(PAIR, BANK, BASE, later) == 0
    assert RULES.claims(PAIR, BASE, later) == total_supply(PAIR, NOW + DAY) > RULES.claims(PAIR, BASE, at())
    assert RULES.claims(PAIR, COIN, later) == 0


def test_values_and_what_they_depend_on_are_of_what_the_account_has():
    assert RULES.values(BOTH, BORROWER, at()) == position_values(
        BOTH, BORROWER, prices_base=usd(), timestamp=NOW
    )
    assert RULES.values(BOTH, BORROWER, at()) == (
        {COIN: 5_000 * BASE_PER_USD, STONE: 5_000 * BASE_PER_USD},
        {BASE: 6_900 * BASE_PER_USD},
    )
    assert set(RULES.depends_on(BOTH, BORROWER)) == {BASE, COIN, STONE}
    assert set(RULES.depends_on(PAIR, BORROWER)) == {BASE, COIN}


def test_a_market_narrowed_to_an_account_liquidates_it_alike():
    narrow = RULES.narrowed(PAIR, BORROWER)
    whole, alone = done(PAIR, at(coin=700)), done(narrow, at(coin=700))

    assert set(narrow.assets) == {COIN}
    assert (whole.repaid, whole.received, whole.written_off) == (
        alone.repaid, alone.received, alone.written_off,
    )  # fmt: skip
    assert RULES.without_dust_rule(PAIR) is PAIR
    assert RULES.viewed(PAIR, at(NOW + DAY)) == viewed_at(PAIR, NOW + DAY)


# --- how an account stands ---


def test_the_standing_is_what_the_views_say():
    standing = RULES.standing(BOTH, at())(BORROWER)

    assert (standing.collateral_base, standing.debt_base) == (10_000 * BASE_PER_USD, 6_900 * BASE_PER_USD)
    assert standing.health_factor_wad == (5_000 * 85 + 5_000 * 70) * WAD // (6_900 * 100)
    assert not standing.is_liquidatable
    assert RULES.standing(BOTH, at())("nobody").health_factor_wad == MAX_UINT256


@given(cents=st.integers(1, 1_600_00), stone=st.integers(1, 80_00), days=st.integers(0, 400))
def test_an_account_is_below_health_one_just_where_the_view_says_so(cents: int, stone: int, days: int):
    moment = at(NOW + days * DAY, coin=cents / 100, stone=stone / 100)
    standing = RULES.standing(BOTH, moment)(BORROWER)
    data = account_data(BOTH, BORROWER, prices_base=moment.prices_base, timestamp=moment.timestamp)

    assert standing.is_liquidatable is data.is_liquidatable
    assert standing.is_liquidatable is (standing.health_factor_wad < WAD)
    assert standing.debt_base == data.borrow_balance * 100


def test_the_view_lags_behind_and_absorb_does_not():
    """8,235.29 owed on 10,000 at 85 %: above it by interest alone, which the view has not heard of."""
    moment = at(NOW + 300 * DAY, coin=830)
    stale, fresh = (RULES.standing(state, moment)(BORROWER) for state in (PAIR, RULES.viewed(PAIR, moment)))

    assert (stale.is_liquidatable, fresh.is_liquidatable) == (False, True)
    assert stale.debt_base == fresh.debt_base > 8_300 * 85 // 100 * BASE_PER_USD
    assert isinstance(done(PAIR, moment), Absorbed)


# --- the two transactions ---


def test_a_liquidation_is_an_absorption_and_then_a_purchase():
    moment = at(coin=720)
    outcome = done(FOR_SALE, moment)
    first = absorbed(FOR_SALE, moment.prices_base)
    assert not isinstance(first, Revert)
    second = buy_collateral(
        first.market, COIN, 0, outcome.repaid, prices_base=moment.prices_base, timestamp=NOW
    )

    assert isinstance(second, Bought)
    assert (outcome.market, outcome.purchase, outcome.account) == (second.market, second, first.absorbed[0])
    assert (outcome.debt, outcome.settled, outcome.fee) == (7_000 * UNIT, 6_840 * UNIT, 0)
    assert outcome.written_off == {BASE: 160 * UNIT}  # 7,000 less 95 % of 7,200
    assert outcome.repaid == 7_020 * UNIT  # 7,200 less half of 5 %
    assert outcome.received == units(COIN, 10)


def test_debt_that_the_collateral_is_credited_for_is_not_written_off():
    outcome = done(FOR_SALE, at(coin=800))

    assert (outcome.written_off, outcome.settled) == ({}, 7_000 * UNIT)
    assert outcome.market.accounts[BORROWER].principal == 600 * UNIT  # 95 % of 8,000
    assert outcome.repaid == 7_800 * UNIT


def test_an_offer_of_less_buys_less_of_an_account_absorbed_whole():
    some, all_of_it = done(FOR_SALE, at(coin=720), 702 * UNIT), done(FOR_SALE, at(coin=720))

    assert (some.repaid, some.received) == (702 * UNIT, units(COIN, 1))
    assert (some.settled, some.written_off) == (all_of_it.settled, all_of_it.written_off)
    assert done(FOR_SALE, at(coin=720), 10**9 * UNIT) == all_of_it


def test_an_offer_of_nothing_buys_nothing_and_absorbs_all_the_same():
    outcome = done(FOR_SALE, at(coin=720), 0)

    assert isinstance(outcome.purchase, Bought)
    assert (outcome.repaid, outcome.received, outcome.written_off) == (0, 0, {BASE: 160 * UNIT})


def test_one_collateral_is_bought_and_the_other_stays_with_the_protocol():
    state = with_config(BOTH, target_reserves=2**104 - 1)
    outcome = done(state, at(coin=700, stone=40), collateral_id=STONE)

    assert (outcome.repaid, outcome.received) == (
        3_800 * UNIT,
        units(STONE, 100),
    )  # 90 %, half of the rest off
    assert outcome.market.assets[COIN].balance == units(COIN, 5)
    assert outcome.market.assets[COIN].total_supply == outcome.market.assets[STONE].balance == 0


def test_a_store_front_that_refuses_leaves_the_absorption_alone():
    """Above their target the reserves sell nothing."""
    rich = replace(with_config(PAIR, target_reserves=0), base_balance=PAIR.base_balance + 10**6 * UNIT)
    moment = at(coin=720)
    outcome, call = done(rich, moment), RULES.call(rich, offer(), moment)

    assert isinstance(outcome.purchase, Revert)
    assert outcome.purchase.name == "NotForSale"
    assert (outcome.repaid, outcome.received, outcome.written_off) == (0, 0, {BASE: 160 * UNIT})
    assert outcome.market == getattr(absorbed(rich, moment.prices_base), "market", None)
    assert RULES.quote(rich, call, moment) == outcome.in_all(collateral_id=COIN, debt_id=BASE)


def test_a_purchase_of_more_than_there_is_leaves_the_absorption_alone():
    moment = at(coin=720)
    call = replace(RULES.call(FOR_SALE, offer(), moment), base_amount=7_021 * UNIT)
    outcome = RULES.liquidate(FOR_SALE, call, moment)

    assert isinstance(outcome, Absorbed)
    assert isinstance(outcome.purchase, Revert)
    assert outcome.purchase.name == "InsufficientReserves"
    assert outcome.market.accounts[BORROWER].principal == 0


def test_a_healthy_account_is_refused_whatever_could_be_bought():
    call = RULES.call(FOR_SALE, offer(), at())
    refused = RULES.liquidate(FOR_SALE, call, at())

    assert isinstance(refused, Revert)
    assert refused.name == "NotLiquidatable"
    assert RULES.quote(FOR_SALE, call, at()) == refused


@given(cents=st.integers(1, 82_000), repay=st.none() | st.integers(0, 9_000 * UNIT), days=st.integers(0, 99))
def test_a_quote_of_the_viewed_market_is_what_the_call_does(cents: int, repay: int | None, days: int):
    moment = at(NOW + days * DAY, coin=cents / 100)
    viewed = RULES.viewed(FOR_SALE, moment)
    call = RULES.call(viewed, offer(repay), moment)
    outcome = RULES.liquidate(FOR_SALE, call, moment)

    assert isinstance(outcome, Absorbed)
    assert RULES.quote(viewed, call, moment) == Quote(
        paid={BASE: outcome.repaid}, received={COIN: outcome.received}
    )


# --- what all of a collateral costs ---


def test_the_cost_of_all_is_the_least_that_buys_the_most_there_is():
    moment = at(coin=333.33333333, stone=7.77)
    for state in (FOR_SALE, with_config(BOTH, target_reserves=2**104 - 1)):
        for asset_id in state.accounts[BORROWER].collateral:
            held = state.accounts[BORROWER].collateral[asset_id]
            cost = RULES.call(state, offer(None, asset_id), moment).base_amount
            less, sold, more = (
                quote_collateral(state, asset_id, cost + off, prices_base=moment.prices_base)
                for off in (-1, 0, 1)
            )
            assert isinstance(less, int)
            assert isinstance(sold, int)
            assert isinstance(more, int)
            assert less < sold <= held
            assert sold == held or more > held


def most_for(amount: int, terms: dict[str, int]) -> int:
    """The most that buys no more than this, by trying."""
    low, high = 0, 1
    while quoted_collateral(high, **terms) <= amount:
        high *= 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if quoted_collateral(middle, **terms) <= amount else (low, middle)
    return low


@given(
    amount=st.integers(0, 2**100),
    base_price_base=st.integers(1, 10**14),
    discounted_price_base=st.integers(1, 10**14),
    asset_decimals=st.integers(0, 19),
    base_decimals=st.integers(6, 18),
)
def test_the_inverse_of_a_quote_is_exact(
    amount: int, base_price_base: int, discounted_price_base: int, asset_decimals: int, base_decimals: int
):
    terms = {
        "base_price_base": base_price_base,
        "discounted_price_base": discounted_price_base,
        "asset_scale": 10**asset_decimals,
        "base_scale": 10**base_decimals,
    }
    cost = base_amount_for(amount, **terms)
    sold = quoted_collateral(cost, **terms)

    assert sold == quoted_collateral(most_for(amount, terms), **terms) <= amount
    assert cost == 0 or quoted_collateral(cost - 1, **terms) < sold


def test_the_inverse_of_a_quote_where_the_bound_is_met_exactly():
    """A unit buys 3/2 units, so that one is bought by just 1, and 1 * 3 is the last below 2 * 2."""
    terms = {"base_price_base": 3, "discounted_price_base": 2, "asset_scale": 1, "base_scale": 1}

    assert base_amount_for(1, **terms) == quoted_collateral(1, **terms) == 1


def test_a_collateral_discounted_to_nothing_is_not_bought():
    worthless = replace(at(), prices_base=usd() | {COIN: 1})  # 1e-8 dollars, less 2.5 %
    call = RULES.call(FOR_SALE, offer(), worthless)
    outcome = RULES.liquidate(FOR_SALE, call, worthless)

    assert call.base_amount == 0
    assert isinstance(outcome, Absorbed)
    assert isinstance(outcome.purchase, Revert)
    assert outcome.purchase.name == "Panic(0x12)"


# --- in closed form ---


moments = st.builds(
    lambda coin, stone, base, days: At(
        prices_base={COIN: coin, STONE: stone, BASE: base}, timestamp=NOW + days * DAY
    ),
    coin=st.integers(10**6, 1_000 * 10**8),
    stone=st.integers(10**6, 45 * 10**8),
    base=st.integers(99 * 10**6, 101 * 10**6),
    days=st.integers(0, 400),
)
"""Prices to their last digit."""


@given(moment=moments)
def test_what_is_forgiven_is_told_before_to_the_unit(moment: At):
    call = RULES.call(BOTH, offer(), moment)
    integer, exact = RULES.residual_of_pair(BOTH, call, moment)
    outcome = RULES.liquidate(BOTH, call, moment)
    if isinstance(outcome, Revert):
        return

    assert isinstance(outcome, Absorbed)
    assert integer == outcome.account.debt_forgiven == outcome.written_off.get(BASE, 0)
    assert 0 <= integer - max(exact, Fraction(0)) < 1
    forgiven, fraction = residual_of_account(
        BOTH, BORROWER, prices_base=moment.prices_base, timestamp=moment.timestamp
    )
    assert integer == forgiven
    assert 0 <= exact - fraction < Fraction(5, 100)  # four values rounded to 8 decimals; a unit has 6


@given(moment=moments)
def test_an_absorption_keeps_the_gap_but_for_what_it_forgives(moment: At):
    outcome = RULES.liquidate(BOTH, RULES.call(BOTH, offer(), moment), moment)
    if isinstance(outcome, Revert):
        return

    assert isinstance(outcome, Absorbed)
    before, after = (RULES.gap_base(state, BORROWER, moment) for state in (BOTH, outcome.market))
    unit = Fraction(moment.prices_base[BASE], UNIT)
    assert abs(before - after - outcome.account.debt_forgiven * unit) <= 3 * unit
    assert after <= 0


def test_the_drops_are_those_by_hand():
    """8,500 and 9,500 of 10,000 count against 7,000."""
    assert RULES.drops(PAIR, BORROWER, [COIN], at()) == Drops(
        liquidatable=1 - Fraction(7_000, 8_500), toxic=None, debt_remains=1 - Fraction(7_000, 9_500)
    )
    assert RULES.drops(PAIR, OTHER, [COIN], at()) == Drops(liquidatable=None, toxic=None, debt_remains=None)


def test_a_purchase_pays_the_discount_and_no_call_is_toxic():
    call = RULES.call(PAIR, offer(), at(coin=100))

    assert RULES.payout_ratio(PAIR, BORROWER, COIN) == payout_ratio(PAIR, COIN) == Fraction(1000, 975)
    assert RULES.is_toxic(PAIR, call, at(coin=100)) is False


# --- the engine ---

RICH = Liquidator(name="rich", capital_usd=1e12, turnaround_s=0)
AT_ONCE = FeedRules(deviation_threshold_ppb=0, heartbeat_s=3_600, round_period_s=12, offchain_latency_s=0)


def crash(
    state: Market, coin: list[tuple[int, float]], *, bot: Liquidator = RICH, lag_s: int = 0, gwei: float = 0
) -> Crash:
    """The coin alone moves, along (step, ratio) knots."""
    scenario = Scenario(
        name="small",
        seconds_per_step=12,
        n_steps=coin[-1][0] + 2,
        seed=1,
        shocks={
            "default": Shock(knots=((0, 10**6),)),
            "COIN": Shock(knots=tuple((12 * step, round(ratio * 10**6)) for step, ratio in coin)),
        },
        feeds={"default": replace(AT_ONCE, offchain_latency_s=lag_s)},
        liquidators=(bot,),
        gas_units=400_000,
        gas_price_gwei=((0, gwei),),
        gas_token="COIN",  # noqa: S106  (a coin)
    )
    start = {asset.symbol: usd()[i] for i, asset in RULES.assets(state).items()}
    return Crash(
        rules=RULES,
        market=state,
        scenario=scenario,
        prices=price_paths(scenario, start, NOW),
        bots={bot.name: ABSORBER},
        borrowers=tuple(RULES.users_with_debt(state)),
    )


def ran(told: Crash, *without: Cause) -> tuple[Run, ClosedForm]:
    run = Engine(crash=told, without=frozenset(without)).run()
    return run, closed_form(told, run, BORROWER)


@pytest.mark.parametrize("state", [FOR_SALE, with_config(BOTH, target_reserves=2**104 - 1)])
@pytest.mark.parametrize("down_to", [0.79, 0.74, 0.70, 0.45, 0.10])
def test_a_crash_ends_with_one_absorption_and_the_closed_form_agrees(state: Market, down_to: float):
    told = crash(state, [(0, 1.0), (1, down_to)])
    run, form = ran(told)
    ((attempt, outcome),) = run.liquidations()

    assert isinstance(outcome, Absorbed)
    assert form.agrees
    assert form.residual.get("base", 0) == outcome.written_off.get(BASE, 0)
    left = residual(told, run, BORROWER)
    assert left.deficits == outcome.written_off
    assert left.uncovered_base == 0
    assert attempt.paid_usd == pytest.approx(outcome.repaid / UNIT)
    assert form.liquidatable_at == RULES.drops(state, BORROWER, [COIN], told.observed_at(0)).liquidatable


def test_a_slow_fall_is_absorbed_at_the_point_where_it_begins_to_be_possible():
    run, form = ran(crash(FOR_SALE, [(0, 1.0), (40, 0.6)]))
    ((attempt, outcome),) = run.liquidations()

    assert WAD * 99 // 100 < attempt.before.health_factor_wad < WAD
    assert (outcome.written_off, form.residual, form.agrees) == ({}, {}, True)


def test_an_oracle_behind_the_market_leaves_nobody_to_buy():
    """The oracle shows 820, the market trades at 600: a coin at 2.5 % off is too dear, and nobody absorbs."""
    told = crash(FOR_SALE, [(0, 1.0), (1, 0.82), (2, 0.6), (12, 0.6)], lag_s=24, gwei=1)
    slow, quick = ran(told)[0], ran(told, "oracle_lag")[0]

    assert [outcome.written_off.get(BASE, 0) > 0 for _, outcome in slow.liquidations()] == [True]
    assert [outcome.written_off.get(BASE, 0) for _, outcome in quick.liquidations()] == [0]


def test_a_store_front_that_refuses_keeps_away_whoever_pays_for_gas():
    rich = replace(with_config(PAIR, target_reserves=0), base_balance=PAIR.base_balance + 10**6 * UNIT)
    told = crash(rich, [(0, 1.0), (1, 0.5)], gwei=1)
    run, form = ran(told)

    assert (list(run.liquidations()), form.agrees) == ([], True)
    assert residual(told, run, BORROWER).uncovered_base == pytest.approx(2_000 * BASE_PER_USD, rel=1e-4)


@pytest.mark.parametrize("off", [-1, 1, 10**6])
def test_a_write_off_that_is_off_by_a_unit_is_noticed(off: int):
    told = crash(FOR_SALE, [(0, 1.0), (1, 0.5)])
    run, _ = ran(told)
    ((attempt, outcome),) = run.liquidations()
    assert isinstance(outcome, Absorbed)
    account = replace(outcome.account, debt_forgiven=outcome.account.debt_forgiven + off)
    wrong: Any = replace(attempt, predicted=replace(outcome, account=account))

    assert closed_form(told, run, BORROWER).agrees
    assert not closed_form(told, replace(run, attempts=(wrong,)), BORROWER).agrees


def test_a_credit_by_another_factor_would_be_noticed():
    told = crash(FOR_SALE, [(0, 1.0), (1, 0.5)])
    run, _ = ran(told)
    ((attempt, _outcome),) = run.liquidations()
    other = with_info(attempt.market, COIN, liquidation_factor_wad=94 * WAD // 100)

    assert not closed_form(told, replace(run, attempts=(replace(attempt, market=other),)), BORROWER).agrees
