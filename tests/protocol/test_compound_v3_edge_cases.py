"""Edge cases 1 and 14 to 19 of the Compound family, as Comet has them: what naive models get wrong."""

from __future__ import annotations

from dataclasses import replace

from protocol.compound_v3 import (
    BASE,
    Bought,
    account_data,
    accrued_indices,
    as_stored,
    borrow_balance_of,
    borrow_rate,
    collateral_reserves,
    quote_collateral,
    reserves,
    supply,
    utilization,
    withdraw,
)
from protocol.compound_v3.principal import present_value_down, principal_value_borrow
from protocol.units import WAD
from tests.protocol.compound_v3_markets import (
    BANK,
    BORROWER,
    COIN,
    DAY,
    NOW,
    STONE,
    TERMS,
    absorbed,
    account,
    bought,
    done,
    market,
    moved,
    refusal,
    units,
    usd,
    with_config,
    with_info,
)


def data(state, prices, at=NOW):
    return account_data(state, BORROWER, prices_base=prices, timestamp=at)


def test_edge_case_01_an_account_exactly_at_its_limit_is_healthy():
    """Naive: debt equal to weighted collateral is liquidatable, as in Euler. Right: not before a unit more."""
    state = market(holds={COIN: 10}, owes=6_800)
    at_the_limit, below = usd(coin=800), usd(coin=799.9999)

    assert data(state, at_the_limit).is_liquidatable is False
    assert refusal(absorbed(state, at_the_limit)) == "NotLiquidatable"
    assert data(state, below).is_liquidatable is True
    assert done(state, below).absorbed[0].base_paid_out == 7_599_999_050

    # the same for a loan: 80 % of 850 dollars a coin
    assert data(state, usd(coin=850)).is_borrow_collateralized is True
    assert data(state, usd(coin=849.9999)).is_borrow_collateralized is False


def test_edge_case_14_absorb_takes_everything_and_pays_nobody_and_buying_needs_poor_reserves():
    """Naive: the one that liquidates repays half the debt and takes a bonus. Right: all goes to the protocol."""
    state = market(holds={COIN: 9, STONE: 10}, owes=7_400)
    prices = usd(coin=900)
    after = done(state, prices).market

    assert dict(account(after).collateral) == {}
    assert set(after.accounts) == {BANK, BORROWER}  # no absorber among them
    assert [collateral_reserves(after.assets[i]) for i in (COIN, STONE)] == [units(COIN, 9), units(STONE, 10)]
    assert after.base_balance == state.base_balance

    sold = bought(after, prices, COIN, 877.5)  # 2.5 % below the price of a coin
    assert isinstance(sold, Bought)
    assert sold.collateral_amount == units(COIN, 1)

    poor = reserves(after, NOW)
    assert poor == -units(BASE, 8_100 * 0.95 + 500 * 0.9)
    assert isinstance(bought(with_config(after, target_reserves=0), prices, COIN, 877.5), Bought)
    rich = replace(after, base_balance=after.base_balance - poor + 100)
    assert refusal(bought(with_config(rich, target_reserves=100), prices, COIN, 877.5)) == "NotForSale"
    assert isinstance(bought(with_config(rich, target_reserves=101), prices, COIN, 877.5), Bought)


def test_edge_case_15_the_borrower_may_end_with_a_supply_and_more_is_paid_out_than_was_owed():
    """Naive: what is paid out is the debt. Right: the debt and what the collateral is credited beyond it."""
    state = market(holds={COIN: 10}, owes=7_000)
    rich, poor = done(state, usd(coin=820)), done(state, usd(coin=700))

    assert rich.absorbed[0].base_paid_out == units(BASE, 7_790)  # 95 % of 8,200
    assert rich.absorbed[0].debt_forgiven == 0
    assert account(rich.market).principal == units(BASE, 790)
    assert rich.market.total_supply_principal == state.total_supply_principal + units(BASE, 790)

    assert poor.absorbed[0].base_paid_out == units(BASE, 7_000)
    assert poor.absorbed[0].debt_forgiven == units(BASE, 350)
    assert account(poor.market).principal == 0
    assert poor.absorbed[0].value_of_base_paid_out_base == 7_000 * 10**8


def test_edge_case_16_the_price_of_a_sale_is_that_of_its_own_moment():
    """Naive: collateral is sold at the price it was absorbed at. Right: the protocol carries what comes after."""
    after = done(market(holds={COIN: 10}, owes=7_000), usd(coin=800)).market
    before = reserves(after, NOW)

    def gains(coin: float) -> int:
        paid = coin * 0.975 * 10
        outcome = bought(after, usd(coin=coin), COIN, paid)
        assert isinstance(outcome, Bought)
        assert outcome.collateral_amount == units(COIN, 10)
        return reserves(outcome.market, NOW) - before

    assert gains(800) == units(BASE, 7_800)
    # A feed that shows too much asks 7,800 for coins that bring less elsewhere: nobody buys. Too little: given away.
    assert gains(400) == units(BASE, 3_900)


def test_edge_case_17_debt_is_valued_down_and_booked_up_and_the_view_lags():
    """Naive: one rounding, Python's floor of negatives, one answer to who may be absorbed."""
    index_e15 = 10**15 + 333_333_333_333
    assert [present_value_down(index_e15, p) for p in (1, 2_999, 3_001)] == [1, 2_999, 3_002]
    assert [principal_value_borrow(index_e15, v) for v in (1, 2_999, 3_002)] == [1, 2_999, 3_001]
    assert principal_value_borrow(10**15 + 1, 1) == 1  # not 0.999...

    # Half a unit of value is cut off the debt: towards zero, so the account owes less, not more.
    state = market(holds={COIN: 10}, owes=7_000)
    owed = replace(state.accounts[BORROWER], principal=-1, collateral={})
    state = replace(state, accounts={**state.accounts, BORROWER: owed})
    assert refusal(absorbed(state, usd(base=0.009_999_99))) == "NotLiquidatable"  # 0.999999 units of value
    assert done(state, usd(base=0.01)).absorbed[0].debt_forgiven == 1

    state, prices = market(holds={COIN: 10}, owes=7_000), usd(coin=824)
    later = NOW + 30 * DAY
    assert (data(state, prices, later).is_liquidatable, data(state, prices, later).is_absorbable) == (
        False,
        True,
    )
    assert borrow_balance_of(state, BORROWER, later) == 7_011_708_219
    assert done(state, prices, at=later).absorbed[0].base_paid_out == 7_828_000_000


def test_edge_case_18_factors_keep_four_decimals_and_prices_eight():
    """Naive: the configured factor holds. Right: 0.82505 is 0.8250, and the tiniest price sells for nothing."""
    info = as_stored(replace(TERMS[COIN], borrow_collateral_factor_wad=82_505 * 10**13))
    assert info.borrow_collateral_factor_wad == 825 * 10**15

    after = done(market(holds={COIN: 10}, owes=7_000), usd(coin=700)).market
    prices = {**usd(), COIN: 1}  # 1e-8 dollars, 2.5 % less is 0
    assert refusal(bought(after, prices, COIN, 1)) == "Panic(0x12)"
    assert quote_collateral(after, COIN, units(BASE, 1), prices_base={**prices, COIN: 2}) == 10**26
    whole = with_info(after, COIN, liquidation_factor_wad=WAD)
    assert quote_collateral(whole, COIN, units(BASE, 1), prices_base=prices) == 10**26


def test_edge_case_19_more_may_be_owed_than_is_supplied():
    """Naive: utilization ends at 1. Right: the steep slope goes on, for lenders and borrowers alike."""
    state = market(holds={COIN: 20}, owes=9_000, lent=10_000)
    state = replace(state, base_balance=state.base_balance + units(BASE, 1_000))
    state = moved(withdraw(state, BANK, BASE, units(BASE, 2_000), prices_base=usd(), timestamp=NOW))

    assert utilization(state) == 1_125 * 10**15
    # per second: the base, 80 % of the low slope, 32.5 % of the high one
    per_second_wad = 634_195_839 + 1_268_391_679 + 51_528_411_973
    assert borrow_rate(state, utilization(state)) == per_second_wad
    assert accrued_indices(state, NOW + DAY).borrow_e15 == 10**15 + per_second_wad * DAY // 1_000

    repaid = moved(supply(state, BORROWER, BASE, units(BASE, 5_000), timestamp=NOW))
    assert utilization(repaid) == 500 * 10**15
