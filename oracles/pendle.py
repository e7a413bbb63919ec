"""The price of a principal token (PT) by a linear discount to its maturity: no market in it at all.

Mirrors src/contracts/PendlePriceCapAdapter.sol (bgd-labs/aave-capo@2c280ef), and of
pendle-finance/pendle-core-v2-public contracts/oracles/internal/PendleSparkLinearDiscountOracle.sol (@6d30e08) and
contracts/oracles/StatelessWrapper/PendleLinearDiscountOracleWrapper.sol (@7bc3cc1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from protocol.units import WAD

SECONDS_PER_YEAR = 365 * 86_400
"""`SECONDS_PER_YEAR = 365 days`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearDiscount:
    """Aave's: `price * (1e18 - discount) / 1e18` over the price of the asset that the token pays at maturity.

    Like its contract it has no times; those of the asset's feed are kept. A price of 0 or below gives 0.

    A read so early that the discount passes 100 % is `Panic(0x11)`; the contract refuses to be set so early. Raises
    InvalidPartConfig: a rate of 0 or above the ceiling (`InvalidNewDiscountRatePerYear`).
    """

    maturity: int
    """`MATURITY` [unix seconds]; from then on the token is the asset."""
    discount_per_year_wad: int = 85_200_000_000_000_000
    """`discountRatePerYear` [1e18 = 100 %]. 8.52 %: PT-sUSDe November 2025, scripts/DeployEthereum.s.sol."""
    max_discount_per_year_wad: int = 279_000_000_000_000_000
    """`MAX_DISCOUNT_RATE_PER_YEAR` [1e18 = 100 %], what a risk admin may set at most. 27.9 %: that token's."""

    def __post_init__(self) -> None:
        rate, most = self.discount_per_year_wad, self.max_discount_per_year_wad
        if not 0 < rate <= most:
            wanted = f"above 0, at most {most} (InvalidNewDiscountRatePerYear)"
            raise InvalidPartConfig("LinearDiscount", "discount_per_year_wad", rate, wanted)

    def over(self, source: Source) -> Source:
        """The price of the principal token where the source prices the asset."""
        return _DiscountedSource(source, self)

    def discount_at_wad(self, now: int) -> int:
        """`getCurrentDiscount` [1e18 = 100 %]."""
        return linear_discount_wad(self.maturity, self.discount_per_year_wad, now)


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscountFactorFeed:
    """Pendle's own: the factor alone, as a feed of 18 decimals whose round and times are 0.

    A consumer that checks an age takes it for hopelessly stale; the wrapper says that it was updated in this block,
    and still started at 0. More than 100 % is the revert "discount overflow".

    Raises InvalidPartConfig: a rate below 0 or above 100 % ("invalid discount").
    """

    maturity: int
    """`maturity` [unix seconds]."""
    discount_per_year_wad: int = 10**17
    """`baseDiscountPerYear` [1e18 = 100 %]. 10 %: our choice; each token has its own."""
    wrapped: bool = False
    """Through `PendleLinearDiscountOracleWrapper`: `updatedAt` is the time of the block."""

    def __post_init__(self) -> None:
        if not 0 <= self.discount_per_year_wad <= WAD:
            found = self.discount_per_year_wad
            raise InvalidPartConfig("DiscountFactorFeed", "discount_per_year_wad", found, f"0 to {WAD}")

    @property
    def decimals(self) -> int:
        """18, fixed in the contract."""
        return 18

    def read(self, now: int) -> Reading | Failed:
        """The factor [1e18 = 1] in a block of this time."""
        discount_wad = linear_discount_wad(self.maturity, self.discount_per_year_wad, now)
        if discount_wad > WAD:
            return Failed(name="discount overflow")
        return Reading(
            answer=WAD - discount_wad,
            round_id=0,
            observed_at=now,
            started_at=0,
            updated_at=now if self.wrapped else 0,
            reason="discount",
        )


def linear_discount_wad(maturity: int, discount_per_year_wad: int, now: int) -> int:
    """The discount that is left until maturity, rounded down [1e18 = 100 %]."""
    return max(maturity - now, 0) * discount_per_year_wad // SECONDS_PER_YEAR


@dataclass(frozen=True, slots=True)
class _DiscountedSource:
    source: Source
    part: LinearDiscount

    @property
    def decimals(self) -> int:
        return self.source.decimals

    def read(self, now: int) -> Reading | Failed:
        found = self.source.read(now)
        if isinstance(found, Failed):
            return found
        if found.answer <= 0:
            return replace(found, answer=0)
        kept_wad = WAD - self.part.discount_at_wad(now)
        if kept_wad < 0:
            return Failed(name="Panic(0x11)")
        return replace(found, answer=found.answer * kept_wad // WAD)
