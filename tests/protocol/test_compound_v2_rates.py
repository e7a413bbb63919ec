"""Rate models of Compound v2: what their constructors store, and what they then say."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compound_v2 import (
    FirstRateModel,
    RateModel,
    accrue_interest,
    borrow_rate,
    dai_v3,
    jump_rate,
    jump_rate_v2,
    supply_rate,
    utilization,
    white_paper,
)
from protocol.compound_v2.reporter import ReturnedCode
from protocol.errors import EvmRevert
from protocol.fixed_point.careful_math import PANICS
from protocol.units import RAY, WAD
from tests.protocol.compound_v2_markets import DOLLAR, ETHER, NOW, PERCENT, market, refusal, with_ctoken

PER_YEAR = {
    "base_rate_per_year_mantissa": 2 * PERCENT,
    "multiplier_per_year_mantissa": 10 * PERCENT,
    "jump_multiplier_per_year_mantissa": 109 * PERCENT,
    "kink_mantissa": 80 * PERCENT,
}
AMOUNTS = st.integers(0, 10**30)


def test_what_the_constructors_store():
    assert white_paper(
        base_rate_per_year_mantissa=5 * PERCENT, multiplier_per_year_mantissa=12 * PERCENT
    ) == RateModel(base_rate_per_block_mantissa=23_782_343_987, multiplier_per_block_mantissa=57_077_625_570)
    assert jump_rate(**PER_YEAR) == RateModel(
        base_rate_per_block_mantissa=9_512_937_595,
        multiplier_per_block_mantissa=47_564_687_975,
        jump_multiplier_per_block_mantissa=518_455_098_934,
        kink_mantissa=80 * PERCENT,
    )
    assert jump_rate_v2(**PER_YEAR) == replace(
        jump_rate(**PER_YEAR), multiplier_per_block_mantissa=59_455_859_969
    )
    with pytest.raises(EvmRevert, match="SafeMath: division by zero"):
        jump_rate_v2(**{**PER_YEAR, "kink_mantissa": 0})


def test_the_dai_model_follows_maker_to_the_last_poke():
    fixed = {
        "gap_per_year_mantissa": 4 * PERCENT,
        "jump_multiplier_per_year_mantissa": 109 * PERCENT,
        "kink_mantissa": 80 * PERCENT,
    }
    dsr, fee = RAY + 10**18, RAY + 3 * 10**18
    model = dai_v3(dsr_per_second_ray=dsr, stability_fee_per_second_ray=fee, **fixed)
    base, roof, gap = 15 * 10**9 * 100 // 95, 45 * 10**9, 4 * PERCENT // 2_102_400

    assert model == RateModel(
        base_rate_per_block_mantissa=base,
        multiplier_per_block_mantissa=(roof - base + gap) * 100 // 80,
        jump_multiplier_per_block_mantissa=109 * PERCENT // 2_102_400,
        kink_mantissa=80 * PERCENT,
        dsr_per_block_mantissa=15 * 10**9,
    )
    low = dai_v3(dsr_per_second_ray=dsr, stability_fee_per_second_ray=RAY, **fixed)
    assert low.multiplier_per_block_mantissa == gap * 100 // 80, "never falling"
    with pytest.raises(EvmRevert):
        dai_v3(dsr_per_second_ray=RAY - 1, stability_fee_per_second_ray=fee, **fixed)


def test_idle_dai_earns_the_savings_rate_which_only_the_supply_rate_shows():
    model = replace(jump_rate_v2(**PER_YEAR), dsr_per_block_mantissa=15 * 10**9)
    plain = replace(model, dsr_per_block_mantissa=None)
    at = {"cash": 600, "borrows": 500, "reserves": 100}
    shown = supply_rate(model, **at, reserve_factor_mantissa=0)

    assert borrow_rate(model, **at) == borrow_rate(plain, **at)
    assert shown - supply_rate(plain, **at, reserve_factor_mantissa=0) == 600 * 15 * 10**9 // 1_000
    assert supply_rate(model, cash=0, borrows=0, reserves=0, reserve_factor_mantissa=0) == 0
    with pytest.raises(EvmRevert, match="SafeMath: subtraction underflow"):
        supply_rate(model, cash=0, borrows=0, reserves=1, reserve_factor_mantissa=0)
    assert supply_rate(plain, cash=0, borrows=0, reserves=1, reserve_factor_mantissa=0) == 0


@given(cash=AMOUNTS, borrows=AMOUNTS, reserves=AMOUNTS)
def test_the_rate_is_the_line_without_its_roundings_to_within_two_units(
    cash: int, borrows: int, reserves: int
):
    model = jump_rate_v2(**PER_YEAR)
    if borrows and cash + borrows <= reserves:
        return
    share = Fraction(borrows, cash + borrows - reserves) if borrows else Fraction(0)
    kink = Fraction(model.kink_mantissa or 0, WAD)
    exact = (
        model.base_rate_per_block_mantissa
        + min(share, kink) * model.multiplier_per_block_mantissa
        + max(share - kink, Fraction(0)) * model.jump_multiplier_per_block_mantissa
    )

    assert 0 <= exact - borrow_rate(model, cash=cash, borrows=borrows, reserves=reserves) < 2


def test_the_kink_itself_lies_on_the_flatter_line():
    model = replace(
        jump_rate(**PER_YEAR), multiplier_per_block_mantissa=WAD, jump_multiplier_per_block_mantissa=100 * WAD
    )
    at_kink = borrow_rate(model, cash=20, borrows=80, reserves=0)

    assert at_kink == model.base_rate_per_block_mantissa + 80 * PERCENT
    assert borrow_rate(model, cash=19, borrows=81, reserves=0) == at_kink + 100 * PERCENT


def test_utilization_exceeds_one_where_reserves_exceed_cash():
    assert utilization(cash=10, borrows=100, reserves=60) == 2 * WAD
    assert utilization(cash=0, borrows=0, reserves=10**30) == 0


@pytest.mark.parametrize(
    ("reserves", "words", "panic"),
    [
        (111, "SafeMath: subtraction underflow", "Panic(0x11)"),
        (110, "SafeMath: division by zero", "Panic(0x12)"),
    ],
)
def test_a_model_without_an_answer_reverts_in_its_own_words(reserves: int, words: str, panic: str):
    model = white_paper(base_rate_per_year_mantissa=0, multiplier_per_year_mantissa=0)
    for one, told in ((model, words), (replace(model, words=PANICS), panic)):
        with pytest.raises(EvmRevert) as caught:
            borrow_rate(one, cash=10, borrows=100, reserves=reserves)
        assert caught.value.name == told


def test_a_market_reverts_in_the_words_of_its_model():
    state = with_ctoken(
        market(release="2022"),
        DOLLAR,
        cash_underlying=0,
        total_borrows_underlying=1,
        total_reserves_underlying=2,
    )

    assert (
        refusal(accrue_interest(state, DOLLAR, block_number=NOW + 1))[0] == "SafeMath: subtraction underflow"
    )


def test_the_first_model_is_blind_to_reserves_and_cut_to_a_block_at_the_end():
    model = FirstRateModel(base_rate_per_year_mantissa=5 * PERCENT, multiplier_per_year_mantissa=45 * PERCENT)

    assert borrow_rate(model, cash=50, borrows=50, reserves=10**9) == 275 * 10**15 // 2_102_400
    assert borrow_rate(model, cash=0, borrows=0, reserves=0) == 5 * PERCENT // 2_102_400
    for cash, borrows, code in ((2**256 - 1, 1, 1), (0, 2**255, 2)):
        with pytest.raises(ReturnedCode) as caught:
            borrow_rate(model, cash=cash, borrows=borrows, reserves=0)
        assert str(caught.value) == f"Failure(5,2,{code})"
    steep = replace(model, multiplier_per_year_mantissa=2**256 - 1)
    high = replace(model, multiplier_per_year_mantissa=0, base_rate_per_year_mantissa=2**256 - 1)
    with pytest.raises(ReturnedCode, match=r"Failure\(5,2,3\)"):
        borrow_rate(steep, cash=0, borrows=1, reserves=0)
    assert borrow_rate(high, cash=0, borrows=1, reserves=0) == (2**256 - 1) // 2_102_400
    with pytest.raises(ReturnedCode, match=r"Failure\(5,2,4\)"):
        borrow_rate(replace(high, multiplier_per_year_mantissa=WAD), cash=0, borrows=1, reserves=0)


@pytest.mark.parametrize("market_id", [ETHER, DOLLAR])
def test_a_market_passes_on_what_the_first_model_returns(market_id: int):
    model = FirstRateModel(base_rate_per_year_mantissa=0, multiplier_per_year_mantissa=2**256 - 1)
    state = with_ctoken(
        market(release="2.2"), market_id, rate_model=model, cash_underlying=0, total_borrows_underlying=1
    )

    assert refusal(accrue_interest(state, market_id, block_number=NOW)) == (
        "INTEREST_RATE_MODEL_ERROR",
        "Failure(5,2,3)",
    )


def test_the_first_ctokens_ask_their_model_again_in_the_same_block():
    wild = RateModel(base_rate_per_block_mantissa=10**13, multiplier_per_block_mantissa=0)
    asked = {
        release: accrue_interest(
            with_ctoken(market(release=release), DOLLAR, rate_model=wild), DOLLAR, block_number=NOW
        )
        for release in ("2.0", "2.2", "2.3", "2.6", "2.9", "2022")
    }

    high = {release for release, one in asked.items() if getattr(one, "name", "").startswith("borrow rate")}
    assert high == {"2.2", "2.3"}, "2.0 allows a hundred times more"
