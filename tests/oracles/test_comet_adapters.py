"""Comet's adapters against the figures of its own tests (test/pricefeeds/*.ts, compound-finance/comet@d5a30b0)."""

from __future__ import annotations

import pytest

from oracles.comet_adapters import Erc4626, Multiplicative, RateScaled, ReverseMultiplicative, WstEth
from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading
from tests.oracles.told import Reverting, Told, answer_of

E8, E18 = 10**8, 10**18


@pytest.mark.parametrize(
    ("a", "decimals_a", "b", "expected"),
    [
        (E8, 8, 30_000 * E8, 30_000 * E8),
        (212_345_600, 8, 3_133_312_300_000, 6_653_450_803_308),
        (99_990_000, 8, 30_000 * E8, 29_997 * E8),
        (98_793_700, 8, 3_194_771_623_000, 3_156_233_092_911),
        (555_000, 8, 30_000 * E8, 16_650_000_000),
        (0, 8, 30_000 * E8, 0),
        (E8, 8, 0, 0),
        (125 * 10**16, 18, 1800 * E8, 2250 * E8),
        (72 * 10**16, 18, 1800 * E8, 1296 * E8),
    ],
)
def test_multiplicative_gives_what_comets_own_tests_expect(a, decimals_a, b, expected):
    assert answer_of(Multiplicative(feed_b=Told(b)).over(Told(a, decimals_a)).read(1)) == expected


def test_multiplicative_tells_bs_clock_even_of_a_leg_that_is_dead():
    fresh = Told(E8, updated_at=990, round_id=40)
    for dead in (Told(E18, 18, updated_at=1), Told(0, 18, updated_at=1)):
        seen = Multiplicative(feed_b=fresh).over(dead).read(1000)
        assert isinstance(seen, Reading)
        assert (seen.updated_at, seen.round_id) == (990, 40)


@pytest.mark.parametrize(
    ("steth", "tokens_per_steth", "expected"),
    [
        (1300 * E18, 9 * 10**17, 144_444_444_444),
        (1000 * E18, 9 * 10**17, 111_111_111_111),
        (1000 * E18, 2 * 10**17, 5000 * E8),
        (1000 * E18, 8 * 10**17, 1250 * E8),
        (-1000 * E18, 8 * 10**17, -1250 * E8),
    ],
)
def test_wsteth_gives_what_comets_own_tests_expect_negative_prices_too(steth, tokens_per_steth, expected):
    part = WstEth(tokens_per_steth=Told(tokens_per_steth, 18))

    assert answer_of(part.over(Told(steth, 18)).read(1)) == expected


def test_wsteth_truncates_toward_zero_at_each_of_its_two_divisions():
    part = WstEth(tokens_per_steth=Told(3 * E18, 18))

    assert answer_of(part.over(Told(-149_999_999_999, 18)).read(1)) == -4


def test_wsteth_over_a_rate_of_zero_panics_and_over_too_few_decimals_is_refused():
    assert WstEth(tokens_per_steth=Told(0, 18)).over(Told(E18, 18)).read(1) == Failed(name="Panic(0x12)")
    with pytest.raises(InvalidPartConfig):
        WstEth(tokens_per_steth=Told(E18, 18), decimals=9).over(Told(E8, 8))


def test_reverse_multiplicative_divides_and_truncates_twice():
    part = ReverseMultiplicative(feed_b=Told(3 * E8, updated_at=700))
    seen = part.over(Told(10 * E18, 18)).read(1000)

    assert isinstance(seen, Reading)
    assert (seen.answer, seen.updated_at) == (3_33333333, 700)
    assert answer_of(ReverseMultiplicative(feed_b=Told(0)).over(Told(E8)).read(1)) == 0
    assert answer_of(ReverseMultiplicative(feed_b=Told(E8)).over(Told(-E8)).read(1)) == 0


def test_a_vault_share_is_its_assets_at_the_assets_price_with_the_prices_clock():
    vault = Told(1_123_456, 6, updated_at=1)
    seen = Erc4626(rate=vault).over(Told(99_990_000, updated_at=900)).read(1000)

    assert isinstance(seen, Reading)
    assert (seen.answer, seen.updated_at) == (1_123_456 * 99_990_000 // 10**6, 900)
    assert answer_of(Erc4626(rate=Told(0, 18)).over(Told(E8)).read(1)) == 0


def test_a_rate_told_as_a_feed_is_never_stale_however_old_it_is():
    seen = RateScaled().over(Told(104 * 10**16, 18, updated_at=5, observed_at=5)).read(10**9)

    assert isinstance(seen, Reading)
    assert (seen.answer, seen.round_id, seen.age_at(10**9), seen.observed_at) == (104_000_000, 1, 0, 5)


@pytest.mark.parametrize(
    "part",
    [
        Multiplicative(feed_b=Told(1)),
        ReverseMultiplicative(feed_b=Told(1)),
        WstEth(tokens_per_steth=Told(1)),
        Erc4626(rate=Told(1)),
        RateScaled(),
    ],
)
def test_a_source_that_reverts_reverts_through_every_adapter(part):
    assert part.over(Reverting()).read(1) == Failed(name="reverted")


@pytest.mark.parametrize("part", [Multiplicative, ReverseMultiplicative])
def test_more_than_18_decimals_are_refused_as_by_the_constructor(part):
    with pytest.raises(InvalidPartConfig):
        part(feed_b=Told(1), decimals=20)
