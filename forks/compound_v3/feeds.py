"""Control of what a Comet's feeds answer: their code is replaced by one that answers what we write.

A Comet reads `latestRoundData`, and the addresses of its feeds are part of its own code: feeds cannot be exchanged,
and collaterals that share one keep sharing it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from forks.chain import Chain
from forks.compound_v3.errors import FeedShared, PriceNotPositive
from forks.compound_v3.listing import Listing
from protocol.compound_v3 import BASE, AssetId

ROUND_FEED = bytes.fromhex("60005460205260a06000f3")
"""Runtime code: return five words, storage slot 0 as the second of them, and 0 else."""


class RoundFeeds:
    """Every feed of a market, taken over on `node`; each keeps its last price until one is set."""

    def __init__(self, node: Chain, listing: Listing, prices_base: Mapping[AssetId, int]) -> None:
        self._node = node
        self._symbols = {BASE: listing.config.base_symbol} | {
            one.asset_id: one.symbol for one in listing.assets
        }
        self._feeds = {BASE: listing.base_price_feed} | {
            one.asset_id: one.price_feed for one in listing.assets
        }
        self._prices_base = dict(prices_base)
        for feed in dict.fromkeys(self._feeds.values()):
            node.set_code(feed, ROUND_FEED)
        self.set_prices(prices_base)

    @property
    def shared(self) -> list[tuple[str, ...]]:
        """The symbols of assets that have one feed together."""
        readers = (self._readers(feed) for feed in dict.fromkeys(self._feeds.values()))
        return [tuple(self._symbols[i] for i in ids) for ids in readers if len(ids) > 1]

    def set_prices(self, prices_base: Mapping[AssetId, int]) -> None:
        """Let the feeds answer these prices [base]. Raises PriceNotPositive, FeedShared; nothing is set then."""
        after = {**self._prices_base, **prices_base}
        changed = dict.fromkeys(self._feeds[i] for i in prices_base)
        for asset_id, price_base in prices_base.items():
            if price_base <= 0:
                raise PriceNotPositive(self._symbols[asset_id], price_base)
        for feed in changed:
            self._require_one_price(feed, after)
        for feed in changed:
            self._node.set_storage(feed, 0, after[self._readers(feed)[0]])
        self._prices_base = after

    def _require_one_price(self, feed: str, prices_base: Mapping[AssetId, int]) -> None:
        told = {self._symbols[i]: prices_base[i] for i in self._readers(feed)}
        if len(set(told.values())) > 1:
            raise FeedShared(feed, told)

    def _readers(self, feed: str) -> list[AssetId]:
        return [i for i, one in self._feeds.items() if one == feed]


def shared_note(symbols: Iterable[str]) -> str:
    """What a reader of the results has to know of a feed that several assets share."""
    return f"{', '.join(symbols)} share one price feed: they move together or not at all"
