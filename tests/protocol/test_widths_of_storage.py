"""What is stored in so many bits: one more, and the cast or the sum of the contract reverts, each by its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol import aave_v3, aave_v4
from protocol.aave_v3.interest import accrue
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.rates import with_new_rates
from protocol.aave_v3.stable_debt import burn_stable
from protocol.aave_v4 import SpokeData, hub
from protocol.errors import EvmRevert
from protocol.units import MAX_UINT128, MAX_UINT256, RAY
from tests.protocol import v4_markets
from tests.protocol.markets import BORROWER, COIN, DOLLAR, NOW, ONE_COIN, WHALE, config, market

YEAR = 31_536_000
MOST_120 = 2**120 - 1
CAST, SUM = "SafeCastOverflowedUintDowncast", "Panic(0x11)"
EVERY_REVISION = pytest.mark.parametrize("revision", [rules.revision for rules in aave_v3.REVISIONS])


def revert_of(do, *arguments) -> EvmRevert:
    with pytest.raises(EvmRevert) as caught:
        do(*arguments)
    return caught.value


@EVERY_REVISION
def test_a_liquidity_index_has_128_bits(revision):
    # 2**127 grows threefold in a year at 200 %.
    state = market(revision, dollar={"liquidity_index_ray": 2**127, "liquidity_rate_ray": 2 * RAY})
    failed = revert_of(accrue, state.reserves[DOLLAR], state.rules, NOW + YEAR)

    assert (failed.name, failed.numbers) == (CAST, {"bits": 128, "value": 3 * 2**127})


@EVERY_REVISION
def test_a_debt_index_has_128_bits(revision):
    # 2**127 grows a little less than e-fold in a year at 100 %.
    state = market(revision, dollar={"variable_borrow_index_ray": 2**127, "variable_borrow_rate_ray": RAY})
    failed = revert_of(accrue, state.reserves[DOLLAR], state.rules, NOW + YEAR)

    assert failed.name == CAST
    assert failed.numbers["bits"] == 128
    assert 2**128 < failed.numbers["value"] < 2**129


@EVERY_REVISION
def test_what_one_accrual_owes_the_treasury_has_128_bits(revision):
    # All of the interest on 2**128, which is 1.7 times as much, at a supply index of 1.02.
    dollar = {
        "config": config(decimals=6, reserve_factor_bps=100_00),
        "total_scaled_variable_debt": 2**128,
        "variable_borrow_rate_ray": RAY,
    }
    state = market(revision)
    reserve = replace(state.reserves[DOLLAR], **dollar)
    failed = revert_of(accrue, reserve, state.rules, NOW + YEAR)

    assert failed.name == CAST
    assert failed.numbers["bits"] == 128
    assert 2**128 < failed.numbers["value"] < 2**129


def test_a_stable_rate_has_128_bits():
    state = market("3.0.2")
    dollar = state.reserves[DOLLAR]
    steep = replace(
        dollar.strategy, stable=aave_v3.StableStrategy(base_rate_ray=2**128, slope1_ray=0, slope2_ray=0)
    )
    failed = revert_of(with_new_rates, replace(dollar, strategy=steep), state.rules)

    assert (failed.name, failed.numbers) == (CAST, {"bits": 128, "value": 2**128})


def test_interest_on_a_stable_debt_has_128_bits_before_it_is_added():
    debt = aave_v3.StableDebt(principal=MAX_UINT128, rate_ray=2 * RAY, last_update_timestamp=NOW)
    failed = revert_of(burn_stable, aave_v3.StableTotals(), debt, 1, NOW + YEAR)

    assert failed.name == CAST


@EVERY_REVISION
def test_a_balance_that_receives_has_its_bits(revision):
    state = market(revision)
    bits = state.rules.balance_bits
    full = aave_v3.Account(positions={COIN: aave_v3.Position(scaled_atoken=2**bits - 1)})
    ledger = Ledger(replace(state, accounts={**state.accounts, WHALE: full}))
    failed = revert_of(ledger.transfer_atoken, BORROWER, WHALE, COIN, ONE_COIN)

    assert (failed.name, failed.numbers) == (SUM, {"a": 2**bits - 1, "b": ONE_COIN})


@EVERY_REVISION
def test_a_balance_that_is_minted_to_has_its_bits(revision):
    state = market(revision)
    most = 2**state.rules.balance_bits - 1
    full = aave_v3.Position(scaled_atoken=most, scaled_variable_debt=most)
    ledger = Ledger(replace(state, accounts={WHALE: aave_v3.Account(positions={COIN: full})}))

    for mint in (ledger.mint_atoken, ledger.mint_vtoken):
        failed = revert_of(mint, WHALE, COIN, 1)
        assert (failed.name, failed.numbers) == (SUM, {"a": most, "b": 1})


@EVERY_REVISION
def test_a_sum_over_an_account_has_256_bits_and_names_the_value_that_was_too_much(revision):
    # Of one unit of an asset without decimals the value is the price.
    state = market(revision, coins=1, coin={"config": config(decimals=0)})
    price = MAX_UINT256 // 80_00 + 1
    failed = revert_of(
        lambda: aave_v3.account_data(state, BORROWER, prices_base={COIN: price, DOLLAR: 0}, timestamp=NOW)
    )

    numbers = {"value": price, "ltv_bps": 75_00, "threshold_bps": 80_00}
    assert (failed.name, failed.numbers) == (SUM, numbers)


def test_a_loan_of_one_user_has_120_bits_in_v4_whatever_the_hub_s_books_say():
    coin, dollar = v4_markets.COIN, v4_markets.DOLLAR
    state = v4_markets.market(holds={coin: 10}, owes={dollar: 5_000})
    state = v4_markets.with_position(state, dollar, drawn_shares=MOST_120)
    outcome = aave_v4.borrow(
        state, v4_markets.BORROWER, dollar, 1, prices_base=v4_markets.usd(), timestamp=NOW
    )

    assert outcome == aave_v4.Revert(name=SUM, numbers={"a": MOST_120, "b": 1})


def test_shares_of_all_spokes_together_have_120_bits_in_v4():
    """One spoke has next to none of them."""
    of_others = SpokeData(added_shares=MOST_120 - 10, drawn_shares=MOST_120 - 10)
    spokes = {v4_markets.SPOKE: SpokeData(added_shares=10, drawn_shares=10), "others": of_others}
    full = v4_markets.asset(v4_markets.DOLLAR, liquidity=10, spokes=spokes)
    supplied = revert_of(hub.add_liquidity, replace(full, added_shares=MOST_120), v4_markets.SPOKE, 1, NOW)
    drawn = revert_of(hub.draw, replace(full, drawn_shares=MOST_120), v4_markets.SPOKE, 1, NOW)

    assert supplied.name == drawn.name == SUM
    assert supplied.numbers["a"] == drawn.numbers["a"] == MOST_120


def test_a_spoke_without_shares_cannot_cover_a_deficit_in_v4():
    coin, dollar = v4_markets.COIN, v4_markets.DOLLAR
    state = v4_markets.market(holds={coin: 10}, owes={dollar: 7_000})
    state = v4_markets.done(state, v4_markets.usd(coin=500)).market
    booked_ray = state.assets[dollar].deficit_ray
    outcome = aave_v4.eliminate_deficit(state, v4_markets.OTHER_SPOKE, dollar, 5, timestamp=NOW)

    assert booked_ray > 5 * RAY
    assert outcome == aave_v4.Revert(name=SUM, numbers={"a": 0, "b": 5})
