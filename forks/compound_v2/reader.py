"""Read markets of Compound v2 into `protocol.compound_v2.state`, exactly: by getters, and by storage where none is.

`MarketReader` asks once what never changes, and then reads all that moves: the rate models in force, then everything
in one batch of getters and one of storage words. What no getter tells is which release a contract is of: the caller
says so, and what can be told by its functions is held against that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from eth_utils.crypto import keccak

from forks.aave_v3.getters import Answer, Question, address_of, ask, ask_each, checksummed, rpc_of
from forks.chain import Chain
from forks.errors import ForkError
from forks.rpc import Rpc
from protocol.compound_v2 import (
    Account,
    ComptrollerRules,
    CToken,
    CTokenConfig,
    CTokenRules,
    Market,
    MarketId,
    Position,
    RateModel,
    TransferFee,
    User,
    comptroller_rules_of,
    ctoken_rules_of,
)
from protocol.units import MAX_UINT256

_FIRST_RELEASE = "2.0"
INITIAL_EXCHANGE_RATE_SLOT, ACCOUNT_BORROWS_SLOT = 7, 16
"""Of a cToken; the second is a mapping from a borrower to principal and index. In release 2.0 each is one further."""

_OF_POOL = ("closeFactorMantissa()", "liquidationIncentiveMantissa()", "maxAssets()")
_OF_CTOKEN = {
    "cash_underlying": "getCash()",
    "total_borrows_underlying": "totalBorrows()",
    "total_reserves_underlying": "totalReserves()",
    "total_supply_ctokens": "totalSupply()",
    "borrow_index_mantissa": "borrowIndex()",
    "accrual_block_number": "accrualBlockNumber()",
}
"""Field of the model to the getter whose word it is; so are the ones below."""
_OF_LINE = {
    "base_rate_per_block_mantissa": "baseRatePerBlock()",
    "multiplier_per_block_mantissa": "multiplierPerBlock()",
}
_OF_CURVE = {
    **_OF_LINE,
    "jump_multiplier_per_block_mantissa": "jumpMultiplierPerBlock()",
    "kink_mantissa": "kink()",
    "dsr_per_block_mantissa": "dsrPerBlock()",
}
"""All that a model can have; what it lacks tells which it is."""
_FEES = (("basisPointsRate()", "maximumFee()"), ("basisPointFee()",))
"""How tokens tell what they keep of a transfer: USDT, which caps it, and the FeeToken that tests use."""


class UnknownRateModel(ForkError):
    """A market's rate model is none that the rules know."""

    def __init__(self, ctoken: str, rate_model: str) -> None:
        self.ctoken, self.rate_model = ctoken, rate_model
        super().__init__(
            f"{rate_model}, the rate model of {ctoken}, tells no rates per block: choose a block at which another "
            "is in force, or leave the market out"
        )


class WrongRelease(ForkError):
    """A contract does not have the functions of the release that it is said to be."""

    def __init__(self, address: str, release: str, what: str) -> None:
        self.address, self.release, self.what = address, release, what
        super().__init__(f"{address} is not of release {release} ({what}): name the release that it is of")


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedMarket:
    """What never changes of a market; addresses checksummed."""

    market_id: MarketId
    """Its place among the cTokens."""
    ctoken: str
    underlying: str
    """Empty for ether."""
    symbol: str
    """Of the cToken."""
    underlying_symbol: str
    underlying_decimals: int
    initial_exchange_rate_mantissa: int
    rules: CTokenRules
    account_borrows_slot: int
    fee_getters: tuple[str, ...]
    """How the underlying tells what it keeps of a transfer, if it can."""


class MarketReader:
    """Reads the markets of one Comptroller again and again. source: a chain or any endpoint.

    ctokens: which, in what order; None: as `getAllMarkets` says, which G1 and G2 lack. release: of the Comptroller;
    ctoken_releases: of those cTokens that are not of 2.9, by address. Of rate models of 2019 and later only what is
    told per block is read, and their reverts are taken to be in SafeMath's words. Raises NotAMarket, WrongRelease,
    UnknownRevision; UnknownRateModel at the first reading.
    """

    def __init__(
        self,
        source: Chain | Rpc,
        comptroller: str,
        *,
        ctokens: Sequence[str] | None = None,
        release: str = "2.9",
        ctoken_releases: Mapping[str, str] | None = None,
    ) -> None:
        self._source = source
        self.comptroller, self.rules = checksummed(comptroller), comptroller_rules_of(release)
        releases = {checksummed(one): name for one, name in (ctoken_releases or {}).items()}
        asked = _all_markets(source, self.comptroller) if ctokens is None else map(checksummed, ctokens)
        self.listed = tuple(
            _listed(source, market_id, ctoken, ctoken_rules_of(releases.get(ctoken, "2.9")))
            for market_id, ctoken in enumerate(asked)
        )
        _check_release(source, self.comptroller, self.rules, self.listed)
        self._ids = {one.ctoken: one.market_id for one in self.listed}
        self._curves: dict[str, tuple[str, ...]] = {}
        """Rate model to the fields it has."""
        self._static_questions = [*self._questions_of_pool(), *self._questions_of_ctokens()]
        self._model_questions = [Question(one.ctoken, "interestRateModel()") for one in self.listed]

    def market(self, users: Iterable[User] = ()) -> Market:
        """All markets at `latest` with the accounts of `users`, keys checksummed; who has nothing has no account.

        Raises NotAMarket, UnknownRateModel.
        """
        named = list(dict.fromkeys(checksummed(user) for user in users))
        models = [answer.address for answer in ask(self._source, self._model_questions)]
        of_curves = [
            question for model in self._known(models) for question in self._questions_of_curve(model)
        ]
        of_accounts = [question for user in named for question in self._questions_of_account(user)]
        answers = iter(ask(self._source, [*self._static_questions, *of_curves, *of_accounts]))
        words = iter(self._loans(named))
        close_factor, incentive, max_assets = (one.word for one in islice(answers, len(_OF_POOL)))
        seize_paused = self.rules.has_guardian and bool(next(answers).word)
        stored = [self._stored(one, answers) for one in self.listed]
        curves = [self._curve(model, answers) for model in models]
        ctokens = {
            one.market_id: self._ctoken(one, numbers, curve)
            for one, numbers, curve in zip(self.listed, stored, curves, strict=True)
        }
        accounts = {user: self._account(answers, words) for user in named}
        return Market(
            rules=self.rules,
            close_factor_mantissa=close_factor,
            liquidation_incentive_mantissa=incentive,
            ctokens=ctokens,
            accounts={user: account for user, account in accounts.items() if account != Account()},
            max_assets=max_assets,
            seize_paused=seize_paused,
        )

    def prices(self) -> dict[MarketId, int]:
        """What the Comptroller's oracle answers for each market. [mantissa]"""
        oracle = ask(self._source, [Question(self.comptroller, "oracle()")])[0].address
        questions = [Question(oracle, "getUnderlyingPrice(address)", (one.ctoken,)) for one in self.listed]
        return {id_: one.word for id_, one in enumerate(ask(self._source, questions))}

    # --- what is asked ---

    def _questions_of_pool(self) -> Iterator[Question]:
        yield from (Question(self.comptroller, getter) for getter in _OF_POOL)
        if self.rules.has_guardian:
            yield Question(self.comptroller, "seizeGuardianPaused()")

    def _questions_of_ctokens(self) -> Iterator[Question]:
        for one in self.listed:
            yield from (Question(one.ctoken, getter) for getter in _OF_CTOKEN.values())
            yield Question(one.ctoken, "reserveFactorMantissa()")
            yield Question(self.comptroller, "markets(address)", (one.ctoken,))
            for getter in self._getters_of_config().values():
                yield Question(self.comptroller, getter, (one.ctoken,))
            yield from (Question(one.underlying, getter) for getter in one.fee_getters)

    def _getters_of_config(self) -> dict[str, str]:
        """What this Comptroller keeps of a market beside its listing and collateral factor."""
        guardian = {
            "mint_paused": "mintGuardianPaused(address)",
            "borrow_paused": "borrowGuardianPaused(address)",
        }
        caps = {"borrow_cap_underlying": "borrowCaps(address)"}
        return (guardian if self.rules.has_guardian else {}) | (caps if self.rules.has_borrow_caps else {})

    def _known(self, models: Sequence[str]) -> Sequence[str]:
        """The same models, of each of which is known what it can tell."""
        for one, model in zip(self.listed, models, strict=True):
            if model not in self._curves:
                asked = ask_each(self._source, [Question(model, getter) for getter in _OF_CURVE.values()])
                has = tuple(name for name, answer in zip(_OF_CURVE, asked, strict=True) if answer)
                if not set(_OF_LINE) <= set(has):
                    raise UnknownRateModel(one.ctoken, model)
                self._curves[model] = has
        return models

    def _questions_of_curve(self, model: str) -> Iterator[Question]:
        return (Question(model, _OF_CURVE[name]) for name in self._curves[model])

    def _questions_of_account(self, user: User) -> list[Question]:
        held = [Question(one.ctoken, "balanceOf(address)", (user,)) for one in self.listed]
        return [Question(self.comptroller, "getAssetsIn(address)", (user,)), *held]

    def _loans(self, users: Sequence[User]) -> list[int]:
        """Principal and index of each account's loan in each market, from storage."""
        places = [
            (one.ctoken, place_of(one.account_borrows_slot, user) + word)
            for user in users
            for one in self.listed
            for word in (0, 1)
        ]
        return _words(self._source, places)

    # --- what is answered ---

    def _stored(self, one: ListedMarket, answers: Iterator[Answer]) -> dict[str, Any]:
        """Fields of a CToken as they stand now."""
        numbers: dict[str, Any] = {name: next(answers).word for name in _OF_CTOKEN}
        reserve_factor = next(answers).word
        listed, collateral_factor = next(answers).words[:2]
        config: dict[str, Any] = {name: next(answers).word for name in self._getters_of_config()}
        fee = [next(answers).word for _ in one.fee_getters]
        return numbers | {
            "config": CTokenConfig(
                collateral_factor_mantissa=collateral_factor,
                reserve_factor_mantissa=reserve_factor,
                initial_exchange_rate_mantissa=one.initial_exchange_rate_mantissa,
                listed=bool(listed),
                mint_paused=bool(config.get("mint_paused")),
                borrow_paused=bool(config.get("borrow_paused")),
                borrow_cap_underlying=config.get("borrow_cap_underlying", 0),
            ),
            "transfer_fee": _transfer_fee(*fee) if fee else TransferFee(),
        }

    def _curve(self, model: str, answers: Iterator[Answer]) -> RateModel:
        numbers: dict[str, Any] = {name: next(answers).word for name in self._curves[model]}
        return RateModel(**numbers)

    def _ctoken(self, one: ListedMarket, numbers: Mapping[str, Any], curve: RateModel) -> CToken:
        return CToken(
            market_id=one.market_id,
            address=one.ctoken,
            symbol=one.symbol,
            underlying_symbol=one.underlying_symbol,
            underlying_decimals=one.underlying_decimals,
            rules=one.rules,
            rate_model=curve,
            is_ether=not one.underlying,
            underlying=one.underlying,
            **numbers,
        )

    def _account(self, answers: Iterator[Answer], words: Iterator[int]) -> Account:
        entered = next(answers).words[2:]
        held = [
            Position(
                ctokens=next(answers).word,
                borrow_principal_underlying=next(words),
                borrow_interest_index_mantissa=next(words),
            )
            for _ in self.listed
        ]
        return Account(
            positions={id_: one for id_, one in enumerate(held) if one != Position()},
            entered=tuple(self._ids[address_of(word)] for word in entered),
        )


@lru_cache(maxsize=10_000)
def place_of(mapping: int, address: str) -> int:
    """Storage slot of what a mapping holds for an address."""
    return int.from_bytes(keccak(int(address, 16).to_bytes(32) + mapping.to_bytes(32)))


def _all_markets(source: Chain | Rpc, comptroller: str) -> Iterator[str]:
    return map(address_of, ask(source, [Question(comptroller, "getAllMarkets()")])[0].words[2:])


def _listed(source: Chain | Rpc, market_id: MarketId, ctoken: str, rules: CTokenRules) -> ListedMarket:
    symbol = ask(source, [Question(ctoken, "symbol()")])[0].decoded("string")
    share, asset = ask_each(
        source, [Question(ctoken, "protocolSeizeShareMantissa()"), Question(ctoken, "underlying()")]
    )
    told = share.word if share else 0
    if told != rules.protocol_seize_share_mantissa:
        raise WrongRelease(ctoken, rules.release, f"its protocolSeizeShareMantissa is {told}")
    further = int(rules.release == _FIRST_RELEASE)
    underlying = asset.address if asset else ""
    return ListedMarket(
        market_id=market_id,
        ctoken=ctoken,
        underlying=underlying,
        symbol=symbol,
        underlying_symbol=(
            ask(source, [Question(underlying, "symbol()")])[0].decoded("string") if underlying else "ETH"
        ),
        underlying_decimals=ask(source, [Question(underlying, "decimals()")])[0].word if underlying else 18,
        initial_exchange_rate_mantissa=_words(source, [(ctoken, INITIAL_EXCHANGE_RATE_SLOT + further)])[0],
        rules=rules,
        account_borrows_slot=ACCOUNT_BORROWS_SLOT + further,
        fee_getters=_fee_getters(source, underlying) if underlying else (),
    )


def _fee_getters(source: Chain | Rpc, underlying: str) -> tuple[str, ...]:
    for getters in _FEES:
        if all(ask_each(source, [Question(underlying, getter) for getter in getters])):
            return getters
    return ()


def _transfer_fee(share_bps: int, maximum: int = MAX_UINT256) -> TransferFee:
    return TransferFee(share_bps=share_bps, maximum_underlying=maximum)


def _check_release(
    source: Chain | Rpc, comptroller: str, rules: ComptrollerRules, listed: Sequence[ListedMarket]
) -> None:
    """Whether the Comptroller has the functions that came with its release, and none that came later."""
    if not listed:
        return
    first = listed[0].ctoken
    came = {
        "mintGuardianPaused(address)": rules.has_guardian,
        "borrowCaps(address)": rules.has_borrow_caps,
        "isDeprecated(address)": rules.has_deprecation,
    }
    for getter, expected in came.items():
        (answer,) = ask_each(source, [Question(comptroller, getter, (first,))])
        if bool(answer) is not expected:
            raise WrongRelease(comptroller, rules.release, f"it {'has' if answer else 'lacks'} {getter}")


def _words(source: Chain | Rpc, places: Iterable[tuple[str, int]]) -> list[int]:
    """The words in storage at these slots of these contracts, at `latest`."""
    requests = [("eth_getStorageAt", [address, hex(slot), "latest"]) for address, slot in places]
    return [int(word, 16) for word in rpc_of(source).batch(requests)]
