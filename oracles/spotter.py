"""Maker's spotter: the price with safety margin that the vat keeps until somebody pokes it again.

A vault is judged by the vat's spot, older than the price module by however long nobody has poked the spotter. An
auction starts from the price module itself. Both are needed to liquidate, so a module without a value stops it
twice over: a poke then writes a spot of 0, at which `bark` reverts, and `kick` reverts as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from oracles.timeline import Timeline, require_in_order

RAY = 10**27
BLN = 10**9
"""From wad to ray."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spotter:
    """The spot of one kind of collateral, with every poke of it.

    Mirrors `poke` of `src/spot.sol` (makerdao/dss@fa4f6630a): rdiv(rdiv(value x 10^9, par), mat), each rounded down.

    Raises:
        InvalidPartConfig: a par or mat of 0.
        ScheduleRunsBackwards: naming the index.
    """

    pokes: tuple[int, ...]
    """Blocks in which `poke` is called [unix seconds]."""
    mat_ray: int = 15 * 10**26
    """[ray] liquidation ratio. 150 %: that of ETH-A in March 2020."""
    par_ray: int = RAY
    """[ray] dollars per dai. 1: the constructor's."""

    def __post_init__(self) -> None:
        require_in_order("pokes", self.pokes)
        for name in ("mat_ray", "par_ray"):
            if getattr(self, name) < 1:
                raise InvalidPartConfig("Spotter", name, getattr(self, name), "above 0")

    def over(self, source: Source) -> VatSpot:
        """The vat's spot over a price module of 18 decimals."""
        return VatSpot(spotter=self, source=source)

    def spot_ray(self, price_wad: int) -> int:
        """The spot that a price makes [ray]."""
        return price_wad * BLN * RAY // self.par_ray * RAY // self.mat_ray


@dataclass(frozen=True, kw_only=True, slots=True)
class VatSpot:
    """`spot` of the vat [ray]: dai that one unit of collateral may back."""

    spotter: Spotter
    source: Source
    decimals: int = 27
    """A ray."""
    _spots: Timeline[Reading] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_wad("Spotter", self.source)
        start = Reading(answer=0, round_id=0, observed_at=0, started_at=0, updated_at=0, reason="none yet")
        changes = tuple((now, self._poked(now, index + 1)) for index, now in enumerate(self.spotter.pokes))
        object.__setattr__(self, "_spots", Timeline(start, changes))

    def read(self, now: int) -> Reading | Failed:
        """0 before the first poke and after one that found no value; `updated_at` is that of the poke."""
        return self._spots.at(now)

    def _poked(self, now: int, round_id: int) -> Reading:
        found = self.source.read(now)
        if isinstance(found, Failed):
            return Reading(
                answer=0,
                round_id=round_id,
                observed_at=now,
                started_at=now,
                updated_at=now,
                reason=found.name,
            )
        answer = self.spotter.spot_ray(found.answer)
        return replace(found, answer=answer, round_id=round_id, started_at=now, updated_at=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipTop:
    """Where an auction starts: the price module as it is read now, times a buffer.

    Mirrors `getFeedPrice` and `kick` of `src/clip.sol` (makerdao/dss@fa4f6630a).

    Raises:
        InvalidPartConfig: a par of 0.
    """

    buf_ray: int = 13 * 10**26
    """[ray] 130 %: that of ETH-A when auctions of this kind began, from memory."""
    par_ray: int = RAY
    """[ray] dollars per dai. 1: the spotter's constructor's."""

    def __post_init__(self) -> None:
        if self.par_ray < 1:
            raise InvalidPartConfig("ClipTop", "par_ray", self.par_ray, "above 0")

    def over(self, source: Source) -> Source:
        """The starting price [ray] over a price module of 18 decimals, or why `kick` reverts."""
        _require_wad("ClipTop", source)
        return _Top(part=self, source=source)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Top:
    part: ClipTop
    source: Source
    decimals: int = 27

    def read(self, now: int) -> Reading | Failed:
        found = self.source.read(now)
        if isinstance(found, Failed):
            return Failed(name="Clipper/invalid-price")
        top = found.answer * BLN * RAY // self.part.par_ray * self.part.buf_ray // RAY
        return replace(found, answer=top) if top else Failed(name="Clipper/zero-top-price")


def bark(
    now: int, *, spot: Source, top: Source, ink_wad: int, art_wad: int, rate_ray: int = RAY
) -> Reading | Failed:
    """The price at which the auction of a vault starts in a block of this time [ray], or why nobody can start it.

    Mirrors the price's part of `bark` in `src/dog.sol` (makerdao/dss@fa4f6630a): limits and dust are not asked.

    Args:
        now: of the block [unix seconds].
        spot: the vat's, which decides whether the vault is unsafe.
        top: the clipper's, from which the auction starts.
        ink_wad: collateral of the vault [wad].
        art_wad: its debt before interest [wad].
        rate_ray: interest [ray]. 1: none yet.
    """
    judged = spot.read(now)
    if isinstance(judged, Failed) or judged.answer <= 0 or ink_wad * judged.answer >= art_wad * rate_ray:
        return Failed(name="Dog/not-unsafe")
    return top.read(now)


def _require_wad(part: str, source: Source) -> None:
    if source.decimals != 18:
        raise InvalidPartConfig(part, "source decimals", source.decimals, "18")
