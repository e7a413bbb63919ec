"""What the simple oracle of the protocol's own repository shows: posted prices by asset, ether apart.

Mirrors contracts/SimplePriceOracle.sol (compound-finance/compound-protocol@ae4388e and @a3214f6). Deployments use
other oracles; this one is what tests of the contracts, and many forks, run on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from protocol.compound_v2.state import Market, MarketId
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
