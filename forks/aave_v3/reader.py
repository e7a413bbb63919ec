"""Read an Aave v3 market at any address, of any modelled revision, into `protocol.aave_v3.state`, exactly.

`MarketReader` asks once for what never changes (addresses, symbols, rate strategies) and then reads all that
does in one batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from forks.aave_v3.configuration import emode_category_of, is_borrowing, is_collateral, reserve_config
from forks.aave_v3.getters import Answer, NotAMarket, Question, ask, checksummed
from forks.aave_v3.listing import Listed, Listing, read_listing, since
from forks.chain import Chain
from forks.errors import ForkError
from forks.rpc import Rpc
from protocol.aave_v3 import (
    Account,
    AccountData,
    EModeCategory,
    Market,
    Position,
    Reserve,
    ReserveId,
    User,
)
from protocol.aave_v3.state import NO_STABLE_DEBT, NO_STABLE_TOTALS, StableDebt, StableTotals


class ReserveLeftOut(ForkError):
    """An account uses a reserve that is not among those read, or one that is not modelled."""

    def __init__(
        self, user: User, reserve_ids: Collection[ReserveId], not_modelled: Collection[str] = ()
    ) -> None:
        self.user, self.reserve_ids, self.not_modelled = user, tuple(reserve_ids), tuple(not_modelled)
        super().__init__(
            f"account {user} uses {', '.join(not_modelled)}, which is not modelled: leave the account out"
            if not_modelled
            else f"account {user} uses reserves {self.reserve_ids} that are left out: read them too"
        )


class PriceUnavailable(ForkError):
    """The oracle reverts for an asset: it has no source, or the source answers zero or less."""

    def __init__(self, symbol: str, oracle: str, reason: str) -> None:
        self.symbol, self.oracle, self.reason = symbol, oracle, reason
        super().__init__(
            f"oracle {oracle} has no price of {symbol} ({reason}): set its feed, or leave it out"
        )


class MarketReader:
    """Reads one market again and again.

    source: a node or any endpoint. pool: address of the Pool (its proxy). reserves: addresses or symbols of
    the reserves to read, None for all. revision: name of the rules where the Pool cannot tell its own (every
    3.0.x source answers 1). block: at which the listing is read.
    Raises UnknownRevision, NotAMarket, NoSuchReserve, ReserveNotModelled, MixedTreasuries.
    """

    def __init__(
        self,
        source: Chain | Rpc,
        pool: str,
        *,
        reserves: Collection[str] | None = None,
        revision: str | None = None,
        block: int | str = "latest",
    ) -> None:
        self._source = source
        self.listing: Listing = read_listing(source, pool, reserves=reserves, revision=revision, block=block)

    def market(self, users: Iterable[User] = (), *, block: int | str = "latest") -> Market:
        """The whole market at `block` with the accounts of `users` and of the treasury, keys checksummed.

        Raises ReserveLeftOut.
        """
        listing = self.listing
        accounts: list[User] = [checksummed(one) for one in (*users, listing.treasury)]
        accounts = list(dict.fromkeys(accounts))
        questions = [
            *(question for one in listing.reserves for question in _reserve_questions(listing, one)),
            *(question for user in accounts for question in _account_questions(listing, user)),
            *_sentinel_questions(listing),
        ]
        answers = iter(ask(self._source, questions, block))
        words: dict[ReserveId, int] = {}
        reserves: dict[ReserveId, Reserve] = {}
        for one in listing.reserves:
            reserves[one.reserve_id], words[one.reserve_id] = _reserve(listing, one, answers)
        found = {user: _account(listing, user, answers) for user in accounts}
        sentinel = bool(next(answers).word) if listing.sentinel else None
        return Market(
            rules=listing.rules,
            reserves=reserves,
            emodes=self._emodes(words, {account.emode for account in found.values()}, block),
            accounts=found,
            treasury=listing.treasury,
            sentinel_allows_liquidation=sentinel,
            umbrella=listing.umbrella,
        )

    def prices(self, *, block: int | str = "latest") -> dict[ReserveId, int]:
        """What the oracle answers for one whole token of each reserve [base]. Raises PriceUnavailable."""
        oracle, listed = self.listing.oracle, self.listing.reserves
        questions = [Question(oracle, "getAssetPrice(address)", (one.asset,)) for one in listed]
        try:
            answers = ask(self._source, questions, block)
        except NotAMarket as error:
            symbol = next(one.symbol for one in listed if (one.asset,) == error.question.arguments)
            raise PriceUnavailable(symbol, oracle, error.reason) from error
        return {one.reserve_id: answer.word for one, answer in zip(listed, answers, strict=True)}

    def account_data(self, users: Iterable[User], *, block: int | str = "latest") -> dict[User, AccountData]:
        """`getUserAccountData` of each of `users`, keys checksummed."""
        named = [checksummed(user) for user in users]
        pool = self.listing.pool
        answers = ask(
            self._source, [Question(pool, "getUserAccountData(address)", (user,)) for user in named], block
        )
        return {user: account_data_of(answer) for user, answer in zip(named, answers, strict=True)}

    def normalized(self, *, block: int | str = "latest") -> dict[ReserveId, tuple[int, int]]:
        """`getReserveNormalizedIncome` and `getReserveNormalizedVariableDebt` of each reserve [ray]."""
        signatures = ("getReserveNormalizedIncome(address)", "getReserveNormalizedVariableDebt(address)")
        listed = self.listing.reserves
        questions = [Question(self.listing.pool, name, (one.asset,)) for one in listed for name in signatures]
        answers = ask(self._source, questions, block)
        return {
            one.reserve_id: (answers[2 * place].word, answers[2 * place + 1].word)
            for place, one in enumerate(listed)
        }

    def _emodes(
        self, words: Mapping[ReserveId, int], used: Collection[int], block: int | str
    ) -> dict[int, EModeCategory]:
        """The categories of the listing and any other that an account is in, with their members."""
        emodes = dict(self.listing.emodes)
        missing = sorted(set(used) - emodes.keys() - {0})
        if missing:
            emodes |= self.listing.read_emodes(self._source, missing, block)
        if since(self.listing.rules, "3.2"):
            return emodes
        members = {
            one: sum(1 << i for i, word in words.items() if emode_category_of(word) == one) for one in emodes
        }
        return {one: replace(emode, collateral_bitmap=members[one]) for one, emode in emodes.items()}


def _reserve_questions(listing: Listing, one: Listed) -> list[Question]:
    pool, asset, rules = listing.pool, (one.asset,), listing.rules
    questions = [
        Question(pool, "getReserveData(address)", asset),
        Question(one.atoken, "scaledTotalSupply()"),
        Question(one.variable_debt_token, "scaledTotalSupply()"),
        Question(pool, "getVirtualUnderlyingBalance(address)", asset)
        if rules.virtual_accounting
        else Question(one.asset, "balanceOf(address)", (one.atoken,)),
    ]
    if rules.has_stable_debt:
        questions.append(Question(one.stable_debt_token, "getSupplyData()"))
    if rules.has_grace_period:
        questions.append(Question(pool, "getLiquidationGracePeriod(address)", asset))
    if since(rules, "3.3"):
        questions.append(Question(pool, "getReserveDeficit(address)", asset))
    return questions


def _reserve(listing: Listing, one: Listed, answers: Iterator[Answer]) -> tuple[Reserve, int]:
    """One reserve from the answers to its questions, and its configuration word."""
    rules = listing.rules
    data = next(answers).words
    total_scaled_atoken, total_scaled_debt, available = (next(answers).word for _ in range(3))
    stable_debt = _stable_totals(next(answers)) if rules.has_stable_debt else NO_STABLE_TOTALS
    grace_until_timestamp = next(answers).word if rules.has_grace_period else 0
    deficit = next(answers).word if since(rules, "3.3") else 0
    before_v34 = not since(rules, "3.4")
    config = reserve_config(
        data[0],
        grace_until_timestamp=grace_until_timestamp,
        virtual_accounting_by_bit=rules.virtual_accounting and before_v34,
    )
    category = emode_category_of(data[0]) if rules.prices_by_category else 0
    reserve = Reserve(
        reserve_id=one.reserve_id,
        asset=one.asset,
        symbol=one.symbol,
        config=replace(config, emode_category=category),
        strategy=one.strategy,
        liquidity_index_ray=data[1],
        liquidity_rate_ray=data[2],
        variable_borrow_index_ray=data[3],
        variable_borrow_rate_ray=data[4],
        stable_borrow_rate_ray=data[5],
        last_update_timestamp=data[6],
        total_scaled_atoken=total_scaled_atoken,
        total_scaled_variable_debt=total_scaled_debt,
        accrued_to_treasury_scaled=data[12],
        deficit=deficit,
        virtual_underlying_balance=available,
        isolation_mode_total_debt=data[14],
        unbacked=data[13] if before_v34 else 0,
        stable_debt=stable_debt,
    )
    return reserve, data[0]


def _stable_totals(answer: Answer) -> StableTotals:
    """`getSupplyData`: what is stored, the total with interest, the average rate, and since when."""
    principal, _, average_rate_ray, timestamp = answer.words
    return StableTotals(
        principal=principal, average_rate_ray=average_rate_ray, last_update_timestamp=timestamp
    )


def _account_questions(listing: Listing, user: User) -> list[Question]:
    """Both bits and balances of every reserve: a balance without its bit is possible, and must be seen."""
    return [
        Question(listing.pool, "getUserConfiguration(address)", (user,)),
        Question(listing.pool, "getUserEMode(address)", (user,)),
        *(question for one in listing.reserves for question in _position_questions(listing, one, user)),
    ]


def _position_questions(listing: Listing, one: Listed, user: User) -> list[Question]:
    rules = listing.rules
    questions = [
        Question(one.atoken, "scaledBalanceOf(address)", (user,)),
        Question(one.variable_debt_token, "scaledBalanceOf(address)", (user,)),
    ]
    if rules.has_stable_debt:
        names = ("principalBalanceOf(address)", "getUserStableRate(address)", "getUserLastUpdated(address)")
        questions += [Question(one.stable_debt_token, name, (user,)) for name in names]
    if rules.actions.forbids_repaying_at_once:
        questions.append(Question(one.variable_debt_token, "getPreviousIndex(address)", (user,)))
    return questions


def _account(listing: Listing, user: User, answers: Iterator[Answer]) -> Account:
    rules, word, emode = listing.rules, next(answers).word, next(answers).word
    positions: dict[ReserveId, Position] = {}
    seen = 0
    for one in listing.reserves:
        position = Position(
            scaled_atoken=next(answers).word,
            scaled_variable_debt=next(answers).word,
            collateral_enabled=is_collateral(word, one.reserve_id),
            borrowing=is_borrowing(word, one.reserve_id),
            stable_debt=_stable_debt(answers) if rules.has_stable_debt else NO_STABLE_DEBT,
            variable_debt_index_ray=next(answers).word if rules.actions.forbids_repaying_at_once else 0,
        )
        seen |= 3 << 2 * one.reserve_id
        if position != Position():
            positions[one.reserve_id] = position
    if unread := word & ~seen:
        left_out = [i for i in range(128) if unread >> 2 * i & 3]
        named = listing.not_modelled
        raise ReserveLeftOut(user, left_out, [named[i] for i in left_out if i in named])
    return Account(positions=positions, emode=emode)


def _stable_debt(answers: Iterator[Answer]) -> StableDebt:
    principal, rate_ray, timestamp = (next(answers).word for _ in range(3))
    return StableDebt(principal=principal, rate_ray=rate_ray, last_update_timestamp=timestamp)


def _sentinel_questions(listing: Listing) -> list[Question]:
    return [Question(listing.sentinel, "isLiquidationAllowed()")] if listing.sentinel else []


def account_data_of(answer: Answer) -> AccountData:
    """The six numbers of `getUserAccountData`."""
    words = answer.words
    return AccountData(
        total_collateral_base=words[0],
        total_debt_base=words[1],
        available_borrows_base=words[2],
        avg_liquidation_threshold_bps=words[3],
        avg_ltv_bps=words[4],
        health_factor_wad=words[5],
    )
