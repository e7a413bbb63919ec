"""The linear discount of a principal token: it falls to nothing at maturity and looks at no market."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.composition import through
from oracles.errors import InvalidPartConfig
from oracles.pendle import SECONDS_PER_YEAR, DiscountFactorFeed, LinearDiscount
from oracles.product import Times
from oracles.reading import Failed, Reading
from tests.oracles.told import Reverting, Told, answer_of, reading

MATURITY, WAD = 1_764_201_600, 10**18


def discounted(rate_wad=10**17, price=10**8, now=MATURITY - SECONDS_PER_YEAR):
    part = LinearDiscount(maturity=MATURITY, discount_per_year_wad=rate_wad)
    return part.over(Told(price)).read(now)


@pytest.mark.parametrize(
    ("before_s", "expected"),
    [
        (SECONDS_PER_YEAR, 90_000_000),
        (SECONDS_PER_YEAR // 2, 95_000_000),
        (0, 100_000_000),
        (-1000, 100_000_000),
    ],
)
def test_the_discount_falls_in_a_line_to_nothing_at_maturity(before_s, expected):
    assert answer_of(discounted(now=MATURITY - before_s)) == expected


def test_discount_and_price_are_each_rounded_down():
    part = LinearDiscount(maturity=MATURITY)

    assert part.discount_at_wad(MATURITY - 1) == 85_200_000_000_000_000 // SECONDS_PER_YEAR == 2_701_674_277
    assert answer_of(part.over(Told(10**8)).read(MATURITY - 1)) == 99_999_999


@given(st.integers(0, 3 * SECONDS_PER_YEAR), st.integers(1, 27 * 10**16))
def test_the_discount_never_grows_with_time(before_s, rate_wad):
    now = MATURITY - before_s

    assert answer_of(discounted(rate_wad, now=now)) <= answer_of(discounted(rate_wad, now=now + 60)) <= 10**8


def test_the_market_of_the_token_itself_does_not_matter_and_that_of_the_asset_does():
    assert answer_of(discounted(price=50_000_000)) == 45_000_000
    assert answer_of(discounted(price=0)) == answer_of(discounted(price=-1)) == 0


def test_a_discount_beyond_the_whole_panics_in_one_contract_and_reverts_in_the_other():
    long_before = MATURITY - 11 * SECONDS_PER_YEAR

    assert discounted(now=long_before) == Failed(name="Panic(0x11)")
    assert DiscountFactorFeed(maturity=MATURITY).read(long_before) == Failed(name="discount overflow")
    assert answer_of(DiscountFactorFeed(maturity=MATURITY).read(MATURITY - 10 * SECONDS_PER_YEAR)) == 0


def test_the_bare_factor_has_no_times_and_the_wrapped_one_says_now():
    now = MATURITY - SECONDS_PER_YEAR
    bare = DiscountFactorFeed(maturity=MATURITY).read(now)
    wrapped = DiscountFactorFeed(maturity=MATURITY, wrapped=True).read(now)

    assert isinstance(bare, Reading)
    assert isinstance(wrapped, Reading)
    assert bare.answer == wrapped.answer == 9 * WAD // 10
    assert (bare.round_id, bare.started_at, bare.updated_at) == (0, 0, 0)
    assert (wrapped.started_at, wrapped.updated_at) == (0, now)


def test_the_factor_times_the_asset_is_the_token():
    token = through(DiscountFactorFeed(maturity=MATURITY), Times(second=Told(99_000_000)))

    assert answer_of(token.read(MATURITY - SECONDS_PER_YEAR)) == 89_100_000


@pytest.mark.parametrize("rate_wad", [0, -1, 28 * 10**16])
def test_a_rate_outside_its_range_is_refused(rate_wad):
    with pytest.raises(InvalidPartConfig):
        LinearDiscount(maturity=MATURITY, discount_per_year_wad=rate_wad)
    assert reading(discounted()).reason == "told"


@pytest.mark.parametrize("rate_wad", [-1, WAD + 1])
def test_a_factor_of_a_bad_rate_is_refused(rate_wad):
    with pytest.raises(InvalidPartConfig):
        DiscountFactorFeed(maturity=MATURITY, discount_per_year_wad=rate_wad)
    assert LinearDiscount(maturity=1).over(Reverting()).read(1) == Failed(name="reverted")
