"""What users do, by hand: which way each amount is rounded, what is refused, and what a position may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol.errors import EvmRevert, MissingPrice, PriceNoUint
from protocol.morpho_blue import (
    Account,
    AccountData,
    Acted,
    AdaptiveCurve,
    Revert,
    Totals,
    UtilizationOver365Days,
    account_data,
    accrue_interest,
    borrow,
    create_market,
    repay,
    set_fee,
    supply,
    supply_collateral,
    users_with_debt,
    viewed_at,
    withdraw,
    withdraw_collateral,
)
from protocol.units import MAX_UINT128, MAX_UINT256, WAD
from tests.protocol.morpho_markets import (
    BANK,
    BORROWER,
    FEES,
    LENT,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    YEAR,
    account,
    acted,
    market,
    usd,
)

AT: dict[str, Any] = {"timestamp": NOW}
PRICED: dict[str, Any] = {"price_e36": usd(2_000), "timestamp": NOW}
ODD = replace(
    market(coins=0, dollars=0, lent=0),
    total_supply=Totals(assets=10, shares=3 * 10**6),
    total_borrow=Totals(assets=6, shares=2 * 10**6),
    accounts={
        BANK: Account(supply_shares=3 * 10**6),
        BORROWER: Account(borrow_shares=2 * 10**6, collateral=ONE_COIN),
    },
)
"""11 assets by 4,000,000 shares of supply and 7 by 3,000,000 of debt, the virtual ones among them."""


def refusal(outcome: Acted | Revert) -> tuple[str, dict[str, int]]:
    assert isinstance(outcome, Revert), outcome
    return outcome.name, dict(outcome.numbers)


# --- amounts ---


@pytest.mark.parametrize(
    ("does", "asked", "assets", "shares"),
    [
        (supply, {"assets": 1}, 1, 363636),  # 4,000,000 / 11 = 363636.36 down
        (supply, {"shares": 363637}, 2, 363637),  # 1.0000018 up
        (withdraw, {"assets": 1}, 1, 363637),  # up
        (withdraw, {"shares": 727272}, 1, 727272),  # 1.999998 down
        (borrow, {"assets": 1}, 1, 428572),  # 3,000,000 / 7 = 428571.43 up
        (borrow, {"assets": 2}, 2, 857143),  # 6,000,000 / 7 = 857142.86 up
        (borrow, {"shares": 857142}, 1, 857142),  # 1.999998 down
        (repay, {"assets": 1}, 1, 428571),  # down
        (repay, {"assets": 2}, 2, 857142),
        (repay, {"shares": 857143}, 3, 857143),  # 2.0000003 up
    ],
)
def test_every_rounding_favours_the_market(does, asked, assets, shares):
    user = BANK if does in {supply, withdraw} else BORROWER
    given = PRICED if does is borrow else AT
    outcome = does(ODD, user, **asked, **given)

    assert isinstance(outcome, Acted)
    assert (outcome.assets, outcome.shares) == (assets, shares)
    side = outcome.market.total_supply if user == BANK else outcome.market.total_borrow
    before = ODD.total_supply if user == BANK else ODD.total_borrow
    sign = 1 if does in {supply, borrow} else -1
    assert side == Totals(assets=before.assets + sign * assets, shares=before.shares + sign * shares)
    had, has = account(ODD, user), account(outcome.market, user)
    assert has.supply_shares + has.borrow_shares == had.supply_shares + had.borrow_shares + sign * shares


def test_an_empty_market_gives_a_million_shares_for_a_unit():
    state = market(coins=0, dollars=0)

    assert state.total_supply == Totals(assets=LENT * ONE_DOLLAR, shares=LENT * ONE_DOLLAR * 10**6)
    assert state.accounts == {BANK: Account(supply_shares=LENT * ONE_DOLLAR * 10**6)}


def test_a_supply_and_a_repayment_may_be_for_another():
    supplied = acted(supply(ODD, "friend", 1, on_behalf_of="child", **AT))
    repaid = acted(repay(ODD, "friend", 2, on_behalf_of=BORROWER, **AT))
    pledged = acted(supply_collateral(ODD, "friend", 5, on_behalf_of="child", **AT))

    assert account(supplied, "child") == Account(supply_shares=363636)
    assert account(repaid).borrow_shares == 2 * 10**6 - 857142
    assert account(pledged, "child") == Account(collateral=5)
    assert all("friend" not in state.accounts for state in (supplied, repaid, pledged))


def test_who_has_nothing_left_is_not_listed():
    state = market(coins=0, dollars=0)
    shares = account(state, BANK).supply_shares
    emptied = acted(withdraw(state, BANK, shares=shares, **AT))

    assert emptied.accounts == {}
    assert emptied.total_supply == Totals()


def test_borrowers_are_those_with_borrow_shares_in_the_order_of_the_market():
    state = acted(supply_collateral(market(), "first", ONE_COIN, **AT))
    state = acted(borrow(state, "first", ONE_DOLLAR, **PRICED))

    assert list(users_with_debt(state)) == [BORROWER, "first"]
    assert list(users_with_debt(market(dollars=0))) == []


# --- what is refused ---


@pytest.mark.parametrize("does", [supply, withdraw, borrow, repay])
@pytest.mark.parametrize(("assets", "shares"), [(0, 0), (1, 1)])
def test_exactly_one_of_assets_and_shares_is_asked_for(does, assets, shares):
    given = PRICED if does is borrow else AT

    assert refusal(does(ODD, BANK, assets, shares, **given)) == (
        "inconsistent input",
        {"first": assets, "second": shares},
    )


def test_a_move_of_no_collateral_is_refused():
    assert refusal(supply_collateral(ODD, BORROWER, 0, **AT)) == ("zero assets", {})
    assert refusal(withdraw_collateral(ODD, BORROWER, 0, **PRICED)) == ("zero assets", {})


def test_a_market_that_is_not_created_refuses_everything():
    state = replace(ODD, last_update_timestamp=0)
    asked = [
        supply(state, BANK, 1, **AT),
        withdraw(state, BANK, 1, **AT),
        borrow(state, BORROWER, 1, **PRICED),
        repay(state, BORROWER, 1, **AT),
        supply_collateral(state, BORROWER, 1, **AT),
        withdraw_collateral(state, BORROWER, 1, **PRICED),
        accrue_interest(state, **AT),
        set_fee(state, 1, **AT),
    ]

    assert [refusal(outcome) for outcome in asked] == [("market not created", {})] * len(asked)


def test_a_market_is_created_once():
    assert refusal(create_market(ODD, **AT)) == ("market already created", {"last_update_timestamp": NOW})


def test_more_than_one_has_or_owes_is_refused_not_cut_down():
    assert refusal(withdraw(ODD, BANK, shares=3 * 10**6 + 1, **AT))[0] == "Panic(0x11)"
    assert refusal(repay(ODD, BORROWER, shares=2 * 10**6 + 1, **AT))[0] == "Panic(0x11)"
    assert refusal(withdraw_collateral(ODD, BORROWER, ONE_COIN + 1, **PRICED))[0] == "Panic(0x11)"


def test_what_is_lent_out_can_neither_be_withdrawn_nor_lent_again():
    state = market(dollars=99_000 * ONE_DOLLAR)
    rich = usd(10**9)

    assert refusal(withdraw(state, BANK, 1_000 * ONE_DOLLAR + 1, **AT)) == (
        "insufficient liquidity",
        {"borrowed": 99_000 * ONE_DOLLAR, "supplied": 99_000 * ONE_DOLLAR - 1},
    )
    assert isinstance(withdraw(state, BANK, 1_000 * ONE_DOLLAR, **AT), Acted)
    assert refusal(borrow(state, BORROWER, 1_000 * ONE_DOLLAR + 1, price_e36=rich, **AT)) == (
        "insufficient liquidity",
        {"borrowed": 100_000 * ONE_DOLLAR + 1, "supplied": 100_000 * ONE_DOLLAR},
    )
    assert isinstance(borrow(state, BORROWER, 1_000 * ONE_DOLLAR, price_e36=rich, **AT), Acted)


def test_a_loan_reaches_lltv_and_no_unit_further():
    # 10 coins of 2,000 dollars at 80 %: 16,000, of which 8,000 are owed
    state = market()

    assert isinstance(borrow(state, BORROWER, 8_000 * ONE_DOLLAR, **PRICED), Acted)
    assert refusal(borrow(state, BORROWER, 8_000 * ONE_DOLLAR + 1, **PRICED)) == (
        "insufficient collateral",
        {"borrowed_assets": 16_000 * ONE_DOLLAR + 1, "max_borrow_assets": 16_000 * ONE_DOLLAR},
    )


def test_collateral_is_asked_for_before_liquidity():
    state = market(dollars=99_000 * ONE_DOLLAR)

    assert refusal(borrow(state, BORROWER, 2_000 * ONE_DOLLAR, **PRICED))[0] == "insufficient collateral"


def test_collateral_comes_back_down_to_lltv():
    state = market()

    assert isinstance(withdraw_collateral(state, BORROWER, 5 * ONE_COIN, **PRICED), Acted)
    name, numbers = refusal(withdraw_collateral(state, BORROWER, 5 * ONE_COIN + 1, **PRICED))
    assert name == "insufficient collateral"
    assert numbers == {"borrowed_assets": 8_000 * ONE_DOLLAR, "max_borrow_assets": 8_000 * ONE_DOLLAR - 1}


def test_who_owes_nothing_gets_its_collateral_back_without_any_price():
    outcome = withdraw_collateral(market(dollars=0), BORROWER, 10 * ONE_COIN, price_e36=None, timestamp=NOW)

    assert isinstance(outcome, Acted)
    assert (outcome.assets, outcome.shares) == (10 * ONE_COIN, 0)
    assert BORROWER not in outcome.market.accounts


def test_a_price_that_is_needed_and_missing_is_named():
    state = market()

    with pytest.raises(MissingPrice) as caught:
        withdraw_collateral(state, BORROWER, 1, price_e36=None, timestamp=NOW)
    assert str(caught.value) == (
        "no price for 'collateral': give the observed oracle price of a collateral asset unit in loan asset units, "
        "times 1e36"
    )
    for outside in (-1, MAX_UINT256 + 1):
        with pytest.raises(PriceNoUint) as wrong:
            account_data(state, BORROWER, price_e36=outside, timestamp=NOW)
        assert str(wrong.value) == (f"the price of 'collateral' is {outside}: give one from 0 to 2**256 - 1")
        assert (wrong.value.what, wrong.value.price) == ("collateral", outside)
    for inside in (0, MAX_UINT256):
        assert account_data(state, "nobody", price_e36=inside, timestamp=NOW).healthy


def test_account_data_are_the_two_sides_of_the_health_check():
    state = replace(ODD, lltv_wad=WAD // 3)
    # 1 coin of 0.000011 dollars is 11 units, a third of it 3.67; 2,000,000 shares of 7 / 3,000,000 are 4.67
    data = account_data(state, BORROWER, price_e36=11 * 10**18, timestamp=NOW)

    assert data == AccountData(collateral=ONE_COIN, borrowed_assets=5, max_borrow_assets=3)
    assert not data.healthy
    nothing = account_data(state, "nobody", price_e36=1, timestamp=NOW)
    assert nothing == AccountData(collateral=0, borrowed_assets=0, max_borrow_assets=0)
    assert nothing.healthy


# --- interest and fees ---

BUSY = market(irm=UtilizationOver365Days(), fee_wad=WAD // 10)
"""8 % of it lent at 8 % a year."""


def test_interest_goes_to_borrowers_and_suppliers_and_a_tenth_as_shares_to_the_fee_recipient():
    # 0.08 e18 // year = 2536783358 a second; over a year x = 0.079999999977888: x + x**2 / 2 + x**3 / 6
    x = 2536783358 * YEAR
    growth = x + x * x // (2 * WAD) + x * x // (2 * WAD) * x // (3 * WAD)
    interest = 8_000 * ONE_DOLLAR * growth // WAD
    after = acted(accrue_interest(BUSY, timestamp=NOW + YEAR))
    fee = interest // 10
    shares = fee * (10**17 + 10**6) // (LENT * ONE_DOLLAR + interest - fee + 1)

    assert interest == 666_282666
    assert after.total_borrow == Totals(
        assets=8_000 * ONE_DOLLAR + interest, shares=8_000 * ONE_DOLLAR * 10**6
    )
    assert after.total_supply == Totals(assets=LENT * ONE_DOLLAR + interest, shares=10**17 + shares)
    assert account(after, FEES) == Account(supply_shares=shares)
    assert after.last_update_timestamp == NOW + YEAR
    assert after == viewed_at(BUSY, NOW + YEAR)
    worth = after.total_supply.to_assets_down(shares)
    assert fee - 1 <= worth <= fee


def test_without_a_fee_there_are_no_new_shares():
    after = viewed_at(replace(BUSY, fee_wad=0), NOW + YEAR)

    assert after.total_supply.shares == BUSY.total_supply.shares
    assert FEES not in after.accounts


def test_nothing_accrues_twice_in_one_block_and_never_backwards():
    once = viewed_at(BUSY, NOW + 100)

    assert viewed_at(once, NOW + 100) is once
    with pytest.raises(EvmRevert) as caught:
        viewed_at(BUSY, NOW - 1)
    assert (caught.value.name, dict(caught.value.numbers)) == ("Panic(0x11)", {"a": NOW - 1, "b": NOW})
    assert refusal(accrue_interest(BUSY, timestamp=NOW - 1))[0] == "Panic(0x11)"


def test_without_a_rate_model_only_the_clock_moves():
    state = market(irm=None, fee_wad=WAD // 4)

    assert viewed_at(state, NOW + YEAR) == replace(state, last_update_timestamp=NOW + YEAR)


@pytest.mark.parametrize(
    "does",
    [
        lambda state, at: supply(state, BANK, 1, **at),
        lambda state, at: withdraw(state, BANK, 1, **at),
        lambda state, at: borrow(state, BORROWER, 1, price_e36=usd(2_000), **at),
        lambda state, at: repay(state, BORROWER, 1, **at),
        lambda state, at: withdraw_collateral(state, BORROWER, 1, price_e36=usd(2_000), **at),
        lambda state, at: set_fee(state, 0, **at),
    ],
    ids=["supply", "withdraw", "borrow", "repay", "withdraw_collateral", "set_fee"],
)
def test_every_action_accrues_first(does):
    later = {"timestamp": NOW + YEAR}
    accrued = viewed_at(BUSY, NOW + YEAR)

    assert acted(does(BUSY, later)) == acted(does(accrued, later))
    assert acted(does(BUSY, later)).last_update_timestamp == NOW + YEAR


def test_pledging_collateral_accrues_nothing():
    outcome = supply_collateral(BUSY, BORROWER, 5, timestamp=NOW + YEAR)
    after = acted(outcome)

    assert isinstance(outcome, Acted)
    assert (outcome.assets, outcome.shares) == (5, 0)
    assert after.last_update_timestamp == NOW
    assert account(after).collateral == 10 * ONE_COIN + 5
    assert (after.total_supply, after.total_borrow) == (BUSY.total_supply, BUSY.total_borrow)


def test_a_new_fee_counts_from_now_on_and_is_at_most_a_quarter():
    after = acted(set_fee(BUSY, WAD // 4, timestamp=NOW + YEAR))

    assert after == replace(viewed_at(BUSY, NOW + YEAR), fee_wad=WAD // 4)
    assert refusal(set_fee(BUSY, WAD // 10, **AT)) == ("already set", {"fee_wad": WAD // 10})
    assert refusal(set_fee(BUSY, WAD // 4 + 1, **AT)) == ("max fee exceeded", {"fee_wad": WAD // 4 + 1})


def test_the_adaptive_curve_moves_with_every_accrual_even_when_nothing_is_owed():
    state = market(dollars=0, irm=AdaptiveCurve())
    after = viewed_at(state, NOW + YEAR)

    assert after.irm == AdaptiveCurve(rate_at_target_per_second_wad=31709791)
    assert after.total_supply == state.total_supply


# --- widths ---


def test_an_amount_has_128_bits_and_so_has_every_total():
    empty = market(coins=0, dollars=0, lent=0)
    large = {"max uint128 exceeded": {"value": MAX_UINT128 + 1}}

    assert refusal(supply_collateral(empty, BANK, MAX_UINT128 + 1, **AT)) == (
        *large,
        large["max uint128 exceeded"],
    )
    full = acted(supply_collateral(empty, BANK, MAX_UINT128, **AT))
    assert account(full, BANK).collateral == MAX_UINT128
    assert refusal(supply_collateral(full, BANK, 1, **AT)) == ("Panic(0x11)", {"a": MAX_UINT128, "b": 1})
    assert refusal(supply(empty, BANK, shares=MAX_UINT128 + 1, **AT)) == (
        "max uint128 exceeded",
        {"value": MAX_UINT128 + 1},
    )
    most = acted(supply(empty, BANK, shares=MAX_UINT128, **AT))
    assert most.total_supply.shares == MAX_UINT128
    assert refusal(supply(most, BANK, shares=1, **AT)) == ("Panic(0x11)", {"a": MAX_UINT128, "b": 1})


def test_assets_have_128_bits_where_shares_are_dear():
    state = replace(ODD, total_supply=Totals(assets=MAX_UINT128, shares=0), total_borrow=Totals())

    assert refusal(supply(state, BANK, 1, **AT)) == ("Panic(0x11)", {"a": MAX_UINT128, "b": 1})
    assert refusal(supply(state, BANK, shares=10**6 + 1, **AT))[0] == "max uint128 exceeded"


def test_supply_shares_of_a_position_have_256_bits():
    state = replace(ODD, accounts={BANK: Account(supply_shares=MAX_UINT256)})

    assert refusal(supply(state, BANK, shares=1, **AT)) == ("Panic(0x11)", {"a": MAX_UINT256, "b": 1})
    held = replace(ODD, accounts={BANK: Account(supply_shares=MAX_UINT128)})
    assert account(acted(supply(held, BANK, shares=1, **AT)), BANK).supply_shares == MAX_UINT128 + 1


def test_borrow_shares_of_a_position_have_128_bits():
    state = replace(ODD, accounts={BORROWER: Account(borrow_shares=MAX_UINT128, collateral=MAX_UINT128)})

    assert refusal(borrow(state, BORROWER, shares=1, price_e36=10**36, **AT)) == (
        "Panic(0x11)",
        {"a": MAX_UINT128, "b": 1},
    )


def test_interest_has_128_bits_by_itself_and_in_the_total():
    def grown(assets: int, seconds: int) -> EvmRevert:
        side = Totals(assets=assets, shares=1)
        state = replace(BUSY, total_supply=side, total_borrow=side, accounts={})
        with pytest.raises(EvmRevert) as caught:
            viewed_at(state, NOW + seconds)
        return caught.value

    assert grown(MAX_UINT128, YEAR).name == "max uint128 exceeded"  # e - 1 of it
    assert grown(MAX_UINT128, YEAR // 4).name == "Panic(0x11)"
