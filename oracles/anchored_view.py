"""Compound's anchored view, first version: posted prices, kept only where they agree with Uniswap.

Anyone posts prices that a reporter has signed. A post within the bounds of the anchor is stored; one outside leaves
the old price where it is (PriceGuarded), so that the view freezes and does not clamp. The anchor is the average of a
v2 pair from an observation that lies one to two periods back, the longer ago the rarer the posts: the window is a
function of who posts when, and so the schedule of posts is part of the input.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from oracles.anchor_bounds import WAD, AnchorBounds
from oracles.errors import InvalidPartConfig, UnknownSymbol
from oracles.pair_path import PairPath, mean_price_x112
from oracles.reading import Failed, Reading
from oracles.timeline import Timeline, require_in_order

ETH = "ETH"
VIEW_DECIMALS = 6
"""Of every price in the view [USD]."""
LONGEST_LEAD_S = 3600
"""A signed price this far ahead of the block, or farther, is not taken (`OpenOraclePriceData.sol`, 60 minutes)."""
_X112_PER_WAD = 2**112 // WAD
"""What `decode112with18` divides by: 5192296858534827, rounded down, so that means come out a little high."""

Verdict = Literal["updated", "guarded", "invalidated"]
"""Of a post: the report is stored, the old price stays, the anchor is stored since the reporter is invalidated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchoredMarket:
    """One symbol with the pair that anchors it: in USDC for ETH, in ETH for every other."""

    symbol: str
    base_unit: int
    """Units of one whole token."""
    pair: PairPath
    is_reversed: bool = False
    """The token is token1 of its pair. Token0 as `PairPath.of_market` makes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPrice:
    """What the reporter has signed of one symbol."""

    symbol: str
    timestamp: int
    """Of the reporter [unix seconds]; taken only if later than the last one that was taken."""
    price: int
    """[USD, 6 decimals]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """One call of `postPrices`."""

    at: int
    """Of the block [unix seconds]."""
    messages: tuple[SignedPrice, ...]
    symbols: tuple[str, ...]
    """To be compared with their anchors now; messages of others are only kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchoredView:
    """The view with everything that was posted to it.

    Raises:
        InvalidPartConfig, ScheduleRunsBackwards, UnknownSymbol: naming the index.
    """

    markets: tuple[AnchoredMarket, ...]
    """ETH among them: its anchor turns those of others into dollars."""
    posts: tuple[Post, ...]
    deployed_at: int
    """Of the block that takes the first observations [unix seconds]; posts come after it."""
    anchor_period_s: int = 30 * 60
    """An observation older than this gives way to a new one. `configuration/README.md`
    (smartcontractkit/open-oracle@4c3bf6c5c)."""
    tolerance_wad: int = 20 * 10**16
    """[wad] 20 % at launch, read in a public page; 15 % later."""
    reporter_invalidated_at: int | None = None
    """From this block on the anchor is stored whatever is reported [unix seconds]. None = never."""

    def __post_init__(self) -> None:
        known = tuple(market.symbol for market in self.markets)
        require_in_order("posts", [post.at for post in self.posts])
        if ETH not in known:
            raise UnknownSymbol("the anchor of every market", ETH, known)
        for index, post in enumerate(self.posts):
            if post.at <= self.deployed_at:
                wanted = f"after the deployment at {self.deployed_at}"
                raise InvalidPartConfig("AnchoredView", f"posts[{index}].at", post.at, wanted)
            for symbol in post.symbols:
                if symbol not in known:
                    raise UnknownSymbol(f"posts[{index}].symbols", symbol, known)

    def history(self) -> AnchoredHistory:
        """Everything that the posts did, in their order."""
        run = _Run(self)
        return AnchoredHistory(
            outcomes=tuple(outcome for post in self.posts for outcome in run.post(post)),
            symbols=tuple(market.symbol for market in self.markets),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PostOutcome:
    """What a post did to one symbol."""

    at: int
    """[unix seconds]"""
    symbol: str
    verdict: Verdict
    reported: int
    """[USD, 6 decimals] the newest that the reporter has signed, 0 = nothing yet."""
    reported_at: int
    """As signed [unix seconds], 0 = nothing yet."""
    anchor: int
    """[USD, 6 decimals]"""
    window_from: int
    """Where the anchor's average starts [unix seconds]."""
    stored: int
    """[USD, 6 decimals] the price in force afterwards, 0 = none yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchoredHistory:
    """What the view did: a right-continuous step function for every symbol."""

    outcomes: tuple[PostOutcome, ...]
    symbols: tuple[str, ...]

    def source(self, symbol: str) -> StoredPrice:
        """What `price(symbol)` answers over time. Raises UnknownSymbol."""
        if symbol not in self.symbols:
            raise UnknownSymbol("source", symbol, self.symbols)
        return StoredPrice(changes=_stored(one for one in self.outcomes if one.symbol == symbol))


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPrice:
    """The stored price of one symbol, which has no clock: `updatedAt` is ours, of the post that stored it.

    Before the first post that passes, the answer is 0, which Compound takes for no price.
    """

    changes: Timeline[Reading]
    decimals: int = VIEW_DECIMALS
    """Six, as the view has them."""

    def read(self, now: int) -> Reading | Failed:
        """`price` [USD, 6 decimals]."""
        return self.changes.at(now)


@dataclass(frozen=True, slots=True)
class _Observation:
    timestamp: int
    accumulator: int


class _Run:
    """The view's storage as posts change it.

    Mirrors `postPrices`, `pokeWindowValues` and `fetchAnchorPrice` of `contracts/Uniswap/UniswapAnchoredView.sol` and
    `putInternal` of `contracts/OpenOraclePriceData.sol` (compound-finance/open-oracle@0e148fdb0).
    """

    def __init__(self, view: AnchoredView) -> None:
        self.view = view
        self.bounds = AnchorBounds.of_tolerance(view.tolerance_wad)
        self.markets = {market.symbol: market for market in view.markets}
        self.newer = {symbol: _observe(market, view.deployed_at) for symbol, market in self.markets.items()}
        self.older = dict(self.newer)
        self.signed: dict[str, SignedPrice] = {}
        self.stored = dict.fromkeys(self.markets, 0)

    def post(self, post: Post) -> list[PostOutcome]:
        for message in post.messages:
            self.keep(message, post.at)
        eth_price, eth_from = self.anchor(ETH, post.at, WAD)
        outcomes: list[PostOutcome] = []
        for symbol in post.symbols:
            found = (eth_price, eth_from) if symbol == ETH else self.anchor(symbol, post.at, eth_price)
            outcomes.append(self.compare(symbol, post.at, *found))
        return outcomes

    def keep(self, message: SignedPrice, now: int) -> None:
        before = self.signed.get(message.symbol)
        newer = message.timestamp > (before.timestamp if before else 0)
        if newer and message.timestamp < now + LONGEST_LEAD_S:
            self.signed[message.symbol] = message

    def anchor(self, symbol: str, now: int, conversion: int) -> tuple[int, int]:
        """The anchor [USD, 6 decimals] and where its window starts; moves the window where a period has passed."""
        market = self.markets[symbol]
        seen = _observe(market, now)
        if now - self.newer[symbol].timestamp >= self.view.anchor_period_s:
            self.older[symbol], self.newer[symbol] = self.newer[symbol], seen
        start = self.older[symbol]
        mean_x112 = mean_price_x112(start.accumulator, seen.accumulator, now - start.timestamp)
        price = mean_x112 // _X112_PER_WAD * conversion * market.base_unit // WAD // WAD
        return price, start.timestamp

    def compare(self, symbol: str, now: int, anchor: int, window_from: int) -> PostOutcome:
        signed = self.signed.get(symbol, SignedPrice(symbol=symbol, timestamp=0, price=0))
        verdict: Verdict = "guarded"
        invalidated_at = self.view.reporter_invalidated_at
        if invalidated_at is not None and invalidated_at <= now:
            verdict, self.stored[symbol] = "invalidated", anchor
        elif self.bounds.holds(signed.price, anchor):
            verdict, self.stored[symbol] = "updated", signed.price
        return PostOutcome(
            at=now,
            symbol=symbol,
            verdict=verdict,
            reported=signed.price,
            reported_at=signed.timestamp,
            anchor=anchor,
            window_from=window_from,
            stored=self.stored[symbol],
        )


def _observe(market: AnchoredMarket, now: int) -> _Observation:
    return _Observation(now, market.pair.cumulative_at(now)[1 if market.is_reversed else 0])


def _stored(outcomes: Iterable[PostOutcome]) -> Timeline[Reading]:
    """The outcomes that stored a price, as readings."""
    none_yet = Reading(answer=0, round_id=0, observed_at=0, started_at=0, updated_at=0, reason="none yet")
    changes: list[tuple[int, Reading]] = []
    for one in outcomes:
        if one.verdict == "guarded":
            continue
        anchored = one.verdict == "invalidated"
        found = Reading(
            answer=one.stored,
            round_id=len(changes) + 1,
            observed_at=one.at if anchored else one.reported_at,
            started_at=one.at,
            updated_at=one.at,
            reason="anchor" if anchored else "post",
        )
        changes.append((one.at, found))
    return Timeline(none_yet, tuple(changes))
