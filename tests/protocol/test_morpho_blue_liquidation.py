"""Liquidations by hand: both ways to call, what is refused, and who pays when the collateral is gone.

10 coins stand for 8,000 dollars at an LLTV of 80 %: liquidatable below 1,000 dollars a coin. The incentive is
1 / (1 - 0.3 * 0.2) = 1 / 0.94.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol import morpho_blue
from protocol.errors import MissingPrice
from protocol.morpho_blue import (
    Account,
    Liquidated,
    LiquidationAmounts,
    Revert,
    Totals,
    UtilizationOver365Days,
    liquidate,
    liquidation_amounts,
    liquidation_incentive_factor,
    liquidation_quote,
    viewed_at,
)
from protocol.units import MAX_UINT128, MAX_UINT256, WAD
from tests.protocol.morpho_markets import (
    BANK,
    BORROWER,
    LENT,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    YEAR,
    account,
    call,
    done,
    market,
    refused,
    usd,
)

OWED = 8_000 * ONE_DOLLAR
A_MILLION = 10**6
"""Shares for a unit, in a market without interest."""


@pytest.mark.parametrize(
    ("lltv_wad", "factor_wad"),
    [
        (0, 1150000000000000000),
        (385 * WAD // 1000, 1150000000000000000),
        (565217391304347820, 1150000000000000000),  # 1.15 and 2 units, cut down
        (565217391304347823, 1150000000000000000),
        (565217391304347824, 1149999999999999999),
        (77 * WAD // 100, 1074113856068743286),
        (8 * WAD // 10, 1063829787234042553),
        (86 * WAD // 100, 1043841336116910229),
        (915 * WAD // 1000, 1026167265264238070),
        (965 * WAD // 1000, 1010611419909044972),
        (WAD - 1, WAD),
    ],
)
def test_the_incentive_follows_from_lltv(lltv_wad, factor_wad):
    assert liquidation_incentive_factor(lltv_wad) == factor_wad


def test_an_account_is_liquidatable_strictly_below_its_threshold():
    state = market()

    assert refused(state, usd(1_000), seized_assets=1) == "position is healthy"
    assert isinstance(done(state, usd("999.999999999"), seized_assets=1), Liquidated)


def test_a_healthy_account_is_refused_with_both_sides():
    outcome = liquidate(market(), call(seized_assets=1), price_e36=usd(1_100), timestamp=NOW)

    numbers = {"borrowed_assets": OWED, "max_borrow_assets": 8_800 * ONE_DOLLAR}
    assert outcome == Revert(name="position is healthy", numbers=numbers)


def test_named_collateral_costs_its_value_by_the_incentive_rounded_up():
    # 4 coins at 990 are 3,960 dollars; times 0.94, and a little as the factor was rounded down: 3,722.400001
    found = done(market(), usd(990), seized_assets=4 * ONE_COIN)

    assert found.seized_assets == 4 * ONE_COIN
    assert (found.repaid_assets, found.repaid_shares) == (3_722_400001, 3_722_400001 * A_MILLION)
    assert (found.bad_debt_assets, found.bad_debt_shares) == (0, 0)
    left = OWED - 3_722_400001
    assert account(found.market) == Account(collateral=6 * ONE_COIN, borrow_shares=left * A_MILLION)
    assert found.market.total_borrow == Totals(assets=left, shares=left * A_MILLION)
    assert found.market.total_supply == market().total_supply


def test_named_shares_give_their_worth_times_the_incentive_rounded_down():
    # 3,722.40 dollars times 1 / 0.94 are 3,960 less a unit: 3,959.999999 dollars of coins at 990
    found = done(market(), usd(990), repaid_shares=3_722_400000 * A_MILLION)

    assert (found.repaid_assets, found.repaid_shares) == (3_722_400000, 3_722_400000 * A_MILLION)
    assert found.seized_assets == 3_959_999999 * 10**12 // 990
    assert account(found.market).collateral == 10 * ONE_COIN - found.seized_assets


def test_a_part_of_a_unit_is_repaid_as_a_whole_one():
    found = done(market(), usd(990), repaid_shares=1)

    assert (found.repaid_assets, found.repaid_shares, found.seized_assets) == (1, 1, 0)
    assert found.market.total_borrow == Totals(assets=OWED - 1, shares=OWED * A_MILLION - 1)
    dust = done(market(), usd(990), seized_assets=1)
    assert (dust.repaid_assets, dust.repaid_shares) == (1, A_MILLION)


def test_there_is_no_close_factor():
    found = done(market(), usd(990), repaid_shares=OWED * A_MILLION)

    assert found.repaid_assets == OWED
    assert account(found.market) == Account(collateral=10 * ONE_COIN - found.seized_assets)
    assert found.market.total_borrow == Totals()


@pytest.mark.parametrize("amounts", [{}, {"seized_assets": 1, "repaid_shares": 1}])
def test_just_one_of_the_two_amounts_is_named(amounts):
    assert refused(market(), usd(990), **amounts) == "inconsistent input"


def test_more_than_is_owed_or_pledged_is_refused_not_cut_down():
    state, shares = market(), OWED * A_MILLION

    assert refused(state, usd(990), repaid_shares=shares + 1) == "Panic(0x11)"
    assert refused(state, usd(990), seized_assets=10 * ONE_COIN) == "Panic(0x11)"  # costs more than is owed
    assert refused(state, usd(100), seized_assets=10 * ONE_COIN + 1) == "Panic(0x11)"
    assert refused(state, usd(100), repaid_shares=shares) == "Panic(0x11)"  # gives more than is pledged


def test_a_quote_tells_amounts_that_the_call_can_still_refuse():
    at = {"price_e36": usd(990), "timestamp": NOW}
    quote = liquidation_quote(market(), call(seized_assets=10 * ONE_COIN), **at)

    assert quote == LiquidationAmounts(10 * ONE_COIN, 9_306_000001 * A_MILLION, 9_306_000001)
    assert isinstance(liquidate(market(), call(seized_assets=10 * ONE_COIN), **at), Revert)
    numbers = {"first": 0, "second": 0}
    assert liquidation_quote(market(), call(), **at) == Revert(name="inconsistent input", numbers=numbers)


def test_the_contracts_name_and_the_interfaces_are_one_function():
    assert morpho_blue.liquidation_call is morpho_blue.liquidate


def test_the_last_collateral_takes_the_rest_of_the_debt_from_all_suppliers():
    # 10 coins at 500 repay 4,700 dollars and 1 unit of rounding
    found = done(market(), usd(500), seized_assets=10 * ONE_COIN)

    assert (found.repaid_assets, found.repaid_shares) == (4_700_000001, 4_700_000001 * A_MILLION)
    assert found.bad_debt_assets == 3_299_999999
    assert found.bad_debt_shares == 3_299_999999 * A_MILLION
    assert BORROWER not in found.market.accounts
    assert found.market.total_borrow == Totals()
    assert found.market.total_supply == Totals(
        assets=LENT * ONE_DOLLAR - 3_299_999999, shares=LENT * ONE_DOLLAR * A_MILLION
    )
    shares = account(found.market, BANK).supply_shares
    assert found.market.total_supply.to_assets_down(shares) == LENT * ONE_DOLLAR - 3_299_999999


def test_bad_debt_cannot_exceed_the_supply():
    state = replace(market(), total_supply=Totals(assets=3_299_999998, shares=1))

    assert refused(state, usd(500), seized_assets=10 * ONE_COIN) == "Panic(0x11)"


def test_interest_is_part_of_what_is_liquidated():
    state = market(irm=UtilizationOver365Days())
    later = viewed_at(state, NOW + YEAR)
    price = usd(1_080)  # healthy now: 8,640; not in a year, when 8,666 are owed

    assert refused(state, price, seized_assets=1) == "position is healthy"
    found = done(state, price, at=NOW + YEAR, seized_assets=ONE_COIN)
    assert found == done(later, price, at=NOW + YEAR, seized_assets=ONE_COIN)
    assert found.market.total_supply == later.total_supply


def test_liquidating_always_asks_the_oracle():
    with pytest.raises(MissingPrice):
        liquidate(market(dollars=0), call(seized_assets=1), price_e36=None, timestamp=NOW)
    assert refused(market(), usd(1), at=NOW - 1, seized_assets=1) == "Panic(0x11)"  # time first


def test_a_market_that_is_not_created_refuses():
    assert refused(replace(market(), last_update_timestamp=0), usd(1)) == "market not created"


def test_amounts_have_their_widths():
    totals = Totals(assets=10**6, shares=1)
    terms = {"lltv_wad": 8 * WAD // 10, "price_e36": 10**36}
    whole = liquidation_amounts(totals, seized_assets=10**6, repaid_shares=0, **terms)
    huge = replace(market(), accounts={BORROWER: Account(borrow_shares=MAX_UINT128, collateral=MAX_UINT128)})

    # 0.94 and a little more, rounded up; there are as many shares as assets, virtual ones included
    assert whole == (10**6, 940_001, 940_001)
    assert refused(huge, 1, repaid_shares=MAX_UINT128 + 1) == "max uint128 exceeded"
    assert refused(huge, 1, seized_assets=MAX_UINT128 + 1) == "max uint128 exceeded"
    assert refused(huge, MAX_UINT256, seized_assets=1) == "Panic(0x11)"
