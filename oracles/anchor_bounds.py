"""How far a reported price may be from an anchor: the test that Compound's view and Venus' validator share.

It is a test of anchor / reported and so of the reciprocal: a tolerance of 20 % lets a report be 25 % above the anchor
(1 / 0.8) but only 16.7 % below it (1 / 1.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from oracles.errors import InvalidPartConfig

WAD = 10**18
_MAX_UINT256 = 2**256 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchorBounds:
    """Bounds of anchor / reported, both included.

    Mirrors `isWithinAnchor` of `contracts/Uniswap/UniswapAnchoredView.sol` (compound-finance/open-oracle@0e148fdb0)
    and `_isWithinAnchor` of `contracts/oracles/BoundValidator.sol` (VenusProtocol/oracle@00296f9bf).

    Raises:
        InvalidPartConfig: a bound of 0, or an upper one that is not above the lower one.
    """

    upper_ratio_wad: int
    """[wad] highest anchor / reported: how far below the anchor a report may be."""
    lower_ratio_wad: int
    """[wad] lowest anchor / reported: how far above the anchor a report may be."""

    def __post_init__(self) -> None:
        if self.lower_ratio_wad < 1:
            raise InvalidPartConfig("AnchorBounds", "lower_ratio_wad", self.lower_ratio_wad, "at least 1")
        if self.upper_ratio_wad <= self.lower_ratio_wad:
            raise InvalidPartConfig(
                "AnchorBounds", "upper_ratio_wad", self.upper_ratio_wad, f"above {self.lower_ratio_wad}"
            )

    @classmethod
    def of_tolerance(cls, tolerance_wad: int) -> AnchorBounds:
        """1 less and 1 plus a tolerance [wad], kept above 0 and within uint256 as the view's constructor does."""
        return cls(
            upper_ratio_wad=min(WAD + tolerance_wad, _MAX_UINT256),
            lower_ratio_wad=WAD - tolerance_wad if tolerance_wad < WAD else 1,
        )

    def holds(self, reported: int, anchor: int) -> bool:
        """Whether a report passes, both prices on one scale; a report of 0 never does."""
        if reported == 0:
            return False
        return self.lower_ratio_wad <= anchor * WAD // reported <= self.upper_ratio_wad
