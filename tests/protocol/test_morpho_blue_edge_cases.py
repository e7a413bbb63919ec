"""Edge cases that naive models get wrong, as they concern Morpho Blue: 1, 12, 24, 25 and 26."""

from __future__ import annotations

from dataclasses import replace

from protocol.morpho_blue import (
    Account,
    Acted,
    AdaptiveCurve,
    Liquidated,
    Totals,
    UtilizationOver365Days,
    account_data,
    accrue_interest,
    liquidate,
    liquidation_incentive_factor,
    repay,
    supply,
    viewed_at,
    withdraw,
)
from protocol.units import WAD
from tests.protocol.morpho_markets import (
    BANK,
    BORROWER,
    LENT,
    NOW,
    ONE_COIN,
    ONE_DOLLAR,
    YEAR,
    account,
    acted,
    call,
    done,
    market,
    refused,
    usd,
)


def test_edge_case_01_equality_is_healthy_in_morpho_blue():
    """Naive: at the threshold one may be liquidated. Right: what is owed may be all of what may be borrowed."""
    state = market()
    data = account_data(state, BORROWER, price_e36=usd(1_000), timestamp=NOW)

    assert data.borrowed_assets == data.max_borrow_assets == 8_000 * ONE_DOLLAR
    assert data.healthy
    assert refused(state, usd(1_000), seized_assets=1) == "position is healthy"
    below = usd(1_000) - 10**17  # what 10 coins are worth falls by one unit
    assert account_data(state, BORROWER, price_e36=below, timestamp=NOW).max_borrow_assets == 7_999_999999
    assert isinstance(done(state, below, seized_assets=1), Liquidated)


def test_edge_case_12_accrual_depends_on_the_seconds_at_which_a_market_is_touched():
    """Naive: interest over a time is one number. Right: each touch starts a new step, of curve and interest."""
    for irm in (UtilizationOver365Days(), AdaptiveCurve()):
        state = market(dollars=90_000 * ONE_DOLLAR, irm=irm)
        at_once = viewed_at(state, NOW + YEAR)
        in_two = viewed_at(viewed_at(state, NOW + YEAR // 2), NOW + YEAR)
        in_two_others = viewed_at(viewed_at(state, NOW + YEAR // 3), NOW + YEAR)
        owed = {one.total_borrow.assets for one in (at_once, in_two, in_two_others)}
        assert len(owed) == 3

    state = market(dollars=90_000 * ONE_DOLLAR, irm=UtilizationOver365Days())
    touched = acted(accrue_interest(state, timestamp=NOW + 7))
    assert acted(accrue_interest(touched, timestamp=NOW + 7)) == touched
    pledged = market(dollars=90_000 * ONE_DOLLAR, irm=UtilizationOver365Days())
    assert pledged.last_update_timestamp == NOW, "supplying collateral is no touch"


def test_edge_case_24_bad_debt_is_realised_only_when_the_collateral_is_gone():
    """Naive: an insolvent account costs the lenders at once. Right: with 1 wei left, nobody has lost anything yet."""
    state = market(irm=UtilizationOver365Days())
    price = usd(500)
    kept = done(state, price, seized_assets=10 * ONE_COIN - 1)

    assert account(kept.market).collateral == 1
    assert (kept.bad_debt_assets, kept.bad_debt_shares) == (0, 0)
    assert kept.market.total_supply == state.total_supply
    left = account(kept.market).borrow_shares
    assert kept.market.total_borrow.to_assets_up(left) == 3_299_999999

    # Until then a lender leaves at the inflated price, which interest on that debt still inflates ...
    later = NOW + YEAR
    out = withdraw(kept.market, BANK, 90_000 * ONE_DOLLAR, timestamp=later)
    assert isinstance(out, Acted)
    owed = out.market.total_borrow.assets
    assert owed > 3_299_999999
    worth = out.market.total_supply.to_assets_down(account(out.market, BANK).supply_shares)
    assert worth > 10_000 * ONE_DOLLAR

    # ... and who takes the last wei lets those who stayed pay. It costs a unit; its shares, rounded up, cost two.
    last = done(out.market, price, at=later, seized_assets=1)
    assert (last.repaid_assets, last.bad_debt_assets) == (2, owed - 2)
    left_to_bank = last.market.total_supply.to_assets_down(account(last.market, BANK).supply_shares)
    assert worth - left_to_bank in {owed - 2, owed - 3}


def test_edge_case_24_the_lenders_lose_pro_rata():
    state = acted(supply(market(), "other", LENT * ONE_DOLLAR // 4, timestamp=NOW))
    found = done(state, usd(500), seized_assets=10 * ONE_COIN)

    def worth(one, user):
        return one.total_supply.to_assets_down(account(one, user).supply_shares)

    loss = {user: worth(state, user) - worth(found.market, user) for user in (BANK, "other")}
    assert found.bad_debt_assets == 3_299_999999
    assert loss[BANK] in {2_639_999999, 2_640_000000}
    assert loss["other"] in {660_000000, 660_000001}


def test_edge_case_25_repaying_all_shares_leaves_at_most_a_unit():
    """Naive: then nothing is owed. Right: assets are rounded, and the virtual shares owe a part."""
    state = market(irm=UtilizationOver365Days())
    owed = account(state).borrow_shares
    emptied = acted(repay(state, BORROWER, shares=owed, timestamp=NOW + YEAR))

    assert emptied.total_borrow.shares == 0
    assert emptied.total_borrow.assets in {0, 1}
    assert account(emptied).borrow_shares == 0
    # Where shares are dear that part is large: half of it here.
    old = replace(
        market(),
        total_borrow=Totals(assets=5 * 10**6, shares=10**6),
        accounts={BORROWER: Account(borrow_shares=10**6)},
    )
    assert acted(repay(old, BORROWER, shares=10**6, timestamp=NOW)).total_borrow == Totals(
        assets=2_499_999, shares=0
    )


def test_edge_case_25_what_is_repaid_can_exceed_all_that_is_borrowed_by_a_unit():
    """Naive: it cannot, or it underflows. Right: the assets are rounded up, and the total stops at zero."""
    shares = 10**9
    state = replace(
        market(coins=0, dollars=0),
        total_borrow=Totals(assets=0, shares=shares),
        accounts={BORROWER: Account(borrow_shares=shares, collateral=ONE_COIN)},
    )
    outcome = repay(state, BORROWER, shares=shares, timestamp=NOW)

    assert isinstance(outcome, Acted)
    assert (outcome.assets, state.total_borrow.assets) == (1, 0)
    assert outcome.market.total_borrow == Totals()
    found = done(state, 0, seized_assets=ONE_COIN)
    assert (found.repaid_assets, found.bad_debt_assets, found.bad_debt_shares) == (0, 0, shares)
    by_shares = liquidate(state, call(repaid_shares=shares), price_e36=1, timestamp=NOW)
    assert isinstance(by_shares, Liquidated)
    assert (by_shares.repaid_assets, by_shares.market.total_borrow) == (1, Totals())


def test_edge_case_26_at_a_price_of_zero_any_collateral_can_be_had_for_nothing():
    """Naive: a price of zero is refused. Right: everyone is unhealthy, and all collateral goes without repayment."""
    state = market()
    found = done(state, 0, seized_assets=10 * ONE_COIN)

    assert (found.seized_assets, found.repaid_assets, found.repaid_shares) == (10 * ONE_COIN, 0, 0)
    assert found.bad_debt_assets == 8_000 * ONE_DOLLAR
    part = done(state, 0, seized_assets=3)
    assert account(part.market) == Account(
        borrow_shares=account(state).borrow_shares, collateral=10 * ONE_COIN - 3
    )
    # Only the way that names shares divides by the price.
    assert refused(state, 0, repaid_shares=1) == "Panic(0x12)"


def test_edge_case_26_the_incentive_is_computed_in_integers():
    """Naive: 1 / (1 - 0.3 * (1 - LLTV)) in floats. Right: two divisions, each rounded down."""
    for percent in (77, 86, 91, 94, 96, 98):
        lltv_wad = percent * WAD // 100
        as_float = int(1 / (1 - 0.3 * (1 - percent / 100)) * 1e18)
        assert liquidation_incentive_factor(lltv_wad) != as_float
        assert abs(liquidation_incentive_factor(lltv_wad) - as_float) < 1000
