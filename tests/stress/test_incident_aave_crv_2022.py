"""The CRV short of 22 November 2022: every call to the unit, and a wrong record, price or bonus found out."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.units import BPS
from stress.incidents import INCIDENTS, UnknownIncident, replay_incident
from stress.incidents.aave_crv_2022 import replay as replay_module
from stress.incidents.aave_crv_2022.bonus import PUBLISHED_BPS, simplest_between
from stress.incidents.aave_crv_2022.prices import (
    BONUS_BPS,
    USDC_PRICE_BASE,
    PriceSegment,
    debt_prices_of,
    price_segments,
)
from stress.incidents.aave_crv_2022.record import CRV_UNIT, USDC_UNIT, Record, load_record
from stress.incidents.aave_crv_2022.replay import replay
from stress.incidents.aave_crv_2022.study import PUBLISHED_RESIDUALS, Study, checks, one_price_each, study
from stress.incidents.aave_crv_2022.tell import report
from stress.incidents.report import Report, clock, tokens

RECORDED_PATH = {
    16025860: (0.648547, 63_605_103),
    16027007: (0.648871, 57_949_024),
    16027023: (0.665497, 52_371_563),
    16027031: (0.658728, 47_515_089),
    16027036: (0.674865, 45_215_279),
    16027041: (0.690335, 44_437_540),
    16027056: (0.705553, 39_633_304),
    16027062: (0.719784, 38_676_900),
    16027072: (0.736286, 37_980_072),
    16027162: (0.755552, 18_880_147),
    16027230: (0.740121, 2_677_593),
    16027236: (0.723452, 1),
}
"""First block at each price: USDC taken per CRV repaid, and collateral before, as others worked them out."""
SAMPLE = (0, 66, 115, 146, 200, 374, 380)
"""Calls across all segments; the last is apart."""


@pytest.fixture(scope="module")
def record() -> Record:
    return load_record()


@pytest.fixture(scope="module")
def segments(record: Record) -> tuple[PriceSegment, ...]:
    return price_segments(record)


@pytest.fixture(scope="module")
def done() -> Study:
    return study()


@pytest.fixture(scope="module")
def told(done: Study) -> Report:
    return report(done)


def with_seized(record: Record, index: int, change: int) -> Record:
    """The record with one call's collateral changed; the total stays, as the last call but one makes up for it."""
    calls = list(record.calls)
    for place, by in ((index, change), (len(calls) - 2, -change)):
        calls[place] = calls[place]._replace(collateral_seized=calls[place].collateral_seized + by)
    return replace(record, calls=tuple(calls))


def failing(done: Study) -> list[str]:
    return [check.says for check in checks(done) if not check.holds]


# --- what the replay shows ---


def test_every_check_holds_and_there_are_seven(done: Study):
    assert len(list(checks(done))) == 7
    assert failing(done) == []


def test_the_numbers_for_a_machine_are_those_of_the_chain(told: Report):
    numbers = dict(told.numbers)

    assert len(numbers["price_segments"]) == 12
    assert {name: numbers[name] for name in list(numbers) if name != "price_segments"} | {
        "replays": None,
        "stopped": None,
        "checks": None,
    } == {
        "calls": 385,
        "calls_explained": 385,
        "debt_repaid": 89_544_317_443_850_891_849_582_027,
        "collateral_seized": 63_605_103_124_042,
        "residual_principal": 2_455_682_556_149_108_150_417_973,
        "residual_band": [2_570_639_040_000_000_000_000_000, 2_656_355_000_000_000_000_000_000],
        "toxic_block": 16027062,
        "calls_after_toxic": 239,
        "bonus_bps": 104_50,
        "replays": None,
        "stopped": None,
        "checks": None,
    }


def test_the_prices_are_those_that_others_worked_out_to_six_digits(
    record: Record, segments: tuple[PriceSegment, ...]
):
    found = {
        record.calls[one.first].block_number: (
            round(float(one.ratio * BONUS_BPS / BPS), 6),
            round(record.held_before(one.first) / USDC_UNIT),
        )
        for one in segments
    }
    found[16027236] = (found[16027236][0], 1)

    assert found == RECORDED_PATH


def test_the_last_two_prices_are_pinned_to_what_a_feed_publishes(segments: tuple[PriceSegment, ...]):
    before, last = segments[-2:]

    assert (last.lowest_debt_price_base, last.highest_debt_price_base) == (615_871_180_000_000,) * 2
    assert before.debt_price_base == 630_061_620_000_000  # seven zeros, of 353 that fit
    assert before.highest_debt_price_base - before.lowest_debt_price_base < 10**3


def test_the_residual_is_the_principal_and_the_interest_at_both_ends_of_the_band(done: Study):
    left = [one.debt_left for one in done.replays.values()]

    assert left[0] == done.record.residual_principal
    assert (left[1], left[-1]) == PUBLISHED_RESIDUALS


def test_no_call_repays_more_than_half_the_debt(done: Study):
    shares = [
        Fraction(call.debt_repaid, step.debt)
        for one in done.replays.values()
        for call, step in zip(done.record.calls, one.steps, strict=True)
    ]

    assert max(shares) <= Fraction(1, 2)
    assert float(max(shares)) == pytest.approx(0.2366, abs=1e-4)


def test_health_rises_with_146_calls_and_falls_with_239(done: Study):
    rises = [
        [step.health_after_wad > step.health_before_wad for step in one.steps]
        for one in done.replays.values()
    ]

    assert all(one == [True] * 146 + [False] * 239 for one in rises)


def test_stopping_there_leaves_no_bad_debt_an_hour_later_nor_when_it_goes_on_with_care(done: Study):
    assert len(done.stops) == len(done.replays)
    for stop in done.stops:
        assert clock(stop.timestamp) == "19:00:00"
        assert stop.price_milli_usd == 593
        assert 0.834 < stop.loan_to_value_ratio < 0.838  # 0.837 as published
        assert (stop.must_leave, stop.resumed.must_leave) == (0, 0)
        assert stop.resumed.calls > 0


# --- a wrong one fails ---


@pytest.mark.parametrize("index", SAMPLE)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_seizure_that_is_one_unit_off_is_found_out(record: Record, index: int, change: int):
    wrong = with_seized(record, index, change)

    assert not one_price_each(wrong, price_segments(wrong))


def test_a_price_one_wei_beyond_those_that_fit_leaves_a_call_unexplained(
    record: Record, segments: tuple[PriceSegment, ...]
):
    for number, one in enumerate(segments):
        for price in (one.lowest_debt_price_base - 1, one.highest_debt_price_base + 1):
            fits = [
                price in debt_prices_of(record, index, BONUS_BPS, USDC_PRICE_BASE)
                for index in range(one.first, one.last + 1)
            ]

            assert not all(fits), (number, price)


def test_the_replay_tells_a_price_one_wei_off(record: Record, segments: tuple[PriceSegment, ...]):
    last = replace(segments[-1], highest_debt_price_base=segments[-1].highest_debt_price_base + 1)
    last = replace(last, lowest_debt_price_base=last.highest_debt_price_base)
    steps = replay(record, [*segments[:-1], last], interest=0).steps

    assert [step.explained for step in steps] == [True] * 384 + [False]


def test_both_ends_of_what_fits_explain_every_call(record: Record, segments: tuple[PriceSegment, ...]):
    for ends in ("lowest_debt_price_base", "highest_debt_price_base"):
        chosen = [
            replace(
                one,
                lowest_debt_price_base=getattr(one, ends),
                highest_debt_price_base=getattr(one, ends),
            )
            for one in segments
        ]

        assert all(step.explained for step in replay(record, chosen, interest=0).steps)


@pytest.mark.parametrize("bonus_bps", [one for one in PUBLISHED_BPS if one != BONUS_BPS])
def test_with_another_bonus_no_integer_price_explains_the_last_call(record: Record, bonus_bps: int):
    last = len(record.calls) - 1

    assert len(debt_prices_of(record, last, BONUS_BPS, USDC_PRICE_BASE)) == 1
    assert len(debt_prices_of(record, last, bonus_bps, USDC_PRICE_BASE)) == 0


@pytest.mark.parametrize(
    ("bonus_bps", "finer"), [(104_00, 10**9), (104_50, 88 * 10**7 + 1), (105_00, 10**9 + 7)]
)
def test_neither_the_bonus_nor_the_unit_of_account_moves_a_segment_or_the_toxic_block(
    record: Record, segments: tuple[PriceSegment, ...], bonus_bps: int, finer: int
):
    others = price_segments(record, bonus_bps=bonus_bps, collateral_price_base=USDC_PRICE_BASE * finer)
    replayed = replay(record, others, interest=0, bonus_bps=bonus_bps)

    assert [(one.first, one.last) for one in others] == [(one.first, one.last) for one in segments]
    assert replayed.first_toxic == 146
    assert all(step.explained for step in replayed.steps)


def test_a_threshold_that_forbids_calls_fails_the_replay(
    record: Record, segments: tuple[PriceSegment, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay_module, "THRESHOLD_BPS", 90_00)

    assert not all(step.explained for step in replay(record, segments, interest=0).steps)


def test_a_record_that_ends_early_fails_the_totals(record: Record):
    short = replace(record, calls=record.calls[:-2])

    assert "the totals are the recorded ones, and what is left is the principal and the interest" in failing(
        study(short)
    )


# --- its parts ---


@given(
    low=st.fractions(min_value=Fraction(1, 50), max_value=50, max_denominator=60),
    width=st.fractions(min_value=0, max_value=1, max_denominator=60),
)
def test_the_simplest_fraction_lies_between_and_none_is_simpler(low: Fraction, width: Fraction):
    high = low + width
    found = simplest_between(low, high)
    simpler = [
        Fraction(-(-low.numerator * d // low.denominator), d)
        for d in range(1, found.denominator)
        if Fraction(-(-low.numerator * d // low.denominator), d) <= high
    ]

    assert low <= found <= high
    assert simpler == []


def test_tokens_are_cut_and_never_rounded_up():
    assert tokens(89_544_317_443_850_891_849_582_027, CRV_UNIT, places=6) == "89,544,317.443850"
    assert tokens(1_375_307, USDC_UNIT) == "1"


def test_the_figure_is_drawn(told: Report, tmp_path: Path):
    (path,) = told.draw(tmp_path)

    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert path.stat().st_size > 20_000


def test_an_unknown_incident_is_refused_with_those_there_are():
    with pytest.raises(UnknownIncident, match="aave-crv-2022"):
        replay_incident("mt-gox")
    assert list(INCIDENTS) == ["aave-crv-2022", "compound-dai-2020"]


def test_the_carried_record_is_the_shared_one(record: Record, shared: Path):
    folder = shared / "mainnet/aave_v2_crv_2022_11"

    def rows(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((folder / name).read_text().splitlines()))

    def seconds(text: str) -> int:
        return int(datetime.fromisoformat(text).timestamp())

    assert [tuple(map(int, call)) for call in record.calls] == [
        (
            int(row["block"]),
            seconds(row["datetime"]),
            int(row["tx_index"]),
            int(row["debt_to_cover_crv_raw"]),
            int(row["liquidated_collateral_usdc_raw"]),
            row["receive_atoken"] == "true",
        )
        for row in rows("liquidations.csv")
    ]
    assert record.borrowed == sum(int(row["amount_crv_raw"]) for row in rows("borrows.csv"))
    assert record.deposited == sum(int(row["amount_usdc_raw"]) for row in rows("usdc_deposits.csv"))
    hours = {seconds(row["open_time_utc"]): row for row in rows("crv_usdt_hourly.csv")}
    assert record.hours == tuple(
        (at, *(int(Fraction(hours[at][name]) * 1000) for name in ("high", "close")))
        for at in (hour.timestamp for hour in record.hours)
    )
