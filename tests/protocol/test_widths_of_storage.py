"""What is stored in so many bits: one more, and the cast or the sum of the contract reverts, each by its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol import aave_v3, aave_v4
from protocol.aave_v3.interest import accrue
from protocol.aave_v3.ledger import Ledger
from protocol.aave_v3.rates import with_new_rates
from protocol.aave_v3.stable_debt import burn_stable
from protocol.errors import EvmRevert
from protocol.units import MAX_UINT128, RAY
from tests.protocol import v4_markets
from tests.protocol.markets import BORROWER, COIN, DOLLAR, NOW, ONE_COIN, WHALE, market

YEAR = 31_536_000
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


def test_a_spoke_without_shares_cannot_cover_a_deficit_in_v4():
    coin, dollar = v4_markets.COIN, v4_markets.DOLLAR
    state = v4_markets.market(holds={coin: 10}, owes={dollar: 7_000})
    state = v4_markets.done(state, v4_markets.usd(coin=500)).market
    booked_ray = state.assets[dollar].deficit_ray
    outcome = aave_v4.eliminate_deficit(state, v4_markets.OTHER_SPOKE, dollar, 5, timestamp=NOW)

    assert booked_ray > 5 * RAY
    assert outcome == aave_v4.Revert(name=SUM, numbers={"a": 0, "b": 5})
