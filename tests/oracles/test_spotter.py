"""The vat's spot and the auction's start: what each reads, when, and how a missing price stops a liquidation."""

from __future__ import annotations

import pytest

from oracles.errors import InvalidPartConfig, ScheduleRunsBackwards
from oracles.osm import Osm, OsmCall, pokes_at
from oracles.reading import Failed
from oracles.spotter import RAY, ClipTop, Spotter, bark
from tests.oracles.step_source import StepSource, answer_of, constant

HOUR, WAD = 3_600, 10**18
FALL = StepSource(((0, 200 * WAD), (2 * HOUR - 30, 120 * WAD)))
MODULE = Osm(calls=pokes_at((HOUR, 2 * HOUR, 3 * HOUR))).over(FALL)


def test_the_spot_is_the_price_over_par_and_mat_each_rounded_down():
    assert Spotter(pokes=()).spot_ray(150 * WAD) == 100 * RAY
    price, par, mat = 123_456_789_012_345_678_901, 1_000_000_000_123_456_789_012_345_678, 17 * 10**26
    spotter = Spotter(pokes=(), par_ray=par, mat_ray=mat)

    assert spotter.spot_ray(price) == (price * 10**9 * RAY // par) * RAY // mat
    assert Spotter(pokes=(), mat_ray=7 * 10**26).spot_ray(1) == 1_428_571_428  # 10^9 / 0.7


def test_oracle_trap_16_the_spot_needs_a_poke_of_its_own_and_is_older_than_the_module():
    spot = Spotter(pokes=(2 * HOUR + 5, 3 * HOUR + 600)).over(MODULE)

    assert answer_of(spot.read(2 * HOUR)) == 0
    assert answer_of(spot.read(2 * HOUR + 5)) == 200 * WAD * 10**9 * 10 // 15
    assert answer_of(MODULE.read(3 * HOUR)) == 120 * WAD
    assert answer_of(spot.read(3 * HOUR + 599)) == 200 * WAD * 10**9 * 10 // 15
    assert answer_of(spot.read(3 * HOUR + 600)) == 80 * RAY
    found = spot.read(3 * HOUR + 700)
    assert not isinstance(found, Failed)
    assert (found.observed_at, found.updated_at, found.round_id) == (2 * HOUR - 30, 3 * HOUR + 600, 2)


def test_a_vault_is_barked_once_the_spot_is_poked_and_its_auction_starts_from_the_module():
    spot = Spotter(pokes=(2 * HOUR + 5, 3 * HOUR + 600)).over(MODULE)
    top = ClipTop().over(MODULE)

    def start(now, art_wad=1_000 * WAD, rate_ray=RAY):
        return answer_of(bark(now, spot=spot, top=top, ink_wad=10 * WAD, art_wad=art_wad, rate_ray=rate_ray))

    # worth 1,333 of safe debt at 200 and 800 at 120
    assert start(3 * HOUR + 599) == "Dog/not-unsafe"
    assert start(3 * HOUR + 600) == 156 * RAY
    assert start(3 * HOUR + 600, art_wad=800 * WAD) == "Dog/not-unsafe"
    assert start(3 * HOUR + 600, art_wad=800 * WAD + 1) == 156 * RAY
    assert start(3 * HOUR + 600, art_wad=800 * WAD, rate_ray=RAY + 1) == 156 * RAY


def test_a_module_without_a_value_stops_bark_through_a_spot_of_0_and_kick_by_itself():
    calls = (*pokes_at((HOUR, 2 * HOUR, 3 * HOUR)), OsmCall(at=3 * HOUR + 100, call="void"))
    module = Osm(calls=calls).over(FALL)
    top = ClipTop().over(module)

    def start(spot):
        return bark(4 * HOUR, spot=spot, top=top, ink_wad=10 * WAD, art_wad=1_000 * WAD)

    unpoked = Spotter(pokes=(3 * HOUR + 5,)).over(module)
    assert start(unpoked) == Failed(name="Clipper/invalid-price")
    poked = Spotter(pokes=(3 * HOUR + 5, 3 * HOUR + 200)).over(module)
    assert answer_of(poked.read(4 * HOUR)) == 0
    assert start(poked) == Failed(name="Dog/not-unsafe")
    assert top.read(4 * HOUR) == Failed(name="Clipper/invalid-price")


def test_an_auction_cannot_start_at_0():
    assert ClipTop(buf_ray=0).over(constant(WAD)).read(0) == Failed(name="Clipper/zero-top-price")
    assert answer_of(ClipTop(par_ray=2 * RAY).over(constant(WAD)).read(0)) == 65 * RAY // 100


def test_bad_spotters_are_refused():
    with pytest.raises(ScheduleRunsBackwards) as order:
        Spotter(pokes=(5, 6, 5))
    assert order.value.index == 2
    for field in ("mat_ray", "par_ray"):
        with pytest.raises(InvalidPartConfig) as refusal:
            Spotter(pokes=(), **{field: 0})
        assert refusal.value.field == field
    with pytest.raises(InvalidPartConfig):
        ClipTop(par_ray=0)
    for part in (Spotter(pokes=()), ClipTop()):
        with pytest.raises(InvalidPartConfig):
            part.over(constant(1, decimals=8))
