"""What an Aave v3 market consists of: contracts, reserves in id order, rate strategies, efficiency modes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from eth_abi.exceptions import DecodingError

from forks.aave_v3.getters import Answer, NotAMarket, Question, address_of, ask, ask_each, checksummed
from forks.chain import Chain
from forks.errors import ForkError
from forks.rpc import Rpc
from protocol.aave_v3 import REVISIONS, EModeCategory, RateStrategy, ReserveId, Rules, rules_of
from protocol.aave_v3.state import StableStrategy

_LAST_EMODE = 255
_EMODES_AT_ONCE = 8
_BPS_TO_RAY = 10**23
_UMBRELLA = b"UMBRELLA".ljust(32, b"\0")
_VARIABLE_CURVE = {
    "OPTIMAL_USAGE_RATIO": "optimal_usage_ray",
    "getBaseVariableBorrowRate": "base_variable_rate_ray",
    "getVariableRateSlope1": "variable_slope1_ray",
    "getVariableRateSlope2": "variable_slope2_ray",
}
"""Getters of a strategy up to v3.0.2 and what they tell; later one answer tells the same in this order. [bps]"""
_STABLE_CURVE = {
    "getBaseStableBorrowRate": "base_rate_ray",
    "getStableRateSlope1": "slope1_ray",
    "getStableRateSlope2": "slope2_ray",
    "getStableRateExcessOffset": "excess_offset_ray",
    "OPTIMAL_STABLE_TO_TOTAL_DEBT_RATIO": "optimal_stable_to_total_debt_ray",
}
_DISCOUNT = "getDiscountRateStrategy()"
"""What only the debt token of GHO answers, before v3.4: there holders of another token owe less interest."""


class MixedTreasuries(ForkError):
    """The reserves of a market pay their fees to different accounts, which is not modelled."""

    def __init__(self, treasuries: Collection[str]) -> None:
        self.treasuries = tuple(treasuries)
        super().__init__(f"reserves pay to {len(treasuries)} treasuries {self.treasuries}: read those of one")


class NoSuchReserve(ForkError):
    """Reserves were asked for that the market does not list."""

    def __init__(self, pool: str, missing: Collection[str]) -> None:
        self.pool, self.missing = pool, tuple(missing)
        super().__init__(f"pool {pool} lists no {', '.join(missing)}: leave them out")


class ReserveNotModelled(ForkError):
    """Reserves have a rate strategy or a debt token of their own kind, as GHO before v3.4."""

    def __init__(self, pool: str, symbols: Collection[str]) -> None:
        self.pool, self.symbols = pool, tuple(symbols)
        super().__init__(
            f"{', '.join(symbols)} of pool {pool} has a rate strategy or a debt token that is not modelled: "
            "leave it out"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One reserve: its addresses, checksummed, and its rate strategy."""

    reserve_id: ReserveId
    asset: str
    symbol: str
    atoken: str
    stable_debt_token: str
    """Zero address from v3.2 on."""
    variable_debt_token: str
    strategy: RateStrategy


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A market's contracts, reserves in id order and efficiency modes at the block it was read."""

    rules: Rules
    pool: str
    provider: str
    oracle: str
    sentinel: str | None
    umbrella: str | None
    """Who may eliminate deficits, from v3.3 on."""
    treasury: str
    reserves: tuple[Listed, ...]
    not_modelled: dict[ReserveId, str]
    """Symbols of the reserves left out because their rates or their debt follow other rules."""
    emodes: dict[int, EModeCategory]
    """Without membership up to v3.1: there it is each reserve's own."""

    def read_emodes(
        self, source: Chain | Rpc, emode_ids: Iterable[int], block: int | str = "latest"
    ) -> dict[int, EModeCategory]:
        """The categories `emode_ids` at `block`."""
        return _read_emodes(source, self.pool, self.rules, emode_ids, block)


def since(rules: Rules, revision: str) -> bool:
    """Whether `rules` are those of `revision` or of a later one: decides only which getters exist."""
    names = [known.revision for known in REVISIONS]
    return names.index(rules.revision) >= names.index(revision)


def read_listing(
    source: Chain | Rpc,
    pool: str,
    *,
    reserves: Collection[str] | None = None,
    revision: str | None = None,
    block: int | str = "latest",
) -> Listing:
    """The listing of the market of `pool` at `block`; arguments as of `MarketReader`.

    A reserve that is not modelled is left out unless it is asked for. Raises UnknownRevision, NotAMarket,
    NoSuchReserve, ReserveNotModelled, MixedTreasuries.
    """
    pool = checksummed(pool)
    heads = ("POOL_REVISION()", "ADDRESSES_PROVIDER()", "getReservesList()")
    number, provider, assets = ask(source, [Question(pool, head) for head in heads], block)
    rules = rules_of(revision or number.word)
    oracle, sentinel, umbrella = _registered(source, provider.address, rules, block)
    found = _read_reserves(source, pool, rules, assets.decoded("address[]"), reserves, block)
    listed, treasuries, not_modelled = found
    if not_modelled and (reserves is not None or not listed):
        raise ReserveNotModelled(pool, list(not_modelled.values()))
    if not listed:
        raise NoSuchReserve(pool, ["reserve at all"])
    if len(treasuries) > 1:
        raise MixedTreasuries(treasuries)
    return Listing(
        rules=rules,
        pool=pool,
        provider=provider.address,
        oracle=oracle,
        sentinel=sentinel,
        umbrella=umbrella,
        treasury=treasuries[0],
        reserves=listed,
        not_modelled=not_modelled,
        emodes=_used_emodes(source, pool, rules, block),
    )


def _registered(
    source: Chain | Rpc, provider: str, rules: Rules, block: int | str
) -> tuple[str, str | None, str | None]:
    """Oracle, sentinel and umbrella as the provider knows them, None for what is not there."""
    questions = [Question(provider, "getPriceOracle()")]
    questions += [Question(provider, "getPriceOracleSentinel()")] * rules.has_sentinel
    questions += [Question(provider, "getAddress(bytes32)", (_UMBRELLA,))] * since(rules, "3.3")
    oracle, *rest = ask(source, questions, block)
    found = [answer.address if answer.word else None for answer in rest]
    sentinel = found.pop(0) if rules.has_sentinel else None
    return oracle.address, sentinel, found.pop() if found else None


def _read_reserves(
    source: Chain | Rpc,
    pool: str,
    rules: Rules,
    assets: Iterable[str],
    wanted: Collection[str] | None,
    block: int | str,
) -> tuple[tuple[Listed, ...], list[str], dict[ReserveId, str]]:
    """The wanted reserves in id order, the treasuries their aTokens name, and those that are not modelled."""
    named = [checksummed(asset) for asset in assets]
    symbols = [_symbol(answer) for answer in ask(source, [Question(one, "symbol()") for one in named], block)]
    chosen = _chosen(pool, _distinct(dict(zip(named, symbols, strict=True))), wanted)
    datas = ask(source, [Question(pool, "getReserveData(address)", (one,)) for one in chosen], block)
    details = iter(ask_each(source, _detail_questions(rules, [d.words for d in datas], list(chosen)), block))
    listed: list[Listed] = []
    treasuries: list[str] = []
    not_modelled: dict[ReserveId, str] = {}
    for (asset, symbol), data in zip(chosen.items(), datas, strict=True):
        treasury, strategy = next(details), _strategy(rules, details)
        discounts = None if since(rules, "3.4") else next(details)
        if treasury is None or strategy is None or discounts is not None:
            not_modelled[data.words[7]] = symbol
            continue
        treasuries.append(treasury.address)
        listed.append(
            Listed(
                reserve_id=data.words[7],
                asset=asset,
                symbol=symbol,
                atoken=address_of(data.words[8]),
                stable_debt_token=address_of(data.words[9]),
                variable_debt_token=address_of(data.words[10]),
                strategy=strategy,
            )
        )
    listed.sort(key=lambda one: one.reserve_id)
    return tuple(listed), list(dict.fromkeys(treasuries)), not_modelled


def _distinct(symbols: dict[str, str]) -> dict[str, str]:
    """A symbol that several tokens have gets the head of its address: symbols name reserves everywhere else."""
    count = Counter(symbols.values())
    return {
        asset: symbol if count[symbol] == 1 else f"{symbol}@{asset[:8]}" for asset, symbol in symbols.items()
    }


def _chosen(pool: str, symbols: dict[str, str], wanted: Collection[str] | None) -> dict[str, str]:
    """Asset to symbol of those wanted by address or symbol. Raises NoSuchReserve."""
    if wanted is None:
        return symbols
    keys = {one.lower() if one.startswith("0x") else one for one in wanted}
    known = {asset.lower() for asset in symbols} | set(symbols.values())
    if missing := keys - known:
        raise NoSuchReserve(pool, sorted(missing))
    return {asset: symbol for asset, symbol in symbols.items() if asset.lower() in keys or symbol in keys}


def _detail_questions(rules: Rules, datas: list[tuple[int, ...]], assets: list[str]) -> Iterator[Question]:
    """Treasury, rate strategy (one answer from v3.1 on, nine before) and debt discount of each reserve."""
    for data, asset in zip(datas, assets, strict=True):
        yield Question(address_of(data[8]), "RESERVE_TREASURY_ADDRESS()")
        strategy = address_of(data[11])
        if since(rules, "3.1"):
            yield Question(strategy, "getInterestRateDataBps(address)", (asset,))
        else:
            yield from (Question(strategy, f"{name}()") for name in (*_VARIABLE_CURVE, *_STABLE_CURVE))
        if not since(rules, "3.4"):
            yield Question(address_of(data[10]), _DISCOUNT)


def _strategy(rules: Rules, answers: Iterator[Answer | None]) -> RateStrategy | None:
    """The parameters of the known kind of strategy, None for one of another kind."""
    if since(rules, "3.1"):
        found = next(answers)
        return _curve([word * _BPS_TO_RAY for word in found.words[: len(_VARIABLE_CURVE)]]) if found else None
    each = [next(answers) for _ in (*_VARIABLE_CURVE, *_STABLE_CURVE)]
    words = [answer.word for answer in each if answer]
    if len(words) != len(each):
        return None
    stable = dict(zip(_STABLE_CURVE.values(), words[len(_VARIABLE_CURVE) :], strict=True))
    return replace(_curve(words[: len(_VARIABLE_CURVE)]), stable=StableStrategy(**stable))


def _curve(words: list[int]) -> RateStrategy:
    fields: dict[str, Any] = dict(zip(_VARIABLE_CURVE.values(), words, strict=True))
    return RateStrategy(**fields)


def _used_emodes(source: Chain | Rpc, pool: str, rules: Rules, block: int | str) -> dict[int, EModeCategory]:
    """Categories 1, 2, ... that are configured, up to the first stretch of `_EMODES_AT_ONCE` that are not."""
    found: dict[int, EModeCategory] = {}
    for first in range(1, _LAST_EMODE + 1, _EMODES_AT_ONCE):
        ids = range(first, min(first + _EMODES_AT_ONCE, _LAST_EMODE + 1))
        read = _read_emodes(source, pool, rules, ids, block)
        configured = {emode_id: emode for emode_id, emode in read.items() if emode.liquidation_threshold_bps}
        if not configured:
            break
        found |= configured
    return found


def _read_emodes(
    source: Chain | Rpc, pool: str, rules: Rules, emode_ids: Iterable[int], block: int | str
) -> dict[int, EModeCategory]:
    ids = list(emode_ids)
    names = ["getEModeCategoryData(uint8)"]
    names += ["getEModeCategoryCollateralBitmap(uint8)"] * since(rules, "3.2")
    names += ["getEModeCategoryBorrowableBitmap(uint8)"] * since(rules, "3.2")
    names += ["getEModeCategoryLtvzeroBitmap(uint8)"] * since(rules, "3.6")
    names += ["getIsEModeCategoryIsolated(uint8)"] * since(rules, "3.7")
    answers = iter(ask(source, [Question(pool, name, (one,)) for one in ids for name in names], block))
    emodes: dict[int, EModeCategory] = {}
    for emode_id in ids:
        _, ltv_bps, threshold_bps, bonus_bps, price_source = next(answers).words[:5]
        emodes[emode_id] = EModeCategory(
            emode_id=emode_id,
            ltv_bps=ltv_bps,
            liquidation_threshold_bps=threshold_bps,
            liquidation_bonus_bps=bonus_bps,
            collateral_bitmap=next(answers).word if since(rules, "3.2") else 0,
            borrowable_bitmap=next(answers).word if since(rules, "3.2") else 0,
            ltvzero_bitmap=next(answers).word if since(rules, "3.6") else 0,
            isolated=bool(next(answers).word) if since(rules, "3.7") else False,
            price_source=address_of(price_source) if price_source else "",
        )
    return emodes


def _symbol(answer: Answer) -> str:
    """A token's symbol, which some old tokens answer as 32 bytes."""
    try:
        return str(answer.decoded("string"))
    except DecodingError:
        if len(answer.data) != 32:
            raise NotAMarket(answer.question, "not a token") from None
        return answer.data.rstrip(b"\0").decode(errors="replace")
