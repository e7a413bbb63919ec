"""Morpho's oracle, in the forms of its own tests (MorphoChainlinkOracleV2Test.sol, beside the contract)."""

from __future__ import annotations

import pytest

from oracles.errors import InvalidPartConfig
from oracles.morpho_adapter import MorphoChainlinkOracleV2, Vault
from oracles.reading import Failed, Reading
from tests.oracles.told import Reverting, Told, answer_of

WBTC_BTC, BTC_USD = Told(99_950_000), Told(60_123 * 10**8 + 7)
USDC_USD, ETH_USD = Told(99_990_000), Told(3000 * 10**8 + 3)
STETH_ETH, USDC_ETH = Told(999 * 10**15, 18), Told(333 * 10**12, 18)
DAI_ETH = Told(334 * 10**12, 18)
SDAI = Vault(assets=Told(1_081234567890123456, 18), sample=10**18)


def price(base, base_decimals, quote_decimals, **fields):
    part = MorphoChainlinkOracleV2(
        base_token_decimals=base_decimals, quote_token_decimals=quote_decimals, **fields
    )
    return answer_of(part.of(base).read(1))


def test_wbtc_in_usdc_by_two_base_feeds_and_one_quote_feed():
    found = price(WBTC_BTC, 8, 6, base_feed_2=BTC_USD, quote_feed_1=USDC_USD)

    assert found == WBTC_BTC.answer * BTC_USD.answer * 10 ** (36 + 8 + 6 - 8 - 8 - 8) // USDC_USD.answer


def test_usdc_in_wbtc_by_one_base_feed_and_two_quote_feeds():
    found = price(USDC_USD, 6, 8, quote_feed_1=WBTC_BTC, quote_feed_2=BTC_USD)

    assert found == USDC_USD.answer * 10 ** (36 + 8 + 8 + 8 - 6 - 8) // (WBTC_BTC.answer * BTC_USD.answer)


def test_absent_feeds_count_as_one_on_either_side():
    assert price(ETH_USD, 18, 0) == ETH_USD.answer * 10 ** (36 - 18 - 8)
    assert price(None, 18, 18, quote_feed_1=STETH_ETH) == 10 ** (36 + 18 + 18 - 18) // STETH_ETH.answer
    assert price(None, 6, 18) == 10 ** (36 + 18 - 6)


def test_steth_in_usdc_by_feeds_in_eth():
    found = price(STETH_ETH, 18, 6, quote_feed_1=USDC_ETH)

    assert found == STETH_ETH.answer * 10 ** (36 + 18 + 6 - 18 - 18) // USDC_ETH.answer


def test_a_vault_share_on_either_side():
    shares = answer_of(SDAI.assets.read(1))
    found = price(DAI_ETH, 18, 18, base_vault=SDAI)
    assert found == shares * DAI_ETH.answer * 10 ** (36 + 18 - 18 - 18 - 18)

    found = price(None, 18, 18, quote_feed_1=DAI_ETH, quote_vault=SDAI)
    assert found == 10 ** (36 + 18 + 18 - 18) * 10**18 // (shares * DAI_ETH.answer)


def test_a_negative_answer_reverts_and_zero_passes_on_the_base_side():
    part = MorphoChainlinkOracleV2(base_token_decimals=18, quote_token_decimals=6, quote_feed_1=USDC_USD)

    assert part.over(Told(-1)).read(1) == Failed(name="negative answer")
    assert answer_of(part.over(Told(0)).read(1)) == 0


def test_a_zero_on_the_quote_side_is_a_division_by_zero():
    part = MorphoChainlinkOracleV2(base_token_decimals=18, quote_token_decimals=6, quote_feed_1=Told(0))

    assert part.over(ETH_USD).read(1) == Failed(name="Panic(0x12)")


def test_the_product_may_take_512_bits_where_the_price_fits_but_each_side_only_256():
    scale = MorphoChainlinkOracleV2(base_token_decimals=0, quote_token_decimals=18, quote_feed_1=Told(2**120))
    base = Told(2**150)
    assert scale.of(base).scale_factor * base.answer > 2**256
    assert answer_of(scale.over(base).read(1)) == 10**54 * 2**30

    assert scale.over(Told(2**210)).read(1) == Failed(name="Panic(0x11)")
    wide = MorphoChainlinkOracleV2(base_token_decimals=0, quote_token_decimals=18, base_feed_2=Told(2**128))
    assert wide.over(Told(2**128)).read(1) == Failed(name="Panic(0x11)")


def test_no_age_is_looked_at_and_the_oldest_feed_is_what_is_told():
    part = MorphoChainlinkOracleV2(
        base_token_decimals=18, quote_token_decimals=6, quote_feed_1=Told(10**8, updated_at=3, observed_at=2)
    )
    seen = part.over(Told(10**8, updated_at=900, reason="deviation")).read(10**9)

    assert isinstance(seen, Reading)
    assert (seen.updated_at, seen.observed_at, seen.reason) == (3, 2, "deviation")
    assert part.over(Told(1)).decimals == 24


def test_a_leg_that_reverts_reverts():
    part = MorphoChainlinkOracleV2(base_token_decimals=18, quote_token_decimals=6, base_feed_2=Reverting())

    assert part.over(ETH_USD).read(1) == Failed(name="reverted")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"base_vault": Vault(assets=Told(1), sample=0)}, "base_vault.sample"),
        ({"base_token_decimals": 50}, "exponent of SCALE_FACTOR"),
        ({"quote_token_decimals": 70}, "exponent of SCALE_FACTOR"),
        ({"quote_token_decimals": -1}, "quote_token_decimals"),
    ],
)
def test_what_the_constructor_would_not_take_is_refused(fields, field):
    whole = {"base_token_decimals": 18, "quote_token_decimals": 6} | fields
    with pytest.raises(InvalidPartConfig) as refusal:
        MorphoChainlinkOracleV2(**whole).over(ETH_USD)

    assert refusal.value.field == field
