"""Venus' validator: whether one oracle's price may stand beside another's."""

from __future__ import annotations

from dataclasses import dataclass

from oracles.anchor_bounds import AnchorBounds
from oracles.reading import Failed


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundValidator:
    """The bounds of one asset, if it has any.

    Mirrors `validatePriceWithAnchorPrice` of `contracts/oracles/BoundValidator.sol` (VenusProtocol/oracle@00296f9bf,
    the same in the published @venusprotocol/oracle 2.16.0).
    """

    bounds: AnchorBounds | None
    """None = nobody has configured the asset, at which every validation reverts."""

    def validate(self, reported: int, anchor: int) -> bool | Failed:
        """Whether a price holds against an anchor, both on one scale, or why the call reverts."""
        if self.bounds is None:
            return Failed(name="validation config not exist")
        if anchor == 0:
            return Failed(name="anchor price is not valid")
        return self.bounds.holds(reported, anchor)
