"""What a protocol makes of a feed: its checks, what it does when they fail, and its own units.

Most lenders look at no age at all: a frozen feed is used for ever. One that reverts on a stale answer blocks
borrowing and liquidation alike. Morpho's oracle is `oracles.morpho_adapter`, Liquity's `oracles.liquity`, Venus'
resilient oracle `oracles.resilient`. Each class names the contract that it mirrors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source
from oracles.scaling import of_this_block, require_at_least

COMET_DECIMALS = 8
"""`PRICE_FEED_DECIMALS`."""
COMPOUND_SCALE = 36
"""`PRICE_SCALE`: decimals of a price per smallest unit, so that amount x price / 1e18 is USD of 18 decimals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AaveOracle:
    """Aave v2 and v3: `latestAnswer`, no time looked at; an answer of 0 or below goes to the fallback oracle.

    A source that reverts is no reason to fall back: the whole read reverts. Without a fallback the call to address(0)
    reverts without a word. In the source's decimals. Mirrors `getAssetPrice`, src/contracts/misc/AaveOracle.sol
    (aave-dao/aave-v3-origin@fd1fbd9); contracts/misc/AaveOracle.sol (aave/protocol-v2@ce53c4a) is the same rule.
    """

    fallback: Source | None = None
    """The fallback oracle, in the source's decimals; None = address(0), as on most markets."""

    def over(self, source: Source) -> Source:
        """The price that the pool reads [source decimals]. Raises InvalidPartConfig: a fallback of other decimals."""
        if self.fallback is not None and self.fallback.decimals != source.decimals:
            wanted = f"{source.decimals}, those of the source"
            raise InvalidPartConfig("AaveOracle", "fallback.decimals", self.fallback.decimals, wanted)
        return _Consumed(source, source.decimals, self._accept)

    def _accept(self, found: Reading, now: int) -> Reading | Failed:
        if found.answer > 0:
            return found
        if self.fallback is None:
            return Failed(name="EmptyRevert")
        instead = self.fallback.read(now)
        return instead if isinstance(instead, Failed) else replace(instead, reason="fallback")


@dataclass(frozen=True, kw_only=True, slots=True)
class CompoundV2Oracle:
    """Compound v2 over Chainlink alone: no time looked at; 0 is told where the answer is 0 or below, or rounds to it.

    The Comptroller takes 0 for PRICE_ERROR, which is what is told here. Mirrors `getUnderlyingPrice`,
    contracts/PriceOracle/PriceOracle.sol (smartcontractkit/open-oracle@4c3bf6c). Raises InvalidPartConfig: decimals
    outside 0 to 30 (`InvalidUnderlyingAssetDecimals`), a fixed price below 0.
    """

    underlying_decimals: int = 18
    """Of the asset; 18 for most tokens, 6 for USDC. At most 30 = `PRICE_SCALE - MIN_PRECISION`."""
    fixed_price: int = 0
    """`fixedPrice` in place of a feed [10**(36 - underlying decimals) = 1 USD]; 0 = none."""

    def __post_init__(self) -> None:
        require_at_least("CompoundV2Oracle", "underlying_decimals", self.underlying_decimals, 0)
        require_at_least("CompoundV2Oracle", "fixed_price", self.fixed_price, 0)
        if self.underlying_decimals > 30:
            wanted = "at most 30 (InvalidUnderlyingAssetDecimals)"
            raise InvalidPartConfig(
                "CompoundV2Oracle", "underlying_decimals", self.underlying_decimals, wanted
            )

    def over(self, source: Source) -> Source:
        """The price that the Comptroller reads [36 - underlying decimals].

        Raises InvalidPartConfig: decimals of source and asset above 72 together (`FormattingDecimalsTooHigh`).
        """
        if source.decimals + self.underlying_decimals > 72:
            wanted = "at most 72 with the asset's (FormattingDecimalsTooHigh)"
            raise InvalidPartConfig("CompoundV2Oracle", "source.decimals", source.decimals, wanted)
        decimals = COMPOUND_SCALE - self.underlying_decimals
        if self.fixed_price:
            return Fixed(price=self.fixed_price, decimals=decimals)
        return _Consumed(source, decimals, lambda found, _now: self._accept(found, source.decimals))

    def _accept(self, found: Reading, source_decimals: int) -> Reading | Failed:
        shift = COMPOUND_SCALE - source_decimals - self.underlying_decimals
        price = max(found.answer, 0) * 10 ** max(shift, 0) // 10 ** max(-shift, 0)
        return replace(found, answer=price) if price else Failed(name="PRICE_ERROR")


@dataclass(frozen=True, kw_only=True, slots=True)
class CometPrice:
    """Compound v3: no time looked at; an answer of 0 or below is the revert BadPrice. 8 decimals.

    Mirrors `getPrice`, contracts/Comet.sol (compound-finance/comet@d5a30b0).
    """

    def over(self, source: Source) -> Source:
        """The price that Comet reads [8 decimals]. Raises InvalidPartConfig: a source of others (`BadDecimals`)."""
        if source.decimals != COMET_DECIMALS:
            raise InvalidPartConfig(
                "CometPrice", "source.decimals", source.decimals, "8 (BadDecimals); put an adapter before"
            )
        return _Consumed(source, COMET_DECIMALS, _positive_or("BadPrice"))


@dataclass(frozen=True, kw_only=True, slots=True)
class VenusChainlinkOracle:
    """Venus over Chainlink: reverts on an answer of 0 or below, from the future, or older than the period; a
    price set by hand comes before all of it and needs no feed.

    Mirrors `getPrice` and `_getChainlinkPrice`, contracts/oracles/ChainlinkOracle.sol (VenusProtocol/oracle@00296f9).
    Raises InvalidPartConfig: decimals outside 0 to 18, a period below 1, a fixed price below 0.
    """

    max_stale_period_s: int
    """`maxStalePeriod` of the asset, itself allowed: set for each asset, usually its heartbeat and some more."""
    token_decimals: int = 18
    """Of the asset; 18 for most tokens of BNB Chain. Above 18 the contract underflows."""
    fixed_price_wad: int = 0
    """`prices[asset]`, set by `setDirectPrice` [1e18 = 1 USD of one whole token]; 0 = none."""

    def __post_init__(self) -> None:
        require_at_least("VenusChainlinkOracle", "max_stale_period_s", self.max_stale_period_s, 1)
        require_at_least("VenusChainlinkOracle", "token_decimals", self.token_decimals, 0)
        require_at_least("VenusChainlinkOracle", "fixed_price_wad", self.fixed_price_wad, 0)
        if self.token_decimals > 18:
            raise InvalidPartConfig(
                "VenusChainlinkOracle", "token_decimals", self.token_decimals, "at most 18"
            )

    def over(self, source: Source) -> Source:
        """The price that the Comptroller reads [36 - token decimals]. Raises InvalidPartConfig: a source above 18."""
        if source.decimals > 18:
            raise InvalidPartConfig("VenusChainlinkOracle", "source.decimals", source.decimals, "at most 18")
        decimals = COMPOUND_SCALE - self.token_decimals
        if self.fixed_price_wad:
            return Fixed(price=self.fixed_price_wad * 10 ** (18 - self.token_decimals), decimals=decimals)
        factor = 10 ** (18 - source.decimals) * 10 ** (18 - self.token_decimals)
        return _Consumed(source, decimals, lambda found, now: self._accept(found, now, factor))

    def _accept(self, found: Reading, now: int, factor: int) -> Reading | Failed:
        if found.answer <= 0:
            return Failed(name="chainlink price must be positive")
        if now < found.updated_at:
            return Failed(name="updatedAt exceeds block time")
        if found.age_at(now) > self.max_stale_period_s:
            return Failed(name="chainlink price expired")
        return replace(found, answer=found.answer * factor)


@dataclass(frozen=True, kw_only=True, slots=True)
class NotOlderThan:
    """A check of age to put into any sentence: what a consumer would be with one. No contract; name and rule are
    ours.

    Raises InvalidPartConfig: an age below 0.
    """

    max_age_s: int
    """The greatest age of `updatedAt` still taken: usually the heartbeat and some more."""
    stands_in: Source | None = None
    """What is read in place of a stale answer, in the source's decimals; None = revert."""

    def __post_init__(self) -> None:
        require_at_least("NotOlderThan", "max_age_s", self.max_age_s, 0)

    def over(self, source: Source) -> Source:
        """The source where it is young enough. Raises InvalidPartConfig: a stand-in of other decimals."""
        if self.stands_in is not None and self.stands_in.decimals != source.decimals:
            wanted = f"{source.decimals}, those of the source"
            raise InvalidPartConfig("NotOlderThan", "stands_in.decimals", self.stands_in.decimals, wanted)
        return _Consumed(source, source.decimals, self._accept)

    def _accept(self, found: Reading, now: int) -> Reading | Failed:
        if found.age_at(now) <= self.max_age_s:
            return found
        return Failed(name="stale") if self.stands_in is None else self.stands_in.read(now)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixed:
    """A price set by hand: the same in every block, whatever the market does."""

    price: int
    """[10**decimals = 1 USD]"""
    decimals: int
    """Of the price."""

    def read(self, now: int) -> Reading | Failed:
        """The price, as round 0 of `now`."""
        return of_this_block(self.price, now, "fixed", round_id=0)


def all_or_none(sources: dict[str, Source], now: int) -> dict[str, Reading] | Failed:
    """The prices of all of an account's assets in one block, or the first failure: one stale leg blocks the
    account.
    """
    seen: dict[str, Reading] = {}
    for asset, source in sources.items():
        found = source.read(now)
        if isinstance(found, Failed):
            return found
        seen[asset] = found
    return seen


def _positive_or(name: str) -> Callable[[Reading, int], Reading | Failed]:
    return lambda found, _now: found if found.answer > 0 else Failed(name=name)


@dataclass(frozen=True, slots=True)
class _Consumed:
    source: Source
    decimals: int
    accept: Callable[[Reading, int], Reading | Failed]

    def read(self, now: int) -> Reading | Failed:
        found = self.source.read(now)
        return found if isinstance(found, Failed) else self.accept(found, now)
