"""Venus' resilient oracle: a main price, a pivot that it is held against, and a fallback.

The decision, in the contract's order:
    paused                                     -> reverts
    the transaction has cached a price         -> that
    main answers, no pivot is set and enabled  -> main, unvalidated
    main answers and holds against the pivot   -> main
    fallback holds against the pivot           -> fallback
    main holds against the fallback            -> main
    anything else                              -> reverts: no borrowing, no liquidation
A pivot that is set but gives no price validates nothing, so that a good main is refused unless the fallback agrees; a
fallback by itself is never enough. Three feeds of different cadence can all disagree in a genuine fall, and then the
oracle stalls just when it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from oracles.bound_validator import BoundValidator
from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source

_NOT_CONFIGURED = BoundValidator(bounds=None)
_REVERTS = Failed(name="invalid resilient oracle price")
_NO_PRICE = 0
"""INVALID_PRICE of the contract."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResilientOracle:
    """The price of one asset from up to three oracles.

    Mirrors `_getPrice`, `_getMainOraclePrice` and `_getFallbackOraclePrice` of `contracts/ResilientOracle.sol`
    (VenusProtocol/oracle@00296f9bf, the same in the published @venusprotocol/oracle 2.16.0). An oracle that reverts
    counts as one without a price; the validator's own reverts pass through.

    Raises:
        InvalidPartConfig: oracles of different decimals, or a cached price below 0.
    """

    main: Source | None
    """None = not set, or disabled. A contract cannot be configured without, but can have it disabled."""
    pivot: Source | None = None
    """None = not set, or disabled: many assets have a main oracle alone."""
    fallback: Source | None = None
    """None = not set, or disabled."""
    validator: BoundValidator = _NOT_CONFIGURED
    """None of its bounds set: as the contract begins, and enough for a main oracle alone."""
    paused: bool = False
    """By its guardian. False: as deployed."""
    cached: int = _NO_PRICE
    """What `updatePrice` has kept for the rest of this transaction, whatever its oracles do since. 0 = nothing."""

    def __post_init__(self) -> None:
        for name in ("pivot", "fallback"):
            other: Source | None = getattr(self, name)
            if other is not None and other.decimals != self.decimals:
                wanted = f"{self.decimals}, as of the first oracle"
                raise InvalidPartConfig("ResilientOracle", f"{name} decimals", other.decimals, wanted)
        if self.cached < 0:
            raise InvalidPartConfig("ResilientOracle", "cached", self.cached, "at least 0")

    @property
    def decimals(self) -> int:
        """Of the oracles: 36 less those of the token in Venus."""
        return next((one.decimals for one in (self.main, self.pivot, self.fallback) if one), 18)

    def cached_at(self, now: int) -> ResilientOracle:
        """The oracle for the rest of a transaction that calls `updatePrice` first, with caching enabled."""
        found = self.read(now)
        return self if isinstance(found, Failed) else replace(self, cached=found.answer)

    def read(self, now: int) -> Reading | Failed:
        """`getPrice`, or its revert. The fallback's price and a cached one say so in their reason."""
        if self.paused:
            return Failed(name="resilient oracle is paused")
        if self.cached != _NO_PRICE:
            return Reading(
                answer=self.cached,
                round_id=0,
                observed_at=now,
                started_at=now,
                updated_at=now,
                reason="cached",
            )
        return self._decided(now)

    def _decided(self, now: int) -> Reading | Failed:
        pivot, main, fallback = (_price(one, now) for one in (self.pivot, self.main, self.fallback))
        candidates = (
            (main, self._holds(main, pivot) if self.pivot is not None else True),
            (fallback and replace(fallback, reason="fallback"), self._holds(fallback, pivot)),
            (main, _gives(main) and self._holds(main, fallback)),
        )
        for price, held in candidates:
            if isinstance(held, Failed):
                return held
            if held and price is not None and _gives(price):
                return price
        return _REVERTS

    def _holds(self, reported: Reading | None, anchor: Reading | None) -> bool | Failed:
        """Whether a price holds against another; neither without an anchor nor without a price."""
        if reported is None or anchor is None or not _gives(anchor):
            return False
        return self.validator.validate(reported.answer, anchor.answer)


def _gives(price: Reading | None) -> bool:
    return price is not None and price.answer != _NO_PRICE


def _price(source: Source | None, now: int) -> Reading | None:
    """What an oracle answers, or None where its call reverts; a price below 0 is no uint256."""
    found = source.read(now) if source is not None else None
    return None if found is None or isinstance(found, Failed) or found.answer < 0 else found
