"""The ratio cap: its line, its snapshots, and what it does to a price when it binds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import MarketPath
from oracles.capo import DAY_S, SECONDS_PER_YEAR, RatioCap, Snapshot
from oracles.composition import seen_in
from oracles.errors import InvalidPartConfig, SnapshotRefused, TimesNotIncreasing
from oracles.reading import Failed, Reading
from oracles.scaling import OnChainRate
from tests.oracles.told import Reverting, Told, answer_of, reading, rounds

# wstETH on Ethereum: scripts/DeployEthereum.s.sol (bgd-labs/aave-capo@2c280ef)
RATIO, TAKEN_AT = 1_157209899495068171, 1708004591
DEPLOYED = Snapshot(set_at=TAKEN_AT + 8 * DAY_S, ratio=RATIO, timestamp=TAKEN_AT, max_yearly_growth_bps=9_68)
LATER = TAKEN_AT + 100 * DAY_S


def capped(ratio, *snapshots, **fields):
    return RatioCap(ratio=Told(ratio, 18), snapshots=snapshots or (DEPLOYED,), **fields)


def test_the_growth_per_second_is_divided_in_the_contracts_order():
    assert DEPLOYED.growth_per_second(1) == 3_552_064_886
    assert DEPLOYED.growth_per_second(10**6) == RATIO * 9_68 * 10**6 // 10_000 // 31_536_000
    assert DEPLOYED.growth_per_second(10**6) // 10**6 == DEPLOYED.growth_per_second(1)


@given(st.integers(10**8, 10**20), st.integers(0, 100_00), st.integers(0, 2 * SECONDS_PER_YEAR))
def test_the_line_is_never_above_the_exact_one_and_at_most_a_unit_a_second_below(
    ratio, growth_bps, elapsed_s
):
    one = Snapshot(set_at=10**9, ratio=ratio, timestamp=10**9 - 8 * DAY_S, max_yearly_growth_bps=growth_bps)
    now = one.timestamp + elapsed_s
    exact = ratio + Fraction(ratio * growth_bps * elapsed_s, 10_000 * SECONDS_PER_YEAR)

    assert 0 <= exact - one.max_ratio_at(now, 1) < elapsed_s + 1
    assert 0 <= exact - one.max_ratio_at(now, 10**6) < Fraction(elapsed_s, 10**6) + 1


def test_a_ratio_under_the_line_passes_and_one_above_is_cut_with_the_cap_as_reason():
    line = capped(1).max_ratio_at(LATER)
    base = Told(3000 * 10**8)

    under = capped(line).over(base).read(LATER)
    above = capped(line + 10**15).over(base).read(LATER)
    assert isinstance(under, Reading)
    assert isinstance(above, Reading)
    assert under.answer == above.answer == 3000 * 10**8 * line // 10**18
    assert (under.reason, above.reason) == ("told", "cap")
    assert not capped(line).over(base).is_capped(LATER)
    assert capped(line + 1).over(base).is_capped(LATER)


def test_falls_of_ratio_and_base_pass_uncapped():
    assert answer_of(capped(9 * 10**17).over(Told(1000 * 10**8)).read(LATER)) == 900 * 10**8


@pytest.mark.parametrize(("base", "ratio"), [(0, RATIO), (-1, RATIO), (10**8, 0), (10**8, -1)])
def test_a_base_or_ratio_of_zero_or_below_gives_zero(base, ratio):
    assert answer_of(capped(ratio).over(Told(base)).read(LATER)) == 0


def test_a_leg_that_reverts_reverts():
    assert capped(RATIO).over(Reverting()).read(LATER) == Failed(name="reverted")
    broken = RatioCap(ratio=Reverting("rate", 18), snapshots=(DEPLOYED,))
    assert broken.over(Told(1)).read(LATER) == Failed(name="rate")
    assert not broken.over(Told(1)).is_capped(LATER)


def test_a_new_snapshot_is_in_force_from_its_block_on():
    update = Snapshot(set_at=LATER, ratio=118 * 10**16, timestamp=LATER - 7 * DAY_S)
    cap = capped(10**19, DEPLOYED, update)

    assert cap.max_ratio_at(LATER - 1) == DEPLOYED.max_ratio_at(LATER - 1, 10**6)
    assert cap.max_ratio_at(LATER) == update.max_ratio_at(LATER, 10**6) > 118 * 10**16


def test_oracle_trap_13_a_cap_that_is_set_too_low_is_a_fall_of_the_price():
    """March 2026 in outline: a ratio raised by 3 % only, with a fresh timestamp, under a market of 1.2282."""
    at = TAKEN_AT + 150 * DAY_S
    first = replace(DEPLOYED, ratio=121 * 10**16)
    low = Snapshot(set_at=at, ratio=RATIO * 103 // 100, timestamp=at - 7 * DAY_S)
    cap = capped(1_228200000000000000, first, low)
    market = 2000 * 10**8 * 12282 // 10000
    seen = seen_in(cap.over(Told(2000 * 10**8)), range(at - 24, at + 36, 12))

    assert [step.timestamp for step in seen.steps][:2] == [at - 24, at]
    before, after = (reading(step.seen) for step in seen.steps[:2])
    assert (before.answer, before.reason) == (market, "told")
    assert after.reason == "cap"
    assert 27_000_000 < (market - after.answer) * 10**9 // market < 29_000_000


def test_oracle_trap_12_the_rate_is_exact_in_every_block_while_the_base_lags():
    rate = OnChainRate(path=MarketPath((0, LATER + 5), (RATIO, RATIO + 10**13)))
    base = rounds((LATER - 3000, 2000 * 10**8))
    source = RatioCap(ratio=rate, snapshots=(DEPLOYED,)).over(base)
    seen = seen_in(source, range(LATER, LATER + 24, 12))

    assert [step.timestamp for step in seen.steps] == [LATER, LATER + 12]
    assert [reading(step.seen).updated_at for step in seen.steps] == [LATER - 3000] * 2


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"ratio": 0}, "SnapshotRatioIsZero"),
        ({"timestamp": LATER - 7 * DAY_S + 1}, "InvalidRatioTimestamp"),
        ({"timestamp": LATER - 180 * DAY_S - 1}, "InvalidRatioTimestamp"),
        ({"timestamp": TAKEN_AT}, "InvalidRatioTimestamp"),
    ],
)
def test_a_snapshot_that_the_contract_would_not_take_is_refused_with_its_index(fields, error):
    good = Snapshot(set_at=LATER, ratio=118 * 10**16, timestamp=LATER - 7 * DAY_S)
    capped(1, DEPLOYED, good)
    with pytest.raises(SnapshotRefused) as refusal:
        capped(1, DEPLOYED, replace(good, **fields))

    assert (refusal.value.index, refusal.value.error) == (1, error)


def test_snapshots_out_of_order_and_caps_without_one_are_refused():
    with pytest.raises(TimesNotIncreasing) as refusal:
        capped(1, DEPLOYED, DEPLOYED)
    assert refusal.value.index == 1
    with pytest.raises(InvalidPartConfig):
        RatioCap(ratio=Told(1, 18), snapshots=())
    with pytest.raises(InvalidPartConfig):
        capped(1).max_ratio_at(DEPLOYED.set_at - 1)


@pytest.mark.parametrize("decimals", [7, 25])
def test_a_ratio_of_wrong_decimals_is_refused(decimals):
    with pytest.raises(InvalidPartConfig):
        RatioCap(ratio=Told(1, decimals), snapshots=(DEPLOYED,))
