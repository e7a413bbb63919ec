"""Venus' decision table, row by row, and the validator under it."""

from __future__ import annotations

from itertools import product

import pytest

from oracles.anchor_bounds import WAD, AnchorBounds
from oracles.bound_validator import BoundValidator
from oracles.errors import InvalidPartConfig
from oracles.reading import Failed
from oracles.resilient import ResilientOracle
from tests.oracles.step_source import StepSource, answer_of, constant

VALIDATOR = BoundValidator(bounds=AnchorBounds(upper_ratio_wad=11 * 10**17, lower_ratio_wad=9 * 10**17))
REVERTS, NO_CONFIG = "invalid resilient oracle price", "validation config not exist"
OFF = -1
PRICES = (OFF, None, 0, 90, 100, 105, 115, 200)


def oracle(
    main: int | None = OFF,
    pivot: int | None = OFF,
    fallback: int | None = OFF,
    validator=VALIDATOR,
    **changes,
):
    """Prices; None = the oracle reverts, OFF = it is not set or disabled."""
    sources = [None if price == OFF else constant(price) for price in (main, pivot, fallback)]
    return ResilientOracle(
        main=sources[0], pivot=sources[1], fallback=sources[2], validator=validator, **changes
    )


TABLE = {
    "main alone is accepted without validation": ((100, OFF, OFF), 100),
    "main without a pivot is accepted whatever the fallback says": ((100, OFF, 500), 100),
    "main that holds against the pivot": ((100, 105, OFF), 100),
    "main that holds is preferred to a fallback that holds": ((100, 105, 104), 100),
    "fallback where main does not hold": ((100, 200, 200), 200),
    "fallback where main reverts": ((None, 200, 201), 201),
    "fallback where main is off": ((OFF, 200, 201), 201),
    "fallback where main answers 0": ((0, 200, 201), 201),
    "main that holds against the fallback alone": ((100, 200, 104), 100),
    "main against the fallback where the pivot reverts": ((100, None, 104), 100),
    "main against the fallback where the pivot answers 0": ((100, 0, 104), 100),
    "a good main is refused under a dead pivot without a fallback": ((100, None, OFF), REVERTS),
    "a good main is refused under a dead pivot and another fallback": ((100, None, 200), REVERTS),
    "a good main is refused under a dead pivot and a dead fallback": ((100, None, None), REVERTS),
    "a fallback is never enough without a pivot": ((None, OFF, 100), REVERTS),
    "a fallback is never enough under a dead pivot": ((None, None, 100), REVERTS),
    "main of 0 without a pivot": ((0, OFF, 100), REVERTS),
    "three that all disagree": ((100, 200, 300), REVERTS),
    "main that does not hold, with a dead fallback": ((100, 200, None), REVERTS),
    "main that does not hold, with a fallback of 0": ((100, 200, 0), REVERTS),
    "the bounds are of the fallback over main": ((100, 200, 90), 100),
    "and not of main over the fallback": ((90, 200, 100), REVERTS),
    "pivot alone": ((OFF, 100, OFF), REVERTS),
    "nothing": ((OFF, OFF, OFF), REVERTS),
}


@pytest.mark.parametrize(("prices", "wanted"), TABLE.values(), ids=TABLE.keys())
def test_the_oracle_decides(prices, wanted):
    assert answer_of(oracle(*prices).read(0)) == wanted


def independent(main, pivot, fallback):
    """The table said once more, from the three pairs that may agree."""

    def agree(one, other):
        alive = all(price not in {OFF, None, 0} for price in (one, other))
        return alive and 9 * one <= 10 * other <= 11 * one

    if (pivot == OFF and main not in {OFF, None, 0}) or agree(main, pivot):
        return main
    if agree(fallback, pivot):
        return fallback
    return main if agree(main, fallback) else REVERTS


@pytest.mark.parametrize("main", PRICES)
def test_the_oracle_decides_for_every_triple_as_the_pairs_agree(main):
    for pivot, fallback in product(PRICES, repeat=2):
        assert answer_of(oracle(main, pivot, fallback).read(0)) == independent(main, pivot, fallback)


def test_a_pause_comes_before_everything():
    assert oracle(100, paused=True, cached=7).read(0) == Failed(name="resilient oracle is paused")


def test_oracle_trap_18_a_transaction_keeps_the_price_it_has_cached_though_its_oracles_move():
    moving = ResilientOracle(main=StepSource(((0, 100), (10, 50))))
    kept = moving.cached_at(9)

    assert [answer_of(one.read(10)) for one in (moving, kept)] == [50, 100]
    found = kept.read(10)
    assert not isinstance(found, Failed)
    assert found.reason == "cached"
    assert oracle(None).cached_at(9).cached == 0


def test_the_fallback_says_so_and_main_keeps_its_own_reason_and_clock():
    fallback = oracle(None, 100, 101).read(7)
    main = oracle(100, None, 104).read(7)

    assert not isinstance(fallback, Failed)
    assert not isinstance(main, Failed)
    assert (fallback.reason, main.reason, main.updated_at) == ("fallback", "step", 0)


@pytest.mark.parametrize(
    ("prices", "wanted"),
    [
        ((100, OFF, OFF), 100),
        ((100, 100, OFF), NO_CONFIG),
        ((0, 100, OFF), NO_CONFIG),
        ((None, 100, 100), NO_CONFIG),
        ((100, None, 100), NO_CONFIG),
        ((0, None, 100), REVERTS),
        ((100, None, None), REVERTS),
    ],
)
def test_an_asset_without_bounds_reverts_at_the_first_validation(prices, wanted):
    assert answer_of(oracle(*prices, validator=BoundValidator(bounds=None)).read(0)) == wanted


def test_a_price_below_0_counts_as_a_revert():
    assert answer_of(oracle(-5, 100, 101).read(0)) == 101


@pytest.mark.parametrize(
    ("reported", "anchor", "wanted"),
    [(100, 110, True), (1000, 1101, False), (100, 90, True), (1000, 899, False), (0, 100, False)],
)
def test_the_validator_includes_both_bounds(reported, anchor, wanted):
    assert VALIDATOR.validate(reported, anchor) is wanted


def test_the_validator_reverts_without_bounds_or_anchor():
    assert BoundValidator(bounds=None).validate(1, 1) == Failed(name=NO_CONFIG)
    assert VALIDATOR.validate(1, 0) == Failed(name="anchor price is not valid")
    assert VALIDATOR.validate(WAD, WAD) is True


def test_oracles_on_unlike_scales_and_a_cached_price_below_0_are_refused():
    with pytest.raises(InvalidPartConfig) as refusal:
        ResilientOracle(main=constant(1), fallback=constant(1, decimals=8))
    assert refusal.value.field == "fallback decimals"
    with pytest.raises(InvalidPartConfig):
        oracle(1, cached=-1)
