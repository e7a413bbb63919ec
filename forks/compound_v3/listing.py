"""What of a Comet never changes between two upgrades: its version, its configuration and its collaterals.

No decimals of a token are asked: the contract's constructor holds them against the scales that it answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.exceptions import DecodingError

from forks.aave_v3.getters import Answer, Question, address_of, ask_each, checksummed
from forks.chain import Chain
from forks.compound_v3.errors import NotAComet
from forks.rpc import Rpc
from protocol.compound_v3 import REVISIONS, AssetId, AssetInfo, Config, RateCurve, Rules, Tracking
from protocol.compound_v3.state import BASE_ACCRUAL_SCALE, BASE_INDEX_SCALE
from protocol.units import BASE_PER_USD, WAD

TAKEN_FOR_GRANTED: Final = {
    "baseIndexScale()": BASE_INDEX_SCALE,
    "baseAccrualScale()": BASE_ACCRUAL_SCALE,
    "factorScale()": WAD,
    "priceScale()": BASE_PER_USD,
}
"""Constants of the contract that the rules are written with."""

_RATES = (
    "Kink()",
    "PerSecondInterestRateBase()",
    "PerSecondInterestRateSlopeLow()",
    "PerSecondInterestRateSlopeHigh()",
)
_GETTERS = (
    *TAKEN_FOR_GRANTED,
    "maxAssets()",
    "numAssets()",
    "baseToken()",
    "baseTokenPriceFeed()",
    "baseScale()",
    "baseBorrowMin()",
    "targetReserves()",
    "storeFrontPriceFactor()",
    "trackingIndexScale()",
    "baseTrackingSupplySpeed()",
    "baseTrackingBorrowSpeed()",
    "baseMinForRewards()",
    *(side + rate for side in ("supply", "borrow") for rate in _RATES),
)
"""Each answers one word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One collateral: what the contract says of it, and how its token is called."""

    asset_id: AssetId
    asset: str
    """Checksummed, like every address here."""
    symbol: str
    price_feed: str
    info: AssetInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One Comet as it was made."""

    comet: str
    rules: Rules
    config: Config
    base_price_feed: str
    assets: tuple[Listed, ...]
    """In the order of their offsets."""


def read_listing(source: Chain | Rpc, comet: str, *, block: int | str = "latest") -> Listing:
    """The configuration of the Comet at this address. Raises NotAComet."""
    comet = checksummed(comet)
    answers = _words(source, comet, [Question(comet, name) for name in _GETTERS], 1, block)
    words = {name: word for name, (word,) in zip(_GETTERS, answers, strict=True)}
    rules = _rules(comet, words)
    infos = _asset_infos(source, comet, words["numAssets()"], block)
    base_asset = address_of(words["baseToken()"])
    base_symbol, *symbols = _symbols(
        source, comet, [base_asset, *(address_of(one[1]) for one in infos)], block
    )
    return Listing(
        comet=comet,
        rules=rules,
        config=_config(words, base_asset, base_symbol),
        base_price_feed=address_of(words["baseTokenPriceFeed()"]),
        assets=tuple(_listed(one, symbol) for one, symbol in zip(infos, symbols, strict=True)),
    )


def _rules(comet: str, words: Mapping[str, int]) -> Rules:
    """The newest version that takes as many collaterals and can read back those that there are.

    The two that take 15 count alike: which of them it is shows only where one of them can read no further.
    """
    for name, value in TAKEN_FOR_GRANTED.items():
        if words[name] != value:
            raise NotAComet(comet, f"{name} is {words[name]}, not {value}")
    most, n_assets = words["maxAssets()"], words["numAssets()"]
    fitting = [rules for rules in REVISIONS if rules.max_assets == most and rules.asset_slots >= n_assets]
    if not fitting:
        raise NotAComet(comet, f"it lists {n_assets} collaterals of at most {most}")
    return fitting[-1]


def _asset_infos(source: Chain | Rpc, comet: str, n_assets: int, block: int | str) -> list[tuple[int, ...]]:
    infos = _words(
        source, comet, [Question(comet, "getAssetInfo(uint8)", (i,)) for i in range(n_assets)], 8, block
    )
    offsets = [one[0] for one in infos]
    if offsets != list(range(n_assets)):
        raise NotAComet(comet, f"its collaterals are at offsets {offsets}")
    return infos


def _config(words: Mapping[str, int], base_asset: str, base_symbol: str) -> Config:
    return Config(
        base_asset=base_asset,
        base_symbol=base_symbol,
        base_scale=words["baseScale()"],
        supply_curve=_curve(words, "supply"),
        borrow_curve=_curve(words, "borrow"),
        store_front_price_factor_wad=words["storeFrontPriceFactor()"],
        base_borrow_min=words["baseBorrowMin()"],
        target_reserves=words["targetReserves()"],
        tracking=Tracking(
            index_scale=words["trackingIndexScale()"],
            supply_speed=words["baseTrackingSupplySpeed()"],
            borrow_speed=words["baseTrackingBorrowSpeed()"],
            min_principal=words["baseMinForRewards()"],
        ),
    )


def _curve(words: Mapping[str, int], side: str) -> RateCurve:
    kink, base, low, high = (words[side + rate] for rate in _RATES)
    return RateCurve(
        kink_wad=kink,
        base_rate_per_second_wad=base,
        slope_low_per_second_wad=low,
        slope_high_per_second_wad=high,
    )


def _listed(words: Sequence[int], symbol: str) -> Listed:
    """From the words of `AssetInfo`."""
    offset, asset, price_feed, scale, borrow_wad, liquidate_wad, liquidation_wad, supply_cap = words
    return Listed(
        asset_id=offset,
        asset=address_of(asset),
        symbol=symbol,
        price_feed=address_of(price_feed),
        info=AssetInfo(
            scale=scale,
            borrow_collateral_factor_wad=borrow_wad,
            liquidate_collateral_factor_wad=liquidate_wad,
            liquidation_factor_wad=liquidation_wad,
            supply_cap=supply_cap,
        ),
    )


def _words(
    source: Chain | Rpc, comet: str, questions: Iterable[Question], n_words: int, block: int | str
) -> list[tuple[int, ...]]:
    """Answers of just so many words each. Raises NotAComet."""
    asked = list(questions)
    found: list[tuple[int, ...]] = []
    for question, answer in zip(asked, ask_each(source, asked, block), strict=True):
        if answer is None or len(answer.data) != 32 * n_words:
            raise NotAComet(comet, f"it does not answer {question.signature}")
        found.append(answer.words)
    return found


def _symbols(source: Chain | Rpc, comet: str, tokens: Sequence[str], block: int | str) -> list[str]:
    """Of each token; one that several have gets the head of the address: symbols name assets everywhere else."""
    answers = ask_each(source, [Question(token, "symbol()") for token in tokens], block)
    symbols = [_symbol(comet, token, answer) for token, answer in zip(tokens, answers, strict=True)]
    count = Counter(symbols)
    return [
        symbol if count[symbol] == 1 else f"{symbol}@{token[:8]}"
        for token, symbol in zip(tokens, symbols, strict=True)
    ]


def _symbol(comet: str, token: str, answer: Answer | None) -> str:
    """Some old tokens answer theirs as 32 bytes."""
    if answer is None:
        raise NotAComet(comet, f"its token {token} has no symbol")
    try:
        return str(answer.decoded("string"))
    except DecodingError:
        return answer.data[:32].rstrip(b"\0").decode(errors="replace")
