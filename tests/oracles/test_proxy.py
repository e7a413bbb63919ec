"""The proxy: numbers that jump with the phase, and an aggregator that is swapped without a word."""

from __future__ import annotations

import pytest

from oracles.composition import seen_in
from oracles.errors import InvalidPartConfig, TimesNotIncreasing
from oracles.proxy import Phase, Proxy
from oracles.reading import Failed
from tests.oracles.told import reading, rounds

OLD = rounds((100, 10), (200, 20), (900, 90))
NEW = rounds((150, 15), (450, 45))
PROXY = Proxy(phases=(Phase(since=0, aggregator=OLD), Phase(since=300, aggregator=NEW)))


def told(found):
    found = reading(found)
    return found.round_id >> 64, found.round_id & (2**64 - 1), found.answer, found.updated_at


def test_oracle_trap_08_round_minus_one_across_a_phase_is_a_round_that_nobody_has():
    first_of_phase = Proxy(
        phases=(Phase(since=0, aggregator=OLD), Phase(since=300, aggregator=rounds((310, 31))))
    )
    latest = reading(first_of_phase.read(320))
    assert told(latest) == (2, 1, 31, 310)

    before = reading(first_of_phase.read_round(latest.round_id - 1, 320))
    assert told(before) == (2, 0, 0, 0)
    assert before.round_id != 0


def test_oracle_trap_25_a_repointed_proxy_shows_the_new_aggregators_last_answer_at_once():
    changes = seen_in(PROXY, range(0, 1000, 50)).changes()

    assert [(step.timestamp, told(step.seen)) for step in changes] == [
        (0, (1, 0, 0, 0)),
        (100, (1, 1, 10, 100)),
        (200, (1, 2, 20, 200)),
        (300, (2, 1, 15, 150)),
        (450, (2, 2, 45, 450)),
    ]


def test_rounds_of_an_earlier_phase_stay_readable_by_their_number():
    assert told(PROXY.read_round((1 << 64) + 2, 500)) == (1, 2, 20, 200)
    assert told(PROXY.read_round((2 << 64) + 1, 500)) == (2, 1, 15, 150)
    assert told(PROXY.read_round((2 << 64) + 2, 449)) == (2, 2, 0, 0)


@pytest.mark.parametrize("phase", [0, 3])
def test_a_round_of_an_unknown_phase_reverts_without_a_word(phase):
    assert PROXY.read_round((phase << 64) + 1, 500) == Failed(name="EmptyRevert")


def test_a_phase_is_unknown_until_it_begins():
    assert PROXY.read_round((2 << 64) + 1, 299) == Failed(name="EmptyRevert")
    assert Proxy(phases=(Phase(since=50, aggregator=OLD),)).read(49) == Failed(name="EmptyRevert")


def test_phases_that_are_none_out_of_order_or_of_other_decimals_are_refused():
    with pytest.raises(InvalidPartConfig):
        Proxy(phases=())
    with pytest.raises(TimesNotIncreasing) as refusal:
        Proxy(phases=(Phase(since=5, aggregator=OLD), Phase(since=5, aggregator=NEW)))
    assert refusal.value.index == 1
    with pytest.raises(InvalidPartConfig):
        Proxy(phases=(Phase(since=5, aggregator=OLD), Phase(since=6, aggregator=rounds((1, 1), decimals=18))))
