"""From a price in an oracle to `getUnderlyingPrice` of a cToken, and the market that has no `underlying()`.

The view of August 2022 looked a market up by `CErc20(cToken).underlying()`. cETH has no such function, so the call
reverted and with it everything that needs a price of ether: borrow, redeem and liquidation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from oracles.errors import InvalidPartConfig
from oracles.reading import Failed, Reading, Source

LookUp = Literal["ctoken", "underlying"]


@dataclass(frozen=True, kw_only=True, slots=True)
class UnderlyingPrice:
    """A price scaled so that amount x price / 10^18 is a value in dollars: 36 decimals less those of the token.

    Mirrors `getUnderlyingPrice` of `contracts/Uniswap/UniswapAnchoredView.sol`: by the cToken at
    compound-finance/open-oracle@0e148fdb0 and smartcontractkit/open-oracle@4c3bf6c5c, by `underlying()` at the
    latter's @43ced36cd.

    Raises:
        InvalidPartConfig: more than 30 decimals.
    """

    token_decimals: int
    """Of the underlying: its base unit is 10 to this."""
    look_up: LookUp = "ctoken"
    """How the market is found. By the cToken: the first view, and the last."""
    has_underlying: bool = True
    """The cToken has the function; false for cETH."""

    def __post_init__(self) -> None:
        if not 0 <= self.token_decimals <= 30:
            raise InvalidPartConfig("UnderlyingPrice", "token_decimals", self.token_decimals, "from 0 to 30")

    def over(self, source: Source) -> Source:
        """The price as the Comptroller reads it."""
        return _Underlying(part=self, source=source, decimals=36 - self.token_decimals)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Underlying:
    part: UnderlyingPrice
    source: Source
    decimals: int

    def read(self, now: int) -> Reading | Failed:
        if self.part.look_up == "underlying" and not self.part.has_underlying:
            return Failed(name="underlying() reverts")
        found = self.source.read(now)
        if isinstance(found, Failed):
            return found
        scale = 10 ** (36 - self.source.decimals)
        return replace(found, answer=scale * found.answer // 10**self.part.token_decimals)
