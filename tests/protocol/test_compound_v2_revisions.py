"""The two tables of Compound v2's releases: what differs, and that a row is found by its name."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import pytest

from protocol.compound_v2 import (
    COMPTROLLERS,
    CTOKENS,
    account_data,
    borrow,
    comptroller_rules_of,
    ctoken_rules_of,
)
from protocol.compound_v2.reporter import (
    BORROW_WITHOUT_CASH,
    SEIZURE_NOT_CALCULATED,
    ComptrollerError,
    FailureInfo,
    TokenError,
)
from protocol.errors import UnknownRevision
from protocol.fixed_point.mantissa import (
    mantissa_div_doubly_scaled_down,
    mantissa_div_down,
    mantissa_mul_down,
    mantissa_mul_half_up,
)
from protocol.units import MAX_UINT256, WAD
from tests.protocol.compound_v2_markets import (
    BORROWER,
    DOLLAR,
    ETHER,
    NOW,
    PRICES,
    market,
    refusal,
    with_ctoken,
)

NAMED = ("release", "source", "witness")


def changes(rows: tuple[Any, ...]) -> dict[str, set[str]]:
    """Which columns a row has otherwise than the one before it."""
    columns = [field.name for field in fields(rows[0]) if field.name not in NAMED]
    return {
        now.release: {name for name in columns if getattr(now, name) != getattr(before, name)}
        for before, now in pairwise(rows)
    }


def test_the_tables_read_as_a_change_note():
    assert changes(COMPTROLLERS) == {
        "G2": {"enters_on_borrow", "has_guardian"},
        "G3": set(),
        "G4": set(),
        "G5": {"has_borrow_caps"},
        "G6": {"multiply", "fault", "cap_fault", "limits_markets"},
        "G7": set(),
        "2.9": {"has_deprecation"},
        "2022": {"fault", "cap_fault"},
    }
    assert changes(CTOKENS) == {
        "2.2": {"max_borrow_rate_mantissa"},
        "2.3": {"sizes_seizure_first", "counts_received", "late_fault"},
        "2.6": {"accrues_again"},
        "2.9": {"protocol_seize_share_mantissa"},
        "2022": {
            "checks_cash_first", "tokens_of", "refuse", "step_fault", "late_fault", "view_fault", "seize_fault",
            "snapshot_fault",
        },
    }  # fmt: skip


def test_the_numbers_in_the_tables():
    capped = {rules.release: rules.max_borrow_rate_mantissa for rules in CTOKENS}
    shares = {rules.release: rules.protocol_seize_share_mantissa for rules in CTOKENS}

    assert capped == {"2.0": 5 * 10**14} | dict.fromkeys(("2.2", "2.3", "2.6", "2.9", "2022"), 5 * 10**12)
    assert shares == dict.fromkeys(("2.0", "2.2", "2.3", "2.6"), 0) | {
        "2.9": 28 * 10**15,
        "2022": 28 * 10**15,
    }


def test_a_row_is_found_by_its_name_and_says_where_it_was_read():
    for rows, rules_of in ((COMPTROLLERS, comptroller_rules_of), (CTOKENS, ctoken_rules_of)):
        for rules in rows:
            assert rules_of(rules.release) is rules
            assert rules.source.startswith("contracts/C")
            assert rules.source[-8] == "@"
        with pytest.raises(
            UnknownRevision, match=r"Compound v2's (Comptroller|cTokens) revision 'G9'"
        ) as caught:
            rules_of("G9")
        assert caught.value.known == tuple(rules.release for rules in rows)


def test_error_numbers_are_those_that_recorded_transactions_show():
    assert [TokenError(n).name for n in (3, 6, 7, 9, 14)] == [
        "COMPTROLLER_REJECTION", "INVALID_ACCOUNT_PAIR", "INVALID_CLOSE_AMOUNT_REQUESTED", "MATH_ERROR",
        "TOKEN_INSUFFICIENT_CASH",
    ]  # fmt: skip
    assert [FailureInfo(n).name for n in (18, 21, 23)] == [
        "LIQUIDATE_COMPTROLLER_REJECTION", "LIQUIDATE_CLOSE_AMOUNT_IS_ZERO", "LIQUIDATE_LIQUIDATOR_IS_BORROWER",
    ]  # fmt: skip
    assert [ComptrollerError(n).name for n in (3, 13, 17)] == [
        "INSUFFICIENT_SHORTFALL", "PRICE_ERROR", "TOO_MUCH_REPAY",
    ]  # fmt: skip
    assert (len(TokenError), len(FailureInfo), len(ComptrollerError)) == (17, 81, 18)


def test_only_what_the_comptroller_answers_has_a_detail():
    assert str(SEIZURE_NOT_CALCULATED.as_code(13)) == "Failure(4,19,13)"
    assert str(SEIZURE_NOT_CALCULATED.as_code()) == "Failure(4,19,0)"
    assert str(BORROW_WITHOUT_CASH.as_code(13)) == str(BORROW_WITHOUT_CASH.as_code()) == "Failure(14,9,0)"
    assert BORROW_WITHOUT_CASH.as_custom_error().raw == "BorrowCashNotAvailable()"


@pytest.mark.parametrize(
    ("release", "told"),
    [("G5", "MATH_ERROR"), ("G6", "multiplication overflow"), ("2022", "Panic(0x11)")],
)
def test_a_sum_that_overflows_is_told_by_the_comptrollers_release(release: str, told: str):
    state = with_ctoken(
        market(holds={ETHER: 10}, comptroller=release), ETHER, collateral_factor_mantissa=MAX_UINT256
    )
    outcome = borrow(state, BORROWER, DOLLAR, 1, prices_mantissa=PRICES, block_number=NOW)

    assert refusal(outcome)[0] == told
    if release == "G5":
        data = account_data(state, BORROWER, prices_mantissa=PRICES, block_number=NOW)
        assert data.error is ComptrollerError.MATH_ERROR


def test_a_market_keeps_its_comptroller_and_each_of_its_ctokens_a_release():
    state = market(comptroller="G5", release="2.6")
    newer = replace(state, rules=comptroller_rules_of("G6"))

    assert {one.rules.release for one in newer.ctokens.values()} == {"2.6"}


def test_products_and_quotients_of_mantissas():
    assert mantissa_mul_down(WAD - 1, WAD - 1) == WAD - 2
    assert mantissa_mul_half_up(1, WAD // 2) == 1
    assert mantissa_mul_half_up(1, WAD // 2 - 1) == mantissa_mul_down(1, WAD - 1) == 0
    assert mantissa_div_down(7, 3 * WAD) == mantissa_div_doubly_scaled_down(7, 3 * WAD) == 2
