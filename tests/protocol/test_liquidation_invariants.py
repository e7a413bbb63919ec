"""What every liquidation must keep, on accounts drawn at random, under every revision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from protocol.aave_v3 import (
    REVISIONS,
    Account,
    Liquidated,
    Market,
    Position,
    Revert,
    account_data,
    liquidation_call,
    normalized_debt,
    normalized_income,
    users_with_debt,
    vtoken_balance,
)
from protocol.aave_v3.interest import atoken_balance
from protocol.aave_v3.variants import SeizedCollateral
from protocol.model import RuleSet
from protocol.units import MAX_UINT256, RAY
from tests.protocol import markets
from tests.protocol.markets import BORROWER, COIN, DOLLAR, LIQUIDATOR, NOW, TREASURY, WHALE, call

OTHER_COIN, OTHER_DOLLAR = 2, 3
PRICES = {COIN: 1_000 * 10**8, DOLLAR: 10**8, OTHER_COIN: 5 * 10**8, OTHER_DOLLAR: 10**8}
INDEX = st.integers(RAY, 3 * RAY)
ALL = pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)


@st.composite
def cases(draw, rules):
    """A market of four reserves, a borrower with up to two collaterals and two debts, and a call at him."""
    coins, others = draw(st.integers(1, 10**20)), draw(st.integers(0, 10**21))
    value = coins * 1_000 // 10**12 + others * 5 // 10**12
    owed = draw(st.integers(value * 70 // 100, value * 130 // 100 + 10))
    second = draw(st.sampled_from([0, owed // 3, owed // 100]))
    reserves = {
        reserve_id: markets.reserve(
            reserve_id,
            supply=supply + lent,
            debt=debt,
            config=markets.config(
                decimals=decimals, liquidation_protocol_fee_bps=draw(st.sampled_from([0, 10_00]))
            ),
            liquidity_index_ray=draw(INDEX),
            variable_borrow_index_ray=draw(INDEX),
            virtual_underlying_balance=3 * (supply + lent),
        )
        for reserve_id, decimals, supply, lent, debt in (
            (COIN, 18, coins, 10**21, 0),
            (DOLLAR, 6, 0, 2 * owed + 10**9, owed - second),
            (OTHER_COIN, 18, others, 10**21, 0),
            (OTHER_DOLLAR, 6, 0, 2 * owed + 10**9, second),
        )
    }
    lenders = {
        i: Position(scaled_atoken=lent)
        for i, lent in (
            (COIN, 10**21),
            (DOLLAR, 2 * owed + 10**9),
            (OTHER_COIN, 10**21),
            (OTHER_DOLLAR, 2 * owed + 10**9),
        )
    }
    positions = {
        COIN: Position(scaled_atoken=coins, collateral_enabled=True),
        DOLLAR: Position(scaled_variable_debt=owed - second, borrowing=owed > second),
        OTHER_COIN: Position(scaled_atoken=others, collateral_enabled=others > 0),
        OTHER_DOLLAR: Position(scaled_variable_debt=second, borrowing=second > 0),
    }
    market = Market(
        rules=rules,
        reserves=reserves,
        emodes={},
        accounts={
            WHALE: Account(positions=lenders),
            BORROWER: Account(positions={i: p for i, p in positions.items() if p != Position()}),
        },
        treasury=TREASURY,
    )
    cover = draw(st.one_of(st.just(MAX_UINT256), st.integers(1, owed + 1)))
    return (
        market,
        call(debt_to_cover=cover, receive_atoken=draw(st.booleans())),
        NOW + draw(st.integers(0, 10**7)),
    )


@ALL
@settings(max_examples=40)
@given(data=st.data())
def test_a_liquidation_keeps_what_it_must(rules, data):
    market, attempt, now = data.draw(cases(rules))
    outcome = liquidation_call(market, attempt, prices_base=PRICES, timestamp=now)
    before = account_data(market, BORROWER, prices_base=PRICES, timestamp=now)

    if before.health_factor_wad >= 10**18:
        assert isinstance(outcome, Revert)
    if isinstance(outcome, Revert):
        assert outcome.name in {"HealthFactorNotBelowThreshold", "MustNotLeaveDust", "InvalidBurnAmount"}
        return
    require_totals_are_sums(outcome.market)
    require_amounts_within_balances(market, outcome, now)
    require_debt_is_repaid_or_written_off_or_left(market, outcome, now)
    assert outcome.market.accounts[WHALE] == market.accounts[WHALE]
    assert set(outcome.market.accounts) <= {WHALE, BORROWER, LIQUIDATOR, TREASURY}


@ALL
def test_the_drawn_cases_reach_liquidations_of_every_kind(rules):
    def outcome(case) -> Liquidated | Revert:
        return liquidation_call(case[0], case[1], prices_base=PRICES, timestamp=case[2])

    writes_off = rules.depletion(nothing_left_of(rules)).account
    for wanted in (
        lambda found: isinstance(found, Liquidated) and found.protocol_fee > 0,
        lambda found: isinstance(found, Liquidated) and len(found.deficits) == 2 * writes_off,
        lambda found: isinstance(found, Revert) and found.name == "HealthFactorNotBelowThreshold",
    ):
        quick = settings(deadline=None, database=None, phases=[Phase.generate], max_examples=2_000)
        find(cases(rules), lambda case, wanted=wanted: wanted(outcome(case)), settings=quick)


def nothing_left_of(rules) -> SeizedCollateral:
    """A seizure of all the collateral there is."""
    return SeizedCollateral(
        amount=90,
        fee=10,
        balance=100,
        scaled_balance=100,
        index_ray=RAY,
        price_base=1,
        unit=1,
        account_collateral_base=100,
    )


def require_totals_are_sums(market: Market):
    """CONSERVATION: each scaled total is the sum over the accounts."""
    for reserve_id, reserve in market.reserves.items():
        held = [account.positions.get(reserve_id, Position()) for account in market.accounts.values()]
        assert sum(position.scaled_atoken for position in held) == reserve.total_scaled_atoken
        assert sum(position.scaled_variable_debt for position in held) == reserve.total_scaled_variable_debt


def require_amounts_within_balances(market: Market, outcome: Liquidated, now: int):
    """BOUNDS: nobody repays more than is owed nor takes more than is held."""
    borrower, rules = market.accounts[BORROWER].positions, market.rules
    debt_index = normalized_debt(market.reserves[DOLLAR], rules, now)
    income = normalized_income(market.reserves[COIN], rules, now)
    owed = vtoken_balance(borrower[DOLLAR].scaled_variable_debt, debt_index, rules)
    held = atoken_balance(borrower[COIN].scaled_atoken, income, rules)

    assert 0 <= outcome.debt_repaid <= owed
    assert 0 <= outcome.collateral_to_liquidator + outcome.protocol_fee <= held


def require_debt_is_repaid_or_written_off_or_left(market: Market, outcome: Liquidated, now: int):
    """DEFICIT: with a deficit the account owes nothing any more and its reserves carry just the deficit."""
    after = outcome.market
    assert {i: r.deficit for i, r in after.reserves.items() if r.deficit} == dict(outcome.deficits)
    if outcome.deficits:
        positions = after.accounts[BORROWER].positions.values()
        assert not any(position.scaled_variable_debt or position.borrowing for position in positions)
    # The debt reserve grows in cash by what is repaid, the collateral reserve shrinks by what is paid out.
    moved = (
        after.reserves[DOLLAR].virtual_underlying_balance - market.reserves[DOLLAR].virtual_underlying_balance
    )
    assert moved == outcome.debt_repaid


@ALL
@settings(max_examples=40)
@given(data=st.data())
def test_a_call_leaves_the_market_it_was_given_unchanged(rules, data):
    market, attempt, now = data.draw(cases(rules))
    copy = replace(market, reserves=dict(market.reserves), accounts=dict(market.accounts))

    first = liquidation_call(market, attempt, prices_base=PRICES, timestamp=now)

    assert market == copy
    assert liquidation_call(market, attempt, prices_base=PRICES, timestamp=now) == first


@ALL
@settings(max_examples=40)
@given(data=st.data())
def test_health_never_rises_when_a_collateral_price_falls(rules, data):
    market, _, now = data.draw(cases(rules))
    lower = dict(PRICES) | {COIN: data.draw(st.integers(0, PRICES[COIN]))}
    # All thresholds are one here: with several, the average cut to basis points (up to v3.4) may jump up.
    at_high = account_data(market, BORROWER, prices_base=PRICES, timestamp=now)
    at_low = account_data(market, BORROWER, prices_base=lower, timestamp=now)

    assert at_low.health_factor_wad <= at_high.health_factor_wad


def test_the_package_is_a_rule_set_and_finds_who_owes():
    from protocol import aave_v3

    rule_set: RuleSet = aave_v3

    assert list(rule_set.users_with_debt(markets.market("3.6"))) == [BORROWER]
    assert list(users_with_debt(replace(markets.market("3.6"), accounts={}))) == []
