"""Control of what an Aave oracle sees: the code of its price sources is replaced by a feed that we set.

A real aggregator's storage is its own business and differs from one to the next; a few bytes of code that
answer every question with storage slot 0 are the same everywhere, and `AaveOracle` asks only `latestAnswer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from forks.aave_v3.getters import NotAMarket, Question, ask
from forks.calldata import calldata
from forks.chain import Chain
from forks.errors import ForkError

FIXED_FEED = bytes.fromhex("5f545f5260205ff3")
"""Runtime code: return storage slot 0. Uses PUSH0, which Shanghai brought."""
FIXED_FEED_BEFORE_SHANGHAI = bytes.fromhex("60005460005260206000f3")
"""The same without PUSH0."""

_SOURCES_SLOT = 0
"""Storage slot of `AaveOracle.assetsSources`, in every v3 release."""
_WITHOUT_PUSH0 = {
    *("frontier", "homestead", "dao", "tangerine", "spuriousdragon", "byzantium", "constantinople"),
    *("petersburg", "istanbul", "muirglacier", "berlin", "london", "arrowglacier", "grayglacier", "merge"),
    "paris",
}
"""anvil's names of the hardforks before Shanghai."""


class PriceNotPositive(ForkError):
    """A price of zero or less: the oracle would not read it but fall back or revert."""

    def __init__(self, asset: str, price_base: int) -> None:
        self.asset, self.price_base = asset, price_base
        super().__init__(f"price {price_base} of {asset} is not positive: give at least 1 base currency unit")


class NoPriceSource(ForkError):
    """The oracle has no source for an asset, so there is nothing that could be moved."""

    def __init__(self, oracle: str, asset: str) -> None:
        self.oracle, self.asset = oracle, asset
        super().__init__(f"oracle {oracle} has no source for {asset}: leave the asset out")


class AssetNotControlled(ForkError):
    """A price was to be set for an asset whose source was not taken over."""

    def __init__(self, asset: str) -> None:
        self.asset = asset
        super().__init__(f"the feed of {asset} is not ours: name the asset when taking the feeds over")


class SourceNotMovable(ForkError):
    """An oracle cannot be made to read another source for an asset that shares its own."""

    def __init__(self, oracle: str, asset: str, source: str) -> None:
        self.oracle, self.asset, self.source = oracle, asset, source
        super().__init__(
            f"oracle {oracle} takes no source but {source} for {asset}, which others share: leave it out"
        )


class FeedControl:
    """The price sources of `assets` in `oracle`, taken over on `node`; each keeps its last price.

    An asset whose source others read too gets a feed of its own, so that each price is set alone. Raises
    NoPriceSource, SourceNotMovable. What the oracle answered before it answers still, until a price is set.
    """

    def __init__(self, node: Chain, oracle: str, assets: Iterable[str]) -> None:
        self._node = node
        listed: list[str] = [to_checksum_address(asset) for asset in assets]
        found = dict(zip(listed, _sources(node, oracle, listed), strict=True))
        self.shared: Mapping[str, tuple[str, ...]] = _readers_of_shared(found)
        """Source as found to the assets that read it, for every source that more than one read."""
        apart = {asset: own_feed(asset) for readers in self.shared.values() for asset in readers}
        self.sources: Mapping[str, str] = found | apart
        """Asset to the address of its source now, both checksummed."""
        prices = _prices(node, oracle, listed)
        code = feed_code(node)
        for asset, price_base in zip(listed, prices, strict=True):
            node.set_code(self.sources[asset], code)
            self._write(asset, price_base)
        for asset, source in apart.items():
            _point(node, oracle, asset, source)

    def set_price(self, asset: str, price_base: int) -> None:
        """Let the oracle see `price_base` [base currency] for one whole token of `asset`.

        Raises PriceNotPositive, AssetNotControlled.
        """
        if price_base <= 0:
            raise PriceNotPositive(asset, price_base)
        self._write(to_checksum_address(asset), price_base)

    def _write(self, asset: str, price_base: int) -> None:
        if asset not in self.sources:
            raise AssetNotControlled(asset)
        self._node.set_storage(self.sources[asset], 0, price_base)


def feed_code(node: Chain) -> bytes:
    """Runtime code of the fixed feed for the hardfork that `node` runs."""
    hardfork = str(node.rpc.call("anvil_nodeInfo")["hardFork"]).lower().replace("_", "")
    return FIXED_FEED_BEFORE_SHANGHAI if hardfork in _WITHOUT_PUSH0 else FIXED_FEED


def own_feed(asset: str) -> str:
    """Where the feed of an asset stands that shared its source: an address that nobody has the key of."""
    return to_checksum_address(keccak(text=f"price feed of {to_checksum_address(asset)}")[-20:])


def _readers_of_shared(sources: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    readers: dict[str, tuple[str, ...]] = {}
    for asset, source in sources.items():
        readers[source] = (*readers.get(source, ()), asset)
    return {source: assets for source, assets in readers.items() if len(assets) > 1}


def _point(node: Chain, oracle: str, asset: str, source: str) -> None:
    """Let `oracle` read `source` for `asset`: by its storage, or where that is laid out otherwise, as its admin.

    Raises SourceNotMovable.
    """
    before = _sources(node, oracle, [asset])[0]
    slot = int.from_bytes(keccak(encode(["address", "uint256"], [asset, _SOURCES_SLOT])), "big")
    word = int(node.rpc.call("eth_getStorageAt", oracle, hex(slot), "latest"), 16)
    node.set_storage(oracle, slot, int(source, 16))
    if _sources(node, oracle, [asset]) != [source]:
        node.set_storage(oracle, slot, word)
        with suppress(NotAMarket):
            _point_as_admin(node, oracle, asset, source)
    if _sources(node, oracle, [asset]) != [source]:
        raise SourceNotMovable(oracle, asset, before)


def _point_as_admin(node: Chain, oracle: str, asset: str, source: str) -> None:
    provider = ask(node, [Question(oracle, "ADDRESSES_PROVIDER()")])[0].address
    admin = ask(node, [Question(provider, "getACLAdmin()")])[0].address
    data = calldata("setAssetSources(address[],address[])", [asset], [source])
    node.send({"from": admin, "to": oracle, "data": data})


def _sources(node: Chain, oracle: str, assets: Sequence[str]) -> list[str]:
    answers = ask(node, [Question(oracle, "getSourceOfAsset(address)", (asset,)) for asset in assets])
    for asset, answer in zip(assets, answers, strict=True):
        if not answer.word:
            raise NoPriceSource(oracle, asset)
    return [answer.address for answer in answers]


def _prices(node: Chain, oracle: str, assets: Sequence[str]) -> list[int]:
    """What the oracle answers now; 0 where it refuses, as one whose source has no code or no price does."""
    asked = [
        {"to": oracle, "data": Question(oracle, "getAssetPrice(address)", (asset,)).data} for asset in assets
    ]
    answers = node.rpc.answers([("eth_call", [call, "latest"]) for call in asked])
    return [int(answer.get("result") or "0x0", 16) for answer in answers]
