"""Read a Venus isolated pool into `protocol.venus_isolated.state`, exactly: by getters, and by storage where none is.

`MarketReader` asks once which markets the pool has, and then reads all that moves in one batch of getters and one
of storage words. The places in storage are those of 1.0.0, blocks its slots.
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
from forks.rpc import Rpc
from protocol.units import WAD
from protocol.venus_isolated import (
    Account,
    Action,
    Auction,
    AuctionStatus,
    AuctionType,
    JumpRateModel,
    Market,
    MarketId,
    Position,
    Shortfall,
    User,
    VToken,
    rules_of,
)

RULES = rules_of("1.0.0")
_NOBODY = "0x" + "00" * 20

INITIAL_EXCHANGE_RATE_SLOT = 207
"""Of a vToken, as the two below."""
ACCOUNT_BORROWS_SLOT = 217
"""Mapping from a borrower to principal and index."""
INCENTIVE_SLOT = 254
"""Of the auction house, as the one below."""
AUCTIONS_SLOT = 259
"""Mapping from a comptroller to its auction."""
_MARKET_DEBT, _BID_AMOUNT = 8, 9
"""Places of the auction's mappings from a market."""

_OF_POOL = (
    "closeFactorMantissa()",
    "liquidationIncentiveMantissa()",
    "minLiquidatableCollateral()",
    "maxLoopsLimit()",
)
_OF_VTOKEN = {
    "total_borrows_underlying": "totalBorrows()",
    "bad_debt_underlying": "badDebt()",
    "total_reserves_underlying": "totalReserves()",
    "total_supply_vtokens": "totalSupply()",
    "borrow_index_mantissa": "borrowIndex()",
    "accrual_slot": "accrualBlockNumber()",
    "reserve_factor_mantissa": "reserveFactorMantissa()",
    "protocol_seize_share_mantissa": "protocolSeizeShareMantissa()",
}
"""Field of the model to the getter whose word it is."""
_OF_HOUSE = {
    "minimum_pool_bad_debt_usd_mantissa": "minimumPoolBadDebt()",
    "wait_for_first_bidder_slots": "waitForFirstBidder()",
    "next_bidder_slot_limit": "nextBidderBlockLimit()",
}
_OF_LINE = ("baseRatePerBlock()", "multiplierPerBlock()")
_OF_KINK = ("jumpMultiplierPerBlock()", "kink()")


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedMarket:
    """What never changes of a market; addresses checksummed."""

    market_id: MarketId
    """Its place in `getAllMarkets`."""
    vtoken: str
    underlying: str
    symbol: str
    """Of the vToken."""
    underlying_symbol: str
    underlying_decimals: int
    initial_exchange_rate_mantissa: int


class MarketReader:
    """Reads one pool again and again. source: a chain or any endpoint. Raises NotAMarket.

    shortfall, risk_fund: where the auction house stands and what it sells; the pool itself does not say.
    """

    def __init__(self, source: Chain | Rpc, comptroller: str, *, shortfall: str, risk_fund: str) -> None:
        self._source = source
        self.comptroller, self.shortfall, self.risk_fund = comptroller, shortfall, risk_fund
        self.listed = tuple(_listed(source, comptroller))
        self._ids = {one.vtoken: one.market_id for one in self.listed}
        self._rate_models: dict[str, JumpRateModel] = {}
        self._pool_questions = list(self._questions_of_pool())

    def market(self, users: Iterable[User] = ()) -> Market:
        """The pool at `latest` with the accounts of `users`, keys checksummed; who has nothing has no account.

        Raises NotAMarket.
        """
        named = list(dict.fromkeys(checksummed(user) for user in users))
        questions = [one for user in named for one in self._questions_of_account(user)]
        answers = iter(ask(self._source, [*self._pool_questions, *questions]))
        words = iter(self._storage(named))
        close_factor, incentive, minimum, max_loops = (one.word for one in islice(answers, len(_OF_POOL)))
        house = self._house(answers, words)
        vtokens = {one.market_id: self._vtoken(one, answers) for one in self.listed}
        accounts = {user: self._account(answers, words) for user in named}
        return Market(
            rules=RULES,
            close_factor_mantissa=close_factor,
            liquidation_incentive_mantissa=incentive,
            min_liquidatable_collateral_usd_mantissa=minimum,
            vtokens=vtokens,
            accounts={user: account for user, account in accounts.items() if account != Account()},
            max_loops_limit=max_loops,
            shortfall=house,
        )

    def prices(self) -> dict[MarketId, int]:
        """What the pool's oracle answers for each market. [mantissa]"""
        oracle = ask(self._source, [Question(self.comptroller, "oracle()")])[0].address
        questions = [Question(oracle, "getUnderlyingPrice(address)", (one.vtoken,)) for one in self.listed]
        return {id_: one.word for id_, one in enumerate(ask(self._source, questions))}

    def _questions_of_pool(self) -> Iterator[Question]:
        yield from (Question(self.comptroller, getter) for getter in _OF_POOL)
        yield from (Question(self.shortfall, getter) for getter in (*_OF_HOUSE.values(), "auctionsPaused()"))
        yield Question(self.shortfall, "auctions(address)", (self.comptroller,))
        yield Question(self.risk_fund, "poolReserves(address)", (self.comptroller,))
        for one in self.listed:
            yield from (
                Question(one.vtoken, getter) for getter in (*_OF_VTOKEN.values(), "interestRateModel()")
            )
            yield Question(one.underlying, "balanceOf(address)", (one.vtoken,))
            of_market = ("markets(address)", "supplyCaps(address)", "borrowCaps(address)")
            yield from (Question(self.comptroller, getter, (one.vtoken,)) for getter in of_market)
            paused = "actionPaused(address,uint8)"
            yield from (Question(self.comptroller, paused, (one.vtoken, int(action))) for action in Action)

    def _questions_of_account(self, user: User) -> list[Question]:
        held = [Question(one.vtoken, "balanceOf(address)", (user,)) for one in self.listed]
        return [Question(self.comptroller, "getAssetsIn(address)", (user,)), *held]

    def _storage(self, users: Sequence[User]) -> list[int]:
        """Words that no getter tells: incentive, debts and bids of the auction, then each account's loans."""
        auction = _place(AUCTIONS_SLOT, self.comptroller)
        places = [(self.shortfall, INCENTIVE_SLOT)]
        for mapping in (_MARKET_DEBT, _BID_AMOUNT):
            places += [(self.shortfall, _place(auction + mapping, one.vtoken)) for one in self.listed]
        for user in users:
            for one in self.listed:
                loan = _place(ACCOUNT_BORROWS_SLOT, user)
                places += [(one.vtoken, loan), (one.vtoken, loan + 1)]
        return _words(self._source, places)

    def _house(self, answers: Iterator[Answer], words: Iterator[int]) -> Shortfall:
        numbers = {name: next(answers).word for name in _OF_HOUSE}
        paused, auction, fund = next(answers), next(answers), next(answers)
        incentive_bps = next(words)
        debts, bids = (dict(enumerate(islice(words, len(self.listed)))) for _ in range(2))
        return Shortfall(
            incentive_bps=incentive_bps,
            paused=bool(paused.word),
            risk_fund_base_asset=fund.word,
            auction=_auction(auction.words, debts, bids),
            **numbers,
        )

    def _vtoken(self, one: ListedMarket, answers: Iterator[Answer]) -> VToken:
        numbers: dict[str, Any] = {name: next(answers).word for name in _OF_VTOKEN}
        model, cash, of_market = next(answers), next(answers), next(answers).words
        supply_cap, borrow_cap = next(answers), next(answers)
        paused = frozenset(action for action in Action if next(answers).word)
        return VToken(
            market_id=one.market_id,
            symbol=one.symbol,
            underlying=one.underlying,
            underlying_symbol=one.underlying_symbol,
            underlying_decimals=one.underlying_decimals,
            initial_exchange_rate_mantissa=one.initial_exchange_rate_mantissa,
            rate_model=self._rate_model(model.address),
            cash_underlying=cash.word,
            listed=bool(of_market[0]),
            collateral_factor_mantissa=of_market[1],
            liquidation_threshold_mantissa=of_market[2],
            supply_cap_underlying=supply_cap.word,
            borrow_cap_underlying=borrow_cap.word,
            paused=paused,
            **numbers,
        )

    def _rate_model(self, address: str) -> JumpRateModel:
        """The curve at an address, read once: a `WhitePaperInterestRateModel` has no kink."""
        if address not in self._rate_models:
            base, multiplier = ask(self._source, [Question(address, one) for one in _OF_LINE])
            past = ask_each(self._source, [Question(address, one) for one in _OF_KINK])
            jump, kink = (answer.word if answer else None for answer in past)
            self._rate_models[address] = JumpRateModel(
                base_rate_per_slot_mantissa=base.word,
                multiplier_per_slot_mantissa=multiplier.word,
                jump_multiplier_per_slot_mantissa=jump or 0,
                kink_mantissa=WAD if kink is None else kink,
            )
        return self._rate_models[address]

    def _account(self, answers: Iterator[Answer], words: Iterator[int]) -> Account:
        entered = next(answers).words[2:]
        held = [
            Position(
                vtokens=next(answers).word,
                borrow_principal_underlying=next(words),
                borrow_interest_index_mantissa=next(words),
            )
            for _ in self.listed
        ]
        return Account(
            positions={id_: one for id_, one in enumerate(held) if one != Position()},
            entered=tuple(self._ids[address_of(word)] for word in entered),
        )


def _auction(words: Sequence[int], debts: Mapping[MarketId, int], bids: Mapping[MarketId, int]) -> Auction:
    """An auction from the words of its struct; what an earlier bidder paid stays in storage and says nothing."""
    start, kind, status, seized, bidder, bid_bps, bid_slot, start_bid_bps = words
    highest_bidder = address_of(bidder)
    return Auction(
        status=AuctionStatus(status),
        auction_type=AuctionType(kind),
        start_slot=start,
        market_debts_underlying=debts if status else {},
        seized_risk_fund=seized,
        start_bid_bps=start_bid_bps,
        highest_bidder=None if highest_bidder == _NOBODY else highest_bidder,
        highest_bid_bps=bid_bps,
        highest_bid_slot=bid_slot,
        bid_amounts_underlying=bids if bidder else {},
    )


def _listed(source: Chain | Rpc, comptroller: str) -> Iterator[ListedMarket]:
    vtokens = ask(source, [Question(comptroller, "getAllMarkets()")])[0].words[2:]
    for market_id, vtoken in enumerate(map(address_of, vtokens)):
        symbol, underlying = ask(source, [Question(vtoken, "symbol()"), Question(vtoken, "underlying()")])
        asset = underlying.address
        decimals, asset_symbol = ask(source, [Question(asset, "decimals()"), Question(asset, "symbol()")])
        (initial,) = _words(source, [(vtoken, INITIAL_EXCHANGE_RATE_SLOT)])
        yield ListedMarket(
            market_id=market_id,
            vtoken=vtoken,
            underlying=asset,
            symbol=symbol.decoded("string"),
            underlying_symbol=asset_symbol.decoded("string"),
            underlying_decimals=decimals.word,
            initial_exchange_rate_mantissa=initial,
        )


def _words(source: Chain | Rpc, places: Iterable[tuple[str, int]]) -> list[int]:
    """The words in storage at these slots of these contracts, at `latest`."""
    requests = [("eth_getStorageAt", [address, hex(slot), "latest"]) for address, slot in places]
    return [int(word, 16) for word in rpc_of(source).batch(requests)]


@lru_cache(maxsize=10_000)
def _place(mapping: int, address: str) -> int:
    """Storage slot of what a mapping holds for an address."""
    return int.from_bytes(keccak(int(address, 16).to_bytes(32) + mapping.to_bytes(32)))
