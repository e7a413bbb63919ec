"""Trap 34, and that every trap has its test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from protocol import aave_v2
from protocol.errors import MissingPrice
from tests.protocol.as_v2 import as_v2
from tests.protocol.markets import BORROWER, COIN, DOLLAR, NOW
from tests.protocol.traps import done, done_v2, left, since, trapped

NAMED = re.compile(r"^def (test_trap_(\d\d)_\w+)\(", re.MULTILINE)


def test_trap_34_the_borrowing_bit_of_v2_outlives_a_debt_that_a_liquidation_repaid():
    """Naive: no debt, no bit. Right: it stays on, and the price of what is no longer owed is still asked for."""
    state = trapped("3.0.0", holds={COIN: 12 * 10**11}, owes={DOLLAR: 1})  # half of one unit is one unit
    prices_base = {COIN: 10**8, DOLLAR: 10**8}
    assert aave_v2.account_data(
        as_v2(state), BORROWER, prices_base=prices_base, timestamp=NOW
    ).health_factor_wad == (960_000_000_000_000_000)

    found = done_v2(state, prices_base)
    position = found.market.accounts[BORROWER].positions[DOLLAR]
    assert found.debt_repaid == 1
    assert (position.scaled_variable_debt, position.borrowing) == (0, True)
    data = aave_v2.account_data(found.market, BORROWER, prices_base=prices_base, timestamp=NOW)
    assert (data.total_debt_base, data.health_factor_wad) == (0, 2**256 - 1)
    with pytest.raises(MissingPrice):
        aave_v2.account_data(found.market, BORROWER, prices_base={COIN: 10**8}, timestamp=NOW)

    for revision in since("3.0.0"):
        ended = trapped(revision, holds={COIN: 12 * 10**11}, owes={DOLLAR: 1})
        assert left(done(ended, prices_base), DOLLAR).borrowing is False


def test_every_trap_from_1_to_38_has_just_one_test_of_its_number():
    """A trap about v2, v3, v4, the oracle or an encoding is tested wherever that is."""
    found = [
        (int(number), name)
        for path in sorted(Path(__file__).parents[1].rglob("test_*.py"))
        for name, number in NAMED.findall(path.read_text(encoding="utf-8"))
    ]

    assert sorted(number for number, _ in found) == list(range(1, 39)), sorted(found)
