"""The price feed adapters that Compound v3 puts between a feed and Comet: all in int256, truncating toward zero.

Mirrors MultiplicativePriceFeed.sol, ReverseMultiplicativePriceFeed.sol, WstETHPriceFeed.sol,
PriceFeedWith4626Support.sol and RateBasedScalingPriceFeed.sol (contracts/pricefeeds,
compound-finance/comet@d5a30b0); WBTCPriceFeed.sol is `Multiplicative` under another name; ScalingPriceFeed.sol
and ConstantPriceFeed.sol are in `oracles.scaling`. Where an adapter computes in int256, overflow is
`Panic(0x11)`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from oracles.errors import InvalidPartConfig
from oracles.product import ProductSource, require_product_decimals
from oracles.reading import Failed, Reading, Source
from oracles.scaling import of_this_block, require_at_least, rescaled, with_answer
from protocol.errors import EvmRevert
from protocol.fixed_point.int256 import div_int256_toward_zero, mul_int256


@dataclass(frozen=True, kw_only=True, slots=True)
class Multiplicative:
    """`A * B * 10**d / 10**(dA + dB)`: A is the source, B the feed given. Round and times told are B's alone.

    Either leg at or below 0 makes the answer 0, which Comet refuses as BadPrice. Raises InvalidPartConfig
    (BadDecimals).
    """

    feed_b: Source
    """ETH/USD where the source is an LST in ETH; its clock is the one told."""
    decimals: int = 8
    """Of the answer; 8 = `PRICE_FEED_DECIMALS`."""

    def __post_init__(self) -> None:
        require_product_decimals("Multiplicative", self.decimals)

    def over(self, source: Source) -> Source:
        """The product with the source as A."""
        return ProductSource(source, self.feed_b, self.decimals, "second")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReverseMultiplicative:
    """`A * 10**dB * 10**d / B / 10**dA`: A is the source, B the feed it is divided by, whose clock is told.

    Truncates twice, at each division. Raises InvalidPartConfig (BadDecimals).
    """

    feed_b: Source
    """The feed divided by."""
    decimals: int = 8
    """Of the answer; 8 = `PRICE_FEED_DECIMALS`."""

    def __post_init__(self) -> None:
        require_product_decimals("ReverseMultiplicative", self.decimals)

    def over(self, source: Source) -> Source:
        """The quotient with the source as A."""
        return _Quotient(source, self.feed_b, self.decimals)


@dataclass(frozen=True, kw_only=True, slots=True)
class WstEth:
    """`stETH/ETH * 1e18 / tokensPerStEth`, then down to `decimals`: the one adapter that does not look at the sign.

    A rate of 0 is `Panic(0x12)`. Raises InvalidPartConfig where `decimals` exceed the source's (BadDecimals).
    """

    tokens_per_steth: Source
    """wstETH for one stETH [1e18]: below 1 and falling as rewards come in."""
    decimals: int = 8
    """Of the answer; 8 = `PRICE_FEED_DECIMALS`."""

    def over(self, source: Source) -> Source:
        """The price of wstETH where the source is stETH/ETH."""
        require_at_least("WstEth", "decimals", self.decimals, 0)
        if self.decimals > source.decimals:
            wanted = f"at most the source's {source.decimals} (BadDecimals)"
            raise InvalidPartConfig("WstEth", "decimals", self.decimals, wanted)
        return _WstEthSource(source, self.tokens_per_steth, self.decimals)


@dataclass(frozen=True, kw_only=True, slots=True)
class Erc4626:
    """`convertToAssets(10**rd) * P * 10**d / 10**(rd + pd)`: a vault share, its rate exact, its price the source's.

    Round and times are the source's; either at or below 0 makes the answer 0. Raises InvalidPartConfig (BadDecimals).
    """

    rate: Source
    """`convertToAssets` of one whole share; its decimals are taken for the share's, as the contract does."""
    decimals: int = 8
    """Of the answer; 8 = `PRICE_FEED_DECIMALS`."""

    def __post_init__(self) -> None:
        require_product_decimals("Erc4626", self.decimals)

    def over(self, source: Source) -> Source:
        """The price of a share where the source prices the asset in the vault."""
        return ProductSource(self.rate, source, self.decimals, "second")


@dataclass(frozen=True, kw_only=True, slots=True)
class RateScaled:
    """A rate told as if it were a feed: round 1 and the time of this very block, however old the rate is."""

    decimals: int = 8
    """Of the answer; 8 = `PRICE_FEED_DECIMALS`."""

    def __post_init__(self) -> None:
        require_product_decimals("RateScaled", self.decimals)

    def over(self, source: Source) -> Source:
        """The rate in `decimals`."""
        return _RateSource(source, self.decimals)


@dataclass(frozen=True, slots=True)
class _Quotient:
    feed_a: Source
    feed_b: Source
    decimals: int

    def read(self, now: int) -> Reading | Failed:
        a, b = self.feed_a.read(now), self.feed_b.read(now)
        if isinstance(a, Failed):
            return a
        if isinstance(b, Failed):
            return b
        told = replace(b, observed_at=min(a.observed_at, b.observed_at))
        if a.answer <= 0 or b.answer <= 0:
            return replace(told, answer=0)
        return with_answer(told, lambda: self._quotient(a.answer, b.answer))

    def _quotient(self, a: int, b: int) -> int:
        numerator = mul_int256(mul_int256(a, 10**self.feed_b.decimals), 10**self.decimals)
        return div_int256_toward_zero(div_int256_toward_zero(numerator, b), 10**self.feed_a.decimals)


@dataclass(frozen=True, slots=True)
class _WstEthSource:
    steth: Source
    tokens_per_steth: Source
    decimals: int

    def read(self, now: int) -> Reading | Failed:
        steth, rate = self.steth.read(now), self.tokens_per_steth.read(now)
        if isinstance(steth, Failed):
            return steth
        if isinstance(rate, Failed):
            return rate
        return with_answer(steth, lambda: self._price(steth.answer, rate.answer))

    def _price(self, steth: int, tokens_per_steth: int) -> int:
        whole = div_int256_toward_zero(mul_int256(steth, 10**18), tokens_per_steth)
        return rescaled(whole, self.steth.decimals, self.decimals)


@dataclass(frozen=True, slots=True)
class _RateSource:
    rate: Source
    decimals: int

    def read(self, now: int) -> Reading | Failed:
        found = self.rate.read(now)
        if isinstance(found, Failed):
            return found
        try:
            answer = rescaled(found.answer, self.rate.decimals, self.decimals)
        except EvmRevert as revert:
            return Failed(name=revert.name)
        return replace(of_this_block(answer, now, "rate"), observed_at=found.observed_at)
