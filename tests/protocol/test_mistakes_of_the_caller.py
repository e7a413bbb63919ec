"""What the caller of a rule set got wrong is named with what it was about, in every rule set alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol import aave_v2, aave_v3, aave_v4
from protocol.errors import (
    EvmRevert,
    MissingPrice,
    NegativePrice,
    UnknownAsset,
    UnknownReserve,
    UnknownRevision,
)
from tests.protocol import markets, markets_v2, v4_markets

NOW = markets.NOW
V2 = markets_v2.market()
V3 = markets.market("3.6")
V4 = v4_markets.market(holds={0: 10}, owes={1: 8_000})
UNLISTED = 7
BOTH = pytest.mark.parametrize(("rule_set", "state"), [(aave_v2, V2), (aave_v3, V3)], ids=["v2", "v3"])
ALL = pytest.mark.parametrize(
    ("rule_set", "state"), [(aave_v2, V2), (aave_v3, V3), (aave_v4, V4)], ids=["v2", "v3", "v4"]
)


def without_reserve(state, reserve_id):
    return replace(state, reserves={i: one for i, one in state.reserves.items() if i != reserve_id})


@ALL
def test_a_price_that_was_not_given_is_named(rule_set, state):
    with pytest.raises(MissingPrice) as caught:
        rule_set.account_data(state, "borrower", prices_base={0: 10**8}, timestamp=NOW)

    assert caught.value.what == 1
    assert str(caught.value) == "no price for 1: give the observed oracle price in base currency"


@BOTH
def test_a_price_below_zero_is_named_and_shown_and_a_price_of_zero_is_none(rule_set, state):
    with pytest.raises(NegativePrice) as caught:
        rule_set.account_data(state, "borrower", prices_base={0: -5, 1: 1}, timestamp=NOW)

    assert (caught.value.reserve_id, caught.value.price_base) == (0, -5)
    assert "price of reserve 0 is -5 < 0" in str(caught.value)
    found = rule_set.account_data(state, "borrower", prices_base={0: 0, 1: 10**8}, timestamp=NOW)
    assert found.total_collateral_base == 0


def test_a_price_of_zero_reverts_in_v4():
    for price_base in (0, -5):
        with pytest.raises(EvmRevert) as caught:
            aave_v4.account_data(V4, "borrower", prices_base={0: price_base, 1: 1}, timestamp=NOW)
        assert (caught.value.name, dict(caught.value.numbers)) == (
            "InvalidPrice",
            {"reserve_id": 0, "price_base": price_base},
        )


@ALL
def test_a_position_in_a_reserve_that_is_not_listed_is_named(rule_set, state):
    for reserve_id in (0, 1):
        with pytest.raises(UnknownReserve) as caught:
            rule_set.account_data(
                without_reserve(state, reserve_id), "borrower", prices_base={0: 1, 1: 1}, timestamp=NOW
            )
        assert caught.value.reserve_id == reserve_id
        assert f"no reserve {reserve_id}:" in str(caught.value)


@BOTH
def test_a_call_on_a_reserve_that_is_not_listed_is_named(rule_set, state):
    with pytest.raises(UnknownReserve) as caught:
        rule_set.supply(state, "alice", UNLISTED, 1, timestamp=NOW)

    assert caught.value.reserve_id == UNLISTED


def test_an_asset_that_no_hub_lists_is_named():
    state = v4_markets.with_reserve(V4, 0, asset_id=9)

    with pytest.raises(UnknownAsset) as caught:
        aave_v4.account_data(state, "borrower", prices_base=v4_markets.usd(), timestamp=NOW)

    assert caught.value.asset_id == 9


def test_a_category_priced_by_a_source_that_is_not_listed_names_the_source():
    emode = aave_v3.EModeCategory(
        emode_id=1,
        ltv_bps=90_00,
        liquidation_threshold_bps=93_00,
        liquidation_bonus_bps=101_00,
        collateral_bitmap=1,
        price_source="nowhere",
    )
    state = markets.market("3.0.2", emodes={1: emode}, emode=1)

    with pytest.raises(MissingPrice) as caught:
        aave_v3.account_data(state, "borrower", prices_base=markets.prices(100_000), timestamp=NOW)

    assert caught.value.what == "nowhere"


def test_a_revision_that_is_not_modelled_is_refused_with_those_that_are():
    with pytest.raises(UnknownRevision) as caught:
        aave_v3.rules_of("2.9")

    assert caught.value.revision == "2.9"
    assert len(caught.value.known) == len(aave_v3.REVISIONS)
    assert caught.value.known[0] == "3.0.0 (by name only)"
    assert any(name.startswith("3.6 (POOL_REVISION ") for name in caught.value.known)
    assert str(caught.value).startswith(
        "no rules for Aave v3 revision '2.9': use a market of one of these: 3.0.0"
    )
