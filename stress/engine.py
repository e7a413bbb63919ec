"""The crash, block by block: observed prices, who is liquidatable, what liquidators send, what comes of it.

The engine is a generator: it yields every event *before* it happens (`Tick`: a block with these observed prices;
`Attempt`: this call is about to be sent and this is what the rules say of it) and applies it when it is resumed.
So the same run drives a model alone (`run`) or, step by step, a chain beside it (`forks.crash.twin`). Whoever sends a
call looks at the latest block, and the call is in the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from protocol.model import Asset, AssetId, At, Done, Offer, Refused, RuleSet, Standing, User
from protocol.units import BASE_PER_USD
from stress.causes import Cause
from stress.liquidators import Bot, BoundMoney
from stress.opportunity import Opportunity, usd
from stress.prices import Prices, without_lag
from stress.scenario import Scenario


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A block: from here on the protocol reads these prices at this time."""

    step: int
    at: At
    changed: tuple[AssetId, ...]
    """The assets whose observed price moved in this block; all of them in the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A liquidation call about to be sent, with what the model says before it is."""

    step: int
    seen: At
    """The latest block, in which it was decided on."""
    at: At
    """The block that it will be in, of the same time."""
    bot: str
    offer: Offer
    call: Any
    """Of the rule set: what is sent."""
    market: Any
    """As the call finds it."""
    market_base: Mapping[AssetId, int]
    before: Standing
    predicted: Done | Refused
    gas_cost_usd: float
    paid_usd: float
    """What the liquidator pays of all assets, at observed prices; 0 where it is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Crash:
    """A market with its rules, a scenario and the prices laid out for it: all that a run needs."""

    rules: RuleSet[Any, Any]
    market: Any
    scenario: Scenario
    prices: Prices
    bots: Mapping[str, User]
    """Account of each liquidator of the scenario, by name."""
    first_block: int = 1
    """Number of the first block, for rules that count by it; each step is a block, and each call is one more."""
    borrowers: tuple[User, ...]
    """Who is watched; accounts outside are part of the market and left alone."""

    @property
    def assets(self) -> Mapping[AssetId, Asset]:
        """What the market lends or takes."""
        return self.rules.assets(self.market)

    def observed_at(self, step: int) -> At:
        """That block with what the protocol reads in it."""
        return self._at(step, self.prices.observed)

    def market_at(self, step: int) -> At:
        """That block with what the market trades at."""
        return self._at(step, self.prices.market)

    def _at(self, step: int, paths: Mapping[str, tuple[int, ...]]) -> At:
        return At(
            prices_base={i: paths[asset.symbol][step] for i, asset in self.assets.items()},
            timestamp=self.timestamps[step],
            block_number=self.first_block + step,
        )

    @property
    def timestamps(self) -> tuple[int, ...]:
        """Block times, one a step."""
        return self.prices.timestamps


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What is left when a crash is over."""

    market: Any
    attempts: tuple[Attempt, ...]
    end: At
    """The last block, as the protocol saw it."""
    first_below: Mapping[User, int] = field(default_factory=dict[User, int])
    """The step at which each borrower could first be liquidated."""

    def liquidations(self) -> Iterator[tuple[Attempt, Done]]:
        """The calls that went through, in order, with what they did."""
        for attempt in self.attempts:
            if isinstance(attempt.predicted, Done):
                yield attempt, attempt.predicted


def removing(crash: Crash, causes: frozenset[Cause]) -> Crash:
    """The same crash in a world where these causes do not exist (those that live in the data)."""
    if "oracle_lag" in causes:
        crash = replace(crash, prices=without_lag(crash.prices))
    if "dust" in causes:
        crash = replace(crash, market=crash.rules.without_dust_rule(crash.market))
    return crash


@dataclass(kw_only=True, slots=True)
class Engine:
    """One run of a crash; `events` may be consumed once, `market` is the state reached so far."""

    crash: Crash
    without: frozenset[Cause] = frozenset()
    taken: BoundMoney = field(default_factory=BoundMoney)
    """Capital that others bind in this run (for the rerun of one account alone)."""
    start: int = 0
    """First step to look at; nothing may happen before it."""
    market: Any = field(init=False)
    attempts: list[Attempt] = field(init=False, default_factory=list)
    _rules: RuleSet[Any, Any] = field(init=False)
    _bots: tuple[Bot, ...] = field(init=False)
    _below: set[User] = field(init=False, default_factory=set)
    """Who could be liquidated at the last look."""
    _first_below: dict[User, int] = field(init=False, default_factory=dict)
    _assets: Mapping[AssetId, Asset] = field(init=False)
    _latest: tuple[int, int, At] | None = field(init=False, default=None)
    """Step and calls before it, and what `_at` said of them: it is asked again and again."""
    _viewed: tuple[Any, At, Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.crash = removing(self.crash, self.without)
        self.market, self._rules = self.crash.market, self.crash.rules
        self._assets = self.crash.assets
        self._bots = tuple(
            Bot(
                rules=liquidator,
                account=self.crash.bots[liquidator.name],
                taken=self.taken,
                unlimited="capital" in self.without,
            )
            for liquidator in self.crash.scenario.liquidators
        )

    def run(self) -> Run:
        """Go through to the end in the model alone."""
        for _ in self.events():
            pass
        return self.finished()

    def finished(self) -> Run:
        """What the run has come to."""
        return Run(
            market=self.market,
            attempts=tuple(self.attempts),
            end=self._at(len(self.crash.timestamps) - 1),
            first_below=self._first_below,
        )

    def events(self) -> Iterator[Tick | Attempt]:
        """Yield every block and every call before it happens; resuming applies it."""
        last: Mapping[AssetId, int] = {}
        owing = {user for user in self.crash.borrowers if self._owes(user)}
        for step in range(self.start, len(self.crash.timestamps)):
            at = self._at(step)
            changed = tuple(i for i, price in at.prices_base.items() if last.get(i) != price)
            yield Tick(step=step, at=at, changed=changed)
            for user in self._liquidatable(at, frozenset(changed)):
                self._first_below.setdefault(user, step)
                yield from self._attempts_on(user, step)
                if not self._owes(user):
                    owing.discard(user)
            if not owing:
                return
            last = at.prices_base

    def _at(self, step: int) -> At:
        """What the protocol reads in that block; every call before it took a block of its own."""
        n_before = len(self.attempts)
        if self._latest is None or self._latest[:2] != (step, n_before):
            at = self.crash.observed_at(step)
            self._latest = step, n_before, replace(at, block_number=at.block_number + n_before)
        return self._latest[2]

    def _liquidatable(self, at: At, changed: frozenset[AssetId]) -> list[User]:
        """Borrowers that may be liquidated, largest debt first: the order in which money looks at them.

        An account is looked at when a price it depends on moved, and as long as it was found so at the last look.
        """
        found: list[tuple[int, User]] = []
        standing = self._rules.standing(self.market, at)
        for user in self.crash.borrowers:
            if user not in self._below and changed.isdisjoint(self._rules.depends_on(self.market, user)):
                continue
            now = standing(user)
            if now.is_liquidatable:
                found.append((now.debt_base, user))
        self._below = {user for _, user in found}
        return [user for _, user in sorted(found, key=lambda entry: (-entry[0], entry[1]))]

    def _owes(self, user: User) -> bool:
        return bool(self._rules.debts(self.market, user))

    def _view(self, at: At) -> Any:
        """The market with its indices grown to now, made once for each state and time."""
        if self._viewed is None or self._viewed[0] is not self.market or self._viewed[1] != at:
            self._viewed = (self.market, at, self._rules.viewed(self.market, at))
        return self._viewed[2]

    def _attempts_on(self, user: User, step: int) -> Iterator[Attempt]:
        """Each bot in turn sends at most one call; a blind one decides on what it saw when the block began."""
        now = at_first = self._opportunity(user, step)
        for bot in self._bots:
            attempt = self._attempt(bot, at_first if bot.rules.blind else now)
            if attempt is None:
                continue
            yield from self._send(bot, attempt)
            now = self._opportunity(user, step)

    def _opportunity(self, user: User, step: int) -> Opportunity:
        scenario, at = self.crash.scenario, self._at(step)
        gwei = 0.0 if "gas" in self.without else scenario.gas_price_at(step * scenario.seconds_per_step)
        view = self._view(at)
        collaterals, debts = self._rules.values(view, user, at)
        gas_token_usd = self.crash.prices.market[scenario.gas_token][step] / BASE_PER_USD
        return Opportunity(
            rules=self._rules,
            assets=self._assets,
            market=view,
            user=user,
            step=step,
            at=at,
            market_base=self.crash.market_at(step).prices_base,
            gas_cost_usd=scenario.gas_units * gwei * 1e-9 * gas_token_usd,
            collaterals_base=collaterals,
            debts_base=debts,
        )

    def _attempt(self, bot: Bot, opportunity: Opportunity) -> Attempt | None:
        offer = bot.would_send(opportunity)
        if offer is None:
            return None
        call = opportunity.call(offer, heeds_dust_rule=bot.heeds_dust_rule)
        if "toxic" in self.without and self._rules.is_toxic(opportunity.market, call, opportunity.at):
            return None
        return self._predict(bot, offer, call, opportunity)

    def _predict(self, bot: Bot, offer: Offer, call: Any, seen: Opportunity) -> Attempt:
        """What the call will meet in the next block: the market as it is now, whatever the bot decided on."""
        latest = self._at(seen.step)
        at = replace(latest, block_number=latest.block_number + 1)
        predicted = self._rules.liquidate(self.market, call, at)
        return Attempt(
            step=seen.step,
            seen=latest,
            at=at,
            bot=bot.rules.name,
            offer=offer,
            call=call,
            market=self.market,
            market_base=seen.market_base,
            before=self._rules.standing(self.market, latest)(offer.borrower),
            predicted=predicted,
            gas_cost_usd=seen.gas_cost_usd,
            paid_usd=self._paid_usd(offer, predicted, at),
        )

    def _paid_usd(self, offer: Offer, outcome: Done | Refused, at: At) -> float:
        if not isinstance(outcome, Done):
            return 0.0
        moved = outcome.in_all(collateral_id=offer.collateral_id, debt_id=offer.debt_id)
        return usd(self._assets, at.prices_base, moved.paid)

    def _send(self, bot: Bot, attempt: Attempt) -> Iterator[Attempt]:
        yield attempt
        self.attempts.append(attempt)
        bot.sent(attempt.offer.borrower, attempt.at.timestamp)
        if isinstance(attempt.predicted, Done):
            self.market = attempt.predicted.market
            bot.paid(attempt.at.timestamp, attempt.paid_usd)
        else:
            self.market = attempt.predicted.leaves(self.market)
