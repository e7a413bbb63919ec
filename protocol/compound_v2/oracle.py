"""What the simple oracle of the repository shows, posted prices by asset, ether apart; and an oracle that reverts.

Mirrors contracts/SimplePriceOracle.sol (compound-finance/compound-protocol@ae4388e and @a3214f6). Deployments use
other oracles; this one is what tests of the contracts, and many forks, run on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from protocol.compound_v2.state import Market, MarketId
from protocol.errors import EvmRevert
from protocol.units import WAD

ETHER_SYMBOL: Final = "cETH"
"""How the oracle tells ether: by the cToken's symbol, not by what it is."""
ETHER_KEY: Final = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"
"""Under which ether's price is posted since 2022."""


def simple_prices(market: Market, posted_mantissa: Mapping[str, int]) -> dict[MarketId, int]:
    """`getUnderlyingPrice` of every cToken up to 2022: cETH is 1, whatever was posted; an asset not posted is 0.

    Prices by address of the asset [mantissa]: two cTokens of one asset have one price.
    """
    return {
        market_id: WAD if ctoken.symbol == ETHER_SYMBOL else posted_mantissa.get(ctoken.underlying, 0)
        for market_id, ctoken in market.ctokens.items()
    }


def simple_prices_2022(market: Market, posted_mantissa: Mapping[str, int]) -> dict[MarketId, int]:
    """The same since 2022: the price of cETH is posted like any other, under `ETHER_KEY`. [mantissa]"""
    return {
        market_id: posted_mantissa.get(ETHER_KEY if ctoken.symbol == ETHER_SYMBOL else ctoken.underlying, 0)
        for market_id, ctoken in market.ctokens.items()
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class RevertingOracle(Mapping[MarketId, int]):
    """Prices of an oracle that reverts when it is asked for some markets, as that of ether did in August 2022.

    Given to any action as its prices: what asks for such a market raises `EvmRevert` in the oracle's words, so that
    the action is a `Revert`; what does not ask goes through.
    """

    prices_mantissa: Mapping[MarketId, int]
    """Of the markets it answers for. [mantissa]"""
    reverting: Mapping[MarketId, EvmRevert]
    """Of the others: what it reverts with."""

    def __getitem__(self, market_id: MarketId) -> int:
        """`getUnderlyingPrice`; raises `EvmRevert`. [mantissa]"""
        if market_id in self.reverting:
            raise self.reverting[market_id]
        return self.prices_mantissa[market_id]

    def __iter__(self) -> Iterator[MarketId]:
        """Every market that it can be asked for."""
        return iter({**self.prices_mantissa, **self.reverting})

    def __len__(self) -> int:
        """How many those are."""
        return len({**self.prices_mantissa, **self.reverting})
