"""The DAI price of 26 November 2020: the quotes, the position, the block, and wrong figures found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compound_v2 import Liquidated, comptroller_rules_of, ctoken_rules_of
from protocol.units import WAD
from stress.incidents import INCIDENTS, replay_incident
from stress.incidents.compound_dai_2020.line import (
    CONTRACT,
    HALF_CENT,
    Window,
    misses,
    root,
    slope,
    to_cents,
)
from stress.incidents.compound_dai_2020.optimum import NotLiquidatable, largest, plan
from stress.incidents.compound_dai_2020.position import (
    DAI,
    NothingFits,
    index_before,
    interest_factor,
    known,
    published_market,
)
from stress.incidents.compound_dai_2020.record import BLOCK, BORROWER, Logs, Quote, Record, load_record
from stress.incidents.compound_dai_2020.replay import CallRefused, liquidate, liquidity, replay
from stress.incidents.compound_dai_2020.study import Study, checks, study
from stress.incidents.compound_dai_2020.tell import report
from stress.incidents.report import Report

RECORDED_LEVELS = {WAD: (0, 0), 105 * WAD // 100: (0, 0), 11 * WAD // 10: (5, 5_911_680_491)}
RECORDED_LEVELS |= {12 * WAD // 10: (12, 8_470_071_358), 13 * WAD // 10: (14, 9_318_540_505)}
"""By DAI price: how many accounts are short, and what was repaid of them all day [1e-2 USD], as others counted."""


@pytest.fixture(scope="module")
def record() -> Record:
    return load_record()


@pytest.fixture(scope="module")
def done() -> Study:
    return study()


@pytest.fixture(scope="module")
def told(done: Study) -> Report:
    return report(done)


def failing(done: Study) -> list[str]:
    return [check.says for check in checks(done) if not check.holds]


def moved(record: Record, index: int, by: int) -> Record:
    """The record with one quote changed."""
    quotes = list(record.quotes)
    quotes[index] = quotes[index]._replace(liquidity_usd_mantissa=quotes[index].liquidity_usd_mantissa + by)
    return replace(record, quotes=tuple(quotes))


# --- the line ---


def test_the_quotes_leave_nothing_open_of_the_first_18_digits(done: Study):
    assert done.critical.low // 1 == done.critical.high // 1 == 1_090083005770537829
    assert done.critical.high - done.critical.low < Fraction(1, 10**6)
    assert done.slope.low // WAD == done.slope.high // WAD == 11_834_090


def test_quotes_to_the_cent_say_1_09008301_and_hold_the_recorded_one(done: Study):
    low, high = done.critical_of_cents

    assert [f"{float(end / WAD):.8f}" for end in (low, high)] == ["1.09008301"] * 2
    assert low < done.record.recorded_critical_mantissa < high
    assert low < done.critical.low
    assert done.critical.high < high


def test_the_published_digits_leave_a_thousandth_open(done: Study):
    low, high = done.critical_as_published

    assert low < done.critical.low < high
    assert WAD // 1000 < high - low < WAD // 400


def test_every_quote_is_held_against_every_two_others(record: Record):
    assert len(list(misses(record.quotes, CONTRACT))) == 9 * 28


@pytest.mark.parametrize("index", range(9))
def test_a_quote_off_by_ten_units_is_off_the_line(record: Record, index: int):
    assert not all(one.in_bounds for one in misses(moved(record, index, 10).quotes, CONTRACT))


@pytest.mark.parametrize("index", range(9))
def test_a_quote_off_by_ten_cents_is_off_the_line_of_cents(record: Record, index: int):
    cents = to_cents(moved(record, index, WAD // 10).quotes)

    assert not all(one.in_bounds for one in misses(cents, HALF_CENT))


def test_two_quotes_leave_open_what_their_rounding_can_do():
    quotes = (Quote(0, 10), Quote(10, -10))

    assert slope(quotes, Fraction(1)) == (Fraction(18, 10) * WAD, Fraction(22, 10) * WAD)
    assert root(quotes, Fraction(1)) == (Fraction(45, 10), Fraction(55, 10))


@given(
    prices=st.sets(st.integers(0, 10**6), min_size=3, max_size=6),
    fall=st.fractions(1, 50, max_denominator=9),
    crossing=st.fractions(0, 10**6, max_denominator=9),
    rounding=st.integers(0, 40),
    data=st.data(),
)
def test_what_is_left_open_holds_the_line_that_was_rounded(
    prices: set[int], fall: Fraction, crossing: Fraction, rounding: int, data: st.DataObject
):
    quotes = [
        Quote(price, round((crossing - price) * fall) + data.draw(st.integers(-rounding, rounding)))
        for price in prices
    ]
    error = Fraction(rounding) + Fraction(1, 2)

    assert all(one.in_bounds for one in misses(quotes, error))
    assert slope(quotes, error).holds(fall * WAD)
    if quotes_on_both_sides(quotes, error):
        assert root(quotes, error).holds(crossing)


def quotes_on_both_sides(quotes: list[Quote], error: Fraction) -> bool:
    values = [one.liquidity_usd_mantissa for one in quotes]
    return max(values) > error and min(values) < -error


# --- the position ---


def test_the_log_of_the_repayment_has_the_debt_and_the_published_digits_are_right(done: Study):
    assert done.known.debt == 93_219_858_360317074557372497
    assert 108_514_354 * WAD < done.known.collateral.low < done.known.collateral.high < 108_514_355 * WAD


def test_the_collateral_is_as_open_as_the_slope_and_a_unit_of_debt(done: Study):
    open_of_it, open_of_slope = (window.high - window.low for window in (done.known.collateral, done.slope))

    assert open_of_it == (open_of_slope + 1) / Fraction(3, 4)
    assert open_of_it < 30


def test_the_interest_is_one_integer_and_the_index_grows_by_it(record: Record):
    logs, factor = record.logs, interest_factor(record.logs)
    borrows = logs.total_borrows - logs.interest

    assert [f * borrows // WAD == logs.interest for f in range(factor - 1, factor + 2)] == [
        False,
        True,
        False,
    ]
    assert index_before(logs) * (WAD + factor) // WAD == logs.borrow_index_mantissa


def test_it_holds_fewer_ctokens_than_the_bound_on_rounding_counts_with(done: Study):
    assert done.known.market.accounts[BORROWER].positions[DAI].ctokens < WAD


def test_the_quotes_are_rounded_as_g5_rounds_and_not_as_g6(done: Study):
    later = replace(done.known.market, rules=comptroller_rules_of("G6"))

    assert any(
        liquidity(later, quote.price_mantissa) != quote.liquidity_usd_mantissa for quote in done.record.quotes
    )


def test_a_share_for_the_protocol_would_have_left_the_liquidator_less(done: Study):
    cdai = replace(done.known.market.ctokens[DAI], rules=ctoken_rules_of("2.9"))
    newer = replace(done.known.market, ctokens={**done.known.market.ctokens, DAI: cdai})
    called = liquidate(newer, done.record.logs.repaid, done.record.price_mantissa)

    assert isinstance(called, Liquidated)
    assert called.liquidator_seized_ctokens < called.seized_ctokens == done.record.logs.seized_ctokens


def test_a_misread_quote_fits_no_position(record: Record):
    with pytest.raises(NothingFits, match="9 quotes"):
        known(moved(record, 2, 4))


def test_the_position_as_published_is_what_was_printed(done: Study):
    market = published_market(done.record, done.known.market)
    price = done.record.price_mantissa
    by_hand = Fraction(3, 4) * (108_510_000 * Fraction(price, WAD) + 17_880_000)
    by_hand -= 93_220_000 * Fraction(price, WAD) + 506_640

    assert abs(liquidity(market, price) - by_hand * WAD) < WAD // 10**9


# --- the block ---


def test_every_log_of_the_block_is_repeated(done: Study):
    assert done.replayed.differences(done.record.logs) == ()
    assert set(done.replayed.logs) == {field.name for field in fields(Logs)}


@pytest.mark.parametrize("name", ["total_borrows_left", "seized_ctokens", "cash_after", "debt_left"])
def test_a_log_off_by_one_is_named(done: Study, name: str):
    wrong = replace(done.record.logs, **{name: getattr(done.record.logs, name) + 1})

    assert done.replayed.differences(wrong) == (name,)


def test_the_update_of_that_block_is_the_first_that_makes_it_short(done: Study):
    assert done.became_liquidatable == BLOCK
    assert [at.update.price_mantissa for at in done.path if at.liquidity_usd_mantissa < 0] == [
        1_095299 * 10**12,
        1_134249 * 10**12,
        1_238179 * 10**12,
        1_218147 * 10**12,
    ]


def test_before_the_update_the_call_is_refused(record: Record, done: Study):
    early = [one._replace(price_mantissa=108 * WAD // 100) for one in record.oracle]

    with pytest.raises(CallRefused, match="INSUFFICIENT_SHORTFALL"):
        replay(replace(record, oracle=tuple(early)), done.known.market)


# --- two calls ---


def test_the_first_call_and_the_gains_are_those_known(done: Study):
    best = done.optimum

    assert round(best.closed_form / WAD) == 296_610
    assert round(best.two_calls.repaid[0] / WAD) == 296_613  # with the interest of the block
    assert round(best.gain_on_actual / WAD) == 49_265
    assert round(done.published_gain / WAD, -1) == 49_270
    assert round(best.gain_on_single / WAD, -1) == 11_860


def test_the_gain_on_a_single_call_is_the_bonus_of_what_the_first_leaves_uncounted(done: Study):
    """Bonus x (1 - close factor) x first call; the cut of the ratio of cTokens takes less than 1e-9 of all seized."""
    best = done.optimum
    gain = Fraction(8, 100) * Fraction(1, 2) * best.two_calls.repaid[0]

    assert abs(best.gain_on_single - gain) < sum(best.two_calls.seized) // 10**9


def test_more_than_the_close_factor_is_no_plan(done: Study):
    market = done.replayed.met

    with pytest.raises(NotLiquidatable, match="TOO_MUCH_REPAY"):
        plan(market, (largest(market) + 1,), done.record.price_mantissa)


# --- the others ---


def test_what_would_be_short_at_each_price_is_what_others_counted(record: Record):
    found = [one for one in record.borrowers if one.reproduced]
    counted = {
        price: [one.repaid_usd_cents for one in found if one.critical_price_mantissa < price]
        for price in RECORDED_LEVELS
    }

    assert {price: len(cents) for price, cents in counted.items()} == {
        price: n for price, (n, _) in RECORDED_LEVELS.items()
    }
    for price, cents in counted.items():
        assert abs(sum(cents) - RECORDED_LEVELS[price][1]) <= len(cents)  # each is cut to a cent


def test_both_tables_have_the_same_oracle(record: Record):
    path = {one.block_number: one.price_mantissa for one in record.oracle}

    assert all(path[one.block_number] == one.oracle_price_mantissa for one in record.borrowers)


# --- what must hold ---


def wrong_critical(by: int) -> Callable[[Study], Study]:
    def wrong(done: Study) -> Study:
        first, *others = done.record.borrowers
        first = first._replace(critical_price_mantissa=first.critical_price_mantissa + by)
        return with_record(done, borrowers=(first, *others))

    return wrong


def with_record(done: Study, **changes: object) -> Study:
    return replace(done, record=replace(done.record, **changes))


def with_published(done: Study, name: str, amount: int) -> Study:
    published = {**done.record.published}
    published[name] = published[name]._replace(amount=amount)
    return with_record(done, published=published)


def with_a_unit_less(done: Study) -> Study:
    market = done.known.market
    account = market.accounts[BORROWER]
    held = replace(account.positions[DAI], ctokens=account.positions[DAI].ctokens - 1)
    account = replace(account, positions={**account.positions, DAI: held})
    market = replace(market, accounts={**market.accounts, BORROWER: account})
    return replace(done, known=replace(done.known, market=market))


def with_narrow_digits(done: Study) -> Study:
    path = tuple(
        replace(at, lowest_published_usd_mantissa=at.published_usd_mantissa + 10**22) for at in done.path
    )
    return replace(done, path=path)


def with_late_update(done: Study) -> Study:
    return replace(done, path=tuple(at for at in done.path if at.update.block_number != BLOCK))


WRONG: dict[str, Callable[[Study], Study]] = {
    "every quote lies on the line": lambda done: replace(done, record=moved(done.record, 5, 10)),
    "the recorded critical price is the one": wrong_critical(1),
    "within 1e-8 of the recorded": wrong_critical(10**10),
    "round to what was published": lambda done: with_published(done, "debt_dai", 93_230_000),
    "repeats every quote": with_a_unit_less,
    "repeats every log": lambda done: with_record(
        done, logs=replace(done.record.logs, seized_ctokens=done.record.logs.seized_ctokens + 1)
    ),
    "makes the account liquidatable": with_late_update,
    "as published says the same": with_narrow_digits,
    "one cToken unit more heals it": lambda done: replace(
        done, optimum=replace(done.optimum, one_more_leaves_usd_mantissa=1)
    ),
    "are those published": lambda done: with_published(done, "gain_dai", 49_270),
    "two calls earn more": lambda done: replace(
        done, optimum=replace(done.optimum, two_calls=done.optimum.actual)
    ),
    "exactly where that is above": lambda done: with_record(
        done, borrowers=tuple(one._replace(reproduced=True) for one in done.record.borrowers)
    ),
}
"""What each check says, in part, and a wrong figure that it must find."""


def test_all_of_it_holds(done: Study):
    assert failing(done) == []


def test_there_is_a_wrong_figure_for_every_check(done: Study):
    said = [check.says for check in checks(done)]

    assert [sum(part in says for part in WRONG) for says in said] == [1] * len(said)


@pytest.mark.parametrize("part", WRONG)
def test_a_wrong_figure_is_found(done: Study, part: str):
    assert any(part in says for says in failing(WRONG[part](done)))


def test_a_first_call_off_by_a_dai_is_found(done: Study):
    first, second = done.optimum.two_calls.repaid
    off = replace(done.optimum.two_calls, repaid=(first + WAD, second))
    wrong = replace(done, optimum=replace(done.optimum, two_calls=off))

    assert any("leaves the account short" in says for says in failing(wrong))


# --- what is told ---


def test_it_is_known_by_name():
    assert "compound-dai-2020" in INCIDENTS
    assert replay_incident("compound-dai-2020").holds


def test_it_says_that_the_published_split_has_four_digits(told: Report):
    assert any("known to 4 digits only" in sheet.title for sheet in told.sheets)
    assert any("known to 4 digits only" in finding for finding in told.findings)


def test_the_numbers_are_exact_where_they_are_known_exactly(told: Report, done: Study):
    numbers = told.numbers

    assert numbers["critical_price"] == numbers["recorded_critical_price"] == "1.090083005770537829"
    low, high = map(Fraction, numbers["critical_price_interval"])
    assert Window(low, high).holds(done.critical.low / WAD)
    assert Window(low, high).holds(done.critical.high / WAD)
    assert numbers["debt"] == done.known.debt
    assert round(numbers["optimal_first_repay_dai"]) == 296_610
    assert len(numbers["quotes"]) == 9


def test_the_marked_row_is_the_block_of_the_liquidation(told: Report):
    (path,) = (sheet for sheet in told.sheets if sheet.marked is not None)

    assert path.marked is not None
    assert path.rows[path.marked][0] == str(BLOCK)
