"""Read an Aave v2 market at any address into `protocol.aave_v2.state`, exactly, by its published getters.

`MarketReader` asks once for what never changes (addresses, symbols, rate strategies) and then reads all that
does in one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from forks.aave_v2.configuration import is_borrowing, is_collateral, reserve_config
from forks.aave_v2.listing import Listed, Listing, read_listing
from forks.aave_v3.getters import Answer, Question, address_of, ask, ask_each, checksummed
from forks.chain import Chain
from forks.rpc import Rpc
from protocol.aave_v2.state import (
    Account,
    AccountData,
    Market,
    Position,
    RateStrategy,
    Reserve,
    ReserveId,
    StableDebt,
    StableStrategy,
    StableTotals,
    User,
)

_ANSWERS_A_RESERVE = 6
_STRATEGY_WORD = 10
"""Place of the strategy's address in the words of `getReserveData`."""


class MarketReader:
    """Reads one market again and again. source: a chain or any endpoint. pool: address of the LendingPool.

    Raises NotAMarket.
    """

    def __init__(self, source: Chain | Rpc, pool: str) -> None:
        self._source = source
        self._strategies: dict[int, RateStrategy] = {}
        self.listing: Listing = read_listing(source, pool)

    def market(self, users: Iterable[User] = ()) -> Market:
        """The whole market at `latest` with the accounts of `users` and of the treasury, keys checksummed."""
        listing = self.listing
        accounts = list(dict.fromkeys(checksummed(one) for one in (*users, listing.treasury)))
        questions = [
            Question(listing.pool, "paused()"),
            *(question for one in listing.reserves for question in _reserve_questions(listing, one)),
            *(question for user in accounts for question in _account_questions(listing, user)),
        ]
        answers = iter(ask(self._source, questions))
        paused = bool(next(answers).word)
        data = [list(islice(answers, _ANSWERS_A_RESERVE)) for _ in listing.reserves]
        return Market(
            reserves={
                one.reserve_id: self._reserve(one, about)
                for one, about in zip(listing.reserves, data, strict=True)
            },
            accounts={user: _account(listing, answers) for user in accounts},
            treasury=listing.treasury,
            paused=paused,
        )

    def prices(self) -> dict[ReserveId, int]:
        """What the oracle answers for one whole token of each reserve [wei of ETH]. Raises NotAMarket."""
        oracle, listed = self.listing.oracle, self.listing.reserves
        answers = ask(
            self._source, [Question(oracle, "getAssetPrice(address)", (one.asset,)) for one in listed]
        )
        return {one.reserve_id: answer.word for one, answer in zip(listed, answers, strict=True)}

    def account_data(self, users: Iterable[User]) -> dict[User, AccountData | None]:
        """`getUserAccountData` of each of `users`, keys checksummed; None where it reverts."""
        named = [checksummed(user) for user in users]
        pool = self.listing.pool
        questions = [Question(pool, "getUserAccountData(address)", (user,)) for user in named]
        answers = ask_each(self._source, questions)
        return {user: _account_data(answer) for user, answer in zip(named, answers, strict=True)}

    def normalized(self) -> dict[ReserveId, tuple[int, int]]:
        """`getReserveNormalizedIncome` and `getReserveNormalizedVariableDebt` of each reserve [ray]."""
        signatures = ("getReserveNormalizedIncome(address)", "getReserveNormalizedVariableDebt(address)")
        listed = self.listing.reserves
        answers = ask(
            self._source,
            [Question(self.listing.pool, name, (one.asset,)) for one in listed for name in signatures],
        )
        return {
            one.reserve_id: (answers[2 * place].word, answers[2 * place + 1].word)
            for place, one in enumerate(listed)
        }

    def _reserve(self, one: Listed, about: Sequence[Answer]) -> Reserve:
        """One reserve from the answers to its questions."""
        data, stable = about[0].words, about[4].words
        return Reserve(
            reserve_id=one.reserve_id,
            asset=one.asset,
            symbol=one.symbol,
            config=reserve_config(data[0]),
            strategy=self._strategy(data[_STRATEGY_WORD], market_rate_ray=about[5].word),
            liquidity_index_ray=data[1],
            variable_borrow_index_ray=data[2],
            liquidity_rate_ray=data[3],
            variable_borrow_rate_ray=data[4],
            stable_borrow_rate_ray=data[5],
            last_update_timestamp=data[6],
            total_scaled_atoken=about[1].word,
            total_scaled_variable_debt=about[2].word,
            virtual_underlying_balance=about[3].word,
            stable_debt=StableTotals(
                principal=stable[0], average_rate_ray=stable[2], last_update_timestamp=stable[3]
            ),
        )

    def _strategy(self, address: int, *, market_rate_ray: int) -> RateStrategy:
        """The strategy at `address`, whose parameters are part of its code, over the market's rate."""
        if address not in self._strategies:
            self._strategies[address] = _read_strategy(self._source, address_of(address))
        strategy = self._strategies[address]
        return replace(strategy, stable=replace(strategy.stable, base_rate_ray=market_rate_ray))


def _reserve_questions(listing: Listing, one: Listed) -> list[Question]:
    return [
        Question(listing.pool, "getReserveData(address)", (one.asset,)),
        Question(one.atoken, "scaledTotalSupply()"),
        Question(one.variable_debt_token, "scaledTotalSupply()"),
        Question(one.asset, "balanceOf(address)", (one.atoken,)),
        Question(one.stable_debt_token, "getSupplyData()"),
        Question(listing.lending_rate_oracle, "getMarketBorrowRate(address)", (one.asset,)),
    ]


def _read_strategy(source: Chain | Rpc, strategy: str) -> RateStrategy:
    """The parameters of a rate strategy, before what the lending rate oracle adds."""
    names = (
        "OPTIMAL_UTILIZATION_RATE()",
        "baseVariableBorrowRate()",
        "variableRateSlope1()",
        "variableRateSlope2()",
        "stableRateSlope1()",
        "stableRateSlope2()",
    )
    words = [answer.word for answer in ask(source, [Question(strategy, name) for name in names])]
    return RateStrategy(
        optimal_usage_ray=words[0],
        base_variable_rate_ray=words[1],
        variable_slope1_ray=words[2],
        variable_slope2_ray=words[3],
        stable=StableStrategy(slope1_ray=words[4], slope2_ray=words[5]),
    )


def _account_questions(listing: Listing, user: User) -> list[Question]:
    """Both bits and balances of every reserve: a balance without its bit is possible, and must be seen."""
    questions = [Question(listing.pool, "getUserConfiguration(address)", (user,))]
    for one in listing.reserves:
        questions += [
            Question(one.atoken, "scaledBalanceOf(address)", (user,)),
            Question(one.variable_debt_token, "scaledBalanceOf(address)", (user,)),
            Question(one.stable_debt_token, "principalBalanceOf(address)", (user,)),
            Question(one.stable_debt_token, "getUserStableRate(address)", (user,)),
            Question(one.stable_debt_token, "getUserLastUpdated(address)", (user,)),
        ]
    return questions


def _account(listing: Listing, answers: Iterator[Answer]) -> Account:
    word = next(answers).word
    positions: dict[ReserveId, Position] = {}
    for one in listing.reserves:
        position = Position(
            scaled_atoken=next(answers).word,
            scaled_variable_debt=next(answers).word,
            stable_debt=StableDebt(
                principal=next(answers).word,
                rate_ray=next(answers).word,
                last_update_timestamp=next(answers).word,
            ),
            collateral_enabled=is_collateral(word, one.reserve_id),
            borrowing=is_borrowing(word, one.reserve_id),
        )
        if position != Position():
            positions[one.reserve_id] = position
    return Account(positions=positions)


def _account_data(answer: Answer | None) -> AccountData | None:
    if answer is None:
        return None
    words = answer.words
    return AccountData(
        total_collateral_base=words[0],
        total_debt_base=words[1],
        available_borrows_base=words[2],
        avg_liquidation_threshold_bps=words[3],
        avg_ltv_bps=words[4],
        health_factor_wad=words[5],
    )
