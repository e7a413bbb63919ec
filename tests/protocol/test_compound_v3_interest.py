"""Rates, indices, principals, rewards and configurations of Comet: where they round and where they end."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compound_v3 import (
    REVISIONS,
    Account,
    AssetConfig,
    RateCurve,
    Tracking,
    accrue,
    accrue_account,
    accrued_indices,
    as_stored,
    balance_of,
    borrow_balance_of,
    borrow_rate,
    curve_stored,
    quote_collateral,
    rules_of,
    supply,
    supply_rate,
    total_borrow,
    total_supply,
    utilization,
    viewed_at,
)
from protocol.compound_v3.amounts import repay_and_supply_amount, withdraw_and_borrow_amount
from protocol.compound_v3.packing import require_room
from protocol.compound_v3.principal import present_value, principal_value, principal_value_borrow
from protocol.errors import EvmRevert, UnknownRevision
from protocol.fixed_point.int256 import (
    MAX_INT256,
    add_int256,
    div_int256_toward_zero,
    mul_int256,
    sub_int256,
)
from protocol.units import WAD
from tests.protocol.compound_v3_markets import (
    BANK,
    BORROWER,
    COIN,
    DAY,
    NOW,
    OTHER,
    STONE,
    TERMS,
    absorbed,
    account,
    empty,
    market,
    moved,
    refusal,
    usd,
    with_config,
)

STATE = market(holds={COIN: 10}, owes=7_000)
MAX_UINT64 = 2**64 - 1
STEEP = RateCurve(
    kink_wad=WAD,
    base_rate_per_second_wad=WAD,
    slope_low_per_second_wad=0,
    slope_high_per_second_wad=0,
)


def revert_of(do, *arguments, **named) -> EvmRevert:
    with pytest.raises(EvmRevert) as caught:
        do(*arguments, **named)
    return caught.value


# --- rates ---


@pytest.mark.parametrize(("used_percent", "per_second_wad"), [(0, 3), (50, 8), (80, 11), (81, 12), (100, 31)])
def test_a_rate_is_rounded_down_on_each_side_of_the_kink(used_percent: int, per_second_wad: int):
    # At the kink the low slope gives 8.8; 1 % beyond it the high one 1.01, and 20 % beyond it 20.2.
    curve = RateCurve(
        kink_wad=80 * WAD // 100,
        base_rate_per_second_wad=3,
        slope_low_per_second_wad=11,
        slope_high_per_second_wad=101,
    )
    state = with_config(STATE, supply_curve=curve, borrow_curve=STEEP)

    assert supply_rate(state, used_percent * WAD // 100) == per_second_wad
    assert borrow_rate(state, used_percent * WAD // 100) == WAD


def test_a_rate_has_64_bits():
    state = with_config(STATE, supply_curve=replace(STEEP, base_rate_per_second_wad=2**64 - 1))
    higher = with_config(STATE, supply_curve=replace(STEEP, base_rate_per_second_wad=2**64))

    assert supply_rate(state, 0) == MAX_UINT64
    assert revert_of(supply_rate, higher, 0).name == "InvalidUInt64"


def test_nothing_is_used_where_nothing_is_supplied():
    assert utilization(empty()) == 0
    assert utilization(replace(STATE, total_supply_principal=0)) == 0
    assert utilization(STATE) == 7 * WAD // 1000
    grown = replace(STATE, base_borrow_index_e15=2 * 10**15, base_supply_index_e15=4 * 10**15)
    assert utilization(grown) == 35 * WAD // 10_000


# --- indices ---


def test_interest_is_simple_within_a_gap_and_the_gaps_matter():
    """Between touches nothing compounds: a replay needs the very seconds of the touches."""
    at_once = accrue(STATE, NOW + 10 * DAY)
    in_two = accrue(accrue(STATE, NOW + 5 * DAY), NOW + 10 * DAY)

    assert at_once.base_borrow_index_e15 == 10**15 + 645_294_266 * 10 * DAY // 1000
    assert in_two.base_borrow_index_e15 > at_once.base_borrow_index_e15
    assert accrue(STATE, NOW) is STATE


def test_what_is_viewed_is_what_accruing_stores_but_for_rewards():
    state = with_config(STATE, tracking=Tracking(supply_speed=10**9, borrow_speed=10**9))
    later = NOW + 40 * DAY
    viewed, accrued = viewed_at(state, later), accrue(state, later)

    assert accrued.tracking_supply_index > 0
    assert viewed == replace(accrued, tracking_supply_index=0, tracking_borrow_index=0)
    for view in (total_supply, total_borrow):
        assert view(state, later) == view(accrued, later) > view(state, NOW)
    assert balance_of(state, BANK, later) == balance_of(accrued, BANK, later) > 0
    assert borrow_balance_of(state, BORROWER, later) == borrow_balance_of(accrued, BORROWER, later) > 0
    assert (balance_of(state, BORROWER, later), borrow_balance_of(state, BANK, later)) == (0, 0)


def test_time_does_not_go_back_and_ends():
    assert revert_of(accrued_indices, STATE, NOW - 1).name == "Panic(0x11)"
    last = replace(STATE, last_accrual_timestamp=2**40 - 1)
    assert accrued_indices(last, 2**40 - 1) == (10**15, 10**15)
    failed = revert_of(accrued_indices, last, 2**40)
    assert (failed.name, failed.numbers) == ("TimestampTooLarge", {"timestamp": 2**40})
    assert refusal(absorbed(STATE, usd(), at=NOW - 1)) == "Panic(0x11)"
    assert refusal(accrue_account(STATE, BANK, timestamp=2**40)) == "TimestampTooLarge"


def test_a_single_second_counts_and_none_asks_for_no_rate():
    assert accrued_indices(STATE, NOW + 1) == (10**15 + 8_878, 10**15 + 645_294)
    broken = with_config(STATE, supply_curve=replace(STEEP, base_rate_per_second_wad=2**64))
    assert accrued_indices(broken, NOW) == (10**15, 10**15)
    assert revert_of(accrued_indices, broken, NOW + 1).name == "InvalidUInt64"


def test_an_index_has_64_bits():
    """At 100 % a second: what is added must fit first, then the sum."""
    state = with_config(STATE, borrow_curve=STEEP)
    added = MAX_UINT64 // 10**15
    assert accrued_indices(state, NOW + added - 1).borrow_e15 == added * 10**15
    assert revert_of(accrued_indices, state, NOW + added).name == "Panic(0x11)"
    assert revert_of(accrued_indices, state, NOW + added + 1).name == "InvalidUInt64"


# --- principals ---


@given(
    value=st.integers(-(2**100), 2**100),
    supply_e15=st.integers(10**15, 2**62),
    borrow_e15=st.integers(10**15, 2**62),
)
def test_a_principal_is_the_exact_one_rounded_against_the_user(value: int, supply_e15: int, borrow_e15: int):
    state = replace(STATE, base_supply_index_e15=supply_e15, base_borrow_index_e15=borrow_e15)
    principal = principal_value(state, value)
    exact = Fraction(value * 10**15, supply_e15 if value >= 0 else borrow_e15)

    assert exact - 1 < principal <= exact
    back = present_value(state, principal)
    assert back <= value if value >= 0 else back == value or back < value


@given(principal=st.integers(-(2**103) + 1, -1), index_e15=st.integers(10**15, MAX_UINT64))
def test_a_debt_survives_the_way_there_and_back(principal: int, index_e15: int):
    state = replace(STATE, base_borrow_index_e15=index_e15)
    owed = present_value(state, principal)

    if owed * 10**15 // index_e15 < 2**103:
        assert principal_value(state, owed) == principal


@pytest.mark.parametrize(
    ("old", "new", "grown", "shrunk"),
    [
        (-10, -4, (6, 0), (0, 0)),
        (-10, 3, (10, 3), (0, 0)),
        (2, 9, (0, 7), (0, 0)),
        (0, 0, (0, 0), (0, 0)),
        (9, 2, (0, 0), (7, 0)),
        (3, -10, (0, 0), (3, 10)),
        (-4, -10, (0, 0), (0, 6)),
    ],
)
def test_a_change_of_principal_splits_at_zero(old: int, new: int, grown: object, shrunk: object):
    assert repay_and_supply_amount(old, new) == grown
    assert withdraw_and_borrow_amount(old, new) == shrunk


def test_the_smallest_rest_makes_a_debt_a_unit_larger():
    assert [principal_value_borrow(2 * 10**15 - 1, owed) for owed in (0, 1, 2, 3)] == [0, 1, 2, 2]
    assert principal_value_borrow(2 * 10**15, 2) == 1


def test_an_index_of_0_divides_by_zero():
    assert revert_of(principal_value_borrow, 0, 1).name == "Panic(0x12)"
    state = replace(STATE, base_supply_index_e15=0)
    assert refusal(supply(state, OTHER, -1, 1, timestamp=NOW)) == "Panic(0x12)"


def test_signed_arithmetic_rounds_towards_zero_and_ends_at_256_bits():
    assert [div_int256_toward_zero(a, b) for a, b in ((7, 2), (-7, 2), (7, -2), (-7, -2))] == [3, -3, -3, 3]
    assert add_int256(MAX_INT256, -1) == MAX_INT256 - 1
    assert sub_int256(-MAX_INT256, 1) == -MAX_INT256 - 1
    for do, a, b in (
        (add_int256, MAX_INT256, 1),
        (sub_int256, -MAX_INT256, 2),
        (mul_int256, 2**128, 2**127),
        (div_int256_toward_zero, -MAX_INT256 - 1, -1),
    ):
        failed = revert_of(do, a, b)
        assert (failed.name, failed.numbers) == ("Panic(0x11)", {"a": a, "b": b})
    assert revert_of(div_int256_toward_zero, 1, 0).name == "Panic(0x12)"


# --- rewards ---


TRACKED = with_config(
    STATE, tracking=Tracking(supply_speed=3 * 10**12, borrow_speed=2 * 10**12, min_principal=7_000 * 10**6)
)


def test_rewards_are_shared_by_principal_on_each_side():
    """3,000 and 2,000 rewards a million seconds: a reward is 10**15 of the index and 10**6 of an account."""
    later = NOW + 10**6
    bank = moved(accrue_account(TRACKED, BANK, timestamp=later))
    both = moved(accrue_account(bank, BORROWER, timestamp=later))

    assert both.tracking_supply_index == 3 * 10**12 * 10**6 * 10**6 // 10**12
    assert both.tracking_borrow_index == 2 * 10**12 * 10**6 * 10**6 // (7_000 * 10**6)
    assert (account(both, BANK).tracking_accrued, account(both, BORROWER).tracking_accrued) == (
        3_000 * 10**6,
        1_999_999_999,
    )
    assert account(both, BANK).principal == account(TRACKED, BANK).principal
    assert account(both, BANK).tracking_index == both.tracking_supply_index
    assert account(both, BORROWER).tracking_index == both.tracking_borrow_index


def test_a_side_with_too_little_principal_earns_nothing():
    less = replace(TRACKED, total_borrow_principal=7_000 * 10**6 - 1)

    assert accrue(less, NOW + DAY).tracking_borrow_index == 0
    assert accrue(TRACKED, NOW + DAY).tracking_borrow_index > 0
    assert accrue(less, NOW + DAY).tracking_supply_index > 0


def test_an_account_that_changes_sides_follows_the_other_index():
    state = replace(TRACKED, tracking_supply_index=10**15, tracking_borrow_index=5 * 10**15)
    before = replace(account(state), tracking_index=4 * 10**15)
    state = replace(state, accounts={**state.accounts, BORROWER: before})
    after = moved(supply(state, BORROWER, -1, 7_001 * 10**6, timestamp=NOW))

    assert account(after) == Account(
        principal=10**6,
        collateral=before.collateral,
        tracking_index=10**15,
        tracking_accrued=7_000 * 10**6,
    )


def test_an_account_with_nothing_of_the_base_follows_the_index_of_supply():
    state = replace(TRACKED, tracking_supply_index=10**15, tracking_borrow_index=5 * 10**15)
    before = replace(account(state), tracking_index=4 * 10**15)
    state = replace(state, accounts={**state.accounts, BORROWER: before})
    cleared = moved(supply(state, BORROWER, -1, 7_000 * 10**6, timestamp=NOW))
    again = moved(supply(cleared, BORROWER, -1, 10**6, timestamp=NOW))

    assert (account(cleared).principal, account(cleared).tracking_index) == (0, 10**15)
    assert account(again).tracking_accrued == account(cleared).tracking_accrued == 7_000 * 10**6


def test_rewards_have_64_bits():
    full = replace(account(TRACKED, BANK), tracking_accrued=MAX_UINT64)
    state = replace(TRACKED, accounts={**TRACKED.accounts, BANK: full})
    assert refusal(accrue_account(state, BANK, timestamp=NOW + DAY)) == "Panic(0x11)"

    fast = with_config(STATE, tracking=Tracking(supply_speed=2**64, min_principal=1))
    assert refusal(accrue_account(fast, BANK, timestamp=NOW + 10**6)) == "InvalidUInt64"
    almost = moved(accrue_account(fast, BANK, timestamp=NOW + 10**6 - 1))
    assert almost.tracking_supply_index == (10**6 - 1) * 2**64 // 10**6
    unpaid = replace(account(almost, BANK), tracking_index=0)
    dear = with_config(
        replace(almost, accounts={**almost.accounts, BANK: unpaid}), tracking=Tracking(index_scale=1)
    )
    assert refusal(accrue_account(dear, BANK, timestamp=NOW + 10**6 - 1)) == "InvalidUInt64"
    near = replace(TRACKED, tracking_supply_index=MAX_UINT64)
    assert refusal(accrue_account(near, BANK, timestamp=NOW + DAY)) == "Panic(0x11)"

    behind = replace(account(TRACKED, BANK), tracking_index=1)
    state = replace(TRACKED, accounts={**TRACKED.accounts, BANK: behind})
    assert refusal(accrue_account(state, BANK, timestamp=NOW)) == "Panic(0x11)"


# --- what is kept of a configuration ---


def test_a_configuration_keeps_four_decimals_and_whole_tokens():
    info = as_stored(
        AssetConfig(
            decimals=8,
            borrow_collateral_factor_wad=82_505 * 10**13,
            liquidate_collateral_factor_wad=90_019 * 10**13,
            liquidation_factor_wad=WAD - 1,
            supply_cap=5 * 10**8 + 99_999_999,
        )
    )

    assert info.borrow_collateral_factor_wad == 8_250 * 10**14
    assert info.liquidate_collateral_factor_wad == 9_001 * 10**14
    assert info.liquidation_factor_wad == 9_999 * 10**14
    assert (info.scale, info.supply_cap) == (10**8, 5 * 10**8)


def test_what_does_not_fit_its_bits_wraps():
    wide = replace(TERMS[COIN], liquidation_factor_wad=65_537 * 10**14, supply_cap=(2**64 + 3) * 10**18)
    info = as_stored(wide)

    assert info.liquidation_factor_wad == 10**14
    assert info.supply_cap == 3 * 10**18
    assert as_stored(replace(wide, decimals=20, supply_cap=0)).scale == 10**20 % 2**64
    assert as_stored(replace(wide, decimals=77, supply_cap=0)).scale == 0
    assert revert_of(as_stored, replace(wide, decimals=78)).name == "Panic(0x11)"


@pytest.mark.parametrize(
    ("borrow_wad", "liquidate_wad", "name"),
    [
        (WAD, WAD, "BorrowCFTooLarge"),
        (WAD, WAD + 1, "LiquidateCFTooLarge"),
        (8 * 10**17, 8 * 10**17 + 10**14 - 1, "BorrowCFTooLarge"),  # equal once they are cut
        (8 * 10**17, 8 * 10**17 + 10**14, None),
        (WAD - 10**14, WAD, None),
    ],
)
def test_the_borrow_factor_lies_below_the_other_one(borrow_wad: int, liquidate_wad: int, name: str | None):
    config = replace(
        TERMS[COIN], borrow_collateral_factor_wad=borrow_wad, liquidate_collateral_factor_wad=liquidate_wad
    )

    if name is None:
        assert as_stored(config).liquidate_collateral_factor_wad == liquidate_wad
    else:
        assert revert_of(as_stored, config).name == name


def test_a_rate_per_year_is_cut_to_whole_units_a_second():
    curve = curve_stored(
        kink_wad=9,
        base_per_year_wad=31_535_999,
        slope_low_per_year_wad=63_072_000 + 31_535_999,
        slope_high_per_year_wad=31_536_000 + 1,
    )

    assert curve == RateCurve(
        kink_wad=9, base_rate_per_second_wad=0, slope_low_per_second_wad=2, slope_high_per_second_wad=1
    )


# --- room for collaterals ---


@pytest.mark.parametrize("rules", REVISIONS, ids=lambda rules: rules.revision)
def test_a_version_has_room_for_so_many_collaterals(rules):
    require_room(rules, rules.max_assets)

    assert revert_of(require_room, rules, rules.max_assets + 1).name == "TooManyAssets"
    assert rules_of(rules.revision) is rules


def test_a_version_that_is_not_modelled_is_named_with_those_that_are():
    with pytest.raises(UnknownRevision, match=r"Comet@63e98e5d, Comet, CometWithExtended") as caught:
        rules_of("Comet 2")
    assert (caught.value.revision, caught.value.protocol) == ("Comet 2", "Compound v3")
    assert caught.value.known == tuple(rules.revision for rules in REVISIONS)


def test_the_later_comet_takes_15_collaterals_and_finds_12():
    """Facts speak of 15: the code at d5a30b0 has words for 12, and the limit was left as it was."""
    names = {rules.revision: (rules.max_assets, rules.asset_slots) for rules in REVISIONS}
    assert names == {"Comet@63e98e5d": (15, 15), "Comet": (15, 12), "CometWithExtendedAssetList": (24, 24)}

    stone = empty().assets[STONE]
    many = {i: replace(stone, asset_id=i) for i in range(13)}
    found = {}
    for revision in names:
        state = empty(revision=revision, assets=many)
        found[revision] = [supply(state, OTHER, i, 1, timestamp=NOW) for i in (11, 12, 13)]

    assert [[getattr(one, "name", "") for one in found[name]] for name in names] == [
        ["", "", "BadAsset"],
        ["", "Absurd", "Absurd"],
        ["", "", "BadAsset"],
    ]
    full = empty(revision="Comet", assets={i: many[i] for i in range(12)})
    assert refusal(supply(full, OTHER, 12, 1, timestamp=NOW)) == "BadAsset"  # the search ends before it
    state = empty(revision="Comet", assets=many, accounts={OTHER: Account(principal=-1, collateral={12: 1})})
    prices = {**usd(), **dict.fromkeys(range(13), 10**8)}
    assert refusal(absorbed(state, prices, OTHER)) == "Absurd"
    assert refusal(quote_collateral(state, 12, 1, prices_base=prices)) == "Absurd"
