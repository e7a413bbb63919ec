"""The closed form of unavoidable debt against what liquidations leave."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.aave_v4 import LiquidationAmountsParams, LiquidationConfig, account_data
from protocol.aave_v4.frontier import drops, residual_exact, residual_if_exhausted, toxic_health_factor
from protocol.aave_v4.ledger import Ledger
from protocol.aave_v4.liquidation import amounts_params
from protocol.units import RAY, WAD
from tests.protocol.v4_markets import (
    BORROWER,
    COIN,
    DOLLAR,
    NOW,
    STONE,
    TARGET,
    TERMS,
    call,
    done,
    market,
    position,
    usd,
    with_position,
)


def params_of(state, prices) -> LiquidationAmountsParams:
    ledger = Ledger(state, NOW)
    data = account_data(state, BORROWER, prices_base=prices, timestamp=NOW)
    return amounts_params(ledger, call(), data, prices)


PAIR = market(holds={COIN: 10}, owes={DOLLAR: 7_000})
RISKY = market(holds={COIN: 10}, owes={DOLLAR: 7_000}, reserves={COIN: {"collateral_risk_bps": 300_00}})


@given(cents=st.integers(1, 874_00), premium=st.integers(0, 10**10), state=st.sampled_from([PAIR, RISKY]))
def test_the_integer_form_is_the_deficit_of_one_unlimited_call(cents, premium, state):
    prices = usd(coin=cents / 100)
    owed = position(state, DOLLAR)
    offset = owed.premium_shares * RAY - premium * RAY // 3
    state = with_position(state, DOLLAR, premium_offset_ray=offset)
    dollars = state.assets[DOLLAR]
    books = {**dollars.spokes, "spoke": replace(dollars.spokes["spoke"], premium_offset_ray=offset)}
    state = replace(
        state, assets={**state.assets, DOLLAR: replace(dollars, premium_offset_ray=offset, spokes=books)}
    )
    expected = residual_if_exhausted(params_of(state, prices))

    assert done(state, prices).deficits_ray.get(DOLLAR) == expected


@given(cents=st.integers(1, 874_00))
def test_the_integer_form_lies_just_below_the_fraction(cents):
    params = params_of(PAIR, usd(coin=cents / 100))
    residual, exact = residual_if_exhausted(params), residual_exact(params)
    hidden = (
        Fraction(cents, 100) * RAY / 10**12 + RAY + 1
    )  # a wei of coin, a share of a dollar, a unit of ray

    if residual is None:
        assert exact < 2 * hidden
    else:
        assert exact - hidden < residual <= exact


@pytest.mark.parametrize(("coin", "remains"), [(735, False), (734.99, True)])
def test_debt_remains_exactly_below_bonus_times_debt(coin, remains):
    assert (residual_if_exhausted(params_of(PAIR, usd(coin=coin))) is not None) is remains


# --- the toxic health factor ---


def toxic(config: LiquidationConfig, terms, health_wad: int) -> bool:
    """By the contract's own bonus at that health factor."""
    params = replace(
        params_of(PAIR, usd(coin=800)),
        health_factor_wad=health_wad,
        health_factor_for_max_bonus_wad=config.health_factor_for_max_bonus_wad,
        liquidation_bonus_factor_bps=config.liquidation_bonus_factor_bps,
        max_liquidation_bonus_bps=terms.max_liquidation_bonus_bps,
    )
    return health_wad * 10**8 < params.liquidation_bonus_bps * terms.collateral_factor_bps * WAD


@given(
    factor_bps=st.integers(1, 99_99),
    bonus_bps=st.integers(100_00, 200_00),
    largest_wad=st.integers(0, WAD - 1),
    least_bps=st.integers(0, 100_00),
)
def test_below_the_toxic_health_factor_a_call_is_toxic_and_above_it_is_not(
    factor_bps, bonus_bps, largest_wad, least_bps
):
    if bonus_bps * factor_bps >= 10**8:
        return
    config = LiquidationConfig(
        target_health_factor_wad=WAD,
        health_factor_for_max_bonus_wad=largest_wad,
        liquidation_bonus_factor_bps=least_bps,
    )
    terms = replace(TERMS, collateral_factor_bps=factor_bps, max_liquidation_bonus_bps=bonus_bps)
    found = toxic_health_factor(config, terms) * WAD

    assert 0 < found < WAD
    assert toxic(config, terms, max(-(-found // 1) - 1, 0))
    assert not toxic(config, terms, found // 1 + 1)


def test_the_toxic_health_factor_of_round_numbers():
    # 0.8 * 1.05 = 0.84 lies where the bonus is whole; 0.93 * 1.05 = 0.9765 does not: at 0.968 it is 4.09 %.
    assert toxic_health_factor(TARGET, TERMS) == Fraction(84, 100)
    tight = replace(TERMS, collateral_factor_bps=93_00)
    assert toxic_health_factor(TARGET, tight) == Fraction(93 * 10_409, 10**6)
    flat = replace(TARGET, liquidation_bonus_factor_bps=100_00)
    assert toxic_health_factor(flat, tight) == Fraction(9_765, 10**4)


# --- drops ---


def test_drops_of_one_pair_are_the_hand_computed_ones():
    found = drops(PAIR, BORROWER, [COIN], prices_base=usd(), timestamp=NOW)

    assert found.liquidatable == Fraction(1, 8)  # health 1 at 875 dollars
    assert found.toxic == {COIN: Fraction(265, 1000)}  # and 0.84 at 735


def test_a_collateral_that_does_not_fall_holds_the_account_up():
    state = market(holds={COIN: 10, STONE: 100}, owes={DOLLAR: 10_000})
    found = drops(state, BORROWER, [COIN], prices_base=usd(), timestamp=NOW)

    assert found.liquidatable == Fraction(1, 4)  # (10_000 - 4_000) / 8_000
    assert found.toxic == {COIN: Fraction(45, 100), STONE: Fraction(45, 100)}  # (8_400 - 4_000) / 8_000


def test_a_drop_that_has_happened_is_below_zero_and_one_that_cannot_is_none():
    assert drops(PAIR, BORROWER, [COIN], prices_base=usd(coin=800), timestamp=NOW).liquidatable == Fraction(
        -3, 32
    )
    assert drops(PAIR, BORROWER, [DOLLAR], prices_base=usd(), timestamp=NOW).liquidatable is None
    assert drops(PAIR, BORROWER, [DOLLAR], prices_base=usd(coin=800), timestamp=NOW).liquidatable == 0
    free = market(holds={COIN: 10, STONE: 1}, owes={})
    found = drops(free, BORROWER, [COIN], prices_base=usd(), timestamp=NOW)
    assert found.liquidatable is None
    assert found.toxic == {COIN: None, STONE: None}


def test_only_active_collateral_counts_for_drops():
    state = market(holds={COIN: 10, STONE: 1}, owes={DOLLAR: 7_000})
    off = with_position(state, STONE, collateral_enabled=False)

    assert drops(off, BORROWER, [COIN], prices_base=usd(), timestamp=NOW).toxic == {COIN: Fraction(265, 1000)}
