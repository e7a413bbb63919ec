"""Morpho's oracle of a market: up to four feeds and two vaults, in one multiplication of 512 bits.

`price = SCALE_FACTOR * (base assets * f1 * f2) / (quote assets * f1 * f2)`, rounded down, scaled by 1e36; an
absent feed or vault counts as 1. There is no check of an age. A negative answer reverts; 0 passes, as a price of
0 on the base side and as a division by zero on the quote side.

Mirrors src/morpho-chainlink/MorphoChainlinkOracleV2.sol with ChainlinkDataFeedLib.sol and VaultLib.sol
(morpho-org/morpho-blue-oracles@e32d890).
"""

from __future__ import annotations

from dataclasses import dataclass

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from oracles.scaling import require_at_least
from protocol.errors import EvmRevert
from protocol.fixed_point.full_width import mul_div_wide_down
from protocol.fixed_point.uint256 import mul

PRICE_DECIMALS = 36
"""Morpho's price is scaled by 1e36, in assets of both tokens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vault:
    """An ERC-4626 share that a side is held in."""

    assets: Source
    """`convertToAssets(sample)` [asset units]."""
    sample: int
    """The shares converted: one whole share is usual, more keeps more digits [share units]. Above 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MorphoChainlinkOracleV2:
    """A market's oracle over its first base feed, which is the source.

    Raises:
        InvalidPartConfig: a sample of 0 (`VAULT_CONVERSION_SAMPLE_IS_ZERO`), decimals below 0; at `over`, decimals
            that leave the scale below 1, where the constructor reverts with `Panic(0x11)`.
    """

    base_token_decimals: int
    """Of the collateral."""
    quote_token_decimals: int
    """Of the loan asset."""
    base_feed_2: Source | None = None
    """Second feed of the collateral's side; None = address(0), 1."""
    quote_feed_1: Source | None = None
    """First feed of the loan asset's side; None = address(0), 1."""
    quote_feed_2: Source | None = None
    """Second feed of the loan asset's side; None = address(0), 1."""
    base_vault: Vault | None = None
    """What the collateral is a share of; None = address(0), 1 with a sample of 1."""
    quote_vault: Vault | None = None
    """What the loan asset is a share of; None = address(0), 1 with a sample of 1."""

    def __post_init__(self) -> None:
        require_at_least("MorphoChainlinkOracleV2", "base_token_decimals", self.base_token_decimals, 0)
        require_at_least("MorphoChainlinkOracleV2", "quote_token_decimals", self.quote_token_decimals, 0)
        for field, vault in (("base_vault", self.base_vault), ("quote_vault", self.quote_vault)):
            if vault is not None:
                require_at_least("MorphoChainlinkOracleV2", f"{field}.sample", vault.sample, 1)

    def over(self, source: Source) -> MorphoOracle:
        """The market's price where the source is base feed 1."""
        return self.of(source)

    def of(self, base_feed_1: Source | None) -> MorphoOracle:
        """The market's oracle over a base feed, or over none (the quote side alone prices)."""
        return MorphoOracle(self, base_feed_1, self._scale_factor(base_feed_1))

    def _scale_factor(self, base_feed_1: Source | None) -> int:
        quote = self.quote_token_decimals + _decimals(self.quote_feed_1) + _decimals(self.quote_feed_2)
        base = self.base_token_decimals + _decimals(base_feed_1) + _decimals(self.base_feed_2)
        exponent = PRICE_DECIMALS + quote - base
        require_at_least("MorphoChainlinkOracleV2", "exponent of SCALE_FACTOR", exponent, 0)
        try:
            return mul(10**exponent, _sample(self.quote_vault)) // _sample(self.base_vault)
        except EvmRevert:
            wanted = "small enough for SCALE_FACTOR to fit in uint256"
            raise InvalidPartConfig(
                "MorphoChainlinkOracleV2", "exponent of SCALE_FACTOR", exponent, wanted
            ) from None


@dataclass(frozen=True, slots=True)
class MorphoOracle:
    """`price()` of a deployed oracle."""

    parameters: MorphoChainlinkOracleV2
    base_feed_1: Source | None
    scale_factor: int
    """`SCALE_FACTOR`."""

    @property
    def decimals(self) -> int:
        """36 + loan decimals - collateral decimals: of a price in whole tokens."""
        return PRICE_DECIMALS + self.parameters.quote_token_decimals - self.parameters.base_token_decimals

    def read(self, now: int) -> Reading | Failed:
        """The price [1e36, loan assets per collateral asset]; clocks and reason are those of its oldest feed."""
        legs = [None if source is None else source.read(now) for source in self._sources()]
        for leg in legs:
            if isinstance(leg, Failed):
                return leg
        readings = [leg for leg in legs if isinstance(leg, Reading)]
        feeds = [legs[place] for place in (1, 2, 4, 5)]
        if any(isinstance(feed, Reading) and feed.answer < 0 for feed in feeds):
            return Failed(name="negative answer")
        try:
            answer = self._price(
                [1 if leg is None else leg.answer for leg in legs if not isinstance(leg, Failed)]
            )
        except EvmRevert as revert:
            return Failed(name=revert.name)
        return self._told(now, answer, readings)

    def _sources(self) -> tuple[Source | None, ...]:
        of = self.parameters
        base = (of.base_vault.assets if of.base_vault else None, self.base_feed_1, of.base_feed_2)
        quote = (of.quote_vault.assets if of.quote_vault else None, of.quote_feed_1, of.quote_feed_2)
        return base + quote

    def _price(self, legs: list[int]) -> int:
        base = mul(mul(legs[0], legs[1]), legs[2])
        quote = mul(mul(legs[3], legs[4]), legs[5])
        return mul_div_wide_down(self.scale_factor, base, quote)

    def _told(self, now: int, answer: int, readings: list[Reading]) -> Reading:
        oldest = min(readings, key=lambda one: one.updated_at, default=None)
        latest = max(readings, key=lambda one: one.updated_at, default=None)
        return Reading(
            answer=answer,
            round_id=oldest.round_id if oldest else 0,
            observed_at=min((one.observed_at for one in readings), default=now),
            started_at=oldest.started_at if oldest else now,
            updated_at=oldest.updated_at if oldest else now,
            reason=latest.reason if latest else "constant",
        )


def _decimals(feed: Source | None) -> int:
    return 0 if feed is None else feed.decimals


def _sample(vault: Vault | None) -> int:
    return 1 if vault is None else vault.sample
