"""Who liquidates: a bot with finite money that compares what it would seize, at market prices, with what it pays."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from protocol.aave_v3 import LiquidationCall, Market, ReserveId, Revert, User, liquidation_quote
from protocol.aave_v3.amounts import Seizure
from protocol.aave_v3.pairs import position_values
from protocol.units import MAX_UINT256
from stress.scenario import Liquidator

BASE_PER_USD = 10**8
LEFTOVER_USD = 1_001
"""What a careful bot leaves on both sides when the whole is not to be had: the dust rule asks for 1,000."""


@dataclass(kw_only=True, slots=True)
class BoundMoney:
    """Which bot has bound how much money, and when."""

    entries: dict[str, list[tuple[int, float]]] = field(default_factory=dict[str, list[tuple[int, float]]])
    """(timestamp, usd) by bot, in the order of time."""

    def bind(self, bot: str, timestamp: int, usd: float) -> None:
        self.entries.setdefault(bot, []).append((timestamp, usd))

    def bound(self, bot: str, since: int, until: int) -> float:
        """Dollars that `bot` bound in (since, until]."""
        entries = self.entries.get(bot, [])
        first = bisect_right(entries, (since, float("inf")))
        return sum(usd for _, usd in entries[first : bisect_right(entries, (until, float("inf")))])


@dataclass(frozen=True, kw_only=True, slots=True)
class Opportunity:
    """A borrower below health 1 as a bot sees it."""

    market: Market
    """With its indices grown to `timestamp`: for reading."""
    user: User
    step: int
    timestamp: int
    observed_base: Mapping[ReserveId, int]
    market_base: Mapping[ReserveId, int]
    gas_cost_usd: float


@dataclass(kw_only=True, slots=True)
class Bot:
    """A liquidator at work: its rules, its account and the money it has bound so far."""

    rules: Liquidator
    account: User
    taken: BoundMoney
    """Money bound by calls that are not part of this run; those of this run are added to `own`."""
    unlimited: bool = False
    own: BoundMoney = field(default_factory=BoundMoney)
    _last_sent: dict[User, int] = field(default_factory=dict)

    def would_send(self, seen: Opportunity) -> LiquidationCall | None:
        """The call it would send now, or None: no pair, no money, no profit, or too soon after the last try."""
        if (
            self.rules.blind
            and seen.timestamp < self._last_sent.get(seen.user, -(10**9)) + self.rules.retry_s
        ):
            return None
        pair = self._pair(seen)
        if pair is None:
            return None
        collateral, debt, debt_base = pair
        for cover in self._covers(seen, debt, debt_base):
            call = LiquidationCall(
                collateral_id=collateral,
                debt_id=debt,
                borrower=seen.user,
                liquidator=self.account,
                debt_to_cover=cover,
                receive_atoken=self.rules.receive_atoken,
            )
            if self._pays(seen, call):
                return call
        return None

    def sent(self, user: User, timestamp: int) -> None:
        self._last_sent[user] = timestamp

    def paid(self, timestamp: int, usd: float) -> None:
        self.own.bind(self.rules.name, timestamp, usd)

    def free_usd(self, timestamp: int) -> float:
        """Dollars it can pay at once."""
        if self.unlimited:
            return float("inf")
        since = timestamp - self.rules.turnaround_s
        name = self.rules.name
        bound = self.own.bound(name, since, timestamp) + self.taken.bound(name, since, timestamp)
        return self.rules.capital_usd - bound

    def _pair(self, seen: Opportunity) -> tuple[ReserveId, ReserveId, int] | None:
        """The largest collateral and the largest debt it can pay with that debt's value; ties by reserve id."""
        collaterals, debts = position_values(
            seen.market, seen.user, prices_base=seen.observed_base, timestamp=seen.timestamp
        )
        payable = {
            i: value
            for i, value in debts.items()
            if not self.rules.debt_assets or seen.market.reserves[i].symbol in self.rules.debt_assets
        }
        if not collaterals or not payable:
            return None
        debt = _largest(payable)
        return _largest(collaterals), debt, payable[debt]

    def _covers(self, seen: Opportunity, debt: ReserveId, debt_base: int) -> Iterator[int]:
        """Amounts it tries in turn: all that is allowed, what its money buys, and what leaves enough behind."""
        reserve = seen.market.reserves[debt]
        unit, price = 10**reserve.config.decimals, seen.observed_base[debt]
        free_usd = self.free_usd(seen.timestamp)
        if free_usd <= 0:
            return
        if free_usd == float("inf"):
            affordable = MAX_UINT256
        else:
            affordable = int(free_usd * BASE_PER_USD) * unit // price
        whole = debt_base * unit // price
        yield MAX_UINT256 if whole <= affordable else affordable
        if not self.rules.blind:
            rest = whole - LEFTOVER_USD * BASE_PER_USD * unit // price
            if min(rest, affordable) > 0:
                yield min(rest, affordable)

    def _pays(self, seen: Opportunity, call: LiquidationCall) -> bool:
        """Whether the call goes through and leaves a profit at market prices after gas.

        A blind bot reckons as if there were no dust rule: that is what it does not look at.
        """
        market = seen.market
        if self.rules.blind:
            market = replace(market, rules=replace(market.rules, enforces_min_leftover=False))
        outcome = liquidation_quote(market, call, prices_base=seen.observed_base, timestamp=seen.timestamp)
        if isinstance(outcome, Revert):
            return False
        return self._profit_usd(seen, call, outcome) >= self.rules.min_profit_usd

    def _profit_usd(self, seen: Opportunity, call: LiquidationCall, outcome: Seizure) -> float:
        def usd(reserve_id: ReserveId, amount: int) -> float:
            unit = 10 ** seen.market.reserves[reserve_id].config.decimals
            return amount * seen.market_base[reserve_id] / unit / BASE_PER_USD

        seized_usd = usd(call.collateral_id, outcome.collateral)
        return seized_usd - usd(call.debt_id, outcome.debt) - seen.gas_cost_usd


def _largest(values: Mapping[ReserveId, int]) -> ReserveId:
    return min(values, key=lambda reserve_id: (-values[reserve_id], reserve_id))
