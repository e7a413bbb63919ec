"""The closed form of unavoidable debt against what liquidations write off, and what a liquidator looks at."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.errors import MissingPrice
from protocol.morpho_blue import (
    Account,
    Liquidated,
    Revert,
    Totals,
    UtilizationOver365Days,
    account_data,
    liquidate,
    viewed_at,
)
from protocol.morpho_blue.frontier import (
    Drops,
    drops,
    residual_exact,
    residual_if_exhausted,
    toxic_loan_to_value,
)
from protocol.morpho_blue.pairs import is_toxic, payout_ratio, position_values, residual_of_pair
from protocol.units import WAD
from tests.protocol.morpho_markets import (
    BORROWER,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    YEAR,
    account,
    call,
    done,
    market,
    usd,
)

LLTVS = [
    385 * WAD // 1000,
    625 * WAD // 1000,
    77 * WAD // 100,
    86 * WAD // 100,
    945 * WAD // 1000,
    98 * WAD // 100,
]
PAIR = market()
"""10 coins for 8,000 dollars: debt remains below 8,000 / (10 * 0.94), that is 851.06 dollars a coin."""


def sides(state, price_e36):
    return {
        "total_borrow": state.total_borrow,
        "account": account(state),
        "lltv_wad": state.lltv_wad,
        "price_e36": price_e36,
    }


def falls(found: Drops) -> tuple[Fraction, Fraction]:
    """Both drops, where something is owed."""
    assert found.liquidatable is not None
    assert found.debt_remains is not None
    return found.liquidatable, found.debt_remains


def share_price(totals: Totals) -> Fraction:
    return Fraction(totals.assets + 1, totals.shares + 10**6)


@st.composite
def books(draw):
    """A borrower near or beyond the point where debt remains, in a market whose shares have any price."""
    assets = draw(st.integers(1, 10**24))
    shares = draw(st.integers(assets, assets * 10**6))
    owed = draw(st.integers(1, shares))
    price_e36 = draw(st.integers(10**24, 10**44))
    lltv_wad = draw(st.sampled_from(LLTVS))
    totals = Totals(assets=assets, shares=shares)
    permille = draw(st.integers(400, 1_250))
    collateral = totals.to_assets_up(owed) * permille * 10**36 // (price_e36 * 1000)
    assume(0 < collateral < 2**128)
    return replace(
        market(coins=0, dollars=0),
        lltv_wad=lltv_wad,
        total_supply=Totals(assets=assets, shares=shares),
        total_borrow=totals,
        accounts={BORROWER: Account(borrow_shares=owed, collateral=collateral)},
    ), price_e36


@given(book=books())
def test_the_integer_form_is_what_the_contract_writes_off(book):
    state, price_e36 = book
    expected = residual_if_exhausted(**sides(state, price_e36))
    seized = account(state).collateral
    outcome = liquidate(state, call(seized_assets=seized), price_e36=price_e36, timestamp=NOW)

    if isinstance(outcome, Revert):
        assert outcome.name in {"position is healthy", "Panic(0x11)"}
        if outcome.name == "Panic(0x11)":
            assert expected is None, "only who would repay more than is owed is refused"
    else:
        assert isinstance(outcome, Liquidated)
        assert (outcome.bad_debt_assets or None) == expected


@given(book=books())
def test_the_integer_form_lies_close_to_the_fraction(book):
    state, price_e36 = book
    integer, exact = (
        residual_if_exhausted(**sides(state, price_e36)),
        residual_exact(**sides(state, price_e36)),
    )
    hidden = 3 + share_price(state.total_borrow)

    if integer is None:
        assert exact < hidden
    else:
        assert exact - hidden < integer < exact + 1


@given(book=books(), part=st.integers(1, 999))
def test_no_part_repaid_first_changes_what_remains_but_for_rounding(book, part):
    state, price_e36 = book
    at = {"price_e36": price_e36, "timestamp": NOW}
    shares = account(state).borrow_shares * part // 1000
    first = liquidate(state, call(repaid_shares=shares), **at)
    assume(isinstance(first, Liquidated) and not first.bad_debt_shares)
    assert isinstance(first, Liquidated)
    before, after = (
        residual_exact(**sides(state, price_e36)),
        residual_exact(**sides(first.market, price_e36)),
    )

    # A share, two units of debt and a unit of collateral are what one call rounds, and its shares' price moves.
    worth = Fraction(price_e36, 10**36)
    assert abs(after - before) <= 3 + share_price(state.total_borrow) + worth


@pytest.mark.parametrize(("coin", "remains"), [("851.063830", False), ("851.063829", True)])
def test_debt_remains_exactly_above_the_toxic_loan_to_value(coin, remains):
    integer = residual_if_exhausted(**sides(PAIR, usd(coin)))

    assert (integer is not None) is remains
    assert (residual_exact(**sides(PAIR, usd(coin))) > 0) is remains
    assert toxic_loan_to_value(PAIR.lltv_wad) == Fraction(WAD, 1063829787234042553)


def test_who_has_no_collateral_cannot_repay_anything():
    state = replace(PAIR, accounts={BORROWER: Account(borrow_shares=8_000 * ONE_DOLLAR * 10**6)})

    for price_e36 in (0, usd(1_000)):
        assert residual_if_exhausted(**sides(state, price_e36)) == 8_000 * ONE_DOLLAR
        assert residual_exact(**sides(state, price_e36)) == 8_000 * ONE_DOLLAR


def test_what_is_worth_nothing_leaves_nothing():
    totals = Totals(assets=0, shares=10**9)
    owing = Account(borrow_shares=10**9, collateral=1)

    assert residual_if_exhausted(totals, owing, lltv_wad=WAD // 2, price_e36=0) is None
    assert totals.to_assets_up(10**9) == 1


def test_one_unit_left_postpones_what_remains_and_the_next_call_realises_it():
    state, price_e36 = PAIR, usd(500)
    expected = residual_if_exhausted(**sides(state, price_e36))
    kept = done(state, price_e36, seized_assets=10 * ONE_COIN - 1)
    last = done(kept.market, price_e36, seized_assets=1)

    assert expected == 3_299_999999
    assert kept.bad_debt_shares == 0
    assert kept.repaid_assets + last.repaid_assets + last.bad_debt_assets == 8_000 * ONE_DOLLAR
    assert last.bad_debt_assets == expected - 1  # the last wei alone costs a whole unit


@given(book=books())
def test_by_shares_one_can_repay_a_little_more_and_never_more_than_the_collateral_pays(book):
    state, price_e36 = book
    expected = residual_if_exhausted(**sides(state, price_e36))
    assume(expected is not None)
    assert expected is not None
    at = {"price_e36": price_e36, "timestamp": NOW}
    every = liquidate(state, call(repaid_shares=account(state).borrow_shares), **at)
    # All of the debt for the collateral: only if rounding down makes it suffice.
    if isinstance(every, Liquidated):
        assert expected <= 3 + share_price(state.total_borrow) + Fraction(price_e36, 10**36)


# --- drops ---


def test_drops_of_a_pair_are_the_hand_computed_ones():
    found = drops(PAIR, BORROWER, price_e36=usd(2_000), timestamp=NOW)

    assert found.liquidatable == Fraction(1, 2)  # at 1,000 dollars
    assert found.debt_remains == 1 - Fraction(8_000 * 1063829787234042553, 20_000 * WAD)  # at 851.06


@given(book=books())
def test_at_each_drop_the_thing_it_names_holds_with_equality(book):
    state, price_e36 = book
    liquidatable, debt_remains = falls(drops(state, BORROWER, price_e36=price_e36, timestamp=NOW))
    value = Fraction(account(state).collateral * price_e36, 10**36)
    debt = account(state).borrow_shares * share_price(state.total_borrow)

    assert (1 - liquidatable) * value * state.lltv_wad == debt * WAD
    assert (1 - debt_remains) * value * toxic_loan_to_value(state.lltv_wad) == debt
    assert liquidatable < debt_remains


def test_a_drop_that_has_happened_is_not_above_zero_and_one_that_cannot_is_none():
    liquidatable, debt_remains = falls(drops(PAIR, BORROWER, price_e36=usd(900), timestamp=NOW))
    worthless = drops(PAIR, BORROWER, price_e36=0, timestamp=NOW)
    free = drops(market(dollars=0), BORROWER, price_e36=usd(900), timestamp=NOW)

    assert liquidatable < 0 < debt_remains
    assert (worthless.liquidatable, worthless.debt_remains) == (0, 0)
    assert (free.liquidatable, free.debt_remains) == (None, None)
    with pytest.raises(MissingPrice):
        drops(PAIR, BORROWER, price_e36=None, timestamp=NOW)


@pytest.mark.parametrize(("percent", "beyond_permille"), [(77, 173), (86, 102), (98, 14)])
def test_from_the_liquidation_point_the_price_can_fall_by_one_less_lltv_times_incentive(
    percent, beyond_permille
):
    state = market(lltv_wad=percent * WAD // 100)
    liquidatable, debt_remains = falls(drops(state, BORROWER, price_e36=usd(2_000), timestamp=NOW))
    further = 1 - (1 - debt_remains) / (1 - liquidatable)

    assert round(further * 1000) == beyond_permille


def test_interest_is_part_of_every_drop():
    state = market(irm=UtilizationOver365Days())
    later = {"price_e36": usd(2_000), "timestamp": NOW + YEAR}

    assert drops(state, BORROWER, **later) == drops(viewed_at(state, NOW + YEAR), BORROWER, **later)
    assert drops(state, BORROWER, **later) != drops(state, BORROWER, price_e36=usd(2_000), timestamp=NOW)


# --- what a liquidator looks at ---


def test_collateral_and_debt_are_valued_as_in_the_health_check():
    at = {"price_e36": usd("999.9999999"), "timestamp": NOW}
    value, debt = position_values(PAIR, BORROWER, **at)

    assert (value, debt) == (9_999_999999, 8_000 * ONE_DOLLAR)
    assert account_data(PAIR, BORROWER, **at).max_borrow_assets == value * 8 // 10
    assert position_values(PAIR, "nobody", **at) == (0, 0)


def test_the_payout_is_the_incentive():
    assert payout_ratio(PAIR) == Fraction(1063829787234042553, WAD)


@pytest.mark.parametrize(("coin", "toxic"), [("851.063830", False), ("851.063829", True)])
def test_seizing_is_toxic_exactly_where_debt_must_remain(coin, toxic):
    at = {"price_e36": usd(coin), "timestamp": NOW}

    assert is_toxic(PAIR, call(), **at) is toxic
    integer, exact = residual_of_pair(PAIR, call(), **at)
    assert (integer > 0) is (exact > 0) is toxic


def test_a_fraction_of_a_unit_that_must_remain_is_toxic_already():
    for coin, toxic in (("851.063829788", False), ("851.063829787", True)):
        assert is_toxic(PAIR, call(), price_e36=usd(coin), timestamp=NOW) is toxic
        assert (0 < residual_exact(**sides(PAIR, usd(coin))) < 1) is toxic


def test_a_toxic_call_raises_the_loan_to_value_and_another_lowers_it():
    def loan_to_value(state, price_e36):
        value, debt = position_values(state, BORROWER, price_e36=price_e36, timestamp=NOW)
        return Fraction(debt, value)

    for coin, toxic in ((860, False), (840, True)):
        price_e36 = usd(coin)
        found = done(PAIR, price_e36, seized_assets=ONE_COIN)
        assert (loan_to_value(found.market, price_e36) > loan_to_value(PAIR, price_e36)) is toxic
        assert is_toxic(PAIR, call(), price_e36=price_e36, timestamp=NOW) is toxic


def test_a_pair_is_looked_at_with_its_interest():
    state = market(irm=UtilizationOver365Days())
    at = {"price_e36": usd(500), "timestamp": NOW + YEAR}
    later = viewed_at(state, NOW + YEAR)

    assert position_values(state, BORROWER, **at) == position_values(later, BORROWER, **at)
    assert residual_of_pair(state, call(), **at) == residual_of_pair(later, call(), **at)
    assert (
        residual_of_pair(state, call(), **at)[0]
        == done(state, usd(500), at=NOW + YEAR, seized_assets=10 * ONE_COIN).bad_debt_assets
    )
    nobody = replace(call(), borrower="nobody")
    assert residual_of_pair(PAIR, nobody, **at) == (0, 0)
    assert not is_toxic(PAIR, nobody, **at)
