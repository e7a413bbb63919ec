"""The crash, block by block: observed prices, who is liquidatable, what liquidators send, what comes of it.

The engine is a generator: it yields every event *before* it happens (`Tick`: a block with these observed prices;
`Attempt`: this call is about to be sent and this is what the rules say of it) and applies it when it is resumed.
So the same run drives a model alone (`run`) or, step by step, a chain beside it (`forks.aave_v3.twin`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from protocol.aave_v3 import (
    AccountData,
    Liquidated,
    LiquidationCall,
    Market,
    ReserveId,
    Revert,
    User,
    account_data,
    liquidation_call,
    viewed_at,
)
from protocol.aave_v3.health import Valuation
from protocol.aave_v3.pairs import is_toxic, position_values
from protocol.aave_v3.validation import HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD
from protocol.units import BASE_PER_USD
from stress.causes import Cause
from stress.liquidators import Bot, BoundMoney
from stress.opportunity import Opportunity
from stress.prices import Prices, without_lag
from stress.scenario import Scenario


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A block: from here on the protocol reads these prices at this time."""

    step: int
    timestamp: int
    observed_base: Mapping[ReserveId, int]
    changed: tuple[ReserveId, ...]
    """The reserves whose observed price moved in this block; all of them in the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A liquidation call about to be sent, with what the model says before it is."""

    step: int
    timestamp: int
    bot: str
    call: LiquidationCall
    market: Market
    """As the call finds it."""
    observed_base: Mapping[ReserveId, int]
    market_base: Mapping[ReserveId, int]
    before: AccountData
    predicted: Liquidated | Revert
    gas_cost_usd: float

    def paid_usd(self, outcome: Liquidated) -> float:
        """What was repaid, at the observed price."""
        unit = 10 ** self.market.reserves[self.call.debt_id].config.decimals
        return outcome.debt_repaid * self.observed_base[self.call.debt_id] / unit / BASE_PER_USD


@dataclass(frozen=True, kw_only=True, slots=True)
class Crash:
    """A market, a scenario and the prices laid out for it: all that a run needs."""

    market: Market
    scenario: Scenario
    prices: Prices
    bots: Mapping[str, User]
    """Account of each liquidator of the scenario, by name."""
    borrowers: tuple[User, ...]
    """Who is watched; accounts outside are part of the market and left alone."""

    def observed_at(self, step: int) -> dict[ReserveId, int]:
        """What the protocol reads in that block, by reserve id [base]."""
        return {i: self.prices.observed[r.symbol][step] for i, r in self.market.reserves.items()}

    def market_at(self, step: int) -> dict[ReserveId, int]:
        """What the market trades at in that block, by reserve id [base]."""
        return {i: self.prices.market[r.symbol][step] for i, r in self.market.reserves.items()}

    @property
    def timestamps(self) -> tuple[int, ...]:
        """Block times, one a step."""
        return self.prices.timestamps


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What is left when a crash is over."""

    market: Market
    attempts: tuple[Attempt, ...]
    first_below: Mapping[User, int] = field(default_factory=dict[User, int])
    """The step at which each borrower was first seen below health 1."""

    def liquidations(self) -> Iterator[tuple[Attempt, Liquidated]]:
        """The calls that went through, in order, with what they did."""
        for attempt in self.attempts:
            if isinstance(attempt.predicted, Liquidated):
                yield attempt, attempt.predicted


def removing(crash: Crash, causes: frozenset[Cause]) -> Crash:
    """The same crash in a world where these causes do not exist (those that live in the data)."""
    if "oracle_lag" in causes:
        crash = replace(crash, prices=without_lag(crash.prices))
    if "dust" in causes:
        rules = replace(crash.market.rules, enforces_min_leftover=False)
        crash = replace(crash, market=replace(crash.market, rules=rules))
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
    market: Market = field(init=False)
    attempts: list[Attempt] = field(init=False, default_factory=list)
    _bots: tuple[Bot, ...] = field(init=False)
    _below: set[User] = field(init=False, default_factory=set)
    """Who was below health 1 at the last look."""
    _first_below: dict[User, int] = field(init=False, default_factory=dict)
    _viewed: tuple[Market, int, Market] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.crash = removing(self.crash, self.without)
        self.market = self.crash.market
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
        return Run(market=self.market, attempts=tuple(self.attempts), first_below=self._first_below)

    def events(self) -> Iterator[Tick | Attempt]:
        """Yield every block and every call before it happens; resuming applies it."""
        last: dict[ReserveId, int] = {}
        owing = {user for user in self.crash.borrowers if self._owes(user)}
        for step, timestamp in enumerate(self.crash.timestamps[self.start :], self.start):
            observed = self.crash.observed_at(step)
            changed = tuple(i for i, price in observed.items() if last.get(i) != price)
            yield Tick(step=step, timestamp=timestamp, observed_base=observed, changed=changed)
            for user in self._liquidatable(observed, timestamp, frozenset(changed)):
                self._first_below.setdefault(user, step)
                yield from self._attempts_on(user, step, timestamp, observed)
                if not self._owes(user):
                    owing.discard(user)
            if not owing:
                return
            last = observed

    def _liquidatable(
        self, observed: Mapping[ReserveId, int], timestamp: int, changed: frozenset[ReserveId]
    ) -> list[User]:
        """Borrowers below health 1, largest debt first: the order in which money looks at them.

        An account is looked at when a price it depends on moved, and as long as it was below 1 at the last look.
        """
        found: list[tuple[int, User]] = []
        valuation = Valuation(self.market, prices_base=observed, timestamp=timestamp)
        for user in self.crash.borrowers:
            if user not in self._below and not self._depends_on(user, changed):
                continue
            totals = valuation.totals(self.market.accounts[user])
            if totals.health_factor_wad < HEALTH_FACTOR_LIQUIDATION_THRESHOLD_WAD:
                found.append((totals.debt_base, user))
        self._below = {user for _, user in found}
        return [user for _, user in sorted(found, key=lambda entry: (-entry[0], entry[1]))]

    def _owes(self, user: User) -> bool:
        positions = self.market.accounts[user].positions
        return any(position.scaled_variable_debt for position in positions.values())

    def _depends_on(self, user: User, changed: frozenset[ReserveId]) -> bool:
        """Whether the account may be worth something else now that these prices have moved."""
        if self.market.has_category_prices:
            return bool(changed)
        return not changed.isdisjoint(self.market.accounts[user].positions)

    def _view(self, timestamp: int) -> Market:
        """The market with its indices grown to now, made once for each state and time."""
        if self._viewed is None or self._viewed[0] is not self.market or self._viewed[1] != timestamp:
            self._viewed = (self.market, timestamp, viewed_at(self.market, timestamp))
        return self._viewed[2]

    def _attempts_on(
        self, user: User, step: int, timestamp: int, observed: Mapping[ReserveId, int]
    ) -> Iterator[Attempt]:
        """Each bot in turn sends at most one call; a blind one decides on what it saw when the block began."""
        now = at_first = self._opportunity(user, step, timestamp, observed)
        for bot in self._bots:
            attempt = self._attempt(bot, at_first if bot.rules.blind else now)
            if attempt is None:
                continue
            yield from self._send(bot, attempt)
            if isinstance(attempt.predicted, Liquidated):
                now = self._opportunity(user, step, timestamp, observed)

    def _opportunity(
        self, user: User, step: int, timestamp: int, observed: Mapping[ReserveId, int]
    ) -> Opportunity:
        scenario = self.crash.scenario
        market_base = self.crash.market_at(step)
        gwei = 0.0 if "gas" in self.without else scenario.gas_price_at(step * scenario.seconds_per_step)
        view = self._view(timestamp)
        collaterals, debts = position_values(view, user, prices_base=observed, timestamp=timestamp)
        gas_token_usd = self.crash.prices.market[scenario.gas_token][step] / BASE_PER_USD
        return Opportunity(
            market=view,
            user=user,
            step=step,
            timestamp=timestamp,
            observed_base=observed,
            market_base=market_base,
            gas_cost_usd=scenario.gas_units * gwei * 1e-9 * gas_token_usd,
            collaterals_base=collaterals,
            debts_base=debts,
        )

    def _attempt(self, bot: Bot, opportunity: Opportunity) -> Attempt | None:
        call = bot.would_send(opportunity)
        if call is None:
            return None
        if "toxic" in self.without and is_toxic(
            opportunity.market,
            call,
            prices_base=opportunity.observed_base,
            timestamp=opportunity.timestamp,
        ):
            return None
        return self._predict(bot, call, opportunity)

    def _predict(self, bot: Bot, call: LiquidationCall, now: Opportunity) -> Attempt:
        """What the call will meet: the market as it is now, whatever the bot decided on."""
        at = {"prices_base": now.observed_base, "timestamp": now.timestamp}
        return Attempt(
            step=now.step,
            timestamp=now.timestamp,
            bot=bot.rules.name,
            call=call,
            market=self.market,
            observed_base=now.observed_base,
            market_base=now.market_base,
            before=account_data(self.market, call.borrower, **at),
            predicted=liquidation_call(self.market, call, **at),
            gas_cost_usd=now.gas_cost_usd,
        )

    def _send(self, bot: Bot, attempt: Attempt) -> Iterator[Attempt]:
        yield attempt
        self.attempts.append(attempt)
        bot.sent(attempt.call.borrower, attempt.timestamp)
        if isinstance(attempt.predicted, Liquidated):
            self.market = attempt.predicted.market
            bot.paid(attempt.timestamp, attempt.paid_usd(attempt.predicted))
